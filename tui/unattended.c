/* unattended.c: see unattended.h. */
#include "tui/unattended.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "tui/log.h"

#define FETCH_SECONDS "60"      /* for an answer file by http */
#define NET_SECONDS "60"        /* for an address, before a share is used */

struct unattended {
	struct app *app;
	bool raw;               /* standard input gives Ctrl-C as a character */
	struct termios saved;   /* what it was before */
	struct answers answers;
	struct progress run;
	struct job job;
	long said_at, asked_at;
	int said_percent;
	bool stopping;
};

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
	char buf[4096] = "REHOST-JOB: ";
	size_t n = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf + n, sizeof buf - n - 1, fmt, ap);
	va_end(ap);
	log_line("%s", buf + n);
	n = strlen(buf);
	buf[n++] = '\n';
	if (write(STDOUT_FILENO, buf, n) < 0)
		log_line("standard output takes no text: %s", strerror(errno));
}

/* Keys come one by one, and Ctrl-C as a character. */
static void tty_raw(struct unattended *u)
{
	struct termios tio;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &u->saved))
		return;
	tio = u->saved;
	tio.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	tio.c_cc[VMIN] = 0;
	tio.c_cc[VTIME] = 0;
	u->raw = !tcsetattr(STDIN_FILENO, TCSANOW, &tio);
}

static void tty_restore(struct unattended *u)
{
	if (u->raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &u->saved);
	u->raw = false;
}

static void stop(struct unattended *u, struct child *c)
{
	u->stopping = u->run.cancelling = true;
	child_stop(c, app_now());
}

/* Ctrl-C twice within ten seconds stops. */
static void key(struct unattended *u, struct child *c)
{
	char buf[64];
	ssize_t n = read(STDIN_FILENO, buf, sizeof buf);

	if (n <= 0 || !memchr(buf, 3, (size_t)n) || u->stopping)
		return;
	if (u->asked_at && app_now() - u->asked_at <= 10) {
		say("stopping, as asked for");
		stop(u, c);
		return;
	}
	u->asked_at = app_now();
	say("Ctrl-C again within 10 seconds stops the job");
}

static void wait_child(struct unattended *u, struct child *c, int *ret_status,
		       int *ret_signal)
{
	struct signalfd_siginfo s;

	while (!child_ended(c, ret_status, ret_signal)) {
		struct pollfd p[5] = {
			{ .fd = u->raw ? STDIN_FILENO : -1, .events = POLLIN },
			{ .fd = u->app->signal_fd, .events = POLLIN },
		};

		if (poll(p, 2 + (nfds_t)child_pollfds(c, p + 2), 1000) < 0)
			continue;
		if (p[0].revents & POLLIN)
			key(u, c);
		while (read(u->app->signal_fd, &s, sizeof s) == sizeof s)
			if (s.ssi_signo == SIGTERM || s.ssi_signo == SIGHUP)
				stop(u, c);
		child_read(c);
		child_tick(c, app_now());
		if (child_hangs(c, app_now())) {
			say("it waits for a server or disk that does not answer, and is left alone");
			*ret_status = -1;
			*ret_signal = SIGKILL;
			return;
		}
	}
}

/* Runs words (NULL-terminated) and gives its stdout; the caller frees it. */
static int collect(struct unattended *u, const char *const *words, char **ret,
		   size_t *ret_len, struct err *e)
{
	struct child c = { .fd = { -1, -1, -1 } };
	struct argv argv = { 0 };
	int status = 0, sig = 0, rc = 0;

	for (size_t i = 0; !rc && words[i]; i++)
		rc = argv_add(&argv, words[i], e);
	if (!rc)
		rc = child_start(&c, &argv, &u->answers.job, NULL, NULL, e);
	argv_done(&argv);
	if (rc)
		return rc;
	wait_child(u, &c, &status, &sig);
	if (status) {
		rc = err_set(e, u->stopping ? ERR_CANCELLED : ERR_IO, "%s: %s", words[0],
			     child_tail(&c)[0] ? child_tail(&c) : "it failed");
	} else {
		*ret = c.out ? c.out : strdup("");
		*ret_len = c.nout;
		c.out = NULL;
	}
	child_done(&c);
	return rc ? rc : *ret ? 0 : err_set(e, ERR_NOMEM, "Not enough memory.");
}

