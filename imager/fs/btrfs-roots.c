/* btrfs-roots.c: the proof that the extent tree knows everything.
 *
 * The map comes from the extent tree.  What the superblock leads to must be in
 * it: the blocks of the chunk tree and of the root tree, the root of every tree
 * that has one, and, as far as they are looked at, all blocks of all trees and
 * the extents of all files.  Here these are gathered; btrfs.c compares.
 *
 * Leaves are only read where they name extents: in the root tree and in
 * subvolumes.  The others are known by what points to them. */
#include <stdlib.h>
#include <string.h>
#include "imager/fs/btrfs.h"

/* Blocks that are read, all over the device: a minute or two on a disk that
 * turns.  After that the extent tree is believed, and a note says so. */
#define READS_MAX 20000u
#define SEEN_SLOTS 32768u     /* a power of two, more than READS_MAX */

struct root_item_disk {
	uint8_t inode[160];             /* +0x00 */
	le64 generation;                /* +0xa0 */
	le64 dir;                       /* +0xa8 */
	le64 at;                        /* +0xb0 logical */
	le64 limit, used, snapshot, flags; /* +0xb8 */
	le32 refs;                      /* +0xd8 0: a subvolume that is being removed */
	uint8_t drop_key[17];           /* +0xdc */
	uint8_t drop_level, level;      /* +0xed */
};
_Static_assert(sizeof(struct root_item_disk) == 0xef, "btrfs_root_item");

struct file_extent_disk {
	le64 generation;                /* +0x00 */
	le64 ram_bytes;                 /* +0x08 */
	uint8_t coding[4];              /* +0x10 */
	uint8_t type;                   /* +0x14 */
	le64 at;                        /* +0x15 logical; 0: a hole */
	le64 len;                       /* +0x1d */
};
_Static_assert(sizeof(struct file_extent_disk) == 0x25, "btrfs_file_extent_item");
#define INLINE_EXTENT 0

struct trees {
	struct btrfs *fs;
	uint8_t *buf[BTRFS_LEVELS];
	uint64_t *seen;                 /* blocks that were read, by a hash of their place */
	uint32_t reads;
	int leaves;                     /* they name extents: read them, too */
	int all;                        /* nothing was left out */
};

int btrfs_needs(struct btrfs *fs, uint64_t at, uint64_t len, struct err *e)
{
	int r;

	if (fs->needed_full)
		return 0;
	if (!len || at % fs->super.sector_size || !btrfs_chunk_find(fs, at, len))
		return err_set(e, ERR_CORRUPT,
			       "Btrfs needs %llu bytes at %llu, where no chunk has so much",
			       (unsigned long long)len, (unsigned long long)at);
	r = ranges_add(fs->needed, at, at + len, e);
	if (r != ERR_UNSUPPORTED)
		return r;
	fs->needed_full = 1;
	return 0;
}

int btrfs_root_item(const struct btrfs_cursor *c, struct btrfs_ref *ret, int *ret_live,
		    struct err *e)
{
	const struct root_item_disk *d = (const struct root_item_disk *)c->data;

	if (c->len < sizeof *d || d->level >= BTRFS_LEVELS)
		return err_set(e, ERR_CORRUPT, "the root item of Btrfs' tree %lld is damaged",
			       (long long)c->key.id);
	*ret = (struct btrfs_ref){ .at = le64_get(d->at), .generation = le64_get(d->generation),
		.tree = c->key.id, .level = d->level };
	*ret_live = le32_get(d->refs) && c->key.id != BTRFS_RELOC_TREE;
	return 0;
}

int btrfs_root_find(struct btrfs *fs, uint64_t tree, struct btrfs_ref *ret, struct err *e)
{
	struct btrfs_cursor c = { 0 };
	struct btrfs_key key = { .id = tree, .type = BTRFS_ROOT_ITEM };
	int live, r = btrfs_seek(&c, fs, &fs->super.root, &key, e);

	if (r > 0 || (!r && btrfs_key_cmp(&c.key, &key)))
		r = err_set(e, ERR_CORRUPT, "Btrfs' tree %llu is missing", (unsigned long long)tree);
	if (!r)
		r = btrfs_root_item(&c, ret, &live, e);
	btrfs_cursor_done(&c);
	return r;
}

/* 1 if this block was seen before: snapshots share blocks. */
static int seen_before(struct trees *t, uint64_t at)
{
	uint32_t i = (uint32_t)(at * 0x9e3779b97f4a7c15ull >> 40) % SEEN_SLOTS;

	for (; t->seen[i]; i = (i + 1) % SEEN_SLOTS)
		if (t->seen[i] == at)
			return 1;
	t->seen[i] = at;
	return 0;
}

