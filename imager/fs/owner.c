/* owner.c: see owner.h. */
#include "imager/fs/owner.h"

uint64_t owner_overlap(const struct ranges *places, uint64_t start, uint64_t end,
		       uint64_t *ret_first)
{
	size_t lo = 0, hi = places->n;
	uint64_t sum = 0;

	while (lo < hi) { /* the first place that ends behind start */
		size_t mid = (lo + hi) / 2;

		if (places->v[mid].end <= start)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < places->n && places->v[lo].start < end; lo++) {
		uint64_t a = places->v[lo].start > start ? places->v[lo].start : start;
		uint64_t b = places->v[lo].end < end ? places->v[lo].end : end;

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
	} else if (h->n < OWNERS_MAX) {
		h->hit[h->n++] = (struct owner_hit){ .number = number, .off = first, .len = len };
	}
}
