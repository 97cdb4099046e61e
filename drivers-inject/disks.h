/* disks.h: rehost-adapt on disks and images, which are put together first. */
#ifndef REHOST_ADAPT_DISKS_H
#define REHOST_ADAPT_DISKS_H
#include "drivers-inject/session.h"

/* All that rehost-adapt does with DISK... */
int disks_mode(struct session *s, struct err *e) must_check;
/* Asks for name to be typed, unless yes.  ERR_REFUSED. */
int confirm_edits(const char *name, int yes, struct err *e) must_check;
#endif
