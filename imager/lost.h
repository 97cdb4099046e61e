/* lost.h: what lies in places that could not be read: files by their names. */
#ifndef REHOST_LOST_H
#define REHOST_LOST_H
#include "imager/engine.h"
#include "imager/map.h"

/* The disk has given what it had; but it shall not be worked for hours for names. */
#define LOST_SECONDS 60

struct lost {
	struct blkdev *disk;
	/* with which its map was made (map_options) */
	struct blkdev *const *others;
	size_t n_others;
	const struct disk_map *map;
	unsigned int seconds;     /* after which no more files are looked for    */
};
/* ctx: a struct lost.  As capture_options.name_bad: reads the disk, never fails.  bad is
 * ascending.  What wasn't looked for because of a limit (of time, of files, of places:
 * RANGES_MAX) is told, too. */
void lost_name(void *ctx, const struct byte_range *bad, size_t n,
	       void (*say)(void *to, const struct lost_file *f), void *to);
#endif
