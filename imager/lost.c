/* lost.c: see lost.h.
 *
 * A level is a device of which places can't be read: the disk, or a volume that a
 * container on the level above has.  The places of a volume are those of its pieces;
 * what lies in no volume is the level's own. */
#include "imager/lost.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "imager/container/container.h"
#include "imager/fs/owner.h"

#define FILES_MAX 1000
/* Of the name of a place; volumes in volumes have longer ones. */
#define WHERE_MAX 1000

struct naming {
	void (*say)(void *to, const struct lost_file *f);
	void *to;
	struct timespec since;
	unsigned int seconds;
	size_t said;
	uint64_t more_off, more_len; /* of those that aren't told any more       */
	int cut;                  /* 1: there were more places than RANGES_MAX    */
};

struct level {
	struct blkdev *d;         /* zeros where it can't be read; NULL: it isn't looked at */
	struct ranges bad;        /* bytes of it, sorted                          */
	const struct level *up;   /* NULL: it is the disk                         */
	const struct cont_volume *made; /* of pieces of that one                  */
	const struct map_region *outer; /* its container, there                   */
};

/* ---- the disk as the image has it: zeros where it can't be read ---- */

struct zeroed {
	struct blkdev d;
	struct blkdev *below;
	const struct ranges *bad;
};

static int zeroed_read(struct blkdev *d, uint64_t off, void *buf, size_t len, struct err *e)
{
	struct zeroed *z = (struct zeroed *)d;
	uint8_t *to = buf;
	size_t i = ranges_find(z->bad, off);

	while (len) {
		uint64_t next = i < z->bad->n ? z->bad->v[i].start : UINT64_MAX;
		uint64_t end = next <= off ? z->bad->v[i].end : next;
		size_t n = end - off < len ? (size_t)(end - off) : len;
		int r = 0;

		if (next <= off)
			memset(to, 0, n);
		else
			r = dev_read(z->below, off, to, n, e);
		if (r < 0)
			return r;
		i += next <= off;
		off += n;
		to += n;
		len -= n;
	}
	return 0;
}

static const struct blkdev_ops zeroed_ops = { .read = zeroed_read };

static struct blkdev *zeroed_new(struct blkdev *below, const struct ranges *bad)
{
	struct zeroed *z = dev_new(sizeof *z, &zeroed_ops, below->size, NULL, "%s", below->name);

	if (!z)
		return NULL;
	z->below = below;
	z->bad = bad;
	z->d.sector_size = below->sector_size;
	z->d.phys_size = below->phys_size;
	return &z->d;
}

/* ---- places ---- */

/* 1: byte `at` of the volume is in the piece; then *ret is where below. */
static int piece_has(const struct dev_piece *p, uint64_t at, uint64_t *ret)
{
	uint64_t x = dev_piece_before(p, at);

	if (p->off == DEV_PIECE_ZEROS || dev_piece_before(p, at + 1) == x)
		return 0;
	*ret = p->off + x;
	return 1;
}

/* Where on the disk an unreadable byte of the level is: of a mirrored volume, in the
 * copy that it is unreadable in. */
static uint64_t on_disk(const struct level *l, uint64_t off)
{
	for (; l->up; l = l->up) {
		uint64_t first = off, below, ignored;
		int found = 0;

		for (size_t i = 0; i < l->made->n && found < 2; i++) {
			if (!piece_has(&l->made->v[i], off, &below))
				continue;
			if (!found++)
				first = below;
			if (owner_overlap(&l->up->bad, below, below + 1, &ignored)) {
				first = below;
				found = 2;
			}
		}
		off = first;
	}
	return off;
}

/* Bytes [x, end) of the piece, as places of its volume. */
static int add_run(const struct dev_piece *p, uint64_t x, uint64_t end, struct ranges *ret)
{
	int r = 0;

	while (x < end && !r) {
		uint64_t in = x % p->chunk, n = p->chunk - in < end - x ? p->chunk - in : end - x;
		uint64_t at = p->at + x / p->chunk * p->stride + in;

		r = ranges_add(ret, at, at + n, NULL);
		x += n;
	}
	return r;
}

/* bad: of the device below.  Into *in those of the volume, into *covered what of bad
 * lies in the volume.  Nonzero: there are too many. */
