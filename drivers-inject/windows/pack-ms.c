/* pack-ms.c: Microsoft's cabinets, and files compressed one by one, by libmspack:
 * see pack.h.  It reads and writes through functions of ours, so that no file is made
 * and what comes out has a limit. */
#include <errno.h>
#include <mspack.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "drivers-inject/windows/pack-int.h"

/* A file lies in a folder that is decoded from its start.  XP's sp3.cab, the largest
 * known, has folders of some 100 MB. */
#define FOLDER_MAX (1u << 30)

/* What libmspack calls a system.  Its "files" are two: INPUT and OUTPUT. */
struct io {
	struct mspack_system sys;
	int fd;                         /* -1: in_bytes                      */
	const uint8_t *in_bytes;
	size_t in_n;
	uint8_t *out;
	size_t n, room, max;
	int full, no_memory;
};
/* begins with what libmspack takes it for */
struct handle {
	struct mspack_file file;
	struct io *io;
	int writes;
	off_t at;
};

static const char INPUT[] = "in", OUTPUT[] = "out";

static struct mspack_file *io_open(struct mspack_system *self, const char *name, int mode)
{
	struct handle *h = calloc(1, sizeof *h);

	if (!h)
		return NULL;
	h->io = (struct io *)self;
	h->writes = mode != MSPACK_SYS_OPEN_READ;
	if (h->writes != (name == OUTPUT)) {
		free(h);
		return NULL;
	}
	return &h->file;
}

static void io_close(struct mspack_file *file)
{
	free(file);
}

static int io_read(struct mspack_file *file, void *buffer, int bytes)
{
	struct handle *h = (struct handle *)file;
	struct io *io = h->io;
	ssize_t got = 0;

	if (bytes < 0 || h->writes)
		return -1;
	if (io->fd >= 0) {
		do
			got = pread(io->fd, buffer, (size_t)bytes, h->at);
		while (got < 0 && errno == EINTR);
	} else if ((size_t)h->at < io->in_n) {
		got = (ssize_t)io->in_n - h->at < bytes ? (ssize_t)io->in_n - h->at : bytes;
		memcpy(buffer, io->in_bytes + h->at, (size_t)got);
	}
	if (got > 0)
		h->at += got;
	return (int)got;
}

static int io_write(struct mspack_file *file, void *buffer, int bytes)
{
	struct handle *h = (struct handle *)file;
	struct io *io = h->io;
	uint8_t *more;

	io->full = bytes >= 0 && (size_t)bytes > io->max - io->n;
	if (bytes < 0 || io->full || !h->writes)
		return -1;
	if ((size_t)bytes > io->room - io->n) {
		size_t room = 2 * io->room + (size_t)bytes;

		more = realloc(io->out, room);
		io->no_memory = !more;
		if (!more)
			return -1;
		io->out = more;
		io->room = room;
	}
	if (bytes)
		memcpy(io->out + io->n, buffer, (size_t)bytes);
	io->n += (size_t)bytes;
	return bytes;
}

static int io_seek(struct mspack_file *file, off_t offset, int mode)
{
	struct handle *h = (struct handle *)file;
	off_t end = h->io->fd >= 0 ? lseek(h->io->fd, 0, SEEK_END) : (off_t)h->io->in_n;
	off_t from = mode == MSPACK_SYS_SEEK_START ? 0 : mode == MSPACK_SYS_SEEK_CUR ? h->at : end;

	if (h->writes || __builtin_add_overflow(from, offset, &from) || from < 0 || from > end)
		return -1;
	h->at = from;
	return 0;
}

static off_t io_tell(struct mspack_file *file)
{
	return ((struct handle *)file)->at;
}

static void io_message(struct mspack_file *file, const char *format, ...)
{
	(void)file;
	(void)format;
}

/* Cleared: libmspack 0.11 frees names of a KWAJ header that it hasn't read yet. */
static void *io_alloc(struct mspack_system *self, size_t bytes)
{
	(void)self;
	return calloc(1, bytes);
}

static void io_copy(void *src, void *dest, size_t bytes)
{
	if (bytes)
		memcpy(dest, src, bytes);
}

static struct io io_new(int fd, const uint8_t *bytes, size_t n, size_t max)
{
	return (struct io){
		.sys = { .open = io_open, .close = io_close, .read = io_read, .write = io_write,
			 .seek = io_seek, .tell = io_tell, .message = io_message, .alloc = io_alloc,
			 .free = free, .copy = io_copy },
		.fd = fd, .in_bytes = bytes, .in_n = n, .max = max,
	};
}

/* libmspack's code as ours; path "" when it isn't about one file of it. */
static int failed(const struct io *io, int code, const char *name, const char *path, struct err *e)
{
	static const char *const why[] = {
		[MSPACK_ERR_OPEN] = "it can't be opened", [MSPACK_ERR_READ] = "it ends too early",
		[MSPACK_ERR_WRITE] = "its content has no place",
		[MSPACK_ERR_SEEK] = "it points to places outside itself",
		[MSPACK_ERR_SIGNATURE] = "its signature is wrong",
		[MSPACK_ERR_DATAFORMAT] = "it breaks the rules of its format, or a part of it is in "
					  "another cabinet",
		[MSPACK_ERR_CHECKSUM] = "a checksum is wrong",
		[MSPACK_ERR_DECRUNCH] = "its compressed data is damaged",
	};

	if (io->full)
		return pack_too_large(name, *path ? path : "its content", io->max, e);
	if (io->no_memory || code == MSPACK_ERR_NOMEMORY)
		return err_set(e, ERR_NOMEM, "out of memory for %s", name);
	return err_set(e, ERR_CORRUPT, "%s%s%s: can't be unpacked: %s", name, *path ? ": " : "", path,
		       code > 0 && (size_t)code < sizeof why / sizeof *why && why[code] ?
		       why[code] : "no reason is known");
}

