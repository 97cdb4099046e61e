/* f2fs.c: used blocks of F2FS.
 *
 * The segment information table (SIT) has for each segment of the main area the
 * bitmap of its valid blocks.  It exists twice, the checkpoint says which block of
 * which copy counts and has the newest entries itself.  The table is read twice:
 * to check it and to send the summary blocks, which lie before the main area, of
 * the segments in use; then to send their blocks. */
#include <string.h>
#include "imager/fs/f2fs.h"
#include "imager/fs/ranges.h"
#include "imager/fs/readers.h"

#define ENTRIES (F2FS_BLOCK / (uint32_t)sizeof(struct f2fs_sit_disk)) /* of a SIT block */
#define CURRENT_SEGMENTS 3u        /* that are filled: of nodes, of data      */
enum { TYPE_NODES = 3, TYPES = 6 };

struct f2fs_walk {
	struct f2fs f;
	struct f2fs_cp cp;
	struct ranges extra;
	struct emit emit;
	uint64_t nodes, blocks;    /* counted in the SIT                      */
};

typedef int segment_fn(struct f2fs_walk *w, uint32_t segment, const struct f2fs_sit_disk *s,
		       struct err *e);

/* Entries in the checkpoint are newer; the last one of a segment counts. */
static const struct f2fs_sit_disk *newest_entry(const struct f2fs_walk *w, uint32_t segment,
						const struct f2fs_sit_disk *s)
{
	for (unsigned int i = 0; i < w->cp.n_journal; i++)
		if (le32_get(w->cp.journal[i].segment) == segment)
			s = &w->cp.journal[i].entry;
	return s;
}

static int each_segment(struct f2fs_walk *w, segment_fn *one, struct err *e)
{
	const struct f2fs *f = &w->f;
	struct f2fs_sit_disk s[ENTRIES];

	for (uint32_t seg = 0; seg < f->segments; seg++) {
		uint32_t n = seg / ENTRIES, i = seg % ENTRIES;
		int r = 0;

		if (!i) {
			uint64_t at = f->sit + (uint64_t)n;

			if (w->cp.sit_map[n / 8] >> (7 - n % 8) & 1)
				at += f->sit_blocks;
			r = dev_read(f->d, at * F2FS_BLOCK, s, sizeof s, e);
		}
		if (!r)
			r = one(w, seg, newest_entry(w, seg, &s[i]), e);
		if (r)
			return r;
	}
	return 0;
}

static uint32_t count_valid(const struct f2fs_sit_disk *s)
{
	uint32_t n = 0;

	for (size_t i = 0; i < sizeof s->map; i++)
		n += (uint32_t)__builtin_popcount(s->map[i]);
	return n;
}

static int check_segment(struct f2fs_walk *w, uint32_t segment, const struct f2fs_sit_disk *s,
			 struct err *e)
{
	uint32_t n = le16_get(s->valid) & 0x3ff, type = le16_get(s->valid) >> 10;
	uint64_t at = (w->f.ssa + (uint64_t)segment) * F2FS_BLOCK;

	if (type >= TYPES || n != count_valid(s))
		return err_set(e, ERR_CORRUPT,
			       "the F2FS file system is damaged (the entry of segment %u in its SIT: "
			       "type %u, %u valid blocks, %u in its bitmap); run fsck.f2fs on it",
			       segment, type, n, count_valid(s));
	w->blocks += n;
	if (type >= TYPE_NODES)
		w->nodes += n;
	/* read-only volumes may have no summaries */
	return n && w->f.ssa < w->f.main ? emit_used(&w->emit, at, at + F2FS_BLOCK) : 0;
}

static int send_segment(struct f2fs_walk *w, uint32_t segment, const struct f2fs_sit_disk *s,
			struct err *e)
{
	uint64_t at = (w->f.main + (uint64_t)segment * F2FS_SEGMENT) * F2FS_BLOCK;
	uint8_t map[sizeof s->map];

