/* gpt-move.h: a GPT on a disk that became larger: its backup belongs at the new
 * end, and the primary must say so.  Makes the new bytes; writes nothing. */
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
/* GPT_MOVE: *ret is filled and head edited: primary header (place of the backup,
 * last usable sector, checksum) and protective MBR (size, if it covered the old
 * disk).  0: nothing to do: no GPT, or its backup wasn't at the old end, or the
 * disk isn't larger.  ERR_CORRUPT: there is a GPT that can't be moved, e says
 * why; head is as it was.  ERR_IO, ERR_NOMEM.
 * old_size: bytes of the disk that the table was made for.  sector_size: 512 or
 * 4096; the other one is tried too. */
int gpt_move_make(struct blkdev *d, struct gpt_head *head, uint64_t old_size,
		  uint32_t sector_size, struct gpt_move *ret,
		  struct err *e) must_check;
void gpt_move_done(struct gpt_move *m);
#endif
