/* btrfs.c: used extents of a Btrfs on one device.
 *
 * The extent tree has an item for every extent of data and every block of
 * metadata.  It is read chunk by chunk, in the order in which the chunks lie on
 * the device (of DUP chunks once for each copy), so that nothing of it has to
 * be kept.  Each chunk's extents must add up to what its block group says, and
 * all that the superblock leads to must be among them (btrfs-roots.c): peers
 * made backups without the root of a tree, of which nothing could be restored.
 * Anything inconsistent is refused.
 *
 * Btrfs never overwrites what the last commit uses, so a file system that was
 * not unmounted is as good as another; but fsync leaves a log, whose blocks
 * and new extents the extent tree does not know yet. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/text.h"
#include "imager/fs/btrfs.h"
#include "imager/fs/readers.h"

struct block_group_disk {
	le64 used;                 /* +0x00 bytes */
	le64 chunk_id;             /* +0x08 */
	le64 type;                 /* +0x10 as the chunk's */
};
_Static_assert(sizeof(struct block_group_disk) == 0x18, "btrfs_block_group_item");

struct extent_disk {
	le64 refs;                 /* +0x00 */
	le64 generation;           /* +0x08 */
	le64 flags;                /* +0x10 */
};
_Static_assert(sizeof(struct extent_disk) == 0x18, "btrfs_extent_item");
#define EXTENT_DATA 0x1u
#define EXTENT_TREE_BLOCK 0x2u

#define COMPAT_RO_BLOCK_GROUP_TREE 0x8u

/* One copy of a chunk. */
struct copy { uint64_t at; size_t chunk; };

struct walk {
	struct btrfs fs;
	struct emit emit;
	struct ranges fixed;       /* on the device, joined with what the walk finds */
	struct ranges needed;      /* logical */
	struct btrfs_ref extents;  /* the extent tree's root */
	struct btrfs_cursor c;     /* in the extent tree */
	struct copy *copies;       /* by place on the device */
	size_t n_copies;
};

static int btrfs_open(struct btrfs *fs, struct blkdev *d, struct err *e)
{
	int r;

	*fs = (struct btrfs){ .d = d };
	r = hasher_new(&fs->hasher, e);
	return r < 0 ? r : btrfs_super_read(fs, e);
}

static int btrfs_probe(struct blkdev *d, struct fs_ident *ret, struct err *e)
{
	struct fs_ident id = { .type = "btrfs" };
	struct btrfs fs;
	int r = btrfs_open(&fs, d, e);

	hasher_free(fs.hasher);
	if (r)
		return r;
	memcpy(id.label, fs.super.label, sizeof id.label);
	text_from_uuid(fs.super.fsid, id.uuid);
	id.fs_size = fs.super.devices == 1 ? fs.super.dev_bytes : fs.super.total_bytes;
	id.used = fs.super.bytes_used;
	*ret = id;
	return 0;
}

/* ---- chunks and their copies ---- */

/* What each chunk's block group says: the items are in the extent tree, or in
 * a tree of their own. */
static int read_block_groups(struct walk *w, struct err *e)
{
	struct btrfs *fs = &w->fs;
	struct btrfs_ref root = w->extents;
	struct btrfs_cursor c = { 0 };
	int r = 0;

	if (fs->super.compat_ro & COMPAT_RO_BLOCK_GROUP_TREE)
		r = btrfs_root_find(fs, BTRFS_BLOCK_GROUP_TREE, &root, e);
	for (size_t i = 0; i < fs->chunks.n && !r; i++) {
		struct btrfs_chunk *k = &fs->chunks.v[i];
		struct btrfs_key key = { .id = k->logical, .type = BTRFS_BLOCK_GROUP_ITEM,
					 .offset = k->len };
		const struct block_group_disk *g;

		r = btrfs_seek(&c, fs, &root, &key, e);
		if (r < 0)
			break;
		g = (const struct block_group_disk *)c.data;
		if (r || btrfs_key_cmp(&c.key, &key) || c.len < sizeof *g ||
		    le64_get(g->type) != k->type)
			r = err_set(e, ERR_CORRUPT, "the Btrfs chunk at %llu has no block group",
				    (unsigned long long)k->logical);
		else
			k->used = le64_get(g->used);
	}
	btrfs_cursor_done(&c);
	return r;
}

