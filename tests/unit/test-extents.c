/* test-extents.c: the list of used ranges, against a naive bitmap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "imager/extents.h"

static struct extents *fresh(uint64_t size, uint32_t unit, size_t limit)
{
	struct extents *x = NULL;

	assert_int_equal(extents_new(size, unit, limit, &x, NULL), 0);
	return x;
}

static void expect(const struct extents *x, const uint64_t (*want)[2], size_t n)
{
	struct extents_cursor c;
	uint64_t off, len, sum = 0;

	extents_begin(x, &c);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(extents_next(&c, &off, &len), 1);
		assert_int_equal(off, want[i][0]);
		assert_int_equal(len, want[i][1]);
		sum += len;
	}
	assert_int_equal(extents_next(&c, &off, &len), 0);
	assert_int_equal(extents_next(&c, &off, &len), 0);
	assert_int_equal(extents_count(x), n);
	assert_int_equal(extents_bytes(x), sum);
	assert_int_equal(extents_end(x), n ? want[n - 1][0] + want[n - 1][1] : 0);
}
#define EXPECT(x, ...) do { \
	const uint64_t want_[][2] = { __VA_ARGS__ }; \
	expect(x, want_, sizeof want_ / sizeof *want_); } while (0)

static void empty(void **state)
{
	struct extents *x = fresh(1000, 512, 1000);

	(void)state;
	expect(x, NULL, 0);
	assert_int_equal(extents_add(x, 5, 0, NULL), 0);
	assert_int_equal(extents_add(x, 1000, 5, NULL), 0);
	expect(x, NULL, 0);
	extents_free(x);
	assert_null(extents_free(NULL));
}

static void rounds_merges_clips(void **state)
{
	struct extents *x = fresh(5000, 512, 1000);

	(void)state;
	assert_int_equal(extents_add(x, 600, 1, NULL), 0);     /* unit 1 */
	assert_int_equal(extents_add(x, 1024, 100, NULL), 0);  /* touches: unit 2 */
	EXPECT(x, { 512, 1024 });
	assert_int_equal(extents_add(x, 700, 10, NULL), 0);    /* inside */
	EXPECT(x, { 512, 1024 });
	assert_int_equal(extents_add(x, 2048, 512, NULL), 0);
	assert_int_equal(extents_add(x, 4999, UINT64_MAX, NULL), 0);
	EXPECT(x, { 512, 1024 }, { 2048, 512 }, { 4608, 392 });
	extents_free(x);
}

static void refuses_disorder(void **state)
{
	struct extents *x = fresh(1 << 20, 512, 1000);
	struct err e = { 0 };

	(void)state;
	assert_int_equal(extents_add(x, 8192, 512, NULL), 0);
	assert_int_equal(extents_add(x, 4096, 512, &e), ERR_INTERNAL);
	assert_non_null(strstr(e.msg, "4096"));
	EXPECT(x, { 8192, 512 });
	assert_int_equal(extents_new(1, 100, 1, &x, &e), ERR_INTERNAL);
	extents_free(x);
}

static void large_offsets(void **state)
{
	uint64_t size = (uint64_t)1 << 60;
	struct extents *x = fresh(size, 512, 1000);

	(void)state;
	assert_int_equal(extents_add(x, 0, 512, NULL), 0);
	assert_int_equal(extents_add(x, size - 1024, 512, NULL), 0);
	EXPECT(x, { 0, 512 }, { size - 1024, 512 });
	extents_free(x);
	/* the whole of the largest device: its end in units would overflow back */
	x = fresh(UINT64_MAX, 512, 1000);
	assert_int_equal(extents_add(x, 0, UINT64_MAX, NULL), 0);
	EXPECT(x, { 0, UINT64_MAX });
	extents_free(x);
}

static void appends_shifted(void **state)
{
	struct extents *a = fresh(1 << 20, 512, 1000), *b = fresh(1 << 16, 512, 1000);

	(void)state;
	assert_int_equal(extents_add(b, 0, 512, NULL), 0);
	assert_int_equal(extents_add(b, 4096, 512, NULL), 0);
	assert_int_equal(extents_add(a, 0, 65536, NULL), 0);
	assert_int_equal(extents_add_all(a, b, 65536, NULL), 0);
	EXPECT(a, { 0, 66048 }, { 69632, 512 });
	assert_int_equal(extents_add_all(a, b, UINT64_MAX - 100, NULL), ERR_INTERNAL);
	extents_free(a);
	extents_free(b);
}

/* Random lists against a byte per unit; a limit small enough that gaps are
 * swallowed in half of the runs. */
enum { UNITS = 4000 };

static unsigned int fill(struct extents *x, uint8_t *naive, uint32_t unit)
{
	uint64_t off = 0;
	unsigned int ranges = 0;

	while (off < (uint64_t)UNITS * unit) {
		uint64_t len = (uint64_t)rand() % (unit * 6u) + 1;

		assert_int_equal(extents_add(x, off, len, NULL), 0);
		for (uint64_t b = off; b < off + len && b < (uint64_t)UNITS * unit; b++)
			naive[b / unit] = 1;
		off += (uint64_t)rand() % (unit * (rand() % 10 ? 3u : 60u));
		ranges++;
	}
	return ranges;
}

static void against_bitmap(void **state)
{
	static const uint32_t units[] = { 1, 16, 512 };

	(void)state;
	for (unsigned int seed = 0; seed < 300; seed++) {
		uint32_t unit = units[seed % 3];
		int tight = seed % 2;
		struct extents *x = fresh((uint64_t)UNITS * unit, unit, tight ? 120 : 100000);
		struct extents_cursor c;
		uint8_t naive[UNITS] = { 0 }, seen[UNITS] = { 0 };
		uint64_t off, len, last = 0, extra = 0;
		int first = 1;

		srand(seed);
		fill(x, naive, unit);
		extents_begin(x, &c);
		while (extents_next(&c, &off, &len)) {
			assert_true(first || off > last); /* ascending, never touching */
			first = 0;
			last = off + len;
			for (uint64_t u = off / unit; u < last / unit; u++)
				seen[u] = 1;
		}
		for (size_t u = 0; u < UNITS; u++) {
			assert_true(seen[u] || !naive[u]); /* nothing is ever lost */
			extra += (seen[u] && !naive[u]) * (uint64_t)unit;
		}
		assert_int_equal(extra, extents_padded(x));
		if (!tight)
			assert_int_equal(extra, 0);
		else
			assert_true(extents_count(x) < 70);
		extents_free(x);
	}
}

static void swallows_smallest_gaps(void **state)
{
	struct extents *x = fresh(1 << 30, 512, 400);

	(void)state;
	/* 30 ranges with large gaps, 300 with small ones: the large gaps stay */
	for (unsigned int i = 0; i < 30; i++)
		assert_int_equal(extents_add(x, (uint64_t)i << 20, 512, NULL), 0);
	for (unsigned int i = 0; i < 300; i++)
		assert_int_equal(extents_add(x, (100ull << 20) + i * 1024, 512, NULL), 0);
	assert_true(extents_count(x) >= 31);
	assert_true(extents_padded(x) > 0);
	assert_true(extents_padded(x) <= 300 * 512);
	extents_free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),
		cmocka_unit_test(rounds_merges_clips),
		cmocka_unit_test(refuses_disorder),
		cmocka_unit_test(large_offsets),
		cmocka_unit_test(appends_shifted),
		cmocka_unit_test(against_bitmap),
		cmocka_unit_test(swallows_smallest_gaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
