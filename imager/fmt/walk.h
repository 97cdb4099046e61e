/* walk.h: what the records of an image, seen front to back, must be to each
 * other: their order, each page against its chunks, ROOT against the pages, END
 * against all.  A damaged record is reported and then left out of the account. */
#ifndef REHOST_FMT_WALK_H
#define REHOST_FMT_WALK_H
#include "imager/fmt/page.h"

/* A finding. */
struct walk_bad {
	uint8_t type;             /* enum rec_type; 0: not known     */
	uint64_t offset;          /* of the record in the file       */
	int has_chunk;
	uint64_t chunk;           /* whose content is lost           */
	const char *text;         /* goes on "The ... record at offset N " */
};

/* One record as it was read. */
struct walk_rec {
	int known;                /* 0: its header is damaged: only off and fault hold */
	int unread;               /* 1: the medium didn't give all of it             */
	struct record r;
	uint64_t off;
	const char *fault;        /* NULL: all of it is good; plain and map hold */
	const uint8_t *plain;
	const struct chunk_map *map;
};

struct walk;
/* params: the HEADER's, copied; key: NULL if it isn't encrypted. */
int walk_new(const struct image_params *params, const struct image_key *key,
	     void (*bad)(void *ctx, const struct walk_bad *b), void *ctx,
	     struct walk **ret, struct err *e) must_check;
struct walk *walk_free(struct walk *w);
/* Fails only for lack of memory. */
int walk_record(struct walk *w, const struct walk_rec *rec, struct err *e) must_check;
/* After the last record; file_len: where the file ended. */
int walk_finish(struct walk *w, uint64_t file_len, struct err *e) must_check;

uint64_t walk_found(const struct walk *w);   /* how often bad was called */
uint64_t walk_bytes(const struct walk *w);   /* plain bytes of good chunks */
uint64_t walk_chunks(const struct walk *w);
/* 1: END was seen and everything is well; then the digest: 32 bytes. */
int walk_complete(const struct walk *w);
const uint8_t *walk_digest(const struct walk *w);
const struct byte_range *walk_unreadable(const struct walk *w, size_t *ret_n);
#endif
