/* fd.c: a block device or regular file as a blkdev. */
#include "imager/dev/dev.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "imager/sysfs.h"

/* Write-out is begun this often, so that the disk works while we do, and waited for
 * so many steps later: so no more than 64 MiB are only in memory, what was written is
 * told at the pace of the disk, and the flush at the end isn't a long one
 * (docs/decisions/0006-restore-writes.md). */
#define WRITE_OUT_STEP (8u << 20)
#define WRITE_OUT_STEPS 8u

/* Direct writes: of at least so much, and at whole pages.  Bytes; DIRECT_PIECE is what
 * is copied at a time where memory lies so that the disk can't take it from there. */
#define DIRECT_MIN (256u << 10)
#define DIRECT_ALIGN 4096u
#define DIRECT_PIECE (1u << 20)

struct dev_fd {
	struct blkdev d;
	int fd;
	int direct;               /* the disk once more, written past the page cache; or -1 */
	char *piece;              /* DIRECT_PIECE bytes, if direct isn't -1 */
	/* written, but write-out wasn't begun: bytes, all inside `now` */
	uint64_t pending;
	struct span { uint64_t first, end; } now, begun[WRITE_OUT_STEPS]; /* a ring */
	unsigned int steps;       /* ever begun */
	/* of a regular file: what SEEK_DATA last said; bytes, [from, to) */
	int sparse;               /* opened for reading only, and it can tell */
	uint64_t hole_from, hole_to, data_from, data_to;
	int can_punch, is_file;
};

/* Is all of it in a hole of the file? */
static int in_hole(struct dev_fd *f, uint64_t off, uint64_t len)
{
	off_t at;

	if (!f->sparse || (off >= f->data_from && off < f->data_to))
		return 0;
	if (off < f->hole_from || off >= f->hole_to) {
		at = lseek(f->fd, (off_t)off, SEEK_DATA);
		if (at < 0 && errno == ENXIO)
			at = (off_t)f->d.size;
		f->sparse = at >= 0;
		if (at <= (off_t)off) {
			at = at < 0 ? at : lseek(f->fd, (off_t)off, SEEK_HOLE);
			f->data_from = off;
			f->data_to = at < 0 ? off : (uint64_t)at;
			return 0;
		}
		f->hole_from = off;
		f->hole_to = (uint64_t)at;
	}
	return len <= f->hole_to - off;
}

