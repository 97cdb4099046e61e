/* stream.h: an image's records one after the other, from a pipe or a file, and
 * the way to the next good one behind damage (FORMAT.md 8). */
#ifndef REHOST_FMT_STREAM_H
#define REHOST_FMT_STREAM_H
#include "imager/fmt/record.h"

#define STREAM_WINDOW (64u << 10)

struct stream {
	/* up to len bytes; *ret_got < len only at the end */
	int (*read)(void *ctx, void *buf, size_t len, size_t *ret_got, struct err *e);
	void *ctx;
	uint64_t pos;             /* in the file, of the next byte to hand out */
	uint64_t seq;             /* the number that the next record must have */
	uint8_t image_id[16];
	int have_id;              /* 0: the first record says it */
	uint8_t *back;            /* bytes read too far: back[back_at..back_len) */
	size_t back_at, back_len;
};

void stream_done(struct stream *s);
/* The next header.  1: *ret_off says where; *ret_fault is NULL and *ret filled,
 * or *ret_fault says what is wrong with it, and only stream_resync helps.
 * 0: the file ends here. */
int stream_head(struct stream *s, struct record *ret, uint64_t *ret_off,
		const char **ret_fault, struct err *e) must_check;
/* The body.  *ret_whole: 0 if the file ends inside it. */
int stream_body(struct stream *s, void *buf, uint32_t len, int *ret_whole,
		struct err *e) must_check;
/* After a fault: goes to the next good header of this image.  1: stream_head
 * will give it; 0: there is none. */
int stream_resync(struct stream *s, struct err *e) must_check;
#endif
