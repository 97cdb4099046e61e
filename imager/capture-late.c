/* capture-late.c: a capture's way around what can't be read: the first pass goes on
 * behind it, the second tries what was skipped with large reads, the third goes
 * through the hard places (rescue.h).  docs/decisions/0016-bad-disks.md */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "imager/capture-int.h"

/* After the n-th failed chunk in a row 2^(n-1) - 1 are skipped, at most these:
 * damage is mostly long, and each failed read takes seconds. */
#define SKIP_SHIFT_MAX 8
/* Reading ahead would go on asking for what failed. */
#define HOLD_HINTS 64
/* Chunks that go through the passes together, so that the easy parts of all come
 * first: so much memory. */
#define BATCH_BYTES (16u << 20)
#define BATCH_MAX 64

/* ---- one chunk ---- */

static int stopped(void *ctx)
{
	struct capture *c = ctx;

	return atomic_load(&c->stop) || (!c->n_workers && job_cancelled(&c->job));
}

static uint64_t first_byte(const struct capture *c, const struct plan *p)
{
	uint64_t off, len;

	plan_span(p, c->params.chunk_size, c->params.disk_size, &off, &len);
	return off;
}

/* Marks that the log brought, in this chunk.  h NULL: is there any? */
static int known_bad(struct capture *c, const struct plan *p, struct hard_chunk *h)
{
	static const enum unit_state states[256] = {
		[MAP_UNTRIMMED] = UNIT_PIECE, [MAP_UNSCRAPED] = UNIT_PIECE, [MAP_BAD] = UNIT_SECTOR,
	};
	const struct mapfile *m = c->opt->known;
	uint64_t begin, len;
	int any = 0;

	if (!m)
		return 0;
	plan_span(p, c->params.chunk_size, c->params.disk_size, &begin, &len);
	while (c->known_at < m->n && m->mark[c->known_at].off + m->mark[c->known_at].len <= begin)
		c->known_at++;
	for (size_t i = c->known_at; i < m->n && m->mark[i].off < begin + len; i++) {
		any = 1;
		if (h)
			hard_mark(h, c->params.chunk_size, m->mark[i].off, m->mark[i].len,
				  states[(unsigned char)m->mark[i].status]);
	}
	return any;
}

/* All passes over one chunk, since there is no room to put it off. */
static int read_now(struct capture *c, struct cap_slot *s, struct err *e)
{
	struct hard_chunk h = { .plan = s->plan, .wide = s->wide };
	int r;

	if (!c->state)
		c->state = malloc(c->params.chunk_size / 512);
	if (!c->state)
		return err_set(e, ERR_NOMEM, "out of memory for buffers");
	h.state = c->state;
	hard_begin(&h, c->params.chunk_size);
	known_bad(c, &s->plan, &h);
	r = rescue_run(&c->rescuer, &h, 1, e);
	return r < 0 ? r : hard_end(&h, &c->reader, &s->bad, &s->unscraped, e);
}

static int put_off(struct cap_slot *s, enum putoff_why why)
{
	s->put_off = 1;
	s->why = why;
	return 0;
}

int capture_read(struct capture *c, struct cap_slot *s, int may_put_off, struct err *e)
{
	struct rescue_count *count = &c->rescuer.count[RESCUE_COPY];
	struct err why = { 0 };
	int r;

	s->put_off = 0;
	s->bad.n = s->unscraped.n = 0;
	if (known_bad(c, &s->plan, NULL))
		return may_put_off ? put_off(s, PUTOFF_FAILED) : read_now(c, s, e);
	if (c->skip && may_put_off) {
		c->skip--;
		return put_off(s, PUTOFF_SKIPPED);
	}
	count->reads++;
	if (chunk_read(&c->reader, &s->plan, s->wide, &why) == 0) {
		rescue_good(&c->rescuer, first_byte(c, &s->plan));
		count->bytes += s->plan.plain_len;
		c->failed_chunks = 0;
		return 0;
	}
	count->failed++;
	if (stopped(c))
		return err_set(e, ERR_CANCELLED, "stopped on request");
	r = rescue_failed(&c->rescuer, &why, e);
	dev_careful(c->reader.src, 0);
	if (r < 0)
		return r;
	c->hold_hints = HOLD_HINTS;
	if (!may_put_off)
		return read_now(c, s, e);
	c->skip = (1ull << c->failed_chunks) - 1;
	if (c->failed_chunks < SKIP_SHIFT_MAX)
		c->failed_chunks++;
	return put_off(s, PUTOFF_FAILED);
}