/* 1: it was switched. */
static int fd_direct(struct dev_fd *f, int on)
{
	int flags = fcntl(f->fd, F_GETFL);

	if (f->is_file || flags < 0 || !(flags & O_DIRECT) == !on)
		return 0;
	return fcntl(f->fd, F_SETFL, on ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
}

/* Through its cache the kernel reads whole pages, and some more: one bad sector
 * would be asked for again and again, and take good ones with it. */
static void fd_careful(struct blkdev *d, int on)
{
	fd_direct((struct dev_fd *)d, on);
}

static int fd_read(struct blkdev *d, uint64_t off, void *buf, size_t len,
		   struct err *e)
{
	int fd = ((struct dev_fd *)d)->fd;
	char *p = buf;

	if (in_hole((struct dev_fd *)d, off, len)) {
		memset(buf, 0, len);
		return 0;
	}
	while (len) {
		ssize_t n = pread(fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		/* an address or length that can't be read without the cache */
		if (n < 0 && errno == EINVAL && fd_direct((struct dev_fd *)d, 0))
			continue;
		if (n < 0)
			return err_sys(e, errno, "%s: reading %zu bytes at offset %llu",
				       d->name, len, (unsigned long long)off);
		if (n == 0)
			return err_set(e, ERR_IO,
				       "%s: ends at offset %llu, before its size of %llu bytes; was it cut short?",
				       d->name, (unsigned long long)off,
				       (unsigned long long)d->size);
		p += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* What was begun WRITE_OUT_STEPS ago must be on the disk.  An error is told once:
 * the flush at the end wouldn't hear of it again. */
static int wait_write_out(struct dev_fd *f, const struct span *s, struct err *e)
{
	if (s->first == s->end ||
	    sync_file_range(f->fd, (off_t)s->first, (off_t)(s->end - s->first),
			    SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
			    SYNC_FILE_RANGE_WAIT_AFTER) == 0)
		return 0;
	if (errno != EIO && errno != ENOSPC && errno != EDQUOT)
		return 0; /* not possible here: the flush does it all */
	return err_sys(e, errno, "%s: writing %llu bytes at offset %llu", f->d.name,
		       (unsigned long long)(s->end - s->first), (unsigned long long)s->first);
}

static int write_out(struct dev_fd *f, uint64_t off, size_t len, struct err *e)
{
	struct span *oldest = &f->begun[f->steps % WRITE_OUT_STEPS];
	int r;

	if (!f->pending || off < f->now.first)
		f->now.first = off;
	if (!f->pending || off + len > f->now.end)
		f->now.end = off + len;
	f->pending += len;
	if (f->pending < WRITE_OUT_STEP)
		return 0;
	sync_file_range(f->fd, (off_t)f->now.first, (off_t)(f->now.end - f->now.first),
			SYNC_FILE_RANGE_WRITE);
	r = wait_write_out(f, oldest, e);
	*oldest = f->now;
	f->steps++;
	f->pending = 0;
	return r;
}

/* 0 or errno; *done: bytes written, also when it fails. */
static int write_to(int fd, uint64_t off, const char *p, size_t len, size_t *done)
{
	for (*done = 0; *done < len;) {
		ssize_t n = pwrite(fd, p + *done, len - *done, (off_t)(off + *done));

		if (n > 0)
			*done += (size_t)n;
		else if (!n || errno != EINTR)
			return n ? errno : EIO;
	}
	return 0;
}

static int not_written(const struct dev_fd *f, int error, uint64_t off, size_t len, struct err *e)
{
	return err_sys(e, error, "%s: writing %zu bytes at offset %llu", f->d.name, len,
		       (unsigned long long)off);
}

static int write_cached(struct dev_fd *f, uint64_t off, const char *p, size_t len, struct err *e)
{
	size_t done;
	int error;

	if (!len)
		return 0;
	error = write_to(f->fd, off, p, len, &done);
	return error ? not_written(f, error, off + done, len - done, e) : write_out(f, off, len, e);
}

static void no_direct(struct dev_fd *f)
{
	if (f->direct >= 0)
		close(f->direct);
	free(f->piece);
	f->direct = -1;
	f->piece = NULL;
}

/* Whole pages.  What the disk doesn't take so goes through the cache, and all that follows. */
static int write_direct(struct dev_fd *f, uint64_t off, const char *p, size_t len, struct err *e)
{
	int apart = (uintptr_t)p % 512 != 0;
	size_t done, n;

	for (; len; off += n, p += n, len -= n) {
		int error;

		n = apart && len > DIRECT_PIECE ? DIRECT_PIECE : len;
		if (apart)
			memcpy(f->piece, p, n);
		error = write_to(f->direct, off, apart ? f->piece : p, n, &done);
		if (error == EINVAL) {
			no_direct(f);
			return write_cached(f, off + done, p + done, len - done, e);
		}
		if (error)
			return not_written(f, error, off + done, n - done, e);
	}
	return 0;
}

static int fd_write(struct blkdev *d, uint64_t off, const void *buf, size_t len, struct err *e)
{
	struct dev_fd *f = (struct dev_fd *)d;
	const char *p = buf;
	size_t head, middle;
	int r;

	if (f->direct < 0 || len < DIRECT_MIN + DIRECT_ALIGN)
		return write_cached(f, off, p, len, e);
	head = (size_t)(-off % DIRECT_ALIGN);
	middle = (len - head) & ~(size_t)(DIRECT_ALIGN - 1);
	r = write_cached(f, off, p, head, e);
	if (r == 0)
		r = write_direct(f, off + head, p + head, middle, e);
	return r < 0 ? r : write_cached(f, off + head + middle, p + head + middle,
					len - head - middle, e);
}

/* Files only: what a disk makes of such a request, and how slowly, can't be
 * known. */
static int fd_zero(struct blkdev *d, uint64_t off, uint64_t len)
{
	struct dev_fd *f = (struct dev_fd *)d;

	if (f->can_punch &&
	    fallocate(f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		      (off_t)off, (off_t)len) == 0)
		return 0;
	f->can_punch = 0;
	return 1;
}

static int fd_discard(struct blkdev *d, uint64_t off, uint64_t len)
{
	struct dev_fd *f = (struct dev_fd *)d;
	uint64_t range[2] = { off, len };

	return f->is_file ? fd_zero(d, off, len) : ioctl(f->fd, BLKDISCARD, range) < 0;
}

/* A disk that can't do it by itself is written to by the kernel. */
static int fd_erase(struct blkdev *d, uint64_t off, uint64_t len)
{
	struct dev_fd *f = (struct dev_fd *)d;
	uint64_t range[2] = { off, len };

	return f->is_file ? fd_zero(d, off, len) : ioctl(f->fd, BLKZEROOUT, range) < 0;
}

static int fd_flush(struct blkdev *d, struct err *e)
{
	if (fsync(((struct dev_fd *)d)->fd) < 0)
		return err_sys(e, errno,
			       "%s: the disk did not confirm that everything is written",
			       d->name);
	return 0;
}

static void fd_will_need(struct blkdev *d, uint64_t off, uint64_t len)
{
	if (!in_hole((struct dev_fd *)d, off, len))
		posix_fadvise(((struct dev_fd *)d)->fd, (off_t)off, (off_t)len,
			      POSIX_FADV_WILLNEED);
}

static void fd_forget(struct blkdev *d)
{
	posix_fadvise(((struct dev_fd *)d)->fd, 0, 0, POSIX_FADV_DONTNEED);
}

static void fd_close(struct blkdev *d)
{
	no_direct((struct dev_fd *)d);
	close(((struct dev_fd *)d)->fd);
}

static const struct blkdev_ops ro_ops = {
	.read = fd_read, .will_need = fd_will_need, .careful = fd_careful,
	.close = fd_close,
};
static const struct blkdev_ops rw_ops = {
	.read = fd_read, .write = fd_write, .zero = fd_zero, .discard = fd_discard,
	.erase = fd_erase, .flush = fd_flush, .will_need = fd_will_need,
	.forget = fd_forget, .close = fd_close,
};

/* Owns fd from here on, also when it fails. */
static int from_fd(int fd, const char *path, const struct stat *st,
		   const struct blkdev_ops *ops, struct blkdev **ret,
		   struct err *e)
{
	uint64_t size = (uint64_t)st->st_size;
	int lss = 512;
	unsigned int pss = 512;
	struct dev_fd *f;

	if (S_ISBLK(st->st_mode)) {
		if (ioctl(fd, BLKGETSIZE64, &size) < 0 ||
		    ioctl(fd, BLKSSZGET, &lss) < 0) {
			err_sys(e, errno, "%s: asking for its size", path);
			close(fd);
			return e ? e->code : ERR_IO;
		}
		if (ioctl(fd, BLKPBSZGET, &pss) < 0)
			pss = (unsigned int)lss;
	} else if (!S_ISREG(st->st_mode)) {
		close(fd);
		return err_set(e, ERR_USAGE,
			       "%s is neither a block device nor a regular file",
			       path);
	}
	f = dev_new(sizeof *f, ops, size, e, "%s", path);
	if (!f) {
		close(fd);
		return ERR_NOMEM;
	}
	f->fd = fd;
	f->direct = -1;
	f->is_file = S_ISREG(st->st_mode);
	f->sparse = S_ISREG(st->st_mode) && !ops->write;
	f->can_punch = S_ISREG(st->st_mode) && ops->write;
	f->d.sector_size = (uint32_t)lss;
	f->d.phys_size = pss;
	*ret = &f->d;
	return 0;
}

int dev_open_ro(const char *path, struct blkdev **ret, struct err *e)
{
	struct stat st;
	int fd;

	/* opening a FIFO would wait for its other end */
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_set(e, ERR_USAGE,
			       "%s is neither a block device nor a regular file",
			       path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno, "%s: cannot be opened for reading", path);
	if (fstat(fd, &st) < 0) {
		err_sys(e, errno, "%s", path);
		close(fd);
		return ERR_IO;
	}
	return from_fd(fd, path, &st, &ro_ops, ret, e);
}

/* A disk that has a cache of its own and says so: it takes one write after the other
 * without our waiting for its medium. */
static int has_write_cache(dev_t dev)
{
	char text[32];

	/* a partition has its disk's */
	if (sysfs_text(text, sizeof text, "/sys/dev/block/%u:%u/queue/write_cache", major(dev), minor(dev)) < 0)
		sysfs_text(text, sizeof text, "/sys/dev/block/%u:%u/../queue/write_cache", major(dev), minor(dev));
	return !strcmp(text, "write back");
}

/* Best effort: without it the page cache is written to. */
static void open_direct(struct dev_fd *f, const char *path, const struct stat *st)
{
	struct stat again;

	if (f->is_file || !has_write_cache(st->st_rdev))
		return;
	f->direct = open(path, O_WRONLY | O_DIRECT | O_CLOEXEC);
	f->piece = aligned_alloc(DIRECT_ALIGN, DIRECT_PIECE);
	if (f->direct < 0 || !f->piece || fstat(f->direct, &again) < 0 ||
	    !S_ISBLK(again.st_mode) || again.st_rdev != st->st_rdev)
		no_direct(f);
}

static int open_rw(const struct write_token *t, int flags, struct blkdev **ret,
		   struct err *e)
{
	struct stat st;
	int fd = open(t->path, O_RDWR | O_CLOEXEC | flags), r;

	if (fd < 0)
		return err_sys(e, errno, "%s: cannot be opened for writing",
			       t->path);
	if (fstat(fd, &st) < 0) {
		err_sys(e, errno, "%s", t->path);
		close(fd);
		return ERR_IO;
	}
	if (t->ino != st.st_ino ||
	    t->dev != (S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev)) {
		close(fd);
		return err_set(e, ERR_REFUSED,
			       "%s is not the disk that was confirmed any more; it was replaced meanwhile",
			       t->path);
	}
	/* O_EXCL says nothing about files; where there are no locks it's as it was */
	if (flags && S_ISREG(st.st_mode) && flock(fd, LOCK_EX | LOCK_NB) < 0 &&
	    errno == EWOULDBLOCK) {
		close(fd);
		return err_set(e, ERR_REFUSED, "%s is being written by another program", t->path);
	}
	r = from_fd(fd, t->path, &st, &rw_ops, ret, e);
	if (r == 0 && flags)
		open_direct((struct dev_fd *)*ret, t->path, &st);
	return r;
}

int dev_open_rw(const struct write_token *t, struct blkdev **ret, struct err *e)
{
	/* O_EXCL on a block device: the kernel refuses one that is mounted
	 * or held by dm, md or swap, whatever was checked before */
	return open_rw(t, O_EXCL, ret, e);
}

int dev_open_rw_shared(const struct write_token *t, struct blkdev **ret, struct err *e)
{
	return open_rw(t, 0, ret, e);
}
