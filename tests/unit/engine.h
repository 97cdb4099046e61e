/* engine.h: for tests of the engine: disks and images in memory. */
#ifndef TESTS_ENGINE_H
#define TESTS_ENGINE_H
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "imager/engine.h"
#include "imager/fmt/chunk.h"
#include "imager/restore-mark.h"

/* Repeatable numbers. */
static inline uint32_t rnd(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

/* An image file in memory; `room` bytes at most. */
struct mem_out {
	struct store_out s;
	uint8_t *bytes;
	size_t len, room;
};

static inline int mem_append(struct store_out *s, const void *buf, size_t len,
			     struct err *e)
{
	struct mem_out *m = (struct mem_out *)s;

	if (len > m->room - m->len)
		return err_sys(e, 28 /* ENOSPC */, "memory: writing the image");
	memcpy(m->bytes + m->len, buf, len);
	m->len += len;
	return 0;
}

static const struct store_out_ops mem_ops = { .append = mem_append };

static inline struct mem_out *mem_out_new(size_t room)
{
	struct mem_out *m = calloc(1, sizeof *m);

	m->s.ops = &mem_ops;
	m->bytes = malloc(room);
	m->room = room;
	return m;
}

static inline void mem_out_free(struct mem_out *m)
{
	free(m->bytes);
	free(m);
}

/* What every test's capture uses: equal input gives equal bytes. */
static const uint8_t test_id[16] = "test image 0123";

static inline struct capture_options test_options(int workers)
{
	return (struct capture_options){
		.job.workers = workers, .level = LEVEL_FAST,
		.meta_json = "{\"tool\":\"test\"}", .hash = HASH_SHA256,
		.created = 1700000000, .image_id = test_id, .plain_summary = 1,
	};
}

/* Nothing but the mark of an interrupted restore, if that. */
static inline int looks_empty(const uint8_t *disk, size_t n)
{
	struct restore_mark m;
	size_t at = mark_get(disk, &m) ? MARK_LEN : 0;

	return all_zero(disk + at, n - at);
}

#define assert_ok(call) do { \
	int r_ = (call); \
	if (r_ != 0) \
		fail_msg("%s: %d %s", #call, r_, e.msg); \
} while (0)

#define assert_ok_(call) assert_int_equal((call), 0)

/* Some of everything: zeros, noise, what compresses. */
static inline void fill_disk(uint8_t *d, uint64_t size, uint64_t *seed)
{
	for (uint64_t at = 0; at < size;) {
		uint64_t n = 512ull * (1 + rnd(seed) % 4000), kind = rnd(seed) % 3;

		if (n > size - at)
			n = size - at;
		for (uint64_t i = 0; i < n; i++)
			d[at + i] = kind == 0 ? 0 : kind == 1 ? (uint8_t)rnd(seed) :
				    (uint8_t)(i * 7 >> (i / 512 % 8));
		at += n;
	}
}

/* The ranges [0,n), [2n, 3n) ... of d, captured. */
static inline struct mem_out *capture_stripes(struct blkdev *d, uint64_t n,
					      const struct capture_options *opt)
{
	struct mem_out *m = mem_out_new(2 * d->size + (1u << 20));
	struct capture_result res;
	struct extents *x;
	struct err e;

	assert_ok(extents_new(d->size, 512, 1 << 20, &x, &e));
	for (uint64_t at = 0; at < d->size; at += 2 * n)
		assert_ok(extents_add(x, at, n < d->size - at ? n : d->size - at, &e));
	assert_ok(capture_run(d, x, opt, &m->s, NULL, &res, &e));
	extents_free(x);
	return m;
}

static inline int verify_bytes(uint8_t *image, size_t len,
			       const struct verify_options *opt,
			       struct verify_result *ret, struct err *e)
{
	struct blkdev *f;
	struct store_in *in;
	int r;

	assert_ok_(dev_mem(image, len, 0, &f, e));
	assert_ok_(store_open_dev(f, 1, &in, e));
	r = verify_run(in, opt, NULL, ret, e);
	store_close(in);
	dev_close(f);
	return r;
}

static inline int restore_bytes(uint8_t *image, size_t len, uint8_t *disk,
				uint64_t size, int as_pipe,
				const struct restore_options *opt,
				const struct job_events *ev,
				struct restore_result *ret, struct err *e)
{
	struct blkdev *f, *t;
	struct store_in *in;
	int r;

	assert_ok_(dev_mem(image, len, 0, &f, e));
	assert_ok_(dev_mem(disk, size, 1, &t, e));
	assert_ok_(store_open_dev(f, as_pipe, &in, e));
	r = restore_run(in, t, opt, ev, ret, e);
	store_close(in);
	dev_close(f);
	dev_close(t);
	return r;
}
#endif
