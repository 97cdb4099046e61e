/* test-lost: what is said of unreadable places when there are too many, or no time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "imager/fs/owner.h"
#include "imager/lost.h"

#define REGION (1u << 16) /* bytes */

struct heard {
	size_t n;
	uint64_t off, len;        /* of the last one */
	char what[100], where[100];
};

static void hear(void *ctx, const struct lost_file *f)
{
	struct heard *h = ctx;

	assert_null(f->path);
	h->n++;
	h->off = f->off;
	h->len = f->len;
	snprintf(h->what, sizeof h->what, "%s", f->what);
	snprintf(h->where, sizeof h->where, "%s", f->where);
}

/* A disk of zeros with n regions that are said to hold a file system of this type. */
static struct heard name(const char *type, size_t n, unsigned int seconds, const struct byte_range *bad,
			 size_t n_bad)
{
	struct map_region *v = calloc(n, sizeof *v);
	struct disk_map map = { .regions = v, .n_regions = n };
	uint8_t *bytes = calloc(n, REGION);
	struct heard h = { 0 };
	struct blkdev *d;

	assert_int_equal(dev_mem(bytes, n * REGION, 0, &d, NULL), 0);
	for (size_t i = 0; i < n; i++) {
		v[i] = (struct map_region){ .start = i * REGION, .size = REGION };
		snprintf(v[i].what, sizeof v[i].what, "partition %zu", i + 1);
		snprintf(v[i].fs.type, sizeof v[i].fs.type, "%s", type);
	}
	lost_name(&(struct lost){ .disk = d, .map = &map, .seconds = seconds }, bad, n_bad, hear, &h);
	dev_close(d);
	free(bytes);
	free(v);
	return h;
}

static void test_time(void **state)
{
	const struct byte_range bad[] = { { 4096, 512 }, { 8192, 1024 } };
	struct heard h = name("ext4", 1, LOST_SECONDS, bad, 2);

	(void)state;
	assert_int_equal(h.n, 1);
	assert_string_equal(h.what, "what can't be looked into any more");
	assert_string_equal(h.where, "ext4, partition 1");
	assert_int_equal(h.off, 4096);
	assert_int_equal(h.len, 1536);
	h = name("ext4", 1, 0, bad, 2);
	assert_int_equal(h.n, 1);
	assert_string_equal(h.what, "files that may not all be named, as looking for them took too long");
	assert_int_equal(h.len, 1536);
	h = name("xfs", 1, LOST_SECONDS, bad, 2);
	assert_string_equal(h.what, "something that isn't looked into");
}

static void test_files(void **state)
{
	struct byte_range bad[1003];
	struct heard h;

	(void)state;
	for (size_t i = 0; i < 1003; i++)
		bad[i] = (struct byte_range){ i * REGION + 512, 512 };
	h = name("xfs", 1000, LOST_SECONDS, bad, 1000);
	assert_int_equal(h.n, 1000);
	assert_string_equal(h.where, "xfs, partition 1000");
	h = name("xfs", 1003, LOST_SECONDS, bad, 1003);
	assert_int_equal(h.n, 1001);
	assert_string_equal(h.what, "further files: 1000 are named");
	assert_int_equal(h.off, 1000 * REGION + 512);
	assert_int_equal(h.len, 3 * 512);
}

static void test_places(void **state)
{
	size_t n = RANGES_MAX + 2;
	struct byte_range *bad = malloc(n * sizeof *bad);
	struct heard h;

	(void)state;
	for (size_t i = 0; i < n; i++)
		bad[i] = (struct byte_range){ 2 * i, 1 };
	h = name("xfs", 40, LOST_SECONDS, bad, n - 2);
	assert_string_equal(h.what, "something that isn't looked into");
	h = name("xfs", 40, LOST_SECONDS, bad, n);
	assert_string_equal(h.what, "places that aren't all looked up: there are too many");
	assert_string_equal(h.where, "the disk");
	assert_int_equal(h.len, n);
	free(bad);
}

static void hear_owner(void *ctx, const struct fs_owner *o)
{
	hear(ctx, &(struct lost_file){ o->path, o->what, "", o->off, o->len });
}

static void test_owners(void **state)
{
	struct ranges places = { 0 };
	struct owner_hits *hits = calloc(1, sizeof *hits);
	struct heard h = { 0 };
	struct owner_query q = { .places = &places, .say = hear_owner, .ctx = &h };

	(void)state;
	assert_int_equal(ranges_add(&places, 0, 1 << 20, NULL), 0);
	for (uint64_t i = 0; i < OWNERS_MAX; i++)
		owner_touch(hits, &q, i + 1, i * 512, i * 512 + 512);
	owner_say_more(hits, &q);
	assert_int_equal(h.n, 0);
	owner_touch(hits, &q, OWNERS_MAX, 0, 512); /* one that is known */
	owner_touch(hits, &q, 5000, 900000, 900100);
	owner_touch(hits, &q, 5001, 800000, 800100);
	owner_say_more(hits, &q);
	assert_int_equal(h.n, 1);
	assert_string_equal(h.what, "further files: 1000 of a file system are named");
	assert_int_equal(h.off, 800000);
	assert_int_equal(h.len, 200);
	ranges_done(&places);
	free(hits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_owners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
