/* chroot.h: --chroot: the guest's own program makes its initramfs. */
#ifndef REHOST_LIN_CHROOT_H
#define REHOST_LIN_CHROOT_H
#include "drivers-inject/linux/linux.h"

/* NULL if this kernel's initramfs can be made so, else why not (a sentence). */
const char *chroot_refuses(const struct lin *l, const struct lin_kernel *k);
/* Makes *ret the context of chroot_fill, which chroot_free frees.  p must live as
 * long: its edits of /etc are what the guest's program reads there. */
int chroot_new(const struct lin *l, const struct lin_kernel *k, const struct plan *p,
	       const struct strv *modules, void **ret, struct err *e) must_check;
int chroot_fill(void *ctx, int fd, struct err *e) must_check;
void chroot_free(void *ctx);
#endif
