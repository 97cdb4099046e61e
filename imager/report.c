/* report.c: see report.h. */
#include "imager/report.h"
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "common/pace.h"
#include "common/text.h"
#include "common/units.h"

#define EVENT_EVERY 0.25   /* s between progress events */
#define BAR_EVERY 0.5      /* s between two drawings of the bar */
#define LINE_EVERY 5.0     /* s between lines where there is no terminal */
#define RATE_SAMPLES 16    /* of EVENT_EVERY s: the rate's window is 4 s */
#define WAITING_AFTER 10   /* s without any progress until it is told */
#define WAITING_EVERY 5    /* s between two such events */
#define WARNINGS_SHOWN 50  /* further ones are only counted on stderr */

struct report {
	struct report_params p;
	struct events *ev;
	struct job_events job_events;
	int tty, bar_open;
	uint64_t warnings;
	struct events_progress held; /* the last one, if it was not sent yet */
	int is_held;
	char step[16];
	double last_event, last_shown;
	struct pace pace;       /* of this step */
	struct { double at; uint64_t done; } sample[RATE_SAMPLES];
	unsigned int n_samples; /* ever */

	pthread_mutex_t lock;   /* all of the above, and writing */
	pthread_cond_t wake;
	pthread_t watcher;
	int watching, ending;
	double last_moved;
};


static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Something happened: what watch() looks for. */
static void enter(struct report *r)
{
	pthread_mutex_lock(&r->lock);
	r->last_moved = now();
}

static void leave(struct report *r)
{
	pthread_mutex_unlock(&r->lock);
}

static void end_bar(struct report *r)
{
	if (r->bar_open)
		fputc('\n', r->p.people);
	r->bar_open = 0;
}

static void sample_add(struct report *r, double at, uint64_t done)
{
	unsigned int i = r->n_samples++ % RATE_SAMPLES;

	r->sample[i].at = at;
	r->sample[i].done = done;
}

/* Bytes per second over the window; 0 while it isn't known. */
static uint64_t rate_now(const struct report *r, double at, uint64_t done)
{
	unsigned int first = r->n_samples > RATE_SAMPLES ? r->n_samples % RATE_SAMPLES : 0;
	double seconds;

	if (!r->n_samples)
		return 0;
	seconds = at - r->sample[first].at;
	if (seconds < 0.2 || done < r->sample[first].done)
		return 0;
	return (uint64_t)((double)(done - r->sample[first].done) / seconds);
}

/* Names and labels in it are a disk's or a server's, not to be trusted. */
static void show_text(struct report *r, const char *before, const char *text)
{
	fputs(before, r->p.people);
	text_print(r->p.people, text);
	fputc('\n', r->p.people);
}

static void show(struct report *r, const struct events_progress *p)
{
	unsigned int percent = p->bytes_total ?
		(unsigned int)((double)p->bytes_done * 100 / (double)p->bytes_total) : 100;
	char bar[21], line[256];

	memset(bar, '.', 20);
	memset(bar, '#', percent > 100 ? 20 : percent / 5);
	bar[20] = 0;
	snprintf(line, sizeof line, "%-6s %3u%%%s%s%s %s of %s, %s/s, left: %s", r->step, percent,
		 r->tty ? " [" : "", r->tty ? bar : "", r->tty ? "]" : "",
		 units_bytes(p->bytes_done).s, units_bytes(p->bytes_total).s,
		 units_bytes(p->rate).s,
		 p->eta >= 0 ? units_time((uint64_t)p->eta).s : "not known yet");
	if (r->tty)
		fprintf(r->p.people, "\r%-.79s\033[K", line);
	else
		fprintf(r->p.people, "%s\n", line);
	fflush(r->p.people);
	r->bar_open = r->tty;
}

static void on_step(void *ctx, const char *step, const char *text)
{
	report_step(ctx, step, text);
}

static void send_progress(struct report *r, double at)
{
	r->is_held = 0;
	r->last_event = at;
	events_progress(r->ev, r->step, &r->held);
}

/* A step's last progress is always sent. */
static void send_held(struct report *r)
{
	if (r->is_held)
		send_progress(r, now());
}

static void progress(struct report *r, const char *step, uint64_t done,
		     uint64_t total, uint64_t written)
{
	double at = now();

	if (strcmp(step, r->step))
		return; /* a late call */
	r->is_held = 1;
	r->held = (struct events_progress){
		.bytes_done = done, .bytes_total = total, .written = written,
		.rate = rate_now(r, at, done), .eta = pace_left(&r->pace, at, done, total),
	};
	if (at - r->last_event < EVENT_EVERY)
		return;
	sample_add(r, at, done);
	pace_add(&r->pace, at, done);
	send_progress(r, at);
	if (at - r->last_shown >= (r->tty ? BAR_EVERY : LINE_EVERY)) {
		r->last_shown = at;
		show(r, &r->held);
	}
}

