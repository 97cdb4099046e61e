/* budget.h: a device that gives up after so many bytes and reads, so that a
 * file system made to lead its reader in circles ends in an error. */
#ifndef REHOST_BUDGET_H
#define REHOST_BUDGET_H
#include "imager/dev/dev.h"

/* Reads of parent, until bytes or reads are used up: then ERR_CORRUPT.
 * parent stays the caller's and must outlive *ret. */
int budget_open(struct blkdev *parent, uint64_t bytes, uint64_t reads,
		struct blkdev **ret, struct err *e) must_check;

#endif
