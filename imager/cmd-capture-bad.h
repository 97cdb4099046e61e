/* cmd-capture-bad.h: what `rehost capture` does about disks that are dying: their
 * health, the options of places that are hard to read, the log of these. */
#ifndef REHOST_CMD_CAPTURE_BAD_H
#define REHOST_CMD_CAPTURE_BAD_H
#include "imager/cmd.h"
#include "imager/lost.h"
#include "imager/mapfile.h"
#include "imager/report.h"
#include "imager/smart.h"

struct capture_bad {
	struct mapfile known;     /* --log, as it was before */
	char log[PATH_MAX + 8];   /* that is written         */
	struct lost lost;         /* the caller's to fill    */
};
/* Fills what concerns bad places in *opt, which then refers to *b. */
int capture_bad_begin(struct capture_bad *b, const struct cmd_opts *o,
		      struct capture_options *opt, struct err *e) must_check;
void capture_bad_done(struct capture_bad *b);

/* Before the first byte is read: tells what the disk says of itself.  NULL: nothing;
 * else json_object_put() it. */
struct json_object *capture_smart(struct report *rep, const struct disk *d);
/* An option's number as capture_options wants it: -1 (not given) is 0, 0 is -1. */
int capture_seconds(int given);
#endif
