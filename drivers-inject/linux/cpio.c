/* cpio.c: writes newc archives for the kernel to unpack.
 *
 * Owner is root and the time 0, so that the same files give the same bytes. */
#include "drivers-inject/linux/cpio.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/io.h"
#include "drivers-inject/linux/cpio-read.h"

#define COPY_SIZE (64u << 10)

struct cpio_out {
	int fd;
	uint32_t ino;           /* of the last entry; each has its own       */
};

int cpio_out_open(int fd, struct cpio_out **ret, struct err *e)
{
	struct cpio_out *c;
	off_t at = lseek(fd, 0, SEEK_CUR);

	if (at < 0)
		return err_sys(e, errno, "the archive's file can't tell its offset");
	if (at % CPIO_ALIGN)
		return err_set(e, ERR_INTERNAL, "an archive can't begin at offset "
			       "%lld: it is no multiple of 4", (long long)at);
	c = calloc(1, sizeof *c);
	if (!c)
		return err_set(e, ERR_NOMEM, "out of memory for an archive");
	c->fd = fd;
	*ret = c;
	return 0;
}

struct cpio_out *cpio_out_abort(struct cpio_out *c)
{
	free(c);
	return NULL;
}

static int put(struct cpio_out *c, const void *p, size_t n, struct err *e)
{
	int r = io_write_all(c->fd, p, n);

	return r ? err_sys(e, r, "an archive can't be written") : 0;
}

static int put_pad(struct cpio_out *c, uint64_t len, struct err *e)
{
	static const char zeros[CPIO_ALIGN];

	return put(c, zeros, (CPIO_ALIGN - len % CPIO_ALIGN) % CPIO_ALIGN, e);
}

/* The kernel takes names from its root, makes no parents and follows "..". */
static int check_name(const char *name, struct err *e)
{
	size_t len = strlen(name);

	if (!len || len >= PATH_MAX || *name == '/' || !strcmp(name, CPIO_TRAILER))
		return err_set(e, ERR_INTERNAL, "'%s' can't be a name in an archive", name);
	for (const char *p = name; p; p = strchr(p, '/')) {
		p += *p == '/';
		if (!strncmp(p, "..", 2) && (!p[2] || p[2] == '/'))
			return err_set(e, ERR_INTERNAL,
				       "'%s' would lead out of an archive", name);
	}
	return 0;
}

static int put_header(struct cpio_out *c, const char *name, mode_t mode,
		      uint64_t size, struct err *e)
{
	size_t len = strlen(name) + 1;
	char h[CPIO_HEADER + 1];
	int r;

	if (size > UINT32_MAX)
		return err_set(e, ERR_UNSUPPORTED, "%s: %llu bytes are too many for "
			       "an archive", name, (unsigned long long)size);
	snprintf(h, sizeof h, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		 ++c->ino, (unsigned int)mode, 0, 0, 1, 0, (unsigned int)size,
		 0, 0, 0, 0, (unsigned int)len, 0);
	r = put(c, h, CPIO_HEADER, e);
	if (!r)
		r = put(c, name, len, e);
	return r ? r : put_pad(c, CPIO_HEADER + len, e);
}

static int put_entry(struct cpio_out *c, const char *name, mode_t mode,
		     const void *data, size_t len, struct err *e)
{
	int r = check_name(name, e);

	if (!r)
		r = put_header(c, name, mode, len, e);
	if (!r)
		r = put(c, data, len, e);
	return r ? r : put_pad(c, len, e);
}

int cpio_out_dir(struct cpio_out *c, const char *name, mode_t mode, struct err *e)
{
	return put_entry(c, name, S_IFDIR | (mode & 07777), "", 0, e);
}

int cpio_out_file(struct cpio_out *c, const char *name, mode_t mode,
		  const void *data, size_t len, struct err *e)
{
	return put_entry(c, name, S_IFREG | (mode & 07777), data, len, e);
}

int cpio_out_link(struct cpio_out *c, const char *name, const char *target, struct err *e)
{
	size_t len = strlen(target);

	if (!len || len >= PATH_MAX)
		return err_set(e, ERR_INTERNAL, "%s: a link's target of %zu bytes", name, len);
	return put_entry(c, name, S_IFLNK | 0777, target, len, e);
}

static int copy(struct cpio_out *c, const char *name, int fd, uint64_t size, struct err *e)
{
	char *buf = malloc(COPY_SIZE);
	uint64_t left = size;
	size_t got = 0;
	int r = 0;

	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory for an archive");
	do {
		r = io_read_full(fd, buf, COPY_SIZE, &got);
		if (r)
			r = err_sys(e, r, "%s", name);
		else if (got > left || (got < COPY_SIZE && got < left))
			r = err_set(e, ERR_IO, "%s: it has not the %llu bytes it had",
				    name, (unsigned long long)size);
		else
			r = put(c, buf, got, e);
		left -= r ? 0 : got;
	} while (!r && got == COPY_SIZE);
	free(buf);
	return r;
}

int cpio_out_fd(struct cpio_out *c, const char *name, mode_t mode, int fd,
		uint64_t size, struct err *e)
{
	int r = check_name(name, e);

	if (!r)
		r = put_header(c, name, S_IFREG | (mode & 07777), size, e);
	if (!r)
		r = copy(c, name, fd, size, e);
	return r ? r : put_pad(c, size, e);
}

int cpio_out_close(struct cpio_out *c, struct err *e)
{
	int r = put_header(c, CPIO_TRAILER, 0, 0, e);

	cpio_out_abort(c);
	return r;
}
