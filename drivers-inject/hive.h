/* hive.h: a Windows registry hive, read only.  hive.c is the only file that
 * knows libhivex.  Key paths use "\\" and, as names of values, are compared
 * without regard to case; "" is the root key, or a key's default value. */
#ifndef REHOST_HIVE_H
#define REHOST_HIVE_H
#include "drivers-inject/tree.h"
#include "drivers-inject/windows/hivelog.h"
#include "drivers-inject/windows/regf.h"

#define HIVE_SIZE_MAX REGF_SIZE_MAX

struct hive;

/* Reads a hive into memory, as a whole: libhivex checks every page of it.  One
 * that Windows did not finish writing is completed from its transaction logs
 * (PATH.LOG1, PATH.LOG2, PATH.LOG), in memory; where that can't be done it is
 * read as it is.
 * ERR_NOT_FOUND: no such file.  ERR_NOMEM: more than half of the memory that
 * this machine has free, or than HIVE_SIZE_MAX.  ERR_CORRUPT: not a hive. */
int hive_open(struct tree *t, const char *path, struct hive **ret,
	      struct err *e) must_check;
/* The same from memory, which is copied; without logs. */
int hive_open_bytes(const void *bytes, size_t len, const char *name,
		    struct hive **ret, struct err *e) must_check;
struct hive *hive_close(struct hive *h); /* takes NULL, returns NULL */

/* 1: Windows did not finish writing it, as it lies on the disk: the base
 * block's sequence numbers differ or its checksum is wrong. */
int hive_dirty(const struct hive *h);
/* What its logs did for it: ->replayed, if anything. */
const struct hivelog_result *hive_replay(const struct hive *h);
/* Why they did not, if they should have: what is read here is out of date.
 * Else NULL. */
const char *hive_replay_problem(const struct hive *h);

int hive_has_key(const struct hive *h, const char *key);
/* 1: the value is there and a string (REG_SZ, REG_EXPAND_SZ), now in buf as
 * UTF-8, cut to size.  0: it is not, and buf is "". */
int hive_string(const struct hive *h, const char *key, const char *value,
		char *buf, size_t size);
/* 1: *ret is the REG_DWORD.  0: there is none, *ret is untouched. */
int hive_dword(const struct hive *h, const char *key, const char *value,
	       uint32_t *ret);
/* Names of the keys below key; 0, or -1 with *ret untouched. */
int hive_subkeys(const struct hive *h, const char *key, struct strv *ret);

#endif
