/* redo-log.c: the log of a commit (redo.h): written, and made again.
 *
 * The mark names the log's pieces and the digest of its head; the head lists
 * the writes in their order, each with digests of the sectors that were at its
 * place and of the new bytes; then come the new bytes. */
#include <stdlib.h>
#include <string.h>
#include "common/checked.h"
#include "common/cleanup.h"
#include "common/hash.h"
#include "common/le.h"
#include "imager/dev/redo.h"

static const char magic[16] = "rehost redo 0001"; /* no NUL behind it */

struct mark_disk {
	char magic[16];
	le64 log_len;           /* +0x10 bytes                               */
	le32 extents;           /* +0x18                                     */
	le32 writes;            /* +0x1c                                     */
	uint8_t head[HASH_LEN]; /* +0x20 of the log's list of writes          */
	struct { le64 off, len; } extent[REDO_EXTENTS_MAX]; /* +0x40          */
	uint8_t unused[32];     /* +0x1c0                                    */
	uint8_t self[HASH_LEN]; /* +0x1e0 of the mark before                  */
};
_Static_assert(sizeof(struct mark_disk) == REDO_MARK_SIZE, "the mark is one sector");

/* A disk that lost power may have written some sectors of a granule. */
#define SECTOR 512u
#define SECTORS (REDO_GRANULE / SECTOR)

struct write_disk {
	le64 off;               /* +0x00 bytes, where it belongs             */
	le32 len;               /* +0x08 bytes                               */
	le32 phase;             /* +0x0c 0 first, 1, 2 last                  */
	uint8_t was[SECTORS][8]; /* +0x10 of each sector, the digest's begin */
	uint8_t is[HASH_LEN];   /* +0x50                                     */
};
_Static_assert(sizeof(struct write_disk) == 0x70, "an entry of the log");

#define PHASES 3

/* A log in memory. */
struct log {
	struct blkdev *dev;     /* where the writes belong                   */
	struct hasher *hasher;
	struct write_disk *list;
	uint8_t **data;         /* of each write                             */
	uint8_t *own;           /* what data points into; NULL: not ours      */
	uint32_t n;
	struct redo_extent extent[REDO_EXTENTS_MAX];
	size_t extents;
};

static uint64_t head_size(uint64_t n)
{
	uint64_t len = n * sizeof(struct write_disk);

	return (len + REDO_GRANULE - 1) / REDO_GRANULE * REDO_GRANULE;
}

static uint64_t log_size(uint64_t n)
{
	return head_size(n) + n * REDO_GRANULE;
}

static void log_done(struct log *l)
{
	hasher_free(l->hasher);
	free(l->list);
	free(l->data);
	free(l->own);
}

static int log_new(struct log *l, struct blkdev *dev, uint32_t n, struct err *e)
{
	l->dev = dev;
	l->n = n;
	l->list = calloc(1, head_size(n) + 1);
	l->data = calloc(n + 1ul, sizeof *l->data);
	if (!l->list || !l->data)
		return err_set(e, ERR_NOMEM, "%s: out of memory for a log", dev->name);
	return hasher_new(&l->hasher, e);
}

static int digest(struct log *l, const void *bytes, size_t len, uint8_t *ret, struct err *e)
{
	return hash_bytes(l->hasher, HASH_SHA256, bytes, len, ret, e);
}

/* Bytes of the log at its offset at, to or from its pieces. */
static int log_io(struct log *l, uint64_t at, uint8_t *buf, size_t len, int write, struct err *e)
{
	for (size_t i = 0; i < l->extents && len; i++) {
		uint64_t size = l->extent[i].len, n;
		int rc;

		if (at >= size) {
			at -= size;
			continue;
		}
		n = size - at < len ? size - at : len;
		rc = write ? dev_write(l->dev, l->extent[i].off + at, buf, n, e)
			   : dev_read(l->dev, l->extent[i].off + at, buf, n, e);
		if (rc)
			return rc;
		buf += n;
		len -= n;
		at = 0;
	}
	return len ? err_set(e, ERR_INTERNAL, "%s: no room for the log", l->dev->name) : 0;
}

