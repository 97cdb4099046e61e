/* refs.c: see refs.h. */
#include "imager/fmt/refs.h"
#include <stdlib.h>
#include <string.h>
#include "imager/fmt/disk.h"
#include "imager/fmt/image-int.h"

_Static_assert(sizeof(struct ref_disk) == REF_LEN, "FORMAT.md 3");

void ref_put(const struct chunk_ref *ref, uint8_t *out)
{
	struct ref_disk d = {
		.file = le32_make(ref->file), .plain_len = le32_make(ref->plain_len),
		.offset = le64_make(ref->offset),
	};

	memcpy(d.hash, ref->hash, sizeof d.hash);
	memcpy(out, &d, sizeof d);
}

void ref_get(const uint8_t *in, struct chunk_ref *ret)
{
	struct ref_disk d;

	memcpy(&d, in, sizeof d);
	*ret = (struct chunk_ref){
		.file = le32_get(d.file), .plain_len = le32_get(d.plain_len),
		.offset = le64_get(d.offset),
	};
	memcpy(ret->hash, d.hash, sizeof ret->hash);
}

size_t refs_bytes(uint32_t chunk_size)
{
	return 2 * chunk_packed_max(chunk_size) + chunk_size;
}

int refs_new(uint32_t chunk_size, struct chunk_refs **ret, struct err *e)
{
	struct chunk_refs *f = calloc(1, sizeof *f);

	if (f) {
		f->buf[0] = malloc(chunk_packed_max(chunk_size));
		f->buf[1] = malloc(chunk_packed_max(chunk_size));
		f->plain = malloc(chunk_size);
	}
	if (!f || !f->buf[0] || !f->buf[1] || !f->plain) {
		refs_free(f);
		return err_set(e, ERR_NOMEM, "out of memory for reading an image");
	}
	*ret = f;
	return 0;
}

struct chunk_refs *refs_free(struct chunk_refs *f)
{
	if (!f)
		return NULL;
	free(f->buf[0]);
	free(f->buf[1]);
	free(f->plain);
	free(f);
	return NULL;
}

/* File number `file` of im; top: the image that is being read, which has the bases of
 * its bases open, too.  NULL: it isn't listed, or wasn't opened. */
static struct image *file_of(struct image *top, struct image *im, uint32_t file,
			     uint32_t *ret_number)
{
	*ret_number = 0;
	if (file == 0) {
		for (size_t i = 0; i < top->n_bases; i++)
			if (top->bases[i] == im)
				*ret_number = (uint32_t)i + 1;
		return im;
	}
	if (file > im->n_listed)
		return NULL;
	for (size_t i = 0; i < top->n_bases; i++)
		if (!memcmp(top->bases[i]->params.image_id, im->listed[file - 1].image_id, 16)) {
			*ret_number = (uint32_t)i + 1;
			return top->bases[i];
		}
	return NULL;
}

/* The CHUNK record at ref->offset of im, opened: *ret_inner, its body behind the
 * seal. */
static const char *load(struct image *im, const struct chunk_ref *ref, uint8_t *buf,
			struct record *ret, uint8_t **ret_inner, int *ret_failed, struct err *e)
{
	uint64_t len = im->file->size, at = ref->offset;
	uint8_t *body = buf + IMAGE_HEAD_LEN;
	uint32_t inner_len;
	const char *wrong;

	if (im->locate && !im->locate(im->locate_ctx, ref, &at))
		return "refers to a chunk that is lost";
	if (at > len || len - at < IMAGE_HEAD_LEN)
		return "refers to a place behind the file's end";
	*ret_failed = dev_read(im->file, at, buf, IMAGE_HEAD_LEN, e);
	if (*ret_failed)
		return NULL;
	wrong = record_get(buf, ret);
	if (wrong || ret->type != REC_CHUNK || record_fits(ret, &im->params) ||
	    memcmp(ret->image_id, im->params.image_id, sizeof ret->image_id) ||
	    ret->plain_len != ref->plain_len ||
	    len - at - IMAGE_HEAD_LEN < ret->body_len)
		return "refers to a place where no such chunk is";
	*ret_failed = dev_read(im->file, at + IMAGE_HEAD_LEN, body, ret->body_len, e);
	if (*ret_failed)
		return NULL;
	if (body_sum(body, ret->body_len) != ret->body_sum)
		return "refers to a damaged chunk";
	*ret_inner = body;
	return ret->sealed ? unseal_body(&im->key, ret, body, ret_inner, &inner_len) : NULL;
}

