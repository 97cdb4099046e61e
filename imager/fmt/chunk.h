/* chunk.h: a record's body: compressing, checking, and the maps of chunks
 * (FORMAT.md 2.1, 3).  What the workers do; a codec belongs to one thread. */
#ifndef REHOST_FMT_CHUNK_H
#define REHOST_FMT_CHUNK_H
#include "imager/fmt/refs.h"
#include "imager/fmt/seal.h"

struct codec;
/* How to compress: zstd's level, and what is chosen instead of the level's own
 * number where it isn't 0. */
struct packing {
	int level, hash_log, min_match;
};
/* A codec's memory when it only unpacks, about. */
#define UNPACK_BYTES (256u << 10)
/* And what it needs more when it makes patches. */
#define PATCHER_BYTES (2u << 20)
int codec_new(enum hash_alg a, const struct packing *p, struct codec **ret,
	      struct err *e) must_check;
/* From now on it seals and opens records of the encrypted image of that id; copied. */
void codec_key(struct codec *c, const struct image_key *k, const uint8_t *image_id);
struct codec *codec_free(struct codec *c);
struct hasher *codec_hasher(struct codec *c);

/* Bytes that must be free in front of the plain data given to chunk_pack. */
size_t chunk_room(uint32_t chunk_size);
/* Bytes that must be free behind them. */
#define CHUNK_TAIL SEAL_TAG
/* Bytes of the buffer for the compressed record. */
size_t chunk_packed_max(uint32_t chunk_size);

/* A chunk as it was read. */
struct chunk_in {
	uint64_t number;
	uint8_t flags;
	uint32_t plain_len, map_count;
	const struct chunk_map *map;
	const uint8_t *hash;      /* of the plain data if known, or NULL */
	uint8_t *plain;           /* chunk_room bytes in front of it are free, and
				   * CHUNK_TAIL behind; overwritten */
};
/* What a chunk may be a patch of: len bytes that the record at ref has. */
struct chunk_prefix {
	struct chunk_ref ref;
	const uint8_t *plain;
};
/* Of the plain data, as an image with this codec has it. */
int chunk_hash(struct codec *c, const uint8_t *plain, uint32_t len, uint8_t *ret,
	       struct err *e) must_check;
/* prefix: NULL: none.  packed: chunk_packed_max bytes.  ret->record points into packed, or in front
 * of in->plain when the data is stored as it is. */
int chunk_pack(struct codec *c, const struct chunk_in *in,
	       const struct chunk_prefix *prefix, uint8_t *packed,
	       struct chunk_out *ret, struct err *e) must_check;

/* Seals the body in buf: SEAL_NONCE bytes free, r->body_len bytes, SEAL_TAG bytes free.  Fills
 * r->sealed, body_len and body_sum; prefix: bytes in front of buf that belong to the body.
 * Nothing if the codec has no key. */
void body_seal(struct codec *c, struct record *r, uint8_t *buf, uint32_t prefix);
/* 1: the codec has a key. */
int codec_seals(const struct codec *c);
/* Compresses any other body if that makes it smaller.  packed: plain_len bytes.
 * Fills codec, body_len, plain_len, body_sum and hash of *ret; *ret_body is
 * plain or packed. */
int body_pack(struct codec *c, const void *plain, uint32_t plain_len,
	      uint8_t *packed, struct record *ret, const uint8_t **ret_body,
	      struct err *e) must_check;

/* Checks the sum and opens the seal, in body.  NULL and *ret_inner, or what is wrong. */
const char *body_open(struct codec *c, const struct record *r, uint8_t *body,
		      uint8_t **ret_inner);
/* Checks sum, opens the seal (in body), decompresses, checks hash.  plain: room for r->plain_len bytes,
 * or, of a CHUNK, p->chunk_size.  *ret_plain points to plain or into body.  map
 * (CHUNK): room for r->map_count.  Returns NULL or what is wrong with the record, as
 * record_get does.  refs: what refs_fetch() has fetched for it, which then isn't opened
 * again; NULL for all other records. */
const char *body_unpack(struct codec *c, const struct record *r,
			const struct image_params *p, uint8_t *body,
			const struct chunk_refs *refs, uint8_t *plain, const uint8_t **ret_plain,
			struct chunk_map *map);

/* NULL if the map keeps FORMAT.md's rules and holds plain_len bytes. */
const char *map_wrong(const struct image_params *p, uint64_t chunk,
		      const struct chunk_map *map, uint32_t count,
		      uint32_t plain_len);
void map_put(const struct chunk_map *map, uint32_t count, uint8_t *out);
void map_get(const uint8_t *in, uint32_t count, struct chunk_map *ret);
/* Bytes of one map entry: less than count * 512 only at the end of a disk. */
uint32_t map_bytes(const struct image_params *p, uint64_t chunk,
		   const struct chunk_map *m);
int all_zero(const uint8_t *p, size_t len);
#endif
