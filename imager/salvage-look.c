/* salvage-look.c: see salvage.h: what is there, and what is lost. */
#include <stdlib.h>
#include <string.h>
#include "common/vec.h"
#include "imager/salvage-int.h"

int salvage_why(const struct salvage *s, struct err *e)
{
	const char *unread = torn_unread(s->torn);

	return unread ? err_set(e, e->code, "%s; %s", strdupa(e->msg), unread) : e->code;
}

static void bit_set(uint8_t *bits, uint64_t i)
{
	bits[i / 8] |= (uint8_t)(1u << i % 8);
}

/* ---- what was seen ---- */

static int page_of(struct salvage *s, uint64_t number, struct salvage_page **ret, struct err *e)
{
	size_t i = s->n_pages, lo = 0;
	struct salvage_page *v;

	/* mostly behind all others, or the last */
	if (i && s->page[i - 1].number >= number)
		while (lo < i) {
			size_t mid = (lo + i) / 2;

			if (s->page[mid].number < number)
				lo = mid + 1;
			else
				i = mid;
		}
	if (i < s->n_pages && s->page[i].number == number) {
		*ret = &s->page[i];
		return 0;
	}
	v = s->n_pages == SALVAGE_PAGES_MAX ? NULL :
		vec_room(s->page, s->n_pages, &s->room_pages, sizeof *v);
	if (!v)
		return err_set(e, ERR_NOMEM, "%s: it has chunks of more than %zu places of the disk: there is no memory for that",
			       s->file->name, s->n_pages);
	s->page = v;
	memmove(&s->page[i + 1], &s->page[i], (s->n_pages++ - i) * sizeof *s->page);
	s->page[i] = (struct salvage_page){ .number = number };
	*ret = &s->page[i];
	return 0;
}

static int add_late(struct salvage *s, uint64_t number, uint64_t at, struct err *e)
{
	struct salvage_late *v = s->n_late == SALVAGE_LATE_MAX ? NULL :
		vec_room(s->late, s->n_late, &s->room_late, sizeof *v);

	if (!v)
		return err_set(e, ERR_NOMEM, "%s: more than %zu chunks aren't in order: there is no memory for that",
			       s->file->name, s->n_late);
	s->late = v;
	s->late[s->n_late++] = (struct salvage_late){ number, at };
	return 0;
}

/* Records were missing: chunks from s->next to end may have been among them. */
static int close_hole(struct salvage *s, uint64_t end, struct err *e)
{
	int r = s->hole ? ranges_add(&s->holes, s->next, end, e) : 0;

	s->hole = 0;
	return r;
}

static int see_chunk(struct salvage *s, const struct torn_rec *rec, struct err *e)
{
	const struct image_params *p = torn_params(s->torn);
	const struct chunk_map *last = rec->wrong ? NULL : &rec->map[rec->r.map_count - 1];
	uint64_t number = rec->r.aux, bit = number % PAGE_CHUNKS, end;
	struct salvage_page *page;
	int r;

	if (number >= params_chunks(p))
		return 0;
	r = page_of(s, number / PAGE_CHUNKS, &page, e);
	if (r < 0 || bit_get(page->have, bit))
		return r;
	if (rec->wrong) {
		page->hit_bytes += bit_get(page->hit, bit) ? 0 : rec->r.plain_len;
		bit_set(page->hit, bit);
	} else {
		page->hit_bytes -= bit_get(page->hit, bit) ? rec->r.plain_len : 0;
		bit_set(page->have, bit);
		s->found.bytes += rec->r.plain_len;
		end = number * p->chunk_size + (uint64_t)last->start * REC_UNIT + map_bytes(p, number, last);
		s->used_end = end > s->used_end ? end : s->used_end;
	}
	if (number < s->next)
		return rec->wrong ? 0 : add_late(s, number, rec->at, e);
	r = close_hole(s, number, e);
	s->next = number + 1;
	return r;
}

static int see_page(struct salvage *s, const struct torn_rec *rec, struct err *e)
{
	struct salvage_page *page;
	uint64_t at = rec->at;
	int r;

	if (rec->wrong || rec->r.aux > params_chunks(torn_params(s->torn)) / PAGE_CHUNKS)
		return 0;
	if (page_decode(rec->plain, rec->r.plain_len, rec->r.aux, torn_params(s->torn), INT64_MAX, s->index))
		return 0;
	r = page_of(s, rec->r.aux, &page, e);
	if (r < 0 || !s->index->n)
		return r;
	for (uint32_t i = 0; i < s->index->n; i++)
		s->flagged |= s->index->entry[i].flags;
	page->index_at = at;
	page->index_last = s->index->entry[s->index->n - 1].chunk;
	return 0;
}