/* ---- the log of what was written ---- */

static uint32_t count(const struct dev_redo *x)
{
	uint32_t n = 0;

	for (size_t i = 0; i < x->n; i++)
		n += x->v[i].early ? 0 : x->v[i].first ? 2 : 1;
	return n;
}

uint64_t dev_redo_log_size(const struct blkdev *d)
{
	const struct dev_redo *x = (const struct dev_redo *)d;

	return x->n ? log_size(count(x)) : 0;
}

static int add(struct log *l, uint32_t *i, const struct granule *g, uint8_t *data,
	       unsigned int phase, struct err *e)
{
	uint8_t old[REDO_GRANULE] = { 0 }, sum[HASH_LEN];
	uint32_t len = redo_len(l->dev, g->off);
	struct write_disk *w = &l->list[*i];
	int rc = dev_read(l->dev, g->off, old, len, e);

	w->off = le64_make(g->off);
	w->len = le32_make(len);
	w->phase = le32_make(phase);
	l->data[(*i)++] = data;
	for (unsigned int k = 0; !rc && k < SECTORS; k++) {
		rc = digest(l, old + k * SECTOR, SECTOR, sum, e);
		memcpy(w->was[k], sum, sizeof w->was[k]);
	}
	return rc ? rc : digest(l, data, len, w->is, e);
}

static int collect(struct log *l, struct dev_redo *x, struct err *e)
{
	uint32_t n = 0;
	int rc = log_new(l, x->parent, count(x), e);

	for (size_t i = 0; !rc && i < x->n; i++)
		if (x->v[i].first)
			rc = add(l, &n, &x->v[i], x->v[i].first, 0, e);
	for (size_t i = 0; !rc && i < x->n; i++)
		if (!x->v[i].first && !x->v[i].early)
			rc = add(l, &n, &x->v[i], x->v[i].data, 1, e);
	for (size_t i = 0; !rc && i < x->n; i++)
		if (x->v[i].first)
			rc = add(l, &n, &x->v[i], x->v[i].data, 2, e);
	return rc;
}

/* ---- its way to the disk ---- */

static int put_early(struct dev_redo *x, struct err *e)
{
	int rc = 0, wrote = 0;

	for (size_t i = 0; !rc && i < x->n; i++) {
		if (!x->v[i].early)
			continue;
		wrote = 1;
		rc = dev_write(x->parent, x->v[i].off, x->v[i].data,
			       redo_len(x->parent, x->v[i].off), e);
	}
	return !rc && wrote ? dev_flush(x->parent, e) : rc;
}

static int put_log(struct log *l, struct err *e)
{
	uint64_t at = head_size(l->n);
	int rc = log_io(l, 0, (uint8_t *)l->list, at, 1, e);

	for (uint32_t i = 0; !rc && i < l->n; i++, at += REDO_GRANULE)
		rc = log_io(l, at, l->data[i], REDO_GRANULE, 1, e);
	return rc ? rc : dev_flush(l->dev, e);
}

static int put_mark(struct log *l, uint64_t at, struct err *e)
{
	struct mark_disk m = { .log_len = le64_make(log_size(l->n)),
			       .extents = le32_make((uint32_t)l->extents),
			       .writes = le32_make(l->n) };
	int rc = digest(l, l->list, head_size(l->n), m.head, e);

	memcpy(m.magic, magic, sizeof magic);
	for (size_t i = 0; i < l->extents; i++) {
		m.extent[i].off = le64_make(l->extent[i].off);
		m.extent[i].len = le64_make(l->extent[i].len);
	}
	if (!rc)
		rc = digest(l, &m, sizeof m - HASH_LEN, m.self, e);
	if (!rc)
		rc = dev_write(l->dev, at, &m, sizeof m, e);
	return rc ? rc : dev_flush(l->dev, e);
}

