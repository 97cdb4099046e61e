/* sidevol.c: see sidevol.h. */
#include "drivers-inject/windows/sidevol.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "imager/dev/redo.h"
#include "imager/fs/fat.h"

#define SECTOR 512u

int sidevol_open(struct blkdev *d, struct sidevol *ret, struct err *e)
{
	struct sidevol s = { .below = d };
	int r = dev_redo(d, &s.dev, e);

	if (!r)
		r = tree_open(s.dev, &s.tree, e);
	if (!r && s.tree->ops != &tree_fat && s.tree->ops != &tree_ntfs)
		r = err_set(e, ERR_NOT_FOUND, "%s: neither FAT nor NTFS", d->name);
	if (r)
		sidevol_done(&s);
	else
		*ret = s;
	return r;
}

void sidevol_done(struct sidevol *s)
{
	tree_close(s->tree);
	dev_close(s->dev);
	strv_done(&s->reasons);
	*s = (struct sidevol){ 0 };
}

/* What a tree has in memory is as it was before a change. */
static int reopen(struct sidevol *s, struct err *e)
{
	s->tree = tree_close(s->tree);
	return tree_open(s->dev, &s->tree, e);
}

/* 1: the file is there with this size, and its bytes lie where they can be changed
 * one by one. */
static int may_stay(struct sidevol *s, const char *path, size_t len, struct tree_node *ret)
{
	uint64_t at, have;

	if (tree_find(s->tree, path, ret, NULL) || ret->type != TREE_FILE || ret->size != len)
		return 0;
	for (uint64_t off = 0; off < len; off += have)
		if (tree_where(s->tree, ret, off, &at, &have, NULL) || !have)
			return 0;
	return 1;
}

static int write_in_place(struct sidevol *s, const struct tree_node *n, const char *bytes,
			  size_t len, struct err *e)
{
	uint64_t at, have;
	int r = 0;

	for (uint64_t off = 0; !r && off < len; off += have) {
		r = tree_where(s->tree, n, off, &at, &have, e);
		if (!r)
			r = dev_write(s->dev, at, bytes + off, (size_t)have, e);
	}
	return r;
}

static int add_reason(struct sidevol *s, const char *fmt, va_list ap)
{
	size_t n = s->reasons.n;

	strv_vaddf(&s->reasons, fmt, ap);
	return s->reasons.n > n || n ? 0 : -1;
}

static int put(struct sidevol *s, const char *path, const void *bytes, size_t len, struct err *e)
{
	struct tree_node n;
	int r;

	if (may_stay(s, path, len, &n))
		r = write_in_place(s, &n, bytes, len, e);
	else if (s->tree->ops == &tree_fat)
		r = sidevol_fat_put(s, path, bytes, len, e);
	else
		r = sidevol_ntfs_put(s, path, bytes, len, e);
	return r ? r : reopen(s, e);
}

int sidevol_put(struct sidevol *s, const char *path, const void *bytes, size_t len,
		struct err *e, const char *reason, ...)
{
	cleanup_free char *now = NULL;
	size_t have;
	va_list ap;
	int r;

	if (!tree_head(s->tree, path, SIDEVOL_FILE_MAX, &now, &have, NULL) && have == len &&
	    !memcmp(now, bytes, len))
		return 0;
	r = put(s, path, bytes, len, e);
	if (r) {
		/* half of a file's writes must not become edits */
		dev_redo_discard(s->dev);
		strv_done(&s->reasons);
		return reopen(s, NULL) ? err_set(e, ERR_INTERNAL, "%s: it can't be read any more",
						 s->below->name) : r;
	}
	free(now);
	now = NULL;
	/* read again by other code than what wrote it */
	r = tree_head(s->tree, path, SIDEVOL_FILE_MAX, &now, &have, e);
	if (!r && (have != len || memcmp(now, bytes, len)))
		r = err_set(e, ERR_INTERNAL, "%s: %s isn't what was written to it", s->dev->name, path);
	va_start(ap, reason);
	if (!r && add_reason(s, reason, ap))
		r = err_set(e, ERR_NOMEM, "out of memory for the plan");
	va_end(ap);
	return r;
}

