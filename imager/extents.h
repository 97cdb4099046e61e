/* extents.h: the used map: ascending, non-overlapping, non-touching ranges of
 * bytes, kept compactly (variable-length numbers, about 3-4 bytes a range), so
 * that memory doesn't grow with the disk.  When the list would pass its limit,
 * the smallest gaps are taken as used until it fits again (safe: it only adds
 * bytes); the number of bytes added so is told. */
#ifndef REHOST_EXTENTS_H
#define REHOST_EXTENTS_H
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"

struct extents;

#define EXTENTS_LIMIT_DEFAULT (24u << 20) /* bytes of memory */

/* Ranges are rounded outward to `unit` (a power of two, bytes) and clipped to
 * [0, size).  limit: bytes of memory for the list. */
int extents_new(uint64_t size, uint32_t unit, size_t limit,
		struct extents **ret, struct err *e) must_check;
/* Appends; off must not be below the last range's start; touching or
 * overlapping ranges are merged. */
int extents_add(struct extents *x, uint64_t off, uint64_t len,
		struct err *e) must_check;
/* Appends every range of src, shifted by `by`. */
int extents_add_all(struct extents *x, const struct extents *src, uint64_t by,
		    struct err *e) must_check;
struct extents *extents_free(struct extents *x); /* takes NULL, returns NULL */

uint64_t extents_bytes(const struct extents *x);   /* sum of lengths            */
uint64_t extents_count(const struct extents *x);
uint64_t extents_end(const struct extents *x);     /* end of the last; 0 if none */
uint64_t extents_padded(const struct extents *x);  /* bytes added by the limit   */

/* Walks in order.  A cursor is plain data: copy it to remember a place. */
struct extents_cursor { const struct extents *x; size_t pos; uint64_t at; };
void extents_begin(const struct extents *x, struct extents_cursor *c);
/* 1: *off and *len are the next range; 0: at the end. */
int extents_next(struct extents_cursor *c, uint64_t *off, uint64_t *len);

#endif
