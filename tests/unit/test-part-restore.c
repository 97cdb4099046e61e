/* test-part-restore.c: a partition of an image into a disk's table: by any number of
 * workers, and where it may go. */
#include <dirent.h>
#include "tests/unit/engine.h"
#include "common/le.h"
#include "imager/part-restore.h"

#define MB (1u << 20)
#define SIZE (8 * MB)
#define START (3 * MB + 512)
#define LEN (3 * MB)
#define STRIPE 5120u

struct fixture {
	uint8_t *source, *target;
	struct mem_out *m;
	struct blkdev *file, *disk;   /* the image; a device over target */
	struct image *im;
};

/* An MBR with one partition. */
static void put_table(uint8_t *disk, uint32_t start, uint32_t len, uint8_t type)
{
	le32 v[2] = { le32_make(start / 512), le32_make(len / 512) };

	memset(disk, 0, 512);
	disk[446 + 4] = type;
	memcpy(disk + 446 + 8, v, sizeof v);
	disk[510] = 0x55;
	disk[511] = 0xaa;
}

/* The source is captured in stripes, `change` edits it first. */
static void begin(struct fixture *k, uint64_t stripe, void (*change)(uint8_t *disk))
{
	struct capture_options opt = test_options(-1);
	uint64_t seed = 5;
	struct blkdev *d;
	struct err e;

	opt.chunk_size = 65536;
	k->source = malloc(SIZE);
	k->target = malloc(SIZE);
	fill_disk(k->source, SIZE, &seed);
	put_table(k->source, START, LEN, 0x83);
	if (change)
		change(k->source);
	memset(k->target, 0xee, SIZE);
	put_table(k->target, START, LEN, 0x83);
	assert_ok(dev_mem(k->source, SIZE, 0, &d, &e));
	k->m = capture_stripes(d, stripe, &opt);
	dev_close(d);
	assert_ok(dev_mem(k->m->bytes, k->m->len, 0, &k->file, &e));
	assert_ok(image_open(k->file, NULL, &k->im, &e));
	assert_ok(dev_mem(k->target, SIZE, 1, &k->disk, &e));
}

static void end(struct fixture *k)
{
	image_close(k->im);
	dev_close(k->file);
	dev_close(k->disk);
	mem_out_free(k->m);
	free(k->source);
	free(k->target);
}

/* ---- workers ---- */

static unsigned int threads;

static void count_threads(void *ctx, const char *step, uint64_t done, uint64_t total,
			  uint64_t written)
{
	DIR *d = opendir("/proc/self/task");
	unsigned int n = 0;

	(void)ctx, (void)step, (void)done, (void)total, (void)written;
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	if (threads < n)
		threads = n;
}

static void workers(void **state)
{
	static const struct job_events ev = { .progress = count_threads };
	static const int numbers[] = { -1, 1, 3 };
	struct part_wish w = { .only = "1", .image_name = "x.rhi" };
	unsigned int before;
	struct fixture k;
	struct err e;

	(void)state;
	begin(&k, STRIPE, NULL);
	threads = 0;
	count_threads(NULL, NULL, 0, 0, 0);
	before = threads;
	for (size_t i = 0; i < 3; i++) {
		struct part_restore_options opt = { .job.workers = numbers[i], .verify = 1 };
		const struct part_place *at = NULL;
		struct restore_result res = { 0 };
		struct part_plan p;

		memset(k.target + 512, 0xee, SIZE - 512);
		assert_ok(part_plan(k.im, k.disk, &w, &p, &e));
		threads = 0;
		assert_ok(part_restore_run(k.im, k.disk, &p, &opt, &ev, &res, &at, &e));
		/* the one that fills, and the workers */
		assert_int_equal(threads - before, numbers[i] < 0 ? 0 : 1 + numbers[i]);
		for (uint64_t x = 512; x < SIZE; x++) {
			int in = x >= START && x < START + LEN;

			if (in && x / STRIPE % 2 == 0 ? k.target[x] != k.source[x] : !in && k.target[x] != 0xee)
				fail_msg("byte %llu is 0x%02x", (unsigned long long)x, k.target[x]);
		}
		part_plan_done(&p);
	}
	end(&k);
}

/* ---- where it may go ---- */

static void planned(struct fixture *k, struct blkdev *target, const struct part_wish *w,
		    const char *refusal)
{
	struct part_plan p = { 0 };
	struct err e;

	if (!refusal) {
		assert_ok(part_plan(k->im, target, w, &p, &e));
		assert_int_equal(p.n, 1);
		assert_int_equal(p.v->to_start, START);
		assert_int_equal(p.v->to, w->whole ? 0 : START);
	} else {
		assert_int_equal(part_plan(k->im, target, w, &p, &e), ERR_REFUSED);
		if (!strstr(e.msg, refusal))
			fail_msg("\"%s\" isn't in: %s", refusal, e.msg);
	}
	part_plan_done(&p);
}

/* A target that is a partition itself is looked up in its disk's table. */
static void into_a_partition_itself(void **state)
{
	struct part_wish w = { .only = "1", .image_name = "x.rhi", .part_start = START };
	struct fixture k;
	struct blkdev *part;
	struct err e;

	(void)state;
	begin(&k, STRIPE, NULL);
	w.whole = k.disk;
	assert_ok(dev_window(k.disk, START, LEN, &part, &e));
	planned(&k, part, &w, NULL);
	put_table(k.target, START, LEN, 0x82);
	planned(&k, part, &w, "has the type 0x82");
	put_table(k.target, START, LEN + 512, 0x83);
	planned(&k, part, &w, "isn't a partition as the table");
	put_table(k.target, START - 512, LEN, 0x83);
	planned(&k, part, &w, "isn't a partition as the table");
	memset(k.target, 0, 512);
	planned(&k, part, &w, "has no partition table");
	dev_close(part);
	end(&k);
}

/* A superblock of version 0.90, near the partition's end. */
static void add_raid(uint8_t *disk)
{
	uint8_t *at = disk + START + (LEN & ~0xffffu) - 0x10000;
	le32 w[1024] = { [0] = le32_make(0xa92b4efc), [2] = le32_make(90) };
	uint64_t sum = 0;

	for (size_t i = 0; i < 1024; i++)
		sum += le32_get(w[i]);
	w[38] = le32_make((uint32_t)(sum + (sum >> 32)));
	memcpy(at, w, sizeof w);
}

static void raid_members(void **state)
{
	struct part_wish w = { .only = "1", .image_name = "x.rhi" };
	struct fixture k;

	(void)state;
	begin(&k, SIZE, add_raid);
	planned(&k, k.disk, &w, NULL);
	put_table(k.target, START, LEN + MB, 0x83);
	planned(&k, k.disk, &w, "described at its end");
	w.into = "1";
	planned(&k, k.disk, &w, "described at its end");
	end(&k);
	begin(&k, SIZE, NULL);
	put_table(k.target, START, LEN + MB, 0x83);
	planned(&k, k.disk, &w, NULL);
	end(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers),
		cmocka_unit_test(into_a_partition_itself),
		cmocka_unit_test(raid_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
