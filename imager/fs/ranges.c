/* ranges.c: see ranges.h. */
#include "imager/fs/ranges.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/vec.h"

int ranges_add(struct ranges *l, uint64_t start, uint64_t end, struct err *e)
{
	struct range *last = l->n ? &l->v[l->n - 1] : NULL, *v;

	if (start >= end)
		return 0;
	if (last && start <= last->end && end >= last->start) {
		if (start < last->start)
			last->start = start;
		if (end > last->end)
			last->end = end;
		return 0;
	}
	if (l->n == RANGES_MAX) {
		ranges_sort(l); /* may merge */
		if (l->n > RANGES_MAX / 4 * 3)
			return err_set(e, ERR_UNSUPPORTED, "more than %zu pieces to keep in memory",
				       RANGES_MAX);
		return ranges_add(l, start, end, e);
	}
	v = vec_room(l->v, l->n, &l->room, sizeof *v);
	if (!v)
		return err_set(e, ERR_NOMEM, "out of memory for a list of ranges");
	l->v = v;
	l->v[l->n++] = (struct range){ start, end };
	return 0;
}

static int by_start(const void *pa, const void *pb)
{
	const struct range *a = pa, *b = pb;

	return a->start < b->start ? -1 : a->start > b->start;
}

void ranges_sort(struct ranges *l)
{
	size_t n = 0;

	if (!l->n)
		return;
	qsort(l->v, l->n, sizeof *l->v, by_start);
	for (size_t i = 1; i < l->n; i++) {
		if (l->v[i].start <= l->v[n].end) {
			if (l->v[i].end > l->v[n].end)
				l->v[n].end = l->v[i].end;
		} else {
			l->v[++n] = l->v[i];
		}
	}
	l->n = n + 1;
}

int ranges_intersect(struct ranges *l, const struct ranges *by, struct err *e)
{
	struct ranges ret = { 0 };
	int r = 0;

	for (size_t i = 0, j = 0; i < l->n && j < by->n && !r;) {
		uint64_t s = l->v[i].start > by->v[j].start ? l->v[i].start : by->v[j].start;
		uint64_t t = l->v[i].end < by->v[j].end ? l->v[i].end : by->v[j].end;

		r = ranges_add(&ret, s, t, e);
		if (l->v[i].end < by->v[j].end)
			i++;
		else
			j++;
	}
	if (r) {
		ranges_done(&ret);
		return r;
	}
	ranges_done(l);
	*l = ret;
	return 0;
}

size_t ranges_find(const struct ranges *l, uint64_t at)
{
	size_t lo = 0, hi = l->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (l->v[mid].end <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

uint64_t ranges_bytes(const struct ranges *l)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < l->n; i++)
		sum += l->v[i].end - l->v[i].start;
	return sum;
}

void ranges_done(struct ranges *l)
{
	free(l->v);
	memset(l, 0, sizeof *l);
}

/* What is left of the pending range after the cuts, to the sink. */
static int flush_pending(struct emit *m)
{
	struct range p = m->pending;

	m->pending.start = m->pending.end = 0;
	while (p.start < p.end) {
		const struct range *c = NULL;
		uint64_t stop = p.end;
		int r;

		if (m->cut)
			while (m->i_cut < m->cut->n && m->cut->v[m->i_cut].end <= p.start)
				m->i_cut++;
		if (m->cut && m->i_cut < m->cut->n)
			c = &m->cut->v[m->i_cut];
		if (c && c->start <= p.start) {
			stop = c->end < p.end ? c->end : p.end;
			m->bytes_cut += stop - p.start;
			p.start = stop;
			continue;
		}
		if (c && c->start < stop)
			stop = c->start;
		r = m->out->used(m->out->ctx, p.start, stop - p.start);
		if (r)
			return r;
		p.start = stop;
	}
	return 0;
}

static int push(struct emit *m, uint64_t start, uint64_t end)
{
	int r;

	if (end > m->size)
		end = m->size;
	if (start >= end)
		return 0;
	if (m->pending.start != m->pending.end && start <= m->pending.end) {
		if (end > m->pending.end)
			m->pending.end = end;
		return 0;
	}
	r = flush_pending(m);
	m->pending = (struct range){ start, end };
	return r;
}

int emit_used(struct emit *m, uint64_t start, uint64_t end)
{
	while (m->extra && m->i_extra < m->extra->n &&
	       m->extra->v[m->i_extra].start <= start) {
		const struct range *x = &m->extra->v[m->i_extra++];
		int r = push(m, x->start, x->end);

		if (r)
			return r;
	}
	return push(m, start, end);
}

int emit_finish(struct emit *m)
{
	int r = emit_used(m, UINT64_MAX, UINT64_MAX);

	return r ? r : flush_pending(m);
}

int emit_bitmap(struct emit *m, const uint8_t *map, uint64_t bits, uint64_t base,
		uint64_t unit)
{
	uint64_t i = 0, start;

	while (i < bits) {
		int r;

		while (i < bits && !(map[i / 8] >> (i % 8) & 1))
			i += !(i % 8) && !map[i / 8] ? 8 : 1;
		start = i;
		while (i < bits && map[i / 8] >> (i % 8) & 1)
			i += !(i % 8) && map[i / 8] == 0xff ? 8 : 1;
		if (i > bits)
			i = bits;
		if (start >= i)
			continue;
		r = emit_used(m, base + start * unit, base + i * unit);
		if (r)
			return r;
	}
	return 0;
}

void fs_note(const struct fs_notes *n, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	if (!n->add)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	n->add(n->ctx, text);
}
