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

size_t chunk_fetch_len(const struct image_chunk *c)
{
	return IMAGE_HEAD_LEN + (size_t)c->body_len;
}

int chunk_fetch(struct image *im, const struct image_chunk *c, uint8_t *body,
		struct err *e)
{
	return dev_read(im->file, c->offset, body, chunk_fetch_len(c), e);
}

static const char *unpack(const struct image *im, struct codec *codec,
			  const struct image_chunk *c, uint8_t *body, uint8_t *plain,
			  const uint8_t **ret_plain, struct chunk_map *map)
{
	struct record rec;
	const char *wrong = record_get(body, &rec);

	if (wrong)
		return wrong;
	if (rec.type != REC_CHUNK || rec.aux != c->number ||
	    rec.body_len != c->body_len || rec.plain_len != c->plain_len ||
	    rec.map_count != c->map_count || rec.codec != c->codec ||
	    memcmp(rec.hash, c->hash, 32) ||
	    memcmp(rec.image_id, im->params.image_id, sizeof rec.image_id))
		return "isn't what the index says";
	wrong = body_unpack(codec, &rec, &im->params, body + IMAGE_HEAD_LEN, plain,
			    ret_plain, map);
	if (!wrong && memcmp(map, c->map, c->map_count * sizeof *c->map))
		wrong = "isn't what the index says";
	return wrong;
}

int chunk_unpack(const struct image *im, struct codec *codec, const struct image_chunk *c,
		 uint8_t *body, uint8_t *plain, const uint8_t **ret_plain,
		 struct chunk_map *map, struct err *e)
{
	const char *wrong = unpack(im, codec, c, body, plain, ret_plain, map);

	return wrong ? err_set(e, ERR_CORRUPT, "%s: the chunk record at offset %llu %s",
			       im->file->name, (unsigned long long)c->offset, wrong) : 0;
}
