/* test-fit.c: how large a disk must be: the calculation over tables of all
 * kinds, what of an image counts as used without the backup GPT, and whether
 * --verify sees all that was written to a smaller disk. */
#include "tests/unit/engine.h"
#include "imager/fit.h"
#include "imager/part/gpt-disk.h"

#define MB (1024ull * 1024)
#define DISK (100 * MB)
#define LEN(a) (sizeof(a) / sizeof *(a))

static const struct image_params params = {
	.disk_size = DISK, .used_bytes = MB, .used_end = DISK, .sector_size = 512,
	.chunk_size = 1 << 20,
};

/* As sfdisk makes it: 34 sectors in front, 33 at the end. */
static struct part_range gpt_ranges[] = {
	{ 0, 512, "MBR" }, { 512, 512, "GPT" }, { 1024, 16384, "GPT" },
	{ DISK - 16896, 16384, "GPT backup" }, { DISK - 512, 512, "GPT backup" },
};

static struct fit table(const char *kind, struct partition *parts, size_t n, uint64_t used)
{
	struct part_table t = { .sector_size = 512, .parts = parts, .n_parts = n };
	struct fit f;

	snprintf(t.kind, sizeof t.kind, "%s", kind);
	t.ranges = gpt_ranges;
	t.n_ranges = strcmp(kind, "gpt") ? 1 : LEN(gpt_ranges);
	fit_table(&params, &t, used, &f);
	return f;
}

static void gpt(void **state)
{
	struct partition p[] = { { .number = 1, .start = MB, .size = 9 * MB },
				 { .number = 7, .start = 20 * MB, .size = 30 * MB } };
	struct fit f = table("gpt", p, 2, 12 * MB);

	(void)state;
	assert_int_equal(f.smallest, 50 * MB + 16896);
	assert_int_equal(f.copy_end, 50 * MB);
	assert_string_equal(f.why, "partition 7 ends at byte 52428800, and the backup partition table needs 16896 bytes behind it");
	/* what is used behind the last partition, not a multiple of a sector */
	f = table("gpt", p, 2, 60 * MB + 100);
	assert_int_equal(f.smallest, 60 * MB + 512 + 16896);
	assert_int_equal(f.copy_end, 60 * MB + 512);
	assert_non_null(strstr(f.why, "what is used ends at byte 62914660"));
	/* no room for another backup below the old end */
	p[1].size = DISK - 20 * MB - 16896;
	f = table("gpt", p, 2, 12 * MB);
	assert_int_equal(f.smallest, DISK);
	p[1].size = DISK - 20 * MB;
	f = table("gpt", p, 2, DISK);
	assert_int_equal(f.smallest, DISK);
	/* no partition: the table itself */
	f = table("gpt", p, 0, 0);
	assert_int_equal(f.smallest, 1024 + 16384 + 16896);
	assert_non_null(strstr(f.why, "the partition table ends at byte 17408"));
}

static void mbr(void **state)
{
	struct partition p[] = { { .number = 2, .start = MB, .size = 60 * MB, .flags = PART_EXTENDED },
				 { .number = 5, .start = 2 * MB, .size = 3 * MB, .flags = PART_LOGICAL } };
	struct fit f = table("mbr", p, 2, 4 * MB);

	(void)state;
	/* the extended partition counts though it holds less */
	assert_int_equal(f.smallest, 61 * MB);
	assert_string_equal(f.why, "partition 2 ends at byte 63963136");
	f = table("mbr", p, 2, 99 * MB);
	assert_int_equal(f.smallest, 99 * MB);
	assert_string_equal(f.why, "what is used ends at byte 103809024");
	/* partition and use end together: the partition is named */
	f = table("mbr", p, 2, 61 * MB);
	assert_string_equal(f.why, "partition 2 ends at byte 63963136");
}

static void checked(void **state)
{
	struct blkdev *d;
	uint8_t byte[8192];
	struct fit f;
	struct err e;

	(void)state;
	assert_int_equal(dev_mem(byte, sizeof byte, 0, &d, &e), 0);
	f = (struct fit){ .disk_size = 9000, .sector_size = 512, .smallest = 8192, .used_end = 9000,
			  .copy_end = 7000, .why = "partition 3 ends at byte 8192" };
	assert_int_equal(fit_check(&f, d, &e), 0);
	assert_true(fit_limit(&f, 8999) == 7000 && fit_limit(&f, 9000) == UINT64_MAX);
	f.sector_size = 4096;
	assert_int_equal(fit_check(&f, d, &e), ERR_REFUSED);
	assert_non_null(strstr(e.msg, "sectors of 512 bytes"));
	f.smallest = 8193;
	assert_int_equal(fit_check(&f, d, &e), ERR_REFUSED);
	assert_non_null(strstr(e.msg, "has 8192 bytes, the image needs 8193, 1 are missing: partition 3 ends"));
	dev_close(d);
}

