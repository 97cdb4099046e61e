/* resume.c: see resume.h.
 *
 * Whoever starts the machine between the two parts of a capture would get an
 * image of two moments, which no check of the image can see.  The used map of a
 * file system that was written to mostly differs; so do the places that each of
 * them writes when it is mounted, which the caller names; and to see the rest
 * one chunk of 64 is enough to cost little. */
#include "imager/resume.h"
#include <string.h>

int resume_changed(const struct blkdev *src, struct err *e)
{
	return err_set(e, ERR_REFUSED,
		       "%s isn't as it was when the capture was interrupted, or what it holds can't be read now as then; capture it anew, without --resume",
		       src->name);
}

static int is_named(const struct resume_check *c, uint64_t number)
{
	uint64_t size = c->reader->chunk_size;

	for (size_t i = 0; i < c->n_at; i++)
		if (c->at[i] / size == number)
			return 1;
	return 0;
}

/* One chunk's content against its hash; what can't be read says nothing. */
static int compare(const struct resume_check *c, const uint8_t *want, struct err *e)
{
	uint8_t hash[32], *plain;
	int r;

	if (chunk_read(c->reader, c->slot, c->wide, NULL) < 0)
		return 0;
	plan_compact(c->slot, c->wide, &plain);
	r = hash_bytes(codec_hasher(c->codec), image_params(c->image)->hash, plain,
		       c->slot->plain_len, hash, e);
	if (r == 0 && memcmp(hash, want, sizeof hash))
		r = resume_changed(c->reader->src, e);
	return r;
}

static int same_map(const struct plan *p, const struct image_chunk *c)
{
	return p->number == c->number && p->plain_len == c->plain_len &&
	       p->map_count == c->map_count &&
	       !memcmp(p->map, c->map, c->map_count * sizeof *c->map);
}

/* The chunk in c->slot is `chunk` of the image. */
static int check_one(const struct resume_check *c, const struct image_chunk *chunk,
		     uint64_t n, struct err *e)
{
	if (!same_map(c->slot, chunk))
		return resume_changed(c->reader->src, e);
	if ((n % RESUME_SAMPLE && !is_named(c, chunk->number)) || (chunk->flags & 1))
		return 0;
	return compare(c, chunk->hash, e);
}

int resume_check(const struct resume_check *c, struct planner *p, uint64_t *ret_bytes,
		 struct err *e)
{
	struct image_cursor cursor = { 0 };
	struct image_chunk chunk;
	struct planner next = *p;
	uint64_t n = 0;
	int more = image_next_chunk(c->image, &cursor, &chunk, e), r = 0;

	*ret_bytes = 0;
	while (more >= 0 && r == 0 && planner_next(&next, c->slot) &&
	       c->slot->number < image_next(c->image)) {
		*p = next;
		if (!more || c->slot->number < chunk.number) {
			r = c->missing(c->ctx, c->slot->number, e);
			continue;
		}
		r = check_one(c, &chunk, n++, e);
		*ret_bytes += chunk.plain_len;
		if (r == 0)
			more = image_next_chunk(c->image, &cursor, &chunk, e);
	}
	if (r < 0 || more < 0)
		return r < 0 ? r : more;
	return more ? resume_changed(c->reader->src, e) : 0;
}
