/* image.c: opening an image for reading at random; see image.h. */
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "imager/fmt/image-int.h"
#include "imager/fmt/refs.h"

#define FIRST_LEN (IMAGE_HEAD_LEN + HEADER_LEN)
#define LAST_LEN (IMAGE_HEAD_LEN + END_LEN)

static int corrupt(const struct image *im, unsigned int type, uint64_t off,
		   const char *wrong, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "%s: the %s record at offset %llu %s",
		       im->file->name, record_name(type),
		       (unsigned long long)off, wrong);
}

static int read_head(struct image *im, uint64_t off, unsigned int type,
		     uint64_t aux, struct record *ret, struct err *e)
{
	uint8_t head[IMAGE_HEAD_LEN];
	const char *wrong;
	int r;

	if (off > im->end.file_len || im->end.file_len - off < IMAGE_HEAD_LEN)
		return corrupt(im, type, off, "lies behind the file's end", e);
	r = dev_read(im->file, off, head, sizeof head, e);
	if (r < 0)
		return r;
	wrong = record_get(head, ret);
	if (wrong)
		return corrupt(im, type, off, wrong, e);
	if (ret->type != type || ret->aux != aux ||
	    memcmp(ret->image_id, im->params.image_id, sizeof ret->image_id))
		return corrupt(im, type, off, "isn't the one that should be there", e);
	wrong = record_fits(ret, &im->params);
	if (wrong)
		return corrupt(im, type, off, wrong, e);
	if (im->end.file_len - off - IMAGE_HEAD_LEN < ret->body_len)
		return corrupt(im, type, off, "lies behind the file's end", e);
	return 0;
}

int image_load(struct image *im, uint64_t off, unsigned int type, uint64_t aux,
	       struct record *ret, uint8_t **ret_plain, struct err *e)
{
	cleanup_free uint8_t *body = NULL, *buf = NULL;
	const uint8_t *plain;
	struct record rec;
	const char *wrong;
	int r = read_head(im, off, type, aux, &rec, e);

	if (r < 0)
		return r;
	body = malloc(rec.body_len + 1u);
	buf = malloc(rec.plain_len + 1u);
	if (!body || !buf)
		return err_set(e, ERR_NOMEM, "out of memory for a record of %u bytes", rec.plain_len);
	r = dev_read(im->file, off + IMAGE_HEAD_LEN, body, rec.body_len, e);
	if (r < 0)
		return r;
	wrong = body_unpack(im->codec, &rec, &im->params, body, NULL, buf, &plain, NULL);
	if (wrong)
		return corrupt(im, type, off, wrong, e);
	if (plain != buf)
		memcpy(buf, plain, rec.plain_len);
	buf[rec.plain_len] = 0;
	*ret = rec;
	*ret_plain = buf;
	buf = NULL;
	return 0;
}

/* ---- the first and the last record ---- */

static int read_first(struct blkdev *file, struct image_params *ret,
		      struct record *ret_head, struct err *e)
{
	uint8_t buf[FIRST_LEN];
	const char *wrong;
	int r;

	if (file->size < sizeof buf)
		return err_set(e, ERR_NOT_FOUND, "%s isn't a .rhi image", file->name);
	r = dev_read(file, 0, buf, sizeof buf, e);
	if (r < 0)
		return r;
	if (memcmp(buf, RECORD_MAGIC, 8) && memcmp(buf + IMAGE_HEAD_LEN, "REHOST\0\1", 8))
		return err_set(e, ERR_NOT_FOUND, "%s isn't a .rhi image", file->name);
	wrong = record_get(buf, ret_head);
	if (!wrong && (ret_head->type != REC_HEADER || ret_head->seq ||
		       ret_head->codec || ret_head->body_len != HEADER_LEN ||
		       ret_head->body_sum != body_sum(buf + IMAGE_HEAD_LEN, HEADER_LEN)))
		wrong = "is damaged";
	if (wrong)
		return err_set(e, ERR_CORRUPT, "%s: the header record %s", file->name, wrong);
	r = header_get(buf + IMAGE_HEAD_LEN, ret_head->image_id, ret, e);
	if (r < 0)
		err_prefix(e, "%s", file->name);
	return r;
}

int image_params_of(struct blkdev *file, struct image_params *ret, struct err *e)
{
	struct record head;

	return read_first(file, ret, &head, e);
}

