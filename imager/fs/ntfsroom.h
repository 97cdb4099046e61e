/* ntfsroom.h: bytes of an NTFS volume that are nobody's, for the log of an edit
 * (imager/dev/redo.h) and its mark. */
#ifndef REHOST_NTFSROOM_H
#define REHOST_NTFSROOM_H
#include "imager/dev/redo.h"
#include "imager/fs/ntfsio.h"

#define NTFS_MARKS_MAX 2

/* Where a mark may be: the last sector before the backup boot sector, when no
 * cluster reaches so far; the last of the 16 sectors of $Boot.  Ascending wish. */
int ntfs_mark_places(struct blkdev *d, uint64_t ret[NTFS_MARKS_MAX], size_t *ret_n,
		     struct err *e) must_check;
/* The first of them that holds nothing. */
int ntfs_mark_choose(struct blkdev *d, uint64_t *ret, struct err *e) must_check;
/* Clusters that are free both on the device below and after the edit: at least
 * need bytes, from the volume's end down.  vol is mounted over redo. */
int ntfs_room(ntfs_volume *vol, struct blkdev *redo, uint64_t need,
	      struct redo_extent ret[REDO_EXTENTS_MAX], size_t *ret_n, struct err *e) must_check;

struct ntfs_free {
	ntfs_volume *vol;       /* mounted over redo                         */
	struct blkdev *redo;
};
/* For dev_redo_early(), with a struct ntfs_free: has none of the clusters that these
 * bytes lie in a user on the device below? */
int ntfs_was_free(void *ctx, uint64_t off, uint32_t len, int *ret, struct err *e) must_check;
#endif
