/* test-rescue.c: disks that can't be read everywhere: in which order they are read,
 * what comes of them, and how it ends when time or the disk runs out. */
#include <unistd.h>
#include "tests/unit/engine.h"
#include "imager/mapfile.h"

#define CHUNK 65536u
#define SIZE (16u << 20)
#define READS_MAX 60000

struct read { uint64_t off; size_t len; int fails; };

struct trial {
	uint8_t *disk;
	struct blkdev *d, *bad;
	struct extents *all;
	struct fault_plan plan;
	struct read read[READS_MAX];
	size_t n;
	int warnings;
	struct capture_options opt;
	struct capture_result res;
	struct mem_out *m;
};

static void seen(void *ctx, uint64_t off, size_t len, int fails)
{
	struct trial *t = ctx;

	assert_true(t->n < READS_MAX);
	t->read[t->n++] = (struct read){ off, len, fails };
}

static void warning(void *ctx, const char *code, const char *text, uint64_t off, uint64_t len)
{
	(void)code;
	(void)text;
	(void)off;
	(void)len;
	((struct trial *)ctx)->warnings++;
}

static struct trial *trial_new(uint64_t size, const struct fault_range *ranges, size_t n)
{
	struct trial *t = calloc(1, sizeof *t);
	uint64_t seed = 4;
	struct err e;

	t->disk = malloc(size);
	fill_disk(t->disk, size, &seed);
	for (uint64_t i = 0; i < size; i += 512)
		t->disk[i] |= 1; /* no sector is all zeros */
	assert_ok(dev_mem(t->disk, size, 0, &t->d, &e));
	t->plan = (struct fault_plan){ .ranges = ranges, .n = n, .seen = seen, .ctx = t };
	assert_ok(extents_new(size, 512, 1 << 20, &t->all, &e));
	assert_ok(extents_add(t->all, 0, size, &e));
	t->opt = test_options(2);
	t->opt.chunk_size = CHUNK;
	return t;
}

static int trial_capture(struct trial *t, struct err *e)
{
	struct job_events ev = { .warning = warning, .ctx = t };

	assert_int_equal(dev_faults(t->d, &t->plan, &t->bad, e), 0);
	t->m = mem_out_new(t->d->size + (4 << 20));
	return capture_run(t->bad, t->all, &t->opt, &t->m->s, &ev, &t->res, e);
}

static void trial_free(struct trial *t)
{
	mem_out_free(t->m);
	dev_close(t->bad);
	dev_close(t->d);
	extents_free(t->all);
	free(t->disk);
	free(t);
}

static void zero_sectors(struct trial *t, const struct fault_range *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		memset(t->disk + r[i].off, 0, r[i].len);
}

/* The image, restored both ways, is t->disk. */
static void image_is_disk(struct trial *t)
{
	uint64_t size = t->d->size;
	struct restore_options ro = { .job.workers = 2, .keep_gpt = 1 };
	struct restore_result rr;
	struct verify_options vo = { .job.workers = 2 };
	struct verify_result v;
	uint8_t *back = malloc(size);
	struct err e;

	assert_ok(verify_bytes(t->m->bytes, t->m->len, &vo, &v, &e));
	assert_true(v.ok);
	for (int as_pipe = 0; as_pipe < 2; as_pipe++) {
		memset(back, 0xA5, size);
		assert_ok(restore_bytes(t->m->bytes, t->m->len, back, size, as_pipe, &ro,
					NULL, &rr, &e));
		assert_memory_equal(back, t->disk, size);
	}
	free(back);
}

/* ---- the order of reads ---- */

/* Nothing is read a second time, or by less than a chunk, before all other chunks
 * were read; single sectors come last. */
static void good_areas_first(void **state)
{
	static const struct fault_range ranges[] = {
		{ 20 * CHUNK + 4096, 512, 0 }, { 21 * CHUNK, 512, 0 },
		{ 200 * CHUNK + 30000 / 512 * 512, 1024, 0 }, { 250 * CHUNK - 512, 512, 0 },
	};
	struct trial *t = trial_new(SIZE, ranges, 4);
	size_t first_again = SIZE_MAX, last_new = 0, first_sector = SIZE_MAX, last_large = 0;
	uint8_t *once = calloc(1, SIZE / CHUNK);
	struct err e;

	(void)state;
	assert_ok(trial_capture(t, &e));
	for (size_t i = 0; i < t->n; i++) {
		const struct read *r = &t->read[i];

		if (r->len == CHUNK && !once[r->off / CHUNK]) {
			once[r->off / CHUNK] = 1;
			if (!r->fails)
				last_new = i;
		} else if (first_again == SIZE_MAX) {
			first_again = i;
		}
		if (r->len == 512 && first_sector == SIZE_MAX)
			first_sector = i;
		if (r->len > 512)
			last_large = i;
	}
	assert_true(last_new < first_again);
	assert_true(last_large < first_sector);
	assert_int_equal(t->res.bad_bytes, 512 + 512 + 1024 + 512);
	assert_int_equal(t->res.bad_ranges, 4);
	assert_int_equal(t->warnings, 4);
	zero_sectors(t, ranges, 4);
	image_is_disk(t);
	free(once);
	trial_free(t);
}

