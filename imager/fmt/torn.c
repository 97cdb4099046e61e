/* torn.c: see torn.h: finding and unpacking records. */
#include <stdlib.h>
#include <string.h>
#include "imager/fmt/disk.h"
#include "imager/fmt/refs.h"
#include "imager/fmt/torn-int.h"

/* What a failing medium is asked for at once, once it failed. */
#define SMALL 4096u

int torn_read(struct torn *t, uint64_t at, void *buf, size_t len, struct err *e)
{
	uint8_t *to = buf;
	int r = dev_read(t->file, at, buf, len, e);

	while (r == ERR_IO && len) {
		size_t n = SMALL - (size_t)(at % SMALL); /* what is beside a bad block is there */

		n = n < len ? n : len;
		if (dev_read(t->file, at, to, n, e) < 0) {
			memset(to, 0, n);
			if (!t->unread.code)
				t->unread = *e;
		}
		at += n;
		to += n;
		len -= n;
	}
	return r == ERR_IO ? 0 : r;
}

static int good_head(const uint8_t *in, const uint8_t *id, struct record *ret)
{
	struct record r;

	if (record_get(in, &r) || (id && memcmp(id, r.image_id, sizeof r.image_id)))
		return 0;
	*ret = r;
	return 1;
}

int torn_head(struct torn *t, const uint8_t *id, struct record *ret, uint64_t *ret_at,
	      struct err *e)
{
	size_t have = IMAGE_HEAD_LEN; /* mostly the next one is where it should be */

	while (t->pos < t->file->size && t->file->size - t->pos >= IMAGE_HEAD_LEN) {
		uint64_t left = t->file->size - t->pos;
		size_t at = 0;
		int r;

		have = left < have ? (size_t)left : have;
		r = torn_read(t, t->pos, t->window, have, e);
		if (r < 0)
			return r;
		while (have - at >= IMAGE_HEAD_LEN) {
			const uint8_t *m = memmem(t->window + at, have - at, RECORD_MAGIC, 8);

			at = m ? (size_t)(m - t->window) : have - 7;
			if (!m || have - at < IMAGE_HEAD_LEN)
				break;
			if (good_head(m, id, ret)) {
				*ret_at = t->pos + at;
				return 1;
			}
			at++;
		}
		if (have == left)
			break;
		t->pos += at;
		have = TORN_WINDOW;
	}
	return 0;
}

static int room(uint8_t **buf, size_t *have, size_t want, struct err *e)
{
	if (*have >= want)
		return 0;
	free(*buf);
	*have = 0;
	*buf = malloc(want);
	if (!*buf)
		return err_set(e, ERR_NOMEM, "out of memory for a record of %zu bytes", want);
	*have = want;
	return 0;
}

int torn_body(struct torn *t, const struct record *r, uint64_t at, struct err *e)
{
	int rc;

	if (t->file->size - at - IMAGE_HEAD_LEN < r->body_len)
		return 0;
	rc = room(&t->body, &t->body_room, (size_t)IMAGE_HEAD_LEN + r->body_len, e);
	if (rc == 0)
		rc = torn_read(t, at + IMAGE_HEAD_LEN, t->body + IMAGE_HEAD_LEN, r->body_len, e);
	return rc < 0 ? rc : body_sum(t->body + IMAGE_HEAD_LEN, r->body_len) == r->body_sum;
}

static int map_room(struct torn *t, uint32_t want, struct err *e)
{
	if (t->map_room >= want)
		return 0;
	free(t->map);
	t->map_room = 0;
	t->map = malloc(want * sizeof *t->map);
	if (!t->map)
		return err_set(e, ERR_NOMEM, "out of memory for a record's map");
	t->map_room = want;
	return 0;
}

/* Its content to t->plain, at the same place for all; *ret_wrong, or it is good. */
static int unpack(struct torn *t, const struct record *r, const char **ret_wrong, struct err *e)
{
	struct image *im = t->im;
	size_t front = chunk_room(im->params.chunk_size), len = r->plain_len;
	uint8_t *body = t->body + IMAGE_HEAD_LEN, *to;
	int refers = r->type == REC_CHUNK && refs_needed(r);
	const uint8_t *plain;
	int rc;

	if (r->type == REC_CHUNK && len < im->params.chunk_size)
		len = im->params.chunk_size;
	rc = room(&t->plain, &t->plain_room, front + len + CHUNK_TAIL + 1, e);
	if (rc == 0)
		rc = map_room(t, r->map_count, e);
	if (rc == 0 && refers)
		rc = refs_fetch(im, r, body, im->refs, ret_wrong, e);
	if (rc == ERR_IO) { /* of another record, or another file */
		*ret_wrong = "refers to a chunk that can't be read";
		rc = 0;
	}
	if (rc < 0 || *ret_wrong)
		return rc;
	to = t->plain + front;
	*ret_wrong = body_unpack(im->codec, r, &im->params, body, refers ? im->refs : NULL, to,
				 &plain, t->map);
	if (!*ret_wrong && plain != to)
		memcpy(to, plain, r->plain_len);
	to[r->plain_len] = 0;
	return 0;
}

