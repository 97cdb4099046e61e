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

int utf16_strings(const uint8_t *in, size_t len, struct strv *ret)
{
	size_t units = len / 2;
	cleanup_free char *buf = malloc(3 * units + 4);
	struct strv out = { 0 };

	if (!buf)
		return -1;
	for (size_t i = 0, n; i < units; i += n + 1) {
		for (n = 0; i + n < units && (in[2 * (i + n)] || in[2 * (i + n) + 1]); n++)
			;
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
