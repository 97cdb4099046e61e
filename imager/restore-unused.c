/* restore-unused.c: what of the target the image doesn't use: see restore-int.h. */
#include <stdlib.h>
#include "imager/fmt/chunk.h"
#include "imager/restore-int.h"

/* Disks discard whole blocks of their own, some of them as large as this; less is
 * not worth a request. */
#define DISCARD_LEAST (64u << 10)
#define DISCARD_PIECE (1ull << 30) /* bytes of one request; between two, it can be stopped */
#define ZERO_PIECE (64ull << 20)
/* A request that isn't of whole pages would touch their other bytes in the cache. */
#define ALIGN 4096u

int unused_zeros(struct restore *re, uint64_t off, uint64_t len, struct err *e)
{
	struct blkdev *t = re->target;
	uint8_t *zeros;
	int r = 0;

	if (off > t->size)
		return 0;
	if (len > t->size - off)
		len = t->size - off;
	zeros = calloc(1, WIPE_EACH_END);
	if (!zeros)
		return err_set(e, ERR_NOMEM, "out of memory for buffers");
	while (len && r == 0) {
		size_t n = len < WIPE_EACH_END ? (size_t)len : WIPE_EACH_END;

		r = dev_write(t, off, zeros, n, e);
		off += n;
		len -= n;
	}
	free(zeros);
	return r;
}

/* Number i of the places where old signatures may stand, without the head, which
 * is zeros already.  0: there is no such number. */
static int wipe_place(const struct restore *re, size_t i, uint64_t *off, uint64_t *end)
{
	uint64_t size = re->target->size;
	struct byte_range w = { 0, WIPE_EACH_END };

	if (i == 1)
		w.off = size > WIPE_EACH_END ? size - WIPE_EACH_END : 0;
	if (i >= 2 && i - 2 == re->opt->n_wipe)
		return 0;
	if (i >= 2)
		w = re->opt->wipe[i - 2];
	*end = w.off > size || w.len > size - w.off ? size : w.off + w.len;
	*off = w.off < re->head_len ? re->head_len : w.off;
	return 1;
}

/* ---- the gaps between used ranges ---- */

struct gaps {
	struct restore *re;
	uint64_t at;              /* what lies below was looked at              */
	int (*each)(struct gaps *g, uint64_t off, uint64_t end);
	struct err *e;
};

/* What of [off, end) isn't to be kept. */
static int each_free(struct gaps *g, uint64_t off, uint64_t end)
{
	const struct restore_options *o = g->re->opt;
	int r = 0;

	for (size_t i = 0; i < o->n_keep && r == 0 && o->keep[i].off < end; i++) {
		uint64_t kept = o->keep[i].off + o->keep[i].len;

		if (kept <= off)
			continue;
		if (off < o->keep[i].off)
			r = g->each(g, off, o->keep[i].off);
		off = kept;
	}
	return r == 0 && off < end ? g->each(g, off, end) : r;
}

static int zeros_gap(struct gaps *g, uint64_t off, uint64_t end)
{
	return unused_zeros(g->re, off, end - off, g->e);
}

int unused_wipe_all(struct restore *re, struct err *e)
{
	struct gaps g = { .re = re, .each = zeros_gap, .e = e };
	uint64_t off, end;
	int r = 0;

	for (size_t i = 0; r == 0 && wipe_place(re, i, &off, &end); i++)
		r = each_free(&g, off, end);
	if (r == 0)
		r = dev_flush(re->target, e);
	re->mark.wiped = r == 0;
	return r;
}

/* [off, end) without the new backup GPT. */
static int gap(struct gaps *g, uint64_t off, uint64_t end)
{
	const struct gpt_move *m = &g->re->gpt;
	uint64_t tail_end = m->off + m->len;
	int r = 0;

	if (!m->tail || m->off >= end || tail_end <= off)
		return off < end ? each_free(g, off, end) : 0;
	if (off < m->off)
		r = each_free(g, off, m->off);
	if (r == 0 && tail_end < end)
		r = each_free(g, tail_end, end);
	return r;
}

static int gap_before(void *ctx, uint64_t off, uint64_t len)
{
	struct gaps *g = ctx;
	const struct restore *re = g->re;
	int r = 0;

	/* from there on nothing was written */
	if (off >= re->limit || off >= re->target->size)
		return 0;
	if (len > re->limit - off)
		len = re->limit - off;
	if (off > g->at)
		r = gap(g, g->at, off);
	if (off + len > g->at)
		g->at = off + len;
	return r;
}