static void on_progress(void *ctx, const char *step, uint64_t done,
			uint64_t total, uint64_t written)
{
	struct report *r = ctx;

	enter(r);
	progress(r, step, done, total, written);
	leave(r);
}

static void on_warning(void *ctx, const char *code, const char *text,
		       uint64_t off, uint64_t len)
{
	report_warning(ctx, code, off, len, "%s", text);
}

static int on_cancelled(void *ctx)
{
	struct report *r = ctx;

	return r->p.cancel && *r->p.cancel;
}

static void tell_waiting(struct report *r)
{
	double seconds = now() - r->last_moved;

	if (!*r->step || seconds < WAITING_AFTER)
		return;
	events_waiting(r->ev, r->step, (uint64_t)seconds);
	fprintf(r->p.people, r->tty ? "\r%-6s nothing has moved for %u s; still waiting\033[K" :
		"%s: nothing has moved for %u s; still waiting\n", r->step, (unsigned int)seconds);
	fflush(r->p.people);
	r->bar_open = r->tty;
}

static void *watch(void *ctx)
{
	struct report *r = ctx;
	struct timespec until;

	pthread_mutex_lock(&r->lock);
	while (!r->ending) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += WAITING_EVERY;
		if (pthread_cond_clockwait(&r->wake, &r->lock, CLOCK_MONOTONIC, &until) == ETIMEDOUT)
			tell_waiting(r);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

int report_new(const struct report_params *p, struct report **ret,
	       struct err *e)
{
	struct report *r = calloc(1, sizeof *r);

	if (!r)
		return err_set(e, ERR_NOMEM, "out of memory for the job's report");
	if (events_new(p->events_fd, &r->ev, e) < 0) {
		free(r);
		return e->code;
	}
	r->p = *p;
	r->tty = isatty(fileno(p->people));
	r->job_events = (struct job_events){
		.step = on_step, .progress = on_progress, .warning = on_warning,
		.cancelled = on_cancelled, .ctx = r,
	};
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->wake, NULL);
	/* without it a job runs as well */
	r->watching = pthread_create(&r->watcher, NULL, watch, r) == 0;
	*ret = r;
	return 0;
}

struct report *report_free(struct report *r)
{
	if (!r)
		return NULL;
	pthread_mutex_lock(&r->lock);
	r->ending = 1;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	if (r->watching)
		pthread_join(r->watcher, NULL);
	events_free(r->ev);
	free(r);
	return NULL;
}

const struct job_events *report_job_events(struct report *r)
{
	return &r->job_events;
}

uint64_t report_warnings(const struct report *r)
{
	return r->warnings;
}

void report_start(struct report *r, const struct events_start *s)
{
	struct events_start copy = *s;

	enter(r);
	copy.job = r->p.job;
	events_start(r->ev, &copy);
	leave(r);
}

void report_step(struct report *r, const char *step, const char *text)
{
	enter(r);
	send_held(r);
	end_bar(r);
	snprintf(r->step, sizeof r->step, "%s", step);
	r->last_event = 0;
	r->last_shown = now();
	r->n_samples = 0;
	sample_add(r, r->last_shown, 0);
	pace_begin(&r->pace);
	events_step(r->ev, step, text);
	show_text(r, "", text);
	leave(r);
}

void report_warning(struct report *r, const char *code, uint64_t off, uint64_t len,
		    const char *fmt, ...)
{
	char text[1000];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	enter(r);
	r->warnings++;
	events_warning(r->ev, code, text, off, len);
	end_bar(r);
	if (r->warnings <= WARNINGS_SHOWN)
		show_text(r, "warning: ", text);
	else if (r->warnings == WARNINGS_SHOWN + 1)
		fprintf(r->p.people, "warning: more warnings are not shown here; the image and the events have all\n");
	leave(r);
}

void report_done(struct report *r, const struct events_done *d)
{
	enter(r);
	send_held(r);
	end_bar(r);
	*r->step = 0;
	events_done(r->ev, d);
	fprintf(r->p.people, "%s: done%s, %s in %s", r->p.job,
		d->status ? " with warnings" : "", units_bytes(d->bytes).s,
		units_time(d->seconds).s);
	if (d->image_bytes)
		fprintf(r->p.people, ", image %s", units_bytes(d->image_bytes).s);
	if (d->changed)
		fprintf(r->p.people, ", %s written", units_bytes(*d->changed).s);
	fputc('\n', r->p.people);
	if (r->warnings)
		fprintf(r->p.people, "%llu warning%s\n", (unsigned long long)r->warnings,
			r->warnings == 1 ? "" : "s");
	if (d->digest)
		fprintf(r->p.people, "digest: %s\n", d->digest);
	leave(r);
}

void report_error(struct report *r, const struct err *e)
{
	enter(r);
	send_held(r);
	end_bar(r);
	*r->step = 0;
	events_error(r->ev, err_exit_status(e->code), e->msg);
	leave(r);
}
