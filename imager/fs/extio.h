/* extio.h: ext2/3/4 file systems on a blkdev, for libext2fs.  Read-only: the
 * channel has no way to write, and says EXT2_ET_RO_FILSYS when asked to. */
#ifndef REHOST_EXTIO_H
#define REHOST_EXTIO_H
#include <ext2fs/ext2fs.h>
#include "imager/dev/dev.h"

/* Opens the file system that fills d.  d stays the caller's and must outlive
 * *ret.  flags: EXT2_FLAG_* beside EXT2_FLAG_64BITS, which is always set;
 * EXT2_FLAG_RW is refused (ERR_INTERNAL).
 * superblock, block_size: 0, or where a backup superblock lies, as for
 * ext2fs_open2 (in blocks of block_size bytes).
 * ERR_NOT_FOUND: no ext superblock there.  ERR_UNSUPPORTED: a feature that
 * this libext2fs doesn't know.  ERR_CORRUPT, ERR_IO, ERR_NOMEM as usual. */
int extio_open(struct blkdev *d, int flags, uint64_t superblock,
	       unsigned int block_size, ext2_filsys *ret,
	       struct err *e) must_check;

/* Takes NULL; returns NULL.  Nothing is written, whatever the state. */
ext2_filsys extio_close(ext2_filsys fs);

/* Turns what a libext2fs call on fs returned into a code, and fills e with
 * "NAME: WHAT: reason"; the device's own message when a read failed. */
int extio_err(ext2_filsys fs, errcode_t rc, struct err *e, const char *what);

#endif
