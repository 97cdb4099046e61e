/* restore-index.c: the copy by the image's index, in disk order: see restore-int.h.
 * RESTORE_DELTA reads the target, hashes, and takes from the image only chunks
 * whose hash is another; RESTORE_RESUME takes all that the mark doesn't count.
 *
 *   filling thread   next entry of the index; delta: reads the target's used units,
 *                    resume: fetches the record
 *   workers          delta: hash, and where it differs fetch; unpack
 *   calling thread   writes, delta: blocks that differ; marks */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "imager/fmt/chunkread.h"
#include "imager/plan.h"
#include "imager/restore-int.h"

#define BLOCK 4096u   /* what differs is written in blocks of this size, at such places */
#define AHEAD 4u      /* chunks that the disk is told of before they are read */

/* An entry of the index with a map of its own. */
struct entry {
	struct image_chunk c;
	struct chunk_map *map;    /* room for chunk_size / 1024 entries          */
};

struct index_slot {
	struct entry in;
	/* what of it lies below the target's end: the entry's beginning */
	struct plan plan;
	uint8_t *wide;            /* delta: the target's bytes; resume: the spread ones */
	uint8_t *have;            /* delta: the same joined, in wide             */
	uint8_t *body, *room;     /* the record; where it is unpacked            */
	struct chunk_refs *refs;  /* NULL: none of the image refers to others    */
	const uint8_t *plain;     /* the image's bytes, joined                   */
	int unread;               /* 1: the target couldn't be read there: all is written */
	struct spread spread;
	int same;
};

struct index {
	struct restore *re;
	int delta;
	struct image_cursor cursor;
	uint64_t first;           /* chunk number to begin with                  */
	struct entry ahead[AHEAD]; /* a ring                                     */
	uint64_t looked, taken;   /* entries ever put into it, taken out         */
	struct chunk_reader reader;
	struct codec *codecs[JOB_WORKERS_MAX + 1];
	struct index_slot slots[JOB_SLOTS_MAX];
	unsigned int n_workers, n_slots;
	pthread_mutex_t lock;     /* re->im: the index, and the file below it    */
	uint64_t fetched;         /* bytes of the image; under lock              */
};

static uint32_t map_room(const struct restore *re)
{
	return re->params.chunk_size / 1024;
}

/* ---- entries ---- */

static void copy_entry(struct entry *to, const struct image_chunk *c)
{
	struct chunk_map *map = to->map;

	memcpy(map, c->map, c->map_count * sizeof *map);
	to->c = *c;
	to->c.map = map;
}

/* The part of c below the limit. */
static void clip(const struct restore *re, const struct image_chunk *c, struct plan *ret)
{
	uint64_t base = c->number * re->params.chunk_size;

	ret->number = c->number;
	ret->plain_len = ret->map_count = 0;
	for (uint32_t i = 0; i < c->map_count; i++) {
		uint64_t at = base + (uint64_t)c->map[i].start * REC_UNIT;
		uint32_t n = map_bytes(&re->params, c->number, &c->map[i]);

		if (at >= re->limit)
			break;
		if (n > re->limit - at)
			n = (uint32_t)(re->limit - at);
		ret->map[ret->map_count] = c->map[i];
		ret->map[ret->map_count++].count = (uint16_t)((n + REC_UNIT - 1) / REC_UNIT);
		ret->plain_len += n;
	}
}

/* Looks one entry further, and lets the device below read ahead. */
static int look(struct index *ix, struct plan *room, struct err *e)
{
	struct restore *re = ix->re;
	struct entry *to = &ix->ahead[ix->looked % AHEAD];
	struct image_chunk c;
	int r;

	do {
		pthread_mutex_lock(&ix->lock);
		r = image_next_chunk(re->im, &ix->cursor, &c, e);
		pthread_mutex_unlock(&ix->lock);
		if (r <= 0)
			return r;
		/* the head is apart */
	} while (!c.number || c.number < ix->first);
	copy_entry(to, &c);
	ix->looked++;
	if (ix->delta) {
		clip(re, &to->c, room);
		if (room->map_count)
			chunk_will_need(&ix->reader, room);
	} else {
		dev_will_need(re->in->dev, to->c.offset, chunk_fetch_len(&to->c));
	}
	return 1;
}

static int fetch(struct index *ix, struct index_slot *s, struct err *e)
{
	int r;

	pthread_mutex_lock(&ix->lock);
	r = chunk_fetch(ix->re->im, &s->in.c, s->body, s->refs, e);
	ix->fetched += chunk_fetch_len(&s->in.c);
	pthread_mutex_unlock(&ix->lock);
	return r;
}

/* ---- the pipeline's parts ---- */

