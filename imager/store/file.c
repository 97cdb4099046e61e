/* file.c: an image file in a directory, local or of a mounted share.  It is
 * written as PATH.part and gets its name when it is complete and durable; so do
 * its further volumes, PATH.001 and so on. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/io.h"
#include "imager/store/impl.h"

/* Start writing out this often, so that the last fsync isn't a long one. */
#define WRITE_OUT_STEP (8u << 20)

/* A volume's name, ".part" included. */
struct volume_name { char s[PATH_MAX]; };

struct file_out {
	struct store_out s;
	int fd;                    /* of the volume that is being written     */
	int lock;                  /* of the first one, held to the end       */
	int replace;
	unsigned int volume;
	uint64_t len;              /* bytes in it                             */
	uint64_t durable;          /* of these                                */
	uint64_t started;          /* write-out was begun below this offset   */
	int was_empty;             /* PATH.part, when it was opened           */
};

/* The final name, or with suffix ".part" the one until then. */
static struct volume_name name_of(const struct file_out *f, unsigned int volume,
				  const char *suffix)
{
	struct volume_name n;

	if (volume)
		snprintf(n.s, sizeof n.s, "%s" STORE_VOLUME_FMT "%s", f->s.name, volume, suffix);
	else
		snprintf(n.s, sizeof n.s, "%s%s", f->s.name, suffix);
	return n;
}

static struct volume_name part_of(const struct file_out *f)
{
	return name_of(f, f->volume, ".part");
}

static int file_append(struct store_out *s, const void *buf, size_t len,
		       struct err *e)
{
	struct file_out *f = (struct file_out *)s;
	int r, n = io_write_all(f->fd, buf, len);

	if (n) {
		r = err_sys(e, n, "%s: writing the image at offset %llu",
			    part_of(f).s, (unsigned long long)f->len);
		if (r == ERR_NOSPACE)
			err_prefix(e, "the place is full; make room there, choose another place, or --level small");
		return r;
	}
	f->len += len;
	if (f->len - f->started >= WRITE_OUT_STEP) {
		/* a hint: file systems that can't do it say so, in vain */
		sync_file_range(f->fd, (off_t)f->started,
				(off_t)(f->len - f->started), SYNC_FILE_RANGE_WRITE);
		f->started = f->len;
	}
	return 0;
}

/* Not over a file that came meanwhile, where the file system can tell. */
static int rename_part(const struct file_out *f, unsigned int volume, struct err *e)
{
	struct volume_name part = name_of(f, volume, ".part"), name = name_of(f, volume, "");

	if (!f->replace) {
		if (renameat2(AT_FDCWD, part.s, AT_FDCWD, name.s, RENAME_NOREPLACE) == 0)
			return 0;
		/* EINVAL where the file system can't tell; by NFS it was ENOENT, of Linux 6.12.
		 * What is really wrong rename() says, too */
		if (errno == EEXIST || access(name.s, F_OK) == 0)
			return err_set(e, ERR_REFUSED, "%s came into being meanwhile; it was left alone",
				       name.s);
	}
	if (rename(part.s, name.s) < 0)
		return err_sys(e, errno, "%s could not be renamed to %s", part.s, name.s);
	return 0;
}

static int sync_directory(const char *path, struct err *e)
{
	int n = io_sync_directory(path);

	return n ? err_sys(e, n, "%s: its directory could not be made durable", path) : 0;
}

static void close_all(struct file_out *f)
{
	if (f->fd >= 0 && f->fd != f->lock)
		close(f->fd);
	if (f->lock >= 0)
		close(f->lock);
	f->fd = f->lock = -1;
}

/* Volumes with this suffix, from number `from` on: those of an older image, or of one
 * that was begun. */
static void unlink_from(const struct file_out *f, unsigned int from, const char *suffix)
{
	while (unlink(name_of(f, from, suffix).s) == 0)
		from++;
}

/* What an fsync that failed left of newer data nobody can know: pages that were lost read
 * well from memory, until they are dropped.  Nothing may go on behind them. */
static int file_sync(struct store_out *s, struct err *e)
{
	struct file_out *f = (struct file_out *)s;

	if (fsync(f->fd) == 0) {
		f->durable = f->len;
		return 0;
	}
	err_sys(e, errno, "%s: the image could not be made durable", part_of(f).s);
	if (ftruncate(f->fd, (off_t)f->durable) < 0)
		err_prefix(e, "what is behind byte %llu of it can't be relied on, nor cut off",
			   (unsigned long long)f->durable);
	return e->code;
}

static int file_commit(struct store_out *s, struct err *e)
{
	struct file_out *f = (struct file_out *)s;
	int r = file_sync(s, e);

	if (r < 0)
		return r;
	s->whole = 1;
	/* the first volume last: without it there is no image */
	for (unsigned int i = f->volume + 1; i-- && r == 0;) {
		r = rename_part(f, i, e);
		if (r < 0)
			err_prefix(e, "all is written and stays as %s; rename %s",
				   name_of(f, 0, ".part").s,
				   f->volume ? "it and its further volumes" : "it");
	}
	if (r == 0)
		r = sync_directory(s->name, e);
	if (r < 0)
		return r;
	if (f->replace)
		unlink_from(f, f->volume + 1, "");
	close_all(f);
	return 0;
}

