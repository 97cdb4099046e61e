/* app.c: the wizard's loop: keys and children to the state machine, what it
 * asks for to children, its picture to the terminal. */
#include "tui/app.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>
#include "tui/log.h"
#include "tui/term.h"

long app_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long)t.tv_sec + 1; /* never 0 */
}

int app_signals(struct app *a, struct err *e)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGCHLD);
	sigaddset(&s, SIGTERM);
	sigaddset(&s, SIGHUP);
	sigaddset(&s, SIGWINCH);
	sigprocmask(SIG_BLOCK, &s, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);  /* Ctrl-C comes as a key */
	a->signal_fd = signalfd(-1, &s, SFD_NONBLOCK | SFD_CLOEXEC);
	return a->signal_fd < 0 ? err_sys(e, errno, "No signal descriptor") : 0;
}

int app_open(struct app *a, struct err *e)
{
	int rc = term_open(e);

	a->screen = !rc;
	return rc;
}

void app_close(struct app *a)
{
	term_close();
	a->screen = false;
}

static void paint(struct app *a)
{
	struct canvas c;

	term_size(&a->w.rows, &a->w.cols);
	if (canvas_init(&c, a->w.rows, a->w.cols, NULL))
		return;
	wiz_draw(&a->w, &c);
	term_paint(&c);
	canvas_done(&c);
}

static void on_line(void *ctx, const char *line, size_t len)
{
	struct app *a = ctx;

	if (a->w.page == P_RUN)
		wiz_job_line(&a->w, line, len);
}

/* As a person would type it: the result page shows it in pieces. */
static void log_command(const struct app *a)
{
	struct argv argv = { 0 };
	char line[4096];

	if (job_argv(&a->w.job, true, &argv, NULL))
		return;
	argv_line(&argv, line, sizeof line);
	argv_done(&argv);
	log_line("the same by command: %s", line);
}

static int spawn(struct app *a, int (*words)(const struct app *, struct argv *,
					     struct err *), struct err *e)
{
	struct argv argv = { 0 };
	char line[4096];
	int rc = words(a, &argv, e);

	if (rc)
		return rc;
	argv_line(&argv, line, sizeof line);
	log_line("run: %s", line);
	if (!a->w.task)
		log_command(a);
	rc = child_start(&a->child, &argv, &a->w.job, on_line, a, e);
	argv_done(&argv);
	return rc;
}

static int task_words(const struct app *a, struct argv *v, struct err *e)
{
	return wiz_task_argv(&a->w, v, e);
}

static int job_words(const struct app *a, struct argv *v, struct err *e)
{
	return job_argv(&a->w.job, false, v, e);
}

/* The child is told to stop and forgotten; it is reaped later. */
static void abandon(struct app *a)
{
	child_stop(&a->child, app_now());
	a->child.on_line = NULL;
	for (int i = 0; i < APP_GONE_MAX; i++)
		if (!a->gone[i].pid) {
			a->gone[i] = a->child;
			a->child = (struct child){ .fd = { -1, -1, -1 } };
			return;
		}
	/* too many of them hang already: this one is waited for */
}

static void reap(struct app *a)
{
	int st, sig;

	for (int i = 0; i < APP_GONE_MAX; i++) {
		if (!a->gone[i].pid)
			continue;
		child_read(&a->gone[i]);
		child_tick(&a->gone[i], app_now());
		if (child_ended(&a->gone[i], &st, &sig))
			child_done(&a->gone[i]);
	}
}

void app_power(struct app *a, const char *command)
{
	const char *const argv[] = { command, NULL };

	log_line("run: %s", command);
	if (a->screen) {
		term_run(argv);
	} else {
		struct argv words = { (char *[]){ (char *)(uintptr_t)command, NULL }, 1 };
		struct child c = { .fd = { -1, -1, -1 } };
		int status, sig;

		if (child_start(&c, &words, &a->w.job, NULL, NULL, NULL))
			return;
		while (!child_ended(&c, &status, &sig))
			poll(NULL, 0, 50);
		child_done(&c);
	}
}

static void shell(void)
{
	const char *sh = getenv("SHELL");
	const char *const argv[] = { sh && *sh ? sh : "/bin/sh", NULL };

	log_line("shell");
	term_run(argv);
	log_line("shell left");
}

static void act(struct app *a, enum wiz_act what);

static void start_failed(struct app *a, const struct err *e)
{
	log_line("failed: %s", e->msg);
	if (a->w.task)
		act(a, wiz_task_done(&a->w, -1, "", 0, e->msg));
	else
		wiz_job_end(&a->w, 1, 0, e->msg);
}

