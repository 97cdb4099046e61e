/* f2fs-vol.c: an F2FS volume's superblock. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "common/text.h"
#include "imager/fs/f2fs.h"
#include "imager/fs/f2fscrc.h"

#define SUPER_AT 1024u             /* bytes, in block 0; its copy in block 1  */

struct f2fs_super_disk {
	le32 magic;                /* +0x000 */
	le16 major, minor;         /* +0x004 */
	le32 log_sector;           /* +0x008 */
	le32 log_sectors;          /* +0x00c a block's                        */
	le32 log_block;            /* +0x010 12                               */
	le32 log_segment;          /* +0x014 blocks: 9                        */
	le32 section, zone;        /* +0x018 segments, sections               */
	le32 crc_offset;           /* +0x020 */
	le64 blocks;               /* +0x024 of the volume                    */
	le32 sections;             /* +0x02c */
	le32 segments;             /* +0x030 */
	/* of the areas: segments, then first blocks */
	le32 cp_n, sit_n, nat_n, ssa_n, main_n; /* +0x034 */
	le32 segment0;             /* +0x048 */
	le32 cp, sit, nat, ssa, main; /* +0x04c */
	le32 root, node, meta;     /* +0x060 inode numbers                    */
	uint8_t uuid[16];          /* +0x06c */
	uint8_t label[1024];       /* +0x07c UTF-16LE                         */
	le32 extensions;           /* +0x47c */
	uint8_t extension[512];    /* +0x480 */
	le32 payload;              /* +0x680 */
	uint8_t versions[512];     /* +0x684 */
	le32 features;             /* +0x884 */
	uint8_t encryption[17];    /* +0x888 */
	struct {
		uint8_t path[64];
		le32 segments;
	} device[8];               /* +0x899 */
	uint8_t quota[12];         /* +0xab9 */
	uint8_t hot_extensions;    /* +0xac5 */
	uint8_t encoding[4];       /* +0xac6 */
	uint8_t stops[32];         /* +0xaca why it stopped writing           */
	uint8_t errors[16];        /* +0xaea damage that the kernel has seen  */
	uint8_t b[258];            /* +0xafa */
	le32 crc;                  /* +0xbfc */
};
_Static_assert(sizeof(struct f2fs_super_disk) == 0xc00, "f2fs_fs.h");

enum {
	FEATURE_ZONED = 0x2,
	FEATURE_SUPER_CRC = 0x800,
	/* encryption, zones, atomic writes, extra attributes, project quotas,
	 * checksums of inodes, extended attributes of any size, quota files,
	 * times of creation, lost+found, verity, the superblock's checksum,
	 * casefolding, compression, read-only */
	FEATURES_KNOWN = 0x7fff
};

int f2fs_damaged(struct err *e, const char *what)
{
	return err_set(e, ERR_CORRUPT, "the F2FS file system is damaged (%s); run fsck.f2fs on it",
		       what);
}

/* Areas touch, and the SIT has an entry for each segment; summaries are needed for
 * writing only. */
static int areas_are_sound(const struct f2fs_super_disk *s, uint64_t blocks)
{
	const uint64_t seg = F2FS_SEGMENT, entries = F2FS_BLOCK / sizeof(struct f2fs_sit_disk);
	uint64_t cp_n = le32_get(s->cp_n), sit_n = le32_get(s->sit_n);
	uint64_t nat_n = le32_get(s->nat_n), ssa_n = le32_get(s->ssa_n);
	uint64_t main_n = le32_get(s->main_n), cp = le32_get(s->cp);

	return cp >= 2 && cp_n == 2 && sit_n && !(sit_n % 2) && main_n &&
	       le32_get(s->sit) == cp + cp_n * seg &&
	       le32_get(s->nat) == le32_get(s->sit) + sit_n * seg &&
	       le32_get(s->ssa) == le32_get(s->nat) + nat_n * seg &&
	       le32_get(s->main) == le32_get(s->ssa) + ssa_n * seg &&
	       (main_n <= ssa_n * seg || (!ssa_n && le32_get(s->features) & F2FS_FEATURE_RO)) &&
	       main_n <= sit_n / 2 * seg * entries &&
	       blocks <= UINT64_MAX / F2FS_BLOCK &&
	       le32_get(s->main) + main_n * seg <= blocks &&
	       le32_get(s->payload) <= F2FS_PAYLOAD_MAX;
}