static void see_bad(struct salvage *s, const struct torn_rec *rec)
{
	struct byte_range *v;
	size_t n;

	if (rec->wrong || s->bad_final || torn_bad(s->torn, rec, &v, &n))
		return;
	free(s->old_bad);
	s->old_bad = v;
	s->n_old_bad = n;
	s->bad_final = rec->r.type == REC_BAD;
}

static int see(struct salvage *s, const struct torn_rec *rec, struct err *e)
{
	if (rec->r.type == REC_VOLUME)
		return 0;
	/* in front of record 2 are only HEADER and META */
	s->hole |= rec->r.seq != s->seq && rec->r.seq > 2;
	s->seq = rec->r.seq + 1;
	s->found.bad_records += !!rec->wrong;
	switch (rec->r.type) {
	case REC_CHUNK:
		return see_chunk(s, rec, e);
	case REC_PAGE:
		return see_page(s, rec, e);
	case REC_BAD:
	case REC_COMMIT:
		see_bad(s, rec);
		return 0;
	case REC_SUMMARY:
		if (!rec->wrong && !s->summary)
			s->summary = strdup((const char *)rec->plain);
		return 0;
	case REC_END:
		s->found.ended |= !rec->wrong;
		return 0;
	default:
		return 0;
	}
}

static int see_all(struct salvage *s, struct err *e)
{
	struct torn_rec rec;
	int r;

	while ((r = torn_next(s->torn, &rec, e)) > 0) {
		r = see(s, &rec, e);
		if (r < 0)
			return r;
		if (job_cancelled(&s->job))
			return err_set(e, ERR_CANCELLED, "stopped");
		job_progress(&s->job, torn_pos(s->torn), s->file->size, torn_pos(s->torn));
	}
	s->hole |= !s->found.ended;
	return r < 0 ? r : close_hole(s, params_chunks(torn_params(s->torn)), e);
}

/* ---- what is lost ---- */

/* All of a chunk of which nobody knows what was used. */
static void whole_chunk(struct salvage *s, uint64_t number, struct image_chunk *ret)
{
	const struct image_params *p = torn_params(s->torn);
	uint64_t left = p->disk_size - number * p->chunk_size;

	left = left < p->chunk_size ? left : p->chunk_size;
	s->whole = (struct chunk_map){ 0, (uint16_t)((left + REC_UNIT - 1) / REC_UNIT) };
	*ret = (struct image_chunk){ .number = number, .plain_len = (uint32_t)left, .map_count = 1,
				     .map = &s->whole };
}

/* s->index: of page i. */
static int load_index(struct salvage *s, size_t i, struct err *e)
{
	const char *wrong;

	if (s->index_of == i)
		return 0;
	s->index_of = SIZE_MAX;
	wrong = torn_page(s->torn, s->page[i].index_at, s->index, e);
	if (wrong) {
		err_set(e, ERR_IO, "%s: the index at offset %llu %s, but it was good before", s->file->name,
			(unsigned long long)s->page[i].index_at, wrong);
		return salvage_why(s, e);
	}
	s->index_of = i;
	return 0;
}

/* 1: chunk `bit` of page i is known to be lost. */
static int is_lost(struct salvage *s, size_t i, uint32_t bit, struct image_chunk *ret)
{
	const struct salvage_page *page = &s->page[i];
	uint32_t lo = 0, hi = page->index_at ? s->index->n : 0;

	if (bit_get(page->have, bit))
		return 0;
	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (s->index->entry[mid].chunk < bit)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (page->index_at && lo < s->index->n && s->index->entry[lo].chunk == bit) {
		*ret = page_chunk(s->index, lo);
		return 1;
	}
	/* beside partitions that aren't in the image nothing may be written that isn't known */
	if (!bit_get(page->hit, bit) || (torn_params(s->torn)->must & FEATURE_PARTIAL))
		return 0;
	whole_chunk(s, page->number * PAGE_CHUNKS + bit, ret);
	return 1;
}

int salvage_next_lost(struct salvage *s, struct lost_cursor *c, struct image_chunk *ret,
		      struct err *e)
{
	while (c->page < s->n_pages) {
		if (s->page[c->page].index_at && load_index(s, c->page, e) < 0)
			return e->code;
		while (c->bit < PAGE_CHUNKS)
			if (is_lost(s, c->page, c->bit++, ret))
				return 1;
		c->page++;
		c->bit = 0;
	}
	return 0;
}

