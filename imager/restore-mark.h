/* restore-mark.h: what stands in a target's first sector while it is restored, so
 * that a restore that was interrupted is seen, and can go on (docs/INTERFACES.md,
 * "An interrupted restore").  It is no partition table and no file system to
 * anybody; the disk's own first sector replaces it by the last write of all. */
#ifndef REHOST_RESTORE_MARK_H
#define REHOST_RESTORE_MARK_H
#include "imager/dev/dev.h"
#include "imager/fmt/image.h"

#define MARK_LEN 512u           /* bytes, at the disk's beginning            */
#define MARK_NAME_MAX 200u      /* bytes of the image's name                 */

struct restore_mark {
	uint8_t image_id[16];
	int has_digest;         /* 0: the image came through a pipe          */
	uint8_t digest[IMAGE_DIGEST_LEN];
	uint64_t target_size;   /* bytes                                     */
	/* All chunks below this one, but the first of the disk, are on it. */
	uint64_t next_chunk;
	uint64_t done, total;   /* used bytes, in these chunks and in all    */
	int wiped;              /* 1: old signatures in unused places are gone */
	char name[MARK_NAME_MAX + 1]; /* of the image file, without directories */
};

void mark_put(const struct restore_mark *m, uint8_t out[MARK_LEN]);
/* 1: *ret is filled; 0: there is none, or it is damaged. */
int mark_get(const uint8_t in[MARK_LEN], struct restore_mark *ret);
/* The same of a disk; a disk that can't be read has none. */
int mark_read(struct blkdev *d, struct restore_mark *ret);
/* A sentence's part: "an interrupted restore of the image NAME (ID), 12 % done". */
void mark_text(const struct restore_mark *m, char *ret, size_t size);

/* May a restore of this image go on on d?  0 and *ret, or ERR_REFUSED with what
 * to do instead. */
int mark_matches(struct blkdev *d, struct image *im, struct restore_mark *ret,
		 struct err *e) must_check;
#endif
