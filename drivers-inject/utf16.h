/* utf16.h: strings as the registry stores them, UTF-16LE, and as we have them,
 * UTF-8. */
#ifndef REHOST_UTF16_H
#define REHOST_UTF16_H
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "drivers-inject/strv.h"

/* 1: text is UTF-8. */
int utf16_can_make(const char *text);
/* text with a 0 behind it; what is no UTF-8 becomes U+FFFD.  *ret: malloc'd. */
int utf16_make(const char *text, uint8_t **ret, size_t *ret_len, struct err *e) must_check;
/* Each with a 0, and one more: a REG_MULTI_SZ. */
int utf16_make_strings(const struct strv *l, uint8_t **ret, size_t *ret_len,
		       struct err *e) must_check;
/* The strings of len bytes of UTF-16LE, each up to its 0, the last one also without;
 * empty ones are left out.  What is no character becomes U+FFFD, control characters
 * too.  0, or -1 when out of memory. */
int utf16_strings(const uint8_t *in, size_t len, struct strv *ret);

/* ---- a REG_MULTI_SZ as it is stored; nothing else in it changes ----
 * Equal strings: but for the case of a to z. */

/* Takes every string equal to `string` out of list, which has *ret_len bytes then. */
int utf16_list_drop(uint8_t *list, size_t len, const char *string, size_t *ret_len,
		    struct err *e) must_check;
/* A copy with `string` as the last one, or just a copy if one is equal.  *ret: malloc'd.
 * Readers end at the first empty string: what may lie behind it stays behind it. */
int utf16_list_append(const uint8_t *list, size_t len, const char *string, uint8_t **ret,
		      size_t *ret_len, struct err *e) must_check;
int utf16_list_has_any(const uint8_t *list, size_t len);

#endif
