/* page.h: one PAGE of the index, and ROOT's table of pages (FORMAT.md 4.1, 4.2). */
#ifndef REHOST_FMT_PAGE_H
#define REHOST_FMT_PAGE_H
#include "imager/fmt/record.h"

struct page_entry {
	uint64_t offset;          /* of the CHUNK record                 */
	uint32_t chunk;           /* in the page: 0..1023                */
	uint32_t map_at, map_count; /* in the page's maps                */
	uint32_t body_len, plain_len;
	uint8_t codec, flags;
	uint8_t hash[32];
};

struct page {
	uint64_t number;
	uint32_t n;
	struct page_entry entry[PAGE_CHUNKS];
	struct chunk_map *maps;
	uint32_t n_maps, room;
	uint64_t bytes;           /* sum of plain_len */
	uint32_t written;         /* the writer's: entries when it was last written */
};

int page_new(struct page **ret, struct err *e) must_check;
struct page *page_free(struct page *p);
void page_clear(struct page *p, uint64_t number);
/* c->number must be of this page and not in it yet. */
int page_add(struct page *p, const struct image_chunk *c, struct err *e) must_check;
/* *ret_body: malloc'd, the caller's. */
int page_encode(const struct page *p, uint8_t **ret_body, uint32_t *ret_len,
		struct err *e) must_check;
/* NULL and *p filled, or what is wrong.  end: no chunk record may reach past
 * this offset in the file. */
const char *page_decode(const uint8_t *body, uint32_t len, uint64_t number,
			const struct image_params *params, uint64_t end,
			struct page *p);
/* The entry as the index hands it out; map: into p. */
struct image_chunk page_chunk(const struct page *p, uint32_t i);

struct root_page {
	uint64_t page, offset, used_bytes;
	uint32_t body_len, plain_len;
	uint8_t hash[32];
};
struct root {
	struct root_page *page;
	size_t n, room;
};
/* In the place of p's number; instead of the entry that has it already. */
int root_add(struct root *r, const struct root_page *p, struct err *e) must_check;
/* NULL: there is none. */
struct root_page *root_find(const struct root *r, uint64_t page);
void root_done(struct root *r);
/* H over the joined hashes of the pages (FORMAT.md 5). */
int root_hashes(const struct root *r, struct hasher *h, enum hash_alg a,
		uint8_t *ret, struct err *e) must_check;
int root_encode(const struct root *r, uint8_t **ret_body, uint32_t *ret_len,
		struct err *e) must_check;
/* NULL and *ret filled, "no memory" included, or what is wrong.  end: offset of ROOT. */
const char *root_decode(const uint8_t *body, uint32_t len,
			const struct image_params *params, uint64_t end,
			struct root *ret);
#endif