/* 1: END is there and fits. */
static int read_last(struct blkdev *file, const uint8_t *image_id,
		     struct image_end *ret, struct err *e)
{
	uint8_t buf[LAST_LEN];
	struct record head;
	int r;

	if (file->size < FIRST_LEN + LAST_LEN)
		return 0;
	r = dev_read(file, file->size - sizeof buf, buf, sizeof buf, e);
	if (r < 0)
		return r;
	return !record_get(buf, &head) && head.type == REC_END &&
	       !head.codec && head.body_len == END_LEN &&
	       !memcmp(head.image_id, image_id, sizeof head.image_id) &&
	       head.body_sum == body_sum(buf + IMAGE_HEAD_LEN, END_LEN) &&
	       !end_get(buf + IMAGE_HEAD_LEN, ret) && ret->file_len == file->size;
}

int image_identify(struct blkdev *file, struct image_ident *ret, struct err *e)
{
	struct image_ident id = { 0 };
	struct record head;
	struct image_end end;
	int r = read_first(file, &id.params, &head, e);

	if (r < 0)
		return r;
	r = read_last(file, id.params.image_id, &end, e);
	if (r < 0)
		return r;
	id.complete = r;
	if (r)
		memcpy(id.digest, end.digest, sizeof id.digest);
	*ret = id;
	return 0;
}

/* ---- opening ---- */

static int load_tables(struct image *im, const uint8_t *header_hash,
		       struct err *e)
{
	cleanup_free uint8_t *bad = NULL, *root = NULL;
	struct record meta_r, sum_r, bad_r, root_r;
	uint8_t hashes[5][32], digest[32];
	const char *wrong;
	int r;

	r = image_load(im, im->end.meta_off, REC_META, 0, &meta_r, (uint8_t **)&im->meta, e);
	if (r == 0)
		r = image_load(im, im->end.bad_off, REC_BAD, 0, &bad_r, &bad, e);
	if (r == 0)
		r = image_load(im, im->end.summary_off, REC_SUMMARY, 0, &sum_r,
			       (uint8_t **)&im->summary, e);
	if (r == 0)
		r = image_load(im, im->end.root_off, REC_ROOT, 0, &root_r, &root, e);
	if (r < 0)
		return r;
	memcpy(hashes[0], header_hash, 32);
	memcpy(hashes[1], meta_r.hash, 32);
	memcpy(hashes[2], bad_r.hash, 32);
	memcpy(hashes[3], sum_r.hash, 32);
	memcpy(hashes[4], root_r.hash, 32);
	r = root_digest(codec_hasher(im->codec), im->params.hash, hashes, digest, e);
	if (r < 0)
		return r;
	if (memcmp(digest, im->end.digest, 32))
		return corrupt(im, REC_END, im->file->size - LAST_LEN,
			       "holds another digest than that of the records", e);
	wrong = bad_decode(bad, bad_r.plain_len, &im->params, &im->bad, &im->n_bad);
	if (wrong)
		return corrupt(im, REC_BAD, im->end.bad_off, wrong, e);
	wrong = root_decode(root, root_r.plain_len, &im->params, im->end.root_off, &im->root);
	if (wrong)
		return corrupt(im, REC_ROOT, im->end.root_off, wrong, e);
	return 0;
}

/* The HEADER's own hash, which read_first couldn't check without a codec. */
static int check_header_hash(struct image *im, const struct record *head,
			     struct err *e)
{
	uint8_t body[HEADER_LEN], hash[32];
	int r = dev_read(im->file, IMAGE_HEAD_LEN, body, sizeof body, e);

	if (r == 0)
		r = hash_plain(codec_hasher(im->codec), im->params.hash, body,
			       sizeof body, hash, e);
	if (r == 0 && memcmp(hash, head->hash, 32))
		r = corrupt(im, REC_HEADER, 0, "has content that doesn't match its hash", e);
	return r;
}

static int get_key(struct image *im, struct err *e)
{
	uint8_t meta[SEAL_META];
	int r;

	if (im->file->size < FIRST_LEN + sizeof meta)
		return err_set(e, ERR_CORRUPT, "%s ends before its key", im->file->name);
	r = dev_read(im->file, FIRST_LEN, meta, sizeof meta, e);
	if (r == 0 && im->given && im->given->has_key)
		seal_key(im->given->key, &im->key);
	else if (r == 0)
		r = seal_open(&im->params, meta, im->file->name, im->access, &im->key, e);
	if (r < 0)
		return r;
	im->sealed = 1;
	codec_key(im->codec, &im->key, im->params.image_id);
	return 0;
}

