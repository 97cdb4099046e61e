/* le.h: integers as they lie on disk.  A struct of these needs no packing and
 * can't be read without a conversion. */
#ifndef REHOST_LE_H
#define REHOST_LE_H
#include <stdint.h>

typedef struct { uint8_t b[2]; } le16;
typedef struct { uint8_t b[4]; } le32;
typedef struct { uint8_t b[8]; } le64;

static inline uint16_t le16_get(le16 v)
{
	return (uint16_t)(v.b[0] | v.b[1] << 8);
}
static inline uint32_t le32_get(le32 v)
{
	return v.b[0] | (uint32_t)v.b[1] << 8 | (uint32_t)v.b[2] << 16 |
	       (uint32_t)v.b[3] << 24;
}
static inline uint64_t le64_get(le64 v)
{
	le32 lo = { { v.b[0], v.b[1], v.b[2], v.b[3] } };
	le32 hi = { { v.b[4], v.b[5], v.b[6], v.b[7] } };

	return le32_get(lo) | (uint64_t)le32_get(hi) << 32;
}
static inline le16 le16_make(uint16_t v)
{
	return (le16){ { (uint8_t)v, (uint8_t)(v >> 8) } };
}
static inline le32 le32_make(uint32_t v)
{
	return (le32){ { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16),
			 (uint8_t)(v >> 24) } };
}
static inline le64 le64_make(uint64_t v)
{
	le64 r;

	for (int i = 0; i < 8; i++)
		r.b[i] = (uint8_t)(v >> (8 * i));
	return r;
}
#endif
