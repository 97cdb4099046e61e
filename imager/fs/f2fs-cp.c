/* f2fs-cp.c: which of an F2FS volume's two checkpoints counts, and whether it can
 * be believed.
 *
 * A checkpoint is a consistent state; blocks that it calls valid are not written
 * again before the next one (but for data in place).  After it a file may be
 * flushed alone: its nodes then form a chain from the next free block of the warm
 * node segment on, each with the checkpoint's version, and the next mount makes
 * them part of the file system (Linux: fs/f2fs/recovery.c).  Such blocks are free in
 * the SIT, so a volume with a chain is refused.  Without one, unmounted or not, the
 * checkpoint is what the next mount sees. */
#include <stdlib.h>
#include <string.h>
#include "imager/fs/f2fs.h"
#include "imager/fs/f2fscrc.h"

enum {
	CP_COMPACT_SUMMARY = 0x4, CP_ERROR = 0x8, CP_FSCK = 0x10,
	CP_FASTBOOT = 0x20, CP_LARGE_NAT = 0x400, CP_DISABLED = 0x1000,
	CP_DISABLED_QUICK = 0x2000, CP_RESIZE = 0x4000,
	/* and: orphans, checksums in nodes or not, bits of the NAT, trimmed,
	 * quotas to be checked */
	CP_KNOWN = 0x7fff
};

#define CRC_OFFSET_MIN ((uint32_t)sizeof(struct f2fs_cp_disk))
#define CRC_OFFSET_MAX (F2FS_BLOCK - 4)
/* Summaries of a whole segment fill this much of a block; a journal follows. */
#define SUMMARY_BYTES (7u * F2FS_SEGMENT)
#define JOURNAL_BYTES (F2FS_BLOCK - 5 - SUMMARY_BYTES)
#define NODE_VERSION_AT (F2FS_BLOCK - 12) /* in a node's footer */
enum { WARM_NODE = 1 };

static int read_block(const struct f2fs *f, uint64_t at, uint8_t *buf, struct err *e)
{
	return dev_read(f->d, at * F2FS_BLOCK, buf, F2FS_BLOCK, e);
}

static uint32_t get32(const uint8_t *p)
{
	le32 v;

	memcpy(&v, p, 4);
	return le32_get(v);
}

/* A checkpoint's first or last block: *ret its version.  FS_NOT_MINE: it's none. */
static int cp_version(const struct f2fs *f, uint64_t at, uint8_t *buf, uint64_t *ret,
		      struct err *e)
{
	struct f2fs_cp_disk c;
	uint32_t off, crc;
	int r = read_block(f, at, buf, e);

	if (r < 0)
		return r;
	memcpy(&c, buf, sizeof c);
	off = le32_get(c.crc_offset);
	if (off < CRC_OFFSET_MIN || off > CRC_OFFSET_MAX)
		return FS_NOT_MINE;
	crc = f2fs_crc(F2FS_MAGIC, buf, off);
	if (off < CRC_OFFSET_MAX)
		crc = f2fs_crc(crc, buf + off + 4, F2FS_BLOCK - off - 4);
	if (crc != get32(buf + off))
		return FS_NOT_MINE;
	*ret = le64_get(c.version);
	return 0;
}

/* The checkpoint that begins at block `at`: *ret filled, all but what follows its
 * first block.  FS_NOT_MINE: it was not written to its end. */
static int read_pack(const struct f2fs *f, uint64_t at, struct f2fs_cp_disk *ret,
		     struct err *e)
{
	uint8_t buf[F2FS_BLOCK];
	struct f2fs_cp_disk c;
	uint64_t first, last;
	uint32_t total;
	int r = cp_version(f, at, buf, &first, e);

	if (r)
		return r;
	memcpy(&c, buf, sizeof c);
	total = le32_get(c.total);
	if (total <= 2 || total > F2FS_SEGMENT)
		return FS_NOT_MINE;
	r = cp_version(f, at + total - 1, buf, &last, e);
	if (r)
		return r;
	if (first != last)
		return FS_NOT_MINE;
	*ret = c;
	return 0;
}

static int newest(const struct f2fs *f, struct f2fs_cp *ret, struct err *e)
{
	int found = 0;

	for (unsigned int i = 0; i < 2; i++) {
		uint64_t at = f->cp + i * F2FS_SEGMENT;
		struct f2fs_cp_disk c;
		int r = read_pack(f, at, &c, e);

		if (r < 0)
			return r;
		if (r || (found && (int64_t)(le64_get(c.version) - le64_get(ret->c.version)) <= 0))
			continue;
		ret->c = c;
		ret->start = at;
		found = 1;
	}
	return found ? 0 : f2fs_damaged(e, "neither checkpoint is whole");
}