static int gaps_run(struct gaps *g)
{
	struct restore *re = g->re;
	int r;

	/* the head's own are zeros, and the mark stands there */
	g->at = re->began ? re->head_len : 0;
	r = image_extents(re->im, gap_before, g, g->e);
	if (r == 0 && g->at < re->target->size)
		r = gap(g, g->at, re->target->size);
	return r;
}

/* ---- old signatures, where they aren't overwritten ---- */

/* Writes only if there is something: a disk that is as it was stays so. */
static int wipe_if_any(struct restore *re, uint64_t off, uint64_t len, struct err *e)
{
	uint8_t *buf = malloc(WIPE_EACH_END);
	int r = 0;

	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory for buffers");
	while (len && r == 0) {
		size_t n = len < WIPE_EACH_END ? (size_t)len : WIPE_EACH_END;

		if (dev_read(re->target, off, buf, n, NULL) < 0 || !all_zero(buf, n))
			r = unused_zeros(re, off, n, e);
		off += n;
		len -= n;
	}
	free(buf);
	return r;
}

static int wipe_gap(struct gaps *g, uint64_t off, uint64_t end)
{
	uint64_t a, b;
	int r = 0;

	for (size_t i = 0; r == 0 && wipe_place(g->re, i, &a, &b); i++) {
		if (a < off)
			a = off;
		if (b > end)
			b = end;
		if (a < b)
			r = wipe_if_any(g->re, a, b - a, g->e);
	}
	return r;
}

int unused_wipe(struct restore *re, struct err *e)
{
	struct gaps g = { .re = re, .each = wipe_gap, .e = e };
	int r;

	if (re->mark.wiped)
		return 0;
	r = gaps_run(&g);
	re->mark.wiped = r == 0;
	return r;
}

/* ---- discard, zero ---- */

enum { CANT = 1 };

static int discard_gap(struct gaps *g, uint64_t off, uint64_t end)
{
	struct restore *re = g->re;

	off = (off + ALIGN - 1) / ALIGN * ALIGN;
	end = end / ALIGN * ALIGN;
	if (end < off || end - off < DISCARD_LEAST)
		return 0;
	while (off < end) {
		uint64_t n = end - off < DISCARD_PIECE ? end - off : DISCARD_PIECE;

		if (job_cancelled(&re->job))
			return err_set(g->e, ERR_CANCELLED, "stopped on request");
		if (dev_discard(re->target, off, n))
			return CANT;
		off += n;
		job_progress(&re->job, off, re->target->size, 0);
	}
	return 0;
}

static int zero_gap(struct gaps *g, uint64_t off, uint64_t end)
{
	struct restore *re = g->re;
	int r = 0;

	while (off < end && r == 0) {
		uint64_t n = end - off < ZERO_PIECE ? end - off : ZERO_PIECE;
		uint64_t odd = off % ALIGN ? ALIGN - off % ALIGN : n % ALIGN;

		if (job_cancelled(&re->job))
			return err_set(g->e, ERR_CANCELLED, "stopped on request");
		/* up to a whole page, or from the last one on, by hand */
		if (off % ALIGN || n < ALIGN)
			n = n < odd ? n : odd;
		else
			n -= odd;
		if (n < ALIGN || dev_erase(re->target, off, n))
			r = unused_zeros(re, off, n, g->e);
		off += n;
		job_progress(&re->job, off, re->target->size, 0);
	}
	return r;
}

int unused_clear(struct restore *re, struct err *e)
{
	int zero = re->opt->unused == UNUSED_ZERO;
	struct gaps g = { .re = re, .each = zero ? zero_gap : discard_gap, .e = e };
	int r;

	if (re->opt->unused == UNUSED_KEEP)
		return 0;
	job_step(&re->job, "clear", zero ? "filling what isn't used with zeros" :
		 "telling the disk what isn't used");
	r = gaps_run(&g);
	if (r == CANT) {
		job_warning(&re->job, "discard", 0, 0,
			    "%s can't discard what isn't used; the restore is complete without it",
			    re->target->name);
		r = 0;
	}
	return r < 0 ? r : dev_flush(re->target, e);
}