static void file_abort(struct store_out *s)
{
	struct file_out *f = (struct file_out *)s;

	if (f->lock >= 0)
		unlink_from(f, 0, ".part");
	close_all(f);
}

static void file_leave(struct store_out *s)
{
	close_all((struct file_out *)s);
}

static int open_volume(struct file_out *f, unsigned int volume, int flags, struct err *e)
{
	struct volume_name n = name_of(f, volume, ".part");
	/* 0600: the image holds what on the disk only root can read */
	int fd = open(n.s, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | flags, 0600);

	if (fd < 0)
		return err_sys(e, errno, "%s could not be opened", n.s);
	if (f->fd != f->lock)
		close(f->fd);
	f->fd = fd;
	f->volume = volume;
	f->len = f->started = f->durable = 0;
	return 0;
}

static int file_next(struct store_out *s, struct err *e)
{
	struct file_out *f = (struct file_out *)s;
	struct volume_name n = name_of(f, f->volume + 1, "");
	int r;

	if (!f->replace && access(n.s, F_OK) == 0)
		return err_set(e, ERR_REFUSED, "%s is there already; choose another name", n.s);
	r = file_sync(s, e);
	return r < 0 ? r : open_volume(f, f->volume + 1, O_CREAT | O_TRUNC, e);
}

static const struct store_out_ops ops = {
	.append = file_append, .commit = file_commit, .undo = file_abort,
	.sync = file_sync, .leave = file_leave, .next = file_next,
};

int file_keep(struct store_out *s, unsigned int volume, uint64_t len, struct err *e)
{
	struct file_out *f = (struct file_out *)s;

	unlink_from(f, volume + 1, ".part");
	if (volume && open_volume(f, volume, 0, e) < 0)
		return e->code;
	if (ftruncate(f->fd, (off_t)len) < 0 || lseek(f->fd, (off_t)len, SEEK_SET) < 0)
		return err_sys(e, errno, "%s could not be cut to %llu bytes", part_of(f).s,
			       (unsigned long long)len);
	f->len = f->started = f->durable = len;
	return 0;
}

/* Opens PATH.part, locked so that no second capture writes into it.  flags:
 * O_CREAT, or 0. */
static int open_part(struct file_out *f, int flags, struct err *e)
{
	struct volume_name part = name_of(f, 0, ".part");
	struct stat st, now;

	/* 0600: as in open_volume() */
	f->fd = f->lock = open(part.s, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
	if (f->fd < 0 && errno == ENOENT && !flags)
		return err_set(e, ERR_NOT_FOUND, "there is no %s", part.s);
	if (f->fd < 0)
		return err_sys(e, errno, "%s could not be created", part.s);
	if (fstat(f->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, ERR_REFUSED, "%s is not a regular file", part.s);
	f->was_empty = !st.st_size;
	if (flock(f->fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return err_set(e, ERR_REFUSED,
			       "%s is being written by another capture", part.s);
	/* the other capture may have given its file the final name between our
	 * open and our lock */
	if (lstat(part.s, &now) < 0 || now.st_ino != st.st_ino || now.st_dev != st.st_dev)
		return err_set(e, ERR_REFUSED, "%s was taken away by another capture", part.s);
	return 0;
}

/* flags: as open_part's. */
static int file_new(const char *path, int replace, int flags, struct file_out **ret,
		    struct err *e)
{
	struct file_out *f;
	struct stat st;
	int r;

	if (strlen(path) > PATH_MAX - 32)
		return err_set(e, ERR_USAGE, "the path of the image is too long");
	/* also a symbolic link that leads nowhere */
	if (!replace && lstat(path, &st) == 0)
		return err_set(e, ERR_REFUSED, "%s is there already; choose another name", path);
	f = calloc(1, sizeof *f);
	if (!f || !(f->s.name = strdup(path))) {
		free(f);
		return err_set(e, ERR_NOMEM, "out of memory for %s", path);
	}
	f->s.ops = &ops;
	f->replace = replace;
	f->fd = f->lock = -1;
	r = open_part(f, flags, e);
	if (r < 0)
		store_leave(&f->s);
	else
		*ret = f;
	return r;
}

int file_create(const char *path, int replace, struct store_out **ret,
		struct err *e)
{
	struct file_out *f;
	int r = file_new(path, replace, O_CREAT, &f, e);

	if (r < 0)
		return r;
	r = file_keep(&f->s, 0, 0, e);
	if (r < 0 && f->was_empty)
		store_abort(&f->s);
	else if (r < 0)
		store_leave(&f->s);
	else
		*ret = &f->s;
	return r;
}

int file_resume(const char *path, int replace, struct store_out **ret, struct err *e)
{
	struct file_out *f;
	int r = file_new(path, replace, 0, &f, e);

	if (r == 0)
		*ret = &f->s;
	return r;
}
