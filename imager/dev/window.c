/* window.c: a part of another device, for example a partition. */
#include "imager/dev/dev.h"
#include "common/checked.h"

struct dev_window {
	struct blkdev d;
	struct blkdev *parent;
	uint64_t start;
};

static int win_read(struct blkdev *d, uint64_t off, void *buf, size_t len,
		    struct err *e)
{
	struct dev_window *w = (struct dev_window *)d;

	return dev_read(w->parent, w->start + off, buf, len, e);
}

static int win_write(struct blkdev *d, uint64_t off, const void *buf,
		     size_t len, struct err *e)
{
	struct dev_window *w = (struct dev_window *)d;

	return dev_write(w->parent, w->start + off, buf, len, e);
}

static int win_flush(struct blkdev *d, struct err *e)
{
	return dev_flush(((struct dev_window *)d)->parent, e);
}

static void win_will_need(struct blkdev *d, uint64_t off, uint64_t len)
{
	struct dev_window *w = (struct dev_window *)d;

	dev_will_need(w->parent, w->start + off, len);
}

static const struct blkdev_ops ro_ops = {
	.read = win_read, .will_need = win_will_need,
};
static const struct blkdev_ops rw_ops = {
	.read = win_read, .write = win_write, .flush = win_flush,
	.will_need = win_will_need,
};

int dev_window(struct blkdev *parent, uint64_t off, uint64_t len,
	       struct blkdev **ret, struct err *e)
{
	struct dev_window *w;

	if (range_outside(off, len, parent->size))
		return err_set(e, ERR_CORRUPT,
			       "%s: a part of %llu bytes at offset %llu lies past its end (%llu bytes)",
			       parent->name, (unsigned long long)len,
			       (unsigned long long)off,
			       (unsigned long long)parent->size);
	w = dev_new(sizeof *w, parent->ops->write ? &rw_ops : &ro_ops, len, e,
		    "%s@%llu", parent->name, (unsigned long long)off);
	if (!w)
		return ERR_NOMEM;
	w->parent = parent;
	w->start = off;
	w->d.sector_size = parent->sector_size;
	w->d.phys_size = parent->phys_size;
	*ret = &w->d;
	return 0;
}
