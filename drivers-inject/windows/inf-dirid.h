/* inf-dirid.h: the numbers by which INF files name directories. */
#ifndef REHOST_INF_DIRID_H
#define REHOST_INF_DIRID_H
#include "drivers-inject/windows/inf.h"

#define INF_DIRID_MAX 1024      /* bytes of a directory's path */

enum {
	INF_DIRID_ABSOLUTE = -1,        /* 65535 is the same               */
	INF_DIRID_SOURCE = 1,
	INF_DIRID_WINDOWS = 10,
	INF_DIRID_SYSTEM = 11,
	INF_DIRID_DRIVERS = 12,
	INF_DIRID_PACKAGE = 13,         /* the driver store; Windows 8.1 on */
	INF_DIRID_UNKNOWN = -2,         /* no number                       */
};

/* "%SystemRoot%\System32", "%SystemDrive%\Program Files": where a directory lies, for
 * whoever knows what those two are on the disk.  NULL: not a fixed place (1, 13,
 * absolute), or not known. */
const char *inf_dirid_place(int dirid, int bits64);
/* The number as it stands in an INF; INF_DIRID_UNKNOWN. */
int inf_dirid_number(const char *s);
/* The path of the dirid of n digits, as %n% in an INF means it; path takes
 * INF_DIRID_MAX bytes.  -1: it has none here. */
int inf_dirid_path(const struct inf_dirs *dirs, const char *digits, size_t n, char *path);

#endif
