/* checked.h: arithmetic on sizes that come from a disk.  Each returns nonzero
 * on overflow and then leaves *r undefined. */
#ifndef REHOST_CHECKED_H
#define REHOST_CHECKED_H
#include <stdint.h>
#define add_overflows(a, b, r) __builtin_add_overflow((a), (b), (r))
#define mul_overflows(a, b, r) __builtin_mul_overflow((a), (b), (r))

/* 1 if [off, off+len) does not lie inside [0, size). */
static inline int range_outside(uint64_t off, uint64_t len, uint64_t size)
{
	return off > size || len > size - off;
}
#endif
