/* writer.c: an image, written front to back; see image.h. */
#include <stdlib.h>
#include <string.h>
#include "imager/fmt/chunk.h"
#include "imager/fmt/disk.h"
#include "imager/fmt/image-int.h"
#include "imager/fmt/refs.h"

struct image_writer {
	struct image_params params;
	struct image_sink sink;
	struct codec *codec;
	const uint8_t *wrapped;   /* of an encrypted image, until META is written */
	uint64_t len, seq;
	uint64_t chunks, bytes, last;
	uint64_t next_chunk;      /* above all that came or were put off */
	uint64_t next_written;    /* above all that came              */
	struct page *page;
	int keep;                 /* 1: chunks of `page` come late    */
	int late;                 /* 1: all but the late ones came    */
	int fell;                 /* 1: one came below another        */
	struct page **kept;       /* written, to be written again     */
	size_t n_kept;
	size_t out;               /* late: `page` is kept[out]; an empty one
				   * stands there.  SIZE_MAX: it isn't  */
	struct root root;
	uint32_t epoch;           /* how often the image was gone on with */
	struct image_end end;
	uint8_t hashes[5][32];    /* as root_digest() wants them      */
};

/* Level of the index and the JSON texts: small, and not worth a choice. */
static const struct packing body_packing = { .level = 3 };

/* A record of body_len bytes comes. */
static int begin(struct image_writer *w, uint32_t body_len, struct err *e)
{
	return w->sink.begin ? w->sink.begin(w->sink.ctx, (uint64_t)IMAGE_HEAD_LEN + body_len, e) : 0;
}

static int append(struct image_writer *w, const void *buf, size_t len,
		  struct err *e)
{
	int r = w->sink.append(w->sink.ctx, buf, len, e);

	if (r < 0)
		return r;
	w->len += len;
	return 0;
}

/* *body, encrypted: *ret, malloc'd, which *body points to then. */
static int seal_record(struct image_writer *w, struct record *r, const uint8_t **body,
		       uint8_t **ret, struct err *e)
{
	uint32_t prefix = r->type == REC_META ? SEAL_WRAPPED : 0;
	uint8_t *buf = malloc((size_t)prefix + SEAL_NONCE + r->body_len + SEAL_TAG);

	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory for the %s record", record_name(r->type));
	if (prefix)
		memcpy(buf, w->wrapped, SEAL_WRAPPED);
	memcpy(buf + prefix + SEAL_NONCE, *body, r->body_len);
	body_seal(w->codec, r, buf + prefix, prefix);
	*ret = buf;
	*body = buf;
	return 0;
}

/* A record other than CHUNK; r: type and aux are filled, the rest is not. */
static int put_record(struct image_writer *w, struct record *r,
		      const void *plain, uint32_t plain_len, int may_compress,
		      struct err *e)
{
	uint8_t head[IMAGE_HEAD_LEN], *packed = NULL, *sealed = NULL;
	const uint8_t *body = plain;
	int ret;

	if (plain_len > REC_PLAIN_MAX)
		return err_set(e, ERR_UNSUPPORTED, "the %s record would be %u bytes long; the format permits %u",
			       record_name(r->type), plain_len, REC_PLAIN_MAX);
	r->seq = w->seq;
	memcpy(r->image_id, w->params.image_id, sizeof r->image_id);
	if (may_compress) {
		packed = malloc(plain_len + 1);
		if (!packed)
			return err_set(e, ERR_NOMEM, "out of memory for the %s record",
				       record_name(r->type));
		ret = body_pack(w->codec, plain, plain_len, packed, r, &body, e);
	} else {
		r->codec = CODEC_NONE;
		r->body_len = r->plain_len = plain_len;
		r->body_sum = body_sum(plain, plain_len);
		ret = (record_sealable(r->type) ? hash_bytes : hash_plain)(
			codec_hasher(w->codec), w->params.hash, plain, plain_len, r->hash, e);
	}
	if (ret == 0 && codec_seals(w->codec) && record_sealable(r->type))
		ret = seal_record(w, r, &body, &sealed, e);
	if (ret == 0) {
		record_put(r, head);
		ret = begin(w, r->body_len, e);
	}
	if (ret == 0)
		ret = append(w, head, sizeof head, e);
	if (ret == 0 && r->body_len)
		ret = append(w, body, r->body_len, e);
	if (ret == 0)
		w->seq++;
	free(packed);
	free(sealed);
	return ret;
}

