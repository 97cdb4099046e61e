/* root-ntfs.h: a Windows volume as a guest's tree, without being mounted: by
 * libntfs-3g on a block device or file (imager/fs/ntfsrw.h). */
#ifndef REHOST_ROOT_NTFS_H
#define REHOST_ROOT_NTFS_H
#include "drivers-inject/root.h"
#include "imager/dev/dev.h"

#define ROOT_NTFS_EVEN_DIRTY 1u /* somebody agreed to write to a volume that is
				 * marked dirty; the mark stays            */

/* d is the volume (dev_window for a partition) and stays the caller's.  When it
 * was opened for writing (dev_open_rw, with the guard's token): an edit that was
 * interrupted is finished, then ERR_REFUSED with the ways out for a volume that is
 * hibernated, unclean, dirty, locked (BitLocker) or not known.  Else the tree is
 * for reading only.  ERR_NOT_FOUND: not NTFS. */
int root_ntfs_open(struct blkdev *d, unsigned int flags, struct root **ret,
		   struct err *e) must_check;

/* Only with consent: Windows' hibernated session (fast startup, too) is thrown
 * away, with what it hadn't saved.  See ntfsrw_forget_hibernation(). */
int root_ntfs_forget_hibernation(struct blkdev *d, struct err *e) must_check;
#endif