static int by_place(const void *pa, const void *pb)
{
	const struct copy *a = pa, *b = pb;

	return a->at < b->at ? -1 : a->at > b->at;
}

static int sort_copies(struct walk *w, struct err *e)
{
	const struct btrfs_chunks *l = &w->fs.chunks;

	w->copies = calloc(l->n + 1, BTRFS_COPIES_MAX * sizeof *w->copies);
	if (!w->copies)
		return err_set(e, ERR_NOMEM, "out of memory for the chunks of Btrfs");
	for (size_t i = 0; i < l->n; i++)
		for (unsigned int k = 0; k < l->v[i].copies; k++)
			w->copies[w->n_copies++] = (struct copy){ l->v[i].at[k], i };
	qsort(w->copies, w->n_copies, sizeof *w->copies, by_place);
	for (size_t i = 1; i < w->n_copies; i++) {
		const struct copy *a = &w->copies[i - 1], *b = &w->copies[i];

		if (b->at - a->at < l->v[a->chunk].len)
			return err_set(e, ERR_CORRUPT,
				       "two Btrfs chunks lie at the same place of the device, %llu",
				       (unsigned long long)b->at);
	}
	return 0;
}

/* ---- one chunk's extents ---- */

/* Follows the needed ranges beside a chunk's extents. */
struct cover {
	const struct ranges *need;
	size_t i;                  /* of need: the first that ends behind `next` */
	uint64_t next;             /* the next byte that is needed, or later */
};

/* From here on: which byte is needed next? */
static void cover_from(struct cover *v, uint64_t at)
{
	while (v->i < v->need->n && v->need->v[v->i].end <= at)
		v->i++;
	v->next = v->i == v->need->n ? UINT64_MAX :
		  v->need->v[v->i].start > at ? v->need->v[v->i].start : at;
}

static void cover_begin(struct cover *v, const struct ranges *need, uint64_t at)
{
	size_t low = 0, high = need->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (need->v[mid].end <= at)
			low = mid + 1;
		else
			high = mid;
	}
	*v = (struct cover){ .need = need, .i = low };
	cover_from(v, at);
}

/* Nothing may be needed before `at`. */
static int cover_gap(const struct cover *v, uint64_t at, struct err *e)
{
	return v->next >= at ? 0 :
	       err_set(e, ERR_CORRUPT,
		       "Btrfs needs what lies at %llu, but its extent tree doesn't know it; run btrfs check",
		       (unsigned long long)v->next);
}

/* The length of the extent at the cursor; 0: it is impossible. */
static uint64_t extent_len(const struct walk *w, const struct btrfs_chunk *k)
{
	const struct btrfs_cursor *c = &w->c;
	const struct extent_disk *x = (const struct extent_disk *)c->data;
	uint64_t node = w->fs.super.node_size, flags, kinds;
	uint64_t len = c->key.type == BTRFS_METADATA_ITEM ? node : c->key.offset;

	if (c->len < sizeof *x)
		return 0;
	flags = le64_get(x->flags) & (EXTENT_DATA | EXTENT_TREE_BLOCK);
	kinds = k->type & BTRFS_DATA ? EXTENT_DATA : 0;
	kinds |= k->type & (BTRFS_METADATA | BTRFS_SYSTEM) ? EXTENT_TREE_BLOCK : 0;
	if ((flags != EXTENT_DATA && flags != EXTENT_TREE_BLOCK) || !(flags & kinds) ||
	    (flags == EXTENT_TREE_BLOCK ? len != node : c->key.type == BTRFS_METADATA_ITEM) ||
	    c->key.id % w->fs.super.sector_size || len % w->fs.super.sector_size)
		return 0;
	return len;
}

