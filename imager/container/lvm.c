/* lvm.c: physical volumes of LVM2; see lvm.h.
 *
 * Kept are everything before the first and behind the last extent, and the extents
 * of logical volumes, of those that are read only what is used in them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/checked.h"
#include "imager/container/kinds.h"
#include "imager/container/lvm.h"

/* With hyphens, as LVM prints it. */
static void print_uuid(const char *uuid, char ret[40])
{
	snprintf(ret, 40, "%.6s-%.4s-%.4s-%.4s-%.4s-%.4s-%.6s", uuid, uuid + 6, uuid + 10,
		 uuid + 14, uuid + 18, uuid + 22, uuid + 26);
}

static int lvm_probe(struct blkdev *d, struct cont_ident *ret, struct err *e)
{
	struct lvm_pv_label l;
	struct cont_ident id = { 0 };
	int r = lvm_label_read(d, &l, e);

	if (r)
		return r;
	snprintf(id.fs.type, sizeof id.fs.type, "LVM2_member");
	if (strspn(l.uuid, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == LVM_UUID)
		print_uuid(l.uuid, id.fs.uuid);
	id.fs.fs_size = l.size;
	*ret = id;
	return 0;
}

struct group {
	const struct cont_member *all;
	struct lvm_pv_label *label; /* of each of them */
	size_t n, self;
	struct lvm_vg vg;
};

/* The newest text that names this physical volume, wherever it is; 1: there is none. */
static int find_text(struct group *g, int *ret_none, struct err *e)
{
	int found = 0;

	for (size_t i = 0; i < g->n; i++) {
		struct lvm_vg vg;
		char *text;
		int none, r = lvm_text_read(g->all[i].d, &g->label[i], &text, &none, e);

		if (i == g->self)
			*ret_none = r == 1 && none;
		if (r < 0 && (i == g->self || r == ERR_NOMEM))
			return r;
		if (r)
			continue;
		r = lvm_vg_read(text, &vg, e);
		if (r < 0 && (i == g->self || r == ERR_NOMEM || (vg.tree.n && lvm_vg_pv(&vg, g->label[g->self].uuid)))) {
			lvm_vg_done(&vg);
			return r;
		}
		if (r < 0 || !lvm_vg_pv(&vg, g->label[g->self].uuid) ||
		    (found && vg.seqno <= g->vg.seqno)) {
			lvm_vg_done(&vg);
			continue;
		}
		lvm_vg_done(&g->vg);
		g->vg = vg;
		found = 1;
	}
	return !found;
}

/* The group's physical volumes that are here; what of them is no extent is kept. */
static int find_members(struct group *g, struct container_found *ret, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < g->n && !r; i++) {
		const struct lvm_node *n = lvm_vg_pv(&g->vg, g->label[i].uuid);
		uint64_t start = g->all[i].start, size = g->all[i].d->size, bytes, end;
		struct lvm_pv *pv;

		if (!n)
			continue;
		pv = lvm_find_pv(&g->vg, n->key);
		if (pv->member >= 0)
			return err_set(e, ERR_CORRUPT, "a physical volume with its UUID is there twice");
		if (pv->at != g->label[i].data || mul_overflows(pv->extents, g->vg.extent, &bytes) ||
		    range_outside(pv->at, bytes, size))
			return err_set(e, ERR_CORRUPT, "the physical volume's label, its size and the volume group's metadata don't agree");
		end = pv->at + bytes;
		r = ranges_add(&ret->meta, start, start + pv->at, e);
		if (!r)
			r = ranges_add(&ret->meta, start + end, start + size, e);
		pv->at += start;
		pv->member = (int)i;
		ret->covers[i] = 1;
	}
	if (!r && !ret->covers[g->self])
		r = err_set(e, ERR_CORRUPT, "the physical volume is in its group twice");
	return r;
}

/* A physical volume in no group: nothing in it is anybody's. */
static int unused(const struct group *g, struct container_found *ret, struct err *e)
{
	const struct cont_member *m = &g->all[g->self];
	const struct lvm_pv_label *l = &g->label[g->self];
	int r = ranges_add(&ret->meta, m->start, m->start + l->data, e);

	for (unsigned int i = 0; i < l->areas && !r; i++)
		r = ranges_add(&ret->meta, m->start + l->area[i].off,
			       m->start + l->area[i].off + l->area[i].size, e);
	if (!r)
		r = ranges_add(&ret->meta, m->start + l->size, m->start + m->d->size, e);
	ranges_sort(&ret->meta);
	snprintf(ret->holds, sizeof ret->holds, "in no volume group");
	return r;
}

static int put_volumes(struct group *g, struct container_found *ret, struct err *e)
{
	for (size_t i = 0; i < g->vg.n_lv; i++) {
		struct lvm_lv *lv = &g->vg.lv[i];
		char *why = lv->out.whole;
		struct cont_volume *v;

		if (lv->taken || (!lv->out.n && !lv->visible))
			continue;
		if (!*why && lv->role == LVM_OTHER)
			snprintf(why, sizeof lv->out.whole, "%.128s needs it", lv->owner->name);
		else if (!*why && lv->role != LVM_FREE)
			snprintf(why, sizeof lv->out.whole, "it is a part of %.128s", lv->owner->name);
		else if (!*why && !lv->visible)
			snprintf(why, sizeof lv->out.whole, "it is hidden");
		v = cont_volume_add(ret, e);
		if (!v)
			return ERR_NOMEM;
		*v = lv->out;
		lv->out.v = NULL;
	}
	return 0;
}

static int open_group(struct group *g, struct container_found *ret, struct err *e)
{
	int none = 0, r = 0;

	for (size_t i = 0; i < g->n && !r; i++)
		r = lvm_label_read(g->all[i].d, &g->label[i], e);
	if (r)
		return r < 0 ? r : err_set(e, ERR_IO, "the label of a physical volume is gone");
	r = find_text(g, &none, e);
	if (r == 1 && none && g->label[g->self].used == 0)
		return unused(g, ret, e);
	if (r == 1)
		return err_set(e, ERR_UNSUPPORTED, "the physical volume has no metadata of its volume group");
	if (!r)
		r = find_members(g, ret, e);
	if (!r)
		r = lvm_lvs(&g->vg, e);
	return r;
}

static int lvm_open(struct blkdev *parent, const struct cont_member *all, size_t n, size_t self,
		    const struct cont_keys *keys, struct container_found *ret, struct err *e)
{
	struct group g = { .all = all, .n = n, .self = self };
	int r;

	(void)keys;
	g.label = calloc(n, sizeof *g.label);
	if (!g.label)
		return err_set(e, ERR_NOMEM, "out of memory for a volume group");
	r = open_group(&g, ret, e);
	if (!r && g.vg.tree.n) {
		snprintf(ret->holds, sizeof ret->holds, "volume group %s", g.vg.name);
		r = lvm_raids(&g.vg, parent, e);
		if (!r)
			r = put_volumes(&g, ret, e);
	}
	lvm_vg_done(&g.vg);
	free(g.label);
	return r;
}

const struct container cont_lvm = { "lvm", "LVM2_member", lvm_probe, lvm_open };
