/* walk-int.h: between walk.c, walk-late.c and walk-end.c only. */
#ifndef REHOST_FMT_WALK_INT_H
#define REHOST_FMT_WALK_INT_H
#include "imager/fmt/walk.h"

/* Of a chunk in `seen`: its map isn't known; it is in the index. */
enum { SEEN_DAMAGED = 1, SEEN_INDEXED = 2 };

struct walk {
	void (*bad)(void *ctx, const struct walk_bad *b);
	void *ctx;
	uint64_t found;
	struct image_params params;
	unsigned int phase;       /* the last record's rank (order_of)          */
	int lost;                 /* 1: some header was damaged: what is missing
				   * may be there                               */
	/* damaged headers, whose type the index may tell */
	struct pending { uint64_t off; const char *text; } *pending;
	size_t n_pending, room_pending;
	/* the chunks seen of the page that is current; their flags: SEEN_ */
	struct page *seen, *index;
	uint32_t paged;           /* so many of `seen` had their index page     */
	int late;                 /* a lower chunk came: from here on `seen` has
				   * only those that came after their page's
				   * last index page                            */
	uint64_t next_chunk;
	uint64_t bytes, chunks, records_of_chunks;
	uint64_t used_end;
	struct root root;         /* pages seen; used_bytes UINT64_MAX: not known */
	struct hasher *hasher;
	uint8_t hashes[5][32];
	uint64_t offs[5];         /* of HEADER, META, BAD, SUMMARY, ROOT        */
	unsigned int have;        /* bit i: hashes[i] and offs[i]               */
	struct byte_range *unreadable;
	size_t n_unreadable;
	int ended;
	uint64_t end_off;
	uint8_t digest[32];
};

void walk_tell(struct walk *w, unsigned int type, uint64_t off, const char *text);
/* The index page (w->index) of chunks of which only the late ones are in `seen`. */
int walk_late_page(struct walk *w, const struct walk_rec *rec, struct err *e) must_check;
void walk_tell_chunk(struct walk *w, uint64_t chunk, uint64_t off, const char *text);
int walk_same_chunk(const struct image_chunk *a, const struct image_chunk *seen);
/* What is wrong with the header there, which is removed; NULL: nothing was. */
const char *walk_take_pending(struct walk *w, uint64_t off);
int walk_bad_record(struct walk *w, const struct walk_rec *rec, struct err *e) must_check;
int walk_root_record(struct walk *w, const struct walk_rec *rec, struct err *e) must_check;
int walk_end_record(struct walk *w, const struct walk_rec *rec, struct err *e) must_check;
int walk_commit_record(struct walk *w, const struct walk_rec *rec, struct err *e) must_check;
#endif
