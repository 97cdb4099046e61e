/* job.h: what capture, restore and verify share. */
#ifndef REHOST_JOB_H
#define REHOST_JOB_H
#include <stddef.h>
#include "imager/engine.h"
#include "imager/pipeline.h"

struct job {
	const struct job_events *ev;  /* may be NULL */
	const char *step;
	uint64_t warnings;
	double start;                 /* seconds, monotonic */
};

void job_begin(struct job *j, const struct job_events *ev);
double job_seconds(const struct job *j);
void job_step(struct job *j, const char *step, const char *text);
void job_progress(struct job *j, uint64_t done, uint64_t total, uint64_t written);
void job_warning(struct job *j, const char *code, uint64_t off, uint64_t len,
		 const char *fmt, ...) __attribute__((format(printf, 5, 6)));
int job_cancelled(struct job *j);

/* opt->workers made concrete, and how many slots they get: what all of them
 * need stays below JOB_MEMORY, if need be with fewer workers than wanted.  No
 * workers: one slot. */
struct job_shape { unsigned int workers, slots; };
#define JOB_MEMORY (48u << 20)        /* bytes */
#define JOB_SLOTS_MAX (JOB_WORKERS_MAX + 6)
struct job_shape job_shape(const struct job_options *opt, size_t worker_bytes,
			   size_t slot_bytes);
#endif
