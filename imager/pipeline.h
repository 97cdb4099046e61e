/* pipeline.h: slots that go round: one thread fills them in order, workers work
 * on them side by side, the calling thread empties them in the same order.  So
 * reading, computing and writing overlap, memory is bounded by the number of
 * slots, and the result is the one that a plain loop would give. */
#ifndef REHOST_PIPELINE_H
#define REHOST_PIPELINE_H
#include "common/err.h"

struct pipeline {
	/* In a thread of its own.  1: the slot is filled; 0: there is no more;
	 * <0: failed.  What failed is told after all earlier slots are emptied. */
	int (*fill)(void *ctx, void *slot, struct err *e);
	/* In worker number `worker`, from 0. */
	int (*work)(void *ctx, unsigned int worker, void *slot, struct err *e);
	/* In the calling thread. */
	int (*empty)(void *ctx, void *slot, struct err *e);
	/* May be NULL.  In the calling thread, at least every 100 ms: nonzero
	 * stops everything with ERR_CANCELLED. */
	int (*cancelled)(void *ctx);
	void *ctx;
	void **slots;
	unsigned int n_slots;     /* more than n_workers */
	unsigned int n_workers;   /* 0: a plain loop in the calling thread */
};

/* 0 at the end, or the first failure in slot order.  All threads have ended
 * when it returns. */
int pipeline_run(const struct pipeline *p, struct err *e) must_check;
#endif
