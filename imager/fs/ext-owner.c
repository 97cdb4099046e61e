/* ext-owner.c: whose are these blocks of ext2/3/4?  All inodes are looked at once
 * for the blocks, and all directories once for the names, by libext2fs. */
#include <stdio.h>
#include <stdlib.h>
#include "common/cleanup.h"
#include "imager/fs/extio.h"
#include "imager/fs/owner.h"

enum area { SUPERS, BLOCK_BITMAPS, INODE_BITMAPS, INODE_TABLES, AREAS };

struct search {
	ext2_filsys fs;
	const struct owner_query *q;
	struct owner_hits hits;
	struct { uint64_t off, len; } area[AREAS];
	ext2_ino_t ino;           /* the one that is looked at */
};

/* ---- what is no file's ---- */

static void touch_area(struct search *s, enum area a, uint64_t block, uint64_t n)
{
	uint64_t bs = s->fs->blocksize, first, len;

	if (!block || block >= ext2fs_blocks_count(s->fs->super))
		return;
	len = owner_overlap(s->q->places, block * bs, (block + n) * bs, &first);
	if (len && !s->area[a].len)
		s->area[a].off = first;
	s->area[a].len += len;
}

static void find_areas(struct search *s)
{
	static const char *const names[AREAS] = {
		"the superblocks and group descriptors", "the block bitmaps",
		"the inode bitmaps", "the inode tables",
	};
	ext2_filsys fs = s->fs;

	for (dgrp_t g = 0; g < fs->group_desc_count && !s->q->over(s->q->ctx); g++) {
		blk64_t super = 0, old = 0, new = 0;
		blk_t used = 0;

		if (ext2fs_super_and_bgd_loc2(fs, g, &super, &old, &new, &used) == 0) {
			touch_area(s, SUPERS, super, 1);
			touch_area(s, SUPERS, old, fs->desc_blocks);
			touch_area(s, SUPERS, new, 1);
		}
		touch_area(s, BLOCK_BITMAPS, ext2fs_block_bitmap_loc(fs, g), 1);
		touch_area(s, INODE_BITMAPS, ext2fs_inode_bitmap_loc(fs, g), 1);
		touch_area(s, INODE_TABLES, ext2fs_inode_table_loc(fs, g), fs->inode_blocks_per_group);
	}
	for (int a = 0; a < AREAS; a++)
		if (s->area[a].len)
			s->q->say(s->q->ctx, &(struct fs_owner){
				NULL, names[a], s->area[a].off, s->area[a].len });
}

/* ---- inodes ---- */

static void touch(struct search *s, uint64_t block, uint64_t n)
{
	uint64_t bs = s->fs->blocksize, blocks = ext2fs_blocks_count(s->fs->super);

	if (block < blocks && n <= blocks - block)
		owner_touch(&s->hits, s->q, s->ino, block * bs, (block + n) * bs);
}

static int one_block(ext2_filsys fs, blk64_t *block, e2_blkcnt_t n, blk64_t ref,
		     int ref_offset, void *priv)
{
	struct search *s = priv;

	(void)fs, (void)n, (void)ref, (void)ref_offset;
	touch(s, *block, 1);
	return s->q->over(s->q->ctx) ? BLOCK_ABORT : 0;
}

/* A tree that can't be read further is left there. */
static void look_at_extents(struct search *s, struct ext2_inode *inode)
{
	ext2_extent_handle_t h;
	struct ext2fs_extent x;
	errcode_t rc = ext2fs_extent_open2(s->fs, s->ino, inode, &h);

	if (rc)
		return;
	rc = ext2fs_extent_get(h, EXT2_EXTENT_ROOT, &x);
	while (!rc && !s->q->over(s->q->ctx)) {
		if (x.e_flags & EXT2_EXTENT_FLAGS_LEAF)
			touch(s, x.e_pblk, x.e_len);
		else if (!(x.e_flags & EXT2_EXTENT_FLAGS_SECOND_VISIT))
			touch(s, x.e_pblk, 1);
		rc = ext2fs_extent_get(h, EXT2_EXTENT_NEXT, &x);
	}
	ext2fs_extent_free(h);
}

static void look_at_inode(struct search *s, ext2_ino_t ino, struct ext2_inode *inode)
{
	size_t before = s->hits.n;
	blk64_t acl = ext2fs_file_acl_block(s->fs, inode);

	s->ino = ino;
	if (acl)
		touch(s, acl, 1);
	if (inode->i_flags & EXT4_INLINE_DATA_FL || !ext2fs_inode_has_valid_blocks2(s->fs, inode))
		;
	else if (inode->i_flags & EXT4_EXTENTS_FL)
		look_at_extents(s, inode);
	else
		(void)ext2fs_block_iterate3(s->fs, ino, BLOCK_FLAG_READ_ONLY, NULL, one_block, s);
	if (s->hits.n > before)
		s->hits.hit[before].is_dir = LINUX_S_ISDIR(inode->i_mode);
}

