/* xfs-ag.c: the four sectors that an allocation group of XFS begins with, and what
 * of the group is metadata for sure. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "imager/fs/xfs.h"

struct agf_disk {                       /* free space */
	be32 magic, version;            /* +0x00 "XAGF", 1 */
	be32 number, length;            /* +0x08 blocks    */
	be32 roots[3], levels[3];       /* +0x10 by block, by length, reverse map */
	be32 list_first, list_last, list_blocks; /* +0x28 in the AGFL */
	be32 free, longest;             /* +0x34 */
	be32 tree_blocks;               /* +0x3c beside the roots */
	uint8_t uuid[16];               /* +0x40 */
	be32 rmap_blocks;               /* +0x50 */
	be32 refcount_blocks, refcount_root, refcount_level; /* +0x54 */
	uint8_t spare[112];             /* +0x60 */
	be64 lsn;                       /* +0xd0 */
	uint8_t crc[4];                 /* +0xd8 */
	uint8_t a[4];                   /* +0xdc */
};
_Static_assert(sizeof(struct agf_disk) == 0xe0, "xfs_format.h");

struct agi_disk {                       /* inodes */
	be32 magic, version;            /* +0x00 "XAGI", 1 */
	be32 number, length;            /* +0x08 */
	be32 count;                     /* +0x10 */
	be32 root, level;               /* +0x14 */
	uint8_t a[12];                  /* +0x1c */
	be32 unlinked[64];              /* +0x28 */
	uint8_t uuid[16];               /* +0x128 */
	uint8_t crc[4], b[4];           /* +0x138 */
	be64 lsn;                       /* +0x140 */
	be32 free_root, free_level;     /* +0x148 */
};
_Static_assert(sizeof(struct agi_disk) == 0x150, "xfs_format.h");

struct agfl_disk {                      /* version 5; before that, only the list */
	be32 magic, number;             /* +0x00 "XAFL" */
	uint8_t uuid[16];               /* +0x08 */
	be64 lsn;                       /* +0x18 */
	uint8_t crc[4];                 /* +0x20 */
};
_Static_assert(sizeof(struct agfl_disk) == 0x24, "xfs_format.h");

#define AGF_MAGIC 0x58414746u
#define AGI_MAGIC 0x58414749u
#define AGFL_MAGIC 0x5841464cu
enum { AT_AGF = 1, AT_AGI, AT_AGFL, AG_SECTORS }; /* in this order, from the superblock on */

static int bad_ag(struct err *e, const struct xfs_ag *ag, const char *what)
{
	return err_set(e, ERR_CORRUPT, "allocation group %u: %s; run xfs_repair on it",
		       ag->number, what);
}

int xfs_ag_meta(struct xfs_ag *ag, uint32_t first, uint32_t n, struct err *e)
{
	if (!n || first >= ag->blocks || n > ag->blocks - first)
		return bad_ag(e, ag, "metadata outside of it");
	ag->meta_blocks += n;
	return ranges_add(&ag->meta, first, (uint64_t)first + n, e);
}

/* Sector `which` of the group; what its three kinds have in common is checked. */
static int read_sector(const struct xfs *fs, const struct xfs_ag *ag, int which, size_t crc_at,
		       size_t uuid_at, uint8_t *buf, struct err *e)
{
	static const char *const names[] = { "", "AGF", "AGI", "AGFL" };
	uint64_t at = xfs_at(fs, ag->number, 0) + (uint64_t)which * fs->sector_size;
	int r = dev_read(fs->d, at, buf, fs->sector_size, e);

	if (r < 0 || !fs->crc)
		return r;
	if (!xfs_crc_ok(buf, fs->sector_size, crc_at))
		return err_set(e, ERR_CORRUPT,
			       "allocation group %u: its %s's checksum is wrong; run xfs_repair on it",
			       ag->number, names[which]);
	if (memcmp(buf + uuid_at, fs->meta_uuid, 16))
		return err_set(e, ERR_CORRUPT, "allocation group %u: its %s is of another file system",
			       ag->number, names[which]);
	return 0;
}

/* The tree's root: metadata; its levels are as many as can be. */
static int add_root(struct xfs_ag *ag, be32 root, be32 levels, struct err *e)
{
	if (!be32_get(levels) || be32_get(levels) > XFS_LEVELS_MAX)
		return bad_ag(e, ag, "a tree of too many levels");
	return xfs_ag_meta(ag, be32_get(root), 1, e);
}

static int take_agf(const struct xfs *fs, const struct agf_disk *f, struct xfs_ag *ag,
		    struct err *e)
{
	int r = 0;

