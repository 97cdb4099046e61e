/* restore-int.h: the parts of a restore, for restore*.c alone:
 *   restore.c          the order of things: wipe, copy, end
 *   restore-stream.c   the copy of everything, front to back; works from a pipe
 *   restore-index.c    the copy by the image's index: what differs, or what is left
 *   restore-head.c     the disk's first chunk, its mark, and a GPT that moves
 *   restore-unused.c   what the image doesn't use: wipe, discard, zero */
#ifndef REHOST_RESTORE_INT_H
#define REHOST_RESTORE_INT_H
#include "imager/job.h"
#include "imager/part/gpt-move.h"
#include "imager/records.h"
#include "imager/restore-mark.h"
#include "imager/spread.h"

#define WIPE_EACH_END (1u << 20)   /* bytes of the target, engine.h */

struct restore {
	struct job job;
	struct store_in *in;
	struct blkdev *target;
	const struct restore_options *opt;
	struct image_params params;
	struct image *im;         /* NULL: it comes through a pipe              */
	uint64_t limit;           /* fit_limit(): nothing is written from there on */
	int began;                /* something was written                      */
	int unsure;               /* what stands at the disk's beginning isn't known */
	struct restore_mark mark; /* as it is on the disk, once began           */
	uint64_t reached;         /* all chunks below this one are written      */
	double marked_at;         /* job_seconds()                              */
	uint64_t marked_bytes;    /* `changed` then                             */
	uint64_t bytes;           /* of the used ones: done                     */
	uint64_t changed;         /* of these: written                          */

	/* restore-head.c: chunk 0, kept until all else is on the disk */
	size_t head_len;          /* bytes that are zeros, but for the mark, until then */
	uint8_t *head;            /* chunk_size bytes: used units at their places, else zero */
	struct spread head_spread;
	struct chunk_map *head_map; /* NULL: nothing of it is used              */
	uint64_t head_bytes;      /* of it are used                              */
	struct gpt_move gpt;      /* tail NULL: the table stays as it is        */

	/* restore-stream.c */
	struct records rs;
	struct walk *walk;
	struct err found;         /* the first bad record                       */
	struct image_cursor order;/* where the stream is, in disk order         */
	int gap;                  /* 1: a lower chunk comes late: no more marks */

	/* the image's, known at the end of the copy */
	uint8_t digest[IMAGE_DIGEST_LEN];
	uint64_t image_bytes;
	const struct byte_range *bad;
	size_t n_bad;
};

/* ---- copies: all chunks but the first, which goes to head_keep() ---- */

/* Reads the HEADER. */
int stream_begin(struct restore *re, struct err *e) must_check;
int stream_copy(struct restore *re, struct err *e) must_check;
void stream_end(struct restore *re);       /* buffers only; safe at any time  */

/* From re->mark.next_chunk on; opt->how says what.  With RESTORE_DELTA nothing is
 * written before a difference is found. */
int index_copy(struct restore *re, struct err *e) must_check;

/* ---- the head ---- */

/* Takes chunk 0's content from sp. */
int head_keep(struct restore *re, const struct spread *sp, struct err *e) must_check;
/* Before the first write: the disk's beginning becomes zeros with a mark. */
int head_begin(struct restore *re, uint64_t next_chunk, struct err *e) must_check;
/* Chunks below next_chunk are written.  Now and then, or `now`, makes all that
 * durable and says so on the disk. */
int head_mark(struct restore *re, uint64_t next_chunk, int now, struct err *e) must_check;
/* When all but the head is on the disk: makes the partition table fit (in memory). */
int head_fit(struct restore *re, struct err *e) must_check;
/* 1: the disk's beginning, and a moved backup GPT, are as they shall be. */
int head_is_there(struct restore *re, struct err *e) must_check;
/* The last writes, with opt->verify each proven before the next.  Then nothing is
 * missing; if it fails the mark stands, or re->unsure is set. */
int head_write(struct restore *re, struct err *e) must_check;
void head_done(struct restore *re);

/* ---- what isn't used ---- */

/* Everything, before the copy. */
int unused_wipe_all(struct restore *re, struct err *e) must_check;
/* The same places, as far as the image doesn't use them, where they aren't zeros. */
int unused_wipe(struct restore *re, struct err *e) must_check;
/* opt->unused; after head_fit(). */
int unused_clear(struct restore *re, struct err *e) must_check;
/* Zeros; clipped to the target. */
int unused_zeros(struct restore *re, uint64_t off, uint64_t len, struct err *e) must_check;
#endif
