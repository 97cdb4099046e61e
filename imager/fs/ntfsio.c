/* ntfsio.c: libntfs-3g's device operations, with bytes from a blkdev. */
#include "imager/fs/ntfsio.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <ntfs-3g/device.h>
#include "common/checked.h"

/* One mounted volume's device. */
struct ntfsio {
	struct blkdev *dev;
	uint64_t pos;           /* for seek, read and write                   */
	int writable;
	struct err last;        /* of what failed last; code 0: nothing       */
};

static int ntfsio_open(struct ntfs_device *dev, int flags)
{
	struct ntfsio *x = dev->d_private;

	if ((flags & O_ACCMODE) != O_RDONLY && !x->writable) {
		errno = EROFS;
		return -1;
	}
	if (NDevOpen(dev)) {
		errno = EBUSY;
		return -1;
	}
	NDevSetOpen(dev);
	if (!x->writable)
		NDevSetReadOnly(dev);
	return 0;
}

static int ntfsio_close(struct ntfs_device *dev)
{
	NDevClearOpen(dev);
	return 0;
}

/* As pread(2): short at the device's end, 0 beyond it. */
static s64 ntfsio_pread(struct ntfs_device *dev, void *buf, s64 count,
			s64 offset)
{
	struct ntfsio *x = dev->d_private;
	uint64_t off = (uint64_t)offset, len = (uint64_t)count;

	if (offset < 0 || count < 0) {
		errno = EINVAL;
		return -1;
	}
	if (off >= x->dev->size)
		return 0;
	if (len > x->dev->size - off)
		len = x->dev->size - off;
	if (dev_read(x->dev, off, buf, len, &x->last)) {
		errno = EIO;
		return -1;
	}
	return (s64)len;
}

static s64 ntfsio_read(struct ntfs_device *dev, void *buf, s64 count)
{
	struct ntfsio *x = dev->d_private;
	s64 n = ntfsio_pread(dev, buf, count, (s64)x->pos);

	if (n > 0)
		x->pos += (uint64_t)n;
	return n;
}

static s64 ntfsio_seek(struct ntfs_device *dev, s64 offset, int whence)
{
	struct ntfsio *x = dev->d_private;
	s64 base = 0, pos;

	if (whence == SEEK_CUR)
		base = (s64)x->pos;
	else if (whence == SEEK_END)
		base = (s64)x->dev->size;
	if (add_overflows(base, offset, &pos) || pos < 0) {
		errno = EINVAL;
		return -1;
	}
	x->pos = (uint64_t)pos;
	return pos;
}

static s64 ntfsio_pwrite(struct ntfs_device *dev, const void *buf, s64 count,
			 s64 offset)
{
	struct ntfsio *x = dev->d_private;

	if (!x->writable) {
		errno = EROFS;
		return -1;
	}
	if (offset < 0 || count < 0) {
		errno = EINVAL;
		return -1;
	}
	if (dev_write(x->dev, (uint64_t)offset, buf, (size_t)count, &x->last)) {
		errno = EIO;
		return -1;
	}
	return count;
}

static s64 ntfsio_write(struct ntfs_device *dev, const void *buf, s64 count)
{
	struct ntfsio *x = dev->d_private;
	s64 n = ntfsio_pwrite(dev, buf, count, (s64)x->pos);

	if (n > 0)
		x->pos += (uint64_t)n;
	return n;
}

static int ntfsio_sync(struct ntfs_device *dev)
{
	struct ntfsio *x = dev->d_private;

	if (x->writable && dev_flush(x->dev, &x->last)) {
		errno = EIO;
		return -1;
	}
	return 0;
}

static int ntfsio_stat(struct ntfs_device *dev, struct stat *st)
{
	struct ntfsio *x = dev->d_private;

	memset(st, 0, sizeof *st);
	st->st_mode = S_IFREG | (x->writable ? 0600 : 0400);
	st->st_size = (off_t)x->dev->size;
	return 0;
}

static int ntfsio_ioctl(struct ntfs_device *dev, unsigned long request,
			void *argp)
{
	(void)dev, (void)request, (void)argp;
	errno = EOPNOTSUPP;
	return -1;
}

