/* test-job.c: how many workers and buffers a job gets, and what a capture tells
 * the disk before it reads. */
#include "tests/unit/engine.h"
#include "imager/job.h"

#define MIB (1u << 20)

static void shape_fits(void **state)
{
	static const size_t slots[] = { 64 << 10, MIB, 2 * MIB + 40960, 8 * MIB + 163840 };
	static const size_t workers[] = { 0, MIB, 3 * MIB };

	(void)state;
	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < 3; j++)
			for (int n = 1; n <= 64; n++) {
				struct job_options opt = { .workers = n };
				struct job_shape s = job_shape(&opt, workers[j], slots[i]);

				assert_in_range(s.workers, 1, n);
				assert_in_range(s.workers, 1, JOB_WORKERS_MAX);
				assert_in_range(s.slots, s.workers + 2, JOB_SLOTS_MAX);
				assert_true(s.workers * workers[j] + s.slots * slots[i] <= JOB_MEMORY);
			}
}

/* What the levels get at the default chunk size. */
static void shape_counts(void **state)
{
	struct job_options two = { .workers = 2 }, many = { .workers = 64 };
	struct job_options none = { .workers = -1 };
	size_t slot = 2 * MIB + 40960;
	struct job_shape s = job_shape(&two, MIB, slot);

	(void)state;
	assert_int_equal(s.workers, 2);
	assert_int_equal(s.slots, 8);
	s = job_shape(&many, MIB, slot);
	assert_int_equal(s.workers, 14);
	s = job_shape(&none, MIB, slot);
	assert_int_equal(s.workers, 0);
	assert_int_equal(s.slots, 1);
	/* never none where some were wanted */
	s = job_shape(&many, 2 * JOB_MEMORY, slot);
	assert_int_equal(s.workers, 1);
}

/* ---- reading ahead ---- */

struct watch {
	struct blkdev d;
	unsigned char told[16 << 11];  /* by unit of 16 MiB */
	uint64_t told_bytes, read_bytes, most_ahead;
};

static int watch_read(struct blkdev *d, uint64_t off, void *buf, size_t len,
		      struct err *e)
{
	struct watch *w = (struct watch *)d;

	(void)e;
	for (uint64_t u = off / 512; u < (off + len) / 512; u++)
		assert_true(w->told[u]);
	w->read_bytes += len;
	memset(buf, 7, len);
	return 0;
}

static void watch_will_need(struct blkdev *d, uint64_t off, uint64_t len)
{
	struct watch *w = (struct watch *)d;

	for (uint64_t u = off / 512; u < (off + len) / 512; u++) {
		assert_false(w->told[u]);
		w->told[u] = 1;
	}
	w->told_bytes += len;
	if (w->told_bytes - w->read_bytes > w->most_ahead)
		w->most_ahead = w->told_bytes - w->read_bytes;
}

/* Every read was announced, nothing twice, nothing that isn't read. */
static struct watch *captured(uint32_t chunk, uint64_t step, uint64_t len)
{
	static const struct blkdev_ops ops = {
		.read = watch_read, .will_need = watch_will_need,
	};
	struct watch *w = calloc(1, sizeof *w);
	struct capture_options opt = test_options(-1);
	struct mem_out *m = mem_out_new(20 << 20);
	struct capture_result res;
	struct extents *x;
	struct err e;

	opt.chunk_size = chunk;
	w->d = (struct blkdev){ .ops = &ops, .size = 16 << 20, .sector_size = 512,
				.phys_size = 512, .name = (char *)"watched" };
	assert_ok(extents_new(w->d.size, 512, 1 << 20, &x, &e));
	for (uint64_t off = 0; off < w->d.size; off += step)
		assert_ok(extents_add(x, off, len, &e));
	assert_ok(capture_run(&w->d, x, &opt, &m->s, NULL, &res, &e));
	assert_int_equal(w->told_bytes, w->read_bytes);
	extents_free(x);
	mem_out_free(m);
	return w;
}

static void ahead_of_full_disk(void **state)
{
	struct watch *w = captured(MIB, 16 << 20, 16 << 20);

	(void)state;
	assert_int_equal(w->most_ahead, 8 << 20);
	free(w);
}

/* One unit of each chunk: many small requests, still bounded. */
static void ahead_of_sparse_map(void **state)
{
	struct watch *w = captured(65536, 65536, 512);

	(void)state;
	assert_int_equal(w->most_ahead, 64 * 512);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shape_fits),
		cmocka_unit_test(shape_counts),
		cmocka_unit_test(ahead_of_full_disk),
		cmocka_unit_test(ahead_of_sparse_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
