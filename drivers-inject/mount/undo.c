/* undo.c: what an assembly made, taken back in reverse: by itself or, when the
 * process dies first, by a helper process that knows the same list. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "common/io.h"
#include "common/run.h"
#include "drivers-inject/mount/int.h"

#define BUSY_TRIES 50           /* of 100 ms: a file system that somebody looks into */
#define TOOL_SECONDS 60

/* Each step: its kind's letter, then the argument. */
struct undo {
	struct strv steps;
	int pipe;               /* steps go to the helper; "-" takes one back,
				 * "q" ends it; each with a 0 byte behind     */
	pid_t helper;
};

static int run_tool(const char *const *argv, struct err *e)
{
	struct run_spec spec = { .argv = argv, .timeout_s = TOOL_SECONDS, .out_max = 65536 };
	struct run_result r;
	int rc = run_program(&spec, &r, e);

	if (rc)
		return rc;
	if (r.status || r.timed_out)
		rc = err_set(e, ERR_IO, "%s failed: %s", argv[0], *r.err ? r.err : "no message");
	run_result_done(&r);
	return rc;
}

static int undo_umount(const char *path, int at_any_price, struct err *e)
{
	struct timespec wait = { .tv_nsec = 100 * 1000 * 1000 };

	if (at_any_price) {
		umount2(path, MNT_DETACH);
		return 0;
	}
	for (int i = 0; umount2(path, 0) < 0; i++) {
		if (errno != EBUSY || i == BUSY_TRIES) {
			err_sys(e, errno, "%s could not be unmounted", path);
			umount2(path, MNT_DETACH);
			return e ? e->code : ERR_IO;
		}
		nanosleep(&wait, NULL);
	}
	return 0;
}

static int undo_vg(const char *arg, struct err *e)
{
	const char *vg = strchr(arg, '\n');
	char *config = vg ? strndup(arg, (size_t)(vg - arg)) : NULL;
	const char *argv[] = { "lvm", "vgchange", "-an", "--config", config, "--",
			       vg ? vg + 1 : "", NULL };
	int r = config ? run_tool(argv, e) : err_set(e, ERR_NOMEM, "out of memory");

	free(config);
	return r;
}

static int undo_step(const char *step, int at_any_price, struct err *e)
{
	const char *arg = step + 1;
	const char *dm[] = { "dmsetup", "remove", "--retry", "--noudevsync", arg, NULL };
	const char *md[] = { "mdadm", "--stop", arg, NULL };

	switch (*step) {
	case UNDO_UMOUNT:
		return undo_umount(arg, at_any_price, e);
	case UNDO_RMDIR:
		rmdir(arg);
		return 0;
	case UNDO_DM:
		return run_tool(dm, e);
	case UNDO_VG:
		return undo_vg(arg, e);
	case UNDO_MD:
		return run_tool(md, e);
	default:
		return err_set(e, ERR_INTERNAL, "undo step \"%s\"", step);
	}
}

static void pop(struct strv *steps)
{
	if (steps->n)
		free(steps->v[--steps->n]);
}

/* ---- the helper ---- */

static void helper_message(struct strv *steps, const char *m)
{
	if (!strcmp(m, "q"))
		_exit(0);
	if (!strcmp(m, "-"))
		pop(steps);
	else if (strv_add(steps, m))
		_exit(1);
}

static void helper_run(int fd)
{
	struct strv steps = { 0 };
	struct err ignored;
	static char buf[65536];
	size_t have = 0;
	ssize_t n;

	io_serve_alone();
	while ((n = read(fd, buf + have, sizeof buf - have)) > 0 || (n < 0 && errno == EINTR)) {
		char *end, *at = buf;

		have += n > 0 ? (size_t)n : 0;
		while ((end = memchr(at, 0, have - (size_t)(at - buf)))) {
			helper_message(&steps, at);
			at = end + 1;
		}
		have -= (size_t)(at - buf);
		memmove(buf, at, have);
	}
	for (; steps.n; pop(&steps))
		if (undo_step(steps.v[steps.n - 1], 1, &ignored))
			continue;
	_exit(0);
}

int undo_new(struct undo **ret, struct err *e)
{
	struct undo *u = calloc(1, sizeof *u);
	int p[2];

	if (!u)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (pipe2(p, O_CLOEXEC) < 0) {
		free(u);
		return err_sys(e, errno, "a pipe");
	}
	u->helper = fork();
	if (u->helper == 0) {
		close(p[1]);
		helper_run(p[0]);
	}
	close(p[0]);
	u->pipe = p[1];
	if (u->helper < 0) {
		err_sys(e, errno, "starting a helper process");
		close(p[1]);
		free(u);
		return e->code;
	}
	*ret = u;
	return 0;
}

static int tell(struct undo *u, const char *m, struct err *e)
{
	int n = io_write_all(u->pipe, m, strlen(m) + 1);

	return n ? err_sys(e, n, "the helper process that cleans up is gone") : 0;
}

int undo_add(struct undo *u, enum undo_kind kind, struct err *e, const char *fmt, ...)
{
	char step[8192];
	va_list ap;
	int n, r;

	step[0] = (char)kind;
	va_start(ap, fmt);
	n = vsnprintf(step + 1, sizeof step - 1, fmt, ap);
	va_end(ap);
	if (n < 0 || n >= (int)sizeof step - 1)
		r = err_set(e, ERR_UNSUPPORTED, "a name that is too long");
	else if (strv_add(&u->steps, step))
		r = err_set(e, ERR_NOMEM, "out of memory");
	else
		return tell(u, step, e);
	if (undo_step(step, 1, NULL))
		return r; /* it is told already */
	return r;
}

size_t undo_mark(const struct undo *u)
{
	return u->steps.n;
}

int undo_to(struct undo *u, size_t mark, struct err *e)
{
	struct err late;
	int rc = 0, r;

	while (u->steps.n > mark) {
		r = undo_step(u->steps.v[u->steps.n - 1], 0, rc ? &late : e);
		pop(&u->steps);
		if (!r)
			r = tell(u, "-", rc ? &late : e);
		rc = rc ? rc : r;
	}
	return rc;
}

int undo_close(struct undo *u, struct err *e)
{
	struct err ignored;
	int rc;

	if (!u)
		return 0;
	rc = undo_to(u, 0, e);
	/* after a failure the helper tries what is left at any price */
	if (!rc)
		rc = tell(u, "q", rc ? &ignored : e);
	close(u->pipe);
	while (waitpid(u->helper, NULL, 0) < 0 && errno == EINTR)
		;
	strv_done(&u->steps);
	free(u);
	return rc;
}