/* ---- the index ---- */

static const struct { uint64_t off, len; } used[] = {
	{ 0, 1024 }, { 3 * MB, 4096 }, { 5 * MB - 1024, 2048 }, { 7 * MB + 512, 512 },
};

static void ends(void **state)
{
	static const struct { struct byte_range except[2]; size_t n; uint64_t end; } want[] = {
		{ { { 0 } }, 0, 7 * MB + 1024 },
		{ { { 7 * MB, 4096 } }, 1, 5 * MB + 1024 },
		/* a range cut in the middle, one in the middle of the disk */
		{ { { 5 * MB + 512, 1 }, { 7 * MB, 1024 } }, 2, 5 * MB + 1024 },
		{ { { 5 * MB + 512, 512 }, { 7 * MB, 1024 } }, 2, 5 * MB + 512 },
		{ { { 5 * MB - 4096, 3 * MB } }, 1, 3 * MB + 4096 },
		{ { { 512, 100 * MB } }, 1, 512 },
		{ { { 0, 100 * MB } }, 1, 0 },
		/* only the end is cut off */
		{ { { 0, 6 * MB } }, 1, 7 * MB + 1024 },
	};
	uint8_t *disk = malloc(8 * MB);
	struct mem_out *m = mem_out_new(8 * MB);
	struct capture_options co = test_options(-1);
	struct capture_result cr;
	struct extents *x;
	struct blkdev *d, *f;
	struct image *im;
	struct fit fit;
	struct err e;

	(void)state;
	memset(disk, 7, 8 * MB);
	assert_int_equal(dev_mem(disk, 8 * MB, 0, &d, &e), 0);
	assert_int_equal(extents_new(8 * MB, 512, 1000, &x, &e), 0);
	for (size_t i = 0; i < LEN(used); i++)
		assert_int_equal(extents_add(x, used[i].off, used[i].len, &e), 0);
	assert_int_equal(capture_run(d, x, &co, &m->s, NULL, &cr, &e), 0);
	assert_int_equal(dev_mem(m->bytes, m->len, 0, &f, &e), 0);
	assert_int_equal(image_open(f, NULL, &im, &e), 0);
	for (size_t i = 0; i < LEN(want); i++) {
		uint64_t end;

		assert_int_equal(image_end_without(im, want[i].except, want[i].n, &end, &e), 0);
		assert_int_equal(end, want[i].end);
	}
	/* nobody knows how much of a disk without a table must be there */
	assert_int_equal(fit_image(im, "img", &fit, &e), 0);
	assert_int_equal(fit.smallest, 8 * MB);
	assert_non_null(strstr(fit.why, "no partition table"));
	fit_pipe(image_params(im), &fit);
	assert_int_equal(fit.smallest, 8 * MB);
	assert_non_null(strstr(fit.why, "used up to byte 7341056"));
	image_close(im);
	extents_free(x);
	dev_close(f);
	dev_close(d);
	mem_out_free(m);
	free(disk);
}

/* ---- reading back ---- */

#define SMALL (6 * MB)
#define PART_END (5 * MB)

static void put_header(uint8_t *disk, uint64_t at, uint64_t other, uint64_t entries)
{
	struct gpt_header_disk h = {
		.magic = "EFI PART", .revision = le32_make(0x10000), .header_size = le32_make(92),
		.my_lba = le64_make(at), .other_lba = le64_make(other),
		.first_usable = le64_make(34), .last_usable = le64_make(SMALL / 512 - 34),
		.disk_guid = "0123456789abcde", .entries_lba = le64_make(entries),
		.n_entries = le32_make(128), .entry_size = le32_make(128),
		.entries_crc = le32_make(gpt_crc32(disk + 1024, 16384)),
	};

	h.header_crc = le32_make(gpt_crc32((uint8_t *)&h, 92));
	memcpy(disk + at * 512, &h, sizeof h);
}

