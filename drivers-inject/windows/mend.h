/* mend.h: what can be done about a reason (boot.h) that keeps Windows from starting. */
#ifndef REHOST_WIN_MEND_H
#define REHOST_WIN_MEND_H
#include "drivers-inject/windows/boot.h"

/* Changes hives in memory, adds files to the plan.  *ret_done: 1 something was done,
 * 0 nothing can be (p gets warnings about what was tried). */
int win_mend(struct win *w, const struct win_wishes *wishes, struct plan *p, const char *set,
	     const struct win_reason *r, int *ret_done, struct err *e) must_check;
/* A package for the device, from those given, else from the guest's own disk. */
int win_bring_driver(struct win *w, const struct win_wishes *wishes, struct plan *p,
		     const struct win_device *d, int *ret_done, struct err *e) must_check;
#endif