int torn_take(struct torn *t, const struct record *r, uint64_t at, struct torn_rec *ret,
	      struct err *e)
{
	const char *wrong = record_fits(r, &t->im->params);
	int rc = 0;

	t->taken = at;
	if (r->type == REC_VOLUME)
		wrong = r->body_len == VOLUME_LEN - IMAGE_HEAD_LEN ? NULL : "has a wrong length";
	if (!wrong) {
		rc = torn_body(t, r, at, e);
		if (rc == 0)
			wrong = "is cut off, or its content is damaged";
	}
	if (rc >= 0 && !wrong && r->type != REC_VOLUME)
		rc = unpack(t, r, &wrong, e);
	if (rc < 0)
		return rc;
	*ret = (struct torn_rec){ .r = *r, .at = at, .wrong = wrong };
	if (wrong)
		return 0;
	ret->stored = t->body + IMAGE_HEAD_LEN;
	ret->plain = t->plain ? t->plain + chunk_room(t->im->params.chunk_size) : NULL;
	ret->map = t->map;
	return 0;
}

int torn_next(struct torn *t, struct torn_rec *ret, struct err *e)
{
	const struct image_params *p = &t->im->params;
	struct record r;
	uint64_t at;
	int rc = torn_head(t, p->image_id, &r, &at, e);

	if (rc <= 0)
		return rc;
	rc = torn_take(t, &r, at, ret, e);
	if (rc < 0)
		return rc;
	/* behind a damaged body, or in it, may be the next header: bytes can be missing */
	t->pos = at + IMAGE_HEAD_LEN + (ret->wrong ? 0 : r.body_len);
	if (r.type == REC_CHUNK && !ret->wrong && r.codec != CODEC_ZEROS &&
	    r.codec != CODEC_REFERENCE && (p->must & FEATURES_REFER))
		rc = known_add(&t->known, r.hash, at, e);
	return rc < 0 ? rc : 1;
}

void torn_rewind(struct torn *t)
{
	t->pos = 0;
}

int torn_at(struct torn *t, uint64_t at, struct torn_rec *ret, struct err *e)
{
	uint8_t head[IMAGE_HEAD_LEN];
	struct record r;
	int rc = torn_read(t, at, head, sizeof head, e);

	if (rc == 0 && record_get(head, &r))
		rc = err_set(e, ERR_IO, "%s: the record at offset %llu could be read once, but not again",
			     t->file->name, (unsigned long long)at);
	return rc < 0 ? rc : torn_take(t, &r, at, ret, e);
}

const char *torn_page(struct torn *t, uint64_t at, struct page *ret, struct err *e)
{
	struct torn_rec rec;

	if (torn_at(t, at, &rec, e) < 0)
		return "can't be read";
	return rec.wrong ? rec.wrong :
		page_decode(rec.plain, rec.r.plain_len, rec.r.aux, &t->im->params, INT64_MAX, ret);
}

const char *torn_bad(const struct torn *t, const struct torn_rec *rec, struct byte_range **ret,
		     size_t *ret_n)
{
	uint32_t front = rec->r.type == REC_COMMIT ? (uint32_t)sizeof(struct commit_disk) : 0;

	return bad_decode(rec->plain + front, rec->r.plain_len - front, &t->im->params, ret, ret_n);
}

/* ---- opening ---- */

/* The place of ref's record, wherever damage has moved it to.  It stands in front of what
 * refers to it: the same answer whenever it is asked. */
static int locate(void *ctx, const struct chunk_ref *ref, uint64_t *ret)
{
	struct torn *t = ctx;

	return known_find(&t->known, ref->hash, ret) && *ret < t->taken;
}

/* The key stands in front of what may be damaged of META; and where META must be, if
 * its header is damaged. */
