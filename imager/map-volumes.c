/* map-volumes.c: containers in the used map.
 *
 * A container tells of which pieces of the level's device its volumes are made.
 * Each volume is a level of its own, with one window: what is used of it is
 * collected, in its own order.  Then, for each window of the container, the pieces
 * are gone through in the device's order, and what of each is used is sent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "imager/map-int.h"

struct leg {
	const struct dev_piece *p;
	/* From where on the volume's extents concern this piece; x NULL: whole */
	struct extents_cursor from;
};

/* A container that was opened: it may lie in several windows of the level. */
struct group {
	const struct container *c;
	struct container_found found;
	struct cont_member *members;
	size_t n_members;
	struct extents **used;        /* of each volume; NULL: all of it    */
	struct leg *legs;             /* of all volumes, by place           */
	size_t n_legs;
	char where[300];              /* the region that has the volumes    */
	int spans;                    /* 1: some of its windows are on other disks */
	struct group *next;
};

static struct group *group_free(struct group *g)
{
	if (!g)
		return NULL;
	for (size_t i = 0; g->used && i < g->found.n; i++)
		extents_free(g->used[i]);
	free(g->used);
	free(g->legs);
	for (size_t i = 0; i < g->n_members; i++)
		dev_close(g->members[i].d);
	free(g->members);
	cont_found_done(&g->found);
	free(g);
	return NULL;
}

void map_groups_done(struct level *l)
{
	while (l->groups) {
		struct group *next = l->groups->next;

		group_free(l->groups);
		l->groups = next;
	}
}

/* ---- opening ---- */

/* Adds the window if it is one of this kind. */
static int add_member(struct level *l, struct group *g, uint64_t start, uint64_t size)
{
	struct cont_ident id;
	struct blkdev *w;
	struct err why;
	int r = dev_window(l->all, start, size, &w, l->b->e);

	if (r < 0)
		return r;
	if (g->c->probe(w, &id, &why) != 0) {
		dev_close(w);
		return 0;
	}
	g->members[g->n_members++] = (struct cont_member){ w, start };
	return 0;
}

/* All windows of the level and of other disks that hold such a container; *self: the
 * one at r.  1: that one isn't among them any more. */
static int find_members(struct level *l, const struct map_region *r, struct group *g,
			size_t *self, struct err *why)
{
	size_t many = (l->table ? l->table->n_parts : 1) + l->n_others;
	int rc = 0;

	g->members = calloc(many, sizeof *g->members);
	g->found.covers = calloc(many, 1);
	if (!g->members || !g->found.covers)
		return err_set(l->b->e, ERR_NOMEM, "out of memory for the used map");
	if (!l->table)
		rc = add_member(l, g, r->start, r->size);
	for (size_t i = 0; l->table && i < l->table->n_parts && !rc; i++)
		if (!(l->table->parts[i].flags & PART_EXTENDED))
			rc = add_member(l, g, l->table->parts[i].start, l->table->parts[i].size);
	for (size_t i = 0; i < l->n_others && !rc; i++)
		rc = add_member(l, g, l->others[i].start, l->others[i].size);
	for (*self = 0; *self < g->n_members && g->members[*self].start != r->start; ++*self)
		;
	if (rc || *self < g->n_members)
		return rc;
	err_set(why, ERR_IO, "its first bytes could be read once only");
	return 1;
}

/* Of those on the level's own device. */
static uint64_t pieces_bytes(const struct level *l, const struct cont_volume *v)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < v->n; i++)
		if (v->v[i].off < l->d->size)
			sum += v->v[i].len;
	return sum;
}

/* ---- looking into a volume ---- */

struct volume_sink { struct extents *x; struct err *e; };

static int collect(void *ctx, uint64_t off, uint64_t len)
{
	struct volume_sink *s = ctx;

	return extents_add(s->x, off, len, s->e);
}

/* What is used of volume v, as a region and as *ret.  limit: bytes of memory. */
static int read_volume(struct level *l, const struct cont_volume *v, size_t limit,
		       struct map_region *r, struct extents **ret)
{
	struct volume_sink vs = { .e = l->b->e };
	struct extent_sink sink = { collect, &vs };
	struct level in = { .b = l->b, .depth = l->depth + 1,
			    .out = { .out = &sink, .size = v->size } };
	struct cont_open o = { 0 };
	int rc = cont_volume_open(v, l->all, &o, l->b->e);

