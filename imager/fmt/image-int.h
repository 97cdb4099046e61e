/* image-int.h: between the files of imager/fmt/ that know an image from inside. */
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
	const struct image_access *access; /* while it is being opened */
	int sealed;               /* encrypted, with key                  */
	struct image_key key;
	struct image_base *listed; /* META's bases                            */
	size_t n_listed;
	struct image **bases;     /* opened, in that order                    */
	size_t n_bases;
	int is_base, owns_file;   /* is_base: its own bases stay closed       */
	const struct image_base *given; /* while it is opened as a base       */
	struct chunk_refs *refs;  /* the cache's                              */
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
	/* Of a torn file: the place of the record that ref, to this file, means; 0: it
	 * isn't there.  NULL: it is where ref says. */
	int (*locate)(void *ctx, const struct chunk_ref *ref, uint64_t *ret);
	void *locate_ctx;
	struct image_cut {        /* image_open_cut(): where to go on         */
		uint64_t seq, next_chunk;
		uint32_t epoch;
		uint8_t hashes[2][32]; /* of HEADER and META                 */
	} cut;
};

/* Reads and checks the record at off.  *ret_plain: malloc'd, with a 0 behind. */
int image_load(struct image *im, uint64_t off, unsigned int type, uint64_t aux,
	       struct record *ret, uint8_t **ret_plain, struct err *e) must_check;
/* image_open_cut()'s and image_open_meta()'s part of opening. */
int image_cut_parts(struct image *im, struct err *e) must_check;
int image_meta_parts(struct image *im, struct err *e) must_check;
/* As a base of another image: b has its key, or a its passphrase. */
int image_open_base(struct blkdev *file, const struct image_base *b,
		    const struct image_access *a, struct image **ret, struct err *e) must_check;
/* HEADER, its features and hash: what stands in front of all others. */
int image_first(struct image *im, struct record *ret_head, struct err *e) must_check;
/* Makes im->page page number i of ROOT. */
int image_page(struct image *im, size_t i, struct err *e) must_check;
#endif
