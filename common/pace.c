/* pace.c: see pace.h. */
#include "common/pace.h"
#include <stddef.h>

#define EVERY_LEAST 0.25   /* s */
/* Disks have slow and fast spells of ten to twenty seconds, and the middle of one looks
 * like the pace.  So nothing is told of less work than KNOWN_AFTER, in s, and how it
 * began is forgotten only for a stretch of FORGET_FOR. */
#define KNOWN_AFTER 20.0
#define FORGET_FOR 30.0

/* A stretch of time is cut into so many pieces of equal length, and how much their
 * rates differ says how far their mean may be from the true one: to be told, it
 * must lie within 15 %, with two standard errors. */
#define PIECES 8
#define ERRORS_MAX (0.15 / 2)

void pace_begin(struct pace *p)
{
	*p = (struct pace){ .every = EVERY_LEAST };
}

void pace_add(struct pace *p, double at, uint64_t done)
{
	if (p->n && at - p->sample[p->n - 1].at < p->every)
		return;
	if (p->n == PACE_SAMPLES) {
		/* every other one, from the first on */
		p->n /= 2;
		for (unsigned int i = 1; i < p->n; i++)
			p->sample[i] = p->sample[2 * i];
		p->every *= 2;
	}
	p->sample[p->n].at = at;
	p->sample[p->n++].done = done;
}

/* The last of the n samples that isn't younger than `at`. */
static unsigned int find(const struct pace *p, double at)
{
	unsigned int i = p->n - 1;

	while (i && p->sample[i].at > at)
		i--;
	return i;
}

/* Bytes per second from `from` until `at`; 0: they can't be relied on. */
static double steady_rate(const struct pace *p, double from, double at, uint64_t done)
{
	const double length = (at - from) / PIECES;
	unsigned int first = find(p, from), i = first;
	double sum = 0, squares = 0, mean;

	for (unsigned int piece = 1; piece <= PIECES; piece++) {
		unsigned int k = find(p, from + piece * length);
		double until = piece < PIECES ? p->sample[k].at : at, rate;
		uint64_t had = piece < PIECES ? p->sample[k].done : done;

		if (until <= p->sample[i].at || had < p->sample[i].done)
			return 0;
		rate = (double)(had - p->sample[i].done) / (until - p->sample[i].at);
		sum += rate;
		squares += rate * rate;
		i = k;
	}
	mean = sum / PIECES;
	if ((squares / PIECES - mean * mean) / (PIECES - 1) > mean * ERRORS_MAX * mean * ERRORS_MAX)
		return 0;
	return (double)(done - p->sample[first].done) / (at - p->sample[first].at);
}

int64_t pace_left(const struct pace *p, double at, uint64_t done, uint64_t total)
{
	static const double shares[] = { 1, 0.75, 0.5 };
	double went = p->n ? at - p->sample[0].at : 0, rate = 0;

	if (went < KNOWN_AFTER || done > total)
		return -1;
	for (size_t i = 0; i < sizeof shares / sizeof *shares && rate <= 0; i++)
		if (!i || shares[i] * went >= FORGET_FOR)
			rate = steady_rate(p, at - shares[i] * went, at, done);
	return rate > 0 ? (int64_t)((double)(total - done) / rate + 0.5) : -1;
}
