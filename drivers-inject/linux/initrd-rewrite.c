/* initrd-rewrite.c: an initramfs made such that every kernel reads on behind
 * its last archive: lz4, and a compressed last one, become gzip. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include "common/io.h"
#include "drivers-inject/linux/initrd-int.h"
#include "drivers-inject/linux/unpack.h"

#define BUF_SIZE (128u << 10)
#define GZIP_LEVEL 6            /* gzip's own; 9 gains 1 % for twice the time */

struct rewrite {
	struct initrd *i;
	int fd;
	uint64_t written;
	z_stream z;
	uint8_t buf[BUF_SIZE];
};

static int put(struct rewrite *w, const void *p, size_t n, struct err *e)
{
	int r = io_write_all(w->fd, p, n);

	w->written += n;
	return r ? err_sys(e, r, "%s: its rewritten form can't be written", w->i->name) : 0;
}

static int pad(struct rewrite *w, struct err *e)
{
	return put(w, "\0\0\0", (CPIO_ALIGN - w->written % CPIO_ALIGN) % CPIO_ALIGN, e);
}

/* Bytes of the file as they are. */
static int copy(struct rewrite *w, uint64_t from, uint64_t end, struct err *e)
{
	while (from < end) {
		uint64_t left = end - from;
		ssize_t n = pread(w->i->fd, w->buf, left < BUF_SIZE ? (size_t)left : BUF_SIZE,
				  (off_t)from);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_sys(e, n ? errno : EIO, "%s, at byte %llu", w->i->name,
				       (unsigned long long)from);
		r = put(w, w->buf, (size_t)n, e);
		if (r)
			return r;
		from += (uint64_t)n;
	}
	return 0;
}

static int pack(struct rewrite *w, const uint8_t *p, size_t n, int flush, struct err *e)
{
	int r = 0;

	w->z.next_in = (Bytef *)p;
	w->z.avail_in = (uInt)n;
	do {
		w->z.next_out = w->buf;
		w->z.avail_out = BUF_SIZE;
		deflate(&w->z, flush);
		r = put(w, w->buf, BUF_SIZE - w->z.avail_out, e);
	} while (!r && !w->z.avail_out);
	return r;
}

static int pack_some(void *ctx, const uint8_t *p, size_t n, struct err *e)
{
	return pack(ctx, p, n, Z_NO_FLUSH, e);
}

static int to_gzip(struct rewrite *w, const struct initrd_segment *s, struct err *e)
{
	uint64_t end;
	int r;

	memset(&w->z, 0, sizeof w->z);
	/* 16: with gzip's header, which has no time in it; 15: largest window */
	if (deflateInit2(&w->z, GZIP_LEVEL, Z_DEFLATED, 16 + 15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return err_set(e, ERR_NOMEM, "out of memory for compressing");
	r = unpack_stream(w->i->fd, w->i->name, s->offset, s->how, pack_some, w, &end, e);
	if (!r)
		r = pack(w, NULL, 0, Z_FINISH, e);
	deflateEnd(&w->z);
	return r;
}

int initrd_rewrite(struct initrd *i, int fd, struct err *e)
{
	struct rewrite *w;
	int r = 0;

	if (i->broken)
		return err_set(e, ERR_REFUSED, "%s", i->why.msg);
	w = calloc(1, sizeof *w);
	if (!w)
		return err_set(e, ERR_NOMEM, "out of memory for an initramfs");
	w->i = i;
	w->fd = fd;
	for (size_t k = 0; k < i->n_seg && !r; k++) {
		const struct initrd_segment *s = &i->seg[k];
		int last = k == i->n_seg - 1;

		if (s->how == INITRD_LZ4 || (last && s->how != INITRD_NONE))
			r = to_gzip(w, s, e);
		else
			r = copy(w, s->offset, s->offset + s->length, e);
		if (!r)
			r = pad(w, e);
	}
	free(w);
	return r;
}