	in.d = in.all = o.d;
	if (!rc)
		rc = extents_new(v->size, MAP_UNIT, limit, &vs.x, l->b->e);
	if (!rc)
		rc = map_window(&in, r);
	if (!rc)
		rc = emit_finish(&in.out);
	map_groups_done(&in);
	cont_open_done(&o);
	if (rc < 0)
		extents_free(vs.x);
	else
		*ret = vs.x;
	return rc;
}

static int do_volume(struct level *l, struct group *g, size_t i, uint64_t all, struct map_region *r)
{
	const struct cont_volume *v = &g->found.v[i];
	/* memory as large as the volume is among them, at least for some extents */
	size_t limit = 4096 + (size_t)((double)v->size / (double)(all ? all : 1) *
				       (EXTENTS_LIMIT_DEFAULT / 2));

	*r = (struct map_region){ .size = v->size };
	snprintf(r->what, sizeof r->what, "%s", v->what);
	snprintf(r->reader, sizeof r->reader, "none");
	r->made = cont_volume_copy(v);
	if (!r->made)
		return err_set(l->b->e, ERR_NOMEM, "out of memory for the used map");
	if (!v->whole[0])
		return read_volume(l, v, limit, r, &g->used[i]);
	map_note(r, "Taken whole: %s.", v->whole);
	snprintf(r->reader, sizeof r->reader, "raw");
	r->used = pieces_bytes(l, v);
	return 0;
}

static int do_volumes(struct level *l, struct group *g, struct map_region *r)
{
	size_t n = g->found.n;
	uint64_t all = 0;
	int rc = 0;

	r->inside = calloc(n ? n : 1, sizeof *r->inside);
	g->used = calloc(n ? n : 1, sizeof *g->used);
	if (!r->inside || !g->used)
		return err_set(l->b->e, ERR_NOMEM, "out of memory for the used map");
	for (size_t i = 0; i < n; i++)
		all += g->found.v[i].size >> 9;
	for (size_t i = 0; i < n && !rc; i++) {
		rc = do_volume(l, g, i, all << 9, &r->inside[i]);
		r->n_inside++;
	}
	return rc;
}

/* ---- back to the level's device ---- */

static int by_place(const void *pa, const void *pb)
{
	const struct leg *a = pa, *b = pb;

	return a->p->off < b->p->off ? -1 : a->p->off > b->p->off;
}

static int by_place_in_volume(const void *pa, const void *pb)
{
	const struct leg *a = pa, *b = pb;

	return a->p->at < b->p->at ? -1 : a->p->at > b->p->at;
}

/* Where in the volume's extents each of its n legs begins. */
static void find_cursors(struct leg *legs, size_t n, const struct extents *x)
{
	struct extents_cursor c, before;
	uint64_t off, len;

	qsort(legs, n, sizeof *legs, by_place_in_volume);
	extents_begin(x, &c);
	for (size_t i = 0; i < n; i++) {
		for (before = c; extents_next(&c, &off, &len) && off + len <= legs[i].p->at;)
			before = c;
		legs[i].from = c = before;
	}
}

/* Each piece must be inside of a window that the container covers, and none may
 * touch another one. */
static int check_legs(const struct group *g, struct err *why)
{
	for (size_t i = 0; i < g->n_legs; i++) {
		const struct dev_piece *p = g->legs[i].p;
		size_t k = 0;

		while (k < g->n_members && (!g->found.covers[k] || p->off < g->members[k].start ||
					    p->off - g->members[k].start >= g->members[k].d->size))
			k++;
		if (k == g->n_members ||
		    p->len > g->members[k].d->size - (p->off - g->members[k].start))
			return err_set(why, ERR_CORRUPT, "a piece of a volume at byte %llu lies outside",
				       (unsigned long long)p->off);
		if (i + 1 < g->n_legs && p->off + p->len > g->legs[i + 1].p->off)
			return err_set(why, ERR_CORRUPT, "byte %llu belongs to two pieces of volumes",
				       (unsigned long long)g->legs[i + 1].p->off);
	}
	return 0;
}

static int make_legs(struct group *g, struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < g->found.n; i++)
		n += g->found.v[i].n;
	g->legs = calloc(n ? n : 1, sizeof *g->legs);
	if (!g->legs)
		return err_set(e, ERR_NOMEM, "out of memory for the pieces of volumes");
	for (size_t i = 0; i < g->found.n; i++) {
		const struct cont_volume *v = &g->found.v[i];
		struct leg *legs = &g->legs[g->n_legs];

		for (size_t k = 0; k < v->n; k++)
			if (v->v[k].off != DEV_PIECE_ZEROS)
				g->legs[g->n_legs++].p = &v->v[k];
		if (g->used && g->used[i])
			find_cursors(legs, (size_t)(&g->legs[g->n_legs] - legs), g->used[i]);
	}
	qsort(g->legs, g->n_legs, sizeof *g->legs, by_place);
	return 0;
}

