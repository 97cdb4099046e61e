/* f2fs.h: what the files of the F2FS reader share: the volume, and its newest
 * checkpoint.  Layout: Linux' include/linux/f2fs_fs.h and
 * Documentation/filesystems/f2fs.rst. */
#ifndef REHOST_FS_F2FS_H
#define REHOST_FS_F2FS_H
#include "common/le.h"
#include "imager/fs/fsread.h"

#define F2FS_BLOCK 4096u
#define F2FS_SEGMENT 512u          /* blocks; a segment's bitmap has as many bits */
/* What is kept free of a checkpoint's segment for its other blocks: bounds the
 * blocks that bitmaps take. */
#define F2FS_PAYLOAD_MAX (F2FS_SEGMENT - 8)

enum { F2FS_FEATURE_RO = 0x4000, F2FS_CP_UMOUNT = 1 };

struct f2fs {
	struct blkdev *d;
	uint32_t features;
	/* block numbers; the areas follow each other in this order */
	uint32_t cp, sit, nat, ssa, main;
	uint32_t segments;         /* of the main area                        */
	uint32_t sit_blocks;       /* of each of the two copies               */
	uint32_t payload;          /* blocks of bitmaps behind a checkpoint's first */
	uint64_t blocks;           /* of the volume                           */
};

struct f2fs_cp_disk {
	le64 version;              /* +0x00 the newer checkpoint has the higher */
	le64 user_blocks;          /* +0x08 */
	le64 valid_blocks;         /* +0x10 with what is reserved only        */
	le32 reserved, overprovision, free; /* +0x18 segments */
	le32 node_segment[8];      /* +0x24 being filled: hot, warm, cold     */
	le16 node_offset[8];       /* +0x44 its next free block               */
	le32 data_segment[8];      /* +0x54 */
	le16 data_offset[8];       /* +0x74 */
	le32 flags;                /* +0x84 CP_* in f2fs-cp.c                 */
	le32 total;                /* +0x88 blocks of this checkpoint         */
	le32 start_sum;            /* +0x8c its first summary block           */
	le32 valid_nodes;          /* +0x90 */
	le32 valid_inodes;         /* +0x94 */
	le32 next_nid;             /* +0x98 */
	le32 sit_bytes;            /* +0x9c of the SIT's bitmap               */
	le32 nat_bytes;            /* +0xa0 */
	le32 crc_offset;           /* +0xa4 */
	le64 elapsed;              /* +0xa8 */
	uint8_t alloc[16];         /* +0xb0 */
	/* the bitmaps of SIT and NAT */
};
_Static_assert(sizeof(struct f2fs_cp_disk) == 0xc0, "f2fs_fs.h");

struct f2fs_sit_disk {
	le16 valid;                /* +0x00 count in 10 bits, then the type   */
	uint8_t map[64];           /* +0x02 highest bit of a byte first       */
	le64 mtime;                /* +0x42 */
};
_Static_assert(sizeof(struct f2fs_sit_disk) == 74, "f2fs_fs.h");

/* A segment's entry that is newer than the SIT's. */
struct f2fs_sit_journal_disk {
	le32 segment;              /* +0x00 */
	struct f2fs_sit_disk entry; /* +0x04 */
};
_Static_assert(sizeof(struct f2fs_sit_journal_disk) == 78, "f2fs_fs.h");
#define F2FS_JOURNAL_MAX 6u        /* as many fit into 505 bytes              */

struct f2fs_cp {
	struct f2fs_cp_disk c;
	uint64_t start;            /* its first block                         */
	uint8_t *blocks;           /* the first, and the payload              */
	const uint8_t *sit_map;    /* in blocks: which copy of a SIT block counts */
	struct f2fs_sit_journal_disk journal[F2FS_JOURNAL_MAX];
	unsigned int n_journal;
};

/* FS_NOT_MINE, or *ret filled; of volumes that are not read, too. */
int f2fs_name(struct blkdev *d, struct fs_ident *ret, struct err *e) must_check;
/* Refuses what is damaged or not known. */
int f2fs_load(struct blkdev *d, struct f2fs *ret, struct err *e) must_check;
/* The newest checkpoint that is whole, with its journal.  Refuses what a mount
 * would change before it believes the SIT.  f2fs_cp_done frees. */
int f2fs_cp_load(const struct f2fs *f, struct f2fs_cp *ret, struct err *e) must_check;
void f2fs_cp_done(struct f2fs_cp *c);
int f2fs_damaged(struct err *e, const char *what); /* ERR_CORRUPT */
/* The block from which a mount would look for nodes written after the
 * checkpoint; 0 if it doesn't. */
uint64_t f2fs_next_node(const struct f2fs *f, const struct f2fs_cp *c);

#endif
