/* torn.h: what is still good in a torn or damaged image file, found by scanning for
 * records (FORMAT.md 8).  Index, END and, if need be, HEADER are not needed. */
#ifndef REHOST_FMT_TORN_H
#define REHOST_FMT_TORN_H
#include "imager/fmt/chunk.h"
#include "imager/fmt/page.h"

struct torn;

/* Called for what is to be told to people while opening; a sentence. */
typedef void torn_tell(void *ctx, const char *text);

/* file: all bytes there are, volumes behind each other with their VOLUME records; stays
 * the caller's.  a: as image_open's; bases that can't be opened are told and done without.
 * Reads up to the HEADER; without one, all of it once, to see what it can be.
 * ERR_NOT_FOUND: no record is in it; ERR_CORRUPT: nothing can be got (an encrypted image
 * without HEADER or key); ERR_SECRET, ERR_UNSUPPORTED: as image_open. */
int torn_open(struct blkdev *file, const struct image_access *a, torn_tell *tell, void *ctx,
	      struct torn **ret, struct err *e) must_check;
struct torn *torn_close(struct torn *t);  /* takes NULL, returns NULL */

/* The HEADER's, or what follows from the records. */
const struct image_params *torn_params(const struct torn *t);
int torn_header_lost(const struct torn *t);
/* NULL: it isn't encrypted. */
const struct image_key *torn_key(const struct torn *t);
/* JSON text, 0-ended; NULL: it is lost. */
const char *torn_meta(const struct torn *t);
/* What unpacks its records; for other uses between two calls of torn_next(). */
struct codec *torn_codec(struct torn *t);

/* A record with a good header.  Pointers: until the next call. */
struct torn_rec {
	struct record r;
	uint64_t at;              /* in the file                                 */
	const char *wrong;        /* NULL: all of it is good, and these hold:    */
	uint8_t *stored;          /* the body as it is in the file; IMAGE_HEAD_LEN bytes are
				   * free in front; changed if sealed or a reference */
	uint8_t *plain;           /* of a CHUNK: chunk_room() bytes are free in front, and
				   * CHUNK_TAIL behind                           */
	const struct chunk_map *map;
};
/* 1: *ret is the next one; 0: there is no more. */
int torn_next(struct torn *t, struct torn_rec *ret, struct err *e) must_check;
void torn_rewind(struct torn *t);
/* The record at `at` once more, which torn_next() gave; it goes on as if it hadn't been. */
int torn_at(struct torn *t, uint64_t at, struct torn_rec *ret, struct err *e) must_check;
/* What a good BAD or COMMIT record lists (malloc'd, the caller's).  NULL, or what is
 * wrong with it. */
const char *torn_bad(const struct torn *t, const struct torn_rec *rec, struct byte_range **ret,
		     size_t *ret_n);
/* The PAGE record at `at`, which torn_next() gave.  NULL, or what is wrong. */
const char *torn_page(struct torn *t, uint64_t at, struct page *ret, struct err *e);
/* 1: there were too many chunks to find all that others refer to (TORN_KNOWN_MAX). */
int torn_known_full(const struct torn *t);
/* What was said at the first place of the file that couldn't be read; NULL: all could. */
const char *torn_unread(const struct torn *t);
uint64_t torn_pos(const struct torn *t);  /* bytes scanned */

/* Of an image with such references, so many places are kept to find what they refer to:
 * 64 MiB, three quarters of them in use. */
#define TORN_KNOWN_MAX (1u << 22)
#endif
