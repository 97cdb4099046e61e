/* chunkread.h: one chunk of an image in two steps, so that several can be in work
 * at once: one thread fetches, any thread unpacks. */
#ifndef REHOST_FMT_CHUNKREAD_H
#define REHOST_FMT_CHUNKREAD_H
#include "imager/fmt/chunk.h"

/* Room for what chunks of im refer to, or NULL in *ret if none does. */
int image_refs(const struct image *im, struct chunk_refs **ret, struct err *e) must_check;
/* The record of the index' entry c, as stored, and what it refers to.  body:
 * chunk_packed_max() bytes; refs: of image_refs().  By one thread at a time. */
int chunk_fetch(struct image *im, const struct image_chunk *c, uint8_t *body,
		struct chunk_refs *refs, struct err *e) must_check;
/* Checks it against the index and unpacks it.  plain: chunk_size bytes;
 * *ret_plain points into plain or body.  map: room for c->map_count entries.
 * ERR_CORRUPT: it isn't what the index says. */
int chunk_unpack(const struct image *im, struct codec *codec, const struct image_chunk *c,
		 uint8_t *body, const struct chunk_refs *refs, uint8_t *plain,
		 const uint8_t **ret_plain, struct chunk_map *map, struct err *e) must_check;
/* One to unpack im's chunks with. */
int image_codec(const struct image *im, struct codec **ret, struct err *e) must_check;
/* What stands for c's content: the record that has it, c's own if that is no reference;
 * file as im counts.  body: as chunk_fetch's. */
int chunk_ref_of(struct image *im, const struct image_chunk *c, uint8_t *body,
		 struct chunk_ref *ret, struct err *e) must_check;
/* How far into the file c's record reaches from c->offset: bytes. */
size_t chunk_fetch_len(const struct image_chunk *c);
#endif
