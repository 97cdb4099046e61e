/* isolate.h: work on hostile input in a process of its own, so that a crash
 * or an endless loop in a library costs that piece of work only. */
#ifndef REHOST_ISOLATE_H
#define REHOST_ISOLATE_H
#include <stddef.h>
#include "common/err.h"

#define ISOLATE_OUTPUT_MAX (4u << 20) /* bytes that come back at most */

/* Runs work(ctx) in a child process for at most `seconds`, and returns the
 * string that it returned (its own malloc; NULL: failed) in *ret, to be freed.
 * ERR_CORRUPT: it crashed or failed or took too long; e says which. */
int isolate(char *(*work)(void *ctx), void *ctx, unsigned int seconds,
	    char **ret, struct err *e) must_check;

#endif
