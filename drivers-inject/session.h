/* session.h: one run of rehost-adapt: what it was told, and its document. */
#ifndef REHOST_SESSION_H
#define REHOST_SESSION_H
#include <json-c/json.h>
#include <stdio.h>
#include "common/events.h"
#include "drivers-inject/apply.h"
#include "drivers-inject/linux/linux.h"
#include "drivers-inject/options.h"
#include "imager/driver-places.h"

struct session {
	const struct options *o;
	struct lin_wishes wishes;
	struct hw target, old;
	int have_old;
	struct events *events;
	const struct apply_host *host;
	struct json_object *doc, *systems, *notes, *locked; /* of the document; doc owns */
	struct driver_places drivers;   /* for a Windows; session_drivers()   */
	struct drivers *packages; /* read from these when a Windows needs them */
	int trouble;            /* status 3: a warning, or it will not boot   */
	size_t edits;           /* planned in all systems                     */
};

/* A JSON document of this machine, at most 16 MiB; ERR_USAGE when there is none. */
int session_read_json(const char *path, struct json_object **ret, struct err *e) must_check;
/* disk: which of the target's disks the system will start from, NULL: the
 * option's, or all. */
int session_open(const struct options *o, const char *disk, struct session *ret,
		 struct err *e) must_check;
void session_close(struct session *s);
/* Where drivers may be taken from, --drivers' places mounted; those that nobody asked
 * for are told in the notes, now and after each reset.  image: its local path, NULL:
 * a disk; shown: as it was given. */
int session_drivers(struct session *s, const char *image, const char *shown, FILE *people,
		    struct err *e) must_check;
/* The document begins anew: a second look at the same systems. */
void session_reset(struct session *s);

/* A Linux at a directory: scanned, planned, shown (people: NULL no); with
 * MODE_APPLY the edits are made if apply, then checked; MODE_CHECK, MODE_UNDO.
 * name: for people, "/dev/sda2". */
int session_linux(struct session *s, const char *dir, const struct volumes *v, const char *name,
		  int apply, FILE *people, struct err *e) must_check;

/* A Windows on a volume, which is not mounted. */
struct session_volume {
	struct blkdev *dev;     /* for writing when the edits are to be made */
	const char *dir;        /* "Windows"                                 */
	const char *name;       /* for people                                */
	const struct volumes *volumes;
	int volume;             /* which of them it is; -1: not known        */
};
int session_windows(struct session *s, const struct session_volume *x, int apply, FILE *people,
		    struct err *e) must_check;
#endif
