/* map.c: the used map of a whole disk.
 *
 * The disk is cut into regions: partitions, and the gaps between them.  Some
 * ranges are used whatever is in them ("always": the table's sectors, boot
 * areas).  Each partition's ranges come from the one reader that claims it;
 * they are collected first, since a reader may refuse half-way.  All of that
 * is joined in disk order.
 *
 * Which gaps are kept: docs/decisions/0004-what-is-used.md */
#include "imager/map.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "imager/fs/ranges.h"
#include "imager/fs/readers.h"
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
/* A note tells of more bytes than this behind a file system's end. */
#define TAIL_NOTE (1ull << 20)

struct build {
	struct blkdev *d;
	const struct map_options *opt;
	struct disk_map *m;
	struct ranges always;
	struct emit emit;             /* partitions + always, to m->used */
	struct map_region *r;         /* the one being read              */
	struct part_choice chosen;    /* if opt->only                    */
	struct err *e;
};

struct disk_map *map_free(struct disk_map *m)
{
	if (!m)
		return NULL;
	for (size_t i = 0; i < m->n_regions; i++)
		free(m->regions[i].note);
	free(m->regions);
	part_free(m->table);
	extents_free(m->used);
	free(m);
	return NULL;
}

/* Appends a sentence; a note that there is no memory for is lost. */
static void note(struct map_region *r, const char *fmt, ...)
{
	char text[1200], *all;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (asprintf(&all, "%s%s%s", r->note ? r->note : "", r->note ? " " : "", text) < 0)
		return;
	free(r->note);
	r->note = all;
}

static void add_note(void *ctx, const char *text)
{
	note(ctx, "%s", text);
}

static int new_region(struct build *b, uint64_t start, uint64_t size,
		      const struct partition *part, const char *what)
{
	struct map_region *all = realloc(b->m->regions, (b->m->n_regions + 1) * sizeof *all);

	if (!all)
		return err_set(b->e, ERR_NOMEM, "out of memory for the used map");
	b->m->regions = all;
	b->r = &all[b->m->n_regions++];
	*b->r = (struct map_region){ .start = start, .size = size, .part = part };
	snprintf(b->r->what, sizeof b->r->what, "%s", what);
	snprintf(b->r->reader, sizeof b->r->reader, "none");
	return 0;
}

/* ---- one window ---- */

static int take_whole(struct build *b)
{
	struct map_region *r = b->r;

	snprintf(r->reader, sizeof r->reader, "raw");
	r->used = r->size;
	return emit_used(&b->emit, r->start, r->start + r->size);
}

static int collect(void *ctx, uint64_t off, uint64_t len)
{
	struct build *b = ctx;

	return extents_add(b->m->used, off, len, b->e);
}

struct part_sink { struct extents *x; struct err *e; };

static int collect_part(void *ctx, uint64_t off, uint64_t len)
{
	struct part_sink *s = ctx;

	return extents_add(s->x, off, len, s->e);
}

static int is_fatal(int code)
{
	return code == ERR_NOMEM || code == ERR_CANCELLED || code == ERR_INTERNAL;
}

/* Which reader claims the window, into *ret; NULL if none does or several do
 * (then why says so).  A reader that finds its own file system damaged claims
 * it, too. */
static int find_reader(struct blkdev *w, const struct fs_reader **ret, struct fs_ident *id,
		       struct err *why, struct err *e)
{
	struct fs_ident one;
	int n = 0;

	*ret = NULL;
	why->code = 0;
	if (fs_known(w, &one) == 0) {
		*id = one;
		n++;
		err_set(why, ERR_UNSUPPORTED, "%s is not read", one.type);
	}
	for (size_t i = 0; fs_readers[i]; i++) {
		struct err pe = { 0 };
		int r = fs_readers[i]->probe(w, &one, &pe);

		if (r == FS_NOT_MINE)
			continue;
		if (is_fatal(r))
			return err_set(e, r, "%s", pe.msg);
		if (n++) {
			err_set(why, ERR_CORRUPT, "there are signatures of %s and of %s",
				id->type[0] ? id->type : (*ret)->name, r ? fs_readers[i]->name : one.type);
			*ret = NULL;
			continue;
		}
		*ret = fs_readers[i];
		if (!r)
			*id = one;
		else
			*why = pe;
	}
	return 0;
}

/* Sends what the reader found, and what lies behind the file system's end. */
static int accept_part(struct build *b, const struct extents *x)
{
	struct map_region *r = b->r;
	uint64_t end = r->fs.fs_size < r->size ? r->fs.fs_size : r->size, off, len, last = 0;
	struct extents_cursor c;
	int rc = 0;

	r->used = extents_bytes(x);
	extents_begin(x, &c);
	while (!rc && extents_next(&c, &off, &len)) {
		rc = emit_used(&b->emit, r->start + off, r->start + off + len);
		last = off + len;
	}
	if (last > end)
		end = last;
	r->used += r->size - end;
	if (r->size - end > TAIL_NOTE)
		note(r, "%llu bytes behind the end of the file system are unknown and were taken whole.",
		     (unsigned long long)(r->size - end));
	if (extents_padded(x))
		note(r, "%llu free bytes are included, as the list of used ranges would have been too long.",
		     (unsigned long long)extents_padded(x));
	return rc ? rc : emit_used(&b->emit, r->start + end, r->start + r->size);
}

