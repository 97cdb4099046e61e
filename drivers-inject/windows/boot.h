/* boot.h: would this Windows, as it is in memory and in the plan, start on a way to
 * its disk, with one control set?
 *
 * Every device from the root bridge to the volume is new to it.  The kernel must bind a
 * driver to each (bind.h); the boot loader must load that driver, the filters of its
 * class and the services of the storage stack: Start 0, no StartOverride, a file of the
 * right processor. */
#ifndef REHOST_WIN_BOOT_H
#define REHOST_WIN_BOOT_H
#include "drivers-inject/windows/bind.h"

/* What keeps it from starting; the code says what can be done about it. */
struct win_reason {
	const char *code;       /* "no-driver", "start-override", "filter-service-missing" */
	char subject[256];      /* a service, a device, a path               */
	char *text;             /* a sentence without its stop               */
	char file[300];         /* file-missing: below %SystemRoot%          */
	const struct win_device *device;        /* no-driver, no-service; else NULL */
	struct win_filter filter;       /* filter-*: which one               */
};

struct win_bound {
	const struct win_device *device;
	char service[128];      /* "": none                                  */
	char id[256];
};

struct win_boot {
	struct win_reason *v;   /* n 0: it starts                            */
	size_t n;
	struct win_bound *bound;
	size_t n_bound;
};

/* p (may be NULL): files that it brings are there. */
int win_boot(const struct win *w, struct plan *p, const char *set, const struct win_way *way,
	     struct win_boot *ret, struct err *e) must_check;
void win_boot_done(struct win_boot *b);

/* ImagePath as a path below %SystemRoot%; -1: the loader can't use it. */
int win_image_path(const struct win *w, const char *set, const char *service, char *ret,
		   size_t size);
#endif
