/* btrfs-super.c: Btrfs superblocks: what they say, and which file systems are
 * not read. */
#include <string.h>
#include "common/text.h"
#include "imager/fs/btrfs.h"

/* Where the copies are, as far as the device reaches. */
static const uint64_t places[] = { 64ull << 10, 64ull << 20, 256ull << 30 };
#define PLACES (sizeof places / sizeof *places)
/* Btrfs keeps nothing below but the superblock; boot loaders do. */
#define RESERVED (1ull << 20)

struct btrfs_super_disk {
	uint8_t csum[32];           /* +0x000 */
	uint8_t fsid[16];           /* +0x020 */
	le64 bytenr;                /* +0x030 where this copy is, bytes */
	le64 flags;                 /* +0x038 */
	uint8_t magic[8];           /* +0x040 */
	le64 generation;            /* +0x048 */
	le64 root, chunk_root, log_root; /* +0x050 logical */
	le64 log_transid;           /* +0x068 not used */
	le64 total_bytes;           /* +0x070 of all devices */
	le64 bytes_used;            /* +0x078 */
	le64 root_dir;              /* +0x080 */
	le64 devices;               /* +0x088 */
	le32 sector_size, node_size, leaf_size, stripe_size; /* +0x090 */
	le32 sys_chunks_len;        /* +0x0a0 */
	le64 chunk_generation;      /* +0x0a4 */
	le64 compat, compat_ro, incompat; /* +0x0ac */
	le16 csum_type;             /* +0x0c4 */
	uint8_t root_level, chunk_level, log_level; /* +0x0c6 */
	le64 devid, dev_bytes;      /* +0x0c9 this device's own item begins */
	uint8_t a[50];              /* +0x0d9 */
	uint8_t dev_uuid[16];       /* +0x10b */
	uint8_t dev_fsid[16];       /* +0x11b */
	uint8_t label[256];         /* +0x12b */
	le64 cache_generation;      /* +0x22b */
	le64 uuid_generation;       /* +0x233 */
	uint8_t metadata_uuid[16];  /* +0x23b */
	uint8_t b[224];             /* +0x24b */
	uint8_t sys_chunks[2048];   /* +0x32b */
	uint8_t c[1237];            /* +0xb2b backup roots */
};
_Static_assert(sizeof(struct btrfs_super_disk) == BTRFS_SUPER_SIZE, "btrfs_super_block");

#define INCOMPAT_MIXED_BACKREF 0x1u
#define INCOMPAT_METADATA_UUID 0x400u
/* with these nothing is different for us: default subvolume, mixed groups, lzo,
 * zstd, big metadata, many links, skinny metadata, no holes, simple quotas */
#define INCOMPAT_FINE (0x2u | 0x4u | 0x8u | 0x10u | 0x20u | 0x40u | 0x100u | 0x200u | 0x10000u)
/* free space tree, and valid; verity; block group tree */
#define COMPAT_RO_FINE (0x1u | 0x2u | 0x4u | 0x8u)
/* written; relocated (never used) */
#define FLAGS_FINE 0x3u

struct bit { uint64_t bit; const char *what; };

static const struct bit incompat_bits[] = {
	{ 0x80, "RAID5 or RAID6" }, { 0x800, "RAID1 with three or four copies" },
	{ 0x1000, "zones" }, { 0x2000, "the extent tree of version 2" },
	{ 0x4000, "the RAID stripe tree" }, { 0 },
};
static const struct bit flag_bits[] = {
	{ 1ull << 2, "the mark that errors were met" },
	{ 1ull << 32, "the mark of a seed device" },
	{ 1ull << 33, "the mark of a dump of metadata" },
	{ 1ull << 34, "the mark of a dump of metadata" },
	{ 1ull << 35, "the mark of a change of its UUID that was not finished" },
	{ 1ull << 36, "the mark of a change of its UUID that was not finished" },
	{ 1ull << 38, "the mark of a change of the block group tree that was not finished" },
	{ 1ull << 39, "the mark of a change of checksums that was not finished" },
	{ 1ull << 40, "the mark of a change of checksums that was not finished" }, { 0 },
};

