/* lvm-lv.c: logical volumes: on which extents each lies, and who names whom.
 *
 * Extents of this disk are only ever named by "stripes" and "mirrors"; whatever else
 * a segment names are other logical volumes.  A kind of segment that isn't known, and
 * a physical volume named anywhere else, ends it for the whole group. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "common/checked.h"
#include "common/text.h"
#include "imager/container/lvm.h"

#define EXTENTS_MAX (1ull << 32) /* of a logical volume, as LVM counts them */

/* Kinds of segments beside "striped", whose extents are named as above. */
static const char *const kinds[] = {
	"mirror", "snapshot", "thin-pool", "thin", "cache-pool", "cache", "writecache",
	"integrity", "vdo", "vdo-pool", "error", "zero", NULL
};

static int kind_known(const char *type)
{
	size_t i = 0;

	while (kinds[i] && strcmp(kinds[i], type))
		i++;
	return kinds[i] || !strncmp(type, "raid", 4) || !strcmp(type, "striped") ||
	       !strcmp(type, "linear");
}

/* Only the first reason counts.  Words from the text are hostile: made fit. */
__attribute__((format(printf, 2, 3)))
static void whole(struct lvm_lv *lv, const char *fmt, ...)
{
	char text[sizeof lv->out.whole];
	va_list ap;

	if (lv->out.whole[0])
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	text_from_bytes(text, sizeof text, lv->out.whole, sizeof lv->out.whole);
}

/* ---- extents ---- */

struct segment {
	const struct lvm_node *node;
	const char *type;
	uint64_t start, count;  /* extents */
};

/* `count` extents of a physical volume from `first` on: the i-th of n stripes. */
static int add_extents(struct lvm_vg *vg, struct lvm_lv *lv, const struct segment *s,
		       const struct lvm_pv *pv, uint64_t first, uint64_t n, uint64_t i,
		       uint64_t stripe, struct err *e)
{
	uint64_t count = s->count / n;
	struct dev_piece p = { .len = count * vg->extent, .at = s->start * vg->extent };

	if (range_outside(first, count, pv->extents))
		return err_set(e, ERR_CORRUPT, "logical volume %s lies outside of its physical volume", lv->name);
	if (pv->member < 0) {
		whole(lv, "parts of it are on other disks");
		return 0;
	}
	p.off = pv->at + first * vg->extent;
	p.chunk = p.stride = p.len;
	if (n > 1) {
		p.at += i * stripe;
		p.chunk = stripe;
		p.stride = n * stripe;
	}
	return cont_piece_add(&lv->out, &p, e);
}

/* "stripes" or "mirrors": pairs of a name and its first extent. */
static int read_areas(struct lvm_vg *vg, struct lvm_lv *lv, const struct segment *s,
		      const struct lvm_node *areas, int striped, struct err *e)
{
	const struct lvm_tree *t = &vg->tree;
	uint64_t n = 0, i = 0, stripe = 0;
	int r = 0;

	for (const struct lvm_node *a = lvm_first(t, areas); a; a = lvm_next(t, a))
		n++;
	n /= 2;
	if (!n || n > s->count || (striped && s->count % n))
		return err_set(e, ERR_CORRUPT, "logical volume %s has a segment of %llu parts", lv->name, (unsigned long long)n);
	if (striped && n > 1) {
		r = lvm_number(t, s->node, "stripe_size", 1u << 22, &stripe, e);
		stripe *= LVM_SECTOR;
		if (!r && (!stripe || vg->extent * (s->count / n) % stripe))
			r = err_set(e, ERR_CORRUPT, "logical volume %s has stripes that don't fit into its extents", lv->name);
	}
	for (const struct lvm_node *a = lvm_first(t, areas), *b; a && !r; a = lvm_next(t, b), i++) {
		const struct lvm_pv *pv = lvm_find_pv(vg, a->text);

		b = lvm_next(t, a);
		if (!b || a->kind != LVM_STRING || b->kind != LVM_NUMBER || (!pv && !lvm_find_lv(vg, a->text)))
			return err_set(e, ERR_CORRUPT, "logical volume %s lies on something that isn't there", lv->name);
		if (!pv)
			whole(lv, "it lies on another logical volume (%s)", a->text);
		else
			r = add_extents(vg, lv, s, pv, b->number, striped ? n : 1, i, stripe, e);
	}
	return r;
}

