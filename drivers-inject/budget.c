/* budget.c: see budget.h. */
#include "drivers-inject/budget.h"

struct budget {
	struct blkdev d;
	struct blkdev *parent;
	uint64_t bytes, reads;  /* left */
};

static int budget_read(struct blkdev *d, uint64_t off, void *buf, size_t len,
		       struct err *e)
{
	struct budget *b = (struct budget *)d;

	if (!b->reads || len > b->bytes)
		return err_set(e, ERR_CORRUPT, "%s: gave up: finding a file "
			       "took more reading than any sound file system "
			       "needs", d->name);
	b->reads--;
	b->bytes -= len;
	return dev_read(b->parent, off, buf, len, e);
}

static const struct blkdev_ops ops = { .read = budget_read };

int budget_open(struct blkdev *parent, uint64_t bytes, uint64_t reads,
		struct blkdev **ret, struct err *e)
{
	struct budget *b = dev_new(sizeof *b, &ops, parent->size, e, "%s",
				   parent->name);

	if (!b)
		return ERR_NOMEM;
	b->d.sector_size = parent->sector_size;
	b->d.phys_size = parent->phys_size;
	b->parent = parent;
	b->bytes = bytes;
	b->reads = reads;
	*ret = &b->d;
	return 0;
}