/* What ref names in im, a file of top; into buf. */
static const char *follow(struct image *top, struct image *im, const struct chunk_ref *ref,
			  uint8_t *buf, struct record *ret, uint8_t **ret_inner,
			  struct image **ret_im, uint32_t *ret_number, int *ret_failed,
			  struct err *e)
{
	*ret_im = file_of(top, im, ref->file, ret_number);
	if (!*ret_im)
		return "needs a base image that isn't at hand";
	if ((*ret_im)->params.chunk_size != top->params.chunk_size)
		return "refers to an image with chunks of another size";
	return load(*ret_im, ref, buf, ret, ret_inner, ret_failed, e);
}

static const char *take_full(struct chunk_refs *f, const uint8_t *inner)
{
	size_t map_len = f->full.map_count * sizeof(struct map_disk);

	if (f->full.codec != CODEC_NONE && f->full.codec != CODEC_ZSTD)
		return "refers to a chunk that has no content of its own";
	f->data = inner + map_len;
	f->data_len = f->full.body_len - record_extra(&f->full) - (uint32_t)map_len;
	return NULL;
}

/* A patch at `inner`, of im: its frame, and what it is against. */
static const char *take_patch(struct image *top, struct image *im, const struct record *r,
			      const uint8_t *inner, struct chunk_refs *f, int *ret_failed,
			      struct err *e)
{
	size_t at = r->map_count * sizeof(struct map_disk);
	uint8_t *full_inner = NULL;
	struct image *owner;
	const char *wrong;
	uint32_t number;

	ref_get(inner + at, &f->full_ref);
	f->frame = inner + at + REF_LEN;
	f->frame_len = r->body_len - record_extra(r) - (uint32_t)at - REF_LEN;
	wrong = follow(top, im, &f->full_ref, f->buf[1], &f->full, &full_inner, &owner, &number,
		       ret_failed, e);
	if (wrong || *ret_failed)
		return wrong;
	f->full_ref.file = number;
	return take_full(f, full_inner);
}

static const char *take_reference(struct image *im, const struct record *r,
				  const uint8_t *inner, struct chunk_refs *f, int *ret_failed,
				  struct err *e)
{
	uint8_t *to = NULL;
	struct image *owner;
	const char *wrong;
	uint32_t number;

	ref_get(inner + r->map_count * sizeof(struct map_disk), &f->full_ref);
	f->frame = NULL;
	wrong = follow(im, im, &f->full_ref, f->buf[0], &f->full, &to, &owner, &number, ret_failed, e);
	if (wrong || *ret_failed)
		return wrong;
	if (f->full_ref.plain_len != r->plain_len || memcmp(f->full_ref.hash, r->hash, 32))
		return "refers to other content than its own";
	if (f->full.codec == CODEC_PATCH) {
		struct record patch = f->full;

		return take_patch(im, owner, &patch, to, f, ret_failed, e);
	}
	f->full_ref.file = number;
	return take_full(f, to);
}

int refs_fetch(struct image *im, const struct record *r, uint8_t *body,
	       struct chunk_refs *f, const char **ret_wrong, struct err *e)
{
	uint8_t *inner = body;
	int failed = 0;

	*ret_wrong = body_open(im->codec, r, body, &inner);
	f->inner = inner;
	if (!*ret_wrong)
		*ret_wrong = r->codec == CODEC_PATCH ?
			take_patch(im, im, r, inner, f, &failed, e) :
			take_reference(im, r, inner, f, &failed, e);
	return failed;
}

int ref_chunk(struct codec *codec, const struct chunk_out *c, struct chunk_out *ret,
	      uint8_t **ret_buf, struct err *e)
{
	size_t map_len = c->map_count * sizeof(struct map_disk);
	size_t lead = IMAGE_HEAD_LEN + (codec_seals(codec) ? SEAL_NONCE : 0);
	struct record r = {
		.type = REC_CHUNK, .codec = CODEC_REFERENCE, .plain_len = c->plain_len,
		.map_count = c->map_count, .aux = c->number,
		.body_len = (uint32_t)map_len + REF_LEN,
	};
	uint8_t *buf = malloc(lead + r.body_len + SEAL_TAG);

	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory for a record");
	map_put(c->map, c->map_count, buf + lead);
	ref_put(&c->ref, buf + lead + map_len);
	memcpy(r.hash, c->hash, sizeof r.hash);
	r.body_sum = body_sum(buf + lead, r.body_len);
	body_seal(codec, &r, buf + IMAGE_HEAD_LEN, 0);
	ret->record = *ret_buf = buf;
	ret->body_len = r.body_len;
	ret->body_sum = r.body_sum;
	return 0;
}
