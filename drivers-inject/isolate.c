/* isolate.c: see isolate.h. */
#include "drivers-inject/isolate.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "common/cleanup.h"

#define MEMORY_MAX (1536ull << 20) /* of the child: the largest hive, thrice */

static void limit_child(void)
{
	struct rlimit none = { 0, 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__ /* its shadow memory has terabytes */
	struct rlimit mem = { MEMORY_MAX, MEMORY_MAX };

	setrlimit(RLIMIT_AS, &mem);
#endif
}

static void child(char *(*work)(void *ctx), void *ctx, int fd)
{
	size_t done = 0, len;
	char *s;

	limit_child();
	s = work(ctx);
	if (!s)
		_exit(1);
	len = strlen(s);
	while (done < len) {
		ssize_t n = write(fd, s + done, len - done);

		if (n <= 0)
			_exit(1);
		done += (size_t)n;
	}
	_exit(0);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Reads until the child closes its end: 0; ETIMEDOUT, EFBIG or an errno. */
static int collect(int fd, int64_t until, char *buf, size_t *len)
{
	for (;;) {
		int64_t left = until - now_ms();
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int r = left > 0 ? poll(&p, 1, (int)left) : 0;
		ssize_t n;

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r ? errno : ETIMEDOUT;
		if (*len == ISOLATE_OUTPUT_MAX)
			return EFBIG;
		n = read(fd, buf + *len, ISOLATE_OUTPUT_MAX - *len);
		if (n < 0)
			return errno;
		if (!n)
			return 0;
		*len += (size_t)n;
	}
}

static int parent(pid_t pid, int fd, unsigned int seconds, char **ret,
		  struct err *e)
{
	cleanup_free char *buf = malloc(ISOLATE_OUTPUT_MAX + 1);
	size_t len = 0;
	int status = -1, r = ENOMEM;

	if (buf)
		r = collect(fd, now_ms() + (int64_t)seconds * 1000, buf, &len);
	if (r)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r == ETIMEDOUT)
		return err_set(e, ERR_CORRUPT, "gave up after %u seconds",
			       seconds);
	if (r)
		return err_sys(e, r, "the process that looks");
	if (WIFSIGNALED(status))
		return err_set(e, ERR_CORRUPT, "the reader crashed (%s)",
			       strsignal(WTERMSIG(status)));
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return err_set(e, ERR_CORRUPT, "the reader failed");
	buf[len] = 0;
	*ret = buf;
	buf = NULL;
	return 0;
}

int isolate(char *(*work)(void *ctx), void *ctx, unsigned int seconds,
	    char **ret, struct err *e)
{
	cleanup_close int in = -1, out = -1;
	int p[2];
	pid_t pid;

	if (pipe2(p, O_CLOEXEC))
		return err_sys(e, errno, "pipe");
	in = p[0];
	out = p[1];
	pid = fork();
	if (pid < 0)
		return err_sys(e, errno, "fork");
	if (!pid)
		child(work, ctx, out);
	close(out);
	out = -1;
	return parent(pid, in, seconds, ret, e);
}
