/* apply.h: makes a plan's edits, and puts them back. */
#ifndef REHOST_APPLY_H
#define REHOST_APPLY_H
#include "drivers-inject/plan.h"
#include "imager/dev/dev.h"

/* What lies outside the guest's tree; members may be NULL. */
struct apply_host {
	/* The disk that an EDIT_DISK names, for writing; stays the host's. */
	int (*disk)(void *ctx, const char *path, struct blkdev **ret, struct err *e);
	/* Takes back an EDIT_ACTION by its edit's data. */
	int (*undo_action)(void *ctx, const char *data, struct err *e);
	/* A sentence: what happens now. */
	void (*step)(void *ctx, const char *text);
	void *ctx;
};

/* Backs up everything that the edits touch, then makes them; what fails halfway
 * is taken back at once (then e says so).  An optional edit that fails becomes a
 * warning of the plan.  ERR_REFUSED: an earlier run was interrupted; undo it. */
int plan_apply(struct plan *p, const struct apply_host *h, struct err *e) must_check;

struct undo_result {
	size_t runs, files;     /* taken back                                */
	struct strv kept;       /* sentences: what was changed since and left */
};

/* Takes back every run, newest first.  A file that isn't what adapt left is
 * not touched and told in ret->kept; its run then stays.  strv_done(&kept). */
int adapt_undo(struct root *r, const struct apply_host *h, struct undo_result *ret,
	       struct err *e) must_check;
/* 1: a run was interrupted and wants undoing. */
int adapt_interrupted(struct root *r, int *ret, struct err *e) must_check;
#endif
