/* inf-text.h: the bytes of an INF file as UTF-8, and text as the registry keeps it.
 *
 * Windows reads an INF as UTF-16 or as text of the system's ANSI code page; packages
 * also come as UTF-8.  Told apart in this order: UTF-16 LE or BE and UTF-8 by their
 * byte order mark; UTF-16 LE without one when nearly every other byte is 0; UTF-8
 * when all of it is valid; else Windows-1252.  (Windows takes UTF-8 without a mark
 * for ANSI: only texts that are shown differ.) */
#ifndef REHOST_INF_TEXT_H
#define REHOST_INF_TEXT_H
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"

enum inf_encoding { INF_UTF16LE, INF_UTF16BE, INF_UTF8, INF_ANSI };

/* *ret: malloc'd, *ret_n bytes of valid UTF-8 and a NUL behind; a character 0 of
 * the file is a blank there.  ERR_NOMEM only. */
int inf_text_decode(const void *bytes, size_t n, char **ret, size_t *ret_n,
		    enum inf_encoding *ret_encoding, struct err *e) must_check;

/* UTF-8 as UTF-16LE with its final 0; out takes up to 2 * strlen(s) + 2 bytes, the
 * number written is returned. */
size_t inf_text_utf16le(const char *s, uint8_t *out);

#endif
