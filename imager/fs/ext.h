/* ext.h: what the files of the ext reader share. */
#ifndef REHOST_FS_EXT_H
#define REHOST_FS_EXT_H
#include <ext2fs/ext2fs.h>
#include "imager/fs/ranges.h"

/* A journal that waits to be replayed. */
struct ext_journal;

/* Reads the log as a replay would.  d is the device of fs; it must outlive
 * *ret, fs need not.  Refuses (ERR_UNSUPPORTED, ERR_CORRUPT) a journal that it
 * can't follow. */
int ext_journal_open(ext2_filsys fs, struct blkdev *d, struct ext_journal **ret,
		     struct err *e) must_check;
/* d as it will be after the replay; belongs to j.  Read-only. */
struct blkdev *ext_journal_replayed(struct ext_journal *j);
/* Ors what the disk has now at block `at`, and every copy of it in the log,
 * into map (one block). */
int ext_journal_or(struct ext_journal *j, uint64_t at, uint8_t *map,
		   struct err *e) must_check;
struct ext_journal *ext_journal_close(struct ext_journal *j);

/* Is every block that an inode refers to marked in the bitmaps, or in meta
 * (bytes, sorted)?  d: what fs was opened over.  *ret_all 0: only a part was looked at, as there was too
 * much to read.  ERR_CORRUPT: no. */
int ext_inodes_check(ext2_filsys fs, struct blkdev *d, const struct ranges *meta,
		     int *ret_all, struct err *e) must_check;

#endif
