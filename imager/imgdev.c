/* imgdev.c: see imgdev.h. */
#include "imager/imgdev.h"

struct dev_img {
	struct blkdev d;
	struct image *im;
	struct err unread;
};

static int img_read(struct blkdev *d, uint64_t off, void *buf, size_t len,
		    struct err *e)
{
	struct dev_img *f = (struct dev_img *)d;
	struct err why;
	int r = image_read(f->im, off, buf, len, &why);

	if (r < 0 && e)
		*e = why;
	if (r == ERR_IO)
		f->unread = why;
	return r;
}

static const struct blkdev_ops ops = { .read = img_read };

int dev_image(struct image *im, const char *file_name, struct blkdev **ret,
	      struct err *e)
{
	const struct image_params *p = image_params(im);
	struct dev_img *d = dev_new(sizeof *d, &ops, p->disk_size, e,
				    "the disk in %s", file_name);

	if (!d)
		return ERR_NOMEM;
	d->im = im;
	d->d.sector_size = d->d.phys_size = p->sector_size;
	*ret = &d->d;
	return 0;
}

int dev_image_unread(const struct blkdev *d, struct err *e)
{
	const struct err *why = &((const struct dev_img *)d)->unread;

	return why->code ? err_set(e, why->code, "%s", why->msg) : 0;
}