/* ---- the second pass ---- */

/* The next chunk that was put off, into *p; 0: there is none. */
static int next_late(struct capture *c, struct plan *p, enum putoff_why *ret_why)
{
	while (c->todo_at < c->todo.n && planner_next(&c->planner, p)) {
		const struct putoff_run *run = putoff_find(&c->todo, &c->todo_at, p->number);

		if (!run)
			continue;
		*ret_why = run->why;
		return 1;
	}
	return 0;
}

static int skipped_fill(void *ctx, void *slot, struct err *e)
{
	struct capture *c = ctx;
	struct cap_slot *s = slot;
	enum putoff_why why;
	int r = 0;

	if (!next_late(c, &s->plan, &why))
		return 0;
	if (why == PUTOFF_SKIPPED)
		r = capture_read(c, s, 1, e);
	else
		put_off(s, why);
	return r < 0 ? r : 1;
}

/* ---- the third pass ---- */

static int make_batch(struct capture *c, struct err *e)
{
	struct batch *b = &c->batch;
	size_t n = BATCH_BYTES / c->params.chunk_size;
	int r = 0;

	n = n < 1 ? 1 : n > BATCH_MAX ? BATCH_MAX : n;
	b->h = calloc(n, sizeof *b->h);
	b->mem = calloc(n, sizeof *b->mem);
	if (!b->h || !b->mem)
		return err_set(e, ERR_NOMEM, "out of memory for buffers");
	for (b->room = 0; b->room < n && r == 0; b->room++) {
		struct hard_chunk *h = &b->h[b->room];

		r = capture_make_buffer(c, &h->plan, &b->mem[b->room], &h->wide, e);
		h->state = malloc(c->params.chunk_size / 512);
		if (r == 0 && !h->state)
			r = err_set(e, ERR_NOMEM, "out of memory for buffers");
	}
	return r;
}

static int fill_batch(struct capture *c, struct err *e)
{
	struct batch *b = &c->batch;
	enum putoff_why why;

	b->at = 0;
	for (b->n = 0; b->n < b->room && next_late(c, &b->h[b->n].plan, &why); b->n++) {
		hard_begin(&b->h[b->n], c->params.chunk_size);
		known_bad(c, &b->h[b->n].plan, &b->h[b->n]);
	}
	return rescue_run(&c->rescuer, b->h, b->n, e);
}

static int hard_fill(void *ctx, void *slot, struct err *e)
{
	struct capture *c = ctx;
	struct cap_slot *s = slot;
	struct batch *b = &c->batch;
	struct hard_chunk *h;
	uint8_t *mem = s->mem, *wide = s->wide;
	struct plan plan = s->plan;
	int r = 0;

	if (b->at == b->n)
		r = fill_batch(c, e);
	if (r < 0 || b->at == b->n)
		return r;
	h = &b->h[b->at];
	s->put_off = 0;
	s->bad.n = s->unscraped.n = 0;
	r = hard_end(h, &c->reader, &s->bad, &s->unscraped, e);
	if (r < 0)
		return r;
	s->mem = b->mem[b->at];
	s->wide = h->wide;
	s->plan = h->plan;
	b->mem[b->at] = mem;
	h->wide = wide;
	h->plan = plan;
	b->at++;
	return 1;
}

/* ---- rounds ---- */

static int one_round(struct capture *c, int (*fill)(void *ctx, void *slot, struct err *e),
		     struct err *e)
{
	int r;

