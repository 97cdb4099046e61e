/* redo.h: a device over another one, whose writes are all made or none of them.
 *
 * What is written stays in memory, and reads see it.  dev_redo_commit() puts it
 * on the device below:
 *
 *   0. the writes of dev_redo_early(), each at its place; flush
 *   1. a log of all others, into room that the caller knows to be free; flush
 *   2. the mark: one sector that names the log; flush.  Now it counts.
 *   3. these writes, each at its place; flush
 *   4. the mark is cleared; flush
 *
 * Whoever opens the device later calls dev_redo_recover(): when it was cut off
 * before 2 nothing had changed, when after, 3 and 4 are done again. */
#ifndef REHOST_DEV_REDO_H
#define REHOST_DEV_REDO_H
#include "imager/dev/dev.h"

#define REDO_MARK_SIZE 512u     /* bytes of the mark                         */
#define REDO_GRANULE 4096u      /* what a write is rounded to, bytes         */
#define REDO_EXTENTS_MAX 24     /* pieces that a log may lie in              */
#define REDO_LOG_MAX (1ull << 30) /* bytes of a log: it is in memory too     */

struct redo_extent {
	uint64_t off, len;      /* bytes; multiples of 512                   */
};

enum redo_found {
	REDO_NONE,              /* no mark                                   */
	REDO_DONE,              /* the writes were made again                */
	REDO_STALE,             /* a mark, but the places have changed since  */
};

/* parent stays the caller's and must outlive *ret.  Its flush does nothing:
 * only a commit writes. */
int dev_redo(struct blkdev *parent, struct blkdev **ret, struct err *e) must_check;
/* on: reads give what is on the device below. */
void dev_redo_below(struct blkdev *d, int on);
/* Between the two calls is written what shall stand on the device while the
 * others are being made (a "dirty" flag); what replaces it later comes last. */
void dev_redo_first_begin(struct blkdev *d);
int dev_redo_first_end(struct blkdev *d, struct err *e) must_check;
/* What is written to room that was nobody's comes before what makes it somebody's (a
 * file's bytes before its record) and isn't logged.  nobodys: 1 in *ret when nothing below used any of
 * these bytes. */
int dev_redo_early(struct blkdev *d, int (*nobodys)(void *ctx, uint64_t off, uint32_t len,
						    int *ret, struct err *e),
		   void *ctx, struct err *e) must_check;
/* Bytes that a log of what was written needs; 0: nothing was written. */
uint64_t dev_redo_log_size(const struct blkdev *d);
/* mark: the offset of a sector that is nobody's; room: at least
 * dev_redo_log_size() bytes.  On failure the writes stay in memory; *ret_marked:
 * the mark may stand, so that dev_redo_recover() will make them. */
int dev_redo_commit(struct blkdev *d, uint64_t mark, const struct redo_extent *room,
		    size_t n, int *ret_marked, struct err *e) must_check;
void dev_redo_discard(struct blkdev *d);

/* 1 in *ret: there is a mark at that offset.  Writes nothing. */
int dev_redo_pending(struct blkdev *d, uint64_t mark, int *ret, struct err *e) must_check;
/* d is the device below.  A log that isn't whole, and one whose places hold
 * neither the old nor the new bytes, is dropped. */
int dev_redo_recover(struct blkdev *d, uint64_t mark, enum redo_found *ret,
		     struct err *e) must_check;

/* ---- between redo.c and redo-log.c ---- */

struct granule {
	uint64_t off;           /* a multiple of REDO_GRANULE                */
	uint8_t *data;          /* as it shall be                            */
	uint8_t *first;         /* as it shall be meanwhile; NULL: no matter */
	int touched;            /* since dev_redo_first_begin                */
	int early;              /* nothing below used what changes           */
};
struct dev_redo {
	struct blkdev d;
	struct blkdev *parent;
	struct granule *v;      /* ascending                                 */
	size_t n, room;
	int below;
};
uint32_t redo_len(const struct blkdev *parent, uint64_t off); /* of a granule */
#endif
