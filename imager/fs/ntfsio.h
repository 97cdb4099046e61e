/* ntfsio.h: NTFS volumes on a blkdev, for libntfs-3g.  Read-only by default: the
 * volume is mounted so, and the device below has no way to write (EROFS). */
#ifndef REHOST_NTFSIO_H
#define REHOST_NTFSIO_H
/* libntfs-3g's headers want to be told that these exist (its own config.h
 * does); include this header before others of <ntfs-3g/...>. */
#define HAVE_STDARG_H 1
#define HAVE_STDDEF_H 1
#define HAVE_STDINT_H 1
#define HAVE_STDIO_H 1
#define HAVE_SYS_STAT_H 1
#define HAVE_SYS_TYPES_H 1
#define HAVE_TIME_H 1
#define HAVE_FFS 1
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <ntfs-3g/types.h>
#include <ntfs-3g/volume.h>
#include "imager/dev/dev.h"

/* Mounts (in this process only) the volume that fills d.  d stays the
 * caller's and must outlive *ret.  Hibernated and dirty volumes mount too:
 * the caller asks about that where it matters.
 * ERR_NOT_FOUND: sector 0 is not that of an NTFS volume.  ERR_CORRUPT,
 * ERR_IO, ERR_NOMEM as usual. */
int ntfsio_mount(struct blkdev *d, ntfs_volume **ret,
		 struct err *e) must_check;

/* The same to write to it: only ntfsrw.c does that, over a device that keeps all
 * writes back.  ERR_REFUSED: d can't be written, or $LogFile isn't clean. */
int ntfsio_mount_rw(struct blkdev *d, ntfs_volume **ret, struct err *e) must_check;

/* Takes NULL; returns NULL.  Close inodes and attributes of it before. */
ntfs_volume *ntfsio_umount(ntfs_volume *vol);
/* The same, and tells whether all was written. */
int ntfsio_finish(ntfs_volume *vol, struct err *e) must_check;

/* Turns the errno that a libntfs-3g call on vol left into a code, and fills e
 * with "NAME: WHAT: reason"; the device's own message when a read failed. */
int ntfsio_err(ntfs_volume *vol, int errnum, struct err *e, const char *what);

#endif
