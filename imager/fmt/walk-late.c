/* walk-late.c: see walk.h: a page that comes again because some of its chunks
 * came late.  What stood on it before isn't kept: without the late ones it must
 * be, byte for byte, what it was then, and of that the hash is known. */
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "imager/fmt/walk-int.h"

/* NULL: w->index's entry i is no late chunk. */
static const char *late_wrong(struct walk *w, uint32_t i, int *ret_late)
{
	struct image_chunk want = page_chunk(w->index, i), have;
	const char *wrong;

	*ret_late = 1;
	for (uint32_t s = 0; s < w->seen->n; s++) {
		if (w->seen->entry[s].chunk != w->index->entry[i].chunk)
			continue;
		w->seen->entry[s].flags |= SEEN_INDEXED;
		have = page_chunk(w->seen, s);
		return walk_same_chunk(&want, &have) ? NULL :
		       "isn't what the index says";
	}
	wrong = walk_take_pending(w, want.offset);
	*ret_late = wrong != NULL;
	return wrong;
}

/* Is `rest` what the page of that number was before? */
static int rest_differs(struct walk *w, const struct page *rest, struct err *e)
{
	const struct root_page *before = root_find(&w->root, rest->number);
	cleanup_free uint8_t *body = NULL;
	uint8_t hash[32];
	uint32_t len;
	int r;

	if (!before)
		return rest->n != 0;
	r = page_encode(rest, &body, &len, e);
	if (r == 0)
		r = hash_bytes(w->hasher, w->params.hash, body, len, hash, e);
	return r < 0 ? r : memcmp(hash, before->hash, sizeof hash) != 0;
}

int walk_late_page(struct walk *w, const struct walk_rec *rec, struct err *e)
{
	struct page *rest;
	int r = page_new(&rest, e), late;

	if (r < 0)
		return r;
	page_clear(rest, w->index->number);
	for (uint32_t i = 0; r == 0 && i < w->index->n; i++) {
		struct image_chunk c = page_chunk(w->index, i);
		const char *wrong = late_wrong(w, i, &late);

		if (wrong)
			walk_tell_chunk(w, c.number, c.offset, wrong);
		if (!late)
			r = page_add(rest, &c, e);
	}
	for (uint32_t s = 0; r == 0 && s < w->seen->n; s++)
		if (!(w->seen->entry[s].flags & SEEN_INDEXED))
			walk_tell_chunk(w, w->seen->number * PAGE_CHUNKS + w->seen->entry[s].chunk,
					w->seen->entry[s].offset, "isn't in the index");
	if (r == 0)
		r = rest_differs(w, rest, e);
	/* a page whose header was damaged isn't known */
	if (r > 0 && !w->lost)
		walk_tell(w, REC_PAGE, rec->off,
			  "isn't the one that came before it, with the late chunks");
	page_free(rest);
	return r < 0 ? r : 0;
}