/* libntfs-3g takes it by a pointer to non-const, and never writes to it. */
static struct ntfs_device_operations ntfsio_ops = {
	.open = ntfsio_open,
	.close = ntfsio_close,
	.seek = ntfsio_seek,
	.read = ntfsio_read,
	.write = ntfsio_write,
	.pread = ntfsio_pread,
	.pwrite = ntfsio_pwrite,
	.sync = ntfsio_sync,
	.stat = ntfsio_stat,
	.ioctl = ntfsio_ioctl,
};

static int ntfsio_tell(const struct ntfsio *x, int errnum, struct err *e,
		       const char *what)
{
	const char *name = x->dev->name;

	if (errnum == EIO && x->last.code)
		return err_set(e, x->last.code, "%s: %s: %.700s", name, what,
			       x->last.msg);
	switch (errnum) {
	case ENOENT:
		return err_set(e, ERR_NOT_FOUND, "%s: %s: not found", name,
			       what);
	case ENOMEM:
		return err_set(e, ERR_NOMEM, "%s: %s: out of memory", name,
			       what);
	case EOPNOTSUPP:
		return err_set(e, ERR_UNSUPPORTED,
			       "%s: %s: a feature of NTFS that is not known here",
			       name, what);
	default:
		return err_set(e, ERR_CORRUPT,
			       "%s: %s: the NTFS volume is damaged (%s)", name,
			       what, strerror(errnum));
	}
}

int ntfsio_err(ntfs_volume *vol, int errnum, struct err *e, const char *what)
{
	return ntfsio_tell(vol->dev->d_private, errnum, e, what);
}

/* The OEM id of every NTFS boot sector, at its byte 3. */
static int is_ntfs(struct blkdev *d, struct err *e)
{
	unsigned char id[8];
	int r;

	if (d->size < 512)
		return err_set(e, ERR_NOT_FOUND, "%s: too small for NTFS",
			       d->name);
	r = dev_read(d, 3, id, sizeof id, e);
	if (r)
		return r;
	if (memcmp(id, "NTFS    ", sizeof id))
		return err_set(e, ERR_NOT_FOUND, "%s: not an NTFS volume",
			       d->name);
	return 0;
}

static int mount_volume(struct blkdev *d, int writable, ntfs_volume **ret, struct err *e)
{
	struct ntfs_device *nd;
	struct ntfsio *x;
	ntfs_volume *vol;
	int r = is_ntfs(d, e);

	if (r)
		return r;
	x = calloc(1, sizeof *x);
	if (!x)
		return err_set(e, ERR_NOMEM, "%s: out of memory", d->name);
	x->dev = d;
	x->writable = writable;
	nd = ntfs_device_alloc(d->name, 0, &ntfsio_ops, x);
	if (!nd) {
		free(x);
		return err_set(e, ERR_NOMEM, "%s: out of memory", d->name);
	}
	/* a hiberfil.sys of no bytes is none, which the library doesn't know */
	vol = ntfs_device_mount(nd, writable ? NTFS_MNT_IGNORE_HIBERFILE : NTFS_MNT_RDONLY);
	if (!vol) {
		r = writable && (errno == EPERM || errno == EOPNOTSUPP) ?
			err_set(e, ERR_REFUSED, "%s: its $LogFile is not clean", d->name) :
			ntfsio_tell(x, errno, e, "opening the volume");
		ntfs_device_free(nd);
		free(x);
		return r;
	}
	*ret = vol;
	return 0;
}

int ntfsio_mount(struct blkdev *d, ntfs_volume **ret, struct err *e)
{
	return mount_volume(d, 0, ret, e);
}

int ntfsio_mount_rw(struct blkdev *d, ntfs_volume **ret, struct err *e)
{
	if (!d->ops->write)
		return err_set(e, ERR_REFUSED, "%s is opened read-only", d->name);
	return mount_volume(d, 1, ret, e);
}

int ntfsio_finish(ntfs_volume *vol, struct err *e)
{
	struct ntfsio *x = vol->dev->d_private;
	int r = 0;

	errno = EIO;
	/* the volume is gone in any case */
	if (ntfs_umount(vol, FALSE))
		r = ntfsio_tell(x, errno, e, "closing the volume");
	free(x);
	return r;
}

ntfs_volume *ntfsio_umount(ntfs_volume *vol)
{
	if (vol)
		(void)!ntfsio_finish(vol, NULL);
	return NULL;
}
