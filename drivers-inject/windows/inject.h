/* inject.h: a driver package is written into a Windows that does not run, as Windows
 * itself would have installed it (docs/ADAPT-WINDOWS.md, "Drivers brought in").
 *
 * Nothing touches the disk here: hives change in memory, files become edits of the
 * plan. */
#ifndef REHOST_INJECT_H
#define REHOST_INJECT_H
#include "drivers-inject/windows/inf-install.h"
#include "drivers-inject/windows/win.h"

/* The largest driver known (graphics) has 100 MB, its package 1 GB; storage and
 * network packages stay below 30 MB.  All of it is in memory until it is written. */
#define WIN_PACKAGE_MAX (256u << 20)

struct win_package {
	const struct inf *inf;
	const void *bytes;      /* of the INF, for its copies                */
	size_t n;
	const char *name;       /* "viostor.inf"                             */
	const char *origin;     /* for people: "virtio-win.iso: viostor/w10/amd64" */
	/* A file that the INF names, unpacked; its catalog: only source is set.
	 * *ret: malloc'd.  ERR_NOT_FOUND: it isn't there. */
	int (*read)(void *ctx, const struct inf_file *f, uint8_t **ret, size_t *ret_n,
		    struct err *e);
	void *ctx;
};

#define WIN_INJECT_BOOT 1u      /* the disk hangs on it: its drivers start with the loader */

/* What became of it. */
struct win_injected {
	char inf[32];           /* "oem3.inf"; "" on NT 6.0 and 6.1, and without `bound` */
	char dir[300];          /* below %SystemRoot%: where the package now lies whole */
	int bound;              /* the kernel finds it at the next start; else it is for
				 * pnputil, in a directory of DevicePath          */
	int reused;             /* Windows had installed this version already */
};

/* Every device that the INF serves on this Windows, in every control set.  What is so
 * already is no change: a second time does nothing.
 * ERR_NOT_FOUND: it serves none, or a driver's file is missing.  ERR_UNSUPPORTED: too
 * large.  After an error the hives may be changed in part: plan nothing from them. */
int win_inject(struct win *w, struct plan *p, const struct win_package *pkg, unsigned flags,
	       struct win_injected *ret, struct err *e) must_check;

#endif