static int walk_window(struct build *b, struct blkdev *w, const struct fs_reader *reader,
		       struct err *why)
{
	struct extents *x;
	struct part_sink ps = { .e = why };
	struct extent_sink sink = { collect_part, &ps };
	struct fs_options fo = { b->opt->keep_page_files, { add_note, b->r } };
	int r = extents_new(w->size, MAP_UNIT, EXTENTS_LIMIT_DEFAULT / 2, &x, b->e);

	if (r < 0)
		return r;
	ps.x = x;
	r = reader->walk(w, &b->r->fs, &fo, &sink, why);
	if (!r)
		r = accept_part(b, x);
	else if (is_fatal(r))
		r = err_set(b->e, r, "%s", why->msg);
	else
		r = 1;
	extents_free(x);
	return r;
}

/* Type codes whose inside is no plain file system, whatever is seen there. */
static const char *nested_type(const struct partition *p)
{
	static const struct { const char *type, *what; } all[] = {
		{ "0x42", "a Windows dynamic disk" },
		{ "0xa5", "a FreeBSD slice" }, { "0xa6", "an OpenBSD slice" },
		{ "0xa9", "a NetBSD slice" }, { "0xbf", "a Solaris slice" },
		{ "5808C8AA-7E8F-42E0-85D2-E1E90434CFB3", "Windows dynamic disk metadata" },
		{ "AF9B60A0-1431-4F62-BC68-3311714A69AD", "a Windows dynamic disk" },
		{ "E75CAF8F-F680-4CEE-AFA3-B001E56EFC2D", "Windows storage spaces" },
	};

	for (size_t i = 0; p && i < sizeof all / sizeof *all; i++)
		if (!strcmp(p->type, all[i].type))
			return all[i].what;
	return NULL;
}

static int doubt(struct build *b, const char *why)
{
	b->r->whole_by_doubt = 1;
	note(b->r, "Taken whole: %s.", why);
	return take_whole(b);
}

