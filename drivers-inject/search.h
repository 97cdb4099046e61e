/* search.h: every operating system on a disk. */
#ifndef REHOST_SEARCH_H
#define REHOST_SEARCH_H
#include <json-c/json.h>
#include "imager/dev/dev.h"

/* Looks through the partitions of d (or d itself, if it has none), each in a
 * process of its own; reads only.  path: how the user named d, for "root".
 * *ret is the document of docs/INTERFACES.md, to be put by the caller.
 * *ret_incomplete: 1 if something could not be read, which "notes" tells.
 * <0: not even the partition table could be read. */
int search_disk(struct blkdev *d, const char *path, struct json_object **ret,
		int *ret_incomplete, struct err *e) must_check;

#endif
