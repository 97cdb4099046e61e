/* storage.h: the parts of lin_plan_storage. */
#ifndef REHOST_LIN_STORAGE_H
#define REHOST_LIN_STORAGE_H
#include "drivers-inject/linux/linux.h"

/* lvm.conf's filters, the devices file */
int storage_lvm(const struct lin *l, const struct lin_wishes *w, struct plan *p,
		struct err *e) must_check;
/* mdadm.conf */
int storage_md(const struct lin *l, struct plan *p, struct err *e) must_check;
#endif
