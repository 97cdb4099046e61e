/* redo.c: what was written to a device and isn't on it yet.  See redo.h; the
 * log is redo-log.c's. */
#include "imager/dev/redo.h"
#include <stdlib.h>
#include <string.h>
#include "common/vec.h"

uint32_t redo_len(const struct blkdev *parent, uint64_t off)
{
	uint64_t left = parent->size - off;

	return left < REDO_GRANULE ? (uint32_t)left : REDO_GRANULE;
}

/* The first granule at or behind off. */
static size_t find(const struct dev_redo *x, uint64_t off)
{
	size_t lo = 0, hi = x->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (x->v[mid].off < off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int redo_read(struct blkdev *d, uint64_t off, void *buf, size_t len, struct err *e)
{
	struct dev_redo *x = (struct dev_redo *)d;
	size_t i = find(x, off / REDO_GRANULE * REDO_GRANULE);
	char *p = buf;

	while (len) {
		uint64_t next = x->below || i == x->n ? d->size : x->v[i].off, skip, n;
		int rc = 0;

		if (next > off) {
			n = next - off < len ? next - off : len;
			rc = dev_read(x->parent, off, p, n, e);
		} else {
			skip = off - next;
			n = redo_len(x->parent, next) - skip;
			n = n < len ? n : len;
			memcpy(p, x->v[i++].data + skip, n);
		}
		if (rc)
			return rc;
		p += n;
		off += n;
		len -= n;
	}
	return 0;
}

/* The granule at off, made from the device's bytes; NULL with e filled. */
static struct granule *get(struct dev_redo *x, uint64_t off, struct err *e)
{
	size_t i = find(x, off);
	struct granule *v;
	uint8_t *data;

	if (i < x->n && x->v[i].off == off)
		return &x->v[i];
	v = x->n < REDO_LOG_MAX / REDO_GRANULE ? vec_room(x->v, x->n, &x->room, sizeof *v) : NULL;
	if (!v) {
		err_set(e, ERR_NOMEM, "%s: too much to be written at once", x->d.name);
		return NULL;
	}
	x->v = v;
	data = calloc(1, REDO_GRANULE);
	if (!data) {
		err_set(e, ERR_NOMEM, "%s: out of memory", x->d.name);
		return NULL;
	}
	if (dev_read(x->parent, off, data, redo_len(x->parent, off), e)) {
		free(data);
		return NULL;
	}
	memmove(&x->v[i + 1], &x->v[i], (x->n - i) * sizeof *x->v);
	x->v[i] = (struct granule){ .off = off, .data = data };
	x->n++;
	return &x->v[i];
}

static int redo_write(struct blkdev *d, uint64_t off, const void *buf, size_t len,
		      struct err *e)
{
	struct dev_redo *x = (struct dev_redo *)d;
	const char *p = buf;

	while (len) {
		uint64_t skip = off % REDO_GRANULE, n = REDO_GRANULE - skip;
		struct err why = { 0 };
		struct granule *g = get(x, off - skip, &why);

		if (!g)
			return err_set(e, why.code, "%s", why.msg);
		n = n < len ? n : len;
		memcpy(g->data + skip, p, n);
		g->touched = 1;
		p += n;
		off += n;
		len -= n;
	}
	return 0;
}

void dev_redo_discard(struct blkdev *d)
{
	struct dev_redo *x = (struct dev_redo *)d;

	for (size_t i = 0; i < x->n; i++) {
		free(x->v[i].data);
		free(x->v[i].first);
	}
	free(x->v);
	x->v = NULL;
	x->n = x->room = 0;
}

static const struct blkdev_ops ops = {
	.read = redo_read, .write = redo_write, .close = dev_redo_discard,
};

int dev_redo(struct blkdev *parent, struct blkdev **ret, struct err *e)
{
	struct dev_redo *x = dev_new(sizeof *x, &ops, parent->size, e, "%s", parent->name);

	if (!x)
		return ERR_NOMEM;
	x->parent = parent;
	x->d.sector_size = parent->sector_size;
	x->d.phys_size = parent->phys_size;
	*ret = &x->d;
	return 0;
}

void dev_redo_below(struct blkdev *d, int on)
{
	((struct dev_redo *)d)->below = on;
}

void dev_redo_first_begin(struct blkdev *d)
{
	struct dev_redo *x = (struct dev_redo *)d;

	for (size_t i = 0; i < x->n; i++)
		x->v[i].touched = 0;
}

int dev_redo_first_end(struct blkdev *d, struct err *e)
{
	struct dev_redo *x = (struct dev_redo *)d;

	for (size_t i = 0; i < x->n; i++) {
		struct granule *g = &x->v[i];

		if (!g->touched)
			continue;
		g->first = g->first ? g->first : malloc(REDO_GRANULE);
		if (!g->first)
			return err_set(e, ERR_NOMEM, "%s: out of memory", d->name);
		memcpy(g->first, g->data, REDO_GRANULE);
	}
	return 0;
}

/* Sectors of g that change lie in nobody's room? */
static int is_early(struct dev_redo *x, struct granule *g,
		    int (*nobodys)(void *, uint64_t, uint32_t, int *, struct err *),
		    void *ctx, struct err *e)
{
	uint32_t len = redo_len(x->parent, g->off);
	uint8_t old[REDO_GRANULE];
	int rc = dev_read(x->parent, g->off, old, len, e);

	g->early = 1;
	for (uint32_t at = 0; !rc && g->early && at < len; at += REDO_MARK_SIZE) {
		uint32_t n = len - at < REDO_MARK_SIZE ? len - at : REDO_MARK_SIZE;

		if (memcmp(old + at, g->data + at, n))
			rc = nobodys(ctx, g->off + at, n, &g->early, e);
	}
	return rc;
}

int dev_redo_early(struct blkdev *d, int (*nobodys)(void *ctx, uint64_t off, uint32_t len,
						    int *ret, struct err *e),
		   void *ctx, struct err *e)
{
	struct dev_redo *x = (struct dev_redo *)d;
	int rc = 0;

	for (size_t i = 0; !rc && i < x->n; i++)
		if (!x->v[i].first)
			rc = is_early(x, &x->v[i], nobodys, ctx, e);
	return rc;
}
