/* mountns.h: mounts that only this process and its children see, and private
 * directories to mount in. */
#ifndef REHOST_MOUNTNS_H
#define REHOST_MOUNTNS_H
#include <limits.h>
#include "common/err.h"

/* Once a process: a mount namespace of its own, so that what is mounted ends
 * with it, whatever ends it.  What others mount and unmount is still seen.
 * Where that isn't permitted nothing happens, and mounting will say so. */
void mountns_own(void);

/* A new directory, NAME and six letters, in REHOST_RUN_DIR or /run/rehost; the
 * caller removes it. */
int mountns_dir(const char *name, char ret[PATH_MAX], struct err *e) must_check;
#endif
