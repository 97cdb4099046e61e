/* xfs-free.c: the free extents of an allocation group of XFS, from both of its
 * B+trees: one in the order of blocks, one in the order of lengths.
 *
 * Both must have the same extents, as many blocks as the AGF says, and no block
 * that holds metadata.  Only then is the first one read again and what it leaves
 * is sent as used: the extents themselves are never all in memory.
 * No block is visited twice: extents must ascend from leaf to leaf, no block but a
 * root may be empty, and all blocks of all trees must be different. */
#include <stdlib.h>
#include <string.h>
#include "imager/fs/xfs.h"

struct block_disk {
	be32 magic;              /* +0x00 */
	be16 level, count;       /* +0x04 0: a leaf; of its records */
	be32 left, right;        /* +0x08 neighbours; all ones: none */
	/* version 5 only */
	be64 sector;             /* +0x10 of 512 bytes: where this block is */
	be64 lsn;                /* +0x18 */
	uint8_t uuid[16];        /* +0x20 */
	be32 owner;              /* +0x30 group */
	uint8_t crc[4];          /* +0x34 */
};
_Static_assert(sizeof(struct block_disk) == 0x38, "xfs_format.h");

struct extent_disk { be32 first, count; };  /* also the keys of inner blocks */

#define HEADER_V4 0x10u
#define CRC_AT 0x34u
#define NONE UINT32_MAX
enum { BY_BLOCK, BY_LENGTH };
static const uint32_t magics[2][2] = {      /* version 4, version 5 */
	{ 0x41425442, 0x41423342 }, /* "ABTB", "AB3B" */
	{ 0x41425443, 0x41423343 }, /* "ABTC", "AB3C" */
};

struct tree {
	const struct xfs *fs;
	struct xfs_ag *ag;
	int kind;
	uint32_t levels;
	uint8_t *buf;                    /* a block for each level             */
	uint32_t here[XFS_LEVELS_MAX];   /* the level's block visited last     */
	uint32_t next[XFS_LEVELS_MAX];   /* its right neighbour                */
	uint64_t visited;
	uint32_t first, count;           /* the last extent                    */
	/* of the extents */
	uint64_t blocks;
	uint32_t longest;
	uint64_t digest;                 /* the same for the same set          */
	struct emit *out;                /* NULL: only look, and gather blocks */
	size_t i_meta;                   /* first of ag->meta not passed       */
	struct err *e;
};

static int bad_tree(const struct tree *t, uint32_t block, const char *what)
{
	return err_set(t->e, ERR_CORRUPT,
		       "allocation group %u, tree of free space, block %u: %s; run xfs_repair on it",
		       t->ag->number, block, what);
}

static int check_block(const struct tree *t, const uint8_t *buf, uint32_t at, uint32_t level)
{
	const struct xfs *fs = t->fs;
	struct block_disk h;

	memcpy(&h, buf, sizeof h);
	if (be32_get(h.magic) != magics[t->kind][fs->crc] || be16_get(h.level) != level)
		return bad_tree(t, at, "it is none of this tree");
	if (fs->crc && !xfs_crc_ok(buf, fs->block_size, CRC_AT))
		return bad_tree(t, at, "its checksum is wrong");
	if (fs->crc && (be64_get(h.sector) != xfs_at(fs, t->ag->number, at) / 512 ||
			be32_get(h.owner) != t->ag->number || memcmp(h.uuid, fs->meta_uuid, 16)))
		return bad_tree(t, at, "it belongs somewhere else");
	if (be32_get(h.left) != t->here[level] || t->next[level] != at)
		return bad_tree(t, at, "its neighbours are others");
	return 0;
}

/* Extents ascend, so that the list of metadata is gone through once. */
static int holds_metadata(struct tree *t, uint32_t first, uint32_t count)
{
	const struct ranges *m = &t->ag->meta;

	while (t->i_meta < m->n && m->v[t->i_meta].end <= first)
		t->i_meta++;
	return t->i_meta < m->n && m->v[t->i_meta].start < (uint64_t)first + count;
}

/* One more extent: is it behind the last one? */
static int take_extent(struct tree *t, uint32_t block, uint32_t first, uint32_t count)
{
	uint64_t mix = ((uint64_t)first << 32 | count) * 0x9e3779b97f4a7c15u;
	int r = 0;

	if (!count || first >= t->ag->blocks || count > t->ag->blocks - first)
		return bad_tree(t, block, "an extent that is not in the group");
	if (t->kind == BY_BLOCK ? first < t->first + t->count :
	    count < t->count || (count == t->count && first <= t->first))
		return bad_tree(t, block, "its extents don't ascend");
	if (t->out && holds_metadata(t, first, count))
		return bad_tree(t, first, "it holds metadata and is marked as free");
	if (t->out)
		r = emit_used(t->out, xfs_at(t->fs, t->ag->number, t->first + t->count),
			      xfs_at(t->fs, t->ag->number, first));
	t->first = first;
	t->count = count;
	t->blocks += count;
	t->longest = count > t->longest ? count : t->longest;
	t->digest += (mix ^ mix >> 29) * 0xbf58476d1ce4e5b9u;
	return r;
}

