/* spread.c: see spread.h. */
#include "imager/spread.h"
#include <string.h>
#include "imager/fmt/chunk.h"

/* As in plan.c: a write of its own costs more than so much of a transfer. */
#define GAP_MAX (32u << 10)

/* A partition that isn't in the image must stay as it is, however small. */
static uint32_t gap_max(const struct image_params *p)
{
	return p->must & FEATURE_PARTIAL ? 0 : GAP_MAX;
}

void spread_make(struct spread *ret, const struct image_params *params,
		 uint64_t number, const struct chunk_map *map,
		 uint32_t map_count, const uint8_t *plain, uint8_t *wide)
{
	uint32_t first = map[0].start, left = 0, end = 0;

	*ret = (struct spread){
		.params = params, .number = number, .map = map,
		.map_count = map_count, .bytes = plain,
	};
	if (map_count == 1)
		return;
	ret->bytes = wide;
	for (uint32_t i = 0; i < map_count; i++)
		left += map_bytes(params, number, &map[i]);
	/* from the end, since no range moves to a lower place */
	for (uint32_t i = map_count; i--;) {
		uint32_t n = map_bytes(params, number, &map[i]);
		uint32_t at = (map[i].start - first) * REC_UNIT;

		left -= n;
		memmove(wide + at, plain + left, n);
		if (i + 1 < map_count && end - (at + n) <= gap_max(params))
			memset(wide + at + n, 0, end - (at + n));
		end = at;
	}
}

int spread_write(const struct spread *s, struct blkdev *target, uint64_t limit,
		 struct err *e)
{
	uint64_t base = s->number * s->params->chunk_size;
	uint32_t first = s->map[0].start * REC_UNIT, j;

	for (uint32_t i = 0; i < s->map_count; i = j) {
		uint32_t start = s->map[i].start * REC_UNIT, end;
		int r;

		j = i;
		do {
			end = s->map[j].start * REC_UNIT +
			      map_bytes(s->params, s->number, &s->map[j]);
			j++;
		} while (j < s->map_count &&
			 s->map[j].start * REC_UNIT - end <= gap_max(s->params));
		if (base + start >= limit)
			return 0;
		if (base + end > limit)
			end = (uint32_t)(limit - base);
		if (s->zeros && dev_zero(target, base + start, end - start) == 0)
			continue;
		r = dev_write(target, base + start, s->bytes + (start - first),
			      end - start, e);
		if (r < 0)
			return r;
	}
	return 0;
}
