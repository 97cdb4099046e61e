/* stream.c: see stream.h. */
#include "imager/fmt/stream.h"
#include <stdlib.h>
#include <string.h>

void stream_done(struct stream *s)
{
	free(s->back);
	s->back = NULL;
}

/* First what was read too far, then the file. */
static int get(struct stream *s, uint8_t *buf, size_t len, size_t *ret_got,
	       struct err *e)
{
	size_t n = s->back_len - s->back_at, got = 0;
	int r = 0;

	if (n > len)
		n = len;
	if (n)
		memcpy(buf, s->back + s->back_at, n);
	s->back_at += n;
	if (n < len)
		r = s->read(s->ctx, buf + n, len - n, &got, e);
	if (r < 0)
		return r;
	*ret_got = n + got;
	s->pos += n + got;
	return 0;
}

/* Gives bytes back, in front of those that already were. */
static int unget(struct stream *s, const uint8_t *buf, size_t len,
		 struct err *e)
{
	if (!s->back) {
		s->back = malloc(STREAM_WINDOW + IMAGE_HEAD_LEN);
		if (!s->back)
			return err_set(e, ERR_NOMEM, "out of memory for reading the image");
	}
	memmove(s->back + len, s->back + s->back_at, s->back_len - s->back_at);
	memcpy(s->back, buf, len);
	s->back_len += len - s->back_at;
	s->back_at = 0;
	s->pos -= len;
	return 0;
}

static const char *head_wrong(struct stream *s, const uint8_t *head,
			      struct record *ret)
{
	const char *wrong = record_get(head, ret);

	if (wrong)
		return wrong;
	if (!s->have_id) {
		memcpy(s->image_id, ret->image_id, sizeof s->image_id);
		s->have_id = 1;
	}
	return memcmp(s->image_id, ret->image_id, sizeof s->image_id) ?
		"belongs to another image" : NULL;
}

int stream_head(struct stream *s, struct record *ret, uint64_t *ret_off,
		const char **ret_fault, struct err *e)
{
	uint8_t head[IMAGE_HEAD_LEN];
	size_t got;
	int r;

	*ret_off = s->pos;
	r = get(s, head, sizeof head, &got, e);
	if (r < 0)
		return r;
	if (!got)
		return 0;
	*ret_fault = got < sizeof head ? "is cut off: the file ends inside it" :
					 head_wrong(s, head, ret);
	if (*ret_fault) {
		/* all but the first byte may belong to the next record */
		r = unget(s, head + 1, got - 1, e);
		return r < 0 ? r : 1;
	}
	return 1;
}

int stream_body(struct stream *s, void *buf, uint32_t len, int *ret_whole,
		struct err *e)
{
	size_t got;
	int r = get(s, buf, len, &got, e);

	if (r == 0)
		*ret_whole = got == len;
	return r;
}

/* The place of a good header in buf, or the first one from which on there is
 * too little to tell. */
static size_t find_head(struct stream *s, const uint8_t *buf, size_t len,
			int *ret_found)
{
	size_t at = 0;

	*ret_found = 0;
	while (len - at >= IMAGE_HEAD_LEN) {
		const uint8_t *m = memmem(buf + at, len - at, RECORD_MAGIC, 8);
		struct record r;

		if (!m)
			return len - 7;
		at = (size_t)(m - buf);
		if (len - at < IMAGE_HEAD_LEN)
			break;
		if (!head_wrong(s, m, &r)) {
			*ret_found = 1;
			break;
		}
		at++;
	}
	return at;
}

int stream_resync(struct stream *s, struct err *e)
{
	uint8_t *buf = malloc(STREAM_WINDOW);
	size_t have = 0, got, at;
	int r = 0, found = 0;

	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory for reading the image");
	for (;;) {
		r = get(s, buf + have, STREAM_WINDOW - have, &got, e);
		if (r < 0)
			break;
		have += got;
		at = find_head(s, buf, have, &found);
		if (found) {
			r = unget(s, buf + at, have - at, e);
			break;
		}
		if (have < STREAM_WINDOW)
			break;
		memmove(buf, buf + at, have - at);
		have -= at;
	}
	free(buf);
	return r < 0 ? r : found;
}
