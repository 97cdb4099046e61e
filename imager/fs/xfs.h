/* xfs.h: what the parts of the XFS reader share.
 *
 * An XFS volume is cut into allocation groups of equal size, the last one may be
 * shorter.  Each begins with four sectors: superblock, AGF (free space), AGI
 * (inodes), AGFL (a list of blocks for growing the trees), and keeps two B+trees
 * of its free extents: by block and by length.  All integers are big-endian,
 * checksums are little-endian crc32c.
 * Source: "XFS Algorithms & Data Structures", 3rd edition, and
 * fs/xfs/libxfs/xfs_format.h of Linux. */
#ifndef REHOST_XFS_H
#define REHOST_XFS_H
#include "common/be.h"
#include "imager/fs/fsread.h"
#include "imager/fs/ranges.h"

/* The superblock, checked: everything below is inside of [0, blocks). */
struct xfs {
	struct blkdev *d;
	uint32_t block_size, sector_size;    /* bytes              */
	uint64_t blocks, free;               /* free: by its count */
	uint32_t ag_blocks, ags;
	uint8_t ag_shift;                    /* of a block number: the group's number is above */
	uint32_t log_ag, log_block, log_blocks;
	int crc;                             /* version 5          */
	int lazy_count;                      /* tree blocks count as free blocks, too */
	int rmap, reflink, free_inodes;      /* trees that there are */
	uint8_t uuid[16], meta_uuid[16];     /* that people see; that metadata has */
};

/* Trees have at most as many levels (XFS_BTREE_MAXLEVELS of Linux). */
#define XFS_LEVELS_MAX 9

/* One allocation group, its four sectors checked. */
struct xfs_ag {
	uint32_t number, blocks;
	uint32_t by_block, by_length;                /* roots of the trees of free extents */
	uint32_t by_block_levels, by_length_levels;
	uint32_t free, longest;                      /* blocks that the trees have, the longest extent */
	uint32_t list_blocks, tree_blocks;           /* in the AGFL; of trees, without their roots */
	uint32_t rmap_blocks;
	struct ranges meta;                          /* blocks in this group that can't be free */
	uint64_t meta_blocks;                        /* as many were added */
};

/* FS_NOT_MINE; ERR_CORRUPT: a superblock that can't be believed.  *why: what
 * speaks against reading the volume (code 0: nothing). */
int xfs_super(struct blkdev *d, struct xfs *ret, struct fs_ident *id, struct err *why,
	      struct err *e) must_check;

/* 0: the log has nothing to replay, so that what is on the disk is the newest. */
int xfs_log_clean(const struct xfs *fs, struct err *e) must_check;

/* Reads group n.  ret->meta is the caller's to free, also after a failure. */
int xfs_ag_read(const struct xfs *fs, uint32_t n, struct xfs_ag *ret, struct err *e) must_check;
/* Blocks [first, +n) can't be free. */
int xfs_ag_meta(struct xfs_ag *ag, uint32_t first, uint32_t n, struct err *e) must_check;

/* Checks both trees of free extents against each other and all counts, then
 * sends the used blocks of the group. */
int xfs_ag_used(const struct xfs *fs, struct xfs_ag *ag, struct emit *out,
		struct err *e) must_check;

/* Byte in the volume of a group's block. */
static inline uint64_t xfs_at(const struct xfs *fs, uint32_t ag, uint32_t block)
{
	return ((uint64_t)ag * fs->ag_blocks + block) * fs->block_size;
}

/* Is the checksum at crc_at (4 bytes, taken as 0) that of these bytes? */
int xfs_crc_ok(const uint8_t *p, size_t len, size_t crc_at);
#endif
