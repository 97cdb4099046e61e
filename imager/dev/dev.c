/* dev.c: what all devices share: range checks and construction. */
#include "imager/dev/dev.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/checked.h"

void *dev_new(size_t obj_size, const struct blkdev_ops *ops, uint64_t size,
	      struct err *e, const char *name_fmt, ...)
{
	struct blkdev *d = calloc(1, obj_size);
	va_list ap;
	int n = -1;

	if (d) {
		va_start(ap, name_fmt);
		n = vasprintf(&d->name, name_fmt, ap);
		va_end(ap);
	}
	if (n < 0) {
		free(d);
		err_set(e, ERR_NOMEM, "out of memory for a device");
		return NULL;
	}
	d->ops = ops;
	d->size = size;
	d->sector_size = 512;
	d->phys_size = 512;
	return d;
}

static int outside(const struct blkdev *d, uint64_t off, size_t len,
		   const char *what, struct err *e)
{
	return err_set(e, ERR_IO,
		       "%s: %s of %zu bytes at offset %llu goes past the end (%llu bytes)",
		       d->name, what, len, (unsigned long long)off,
		       (unsigned long long)d->size);
}

int dev_read(struct blkdev *d, uint64_t off, void *buf, size_t len,
	     struct err *e)
{
	if (range_outside(off, len, d->size))
		return outside(d, off, len, "a read", e);
	return len ? d->ops->read(d, off, buf, len, e) : 0;
}

int dev_write(struct blkdev *d, uint64_t off, const void *buf, size_t len,
	      struct err *e)
{
	if (!d->ops->write)
		return err_set(e, ERR_REFUSED, "%s is opened read-only",
			       d->name);
	if (range_outside(off, len, d->size))
		return outside(d, off, len, "a write", e);
	return len ? d->ops->write(d, off, buf, len, e) : 0;
}

int dev_zero(struct blkdev *d, uint64_t off, uint64_t len)
{
	if (!d->ops->zero || range_outside(off, len, d->size))
		return 1;
	return d->ops->zero(d, off, len);
}

int dev_discard(struct blkdev *d, uint64_t off, uint64_t len)
{
	if (!d->ops->discard || range_outside(off, len, d->size))
		return 1;
	return d->ops->discard(d, off, len);
}

int dev_erase(struct blkdev *d, uint64_t off, uint64_t len)
{
	if (!d->ops->erase || range_outside(off, len, d->size))
		return 1;
	return d->ops->erase(d, off, len);
}

int dev_flush(struct blkdev *d, struct err *e)
{
	return d->ops->flush ? d->ops->flush(d, e) : 0;
}

void dev_will_need(struct blkdev *d, uint64_t off, uint64_t len)
{
	if (d->ops->will_need && !range_outside(off, len, d->size))
		d->ops->will_need(d, off, len);
}

void dev_forget(struct blkdev *d)
{
	if (d->ops->forget)
		d->ops->forget(d);
}

void dev_careful(struct blkdev *d, int on)
{
	if (d->ops->careful)
		d->ops->careful(d, on);
}

struct blkdev *dev_close(struct blkdev *d)
{
	if (!d)
		return NULL;
	if (d->ops->close)
		d->ops->close(d);
	free(d->name);
	free(d);
	return NULL;
}
