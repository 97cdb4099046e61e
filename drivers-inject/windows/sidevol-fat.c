/* sidevol-fat.c: a file put onto a FAT volume by mtools.
 *
 * mtools wants a file: it gets a copy in memory of what the volume uses.  What it
 * changed there is then written to the volume's device, which keeps it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/io.h"
#include "common/run.h"
#include "drivers-inject/windows/sidevol.h"
#include "imager/fs/readers.h"

#define PIECE (1u << 16)
#define PAGE 4096u              /* of a file in memory                       */
#define TIMEOUT 60              /* seconds; it takes less than one           */

struct copy {
	struct blkdev *dev;
	int fd;
	uint64_t used;
	struct err *e;
};

static int copy_range(void *ctx, uint64_t off, uint64_t len)
{
	struct copy *c = ctx;
	cleanup_free char *buf = malloc(PIECE);
	uint64_t from = off / PAGE * PAGE, to = (off + len + PAGE - 1) / PAGE * PAGE;

	/* take_back() looks at whole pages of memory */
	off = from;
	len = (to < c->dev->size ? to : c->dev->size) - from;
	c->used += len;
	if (!buf)
		return err_set(c->e, ERR_NOMEM, "out of memory");
	if (c->used > SIDEVOL_USED_MAX)
		return err_set(c->e, ERR_UNSUPPORTED, "%s: more than %llu MB are used on it; it is "
			       "too large to be changed", c->dev->name, SIDEVOL_USED_MAX >> 20);
	while (len) {
		size_t n = len < PIECE ? (size_t)len : PIECE;
		int r = dev_read(c->dev, off, buf, n, c->e);

		if (r)
			return r;
		if (pwrite(c->fd, buf, n, (off_t)off) != (ssize_t)n)
			return err_sys(c->e, errno, "memory for %s", c->dev->name);
		off += n;
		len -= n;
	}
	return 0;
}

/* *ret: a memfd of the volume's size in which all that it uses stands. */
static int copy_volume(struct blkdev *d, int *ret, struct err *e)
{
	struct copy c = { .dev = d, .e = e, .fd = memfd_create("volume", MFD_CLOEXEC) };
	struct extent_sink sink = { copy_range, &c };
	struct fs_options opt = { .keep_page_files = 1 };
	struct fs_ident id;
	int r;

	if (c.fd < 0 || ftruncate(c.fd, (off_t)d->size))
		r = err_sys(e, errno, "memory for %s", d->name);
	else if (!(r = fs_fat.probe(d, &id, e)))
		r = fs_fat.walk(d, &id, &opt, &sink, e);
	else if (r > 0)
		r = err_set(e, ERR_CORRUPT, "%s: no FAT", d->name);
	if (r && c.fd >= 0)
		close(c.fd);
	if (!r)
		*ret = c.fd;
	return r;
}

/* `mtools -c COMMAND -i VOLUME more...`, without anybody's configuration.  The code page
 * of short names is ASCII (367): all our names are, and the C library converts it
 * without files that a small system leaves out. */
static int mtools(int fd, const char *command, const char *const *more, struct err *e)
{
	char volume[64];
	const char *argv[16] = { "env", "MTOOLSRC=/dev/null", "MTOOLS_SKIP_CHECK=1",
		"DEFAULT_CODEPAGE=367", "LC_ALL=C", "mtools", "-c", command, "-i", volume };
	struct run_spec spec = { .argv = argv, .timeout_s = TIMEOUT, .out_max = 1 << 16 };
	struct run_result res;
	size_t n = 10;
	int r;

	snprintf(volume, sizeof volume, "/proc/%d/fd/%d", (int)getpid(), fd);
	while (*more && n < sizeof argv / sizeof *argv - 1)
		argv[n++] = *more++;
	r = run_program(&spec, &res, e);
	if (r)
		return r;
	if (res.status == 127)
		r = err_set(e, ERR_NOT_FOUND, "the program mtools isn't here; install the package mtools");
	else if (res.status)
		r = err_set(e, ERR_IO, "mtools can't write to the FAT: %s",
			    *res.err ? res.err : "it ended without a word");
	run_result_done(&res);
	return r;
}

static int make_parents(struct sidevol *s, int fd, const char *path, struct err *e)
{
	char dir[TREE_PATH_MAX], name[TREE_PATH_MAX + 4];
	const char *const more[] = { name, NULL };
	int r = 0;

	for (const char *p = path + 1; !r && (p = strchr(p, '/')); p++) {
		snprintf(dir, sizeof dir, "%.*s", (int)(p - path), path);
		snprintf(name, sizeof name, "::%s", dir);
		if (!tree_has(s->tree, dir, TREE_DIR))
			r = mtools(fd, "mmd", more, e);
	}
	return r;
}

static int put(struct sidevol *s, int fd, const char *path, const void *bytes, size_t len,
	       struct err *e)
{
	cleanup_close int from = memfd_create("file", MFD_CLOEXEC);
	char source[64], target[TREE_PATH_MAX + 4];
	/* -o: over what is there; -m would keep the time of a memfd */
	const char *const more[] = { "-o", source, target, NULL };
	int n = from < 0 ? errno : io_write_all(from, bytes, len);

	if (n)
		return err_sys(e, n, "memory for %s", path);
	snprintf(source, sizeof source, "/proc/%d/fd/%d", (int)getpid(), from);
	snprintf(target, sizeof target, "::%s", path);
	n = make_parents(s, fd, path, e);
	return n ? n : mtools(fd, "mcopy", more, e);
}

/* What differs in the copy is written to the volume's device.  Only where the copy
 * has bytes: the rest is free, and wasn't copied. */
static int take_back(struct blkdev *d, int fd, struct err *e)
{
	cleanup_free char *now = malloc(PIECE), *old = malloc(PIECE);
	off_t at = 0, end;
	int r = now && old ? 0 : err_set(e, ERR_NOMEM, "out of memory");

	while (!r && (at = lseek(fd, at, SEEK_DATA)) >= 0) {
		end = lseek(fd, at, SEEK_HOLE);
		for (; !r && at < end; at += PIECE) {
			size_t n = end - at < PIECE ? (size_t)(end - at) : PIECE;

			if (pread(fd, now, n, at) != (ssize_t)n)
				return err_sys(e, errno, "a copy of %s", d->name);
			r = dev_read(d, (uint64_t)at, old, n, e);
			if (!r && memcmp(now, old, n))
				r = dev_write(d, (uint64_t)at, now, n, e);
		}
		at = end;
	}
	return r;
}

int sidevol_fat_put(struct sidevol *s, const char *path, const void *bytes, size_t len,
		    struct err *e)
{
	cleanup_close int fd = -1;
	int r = copy_volume(s->dev, &fd, e);

	if (r)
		return r;
	r = put(s, fd, path, bytes, len, e);
	return r ? r : take_back(s->dev, fd, e);
}