static int put_first_records(struct image_writer *w, const char *meta_json,
			     struct err *e)
{
	uint8_t body[HEADER_LEN];
	struct record header = { .type = REC_HEADER }, meta = { .type = REC_META };
	size_t meta_len = strlen(meta_json);
	int r;

	if (meta_len > REC_JSON_MAX)
		return err_set(e, ERR_UNSUPPORTED, "the description of the disk is %zu bytes long; an image can hold %u",
			       meta_len, REC_JSON_MAX);
	header_put(&w->params, body);
	r = put_record(w, &header, body, sizeof body, 0, e);
	if (r < 0)
		return r;
	w->end.meta_off = w->len;
	r = put_record(w, &meta, meta_json, (uint32_t)meta_len, 1, e);
	if (r < 0)
		return r;
	memcpy(w->hashes[0], header.hash, 32);
	memcpy(w->hashes[1], meta.hash, 32);
	return 0;
}

int image_writer_new(const struct image_params *p, const char *meta_json,
		     const struct image_seal *seal, const struct image_sink *sink,
		     struct image_writer **ret, struct err *e)
{
	struct image_writer *w = calloc(1, sizeof *w);
	int r;

	if (!w)
		return err_set(e, ERR_NOMEM, "out of memory for writing an image");
	w->out = SIZE_MAX;
	w->params = *p;
	w->sink = *sink;
	r = codec_new(p->hash, &body_packing, &w->codec, e);
	if (r == 0 && seal) {
		codec_key(w->codec, &seal->key, p->image_id);
		w->wrapped = seal->wrapped;
	}
	if (r == 0)
		r = page_new(&w->page, e);
	if (r == 0)
		r = put_first_records(w, meta_json, e);
	if (r < 0) {
		image_writer_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

/* Goes on as if it had written what is in im. */
static int take_over(struct image_writer *w, struct image *im, struct err *e)
{
	const struct root_page *last;

	w->seq = im->cut.seq;
	w->epoch = im->cut.epoch + 1;
	w->chunks = im->end.chunks;
	w->next_chunk = w->next_written = im->cut.next_chunk;
	w->len = im->end.file_len;
	w->end.meta_off = im->end.meta_off;
	memcpy(w->hashes, im->cut.hashes, sizeof im->cut.hashes);
	for (size_t i = 0; i < im->root.n; i++) {
		w->bytes += im->root.page[i].used_bytes;
		if (root_add(&w->root, &im->root.page[i], e) < 0)
			return e->code;
	}
	if (!im->root.n)
		return 0;
	last = &im->root.page[im->root.n - 1];
	if (image_page(im, im->root.n - 1, e) < 0)
		return e->code;
	page_clear(w->page, last->page);
	for (uint32_t i = 0; i < im->page->n; i++) {
		struct image_chunk c = page_chunk(im->page, i);

		if (page_add(w->page, &c, e) < 0)
			return e->code;
	}
	w->page->written = w->page->n;
	return 0;
}

/* Keeps *page; *page becomes an empty one. */
static int keep_page(struct image_writer *w, struct page **page, struct err *e)
{
	struct page **kept = realloc(w->kept, (w->n_kept + 1) * sizeof *kept), *empty;
	int r;

	if (!kept)
		return err_set(e, ERR_NOMEM, "out of memory for the index");
	w->kept = kept;
	r = page_new(&empty, e);
	if (r < 0)
		return r;
	kept[w->n_kept++] = *page;
	*page = empty;
	return 0;
}

int image_writer_missing(struct image_writer *w, struct image *im, uint64_t number,
			 struct err *e)
{
	uint64_t page = number / PAGE_CHUNKS;
	size_t i = 0;
	int r;

	if ((w->page->n || w->keep) && w->page->number == page) {
		w->keep = 1;
		return 0;
	}
	/* behind all that is there, nothing of it is: but others of it may come yet */
	if (!(w->page->n || w->keep) || page > w->page->number) {
		r = w->keep ? keep_page(w, &w->page, e) : 0;
		page_clear(w->page, page);
		w->keep = 1;
		return r;
	}
	if (w->n_kept && w->kept[w->n_kept - 1]->number == page)
		return 0;
	while (i < im->root.n && im->root.page[i].page != page)
		i++;
	if (i < im->root.n && image_page(im, i, e) < 0)
		return e->code;
	if (i == im->root.n)
		page_clear(im->page, page);
	im->page->written = im->page->n;
	im->page_index = SIZE_MAX;
	return keep_page(w, &im->page, e);
}

int image_writer_resume(struct image *im, const struct image_sink *sink,
			struct image_writer **ret, struct err *e)
{
	struct image_writer *w = calloc(1, sizeof *w);
	struct err local;
	int r;

	e = e ? e : &local;
	if (!w)
		return err_set(e, ERR_NOMEM, "out of memory for writing an image");
	w->out = SIZE_MAX;
	w->params = im->params;
	w->sink = *sink;
	r = codec_new(im->params.hash, &body_packing, &w->codec, e);
	if (r == 0 && im->sealed)
		codec_key(w->codec, &im->key, im->params.image_id);
	if (r == 0)
		r = page_new(&w->page, e);
	if (r == 0)
		r = take_over(w, im, e);
	if (r < 0) {
		image_writer_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

struct image_writer *image_writer_free(struct image_writer *w)
{
	if (!w)
		return NULL;
	codec_free(w->codec);
	page_free(w->page);
	for (size_t i = 0; i < w->n_kept; i++)
		page_free(w->kept[i]);
	free(w->kept);
	root_done(&w->root);
	free(w);
	return NULL;
}

uint64_t image_writer_last(const struct image_writer *w)
{
	return w->last;
}

uint64_t image_writer_len(const struct image_writer *w)
{
	return w->len;
}

/* The page as far as it got; it stays open. */
static int put_page(struct image_writer *w, struct err *e)
{
	struct record r = { .type = REC_PAGE, .aux = w->page->number };
	struct root_page entry = { .page = w->page->number, .offset = w->len,
				   .used_bytes = w->page->bytes };
	uint8_t *body;
	uint32_t len;
	int ret;

	if (w->page->n == w->page->written)
		return 0;
	ret = page_encode(w->page, &body, &len, e);
	if (ret < 0)
		return ret;
	ret = put_record(w, &r, body, len, 1, e);
	free(body);
	if (ret < 0)
		return ret;
	entry.body_len = r.body_len;
	entry.plain_len = r.plain_len;
	memcpy(entry.hash, r.hash, sizeof entry.hash);
	w->page->written = w->page->n;
	return root_add(&w->root, &entry, e);
}

static void swap_kept(struct image_writer *w, size_t i)
{
	struct page *p = w->kept[i];

	w->kept[i] = w->page;
	w->page = p;
}

/* Writes the page that is current; then it is empty. */
static int close_page(struct image_writer *w, struct err *e)
{
	int r = put_page(w, e);

	if (r < 0)
		return r;
	if (w->out != SIZE_MAX) {
		swap_kept(w, w->out);
		w->out = SIZE_MAX;
		page_clear(w->page, 0);
		return 0;
	}
	if (!w->keep) {
		page_clear(w->page, 0);
		return 0;
	}
	w->keep = 0;
	return keep_page(w, &w->page, e);
}

/* Makes the page of chunk `number` the current one. */
static int turn_to(struct image_writer *w, uint64_t number, struct err *e)
{
	uint64_t page = number / PAGE_CHUNKS;
	int r;

	if ((w->page->n || w->keep) && w->page->number == page)
		return 0;
	r = close_page(w, e);
	if (r < 0)
		return r;
	for (size_t i = 0; w->late && i < w->n_kept; i++)
		if (w->kept[i]->number == page) {
			swap_kept(w, i);
			w->out = i;
			return 0;
		}
	if (w->late)
		return err_set(e, ERR_INTERNAL, "chunk %llu comes late, but wasn't put off",
			       (unsigned long long)number);
	page_clear(w->page, page);
	return 0;
}

static int check_order(struct image_writer *w, uint64_t number, struct err *e)
{
	int late = w->late || number < w->next_chunk;
	int fell = w->fell || number < w->next_written;

	/* a reader must have the pages of all others by then */
	if (late != w->late || fell != w->fell) {
		int r = close_page(w, e);

		if (r < 0)
			return r;
		w->late = late;
		w->fell = fell;
	}
	if (number >= params_chunks(&w->params))
		return err_set(e, ERR_INTERNAL, "chunk %llu is behind the disk's end",
			       (unsigned long long)number);
	return turn_to(w, number, e);
}

int image_writer_put_off(struct image_writer *w, uint64_t number, struct err *e)
{
	int r = check_order(w, number, e);

	if (r < 0)
		return r;
	if (w->late)
		return err_set(e, ERR_INTERNAL, "chunk %llu is put off twice",
			       (unsigned long long)number);
	w->keep = 1;
	w->next_chunk = number + 1;
	return 0;
}

static int put_chunk(struct image_writer *w, const struct chunk_out *c, struct err *e)
{
	struct record r = {
		.type = REC_CHUNK, .codec = c->codec, .body_len = c->body_len,
		.sealed = (uint8_t)codec_seals(w->codec), .plain_len = c->plain_len, .map_count = c->map_count,
		.aux = c->number, .body_sum = c->body_sum,
	};
	struct image_chunk entry = {
		.number = c->number, .body_len = c->body_len,
		.plain_len = c->plain_len, .map_count = c->map_count,
		.codec = c->codec, .flags = c->flags, .map = c->map,
	};
	int ret = check_order(w, c->number, e);

	if (ret < 0)
		return ret;
	r.seq = w->seq;
	entry.offset = w->last = w->len;
	memcpy(entry.hash, c->hash, 32);
	memcpy(r.hash, c->hash, 32);
	memcpy(r.image_id, w->params.image_id, sizeof r.image_id);
	ret = page_add(w->page, &entry, e);
	if (ret < 0)
		return ret;
	record_put(&r, c->record);
	ret = begin(w, c->body_len, e);
	if (ret == 0)
		ret = append(w, c->record, IMAGE_HEAD_LEN + c->body_len, e);
	if (ret < 0)
		return ret;
	w->seq++;
	w->chunks++;
	w->bytes += c->plain_len;
	if (c->number >= w->next_written)
		w->next_written = c->number + 1;
	if (c->number >= w->next_chunk)
		w->next_chunk = c->number + 1;
	return 0;
}

int image_writer_chunk(struct image_writer *w, const struct chunk_out *c,
		       struct err *e)
{
	struct chunk_out made = *c;
	uint8_t *buf = NULL;
	int r = 0;

	if (c->codec == CODEC_REFERENCE)
		r = ref_chunk(w->codec, c, &made, &buf, e);
	if (r == 0)
		r = put_chunk(w, &made, e);
	free(buf);
	return r;
}

/* The ranges as on disk, `front` bytes behind the beginning of *ret (malloc'd). */
static int encode_bad(const struct byte_range *bad, size_t n_bad, size_t front,
		      uint8_t **ret, uint32_t *ret_len, struct err *e)
{
	size_t len = front + n_bad * sizeof(struct bad_disk);

	if (n_bad > REC_PLAIN_MAX / sizeof(struct bad_disk) - 4)
		return err_set(e, ERR_UNSUPPORTED, "the disk has too many unreadable places (%zu) to list them", n_bad);
	*ret = malloc(len + 1);
	if (!*ret)
		return err_set(e, ERR_NOMEM, "out of memory for the unreadable places");
	for (size_t i = 0; i < n_bad; i++) {
		struct bad_disk d = { le64_make(bad[i].off), le64_make(bad[i].len) };

		memcpy(*ret + front + i * sizeof d, &d, sizeof d);
	}
	*ret_len = (uint32_t)len;
	return 0;
}

static int commit_body(struct image_writer *w, uint8_t *body, struct err *e)
{
	struct commit_disk d = {
		.next_chunk = le64_make(w->next_chunk), .epoch = le32_make(w->epoch),
		.pages = le64_make(w->root.n),
	};
	int r = root_hashes(&w->root, codec_hasher(w->codec), w->params.hash, d.hash, e);

	if (r == 0)
		memcpy(body, &d, sizeof d);
	return r;
}

int image_writer_commit(struct image_writer *w, const struct byte_range *bad,
			size_t n_bad, struct err *e)
{
	struct record r = { .type = REC_COMMIT, .aux = w->chunks };
	uint8_t *body = NULL;
	uint32_t len;
	int ret = put_page(w, e);

	if (ret == 0)
		ret = encode_bad(bad, n_bad, sizeof(struct commit_disk), &body, &len, e);
	if (ret == 0)
		ret = commit_body(w, body, e);
	if (ret == 0)
		ret = put_record(w, &r, body, len, 0, e);
	free(body);
	return ret;
}

static int put_bad(struct image_writer *w, const struct byte_range *bad,
		   size_t n_bad, struct err *e)
{
	struct record r = { .type = REC_BAD };
	uint8_t *body;
	uint32_t len;
	int ret = encode_bad(bad, n_bad, 0, &body, &len, e);

	if (ret < 0)
		return ret;
	w->end.bad_off = w->len;
	ret = put_record(w, &r, body, len, 1, e);
	free(body);
	memcpy(w->hashes[2], r.hash, 32);
	return ret;
}

static int put_summary(struct image_writer *w, const char *json, struct err *e)
{
	struct record r = { .type = REC_SUMMARY };
	int ret;

	w->end.summary_off = w->len;
	ret = put_record(w, &r, json, (uint32_t)strlen(json), 1, e);
	memcpy(w->hashes[3], r.hash, 32);
	return ret;
}

static int put_root(struct image_writer *w, struct err *e)
{
	struct record r = { .type = REC_ROOT };
	uint8_t *body;
	uint32_t len;
	int ret = root_encode(&w->root, &body, &len, e);

	if (ret < 0)
		return ret;
	w->end.root_off = w->len;
	ret = put_record(w, &r, body, len, 0, e);
	free(body);
	memcpy(w->hashes[4], r.hash, 32);
	return ret;
}

int image_writer_finish(struct image_writer *w, const struct byte_range *bad,
			size_t n_bad, const char *summary_json,
			uint8_t *ret_digest, struct err *e)
{
	struct record r = { .type = REC_END };
	uint8_t body[END_LEN];
	int ret;

	if (w->bytes != w->params.used_bytes)
		return err_set(e, ERR_INTERNAL, "%llu used bytes were written, %llu were announced",
			       (unsigned long long)w->bytes,
			       (unsigned long long)w->params.used_bytes);
	ret = put_page(w, e);
	if (ret == 0)
		ret = put_bad(w, bad, n_bad, e);
	if (ret == 0)
		ret = put_summary(w, summary_json, e);
	if (ret == 0)
		ret = put_root(w, e);
	if (ret == 0)
		ret = root_digest(codec_hasher(w->codec), w->params.hash,
				  w->hashes, w->end.digest, e);
	if (ret < 0)
		return ret;
	w->end.chunks = w->chunks;
	w->end.file_len = w->len + IMAGE_HEAD_LEN + END_LEN;
	end_put(&w->end, body);
	ret = put_record(w, &r, body, sizeof body, 0, e);
	if (ret == 0)
		memcpy(ret_digest, w->end.digest, 32);
	return ret;
}
