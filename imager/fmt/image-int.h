/* image-int.h: between image.c and imageread.c only. */
#ifndef REHOST_FMT_IMAGE_INT_H
#define REHOST_FMT_IMAGE_INT_H
#include "imager/fmt/chunk.h"
#include "imager/fmt/page.h"

/* Chunks kept in memory: this many bytes of them, at least one. */
#define CACHE_BYTES (8u << 20)
#define CACHE_MAX (CACHE_BYTES / IMAGE_CHUNK_MIN)

struct cached_chunk {
	int valid;
	uint64_t number, used_at; /* used_at: the clock at its last use */
	uint8_t *plain;
	struct chunk_map *map;
	uint32_t map_count;
};

struct image {
	struct blkdev *file;
	struct image_params params;
	struct image_end end;
	struct codec *codec;
	char *meta, *summary;
	struct byte_range *bad;
	size_t n_bad;
	struct root root;
	struct page *page;        /* the last one that was needed      */
	size_t page_index;        /* in root; SIZE_MAX: none is loaded */
	uint8_t *body;            /* of a chunk, as stored             */
	struct cached_chunk cache[CACHE_MAX];
	unsigned int n_cache;
	uint64_t clock;
};

/* Reads and checks the record at off.  *ret_plain: malloc'd, with a 0 behind. */
int image_load(struct image *im, uint64_t off, unsigned int type, uint64_t aux,
	       struct record *ret, uint8_t **ret_plain, struct err *e) must_check;
/* Makes im->page page number i of ROOT. */
int image_page(struct image *im, size_t i, struct err *e) must_check;
#endif