int sidevol_patch(struct sidevol *s, uint64_t off, const void *bytes, size_t len,
		  struct err *e, const char *reason, ...)
{
	cleanup_free char *now = malloc(len);
	va_list ap;
	int r = now ? dev_read(s->dev, off, now, len, e) : err_set(e, ERR_NOMEM, "out of memory");

	if (r || !memcmp(now, bytes, len))
		return r;
	r = dev_write(s->dev, off, bytes, len, e);
	if (!r)
		r = reopen(s, e);
	va_start(ap, reason);
	if (!r && add_reason(s, reason, ap))
		r = err_set(e, ERR_NOMEM, "out of memory for the plan");
	va_end(ap);
	return r;
}

/* ---- edits ---- */

/* When a sector is written: 0 to 2. */
static int rank(const struct fat *f, uint64_t off)
{
	uint64_t c;

	if (!f || off < f->fat_start)
		return 2;
	if (off < f->root_start)
		return 1;
	c = off < f->data_start ? 1 : 2 + (off - f->data_start) / f->cluster_size;
	return fat_is_cluster(f, c) && !fat_next(f, c) ? 0 : 2;
}

/* The sectors [from, to) of the device become one edit. */
static int one_edit(struct sidevol *s, struct plan *p, const char *disk, uint64_t start,
		    uint64_t from, uint64_t to, struct err *e)
{
	struct edit *d = plan_add(p, EDIT_DISK, disk, "%s", s->reasons.v[0]);
	int r = 0;

	if (d)
		d->data = malloc((size_t)(to - from));
	if (!d || !d->data)
		return err_set(e, ERR_NOMEM, "out of memory for the plan");
	d->len = (size_t)(to - from);
	d->offset = start + from;
	r = dev_read(s->dev, from, d->data, d->len, e);
	for (size_t i = 1; !r && i < s->reasons.n; i++)
		if (strv_add(&d->reasons, s->reasons.v[i]))
			r = err_set(e, ERR_NOMEM, "out of memory for the plan");
	return r;
}

/* Calls one_edit for each run of sectors of that rank that differ from what is on
 * the disk. */
static int edits_of_rank(struct sidevol *s, const struct fat *f, int which, struct plan *p,
			 const char *disk, uint64_t start, struct err *e)
{
	const struct dev_redo *x = (const struct dev_redo *)s->dev;
	uint64_t from = 0, to = 0;
	int r = 0;

	for (size_t i = 0; !r && i < x->n; i++) {
		uint8_t old[REDO_GRANULE];
		uint32_t len = redo_len(s->below, x->v[i].off);

		r = dev_read(s->below, x->v[i].off, old, len, e);
		for (uint32_t at = 0; !r && at < len; at += SECTOR) {
			uint64_t off = x->v[i].off + at;
			uint32_t n = len - at < SECTOR ? len - at : SECTOR;

			if (!memcmp(old + at, x->v[i].data + at, n) || rank(f, off) != which)
				continue;
			if (to > from && to != off)
				r = one_edit(s, p, disk, start, from, to, e);
			from = to > from && to == off ? from : off;
			to = off + n;
		}
	}
	return !r && to > from ? one_edit(s, p, disk, start, from, to, e) : r;
}

int sidevol_edits(struct sidevol *s, struct plan *p, const char *disk, uint64_t start,
		  struct err *e)
{
	struct fat f;
	int is_fat, r = 0;

	if (!s->reasons.n)
		return 0;
	is_fat = s->tree->ops == &tree_fat && !fat_load(s->below, &f, NULL, e);
	for (int which = 0; !r && which <= 2; which++)
		r = edits_of_rank(s, is_fat ? &f : NULL, which, p, disk, start, e);
	return r;
}
