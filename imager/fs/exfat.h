/* exfat.h: what the files of the exFAT reader share: the volume, and chains of
 * clusters.  Layout: Microsoft's "exFAT file system specification", 1.00. */
#ifndef REHOST_FS_EXFAT_H
#define REHOST_FS_EXFAT_H
#include "common/le.h"
#include "imager/fs/ranges.h"

struct exfat_boot_disk {
	uint8_t jump[3];           /* +0x00 eb 76 90                          */
	uint8_t name[8];           /* +0x03 "EXFAT   "                        */
	uint8_t zero[53];          /* +0x0b where FAT has its own fields      */
	le64 partition;            /* +0x40 sectors; may be of another disk   */
	le64 sectors;              /* +0x48 of the volume                     */
	le32 fat_offset;           /* +0x50 sectors                           */
	le32 fat_sectors;          /* +0x54                                   */
	le32 heap_offset;          /* +0x58 sectors; of cluster 2             */
	le32 clusters;             /* +0x5c */
	le32 root;                 /* +0x60 first cluster of the root         */
	uint8_t serial[4];         /* +0x64 */
	le16 revision;             /* +0x68 0x100                             */
	le16 flags;                /* +0x6a below                          */
	uint8_t sector_shift;      /* +0x6c 9 to 12                           */
	uint8_t cluster_shift;     /* +0x6d sectors; with the above up to 25  */
	uint8_t fats;              /* +0x6e 2 with TexFAT only                */
	uint8_t drive, percent;    /* +0x6f */
	uint8_t reserved[7];       /* +0x71 */
};
_Static_assert(sizeof(struct exfat_boot_disk) == 0x78, "exFAT 3.1");

enum { EXFAT_SECOND_FAT = 1, EXFAT_DIRTY = 2, EXFAT_MEDIA_FAILURE = 4 };

struct exfat_entry_disk {          /* of a directory: what has clusters       */
	uint8_t type;              /* +0x00 EXFAT_ENTRY_*                     */
	uint8_t flags;             /* +0x01 of a label: its length in units   */
	uint8_t a[18];             /* +0x02 */
	le32 cluster;              /* +0x14 first one                         */
	le64 length;               /* +0x18 bytes                             */
};
_Static_assert(sizeof(struct exfat_entry_disk) == 32, "exFAT 6.2, 6.4, 7.1");

enum { EXFAT_ENTRY_END = 0, EXFAT_ENTRY_BITMAP = 0x81, EXFAT_ENTRY_UPCASE = 0x82,
       EXFAT_ENTRY_LABEL = 0x83 };

/* What the specification allows a directory, bytes. */
#define EXFAT_DIRECTORY_MAX (256ull << 20)
#define EXFAT_BOOT_SECTORS 12u     /* a boot region; the backup follows       */
#define EXFAT_WINDOW 4096u         /* entries' bytes that are read at once    */

struct exfat {
	struct blkdev *d;
	struct exfat_boot_disk b;
	uint32_t sector_size, cluster_size;
	uint64_t size, fat_start, fat_size, heap; /* bytes */
	uint64_t clusters;         /* numbered from 2                         */
	uint64_t window;           /* offset in the FAT of what buf has       */
	size_t window_len;         /* bytes of it; 0: nothing                 */
	uint8_t buf[EXFAT_WINDOW];
};

static inline uint64_t exfat_at(const struct exfat *x, uint64_t cluster)
{
	return x->heap + (cluster - 2) * x->cluster_size;
}

/* FS_NOT_MINE, or *x filled; only the boot sector is looked at. */
int exfat_load(struct blkdev *d, struct exfat *x, struct err *e) must_check;
/* The checksum of the boot region: ERR_CORRUPT if it is wrong. */
int exfat_check_boot(struct exfat *x, struct err *e) must_check;
int exfat_damaged(struct err *e, const char *what); /* ERR_CORRUPT */
/* The FAT's entry of a cluster below clusters + 2. */
int exfat_entry(struct exfat *x, uint64_t cluster, uint32_t *ret, struct err *e) must_check;

/* Clusters that follow each other: of a bitmap, a directory, a file. */
struct exfat_chain {
	uint64_t first, n;         /* a run in one piece                      */
	uint64_t next;             /* 0: the chain has ended                  */
	uint64_t left;             /* clusters that may still come            */
	int one_piece;             /* the FAT has nothing about them          */
};

/* max: bytes that the chain may have; more, or a circle, is damage.  Where there is
 * one piece the caller sets one_piece, and max is its size. */
void exfat_chain_begin(const struct exfat *x, uint64_t cluster, uint64_t max,
		       struct exfat_chain *ret);
/* The next run, c->n clusters from c->first on: at most what `bytes` need.
 * 1: there is one; 0: the chain has ended. */
int exfat_chain_run(struct exfat *x, struct exfat_chain *c, uint64_t bytes,
		    struct err *e) must_check;
/* Calls `one` for each entry of a directory up to its end; what it returns, if not
 * 0, stops that and is returned. */
typedef int exfat_entry_fn(void *ctx, const struct exfat_entry_disk *v, struct err *e);
int exfat_each_entry(struct exfat *x, struct exfat_chain *c, exfat_entry_fn *one,
		     void *ctx, struct err *e) must_check;

/* Adds to ret, bytes, what the entries of all directories say they have; not what
 * only the bitmap has.  *ret_all 0: that is not all, as there was too much. */
int exfat_tree(struct exfat *x, struct ranges *ret, int *ret_all, struct err *e) must_check;

#endif
