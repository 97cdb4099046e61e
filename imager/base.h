/* base.h: what a capture need not store again: chunks that a base image has, equal or
 * nearly, and chunks that this image has already. */
#ifndef REHOST_BASE_H
#define REHOST_BASE_H
#include "imager/fmt/chunk.h"
#include "imager/fmt/chunkread.h"

struct base;
/* im: the base, opened with its own bases; stays the caller's and must outlive it.
 * own_key: of the new image, NULL if it isn't encrypted. */
int base_new(struct image *im, unsigned int n_workers, int own_key, struct base **ret,
	     struct err *e) must_check;
struct base *base_free(struct base *b);
/* Bytes that one worker needs for it. */
size_t base_worker_bytes(uint32_t chunk_size);

enum base_found { BASE_NONE, BASE_EQUAL, BASE_OTHER };
struct base_hit {
	enum base_found found;
	struct chunk_ref equal;     /* BASE_EQUAL: what the chunk is            */
	struct chunk_prefix prefix; /* BASE_OTHER: what it was, until the worker's next call */
};
/* The same chunk of the disk in the base; hash: of the plain data by codec, the new
 * image's.  In worker number `worker`, from 0. */
int base_look(struct base *b, unsigned int worker, struct codec *codec,
	      const struct chunk_in *in, const uint8_t *hash, struct base_hit *ret,
	      struct err *e) must_check;

/* Chunks of this image by their content.  Bounded: beyond DEDUP_CHUNKS the newest
 * replace others.  Used by one thread. */
#define DEDUP_CHUNKS (1u << 17)     /* 6 MiB                                   */
struct dedup;
int dedup_new(struct dedup **ret, struct err *e) must_check;
struct dedup *dedup_free(struct dedup *d);
/* 1: *ret is where such a chunk is. */
int dedup_find(const struct dedup *d, const struct chunk_out *c, struct chunk_ref *ret);
void dedup_add(struct dedup *d, const struct chunk_out *c, uint64_t offset);
#endif