static int check_super(const struct f2fs_super_disk *s, struct err *e)
{
	uint32_t features = le32_get(s->features);

	if (le32_get(s->log_block) != 12 || le32_get(s->log_segment) != 9)
		return err_set(e, ERR_UNSUPPORTED,
			       "F2FS with blocks of 1 << %u bytes, segments of 1 << %u blocks, is not read",
			       le32_get(s->log_block), le32_get(s->log_segment));
	if (features & ~(uint32_t)FEATURES_KNOWN)
		return err_set(e, ERR_UNSUPPORTED, "F2FS with the features 0x%x is not known",
			       features & ~(uint32_t)FEATURES_KNOWN);
	if (features & FEATURE_SUPER_CRC &&
	    (le32_get(s->crc_offset) != offsetof(struct f2fs_super_disk, crc) ||
	     f2fs_crc(F2FS_MAGIC, s, offsetof(struct f2fs_super_disk, crc)) != le32_get(s->crc)))
		return f2fs_damaged(e, "its superblock's checksum");
	if (features & FEATURE_ZONED)
		return err_set(e, ERR_UNSUPPORTED, "F2FS on a zoned device is not read");
	if (s->device[0].path[0] || s->device[1].path[0])
		return err_set(e, ERR_UNSUPPORTED, "F2FS over several devices is not read");
	if (!areas_are_sound(s, le64_get(s->blocks)))
		return f2fs_damaged(e, "where its areas lie");
	for (size_t i = 0; i < sizeof s->errors; i++)
		if (s->errors[i])
			return f2fs_damaged(e, "Linux has marked it so");
	return 0;
}

static int read_super(struct blkdev *d, struct f2fs_super_disk *ret, struct err *e)
{
	int r;

	if (d->size < SUPER_AT + sizeof *ret)
		return FS_NOT_MINE;
	r = dev_read(d, SUPER_AT, ret, sizeof *ret, e);
	if (r < 0)
		return r;
	return le32_get(ret->magic) == F2FS_MAGIC ? 0 : FS_NOT_MINE;
}

int f2fs_name(struct blkdev *d, struct fs_ident *ret, struct err *e)
{
	struct f2fs_super_disk s;
	uint64_t blocks;
	uint32_t shift;
	int r = read_super(d, &s, e);

	if (r)
		return r;
	*ret = (struct fs_ident){ 0 };
	snprintf(ret->type, sizeof ret->type, "f2fs");
	text_from_uuid(s.uuid, ret->uuid);
	text_from_utf16le(s.label, sizeof s.label / 2, ret->label, sizeof ret->label);
	blocks = le64_get(s.blocks);
	shift = le32_get(s.log_block);
	if (shift < 32 && blocks <= UINT64_MAX >> shift)
		ret->fs_size = blocks << shift;
	return 0;
}

int f2fs_load(struct blkdev *d, struct f2fs *ret, struct err *e)
{
	struct f2fs_super_disk s;
	int r = read_super(d, &s, e);

	if (r)
		return r < 0 ? r : err_set(e, ERR_CORRUPT, "the F2FS superblock is gone");
	r = check_super(&s, e);
	if (r < 0)
		return r;
	*ret = (struct f2fs){
		.d = d, .features = le32_get(s.features),
		.cp = le32_get(s.cp), .sit = le32_get(s.sit), .nat = le32_get(s.nat),
		.ssa = le32_get(s.ssa), .main = le32_get(s.main),
		.segments = le32_get(s.main_n),
		.sit_blocks = le32_get(s.sit_n) / 2 * F2FS_SEGMENT,
		.payload = le32_get(s.payload), .blocks = le64_get(s.blocks)
	};
	return 0;
}
