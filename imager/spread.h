/* spread.h: a chunk's content on its way to a disk: the used ranges at their
 * places, small gaps between them filled with zeros so that one large write
 * does for many small ones (not with PARTIAL: a gap may be somebody's). */
#ifndef REHOST_SPREAD_H
#define REHOST_SPREAD_H
#include "imager/dev/dev.h"
#include "imager/fmt/image.h"

struct spread {
	const struct image_params *params;
	uint64_t number;
	const struct chunk_map *map;
	uint32_t map_count;
	/* begins with unit map[0].start; each later unit is at its place */
	const uint8_t *bytes;
	int zeros;                /* 1: all of it is zeros */
};

/* plain: the content, joined.  wide: chunk_size bytes for the spread content;
 * may be the same buffer as plain.  A chunk with one range isn't moved. */
void spread_make(struct spread *ret, const struct image_params *params,
		 uint64_t number, const struct chunk_map *map,
		 uint32_t map_count, const uint8_t *plain, uint8_t *wide);
/* Nothing from byte `limit` of the disk on is written. */
int spread_write(const struct spread *s, struct blkdev *target, uint64_t limit,
		 struct err *e) must_check;
#endif
