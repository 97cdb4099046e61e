/* gpt-move.h: a GPT on a disk of another size than the one it was made for: its
 * backup belongs at the new end, and the primary must say so.  Makes the new
 * bytes; writes nothing. */
#ifndef REHOST_GPT_MOVE_H
#define REHOST_GPT_MOVE_H
#include "imager/dev/dev.h"

struct gpt_move {
	uint8_t *tail;       /* the backup: entries, then header; malloc'd    */
	uint64_t off;        /* bytes: where it belongs on the disk           */
	size_t len;          /* bytes                                         */
};

/* What of the disk the caller holds in memory: [0, len), newer than what d has
 * there.  The primary header and the protective MBR must lie in it to be found. */
struct gpt_head {
	uint8_t *bytes;
	size_t len;
};

enum { GPT_MOVE = 1 };
struct gpt_sizes {
	uint64_t from;        /* bytes: the disk that the table was made for */
	uint64_t to;          /* bytes: the disk where it shall be           */
	uint32_t sector;      /* 512 or 4096; the other one is tried too     */
};

/* GPT_MOVE: *ret is filled and head edited: primary header (place of the backup,
 * last usable sector, checksum) and protective MBR (size, if it covered the old
 * disk or would reach past the new one).  0: nothing to do: no GPT, the same
 * number of sectors, on a larger disk a backup that wasn't at the old end, on a
 * smaller one a backup that isn't past the new end.  ERR_CORRUPT: there is a GPT
 * that can't be moved (on a smaller disk also: a partition, or the table itself,
 * would lie where the backup must), e says why; head is as it was.  ERR_IO,
 * ERR_NOMEM.  What moves to one smaller disk moves to any larger one on which the
 * old backup's header wouldn't lie.
 * d: where the entries are read if they aren't in head; its size isn't used. */
int gpt_move_make(struct blkdev *d, struct gpt_head *head,
		  const struct gpt_sizes *sizes, struct gpt_move *ret,
		  struct err *e) must_check;
void gpt_move_done(struct gpt_move *m);
#endif
