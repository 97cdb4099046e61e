/* text.c: see text.h. */
#include "tui/text.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include "common/units.h"

/* Bytes of the sequence that b begins; 0 if none begins with it. */
static unsigned sequence_length(unsigned char b)
{
	if (b < 0x80)
		return 1;
	if (b >= 0xc2 && b <= 0xdf)
		return 2;
	if ((b & 0xf0) == 0xe0)
		return 3;
	if (b >= 0xf0 && b <= 0xf4)
		return 4;
	return 0;
}

unsigned utf8_get(const char *s, uint32_t *ret)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char b = (unsigned char)s[0];
	unsigned n = sequence_length(b);
	uint32_t ch;

	if (!b)
		return 0;
	*ret = 0xfffd;
	if (!n)
		return 1;
	ch = n == 1 ? b : b & (0xffu >> (n + 1));
	for (unsigned i = 1; i < n; i++) {
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return 1;
		ch = ch << 6 | ((unsigned char)s[i] & 0x3f);
	}
	if (ch < least[n] || ch > 0x10ffff || (ch >= 0xd800 && ch <= 0xdfff))
		return 1;
	*ret = ch;
	return n;
}

unsigned utf8_put(char out[5], uint32_t ch)
{
	unsigned n = ch < 0x80 ? 1 : ch < 0x800 ? 2 : ch < 0x10000 ? 3 : 4;
	static const unsigned char first[5] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	if (ch > 0x10ffff || (ch >= 0xd800 && ch <= 0xdfff))
		n = 0;
	for (unsigned i = n; i-- > 1; ch >>= 6)
		out[i] = (char)(0x80 | (ch & 0x3f));
	if (n)
		out[0] = (char)(first[n] | ch);
	out[n] = 0;
	return n;
}

int text_char_width(uint32_t ch)
{
	int n;

	if (ch < 0x20 || (ch >= 0x7f && ch < 0xa0))
		return 0;
	if (ch < 0x7f || ch == 0xfffd)
		return 1;
	n = wcwidth((wchar_t)ch);
	return n < 0 ? 0 : n > 2 ? 2 : n;
}

int text_width(const char *s)
{
	uint32_t ch;
	int sum = 0;

	for (unsigned n; (n = utf8_get(s, &ch)); s += n)
		sum += text_char_width(ch);
	return sum;
}

void text_copy(char *dst, size_t size, const char *src)
{
	size_t at = 0;
	uint32_t ch;

	for (unsigned n; (n = utf8_get(src, &ch)); src += n) {
		bool bad = ch < 0x20 || ch == 0x7f || ch == 0xfffd;

		if (at + (bad ? 1 : n) >= size)
			break;
		if (bad)
			dst[at++] = '?';
		else
			memcpy(dst + at, src, n), at += n;
	}
	dst[at] = 0;
}

void text_put(struct text *t, const char *s)
{
	text_copy(t->s, sizeof t->s, s);
	t->cur = (unsigned)strlen(t->s);
}

/* Bytes of the character before the caret. */
static unsigned before(const struct text *t)
{
	unsigned n = 0;

	while (n < t->cur) {
		n++;
		if (((unsigned char)t->s[t->cur - n] & 0xc0) != 0x80)
			break;
	}
	return n;
}

static bool cut(struct text *t, unsigned at, unsigned n)
{
	if (!n)
		return false;
	memmove(t->s + at, t->s + at + n, strlen(t->s + at + n) + 1);
	t->cur = at;
	return true;
}

static bool insert(struct text *t, uint32_t ch)
{
	size_t len = strlen(t->s);
	char b[5];
	unsigned n = text_char_width(ch) > 0 ? utf8_put(b, ch) : 0;

	if (!n || len + n >= sizeof t->s)
		return false;
	memmove(t->s + t->cur + n, t->s + t->cur, len - t->cur + 1);
	memcpy(t->s + t->cur, b, n);
	t->cur += n;
	return true;
}

bool text_edit(struct text *t, enum wiz_ev ev, uint32_t ch)
{
	unsigned old = t->cur;
	uint32_t skip;

	switch (ev) {
	case EV_CHAR:
		return insert(t, ch);
	case EV_ERASE:
		return cut(t, t->cur - before(t), before(t));
	case EV_DELETE:
		return cut(t, t->cur, utf8_get(t->s + t->cur, &skip));
	case EV_KILL:
		return cut(t, 0, (unsigned)strlen(t->s));
	case EV_LEFT:
		t->cur -= before(t);
		break;
	case EV_RIGHT:
		t->cur += utf8_get(t->s + t->cur, &skip);
		break;
	case EV_HOME:
		t->cur = 0;
		break;
	case EV_END:
		t->cur = (unsigned)strlen(t->s);
		break;
	default:
		return false;
	}
	return t->cur != old;
}

void text_bytes(char out[32], uint64_t bytes)
{
	snprintf(out, 32, "%s", units_bytes(bytes).s);
}

void text_seconds(char out[32], uint64_t s)
{
	if (s < 60)
		snprintf(out, 32, "%" PRIu64 " s", s);
	else if (s < 3600)
		snprintf(out, 32, "%" PRIu64 " min %02" PRIu64 " s", s / 60, s % 60);
	else
		snprintf(out, 32, "%" PRIu64 " h %02" PRIu64 " min", s / 3600 % 100000,
			 s / 60 % 60);
}