static int clear_mark(struct blkdev *d, uint64_t at, struct err *e)
{
	static const uint8_t zeros[REDO_MARK_SIZE];
	int rc = dev_write(d, at, zeros, sizeof zeros, e);

	return rc ? rc : dev_flush(d, e);
}

static int put_home(struct log *l, struct err *e)
{
	int rc = 0;

	for (unsigned int phase = 0; !rc && phase < PHASES; phase++) {
		int wrote = 0;

		for (uint32_t i = 0; !rc && i < l->n; i++) {
			const struct write_disk *w = &l->list[i];

			if (le32_get(w->phase) != phase)
				continue;
			wrote = 1;
			rc = dev_write(l->dev, le64_get(w->off), l->data[i], le32_get(w->len), e);
		}
		if (!rc && wrote)
			rc = dev_flush(l->dev, e);
	}
	return rc;
}

int dev_redo_commit(struct blkdev *d, uint64_t mark, const struct redo_extent *room,
		    size_t n, int *ret_marked, struct err *e)
{
	struct dev_redo *x = (struct dev_redo *)d;
	struct log l = { 0 };
	int rc;

	*ret_marked = 0;
	if (!x->n)
		return 0;
	if (n > REDO_EXTENTS_MAX)
		return err_set(e, ERR_INTERNAL, "%s: a log in too many pieces", d->name);
	if (n)
		memcpy(l.extent, room, n * sizeof *room);
	l.extents = n;
	rc = collect(&l, x, e);
	if (!rc)
		rc = put_early(x, e);
	if (!rc)
		rc = put_log(&l, e);
	if (!rc) {
		*ret_marked = 1;
		rc = put_mark(&l, mark, e);
	}
	if (!rc)
		rc = put_home(&l, e);
	if (!rc)
		rc = clear_mark(x->parent, mark, e);
	log_done(&l);
	if (!rc) {
		*ret_marked = 0;
		dev_redo_discard(d);
	}
	return rc;
}

/* ---- a log that was found ---- */

/* 1 in *ret: whole, and *m is it. */
static int get_mark(struct blkdev *d, uint64_t at, struct mark_disk *m, int *ret, struct err *e)
{
	uint8_t self[HASH_LEN];
	struct hasher *h;
	int rc;

	*ret = 0;
	if (range_outside(at, sizeof *m, d->size))
		return 0;
	rc = dev_read(d, at, m, sizeof *m, e);
	if (rc || memcmp(m->magic, magic, sizeof magic))
		return rc;
	rc = hasher_new(&h, e);
	if (rc)
		return rc;
	rc = hash_bytes(h, HASH_SHA256, m, sizeof *m - HASH_LEN, self, e);
	hasher_free(h);
	*ret = !rc && !memcmp(self, m->self, HASH_LEN);
	return rc;
}

int dev_redo_pending(struct blkdev *d, uint64_t mark, int *ret, struct err *e)
{
	struct mark_disk m;

	return get_mark(d, mark, &m, ret, e);
}

/* The mark may be anybody's work: everything in it is looked at. */
static int mark_makes_sense(const struct blkdev *d, const struct mark_disk *m)
{
	uint64_t sum = 0, n = le32_get(m->writes), len = le64_get(m->log_len);

	if (le32_get(m->extents) > REDO_EXTENTS_MAX || !n || n > REDO_LOG_MAX / REDO_GRANULE ||
	    len != log_size(n) || len > d->size)
		return 0;
	for (uint32_t i = 0; i < le32_get(m->extents); i++) {
		uint64_t off = le64_get(m->extent[i].off), size = le64_get(m->extent[i].len);

		if (range_outside(off, size, d->size) || add_overflows(sum, size, &sum))
			return 0;
	}
	return sum >= len;
}

static int write_makes_sense(const struct blkdev *d, const struct write_disk *w)
{
	uint64_t off = le64_get(w->off);

	return off % REDO_GRANULE == 0 && off < d->size && le32_get(w->phase) < PHASES &&
	       le32_get(w->len) == redo_len(d, off);
}

