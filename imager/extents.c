/* extents.c: the used map as a list of ranges; see extents.h.
 *
 * The list is a string of numbers, 7 bits a byte, lowest first: for each range
 * the gap before it and its length, in units.  The last range stays outside
 * the string, since the next one may still touch it. */
#include "imager/extents.h"
#include <stdlib.h>
#include <string.h>
#include "common/checked.h"

#define VARINT_MAX 10u /* bytes that a 64-bit number can take */

struct extents {
	uint64_t size;          /* bytes of the device                       */
	unsigned int shift;     /* unit = 1 << shift                         */
	size_t limit, room, len;/* of buf, bytes                             */
	uint8_t *buf;
	uint64_t at;            /* units: end of the last range in buf       */
	uint64_t start, end;    /* units: the pending range; none if equal   */
	uint64_t count, bytes;  /* of the ranges in buf                      */
	uint64_t padded;
};

static size_t put(uint8_t *p, uint64_t v)
{
	size_t n = 0;

	while (v > 127) {
		p[n++] = (uint8_t)(v | 128);
		v >>= 7;
	}
	p[n++] = (uint8_t)v;
	return n;
}

static uint64_t get(const uint8_t *buf, size_t *pos)
{
	uint64_t v = 0;
	unsigned int shift = 0;
	uint8_t b;

	do {
		b = buf[(*pos)++];
		v |= (uint64_t)(b & 127) << shift;
		shift += 7;
	} while (b & 128);
	return v;
}

int extents_new(uint64_t size, uint32_t unit, size_t limit,
		struct extents **ret, struct err *e)
{
	struct extents *x;

	if (!unit || (unit & (unit - 1)))
		return err_set(e, ERR_INTERNAL, "unit %u of a used map is not a power of two", unit);
	x = calloc(1, sizeof *x);
	if (!x)
		return err_set(e, ERR_NOMEM, "out of memory for the used map");
	x->size = size;
	x->shift = (unsigned int)__builtin_ctz(unit);
	x->limit = limit < 8 * VARINT_MAX ? 8 * VARINT_MAX : limit;
	*ret = x;
	return 0;
}

struct extents *extents_free(struct extents *x)
{
	if (x)
		free(x->buf);
	free(x);
	return NULL;
}

/* Takes every gap below `below` units as used; works in place: the numbers of
 * a merged pair never take more bytes than the four they came from. */
static void swallow_gaps(struct extents *x, uint64_t below)
{
	size_t in = 0, out = 0;
	uint64_t gap = 0, len = 0;
	int have = 0;

	x->count = 0;
	while (in < x->len) {
		uint64_t g = get(x->buf, &in), l = get(x->buf, &in);

		if (have && g < below) {
			len += g + l;
			x->padded += g << x->shift;
			x->bytes += g << x->shift;
			continue;
		}
		if (have) {
			out += put(x->buf + out, gap);
			out += put(x->buf + out, len);
			x->count++;
		}
		gap = g;
		len = l;
		have = 1;
	}
	if (have) {
		out += put(x->buf + out, gap);
		out += put(x->buf + out, len);
		x->count++;
	}
	x->len = out;
}

static int make_room(struct extents *x, struct err *e)
{
	size_t want = x->len + 2 * VARINT_MAX;
	uint8_t *p;

	if (want <= x->room)
		return 0;
	if (want > x->limit) {
		/* a quarter free, so that this is rare */
		for (uint64_t below = 2; x->len > x->limit / 4 * 3 - 2 * VARINT_MAX; below *= 2)
			swallow_gaps(x, below);
		return 0;
	}
	want = x->room ? x->room * 2 : 256;
	if (want > x->limit)
		want = x->limit;
	p = realloc(x->buf, want);
	if (!p)
		return err_set(e, ERR_NOMEM, "out of memory for the used map (%zu bytes)", want);
	x->buf = p;
	x->room = want;
	return 0;
}

static int settle_pending(struct extents *x, struct err *e)
{
	int r;

	if (x->start == x->end)
		return 0;
	r = make_room(x, e);
	if (r < 0)
		return r;
	x->len += put(x->buf + x->len, x->start - x->at);
	x->len += put(x->buf + x->len, x->end - x->start);
	x->at = x->end;
	x->bytes += (x->end - x->start) << x->shift;
	x->count++;
	return 0;
}

int extents_add(struct extents *x, uint64_t off, uint64_t len, struct err *e)
{
	uint64_t start = off >> x->shift, end;
	int r;

	if (off >= x->size || !len)
		return 0;
	if (len > x->size - off)
		len = x->size - off;
	end = ((off + len - 1) >> x->shift) + 1;
	if (x->start != x->end && start < x->start)
		return err_set(e, ERR_INTERNAL,
			       "used map: offset %llu comes after offset %llu",
			       (unsigned long long)off,
			       (unsigned long long)(x->start << x->shift));
	if (x->start != x->end && start <= x->end) {
		if (end > x->end)
			x->end = end;
		return 0;
	}
	r = settle_pending(x, e);
	if (r < 0)
		return r;
	x->start = start;
	x->end = end;
	return 0;
}

int extents_add_all(struct extents *x, const struct extents *src, uint64_t by,
		    struct err *e)
{
	struct extents_cursor c;
	uint64_t off, len;
	int r;

	extents_begin(src, &c);
	while (extents_next(&c, &off, &len)) {
		if (add_overflows(off, by, &off))
			return err_set(e, ERR_INTERNAL, "used map: shifted past 2^64");
		r = extents_add(x, off, len, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The pending range's end in bytes: the device may end inside its last unit. */
static uint64_t end_bytes(const struct extents *x, uint64_t end)
{
	uint64_t bytes = end << x->shift;

	return bytes > x->size || bytes >> x->shift != end ? x->size : bytes;
}

uint64_t extents_bytes(const struct extents *x)
{
	if (x->start == x->end)
		return x->bytes;
	return x->bytes + end_bytes(x, x->end) - (x->start << x->shift);
}

uint64_t extents_count(const struct extents *x)
{
	return x->count + (x->start != x->end);
}

uint64_t extents_end(const struct extents *x)
{
	return end_bytes(x, x->end);
}

uint64_t extents_padded(const struct extents *x)
{
	return x->padded;
}

void extents_begin(const struct extents *x, struct extents_cursor *c)
{
	*c = (struct extents_cursor){ .x = x };
}

int extents_next(struct extents_cursor *c, uint64_t *off, uint64_t *len)
{
	const struct extents *x = c->x;
	uint64_t start, end;

	if (c->pos < x->len) {
		start = c->at + get(x->buf, &c->pos);
		end = start + get(x->buf, &c->pos);
		c->at = end;
	} else if (c->pos == x->len && x->start != x->end) {
		start = x->start;
		end = x->end;
		c->pos++;
	} else {
		return 0;
	}
	*off = start << x->shift;
	*len = end_bytes(x, end) - *off;
	return 1;
}
