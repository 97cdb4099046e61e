/* ranges.h: what the readers share: lists of byte ranges, and joining a stream
 * of used ranges with such lists. */
#ifndef REHOST_FS_RANGES_H
#define REHOST_FS_RANGES_H
#include "imager/fs/fsread.h"

struct range { uint64_t start, end; };

/* Zeroed is empty.  Memory is what was added, merged where ranges touch. */
struct ranges {
	struct range *v;
	size_t n, room;
};

/* A file system that needs more than this for one list is refused, and so
 * taken whole: 16 MB of memory. */
#define RANGES_MAX ((size_t)1 << 20)

/* [start, end), bytes; in any order; empty ones are ignored. */
int ranges_add(struct ranges *l, uint64_t start, uint64_t end,
	       struct err *e) must_check;
/* Sorts, and merges what touches or overlaps. */
void ranges_sort(struct ranges *l);
/* l, sorted, becomes its part inside of `by`, sorted. */
int ranges_intersect(struct ranges *l, const struct ranges *by,
		     struct err *e) must_check;
/* The first of l, sorted, that ends behind `at`; l->n: none does. */
size_t ranges_find(const struct ranges *l, uint64_t at);
uint64_t ranges_bytes(const struct ranges *l);
void ranges_done(struct ranges *l);

/* Joins: (used stream + extra) - cut, clipped to [0, size), ascending, to the
 * sink.  extra and cut are sorted lists, or NULL. */
struct emit {
	const struct extent_sink *out;
	const struct ranges *extra, *cut;
	uint64_t size;
	size_t i_extra, i_cut;
	struct range pending;
	uint64_t bytes_cut;       /* what cut removed, so far */
};
/* Ascending by start.  Nonzero is what the sink returned. */
int emit_used(struct emit *m, uint64_t start, uint64_t end) must_check;
int emit_finish(struct emit *m) must_check;

/* The used bits of a bitmap, lowest bit of a byte first: bit i of `bits`
 * stands for [base + i * unit, + unit). */
int emit_bitmap(struct emit *m, const uint8_t *map, uint64_t bits, uint64_t base,
		uint64_t unit) must_check;

/* A formatted note for the user. */
void fs_note(const struct fs_notes *n, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
