/* signature.h: names what lies on a volume that can't be looked into. */
#ifndef REHOST_SIGNATURE_H
#define REHOST_SIGNATURE_H
#include "imager/dev/dev.h"

/* 0: nothing that may hold a system.  ERR_UNSUPPORTED: e names it, in a sentence
 * for the user. */
int signature_tell(struct blkdev *d, struct err *e) must_check;

#endif