/* One partition [1 MiB, PART_END), all of it in use. */
static void gpt_disk(uint8_t *disk)
{
	static const struct gpt_entry_disk one = {
		.type = { 0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47,
			  0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4 },
		.uuid = "fedcba987654321",
	};
	static const uint8_t entry[16] = { 0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff, 1 };
	struct gpt_entry_disk e = one;
	uint64_t last = SMALL / 512 - 1, seed = 4;

	memset(disk, 0, SMALL);
	e.first = le64_make(MB / 512);
	e.last = le64_make(PART_END / 512 - 1);
	memcpy(disk + 446, entry, sizeof entry);
	disk[446 + 12] = (uint8_t)last;
	disk[446 + 13] = (uint8_t)(last >> 8);
	disk[510] = 0x55;
	disk[511] = 0xaa;
	memcpy(disk + 1024, &e, sizeof e);
	memcpy(disk + SMALL - 33 * 512, &e, sizeof e);
	put_header(disk, 1, last, 2);
	put_header(disk, last, 1, last - 32);
	for (uint64_t i = MB; i < PART_END; i++)
		disk[i] = (uint8_t)rnd(&seed);
}

/* Writes well, and reads one byte wrongly. */
struct liar {
	struct blkdev d;
	uint8_t *bytes;
	uint64_t at;
};

static int liar_read(struct blkdev *d, uint64_t off, void *buf, size_t len, struct err *e)
{
	struct liar *l = (struct liar *)d;

	(void)e;
	memcpy(buf, l->bytes + off, len);
	if (l->at >= off && l->at - off < len)
		((uint8_t *)buf)[l->at - off] ^= 1;
	return 0;
}

static int liar_write(struct blkdev *d, uint64_t off, const void *buf, size_t len,
		      struct err *e)
{
	(void)e;
	memcpy(((struct liar *)d)->bytes + off, buf, len);
	return 0;
}

/* Chunks of 4 MiB: the second one holds used bytes and the old backup. */
static void read_back(void **state)
{
	static const uint64_t lies[] = { MB + 5, 4 * MB, PART_END - 1, PART_END + 262144 - 512 };
	static const struct blkdev_ops ops = { .read = liar_read, .write = liar_write };
	const uint64_t size = PART_END + 262144;
	uint8_t *disk = malloc(SMALL), *back = malloc(size);
	struct mem_out *m = mem_out_new(2 * SMALL);
	struct capture_options co = test_options(-1);
	struct restore_options ro = { .job.workers = 1, .verify = 1 };
	struct capture_result cr;
	struct restore_result rr;
	struct store_in *in;
	struct blkdev *d, *f;
	struct extents *x;
	struct err e;

	(void)state;
	co.chunk_size = IMAGE_CHUNK_MAX;
	gpt_disk(disk);
	assert_ok(dev_mem(disk, SMALL, 0, &d, &e));
	assert_ok(extents_new(SMALL, 512, 1000, &x, &e));
	assert_ok(extents_add(x, 0, PART_END, &e));
	assert_ok(extents_add(x, SMALL - 33 * 512, 33 * 512, &e));
	assert_ok(capture_run(d, x, &co, &m->s, NULL, &cr, &e));
	assert_ok(dev_mem(m->bytes, m->len, 0, &f, &e));
	for (size_t i = 0; i <= LEN(lies); i++) {
		struct liar l = { .d = { .ops = &ops, .size = size, .sector_size = 512, .name = (char *)"liar" },
				  .bytes = back, .at = i < LEN(lies) ? lies[i] : UINT64_MAX };

		assert_ok(store_open_dev(f, 0, &in, &e));
		memset(back, 0x5a, size);
		if (i == LEN(lies)) {
			assert_ok(restore_run(in, &l.d, &ro, NULL, &rr, &e));
			assert_int_equal(rr.gpt_moved, 1);
			assert_memory_equal(back + MB, disk + MB, PART_END - MB);
		} else {
			assert_int_equal(restore_run(in, &l.d, &ro, NULL, &rr, &e), ERR_IO);
			assert_non_null(strstr(e.msg, "isn't what was written"));
		}
		store_close(in);
	}
	extents_free(x);
	dev_close(f);
	dev_close(d);
	mem_out_free(m);
	free(disk);
	free(back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gpt), cmocka_unit_test(mbr), cmocka_unit_test(checked),
		cmocka_unit_test(ends), cmocka_unit_test(read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
