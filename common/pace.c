/* pace.c: see pace.h. */
#include "common/pace.h"

#define EVERY_LEAST 0.25   /* s */
#define KNOWN_AFTER 1.0    /* s of work */
/* The two halves of what is counted may differ by so much. */
#define STEADY 1.5

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

/* The last sample that isn't younger than `at`. */
static unsigned int find(const struct pace *p, double at)
{
	unsigned int i = p->n - 1;

	while (i && p->sample[i].at > at)
		i--;
	return i;
}

/* Bytes per second since sample i. */
static double rate(const struct pace *p, unsigned int i, double at, uint64_t done)
{
	double seconds = at - p->sample[i].at;

	if (seconds <= 0 || done < p->sample[i].done)
		return 0;
	return (double)(done - p->sample[i].done) / seconds;
}

int64_t pace_left(const struct pace *p, double at, uint64_t done, uint64_t total)
{
	double since, all, first, second;
	unsigned int half, quarter;

	if (!p->n || at - p->sample[0].at < KNOWN_AFTER || done > total)
		return -1;
	since = at - p->sample[0].at;
	half = find(p, at - since / 2);
	quarter = find(p, at - since / 4);
	all = rate(p, half, at, done);
	first = rate(p, half, p->sample[quarter].at, p->sample[quarter].done);
	second = rate(p, quarter, at, done);
	if (all <= 0 || first <= 0 || second <= 0 || first > second * STEADY ||
	    second > first * STEADY)
		return -1;
	return (int64_t)((double)(total - done) / all + 0.5);
}
