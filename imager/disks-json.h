/* disks-json.h: a disk with what is on it, as docs/INTERFACES.md, "disks". */
#ifndef REHOST_DISKS_JSON_H
#define REHOST_DISKS_JSON_H
#include <signal.h>
#include "common/json.h"
#include "imager/blkuse.h"
#include "imager/disks.h"
#include "imager/map.h"

struct disk_json_options {
	int used;            /* read the file systems' used maps               */
	int systems;         /* run rehost-adapt to find operating systems     */
	const volatile sig_atomic_t *cancel; /* may be NULL                    */
};

/* Reads the disk (never writes).  A disk that can't be read still gives its
 * entry, with "error".  *ret: json_object_put() it. */
int disk_json(const struct kernel_view *k, const struct disk *d,
	      const struct disk_json_options *opt, struct json_object **ret,
	      struct err *e) must_check;
/* The same from a map that is already there: adds table, partitions and file
 * systems of m to the entry o.  used: m was walked, not only probed. */
void disk_json_map(const struct kernel_view *k, const struct disk *d,
		   const struct disk_map *m, int used, struct json_object *o);
/* The entry's first part: who the disk is, and who uses it. */
struct json_object *disk_json_identity(const struct kernel_view *k, const struct disk *d);
/* "systems" by rehost-adapt; leaves it out (with a note in "notes") on failure. */
void disk_json_systems(const struct disk *d, const volatile sig_atomic_t *cancel,
		       struct json_object *o);
/* The regions of `rehost map --json`. */
struct json_object *map_regions_json(const struct disk_map *m);

/* The same as text for people: a line for the disk, one for each partition and
 * system.  indent: blanks before each line. */
void disk_text(FILE *f, struct json_object *disk, int indent);
#endif
