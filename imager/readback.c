/* readback.c: see readback.h. */
#include "imager/readback.h"
#include <stdlib.h>
#include <string.h>
#include "common/hash.h"
#include "imager/fmt/chunk.h"
#include "imager/plan.h"

#define CUT_LEN 65536u

struct back_slot {
	struct plan plan;
	uint8_t *wide;
	uint8_t want[32], have[32];
	int compared;             /* 1: without hashes, by compare_cut()         */
};

struct back {
	struct job *job;
	struct image *im;
	struct image_cursor cursor;
	struct chunk_reader reader;
	struct hasher *hashers[JOB_WORKERS_MAX + 1];
	struct back_slot slots[JOB_SLOTS_MAX];
	unsigned int n_workers, n_slots;
	uint64_t bytes;
	uint64_t limit;           /* readback.h                                  */
	uint8_t cut[2][CUT_LEN];
};

int readback_differs(const struct blkdev *target, uint64_t off, uint64_t len,
		     struct err *e)
{
	return err_set(e, ERR_IO,
		       "%s: what was read back from the %llu bytes at offset %llu isn't what was written; the disk or its cable is bad",
		       target->name, (unsigned long long)len,
		       (unsigned long long)off);
}

static uint64_t plan_end(const struct back *b, const struct plan *p)
{
	uint64_t off, len;

	plan_span(p, b->reader.chunk_size, b->reader.disk_size, &off, &len);
	return off + len;
}

/* A chunk of which the end wasn't written: its hash covers what isn't there, so
 * the bytes themselves are compared. */
static int compare_cut(struct back *b, const struct plan *p, struct err *e)
{
	struct blkdev *t = b->reader.src;

	for (uint32_t i = 0; i < p->map_count; i++) {
		uint64_t at = p->number * b->reader.chunk_size + (uint64_t)p->map[i].start * REC_UNIT;
		uint64_t end = at + map_bytes(image_params(b->im), p->number, &p->map[i]);

		if (end > b->limit)
			end = b->limit;
		while (at < end) {
			size_t n = end - at < CUT_LEN ? (size_t)(end - at) : CUT_LEN;
			int r = image_read(b->im, at, b->cut[0], n, e);

			if (r == 0)
				r = dev_read(t, at, b->cut[1], n, e);
			if (r == 0 && memcmp(b->cut[0], b->cut[1], n))
				r = readback_differs(t, at, n, e);
			if (r < 0)
				return r;
			at += n;
		}
	}
	return 0;
}

static int back_fill(void *ctx, void *slot, struct err *e)
{
	struct back *b = ctx;
	struct back_slot *s = slot;
	struct image_chunk c;
	int r;

	for (;;) {
		r = image_next_chunk(b->im, &b->cursor, &c, e);
		if (r <= 0)
			return r;
		if (c.number)
			break;
		/* the disk's head is the caller's; before the first slot is
		 * handed over, so that back_empty isn't disturbed */
		b->bytes += c.plain_len;
	}
	s->plan.number = c.number;
	s->plan.plain_len = c.plain_len;
	s->plan.map_count = c.map_count;
	memcpy(s->plan.map, c.map, c.map_count * sizeof *c.map);
	memcpy(s->want, c.hash, 32);
	s->compared = plan_end(b, &s->plan) > b->limit;
	if (s->compared) {
		r = compare_cut(b, &s->plan, e);
		return r < 0 ? r : 1;
	}
	r = chunk_read(&b->reader, &s->plan, s->wide, e);
	if (r == 0)
		return 1;
	return err_prefix(e, "what was written can't be read back; the disk is bad");
}

static int back_work(void *ctx, unsigned int worker, void *slot, struct err *e)
{
	struct back *b = ctx;
	struct back_slot *s = slot;
	uint8_t *plain;

	if (s->compared)
		return 0;
	plan_compact(&s->plan, s->wide, &plain);
	return hash_bytes(b->hashers[worker], image_params(b->im)->hash, plain,
			  s->plan.plain_len, s->have, e);
}

static int back_empty(void *ctx, void *slot, struct err *e)
{
	struct back *b = ctx;
	struct back_slot *s = slot;
	uint64_t off, len;

	if (!s->compared && memcmp(s->want, s->have, 32)) {
		plan_span(&s->plan, b->reader.chunk_size,
			  image_params(b->im)->disk_size, &off, &len);
		return readback_differs(b->reader.src, off, len, e);
	}
	b->bytes += s->plan.plain_len;
	job_progress(b->job, b->bytes, image_params(b->im)->used_bytes, 0);
	return 0;
}

static int back_cancelled(void *ctx)
{
	return job_cancelled(((struct back *)ctx)->job);
}

static int prepare(struct back *b, struct err *e)
{
	const struct image_key *key = image_key(b->im);
	uint32_t size = b->reader.chunk_size;
	int r = 0;

	for (unsigned int i = 0; r == 0 && (!i || i < b->n_workers); i++) {
		r = hasher_new(&b->hashers[i], e);
		if (r == 0 && key)
			hasher_key(b->hashers[i], key->hash);
	}
	for (unsigned int i = 0; r == 0 && i < b->n_slots; i++) {
		b->slots[i].wide = aligned_alloc(4096, size);
		b->slots[i].plan.map = malloc(size / 1024 * sizeof(struct chunk_map));
		if (!b->slots[i].wide || !b->slots[i].plan.map)
			r = err_set(e, ERR_NOMEM, "out of memory for buffers");
	}
	return r;
}

static void back_done(struct back *b)
{
	for (unsigned int i = 0; i < b->n_slots; i++) {
		free(b->slots[i].wide);
		free(b->slots[i].plan.map);
	}
	for (unsigned int i = 0; i <= JOB_WORKERS_MAX; i++)
		hasher_free(b->hashers[i]);
	image_close(b->im);
	free(b);
}

int readback_run(struct job *job, const struct job_options *opt,
		 const struct readback *what, struct err *e)
{
	struct back *b = calloc(1, sizeof *b);
	void *slots[JOB_SLOTS_MAX];
	struct pipeline p = {
		.fill = back_fill, .work = back_work, .empty = back_empty,
		.cancelled = back_cancelled, .ctx = b, .slots = slots,
	};
	int r;

	if (!b)
		return err_set(e, ERR_NOMEM, "out of memory for reading back");
	job_step(job, "verify", "reading the disk back and comparing");
	b->job = job;
	b->limit = what->limit;
	r = image_open(what->image->dev, what->image->access, &b->im, e);
	if (r == 0) {
		struct job_shape shape = job_shape(opt, UNPACK_BYTES,
						   image_params(b->im)->chunk_size);

		p.n_workers = b->n_workers = shape.workers;
		p.n_slots = b->n_slots = shape.slots;
		for (unsigned int i = 0; i < b->n_slots; i++)
			slots[i] = &b->slots[i];
		b->reader = (struct chunk_reader){
			.src = what->target,
			.disk_size = image_params(b->im)->disk_size,
			.chunk_size = image_params(b->im)->chunk_size,
		};
		r = prepare(b, e);
	}
	if (r == 0) {
		dev_forget(what->target);
		r = pipeline_run(&p, e);
	}
	back_done(b);
	return r;
}
