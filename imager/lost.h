/* lost.h: what lies in places that could not be read: files by their names. */
#ifndef REHOST_LOST_H
#define REHOST_LOST_H
#include "imager/engine.h"
#include "imager/map.h"

struct lost {
	struct blkdev *disk;
	const struct disk_map *map;
};
/* ctx: a struct lost.  As capture_options.name_bad: takes a minute at most, reads the
 * disk, never fails. */
void lost_name(void *ctx, const struct byte_range *bad, size_t n,
	       void (*say)(void *to, const struct lost_file *f), void *to);
#endif
