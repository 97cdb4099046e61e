/* text.h: UTF-8 text as screens need it: decoding, widths, editing one line,
 * sizes and times for people.  Pure functions; widths need a UTF-8 locale. */
#ifndef REHOST_TUI_TEXT_H
#define REHOST_TUI_TEXT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "tui/keys.h"

#define TEXT_MAX 256     /* bytes of one field, with its NUL */

struct text {
	char s[TEXT_MAX];  /* valid UTF-8, NUL-terminated */
	unsigned cur;      /* byte offset of the caret, on a character's start */
};

/* Decodes the character at s into *ret (U+FFFD for a bad byte) and returns
 * its length in bytes; 0 at the end. */
unsigned utf8_get(const char *s, uint32_t *ret);
/* Encodes ch with a NUL; returns the length without it, 0 if ch is no
 * character. */
unsigned utf8_put(char out[5], uint32_t ch);
/* Columns that ch takes: 0 (not shown), 1 or 2.  Control characters: 0. */
int text_char_width(uint32_t ch);
int text_width(const char *s);
/* Copies src, cut at a character's end where it doesn't fit; control
 * characters and bad bytes become '?'. */
void text_copy(char *dst, size_t size, const char *src);
/* Sets a field; the caret goes to the end. */
void text_put(struct text *t, const char *s);
/* One editing event (EV_CHAR with ch, LEFT, RIGHT, HOME, END, ERASE, DELETE,
 * KILL).  Returns false if it changed nothing (the field is full, the caret
 * at an end) or isn't an editing event. */
bool text_edit(struct text *t, enum wiz_ev ev, uint32_t ch);

/* "500 GB", as common/units.h says sizes everywhere, into a buffer. */
void text_bytes(char out[32], uint64_t bytes);
/* "45 s", "4 min 10 s", "2 h 05 min" */
void text_seconds(char out[32], uint64_t s);
#endif