static bool is_url(const char *s)
{
	return !strncmp(s, "http://", 7) || !strncmp(s, "https://", 8);
}

/* Waits for an address; what fails without one says so itself. */
static void wait_net(struct unattended *u)
{
	const char *const words[] = { "rehost-net", "wait", NET_SECONDS, NULL };
	char *out = NULL;
	size_t len;
	struct err e;

	say("waiting for the network");
	if (collect(u, words, &out, &len, &e))
		log_line("%s", e.msg);
	free(out);
}

static int read_file(const char *path, char **ret, size_t *ret_len, struct err *e)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *buf = fd < 0 ? NULL : malloc(ANSWERS_MAX + 2);
	size_t at = 0;
	ssize_t n = 0;

	if (fd < 0)
		return err_sys(e, errno, "%s can't be opened", path);
	if (!buf)
		return err_set(e, ERR_NOMEM, "Not enough memory.");
	while (at <= ANSWERS_MAX && (n = read(fd, buf + at, ANSWERS_MAX + 1 - at)) > 0)
		at += (size_t)n;
	if (n < 0) {
		free(buf);
		return err_sys(e, errno, "%s can't be read", path);
	}
	*ret = buf;
	*ret_len = at;
	return 0;
}

/* Is there "user@" or "user:password@" before the host? */
static bool has_user(const char *url)
{
	const char *host = strstr(url, "://") + 3;

	return memchr(host, '@', strcspn(host, "/")) != NULL;
}

/* A URL, a path, or a path on the medium. */
static int fetch(struct unattended *u, const char *source, char **ret,
		 size_t *ret_len, struct err *e)
{
	const char *const words[] = { "wget", "-q", "-T", FETCH_SECONDS, "-O", "-",
				      source, NULL };
	const char *medium = getenv("REHOST_MEDIUM");
	char path[4096];

	if (is_url(source) && has_user(source))
		return err_set(e, ERR_USAGE, "no password may stand in a URL, where "
			       "others can see it");
	if (is_url(source)) {
		wait_net(u);
		return collect(u, words, ret, ret_len, e);
	}
	if (source[0] == '/' && access(source, F_OK) == 0)
		medium = "";
	else if (!medium || !*medium)
		medium = "/run/medium";
	snprintf(path, sizeof path, "%s%s%s", medium, source[0] == '/' ? "" : "/", source);
	return read_file(path, ret, ret_len, e);
}

static int use_answers(struct answers *a, const char *text, size_t len, struct err *e)
{
	return answers_parse(text, len, a, e);
}

static int use_credentials(struct answers *a, const char *text, size_t len, struct err *e)
{
	return answers_credentials(text, len, &a->job.place, e);
}

static int use_passphrase(struct answers *a, const char *text, size_t len, struct err *e)
{
	return answers_passphrase(text, len, &a->job, e);
}

/* Hands a file's text, in which secrets may be, to use(). */
static int read_into(struct unattended *u, const char *what, const char *source,
		     int (*use)(struct answers *a, const char *text, size_t len, struct err *e),
		     struct err *e)
{
	char *text = NULL;
	size_t len = 0;
	int rc = fetch(u, source, &text, &len, e);

	if (!rc && (rc = use(&u->answers, text, len, e)))
		err_prefix(e, "%s %s", what, source);
	if (text)
		explicit_bzero(text, len);
	free(text);
	return rc;
}

