/* part-restore.h: chosen partitions of an image into places of a disk's table. */
#ifndef REHOST_PART_RESTORE_H
#define REHOST_PART_RESTORE_H
#include "imager/engine.h"
#include "imager/part-plan.h"

struct part_restore_options {
	struct job_options job;
	int verify;               /* read back and compare                       */
	/* Called when a place is complete. */
	void (*complete)(void *ctx, const struct part_place *p);
	void *ctx;
};

/* One place after the other.  Nothing outside of them is written.  The first MiB of
 * each is zeros until all else of it is on the disk, so that what is incomplete has
 * no file system; boot sectors that say where they lie are set right when the place
 * is another one than in the captured disk, and nothing else is changed.
 * *ret_place: the one at which it failed. */
int part_restore_run(struct image *im, struct blkdev *target,
		     const struct part_plan *plan, const struct part_restore_options *opt,
		     const struct job_events *ev, struct restore_result *ret,
		     const struct part_place **ret_place, struct err *e) must_check;
#endif
