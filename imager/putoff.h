/* putoff.h: chunks that are read after all others, as runs of chunk numbers, and
 * how many there may be. */
#ifndef REHOST_PUTOFF_H
#define REHOST_PUTOFF_H
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "imager/plan.h"

enum putoff_why {
	PUTOFF_SKIPPED,           /* its neighbours failed; not tried            */
	PUTOFF_FAILED,            /* a large read of it failed, or is known to   */
};

struct putoff_run {
	uint64_t first, n;        /* chunk numbers                               */
	enum putoff_why why;
};
struct putoff {
	struct putoff_run *run;   /* ascending                                   */
	size_t n, room;
	/* The index pages of these chunks stay in memory (image_writer_put_off). */
	uint64_t page, page_cost; /* the current page, and what it takes so far  */
	int page_counts;          /* 1: it is among those kept                   */
	uint64_t cost;            /* of all that are kept, bytes                 */
};
/* Of each chunk that is met, ascending. */
void putoff_meet(struct putoff *p, const struct plan *plan);
/* Is there room for the chunk that was met last? */
int putoff_may(const struct putoff *p);
/* Ascending. */
int putoff_add(struct putoff *p, uint64_t number, enum putoff_why why,
	       struct err *e) must_check;
/* *i: 0 at the beginning of a row of ascending numbers.  NULL: it isn't put off. */
const struct putoff_run *putoff_find(const struct putoff *p, size_t *i, uint64_t number);
void putoff_done(struct putoff *p);
#endif
