/* test-late.c: images in which chunks come late: written with some of the chunks
 * put off, then read in every way; one record damaged at a time. */
#include "tests/unit/engine.h"
#include "tests/unit/cutdev.h"
#include "imager/fmt/chunk.h"

#define CHUNK 65536u
#define SIZE (130u << 20)         /* three pages of the index */
#define USED 4096u                /* bytes of each chunk      */

struct late_image {
	uint8_t *disk;
	struct mem_out *m;
};

static int is_in(uint64_t n, const uint64_t *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == n)
			return 1;
	return 0;
}

static void write_chunk(struct image_writer *w, struct codec *c, uint8_t *disk,
			uint64_t n)
{
	static uint8_t mem[1 << 20], packed[1 << 20];
	struct chunk_map map = { 0, USED / 512 };
	struct chunk_in in = { .number = n, .plain_len = USED, .map_count = 1, .map = &map,
			       .plain = mem + chunk_room(CHUNK) };
	struct chunk_out out;
	struct err e;

	memcpy(in.plain, disk + n * CHUNK, USED);
	assert_ok(chunk_pack(c, &in, NULL, packed, &out, &e));
	assert_ok(image_writer_chunk(w, &out, &e));
}

static int sink_append(void *ctx, const void *buf, size_t len, struct err *e)
{
	return store_append(ctx, buf, len, e);
}

static struct late_image *write_late(uint64_t size, const uint64_t *off, size_t n_off)
{
	struct late_image *im = calloc(1, sizeof *im);
	struct image_params p = { .disk_size = size, .used_bytes = size / CHUNK * USED,
				  .used_end = size - CHUNK + USED, .sector_size = 512,
				  .chunk_size = CHUNK, .hash = HASH_SHA256, .created = 1700000000 };
	struct image_sink sink = { .append = sink_append };
	struct image_writer *w;
	struct codec *c;
	uint64_t seed = 3;
	uint8_t digest[32];
	struct err e;

	im->disk = malloc(size);
	fill_disk(im->disk, size, &seed);
	for (uint64_t n = 0; n < size / CHUNK; n++) {
		im->disk[n * CHUNK] |= 1; /* no chunk is all zeros */
		memset(im->disk + n * CHUNK + USED, 0, CHUNK - USED);
	}
	im->m = mem_out_new(size + (8 << 20));
	sink.ctx = &im->m->s;
	assert_ok(codec_new(HASH_SHA256, &(struct packing){ .level = 1 }, &c, &e));
	assert_ok(image_writer_new(&p, "{}", NULL, &sink, &w, &e));
	for (uint64_t n = 0; n < size / CHUNK; n++) {
		if (is_in(n, off, n_off))
			assert_ok(image_writer_put_off(w, n, &e));
		else
			write_chunk(w, c, im->disk, n);
	}
	/* those of odd number first, so that pages come three times */
	for (size_t k = 0; k < 2 * n_off; k++)
		if (off[k % n_off] % 2 == (k < n_off))
			write_chunk(w, c, im->disk, off[k % n_off]);
	assert_ok(image_writer_finish(w, NULL, 0, "{}", digest, &e));
	image_writer_free(w);
	codec_free(c);
	return im;
}

static void late_free(struct late_image *im)
{
	mem_out_free(im->m);
	free(im->disk);
	free(im);
}

static void read_at_random(const struct late_image *im, uint64_t size)
{
	uint8_t *buf = malloc(1 << 20);
	uint64_t seed = 8;
	struct blkdev *f;
	struct image *i;
	struct err e;

	assert_ok(dev_mem(im->m->bytes, im->m->len, 0, &f, &e));
	assert_ok(image_open(f, NULL, &i, &e));
	for (int k = 0; k < 40; k++) {
		uint64_t off = rnd(&seed) % size, len = 1 + rnd(&seed) % (1 << 20);

		if (len > size - off)
			len = size - off;
		assert_ok(image_read(i, off, buf, len, &e));
		assert_memory_equal(buf, im->disk + off, len);
	}
	image_close(i);
	dev_close(f);
	free(buf);
}

static void round_trip(const uint64_t *off, size_t n_off)
{
	struct late_image *im = write_late(SIZE, off, n_off);
	struct verify_options vo = { .job.workers = 2 };
	struct restore_options ro = { .job.workers = 2, .verify = 1 };
	struct verify_result v;
	struct restore_result res;
	uint8_t *back = malloc(SIZE);
	struct err e;

	assert_ok(verify_bytes(im->m->bytes, im->m->len, &vo, &v, &e));
	assert_true(v.ok);
	assert_int_equal(v.bytes, SIZE / CHUNK * USED);
	for (int as_pipe = 0; as_pipe < 2; as_pipe++) {
		ro.verify = !as_pipe;
		memset(back, 0, SIZE);
		assert_ok(restore_bytes(im->m->bytes, im->m->len, back, SIZE, as_pipe, &ro,
					NULL, &res, &e));
		assert_memory_equal(back, im->disk, SIZE);
	}
	read_at_random(im, SIZE);
	free(back);
	late_free(im);
}

