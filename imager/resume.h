/* resume.h: does the disk still hold what an interrupted capture took of it? */
#ifndef REHOST_RESUME_H
#define REHOST_RESUME_H
#include "imager/fmt/chunk.h"
#include "imager/plan.h"

#define RESUME_SAMPLE 64u         /* one of so many chunks is compared           */

struct resume_check {
	struct image *image;      /* by image_open_cut()                         */
	struct chunk_reader *reader;
	struct codec *codec;
	const uint64_t *at;       /* disk offsets whose chunks are compared too  */
	size_t n_at;
	struct plan *slot;        /* buffers of one chunk, used meanwhile        */
	uint8_t *wide;
	/* A used chunk, put off, that the image doesn't have yet. */
	int (*missing)(void *ctx, uint64_t number, struct err *e);
	void *ctx;
};
/* p, at the map's beginning, is moved behind what the image has; *ret_bytes: how
 * many used bytes that were.  ERR_REFUSED if the map or the content differs. */
int resume_check(const struct resume_check *c, struct planner *p, uint64_t *ret_bytes,
		 struct err *e) must_check;
/* The error for a disk that isn't what it was; returns its code. */
int resume_changed(const struct blkdev *src, struct err *e);
#endif
