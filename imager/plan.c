/* plan.c: see plan.h. */
#include "imager/plan.h"
#include <stdlib.h>
#include <string.h>
#include "common/vec.h"

#define UNIT 512u
/* Ranges with no more than this between them are read as one: a read of its own
 * costs more than 32 KiB of a slow disk's transfer. */
#define GAP_MAX (32u << 10)

void planner_begin(struct planner *p, const struct extents *used,
		   uint64_t disk_size, uint32_t chunk_size)
{
	*p = (struct planner){ .disk_size = disk_size, .chunk_size = chunk_size };
	extents_begin(used, &p->cursor);
}

int planner_next(struct planner *p, struct plan *ret)
{
	uint64_t base, end;

	if (!p->len && !extents_next(&p->cursor, &p->off, &p->len))
		return 0;
	ret->number = p->off / p->chunk_size;
	ret->plain_len = ret->map_count = 0;
	base = ret->number * p->chunk_size;
	end = base + p->chunk_size;
	while (p->len && p->off < end) {
		uint64_t n = p->len < end - p->off ? p->len : end - p->off;

		ret->map[ret->map_count++] = (struct chunk_map){
			(uint16_t)((p->off - base) / UNIT),
			(uint16_t)((n + UNIT - 1) / UNIT),
		};
		ret->plain_len += (uint32_t)n;
		p->off += n;
		p->len -= n;
		if (!p->len && !extents_next(&p->cursor, &p->off, &p->len))
			break;
	}
	return 1;
}

static uint32_t range_len(const struct plan *p, uint32_t i, uint32_t chunk_size,
			  uint64_t disk_size)
{
	uint64_t off = p->number * chunk_size + (uint64_t)p->map[i].start * UNIT;
	uint64_t len = (uint64_t)p->map[i].count * UNIT;

	return (uint32_t)(len < disk_size - off ? len : disk_size - off);
}

void plan_span(const struct plan *p, uint32_t chunk_size, uint64_t disk_size,
	       uint64_t *off, uint64_t *len)
{
	uint32_t last = p->map_count - 1;

	*off = p->number * chunk_size + (uint64_t)p->map[0].start * UNIT;
	*len = (uint64_t)(p->map[last].start - p->map[0].start) * UNIT +
	       range_len(p, last, chunk_size, disk_size);
}

int bad_add(struct bad_list *b, uint64_t off, uint64_t len, struct err *e)
{
	size_t i = b->n;
	int before, behind;
	struct byte_range *v;

	while (i && b->range[i - 1].off > off)
		i--;
	before = i && b->range[i - 1].off + b->range[i - 1].len == off;
	behind = i < b->n && off + len == b->range[i].off;
	if (before || behind) {
		struct byte_range *to = &b->range[before ? i - 1 : i];

		to->off = before ? to->off : off;
		to->len += len;
		if (before && behind) {
			to->len += to[1].len;
			memmove(to + 1, to + 2, (--b->n - i) * sizeof *to);
		}
		return 0;
	}
	v = vec_room(b->range, b->n, &b->room, sizeof *v);
	if (!v)
		return err_set(e, ERR_NOMEM, "out of memory for the list of unreadable places");
	b->range = v;
	memmove(b->range + i + 1, b->range + i, (b->n++ - i) * sizeof *b->range);
	b->range[i] = (struct byte_range){ off, len };
	return 0;
}

void bad_done(struct bad_list *b)
{
	free(b->range);
	*b = (struct bad_list){ 0 };
}

/* The ranges from number i on that are read as one: the first one behind them,
 * and where they end in the chunk. */
static uint32_t stretch(const struct chunk_reader *r, const struct plan *p,
			uint32_t i, uint32_t *ret_end)
{
	uint32_t end;

	do {
		end = p->map[i].start * UNIT +
		      range_len(p, i, r->chunk_size, r->disk_size);
		i++;
	} while (i < p->map_count && p->map[i].start * UNIT - end <= GAP_MAX);
	*ret_end = end;
	return i;
}

void chunk_will_need(struct chunk_reader *r, const struct plan *p)
{
	uint64_t base = p->number * r->chunk_size;
	uint32_t j, end;

	for (uint32_t i = 0; i < p->map_count; i = j) {
		uint32_t start = p->map[i].start * UNIT;

		j = stretch(r, p, i, &end);
		dev_will_need(r->src, base + start, end - start);
	}
}

int chunk_read(struct chunk_reader *r, const struct plan *p, uint8_t *wide,
	       struct err *e)
{
	uint64_t base = p->number * r->chunk_size;
	uint32_t i = 0, j;
	int ret = 0;

	for (; i < p->map_count && ret == 0; i = j) {
		uint32_t start = p->map[i].start * UNIT, end;

		j = stretch(r, p, i, &end);
		ret = dev_read(r->src, base + start, wide + start, end - start, e);
	}
	return ret;
}

void plan_compact(const struct plan *p, uint8_t *wide, uint8_t **ret_plain)
{
	uint32_t left = p->plain_len, at, n;

	*ret_plain = wide + p->map[0].start * UNIT;
	at = 0;
	for (uint32_t i = 0; i < p->map_count; i++) {
		n = p->map[i].count * UNIT;
		if (n > left)
			n = left; /* the disk's last unit, if short */
		if (i)
			memmove(*ret_plain + at, wide + p->map[i].start * UNIT, n);
		at += n;
		left -= n;
	}
}
