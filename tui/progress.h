/* progress.h: how a running job is doing, kept from the JSON lines that
 * capture, restore and verify write (docs/INTERFACES.md, Events).  Used by the
 * screens and by unattended runs.  Pure: lines in, a struct out. */
#ifndef REHOST_TUI_PROGRESS_H
#define REHOST_TUI_PROGRESS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "tui/job.h"

#define RUN_WARNINGS_MAX 100  /* kept as text; all are counted */

enum progress_state { RUN_ACTIVE, RUN_DONE, RUN_WARNED, RUN_FAILED, RUN_REFUSED,
		 RUN_CANCELLED };
/* What an event line was. */
enum progress_event { RUN_OTHER, RUN_START, RUN_STEP, RUN_PROGRESS, RUN_WAITING, RUN_WARNING,
		 RUN_ERROR, RUN_END };

struct progress_result {       /* of one disk */
	char digest[132], path[400];
	uint64_t bytes, image_bytes, seconds;
};

struct progress {
	enum progress_state state;
	size_t k, n;          /* disk k (from 0) of n */
	size_t ended;         /* disks whose `done` event was seen */
	char step[16], step_text[200];
	uint64_t done, total, rate, written, eta; /* bytes, bytes/s, seconds */
	bool eta_known;
	uint64_t waiting;     /* seconds since anything moved; 0: it moves */
	bool cancelling;
	size_t nwarnings;
	char warnings[RUN_WARNINGS_MAX][320];
	char error[1000];     /* what went wrong; "" if nothing */
	int status;           /* exit status, -1 killed */
	struct progress_result result[JOB_DISKS_MAX];
};

/* Forgets everything; a job over n disks follows. */
void progress_begin(struct progress *r, size_t n);
/* One line without its newline.  What can't be read is RUN_OTHER. */
enum progress_event progress_line(struct progress *r, const char *line, size_t len);
/* The job's program has ended: status is its exit status, or -1 with signal
 * given.  tail: the end of its stderr, used where no error event said more.
 * Without a `done` event of every disk it didn't end well. */
void progress_end(struct progress *r, int status, int signal, const char *tail);
/* Whole percents done, 0..100. */
int progress_percent(const struct progress *r);
#endif
