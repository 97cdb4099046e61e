/* readback.h: compares a restored disk with its image's hashes. */
#ifndef REHOST_READBACK_H
#define REHOST_READBACK_H
#include "imager/job.h"

/* All chunks but the first of the disk, which is written later.  image: the
 * file. */
int readback_run(struct job *job, const struct job_options *opt,
		 struct blkdev *image, struct blkdev *target,
		 struct err *e) must_check;
/* The error for a difference; returns its code. */
int readback_differs(const struct blkdev *target, uint64_t off, uint64_t len,
		     struct err *e);
#endif
