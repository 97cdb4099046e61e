/* part-plan.c: see part-plan.h. */
#include "imager/part-plan.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "imager/container/md.h"
#include "imager/imgdev.h"
#include "imager/map.h"
#include "imager/part/kinds.h"
#include "imager/partial.h"

struct planning {
	const struct part_wish *w;
	struct image *im;
	struct blkdev *from;          /* the image                               */
	struct disk_map *m;           /* of the image; only probed               */
	struct part_choice chosen;
	struct blkdev *target;
	struct blkdev *disk;          /* the target, or the disk that it is on   */
	struct part_table *t;         /* of disk                                 */
	const struct partition *into; /* or NULL                                 */
	struct part_plan plan;
	struct err *e;
};

/* ---- what of the image ---- */

static int read_image(struct planning *p)
{
	struct map_options mo = { .probe_only = 1 };
	int rc = dev_image(p->im, p->w->image_name, &p->from, p->e);

	if (rc == 0)
		rc = map_build(p->from, &mo, &p->m, p->e);
	if (rc == 0 && !p->m->table)
		rc = err_set(p->e, ERR_USAGE, "%s has no partition table that can be trusted, so no partitions to choose from",
			     p->w->image_name);
	return rc;
}

static int choose(struct planning *p)
{
	const struct part_table *t = p->m->table;
	struct part_choice has;
	char all[600];
	int n = 0;

	partial_read(p->im, &has);
	if (p->w->only && part_choose(p->w->only, t, &p->chosen, p->e) < 0)
		return err_prefix(p->e, "%s", p->w->image_name);
	for (size_t i = 0; i < t->n_parts; i++) {
		unsigned int number = t->parts[i].number;

		if (t->parts[i].flags & PART_EXTENDED)
			continue;
		if (!p->w->only && part_chosen(&has, number)) {
			p->chosen.bits[number / 8] |= (uint8_t)(1u << number % 8);
			n++;
		}
		if (p->w->only && part_chosen(&p->chosen, number)) {
			n++;
			if (!part_chosen(&has, number))
				return err_set(p->e, ERR_REFUSED, "partition %u isn't in %s, which was made of other partitions (`rehost info` tells which)",
					       number, p->w->image_name);
		}
	}
	part_choices_text(t, all, sizeof all);
	if ((p->w->into || p->w->whole) && n != 1)
		return err_set(p->e, ERR_USAGE, "into one place goes one partition, not %d: choose with --only among: %s",
			       n, all);
	return 0;
}

/* ---- where on the target ---- */

/* The one that the target is. */
static int find_target(struct planning *p)
{
	for (size_t i = 0; i < p->t->n_parts; i++) {
		const struct partition *o = &p->t->parts[i];

		if (!(o->flags & PART_EXTENDED) && o->start == p->w->part_start &&
		    o->size == p->target->size)
			p->into = o;
	}
	return p->into ? 0 :
		err_set(p->e, ERR_REFUSED, "%s isn't a partition as the table of %s has it now; name the disk, and the partition by --into",
			p->target->name, p->disk->name);
}

static int read_target(struct planning *p)
{
	struct part_choice c;
	int rc;

	if (p->target->sector_size != image_params(p->im)->sector_size)
		return err_set(p->e, ERR_REFUSED, "%s has sectors of %u bytes, the captured disk had %u",
			       p->target->name, p->target->sector_size, image_params(p->im)->sector_size);
	p->disk = p->w->whole ? p->w->whole : p->target;
	rc = part_read(p->disk, &p->t, p->e);
	if (rc == PART_NONE)
		return err_set(p->e, ERR_REFUSED, "%s has no partition table; make one with the partitions that are to be written to, or restore all",
			       p->disk->name);
	if (rc < 0)
		return err_prefix(p->e, "%s: its partition table can't be trusted", p->disk->name);
	if (p->w->whole)
		return find_target(p);
	if (!p->w->into)
		return 0;
	if (part_choose(p->w->into, p->t, &c, p->e) < 0)
		return err_prefix(p->e, "%s", p->target->name);
	for (size_t i = 0; i < p->t->n_parts; i++)
		if (part_chosen(&c, p->t->parts[i].number)) {
			if (p->into)
				return err_set(p->e, ERR_USAGE, "--into takes one partition");
			p->into = &p->t->parts[i];
		}
	return 0;
}

static int no_place(struct planning *p, const struct partition *from)
{
	char all[700] = "";
	size_t n = 0;

	for (size_t i = 0; i < p->t->n_parts && n < sizeof all; i++)
		if (!(p->t->parts[i].flags & PART_EXTENDED))
			n += (size_t)snprintf(all + n, sizeof all - n, "%s%u at %llu", n ? ", " : "",
					      p->t->parts[i].number,
					      (unsigned long long)p->t->parts[i].start);
	return err_set(p->e, ERR_REFUSED,
		       "%s has no partition that begins at byte %llu, as partition %u of the image does; it has: %s; --into NUMBER writes to one of these",
		       p->target->name, (unsigned long long)from->start, from->number, n ? all : "none");
}

