/* volumes.h: an image in several files (FORMAT.md 7): written one after the other,
 * and read as one. */
#ifndef REHOST_VOLUMES_H
#define REHOST_VOLUMES_H
#include "imager/fmt/image.h"
#include "imager/store/store.h"

/* A volume is at least so large: a record must fit. */
#define VOLUME_MIN (16ull << 20)

/* What an image_writer writes to.  size 0: never split. */
struct volume_out {
	struct store_out *out;
	const struct image_params *params;
	uint64_t size;            /* bytes that a volume may have at most         */
	uint64_t logical;         /* bytes of the image so far                    */
	uint64_t in_volume;       /* bytes in the current volume                  */
	unsigned int volume;
};
struct image_sink volume_sink(struct volume_out *v);

/* path's further volumes behind its first one, as one device: PATH.001 ..., or
 * NAME.001.part ... for a PATH "NAME.part".  first becomes the device's on success.
 * It goes as far as the volumes do; the image's END tells whether that is all. */
int volumes_open(const char *path, struct blkdev *first, const struct image_params *p,
		 struct blkdev **ret, struct err *e) must_check;
/* All volumes of path that are there, whatever is in them, behind each other with their
 * VOLUME records: for salvage.  *ret_missing: how many before the last one aren't.
 * ERR_NOT_FOUND: none is. */
int volumes_open_torn(const char *path, struct blkdev **ret, unsigned int *ret_missing,
		      struct err *e) must_check;
/* The volume of byte `logical` of a device of volumes_open(), or of a file that isn't
 * split, and its place there; the end belongs to the last one. */
void volumes_place(const struct blkdev *d, uint64_t logical, unsigned int *ret_volume,
		   uint64_t *ret_off);
#endif