static int read_answers(struct unattended *u, const char *source, struct err *e)
{
	const struct answers *a = &u->answers;
	int rc = read_into(u, "answer file", source, use_answers, e);

	if (!rc && a->credentials[0])
		rc = read_into(u, "credentials", a->credentials, use_credentials, e);
	if (!rc && a->passphrase_file[0])
		rc = read_into(u, "passphrase_file", a->passphrase_file, use_passphrase, e);
	return rc;
}

/* All disks are listed; but those named by path alone, so that a file can be
 * one. */
static void disks_words(const struct answers *a, const char **words)
{
	size_t n = 3;

	memcpy(words, (const char *[]){ "rehost", "disks", "--json" }, 3 * sizeof *words);
	for (size_t i = 0; i < a->ndisks; i++)
		words[n++] = a->disks[i].key == DISK_PATH ? a->disks[i].value : NULL;
	for (size_t i = 0; i < a->ntargets; i++)
		words[n++] = a->targets[i].key == DISK_PATH ? a->targets[i].value : NULL;
	words[n] = NULL;
	for (size_t i = 3; i < n; i++)
		if (!words[i])
			words[3] = NULL;
}

static int find_disks(struct unattended *u, struct err *e)
{
	const char *words[2 * JOB_DISKS_MAX + 5];
	struct model_disks m = { 0 };
	char *out = NULL;
	size_t len;
	int rc;

	disks_words(&u->answers, words);
	rc = collect(u, words, &out, &len, e);
	if (!rc)
		rc = model_disks_parse(out, len, &m, e);
	if (!rc)
		rc = answers_resolve(&u->answers, &m, &u->job, e);
	model_disks_done(&m);
	free(out);
	return rc;
}

static void say_progress(struct unattended *u)
{
	const struct progress *r = &u->run;
	char done[32], total[32], rate[32], left[32] = "unknown";
	int percent = progress_percent(r);

	if (percent / 10 == u->said_percent / 10 && app_now() - u->said_at < 30)
		return;
	u->said_percent = percent;
	u->said_at = app_now();
	text_bytes(done, r->done);
	text_bytes(total, r->total);
	text_bytes(rate, r->rate);
	if (r->eta_known)
		text_seconds(left, r->eta);
	say("%s %d%% %s of %s, %s/s, time left %s", r->step, percent, done, total,
	    rate, left);
}

static void on_line(void *ctx, const char *line, size_t len)
{
	struct unattended *u = ctx;
	struct progress *r = &u->run;

	switch (progress_line(r, line, len)) {
	case RUN_START:
		if (r->n > 1)
			say("disk %zu of %zu: %s", r->k + 1, r->n,
			    job_disk(&u->job, r->k));
		break;
	case RUN_WAITING:
		say("waiting: nothing has moved for %llu s",
		    (unsigned long long)r->waiting);
		break;
	case RUN_STEP:
		say("step %s: %s", r->step, r->step_text);
		u->said_percent = -10;
		break;
	case RUN_PROGRESS:
		say_progress(u);
		break;
	case RUN_WARNING:
		if (r->nwarnings <= RUN_WARNINGS_MAX)
			say("warning: %s", r->warnings[r->nwarnings - 1]);
		break;
	default:
		break;
	}
}

/* What rehost-adapt wrote for people, a line each. */
static void say_words(const struct unattended *u, struct child *c)
{
	char said[WIZ_SAID];

	if (!job_adapts(&u->job))
		return;
	job_said(u->job.kind != JOB_ADAPT ? child_words(c) : c->out ? c->out : "", said,
		 sizeof said);
	for (char *s = said, *line; (line = strsep(&s, "\n"));)
		if (*line)
			say("adapt: %s", line);
}