	if (be32_get(f->magic) != AGF_MAGIC || be32_get(f->version) != 1 ||
	    be32_get(f->number) != ag->number || be32_get(f->length) != ag->blocks)
		return bad_ag(e, ag, "its AGF is damaged");
	ag->by_block = be32_get(f->roots[0]);
	ag->by_length = be32_get(f->roots[1]);
	ag->by_block_levels = be32_get(f->levels[0]);
	ag->by_length_levels = be32_get(f->levels[1]);
	ag->free = be32_get(f->free);
	ag->longest = be32_get(f->longest);
	ag->tree_blocks = be32_get(f->tree_blocks);
	ag->list_blocks = be32_get(f->list_blocks);
	if (ag->by_block >= ag->blocks || ag->by_length >= ag->blocks || !ag->by_block_levels ||
	    ag->by_block_levels > XFS_LEVELS_MAX || !ag->by_length_levels ||
	    ag->by_length_levels > XFS_LEVELS_MAX)
		return bad_ag(e, ag, "the roots of its free space are damaged");
	if (fs->rmap) {
		ag->rmap_blocks = be32_get(f->rmap_blocks);
		r = add_root(ag, f->roots[2], f->levels[2], e);
	}
	if (!r && fs->reflink)
		r = add_root(ag, f->refcount_root, f->refcount_level, e);
	return r;
}

static int take_agi(const struct xfs *fs, const struct agi_disk *i, struct xfs_ag *ag,
		    struct err *e)
{
	int r;

	if (be32_get(i->magic) != AGI_MAGIC || be32_get(i->version) != 1 ||
	    be32_get(i->number) != ag->number || be32_get(i->length) != ag->blocks)
		return bad_ag(e, ag, "its AGI is damaged");
	r = add_root(ag, i->root, i->level, e);
	return r || !fs->free_inodes ? r : add_root(ag, i->free_root, i->free_level, e);
}

/* The blocks in the list: a ring in the rest of the sector, from first to last. */
static int take_agfl(const struct xfs *fs, const struct agf_disk *f, const uint8_t *sector,
		     struct xfs_ag *ag, struct err *e)
{
	size_t from = fs->crc ? sizeof(struct agfl_disk) : 0;
	uint32_t room = (fs->sector_size - (uint32_t)from) / 4;
	uint32_t first = be32_get(f->list_first), last = be32_get(f->list_last);
	be32 block;
	int r = 0;

	if (fs->crc) {
		memcpy(&block, sector, 4);
		if (be32_get(block) != AGFL_MAGIC)
			return bad_ag(e, ag, "its AGFL is damaged");
	}
	if (!ag->list_blocks)
		return 0;
	if (first >= room || last >= room || ag->list_blocks > room ||
	    (first + ag->list_blocks - 1) % room != last)
		return bad_ag(e, ag, "its AGFL and its AGF disagree");
	for (uint32_t k = 0; k < ag->list_blocks && !r; k++) {
		memcpy(&block, sector + from + (size_t)((first + k) % room) * 4, 4);
		r = xfs_ag_meta(ag, be32_get(block), 1, e);
	}
	return r;
}

static int read_all(const struct xfs *fs, struct xfs_ag *ag, uint8_t *buf, struct err *e)
{
	struct agf_disk f;
	struct agi_disk i;
	uint64_t head = (AG_SECTORS * fs->sector_size + fs->block_size - 1) / fs->block_size;
	int r = xfs_ag_meta(ag, 0, (uint32_t)head, e);

	if (!r && ag->number == fs->log_ag)
		r = xfs_ag_meta(ag, fs->log_block, fs->log_blocks, e);
	if (!r)
		r = read_sector(fs, ag, AT_AGF, offsetof(struct agf_disk, crc),
				offsetof(struct agf_disk, uuid), buf, e);
	memcpy(&f, buf, sizeof f);
	if (!r)
		r = take_agf(fs, &f, ag, e);
	if (!r)
		r = read_sector(fs, ag, AT_AGI, offsetof(struct agi_disk, crc),
				offsetof(struct agi_disk, uuid), buf, e);
	memcpy(&i, buf, sizeof i);
	if (!r)
		r = take_agi(fs, &i, ag, e);
	if (!r)
		r = read_sector(fs, ag, AT_AGFL, offsetof(struct agfl_disk, crc),
				offsetof(struct agfl_disk, uuid), buf, e);
	return r ? r : take_agfl(fs, &f, buf, ag, e);
}

int xfs_ag_read(const struct xfs *fs, uint32_t n, struct xfs_ag *ret, struct err *e)
{
	uint64_t left = fs->blocks - (uint64_t)n * fs->ag_blocks;
	uint8_t *buf = calloc(1, fs->sector_size);
	int r;

	*ret = (struct xfs_ag){ .number = n };
	ret->blocks = left < fs->ag_blocks ? (uint32_t)left : fs->ag_blocks;
	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory for a sector");
	r = read_all(fs, ret, buf, e);
	free(buf);
	return r;
}
