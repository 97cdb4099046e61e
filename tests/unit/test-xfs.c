/* test-xfs: what single faults do to the XFS reader.  Volumes of tests/unit/xfs-volumes
 * were made by mkfs.xfs and Linux, without all that isn't read; those of the fuzz
 * target are tiny, with trees of two levels (tests/fuzz/make-corpus.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include "imager/fs/readers.h"
#include "tests/fuzz/sparse.h"

#define VOLUMES "unit/xfs-volumes/"
#define SEEDS "fuzz/xfs/corpus/"

struct volume { uint8_t *bytes; size_t len; };

static struct volume load(const char *name)
{
	char path[400];
	uint8_t buf[1 << 16];
	const char *top = getenv("REHOST_TOP");
	struct volume v = { 0 };
	size_t n;
	FILE *f;

	snprintf(path, sizeof path, "%s/tests/%s", top ? top : ".", name);
	f = fopen(path, "rb");
	assert_non_null(f);
	n = fread(buf, 1, sizeof buf, f);
	fclose(f);
	v.bytes = sparse_load(buf, n, &v.len);
	assert_non_null(v.bytes);
	return v;
}

struct seen { uint64_t bytes, digest, end; };

static int used(void *ctx, uint64_t off, uint64_t len)
{
	struct seen *s = ctx;

	assert_true(len && off >= s->end);
	s->end = off + len;
	s->bytes += len;
	s->digest = (s->digest ^ off) * 0x100000001b3u;
	s->digest = (s->digest ^ len) * 0x100000001b3u;
	return 0;
}

/* What probing, then walking gives. */
static int read_it(struct blkdev *d, struct seen *ret, struct err *e)
{
	struct extent_sink sink = { used, ret };
	struct fs_options opt = { 0 };
	struct fs_ident id;
	int r;

	*ret = (struct seen){ 0 };
	e->code = 0;
	r = fs_xfs.probe(d, &id, e);
	if (!r)
		r = fs_xfs.walk(d, &id, &opt, &sink, e);
	assert_int_equal(r < 0 ? r : 0, e->code);
	return r;
}

static struct blkdev *device(const struct volume *v)
{
	struct blkdev *d;

	assert_int_equal(dev_mem(v->bytes, v->len, 0, &d, NULL), 0);
	return d;
}

static int is_empty(const uint8_t *sector)
{
	return !sector[0] && !memcmp(sector, sector + 1, 511);
}

/* One changed byte: refused, or it makes no difference.  Never another map. */
static void flips(const char *name, size_t step)
{
	struct volume v = load(name);
	struct blkdev *d = device(&v);
	struct seen want, got;
	struct err e;
	size_t refused = 0, n = 0;

	assert_int_equal(read_it(d, &want, &e), 0);
	for (size_t at = 0; at < v.len; at += 512) {
		if (is_empty(v.bytes + at))
			continue;
		for (size_t i = at; i < at + 512; i += step) {
			uint8_t bit = (uint8_t)(1u << (i / step + at / 512) % 8);
			int r;

			v.bytes[i] ^= bit;
			r = read_it(d, &got, &e);
			v.bytes[i] ^= bit;
			n++;
			refused += r != 0;
			if (!r && (got.bytes != want.bytes || got.digest != want.digest))
				fail_msg("%s: byte %zu, bit 0x%x: another map", name, i, bit);
		}
	}
	/* the test itself reaches something */
	assert_true(refused > 20 && refused < n);
	dev_close(d);
	sparse_free(v.bytes, v.len);
}

static void changed_v5(void **state)
{
	(void)state;
	flips(VOLUMES "v5", 16);
	flips(VOLUMES "levels", 20);
	flips(SEEDS "tiny-v5", 5);
}

static void changed_v4(void **state)
{
	(void)state;
	flips(VOLUMES "v4", 7);
	flips(VOLUMES "v4-finobt", 9);
	flips(SEEDS "tiny-v4", 1);
}

/* A sector that can't be read: said so, unless it isn't needed. */
static void unreadable(void **state)
{
	struct volume v = load(VOLUMES "levels");
	struct blkdev *d = device(&v), *bad;
	struct seen want, got;
	struct err e;
	size_t failed = 0;

	(void)state;
	assert_int_equal(read_it(d, &want, &e), 0);
	for (size_t at = 0; at < v.len; at += 512) {
		int r;

		if (is_empty(v.bytes + at))
			continue;
		assert_int_equal(dev_fault(d, at, 512, &bad, NULL), 0);
		r = read_it(bad, &got, &e);
		dev_close(bad);
		failed += r != 0;
		if (r)
			assert_int_equal(r, ERR_IO);
		else
			assert_true(got.digest == want.digest);
	}
	assert_true(failed > 10);
	dev_close(d);
	sparse_free(v.bytes, v.len);
}

static int stop(void *ctx, uint64_t off, uint64_t len)
{
	(void)ctx, (void)off, (void)len;
	return 17;
}

static void sink_stops(void **state)
{
	struct volume v = load(VOLUMES "v5");
	struct blkdev *d = device(&v);
	struct fs_options opt = { 0 };
	struct fs_ident id;
	struct err e = { 0 };
	struct extent_sink sink = { stop, NULL };

	(void)state;
	assert_int_equal(fs_xfs.probe(d, &id, &e), 0);
	assert_int_equal(fs_xfs.walk(d, &id, &opt, &sink, &e), 17);
	dev_close(d);
	sparse_free(v.bytes, v.len);
}

/* Identity, the end of the volume, sectors, and what is no XFS. */
static void windows(void **state)
{
	struct volume v = load(VOLUMES "v5-sectors");
	struct blkdev *d = device(&v), *w;
	struct fs_ident id;
	struct seen s;
	struct err e;

	(void)state;
	assert_int_equal(fs_xfs.probe(d, &id, &e), 0);
	assert_string_equal(id.type, "xfs");
	assert_int_equal(id.fs_size, v.len);
	assert_true(id.used > 0 && id.used < v.len);
	assert_int_equal(read_it(d, &s, &e), 0);
	/* its own count leaves out the blocks of the AGFLs */
	assert_true(s.bytes >= id.used && s.bytes < id.used + 2 * 32 * 4096);
	d->sector_size = 8192;
	assert_int_equal(read_it(d, &s, &e), ERR_UNSUPPORTED);
	d->sector_size = 4096;
	assert_int_equal(read_it(d, &s, &e), 0);
	assert_int_equal(dev_window(d, 0, v.len - 4096, &w, &e), 0);
	assert_int_equal(read_it(w, &s, &e), ERR_CORRUPT);
	dev_close(w);
	for (size_t len = 0; len <= 4096; len += 256) {
		assert_int_equal(dev_window(d, 0, len, &w, &e), 0);
		assert_int_equal(fs_xfs.probe(w, &id, &e),
				 len < 512 ? FS_NOT_MINE : len < 4096 ? ERR_CORRUPT : 0);
		dev_close(w);
	}
	v.bytes[0] = 'x';
	assert_int_equal(fs_xfs.probe(d, &id, &e), FS_NOT_MINE);
	dev_close(d);
	sparse_free(v.bytes, v.len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changed_v5), cmocka_unit_test(changed_v4),
		cmocka_unit_test(unreadable), cmocka_unit_test(sink_stops),
		cmocka_unit_test(windows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
