/* map.h: the used map of a whole disk: the partition table's own sectors, boot
 * areas, and each partition's used ranges by the reader that knows its file
 * system; what no reader recognises, or what one refuses, whole. */
#ifndef REHOST_MAP_H
#define REHOST_MAP_H
#include "imager/dev/dev.h"
#include "imager/extents.h"
#include "imager/fs/fsread.h"
#include "imager/part/part.h"

#define MAP_UNIT 512u /* bytes; FORMAT.md: the used map's unit */

/* One region of the disk, in disk order. */
struct map_region {
	uint64_t start, size;     /* bytes on the disk                        */
	const struct partition *part; /* NULL: table, boot area, gap          */
	char what[64];            /* "partition table", "partition 1", "gap after the MBR" */
	char reader[16];          /* fs_reader's name; "raw", "table", "none" */
	struct fs_ident fs;       /* type "" if unknown                       */
	uint64_t used;            /* bytes in the map from this region        */
	char *note;               /* sentences for the user ("taken whole: ...")
				   * or NULL; ours                            */
	int whole_by_doubt;       /* 1: a reader refused and it was taken whole */
	int left_out;             /* 1: not among the chosen partitions       */
};

struct disk_map {
	struct part_table *table;      /* NULL: no partition table            */
	struct map_region *regions;
	size_t n_regions;
	struct extents *used;
};

struct map_options {
	int keep_page_files;
	int probe_only;   /* identify file systems but don't walk (used NULL) */
	const char *only; /* part_choose()'s list, or NULL: the other partitions are
			   * left out; ERR_USAGE if the list doesn't fit the disk */
};

/* Reads d (never writes).  Fails only when the disk can't be read at all or
 * memory runs out; a damaged file system ends as "taken whole" with a note. */
int map_build(struct blkdev *d, const struct map_options *opt,
	      struct disk_map **ret, struct err *e) must_check;
struct disk_map *map_free(struct disk_map *m);

#endif