static int walk_leaf(struct tree *t, const uint8_t *p, uint32_t n, uint32_t at)
{
	int r = 0;

	for (uint32_t i = 0; i < n && !r; i++) {
		struct extent_disk x;

		memcpy(&x, p + i * sizeof x, sizeof x);
		r = take_extent(t, at, be32_get(x.first), be32_get(x.count));
	}
	return r;
}

/* The block and all below it; recursion ends with the levels. */
static int walk_block(struct tree *t, uint32_t at, uint32_t level)
{
	const struct xfs *fs = t->fs;
	uint8_t *buf = t->buf + (size_t)level * fs->block_size;
	uint32_t header = fs->crc ? sizeof(struct block_disk) : HEADER_V4;
	uint32_t each = level ? sizeof(struct extent_disk) + 4 : sizeof(struct extent_disk);
	uint32_t most = (fs->block_size - header) / each, n;
	struct block_disk h;
	int r;

	if (at >= t->ag->blocks)
		return bad_tree(t, at, "it is not in the group");
	r = dev_read(fs->d, xfs_at(fs, t->ag->number, at), buf, fs->block_size, t->e);
	if (!r && t->visited == 0)
		t->next[level] = at;
	if (!r)
		r = check_block(t, buf, at, level);
	if (!r && !t->out)
		r = xfs_ag_meta(t->ag, at, 1, t->e);
	if (r)
		return r;
	memcpy(&h, buf, sizeof h);
	n = be16_get(h.count);
	if (n > most || (!n && (t->levels > 1 || level)))
		return bad_tree(t, at, "the number of its records");
	t->here[level] = at;
	t->next[level] = be32_get(h.right);
	t->visited++;
	if (!level)
		return walk_leaf(t, buf + header, n, at);
	for (uint32_t i = 0; i < n && !r; i++) {
		be32 child;

		memcpy(&child, buf + header + most * sizeof(struct extent_disk) + i * 4, 4);
		if (t->here[level - 1] == NONE)
			t->next[level - 1] = be32_get(child);
		r = walk_block(t, be32_get(child), level - 1);
	}
	return r;
}

/* All of a tree; *t is filled with what it has. */
static int walk_tree(const struct xfs *fs, struct xfs_ag *ag, int kind, struct emit *out,
		     struct tree *t, struct err *e)
{
	uint32_t root = kind == BY_BLOCK ? ag->by_block : ag->by_length;
	int r;

	*t = (struct tree){ .fs = fs, .ag = ag, .kind = kind, .out = out, .e = e };
	t->levels = kind == BY_BLOCK ? ag->by_block_levels : ag->by_length_levels;
	for (int i = 0; i < XFS_LEVELS_MAX; i++)
		t->here[i] = t->next[i] = NONE;
	t->buf = malloc((size_t)t->levels * fs->block_size);
	if (!t->buf)
		return err_set(e, ERR_NOMEM, "out of memory for a tree of free space");
	r = walk_block(t, root, t->levels - 1);
	for (uint32_t i = 0; i < t->levels && !r; i++)
		if (t->next[i] != NONE)
			r = bad_tree(t, t->here[i], "it has a neighbour behind the last");
	if (!r && out)
		r = emit_used(out, xfs_at(fs, ag->number, t->first + t->count),
			      xfs_at(fs, ag->number, ag->blocks));
	free(t->buf);
	t->buf = NULL;
	return r;
}

static int disagree(const struct xfs_ag *ag, struct err *e, const char *what, uint64_t a,
		    uint64_t b)
{
	return err_set(e, ERR_CORRUPT,
		       "allocation group %u: %s (%llu and %llu); run xfs_repair on it", ag->number,
		       what, (unsigned long long)a, (unsigned long long)b);
}

static int compare(const struct xfs *fs, struct xfs_ag *ag, const struct tree *a,
		   const struct tree *b, struct err *e)
{
	uint64_t trees = a->visited + b->visited - 2 + (fs->rmap ? ag->rmap_blocks - 1ull : 0);

	if (a->blocks != b->blocks || a->digest != b->digest)
		return disagree(ag, e, "its two trees of free space have other extents", a->blocks,
				b->blocks);
	if (a->blocks != ag->free)
		return disagree(ag, e, "its count of free blocks is not that of its tree", ag->free,
				a->blocks);
	if (a->longest != ag->longest)
		return disagree(ag, e, "its longest free extent is not that of its tree", ag->longest,
				a->longest);
	if (fs->lazy_count && trees != ag->tree_blocks)
		return disagree(ag, e, "its count of tree blocks is wrong", ag->tree_blocks, trees);
	ranges_sort(&ag->meta);
	if (ranges_bytes(&ag->meta) != ag->meta_blocks)
		return disagree(ag, e, "a block has two uses", ranges_bytes(&ag->meta),
				ag->meta_blocks);
	return 0;
}

int xfs_ag_used(const struct xfs *fs, struct xfs_ag *ag, struct emit *out, struct err *e)
{
	struct tree a, b;
	int r = walk_tree(fs, ag, BY_LENGTH, NULL, &a, e);

	if (!r)
		r = walk_tree(fs, ag, BY_BLOCK, NULL, &b, e);
	if (!r)
		r = compare(fs, ag, &b, &a, e);
	return r ? r : walk_tree(fs, ag, BY_BLOCK, out, &b, e);
}
