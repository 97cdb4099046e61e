/* map-window.c: one window of the used map: who claims it, and what is used of it.
 *
 * A window's ranges come from the one reader that claims it; they are collected
 * first, since a reader may refuse half-way.  A container is map-volumes.c's. */
#include "imager/map-int.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "imager/fs/readers.h"

/* A note tells of more bytes than this behind a file system's end. */
#define TAIL_NOTE (1ull << 20)

void map_note(struct map_region *r, const char *fmt, ...)
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
	map_note(ctx, "%s", text);
}

int map_fatal(int code)
{
	return code == ERR_NOMEM || code == ERR_CANCELLED || code == ERR_INTERNAL;
}

int map_whole(struct level *l, struct map_region *r)
{
	snprintf(r->reader, sizeof r->reader, "raw");
	r->used = r->size;
	return emit_used(&l->out, r->start, r->start + r->size);
}

int map_doubt(struct level *l, struct map_region *r, const char *why)
{
	r->whole_by_doubt = 1;
	map_note(r, "Taken whole: %s.", why);
	return map_whole(l, r);
}

/* ---- who claims it ---- */

struct claims {
	unsigned int n;
	const struct container *cont; /* at most one of these, and only if n is 1 */
	const struct fs_reader *reader;
	struct fs_ident id;           /* the first one's; type "": not told       */
	const char *name;             /* the first one's                          */
	struct err why;               /* code 0: it may be read                   */
};

/* 1: it is the first one. */
static int claim(struct claims *c, const char *name, const struct fs_ident *id,
		 const struct err *why)
{
	if (c->n++) {
		err_set(&c->why, ERR_CORRUPT, "there are signatures of %s and of %s",
			c->id.type[0] ? c->id.type : c->name, id->type[0] ? id->type : name);
		c->cont = NULL;
		c->reader = NULL;
		return 0;
	}
	c->id = *id;
	c->name = name;
	c->why = *why;
	return 1;
}

/* known: what fs_known() said, type "" for nothing; it names what the containers
 * here open, too.  1 in *alone: nobody else is to be asked. */
static int claim_containers(struct blkdev *w, struct claims *c, struct fs_ident *known,
			    int *alone, struct err *e)
{
	for (size_t i = 0; containers[i]; i++) {
		struct cont_ident id = { 0 };
		struct err why = { 0 };
		int r = containers[i]->probe(w, &id, &why);

		if (r == FS_NOT_MINE)
			continue;
		if (map_fatal(r))
			return err_set(e, r, "%s", why.msg);
		if (r < 0 && !strcmp(known->type, containers[i]->type))
			id.fs = *known;
		if (!strcmp(known->type, containers[i]->type))
			known->type[0] = 0;
		if (id.shows_inside && !*alone)
			*c = (struct claims){ 0 };
		else if (*alone && !id.shows_inside)
			continue;
		*alone |= id.shows_inside;
		if (claim(c, containers[i]->name, &id.fs, &why))
			c->cont = containers[i];
	}
	return 0;
}

/* A reader that finds its own file system damaged claims it, too. */
static int find_claims(struct blkdev *w, struct claims *c, struct err *e)
{
	struct fs_ident known;
	struct err why = { 0 };
	int alone = 0, r;

	if (fs_known(w, &known) != 0)
		known.type[0] = 0;
	r = claim_containers(w, c, &known, &alone, e);
	if (r < 0 || alone)
		return r;
	if (known.type[0]) {
		err_set(&why, ERR_UNSUPPORTED, "%s is not read", known.type);
		claim(c, known.type, &known, &why);
		c->name = c->id.type;
	}
	for (size_t i = 0; fs_readers[i]; i++) {
		struct fs_ident id = { 0 };

		why.code = 0;
		r = fs_readers[i]->probe(w, &id, &why);
		if (r == FS_NOT_MINE)
			continue;
		if (map_fatal(r))
			return err_set(e, r, "%s", why.msg);
		if (r < 0)
			id.type[0] = 0;
		if (claim(c, fs_readers[i]->name, &id, &why))
			c->reader = fs_readers[i];
	}
	return 0;
}

