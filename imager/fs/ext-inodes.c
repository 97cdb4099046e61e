/* ext-inodes.c: do the bitmaps know every block that a file uses?
 *
 * A file system that is marked clean may be damaged all the same, and e2fsck
 * believes the inodes.  So the inodes in use are read (parts of the tables that
 * were never used are skipped), and each block they refer to must be marked.
 * References are gathered in batches, each compared in one pass over the
 * bitmaps, so that memory stays bounded. */
#include "imager/fs/ext.h"
#include <stdlib.h>
#include "imager/fs/extio.h"
#include "imager/fs/ranges.h"

/* Pieces in a batch: 8 MB of memory. */
#define BATCH ((size_t)1 << 19)
/* Blocks of extent trees and of indirect blocks that are read, one by one and
 * all over the disk; a minute or two on a disk that turns.  After that the
 * bitmaps are trusted. */
#define READS_MAX 20000u

struct check {
	ext2_filsys fs;
	struct blkdev *d;
	const struct ranges *meta;   /* bytes; in the map anyway   */
	struct ranges refs;          /* blocks                     */
	uint64_t reads, steps;
	uint8_t *map;
	struct err *e;
	int r;
};

/* Is one block marked?  *at is the group whose bitmap is in c->map. */
static int marked(struct check *c, uint64_t b, uint64_t *at)
{
	ext2_filsys fs = c->fs;
	uint64_t from = b - fs->super->s_first_data_block;
	dgrp_t g = (dgrp_t)(from / fs->super->s_blocks_per_group);
	uint64_t bit = from % fs->super->s_blocks_per_group >> fs->cluster_ratio_bits;
	int r;

	if (ext2fs_has_group_desc_csum(fs) && ext2fs_bg_flags_test(fs, g, EXT2_BG_BLOCK_UNINIT))
		return err_set(c->e, ERR_CORRUPT,
			       "a file uses block %llu of group %u, which is marked as never used",
			       (unsigned long long)b, g);
	if (*at != g) {
		r = dev_read(c->d, ext2fs_block_bitmap_loc(fs, g) * fs->blocksize, c->map,
			     fs->blocksize, c->e);
		if (r < 0)
			return r;
		*at = g;
	}
	if (!(c->map[bit / 8] >> (bit % 8) & 1))
		return err_set(c->e, ERR_CORRUPT, "a file uses block %llu, which is marked as free",
			       (unsigned long long)b);
	return 0;
}

/* Are the batch's blocks marked? */
static int compare(struct check *c)
{
	uint64_t bs = c->fs->blocksize, at = UINT64_MAX;
	const struct range *m = c->meta->v, *end = m + c->meta->n;

	ranges_sort(&c->refs);
	for (size_t i = 0; i < c->refs.n; i++) {
		for (uint64_t b = c->refs.v[i].start; b < c->refs.v[i].end; b++) {
			int r;

			while (m < end && m->end <= b * bs)
				m++;
			/* spare descriptor blocks belong to the resize inode */
			if (m < end && m->start <= b * bs)
				continue;
			r = marked(c, b, &at);
			if (r < 0)
				return r;
		}
	}
	c->refs.n = 0;
	return 0;
}

static int refer(struct check *c, uint64_t block, uint64_t n)
{
	uint64_t end = ext2fs_blocks_count(c->fs->super);
	int r;

	if (block < c->fs->super->s_first_data_block || block >= end || n > end - block)
		return err_set(c->e, ERR_CORRUPT, "a file uses block %llu, which does not exist",
			       (unsigned long long)block);
	/* trees that lead to the same blocks again and again */
	c->steps += n;
	if (c->steps > 4 * end + 1000)
		return err_set(c->e, ERR_CORRUPT, "its files use more blocks than there are");
	r = ranges_add(&c->refs, block, block + n, c->e);
	if (!r && c->refs.n >= BATCH) {
		ranges_sort(&c->refs);
		if (c->refs.n > BATCH / 2)
			r = compare(c);
	}
	return r;
}

