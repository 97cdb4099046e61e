/* ext.c: used blocks of ext2/3/4, by libext2fs.
 *
 * Read group by group, so that memory doesn't grow with fragmentation: each
 * group's block bitmap, checked by its checksum and its descriptor's count,
 * joined with where the metadata lies (superblocks, descriptors, bitmaps,
 * inode tables).  A journal that must still be replayed may hold newer block
 * bitmaps: see ext-journal.c.  Anything inconsistent is refused.
 *
 * Superblock: Documentation/filesystems/ext4/super.rst of Linux. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "common/le.h"
#include "common/text.h"
#include "imager/fs/ext.h"
#include "imager/fs/extio.h"
#include "imager/fs/ranges.h"

struct ext_super_disk {             /* at byte 1024 */
	le32 inodes;                /* +0x00 */
	le32 blocks_lo;             /* +0x04 */
	le32 reserved_lo;           /* +0x08 */
	le32 free_lo;               /* +0x0c */
	uint8_t a[8];               /* +0x10 */
	le32 log_block_size;        /* +0x18 1024 << this */
	uint8_t b[28];              /* +0x1c */
	le16 magic;                 /* +0x38 0xef53 */
	uint8_t c[34];              /* +0x3a */
	le32 compat, incompat, ro_compat; /* +0x5c */
	uint8_t uuid[16];           /* +0x68 */
	uint8_t label[16];          /* +0x78 */
	uint8_t d[200];             /* +0x88 */
	le32 blocks_hi;             /* +0x150 */
	le32 reserved_hi;           /* +0x154 */
	le32 free_hi;               /* +0x158 */
};
_Static_assert(sizeof(struct ext_super_disk) == 0x15c, "ext4 super.rst");

#define COMPAT_HAS_JOURNAL 0x4u
#define INCOMPAT_JOURNAL_DEV 0x8u
#define INCOMPAT_64BIT 0x80u
/* what ext3 knows; anything beyond makes it ext4, as blkid has it */
#define EXT3_INCOMPAT (0x2u | 0x4u | 0x10u)
#define EXT3_RO_COMPAT (0x1u | 0x2u | 0x4u)

static const char *type_of(const struct ext_super_disk *s)
{
	uint32_t incompat = le32_get(s->incompat);

	if (incompat & INCOMPAT_JOURNAL_DEV)
		return "jbd";
	if (incompat & ~EXT3_INCOMPAT || le32_get(s->ro_compat) & ~EXT3_RO_COMPAT)
		return "ext4";
	return le32_get(s->compat) & COMPAT_HAS_JOURNAL ? "ext3" : "ext2";
}

static int ext_probe(struct blkdev *d, struct fs_ident *ret, struct err *e)
{
	struct ext_super_disk s;
	struct fs_ident id = { 0 };
	uint64_t blocks, unused;
	uint32_t shift;
	const uint8_t *u = s.uuid;
	int r;

	if (d->size < 2048)
		return FS_NOT_MINE;
	r = dev_read(d, 1024, &s, sizeof s, e);
	if (r < 0)
		return r;
	shift = le32_get(s.log_block_size);
	if (le16_get(s.magic) != 0xef53)
		return FS_NOT_MINE;
	if (shift > 6)
		return err_set(e, ERR_CORRUPT, "the ext superblock has a block size of 1024 << %u", shift);
	blocks = le32_get(s.blocks_lo);
	unused = le32_get(s.free_lo);
	if (le32_get(s.incompat) & INCOMPAT_64BIT) {
		blocks |= (uint64_t)le32_get(s.blocks_hi) << 32;
		unused |= (uint64_t)le32_get(s.free_hi) << 32;
	}
	if (blocks > UINT64_MAX >> (10 + shift))
		return err_set(e, ERR_CORRUPT, "the ext superblock counts %llu blocks",
			       (unsigned long long)blocks);
	snprintf(id.type, sizeof id.type, "%s", type_of(&s));
	text_from_bytes(s.label, sizeof s.label, id.label, sizeof id.label);
	text_from_uuid(u, id.uuid);
	id.fs_size = blocks << (10 + shift);
	id.used = unused <= blocks ? (blocks - unused) << (10 + shift) : 0;
	*ret = id;
	return 0;
}