/* Those for which `entry` finds the name they stand under. */
static int name_entry(ext2_ino_t dir, int entry, struct ext2_dir_entry *d, int offset,
		      int blocksize, char *buf, void *priv)
{
	struct search *s = priv;
	struct owner_hit *h;

	(void)offset, (void)blocksize, (void)buf;
	if (entry == DIRENT_DOT_FILE || entry == DIRENT_DOT_DOT_FILE)
		return 0;
	h = owner_find(&s->hits, d->inode);
	if (h && !h->parent) {
		h->parent = dir;
		snprintf(h->name, sizeof h->name, "%.*s", ext2fs_dirent_name_len(d), d->name);
	}
	return 0;
}

static void look_into_dir(struct search *s, ext2_ino_t ino, struct ext2_inode *inode)
{
	if (LINUX_S_ISDIR(inode->i_mode))
		(void)ext2fs_dir_iterate2(s->fs, ino, 0, NULL, name_entry, s);
}

/* Calls look with each inode that is in use; goes on behind those that can't be
 * read, with the next group. */
static int all_inodes(struct search *s,
		      void (*look)(struct search *s, ext2_ino_t ino, struct ext2_inode *inode),
		      struct err *e)
{
	struct ext2_inode inode;
	ext2_inode_scan scan;
	ext2_ino_t ino;
	dgrp_t group = 0;
	errcode_t rc = ext2fs_open_inode_scan(s->fs, 32, &scan);

	if (rc)
		return extio_err(s->fs, rc, e, "reading the inodes");
	while (!s->q->over(s->q->ctx)) {
		rc = ext2fs_get_next_inode(scan, &ino, &inode);
		if (rc && (++group >= s->fs->group_desc_count ||
			   ext2fs_inode_scan_goto_blockgroup(scan, (int)group)))
			break;
		if (rc)
			continue;
		if (!ino)
			break;
		if ((ino - 1) / s->fs->super->s_inodes_per_group > group)
			group = (ino - 1) / s->fs->super->s_inodes_per_group;
		if (inode.i_links_count)
			look(s, ino, &inode);
	}
	ext2fs_close_inode_scan(scan);
	return 0;
}

/* ---- names ---- */

static void say_hit(struct search *s, const struct owner_hit *h)
{
	char *path = NULL, what[64], part[sizeof h->name + 8];
	struct fs_owner o = { .off = h->off, .len = h->len };

	snprintf(what, sizeof what, "%s", h->number == EXT2_JOURNAL_INO ? "the journal" :
		 h->number != EXT2_ROOT_INO && h->number < s->fs->super->s_first_ino ?
		 "the file system's own files" : h->is_dir ? "directory" : "file");
	if (h->parent)
		(void)ext2fs_get_pathname(s->fs, (ext2_ino_t)h->parent, (ext2_ino_t)h->number, &path);
	else if (h->number == EXT2_ROOT_INO)
		(void)ext2fs_get_pathname(s->fs, EXT2_ROOT_INO, 0, &path);
	else if (h->number >= s->fs->super->s_first_ino)
		snprintf(what, sizeof what, "a file without a name, inode %llu",
			 (unsigned long long)h->number);
	o.path = path;
	/* a directory on the way can't be read */
	if (!path && *h->name) {
		snprintf(part, sizeof part, ".../%s", h->name);
		o.path = part;
	}
	o.what = what;
	s->q->say(s->q->ctx, &o);
	ext2fs_free_mem(&path);
}

int ext_owners(struct blkdev *d, const struct owner_query *q, struct err *e)
{
	cleanup_free struct search *s = calloc(1, sizeof *s);
	int r;

	if (!s)
		return err_set(e, ERR_NOMEM, "out of memory for the names of files");
	s->q = q;
	r = extio_open(d, EXT2_FLAG_IGNORE_CSUM_ERRORS, 0, 0, &s->fs, e);
	if (r < 0)
		return r;
	find_areas(s);
	r = all_inodes(s, look_at_inode, e);
	if (r == 0 && s->hits.n)
		r = all_inodes(s, look_into_dir, e);
	for (size_t i = 0; r == 0 && i < s->hits.n; i++)
		say_hit(s, &s->hits.hit[i]);
	if (r == 0)
		owner_say_more(&s->hits, q);
	extio_close(s->fs);
	return r;
}