	planner_begin(&c->planner, c->used, c->params.disk_size, c->params.chunk_size);
	c->todo_at = c->known_at = 0;
	c->skip = c->failed_chunks = 0;
	c->turn = 0;
	c->round++;
	r = capture_pass(c, fill, e);
	if (r < 0)
		return r;
	putoff_done(&c->todo);
	c->todo = c->next;
	c->next = (struct putoff){ 0 };
	c->turn = 0;
	capture_log(c, 0);
	return 0;
}

int capture_late(struct capture *c, struct err *e)
{
	uint64_t chunks = 0;
	char text[100];
	int r;

	if (!c->todo.n)
		return 0;
	for (size_t i = 0; i < c->todo.n; i++)
		chunks += c->todo.run[i].n;
	snprintf(text, sizeof text, "going back to %llu places that could not be read at once",
		 (unsigned long long)chunks);
	job_step(&c->job, "retry", text);
	capture_log(c, 0);
	r = one_round(c, skipped_fill, e);
	if (r < 0 || !c->todo.n)
		return r;
	r = make_batch(c, e);
	return r < 0 ? r : one_round(c, hard_fill, e);
}

void capture_late_begin(struct capture *c)
{
	c->rescuer = (struct rescuer){
		.r = &c->reader, .stopped = stopped, .ctx = c,
		.retry_passes = c->opt->retry_passes < 0 ? 0 : c->opt->retry_passes ?
				(unsigned int)c->opt->retry_passes : CAPTURE_RETRY_PASSES,
		.seconds_max = c->opt->retry_seconds < 0 ? 0 : c->opt->retry_seconds ?
			       c->opt->retry_seconds : CAPTURE_RETRY_SECONDS,
	};
}

void capture_late_done(struct capture *c)
{
	for (size_t i = 0; i < c->batch.room; i++) {
		free(c->batch.h[i].plan.map);
		free(c->batch.h[i].state);
		free(c->batch.mem[i]);
	}
	free(c->batch.h);
	free(c->batch.mem);
	free(c->state);
	putoff_done(&c->todo);
	putoff_done(&c->next);
	putoff_done(&c->room);
	bad_done(&c->unscraped);
}

/* ---- what is told of it ---- */

void capture_log(struct capture *c, int finished)
{
	struct mapfile_view v = {
		.used = c->used, .disk_size = c->params.disk_size, .done_to = c->done_to,
		.chunk_size = c->params.chunk_size, .todo = &c->todo, .next = &c->next,
		.turn = c->turn, .bad = &c->bad, .unscraped = &c->unscraped,
		.known = c->opt->known, .finished = finished,
	};
	struct err why;

	c->logged = job_seconds(&c->job);
	if (!c->opt->log || mapfile_write(c->opt->log, &v, &why) == 0)
		return;
	if (!c->log_failed)
		job_warning(&c->job, "log", 0, 0, "the log can't be written: %s", why.msg);
	c->log_failed = 1;
}

json_object *capture_passes(const struct capture *c)
{
	static const char *const names[RESCUE_STEPS] = { "copy", "pieces", "sectors", "retry" };
	json_object *a, *o;

	if (!c->rescuer.count[RESCUE_COPY].failed && !c->rescuer.count[RESCUE_PIECES].reads &&
	    !c->bad.n)
		return NULL;
	a = json_object_new_array();
	for (int i = 0; i < RESCUE_STEPS; i++) {
		const struct rescue_count *n = &c->rescuer.count[i];

		o = json_object_new_object();
		json_object_object_add(o, "pass", json_object_new_string(names[i]));
		json_object_object_add(o, "reads", json_object_new_int64((int64_t)n->reads));
		json_object_object_add(o, "failed", json_object_new_int64((int64_t)n->failed));
		json_object_object_add(o, "bytes", json_object_new_int64((int64_t)n->bytes));
		if (i != RESCUE_COPY && !c->opt->plain_summary)
			json_object_object_add(o, "seconds", json_object_new_double(
				(double)(int64_t)(n->seconds * 10) / 10));
		json_object_array_add(a, o);
	}
	return a;
}