static int get_key(struct torn *t, uint64_t meta_at, const struct image_access *a, struct err *e)
{
	struct image *im = t->im;
	uint8_t meta[SEAL_META];
	int r;

	if (t->file->size < sizeof meta || meta_at > t->file->size - sizeof meta)
		return err_set(e, ERR_CORRUPT, "%s is encrypted and ends before its key: nothing of it can be read",
			       t->file->name);
	r = torn_read(t, meta_at, meta, sizeof meta, e);
	if (r == 0)
		r = seal_try(&im->params, meta + IMAGE_HEAD_LEN, t->file->name, a, &im->key, e);
	if (r < 0)
		return r == ERR_SECRET ? err_prefix(e, "the key may be damaged (then nothing can be read)") : r;
	im->sealed = 1;
	codec_key(im->codec, &im->key, im->params.image_id);
	return 0;
}

/* META's place: the first record's behind the HEADER; 0: its header is damaged. */
static int find_meta(struct torn *t, struct record *ret, uint64_t *ret_at, struct err *e)
{
	int r;

	torn_rewind(t);
	while ((r = torn_head(t, t->im->params.image_id, ret, ret_at, e)) > 0) {
		if (ret->type == REC_META || ret->type != REC_HEADER)
			break;
		t->pos = *ret_at + IMAGE_HEAD_LEN;
	}
	return r > 0 ? ret->type == REC_META : r;
}

static int get_meta(struct torn *t, const struct image_access *a, struct err *e)
{
	struct image *im = t->im;
	struct torn_rec rec;
	struct record r;
	uint64_t at;
	int found = find_meta(t, &r, &at, e), rc = 0;

	if (found < 0)
		return found;
	if (im->params.must & FEATURE_ENCRYPTED)
		rc = get_key(t, found ? at : IMAGE_HEAD_LEN + HEADER_LEN, a, e);
	if (rc < 0 || !found)
		return rc;
	rc = torn_take(t, &r, at, &rec, e);
	if (rc == 0 && !rec.wrong && !(im->meta = strdup((const char *)rec.plain)))
		rc = err_set(e, ERR_NOMEM, "out of memory for the image's description");
	return rc;
}

/* What unpacking needs of an image. */
static int prepare(struct torn *t, struct err *e)
{
	struct image *im = t->im;
	int r = im->codec ? 0 : codec_new(im->params.hash, &(struct packing){ .level = 3 }, &im->codec, e);

	if (r == 0 && (im->params.must & FEATURES_REFER))
		r = refs_new(im->params.chunk_size, &im->refs, e);
	im->locate = locate;
	im->locate_ctx = t;
	return r;
}

static int open_parts(struct torn *t, const struct image_access *a, torn_tell *tell, void *ctx,
		      struct err *e)
{
	int r = torn_look(t, e);

	if (r == 0)
		r = prepare(t, e);
	if (r == 0)
		r = get_meta(t, a, e);
	if (r == 0)
		r = bases_open_some(t->im, a, tell, ctx, e);
	torn_rewind(t);
	return r;
}

int torn_open(struct blkdev *file, const struct image_access *a, torn_tell *tell, void *ctx,
	      struct torn **ret, struct err *e)
{
	struct torn *t = calloc(1, sizeof *t);
	int r;

	if (t) {
		t->im = calloc(1, sizeof *t->im);
		t->window = malloc(TORN_WINDOW);
	}
	if (!t || !t->im || !t->window) {
		torn_close(t);
		return err_set(e, ERR_NOMEM, "out of memory for reading the image");
	}
	t->file = t->im->file = file;
	r = open_parts(t, a, tell, ctx, e);
	if (r < 0)
		torn_close(t);
	else
		*ret = t;
	return r;
}

struct torn *torn_close(struct torn *t)
{
	if (!t)
		return NULL;
	image_close(t->im);
	free(t->known.v);
	free(t->window);
	free(t->body);
	free(t->plain);
	free(t->map);
	free(t);
	return NULL;
}

const struct image_params *torn_params(const struct torn *t)
{
	return &t->im->params;
}

int torn_header_lost(const struct torn *t)
{
	return t->header_lost;
}

const struct image_key *torn_key(const struct torn *t)
{
	return image_key(t->im);
}

const char *torn_meta(const struct torn *t)
{
	return t->im->meta;
}

struct codec *torn_codec(struct torn *t)
{
	return t->im->codec;
}

const char *torn_unread(const struct torn *t)
{
	return t->unread.code ? t->unread.msg : NULL;
}

int torn_known_full(const struct torn *t)
{
	return t->known.full;
}

uint64_t torn_pos(const struct torn *t)
{
	return t->pos;
}
