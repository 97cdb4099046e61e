/* child.c: see child.h. */
#include "tui/child.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tui/log.h"

enum { OUT, ERR, EVENTS };

static void set_env(const char *name, const struct text *t)
{
	if (t->s[0])
		setenv(name, t->s, 1);
	else
		unsetenv(name);
}

/* In the child: descriptors 0-3, signals, environment, then the program. */
static void become(const struct argv *argv, const struct job *j, int (*pipes)[2])
{
	sigset_t none;
	int null;

	for (int i = 0; i < 3; i++)     /* out of the way of 0..3 */
		pipes[i][1] = fcntl(pipes[i][1], F_DUPFD, 10);
	null = open("/dev/null", O_RDONLY);
	dup2(null, 0);
	dup2(pipes[OUT][1], 1);
	dup2(pipes[ERR][1], 2);
	dup2(pipes[EVENTS][1], 3);
	closefrom(4);
	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (job_takes_share(argv)) {
		set_env("REHOST_USERNAME", &j->place.smb.user);
		set_env("REHOST_PASSWORD", &j->place.smb.password);
		set_env("REHOST_DOMAIN", &j->place.smb.domain);
	}
	if (job_takes_luks(j, argv))
		set_env("REHOST_LUKS_PASSPHRASE", &j->adapt.luks);
	if (job_takes_passphrase(j, argv))
		set_env("REHOST_PASSPHRASE", &j->passphrase);
	execvp(argv->v[0], argv->v);
	dprintf(2, "%s could not be started: %s\n", argv->v[0], strerror(errno));
	_exit(127);
}

static void close_all(int (*pipes)[2])
{
	for (int i = 0; i < 3; i++)
		for (int k = 0; k < 2; k++)
			if (pipes[i][k] >= 0)
				close(pipes[i][k]);
}

int child_start(struct child *c, const struct argv *argv, const struct job *j,
		child_line_fn *on_line, void *ctx, struct err *e)
{
	int pipes[3][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
	int rc = 0;
	pid_t pid;

	for (int i = 0; !rc && i < 3; i++)
		if (pipe2(pipes[i], O_CLOEXEC))
			rc = err_sys(e, errno, "No pipe for %s", argv->v[0]);
	pid = rc ? -1 : fork();
	if (pid == 0)
		become(argv, j, pipes);
	if (pid < 0) {
		if (!rc)
			rc = err_sys(e, errno, "%s could not be started", argv->v[0]);
		close_all(pipes);
		return rc;
	}
	setpgid(pid, pid);
	memset(c, 0, sizeof *c);
	c->pid = pid;
	c->on_line = on_line;
	c->ctx = ctx;
	for (int i = 0; i < 3; i++) {
		c->fd[i] = pipes[i][0];
		fcntl(c->fd[i], F_SETFL, O_NONBLOCK);
		close(pipes[i][1]);
	}
	return 0;
}

int child_pollfds(const struct child *c, struct pollfd *p)
{
	int n = 0;

	for (int i = 0; c->pid && i < 3; i++)
		if (c->fd[i] >= 0)
			p[n++] = (struct pollfd){ .fd = c->fd[i], .events = POLLIN };
	return n;
}

static void keep_out(struct child *c, const char *buf, size_t n)
{
	char *out;

	if (n > CHILD_OUT_MAX - c->nout)
		n = CHILD_OUT_MAX - c->nout;
	out = realloc(c->out, c->nout + n + 1);
	if (!out)
		return;         /* what is missing shows as a broken document */
	memcpy(out + c->nout, buf, n);
	c->out = out;
	c->nout += n;
	out[c->nout] = 0;
}

static void keep_tail(struct child *c, const char *buf, size_t n)
{
	size_t room = sizeof c->tail - 1;

	log_text(buf, n);
	if (n > room) {
		buf += n - room;
		n = room;
	}
	if (c->ntail + n > room) {
		size_t drop = c->ntail + n - room;

		memmove(c->tail, c->tail + drop, c->ntail - drop);
		c->ntail -= drop;
	}
	memcpy(c->tail + c->ntail, buf, n);
	c->ntail += n;
	c->tail[c->ntail] = 0;
}

static void keep_lines(struct child *c, const char *buf, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (buf[i] != '\n') {
			if (c->nline < sizeof c->line)
				c->line[c->nline++] = buf[i];
			else
				c->line_cut = true;
			continue;
		}
		if (!c->line_cut && c->on_line)
			c->on_line(c->ctx, c->line, c->nline);
		c->nline = 0;
		c->line_cut = false;
	}
}

static void read_one(struct child *c, int i)
{
	static void (*const keep[])(struct child *, const char *, size_t) = {
		keep_out, keep_tail, keep_lines,
	};
	char buf[4096];

	/* bounded, so that a program that floods us can't hold the screen */
	for (int turns = 0; c->fd[i] >= 0 && turns < 64; turns++) {
		ssize_t n = read(c->fd[i], buf, sizeof buf);

		if (n > 0) {
			keep[i](c, buf, (size_t)n);
			continue;
		}
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		close(c->fd[i]);
		c->fd[i] = -1;
	}
}

void child_read(struct child *c)
{
	for (int i = 0; c->pid && i < 3; i++)
		read_one(c, i);
}

bool child_ended(struct child *c, int *ret_status, int *ret_signal)
{
	int st;

	if (!c->pid || waitpid(c->pid, &st, WNOHANG) != c->pid)
		return false;
	/* a grandchild may keep the pipes open: what is there counts */
	child_read(c);
	if (c->ntail && c->tail[c->ntail - 1] != '\n')
		log_text("\n", 1);
	*ret_signal = WIFSIGNALED(st) ? WTERMSIG(st) : 0;
	*ret_status = WIFSIGNALED(st) ? -1 : WEXITSTATUS(st);
	c->pid = 0;
	return true;
}

void child_stop(struct child *c, long now)
{
	if (!c->pid || c->term_at)
		return;
	kill(-c->pid, SIGTERM);
	c->term_at = now;
}

void child_tick(struct child *c, long now)
{
	if (c->pid && c->term_at && now - c->term_at >= CHILD_KILL_SECONDS)
		kill(-c->pid, SIGKILL);
}

bool child_hangs(const struct child *c, long now)
{
	return c->pid && c->term_at &&
	       now - c->term_at >= CHILD_KILL_SECONDS + CHILD_HANG_SECONDS;
}

void child_done(struct child *c)
{
	for (int i = 0; i < 3; i++)
		if (c->fd[i] > 0)
			close(c->fd[i]);
	free(c->out);
	memset(c, 0, sizeof *c);
	c->fd[0] = c->fd[1] = c->fd[2] = -1;
}

const char *child_tail(struct child *c)
{
	const char *s = child_words(c), *nl;

	if (c->ntail <= CHILD_TAIL_MAX)
		return s;
	s += c->ntail - CHILD_TAIL_MAX;
	nl = strchr(s, '\n');
	return nl ? nl + 1 : s;
}

const char *child_words(struct child *c)
{
	while (c->ntail && (c->tail[c->ntail - 1] == '\n' || c->tail[c->ntail - 1] == ' '))
		c->tail[--c->ntail] = 0;
	c->tail[c->ntail] = 0;
	return c->tail;
}