/* The partition of the target that `from` goes to. */
static int find_place(struct planning *p, const struct partition *from,
		      const struct partition **ret)
{
	*ret = p->into;
	for (size_t i = 0; !*ret && i < p->t->n_parts; i++)
		if (p->t->parts[i].start == from->start && !(p->t->parts[i].flags & PART_EXTENDED))
			*ret = &p->t->parts[i];
	if (!*ret)
		return no_place(p, from);
	if (!part_same_kind(from->type, (*ret)->type))
		return err_set(p->e, ERR_REFUSED,
			       "partition %u of %s has the type %s, partition %u of the image %s; a system would not find there what it looks for (sfdisk --part-type changes it)",
			       (*ret)->number, p->disk->name, (*ret)->type, from->number, from->type);
	for (size_t i = 0; i < p->t->n_parts; i++) {
		const struct partition *o = &p->t->parts[i];

		if (o != *ret && !(o->flags & PART_EXTENDED) && o->start < (*ret)->start + (*ret)->size &&
		    (*ret)->start < o->start + o->size)
			return err_set(p->e, ERR_REFUSED, "%s: partitions %u and %u overlap",
				       p->disk->name, (*ret)->number, o->number);
	}
	return 0;
}

/* ---- does it fit ---- */

struct clip { uint64_t from, end, used; };

static int count(void *ctx, uint64_t off, uint64_t len)
{
	struct clip *c = ctx;
	uint64_t end = off + len < c->end ? off + len : c->end;

	if (off >= c->end)
		return 1;
	if (off < c->from)
		off = c->from;
	if (off >= end)
		return 0;
	c->used += end - off;
	return 0;
}

/* The whole size is needed, however little is used: a file system fills its partition, and
 * what lies behind a smaller one is in the image, too (map-window.c). */
static int check_size(struct planning *p, struct part_place *pl)
{
	struct clip c = { pl->from, pl->from + pl->from_size, 0 };
	int rc = image_extents(p->im, count, &c, p->e);

	if (rc < 0)
		return rc;
	pl->used = c.used;
	if (pl->to_size >= pl->from_size)
		return 0;
	return err_set(p->e, ERR_REFUSED, "the place for partition %u is too small: %s has %llu bytes there, %llu are needed, %llu are missing",
		       pl->number, p->target->name, (unsigned long long)pl->to_size,
		       (unsigned long long)pl->from_size, (unsigned long long)(pl->from_size - pl->to_size));
}

/* A superblock of MD 0.90 or 1.0 is looked for near the end of its member. */
static int check_end(struct planning *p, const struct map_region *r, const struct part_place *pl)
{
	struct blkdev *w;
	struct md_member m;
	int rc;

	if (pl->to_size == pl->from_size || strcmp(r->fs.type, "linux_raid_member"))
		return 0;
	rc = dev_window(p->from, r->start, r->size, &w, p->e);
	if (rc < 0)
		return rc;
	rc = md_super_read(w, &m, p->e);
	dev_close(w);
	if (rc == 0 && m.super < m.data)
		return 0;
	return err_set(p->e, ERR_REFUSED, "partition %u of the image is a member of a RAID that is described at its end: in a place of %llu bytes, not %llu as it had, that would not be found; make a partition of exactly this size",
		       pl->number, (unsigned long long)pl->to_size, (unsigned long long)pl->from_size);
}

static int plan_one(struct planning *p, const struct map_region *r)
{
	struct part_place *pl = &p->plan.v[p->plan.n];
	const struct partition *to;

	if (find_place(p, r->part, &to) < 0)
		return p->e->code;
	*pl = (struct part_place){
		.number = r->part->number, .from = r->start, .from_size = r->size,
		.to_number = p->w->whole ? 0 : to->number, .to = p->w->whole ? 0 : to->start,
		.to_size = to->size, .to_start = to->start,
	};
	snprintf(pl->fs, sizeof pl->fs, "%s", r->fs.type);
	snprintf(pl->label, sizeof pl->label, "%s", r->fs.label);
	if (pl->to_number)
		p->plan.to.bits[to->number / 8] |= (uint8_t)(1u << to->number % 8);
	p->plan.n++;
	return check_size(p, pl) < 0 ? p->e->code : check_end(p, r, pl);
}

static int plan_all(struct planning *p)
{
	int rc = read_image(p);

	if (rc == 0)
		rc = choose(p);
	if (rc == 0)
		rc = read_target(p);
	if (rc < 0)
		return rc;
	p->plan.v = calloc(p->m->n_regions, sizeof *p->plan.v);
	if (!p->plan.v)
		return err_set(p->e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < p->m->n_regions && rc == 0; i++) {
		const struct map_region *r = &p->m->regions[i];

		if (r->part && part_chosen(&p->chosen, r->part->number))
			rc = plan_one(p, r);
	}
	if (rc == 0 && !p->plan.n)
		rc = err_set(p->e, ERR_USAGE, "%s has no partition to restore", p->w->image_name);
	return rc;
}

int part_plan(struct image *im, struct blkdev *target, const struct part_wish *w,
	      struct part_plan *ret, struct err *e)
{
	struct err own;
	struct planning p = { .w = w, .im = im, .target = target, .e = e ? e : &own };
	int rc = plan_all(&p);

	if (rc == 0)
		*ret = p.plan;
	else
		part_plan_done(&p.plan);
	map_free(p.m);
	dev_close(p.from);
	part_free(p.t);
	return rc;
}

int part_plan_same(const struct part_plan *a, const struct part_plan *b)
{
	for (size_t i = 0; i < a->n && a->n == b->n; i++)
		if (a->v[i].number != b->v[i].number || a->v[i].from != b->v[i].from ||
		    a->v[i].from_size != b->v[i].from_size || a->v[i].to != b->v[i].to ||
		    a->v[i].to_size != b->v[i].to_size || a->v[i].to_number != b->v[i].to_number)
			return 0;
	return a->n == b->n;
}

void part_plan_done(struct part_plan *p)
{
	free(p->v);
	*p = (struct part_plan){ 0 };
}
