/* part-plan.h: which partitions of an image go to which places of a disk's existing
 * table (`restore --only`, `--into`), and why one can't. */
#ifndef REHOST_PART_PLAN_H
#define REHOST_PART_PLAN_H
#include "imager/dev/dev.h"
#include "imager/fmt/image.h"
#include "imager/part/choose.h"

/* One partition and its place: bytes of the captured disk, bytes of the target. */
struct part_place {
	unsigned int number, to_number; /* to_number 0: the target is a partition itself */
	uint64_t from, from_size;
	uint64_t to, to_size;
	uint64_t to_start;      /* where the place lies on its whole disk   */
	uint64_t used;          /* used bytes of it in the image            */
	char fs[24];            /* "ntfs", ...; "" unknown                  */
	char label[64];
};

struct part_plan {
	struct part_place *v;
	size_t n;
	struct part_choice to;  /* their numbers in the target's table      */
};

struct part_wish {
	const char *only;       /* part_choose()'s list; NULL: the only one there is */
	const char *into;       /* a partition of the target; NULL: the same place   */
	const char *image_name;
	/* The target is a partition that begins at this byte of its disk, and this is
	 * the disk; else NULL.  The caller's. */
	struct blkdev *whole;
	uint64_t part_start;
};

/* ERR_USAGE: no such partition; ERR_REFUSED: the target's table has no such place,
 * or it is too small, or for something else.  Reads only. */
int part_plan(struct image *im, struct blkdev *target, const struct part_wish *w,
	      struct part_plan *ret, struct err *e) must_check;
int part_plan_same(const struct part_plan *a, const struct part_plan *b); /* 1 or 0 */
void part_plan_done(struct part_plan *p);

#endif
