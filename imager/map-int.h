/* map-int.h: what the files of the used map share.
 *
 * A level is a device cut into windows: the disk with its partitions, or a volume
 * that a container holds, which is one window.  Each level sends the used bytes of
 * its windows in the device's order; a container's window opens a level for each of
 * its volumes, and maps what it hears back to its own device. */
#ifndef REHOST_MAP_INT_H
#define REHOST_MAP_INT_H
#include "imager/container/container.h"
#include "imager/map.h"

/* LVM in LUKS in LVM on RAID is 4. */
#define MAP_DEPTH_MAX 8u
/* Of one disk, at all depths: more are a trap, or were made by a program. */
#define MAP_VOLUMES_MAX 4096u

struct group;

struct build {
	const struct map_options *opt;
	unsigned int volumes;         /* how many there were, at all depths */
	struct err *e;
};

struct level {
	struct build *b;
	struct blkdev *d;
	/* What pieces of volumes lie on: d, and behind it the other disks, of which
	 * `others` are the windows. */
	struct blkdev *all;
	struct window { uint64_t start, size; } *others;
	size_t n_others;
	const struct part_table *table; /* NULL: all of d is one window */
	struct emit out;              /* the used bytes of d            */
	struct group *groups;         /* containers that were opened    */
	unsigned int depth;           /* 0: the disk                    */
};

/* ---- map-window.c ---- */
/* The window r->start, r->size of l->d is identified into r, and its used bytes sent. */
int map_window(struct level *l, struct map_region *r) must_check;
/* The same when it is known that it must be taken whole; with a sentence. */
int map_doubt(struct level *l, struct map_region *r, const char *why) must_check;
int map_whole(struct level *l, struct map_region *r) must_check;
/* Does the error end the whole map? */
int map_fatal(int code);
/* Appends a sentence; a note that there is no memory for is lost. */
void map_note(struct map_region *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- map-volumes.c ---- */
/* The window r is one of c's.  1: refused, why says why, nothing was sent. */
int map_container(struct level *l, struct map_region *r, const struct container *c,
		  struct err *why) must_check;
void map_groups_done(struct level *l);
#endif
