/* unpack-libs.c: gzip, xz, lzma, bzip2 and zstd by their libraries. */
#include "drivers-inject/linux/unpack.h"
#include <bzlib.h>
#include <lzma.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

/* ---- gzip: zlib ---- */
static int gzip_open(struct unpacker *u)
{
	z_stream *z = u->state = calloc(1, sizeof *z);

	/* 16: a gzip header and trailer, 15: the largest window */
	if (z && inflateInit2(z, 16 + 15) == Z_OK)
		return 0;
	free(z);
	u->state = NULL;
	return ERR_NOMEM;
}

static int gzip_step(struct unpacker *u)
{
	z_stream *z = u->state;
	int r;

	z->next_in = (Bytef *)u->in;
	z->avail_in = (uInt)u->in_len;
	z->next_out = u->out;
	z->avail_out = (uInt)u->out_len;
	r = inflate(z, Z_NO_FLUSH);
	u->in = z->next_in;
	u->in_len = z->avail_in;
	u->out = z->next_out;
	u->out_len = z->avail_out;
	if (r == Z_STREAM_END)
		return 1;
	return r == Z_OK || r == Z_BUF_ERROR ? 0 : r == Z_MEM_ERROR ? ERR_NOMEM : ERR_CORRUPT;
}

static void gzip_close(struct unpacker *u)
{
	if (u->state)
		inflateEnd(u->state);
	free(u->state);
}

const struct unpack_codec unpack_gzip = { INITRD_GZIP, gzip_open, gzip_step, gzip_close };

/* ---- xz, lzma: liblzma ---- */
static int xz_init(struct unpacker *u, int alone)
{
	static const lzma_stream fresh = LZMA_STREAM_INIT;
	lzma_stream *z = u->state = malloc(sizeof *z);

	if (!z)
		return ERR_NOMEM;
	*z = fresh;
	if ((alone ? lzma_alone_decoder(z, UNPACK_MEMORY)
		   : lzma_stream_decoder(z, UNPACK_MEMORY, 0)) == LZMA_OK)
		return 0;
	free(z);
	u->state = NULL;
	return ERR_NOMEM;
}

static int xz_open(struct unpacker *u)
{
	return xz_init(u, 0);
}

static int lzma_open(struct unpacker *u)
{
	return xz_init(u, 1);
}

static int xz_step(struct unpacker *u)
{
	lzma_stream *z = u->state;
	lzma_ret r;

	z->next_in = u->in;
	z->avail_in = u->in_len;
	z->next_out = u->out;
	z->avail_out = u->out_len;
	r = lzma_code(z, LZMA_RUN);
	u->in = z->next_in;
	u->in_len = z->avail_in;
	u->out = z->next_out;
	u->out_len = z->avail_out;
	if (r == LZMA_STREAM_END)
		return 1;
	if (r == LZMA_MEM_ERROR || r == LZMA_MEMLIMIT_ERROR)
		return ERR_NOMEM;
	return r == LZMA_OK || r == LZMA_BUF_ERROR ? 0 : ERR_CORRUPT;
}

static void xz_close(struct unpacker *u)
{
	if (u->state)
		lzma_end(u->state);
	free(u->state);
}

const struct unpack_codec unpack_xz = { INITRD_XZ, xz_open, xz_step, xz_close };
const struct unpack_codec unpack_lzma = { INITRD_LZMA, lzma_open, xz_step, xz_close };

/* ---- bzip2: libbz2 ---- */
static int bzip2_open(struct unpacker *u)
{
	bz_stream *z = u->state = calloc(1, sizeof *z);

	if (z && BZ2_bzDecompressInit(z, 0, 0) == BZ_OK)
		return 0;
	free(z);
	u->state = NULL;
	return ERR_NOMEM;
}

static int bzip2_step(struct unpacker *u)
{
	bz_stream *z = u->state;
	int r;

	z->next_in = (char *)u->in;
	z->avail_in = (unsigned int)u->in_len;
	z->next_out = (char *)u->out;
	z->avail_out = (unsigned int)u->out_len;
	r = BZ2_bzDecompress(z);
	u->in = (const uint8_t *)z->next_in;
	u->in_len = z->avail_in;
	u->out = (uint8_t *)z->next_out;
	u->out_len = z->avail_out;
	if (r == BZ_STREAM_END)
		return 1;
	return r == BZ_OK ? 0 : r == BZ_MEM_ERROR ? ERR_NOMEM : ERR_CORRUPT;
}

static void bzip2_close(struct unpacker *u)
{
	if (u->state)
		BZ2_bzDecompressEnd(u->state);
	free(u->state);
}

const struct unpack_codec unpack_bzip2 = { INITRD_BZIP2, bzip2_open, bzip2_step, bzip2_close };

/* ---- zstd ---- */
static int zstd_open(struct unpacker *u)
{
	u->state = ZSTD_createDStream();
	return u->state ? 0 : ERR_NOMEM;
}

static int zstd_step(struct unpacker *u)
{
	ZSTD_inBuffer in = { u->in, u->in_len, 0 };
	ZSTD_outBuffer out = { u->out, u->out_len, 0 };
	size_t r = ZSTD_decompressStream(u->state, &out, &in);

	u->in += in.pos;
	u->in_len -= in.pos;
	u->out += out.pos;
	u->out_len -= out.pos;
	if (ZSTD_isError(r))
		return ERR_CORRUPT;
	return !r; /* 0: the frame's end */
}

static void zstd_close(struct unpacker *u)
{
	ZSTD_freeDStream(u->state);
}

const struct unpack_codec unpack_zstd = { INITRD_ZSTD, zstd_open, zstd_step, zstd_close };
