/* cmd-adapt.h: `rehost restore --adapt`: the program rehost-adapt before and
 * after a restore. */
#ifndef REHOST_CMD_ADAPT_H
#define REHOST_CMD_ADAPT_H
#include <json-c/json.h>
#include "imager/cmd.h"

struct adapt_run {
	const struct cmd_opts *o;
	const char *const *targets; /* the disks, as given; the first boots      */
	const char *const *images; /* their images, local paths                  */
	size_t n;
	/* the old machine's inventory (an image's META), or NULL: for the names
	 * of network cards */
	struct json_object *old_hardware;
	struct driver_places drivers;   /* adapt_drivers()                     */
};

/* Mounts what --drivers names, looks beside the image (a local path; shown: as it
 * was given) and on the live medium, and says what it found there.  Close
 * a->drivers at the end. */
int adapt_drivers(struct adapt_run *a, const char *image, const char *shown,
		  struct err *e) must_check;

/* ERR_USAGE: options of adapt without --adapt, or no way to know the machine. */
int adapt_options_check(const struct adapt_run *a, struct err *e) must_check;
/* Shows the verdict over the guest in the images.  ERR_REFUSED: it
 * won't boot, or nobody knows, and --adapt-anyway isn't given; else
 * *ret_trouble is 1 in these cases, 0 if it will boot. */
int adapt_verdict(const struct adapt_run *a, int *ret_trouble, struct err *e) must_check;
/* Edits the guest on the targets.  *ret_trouble 1: it ended with warnings. */
int adapt_target(const struct adapt_run *a, int *ret_trouble, struct err *e) must_check;
#endif
