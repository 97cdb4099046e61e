/* test-devmap: devices made of pieces, against a list of bytes; what is used of such a
 * device, mapped back by dev_piece_before(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "imager/dev/dev.h"

enum { N = 600, PIECES = 40 };

struct model {
	uint8_t below[2 * N];
	int place[N];               /* of each byte of the device, below */
	struct dev_piece v[PIECES];
	size_t n, n_read;
	int size;
};

static void add(struct model *m, int off, int at, int len, int chunk, int stride)
{
	m->v[m->n++] = (struct dev_piece){ (uint64_t)off, (uint64_t)len, (uint64_t)at,
					   (uint64_t)chunk, (uint64_t)stride };
}

/* Runs and stripes that follow each other; what is below, in between and mixed up. */
static void make(struct model *m, unsigned int seed)
{
	int below = 0;

	memset(m, 0, sizeof *m);
	srand(seed);
	for (int i = 0; i < 2 * N; i++)
		m->below[i] = (uint8_t)rand();
	while (m->size < N - 100 && m->n < PIECES / 2 - 4 && below < N) {
		int stripes = 1 + rand() % 4, chunk = 1 + rand() % 7, rows = 1 + rand() % 5;
		int len = chunk * rows, base = below;

		for (int k = 0; k < stripes; k++) {
			int i = stripes - 1 - k; /* the last one lies first */

			below += rand() % 9;
			add(m, below, m->size + i * chunk, len, stripes == 1 ? len : chunk,
			    stripes == 1 ? len : stripes * chunk);
			for (int x = 0; x < len; x++)
				m->place[m->size + i * chunk + x / chunk * stripes * chunk * (stripes > 1) +
					 (stripes > 1 ? x % chunk : x)] = below + x;
			below += len;
		}
		assert_true(base <= below);
		m->size += stripes * len;
	}
	m->n_read = m->n;
	for (size_t i = 0; i < m->n_read; i++) { /* a mirror of it all */
		m->v[m->n] = m->v[i];
		m->v[m->n++].off += N;
	}
}

static void reads_as_the_model(void **state)
{
	(void)state;
	for (unsigned int seed = 0; seed < 300; seed++) {
		struct model m;
		struct blkdev *below, *d;
		uint8_t buf[N];

		make(&m, seed);
		assert_int_equal(dev_mem(m.below, sizeof m.below, 0, &below, NULL), 0);
		assert_int_equal(dev_map(below, m.v, m.n_read, (uint64_t)m.size, &d, NULL), 0);
		for (int k = 0; k < 30; k++) {
			int at = rand() % m.size, len = rand() % (m.size - at + 1);

			assert_int_equal(dev_read(d, (uint64_t)at, buf, (size_t)len, NULL), 0);
			for (int i = 0; i < len; i++)
				assert_int_equal(buf[i], m.below[m.place[at + i]]);
		}
		assert_int_not_equal(dev_write(d, 0, buf, 1, NULL), 0);
		dev_close(d);
		dev_close(below);
	}
}

static void maps_back(void **state)
{
	(void)state;
	for (unsigned int seed = 0; seed < 300; seed++) {
		struct model m;

		make(&m, seed);
		for (int k = 0; k < 20; k++) {
			int at = rand() % m.size, end = at + rand() % (m.size - at + 1);
			uint8_t used[2 * N] = { 0 };

			for (size_t i = 0; i < m.n; i++)
				for (uint64_t x = dev_piece_before(&m.v[i], (uint64_t)at);
				     x < dev_piece_before(&m.v[i], (uint64_t)end); x++)
					used[m.v[i].off + x]++;
			for (int i = 0; i < m.size; i++) {
				assert_int_equal(used[m.place[i]], i >= at && i < end);
				assert_int_equal(used[m.place[i] + N], i >= at && i < end);
				used[m.place[i]] = used[m.place[i] + N] = 0;
			}
			for (int i = 0; i < 2 * N; i++)
				assert_int_equal(used[i], 0);
		}
	}
}

/* A byte that no piece has is an error, not garbage. */
static void a_hole(void **state)
{
	static const struct dev_piece v[] = { { 0, 10, 0, 10, 10 }, { 10, 10, 20, 10, 10 } };
	uint8_t bytes[20] = { 0 }, buf[30];
	struct blkdev *below, *d;
	struct err e;

	(void)state;
	assert_int_equal(dev_mem(bytes, sizeof bytes, 0, &below, NULL), 0);
	assert_int_equal(dev_map(below, v, 2, 30, &d, NULL), 0);
	assert_int_equal(dev_read(d, 0, buf, 10, &e), 0);
	assert_int_equal(dev_read(d, 5, buf, 10, &e), ERR_IO);
	assert_non_null(strstr(e.msg, "byte 10 is not on this disk"));
	assert_int_equal(dev_read(d, 20, buf, 10, &e), 0);
	dev_close(d);
	dev_close(below);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_as_the_model), cmocka_unit_test(maps_back),
		cmocka_unit_test(a_hole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