static int add_range(struct ranges *l, uint64_t start, uint64_t end, struct err *e)
{
	return ranges_add(l, start, end, NULL) == 0 ? 0 :
		err_set(e, ERR_UNSUPPORTED, "so many places are lost (over %zu) that they can't be listed", l->n);
}

/* The lost ranges, and what the new image has of them.  *ret_known: used bytes of the
 * old one that are accounted for. */
static int find_lost(struct salvage *s, uint64_t *ret_known, struct err *e)
{
	const struct image_params *p = torn_params(s->torn);
	struct lost_cursor c = { 0 };
	struct image_chunk l;
	int r;

	while ((r = salvage_next_lost(s, &c, &l, e)) > 0) {
		for (uint32_t i = 0; i < l.map_count && r > 0; i++) {
			uint64_t at = l.number * p->chunk_size + (uint64_t)l.map[i].start * REC_UNIT;
			uint64_t end = at + map_bytes(p, l.number, &l.map[i]);

			r = add_range(&s->lost, at, end, e) < 0 ? e->code : 1;
			s->used_end = end > s->used_end ? end : s->used_end;
		}
		if (r < 0)
			return r;
		s->found.lost += l.plain_len;
		if (l.map != &s->whole)
			*ret_known += l.plain_len;
	}
	for (size_t i = 0; i < s->n_pages; i++)
		*ret_known += s->page[i].index_at ? 0 : s->page[i].hit_bytes;
	ranges_sort(&s->lost);
	return r;
}

/* The old image's unreadable places, as far as their chunks are there. */
static int keep_old_bad(struct salvage *s, struct err *e)
{
	uint32_t size = torn_params(s->torn)->chunk_size;
	size_t at = 0;
	int r = 0;

	for (size_t i = 0; i < s->n_pages; i++)
		for (uint32_t bit = 0; bit < PAGE_CHUNKS; bit++) {
			uint64_t a = (s->page[i].number * PAGE_CHUNKS + bit) * size, b = a + size;

			while (at < s->n_old_bad && s->old_bad[at].off + s->old_bad[at].len <= a)
				at++;
			if (!bit_get(s->page[i].have, bit))
				continue;
			for (size_t k = at; k < s->n_old_bad && s->old_bad[k].off < b && r == 0; k++) {
				uint64_t f = s->old_bad[k].off + s->old_bad[k].len;

				r = add_range(&s->bad, s->old_bad[k].off > a ? s->old_bad[k].off : a,
					      f < b ? f : b, e);
			}
		}
	for (size_t i = 0; i < s->lost.n && r == 0; i++)
		r = add_range(&s->bad, s->lost.v[i].start, s->lost.v[i].end, e);
	ranges_sort(&s->bad);
	return r;
}

static int add_unknown(void *ctx, uint64_t off, uint64_t len)
{
	return ranges_add(ctx, off, off + len, NULL);
}

/* s->holes, chunks, becomes bytes of the disk, without what an index covers. */
static int find_unknown(struct salvage *s, struct err *e)
{
	const struct image_params *p = torn_params(s->torn);
	uint64_t end = s->found.header_lost ? p->disk_size : p->used_end;
	struct ranges covered = { 0 }, left = { 0 };
	struct extent_sink sink = { add_unknown, &left };
	struct emit m = { .out = &sink, .cut = &covered, .size = params_chunks(p) };
	int r = 0;

	for (size_t i = 0; i < s->n_pages && r == 0; i++) {
		uint64_t first = s->page[i].number * PAGE_CHUNKS;

		if (s->page[i].index_at)
			r = ranges_add(&covered, first, first + s->page[i].index_last + 1, e);
		else for (uint32_t k = 0; k < PAGE_CHUNKS && r == 0 && (p->must & FEATURE_PARTIAL); k++)
			if (bit_get(s->page[i].hit, k) && !bit_get(s->page[i].have, k))
				r = ranges_add(&s->holes, first + k, first + k + 1, e);
	}
	ranges_sort(&covered);
	ranges_sort(&s->holes);
	for (size_t i = 0; i < s->holes.n && r == 0; i++)
		r = emit_used(&m, s->holes.v[i].start, s->holes.v[i].end);
	if (r == 0)
		r = emit_finish(&m);
	s->holes.n = 0;
	for (size_t i = 0; i < left.n && r == 0; i++) {
		uint64_t a = left.v[i].start * p->chunk_size, b = left.v[i].end * p->chunk_size;

		if (a < end)
			r = ranges_add(&s->holes, a, b < end ? b : end, e);
	}
	ranges_done(&covered);
	ranges_done(&left);
	return r;
}

