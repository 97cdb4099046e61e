/* disks-windows.h: the Windows systems of one disk, which is not mounted. */
#ifndef REHOST_DISKS_WINDOWS_H
#define REHOST_DISKS_WINDOWS_H
#include "drivers-inject/session.h"

struct disk_systems {
	size_t n_windows, n_linux; /* systems of each kind that were found      */
};

/* dev: the disk, for writing when edits are to be made; path: as the guest's volumes
 * call it; shown: as the person did. */
int disk_windows(struct session *s, struct blkdev *dev, const char *path, const char *shown,
		 int apply, FILE *people, struct disk_systems *ret, struct err *e) must_check;
#endif