/* Where metadata lies, whatever the bitmaps say. */
static int add_metadata(ext2_filsys fs, struct ranges *meta, struct err *e)
{
	uint64_t bs = fs->blocksize;
	int r = ranges_add(meta, 0, 2048, e); /* boot sectors, superblock */

	for (dgrp_t g = 0; g < fs->group_desc_count && !r; g++) {
		blk64_t super, old_desc, new_desc, itable = ext2fs_inode_table_loc(fs, g);
		blk_t n_desc = 0; /* with the superblock */
		int has_super;
		const blk64_t one[] = { ext2fs_block_bitmap_loc(fs, g),
					ext2fs_inode_bitmap_loc(fs, g) };

		ext2fs_super_and_bgd_loc2(fs, g, &super, &old_desc, &new_desc, &n_desc);
		has_super = super || !g; /* the first one may be block 0 */
		n_desc -= (blk_t)has_super + (new_desc != 0);
		if (has_super)
			r = ranges_add(meta, super * bs, (super + 1) * bs, e);
		if (!r && old_desc)
			r = ranges_add(meta, old_desc * bs, (old_desc + n_desc) * bs, e);
		if (!r && new_desc)
			r = ranges_add(meta, new_desc * bs, (new_desc + 1) * bs, e);
		for (int i = 0; i < 2 && !r; i++)
			r = ranges_add(meta, one[i] * bs, (one[i] + 1) * bs, e);
		if (!r)
			r = ranges_add(meta, itable * bs,
				       (itable + fs->inode_blocks_per_group) * bs, e);
	}
	return r;
}

static int bad_group(struct err *e, dgrp_t g, const char *what)
{
	return err_set(e, ERR_CORRUPT, "block group %u: %s", g, what);
}

/* Descriptors: inside the file system, their checksums right. */
static int check_groups(ext2_filsys fs, struct err *e)
{
	blk64_t n = ext2fs_blocks_count(fs->super), first = fs->super->s_first_data_block;

	for (dgrp_t g = 0; g < fs->group_desc_count; g++) {
		blk64_t bb = ext2fs_block_bitmap_loc(fs, g);
		blk64_t ib = ext2fs_inode_bitmap_loc(fs, g);
		blk64_t it = ext2fs_inode_table_loc(fs, g);

		if (bb <= first || bb >= n || ib <= first || ib >= n || it <= first ||
		    it >= n || fs->inode_blocks_per_group > n - it)
			return bad_group(e, g, "its bitmaps or inode table lie outside the file system");
		if (ext2fs_has_group_desc_csum(fs) && !ext2fs_group_desc_csum_verify(fs, g))
			return bad_group(e, g, "its descriptor's checksum is wrong");
	}
	return 0;
}

struct walk {
	ext2_filsys fs;
	struct blkdev *d;
	struct emit emit;
	struct ranges meta;
	struct ext_journal *journal; /* NULL: nothing to replay */
	size_t i_meta;               /* first of meta that may touch this group */
	uint8_t *map;                /* one group's bitmap, a block */
	uint64_t first, unit;        /* bytes: of the group, of a bit */
	uint32_t bits;               /* of this group */
};

/* The bits of metadata ranges that lie in this group must be set: a bitmap
 * that says otherwise is not that of this file system. */
static int metadata_marked(struct walk *w)
{
	uint64_t end = w->first + w->bits * w->unit;

	while (w->i_meta < w->meta.n && w->meta.v[w->i_meta].end <= w->first)
		w->i_meta++;
	for (size_t i = w->i_meta; i < w->meta.n && w->meta.v[i].start < end; i++) {
		uint64_t s = w->meta.v[i].start, t = w->meta.v[i].end;

		s = s <= w->first ? 0 : (s - w->first) / w->unit;
		t = t >= end ? w->bits : (t - w->first + w->unit - 1) / w->unit;
		for (; s < t; s++)
			if (!(w->map[s / 8] >> (s % 8) & 1))
				return 0;
	}
	return 1;
}

static uint32_t count_free(const uint8_t *map, uint32_t bits)
{
	uint32_t n = 0, i = 0;

	for (; i + 8 <= bits; i += 8)
		n += 8 - (uint32_t)__builtin_popcount(map[i / 8]);
	for (; i < bits; i++)
		n += !(map[i / 8] >> (i % 8) & 1);
	return n;
}

static int check_bitmap(struct walk *w, dgrp_t g, struct err *e)
{
	int size = (int)(w->fs->super->s_clusters_per_group / 8);

	if (!ext2fs_block_bitmap_csum_verify(w->fs, g, (char *)w->map, size))
		return bad_group(e, g, "its block bitmap's checksum is wrong");
	if (count_free(w->map, w->bits) != ext2fs_bg_free_blocks_count(w->fs, g))
		return bad_group(e, g, "its block bitmap disagrees with its count of free blocks");
	if (!metadata_marked(w))
		return bad_group(e, g, "its block bitmap marks metadata as free");
	return 0;
}

