/* child.h: a program that runs beside the wizard, read without ever blocking:
 * its stdout is kept, the end of its stderr too, lines of its descriptor 3 are
 * handed on. */
#ifndef REHOST_TUI_CHILD_H
#define REHOST_TUI_CHILD_H
#include <poll.h>
#include <stdbool.h>
#include <sys/types.h>
#include "tui/job.h"

#define CHILD_OUT_MAX (16 << 20)  /* more on stdout than any list: cut */
#define CHILD_TAIL_MAX 1000       /* bytes of stderr's end that are a reason */
/* Between SIGTERM and SIGKILL: rehost gives a server 15 seconds to take back
 * what is unfinished. */
#define CHILD_KILL_SECONDS 20
/* Between SIGKILL and giving up: a program in the middle of a write to a share
 * whose server is gone can't be ended by anything but the server's return. */
#define CHILD_HANG_SECONDS 5

typedef void child_line_fn(void *ctx, const char *line, size_t len);

struct child {
	pid_t pid;                /* 0: none runs */
	int fd[3];                /* stdout, stderr, events; -1: closed */
	char *out;                /* NUL-terminated once anything came */
	size_t nout;
	char tail[6000];          /* the end of stderr */
	size_t ntail;
	char line[8192];          /* an event line being received */
	size_t nline;
	bool line_cut;            /* it was longer: dropped */
	child_line_fn *on_line;
	void *ctx;
	long term_at;             /* when SIGTERM was sent; 0: not */
};

/* Starts argv; the credentials of j's SMB place, and where they are needed the
 * passphrases of its encrypted volumes and image, go into its environment. */
int child_start(struct child *c, const struct argv *argv, const struct job *j,
		child_line_fn *on_line, void *ctx, struct err *e) must_check;
/* Fills at most 3 entries; returns how many. */
int child_pollfds(const struct child *c, struct pollfd *p);
/* Reads what is there. */
void child_read(struct child *c);
/* True once it has ended: *ret_status its exit status, or -1 and *ret_signal.
 * Everything it wrote has been read then; free with child_done. */
bool child_ended(struct child *c, int *ret_status, int *ret_signal);
/* Asks it, and what it started, to stop (SIGTERM). */
void child_stop(struct child *c, long now);
/* To be called about once a second: SIGKILL where SIGTERM did not help. */
void child_tick(struct child *c, long now);
/* True once SIGKILL did not help either. */
bool child_hangs(const struct child *c, long now);
void child_done(struct child *c);
/* The stderr's last lines, as one text; valid until child_done. */
const char *child_tail(struct child *c);
/* More of them. */
const char *child_words(struct child *c);
#endif