static void round_trips(void **state)
{
	static const uint64_t first[] = { 0 }, last[] = { SIZE / CHUNK - 1 },
		last_of_page[] = { 1023 }, each_page[] = { 0, 5, 6, 1024, 1500, 2047, 2048, 2079 };
	uint64_t whole_page[SIZE / CHUNK];

	(void)state;
	round_trip(first, 1);
	round_trip(last, 1);
	round_trip(last_of_page, 1);
	round_trip(each_page, sizeof each_page / sizeof *each_page);
	/* one that had no index page before, and the last one */
	for (uint64_t i = 0; i < 1024; i++)
		whole_page[i] = i;
	round_trip(whole_page, 1024);
	for (uint64_t i = 2048; i < SIZE / CHUNK; i++)
		whole_page[i - 2048] = i;
	round_trip(whole_page, SIZE / CHUNK - 2048);
}

static void out_of_order(void **state)
{
	struct image_params p = { .disk_size = 1 << 20, .used_bytes = 1 << 20, .used_end = 1 << 20,
				  .sector_size = 512, .chunk_size = CHUNK, .hash = HASH_SHA256 };
	struct mem_out *m = mem_out_new(2 << 20);
	struct image_sink sink = { .append = sink_append, .ctx = &m->s };
	struct chunk_out c = { .number = 3 };
	struct image_writer *w;
	struct err e;

	(void)state;
	assert_ok(image_writer_new(&p, "{}", NULL, &sink, &w, &e));
	assert_ok(image_writer_put_off(w, 5, &e));
	/* 3 wasn't put off: its page is kept, but it has its say in used_bytes */
	assert_int_equal(image_writer_put_off(w, 4, &e), ERR_INTERNAL);
	assert_int_equal(image_writer_put_off(w, 16, &e), ERR_INTERNAL);
	c.number = 17;
	assert_int_equal(image_writer_chunk(w, &c, &e), ERR_INTERNAL);
	image_writer_free(w);
	mem_out_free(m);
}

/* ---- damage ---- */

struct said { size_t off; int named; };

static void bad(void *ctx, const struct verify_bad *b)
{
	struct said *s = ctx;

	s->named |= b->offset == s->off;
}

/* One bit of each record's header and body, one after the other. */
static void damaged(void **state)
{
	static const uint64_t off[] = { 0, 3, 9, 10, 17 };
	struct late_image *im = write_late(20 * CHUNK, off, 5);
	struct said s;
	struct verify_options vo = { .job.workers = -1, .bad = bad, .bad_ctx = &s };
	struct verify_result v;
	struct err e;
	unsigned int records = 0;

	(void)state;
	for (size_t at = 0; at < im->m->len; records++) {
		struct record r;
		size_t body = at + IMAGE_HEAD_LEN;

		assert_null(record_get(im->m->bytes + at, &r));
		for (int k = 0; k < 1 + !!r.body_len; k++) {
			size_t where = k ? body + r.body_len / 2 : at + 0x21;

			s = (struct said){ .off = at };
			im->m->bytes[where] ^= 4;
			assert_ok(verify_bytes(im->m->bytes, im->m->len, &vo, &v, &e));
			assert_false(v.ok);
			assert_true(s.named);
			im->m->bytes[where] ^= 4;
		}
		at = body + r.body_len;
	}
	assert_int_equal(records, 2 + 20 + 2 + 4); /* the page twice: all are of one */
	late_free(im);
}

/* ---- a restore that is gone on with ---- */

static int restore_on(struct late_image *im, struct blkdev *t, enum restore_how how, struct err *e)
{
	struct restore_options opt = { .job.workers = -1, .how = how, .mark_bytes = 1 };
	struct restore_result res;
	struct blkdev *f;
	struct store_in *in;
	int r;

	assert_ok_(dev_mem(im->m->bytes, im->m->len, 0, &f, e));
	assert_ok_(store_open_dev(f, 0, &in, e));
	r = restore_run(in, t, &opt, NULL, &res, e);
	store_close(in);
	dev_close(f);
	return r;
}

/* Its mark must not count chunks that come late: killed at any write, it goes on and
 * none of them is missing. */
static void cut_restores(void **state)
{
	static const uint64_t off[] = { 5, 9, 10, 38 };
	const uint64_t size = 40 * CHUNK;
	struct late_image *im = write_late(size, off, 4);
	uint8_t *zeros = calloc(1, size);
	unsigned int resumed = 0;
	struct cutdev c;
	struct err e;

	(void)state;
	cut_new(&c, size);
	for (uint64_t n = 1;; n++) {
		int r;

		cut_begin(&c, zeros, CUT_KILL, n);
		if (restore_on(im, &c.d, RESTORE_ALL, &e) == 0)
			break;
		cut_restart(&c);
		r = restore_on(im, &c.d, RESTORE_RESUME, &e);
		resumed += r == 0;
		if (r == ERR_REFUSED) /* before the first write, or after the last */
			r = restore_on(im, &c.d, RESTORE_DELTA, &e);
		assert_int_equal(r, 0);
		assert_memory_equal(c.now, im->disk, size);
	}
	assert_true(resumed > 40);
	cut_free(&c);
	free(zeros);
	late_free(im);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips),
		cmocka_unit_test(out_of_order),
		cmocka_unit_test(damaged),
		cmocka_unit_test(cut_restores),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
