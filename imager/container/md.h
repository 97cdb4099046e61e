/* md.h: what the files of the MD reader share.  Linux software RAID: each member has a
 * superblock that describes the array and the member's place in it.
 * Source: Linux' <linux/raid/md_p.h>, drivers/md/md.c and md-bitmap.h; md(4). */
#ifndef REHOST_MD_H
#define REHOST_MD_H
#include "imager/container/container.h"

#define MD_SECTOR 512u
#define MD_LINEAR (-1)
#define MD_AREAS 2
/* How a RAID0 of unequal members is laid out; Linux 5.4 on. */
#define MD_ORIGINAL 1u
#define MD_ALTERNATE 2u

struct md_member {
	char version[8];        /* "0.90", "1.0" ...                          */
	char name[64];          /* "" or "host:name"                          */
	char uuid[40];
	int level;              /* as the kernel counts: -1, 0, 1, 4 ...      */
	uint64_t disks;         /* members that the array has                 */
	uint64_t role;          /* which of them this is, from 0; less than disks unless
				 * `why` says otherwise                       */
	uint64_t events;        /* how often the array's state was written    */
	uint32_t layout;        /* of a RAID0: MD_ORIGINAL, MD_ALTERNATE; 0: not told */
	uint64_t super;         /* byte of the superblock, and its length     */
	uint64_t super_len;
	uint64_t data, room;    /* bytes from where, and how many are for data */
	uint64_t size;          /* of these the array uses (RAID1)            */
	uint64_t chunk;         /* bytes; 0: none                             */
	struct { uint64_t off, len; } area[MD_AREAS]; /* bitmap, log of bad blocks; len 0: none */
	char why[160];          /* why it isn't looked into; "": it may be    */
};

/* FS_NOT_MINE; ERR_CORRUPT: there are superblocks, but they can't be believed. */
int md_super_read(struct blkdev *d, struct md_member *ret, struct err *e) must_check;

/* The versions: each fills *ret for a superblock whose first 4096 bytes are at p; it
 * was read from byte `at`. */
int md_super_0(struct blkdev *d, uint64_t at, const uint8_t *p, struct md_member *ret,
	       struct err *e) must_check;
int md_super_1(struct blkdev *d, uint64_t at, const uint8_t *p, struct md_member *ret,
	       struct err *e) must_check;
#endif
