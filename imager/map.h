/* map.h: the used map of a whole disk: the partition table's own sectors, boot
 * areas, and each partition's used ranges by the reader that knows its file
 * system; containers (LVM2, RAID, LUKS, BitLocker) are looked through, at the
 * volumes in them.  What no reader recognises, or what one refuses, whole. */
#ifndef REHOST_MAP_H
#define REHOST_MAP_H
#include "imager/dev/dev.h"
#include "imager/extents.h"
#include "imager/fs/fsread.h"
#include "imager/part/part.h"

struct cont_keys;
struct cont_volume;

#define MAP_UNIT 512u /* bytes; FORMAT.md: the used map's unit */

/* One region of the disk, in disk order; or a volume in one of these ("inside"),
 * which may be in many pieces: then start is 0, and used counts its own bytes, whatever
 * disks they are on (of one that is taken whole: those on this disk). */
struct map_region {
	uint64_t start, size;     /* bytes on the disk                        */
	const struct partition *part; /* NULL: table, boot area, gap, volume  */
	char what[300];           /* "partition 1", "gap", "logical volume vg/root" */
	char reader[16];          /* of a fs_reader or container; "raw", "table", "none" */
	char holds[160];          /* a container: "volume group vg"; else ""  */
	struct fs_ident fs;       /* type "" if unknown                       */
	uint64_t used;            /* bytes in the map from this region        */
	char *note;               /* sentences for the user ("taken whole: ...")
				   * or NULL; ours                            */
	int whole_by_doubt;       /* 1: a reader refused and it was taken whole */
	int left_out;             /* 1: not among the chosen partitions: named only */
	int spans;                /* 1: a container: its volumes lie on other disks, too */
	struct map_region *inside; /* a container's volumes; ours             */
	size_t n_inside;
	/* Of a volume inside: of which pieces it is made, of what its container lies
	 * on (the disk, or the volume that has it); else NULL.  Ours. */
	struct cont_volume *made;
};

struct disk_map {
	struct part_table *table;      /* NULL: no partition table            */
	struct map_region *regions;
	size_t n_regions;
	struct extents *used;
};

struct map_options {
	int keep_page_files;
	const struct cont_keys *keys; /* --unlock: of encrypted volumes; or NULL */
	int probe_only;   /* identify file systems but don't walk (used NULL) */
	const char *only; /* part_choose()'s list, or NULL: the other partitions are
			   * left out; ERR_USAGE if the list doesn't fit the disk */
	/* Other disks of the machine, only looked at for volumes that lie on several
	 * disks: what is used of these can be told only with all of them. */
	struct blkdev *const *others;
	size_t n_others;
};

/* Reads d (never writes).  Fails only when the disk can't be read at all or
 * memory runs out; a damaged file system ends as "taken whole" with a note. */
int map_build(struct blkdev *d, const struct map_options *opt,
	      struct disk_map **ret, struct err *e) must_check;
struct disk_map *map_free(struct disk_map *m);
/* Calls fn for all regions, each before the volumes inside it; depth: 0 for those
 * of the disk. */
void map_each(const struct disk_map *m,
	      void (*fn)(void *ctx, const struct map_region *r, unsigned int depth), void *ctx);

#endif