/* ---- a file system ---- */

struct part_sink { struct extents *x; struct err *e; };

static int collect_part(void *ctx, uint64_t off, uint64_t len)
{
	struct part_sink *s = ctx;

	return extents_add(s->x, off, len, s->e);
}

/* Sends what the reader found, and what lies behind the file system's end. */
static int accept_part(struct level *l, struct map_region *r, const struct extents *x)
{
	uint64_t end = r->fs.fs_size < r->size ? r->fs.fs_size : r->size, off, len, last = 0;
	struct extents_cursor c;
	int rc = 0;

	r->used = extents_bytes(x);
	extents_begin(x, &c);
	while (!rc && extents_next(&c, &off, &len)) {
		rc = emit_used(&l->out, r->start + off, r->start + off + len);
		last = off + len;
	}
	if (last > end)
		end = last;
	r->used += r->size - end;
	if (r->size - end > TAIL_NOTE)
		map_note(r, "%llu bytes behind the end of the file system are unknown and were taken whole.",
		     (unsigned long long)(r->size - end));
	if (extents_padded(x))
		map_note(r, "%llu free bytes are included, as the list of used ranges would have been too long.",
		     (unsigned long long)extents_padded(x));
	return rc ? rc : emit_used(&l->out, r->start + end, r->start + r->size);
}

/* 1: the reader refused, why says why. */
static int walk_window(struct level *l, struct map_region *r, struct blkdev *w,
		       const struct fs_reader *reader, struct err *why)
{
	struct extents *x;
	struct part_sink ps = { .e = why };
	struct extent_sink sink = { collect_part, &ps };
	struct fs_options fo = { l->b->opt->keep_page_files, { add_note, r } };
	int rc = extents_new(w->size, MAP_UNIT, EXTENTS_LIMIT_DEFAULT / 2, &x, l->b->e);

	if (rc < 0)
		return rc;
	ps.x = x;
	rc = reader->walk(w, &r->fs, &fo, &sink, why);
	if (!rc)
		rc = accept_part(l, r, x);
	else if (map_fatal(rc))
		rc = err_set(l->b->e, rc, "%s", why->msg);
	else
		rc = 1;
	extents_free(x);
	return rc;
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

/* 1: it must be taken whole, why says why. */
static int read_window(struct level *l, struct map_region *r, struct blkdev *w,
		       const struct claims *c, struct err *why)
{
	snprintf(r->reader, sizeof r->reader, "%s", c->name);
	if (c->cont)
		return map_container(l, r, c->cont, why);
	if (!l->b->opt->probe_only)
		return walk_window(l, r, w, c->reader, why);
	r->used = r->fs.used;
	return 0;
}

int map_window(struct level *l, struct map_region *r)
{
	const char *nested = nested_type(r->part);
	struct claims c = { 0 };
	struct blkdev *w = NULL;
	int rc = dev_window(l->d, r->start, r->size, &w, l->b->e);

	if (!rc)
		rc = find_claims(w, &c, l->b->e);
	r->fs = c.id;
	if (rc < 0)
		goto out;
	if (r->left_out) { /* nobody needs to hear that what isn't wanted is damaged */
		map_note(r, "Left out: not among the chosen partitions.");
		goto out;
	}
	if (!nested && c.n == 1 && !c.why.code) {
		rc = read_window(l, r, w, &c, &c.why);
		if (rc == 1 && c.why.code != ERR_NOT_FOUND) {
			rc = map_doubt(l, r, c.why.msg);
		} else if (rc == 1) {
			map_note(r, "Taken whole: %s.", c.why.msg);
			rc = map_whole(l, r);
		}
		goto out;
	}
	if (nested)
		map_note(r, "Taken whole: it is %s.", nested);
	else if (!c.n)
		map_note(r, "Taken whole: no file system was recognised.");
	else if (c.why.code == ERR_UNSUPPORTED && !c.reader && !c.cont)
		map_note(r, "Taken whole: %s.", c.why.msg);
	else {
		rc = map_doubt(l, r, c.why.msg);
		goto out;
	}
	rc = map_whole(l, r);
out:
	dev_close(w);
	return rc;
}
