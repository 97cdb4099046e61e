/* report.h: what a running job says: as events to a file descriptor, as text to
 * people on stderr (one line redrawn on a terminal; else a line every few
 * seconds), and as the list of warnings that decides between exit 0 and 3.
 *
 * A thread of its own tells when nothing has moved for a while: the job's thread
 * can't while it waits for a server that doesn't answer. */
#ifndef REHOST_REPORT_H
#define REHOST_REPORT_H
#include <stdio.h>
#include <signal.h>
#include "common/events.h"
#include "imager/engine.h"

struct report;

struct report_params {
	const char *job;              /* "capture", "restore", "verify"           */
	int events_fd;                /* -1: none                                 */
	FILE *people;                 /* stderr                                   */
	const volatile sig_atomic_t *cancel; /* the number of a signal, 0 none    */
};
int report_new(const struct report_params *p, struct report **ret,
	       struct err *e) must_check;
struct report *report_free(struct report *r); /* takes NULL, returns NULL */

/* s->job is filled in */
void report_start(struct report *r, const struct events_start *s);
void report_step(struct report *r, const char *step, const char *text);
void report_warning(struct report *r, const char *code, uint64_t off, uint64_t len,
		    const char *fmt, ...) __attribute__((format(printf, 5, 6)));
uint64_t report_warnings(const struct report *r);
/* The engine's callbacks, bound to r; lives as long as r. */
const struct job_events *report_job_events(struct report *r);
/* Ends the bar's line and prints what was done; sends "done". */
void report_done(struct report *r, const struct events_done *d);
/* Ends the bar's line and sends "error" (main prints the text). */
void report_error(struct report *r, const struct err *e);
#endif