/* A hard place is entered from both ends; what is in the middle comes last. */
static void from_both_ends(void **state)
{
	static const struct fault_range ranges[] = {
		{ 5 * CHUNK + 20 * 512, 512, 0 }, { 5 * CHUNK + 100 * 512, 512, 0 },
	};
	struct trial *t = trial_new(1 << 20, ranges, 2);
	unsigned int order[128], n = 0;
	struct err e;

	(void)state;
	t->opt.retry_passes = -1;
	assert_ok(trial_capture(t, &e));
	for (size_t i = 0; i < t->n; i++)
		if (t->read[i].len == 512)
			order[n++] = (unsigned int)(t->read[i].off % CHUNK / 512);
	assert_int_equal(n, 128);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(order[i], i <= 20 ? i :            /* 0 .. 20            */
				 i <= 48 ? 127 - (i - 21) :         /* 127 .. 100         */
				 i - 49 + 21);                      /* 21 .. 99           */
	trial_free(t);
}

/* Long damage is skipped in growing steps, and each of its chunks is tried then. */
static void long_damage(void **state)
{
	static const struct fault_range ranges[] = { { 60 * CHUNK, 150 * CHUNK, 0 } };
	struct trial *t = trial_new(SIZE, ranges, 1);
	unsigned int failed = 0;
	size_t i = 0;
	struct err e;

	(void)state;
	t->opt.retry_passes = -1;
	t->opt.chunk_size = CHUNK;
	t->d->phys_size = 65536; /* so that 150 chunks aren't read by the sector */
	assert_ok(trial_capture(t, &e));
	for (; !i || t->read[i].off > t->read[i - 1].off; i++) /* the first pass */
		failed += (unsigned int)t->read[i].fails;
	assert_true(failed < 12);
	assert_int_equal(t->res.bad_bytes, 150 * CHUNK);
	assert_int_equal(t->res.bad_ranges, 1);
	zero_sectors(t, ranges, 1);
	image_is_disk(t);
	trial_free(t);
}

/* ---- what can be read after all ---- */

static void comes_back(void **state)
{
	static const struct fault_range ranges[] = {
		{ 0, 512, 3 }, { 7 * CHUNK + 512, 512, 3 }, { 130 * CHUNK, 2 * CHUNK, 1 },
	};
	struct trial *t = trial_new(SIZE, ranges, 3);
	struct err e;

	(void)state;
	assert_ok(trial_capture(t, &e));
	assert_int_equal(t->res.bad_ranges, 0);
	assert_int_equal(t->warnings, 0);
	image_is_disk(t);
	trial_free(t);
	/* only the retry reads the first two */
	t = trial_new(SIZE, ranges, 3);
	t->opt.retry_passes = -1;
	assert_ok(trial_capture(t, &e));
	assert_int_equal(t->res.bad_ranges, 2);
	trial_free(t);
}

static void vanishes_and_returns(void **state)
{
	struct err e;

	(void)state;
	for (uint64_t at = 1; at < 256; at += 85) {
		struct trial *t = trial_new(SIZE, NULL, 0);

		t->plan.vanish_at = at;
		t->plan.vanish_for = 10;
		assert_ok(trial_capture(t, &e));
		assert_int_equal(t->res.bad_ranges, 0);
		image_is_disk(t);
		trial_free(t);
	}
}

static void vanishes(void **state)
{
	struct err e;

	(void)state;
	for (uint64_t at = 1; at < 256; at += 120) {
		struct trial *t = trial_new(SIZE, NULL, 0);

		t->plan.vanish_at = at;
		assert_int_equal(trial_capture(t, &e), ERR_IO);
		assert_non_null(strstr(e.msg, "still connected"));
		assert_true(t->n < at + 100);
		trial_free(t);
	}
}

/* ---- bounds ---- */

static void time_runs_out(void **state)
{
	static const struct fault_range ranges[] = { { 40 * CHUNK, 30 * CHUNK, 0 } };
	struct trial *t = trial_new(SIZE, ranges, 1);
	struct err e;

	(void)state;
	t->plan.slow_us = 2000;
	t->opt.retry_seconds = 0.2;
	assert_ok(trial_capture(t, &e));
	assert_true(t->res.seconds < 5);
	assert_int_equal(t->res.bad_bytes, 30 * CHUNK);
	assert_int_equal(t->warnings, 2); /* the range, and that there was no time */
	zero_sectors(t, ranges, 1);
	image_is_disk(t);
	trial_free(t);
}


static int cancelled(void *ctx)
{
	return ((struct trial *)ctx)->n > SIZE / CHUNK + 200;
}