static void super_get(const struct btrfs_super_disk *s, struct btrfs_super *r)
{
	const uint8_t *uuid;

	memset(r, 0, sizeof *r);
	r->flags = le64_get(s->flags);
	r->generation = le64_get(s->generation);
	r->total_bytes = le64_get(s->total_bytes);
	r->bytes_used = le64_get(s->bytes_used);
	r->devices = le64_get(s->devices);
	r->compat_ro = le64_get(s->compat_ro);
	r->incompat = le64_get(s->incompat);
	r->sector_size = le32_get(s->sector_size);
	r->node_size = le32_get(s->node_size);
	r->csum_type = le16_get(s->csum_type);
	r->root = (struct btrfs_ref){ .at = le64_get(s->root), .generation = r->generation,
		.tree = BTRFS_ROOT_TREE, .level = s->root_level };
	r->chunk_root = (struct btrfs_ref){ .at = le64_get(s->chunk_root),
		.generation = le64_get(s->chunk_generation), .tree = BTRFS_CHUNK_TREE,
		.level = s->chunk_level };
	/* the log belongs to the transaction that was not committed */
	r->log_root = (struct btrfs_ref){ .at = le64_get(s->log_root),
		.generation = r->generation + 1, .tree = BTRFS_LOG_TREE, .level = s->log_level };
	r->devid = le64_get(s->devid);
	r->dev_bytes = le64_get(s->dev_bytes);
	memcpy(r->dev_uuid, s->dev_uuid, sizeof r->dev_uuid);
	memcpy(r->fsid, s->fsid, sizeof r->fsid);
	uuid = r->incompat & INCOMPAT_METADATA_UUID ? s->metadata_uuid : s->fsid;
	memcpy(r->metadata_uuid, uuid, sizeof r->metadata_uuid);
	text_from_bytes(s->label, sizeof s->label, r->label, sizeof r->label);
	r->sys_chunks_len = le32_get(s->sys_chunks_len);
	memcpy(r->sys_chunks, s->sys_chunks, sizeof r->sys_chunks);
}

int btrfs_super_read(struct btrfs *fs, struct err *e)
{
	struct btrfs_super_disk s;
	int r;

	if (fs->d->size < places[0] + sizeof s)
		return FS_NOT_MINE;
	r = dev_read(fs->d, places[0], &s, sizeof s, e);
	if (r < 0)
		return r;
	if (memcmp(s.magic, "_BHRfS_M", 8))
		return FS_NOT_MINE;
	super_get(&s, &fs->super);
	if (!btrfs_csum_known(fs->super.csum_type))
		return err_set(e, ERR_UNSUPPORTED, "the Btrfs superblock has checksums of type %u",
			       fs->super.csum_type);
	if (!btrfs_csum_ok(fs, s.csum, sizeof s))
		return err_set(e, ERR_CORRUPT, "the Btrfs superblock's checksum is wrong");
	if (le64_get(s.bytenr) != places[0])
		return err_set(e, ERR_CORRUPT, "the Btrfs superblock says that it lies at %llu",
			       (unsigned long long)le64_get(s.bytenr));
	return 0;
}

/* Bits beyond those that are fine: named, or by number. */
static int refuse_bits(uint64_t bits, uint64_t fine, const struct bit *known, const char *field,
		       struct err *e)
{
	bits &= ~fine;
	for (; bits && known->bit; known++)
		if (bits & known->bit)
			return err_set(e, ERR_UNSUPPORTED, "this Btrfs has %s, which is not read",
				       known->what);
	if (bits)
		return err_set(e, ERR_UNSUPPORTED, "this Btrfs has unknown %s bits 0x%llx", field,
			       (unsigned long long)bits);
	return 0;
}

