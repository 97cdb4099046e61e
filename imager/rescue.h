/* rescue.h: chunks that a large read failed on, read in passes: what is still
 * easy to read first, single sectors last (docs/decisions/0016-bad-disks.md). */
#ifndef REHOST_RESCUE_H
#define REHOST_RESCUE_H
#include "imager/plan.h"

/* What is known of a unit of a chunk. */
enum unit_state {
	UNIT_DONE,                /* read, or not used                           */
	UNIT_UNTRIED,
	UNIT_PIECE,               /* a read of 64 KiB with it failed             */
	UNIT_SECTOR,              /* a read of its sector failed                 */
};

struct hard_chunk {
	struct plan plan;
	uint8_t *wide;            /* chunk_size bytes                            */
	uint8_t *state;           /* enum unit_state, one a unit                 */
};
/* Makes each used unit UNIT_UNTRIED. */
void hard_begin(struct hard_chunk *h, uint32_t chunk_size);
/* [off, off + len) of the disk, where the chunk uses it. */
void hard_mark(struct hard_chunk *h, uint32_t chunk_size, uint64_t off, uint64_t len,
	       enum unit_state s);
/* Adds what isn't read to bad, and of that what wasn't tried by the sector to
 * unscraped; makes it zeros. */
int hard_end(struct hard_chunk *h, const struct chunk_reader *r, struct bad_list *bad,
	     struct bad_list *unscraped, struct err *e) must_check;

/* What SUMMARY tells of the passes. */
enum rescue_step { RESCUE_COPY, RESCUE_PIECES, RESCUE_SECTORS, RESCUE_RETRY, RESCUE_STEPS };
struct rescue_count {
	uint64_t reads, failed;   /* how many                                    */
	uint64_t bytes;           /* that came of them                           */
	double seconds;
};

struct rescuer {
	struct chunk_reader *r;
	unsigned int retry_passes;
	double seconds_max;       /* for all calls of rescue_run(); 0: no limit  */
	double seconds;           /* spent so far                                */
	int out_of_time;          /* 1: something wasn't tried for that          */
	int (*stopped)(void *ctx);/* asked before each read; 1: ERR_CANCELLED    */
	void *ctx;
	struct rescue_count count[RESCUE_STEPS];
	/* is the disk still there? */
	unsigned int failed_in_row;
	int have_good;            /* 1: good could be read before                */
	uint64_t good;            /* disk offset                                 */
};
/* All passes over n chunks, each pass over all of them.  Fails only when it is
 * stopped or the disk is gone. */
int rescue_run(struct rescuer *x, struct hard_chunk *h, size_t n, struct err *e) must_check;
/* After each read: a good one at off, or one that failed with *why.  Fails when
 * nothing can be read any more: not even what could be before. */
void rescue_good(struct rescuer *x, uint64_t off);
int rescue_failed(struct rescuer *x, const struct err *why, struct err *e) must_check;
#endif
