/* job.c: see job.h; and the levels' names. */
#include "imager/job.h"
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const levels[] = {
	[LEVEL_FAST] = "fast", [LEVEL_BALANCED] = "balanced", [LEVEL_SMALL] = "small",
};

int image_level_parse(const char *word, enum image_level *ret, struct err *e)
{
	for (unsigned int i = 0; i < sizeof levels / sizeof *levels; i++)
		if (!strcmp(word, levels[i])) {
			*ret = (enum image_level)i;
			return 0;
		}
	return err_set(e, ERR_USAGE, "\"%s\" is no level; there are fast, balanced and small", word);
}

const char *image_level_name(enum image_level l)
{
	return levels[l];
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void job_begin(struct job *j, const struct job_events *ev)
{
	*j = (struct job){ .ev = ev, .step = "", .start = now() };
}

double job_seconds(const struct job *j)
{
	return now() - j->start;
}

void job_step(struct job *j, const char *step, const char *text)
{
	j->step = step;
	if (j->ev && j->ev->step)
		j->ev->step(j->ev->ctx, step, text);
}

void job_progress(struct job *j, uint64_t done, uint64_t total, uint64_t written)
{
	if (j->ev && j->ev->progress)
		j->ev->progress(j->ev->ctx, j->step, done, total, written);
}

void job_warning(struct job *j, const char *code, uint64_t off, uint64_t len,
		 const char *fmt, ...)
{
	char text[1000];
	va_list ap;

	j->warnings++;
	if (!j->ev || !j->ev->warning)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	j->ev->warning(j->ev->ctx, code, text, off, len);
}

int job_cancelled(struct job *j)
{
	return j->ev && j->ev->cancelled && j->ev->cancelled(j->ev->ctx);
}

static unsigned int workers_wanted(const struct job_options *opt)
{
	int n = opt->workers;
	cpu_set_t cpus;

	if (n < 0)
		return 0;
	if (n == 0)
		n = sched_getaffinity(0, sizeof cpus, &cpus) < 0 ? 2 : CPU_COUNT(&cpus);
	return n > JOB_WORKERS_MAX ? JOB_WORKERS_MAX : (unsigned int)n;
}

struct job_shape job_shape(const struct job_options *opt, size_t worker_bytes,
			   size_t slot_bytes)
{
	struct job_shape s = { .workers = workers_wanted(opt), .slots = 1 };

	for (; s.workers; s.workers--) {
		/* each worker busy with one, the reader and the writer with one
		 * each, and some ready for when one of them is held up: on a
		 * busy machine four more gained up to a third */
		unsigned int least = s.workers + 2;

		s.slots = least + 4;
		while (s.slots > least &&
		       s.workers * worker_bytes + s.slots * slot_bytes > JOB_MEMORY)
			s.slots--;
		if (s.workers == 1 ||
		    s.workers * worker_bytes + s.slots * slot_bytes <= JOB_MEMORY)
			break;
	}
	return s;
}
