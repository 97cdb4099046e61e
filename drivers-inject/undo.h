/* undo.h: between apply.c and undo.c. */
#ifndef REHOST_UNDO_H
#define REHOST_UNDO_H
#include "drivers-inject/apply.h"
#include "drivers-inject/journal.h"

/* Takes back one run's entries, last first; *kept as in apply.h. */
int undo_run(struct root *r, const struct journal *j, const struct apply_host *h,
	     struct undo_result *ret, struct err *e) must_check;
#endif