	(void)e;
	for (size_t i = 0; i < sizeof map; i++) { /* the other way round in each byte */
		unsigned int b = s->map[i];

		b = (b & 0x0f) << 4 | b >> 4;
		b = (b & 0x33) << 2 | (b & 0xcc) >> 2;
		map[i] = (uint8_t)((b & 0x55) << 1 | (b & 0xaa) >> 1);
	}
	return emit_bitmap(&w->emit, map, F2FS_SEGMENT, at, F2FS_BLOCK);
}

/* Nodes are counted exactly, data with blocks that are only reserved. */
static int check_counts(const struct f2fs_walk *w, struct err *e)
{
	uint64_t nodes = le32_get(w->cp.c.valid_nodes), blocks = le64_get(w->cp.c.valid_blocks);

	if (w->nodes == nodes && w->blocks <= blocks)
		return 0;
	return err_set(e, ERR_CORRUPT,
		       "the F2FS file system is damaged (its SIT has %llu blocks of nodes, %llu in all, "
		       "its checkpoint %llu and %llu); run fsck.f2fs on it",
		       (unsigned long long)w->nodes, (unsigned long long)w->blocks,
		       (unsigned long long)nodes, (unsigned long long)blocks);
}

/* Used besides what the SIT has: the summaries of segments that are being filled,
 * and the block where a mount looks for nodes written after the checkpoint.  What
 * is in that one shows that there are none; an older state of the same file system
 * on the target, at that place, could show the contrary. */
static int add_extra(struct f2fs_walk *w, struct err *e)
{
	const struct f2fs_cp_disk *c = &w->cp.c;
	uint64_t next = f2fs_next_node(&w->f, &w->cp) * F2FS_BLOCK;
	int r = next ? ranges_add(&w->extra, next, next + F2FS_BLOCK, e) : 0;

	for (unsigned int i = 0; i < 2 * CURRENT_SEGMENTS && !r; i++) {
		uint64_t seg = le32_get(i % 2 ? c->node_segment[i / 2] : c->data_segment[i / 2]);
		uint64_t at = (w->f.ssa + seg) * F2FS_BLOCK;

		if (seg < w->f.segments && w->f.ssa < w->f.main)
			r = ranges_add(&w->extra, at, at + F2FS_BLOCK, e);
	}
	ranges_sort(&w->extra);
	w->emit.extra = &w->extra;
	return r;
}

static int walk_volume(struct f2fs_walk *w, struct err *e)
{
	const struct f2fs *f = &w->f;
	int r = add_extra(w, e);

	/* both superblocks; checkpoints, SIT, and the table of nodes */
	if (!r)
		r = emit_used(&w->emit, 0, 2 * F2FS_BLOCK);
	if (!r)
		r = emit_used(&w->emit, (uint64_t)f->cp * F2FS_BLOCK, (uint64_t)f->ssa * F2FS_BLOCK);
	if (!r)
		r = each_segment(w, check_segment, e);
	if (!r)
		r = check_counts(w, e);
	if (!r)
		r = each_segment(w, send_segment, e);
	return r ? r : emit_finish(&w->emit);
}

static int f2fs_walk(struct blkdev *d, const struct fs_ident *id,
		     const struct fs_options *opt, const struct extent_sink *out,
		     struct err *e)
{
	struct f2fs_walk w = { .emit = { .out = out, .size = d->size } };
	int r = f2fs_load(d, &w.f, e);

	(void)id;
	if (r < 0)
		return r;
	if (w.f.blocks > d->size / F2FS_BLOCK)
		return err_set(e, ERR_CORRUPT,
			       "the file system has %llu bytes, but there are only %llu",
			       (unsigned long long)(w.f.blocks * F2FS_BLOCK),
			       (unsigned long long)d->size);
	r = f2fs_cp_load(&w.f, &w.cp, e);
	if (!r)
		r = walk_volume(&w, e);
	if (!r && !(le32_get(w.cp.c.flags) & F2FS_CP_UMOUNT))
		fs_note(&opt->notes, "It was not unmounted cleanly: it is as at its last checkpoint, "
			"to which the next mount goes back.");
	f2fs_cp_done(&w.cp);
	ranges_done(&w.extra);
	return r;
}

const struct fs_reader fs_f2fs = { "f2fs", f2fs_name, f2fs_walk };