static int leaf_extents(struct trees *t, const uint8_t *buf, struct err *e)
{
	int r = 0;

	for (unsigned int i = 0; i < btrfs_block_items(buf) && !r; i++) {
		const struct file_extent_disk *d;
		uint32_t len;

		if (btrfs_block_key(buf, i).type != BTRFS_EXTENT_DATA)
			continue;
		d = (const struct file_extent_disk *)btrfs_block_item(buf, i, &len);
		if (len >= sizeof *d && d->type != INLINE_EXTENT && le64_get(d->at))
			r = btrfs_needs(t->fs, le64_get(d->at), le64_get(d->len), e);
	}
	return r;
}

/* Gathers a block and all below it.  One buffer a level: a node's children are
 * one level lower, so its own stays as it is. */
static int visit(struct trees *t, const struct btrfs_ref *ref, struct err *e)
{
	uint8_t *buf;
	int r = btrfs_needs(t->fs, ref->at, t->fs->super.node_size, e);

	if (r || (ref->has_first && !ref->level && !t->leaves))
		return r;
	if (t->reads == READS_MAX) {
		t->all = 0;
		return 0;
	}
	if (seen_before(t, ref->at))
		return 0;
	t->reads++;
	if (!t->buf[ref->level])
		t->buf[ref->level] = malloc(t->fs->super.node_size);
	buf = t->buf[ref->level];
	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory for a block of a tree");
	r = btrfs_block_read(t->fs, ref, buf, e);
	if (!r && !ref->level)
		return t->leaves ? leaf_extents(t, buf, e) : 0;
	for (unsigned int i = 0; !r && i < btrfs_block_items(buf); i++) {
		struct btrfs_ref child = btrfs_block_child(ref, buf, i);

		r = visit(t, &child, e);
	}
	return r;
}

static int names_extents(uint64_t tree)
{
	return tree == BTRFS_ROOT_TREE || tree == BTRFS_FS_TREE || tree > BTRFS_LAST_GLOBAL_TREE;
}

/* The trees that the root tree (or the log's) names: those whose leaves name
 * extents, or the others. */
static int visit_roots(struct trees *t, const struct btrfs_ref *root, int leaves,
		       struct err *e)
{
	struct btrfs_cursor c = { 0 };
	struct btrfs_key first = { 0 };
	int is_log = root->tree == BTRFS_LOG_TREE, live;
	int r = btrfs_seek(&c, t->fs, root, &first, e);

	for (t->leaves = leaves; !r; r = r ? r : btrfs_next(&c, e)) {
		struct btrfs_ref ref;

		if (c.key.type != BTRFS_ROOT_ITEM || (!is_log && names_extents(c.key.id) != leaves))
			continue;
		r = btrfs_root_item(&c, &ref, &live, e);
		if (!r && (live || is_log))
			r = visit(t, &ref, e);
		else if (!r)
			r = btrfs_needs(t->fs, ref.at, t->fs->super.node_size, e);
	}
	btrfs_cursor_done(&c);
	return r < 0 ? r : 0;
}

static int trees_new(struct trees *t, struct btrfs *fs, struct err *e)
{
	*t = (struct trees){ .fs = fs, .all = 1, .seen = calloc(SEEN_SLOTS, sizeof *t->seen) };
	return t->seen ? 0 : err_set(e, ERR_NOMEM, "out of memory for the trees of Btrfs");
}

static void trees_done(struct trees *t)
{
	for (size_t i = 0; i < BTRFS_LEVELS; i++)
		free(t->buf[i]);
	free(t->seen);
}

int btrfs_roots_walk(struct btrfs *fs, int *ret_all, struct err *e)
{
	struct trees t;
	int r = trees_new(&t, fs, e);

	if (!r)
		r = visit(&t, &fs->super.chunk_root, e);
	t.leaves = 1;
	if (!r)
		r = visit(&t, &fs->super.root, e);
	for (int leaves = 0; leaves < 2 && !r; leaves++)
		r = visit_roots(&t, &fs->super.root, leaves, e);
	*ret_all = t.all && !fs->needed_full;
	trees_done(&t);
	return r;
}

int btrfs_log_walk(struct btrfs *fs, struct err *e)
{
	struct trees t;
	int r = trees_new(&t, fs, e);

	t.leaves = 1;
	if (!r)
		r = visit(&t, &fs->super.log_root, e);
	if (!r)
		r = visit_roots(&t, &fs->super.log_root, 1, e);
	if (!r && (!t.all || fs->needed_full))
		r = err_set(e, ERR_UNSUPPORTED, "Btrfs' log is too large; mount the file system once");
	trees_done(&t);
	return r;
}