static int walk_extents(struct check *c, ext2_ino_t ino, struct ext2_inode *inode)
{
	ext2_extent_handle_t h;
	struct ext2fs_extent x;
	errcode_t rc = ext2fs_extent_open2(c->fs, ino, inode, &h);
	int r = 0;

	if (rc)
		return extio_err(c->fs, rc, c->e, "reading a file's extents");
	rc = ext2fs_extent_get(h, EXT2_EXTENT_ROOT, &x);
	while (!rc && !r && c->reads < READS_MAX) {
		if (x.e_flags & EXT2_EXTENT_FLAGS_LEAF) {
			r = refer(c, x.e_pblk, x.e_len);
		} else if (!(x.e_flags & EXT2_EXTENT_FLAGS_SECOND_VISIT)) {
			c->reads++;
			r = refer(c, x.e_pblk, 1);
		}
		if (!r)
			rc = ext2fs_extent_get(h, EXT2_EXTENT_NEXT, &x);
	}
	ext2fs_extent_free(h);
	if (r || !rc || rc == EXT2_ET_EXTENT_NO_NEXT || rc == EXT2_ET_NO_CURRENT_NODE)
		return r;
	return extio_err(c->fs, rc, c->e, "reading a file's extents");
}

static int one_block(ext2_filsys fs, blk64_t *block, e2_blkcnt_t n, blk64_t ref,
		     int ref_offset, void *priv)
{
	struct check *c = priv;

	(void)fs, (void)ref, (void)ref_offset;
	if (n < 0)
		c->reads++;
	c->r = refer(c, *block, 1);
	return c->r || c->reads >= READS_MAX ? BLOCK_ABORT : 0;
}

static int walk_inode(struct check *c, ext2_ino_t ino, struct ext2_inode *inode)
{
	blk64_t acl = ext2fs_file_acl_block(c->fs, inode);
	int r = acl ? refer(c, acl, 1) : 0;
	errcode_t rc;

	if (r || inode->i_flags & EXT4_INLINE_DATA_FL ||
	    !ext2fs_inode_has_valid_blocks2(c->fs, inode))
		return r;
	if (inode->i_flags & EXT4_EXTENTS_FL)
		return walk_extents(c, ino, inode);
	c->r = 0;
	rc = ext2fs_block_iterate3(c->fs, ino, BLOCK_FLAG_READ_ONLY, NULL, one_block, c);
	if (!c->r && rc)
		return extio_err(c->fs, rc, c->e, "reading a file's blocks");
	return c->r;
}

/* The scan skips by itself what was never used, if there are checksums to tell
 * so.  Else: 1 if group g has no inode in use, by its own count. */
static int skip_group(const struct check *c, dgrp_t g)
{
	return g && !ext2fs_has_group_desc_csum(c->fs) &&
	       ext2fs_bg_free_inodes_count(c->fs, g) == c->fs->super->s_inodes_per_group;
}

static int walk_inodes(struct check *c, ext2_inode_scan scan)
{
	struct ext2_inode inode;
	ext2_ino_t ino;
	errcode_t rc;
	int r = 0;

	while (!r && c->reads < READS_MAX) {
		dgrp_t g;

		rc = ext2fs_get_next_inode(scan, &ino, &inode);
		if (!rc && !ino)
			break;
		g = (ino - 1) / c->fs->super->s_inodes_per_group;
		if (!rc && skip_group(c, g)) {
			if (g + 1 == c->fs->group_desc_count)
				break;
			rc = ext2fs_inode_scan_goto_blockgroup(scan, (int)(g + 1));
			inode.i_links_count = 0;
		}
		if (rc)
			return extio_err(c->fs, rc, c->e, "reading the inodes");
		/* without links: never used, deleted, or freed at the next mount */
		if (inode.i_links_count)
			r = walk_inode(c, ino, &inode);
	}
	return r;
}

int ext_inodes_check(ext2_filsys fs, struct blkdev *d, const struct ranges *meta,
		     int *ret_all, struct err *e)
{
	struct check c = { .fs = fs, .d = d, .meta = meta, .e = e };
	ext2_inode_scan scan;
	errcode_t rc = ext2fs_open_inode_scan(fs, 32, &scan);
	int r = 0;

	if (rc)
		return extio_err(fs, rc, e, "reading the inodes");
	c.map = malloc(fs->blocksize);
	if (!c.map)
		r = err_set(e, ERR_NOMEM, "out of memory for a block bitmap");
	if (!r)
		r = walk_inodes(&c, scan);
	if (!r)
		r = compare(&c);
	ext2fs_close_inode_scan(scan);
	*ret_all = c.reads < READS_MAX;
	ranges_done(&c.refs);
	free(c.map);
	return r;
}
