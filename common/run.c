/* run.c: see run.h. */
#include "common/run.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct child {
	pid_t pid;
	int out, err, fail;  /* read ends; fail: the child's errno of execvp */
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void in_child(const struct run_spec *s, int out, int err, int fail)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigset_t none;
	int n;

	/* a child is given a secret only by the file that is meant for it */
	unsetenv("REHOST_PASSWORD");
	unsetenv("REHOST_LUKS_PASSPHRASE");
	unsetenv("REHOST_PASSPHRASE");
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	if (null >= 0 && dup2(null, 0) >= 0 && dup2(out, 1) >= 0 && dup2(err, 2) >= 0)
		execvp(s->argv[0], (char *const *)s->argv);
	n = errno;
	if (write(fail, &n, sizeof n) < 0)
		_exit(126);
	_exit(127);
}

static int start(const struct run_spec *s, struct child *c, struct err *e)
{
	int p[6] = { -1, -1, -1, -1, -1, -1 };

	if (pipe2(p, O_CLOEXEC) < 0 || pipe2(p + 2, O_CLOEXEC) < 0 ||
	    pipe2(p + 4, O_CLOEXEC) < 0 || (c->pid = fork()) < 0) {
		err_sys(e, errno, "starting %s", s->argv[0]);
		for (int i = 0; i < 6; i++)
			if (p[i] >= 0)
				close(p[i]);
		return ERR_IO;
	}
	if (c->pid == 0)
		in_child(s, p[1], p[3], p[5]);
	close(p[1]);
	close(p[3]);
	close(p[5]);
	c->out = p[0];
	c->err = p[2];
	c->fail = p[4];
	return 0;
}

/* Appends what can be read; 0 at the end of the stream. */
static int take_out(int fd, const struct run_spec *s, struct run_result *r,
		    int *too_long)
{
	char buf[4096], *p;
	ssize_t n = read(fd, buf, sizeof buf);

	if (n <= 0)
		return n < 0 && errno == EINTR;
	if (*too_long)
		return 1;
	if (r->out_len + (size_t)n > s->out_max ||
	    !(p = realloc(r->out, r->out_len + (size_t)n + 1))) {
		*too_long = 1;
		return 1;
	}
	r->out = p;
	memcpy(p + r->out_len, buf, (size_t)n);
	r->out_len += (size_t)n;
	p[r->out_len] = 0;
	return 1;
}

/* Keeps the last bytes. */
static int take_err(int fd, struct run_result *r)
{
	char buf[1024];
	ssize_t n = read(fd, buf, sizeof buf);
	size_t have = strlen(r->err), room = sizeof r->err - 1, drop;

	if (n <= 0)
		return n < 0 && errno == EINTR;
	for (ssize_t i = 0; i < n; i++)
		if (!buf[i])
			buf[i] = '?';
	if (have + (size_t)n > room) {
		drop = have + (size_t)n - room;
		if (drop > have)
			drop = have;
		memmove(r->err, r->err + drop, have - drop);
		have -= drop;
	}
	memcpy(r->err + have, buf, (size_t)n);
	r->err[have + (size_t)n] = 0;
	return 1;
}

/* Reads both streams until they end; stops the child when time is over. */
static void collect(struct child *c, const struct run_spec *s,
		    struct run_result *r, int *too_long, int *cancelled)
{
	double end = s->timeout_s ? now() + s->timeout_s : 0, kill_at = 0;
	struct pollfd p[2] = { { .fd = c->out, .events = POLLIN },
			       { .fd = c->err, .events = POLLIN } };

	while (p[0].fd >= 0 || p[1].fd >= 0) {
		int n = poll(p, 2, 100);

		if (n > 0 && p[0].revents && !take_out(c->out, s, r, too_long))
			p[0].fd = -1;
		if (n > 0 && p[1].revents && !take_err(c->err, r))
			p[1].fd = -1;
		if (!kill_at && s->cancel && *s->cancel)
			*cancelled = 1;
		if (!kill_at && end && now() >= end)
			r->timed_out = 1;
		if (!kill_at && (*cancelled || r->timed_out || *too_long)) {
			kill(c->pid, SIGTERM);
			kill_at = now() + 2;
		} else if (kill_at && now() >= kill_at) {
			kill(c->pid, SIGKILL);
			return; /* a grandchild may hold the pipes open */
		}
	}
}

int run_program(const struct run_spec *s, struct run_result *ret,
		struct err *e)
{
	struct run_result r = { 0 };
	struct child c;
	int st = 0, n = 0, too_long = 0, cancelled = 0, failed;

	if (start(s, &c, e) < 0)
		return ERR_IO;
	collect(&c, s, &r, &too_long, &cancelled);
	failed = read(c.fail, &n, sizeof n) == (ssize_t)sizeof n;
	while (waitpid(c.pid, &st, 0) < 0 && errno == EINTR)
		;
	close(c.out);
	close(c.err);
	close(c.fail);
	r.status = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
	for (size_t len = strlen(r.err); len && strchr("\r\n ", r.err[len - 1]); len--)
		r.err[len - 1] = 0;
	if (!failed && !cancelled && !too_long) {
		*ret = r;
		return 0;
	}
	run_result_done(&r);
	if (failed && n == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "the program %s is not installed",
			       s->argv[0]);
	if (failed)
		return err_sys(e, n, "running %s", s->argv[0]);
	if (cancelled)
		return err_set(e, ERR_CANCELLED, "cancelled while %s ran", s->argv[0]);
	return err_set(e, ERR_IO, "%s wrote more than %zu bytes", s->argv[0], s->out_max);
}

void run_result_done(struct run_result *r)
{
	free(r->out);
	r->out = NULL;
}

const char *run_find(const char *name, char *buf, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", buf, size - 1);
	char *slash;

	if (n > 0) {
		buf[n] = 0;
		slash = strrchr(buf, '/');
		if (slash && (size_t)(slash + 1 - buf) + strlen(name) < size) {
			memcpy(slash + 1, name, strlen(name) + 1);
			if (access(buf, X_OK) == 0)
				return buf;
		}
	}
	snprintf(buf, size, "%s", name);
	return buf;
}