/* Those of plain segments, RAID1 and mirrors that don't change where bytes are. */
static int key_known(const char *key)
{
	static const char *const known[] = {
		"start_extent", "extent_count", "type", "stripe_count", "stripe_size", "stripes",
		"tags", "device_count", "region_size", "raids", "data_copies", "writebehind",
		"min_recovery_rate", "max_recovery_rate", "mirror_count", "mirror_log", "mirrors", NULL
	};
	size_t i = 0;

	while (known[i] && strcmp(known[i], key))
		i++;
	return !!known[i];
}

/* Nothing but areas may name a physical volume. */
static int check_keys(struct lvm_vg *vg, struct lvm_lv *lv, const struct segment *s, struct err *e)
{
	const struct lvm_tree *t = &vg->tree;

	for (const struct lvm_node *n = lvm_first(t, s->node); n; n = lvm_next(t, n)) {
		int areas = !strcmp(n->key, "stripes") || !strcmp(n->key, "mirrors");
		int names = n->kind == LVM_ARRAY && !areas && strcmp(n->key, "tags");
		int bad = n->kind == LVM_SECTION || (n->kind == LVM_STRING && lvm_find_pv(vg, n->text));

		if (!key_known(n->key)) {
			whole(lv, "it has a setting that isn't known here (%.40s)", n->key);
			lv->odd = 1;
		}
		for (const struct lvm_node *a = names ? lvm_first(t, n) : NULL; a; a = lvm_next(t, a))
			bad |= lvm_find_pv(vg, a->text) != NULL;
		if (bad)
			return err_set(e, ERR_UNSUPPORTED, "logical volume %s is of an unknown kind", lv->name);
	}
	return 0;
}

static int read_segment(struct lvm_vg *vg, struct lvm_lv *lv, struct segment *s, struct err *e)
{
	const struct lvm_tree *t = &vg->tree;
	const struct lvm_node *stripes = lvm_get(t, s->node, "stripes", LVM_ARRAY);
	const struct lvm_node *mirrors = lvm_get(t, s->node, "mirrors", LVM_ARRAY);
	int plain, r;

	s->type = lvm_string(t, s->node, "type");
	r = lvm_number(t, s->node, "start_extent", EXTENTS_MAX, &s->start, e);
	if (!r)
		r = lvm_number(t, s->node, "extent_count", EXTENTS_MAX, &s->count, e);
	if (r < 0)
		return r;
	if (s->start != lv->extents || !s->count || s->start + s->count > EXTENTS_MAX)
		return err_set(e, ERR_CORRUPT, "logical volume %s has segments that don't follow each other", lv->name);
	if (!kind_known(s->type))
		return err_set(e, ERR_UNSUPPORTED, "logical volume %s is of an unknown kind", lv->name);
	plain = !strcmp(s->type, "striped") || !strcmp(s->type, "linear");
	if (plain && !stripes)
		return err_set(e, ERR_CORRUPT, "logical volume %s lies nowhere", lv->name);
	if (!plain) /* a RAID or mirror may still be looked into: lvm-raid.c */
		whole(lv, "it is of the kind \"%.40s\"", s->type);
	lv->extents += s->count;
	r = check_keys(vg, lv, s, e);
	if (!r && stripes)
		r = read_areas(vg, lv, s, stripes, 1, e);
	if (!r && mirrors)
		r = read_areas(vg, lv, s, mirrors, 0, e);
	return r;
}

/* ---- who names whom ---- */

