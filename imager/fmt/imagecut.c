/* imagecut.c: an image that was cut off, as it was at its last COMMIT (FORMAT.md
 * 5); see image.h. */
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "imager/fmt/disk.h"
#include "imager/fmt/image-int.h"
#include "imager/fmt/refs.h"

/* What has been read; a COMMIT makes it the image's. */
struct scan {
	struct image *im;
	uint64_t pos, seq, chunks;
	uint64_t next_chunk;      /* all chunks seen are below it */
	uint64_t kept;            /* where the last good COMMIT ends, 0: none */
	struct root root;
};

/* 1: *ret is the header of the next record, and its body is there. */
static int next_head(struct scan *s, struct record *ret, struct err *e)
{
	struct image *im = s->im;
	uint8_t head[IMAGE_HEAD_LEN];
	int r;

	if (im->file->size - s->pos < sizeof head)
		return 0;
	r = dev_read(im->file, s->pos, head, sizeof head, e);
	if (r < 0)
		return r;
	return !record_get(head, ret) && ret->seq == s->seq && !record_fits(ret, &im->params) &&
	       !memcmp(ret->image_id, im->params.image_id, sizeof ret->image_id) &&
	       im->file->size - s->pos - sizeof head >= ret->body_len;
}

/* 1: it was taken; 0: it is damaged. */
static int take_page(struct scan *s, const struct record *head, struct err *e)
{
	struct root_page entry = { .page = head->aux, .offset = s->pos,
				   .body_len = head->body_len, .plain_len = head->plain_len };
	cleanup_free uint8_t *body = NULL;
	struct record rec;
	int r = image_load(s->im, s->pos, REC_PAGE, head->aux, &rec, &body, e);

	if (r < 0)
		return r == ERR_CORRUPT ? 0 : r;
	if (page_decode(body, rec.plain_len, head->aux, &s->im->params, s->pos, s->im->page))
		return 0;
	entry.used_bytes = s->im->page->bytes;
	memcpy(entry.hash, rec.hash, sizeof entry.hash);
	r = root_add(&s->root, &entry, e);
	return r < 0 ? r : 1;
}

/* Makes what was seen the image's. */
static int keep(struct scan *s, const struct record *head, const struct commit_disk *d,
		struct err *e)
{
	struct image *im = s->im;

	root_done(&im->root);
	for (size_t i = 0; i < s->root.n; i++)
		if (root_add(&im->root, &s->root.page[i], e) < 0)
			return ERR_NOMEM;
	s->kept = s->pos + IMAGE_HEAD_LEN + head->body_len;
	im->end.chunks = s->chunks;
	im->cut.seq = s->seq + 1;
	im->cut.next_chunk = le64_get(d->next_chunk);
	im->cut.epoch = le32_get(d->epoch);
	return 1;
}

static int take_commit(struct scan *s, const struct record *head, struct err *e)
{
	struct image *im = s->im;
	cleanup_free uint8_t *body = NULL;
	struct byte_range *bad = NULL;
	struct commit_disk d;
	struct record rec;
	uint8_t hash[32];
	size_t n_bad;
	int r = image_load(im, s->pos, REC_COMMIT, head->aux, &rec, &body, e);

	if (r < 0)
		return r == ERR_CORRUPT ? 0 : r;
	memcpy(&d, body, sizeof d);
	r = root_hashes(&s->root, codec_hasher(im->codec), im->params.hash, hash, e);
	if (r < 0)
		return r;
	if (le32_get(d.zero) || le64_get(d.zero2) || le64_get(d.pages) != s->root.n ||
	    head->aux != s->chunks || le64_get(d.next_chunk) < s->next_chunk ||
	    le64_get(d.next_chunk) > params_chunks(&im->params) ||
	    memcmp(hash, d.hash, sizeof hash) ||
	    bad_decode(body + sizeof d, rec.plain_len - (uint32_t)sizeof d, &im->params,
		       &bad, &n_bad))
		return 0;
	free(im->bad);
	im->bad = bad;
	im->n_bad = n_bad;
	return keep(s, head, &d, e);
}

/* 1: go on; 0: here it ends. */
static int take(struct scan *s, const struct record *head, struct err *e)
{
	switch (head->type) {
	case REC_CHUNK:
		if (head->aux >= s->next_chunk) /* a late one is below */
			s->next_chunk = head->aux + 1;
		s->chunks++;
		return 1;
	case REC_PAGE:
		return take_page(s, head, e);
	case REC_COMMIT:
		return take_commit(s, head, e);
	default: /* a complete image, or one that nearly was */
		return 0;
	}
}

static int scan(struct scan *s, struct err *e)
{
	struct record head;
	int r;

	while ((r = next_head(s, &head, e)) > 0) {
		r = take(s, &head, e);
		if (r <= 0)
			break;
		s->pos += IMAGE_HEAD_LEN + (uint64_t)head.body_len;
		s->seq++;
	}
	return r;
}

/* HEADER and META; *ret_end: where they end. */
static int begin(struct image *im, uint64_t *ret_end, struct err *e)
{
	struct record head, meta;
	int r = image_first(im, &head, e);

	if (r < 0)
		return r;
	im->end.file_len = im->file->size; /* the limit while scanning */
	im->end.meta_off = IMAGE_HEAD_LEN + HEADER_LEN;
	r = image_load(im, im->end.meta_off, REC_META, 0, &meta, (uint8_t **)&im->meta, e);
	if (r < 0)
		return r;
	memcpy(im->cut.hashes[0], head.hash, 32);
	memcpy(im->cut.hashes[1], meta.hash, 32);
	*ret_end = im->end.meta_off + IMAGE_HEAD_LEN + meta.body_len;
	return 0;
}

int image_meta_parts(struct image *im, struct err *e)
{
	uint64_t end;

	return begin(im, &end, e);
}

int image_cut_parts(struct image *im, struct err *e)
{
	struct scan s = { .im = im, .seq = 2 };
	int r = begin(im, &s.pos, e);

	if (r < 0)
		return r;
	r = bases_open(im, NULL, e);
	if (r == 0)
		r = scan(&s, e);
	root_done(&s.root);
	if (s.kept)
		im->end.file_len = s.kept;
	if (r == ERR_CORRUPT || (r == 0 && !im->cut.seq))
		return err_set(e, ERR_NOT_FOUND, "%s holds too little of an image to go on with it",
			       im->file->name);
	im->page_index = SIZE_MAX;
	return r;
}

uint64_t image_next(const struct image *im)
{
	return im->cut.next_chunk;
}
