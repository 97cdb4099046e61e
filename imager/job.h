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

/* opt->workers made concrete: 0 for none, else at most most. */
unsigned int job_workers(const struct job_options *opt, unsigned int most);
/* Slots for that many workers. */
unsigned int job_slots(unsigned int workers);
#endif
