/* plan.h: the used map cut into chunks, and one chunk's used bytes read from a
 * device into a buffer where each unit stands at its place in the chunk. */
#ifndef REHOST_PLAN_H
#define REHOST_PLAN_H
#include "imager/dev/dev.h"
#include "imager/extents.h"
#include "imager/fmt/image.h"

struct planner {
	struct extents_cursor cursor;
	uint64_t off, len;        /* what is left of the current range */
	uint64_t disk_size;
	uint32_t chunk_size;
};

struct plan {
	uint64_t number;
	uint32_t plain_len, map_count;
	struct chunk_map *map;    /* room for chunk_size / 1024 entries; the owner's */
};

void planner_begin(struct planner *p, const struct extents *used,
		   uint64_t disk_size, uint32_t chunk_size);
/* 1: *ret is the next chunk with used units; 0: there is no more.  p is plain
 * data: a copy of it goes on by itself. */
int planner_next(struct planner *p, struct plan *ret);
/* The first and the last used byte's place: [*off, *off + *len) of the disk. */
void plan_span(const struct plan *p, uint32_t chunk_size, uint64_t disk_size,
	       uint64_t *off, uint64_t *len);

/* Unreadable places; grows as needed. */
struct bad_list {
	struct byte_range *range;
	size_t n, room;
};
/* Anywhere, but not over what is there; joins those that touch. */
int bad_add(struct bad_list *b, uint64_t off, uint64_t len, struct err *e) must_check;
void bad_done(struct bad_list *b);

struct chunk_reader {
	struct blkdev *src;
	uint64_t disk_size;       /* of the map; src may be larger */
	uint32_t chunk_size;
};
/* wide: chunk_size bytes.  In few, large reads; small gaps are read too.  Fails
 * with the first of them. */
int chunk_read(struct chunk_reader *r, const struct plan *p, uint8_t *wide,
	       struct err *e) must_check;

/* Tells the device that p's ranges will be read soon. */
void chunk_will_need(struct chunk_reader *r, const struct plan *p);

/* Moves the used bytes together; *ret_plain points into wide. */
void plan_compact(const struct plan *p, uint8_t *wide, uint8_t **ret_plain);
#endif
