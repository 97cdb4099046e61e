/* hive-logs.h: a hive's transaction logs, looked for beside it in a guest. */
#ifndef REHOST_HIVE_LOGS_H
#define REHOST_HIVE_LOGS_H
#include "drivers-inject/tree.h"
#include "drivers-inject/windows/hivelog.h"

/* Completes the dirty hive at path, whose bytes are given, from PATH.LOG1 and
 * PATH.LOG2, or from PATH.LOG where these are empty or absent.  It is only to be
 * looked at, so one that is locked for transactions is accepted.  room: the
 * memory that may be used for logs and result.  Else as hivelog_recover(). */
int hive_logs_replay(struct tree *t, const char *path, const void *primary,
		     size_t len, uint64_t room, uint8_t **ret, size_t *ret_len,
		     struct hivelog_result *res, struct err *e) must_check;

#endif
