/* cutdev.h: a device in memory that fails at its n-th write: once, as a process
 * that was killed, or as a disk that lost power (what wasn't flushed may be there
 * or not, sector by sector). */
#ifndef REHOST_TEST_CUTDEV_H
#define REHOST_TEST_CUTDEV_H
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "imager/dev/dev.h"

enum cut_how { CUT_NEVER, CUT_FAIL_ONCE, CUT_KILL, CUT_POWER };

struct cutdev {
	struct blkdev d;
	enum cut_how how;
	uint64_t at, writes;    /* the write that fails, from 1; those seen   */
	uint64_t luck;          /* another number, other sectors that got through */
	uint64_t seed;
	int off;                /* no write reaches it any more               */
	uint8_t *now;           /* as the program sees it                     */
	uint8_t *disk;          /* as it is when the power comes back         */
	uint8_t *unflushed;     /* one byte a sector of 512                   */
};

static inline int cut_read(struct blkdev *d, uint64_t off, void *buf, size_t len, struct err *e)
{
	(void)e;
	memcpy(buf, ((struct cutdev *)d)->now + off, len);
	return 0;
}

static inline uint64_t cut_random(struct cutdev *c)
{
	c->seed ^= c->seed << 13;
	c->seed ^= c->seed >> 7;
	c->seed ^= c->seed << 17;
	return c->seed;
}

/* What has reached the disk: with CUT_POWER some of what wasn't flushed. */
static inline void cut_settle(struct cutdev *c, int all)
{
	for (uint64_t s = 0; s < c->d.size / 512; s++) {
		if (c->unflushed[s] && (all || cut_random(c) & 1))
			memcpy(c->disk + s * 512, c->now + s * 512, 512);
		c->unflushed[s] = 0;
	}
}

static inline int cut_write(struct blkdev *d, uint64_t off, const void *buf, size_t len,
			    struct err *e)
{
	struct cutdev *c = (struct cutdev *)d;
	int hit = !c->off && ++c->writes == c->at && c->how != CUT_NEVER;

	if (hit && c->how == CUT_POWER) {
		/* the write itself may be torn */
		memcpy(c->now + off, buf, len);
		memset(c->unflushed + off / 512, 1, (off + len + 511) / 512 - off / 512);
		cut_settle(c, 0);
	}
	if (hit && c->how != CUT_FAIL_ONCE)
		c->off = 1;
	if (hit || c->off)
		return err_set(e, ERR_IO, "%s: writing at offset %llu: Input/output error", d->name,
			       (unsigned long long)off);
	memcpy(c->now + off, buf, len);
	memset(c->unflushed + off / 512, 1, (off + len + 511) / 512 - off / 512);
	return 0;
}

static inline int cut_flush(struct blkdev *d, struct err *e)
{
	struct cutdev *c = (struct cutdev *)d;

	if (c->off)
		return err_set(e, ERR_IO, "%s: flush: Input/output error", d->name);
	if (c->how == CUT_POWER)
		cut_settle(c, 1);
	return 0;
}

static const struct blkdev_ops cut_ops = { .read = cut_read, .write = cut_write,
					   .flush = cut_flush };
static const struct blkdev_ops cut_ro_ops = { .read = cut_read };

static inline void cut_new(struct cutdev *c, size_t size)
{
	*c = (struct cutdev){ .d = { .ops = &cut_ops, .size = size, .sector_size = 512,
				     .phys_size = 512, .name = (char *)"cutdev" } };
	c->now = calloc(1, size);
	c->disk = calloc(1, size);
	c->unflushed = calloc(1, size / 512 + 1);
	if (!c->now || !c->disk || !c->unflushed)
		abort();
}

static inline void cut_free(struct cutdev *c)
{
	free(c->now);
	free(c->disk);
	free(c->unflushed);
}

/* The bytes as they were, and what shall go wrong. */
static inline void cut_begin(struct cutdev *c, const uint8_t *bytes, enum cut_how how, uint64_t at)
{
	memcpy(c->now, bytes, c->d.size);
	memcpy(c->disk, bytes, c->d.size);
	memset(c->unflushed, 0, c->d.size / 512);
	c->how = how;
	c->at = at;
	c->seed = 88172645463325252ull + at * 7919 + c->luck * 104729;
	c->writes = 0;
	c->off = 0;
}

/* The machine starts again: whatever reached the disk, and nothing fails. */
static inline void cut_restart(struct cutdev *c)
{
	if (c->how == CUT_POWER && c->off)
		memcpy(c->now, c->disk, c->d.size);
	c->how = CUT_NEVER;
	c->off = 0;
}
#endif
