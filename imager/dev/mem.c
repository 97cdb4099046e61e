/* mem.c: memory as a blkdev (tests, fuzzing). */
#include "imager/dev/dev.h"
#include <string.h>

struct dev_mem {
	struct blkdev d;
	unsigned char *bytes;
};

static int mem_read(struct blkdev *d, uint64_t off, void *buf, size_t len,
		    struct err *e)
{
	(void)e;
	memcpy(buf, ((struct dev_mem *)d)->bytes + off, len);
	return 0;
}

static int mem_write(struct blkdev *d, uint64_t off, const void *buf,
		     size_t len, struct err *e)
{
	(void)e;
	memcpy(((struct dev_mem *)d)->bytes + off, buf, len);
	return 0;
}

static const struct blkdev_ops ro_ops = { .read = mem_read };
static const struct blkdev_ops rw_ops = { .read = mem_read,
					  .write = mem_write };

int dev_mem(void *bytes, size_t len, int writable, struct blkdev **ret,
	    struct err *e)
{
	struct dev_mem *m = dev_new(sizeof *m, writable ? &rw_ops : &ro_ops,
				    len, e, "memory");

	if (!m)
		return ERR_NOMEM;
	m->bytes = bytes;
	*ret = &m->d;
	return 0;
}
