/* chunkread.c: see chunkread.h. */
#include "imager/fmt/chunkread.h"
#include <string.h>
#include "imager/fmt/image-int.h"

int image_codec(const struct image *im, struct codec **ret, struct err *e)
{
	int r = codec_new(im->params.hash, &(struct packing){ 0 }, ret, e);

	if (r == 0 && im->sealed)
		codec_key(*ret, &im->key, im->params.image_id);
	return r;
}

int image_refs(const struct image *im, struct chunk_refs **ret, struct err *e)
{
	*ret = NULL;
	return im->params.must & FEATURES_REFER ?
		refs_new(im->params.chunk_size, ret, e) : 0;
}

size_t chunk_fetch_len(const struct image_chunk *c)
{
	return IMAGE_HEAD_LEN + (size_t)c->body_len;
}

static int corrupt(const struct image *im, const struct image_chunk *c, const char *wrong,
		   struct err *e)
{
	return err_set(e, ERR_CORRUPT, "%s: the chunk record at offset %llu %s",
		       im->file->name, (unsigned long long)c->offset, wrong);
}

/* The record's header against the index. */
static const char *check_head(const struct image *im, const struct image_chunk *c,
			      const uint8_t *head, struct record *ret)
{
	const char *wrong = record_get(head, ret);

	if (wrong)
		return wrong;
	return ret->type != REC_CHUNK || ret->aux != c->number ||
	       ret->body_len != c->body_len || ret->plain_len != c->plain_len ||
	       ret->map_count != c->map_count || ret->codec != c->codec ||
	       memcmp(ret->hash, c->hash, 32) ||
	       memcmp(ret->image_id, im->params.image_id, sizeof ret->image_id) ?
	       "isn't what the index says" : record_fits(ret, &im->params);
}

int chunk_fetch(struct image *im, const struct image_chunk *c, uint8_t *body,
		struct chunk_refs *refs, struct err *e)
{
	struct record rec;
	const char *wrong;
	int r = dev_read(im->file, c->offset, body, chunk_fetch_len(c), e);

	if (r < 0 || c->codec < CODEC_REFERENCE)
		return r;
	wrong = check_head(im, c, body, &rec);
	if (!wrong)
		r = refs_fetch(im, &rec, body + IMAGE_HEAD_LEN, refs, &wrong, e);
	return r < 0 || !wrong ? r : corrupt(im, c, wrong, e);
}

int chunk_unpack(const struct image *im, struct codec *codec, const struct image_chunk *c,
		 uint8_t *body, const struct chunk_refs *refs, uint8_t *plain,
		 const uint8_t **ret_plain, struct chunk_map *map, struct err *e)
{
	struct record rec;
	const char *wrong = check_head(im, c, body, &rec);

	if (!wrong)
		wrong = body_unpack(codec, &rec, &im->params, body + IMAGE_HEAD_LEN,
				    refs_needed(&rec) ? refs : NULL, plain, ret_plain, map);
	if (!wrong && memcmp(map, c->map, c->map_count * sizeof *c->map))
		wrong = "isn't what the index says";
	return wrong ? corrupt(im, c, wrong, e) : 0;
}

int chunk_ref_of(struct image *im, const struct image_chunk *c, uint8_t *body,
		 struct chunk_ref *ret, struct err *e)
{
	struct record rec;
	const char *wrong;
	uint8_t *inner;
	int r;

	*ret = (struct chunk_ref){ .plain_len = c->plain_len, .offset = c->offset };
	memcpy(ret->hash, c->hash, sizeof ret->hash);
	if (c->codec != CODEC_REFERENCE)
		return 0;
	r = dev_read(im->file, c->offset, body, chunk_fetch_len(c), e);
	if (r < 0)
		return r;
	wrong = check_head(im, c, body, &rec);
	if (!wrong)
		wrong = body_open(im->codec, &rec, body + IMAGE_HEAD_LEN, &inner);
	if (wrong)
		return corrupt(im, c, wrong, e);
	ref_get(inner + rec.map_count * sizeof(struct chunk_map), ret);
	return 0;
}
