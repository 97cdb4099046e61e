/* rescue.c: see rescue.h. */
#include "imager/rescue.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define UNIT 512u
#define PIECE (64u << 10)             /* bytes; a divisor of every chunk size */
/* So many failures in a row, and the disk is asked for what it gave before. */
#define ASK_AFTER 16u
/* ... and it is called gone if it never gave anything. */
#define GONE_AFTER 64u

#define WANTS(state) (1u << (state))

/* A run is an unbroken row of units that the pass wants. */
static const struct pass {
	enum rescue_step step;
	unsigned int wants;       /* WANTS() of states                          */
	int by_sector;            /* else by PIECE                              */
	int backward;
	int stop;                 /* the first failure ends the run             */
} passes[] = {
	{ RESCUE_PIECES, WANTS(UNIT_UNTRIED), 0, 0, 1 },
	{ RESCUE_PIECES, WANTS(UNIT_UNTRIED), 0, 1, 1 },
	{ RESCUE_PIECES, WANTS(UNIT_UNTRIED), 0, 0, 0 },
	{ RESCUE_SECTORS, WANTS(UNIT_PIECE), 1, 0, 1 },
	{ RESCUE_SECTORS, WANTS(UNIT_PIECE), 1, 1, 1 },
	{ RESCUE_SECTORS, WANTS(UNIT_PIECE), 1, 0, 0 },
};
#define N_PASSES (sizeof passes / sizeof *passes)

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- chunks ---- */

void hard_begin(struct hard_chunk *h, uint32_t chunk_size)
{
	memset(h->state, UNIT_DONE, chunk_size / UNIT);
	for (uint32_t i = 0; i < h->plan.map_count; i++)
		memset(h->state + h->plan.map[i].start, UNIT_UNTRIED, h->plan.map[i].count);
}

void hard_mark(struct hard_chunk *h, uint32_t chunk_size, uint64_t off, uint64_t len,
	       enum unit_state s)
{
	uint64_t base = h->plan.number * chunk_size, at = base;

	for (uint32_t u = 0; u < chunk_size / UNIT; u++, at += UNIT)
		if (h->state[u] != UNIT_DONE && at < off + len && off < at + UNIT)
			h->state[u] = (uint8_t)s;
}

/* Bytes of the units [from, to) at `at`: the disk may end inside the last one. */
static uint32_t units_len(const struct chunk_reader *r, uint64_t at, uint32_t n)
{
	uint64_t len = (uint64_t)n * UNIT;

	return (uint32_t)(len < r->disk_size - at ? len : r->disk_size - at);
}

int hard_end(struct hard_chunk *h, const struct chunk_reader *r, struct bad_list *bad,
	     struct bad_list *unscraped, struct err *e)
{
	uint64_t base = h->plan.number * r->chunk_size;
	uint32_t units = r->chunk_size / UNIT, to;
	int ret = 0;

	for (uint32_t u = 0; u < units && ret == 0; u = to) {
		uint64_t at = base + (uint64_t)u * UNIT;
		uint32_t len;

		for (to = u + 1; to < units && h->state[to] == h->state[u];)
			to++;
		if (h->state[u] == UNIT_DONE)
			continue;
		len = units_len(r, at, to - u);
		memset(h->wide + (size_t)u * UNIT, 0, len);
		ret = bad_add(bad, at, len, e);
		if (ret == 0 && h->state[u] != UNIT_SECTOR)
			ret = bad_add(unscraped, at, len, e);
	}
	return ret;
}

/* ---- is the disk still there? ---- */

void rescue_good(struct rescuer *x, uint64_t off)
{
	x->failed_in_row = 0;
	x->have_good = 1;
	x->good = off;
}

int rescue_failed(struct rescuer *x, const struct err *why, struct err *e)
{
	struct blkdev *d = x->r->src;
	uint8_t *buf;
	int r;

	if (++x->failed_in_row % ASK_AFTER)
		return 0;
	if (!x->have_good && x->failed_in_row < GONE_AFTER)
		return 0;
	if (x->have_good) {
		buf = aligned_alloc(4096, PIECE);
		if (!buf)
			return err_set(e, ERR_NOMEM, "out of memory for buffers");
		dev_careful(d, 1);
		r = dev_read(d, x->good, buf, units_len(x->r, x->good, d->sector_size / UNIT), NULL);
		free(buf);
		if (r == 0)
			return 0;
	}
	return err_set(e, ERR_IO, "%s; and nothing else can be read any more: is the disk still connected?",
		       why->msg);
}

