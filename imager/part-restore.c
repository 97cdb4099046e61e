/* part-restore.c: see part-restore.h.
 *
 *   filling thread   next chunk of the image's index that the place has something of;
 *                    fetches its record
 *   workers          unpack, check, take what belongs to the place
 *   calling thread   writes, or compares */
#include "imager/part-restore.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "imager/fmt/chunkread.h"
#include "imager/fs/bootplace.h"
#include "imager/job.h"
#include "imager/readback.h"

#define HEAD_LEN (1u << 20)        /* bytes of a place that come last         */
/* As in spread.c: a write of its own costs more than so much of a transfer. */
#define GAP_MAX (32u << 10)

/* What of one chunk lies in the partition. */
struct piece {
	struct image_chunk c;     /* its map is `all`                         */
	struct chunk_map *all;
	uint8_t *body, *room;     /* the record; where it is unpacked         */
	struct chunk_refs *refs;  /* NULL: none of the image refers to others */
	uint64_t at;              /* in the partition, bytes: of buf[0]       */
	uint8_t *buf;             /* from the first used byte on, gaps zero   */
	uint32_t n;
	uint64_t used;
	struct chunk_map *map;    /* start, count in units from `at` on       */
};

struct parts {
	struct job job;
	struct image *im;
	struct blkdev *target, *w; /* w: the place                            */
	const struct part_place *p;
	struct image_cursor cursor;
	struct codec *codecs[JOB_WORKERS_MAX + 1];
	struct piece slot[JOB_SLOTS_MAX];
	unsigned int n_workers, n_slots;
	uint8_t *head, *back;     /* HEAD_LEN bytes; of a chunk, for comparing */
	size_t head_len;
	int comparing;
	uint64_t bytes, total, compared;
	int began, unsure;        /* as in struct restore_result              */
};

/* ---- reading the image ---- */

/* [*off, *end) of the disk, cut to the partition; 0: nothing is left. */
static int cut(const struct part_place *p, uint64_t *off, uint64_t *end)
{
	if (*off < p->from)
		*off = p->from;
	if (*end > p->from + p->from_size)
		*end = p->from + p->from_size;
	return *off < *end;
}

/* Has the partition anything of it? */
static int touches(const struct parts *s, const struct image_chunk *c)
{
	const struct image_params *params = image_params(s->im);

	for (uint32_t i = 0; i < c->map_count; i++) {
		uint64_t off = c->number * params->chunk_size + (uint64_t)c->map[i].start * REC_UNIT;
		uint64_t end = off + map_bytes(params, c->number, &c->map[i]);

		if (cut(s->p, &off, &end))
			return 1;
	}
	return 0;
}

static int part_fill(void *ctx, void *slot, struct err *e)
{
	struct parts *s = ctx;
	struct piece *out = slot;
	struct image_chunk c;
	uint32_t size = image_params(s->im)->chunk_size;
	int r;

	while ((r = image_next_chunk(s->im, &s->cursor, &c, e)) > 0) {
		if (c.number * size >= s->p->from + s->p->from_size)
			return 0;
		if (!touches(s, &c))
			continue;
		memcpy(out->all, c.map, c.map_count * sizeof *c.map);
		out->c = c;
		out->c.map = out->all;
		r = chunk_fetch(s->im, &out->c, out->body, out->refs, e);
		return r < 0 ? r : 1;
	}
	return r;
}

/* plain: the chunk's used bytes, joined. */
static void take_piece(const struct parts *s, struct piece *out, const uint8_t *plain)
{
	const struct image_params *params = image_params(s->im);
	const struct image_chunk *c = &out->c;
	uint64_t base = c->number * params->chunk_size, last = 0;

	out->n = 0;
	out->used = 0;
	for (uint32_t i = 0; i < c->map_count; i++) {
		uint64_t start = base + (uint64_t)c->map[i].start * REC_UNIT, off = start;
		uint64_t len = map_bytes(params, c->number, &c->map[i]), end = start + len;

		plain += len;
		if (!cut(s->p, &off, &end))
			continue;
		if (!out->n)
			last = out->at = off;
		if (off - last <= GAP_MAX)
			memset(out->buf + (last - out->at), 0, (size_t)(off - last));
		memcpy(out->buf + (off - out->at), plain - len + (off - start), (size_t)(end - off));
		out->map[out->n++] = (struct chunk_map){
			(uint16_t)((off - out->at) / REC_UNIT),
			(uint16_t)((end - off + REC_UNIT - 1) / REC_UNIT) };
		out->used += end - off;
		last = end;
	}
	out->at -= s->p->from;
}

static int part_work(void *ctx, unsigned int worker, void *slot, struct err *e)
{
	struct parts *s = ctx;
	struct piece *out = slot;
	const uint8_t *plain;
	int r = chunk_unpack(s->im, s->codecs[worker], &out->c, out->body, out->refs, out->room,
			     &plain, out->map, e);

	if (r == 0)
		take_piece(s, out, plain);
	return r;
}

/* ---- writing, comparing ---- */

