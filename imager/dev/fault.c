/* fault.c: a device that can't be read everywhere, or not always, for tests. */
#include <stdlib.h>
#include <unistd.h>
#include "imager/dev/dev.h"

struct dev_fault {
	struct blkdev d;
	struct blkdev *parent;
	const struct fault_plan *plan;
	unsigned int *failed;     /* how often, by range                        */
	uint64_t reads;
	/* dev_fault()'s plan */
	struct fault_plan own_plan;
	struct fault_range own_range;
};

/* 1: this read fails; *at: where. */
static int fails(struct dev_fault *f, uint64_t off, size_t len, uint64_t *at)
{
	const struct fault_plan *p = f->plan;
	uint64_t n = ++f->reads;

	*at = off;
	if (p->vanish_at && n >= p->vanish_at &&
	    (!p->vanish_for || n - p->vanish_at < p->vanish_for))
		return 1;
	for (size_t i = 0; i < p->n; i++) {
		const struct fault_range *r = &p->ranges[i];

		if (off >= r->off + r->len || r->off >= off + len)
			continue;
		if (r->times && f->failed[i] >= r->times)
			continue;
		f->failed[i]++;
		*at = off > r->off ? off : r->off;
		return 1;
	}
	return 0;
}

static int fault_read(struct blkdev *d, uint64_t off, void *buf, size_t len,
		      struct err *e)
{
	struct dev_fault *f = (struct dev_fault *)d;
	uint64_t at;
	int bad = fails(f, off, len, &at);

	if (f->plan->seen)
		f->plan->seen(f->plan->ctx, off, len, bad);
	if (!bad)
		return dev_read(f->parent, off, buf, len, e);
	if (f->plan->slow_us)
		usleep(f->plan->slow_us);
	return err_set(e, ERR_IO, "%s: reading %zu bytes at offset %llu: Input/output error",
		       d->name, len, (unsigned long long)at);
}

static void fault_close(struct blkdev *d)
{
	free(((struct dev_fault *)d)->failed);
}

static const struct blkdev_ops ops = { .read = fault_read, .close = fault_close };

int dev_faults(struct blkdev *parent, const struct fault_plan *plan,
	       struct blkdev **ret, struct err *e)
{
	struct dev_fault *f = dev_new(sizeof *f, &ops, parent->size, e,
				      "%s(fault)", parent->name);

	if (!f)
		return ERR_NOMEM;
	f->parent = parent;
	f->plan = plan;
	f->d.sector_size = parent->sector_size;
	f->d.phys_size = parent->phys_size;
	f->failed = calloc(plan->n + 1, sizeof *f->failed);
	if (!f->failed) {
		dev_close(&f->d);
		return err_set(e, ERR_NOMEM, "out of memory for a device");
	}
	*ret = &f->d;
	return 0;
}

int dev_fault(struct blkdev *parent, uint64_t bad_off, uint64_t bad_len,
	      struct blkdev **ret, struct err *e)
{
	const struct fault_plan one = { .n = 1 };
	struct dev_fault *f;
	int r = dev_faults(parent, &one, ret, e);

	if (r < 0)
		return r;
	f = (struct dev_fault *)*ret;
	f->own_range = (struct fault_range){ .off = bad_off, .len = bad_len };
	f->own_plan = (struct fault_plan){ .ranges = &f->own_range, .n = 1 };
	f->plan = &f->own_plan;
	return 0;
}
