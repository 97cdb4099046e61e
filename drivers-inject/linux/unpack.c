/* unpack.c: drives one algorithm over a file. */
#include "drivers-inject/linux/unpack.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_SIZE (128u << 10)        /* of input, of output                */

static const struct unpack_codec *const codecs[] = {
	&unpack_gzip, &unpack_xz, &unpack_lzma, &unpack_bzip2, &unpack_zstd, &unpack_lz4,
};

enum initrd_compression unpack_guess(const uint8_t *p, size_t n)
{
	static const struct { uint8_t magic[UNPACK_MAGIC]; size_t n; enum initrd_compression how; }
	magics[] = {
		{ { 0x1f, 0x8b }, 2, INITRD_GZIP },
		{ { 0x1f, 0x9e }, 2, INITRD_GZIP },
		{ { 0xfd, '7', 'z', 'X' }, 4, INITRD_XZ },
		{ { 0x5d, 0, 0 }, 3, INITRD_LZMA },
		{ { 'B', 'Z', 'h' }, 3, INITRD_BZIP2 },
		{ { 0x28, 0xb5, 0x2f, 0xfd }, 4, INITRD_ZSTD },
		{ { 0x02, 0x21, 0x4c, 0x18 }, 4, INITRD_LZ4 },
		{ { 0x89, 'L', 'Z', 'O' }, 4, INITRD_LZO },
	};

	for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
		if (n >= magics[i].n && !memcmp(p, magics[i].magic, magics[i].n))
			return magics[i].how;
	return INITRD_NONE;
}

struct run {
	struct unpacker u;
	const struct unpack_codec *codec;
	int fd;
	const char *name;
	uint64_t from, at;      /* of the stream; of the next input to read  */
	unpack_put put;
	void *ctx;
	uint8_t in[BUFFER_SIZE], out[BUFFER_SIZE];
};

static int refill(struct run *w, struct err *e)
{
	ssize_t n;

	do
		n = pread(w->fd, w->in, sizeof w->in, (off_t)w->at);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(e, errno, "%s, at byte %llu", w->name, (unsigned long long)w->at);
	w->u.in = w->in;
	w->u.in_len = (size_t)n;
	w->u.eof = !n;
	w->at += (uint64_t)n;
	return 0;
}

static int step_failed(struct run *w, int r, struct err *e)
{
	const char *what = initrd_compression_name(w->codec->how);

	if (r == ERR_NOMEM)
		return err_set(e, r, "%s: the %s stream at byte %llu needs more memory "
			       "than there is", w->name, what, (unsigned long long)w->from);
	return err_set(e, r, "%s: the %s stream at byte %llu is %s", w->name, what,
		       (unsigned long long)w->from, w->u.eof ? "cut short" : "damaged");
}

/* One step and its output. */
static int turn(struct run *w, int *ret_done, struct err *e)
{
	size_t in_before = w->u.in_len, got;
	int r;

	w->u.out = w->out;
	w->u.out_len = sizeof w->out;
	r = w->codec->step(&w->u);
	if (r < 0)
		return step_failed(w, r, e);
	got = sizeof w->out - w->u.out_len;
	/* neither took nor gave anything although it was offered both */
	if (!r && !got && w->u.in_len == in_before && (w->u.in_len || w->u.eof))
		return step_failed(w, ERR_CORRUPT, e);
	*ret_done = r;
	r = got ? w->put(w->ctx, w->out, got, e) : 0;
	if (!r && !*ret_done && !w->u.in_len && w->u.out_len && !w->u.eof)
		r = refill(w, e);
	return r;
}

int unpack_stream(int fd, const char *name, uint64_t from, enum initrd_compression how,
		  unpack_put put, void *ctx, uint64_t *ret_end, struct err *e)
{
	const struct unpack_codec *codec = NULL;
	struct run *w;
	int r, done = 0;

	for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
		if (codecs[i]->how == how)
			codec = codecs[i];
	if (!codec)
		return err_set(e, ERR_UNSUPPORTED, "%s: %s at byte %llu can't be unpacked "
			       "here", name, initrd_compression_name(how),
			       (unsigned long long)from);
	w = calloc(1, sizeof *w);
	if (!w)
		return err_set(e, ERR_NOMEM, "out of memory for unpacking");
	w->codec = codec;
	w->fd = fd;
	w->name = name;
	w->from = w->at = from;
	w->put = put;
	w->ctx = ctx;
	r = codec->open(&w->u);
	if (r)
		r = err_set(e, ERR_NOMEM, "out of memory for unpacking");
	if (!r)
		r = refill(w, e);
	while (!r && !done)
		r = turn(w, &done, e);
	if (!r)
		*ret_end = w->at - w->u.in_len - w->u.unused;
	codec->close(&w->u);
	free(w);
	return r;
}