static int walk_group(struct walk *w, dgrp_t g, struct err *e)
{
	ext2_filsys fs = w->fs;
	uint64_t bs = fs->blocksize, n = ext2fs_blocks_count(fs->super);
	uint64_t first = fs->super->s_first_data_block + (uint64_t)g * fs->super->s_blocks_per_group;
	uint64_t count = n - first;
	blk64_t at = ext2fs_block_bitmap_loc(fs, g);
	int r = 0;

	if (count > fs->super->s_blocks_per_group)
		count = fs->super->s_blocks_per_group;
	w->first = first * bs;
	w->bits = (uint32_t)((count * bs + w->unit - 1) / w->unit);
	memset(w->map, 0, bs);
	/* an uninitialised bitmap has nothing but metadata */
	if (!ext2fs_bg_flags_test(fs, g, EXT2_BG_BLOCK_UNINIT) ||
	    !ext2fs_has_group_desc_csum(fs)) {
		r = dev_read(w->d, at * bs, w->map, bs, e);
		if (!r)
			r = check_bitmap(w, g, e);
	}
	if (!r && w->journal)
		r = ext_journal_or(w->journal, at, w->map, e);
	return r < 0 ? r : emit_bitmap(&w->emit, w->map, w->bits, w->first, w->unit);
}

/* What makes the bitmaps doubtful as a whole. */
static int check_super(ext2_filsys fs, const struct blkdev *d, struct err *e)
{
	struct ext2_super_block *s = fs->super;
	uint64_t bits = s->s_clusters_per_group;

	if (s->s_state & EXT2_ERROR_FS)
		return err_set(e, ERR_CORRUPT,
			       "the file system is marked as having errors; run e2fsck on it");
	if (!(s->s_state & EXT2_VALID_FS) && !ext2fs_has_feature_journal(s))
		return err_set(e, ERR_CORRUPT,
			       "the file system was not unmounted cleanly and has no journal; run e2fsck on it");
	if (ext2fs_blocks_count(s) > d->size / fs->blocksize)
		return err_set(e, ERR_CORRUPT,
			       "the file system has %llu bytes, but there are only %llu",
			       (unsigned long long)(ext2fs_blocks_count(s) * fs->blocksize),
			       (unsigned long long)d->size);
	if (!bits || bits % 8 || bits > 8ull * fs->blocksize ||
	    bits << fs->cluster_ratio_bits != s->s_blocks_per_group ||
	    s->s_first_data_block % (1u << fs->cluster_ratio_bits))
		return err_set(e, ERR_CORRUPT, "block groups of %u blocks, %u clusters",
			       s->s_blocks_per_group, s->s_clusters_per_group);
	return 0;
}

static int walk_fs(struct walk *w, const struct fs_options *opt, struct err *e)
{
	ext2_filsys fs = w->fs;
	int all = 1, r = check_super(fs, w->d, e);

	if (!r)
		r = check_groups(fs, e);
	if (!r)
		r = add_metadata(fs, &w->meta, e);
	ranges_sort(&w->meta);
	w->emit.extra = &w->meta;
	w->unit = (uint64_t)fs->blocksize << fs->cluster_ratio_bits;
	w->map = malloc(fs->blocksize);
	if (!r && !w->map)
		r = err_set(e, ERR_NOMEM, "out of memory for a block bitmap");
	if (!r)
		r = ext_inodes_check(fs, w->d, &w->meta, &all, e);
	for (dgrp_t g = 0; !r && g < fs->group_desc_count; g++)
		r = walk_group(w, g, e);
	if (!r && !all)
		fs_note(&opt->notes, "Its bitmaps were believed without a look at all files, of which there are too many.");
	return r ? r : emit_finish(&w->emit);
}

/* Opens the file system, as it will be once its journal is replayed. */
static int open_replayed(struct walk *w, const struct fs_options *opt, struct err *e)
{
	int r = extio_open(w->d, 0, 0, 0, &w->fs, e);

	if (r < 0 || !ext2fs_has_feature_journal_needs_recovery(w->fs->super))
		return r;
	r = ext_journal_open(w->fs, w->d, &w->journal, e);
	w->fs = extio_close(w->fs);
	if (r < 0)
		return r;
	fs_note(&opt->notes,
		"It was not unmounted cleanly: its journal waits to be replayed, which the next mount does.");
	w->d = ext_journal_replayed(w->journal);
	return extio_open(w->d, 0, 0, 0, &w->fs, e);
}

static int ext_walk(struct blkdev *d, const struct fs_ident *id,
		    const struct fs_options *opt, const struct extent_sink *out,
		    struct err *e)
{
	struct walk w = { .d = d, .emit = { .out = out, .size = d->size } };
	int r;

	if (!strcmp(id->type, "jbd"))
		return err_set(e, ERR_UNSUPPORTED, "this is the journal of another file system");
	r = open_replayed(&w, opt, e);
	if (!r)
		r = walk_fs(&w, opt, e);
	free(w.map);
	ranges_done(&w.meta);
	extio_close(w.fs);
	ext_journal_close(w.journal);
	return r;
}

const struct fs_reader fs_ext = { "ext", ext_probe, ext_walk };
