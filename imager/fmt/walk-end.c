/* walk-end.c: see walk.h: the records that come last, and COMMIT. */
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "imager/fmt/disk.h"
#include "imager/fmt/walk-int.h"

int walk_bad_record(struct walk *w, const struct walk_rec *rec, struct err *e)
{
	const char *wrong = rec->fault;

	(void)e;
	if (w->paged < w->seen->n && !w->lost)
		walk_tell(w, REC_BAD, rec->off, "comes before the index page of the last chunks");
	if (!wrong && !w->unreadable)
		wrong = bad_decode(rec->plain, rec->r.plain_len, &w->params,
				   &w->unreadable, &w->n_unreadable);
	if (wrong)
		walk_tell(w, REC_BAD, rec->off, wrong);
	return 0;
}

static int same_page(const struct root_page *a, const struct root_page *b)
{
	return a->offset == b->offset && a->body_len == b->body_len &&
	       a->plain_len == b->plain_len &&
	       (b->used_bytes == UINT64_MAX || a->used_bytes == b->used_bytes) &&
	       !memcmp(a->hash, b->hash, sizeof a->hash);
}

int walk_root_record(struct walk *w, const struct walk_rec *rec, struct err *e)
{
	const char *wrong = rec->fault;
	struct root root = { 0 };
	size_t s = 0;

	(void)e;
	if (!wrong)
		wrong = root_decode(rec->plain, rec->r.plain_len, &w->params,
				    rec->off, &root);
	if (wrong) {
		walk_tell(w, REC_ROOT, rec->off, wrong);
		return 0;
	}
	for (size_t i = 0; i < root.n; i++) {
		const struct root_page *p = &root.page[i];

		for (; s < w->root.n && w->root.page[s].page < p->page; s++)
			walk_tell(w, REC_PAGE, w->root.page[s].offset, "isn't in the table of pages");
		if (s == w->root.n || w->root.page[s].page != p->page) {
			wrong = walk_take_pending(w, p->offset);
			walk_tell(w, REC_PAGE, p->offset, wrong ? wrong : "isn't where the table of pages says");
			continue;
		}
		if (!same_page(p, &w->root.page[s]))
			walk_tell(w, REC_PAGE, w->root.page[s].offset,
				  "isn't what the table of pages says");
		s++;
	}
	for (; s < w->root.n; s++)
		walk_tell(w, REC_PAGE, w->root.page[s].offset, "isn't in the table of pages");
	root_done(&root);
	return 0;
}

/* A damaged header whose place END names. */
static void name_pending(struct walk *w, unsigned int type, uint64_t off)
{
	const char *wrong = walk_take_pending(w, off);

	if (wrong)
		walk_tell(w, type, off, wrong);
}

static const char *end_wrong(struct walk *w, const struct walk_rec *rec,
			     const struct image_end *end)
{
	uint64_t at = rec->off + IMAGE_HEAD_LEN + END_LEN;
	uint64_t offs[4] = { end->meta_off, end->bad_off, end->summary_off,
			     end->root_off };

	if (end->file_len != at)
		return "names another length of the file";
	for (unsigned int i = 0; i < 4; i++)
		if ((w->have & 2u << i) && w->offs[i + 1] != offs[i])
			return "names another place of a record than the one where it is";
	if (w->lost)
		return NULL;
	if (end->chunks != w->records_of_chunks)
		return "names another number of chunks than there are";
	return NULL;
}

static const char *sums_wrong(struct walk *w, const struct image_end *end)
{
	uint8_t digest[32];
	uint64_t units_end = (w->params.used_end + REC_UNIT - 1) / REC_UNIT * REC_UNIT;

	if (!w->lost && !w->found && w->used_end != units_end)
		return "comes after chunks that end elsewhere than the header says";
	if (w->have != 31)
		return w->lost ? NULL : "comes after too few records";
	if (root_digest(w->hasher, w->params.hash, w->hashes, digest, NULL) < 0 ||
	    memcmp(digest, end->digest, sizeof digest))
		return "holds another digest than that of the records";
	return NULL;
}

int walk_end_record(struct walk *w, const struct walk_rec *rec, struct err *e)
{
	struct image_end end;
	const char *wrong = rec->fault;

	(void)e;
	w->ended = 1;
	w->end_off = rec->off;
	if (!wrong)
		wrong = end_get(rec->plain, &end);
	if (wrong) {
		walk_tell(w, REC_END, rec->off, wrong);
		return 0;
	}
	name_pending(w, REC_META, end.meta_off);
	name_pending(w, REC_BAD, end.bad_off);
	name_pending(w, REC_SUMMARY, end.summary_off);
	name_pending(w, REC_ROOT, end.root_off);
	memcpy(w->digest, end.digest, sizeof w->digest);
	wrong = end_wrong(w, rec, &end);
	if (!wrong)
		wrong = sums_wrong(w, &end);
	if (wrong)
		walk_tell(w, REC_END, rec->off, wrong);
	return 0;
}

/* Ranges that are listed so far. */
static const char *commit_bad(struct walk *w, const struct walk_rec *rec)
{
	struct byte_range *bad = NULL;
	size_t n;
	const char *wrong = bad_decode(rec->plain + sizeof(struct commit_disk),
				       rec->r.plain_len - (uint32_t)sizeof(struct commit_disk),
				       &w->params, &bad, &n);

	free(bad);
	return wrong;
}

int walk_commit_record(struct walk *w, const struct walk_rec *rec, struct err *e)
{
	const char *wrong = rec->fault;
	struct commit_disk d;
	uint8_t hash[32];
	int r;

	if (!wrong)
		wrong = commit_bad(w, rec);
	if (wrong) {
		walk_tell(w, REC_COMMIT, rec->off, wrong);
		return 0;
	}
	r = root_hashes(&w->root, w->hasher, w->params.hash, hash, e);
	if (r < 0)
		return r;
	memcpy(&d, rec->plain, sizeof d);
	if (le32_get(d.zero) || le64_get(d.zero2))
		walk_tell(w, REC_COMMIT, rec->off, "has a nonzero reserved field");
	else if (!w->lost && (le64_get(d.pages) != w->root.n ||
			      rec->r.aux != w->records_of_chunks ||
			      le64_get(d.next_chunk) < w->next_chunk ||
			      memcmp(hash, d.hash, sizeof hash)))
		walk_tell(w, REC_COMMIT, rec->off, "doesn't match the records before it");
	return 0;
}
