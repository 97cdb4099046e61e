/* ntfsrw.h: an NTFS volume that is changed without being mounted by the kernel.
 *
 * libntfs-3g writes metadata in place, in an order that a loss of power makes
 * unreadable (a $MFTMirr that differs is enough).  So every edit runs over a
 * device that keeps its writes in memory (imager/dev/redo.h), and comes onto the
 * disk as a whole or not at all.
 *
 * $LogFile is never touched: a volume whose log isn't clean is refused.  The
 * volume is marked dirty while an edit's writes are being made, so that a Windows
 * that starts in between checks it; then the flag is as it was. */
#ifndef REHOST_NTFSRW_H
#define REHOST_NTFSRW_H
#include "imager/fs/ntfsstate.h"

struct ntfsrw;

/* d: what dev_open_rw() gave, or a part of it; it stays the caller's.  An edit
 * that was interrupted is finished first; then see ntfs_may_write().  even:
 * NTFS_EVEN_*.  When d can't be written: for reading only, in any state.
 * ERR_NOT_FOUND: no NTFS. */
int ntfsrw_open(struct blkdev *d, unsigned int even, struct ntfsrw **ret,
		struct err *e) must_check;
struct ntfsrw *ntfsrw_close(struct ntfsrw *w); /* takes NULL, returns NULL */

/* Only the first of it: an edit that was interrupted is finished, which the library that
 * looks for systems can't wait for: it may be unable to open the volume till then.  When d
 * can't be written, ERR_REFUSED where there is one.  0 for what isn't NTFS. */
int ntfsrw_finish(struct blkdev *d, struct err *e) must_check;

/* As it is now, for reading; good until the next edit.  ERR_*: it can't be
 * opened any more. */
int ntfsrw_view(struct ntfsrw *w, ntfs_volume **ret, struct err *e) must_check;
/* change makes its changes through vol; all of them are on the disk, flushed,
 * when this returns 0.  Else none is, or, when writing them failed halfway, the
 * next edit or opening finishes them first (e says so). */
int ntfsrw_edit(struct ntfsrw *w, int (*change)(ntfs_volume *vol, void *ctx, struct err *e),
		void *ctx, struct err *e) must_check;

/* Takes away the session that a hibernated Windows would go on with: hiberfil.sys
 * is removed.  What that session hadn't saved is lost; only with consent.  Its log
 * must be clean, else ERR_REFUSED as above. */
int ntfsrw_forget_hibernation(struct blkdev *d, struct err *e) must_check;
#endif
