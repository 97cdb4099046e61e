/* file.c: an image file in a directory, local or of a mounted share.  It is
 * written as PATH.part and gets its name when it is complete and durable. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/io.h"
#include "imager/store/impl.h"

/* Start writing out this often, so that the last fsync isn't a long one. */
#define WRITE_OUT_STEP (8u << 20)

struct file_out {
	struct store_out s;
	char *part;
	int fd, replace;
	uint64_t started;          /* write-out was begun below this offset */
};

static int file_append(struct store_out *s, const void *buf, size_t len,
		       struct err *e)
{
	struct file_out *f = (struct file_out *)s;
	int r, n = io_write_all(f->fd, buf, len);
	uint64_t end = s->written + len;

	if (n) {
		r = err_sys(e, n, "%s: writing the image at offset %llu",
			    f->part, (unsigned long long)s->written);
		if (r == ERR_NOSPACE)
			err_prefix(e, "the place is full; make room there, choose another place, or --level small");
		return r;
	}
	if (end - f->started >= WRITE_OUT_STEP) {
		/* a hint: file systems that can't do it say so, in vain */
		sync_file_range(f->fd, (off_t)f->started,
				(off_t)(end - f->started), SYNC_FILE_RANGE_WRITE);
		f->started = end;
	}
	return 0;
}

/* Not over a file that came meanwhile, where the file system can tell. */
static int rename_part(const struct file_out *f, struct err *e)
{
	int r;

	if (!f->replace) {
		r = renameat2(AT_FDCWD, f->part, AT_FDCWD, f->s.name, RENAME_NOREPLACE);
		if (r == 0)
			return 0;
		if (errno == EEXIST)
			return err_set(e, ERR_REFUSED, "%s came into being meanwhile; it was left alone",
				       f->s.name);
		if (errno != EINVAL && errno != ENOSYS)
			return err_sys(e, errno, "%s could not be renamed to %s", f->part, f->s.name);
		if (access(f->s.name, F_OK) == 0)
			return err_set(e, ERR_REFUSED, "%s came into being meanwhile; it was left alone",
				       f->s.name);
	}
	if (rename(f->part, f->s.name) < 0)
		return err_sys(e, errno, "%s could not be renamed to %s", f->part, f->s.name);
	return 0;
}

static int sync_directory(const char *path, struct err *e)
{
	cleanup_free char *copy = strdup(path);
	cleanup_close int fd = -1;

	if (!copy)
		return err_set(e, ERR_NOMEM, "out of memory");
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* EINVAL: network file systems that have nothing to do */
	if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL && errno != ENOTSUP))
		return err_sys(e, errno, "%s: its directory could not be made durable", path);
	return 0;
}

static void close_free(struct file_out *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	free(f->part);
	f->part = NULL;
}

static int file_commit(struct store_out *s, struct err *e)
{
	struct file_out *f = (struct file_out *)s;
	int r;

	if (fsync(f->fd) < 0)
		return err_sys(e, errno, "%s: the image could not be made durable", f->part);
	r = rename_part(f, e);
	if (r == 0)
		r = sync_directory(s->name, e);
	if (r == 0)
		close_free(f);
	return r;
}

static void file_abort(struct store_out *s)
{
	struct file_out *f = (struct file_out *)s;

	if (f->part)
		unlink(f->part);
	close_free(f);
}

static int file_sync(struct store_out *s, struct err *e)
{
	struct file_out *f = (struct file_out *)s;

	if (fsync(f->fd) < 0)
		return err_sys(e, errno, "%s: the image could not be made durable", f->part);
	return 0;
}

static void file_leave(struct store_out *s)
{
	close_free((struct file_out *)s);
}

static const struct store_out_ops ops = {
	.append = file_append, .commit = file_commit, .undo = file_abort,
	.sync = file_sync, .leave = file_leave,
};

int file_keep(struct store_out *s, uint64_t len, struct err *e)
{
	struct file_out *f = (struct file_out *)s;

	if (ftruncate(f->fd, (off_t)len) < 0 || lseek(f->fd, (off_t)len, SEEK_SET) < 0)
		return err_sys(e, errno, "%s could not be cut to %llu bytes", f->part,
			       (unsigned long long)len);
	f->started = len;
	return 0;
}

/* Opens PATH.part, locked so that no second capture writes into it.  flags:
 * O_CREAT, or 0. */
static int open_part(struct file_out *f, int flags, struct err *e)
{
	struct stat st, now;

	/* 0600: the image holds what on the disk only root can read */
	f->fd = open(f->part, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
	if (f->fd < 0 && errno == ENOENT && !flags)
		return err_set(e, ERR_NOT_FOUND, "there is no %s", f->part);
	if (f->fd < 0)
		return err_sys(e, errno, "%s could not be created", f->part);
	if (fstat(f->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, ERR_REFUSED, "%s is not a regular file", f->part);
	if (flock(f->fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return err_set(e, ERR_REFUSED,
			       "%s is being written by another capture", f->part);
	/* the other capture may have given its file the final name between our
	 * open and our lock */
	if (lstat(f->part, &now) < 0 || now.st_ino != st.st_ino || now.st_dev != st.st_dev)
		return err_set(e, ERR_REFUSED, "%s was taken away by another capture", f->part);
	return 0;
}

/* flags: as open_part's. */
static int file_new(const char *path, int replace, int flags, struct file_out **ret,
		    struct err *e)
{
	struct file_out *f;
	struct stat st;
	int r;

	/* also a symbolic link that leads nowhere */
	if (!replace && lstat(path, &st) == 0)
		return err_set(e, ERR_REFUSED, "%s is there already; choose another name", path);
	f = calloc(1, sizeof *f);
	if (f) {
		f->fd = -1;
		f->s.name = strdup(path);
		if (asprintf(&f->part, "%s.part", path) < 0)
			f->part = NULL;
	}
	if (!f || !f->s.name || !f->part) {
		r = err_set(e, ERR_NOMEM, "out of memory for %s", path);
		goto fail;
	}
	f->s.ops = &ops;
	f->replace = replace;
	r = open_part(f, flags, e);
	if (r < 0)
		goto fail;
	*ret = f;
	return 0;
fail:
	if (f) {
		close_free(f);
		free(f->s.name);
	}
	free(f);
	return r;
}

int file_create(const char *path, int replace, struct store_out **ret,
		struct err *e)
{
	struct file_out *f;
	int r = file_new(path, replace, O_CREAT, &f, e);

	if (r < 0)
		return r;
	*ret = &f->s;
	r = file_keep(*ret, 0, e);
	if (r < 0)
		store_leave(*ret);
	return r;
}

int file_resume(const char *path, int replace, struct store_out **ret,
		struct blkdev **ret_dev, struct err *e)
{
	struct file_out *f;
	int r = file_new(path, replace, 0, &f, e);

	if (r < 0)
		return r;
	r = dev_open_ro(f->part, ret_dev, e);
	if (r < 0)
		store_leave(&f->s);
	else
		*ret = &f->s;
	return r;
}
