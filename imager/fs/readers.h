/* readers.h: the table's entries, and what is only recognised. */
#ifndef REHOST_FS_READERS_H
#define REHOST_FS_READERS_H
#include "imager/fs/fsread.h"

extern const struct fs_reader fs_ext, fs_xfs, fs_btrfs, fs_ntfs, fs_fat, fs_exfat,
	fs_f2fs, fs_swap;

/* Names what lies here though no reader knows its used blocks: encrypted,
 * RAID and LVM members, other file systems.  0 or FS_NOT_MINE.  An unreadable
 * place counts as not recognised. */
int fs_known(struct blkdev *d, struct fs_ident *ret) must_check;

#endif
