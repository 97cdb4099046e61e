/* test-map.c: joining used ranges with lists, against a bitmap; the map of a
 * disk with unreadable places: they are never taken for free. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "imager/fs/ranges.h"
#include "imager/map.h"

enum { N = 400 };

static int mark(void *ctx, uint64_t off, uint64_t len)
{
	uint8_t *seen = ctx;

	for (uint64_t i = off; i < off + len; i++) {
		assert_true(i < N);
		assert_false(seen[i]); /* never twice */
		seen[i] = 1;
	}
	return 0;
}

static void random_list(struct ranges *l, uint8_t *bits, int n)
{
	for (int i = 0; i < n; i++) {
		uint64_t s = (uint64_t)rand() % N, t = s + (uint64_t)rand() % 30;

		assert_int_equal(ranges_add(l, s, t, NULL), 0);
		for (uint64_t k = s; k < t && k < N; k++)
			bits[k] = 1;
	}
	ranges_sort(l);
}

static void joins_like_a_bitmap(void **state)
{
	(void)state;
	for (unsigned int seed = 0; seed < 500; seed++) {
		uint8_t seen[N] = { 0 }, used[N] = { 0 }, extra[N] = { 0 }, cut[N] = { 0 };
		struct ranges x = { 0 }, c = { 0 }, both = { 0 };
		struct extent_sink sink = { mark, seen };
		struct emit m = { .out = &sink, .extra = &x, .cut = &c, .size = N };
		uint64_t n_cut = 0;

		srand(seed);
		random_list(&x, extra, rand() % 8);
		random_list(&c, cut, rand() % 4);
		for (uint64_t at = 0; at < N;) {
			uint64_t len = (uint64_t)rand() % 25;

			assert_int_equal(emit_used(&m, at, at + len), 0);
			for (uint64_t k = at; k < at + len && k < N; k++)
				used[k] = 1;
			at += len + (uint64_t)rand() % 40;
		}
		assert_int_equal(emit_finish(&m), 0);
		for (int i = 0; i < N; i++) {
			assert_int_equal(seen[i], (used[i] || extra[i]) && !cut[i]);
			n_cut += (used[i] || extra[i]) && cut[i];
		}
		assert_int_equal(m.bytes_cut, n_cut);
		for (size_t i = 0; i < x.n; i++)
			assert_int_equal(ranges_add(&both, x.v[i].start, x.v[i].end, NULL), 0);
		assert_int_equal(ranges_intersect(&both, &c, NULL), 0);
		for (size_t i = 0; i < both.n; i++)
			for (uint64_t k = both.v[i].start; k < both.v[i].end && k < N; k++)
				assert_true(extra[k] && cut[k]);
		ranges_done(&x);
		ranges_done(&c);
		ranges_done(&both);
	}
}

static void reads_bitmaps(void **state)
{
	const uint8_t map[] = { 0x0f, 0xff, 0x00, 0x81, 0xff };
	uint8_t seen[N] = { 0 };
	struct extent_sink sink = { mark, seen };
	struct emit m = { .out = &sink, .size = N };

	(void)state;
	assert_int_equal(emit_bitmap(&m, map, 37, 10, 2), 0);
	assert_int_equal(emit_finish(&m), 0);
	for (int i = 0; i < N; i++) {
		int bit = (i - 10) / 2, in = i >= 10 && bit < 37;

		assert_int_equal(seen[i], in && map[bit / 8] >> (bit % 8) & 1);
	}
}

/* An ext4 file system behind an MBR, whose bytes [bad, bad + len) can't be
 * read. */
static struct disk_map *with_fault(const char *path, uint64_t bad, uint64_t len)
{
	struct blkdev *d, *f;
	struct disk_map *m;
	struct err e = { 0 };

	assert_int_equal(dev_open_ro(path, &d, &e), 0);
	assert_int_equal(dev_fault(d, bad, len, &f, &e), 0);
	assert_int_equal(map_build(f, NULL, &m, &e), 0);
	dev_close(f);
	dev_close(d);
	return m;
}

static void unreadable_is_used(void **state)
{
	static const char make[] =
		"PATH=$PATH:/sbin:/usr/sbin; rm -f map.img fs.img; truncate -s 20M map.img fs.img && "
		"truncate -s 16M fs.img && mke2fs -q -F -t ext4 -b 1024 fs.img && "
		"echo 'start=2048, size=16M, type=83' | sfdisk -q --label dos map.img && "
		"dd if=fs.img of=map.img bs=1M seek=1 conv=notrunc status=none";
	struct disk_map *m;

	(void)state;
	assert_int_equal(system(make), 0);
	m = with_fault("map.img", 19 << 20, 512);
	assert_string_equal(m->regions[1].reader, "ext");
	assert_true(extents_bytes(m->used) < 10 << 20);
	map_free(m);
	/* a block bitmap, a superblock: the partition is taken whole */
	m = with_fault("map.img", (1 << 20) + 1024, 512);
	assert_true(m->regions[1].used == m->regions[1].size);
	map_free(m);
	m = with_fault("map.img", (1 << 20) + 64 * 1024, 256 * 1024);
	assert_int_equal(m->regions[1].whole_by_doubt, 1);
	assert_non_null(strstr(m->regions[1].note, "Taken whole"));
	assert_int_equal(m->regions[1].used, 16 << 20);
	map_free(m);
	/* the MBR: the disk is taken whole */
	m = with_fault("map.img", 0, 512);
	assert_int_equal(m->n_regions, 1);
	assert_int_equal(extents_bytes(m->used), 20 << 20);
	assert_non_null(m->regions[0].note);
	map_free(m);
	/* all of it */
	m = with_fault("map.img", 0, 20 << 20);
	assert_int_equal(extents_bytes(m->used), 20 << 20);
	map_free(m);
	remove("map.img");
	remove("fs.img");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(joins_like_a_bitmap),
		cmocka_unit_test(reads_bitmaps),
		cmocka_unit_test(unreadable_is_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
