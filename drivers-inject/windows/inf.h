/* inf.h: an INF file as sections of entries.
 *
 * An entry is "key = value, value" or "value, value", with the number of the line
 * where it begins.  Sections of one name are one section; names and keys are found
 * whatever their case (of ASCII).  What the language says where it is silent or
 * where its texts disagree: docs/INF.md. */
#ifndef REHOST_INF_H
#define REHOST_INF_H
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"

/* Vendors' largest INFs (network cards in 30 languages) have 1 to 2 MB. */
#define INF_SIZE_MAX (8u << 20)
/* Such an INF has 20,000 entries. */
#define INF_LINES_MAX (1u << 20)
/* Windows: 4096 characters of a field, before and after substitution, and 255 of a
 * section's name; here bytes of UTF-8, of which a UTF-16 unit may need three. */
#define INF_FIELD_MAX (3 * 4096)
#define INF_NAME_MAX (3 * 255)

struct inf;

struct inf_line {
	const char *key;        /* NULL: none; a single value is its key too   */
	uint32_t first, n;      /* its values: inf_raw()                       */
	unsigned line;          /* from 1                                      */
	uint32_t section;
	const struct inf_line *next;    /* of the same section                 */
};
struct inf_section {
	const char *name;
	const struct inf_line *first;   /* NULL: empty                         */
	unsigned line;                  /* of its first [name]                 */
};

/* name: what messages call the file, copied.  ERR_CORRUPT: no INF for Windows, e
 * says where and why; ERR_UNSUPPORTED: beyond the limits above. */
int inf_parse(const void *bytes, size_t n, const char *name, struct inf **ret,
	      struct err *e) must_check;
void inf_free(struct inf *f);
const char *inf_name(const struct inf *f);

/* NULL: there is no such section, or key in it.  Of several the first. */
const struct inf_section *inf_section(const struct inf *f, const char *name);
const struct inf_line *inf_find(const struct inf *f, const struct inf_section *s,
				const char *key);
/* The value number i, from 0, before substitution; "" beyond the last. */
const char *inf_raw(const struct inf *f, const struct inf_line *l, size_t i);

/* What %key% stands for: [Strings.0409], else another English one, else [Strings].
 * NULL: nothing.  n: length of key. */
const char *inf_string(const struct inf *f, const char *key, size_t n);

#define INF_WINDOWS "C:\\Windows"
/* Where the numbered directories of the machine lie. */
struct inf_dirs {
	const char *windows;    /* NULL: INF_WINDOWS                           */
	const char *package;    /* dirid 13; NULL: %13% stays in texts         */
	const char *source;     /* dirid 1; NULL: %01% stays                   */
	int bits64;             /* for those that differ for 32-bit programs   */
};

/* raw with each %key% replaced, once, %% by %, and %dirid% by its path unless dirs
 * is NULL; what stands for nothing stays.  out: INF_FIELD_MAX bytes.
 * ERR_UNSUPPORTED: longer. */
int inf_expand(const struct inf *f, const char *raw, const struct inf_dirs *dirs,
	       char *out, struct err *e) must_check;

/* Decimal or 0x, with or without a sign, nothing behind; 0, or -1. */
int inf_number(const char *s, uint64_t *ret);

#endif
