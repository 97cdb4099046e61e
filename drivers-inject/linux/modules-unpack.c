/* modules-unpack.c: the bytes of a module file, which may be compressed. */
#include <errno.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include "common/cleanup.h"
#include "drivers-inject/linux/modules-private.h"

/* Memory that an xz stream's dictionary may need, and zstd's window: modules
 * are packed with 2 MiB at most, the formats' own presets go to 64 MiB. */
#define XZ_MEMORY_MAX (192u << 20)
#define ZSTD_WINDOW_LOG_MAX 27

struct out {
	unsigned char *buf;
	size_t len, room;
	const char *name;
	struct err *e;
};

enum mod_packing module_packing(const unsigned char *head, size_t len)
{
	if (len >= 2 && !memcmp(head, "\x1f\x8b", 2))
		return MOD_GZIP;
	if (len >= 6 && !memcmp(head, "\xfd" "7zXZ", 6))
		return MOD_XZ;
	if (len >= 4 && !memcmp(head, "\x28\xb5\x2f\xfd", 4))
		return MOD_ZSTD;
	return MOD_PLAIN;
}

/* Room for at least 64 KiB more. */
static int more_room(struct out *o)
{
	size_t room = o->room ? 2 * o->room : 256 << 10;
	unsigned char *p;

	if (o->room - o->len >= 64 << 10)
		return 0;
	if (room > MODULE_BYTES_MAX)
		return err_set(o->e, ERR_UNSUPPORTED, "%s: unpacks to more than %u MiB",
			       o->name, MODULE_BYTES_MAX >> 20);
	p = realloc(o->buf, room);
	if (!p)
		return err_set(o->e, ERR_NOMEM, "%s: out of memory for unpacking it", o->name);
	o->buf = p;
	o->room = room;
	return 0;
}

static int damaged(struct out *o)
{
	return err_set(o->e, ERR_CORRUPT, "%s: its compressed data is damaged", o->name);
}

static int unpack_gzip(struct out *o, const unsigned char *in, size_t len)
{
	z_stream z = { .next_in = (unsigned char *)in, .avail_in = (unsigned int)len };
	int r = 0, zr = Z_OK;

	if (inflateInit2(&z, 16 + 15) != Z_OK) /* 16: a gzip header */
		return err_set(o->e, ERR_NOMEM, "%s: out of memory for unpacking it", o->name);
	while (!r && zr == Z_OK && !(r = more_room(o))) {
		z.next_out = o->buf + o->len;
		z.avail_out = (unsigned int)(o->room - o->len);
		zr = inflate(&z, Z_NO_FLUSH);
		o->len = o->room - z.avail_out;
		if (zr != Z_OK && zr != Z_STREAM_END)
			r = damaged(o);
	}
	inflateEnd(&z);
	return r;
}

static int unpack_xz(struct out *o, const unsigned char *in, size_t len)
{
	lzma_stream s = LZMA_STREAM_INIT;
	lzma_ret lr = lzma_stream_decoder(&s, XZ_MEMORY_MAX, 0);
	int r = 0;

	if (lr != LZMA_OK)
		return err_set(o->e, ERR_NOMEM, "%s: out of memory for unpacking it", o->name);
	s.next_in = in;
	s.avail_in = len;
	while (!r && lr == LZMA_OK && !(r = more_room(o))) {
		s.next_out = o->buf + o->len;
		s.avail_out = o->room - o->len;
		lr = lzma_code(&s, LZMA_FINISH);
		o->len = o->room - s.avail_out;
		if (lr != LZMA_OK && lr != LZMA_STREAM_END)
			r = damaged(o);
	}
	lzma_end(&s);
	return r;
}

static int unpack_zstd(struct out *o, const unsigned char *in, size_t len)
{
	ZSTD_DStream *d = ZSTD_createDStream();
	ZSTD_inBuffer ib = { in, len, 0 };
	size_t zr = 1;
	int r = 0;

	if (!d || ZSTD_isError(ZSTD_DCtx_setParameter(d, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX)))
		r = err_set(o->e, ERR_NOMEM, "%s: out of memory for unpacking it", o->name);
	while (!r && zr && !(r = more_room(o))) {
		ZSTD_outBuffer ob = { o->buf + o->len, o->room - o->len, 0 };

		zr = ZSTD_decompressStream(d, &ob, &ib);
		o->len += ob.pos;
		if (ZSTD_isError(zr) || (zr && ib.pos == ib.size && ob.pos < ob.size))
			r = damaged(o);
	}
	ZSTD_freeDStream(d);
	return r;
}

int module_unpack(const unsigned char *in, size_t len, const char *name,
		  unsigned char **ret, size_t *ret_len, struct err *e)
{
	struct out o = { .name = name, .e = e };
	int r;

	if (len > MODULE_BYTES_MAX)
		return err_set(e, ERR_UNSUPPORTED, "%s: has more than %u MiB", name,
			       MODULE_BYTES_MAX >> 20);
	switch (module_packing(in, len)) {
	case MOD_GZIP:
		r = unpack_gzip(&o, in, len);
		break;
	case MOD_XZ:
		r = unpack_xz(&o, in, len);
		break;
	case MOD_ZSTD:
		r = unpack_zstd(&o, in, len);
		break;
	default:
		o.buf = malloc(len + 1);
		r = o.buf ? 0 : err_set(e, ERR_NOMEM, "%s: out of memory", name);
		if (!r)
			memcpy(o.buf, in, len);
		o.len = len;
	}
	if (r) {
		free(o.buf);
		return r;
	}
	*ret = o.buf;
	*ret_len = o.len;
	return 0;
}

int module_read(int fd, const char *name, unsigned char **ret, size_t *ret_len, struct err *e)
{
	cleanup_free unsigned char *in = NULL;
	struct stat st;
	size_t done = 0;

	if (fstat(fd, &st) < 0)
		return err_sys(e, errno, "%s", name);
	if (!S_ISREG(st.st_mode) || st.st_size > MODULE_BYTES_MAX)
		return err_set(e, ERR_UNSUPPORTED, "%s: is no module file, or has more than %u MiB",
			       name, MODULE_BYTES_MAX >> 20);
	in = malloc((size_t)st.st_size + 1);
	if (!in)
		return err_set(e, ERR_NOMEM, "%s: out of memory", name);
	while (done < (size_t)st.st_size) { /* the caller's offset stays */
		ssize_t n = pread(fd, in + done, (size_t)st.st_size - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, errno, "%s", name);
		if (!n)
			break;
		done += (size_t)n;
	}
	return module_unpack(in, done, name, ret, ret_len, e);
}