/* The region b->r: identified, and its used bytes sent. */
static int do_window(struct build *b)
{
	struct map_region *r = b->r;
	const struct fs_reader *reader = NULL;
	const char *nested = nested_type(r->part);
	struct err why = { 0 };
	struct blkdev *w = NULL;
	int rc = dev_window(b->d, r->start, r->size, &w, b->e);

	if (!rc)
		rc = find_reader(w, &reader, &r->fs, &why, b->e);
	if (rc < 0)
		goto out;
	if (nested) {
		note(r, "Taken whole: it is %s.", nested);
		rc = take_whole(b);
	} else if (why.code && r->fs.type[0] && !reader && why.code == ERR_UNSUPPORTED) {
		note(r, "Taken whole: %s.", why.msg);
		rc = take_whole(b);
	} else if (why.code) {
		rc = doubt(b, why.msg);
	} else if (!reader) {
		note(r, "Taken whole: no file system was recognised.");
		rc = take_whole(b);
	} else if (b->opt->probe_only) {
		snprintf(r->reader, sizeof r->reader, "%s", reader->name);
		r->used = r->fs.used;
	} else {
		snprintf(r->reader, sizeof r->reader, "%s", reader->name);
		rc = walk_window(b, w, reader, &why);
		if (rc == 1)
			rc = doubt(b, why.msg);
	}
out:
	dev_close(w);
	return rc;
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
static int end_holds_something(struct build *b, uint64_t at, uint64_t end)
{
	const struct part_table *t = b->m->table;

	if (b->opt->probe_only)
		return 1;
	for (size_t i = 0; i < t->n_ranges && at < end; i++) {
		uint64_t s = t->ranges[i].start, f = s + t->ranges[i].size;

		if (f <= at)
			continue;
		if (s > at && holds_something(b->d, at, s < end ? s : end))
			return 1;
		at = f;
	}
	return at < end && holds_something(b->d, at, end);
}

/* What is kept of a gap whatever it is; the table's own sectors come by
 * themselves. */
static int do_gap(struct build *b, uint64_t start, uint64_t end, int first, int last)
{
	struct ranges here = { 0 };
	const struct part_table *t = b->m->table;
	uint64_t keep = !last && end - start <= GAP_WHOLE ? end : start, tail;
	int r;

	if (start >= end)
		return 0;
	if (first)
		keep = end - start <= FIRST_GAP_WHOLE ? end : start + FIRST_GAP_PART;
	r = new_region(b, start, end - start, NULL,
		       first ? "gap before the first partition" :
		       last ? "gap after the last partition" : "gap");
	if (!r)
		r = ranges_add(&here, start, keep, b->e);
	tail = b->d->size > DISK_END ? b->d->size - DISK_END : 0;
	tail = tail < keep ? keep : tail;
	if (!r && tail < end && end_holds_something(b, tail, end))
		r = ranges_add(&here, tail, end, b->e);
	for (size_t i = 0; i < t->n_ranges && !r; i++) {
		uint64_t s = t->ranges[i].start, f = s + t->ranges[i].size;

		s = s < start ? start : s;
		f = f > end ? end : f;
		if (s >= f)
			continue;
		r = ranges_add(&here, s, f, b->e);
		snprintf(b->r->reader, sizeof b->r->reader, "table");
	}
	ranges_sort(&here);
	b->r->used = ranges_bytes(&here);
	for (size_t i = 0; i < here.n && !r; i++)
		r = emit_used(&b->emit, here.v[i].start, here.v[i].end);
	if (first && keep < end)
		note(b->r, "Of %llu bytes before the first partition, the first %llu were taken.",
		     (unsigned long long)(end - start), (unsigned long long)FIRST_GAP_PART);
	ranges_done(&here);
	return r;
}

/* Only named: nobody needs to hear that what isn't wanted is damaged. */
static int leave_out(struct build *b)
{
	const struct fs_reader *reader;
	struct blkdev *w;
	struct err why;
	int r = dev_window(b->d, b->r->start, b->r->size, &w, b->e);

	if (r < 0)
		return r;
	b->r->left_out = 1;
	note(b->r, "Left out: not among the chosen partitions.");
	r = find_reader(w, &reader, &b->r->fs, &why, b->e);
	dev_close(w);
	return r;
}

static int do_partition(struct build *b, const struct partition *p)
{
	char what[64];
	int r;

	snprintf(what, sizeof what, "partition %u", p->number);
	r = new_region(b, p->start, p->size, p, what);
	if (r < 0)
		return r;
	return b->opt->only && !part_chosen(&b->chosen, p->number) ? leave_out(b) : do_window(b);
}

static int do_table(struct build *b)
{
	const struct part_table *t = b->m->table;
	uint64_t at = 0;
	int r = b->opt->only ? part_choose(b->opt->only, t, &b->chosen, b->e) : 0;

	for (size_t i = 0; i < t->n_ranges && !r; i++)
		r = ranges_add(&b->always, t->ranges[i].start,
			       t->ranges[i].start + t->ranges[i].size, b->e);
	ranges_sort(&b->always);
	b->emit.extra = &b->always;
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
		r = do_gap(b, at, b->d->size, !at, 1);
	if (!r && t->note)
		note(&b->m->regions[0], "%s", t->note);
	return r;
}

/* A file system that claims the whole disk beside a table: one of the two is
 * a left-over, and which one can't be told. */
static int bare_file_system(struct build *b, char *type, size_t room)
{
	for (size_t i = 0; fs_readers[i]; i++) {
		struct fs_ident id;

		/* a swap header is no loss: its area would not be kept anyway */
		if (fs_readers[i] == &fs_swap || fs_readers[i]->probe(b->d, &id, NULL) != 0 ||
		    id.fs_size > b->d->size)
			continue;
		snprintf(type, room, "%s", id.type);
		return 1;
	}
	return 0;
}

static int do_disk(struct build *b)
{
	struct err why = { 0 };
	char type[32];
	int r = part_read(b->d, &b->m->table, &why);

	if (is_fatal(r))
		return err_set(b->e, r, "%s", why.msg);
	if (!r && !bare_file_system(b, type, sizeof type))
		return do_table(b);
	if (b->opt->only)
		return err_set(b->e, ERR_USAGE, "%s has no partitions to choose from: %s", b->d->name,
			       r < 0 ? why.msg : r ? "there is no partition table" :
			       "there is a partition table, but also a file system over the whole disk");
	if (!b->d->size)
		return 0;
	r = r ? r : 2;
	if (new_region(b, 0, b->d->size, NULL, "disk") < 0)
		return ERR_NOMEM;
	if (r == PART_NONE)
		return do_window(b);
	if (r < 0)
		return doubt(b, why.msg);
	b->r->whole_by_doubt = 1;
	note(b->r, "Taken whole: there is a partition table, but also a file system (%s) over the whole disk.", type);
	return take_whole(b);
}

int map_build(struct blkdev *d, const struct map_options *opt, struct disk_map **ret,
	      struct err *e)
{
	static const struct map_options none;
	struct build b = { .d = d, .opt = opt ? opt : &none, .e = e };
	struct extent_sink sink = { collect, &b };
	struct err own = { 0 };
	int r;

	if (!e)
		b.e = &own;
	b.m = calloc(1, sizeof *b.m);
	if (!b.m)
		return err_set(e, ERR_NOMEM, "out of memory for the used map");
	r = extents_new(d->size, MAP_UNIT, EXTENTS_LIMIT_DEFAULT, &b.m->used, b.e);
	b.emit.out = &sink;
	b.emit.size = d->size;
	if (!r)
		r = do_disk(&b);
	if (!r)
		r = emit_finish(&b.emit);
	ranges_done(&b.always);
	if (r < 0) {
		map_free(b.m);
		return r;
	}
	if (b.opt->probe_only)
		b.m->used = extents_free(b.m->used);
	*ret = b.m;
	return 0;
}
