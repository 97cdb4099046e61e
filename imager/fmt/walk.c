/* walk.c: see walk.h: order, chunks and pages. */
#include <stdlib.h>
#include <string.h>
#include "common/vec.h"
#include "imager/fmt/walk-int.h"

int walk_new(const struct image_params *params, const struct image_key *key,
	     void (*bad)(void *ctx, const struct walk_bad *b), void *ctx,
	     struct walk **ret, struct err *e)
{
	struct walk *w = calloc(1, sizeof *w);
	int r;

	if (!w)
		return err_set(e, ERR_NOMEM, "out of memory for checking the image");
	w->params = *params;
	w->bad = bad;
	w->ctx = ctx;
	r = page_new(&w->seen, e);
	if (r == 0)
		r = page_new(&w->index, e);
	if (r == 0)
		r = hasher_new(&w->hasher, e);
	if (r == 0 && key)
		hasher_key(w->hasher, key->hash);
	if (r < 0) {
		walk_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

struct walk *walk_free(struct walk *w)
{
	if (!w)
		return NULL;
	page_free(w->seen);
	page_free(w->index);
	hasher_free(w->hasher);
	root_done(&w->root);
	free(w->pending);
	free(w->unreadable);
	free(w);
	return NULL;
}

void walk_tell(struct walk *w, unsigned int type, uint64_t off, const char *text)
{
	struct walk_bad b = { .type = (uint8_t)type, .offset = off, .text = text };

	w->found++;
	w->bad(w->ctx, &b);
}

void walk_tell_chunk(struct walk *w, uint64_t chunk, uint64_t off, const char *text)
{
	struct walk_bad b = { .type = REC_CHUNK, .offset = off, .has_chunk = 1,
			      .chunk = chunk, .text = text };

	w->found++;
	w->bad(w->ctx, &b);
}

static int add_pending(struct walk *w, const struct walk_rec *rec, struct err *e)
{
	struct pending *v = vec_room(w->pending, w->n_pending, &w->room_pending, sizeof *v);

	if (!v)
		return err_set(e, ERR_NOMEM, "out of memory for the list of damaged places");
	w->pending = v;
	w->pending[w->n_pending++] = (struct pending){ rec->off,
		rec->unread ? "has a header that can't be read" : "has a damaged header" };
	return 0;
}

const char *walk_take_pending(struct walk *w, uint64_t off)
{
	const char *text;

	for (size_t i = 0; i < w->n_pending; i++)
		if (w->pending[i].off == off) {
			text = w->pending[i].text;
			memmove(w->pending + i, w->pending + i + 1,
				(--w->n_pending - i) * sizeof *w->pending);
			return text;
		}
	return NULL;
}

/* ---- order ---- */

static unsigned int order_of(unsigned int type)
{
	static const unsigned char order[] = {
		[REC_HEADER] = 1, [REC_META] = 2, [REC_CHUNK] = 3,
		[REC_PAGE] = 3, [REC_COMMIT] = 3, [REC_BAD] = 4,
		[REC_SUMMARY] = 5, [REC_ROOT] = 6, [REC_END] = 7,
		[REC_VOLUME] = 3,
	};

	return order[type];
}

static void check_order(struct walk *w, const struct walk_rec *rec)
{
	unsigned int at = order_of(rec->r.type), due = w->phase + 1;

	/* chunks may be none or many */
	if (at == w->phase && at == 3)
		due = at;
	if (at == 4 && w->phase == 2)
		due = at;
	if (at < due)
		walk_tell(w, rec->r.type, rec->off, "is out of order");
	else if (at > due && !w->lost)
		walk_tell(w, rec->r.type, rec->off, "comes where another is missing before it");
	if (at > w->phase)
		w->phase = at;
}

/* ---- chunks ---- */

static int walk_chunk(struct walk *w, const struct walk_rec *rec, struct err *e)
{
	struct image_chunk c = {
		.number = rec->r.aux, .offset = rec->off,
		.body_len = rec->r.body_len, .plain_len = rec->r.plain_len,
		.codec = rec->r.codec, .map_count = rec->fault ? 0 : rec->r.map_count,
		.map = rec->map,
	};
	uint64_t page = c.number / PAGE_CHUNKS, end;
	int new_page = 0;

	w->records_of_chunks++;
	if (rec->fault) {
		walk_tell_chunk(w, c.number, rec->off, rec->fault);
	} else {
		const struct chunk_map *last = &rec->map[rec->r.map_count - 1];

		w->chunks++;
		w->bytes += c.plain_len;
		end = c.number * w->params.chunk_size +
		      ((uint64_t)last->start + last->count) * REC_UNIT;
		if (end > w->used_end)
			w->used_end = end;
	}
	if (!w->late && c.number < w->next_chunk) {
		w->late = new_page = 1;
	}
	if (c.number >= params_chunks(&w->params)) {
		walk_tell(w, REC_CHUNK, rec->off, "is out of order");
		return 0;
	}
	if (c.number >= w->next_chunk)
		w->next_chunk = c.number + 1;
	if (w->seen->number != page || !w->seen->n || new_page) {
		if (w->paged < w->seen->n && !w->lost)
			walk_tell(w, REC_CHUNK, rec->off, "comes before the index page of the chunks in front of it");
		page_clear(w->seen, page);
		w->paged = 0;
	}
	memcpy(c.hash, rec->r.hash, sizeof c.hash);
	for (uint32_t i = 0; w->late && i < w->seen->n; i++)
		if (w->seen->entry[i].chunk == c.number % PAGE_CHUNKS) {
			walk_tell(w, REC_CHUNK, rec->off, "comes twice");
			return 0;
		}
	c.flags = rec->fault ? SEEN_DAMAGED : 0;
	return page_add(w->seen, &c, e);
}

int walk_same_chunk(const struct image_chunk *a, const struct image_chunk *seen)
{
	const struct image_chunk *b = seen;

	return a->offset == b->offset && a->body_len == b->body_len &&
	       a->plain_len == b->plain_len && a->codec == b->codec &&
	       !memcmp(a->hash, b->hash, sizeof a->hash) &&
	       ((b->flags & SEEN_DAMAGED) || (a->map_count == b->map_count &&
			      !memcmp(a->map, b->map, a->map_count * sizeof *a->map)));
}

/* The index page against the chunks that were seen. */
static void compare_page(struct walk *w)
{
	const char *wrong;
	uint32_t s = 0;

	for (uint32_t i = 0; i < w->index->n; i++) {
		struct image_chunk want = page_chunk(w->index, i), have;

		for (; s < w->seen->n && w->seen->entry[s].chunk < w->index->entry[i].chunk; s++)
			walk_tell_chunk(w, w->seen->number * PAGE_CHUNKS + w->seen->entry[s].chunk,
					w->seen->entry[s].offset, "isn't in the index");
		if (s == w->seen->n || w->seen->entry[s].chunk != w->index->entry[i].chunk) {
			wrong = walk_take_pending(w, want.offset);
			walk_tell_chunk(w, want.number, want.offset,
					wrong ? wrong : "isn't where the index says");
			continue;
		}
		have = page_chunk(w->seen, s);
		if (!walk_same_chunk(&want, &have))
			walk_tell_chunk(w, want.number, have.offset, "isn't what the index says");
		s++;
	}
	for (; s < w->seen->n; s++)
		walk_tell_chunk(w, w->seen->number * PAGE_CHUNKS + w->seen->entry[s].chunk,
				w->seen->entry[s].offset, "isn't in the index");
}

static int walk_page(struct walk *w, const struct walk_rec *rec, struct err *e)
{
	struct root_page entry = {
		.page = rec->r.aux, .offset = rec->off, .used_bytes = UINT64_MAX,
		.body_len = rec->r.body_len, .plain_len = rec->r.plain_len,
	};
	struct root_page *last = w->root.n ? &w->root.page[w->root.n - 1] : NULL;
	const char *wrong = rec->fault;
	int r;

	memcpy(entry.hash, rec->r.hash, sizeof entry.hash);
	/* of the late chunks only this page may be left */
	if (!w->late && last && last->page > rec->r.aux) {
		w->late = w->lost;
		page_clear(w->seen, rec->r.aux);
	}
	if (!wrong && (w->late ? !w->lost && (!w->seen->n || w->seen->number != rec->r.aux) :
		       last && last->page > rec->r.aux))
		wrong = "is out of order";
	if (!wrong)
		wrong = page_decode(rec->plain, rec->r.plain_len, rec->r.aux,
				    &w->params, rec->off, w->index);
	if (wrong) {
		walk_tell(w, REC_PAGE, rec->off, wrong);
	} else {
		/* a page whose chunks are all lost has none to compare with */
		if (w->seen->number != rec->r.aux)
			page_clear(w->seen, rec->r.aux);
		entry.used_bytes = w->index->bytes;
		r = w->late ? walk_late_page(w, rec, e) : 0;
		if (r < 0)
			return r;
		if (!w->late)
			compare_page(w);
	}
	if (w->late)
		page_clear(w->seen, rec->r.aux);
	w->paged = w->seen->n;
	/* one that comes again has more entries (COMMIT, late chunks) */
	return root_add(&w->root, &entry, e);
}

/* ---- the rest ---- */

/* What root_digest() needs of a record. */
static void keep_hash(struct walk *w, const struct walk_rec *rec, unsigned int i)
{
	memcpy(w->hashes[i], rec->r.hash, 32);
	w->offs[i] = rec->off;
	w->have |= 1u << i;
}

static int walk_known(struct walk *w, const struct walk_rec *rec, struct err *e)
{
	switch (rec->r.type) {
	case REC_HEADER:
	case REC_META:
	case REC_SUMMARY:
		keep_hash(w, rec, rec->r.type == REC_HEADER ? 0 :
				  rec->r.type == REC_META ? 1 : 3);
		if (rec->fault)
			walk_tell(w, rec->r.type, rec->off, rec->fault);
		return 0;
	case REC_CHUNK:
		return walk_chunk(w, rec, e);
	case REC_PAGE:
		return walk_page(w, rec, e);
	case REC_COMMIT:
		return walk_commit_record(w, rec, e);
	case REC_BAD:
		keep_hash(w, rec, 2);
		return walk_bad_record(w, rec, e);
	case REC_ROOT:
		keep_hash(w, rec, 4);
		return walk_root_record(w, rec, e);
	case REC_END:
		return walk_end_record(w, rec, e);
	default:
		walk_tell(w, rec->r.type, rec->off, rec->fault ? rec->fault : "doesn't belong here");
		return 0;
	}
}

int walk_record(struct walk *w, const struct walk_rec *rec, struct err *e)
{
	if (w->ended) {
		walk_tell(w, rec->known ? rec->r.type : 0, rec->off,
			  "stands behind the image's end");
		return 0;
	}
	if (!rec->known) {
		w->lost = 1;
		return add_pending(w, rec, e);
	}
	check_order(w, rec);
	return walk_known(w, rec, e);
}

int walk_finish(struct walk *w, uint64_t file_len, struct err *e)
{
	(void)e;
	for (size_t i = 0; i < w->n_pending; i++)
		walk_tell(w, 0, w->pending[i].off, w->pending[i].text);
	w->n_pending = 0;
	if (!w->ended)
		walk_tell(w, REC_END, file_len, "is missing: the image isn't complete");
	return 0;
}

uint64_t walk_found(const struct walk *w)
{
	return w->found;
}

uint64_t walk_bytes(const struct walk *w)
{
	return w->bytes;
}

uint64_t walk_chunks(const struct walk *w)
{
	return w->chunks;
}

int walk_complete(const struct walk *w)
{
	return w->ended && !w->found && !w->n_pending;
}

const uint8_t *walk_digest(const struct walk *w)
{
	return w->digest;
}

const struct byte_range *walk_unreadable(const struct walk *w, size_t *ret_n)
{
	*ret_n = w->n_unreadable;
	return w->unreadable;
}
