/* utf16.c: see utf16.h. */
#include "drivers-inject/utf16.h"
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "common/text.h"

/* One character of UTF-8 at *s, which moves on; U+FFFD for what is none. */
static uint32_t next_char(const unsigned char **s)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = *s;
	int more = *p < 0x80 ? 0 : *p >> 5 == 6 ? 1 : *p >> 4 == 14 ? 2 : *p >> 3 == 30 ? 3 : -1;
	uint32_t c = more <= 0 ? *p : *p & (0x3fu >> more);

	*s = p + 1;
	if (more < 0)
		return 0xfffd;
	for (int i = 1; i <= more; i++) {
		if (p[i] >> 6 != 2)
			return 0xfffd;
		c = c << 6 | (p[i] & 0x3f);
	}
	*s = p + 1 + more;
	return c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0xfffd : c;
}

static uint8_t *put_unit(uint8_t *to, uint32_t unit)
{
	to[0] = (uint8_t)unit;
	to[1] = (uint8_t)(unit >> 8);
	return to + 2;
}

/* With its 0; to has room: two bytes for each of text's, and two more. */
static uint8_t *put_text(uint8_t *to, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	while (*s) {
		uint32_t c = next_char(&s);

		if (c >= 0x10000) {
			to = put_unit(to, 0xd800 + ((c - 0x10000) >> 10));
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		to = put_unit(to, c);
	}
	return put_unit(to, 0);
}

int utf16_can_make(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	while (*s) {
		const unsigned char *at = s;

		/* the character itself is allowed */
		if (next_char(&s) == 0xfffd && (s - at != 3 || memcmp(at, "\xef\xbf\xbd", 3)))
			return 0;
	}
	return 1;
}

int utf16_make(const char *text, uint8_t **ret, size_t *ret_len, struct err *e)
{
	uint8_t *out = malloc(2 * strlen(text) + 2);

	if (!out)
		return err_set(e, ERR_NOMEM, "out of memory");
	*ret = out;
	*ret_len = (size_t)(put_text(out, text) - out);
	return 0;
}

int utf16_make_strings(const struct strv *l, uint8_t **ret, size_t *ret_len, struct err *e)
{
	size_t room = 2;
	uint8_t *out, *to;

	for (size_t i = 0; i < l->n; i++)
		room += 2 * strlen(l->v[i]) + 2;
	to = out = malloc(room);
	if (!out)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < l->n; i++)
		to = put_text(to, l->v[i]);
	*ret = out;
	*ret_len = (size_t)(put_unit(to, 0) - out);
	return 0;
}

/* Units up to the 0, or the end. */
static size_t units_to_nul(const uint8_t *in, size_t units)
{
	size_t n = 0;

	while (n < units && (in[2 * n] || in[2 * n + 1]))
		n++;
	return n;
}

int utf16_strings(const uint8_t *in, size_t len, struct strv *ret)
{
	size_t units = len / 2;
	cleanup_free char *buf = malloc(3 * units + 4);
	struct strv out = { 0 };

	if (!buf)
		return -1;
	for (size_t i = 0, n; i < units; i += n + 1) {
		n = units_to_nul(in + 2 * i, units - i);
		if (!n)
			continue;
		text_from_utf16le(in + 2 * i, n, buf, 3 * units + 4);
		if (strv_add(&out, buf)) {
			strv_done(&out);
			return -1;
		}
	}
	*ret = out;
	return 0;
}

static unsigned folded(const uint8_t *unit)
{
	unsigned c = unit[0] | (unsigned)unit[1] << 8;

	return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c;
}

static int is_equal(const uint8_t *a, const uint8_t *b, size_t units)
{
	for (size_t i = 0; i < 2 * units; i += 2)
		if (folded(a + i) != folded(b + i))
			return 0;
	return 1;
}

int utf16_list_drop(uint8_t *list, size_t len, const char *string, size_t *ret_len, struct err *e)
{
	cleanup_free uint8_t *s = NULL;
	size_t s_len, i = 0;
	int rc = utf16_make(string, &s, &s_len, e);

	if (rc)
		return rc;
	while (i + 1 < len) {
		size_t units = units_to_nul(list + i, (len - i) / 2), bytes = 2 * units + 2;

		if (bytes > len - i)
			bytes = len - i;
		if (units && 2 * units + 2 == s_len && is_equal(list + i, s, units)) {
			memmove(list + i, list + i + bytes, len - i - bytes);
			len -= bytes;
		} else {
			i += bytes;
		}
	}
	*ret_len = len;
	return 0;
}

int utf16_list_append(const uint8_t *list, size_t len, const char *string, uint8_t **ret,
		      size_t *ret_len, struct err *e)
{
	cleanup_free uint8_t *s = NULL;
	size_t s_len, at = 0, units;
	uint8_t *out, *to;
	int rc = utf16_make(string, &s, &s_len, e), is_there = 0;

	if (rc)
		return rc;
	for (; at + 1 < len && (units = units_to_nul(list + at, (len - at) / 2)); at += 2 * units + 2)
		is_there |= 2 * units + 2 == s_len && is_equal(list + at, s, units);
	out = malloc(len + s_len + 4);
	if (!out)
		return err_set(e, ERR_NOMEM, "out of memory");
	*ret = out;
	*ret_len = len;
	if (len)
		memcpy(out, list, len);
	if (is_there || s_len == 2)
		return 0;
	/* the last string may lack its 0, and the list the one that ends it */
	to = out + at;
	if (at > len)
		to = put_unit(out + (len & ~(size_t)1), 0);
	memcpy(to, s, s_len);
	to += s_len;
	if (at + 1 < len) {
		memcpy(to, list + at, len - at);
		to += len - at;
	} else {
		to = put_unit(to, 0);
	}
	*ret_len = (size_t)(to - out);
	return 0;
}

int utf16_list_has_any(const uint8_t *list, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		if (list[i] || list[i + 1])
			return 1;
	return 0;
}