static int index_fill(void *ctx, void *slot, struct err *e)
{
	struct index *ix = ctx;
	struct index_slot *s = slot;
	int r = 1;

	while (r > 0 && ix->looked - ix->taken < AHEAD)
		r = look(ix, &s->plan, e);
	if (r < 0 || ix->looked == ix->taken)
		return r;
	copy_entry(&s->in, &ix->ahead[ix->taken++ % AHEAD].c);
	clip(ix->re, &s->in.c, &s->plan);
	if (!ix->delta) {
		r = fetch(ix, s, e);
		return r < 0 ? r : 1;
	}
	s->unread = chunk_read(&ix->reader, &s->plan, s->wide, e) < 0;
	return 1;
}

static int unpack(struct index *ix, unsigned int worker, struct index_slot *s, struct err *e)
{
	return chunk_unpack(ix->re->im, ix->codecs[worker], &s->in.c, s->body, s->refs, s->room,
			    &s->plain, s->in.map, e);
}

/* Is it known from the hash alone that nothing is to be done? */
static int same_hash(struct index *ix, unsigned int worker, struct index_slot *s, struct err *e)
{
	uint8_t hash[32];
	int r;

	if (s->unread || s->plan.plain_len != s->in.c.plain_len)
		return 0;
	r = hash_bytes(codec_hasher(ix->codecs[worker]), ix->re->params.hash, s->have,
		       s->plan.plain_len, hash, e);
	return r < 0 ? r : !memcmp(hash, s->in.c.hash, sizeof hash);
}

static int index_work(void *ctx, unsigned int worker, void *slot, struct err *e)
{
	struct index *ix = ctx;
	struct index_slot *s = slot;
	int r;

	s->same = !s->plan.map_count;
	if (s->same)
		return 0;
	if (!ix->delta) {
		r = unpack(ix, worker, s, e);
		if (r < 0)
			return r;
		spread_make(&s->spread, &ix->re->params, s->in.c.number, s->in.map,
			    s->in.c.map_count, s->plain, s->wide);
		s->spread.zeros = s->in.c.codec == CODEC_ZEROS;
		return 0;
	}
	plan_compact(&s->plan, s->wide, &s->have);
	r = same_hash(ix, worker, s, e);
	s->same = r == 1;
	if (r)
		return r < 0 ? r : 0;
	r = fetch(ix, s, e);
	return r < 0 ? r : unpack(ix, worker, s, e);
}

/* A stretch that differs, at `off` of the disk. */
static int put(struct index *ix, const struct index_slot *s, uint64_t off, const uint8_t *bytes,
	       uint32_t len, struct err *e)
{
	struct restore *re = ix->re;
	int r = re->began ? 0 : head_begin(re, s->in.c.number, e);

	if (r < 0)
		return r;
	re->changed += len;
	if (s->in.c.codec == CODEC_ZEROS && dev_zero(re->target, off, len) == 0)
		return 0;
	return dev_write(re->target, off, bytes, len, e);
}

/* One range of the map: n bytes at `off` of the disk, as they are and shall be. */
static int put_range(struct index *ix, const struct index_slot *s, uint64_t off,
		     const uint8_t *have, const uint8_t *want, uint32_t len, struct err *e)
{
	uint32_t at = 0, from = 0, n; /* [from, at) differs */
	int r = 0;

	for (; at < len && r == 0; at += n) {
		n = BLOCK - (uint32_t)((off + at) % BLOCK);
		if (n > len - at)
			n = len - at;
		if (s->unread || memcmp(have + at, want + at, n))
			continue;
		if (from < at)
			r = put(ix, s, off + from, want + from, at - from, e);
		from = at + n;
	}
	if (r == 0 && from < len)
		r = put(ix, s, off + from, want + from, len - from, e);
	return r;
}

static int put_differences(struct index *ix, const struct index_slot *s, struct err *e)
{
	const struct restore *re = ix->re;
	uint64_t base = s->in.c.number * re->params.chunk_size;
	uint32_t left = s->plan.plain_len, done = 0;
	int r = 0;

	for (uint32_t i = 0; i < s->plan.map_count && r == 0; i++) {
		uint32_t n = s->plan.map[i].count * REC_UNIT;

		if (n > left - done)
			n = left - done;
		r = put_range(ix, s, base + (uint64_t)s->plan.map[i].start * REC_UNIT,
			      s->have + done, s->plain + done, n, e);
		done += n;
	}
	return r;
}

static int index_empty(void *ctx, void *slot, struct err *e)
{
	struct index *ix = ctx;
	struct index_slot *s = slot;
	struct restore *re = ix->re;
	uint64_t fetched;
	int r = 0;

	if (!s->same && ix->delta) {
		r = put_differences(ix, s, e);
	} else if (!s->same) {
		r = spread_write(&s->spread, re->target, re->limit, e);
		re->changed += s->plan.plain_len;
	}
	if (r < 0)
		return r;
	re->bytes += s->in.c.plain_len;
	pthread_mutex_lock(&ix->lock);
	fetched = ix->fetched;
	pthread_mutex_unlock(&ix->lock);
	job_progress(&re->job, re->bytes, re->params.used_bytes, fetched);
	return head_mark(re, s->in.c.number + 1, 0, e);
}

