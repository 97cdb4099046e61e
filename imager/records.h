/* records.h: the records of an image through the pipeline: read in order, checked
 * and decompressed by workers, handed over in order.  What restore and verify
 * share. */
#ifndef REHOST_RECORDS_H
#define REHOST_RECORDS_H
#include "imager/fmt/chunk.h"
#include "imager/fmt/stream.h"
#include "imager/fmt/walk.h"
#include "imager/fs/ranges.h"
#include "imager/job.h"
#include "imager/spread.h"
#include "imager/store/store.h"

struct rec_slot {
	struct walk_rec rec;      /* rec.plain and rec.map: into the buffers below */
	uint8_t *body, *plain;
	size_t body_room, plain_room;
	struct chunk_map *map;
	uint32_t map_room;
	struct chunk_refs *refs;  /* NULL: no record refers to others             */
	struct spread spread;     /* restore's */
};

struct records {
	struct job *job;
	struct store_in *in;
	struct stream stream;
	int go_on;                /* 1: go on behind damage, and behind what the medium
				   * doesn't give of a file (verify)          */
	struct ranges unread;     /* then: of the file, ascending             */
	uint64_t again;           /* nothing of the file is asked for before this place */
	uint64_t begin;           /* where in the file the current record is  */
	int resync, ended;
	int have_params;          /* the first record was a good HEADER       */
	struct image_params params;
	struct image *refers;     /* of an image whose chunks refer to others: it once more,
				   * to find them; NULL: it is too damaged for that,
				   * or (unread_refers) not all of it can be read */
	int unread_refers;
	int sealed;               /* encrypted, with key */
	struct image_key key;
	struct codec *codecs[JOB_WORKERS_MAX + 1];
	unsigned int n_workers, n_slots;
	struct rec_slot *slots;
	/* In the worker, after a good record was unpacked; may be NULL. */
	int (*ready)(void *ctx, struct rec_slot *s, struct err *e);
	/* In the calling thread, in order. */
	int (*take)(void *ctx, struct rec_slot *s, struct err *e);
	void *ctx;
};

/* Fills *r but for go_on, ready, take and ctx.  Reads the HEADER record, and
 * fails if it isn't one (ERR_NOT_FOUND), or is one that can't be read here
 * (ERR_UNSUPPORTED; also a pipe if chunks refer to others); a damaged one is handed to take like any other. */
int records_begin(struct records *r, struct job *job,
		  const struct job_options *opt, struct store_in *in,
		  struct err *e) must_check;
/* To the end of the file, or of what can be read. */
int records_run(struct records *r, struct err *e) must_check;
/* NULL: the image isn't encrypted. */
static inline const struct image_key *records_key(const struct records *r)
{
	return r->sealed ? &r->key : NULL;
}
/* Frees the buffers when no more records follow; the rest of *r stays. */
void records_release(struct records *r);
void records_done(struct records *r);
#endif
