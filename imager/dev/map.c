/* map.c: a device made of pieces of another one, for example a logical volume;
 * read-only. */
#include "imager/dev/dev.h"
#include <stdlib.h>
#include <string.h>

struct dev_map {
	struct blkdev d;
	struct blkdev *parent;
	struct dev_piece *v;      /* by the place in this device */
	size_t n;
};

uint64_t dev_piece_before(const struct dev_piece *p, uint64_t at)
{
	uint64_t rows, in;

	if (at <= p->at)
		return 0;
	rows = (at - p->at) / p->stride;
	in = (at - p->at) % p->stride;
	if (rows > p->len / p->chunk)
		return p->len;
	in = rows * p->chunk + (in < p->chunk ? in : p->chunk);
	return in < p->len ? in : p->len;
}

/* Is byte `at` in the piece?  Then *x is where, *run how many bytes follow. */
static int holds(const struct dev_piece *p, uint64_t at, uint64_t *x, uint64_t *run)
{
	uint64_t row, in;

	if (at < p->at)
		return 0;
	row = (at - p->at) / p->stride;
	in = (at - p->at) % p->stride;
	if (in >= p->chunk || row > p->len / p->chunk)
		return 0;
	*x = row * p->chunk + in;
	if (*x >= p->len)
		return 0;
	*run = p->chunk - in < p->len - *x ? p->chunk - in : p->len - *x;
	return 1;
}

/* The pieces of a striped part begin one chunk after the other, so that one of
 * the last that begin at or before the byte has it. */
static const struct dev_piece *find(const struct dev_map *m, uint64_t at, uint64_t *x,
				    uint64_t *run)
{
	size_t lo = 0, hi = m->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->v[mid].at <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo--)
		if (holds(&m->v[lo], at, x, run))
			return &m->v[lo];
	return NULL;
}

static int map_read(struct blkdev *d, uint64_t off, void *buf, size_t len, struct err *e)
{
	struct dev_map *m = (struct dev_map *)d;
	uint8_t *out = buf;

	while (len) {
		uint64_t x, run;
		const struct dev_piece *p = find(m, off, &x, &run);
		int r;

		if (!p)
			return err_set(e, ERR_IO, "%s: byte %llu is not on this disk", d->name,
				       (unsigned long long)off);
		if (run > len)
			run = len;
		r = 0;
		if (p->off == DEV_PIECE_ZEROS)
			memset(out, 0, (size_t)run);
		else
			r = dev_read(m->parent, p->off + x, out, (size_t)run, e);
		if (r < 0)
			return r;
		out += run;
		off += run;
		len -= (size_t)run;
	}
	return 0;
}

static void map_will_need(struct blkdev *d, uint64_t off, uint64_t len)
{
	struct dev_map *m = (struct dev_map *)d;
	uint64_t x, run;
	const struct dev_piece *p = find(m, off, &x, &run);

	if (p && p->off != DEV_PIECE_ZEROS)
		dev_will_need(m->parent, p->off + x, run < len ? run : len);
}

static void map_close(struct blkdev *d)
{
	free(((struct dev_map *)d)->v);
}

static const struct blkdev_ops map_ops = {
	.read = map_read, .will_need = map_will_need, .close = map_close,
};

static int by_place(const void *pa, const void *pb)
{
	const struct dev_piece *a = pa, *b = pb;

	return a->at < b->at ? -1 : a->at > b->at;
}

int dev_map(struct blkdev *parent, const struct dev_piece *pieces, size_t n, uint64_t size,
	    struct blkdev **ret, struct err *e)
{
	struct dev_map *m = dev_new(sizeof *m, &map_ops, size, e, "a volume on %s", parent->name);

	if (!m)
		return ERR_NOMEM;
	m->parent = parent;
	m->n = n;
	m->v = malloc(n ? n * sizeof *pieces : 1);
	if (!m->v) {
		dev_close(&m->d);
		return err_set(e, ERR_NOMEM, "out of memory for the pieces of a volume");
	}
	if (n)
		memcpy(m->v, pieces, n * sizeof *pieces);
	qsort(m->v, n, sizeof *m->v, by_place);
	m->d.sector_size = parent->sector_size;
	m->d.phys_size = parent->phys_size;
	*ret = &m->d;
	return 0;
}