/* ---- passes ---- */

/* Bytes that fail together: asking for less only costs time. */
static uint32_t sector_units(const struct blkdev *d)
{
	uint32_t n = d->phys_size > d->sector_size ? d->phys_size : d->sector_size;

	if (n > PIECE || n % d->sector_size || n % UNIT || PIECE % n)
		n = d->sector_size;
	return n < UNIT ? 1 : n / UNIT;
}

/* Reads the units [from, to).  1: it failed. */
static int attempt(struct rescuer *x, struct hard_chunk *h, const struct pass *p,
		   uint32_t from, uint32_t to, struct err *e)
{
	uint64_t at = h->plan.number * x->r->chunk_size + (uint64_t)from * UNIT;
	uint32_t len = units_len(x->r, at, to - from);
	struct rescue_count *count = &x->count[p->step];
	struct err why = { 0 };
	int r;

	count->reads++;
	if (dev_read(x->r->src, at, h->wide + (size_t)from * UNIT, len, &why) == 0) {
		memset(h->state + from, UNIT_DONE, to - from);
		count->bytes += len;
		rescue_good(x, at);
		return 0;
	}
	memset(h->state + from, p->by_sector ? UNIT_SECTOR : UNIT_PIECE, to - from);
	count->failed++;
	r = rescue_failed(x, &why, e);
	return r < 0 ? r : 1;
}

/* 1: no more reads. */
static int is_over(struct rescuer *x, double since, struct err *e)
{
	if (x->stopped(x->ctx))
		return err_set(e, ERR_CANCELLED, "stopped on request");
	if (!x->seconds_max || x->seconds + (now() - since) < x->seconds_max)
		return 0;
	x->out_of_time = 1;
	return 1;
}

/* The run [from, to), piece by piece or sector by sector. */
static int sweep_run(struct rescuer *x, struct hard_chunk *h, const struct pass *p,
		     uint32_t from, uint32_t to, double since, struct err *e)
{
	uint32_t step = p->by_sector ? sector_units(x->r->src) : PIECE / UNIT;

	while (from < to) {
		uint32_t a = from, b = to;
		int r = is_over(x, since, e);

		if (r)
			return r;
		if (p->backward)
			to = a = (b - 1) / step * step < from ? from : (b - 1) / step * step;
		else
			from = b = (a / step + 1) * step < to ? (a / step + 1) * step : to;
		r = attempt(x, h, p, a, b, e);
		if (r < 0)
			return r;
		if (r && p->stop)
			break;
	}
	return 0;
}

/* One pass over one chunk.  1: no more reads. */
static int sweep(struct rescuer *x, struct hard_chunk *h, const struct pass *p,
		 double since, struct err *e)
{
	uint32_t units = x->r->chunk_size / UNIT, u = 0, n;
	int r = 0;

	while (u < units && r == 0) {
		/* what is read now is no longer wanted: the run is measured first */
		uint32_t at = p->backward ? units - 1 - u : u;

		for (n = 0; u + n < units && (p->wants & WANTS(h->state[p->backward ? at - n : at + n]));)
			n++;
		if (n)
			r = p->backward ? sweep_run(x, h, p, at + 1 - n, at + 1, since, e) :
					  sweep_run(x, h, p, at, at + n, since, e);
		u += n + 1;
	}
	return r;
}

static int all_chunks(struct rescuer *x, struct hard_chunk *h, size_t n,
		      const struct pass *p, double since, struct err *e)
{
	double begun = now();
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = sweep(x, &h[p->backward ? n - 1 - i : i], p, since, e);
	x->count[p->step].seconds += now() - begun;
	return r;
}

int rescue_run(struct rescuer *x, struct hard_chunk *h, size_t n, struct err *e)
{
	double since = now();
	int r = 0;

	dev_careful(x->r->src, 1);
	for (size_t i = 0; i < N_PASSES && r == 0; i++)
		r = all_chunks(x, h, n, &passes[i], since, e);
	/* each one from the other side: some drives read on where they can't begin */
	for (unsigned int i = 0; i < x->retry_passes && r == 0; i++) {
		struct pass retry = { RESCUE_RETRY, WANTS(UNIT_SECTOR), 1, i % 2 == 0, 0 };

		r = all_chunks(x, h, n, &retry, since, e);
	}
	dev_careful(x->r->src, 0);
	x->seconds += now() - since;
	return r < 0 ? r : 0;
}
