/* marvin32.c: Microsoft's keyed checksum Marvin32, as published with .NET. */
#include <string.h>
#include "drivers-inject/windows/hivelog-private.h"

struct state {
	uint32_t lo, hi;
};

static uint32_t rotate(uint32_t v, int bits)
{
	return v << bits | v >> (32 - bits);
}

static void mix(struct state *s, uint32_t word)
{
	s->lo += word;
	s->hi ^= s->lo;
	s->lo = rotate(s->lo, 20) + s->hi;
	s->hi = rotate(s->hi, 9) ^ s->lo;
	s->lo = rotate(s->lo, 27) + s->hi;
	s->hi = rotate(s->hi, 19);
}

uint64_t marvin32(uint64_t seed, const void *bytes, size_t len)
{
	struct state s = { (uint32_t)seed, (uint32_t)(seed >> 32) };
	const uint8_t *p = bytes;
	le32 tail = le32_make(0);

	for (; len >= 4; len -= 4, p += 4) {
		le32 word;

		memcpy(&word, p, 4);
		mix(&s, le32_get(word));
	}
	if (len)
		memcpy(tail.b, p, len);
	tail.b[len] = 0x80;
	mix(&s, le32_get(tail));
	mix(&s, 0);
	return (uint64_t)s.hi << 32 | s.lo;
}
