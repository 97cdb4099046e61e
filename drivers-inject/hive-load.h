/* hive-load.h: a hive's bytes as Windows would have them once it has loaded it,
 * in a file in memory.  Nothing on a disk of this machine is written. */
#ifndef REHOST_HIVE_LOAD_H
#define REHOST_HIVE_LOAD_H
#include "drivers-inject/tree.h"
#include "drivers-inject/windows/hivelog.h"

struct hive_loaded {
	int fd;                 /* a memfd, the caller's to close            */
	int dirty;              /* as it lies on the disk                    */
	struct hivelog_result replay;   /* hivelog_result_done()             */
	struct err problem;     /* code 0: nothing was tried, or it worked   */
};

/* See hive_open().  *ret is untouched on failure. */
int hive_load(struct tree *t, const char *path, struct hive_loaded *ret,
	      struct err *e) must_check;
int hive_load_bytes(const void *bytes, size_t len, const char *name,
		    struct hive_loaded *ret, struct err *e) must_check;

#endif
