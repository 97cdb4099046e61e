/* fit.h: how large a disk must be for an image: the one answer for the guard,
 * the restore and `rehost info`.  docs/decisions/0005-smaller-disk.md */
#ifndef REHOST_FIT_H
#define REHOST_FIT_H
#include "imager/dev/dev.h"
#include "imager/fmt/image.h"
#include "imager/part/part.h"

/* Bytes of the disk. */
struct fit {
	uint64_t disk_size;       /* of the captured disk                         */
	uint32_t sector_size;
	uint64_t smallest;        /* of a target, <= disk_size                    */
	/* A target below used_end gets nothing of what lies from copy_end on,
	 * all of which is the backup GPT: it must be made anew (gpt-move.h). */
	uint64_t used_end, copy_end;
	int has_table;            /* the image has a partition table, readable    */
	char why[200];            /* what asks for `smallest`: a clause           */
};

/* Needs the captured disk's size; why: a clause that says so. */
void fit_whole(const struct image_params *p, const char *why, struct fit *ret);
/* What is known from an image that comes through a pipe. */
void fit_pipe(const struct image_params *p, struct fit *ret);
/* Looks into the image, file_name for messages.  A table that can't be trusted,
 * or no table, needs the captured disk's size.  ERR_CORRUPT: the index is
 * damaged; ERR_IO, ERR_NOMEM. */
int fit_image(struct image *im, const char *file_name, struct fit *ret,
	      struct err *e) must_check;

/* The calculation alone.  copy_end: end of what is used, without the backup GPT. */
void fit_table(const struct image_params *p, const struct part_table *t,
	       uint64_t copy_end, struct fit *ret);

/* May the image be restored to target?  0; ERR_REFUSED with the sentence (too
 * small; another sector size).  A regular file as target takes the image's
 * sector size: the caller sets target->sector_size = f->sector_size for one. */
int fit_check(const struct fit *f, const struct blkdev *target, struct err *e) must_check;
/* Where the copy to a target of that many bytes ends; UINT64_MAX: all is copied. */
uint64_t fit_limit(const struct fit *f, uint64_t target_size);
#endif