/* Does what the state machine asked for. */
static void act(struct app *a, enum wiz_act what)
{
	struct err e = { 0 };

	switch (what) {
	case ACT_BEEP:
		term_beep();
		break;
	case ACT_TASK:
	case ACT_START_JOB:
		if (spawn(a, what == ACT_TASK ? task_words : job_words, &e))
			start_failed(a, &e);
		break;
	case ACT_CANCEL_TASK:
		log_line("stopped by the user");
		abandon(a);
		break;
	case ACT_CANCEL_JOB:
		log_line("the job is being stopped by the user");
		child_stop(&a->child, app_now());
		break;
	case ACT_SHELL:
		shell();
		break;
	case ACT_POWEROFF:
		app_power(a, "poweroff");
		break;
	case ACT_REBOOT:
		app_power(a, "reboot");
		break;
	case ACT_QUIT:
		a->quit = true;
		break;
	default:
		break;
	}
}

static void child_finished(struct app *a, int status, int sig)
{
	struct child c = a->child;
	enum wiz_act what = ACT_NONE;

	a->child = (struct child){ .fd = { -1, -1, -1 } };
	log_line("ended: status %d%s%s", status, sig ? ", signal " : "",
		 sig ? strsignal(sig) : "");
	if (a->w.page == P_RUN && !a->w.task) {
		/* rehost-adapt says on stdout what rehost hands on to stderr */
		wiz_job_said(&a->w, a->w.job.kind != JOB_ADAPT ? child_words(&c) :
			     c.out ? c.out : "");
		wiz_job_end(&a->w, status, sig, child_tail(&c));
	} else {
		what = wiz_task_done(&a->w, status, c.out ? c.out : "", c.nout,
				     child_tail(&c));
	}
	child_done(&c);
	act(a, what);
}

/* A stopped job that hangs in the kernel: the wizard goes on without it. */
static void let_go(struct app *a)
{
	struct progress *r = &a->w.run;

	log_line("it hangs in the kernel until the server or disk answers");
	snprintf(r->error, sizeof r->error, "It was stopped as you asked, but it still "
		 "waits for a server or disk that does not answer, and ends when that "
		 "does. Until then the image's name can't be used again there.");
	abandon(a);
	if (!a->child.pid)
		wiz_job_end(&a->w, -1, SIGKILL, "");
}

/* SIGTERM or a lost terminal: the job is told to stop, then we leave. */
static void leave(struct app *a)
{
	log_line("leaving");
	a->quit = true;
}

static void signals(struct app *a)
{
	struct signalfd_siginfo s;

	while (read(a->signal_fd, &s, sizeof s) == sizeof s)
		if (s.ssi_signo == SIGTERM || s.ssi_signo == SIGHUP)
			leave(a);
}

static void keys(struct app *a)
{
	enum wiz_ev ev;
	int arg;

	while (!a->quit && term_key(&ev, &arg))
		act(a, wiz_step(&a->w, ev, arg));
}

static void wait_for_something(struct app *a)
{
	struct pollfd p[5] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = a->signal_fd, .events = POLLIN },
	};
	int n = 2 + child_pollfds(&a->child, p + 2), st, sig;

	if (poll(p, (nfds_t)n, 1000) < 0)
		return;
	signals(a);
	/* a terminal that is gone is readable for ever, too */
	if (p[0].revents & (POLLHUP | POLLERR | POLLNVAL))
		leave(a);
	else if (p[0].revents & POLLIN)
		keys(a);
	child_read(&a->child);
	child_tick(&a->child, app_now());
	if (child_ended(&a->child, &st, &sig))
		child_finished(a, st, sig);
	else if (child_hangs(&a->child, app_now()))
		let_go(a);
	reap(a);
}

/* What still runs was told to stop: it gets the time to clean up. */
static void wait_for_child(struct app *a)
{
	int st, sig;

	child_stop(&a->child, app_now());
	while (a->child.pid && !child_ended(&a->child, &st, &sig) &&
	       !child_hangs(&a->child, app_now())) {
		child_read(&a->child);
		child_tick(&a->child, app_now());
		poll(NULL, 0, 50);
	}
	child_done(&a->child);
}

int app_run(struct app *a)
{
	long last = app_now();

	if (a->shell_first)
		shell();
	while (!a->quit) {
		paint(a);
		wait_for_something(a);
		for (; last < app_now(); last++)
			wiz_step(&a->w, EV_TICK, 0);
	}
	wait_for_child(a);
	return 0;
}
