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

#define assert_ok(call) do { \
	int r_ = (call); \
	if (r_ != 0) \
		fail_msg("%s: %d %s", #call, r_, e.msg); \
} while (0)
#endif