static int same_back(struct parts *s, uint64_t at, const uint8_t *want, uint32_t n, struct err *e)
{
	int r = dev_read(s->w, at, s->back, n, e);

	if (r == 0 && memcmp(s->back, want, n))
		r = readback_differs(s->target, s->p->to + at, n, e);
	return r;
}

/* One stretch of the place; what belongs to the head waits in memory. */
static int put(struct parts *s, uint64_t at, const uint8_t *bytes, uint32_t n, struct err *e)
{
	if (at < s->head_len) {
		uint32_t part = s->head_len - at < n ? (uint32_t)(s->head_len - at) : n;

		if (!s->comparing)
			memcpy(s->head + at, bytes, part);
		at += part;
		bytes += part;
		n -= part;
	}
	if (!n)
		return 0;
	return s->comparing ? same_back(s, at, bytes, n, e) : dev_write(s->w, at, bytes, n, e);
}

static uint64_t unit_end(const struct parts *s, const struct piece *p, uint32_t i)
{
	uint64_t end = ((uint64_t)p->map[i].start + p->map[i].count) * REC_UNIT;
	uint64_t most = s->p->from_size - p->at;

	return end < most ? end : most; /* the disk's last unit, if short */
}

static int part_empty(void *ctx, void *slot, struct err *e)
{
	struct parts *s = ctx;
	const struct piece *p = slot;
	uint64_t *done = s->comparing ? &s->compared : &s->bytes;
	int r = 0;

	for (uint32_t i = 0, j; i < p->n && r == 0; i = j) {
		uint64_t start = (uint64_t)p->map[i].start * REC_UNIT, end;

		j = i;
		do
			end = unit_end(s, p, j++);
		while (!s->comparing && j < p->n && (uint64_t)p->map[j].start * REC_UNIT - end <= GAP_MAX);
		r = put(s, p->at + start, p->buf + start, (uint32_t)(end - start), e);
	}
	*done += p->used;
	job_progress(&s->job, *done, s->total, 0);
	return r;
}

static int part_cancelled(void *ctx)
{
	return job_cancelled(&((struct parts *)ctx)->job);
}

static int pass(struct parts *s, struct err *e)
{
	void *slots[JOB_SLOTS_MAX];
	struct pipeline p = {
		.fill = part_fill, .work = part_work, .empty = part_empty,
		.cancelled = part_cancelled, .ctx = s, .slots = slots,
		.n_slots = s->n_slots, .n_workers = s->n_workers,
	};

	s->cursor = (struct image_cursor){ 0 };
	for (unsigned int i = 0; i < s->n_slots; i++)
		slots[i] = &s->slot[i];
	return pipeline_run(&p, e);
}

/* ---- one place ---- */

/* Old signatures: at both ends, as far as the place goes. */
static int wipe(struct parts *s, struct err *e)
{
	uint64_t size = s->w->size;
	size_t n = size < HEAD_LEN ? (size_t)size : HEAD_LEN;
	int r;

	memset(s->head, 0, HEAD_LEN);
	r = dev_write(s->w, 0, s->head, n, e);
	if (r == 0)
		r = dev_write(s->w, size - n, s->head, n, e);
	return r < 0 ? r : dev_flush(s->w, e);
}

/* The boot sector's own words about its place. */
static int set_place(struct parts *s, struct err *e)
{
	static const char *const have[] = { "ntfs", "vfat", "exfat", NULL };
	const char *const *k = have;
	int too_far, r;

	while (*k && strcmp(*k, s->p->fs))
		k++;
	if (!*k || s->p->to_start == s->p->from)
		return 0;
	r = bootplace_set(s->head, s->head_len, s->w, s->p->to_start, &too_far, e);
	if (r == 1 && too_far)
		job_warning(&s->job, "place", 0, 0, "partition %u begins too far behind for its boot sector to say so; a Windows won't start from it",
			    s->p->to_number);
	return r < 0 ? r : 0;
}

/* 1: the beginning is zeros again. */
static int wipe_again(struct parts *s)
{
	int r;

	memset(s->head, 0, s->head_len);
	r = dev_write(s->w, 0, s->head, s->head_len, NULL);
	if (r == 0)
		r = dev_flush(s->w, NULL);
	dev_forget(s->target);
	return r == 0 && dev_read(s->w, 0, s->back, s->head_len, NULL) == 0 &&
	       all_zero(s->back, s->head_len);
}

/* The last write.  What isn't proven to be right must not look complete. */
static int write_head(struct parts *s, int verify, struct err *e)
{
	int r;

	s->unsure = 1;
	r = dev_write(s->w, 0, s->head, s->head_len, e);
	if (r == 0)
		r = dev_flush(s->w, e);
	if (r == 0 && verify) {
		dev_forget(s->target);
		r = same_back(s, 0, s->head, (uint32_t)s->head_len, e);
	}
	s->unsure = r < 0 && !wipe_again(s);
	return r;
}

