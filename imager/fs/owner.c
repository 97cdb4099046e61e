/* owner.c: see owner.h. */
#include "imager/fs/owner.h"
#include <stdio.h>

uint64_t owner_overlap(const struct ranges *places, uint64_t start, uint64_t end,
		       uint64_t *ret_first)
{
	uint64_t sum = 0;

	for (size_t i = ranges_find(places, start); i < places->n && places->v[i].start < end; i++) {
		uint64_t a = places->v[i].start > start ? places->v[i].start : start;
		uint64_t b = places->v[i].end < end ? places->v[i].end : end;

		if (!sum)
			*ret_first = a;
		sum += b - a;
	}
	return sum;
}

struct owner_hit *owner_find(struct owner_hits *h, uint64_t number)
{
	for (size_t i = h->n; i--;)
		if (h->hit[i].number == number)
			return &h->hit[i];
	return NULL;
}

void owner_touch(struct owner_hits *h, const struct owner_query *q, uint64_t number,
		 uint64_t start, uint64_t end)
{
	uint64_t first, len = owner_overlap(q->places, start, end, &first);
	struct owner_hit *hit;

	if (!len)
		return;
	hit = owner_find(h, number);
	if (hit) {
		hit->len += len;
		if (first < hit->off)
			hit->off = first;
		return;
	}
	if (h->n == OWNERS_MAX) {
		if (!h->more_len || first < h->more_off)
			h->more_off = first;
		h->more_len += len;
		return;
	}
	h->hit[h->n++] = (struct owner_hit){ .number = number, .off = first, .len = len };
}

void owner_say_more(const struct owner_hits *h, const struct owner_query *q)
{
	char what[80];

	if (!h->more_len)
		return;
	snprintf(what, sizeof what, "further files: %d of a file system are named", OWNERS_MAX);
	q->say(q->ctx, &(struct fs_owner){ NULL, what, h->more_off, h->more_len });
}
