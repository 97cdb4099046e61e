/* be.h: big-endian integers as they lie on disk; see le.h. */
#ifndef REHOST_BE_H
#define REHOST_BE_H
#include <stdint.h>

typedef struct { uint8_t b[2]; } be16;
typedef struct { uint8_t b[4]; } be32;
typedef struct { uint8_t b[8]; } be64;

static inline uint16_t be16_get(be16 v)
{
	return (uint16_t)(v.b[0] << 8 | v.b[1]);
}
static inline uint32_t be32_get(be32 v)
{
	return (uint32_t)v.b[0] << 24 | (uint32_t)v.b[1] << 16 |
	       (uint32_t)v.b[2] << 8 | v.b[3];
}
static inline uint64_t be64_get(be64 v)
{
	be32 hi = { { v.b[0], v.b[1], v.b[2], v.b[3] } };
	be32 lo = { { v.b[4], v.b[5], v.b[6], v.b[7] } };

	return (uint64_t)be32_get(hi) << 32 | be32_get(lo);
}
#endif
