/* text.c: see text.h. */
#include "common/text.h"
#include <string.h>

#define REPLACEMENT 0xfffdu

/* Appends one character; 0 if it doesn't fit. */
static int append(char *out, size_t room, size_t *len, uint32_t c)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	if (*len + n >= room)
		return 0;
	for (size_t i = n - 1; i; i--) {
		out[*len + i] = (char)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	out[*len] = (char)(lead[n] | c);
	*len += n;
	return 1;
}

static uint32_t visible(uint32_t c)
{
	int control = c < 0x20 || (c >= 0x7f && c < 0xa0);
	/* line separators, and marks that turn the direction of text */
	int misleading = (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);

	return control || misleading ? REPLACEMENT : c;
}

void text_from_utf16le(const uint8_t *in, size_t units, char *out, size_t room)
{
	size_t len = 0;

	for (size_t i = 0; i < units; i++) {
		uint32_t c = in[2 * i] | (uint32_t)in[2 * i + 1] << 8;

		if (!c)
			break;
		if (c >= 0xd800 && c < 0xdc00 && i + 1 < units) {
			uint32_t low = in[2 * i + 2] | (uint32_t)in[2 * i + 3] << 8;

			if (low >= 0xdc00 && low < 0xe000) {
				c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
				i++;
			}
		}
		if (c >= 0xd800 && c < 0xe000)
			c = REPLACEMENT;
		if (!append(out, room, &len, visible(c)))
			break;
	}
	out[len] = 0;
}

/* One character of up to n bytes; its length in *used, at least 1. */
static uint32_t decode(const uint8_t *p, size_t n, size_t *used)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t want = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 :
		      p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
	uint32_t c;

	*used = 1;
	if (want == 1)
		return p[0];
	if (!want || want > n)
		return REPLACEMENT;
	c = p[0] & (0x7fu >> want);
	for (size_t i = 1; i < want; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return REPLACEMENT;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[want] || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
		return REPLACEMENT;
	*used = want;
	return c;
}

void text_from_bytes(const void *in, size_t n, char *out, size_t room)
{
	const uint8_t *p = in;
	size_t len = 0, used;

	for (size_t i = 0; i < n && p[i]; i += used) {
		if (!append(out, room, &len, visible(decode(p + i, n - i, &used))))
			break;
	}
	out[len] = 0;
}

void text_trim(char *s)
{
	size_t n = strlen(s);

	while (n && s[n - 1] == ' ')
		s[--n] = 0;
}

void text_print(FILE *f, const char *s)
{
	char out[256];
	size_t n = s ? strlen(s) : 0, step;

	for (; n; s += step, n -= step) {
		/* at most 3 bytes for each; a character is not cut at the step's end */
		step = n < sizeof out / 4 ? n : sizeof out / 4;
		while (step < n && step > 1 && ((uint8_t)s[step] & 0xc0) == 0x80)
			step--;
		text_from_bytes(s, step, out, sizeof out);
		fputs(out, f);
	}
}

void text_from_uuid(const uint8_t *u, char *ret)
{
	snprintf(ret, TEXT_UUID,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9],
		 u[10], u[11], u[12], u[13], u[14], u[15]);
}