/* Where the SIT's bitmap lies in the checkpoint depends on its neighbours. */
static int find_sit_map(const struct f2fs *f, struct f2fs_cp *c, struct err *e)
{
	uint64_t room = (1ull + f->payload) * F2FS_BLOCK, at = sizeof c->c;
	uint64_t bytes = le32_get(c->c.sit_bytes);

	if (bytes != f->sit_blocks / 8)
		return f2fs_damaged(e, "the size of the bitmap of its SIT");
	if (le32_get(c->c.flags) & CP_LARGE_NAT) {
		if (le32_get(c->c.crc_offset) != CRC_OFFSET_MIN)
			return err_set(e, ERR_UNSUPPORTED, "F2FS with an old form of large NAT "
				       "bitmaps is not read; run fsck.f2fs on it");
		at += 4ull + le32_get(c->c.nat_bytes);
	} else if (f->payload) {
		at = F2FS_BLOCK;
	}
	if (at + bytes > room)
		return f2fs_damaged(e, "the bitmap of its SIT doesn't fit");
	c->sit_map = c->blocks + at;
	return 0;
}

/* The journal of the SIT is kept with the summary of the cold data segment. */
static int read_journal(const struct f2fs *f, struct f2fs_cp *c, struct err *e)
{
	uint8_t buf[F2FS_BLOCK];
	uint32_t flags = le32_get(c->c.flags), total = le32_get(c->c.total);
	uint32_t behind = flags & (F2FS_CP_UMOUNT | CP_FASTBOOT) ? 5 : 2; /* node summaries follow */
	uint64_t at = le32_get(c->c.start_sum);
	size_t off = JOURNAL_BYTES;        /* compact: NAT's, SIT's, all summaries */
	int r;

	if (!(flags & CP_COMPACT_SUMMARY)) {
		at = total > behind ? total - behind : 0;
		off = SUMMARY_BYTES;
	}
	if (!at || at >= total)
		return f2fs_damaged(e, "where its checkpoint's summaries lie");
	r = read_block(f, c->start + at, buf, e);
	if (r < 0)
		return r;
	c->n_journal = buf[off] | (unsigned int)buf[off + 1] << 8;
	if (c->n_journal > F2FS_JOURNAL_MAX)
		return f2fs_damaged(e, "the journal of its SIT");
	memcpy(c->journal, buf + off + 2, c->n_journal * sizeof *c->journal);
	for (unsigned int i = 0; i < c->n_journal; i++)
		if (le32_get(c->journal[i].segment) >= f->segments)
			return f2fs_damaged(e, "the journal of its SIT");
	return 0;
}

uint64_t f2fs_next_node(const struct f2fs *f, const struct f2fs_cp *c)
{
	if (f->features & F2FS_FEATURE_RO)
		return 0;
	return f->main + (uint64_t)le32_get(c->c.node_segment[WARM_NODE]) * F2FS_SEGMENT +
	       le16_get(c->c.node_offset[WARM_NODE]);
}

/* The lower half of a version decides: its upper half may be a checksum. */
static int check_chain(const struct f2fs *f, const struct f2fs_cp *c, struct err *e)
{
	uint8_t buf[F2FS_BLOCK];
	uint64_t at = f2fs_next_node(f, c);
	int r;

	if (!at)
		return 0;
	if (le32_get(c->c.node_segment[WARM_NODE]) >= f->segments ||
	    le16_get(c->c.node_offset[WARM_NODE]) >= F2FS_SEGMENT)
		return f2fs_damaged(e, "the segment that nodes are written to");
	r = read_block(f, at, buf, e);
	if (r < 0)
		return r;
	if (get32(buf + NODE_VERSION_AT) == (uint32_t)le64_get(c->c.version))
		return err_set(e, ERR_CORRUPT, "the F2FS file system was not unmounted cleanly, "
			       "and files were flushed since its last checkpoint; mount and "
			       "unmount it first");
	return 0;
}

static int check_flags(const struct f2fs_cp *c, struct err *e)
{
	uint32_t flags = le32_get(c->c.flags);

	if (flags & ~(uint32_t)CP_KNOWN)
		return err_set(e, ERR_UNSUPPORTED, "an F2FS checkpoint with the flags 0x%x is not known",
			       flags & ~(uint32_t)CP_KNOWN);
	if (flags & (CP_ERROR | CP_FSCK))
		return f2fs_damaged(e, "its checkpoint is marked so");
	if (flags & (CP_DISABLED | CP_DISABLED_QUICK))
		return err_set(e, ERR_CORRUPT, "the F2FS file system was mounted with checkpoints "
			       "disabled; mount it with checkpoint=enable first");
	if (flags & CP_RESIZE)
		return f2fs_damaged(e, "a change of its size was not completed");
	return 0;
}

int f2fs_cp_load(const struct f2fs *f, struct f2fs_cp *ret, struct err *e)
{
	struct f2fs_cp c = { 0 };
	size_t size = (size_t)(1 + f->payload) * F2FS_BLOCK;
	int r = newest(f, &c, e);

	if (!r)
		r = check_flags(&c, e);
	if (!r) {
		c.blocks = malloc(size);
		r = c.blocks ? dev_read(f->d, c.start * F2FS_BLOCK, c.blocks, size, e)
			     : err_set(e, ERR_NOMEM, "out of memory for an F2FS checkpoint");
	}
	if (!r)
		r = find_sit_map(f, &c, e);
	if (!r)
		r = check_chain(f, &c, e);
	if (!r)
		r = read_journal(f, &c, e);
	if (r)
		f2fs_cp_done(&c);
	else
		*ret = c;
	return r;
}

void f2fs_cp_done(struct f2fs_cp *c)
{
	free(c->blocks);
	c->blocks = NULL;
}