static int finish_place(struct parts *s, int verify, struct err *e)
{
	int r = dev_flush(s->w, e);

	if (r == 0 && verify) {
		job_step(&s->job, "verify", "reading the partition back and comparing");
		dev_forget(s->target);
		s->comparing = 1;
		r = pass(s, e);
		s->comparing = 0;
	}
	if (r == 0)
		r = set_place(s, e);
	if (r == 0)
		r = dev_flush(s->w, e);
	return r < 0 ? r : write_head(s, verify, e);
}

static int one_place(struct parts *s, const struct part_place *p, int verify, struct err *e)
{
	uint64_t least = p->to_size < p->from_size ? p->to_size : p->from_size;
	char text[100];
	int r = dev_window(s->target, p->to, p->to_size, &s->w, e);

	if (r < 0)
		return r;
	s->p = p;
	s->head_len = least < HEAD_LEN ? (size_t)least : HEAD_LEN;
	snprintf(text, sizeof text, "writing the used blocks of partition %u", p->number);
	job_step(&s->job, "copy", text);
	s->began = s->unsure = 1;
	r = wipe(s, e);
	s->unsure = r < 0;
	if (r == 0)
		r = pass(s, e);
	if (r == 0)
		r = finish_place(s, verify, e);
	s->w = dev_close(s->w);
	return r;
}

static void tell_unreadable(struct parts *s, const struct part_plan *plan, uint64_t *ret_n)
{
	size_t n;
	const struct byte_range *b = image_bad(s->im, &n);

	*ret_n = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < plan->n; k++) {
			uint64_t off = b[i].off, end = off + b[i].len;

			if (!cut(&plan->v[k], &off, &end))
				continue;
			++*ret_n;
			job_warning(&s->job, "unreadable", off, end - off,
				    "%llu bytes at offset %llu could not be read when the disk was captured; zeros were written in their place in partition %u",
				    (unsigned long long)(end - off), (unsigned long long)off, plan->v[k].number);
		}
}

static int slot_new(const struct parts *s, struct piece *p, struct err *e)
{
	uint32_t size = image_params(s->im)->chunk_size;
	size_t map = size / 1024 * sizeof(struct chunk_map);

	p->buf = aligned_alloc(4096, size);
	p->room = aligned_alloc(4096, size);
	p->body = malloc(chunk_packed_max(size));
	p->all = malloc(map);
	p->map = malloc(map);
	if (!p->buf || !p->room || !p->body || !p->all || !p->map)
		return err_set(e, ERR_NOMEM, "out of memory for buffers");
	return image_refs(s->im, &p->refs, e);
}

static int prepare(struct parts *s, const struct job_options *opt, struct err *e)
{
	uint32_t size = image_params(s->im)->chunk_size;
	struct job_shape shape = job_shape(opt, UNPACK_BYTES, 2ull * size + chunk_packed_max(size));
	int r = 0;

	s->n_workers = shape.workers;
	s->n_slots = shape.slots;
	s->head = malloc(HEAD_LEN);
	s->back = malloc(size > HEAD_LEN ? size : HEAD_LEN);
	if (!s->head || !s->back)
		r = err_set(e, ERR_NOMEM, "out of memory for buffers");
	for (unsigned int i = 0; r == 0 && (!i || i < s->n_workers); i++)
		r = image_codec(s->im, &s->codecs[i], e);
	for (unsigned int i = 0; r == 0 && i < s->n_slots; i++)
		r = slot_new(s, &s->slot[i], e);
	return r;
}

static void parts_done(struct parts *s)
{
	for (unsigned int i = 0; i < s->n_slots; i++) {
		struct piece *p = &s->slot[i];

		free(p->buf);
		free(p->room);
		free(p->body);
		free(p->all);
		free(p->map);
		refs_free(p->refs);
	}
	for (unsigned int i = 0; i <= JOB_WORKERS_MAX; i++)
		codec_free(s->codecs[i]);
	free(s->head);
	free(s->back);
}

int part_restore_run(struct image *im, struct blkdev *target,
		     const struct part_plan *plan, const struct part_restore_options *opt,
		     const struct job_events *ev, struct restore_result *ret,
		     const struct part_place **ret_place, struct err *e)
{
	struct parts s = { .im = im, .target = target };
	struct restore_result res = { 0 };
	int r;

	job_begin(&s.job, ev);
	for (size_t i = 0; i < plan->n; i++)
		s.total += plan->v[i].used;
	r = prepare(&s, &opt->job, e);
	for (size_t i = 0; i < plan->n && r == 0; i++) {
		*ret_place = &plan->v[i];
		r = one_place(&s, &plan->v[i], opt->verify, e);
		if (r == 0 && opt->complete)
			opt->complete(opt->ctx, &plan->v[i]);
	}
	if (r == 0) {
		tell_unreadable(&s, plan, &res.bad_ranges);
		memcpy(res.digest, image_digest(im), sizeof res.digest);
		res.bytes = s.bytes;
		res.image_bytes = image_file_len(im);
		res.warnings = s.job.warnings;
		res.seconds = job_seconds(&s.job);
		*ret = res;
	}
	ret->began = s.began;
	ret->unsure = s.unsure;
	parts_done(&s);
	return r;
}
