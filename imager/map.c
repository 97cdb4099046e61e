/* map.c: the used map of a whole disk.
 *
 * The disk is cut into regions: partitions, and the gaps between them.  Some
 * ranges are used whatever is in them ("always": the table's sectors, boot
 * areas).  All of that is joined in disk order.
 *
 * Which gaps are kept: docs/decisions/0004-what-is-used.md */
#include "imager/map.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "imager/fs/readers.h"
#include "imager/map-int.h"
#include "imager/part/choose.h"

/* The gap before the first partition: boot loaders, licences.  Whole, unless
 * it is so large that it is free space rather than a gap. */
#define FIRST_GAP_WHOLE (64ull << 20)
#define FIRST_GAP_PART (2ull << 20)
/* Gaps between partitions up to this size come from alignment; boot loaders use
 * them too. */
#define GAP_WHOLE (1ull << 20)
/* The disk's end: Windows' dynamic disk database, RAID metadata. */
#define DISK_END (1ull << 20)

struct disk_build {
	struct build b;
	struct level l;               /* the disk                */
	struct disk_map *m;
	struct ranges always;         /* also in the disk's map  */
	struct blkdev *joined;        /* with the other disks; NULL: there are none */
	struct part_choice chosen;    /* if opt->only            */
};

static void regions_free(struct map_region *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		regions_free(v[i].inside, v[i].n_inside);
		cont_volume_free(v[i].made);
		free(v[i].note);
	}
	free(v);
}

struct disk_map *map_free(struct disk_map *m)
{
	if (!m)
		return NULL;
	regions_free(m->regions, m->n_regions);
	part_free(m->table);
	extents_free(m->used);
	free(m);
	return NULL;
}

static void each(const struct map_region *v, size_t n, unsigned int depth,
		 void (*fn)(void *, const struct map_region *, unsigned int), void *ctx)
{
	for (size_t i = 0; i < n; i++) {
		fn(ctx, &v[i], depth);
		each(v[i].inside, v[i].n_inside, depth + 1, fn, ctx);
	}
}

void map_each(const struct disk_map *m,
	      void (*fn)(void *, const struct map_region *, unsigned int), void *ctx)
{
	each(m->regions, m->n_regions, 0, fn, ctx);
}

/* *ret is valid until the next one. */
static int new_region(struct disk_build *b, uint64_t start, uint64_t size,
		      const struct partition *part, const char *what, struct map_region **ret)
{
	struct map_region *all = realloc(b->m->regions, (b->m->n_regions + 1) * sizeof *all), *r;

	if (!all)
		return err_set(b->b.e, ERR_NOMEM, "out of memory for the used map");
	b->m->regions = all;
	r = &all[b->m->n_regions++];
	*r = (struct map_region){ .start = start, .size = size, .part = part };
	snprintf(r->what, sizeof r->what, "%s", what);
	snprintf(r->reader, sizeof r->reader, "none");
	*ret = r;
	return 0;
}

static int collect(void *ctx, uint64_t off, uint64_t len)
{
	struct disk_build *b = ctx;

	return extents_add(b->m->used, off, len, b->b.e);
}

/* ---- the disk ---- */

/* 0: all of [start, end) was read and is zero. */
static int holds_something(struct blkdev *d, uint64_t start, uint64_t end)
{
	uint8_t buf[16384];

	while (start < end) {
		size_t n = end - start < sizeof buf ? (size_t)(end - start) : sizeof buf;

		if (dev_read(d, start, buf, n, NULL) < 0 || buf[0] || memcmp(buf, buf + 1, n - 1))
			return 1;
		start += n;
	}
	return 0;
}

/* The same of what of [at, end) isn't the table's own. */
static int end_holds_something(struct disk_build *b, uint64_t at, uint64_t end)
{
	const struct part_table *t = b->m->table;

	if (b->b.opt->probe_only)
		return 1;
	for (size_t i = 0; i < t->n_ranges && at < end; i++) {
		uint64_t s = t->ranges[i].start, f = s + t->ranges[i].size;

		if (f <= at)
			continue;
		if (s > at && holds_something(b->l.d, at, s < end ? s : end))
			return 1;
		at = f;
	}
	return at < end && holds_something(b->l.d, at, end);
}

