/* join.c: devices one behind the other, as one; read-only. */
#include "imager/dev/dev.h"
#include <stdlib.h>
#include <string.h>

struct dev_join {
	struct blkdev d;
	struct blkdev **v;
	size_t n;
};

/* The device that holds byte *off, which becomes that device's own. */
static struct blkdev *find(const struct dev_join *j, uint64_t *off)
{
	for (size_t i = 0; i < j->n; i++) {
		if (*off < j->v[i]->size)
			return j->v[i];
		*off -= j->v[i]->size;
	}
	return NULL;
}

static int join_read(struct blkdev *d, uint64_t off, void *buf, size_t len, struct err *e)
{
	uint8_t *out = buf;

	while (len) {
		uint64_t at = off;
		struct blkdev *one = find((struct dev_join *)d, &at);
		size_t n;
		int r;

		if (!one)
			return err_set(e, ERR_IO, "%s: byte %llu lies past its end", d->name, (unsigned long long)off);
		n = one->size - at < len ? (size_t)(one->size - at) : len;
		r = dev_read(one, at, out, n, e);
		if (r < 0)
			return r;
		out += n;
		off += n;
		len -= n;
	}
	return 0;
}

static void join_will_need(struct blkdev *d, uint64_t off, uint64_t len)
{
	struct blkdev *one = find((struct dev_join *)d, &off);

	if (one)
		dev_will_need(one, off, len < one->size - off ? len : one->size - off);
}

static void join_close(struct blkdev *d)
{
	free(((struct dev_join *)d)->v);
}

static const struct blkdev_ops join_ops = {
	.read = join_read, .will_need = join_will_need, .close = join_close,
};

int dev_join(struct blkdev *const *v, size_t n, struct blkdev **ret, struct err *e)
{
	struct dev_join *j;
	uint64_t size = 0;

	for (size_t i = 0; i < n; i++)
		size += v[i]->size;
	j = dev_new(sizeof *j, &join_ops, size, e, "%s", v[0]->name);
	if (!j)
		return ERR_NOMEM;
	j->n = n;
	j->v = malloc(n * sizeof *v);
	if (!j->v) {
		dev_close(&j->d);
		return err_set(e, ERR_NOMEM, "out of memory for several disks");
	}
	memcpy(j->v, v, n * sizeof *v);
	j->d.sector_size = v[0]->sector_size;
	j->d.phys_size = v[0]->phys_size;
	*ret = &j->d;
	return 0;
}