/* A stop is heard in the middle of a hard place. */
static void stopped(void **state)
{
	static const struct fault_range ranges[] = { { 40 * CHUNK, 30 * CHUNK, 0 } };
	struct err e;

	(void)state;
	for (int workers = -1; workers < 3; workers += 3) {
		struct trial *t = trial_new(SIZE, ranges, 1);
		struct job_events ev = { .cancelled = cancelled, .ctx = t };

		t->plan.slow_us = 300;
		t->opt.job.workers = workers;
		assert_ok(dev_faults(t->d, &t->plan, &t->bad, &e));
		t->m = mem_out_new(SIZE + (4 << 20));
		assert_int_equal(capture_run(t->bad, t->all, &t->opt, &t->m->s, &ev, &t->res, &e),
				 ERR_CANCELLED);
		assert_true(t->n < SIZE / CHUNK + 1000);
		trial_free(t);
	}
}

/* More scattered damage than index pages may be kept: the rest is read at once. */
static void too_many_to_put_off(void **state)
{
	enum { PAGES = 200 };
	struct fault_range ranges[PAGES];
	const uint64_t page = 1024ull * CHUNK, size = PAGES * page;
	uint8_t *bytes = calloc(1, CHUNK);
	struct trial *t = trial_new(CHUNK, NULL, 0);
	struct err e;

	(void)state;
	/* one used chunk in each page: a window of the small disk each would do, but
	 * a sparse file is simpler */
	{
		char path[200];
		FILE *f;

		snprintf(path, sizeof path, "%s/sparse-%d", getenv("T") ? getenv("T") : "/tmp", getpid());
		f = fopen(path, "w");
		assert_non_null(f);
		for (unsigned int i = 0; i < PAGES; i++) {
			memset(bytes, 1 + (int)(i % 250), CHUNK);
			assert_int_equal(fseeko(f, (off_t)(i * page), SEEK_SET), 0);
			assert_int_equal(fwrite(bytes, CHUNK, 1, f), 1);
			ranges[i] = (struct fault_range){ i * page + 1024, 512, 0 };
		}
		assert_int_equal(ftruncate(fileno(f), (off_t)size), 0);
		fclose(f);
		dev_close(t->d);
		extents_free(t->all);
		assert_ok(dev_open_ro(path, &t->d, &e));
		unlink(path);
	}
	assert_ok(extents_new(size, 512, 1 << 20, &t->all, &e));
	for (unsigned int i = 0; i < PAGES; i++)
		assert_ok(extents_add(t->all, i * page, CHUNK, &e));
	t->plan.ranges = ranges;
	t->plan.n = PAGES;
	assert_int_equal(dev_faults(t->d, &t->plan, &t->bad, &e), 0);
	t->m = mem_out_new(PAGES * 2 * CHUNK + (4 << 20));
	{
		struct verify_options vo = { .job.workers = 2 };
		struct verify_result v;

		assert_ok(capture_run(t->bad, t->all, &t->opt, &t->m->s, NULL, &t->res, &e));
		assert_int_equal(t->res.bad_bytes, PAGES * 512);
		assert_ok(verify_bytes(t->m->bytes, t->m->len, &vo, &v, &e));
		assert_true(v.ok);
	}
	free(bytes);
	trial_free(t);
}

/* ---- the log ---- */

static void known_places(void **state)
{
	struct map_mark marks[] = {
		{ 10 * CHUNK, 512, MAP_BAD }, { 50 * CHUNK + 1024, 2048, MAP_UNSCRAPED },
	};
	struct mapfile known = { .mark = marks, .n = 2 };
	struct trial *t = trial_new(SIZE, NULL, 0);
	size_t chunks = 0;
	struct err e;

	(void)state;
	t->opt.known = &known;
	assert_ok(trial_capture(t, &e));
	/* the disk is good now: all of it is read, those chunks last */
	assert_int_equal(t->res.bad_ranges, 0);
	for (size_t i = 0; i < t->n; i++) {
		int hard = t->read[i].off / CHUNK == 10 || t->read[i].off / CHUNK == 50;

		if (!hard)
			chunks++;
		else
			assert_int_equal(chunks, SIZE / CHUNK - 2);
	}
	image_is_disk(t);
	trial_free(t);
	/* without retries what is known as bad isn't touched */
	t = trial_new(SIZE, NULL, 0);
	t->opt.known = &known;
	t->opt.retry_passes = -1;
	assert_ok(trial_capture(t, &e));
	assert_int_equal(t->res.bad_bytes, 512);
	for (size_t i = 0; i < t->n; i++)
		assert_true(t->read[i].off + t->read[i].len <= 10 * CHUNK ||
			    t->read[i].off >= 10 * CHUNK + 512);
	trial_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_areas_first),
		cmocka_unit_test(from_both_ends),
		cmocka_unit_test(long_damage),
		cmocka_unit_test(comes_back),
		cmocka_unit_test(vanishes_and_returns),
		cmocka_unit_test(vanishes),
		cmocka_unit_test(time_runs_out),
		cmocka_unit_test(stopped),
		cmocka_unit_test(too_many_to_put_off),
		cmocka_unit_test(known_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
