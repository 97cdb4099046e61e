/* kernels.h: the parts of lin_scan. */
#ifndef REHOST_KERNELS_H
#define REHOST_KERNELS_H
#include "drivers-inject/linux/linux.h"

/* Fills l->kernel: every kernel with every initramfs of it. */
int lin_find_kernels(struct lin *l, struct err *e) must_check;
/* Fills l->boot. */
int lin_find_boot(struct lin *l, struct err *e) must_check;
#endif
