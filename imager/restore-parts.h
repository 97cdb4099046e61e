/* restore-parts.h: restore's --only and --into, for imager/cmd-restore.c. */
#ifndef REHOST_RESTORE_PARTS_H
#define REHOST_RESTORE_PARTS_H
#include "imager/disks.h"
#include "imager/part-restore.h"
#include "imager/report.h"

/* Chosen partitions of one image on their way to one disk. */
struct restore_parts {
	struct part_wish wish;
	struct store_in *file;    /* the image's; stays the caller's             */
	struct image *im;
	struct part_plan plan;
	const char *target;       /* as given                                    */
	char whole[PATH_MAX];     /* a partition: the disk that it is on; else ""  */
	char done[200];           /* "partition 2, 3": those that are complete   */
};

/* Before anything is asked or written: opens the image, looks at the target's
 * table, and says on `people` what goes where.  p: target, file, wish's texts are
 * the caller's, the rest zero. */
int restore_parts_plan(struct restore_parts *p, FILE *people, struct err *e) must_check;
/* After the confirmation.  how: complete and ctx are set here. */
int restore_parts_copy(struct restore_parts *p, const struct write_token *token,
		       const struct part_restore_options *how, struct report *rep, struct restore_result *ret, struct err *e) must_check;
uint64_t restore_parts_used(const struct restore_parts *p); /* bytes in all */
void restore_parts_done(struct restore_parts *p);
#endif