/* What is kept of a gap whatever it is; the table's own sectors come by
 * themselves. */
static int do_gap(struct disk_build *b, uint64_t start, uint64_t end, int first, int last)
{
	struct ranges here = { 0 };
	struct map_region *r;
	const struct part_table *t = b->m->table;
	uint64_t keep = !last && end - start <= GAP_WHOLE ? end : start, tail;
	int rc;

	if (start >= end)
		return 0;
	if (first)
		keep = end - start <= FIRST_GAP_WHOLE ? end : start + FIRST_GAP_PART;
	rc = new_region(b, start, end - start, NULL,
		       first ? "gap before the first partition" :
		       last ? "gap after the last partition" : "gap", &r);
	if (!rc)
		rc = ranges_add(&here, start, keep, b->b.e);
	tail = b->l.d->size > DISK_END ? b->l.d->size - DISK_END : 0;
	tail = tail < keep ? keep : tail;
	if (!rc && tail < end && end_holds_something(b, tail, end))
		rc = ranges_add(&here, tail, end, b->b.e);
	for (size_t i = 0; i < t->n_ranges && !rc; i++) {
		uint64_t s = t->ranges[i].start, f = s + t->ranges[i].size;

		s = s < start ? start : s;
		f = f > end ? end : f;
		if (s >= f)
			continue;
		rc = ranges_add(&here, s, f, b->b.e);
		snprintf(r->reader, sizeof r->reader, "table");
	}
	ranges_sort(&here);
	if (!rc)
		r->used = ranges_bytes(&here);
	for (size_t i = 0; i < here.n && !rc; i++)
		rc = emit_used(&b->l.out, here.v[i].start, here.v[i].end);
	if (!rc && first && keep < end)
		map_note(r, "Of %llu bytes before the first partition, the first %llu were taken.",
		     (unsigned long long)(end - start), (unsigned long long)FIRST_GAP_PART);
	ranges_done(&here);
	return rc;
}

static int do_partition(struct disk_build *b, const struct partition *p)
{
	struct map_region *part;
	char what[64];
	int r;

	snprintf(what, sizeof what, "partition %u", p->number);
	r = new_region(b, p->start, p->size, p, what, &part);
	if (r < 0)
		return r;
	part->left_out = b->b.opt->only && !part_chosen(&b->chosen, p->number);
	return map_window(&b->l, part);
}

static int do_table(struct disk_build *b)
{
	const struct part_table *t = b->m->table;
	uint64_t at = 0;
	int r = b->b.opt->only ? part_choose(b->b.opt->only, t, &b->chosen, b->b.e) : 0;

	for (size_t i = 0; i < t->n_ranges && !r; i++)
		r = ranges_add(&b->always, t->ranges[i].start,
			       t->ranges[i].start + t->ranges[i].size, b->b.e);
	ranges_sort(&b->always);
	b->l.out.extra = &b->always;
	b->l.table = t;
	for (size_t i = 0; i < t->n_parts && !r; i++) {
		const struct partition *p = &t->parts[i];

		if (p->flags & PART_EXTENDED)
			continue;
		r = do_gap(b, at, p->start, !at, 0);
		if (!r)
			r = do_partition(b, p);
		at = p->start + p->size;
	}
	if (!r)
		r = do_gap(b, at, b->l.d->size, !at, 1);
	if (!r && t->note)
		map_note(&b->m->regions[0], "%s", t->note);
	return r;
}

/* A file system that claims the whole disk beside a table: one of the two is
 * a left-over, and which one can't be told. */
static int bare_file_system(struct disk_build *b, char *type, size_t room)
{
	for (size_t i = 0; fs_readers[i]; i++) {
		struct fs_ident id;

		/* a swap header is no loss: its area would not be kept anyway */
		if (fs_readers[i] == &fs_swap || fs_readers[i]->probe(b->l.d, &id, NULL) != 0 ||
		    id.fs_size > b->l.d->size)
			continue;
		snprintf(type, room, "%s", id.type);
		return 1;
	}
	return 0;
}