static int into_volume(const struct cont_volume *v, const struct ranges *bad, struct ranges *in,
		       struct ranges *covered)
{
	int r = 0;

	for (size_t i = 0; i < v->n && !r; i++) {
		const struct dev_piece *p = &v->v[i];
		uint64_t end = p->off + p->len;

		if (p->off == DEV_PIECE_ZEROS)
			continue;
		for (size_t k = ranges_find(bad, p->off); k < bad->n && bad->v[k].start < end && !r; k++) {
			uint64_t a = bad->v[k].start > p->off ? bad->v[k].start : p->off;
			uint64_t b = bad->v[k].end < end ? bad->v[k].end : end;

			r = ranges_add(covered, a, b, NULL);
			if (!r)
				r = add_run(p, a - p->off, b - p->off, in);
		}
	}
	ranges_sort(in);
	return r;
}

static int collect(void *ctx, uint64_t off, uint64_t len)
{
	return ranges_add(ctx, off, off + len, NULL);
}

/* What of bad lies in the region but in none of the ranges `but`; from its start. */
static int places_in(const struct map_region *r, const struct ranges *bad,
		     const struct ranges *but, struct ranges *ret)
{
	struct extent_sink sink = { collect, ret };
	uint64_t end = r->start + r->size;
	struct emit m = { .out = &sink, .cut = but, .size = end };
	int rc = 0;

	for (size_t i = ranges_find(bad, r->start); i < bad->n && bad->v[i].start < end && !rc; i++)
		rc = emit_used(&m, bad->v[i].start > r->start ? bad->v[i].start : r->start, bad->v[i].end);
	if (!rc)
		rc = emit_finish(&m);
	for (size_t i = 0; i < ret->n; i++) {
		ret->v[i].start -= r->start;
		ret->v[i].end -= r->start;
	}
	return rc;
}

/* ---- names ---- */

struct here {
	struct naming *n;
	const struct level *l;
	const struct map_region *r;
	char where[WHERE_MAX];
};

static int over(void *ctx)
{
	const struct naming *n = ((struct here *)ctx)->n;
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec - n->since.tv_sec >= n->seconds;
}

static void say_one(void *ctx, const struct fs_owner *o)
{
	struct here *h = ctx;
	struct naming *n = h->n;
	uint64_t off = on_disk(h->l, h->r->start + o->off);

	if (n->said++ < FILES_MAX) {
		n->say(n->to, &(struct lost_file){ o->path, o->what, h->where, off, o->len });
		return;
	}
	if (!n->more_len)
		n->more_off = off;
	n->more_len += o->len;
}

/* 1: it isn't known how that is told of such a file system. */
static int owners(struct here *h, const struct ranges *places)
{
	static const struct {
		const char *reader;
		int (*owners)(struct blkdev *d, const struct owner_query *q, struct err *e);
	} table[] = { { "ext", ext_owners }, { "ntfs", ntfs_owners } };
	const struct map_region *r = h->r;
	struct owner_query q = { places, say_one, over, h };
	struct blkdev *w;
	int ret = 1;

	/* what was taken whole by doubt may still be readable so far; its reader is
	 * known by the type only */
	for (size_t i = 0; h->l->d && i < sizeof table / sizeof *table; i++) {
		if (strncmp(r->fs.type, table[i].reader, strlen(table[i].reader)))
			continue;
		if (dev_window(h->l->d, r->start, r->size, &w, NULL) < 0)
			return -1;
		ret = table[i].owners(w, &q, NULL);
		dev_close(w);
	}
	return ret;
}

/* What places of a region are of which no owner was found. */
static const char *what_else(const struct here *h, int rc)
{
	const struct map_region *r = h->r;

	if (r->n_inside || *r->holds)
		return "the metadata of its volumes";
	if (!h->l->up && !r->part && !*r->fs.type && strcmp(r->reader, "raw"))
		return "no file";
	if (!*r->fs.type && !(r->made && r->made->whole[0]))
		return "what no file system was seen in";
	if (rc < 0)
		return "what can't be looked into any more";
	return rc ? "something that isn't looked into" : "no file that was found";
}

/* "ext4, logical volume vg/root in partition 2" */
static void tell_where(const struct level *l, const struct map_region *r, char ret[WHERE_MAX])
{
	size_t n = (size_t)snprintf(ret, WHERE_MAX, "%s%s%s", r->fs.type, *r->fs.type ? ", " : "", r->what);

	for (; l->up && n < WHERE_MAX; l = l->up)
		n += (size_t)snprintf(ret + n, WHERE_MAX - n, " in %s", l->outer->what);
}