/* As callers know ranges. */
static int export(const struct ranges *l, const struct byte_range **ret, size_t *ret_n, struct err *e)
{
	struct byte_range *v = malloc(l->n * sizeof *v + 1);

	if (!v)
		return err_set(e, ERR_NOMEM, "out of memory for what is lost");
	for (size_t i = 0; i < l->n; i++)
		v[i] = (struct byte_range){ l->v[i].start, l->v[i].end - l->v[i].start };
	*ret = v;
	*ret_n = l->n;
	return 0;
}

static int conclude(struct salvage *s, struct err *e)
{
	const struct image_params *p = torn_params(s->torn);
	struct salvage_found *f = &s->found;
	uint64_t known = f->bytes;
	int r;

	f->params = *p;
	f->header_lost = torn_header_lost(s->torn);
	f->meta_lost = !torn_meta(s->torn);
	f->missing_known = !f->header_lost;
	s->index_of = SIZE_MAX;
	r = find_lost(s, &known, e);
	if (r == 0)
		r = keep_old_bad(s, e);
	if (r == 0)
		r = find_unknown(s, e);
	if (r < 0)
		return r;
	if (f->missing_known) {
		f->missing = p->used_bytes > known ? p->used_bytes - known : 0;
		if (!f->missing)
			s->holes.n = 0;
	}
	if (!f->bytes && (p->used_bytes || f->header_lost)) {
		err_set(e, ERR_CORRUPT, "%s: nothing of the disk in it is good", s->file->name);
		return salvage_why(s, e);
	}
	r = export(&s->lost, &f->lost_range, &f->n_lost, e);
	return r < 0 ? r : export(&s->holes, &f->unknown_range, &f->n_unknown, e);
}

static int by_number(const void *a, const void *b)
{
	const struct salvage_late *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static void tell_state(struct salvage *s, const struct salvage_source *src)
{
	struct err unread = { 0 };
	const struct { int is; const char *text; } all[] = {
		{ s->found.header_lost, "its header is lost: the disk's size and how much of it was used follow from what else is there" },
		{ s->found.meta_lost, "its description is lost: which disk, machine and partitions it was made of isn't known" },
		{ s->found.header_lost && s->found.meta_lost, "whether it was made with --only, of a part of the disk, isn't known: restore it to an empty disk" },
		{ torn_known_full(s->torn), "it has more chunks than can be kept in mind to find what others refer to: some may be lost for that" },
		{ torn_unread(s->torn) != NULL, unread.msg },
		{ s->flagged && !s->bad_final, "its list of places that could not be read from the disk is lost or may not be complete: they read as zeros" },
	};

	if (torn_unread(s->torn))
		err_set(&unread, ERR_IO, "not all of it can be read: %s", torn_unread(s->torn));
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (all[i].is && src->tell)
			src->tell(src->tell_ctx, all[i].text);
}

int salvage_look(const struct salvage_source *src, const struct job_events *ev,
		 struct salvage **ret, struct err *e)
{
	struct salvage *s = calloc(1, sizeof *s);
	int r;

	if (!s)
		return err_set(e, ERR_NOMEM, "out of memory");
	s->file = src->file;
	job_begin(&s->job, ev);
	job_step(&s->job, "scan", "looking for what is good");
	r = page_new(&s->index, e);
	if (r == 0)
		r = torn_open(src->file, src->access, src->tell, src->tell_ctx, &s->torn, e);
	if (r == 0)
		r = see_all(s, e);
	if (r == 0 && s->n_late)
		qsort(s->late, s->n_late, sizeof *s->late, by_number);
	if (r == 0)
		r = conclude(s, e);
	if (r < 0) {
		salvage_free(s);
		return r;
	}
	tell_state(s, src);
	*ret = s;
	return 0;
}

const struct salvage_found *salvage_found(const struct salvage *s)
{
	return &s->found;
}

struct salvage *salvage_free(struct salvage *s)
{
	if (!s)
		return NULL;
	torn_close(s->torn);
	page_free(s->index);
	ranges_done(&s->holes);
	ranges_done(&s->lost);
	ranges_done(&s->bad);
	free((void *)s->found.lost_range);
	free((void *)s->found.unknown_range);
	free(s->page);
	free(s->late);
	free(s->old_bad);
	free(s->summary);
	free(s);
	return NULL;
}
