/* xfs-super.c: the superblock of an XFS volume, and whether it can be read. */
#include <ext2fs/ext2fs.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "common/le.h"
#include "common/text.h"
#include "imager/fs/xfs.h"

struct xfs_super_disk {
	uint8_t magic[4];        /* +0x00 "XFSB"                     */
	be32 block_size;         /* +0x04 */
	be64 blocks;             /* +0x08 */
	be64 rt_blocks;          /* +0x10 of a realtime device       */
	be64 rt_extents;         /* +0x18 */
	uint8_t uuid[16];        /* +0x20 */
	be64 log_start;          /* +0x30 0: on another device       */
	uint8_t a[24];           /* +0x38 inode numbers              */
	be32 rt_extent_size;     /* +0x50 */
	be32 ag_blocks;          /* +0x54 */
	be32 ags;                /* +0x58 */
	be32 rt_bitmap_blocks;   /* +0x5c */
	be32 log_blocks;         /* +0x60 */
	be16 version;            /* +0x64 low 4 bits; features above */
	be16 sector_size;        /* +0x66 */
	uint8_t b[4];            /* +0x68 inode sizes                */
	uint8_t label[12];       /* +0x6c */
	uint8_t block_log;       /* +0x78 */
	uint8_t sector_log;      /* +0x79 */
	uint8_t c[2];            /* +0x7a */
	uint8_t ag_log;          /* +0x7c */
	uint8_t rt_log;          /* +0x7d */
	uint8_t in_progress;     /* +0x7e mkfs has not ended         */
	uint8_t inode_percent;   /* +0x7f */
	be64 inodes, free_inodes; /* +0x80 */
	be64 free_blocks;        /* +0x90 */
	be64 free_rt;            /* +0x98 */
	uint8_t f[40];           /* +0xa0 */
	be32 features2;          /* +0xc8 */
	be32 bad_features2;      /* +0xcc */
	/* version 5 only */
	be32 compat, ro_compat, incompat, log_incompat; /* +0xd0 */
	le32 crc;                /* +0xe0 */
	be32 sparse_align;       /* +0xe4 */
	uint8_t g[16];           /* +0xe8 */
	uint8_t meta_uuid[16];   /* +0xf8 */
};
_Static_assert(sizeof(struct xfs_super_disk) == 0x108, "xfs_format.h");

#define V4_LAZY_COUNT 0x2u      /* features2 */
#define V4_MORE_BITS 0x8000u
/* Bits of the version that are known: all but "shared". */
#define V4_KNOWN 0xfdffu
#define V4_KNOWN2 (0x2u | 0x8u | 0x80u | 0x200u)
enum { RO_FREE_INODES = 1, RO_RMAP = 2, RO_REFLINK = 4, RO_INODE_COUNTS = 8 };
#define RO_KNOWN (RO_FREE_INODES | RO_RMAP | RO_REFLINK | RO_INODE_COUNTS)
#define IN_META_UUID 0x4u
#define IN_NEEDS_REPAIR 0x10u
/* File types in directories, sparse inodes, metadata UUID, big timestamps, large
 * extent counters, exchanged ranges, parent pointers: nothing of free space.
 * Not known are metadata directories (0x100) and zones (0x200), both with
 * realtime groups. */
#define IN_KNOWN (0x1u | 0x2u | IN_META_UUID | 0x8u | 0x20u | 0x40u | 0x80u)
#define LOG_KNOWN 0x1u          /* attributes in the log */

/* Linux: XFS_MIN_AG_BLOCKS; a group has less than 1 TiB (XFS_MAX_AG_BYTES), a
 * log less than 2 GiB (XFS_MAX_LOG_BYTES). */
#define AG_BLOCKS_MIN 64u
#define AG_BYTES_MAX (1ull << 40)
#define LOG_BYTES_MAX (1ull << 31)

int xfs_crc_ok(const uint8_t *p, size_t len, size_t crc_at)
{
	static const uint8_t zero[4];
	le32 want;
	uint32_t crc = ext2fs_crc32c_le(~0u, p, crc_at);

	memcpy(&want, p + crc_at, 4);
	crc = ext2fs_crc32c_le(crc, zero, 4);
	crc = ext2fs_crc32c_le(crc, p + crc_at + 4, len - crc_at - 4);
	return ~crc == le32_get(want);
}

