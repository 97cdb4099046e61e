/* bootplace.h: what file systems say in their own boot sectors of where on the disk
 * they lie; boot code reads it there.  Right for a copy in another place only after
 * it is changed. */
#ifndef REHOST_FS_BOOTPLACE_H
#define REHOST_FS_BOOTPLACE_H
#include "imager/dev/dev.h"

/* An NTFS, FAT or exFAT now begins at byte `start` of its disk.  head: its first
 * bytes, changed there; d: the file system, where NTFS has a backup of the boot
 * sector, which is changed on d.  1: done; 0: it is none of these; <0.
 * *ret_short 1: the place is too far behind for the field, which is left as it was. */
int bootplace_set(uint8_t *head, size_t head_len, struct blkdev *d, uint64_t start,
		  int *ret_short, struct err *e) must_check;

#endif