static int give(struct io *io, const char *name, uint8_t **ret, size_t *ret_n, struct err *e)
{
	uint8_t *out = io->out ? io->out : malloc(1);   /* an empty file is one too */

	if (!out)
		return err_set(e, ERR_NOMEM, "out of memory for %s", name);
	*ret = out;
	*ret_n = io->n;
	io->out = NULL;
	return 0;
}

/* An opened cabinet. */
struct cab {
	struct io io;
	struct mscab_decompressor *tool;
	struct mscabd_cabinet *cabinet;
};

static int cab_open(struct cab *c, const char *name, struct err *e)
{
	c->tool = mspack_create_cab_decompressor(&c->io.sys);
	if (!c->tool)
		return err_set(e, ERR_NOMEM, "out of memory for %s", name);
	c->cabinet = c->tool->open(c->tool, INPUT);
	return c->cabinet ? 0 : failed(&c->io, c->tool->last_error(c->tool), name, "", e);
}

static void cab_close(struct cab *c)
{
	if (c->cabinet)
		c->tool->close(c->tool, c->cabinet);
	if (c->tool)
		mspack_destroy_cab_decompressor(c->tool);
	free(c->io.out);
}

int pack_cab_list(int fd, const char *name, struct strv *ret, struct err *e)
{
	struct cab c = { .io = io_new(fd, NULL, 0, 0) };
	int rc = cab_open(&c, name, e);

	for (struct mscabd_file *f = rc ? NULL : c.cabinet->files; f && !rc; f = f->next)
		rc = pack_add(ret, f->filename, name, e);
	cab_close(&c);
	return rc;
}

/* path NULL: the first file */
static int cab_extract(struct cab *c, const char *name, const char *path, struct err *e)
{
	struct mscabd_file *f = c->cabinet->files;
	int code;

	while (f && path && !pack_same_path(pack_below_top(f->filename), path))
		f = f->next;
	if (!f)
		return err_set(e, ERR_NOT_FOUND, "%s: there is no %s in it", name, path ? path : "file");
	if (f->length > c->io.max)
		return pack_too_large(name, f->filename, c->io.max, e);
	if (f->offset > FOLDER_MAX)
		return err_set(e, ERR_UNSUPPORTED, "%s: %s lies behind %u bytes that would have to be "
			       "unpacked first", name, f->filename, f->offset);
	code = c->tool->extract(c->tool, f, OUTPUT);
	return code ? failed(&c->io, code, name, f->filename, e) : 0;
}

static int from_cab(struct cab *c, const char *name, const char *path, uint8_t **ret,
		    size_t *ret_n, struct err *e)
{
	int rc = cab_open(c, name, e);

	if (!rc)
		rc = cab_extract(c, name, path, e);
	if (!rc)
		rc = give(&c->io, name, ret, ret_n, e);
	cab_close(c);
	return rc;
}

int pack_cab_read(int fd, const char *name, const char *path, size_t max, uint8_t **ret,
		  size_t *ret_n, struct err *e)
{
	struct cab c = { .io = io_new(fd, NULL, 0, max) };

	return from_cab(&c, name, path, ret, ret_n, e);
}

static int expand_szdd(struct io *io)
{
	struct msszdd_decompressor *d = mspack_create_szdd_decompressor(&io->sys);
	int code = d ? d->decompress(d, INPUT, OUTPUT) : MSPACK_ERR_NOMEMORY;

	if (d)
		mspack_destroy_szdd_decompressor(d);
	return code;
}

static int expand_kwaj(struct io *io)
{
	struct mskwaj_decompressor *d = mspack_create_kwaj_decompressor(&io->sys);
	int code = d ? d->decompress(d, INPUT, OUTPUT) : MSPACK_ERR_NOMEMORY;

	if (d)
		mspack_destroy_kwaj_decompressor(d);
	return code;
}

int pack_expand(const uint8_t *bytes, size_t n, const char *name, size_t max, uint8_t **ret,
		size_t *ret_n, struct err *e)
{
	static const struct { const char magic[9]; int (*expand)(struct io *io); } kinds[] = {
		{ "MSCF\0\0\0\0", NULL }, { "SZDD\x88\xf0\x27\x33", expand_szdd },
		{ "SZ \x88\xf0\x27\x33\xd1", expand_szdd }, { "KWAJ\x88\xf0\x27\xd1", expand_kwaj },
	};

	for (size_t i = 0; n >= 8 && i < sizeof kinds / sizeof *kinds; i++) {
		struct cab c = { .io = io_new(-1, bytes, n, max) };
		int code;

		if (memcmp(bytes, kinds[i].magic, 8))
			continue;
		if (!kinds[i].expand)
			return from_cab(&c, name, NULL, ret, ret_n, e);
		code = kinds[i].expand(&c.io);
		code = code ? failed(&c.io, code, name, "", e) : give(&c.io, name, ret, ret_n, e);
		free(c.io.out);
		return code;
	}
	return err_set(e, ERR_NOT_FOUND, "%s: not a compressed file of Windows", name);
}