static void name(struct lvm_vg *vg, struct lvm_lv *by, const char *text, enum lvm_role role)
{
	struct lvm_lv *lv = lvm_find_lv(vg, text);

	if (!lv || lv == by)
		return;
	/* named twice: nobody's part */
	lv->role = lv->role == LVM_FREE ? role : LVM_OTHER;
	lv->owner = by;
}

/* RAIDs have their parts in "raids", each behind its metadata; mirrors in "mirrors". */
static void name_all(struct lvm_vg *vg, struct lvm_lv *by, const struct lvm_node *segment)
{
	const struct lvm_tree *t = &vg->tree;

	for (const struct lvm_node *n = lvm_first(t, segment); n; n = lvm_next(t, n)) {
		int raids = !strcmp(n->key, "raids"), mirrors = !strcmp(n->key, "mirrors"), odd = 0;

		if (n->kind == LVM_STRING && strcmp(n->key, "type"))
			name(vg, by, n->text, !strcmp(n->key, "mirror_log") ? LVM_PART : LVM_OTHER);
		if (n->kind != LVM_ARRAY || !strcmp(n->key, "tags"))
			continue;
		for (const struct lvm_node *a = lvm_first(t, n); a; a = lvm_next(t, a), odd = !odd)
			if (a->kind == LVM_STRING)
				name(vg, by, a->text, mirrors || (raids && odd) ? LVM_IMAGE :
				     raids ? LVM_PART : LVM_OTHER);
	}
}

static void check_status(struct lvm_vg *vg, struct lvm_lv *lv)
{
	static const char *const fine[] = {
		"READ", "WRITE", "VISIBLE", "FIXED_MINOR", "ACTIVATION_SKIP", NULL
	};
	static const char *const keys[] = { "status", "flags" };
	const struct lvm_tree *t = &vg->tree;

	for (size_t k = 0; k < 2; k++) {
		const struct lvm_node *a = lvm_get(t, lv->node, keys[k], LVM_ARRAY);

		for (const struct lvm_node *n = lvm_first(t, a); n; n = lvm_next(t, n)) {
			size_t i = 0;

			while (fine[i] && strcmp(fine[i], n->text))
				i++;
			lv->visible |= !k && !strcmp(n->text, "VISIBLE");
			if (fine[i])
				continue;
			whole(lv, "it is marked as %.40s", n->text);
			lv->odd = 1;
		}
	}
}

static int each_segment(struct lvm_vg *vg, struct lvm_lv *lv, int naming, struct err *e)
{
	const struct lvm_tree *t = &vg->tree;
	uint64_t n, found = 0;
	int r = lvm_number(t, lv->node, "segment_count", LVM_NODES_MAX, &n, e);

	for (const struct lvm_node *c = lvm_first(t, lv->node); c && !r; c = lvm_next(t, c)) {
		struct segment s = { .node = c };

		if (c->kind != LVM_SECTION)
			continue;
		found++;
		if (naming)
			name_all(vg, lv, s.node);
		else
			r = read_segment(vg, lv, &s, e);
	}
	if (!r && found != n)
		r = err_set(e, ERR_CORRUPT, "logical volume %s has not as many segments as it says", lv->name);
	return r;
}

int lvm_lvs(struct lvm_vg *vg, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < vg->n_lv && !r; i++) {
		struct lvm_lv *lv = &vg->lv[i];

		check_status(vg, lv);
		snprintf(lv->out.what, sizeof lv->out.what, "%slogical volume %s/%s",
			 lv->visible ? "" : "hidden ", vg->name, lv->name);
		r = each_segment(vg, lv, 0, e);
		if (!r && mul_overflows(lv->extents, vg->extent, &lv->out.size))
			r = err_set(e, ERR_CORRUPT, "logical volume %s is too large", lv->name);
		lv->here = !lv->out.whole[0];
		lv->out.n_read = lv->here ? lv->out.n : 0;
	}
	for (size_t i = 0; i < vg->n_lv && !r; i++)
		r = each_segment(vg, &vg->lv[i], 1, e);
	return r;
}
