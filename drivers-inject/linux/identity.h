/* identity.h: the parts of lin_plan_identity. */
#ifndef REHOST_LIN_IDENTITY_H
#define REHOST_LIN_IDENTITY_H
#include "drivers-inject/linux/linux.h"

/* Removes what must not be the same on two machines, and makes sure that the
 * guest makes it anew. */
int identity_new(const struct lin *l, struct plan *p, struct err *e) must_check;
#endif