static int power_of_two(uint32_t n, uint8_t log)
{
	return log < 32 && n == 1u << log;
}

static int bad(struct err *e, const char *what)
{
	return err_set(e, ERR_CORRUPT, "the XFS superblock can't be right: %s; run xfs_repair on it",
		       what);
}

static int check_sizes(const struct xfs_super_disk *s, struct xfs *fs, struct err *e)
{
	fs->block_size = be32_get(s->block_size);
	fs->sector_size = be16_get(s->sector_size);
	if (!power_of_two(fs->block_size, s->block_log) || s->block_log < 9 || s->block_log > 16)
		return bad(e, "the size of a block");
	if (!power_of_two(fs->sector_size, s->sector_log) || s->sector_log < 9 ||
	    s->sector_log > 15 || s->sector_log > s->block_log)
		return bad(e, "the size of a sector");
	if (s->in_progress)
		return bad(e, "making the file system was never finished");
	return 0;
}

static int check_groups(const struct xfs_super_disk *s, struct xfs *fs, struct err *e)
{
	uint64_t before;

	fs->blocks = be64_get(s->blocks);
	fs->ag_blocks = be32_get(s->ag_blocks);
	fs->ags = be32_get(s->ags);
	fs->ag_shift = s->ag_log;
	fs->free = be64_get(s->free_blocks);
	if (fs->ag_blocks < AG_BLOCKS_MIN || fs->ag_blocks > AG_BYTES_MAX / fs->block_size ||
	    fs->ag_shift > 31 || fs->ag_blocks > 1u << fs->ag_shift ||
	    fs->ag_blocks <= 1u << fs->ag_shift >> 1 || !fs->ags)
		return bad(e, "the size of its allocation groups");
	before = (uint64_t)(fs->ags - 1) * fs->ag_blocks;
	if (fs->blocks < before + AG_BLOCKS_MIN || fs->blocks > before + fs->ag_blocks ||
	    fs->blocks > UINT64_MAX / fs->block_size)
		return bad(e, "the number of its blocks");
	if (fs->free > fs->blocks)
		return bad(e, "more free blocks than blocks");
	return 0;
}

/* The log lies inside of one group. */
static int check_log(const struct xfs_super_disk *s, struct xfs *fs, struct err *why,
		     struct err *e)
{
	uint64_t start = be64_get(s->log_start), ag = start >> fs->ag_shift;
	uint32_t block = (uint32_t)(start & ((1u << fs->ag_shift) - 1)), n = be32_get(s->log_blocks);
	uint64_t here;

	if (!start) {
		err_set(why, ERR_UNSUPPORTED,
			"its log lies on another device, where it can't be looked at");
		return 0;
	}
	if (ag >= fs->ags || !n || n > LOG_BYTES_MAX / fs->block_size)
		return bad(e, "where its log is");
	here = fs->blocks - ag * fs->ag_blocks;
	if (here > fs->ag_blocks)
		here = fs->ag_blocks;
	if (block >= here || n > here - block)
		return bad(e, "where its log is");
	fs->log_ag = (uint32_t)ag;
	fs->log_block = block;
	fs->log_blocks = n;
	return 0;
}

static void features_v4(const struct xfs_super_disk *s, struct xfs *fs, struct err *why)
{
	uint32_t v = be16_get(s->version), two = v & V4_MORE_BITS ? be32_get(s->features2) : 0;

	fs->lazy_count = !!(two & V4_LAZY_COUNT);
	if (v & ~V4_KNOWN || two & ~V4_KNOWN2)
		err_set(why, ERR_UNSUPPORTED,
			"it has XFS features 0x%x, 0x%x that are not known here", v, two);
}