static int do_disk(struct disk_build *b)
{
	struct err why = { 0 };
	struct map_region *all;
	char type[32];
	int r = part_read(b->l.d, &b->m->table, &why);

	if (map_fatal(r))
		return err_set(b->b.e, r, "%s", why.msg);
	if (!r && !bare_file_system(b, type, sizeof type))
		return do_table(b);
	if (b->b.opt->only)
		return err_set(b->b.e, ERR_USAGE, "%s has no partitions to choose from: %s", b->l.d->name,
			       r < 0 ? why.msg : r ? "there is no partition table" :
			       "there is a partition table, but also a file system over the whole disk");
	if (!b->l.d->size)
		return 0;
	r = r ? r : 2;
	if (new_region(b, 0, b->l.d->size, NULL, "disk", &all) < 0)
		return ERR_NOMEM;
	if (r == PART_NONE)
		return map_window(&b->l, all);
	if (r < 0)
		return map_doubt(&b->l, all, why.msg);
	all->whole_by_doubt = 1;
	map_note(all, "Taken whole: there is a partition table, but also a file system (%s) over the whole disk.", type);
	return map_whole(&b->l, all);
}

/* ---- the other disks ---- */

/* The windows of d, whose byte 0 is the joined device's byte `base`.  Of one with a
 * damaged table nothing can be said. */
static int add_windows(struct disk_build *b, struct blkdev *d, uint64_t base)
{
	struct part_table *t = NULL;
	struct err why = { 0 };
	int r = part_read(d, &t, &why);
	size_t n = t ? t->n_parts : r == PART_NONE;
	struct window *all;

	if (map_fatal(r))
		return err_set(b->b.e, r, "%s", why.msg);
	all = realloc(b->l.others, (b->l.n_others + n + 1) * sizeof *all);
	if (!all) {
		part_free(t);
		return err_set(b->b.e, ERR_NOMEM, "out of memory for the used map");
	}
	b->l.others = all;
	if (r == PART_NONE)
		all[b->l.n_others++] = (struct window){ base, d->size };
	for (size_t i = 0; t && i < n; i++)
		if (!(t->parts[i].flags & PART_EXTENDED))
			all[b->l.n_others++] = (struct window){ base + t->parts[i].start, t->parts[i].size };
	part_free(t);
	return 0;
}

static int join_others(struct disk_build *b)
{
	const struct map_options *opt = b->b.opt;
	struct blkdev **v = calloc(opt->n_others + 1, sizeof(struct blkdev *));
	uint64_t base = b->l.d->size;
	int r;

	if (!v)
		return err_set(b->b.e, ERR_NOMEM, "out of memory for the used map");
	v[0] = b->l.d;
	for (size_t i = 0; i < opt->n_others; i++)
		v[i + 1] = opt->others[i];
	r = dev_join(v, opt->n_others + 1, &b->joined, b->b.e);
	free(v);
	b->l.all = b->joined;
	for (size_t i = 0; i < opt->n_others && !r; i++) {
		r = add_windows(b, opt->others[i], base);
		base += opt->others[i]->size;
	}
	return r;
}

int map_build(struct blkdev *d, const struct map_options *opt, struct disk_map **ret,
	      struct err *e)
{
	static const struct map_options none;
	struct err own = { 0 };
	struct disk_build b = {
		.b = { .opt = opt ? opt : &none, .e = e ? e : &own }, .l = { .b = &b.b, .d = d, .all = d },
	};
	struct extent_sink sink = { collect, &b };
	int r;

	b.m = calloc(1, sizeof *b.m);
	if (!b.m)
		return err_set(e, ERR_NOMEM, "out of memory for the used map");
	r = extents_new(d->size, MAP_UNIT, EXTENTS_LIMIT_DEFAULT, &b.m->used, b.b.e);
	b.l.out.out = &sink;
	b.l.out.size = d->size;
	if (!r && b.b.opt->n_others)
		r = join_others(&b);
	if (!r)
		r = do_disk(&b);
	if (!r)
		r = emit_finish(&b.l.out);
	map_groups_done(&b.l);
	ranges_done(&b.always);
	free(b.l.others);
	dev_close(b.joined);
	if (r < 0) {
		map_free(b.m);
		return r;
	}
	if (b.b.opt->probe_only)
		b.m->used = extents_free(b.m->used);
	*ret = b.m;
	return 0;
}
