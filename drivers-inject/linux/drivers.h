/* drivers.h: between drivers.c, generators.c and check.c. */
#ifndef REHOST_LIN_DRIVERS_H
#define REHOST_LIN_DRIVERS_H
#include "drivers-inject/linux/linux.h"
#include "drivers-inject/linux/modules.h"
#include "drivers-inject/linux/segment.h"

/* 1: without a driver for this device the disk behind it can't be seen. */
int lin_needs_driver(const struct hw_link *d);
/* Adds to *top the modules (not built in, not what they depend on) that serve
 * the devices of a path; *ret_missing: the first device that needs a driver and
 * has none in this kernel, NULL none. */
int lin_path_modules(const struct modules *m, const struct hw_path *path, struct strv *top,
		     const struct hw_link **ret_missing, struct err *e) must_check;
/* Names of the modules that an initramfs has of a kernel; *ret: strv_done. */
int lin_initrd_modules(struct initrd *in, const char *version, struct strv *ret,
		       struct err *e) must_check;

/* The archive that this plan appends to k's initramfs, made when there is none
 * yet, with one more reason.  *ret NULL: nothing can be appended, which the plan
 * tells.  Both are good until the next edit. */
int lin_segment(const struct lin *l, const struct lin_kernel *k, struct initrd *in,
		struct plan *p, const char *reason, struct segment **ret, struct edit **ret_edit,
		struct err *e) must_check;

/* generators.c: */
/* Where nothing in the initramfs loads drivers by itself (no udev), what its
 * generator reads to load modules by name; modules: in order of loading. */
int lin_add_knob(struct initrd *in, struct segment *s, struct plan *p,
		 const struct strv *modules, struct err *e) must_check;
/* A module as nash wants it, /lib/NAME.ko. */
int lin_nash_module(struct segment *s, const struct modules *m, const char *name,
		    struct err *e) must_check;
/* The generator's configuration, so that the next kernel update keeps them. */
int lin_keep_drivers(const struct lin *l, const struct strv *modules, struct plan *p,
		     struct err *e) must_check;
#endif