static void features_v5(const struct xfs_super_disk *s, struct xfs *fs, struct err *why)
{
	uint32_t in = be32_get(s->incompat), ro = be32_get(s->ro_compat);
	uint32_t log = be32_get(s->log_incompat);

	fs->crc = fs->lazy_count = 1;
	fs->free_inodes = !!(ro & RO_FREE_INODES);
	fs->rmap = !!(ro & RO_RMAP);
	fs->reflink = !!(ro & RO_REFLINK);
	if (in & IN_META_UUID)
		memcpy(fs->meta_uuid, s->meta_uuid, 16);
	if (in & IN_NEEDS_REPAIR)
		err_set(why, ERR_CORRUPT, "it is marked as damaged; run xfs_repair on it");
	else if (in & ~IN_KNOWN || ro & ~(uint32_t)RO_KNOWN || log & ~LOG_KNOWN)
		err_set(why, ERR_UNSUPPORTED,
			"it has XFS features 0x%x, 0x%x, 0x%x that are not known here",
			in & ~IN_KNOWN, ro & ~(uint32_t)RO_KNOWN, log & ~LOG_KNOWN);
}

static void check_device(const struct xfs_super_disk *s, const struct xfs *fs, struct err *why)
{
	uint64_t size = fs->blocks * fs->block_size;

	if (size > fs->d->size)
		err_set(why, ERR_CORRUPT, "the file system has %llu bytes, but there are only %llu",
			(unsigned long long)size, (unsigned long long)fs->d->size);
	else if (fs->sector_size < fs->d->sector_size)
		err_set(why, ERR_UNSUPPORTED,
			"it has sectors of %u bytes on a disk with sectors of %u, where it can't be mounted",
			fs->sector_size, fs->d->sector_size);
	else if (be64_get(s->rt_blocks) || be64_get(s->rt_extents))
		err_set(why, ERR_UNSUPPORTED, "a part of its files lies on a realtime device");
}

static void name_it(const struct xfs_super_disk *s, const struct xfs *fs, struct fs_ident *id)
{
	*id = (struct fs_ident){ .type = "xfs" };
	text_from_bytes(s->label, sizeof s->label, id->label, sizeof id->label);
	text_from_uuid(s->uuid, id->uuid);
	id->fs_size = fs->blocks * fs->block_size;
	id->used = (fs->blocks - fs->free) * fs->block_size;
}

/* The whole first sector of a version 5: is it all of one piece? */
static int check_crc(const struct xfs *fs, struct err *e)
{
	uint8_t sector[32768];
	int r;

	if (fs->sector_size > fs->d->size)
		return bad(e, "the size of a sector");
	r = dev_read(fs->d, 0, sector, fs->sector_size, e);
	if (r < 0)
		return r;
	if (!xfs_crc_ok(sector, fs->sector_size, offsetof(struct xfs_super_disk, crc)))
		return err_set(e, ERR_CORRUPT, "the XFS superblock's checksum is wrong");
	return 0;
}

int xfs_super(struct blkdev *d, struct xfs *ret, struct fs_ident *id, struct err *why,
	      struct err *e)
{
	struct xfs_super_disk s;
	struct xfs fs = { .d = d };
	uint32_t version;
	int r;

	if (d->size < 512)
		return FS_NOT_MINE;
	r = dev_read(d, 0, &s, sizeof s, e);
	if (r < 0)
		return r;
	if (memcmp(s.magic, "XFSB", 4))
		return FS_NOT_MINE;
	version = be16_get(s.version) & 15;
	if (version != 4 && version != 5)
		return err_set(e, ERR_UNSUPPORTED, "XFS of version %u is not read", version);
	memcpy(fs.uuid, s.uuid, 16);
	memcpy(fs.meta_uuid, s.uuid, 16);
	r = check_sizes(&s, &fs, e);
	if (!r && version == 5)
		r = check_crc(&fs, e);
	if (!r)
		r = check_groups(&s, &fs, e);
	why->code = 0;
	if (r)
		return r;
	check_device(&s, &fs, why);
	if (!why->code && version == 5)
		features_v5(&s, &fs, why);
	else if (!why->code)
		features_v4(&s, &fs, why);
	if (!why->code)
		r = check_log(&s, &fs, why, e);
	if (r)
		return r;
	name_it(&s, &fs, id);
	*ret = fs;
	return 0;
}