static int check_bits(const struct btrfs_super *s, struct err *e)
{
	static const struct bit none[] = { { 0 } };
	int r = refuse_bits(s->incompat, INCOMPAT_FINE | INCOMPAT_MIXED_BACKREF |
			    INCOMPAT_METADATA_UUID, incompat_bits, "incompat feature", e);

	if (!r)
		r = refuse_bits(s->compat_ro, COMPAT_RO_FINE, none, "compat_ro feature", e);
	if (!r)
		r = refuse_bits(s->flags, FLAGS_FINE, flag_bits, "flag", e);
	if (!r && !(s->incompat & INCOMPAT_MIXED_BACKREF))
		r = err_set(e, ERR_UNSUPPORTED, "this Btrfs is of a version before Linux 2.6.31");
	return r;
}

static int power_of_two(uint32_t n, uint32_t min, uint32_t max)
{
	return n >= min && n <= max && !(n & (n - 1));
}

static int check_numbers(const struct btrfs *fs, struct err *e)
{
	const struct btrfs_super *s = &fs->super;

	if (!power_of_two(s->sector_size, 4096, 65536) ||
	    !power_of_two(s->node_size, s->sector_size, BTRFS_NODE_MAX))
		return err_set(e, ERR_CORRUPT, "the Btrfs superblock has sectors of %u and nodes of %u bytes",
			       s->sector_size, s->node_size);
	if (s->devices != 1)
		return err_set(e, ERR_UNSUPPORTED, "this Btrfs is on %llu devices, of which this is one",
			       (unsigned long long)s->devices);
	if (!s->devid)
		return err_set(e, ERR_UNSUPPORTED, "it is the target of a device replacement that was not finished");
	if (s->dev_bytes > fs->d->size)
		return err_set(e, ERR_CORRUPT, "the file system has %llu bytes, but there are only %llu",
			       (unsigned long long)s->dev_bytes, (unsigned long long)fs->d->size);
	if (s->root.level >= BTRFS_LEVELS || s->chunk_root.level >= BTRFS_LEVELS ||
	    s->log_root.level >= BTRFS_LEVELS || s->sys_chunks_len > sizeof s->sys_chunks)
		return err_set(e, ERR_CORRUPT, "the Btrfs superblock has impossible numbers");
	return 0;
}

static int same_ref(const struct btrfs_ref *a, const struct btrfs_ref *b)
{
	return a->at == b->at && a->generation == b->generation && a->level == b->level;
}

/* A copy that leads to other trees: were it used one day, by a repair, its
 * blocks would be missing.  What is no valid superblock of this file system is
 * an older one's, or nothing.  (An fsync writes the first one alone, so the
 * log may differ.) */
static int check_copy(struct btrfs *fs, uint64_t at, struct err *e)
{
	struct btrfs_super_disk s;
	struct btrfs_super copy;

	if (at + sizeof s > fs->super.dev_bytes || dev_read(fs->d, at, &s, sizeof s, NULL) < 0)
		return 0;
	super_get(&s, &copy);
	if (memcmp(s.magic, "_BHRfS_M", 8) || memcmp(copy.fsid, fs->super.fsid, 16) ||
	    copy.csum_type != fs->super.csum_type || le64_get(s.bytenr) != at ||
	    !btrfs_csum_ok(fs, s.csum, sizeof s))
		return 0;
	if (!same_ref(&copy.root, &fs->super.root) ||
	    !same_ref(&copy.chunk_root, &fs->super.chunk_root))
		return err_set(e, ERR_CORRUPT,
			       "the Btrfs superblock at %llu is of generation %llu, the first one of %llu; mount it once",
			       (unsigned long long)at, (unsigned long long)copy.generation,
			       (unsigned long long)fs->super.generation);
	return 0;
}

int btrfs_super_check(struct btrfs *fs, struct err *e)
{
	int r = check_bits(&fs->super, e);

	if (!r)
		r = check_numbers(fs, e);
	for (size_t i = 1; i < PLACES && !r; i++)
		r = check_copy(fs, places[i], e);
	return r;
}

int btrfs_super_ranges(const struct btrfs *fs, struct ranges *l, struct err *e)
{
	int r = ranges_add(l, 0, RESERVED, e);

	for (size_t i = 1; i < PLACES && !r; i++)
		if (places[i] + BTRFS_SUPER_SIZE <= fs->super.dev_bytes)
			r = ranges_add(l, places[i], places[i] + BTRFS_SUPER_SIZE, e);
	return r;
}
