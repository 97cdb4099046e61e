/* cabinet.h: one file out of a cabinet (.cab, x.sy_) that lies on the guest's volume.
 *
 * By libmspack, which knows all ways of packing that Windows' own cabinets use
 * (driver.cab: LZX), reading piece by piece: driver.cab has 70 MB. */
#ifndef REHOST_CABINET_H
#define REHOST_CABINET_H
#include "drivers-inject/tree.h"

/* The largest file that is taken out of one: kernels have 2 MB, drivers up to 10. */
#define CABINET_FILE_MAX (32u << 20)
/* What lies before it in the same folder is unpacked on the way there: all of XP's
 * driver.cab has 180 MB. */
#define CABINET_BEFORE_MAX (512u << 20)

/* name: without directories, case is ignored.  ERR_NOT_FOUND: no such cabinet, or no
 * such file in it.  ERR_CORRUPT: it can't be unpacked. */
int cabinet_read(struct tree *t, const char *path, const char *name, uint8_t **ret,
		 size_t *ret_n, struct err *e) must_check;

#endif