static int index_cancelled(void *ctx)
{
	return job_cancelled(&((struct index *)ctx)->re->job);
}

/* ---- beginning and end ---- */

static int slot_new(const struct restore *re, struct index_slot *s, struct err *e)
{
	uint32_t size = re->params.chunk_size;
	size_t map = map_room(re) * sizeof(struct chunk_map);

	s->wide = aligned_alloc(4096, size);
	s->room = aligned_alloc(4096, size);
	s->body = malloc(chunk_packed_max(size));
	if (image_refs(re->im, &s->refs, e) < 0)
		return e->code;
	s->in.map = malloc(map);
	s->plan.map = malloc(map);
	return s->wide && s->room && s->body && s->in.map && s->plan.map ? 0 :
		err_set(e, ERR_NOMEM, "out of memory for buffers");
}

static int prepare(struct index *ix, struct err *e)
{
	struct restore *re = ix->re;
	size_t slot = 2ull * re->params.chunk_size + chunk_packed_max(re->params.chunk_size);
	struct job_shape shape = job_shape(&re->opt->job, UNPACK_BYTES, slot);
	int r = 0;

	ix->n_workers = shape.workers;
	ix->n_slots = shape.slots;
	ix->reader = (struct chunk_reader){
		.src = re->target, .chunk_size = re->params.chunk_size,
		.disk_size = re->limit < re->params.disk_size ? re->limit : re->params.disk_size,
	};
	for (unsigned int i = 0; r == 0 && (!i || i < ix->n_workers); i++)
		r = image_codec(re->im, &ix->codecs[i], e);
	for (unsigned int i = 0; r == 0 && i < ix->n_slots; i++)
		r = slot_new(re, &ix->slots[i], e);
	for (unsigned int i = 0; r == 0 && i < AHEAD; i++) {
		ix->ahead[i].map = malloc(map_room(re) * sizeof(struct chunk_map));
		if (!ix->ahead[i].map)
			r = err_set(e, ERR_NOMEM, "out of memory for buffers");
	}
	return r;
}

static void index_free(struct index *ix)
{
	for (unsigned int i = 0; i < ix->n_slots; i++) {
		struct index_slot *s = &ix->slots[i];

		free(s->wide);
		free(s->room);
		free(s->body);
		refs_free(s->refs);
		free(s->in.map);
		free(s->plan.map);
	}
	for (unsigned int i = 0; i < AHEAD; i++)
		free(ix->ahead[i].map);
	for (unsigned int i = 0; i <= JOB_WORKERS_MAX; i++)
		codec_free(ix->codecs[i]);
	pthread_mutex_destroy(&ix->lock);
	free(ix);
}

/* The head, and what was done before. */
static int begin(struct index *ix, struct err *e)
{
	struct restore *re = ix->re;
	struct index_slot *s = &ix->slots[0];
	struct image_cursor cursor = { 0 };
	struct image_chunk c;
	int r;

	while ((r = image_next_chunk(re->im, &cursor, &c, e)) > 0 &&
	       (!c.number || c.number < ix->first)) {
		re->bytes += c.plain_len;
		if (c.number)
			continue;
		copy_entry(&s->in, &c);
		r = fetch(ix, s, e);
		if (r == 0)
			r = unpack(ix, 0, s, e);
		if (r < 0)
			return r;
		spread_make(&s->spread, &re->params, 0, s->in.map, c.map_count, s->plain, s->wide);
		r = head_keep(re, &s->spread, e);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : 0;
}

int index_copy(struct restore *re, struct err *e)
{
	struct index *ix = calloc(1, sizeof *ix);
	void *slots[JOB_SLOTS_MAX];
	struct pipeline p = {
		.fill = index_fill, .work = index_work, .empty = index_empty,
		.cancelled = index_cancelled, .ctx = ix, .slots = slots,
	};
	int r;

	if (!ix)
		return err_set(e, ERR_NOMEM, "out of memory for buffers");
	pthread_mutex_init(&ix->lock, NULL);
	ix->re = re;
	ix->delta = re->opt->how == RESTORE_DELTA;
	ix->first = re->mark.next_chunk;
	job_step(&re->job, "copy", ix->delta ? "comparing the disk with the image, writing what differs" :
		 "going on with the disk's used blocks");
	r = prepare(ix, e);
	if (r == 0)
		r = begin(ix, e);
	for (unsigned int i = 0; i < ix->n_slots; i++)
		slots[i] = &ix->slots[i];
	p.n_slots = ix->n_slots;
	p.n_workers = ix->n_workers;
	if (r == 0)
		r = pipeline_run(&p, e);
	memcpy(re->digest, image_digest(re->im), sizeof re->digest);
	re->bad = image_bad(re->im, &re->n_bad);
	re->image_bytes = image_file_len(re->im);
	index_free(ix);
	return r;
}
