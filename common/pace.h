/* pace.h: how long something will still take, from how it went so far; and when
 * that isn't known. */
#ifndef REHOST_PACE_H
#define REHOST_PACE_H
#include <stdint.h>

#define PACE_SAMPLES 64
struct pace {
	struct { double at; uint64_t done; } sample[PACE_SAMPLES];
	unsigned int n;
	double every;             /* s between two samples, at least             */
};

/* Forgets everything. */
void pace_begin(struct pace *p);
/* at: seconds of any clock that only goes forward; done only grows. */
void pace_add(struct pace *p, double at, uint64_t done);
/* Seconds; -1: not known: it only just began, stands still, or goes now faster, now
 * slower, so that how it went says little yet.  Counts all of the time, or only its
 * last three quarters or half where those are steadier and at least half a minute: a
 * memory that took the first bytes fast is forgotten. */
int64_t pace_left(const struct pace *p, double at, uint64_t done, uint64_t total);
#endif
