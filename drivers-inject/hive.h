/* hive.h: a Windows registry hive, in memory.  hive.c, hive-find.c and hive-edit.c alone know libhivex;
 * docs/decisions/0015 says what is done around it.  Key paths use "\\" and, as names of
 * values, are compared without regard to the case of a to z; "" is the root key, or a key's
 * default value. */
#ifndef REHOST_HIVE_H
#define REHOST_HIVE_H
#include "drivers-inject/tree.h"
#include "drivers-inject/windows/hivelog.h"
#include "drivers-inject/windows/regf.h"

#define HIVE_SIZE_MAX REGF_SIZE_MAX
/* Larger values stand in several cells, which libhivex reads but can't write.  In a key
 * that has one, another value only gets new bytes of the same type and number. */
#define HIVE_VALUE_MAX 16344u

struct hive;

enum reg_type { REG_NONE, REG_SZ, REG_EXPAND_SZ, REG_BINARY, REG_DWORD, REG_MULTI_SZ = 7,
		 REG_QWORD = 11 };

/* Reads a hive into memory, as a whole: libhivex checks every page of it.  One
 * that Windows did not finish writing is completed from its transaction logs
 * (PATH.LOG1, PATH.LOG2, PATH.LOG), in memory; where that can't be done it is
 * read as it is.
 * ERR_NOT_FOUND: no such file.  ERR_NOMEM: more than half of the memory that
 * this machine has free, or than HIVE_SIZE_MAX.  ERR_CORRUPT: not a hive. */
int hive_open(struct tree *t, const char *path, struct hive **ret,
	      struct err *e) must_check;
/* The same, for changing; every cell of it is checked (regf-tree.h).  ERR_REFUSED:
 * its logs can't complete it; what they hold would be lost, which even_dirty agrees
 * to.  ERR_UNSUPPORTED: not of version 1.3 to 1.6 (NT 4 and later). */
int hive_open_edit(struct tree *t, const char *path, int even_dirty, struct hive **ret,
		   struct err *e) must_check;
/* The same from memory, which is copied; without logs.  edit: for changing. */
int hive_open_bytes(const void *bytes, size_t len, const char *name, int edit,
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

/* ---- reading ---- */

int hive_has_key(const struct hive *h, const char *key);
/* 1: the value is there and a string (REG_SZ, REG_EXPAND_SZ), now in buf as
 * UTF-8, cut to size.  0: it is not, and buf is "". */
int hive_string(const struct hive *h, const char *key, const char *value,
		char *buf, size_t size);
/* 1: *ret is the REG_DWORD.  0: there is none, *ret is untouched. */
int hive_dword(const struct hive *h, const char *key, const char *value,
	       uint32_t *ret);
/* 1: the value as it is stored; *ret is malloc'd and the caller's. */
int hive_value(const struct hive *h, const char *key, const char *value,
	       uint32_t *ret_type, uint8_t **ret, size_t *ret_len);
/* 1: its data stands in one piece at *ret_at in the hive's file as it was opened, so
 * that it can be changed there.  Of a hive that was completed from its logs this is
 * not the file on the disk. */
int hive_value_place(const struct hive *h, const char *key, const char *value, size_t *ret_at,
		     size_t *ret_len);
/* 1: the strings of a REG_MULTI_SZ, or the one of a REG_SZ; strv_done(). */
int hive_strings(const struct hive *h, const char *key, const char *value, struct strv *ret);
/* Names of the keys below key, of the values in it; 0, or -1 with *ret
 * untouched. */
int hive_subkeys(const struct hive *h, const char *key, struct strv *ret);
int hive_values(const struct hive *h, const char *key, struct strv *ret);

/* ---- changing: in memory, nothing is written to a disk ----
 * Keys above are made.  What is so already is no change.
 *
 * ERR_UNSUPPORTED, and nothing was changed: what libhivex would do wrong.  A new key's
 * name is not ASCII, or beside it is one whose name is no text; the key has a value
 * above HIVE_VALUE_MAX, or one whose name is no text, and the change is more than other
 * bytes in the place of as many.
 * ERR_CORRUPT, ERR_NOMEM: it stopped half-way, and hive_save() will refuse. */

/* data: as the registry stores it, strings in UTF-16LE with their end. */
int hive_set(struct hive *h, const char *key, const char *value, uint32_t type,
	     const void *data, size_t len, struct err *e) must_check;
int hive_set_dword(struct hive *h, const char *key, const char *value, uint32_t n,
		   struct err *e) must_check;
/* type: REG_SZ or REG_EXPAND_SZ; text in UTF-8. */
int hive_set_string(struct hive *h, const char *key, const char *value, uint32_t type,
		    const char *text, struct err *e) must_check;
int hive_set_strings(struct hive *h, const char *key, const char *value,
		     const struct strv *l, struct err *e) must_check;
int hive_make_key(struct hive *h, const char *key, struct err *e) must_check;
/* The value, or the key with all below it, is no more there. */
int hive_unset(struct hive *h, const char *key, const char *value, struct err *e) must_check;
int hive_remove_key(struct hive *h, const char *key, struct err *e) must_check;

/* A string put behind the others of a REG_MULTI_SZ, which is made where there is none, or
 * of a REG_SZ; or every string like it taken out, and the value if none is left.  All other
 * bytes of the list stay (hive_strings() and hive_set_strings() would lose what is no text).
 * Equal: but for the case of a to z.  A value of another type is not appended to
 * (ERR_UNSUPPORTED), and has no strings to take out. */
int hive_strings_append(struct hive *h, const char *key, const char *value, const char *string,
			struct err *e) must_check;
int hive_strings_drop(struct hive *h, const char *key, const char *value, const char *string,
		      struct err *e) must_check;

/* A value for people: "text", 3, [a, b], or its first bytes. */
#define HIVE_TEXT_MAX 300
void hive_value_text(uint32_t type, const uint8_t *data, size_t len, char ret[HIVE_TEXT_MAX]);
/* What was changed, a line each: "ControlSet001\Services\pciide: Start = 0, was 3",
 * "- ControlSet001\Services\pciide\StartOverride". */
const struct strv *hive_changes(const struct hive *h);
/* The hive as a file, checked again, with its sequence numbers counted up; *ret_fd is
 * a memfd at its start, and the caller's. */
int hive_save(struct hive *h, int *ret_fd, struct err *e) must_check;

#endif
