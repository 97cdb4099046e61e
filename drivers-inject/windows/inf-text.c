/* inf-text.c: see inf-text.h. */
#include "drivers-inject/windows/inf-text.h"
#include <stdlib.h>
#include <string.h>

#define REPLACEMENT 0xfffd

/* 0x80..0x9f of Windows-1252 (unicode.org, CP1252.TXT); the five bytes that mean
 * nothing become the control characters of that number, as Windows converts them. */
static const uint16_t cp1252[32] = {
	0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
	0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008d, 0x017d, 0x008f,
	0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
	0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178,
};

static size_t put_utf8(char *out, uint32_t c)
{
	if (!c)
		c = ' ';
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* The character at p and its length; 0: these bytes are no UTF-8. */
static size_t get_utf8(const uint8_t *p, size_t n, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 :
		     p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
	uint32_t c = len < 2 ? p[0] : p[0] & (0x7fu >> len);

	if (!len || len > n)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*ret = c;
	return len;
}

static int is_utf8(const uint8_t *p, size_t n)
{
	uint32_t c;

	for (size_t i = 0, len; i < n; i += len) {
		len = get_utf8(p + i, n - i, &c);
		if (!len)
			return 0;
	}
	return 1;
}

/* Of the first characters at least 3 in 4 have an upper byte of 0 and a lower one
 * that is not: an INF begins with a comment or [Version] in ASCII. */
static int looks_like_utf16le(const uint8_t *p, size_t n)
{
	size_t units = n / 2 < 256 ? n / 2 : 256, ascii = 0;

	for (size_t i = 0; i < units; i++)
		ascii += p[2 * i] && !p[2 * i + 1];
	return units && n % 2 == 0 && ascii * 4 >= units * 3;
}

static enum inf_encoding recognise(const uint8_t *p, size_t n, size_t *ret_mark)
{
	*ret_mark = n >= 2 && (p[0] == 0xff || p[0] == 0xfe) ? 2 : 0;
	if (*ret_mark && p[0] == 0xff && p[1] == 0xfe)
		return INF_UTF16LE;
	if (*ret_mark && p[0] == 0xfe && p[1] == 0xff)
		return INF_UTF16BE;
	*ret_mark = n >= 3 && !memcmp(p, "\xef\xbb\xbf", 3) ? 3 : 0;
	if (*ret_mark)
		return INF_UTF8;
	if (looks_like_utf16le(p, n))
		return INF_UTF16LE;
	return is_utf8(p, n) ? INF_UTF8 : INF_ANSI;
}

static uint32_t unit(const uint8_t *p, enum inf_encoding enc)
{
	return enc == INF_UTF16LE ? (uint32_t)(p[0] | p[1] << 8) : (uint32_t)(p[0] << 8 | p[1]);
}

static size_t from_utf16(const uint8_t *p, size_t n, enum inf_encoding enc, char *out)
{
	char *start = out;

	for (size_t i = 0; i + 1 < n; i += 2) {
		uint32_t c = unit(p + i, enc);
		uint32_t low = i + 3 < n ? unit(p + i + 2, enc) : 0;

		if (c >= 0xd800 && c < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			i += 2;
		} else if (c >= 0xd800 && c < 0xe000) {
			c = REPLACEMENT;
		}
		out += put_utf8(out, c);
	}
	return (size_t)(out - start);
}

static size_t from_bytes(const uint8_t *p, size_t n, enum inf_encoding enc, char *out)
{
	char *start = out;

	for (size_t i = 0, len = 1; i < n; i += len) {
		uint32_t c = p[i];

		if (enc == INF_UTF8) {
			len = get_utf8(p + i, n - i, &c);
			if (!len) {
				c = REPLACEMENT;
				len = 1;
			}
		} else if (c >= 0x80 && c < 0xa0) {
			c = cp1252[c - 0x80];
		}
		out += put_utf8(out, c);
	}
	return (size_t)(out - start);
}

int inf_text_decode(const void *bytes, size_t n, char **ret, size_t *ret_n,
		    enum inf_encoding *ret_encoding, struct err *e)
{
	const uint8_t *p = bytes;
	size_t mark;
	enum inf_encoding enc = recognise(p, n, &mark);
	/* at most 3 bytes come of one byte (Windows-1252, U+FFFD), or of two */
	char *out = malloc(3 * n + 1);

	if (!out)
		return err_set(e, ERR_NOMEM, "out of memory for %zu bytes of an INF", n);
	if (enc == INF_UTF16LE || enc == INF_UTF16BE)
		*ret_n = from_utf16(p + mark, n - mark, enc, out);
	else
		*ret_n = from_bytes(p + mark, n - mark, enc, out);
	out[*ret_n] = 0;
	*ret = out;
	*ret_encoding = enc;
	return 0;
}

static size_t put_unit(uint8_t *out, uint32_t u)
{
	out[0] = (uint8_t)u;
	out[1] = (uint8_t)(u >> 8);
	return 2;
}

size_t inf_text_utf16le(const char *s, uint8_t *out)
{
	const uint8_t *p = (const uint8_t *)s;
	size_t n = strlen(s), at = 0;
	uint32_t c;

	for (size_t i = 0, len; i < n; i += len) {
		len = get_utf8(p + i, n - i, &c);
		if (!len) {
			c = REPLACEMENT;
			len = 1;
		}
		if (c >= 0x10000) {
			at += put_unit(out + at, 0xd800 + ((c - 0x10000) >> 10));
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		at += put_unit(out + at, c);
	}
	return at + put_unit(out + at, 0);
}
