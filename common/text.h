/* text.h: names and labels from a disk, made fit for a terminal and for JSON:
 * always valid UTF-8, no control characters. */
#ifndef REHOST_TEXT_H
#define REHOST_TEXT_H
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* UTF-16LE, up to `units` units or the first 0; what is no character (half of
 * a surrogate pair, a control character) becomes U+FFFD.  out takes `room`
 * bytes with its final 0; what does not fit is left out, characters whole. */
void text_from_utf16le(const uint8_t *in, size_t units, char *out, size_t room);
/* The same from bytes that should be UTF-8, up to n or the first 0. */
void text_from_bytes(const void *in, size_t n, char *out, size_t room);
/* Prints s (NULL: nothing) so. */
void text_print(FILE *f, const char *s);
/* Spaces at the end removed. */
void text_trim(char *s);


/* The 16 bytes of a UUID in their written order (RFC 4122), in lower case;
 * ret: TEXT_UUID bytes. */
#define TEXT_UUID 37
void text_from_uuid(const uint8_t *u, char *ret);
#endif
