/* fat.h: what the files of the FAT reader share. */
#ifndef REHOST_FS_FAT_H
#define REHOST_FS_FAT_H
#include "common/le.h"
#include "imager/fs/ranges.h"

struct fat {
	struct blkdev *d;
	unsigned int bits;           /* 12, 16, 32                         */
	unsigned int fats;           /* copies of the FAT                  */
	uint8_t media;
	uint32_t sector_size, cluster_size; /* bytes                       */
	uint64_t sectors;            /* of the whole file system           */
	uint64_t fat_start, fat_size;/* bytes; of the first copy           */
	uint64_t root_start, data_start; /* bytes                          */
	uint64_t clusters;           /* numbered from 2                    */
	uint32_t root_cluster;       /* FAT32                              */
};

struct fat_dirent_disk {
	uint8_t name[11];            /* +0x00 8 + 3, upper case, spaces    */
	uint8_t attrs;               /* +0x0b FAT_*                        */
	uint8_t lower;               /* +0x0c 8: name, 0x10: extension in lower case */
	uint8_t a[7];                /* +0x0d */
	le16 cluster_hi;             /* +0x14 */
	uint8_t b[4];                /* +0x16 */
	le16 cluster_lo;             /* +0x1a */
	le32 size;                   /* +0x1c bytes */
};
_Static_assert(sizeof(struct fat_dirent_disk) == 32, "FAT 1.03");
enum { FAT_LABEL = 0x08, FAT_DIRECTORY = 0x10, FAT_LONG_NAME = 0x0f };

/* FS_NOT_MINE, or *ret (and *id, if not NULL) filled. */
int fat_load(struct blkdev *d, struct fat *ret, struct fs_ident *id,
	     struct err *e) must_check;
/* Entry i of a piece of a FAT that begins at an even entry. */
uint32_t fat_entry(const struct fat *f, const uint8_t *buf, size_t i);
static inline uint64_t fat_cluster_at(const struct fat *f, uint64_t cluster)
{
	return f->data_start + (cluster - 2) * f->cluster_size;
}
/* The entry of a cluster in the first FAT; 0 if it can't be read. */
uint32_t fat_next(const struct fat *f, uint64_t cluster);
int fat_is_end(const struct fat *f, uint32_t v); /* 1: the chain ends here */
int fat_is_cluster(const struct fat *f, uint64_t c);
int fat_dirty(const struct fat *f); /* 1: not unmounted cleanly              */
/* Windows' page and hibernation files in the root directory: their clusters
 * but the first 64 KiB are added to cut.  A file that is not sound is kept. */
int fat_page_files(const struct fat *f, struct ranges *cut,
		   const struct fs_notes *notes, struct err *e) must_check;

#endif
