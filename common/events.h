/* events.h: JSON lines to an open file descriptor, for the wizard and for
 * scripts (docs/INTERFACES.md, "Events").  A reader that goes away stops the
 * events, never the job. */
#ifndef REHOST_EVENTS_H
#define REHOST_EVENTS_H
#include <stdint.h>
#include "common/err.h"

struct events;

/* fd: open for writing, or -1: then all events go nowhere.  fd stays the
 * caller's; it is made close-on-exec.  The process must ignore SIGPIPE. */
int events_new(int fd, struct events **ret, struct err *e) must_check;
struct events *events_free(struct events *ev); /* takes NULL, returns NULL */

struct events_progress {
	uint64_t bytes_done, bytes_total, written, rate; /* bytes, bytes/s   */
	int64_t eta;                                     /* seconds; -1 none */
};

struct events_done {
	int status;               /* 0 or 3 */
	const char *digest;       /* hex, or NULL */
	const char *path;         /* or NULL */
	uint64_t bytes, image_bytes, seconds;
	const uint64_t *changed;  /* bytes that were written; NULL: bytes */
};

struct events_start {
	const char *job, *source, *target;   /* target: or NULL */
	uint64_t bytes_total;
	unsigned int disk, disks; /* the how-manieth of how many; 0, 0: only one */
};

void events_start(struct events *ev, const struct events_start *s);
void events_step(struct events *ev, const char *step, const char *text);
void events_progress(struct events *ev, const char *step,
		     const struct events_progress *p);
/* length 0: the warning is about no place */
/* nothing has happened for so many seconds */
void events_waiting(struct events *ev, const char *step, uint64_t seconds);
void events_warning(struct events *ev, const char *code, const char *text,
		    uint64_t offset, uint64_t length);
void events_error(struct events *ev, int status, const char *text);
void events_done(struct events *ev, const struct events_done *d);
#endif