static int send_leg(struct emit *out, const struct leg *leg)
{
	const struct dev_piece *p = leg->p;
	struct extents_cursor c = leg->from;
	uint64_t off, len, from, to = 0;
	int rc = 0;

	if (!c.x)
		return emit_used(out, p->off, p->off + p->len);
	while (!rc && to < p->len && extents_next(&c, &off, &len)) {
		from = dev_piece_before(p, off);
		to = dev_piece_before(p, off + len);
		if (from < to)
			rc = emit_used(out, p->off + from, p->off + to);
	}
	return rc;
}

struct window_sink { struct emit *out; uint64_t bytes; };

static int count(void *ctx, uint64_t off, uint64_t len)
{
	struct window_sink *s = ctx;

	s->bytes += len;
	return emit_used(s->out, off, off + len);
}

/* What of the group lies in the window r. */
static int send_window(struct level *l, const struct group *g, struct map_region *r)
{
	struct window_sink ws = { .out = &l->out };
	struct extent_sink sink = { count, &ws };
	struct ranges here = { 0 }, all = g->found.meta;
	struct emit join = { .out = &sink, .extra = &here, .size = r->start + r->size };
	int rc = 0;

	for (size_t i = 0; i < all.n && !rc; i++)
		rc = ranges_add(&here, all.v[i].start < r->start ? r->start : all.v[i].start,
				all.v[i].end > join.size ? join.size : all.v[i].end, l->b->e);
	ranges_sort(&here);
	for (size_t i = 0; i < g->n_legs && !rc; i++)
		if (g->legs[i].p->off >= r->start && g->legs[i].p->off < join.size)
			rc = send_leg(&join, &g->legs[i]);
	if (!rc)
		rc = emit_finish(&join);
	ranges_done(&here);
	r->used = ws.bytes;
	snprintf(r->holds, sizeof r->holds, "%s", g->found.holds);
	r->spans = g->spans;
	return rc;
}

/* ---- a window ---- */

static struct group *find_group(const struct level *l, const struct container *c, uint64_t start)
{
	for (struct group *g = l->groups; g; g = g->next)
		for (size_t i = 0; g->c == c && i < g->n_members; i++)
			if (g->found.covers[i] && g->members[i].start == start)
				return g;
	return NULL;
}

/* Nothing was sent yet when it fails. */
static int open_group(struct level *l, struct map_region *r, struct group *g, struct err *why)
{
	static const struct cont_keys none;
	struct build *b = l->b;
	size_t self = 0;
	int rc = find_members(l, r, g, &self, why);

	if (rc)
		return rc;
	rc = g->c->open(l->all, g->members, g->n_members, self, b->opt->keys ? b->opt->keys : &none,
			&g->found, why);
	if (rc < 0)
		return map_fatal(rc) ? err_set(b->e, rc, "%s", why->msg) : 1;
	g->found.covers[self] = 1;
	for (size_t i = 0; i < g->n_members; i++)
		g->spans |= g->found.covers[i] && g->members[i].start >= l->d->size;
	if (l->depth == MAP_DEPTH_MAX || g->found.n > MAP_VOLUMES_MAX - b->volumes) {
		err_set(why, ERR_UNSUPPORTED, "there are too many volumes inside of volumes");
		return 1;
	}
	b->volumes += (unsigned int)g->found.n;
	snprintf(g->where, sizeof g->where, "%s", r->what);
	/* twice: volumes are looked into only after the pieces were checked */
	rc = make_legs(g, b->e);
	if (!rc && check_legs(g, why) < 0)
		return 1;
	free(g->legs);
	g->legs = NULL;
	g->n_legs = 0;
	if (!rc)
		rc = do_volumes(l, g, r);
	return rc ? rc : make_legs(g, b->e);
}

int map_container(struct level *l, struct map_region *r, const struct container *c,
		  struct err *why)
{
	struct group *g = find_group(l, c, r->start);
	int rc;

	if (g) {
		map_note(r, "Its volumes are listed at %s.", g->where);
		return send_window(l, g, r);
	}
	g = calloc(1, sizeof *g);
	if (!g)
		return err_set(l->b->e, ERR_NOMEM, "out of memory for the used map");
	g->c = c;
	rc = open_group(l, r, g, why);
	if (rc) {
		group_free(g);
		return rc;
	}
	g->next = l->groups;
	l->groups = g;
	return send_window(l, g, r);
}
