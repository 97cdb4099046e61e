/* fault.c: a device with one unreadable range, for tests. */
#include "imager/dev/dev.h"

struct dev_fault {
	struct blkdev d;
	struct blkdev *parent;
	uint64_t bad_off, bad_len;
};

static int fault_read(struct blkdev *d, uint64_t off, void *buf, size_t len,
		      struct err *e)
{
	struct dev_fault *f = (struct dev_fault *)d;

	if (off < f->bad_off + f->bad_len && f->bad_off < off + len)
		return err_set(e, ERR_IO,
			       "%s: reading %zu bytes at offset %llu: Input/output error",
			       d->name, len,
			       (unsigned long long)(off > f->bad_off ? off : f->bad_off));
	return dev_read(f->parent, off, buf, len, e);
}

static const struct blkdev_ops ops = { .read = fault_read };

int dev_fault(struct blkdev *parent, uint64_t bad_off, uint64_t bad_len,
	      struct blkdev **ret, struct err *e)
{
	struct dev_fault *f = dev_new(sizeof *f, &ops, parent->size, e,
				      "%s(fault)", parent->name);

	if (!f)
		return ERR_NOMEM;
	f->parent = parent;
	f->bad_off = bad_off;
	f->bad_len = bad_len;
	f->d.sector_size = parent->sector_size;
	f->d.phys_size = parent->phys_size;
	*ret = &f->d;
	return 0;
}