/* Reads the log; 1 in *ret: it is whole. */
static int get_log(struct log *l, const struct mark_disk *m, int *ret, struct err *e)
{
	uint64_t head = head_size(l->n);
	uint8_t sum[HASH_LEN];
	int rc;

	l->extents = le32_get(m->extents);
	for (size_t i = 0; i < l->extents; i++)
		l->extent[i] = (struct redo_extent){ le64_get(m->extent[i].off),
						     le64_get(m->extent[i].len) };
	l->own = malloc((size_t)l->n * REDO_GRANULE);
	if (!l->own)
		return err_set(e, ERR_NOMEM, "%s: out of memory for a log", l->dev->name);
	rc = log_io(l, 0, (uint8_t *)l->list, head, 0, e);
	if (!rc)
		rc = log_io(l, head, l->own, (size_t)l->n * REDO_GRANULE, 0, e);
	if (!rc)
		rc = digest(l, l->list, head, sum, e);
	*ret = !rc && !memcmp(sum, m->head, HASH_LEN);
	for (uint32_t i = 0; !rc && *ret && i < l->n; i++) {
		l->data[i] = l->own + (size_t)i * REDO_GRANULE;
		*ret = write_makes_sense(l->dev, &l->list[i]);
		if (*ret)
			rc = digest(l, l->data[i], le32_get(l->list[i].len), sum, e);
		*ret = *ret && !memcmp(sum, l->list[i].is, HASH_LEN);
	}
	return rc;
}

/* Is sector k at the place of write i what was there, or what the log puts there?
 * A place has at most two writes: of phases 0 and 2. */
static int is_ours(struct log *l, uint32_t i, unsigned int k, const uint8_t *now, struct err *e)
{
	const struct write_disk *w = &l->list[i];
	uint8_t sum[HASH_LEN];

	if (!memcmp(now, l->data[i] + k * SECTOR, SECTOR))
		return 1;
	for (uint32_t o = 0; le32_get(w->phase) != 1 && o < l->n; o++)
		if (le32_get(l->list[o].phase) != 1 &&
		    le64_get(l->list[o].off) == le64_get(w->off) &&
		    !memcmp(now, l->data[o] + k * SECTOR, SECTOR))
			return 1;
	return !digest(l, now, SECTOR, sum, e) && !memcmp(sum, w->was[k], sizeof w->was[k]);
}

/* 1 in *ret: nobody else has written to the places since. */
static int unchanged_since(struct log *l, int *ret, struct err *e)
{
	int rc = 0;

	*ret = 1;
	for (uint32_t i = 0; !rc && *ret && i < l->n; i++) {
		uint8_t now[REDO_GRANULE] = { 0 };

		rc = dev_read(l->dev, le64_get(l->list[i].off), now, le32_get(l->list[i].len), e);
		for (unsigned int k = 0; !rc && *ret && k < SECTORS; k++)
			*ret = is_ours(l, i, k, now + k * SECTOR, e);
	}
	return rc;
}

int dev_redo_recover(struct blkdev *d, uint64_t mark, enum redo_found *ret, struct err *e)
{
	struct mark_disk m;
	struct log l = { 0 };
	int found, good = 0, rc = get_mark(d, mark, &m, &found, e);

	*ret = REDO_NONE;
	if (rc || !found)
		return rc;
	if (mark_makes_sense(d, &m)) {
		rc = log_new(&l, d, le32_get(m.writes), e);
		if (!rc)
			rc = get_log(&l, &m, &good, e);
		if (!rc && good)
			rc = unchanged_since(&l, &good, e);
		if (!rc && good)
			rc = put_home(&l, e);
	}
	log_done(&l);
	if (rc)
		return err_prefix(e, "%s: finishing what was interrupted", d->name);
	*ret = good ? REDO_DONE : REDO_STALE;
	return clear_mark(d, mark, e);
}