static void run_job(struct unattended *u)
{
	struct child c = { .fd = { -1, -1, -1 } };
	struct argv argv = { 0 };
	char line[4096];
	int status = 1, sig = 0;
	struct err e = { 0 };

	progress_begin(&u->run, job_disks(&u->job));
	if (job_argv(&u->job, false, &argv, &e)) {
		progress_end(&u->run, 1, 0, e.msg);
		return;
	}
	argv_line(&argv, line, sizeof line);
	say("runs: %s", line);
	if (child_start(&c, &argv, &u->job, on_line, u, &e)) {
		progress_end(&u->run, 1, 0, e.msg);
	} else {
		wait_child(u, &c, &status, &sig);
		say_words(u, &c);
		progress_end(&u->run, status, sig, child_tail(&c));
	}
	argv_done(&argv);
	child_done(&c);
}

/* The verdict in a short line of its own, then what belongs to it: a script on
 * a serial line waits for the first, and a digest fits into 80 columns. */
static int conclude(struct unattended *u, struct err *e)
{
	const struct progress *r = &u->run;
	int status;

	if (r->state == RUN_DONE || r->state == RUN_WARNED) {
		status = r->state == RUN_WARNED ? 3 : 0;
		say("done status=%d", status);
		for (size_t i = 0; i < r->n && r->result[i].digest[0]; i++)
			say("%s", r->result[i].digest);
		return status;
	}
	status = r->state == RUN_REFUSED ? 4 : 1;
	err_set(e, status == 4 ? ERR_REFUSED : ERR_IO, "%s", r->state == RUN_CANCELLED ?
		"The job was stopped." : r->error);
	return status;
}

static int fail(int status, struct err *e)
{
	char text[sizeof e->msg];

	memcpy(text, e->msg, sizeof text);
	for (char *s = text; *s; s++)
		if (*s == '\n')
			*s = ' ';
	say("failed status=%d", status);
	say("error %s", text);
	return status;
}

int unattended_run(struct app *a, const char *source, enum answers_then *ret_then,
		   struct err *why)
{
	struct unattended *u = calloc(1, sizeof *u);
	int status, rc;

	*ret_then = THEN_WIZARD;
	if (!u)
		return err_exit_status(err_set(why, ERR_NOMEM, "Not enough memory."));
	u->app = a;
	tty_raw(u);
	say("begins: answer file %s", is_url(source) && has_user(source) ?
	    "(with a password in its URL)" : source);
	rc = read_answers(u, source, why);
	if (!rc)
		rc = find_disks(u, why);
	*ret_then = u->answers.on_error;
	if (rc) {
		status = fail(err_exit_status(rc), why);
	} else {
		if (job_needs_net(&u->job))
			wait_net(u);
		run_job(u);
		status = conclude(u, why);
		if (status == 0 || status == 3)
			*ret_then = u->answers.after;
		else
			fail(status, why);
	}
	tty_restore(u);
	a->w.job = u->answers.job; /* the wizard begins with the file's answers */
	memcpy(a->w.wishes_for, a->w.job.image, sizeof a->w.wishes_for);
	explicit_bzero(u, sizeof *u);
	free(u);
	return status;
}

static const char *env_or(const char *name, const char *other)
{
	const char *s = getenv(name);

	return s && *s ? s : other;
}

bool unattended_wanted(char *ret, size_t size)
{
	const char *dir = env_or("REHOST_RUNDIR", "/run/rehost");
	char mark[4096], *text = NULL;
	size_t len = 0;
	bool wanted;
	int fd;

	if (read_file(env_or("REHOST_CMDLINE", "/proc/cmdline"), &text, &len, NULL))
		return false;
	text[len] = 0; /* read_file's buffer has a byte more than it fills */
	wanted = len < ANSWERS_MAX && answers_option(text, ret, size);
	free(text);
	if (!wanted)
		return false;
	mkdir(dir, 0700);
	snprintf(mark, sizeof mark, "%s/answers-used", dir);
	fd = open(mark, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		log_line("answer file %s not used: %s: %s", ret, mark, strerror(errno));
		return false;
	}
	close(fd);
	return true;
}
