/* ntfsstate.h: in what state Windows left an NTFS volume. */
#ifndef REHOST_NTFSSTATE_H
#define REHOST_NTFSSTATE_H
#include "imager/fs/ntfsio.h"

enum ntfs_log {
	NTFS_LOG_CLEAN,
	NTFS_LOG_UNCLEAN,       /* it holds what isn't in place yet           */
	NTFS_LOG_CACHED,        /* version 2.0, which a clean dismount by Windows 8
				 * or later puts back to 1.1: still mounted by a
				 * hibernated system, or the power went      */
};

/* <0: an error. */
int ntfs_log_state(ntfs_volume *vol, enum ntfs_log *ret, struct err *e) must_check;
/* What hiberfil.sys begins with; 1 in *ret: a session that Windows would go on
 * with ("fast startup" makes one at the usual shutdown). */
int ntfs_hibernated(ntfs_volume *vol, int *ret, struct err *e) must_check;

#define NTFS_EVEN_DIRTY 1u      /* somebody agreed; the flag stays set        */
#define NTFS_EVEN_HIBERNATED 2u /* to remove the session                      */

/* May it be written to by us?  0, or ERR_REFUSED with the ways out. */
int ntfs_may_write(ntfs_volume *vol, unsigned int even, struct err *e) must_check;
/* Is d perhaps an encrypted volume?  ERR_REFUSED with the way out, else 0. */
int ntfs_not_locked(struct blkdev *d, struct err *e) must_check;
#endif
