/* imgdev.c: see imgdev.h. */
#include "imager/imgdev.h"

struct dev_img {
	struct blkdev d;
	struct image *im;
};

static int img_read(struct blkdev *d, uint64_t off, void *buf, size_t len,
		    struct err *e)
{
	return image_read(((struct dev_img *)d)->im, off, buf, len, e);
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
