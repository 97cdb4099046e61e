/* putoff.c: see putoff.h. */
#include "imager/putoff.h"
#include <stdlib.h>
#include <string.h>
#include "common/vec.h"
#include "imager/fmt/page.h"

/* Of the pages that are kept, bytes: about 100, each of which covers 1 GiB of
 * disk at the usual chunk size.  Beyond it chunks are read to their end at once. */
#define COST_MAX (12u << 20)

void putoff_meet(struct putoff *p, const struct plan *plan)
{
	uint64_t page = plan->number / PAGE_CHUNKS;
	uint64_t more = plan->map_count * sizeof *plan->map;

	if (page != p->page || !p->page_cost) {
		p->page = page;
		p->page_cost = sizeof(struct page);
		p->page_counts = 0;
	}
	p->page_cost += more;
	if (p->page_counts)
		p->cost += more;
}

int putoff_may(const struct putoff *p)
{
	return p->page_counts || p->cost + p->page_cost <= COST_MAX;
}

int putoff_add(struct putoff *p, uint64_t number, enum putoff_why why, struct err *e)
{
	struct putoff_run *last = p->n ? &p->run[p->n - 1] : NULL;
	struct putoff_run *v;

	if (!p->page_counts && number / PAGE_CHUNKS == p->page) {
		p->page_counts = 1;
		p->cost += p->page_cost;
	}
	if (last && last->why == why && last->first + last->n == number) {
		last->n++;
		return 0;
	}
	v = vec_room(p->run, p->n, &p->room, sizeof *v);
	if (!v)
		return err_set(e, ERR_NOMEM, "out of memory for the list of unreadable places");
	p->run = v;
	p->run[p->n++] = (struct putoff_run){ number, 1, why };
	return 0;
}

const struct putoff_run *putoff_find(const struct putoff *p, size_t *i, uint64_t number)
{
	while (*i < p->n && p->run[*i].first + p->run[*i].n <= number)
		(*i)++;
	return *i < p->n && p->run[*i].first <= number ? &p->run[*i] : NULL;
}

void putoff_done(struct putoff *p)
{
	free(p->run);
	*p = (struct putoff){ 0 };
}