static void name_region(struct naming *n, const struct level *l, const struct map_region *r,
			const struct ranges *volumes)
{
	struct here h = { .n = n, .l = l, .r = r };
	struct ranges places = { 0 };
	size_t before = n->said;
	int rc;

	tell_where(l, r, h.where);
	n->cut |= !!places_in(r, &l->bad, volumes, &places);
	if (places.n) {
		struct fs_owner rest = { NULL, NULL, places.v[0].start, ranges_bytes(&places) };

		rc = owners(&h, &places);
		if (over(&h))
			rest.what = "files that may not all be named, as looking for them took too long";
		else if (rc || n->said == before)
			rest.what = what_else(&h, rc);
		if (rest.what)
			say_one(&h, &rest);
	}
	ranges_done(&places);
}

static void name_level(struct naming *n, const struct level *l, const struct map_region *v, size_t n_v);

/* r: inside of `outer`, whose level is l. */
static void name_volume(struct naming *n, const struct level *l, const struct map_region *outer,
			const struct map_region *r, struct ranges *volumes)
{
	struct level in = { .up = l, .made = r->made, .outer = outer };
	struct cont_open o = { 0 };

	n->cut |= !!into_volume(r->made, &l->bad, &in.bad, volumes);
	if (in.bad.n) {
		if (l->d && !r->made->whole[0] && cont_volume_open(r->made, l->d, &o, NULL) == 0)
			in.d = zeroed_new(o.d, &in.bad);
		name_level(n, &in, r, 1);
		dev_close(in.d);
		cont_open_done(&o);
	}
	ranges_done(&in.bad);
}

static void name_level(struct naming *n, const struct level *l, const struct map_region *v, size_t n_v)
{
	struct ranges volumes = { 0 }; /* what of l->bad is in one of them */

	for (size_t i = 0; i < n_v; i++)
		for (size_t k = 0; k < v[i].n_inside; k++)
			name_volume(n, l, &v[i], &v[i].inside[k], &volumes);
	ranges_sort(&volumes);
	for (size_t i = 0; i < n_v; i++)
		name_region(n, l, &v[i], &volumes);
	ranges_done(&volumes);
}

/* The disk and, behind it, the others, as volumes on several see them; NULL: there are
 * none. */
static struct blkdev *join(const struct lost *l)
{
	struct blkdev **v = calloc(l->n_others + 1, sizeof(struct blkdev *)), *all = NULL;

	if (!v)
		return NULL;
	v[0] = l->disk;
	for (size_t i = 0; i < l->n_others; i++)
		v[i + 1] = l->others[i];
	if (l->n_others && dev_join(v, l->n_others + 1, &all, NULL) < 0)
		all = NULL;
	free(v);
	return all;
}

void lost_name(void *ctx, const struct byte_range *bad, size_t n_bad,
	       void (*say)(void *to, const struct lost_file *f), void *to)
{
	const struct lost *l = ctx;
	struct naming n = { .say = say, .to = to, .seconds = l->seconds };
	struct level disk = { 0 };
	struct blkdev *all;
	uint64_t sum = 0;
	char more[80];

	for (size_t i = 0; i < n_bad; i++) {
		sum += bad[i].len;
		if (!n.cut)
			n.cut = ranges_add(&disk.bad, bad[i].off, bad[i].off + bad[i].len, NULL) < 0;
	}
	ranges_sort(&disk.bad);
	all = join(l);
	disk.d = zeroed_new(all ? all : l->disk, &disk.bad);
	clock_gettime(CLOCK_MONOTONIC, &n.since);
	name_level(&n, &disk, l->map->regions, l->map->n_regions);
	snprintf(more, sizeof more, "further files: %d are named", FILES_MAX);
	if (n.more_len)
		say(to, &(struct lost_file){ NULL, more, "the disk", n.more_off, n.more_len });
	if (n.cut)
		say(to, &(struct lost_file){ NULL, "places that aren't all looked up: there are too many", "the disk",
					     bad[0].off, sum });
	dev_close(disk.d);
	dev_close(all);
	ranges_done(&disk.bad);
}