/* Sends the extents of a chunk, as they lie in the copy that begins at `at`. */
static int walk_copy(struct walk *w, const struct btrfs_chunk *k, uint64_t at, struct err *e)
{
	struct btrfs_key first = { .id = k->logical };
	uint64_t end = k->logical + k->len, pos = k->logical, used = 0;
	struct cover need;
	int r = btrfs_seek(&w->c, &w->fs, &w->extents, &first, e);

	cover_begin(&need, &w->needed, pos);
	for (; !r && w->c.key.id < end; r = r ? r : btrfs_next(&w->c, e)) {
		uint64_t start = w->c.key.id, len;

		if (w->c.key.type != BTRFS_EXTENT_ITEM && w->c.key.type != BTRFS_METADATA_ITEM)
			continue;
		len = extent_len(w, k);
		if (!len || start < pos || len > end - start)
			return err_set(e, ERR_CORRUPT, "the Btrfs extent at %llu is impossible",
				       (unsigned long long)start);
		r = cover_gap(&need, start, e);
		pos = start + len;
		used += len;
		cover_from(&need, need.next > pos ? need.next : pos);
		if (!r)
			r = emit_used(&w->emit, at + (start - k->logical), at + (pos - k->logical));
	}
	if (r < 0)
		return r;
	if (used != k->used)
		return err_set(e, ERR_CORRUPT,
			       "the Btrfs extents of the chunk at %llu have %llu bytes, its block group says %llu",
			       (unsigned long long)k->logical, (unsigned long long)used,
			       (unsigned long long)k->used);
	return cover_gap(&need, end, e);
}

/* ---- the whole ---- */

/* What only the log knows, as it lies on the device. */
static int add_log(struct walk *w, struct err *e)
{
	struct ranges log = { 0 };
	int r;

	w->fs.needed = &log;
	r = btrfs_log_walk(&w->fs, e);
	w->fs.needed = &w->needed;
	ranges_sort(&log);
	for (size_t i = 0; i < log.n && !r; i++) {
		uint64_t at = log.v[i].start, len;

		for (; at < log.v[i].end && !r; at += len) {
			const struct btrfs_chunk *k = btrfs_chunk_find(&w->fs, at, 1);

			len = log.v[i].end - at;
			if (len > k->logical + k->len - at)
				len = k->logical + k->len - at;
			for (unsigned int c = 0; c < k->copies && !r; c++)
				r = ranges_add(&w->fixed, k->at[c] + (at - k->logical),
					       k->at[c] + (at - k->logical) + len, e);
		}
	}
	ranges_done(&log);
	return r;
}

/* All that must be known before the extents are sent. */
static int gather(struct walk *w, const struct fs_options *opt, struct err *e)
{
	int all = 1, r;

	w->fs.needed = &w->needed;
	r = btrfs_super_check(&w->fs, e);
	if (!r)
		r = btrfs_chunks_read(&w->fs, e);
	if (!r)
		r = btrfs_root_find(&w->fs, BTRFS_EXTENT_TREE, &w->extents, e);
	if (!r)
		r = read_block_groups(w, e);
	if (!r)
		r = sort_copies(w, e);
	if (!r)
		r = btrfs_super_ranges(&w->fs, &w->fixed, e);
	if (!r && w->fs.super.log_root.at) {
		fs_note(&opt->notes,
			"It was not unmounted cleanly: its log waits to be replayed, which the next mount does.");
		r = add_log(w, e);
	}
	if (!r)
		r = btrfs_roots_walk(&w->fs, &all, e);
	if (!r && !all)
		fs_note(&opt->notes, "Its extent tree was believed without a look at all files, of which there are too many.");
	ranges_sort(&w->needed);
	ranges_sort(&w->fixed);
	return r;
}

static int btrfs_walk(struct blkdev *d, const struct fs_ident *id,
		      const struct fs_options *opt, const struct extent_sink *out,
		      struct err *e)
{
	struct walk w = { .emit = { .out = out, .size = d->size } };
	int r = btrfs_open(&w.fs, d, e);

	(void)id;
	if (r > 0)
		r = err_set(e, ERR_CORRUPT, "the Btrfs superblock is gone");
	if (!r)
		r = gather(&w, opt, e);
	w.emit.extra = &w.fixed;
	for (size_t i = 0; i < w.n_copies && !r; i++)
		r = walk_copy(&w, &w.fs.chunks.v[w.copies[i].chunk], w.copies[i].at, e);
	if (!r)
		r = emit_finish(&w.emit);
	if (!r && w.fs.bad_copies)
		fs_note(&opt->notes, "Blocks of metadata are damaged, but not their second copies; run btrfs scrub.");
	free(w.copies);
	btrfs_cursor_done(&w.c);
	btrfs_chunks_done(&w.fs.chunks);
	ranges_done(&w.needed);
	ranges_done(&w.fixed);
	hasher_free(w.fs.hasher);
	return r;
}

const struct fs_reader fs_btrfs = { "btrfs", btrfs_probe, btrfs_walk };
