/* lvm-raid.c: RAID1 and mirrors, of which each part has all of the data.
 *
 * What is used of the volume is kept of every part that is on this disk.  It is read
 * from a part of which it is sure that it has the data: of a RAID1 any, as long as
 * the parts' metadata says that all is in step; of a mirror the first, which is the
 * one that the others are copied from.
 * Source: struct dm_raid_superblock of Linux' drivers/md/dm-raid.c, lvmraid(7). */
#include <stdio.h>
#include <string.h>
#include "common/le.h"
#include "imager/container/lvm.h"

struct raid_disk {
	char magic[4];          /* +0x00 "DmRd"                               */
	le32 features;          /* +0x04                                      */
	le32 devices, position; /* +0x08                                      */
	le64 events;            /* +0x10                                      */
	le64 failed;            /* +0x18 a bit for each part                  */
	le64 recovered;         /* +0x20 sectors of this part; all ones: all  */
	le64 resynced;          /* +0x28 sectors of the array; all ones: all  */
	le32 level, layout;     /* +0x30                                      */
	le32 stripe;            /* +0x38                                      */
	le32 flags;             /* +0x3c bit 0: is being reshaped             */
};

static int in_step(struct blkdev *parent, const struct lvm_lv *meta)
{
	struct raid_disk d;

	return meta->here && meta->out.n_read &&
	       dev_read(parent, meta->out.v[0].off, &d, sizeof d, NULL) == 0 &&
	       !memcmp(d.magic, "DmRd", 4) && !(le32_get(d.features) & ~1u) &&
	       !le64_get(d.failed) && le64_get(d.recovered) == UINT64_MAX &&
	       le64_get(d.resynced) == UINT64_MAX && !(le32_get(d.flags) & 1);
}

/* All pieces of one volume to another. */
static int hand_over(struct lvm_lv *from, struct lvm_lv *to, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < from->out.n && !r; i++)
		r = cont_piece_add(&to->out, &from->out.v[i], e);
	from->taken = 1;
	return r;
}

/* The parts of the only segment, in their order: images with the metadata before. */
struct parts {
	struct lvm_lv *image[64], *meta[64];
	unsigned int n;
};

static int find_parts(const struct lvm_vg *vg, const struct lvm_node *segment, int mirror,
		      struct parts *p)
{
	const struct lvm_tree *t = &vg->tree;
	const struct lvm_node *all = lvm_get(t, segment, mirror ? "mirrors" : "raids", LVM_ARRAY);
	const struct lvm_node *a = lvm_first(t, all), *b;

	for (p->n = 0; a && p->n < 64; a = lvm_next(t, b)) {
		b = lvm_next(t, a);
		if (!b)
			return 0;
		p->meta[p->n] = mirror ? NULL : lvm_find_lv(vg, a->text);
		p->image[p->n++] = lvm_find_lv(vg, mirror ? a->text : b->text);
		if (mirror && b->number)
			return 0;
	}
	return !a && p->n;
}

/* May part i be read, and is it the same as the volume, byte by byte? */
static int readable(const struct lvm_lv *lv, const struct parts *p, unsigned int i)
{
	const struct lvm_lv *image = p->image[i];

	return image && image->role == LVM_IMAGE && image->owner == lv && image->here &&
	       !image->visible && image->extents == lv->extents;
}

static void do_raid(struct lvm_vg *vg, struct lvm_lv *lv, const struct lvm_node *segment,
		    struct blkdev *parent, struct lvm_lv **ret_first)
{
	int mirror = !strcmp(lvm_string(&vg->tree, segment, "type"), "mirror"), sure = 1;
	struct parts p;

	*ret_first = NULL;
	if (!find_parts(vg, segment, mirror, &p))
		return;
	for (unsigned int i = 0; i < p.n && (!mirror || !i); i++) {
		if (!mirror && (!p.meta[i] || p.meta[i]->role != LVM_PART))
			sure = 0;
		else if (readable(lv, &p, i) && !*ret_first)
			*ret_first = p.image[i];
		/* one that is elsewhere has its metadata there, too */
		if (!mirror && sure && p.meta[i]->here)
			sure = in_step(parent, p.meta[i]);
		else if (!mirror && p.image[i] && p.image[i]->out.n)
			sure = 0;
	}
	if (!sure)
		*ret_first = NULL;
	if (!*ret_first && !mirror)
		snprintf(lv->out.whole, sizeof lv->out.whole,
			 "its RAID1 isn't known to be complete and in step");
	if (!*ret_first && mirror)
		snprintf(lv->out.whole, sizeof lv->out.whole,
			 "the first half of its mirror isn't on this disk");
}

/* The only segment of a volume that is whole for no other reason than its kind. */
static const struct lvm_node *raid_segment(const struct lvm_vg *vg, const struct lvm_lv *lv)
{
	const struct lvm_tree *t = &vg->tree;
	const struct lvm_node *found = NULL;

	for (const struct lvm_node *n = lvm_first(t, lv->node); n; n = lvm_next(t, n)) {
		if (n->kind != LVM_SECTION)
			continue;
		if (found)
			return NULL;
		found = n;
	}
	if (!found || !lv->visible || lv->odd || lv->role != LVM_FREE || lv->out.n)
		return NULL;
	if (strcmp(lvm_string(t, found, "type"), "raid1") && strcmp(lvm_string(t, found, "type"), "mirror"))
		return NULL;
	return found;
}

/* The pieces of `first` and of all other images to the volume. */
static int take_images(struct lvm_vg *vg, struct lvm_lv *lv, struct lvm_lv *first, struct err *e)
{
	int r = hand_over(first, lv, e);

	lv->out.n_read = lv->out.n;
	lv->out.whole[0] = 0;
	for (size_t k = 0; k < vg->n_lv && !r; k++) {
		struct lvm_lv *image = &vg->lv[k];

		/* one that isn't the same byte by byte stays by itself */
		if (image->owner == lv && image->role == LVM_IMAGE && image != first &&
		    !image->visible && !image->odd && image->extents == lv->extents)
			r = hand_over(image, lv, e);
	}
	return r;
}

int lvm_raids(struct lvm_vg *vg, struct blkdev *parent, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < vg->n_lv && !r; i++) {
		struct lvm_lv *lv = &vg->lv[i], *first = NULL;
		const struct lvm_node *segment = raid_segment(vg, lv);

		if (segment)
			do_raid(vg, lv, segment, parent, &first);
		if (first)
			r = take_images(vg, lv, first, e);
	}
	return r;
}
