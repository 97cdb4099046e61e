/* run.h: runs another program by argv (never a shell), keeps what it says. */
#ifndef REHOST_RUN_H
#define REHOST_RUN_H
#include <signal.h>
#include <stddef.h>
#include "common/err.h"

struct run_spec {
	const char *const *argv;    /* NULL at the end; argv[0]: a path, or a
				     * name that is looked for in PATH          */
	unsigned int timeout_s;     /* then SIGTERM, SIGKILL 2 s later; 0: none */
	size_t out_max;             /* bytes of stdout kept; more is an error   */
	const volatile sig_atomic_t *cancel; /* set: stop it; may be NULL       */
};

struct run_result {
	int status;                 /* exit status, or 128 + signal             */
	int timed_out;
	char *out;                  /* stdout, with a 0 byte behind             */
	size_t out_len;
	char err[2048];             /* the last of stderr, without the newline  */
};

/* 0: it ran, whatever its status; fill with run_result_done.  ERR_NOT_FOUND:
 * there is no such program.  stdin is /dev/null. */
int run_program(const struct run_spec *s, struct run_result *ret,
		struct err *e) must_check;
void run_result_done(struct run_result *r);

/* The program `name` beside the running one if there is, else name itself (to
 * be looked for in PATH).  buf: at least 4096 bytes; returns buf. */
const char *run_find(const char *name, char *buf, size_t size);
#endif
