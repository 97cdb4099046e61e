/* image.h: writing and reading .rhi images (docs/FORMAT.md).  Knows nothing of
 * disks, file systems or where a file lives. */
#ifndef REHOST_IMAGE_H
#define REHOST_IMAGE_H
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "imager/dev/dev.h"

enum image_hash { IMAGE_SHA256 = 1, IMAGE_BLAKE2B = 2 };

struct image_params {
	uint64_t disk_size, used_bytes, used_end; /* bytes */
	uint32_t sector_size, chunk_size;
	enum image_hash hash;
	uint64_t created;          /* seconds since 1970 */
	uint8_t image_id[16];
};

/* One range of units inside a chunk (FORMAT.md 3). */
struct chunk_map { uint16_t start, count; };

/* A chunk after compression, ready to be written; made by workers. */
struct chunk_out {
	uint64_t number;
	uint8_t codec, flags;
	uint32_t plain_len, map_count;
	uint8_t hash[32];
	uint32_t body_sum;         /* of map || data, as stored                */
	uint32_t body_len;
	const uint8_t *body;       /* map || data; the caller's                 */
};

/* Where bytes go: append only. */
struct image_sink {
	int (*append)(void *ctx, const void *buf, size_t len, struct err *e);
	void *ctx;
};

struct image_writer;
int image_writer_new(const struct image_params *p, const char *meta_json,
		     const struct image_sink *sink, struct image_writer **ret,
		     struct err *e) must_check;
/* Ascending chunk numbers. */
int image_writer_chunk(struct image_writer *w, const struct chunk_out *c,
		       struct err *e) must_check;
struct byte_range { uint64_t off, len; };
/* Writes the rest, END last.  digest: 32 bytes. */
int image_writer_finish(struct image_writer *w, const struct byte_range *bad,
			size_t n_bad, const char *summary_json,
			uint8_t *ret_digest, uint64_t *ret_file_len,
			struct err *e) must_check;
struct image_writer *image_writer_free(struct image_writer *w);

#endif
