/* readback.h: compares a restored disk with its image's hashes. */
#ifndef REHOST_READBACK_H
#define REHOST_READBACK_H
#include "imager/job.h"
#include "imager/store/store.h"

struct readback {
	struct store_in *image;   /* the file, readable at random                */
	struct blkdev *target;
	uint64_t limit;           /* what lies from this byte on wasn't written  */
};

/* All chunks but the first of the disk, which is written later. */
int readback_run(struct job *job, const struct job_options *opt,
		 const struct readback *what, struct err *e) must_check;
/* The error for a difference; returns its code. */
int readback_differs(const struct blkdev *target, uint64_t off, uint64_t len,
		     struct err *e);
#endif