int image_first(struct image *im, struct record *ret_head, struct err *e)
{
	int r = read_first(im->file, &im->params, ret_head, e);

	if (r < 0)
		return r;
	r = features_check(im->params.must, e);
	if (r < 0)
		return err_prefix(e, "%s", im->file->name);
	r = codec_new(im->params.hash, &(struct packing){ 0 }, &im->codec, e);
	if (r == 0)
		r = page_new(&im->page, e);
	if (r == 0)
		r = check_header_hash(im, ret_head, e);
	if (r == 0 && (im->params.must & FEATURE_ENCRYPTED))
		r = get_key(im, e);
	return r;
}

static int open_parts(struct image *im, struct err *e)
{
	struct record head;
	int r = image_first(im, &head, e);

	if (r < 0)
		return r;
	r = read_last(im->file, im->params.image_id, &im->end, e);
	if (r < 0)
		return r;
	if (!r)
		return err_set(e, ERR_CORRUPT,
			       "%s isn't complete: its end is missing (an interrupted capture, or a copy that was cut off)",
			       im->file->name);
	r = load_tables(im, head.hash, e);
	return r < 0 ? r : bases_open(im, im->access, e);
}

/* Frees im when it fails. */
static int open_as(struct image *im, struct blkdev *file, const struct image_access *a,
		   int (*parts)(struct image *im, struct err *e), struct image **ret,
		   struct err *e)
{
	int r;

	if (!im)
		return err_set(e, ERR_NOMEM, "out of memory for reading an image");
	im->file = file;
	im->access = a;
	im->page_index = SIZE_MAX;
	r = parts(im, e);
	im->access = NULL;
	im->given = NULL;
	if (r < 0) {
		image_close(im);
		return r;
	}
	im->n_cache = CACHE_BYTES / im->params.chunk_size;
	*ret = im;
	return 0;
}

int image_open(struct blkdev *file, const struct image_access *a, struct image **ret,
	       struct err *e)
{
	return open_as(calloc(1, sizeof(struct image)), file, a, open_parts, ret, e);
}

int image_open_base(struct blkdev *file, const struct image_base *b,
		    const struct image_access *a, struct image **ret, struct err *e)
{
	struct image *im = calloc(1, sizeof *im);

	if (!im)
		return err_set(e, ERR_NOMEM, "out of memory for reading an image");
	im->is_base = 1;
	im->given = b;
	return open_as(im, file, a, open_parts, ret, e);
}

int image_open_cut(struct blkdev *file, const struct image_access *a,
		   struct image **ret, struct err *e)
{
	return open_as(calloc(1, sizeof(struct image)), file, a, image_cut_parts, ret, e);
}

int image_open_meta(struct blkdev *file, const struct image_access *a,
		    struct image **ret, struct err *e)
{
	return open_as(calloc(1, sizeof(struct image)), file, a, image_meta_parts, ret, e);
}

const struct image_key *image_key(const struct image *im)
{
	return im->sealed ? &im->key : NULL;
}

struct image *image_close(struct image *im)
{
	if (!im)
		return NULL;
	for (unsigned int i = 0; i < CACHE_MAX; i++) {
		free(im->cache[i].plain);
		free(im->cache[i].map);
	}
	bases_close(im);
	refs_free(im->refs);
	if (im->owns_file)
		dev_close(im->file);
	codec_free(im->codec);
	page_free(im->page);
	root_done(&im->root);
	free(im->bad);
	free(im->meta);
	free(im->summary);
	free(im->body);
	explicit_bzero(&im->key, sizeof im->key);
	free(im);
	return NULL;
}

const struct image_params *image_params(const struct image *im)
{
	return &im->params;
}

const char *image_meta(const struct image *im)
{
	return im->meta;
}

const char *image_summary(const struct image *im)
{
	return im->summary;
}

const struct byte_range *image_bad(const struct image *im, size_t *ret_n)
{
	*ret_n = im->n_bad;
	return im->bad;
}

const uint8_t *image_digest(const struct image *im)
{
	return im->end.digest;
}

uint64_t image_file_len(const struct image *im)
{
	return im->end.file_len;
}

uint64_t image_chunks(const struct image *im)
{
	return im->end.chunks;
}
