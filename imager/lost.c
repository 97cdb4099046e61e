/* lost.c: see lost.h. */
#include "imager/lost.h"
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "imager/fs/owner.h"

/* The disk has given what it had; but it shall not be worked for hours for names. */
#define SECONDS_MAX 60
/* Of the list of unreadable places so many are looked up. */
#define PLACES_MAX 10000
#define FILES_MAX 1000

struct naming {
	void (*say)(void *to, const struct lost_file *f);
	void *to;
	const struct map_region *region;
	char where[400];
	struct timespec since;
	size_t said;
};

/* ---- the disk as the image has it: zeros where it can't be read ---- */

struct zeroed {
	struct blkdev d;
	struct blkdev *disk;
	const struct byte_range *bad;
	size_t n;
};

static int zeroed_read(struct blkdev *d, uint64_t off, void *buf, size_t len, struct err *e)
{
	struct zeroed *z = (struct zeroed *)d;
	uint8_t *to = buf;
	size_t lo = 0, hi = z->n;

	while (lo < hi) { /* the first range that ends behind off */
		size_t mid = (lo + hi) / 2;

		if (z->bad[mid].off + z->bad[mid].len <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (len) {
		uint64_t next = lo < z->n ? z->bad[lo].off : UINT64_MAX;
		uint64_t end = next <= off ? next + z->bad[lo].len : next;
		size_t n = end - off < len ? (size_t)(end - off) : len;
		int r = 0;

		if (next <= off)
			memset(to, 0, n);
		else
			r = dev_read(z->disk, off, to, n, e);
		if (r < 0)
			return r;
		lo += next <= off;
		off += n;
		to += n;
		len -= n;
	}
	return 0;
}

static const struct blkdev_ops zeroed_ops = { .read = zeroed_read };

static struct blkdev *zeroed_new(struct blkdev *disk, const struct byte_range *bad, size_t n)
{
	struct zeroed *z = dev_new(sizeof *z, &zeroed_ops, disk->size, NULL, "%s", disk->name);

	if (!z)
		return NULL;
	z->disk = disk;
	z->bad = bad;
	z->n = n;
	z->d.sector_size = disk->sector_size;
	z->d.phys_size = disk->phys_size;
	return &z->d;
}

/* ---- names ---- */

static int over(void *ctx)
{
	const struct naming *n = ctx;
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec - n->since.tv_sec > SECONDS_MAX;
}

static void say_one(void *ctx, const struct fs_owner *o)
{
	struct naming *n = ctx;

	if (n->said++ < FILES_MAX)
		n->say(n->to, &(struct lost_file){ o->path, o->what, n->where,
						   n->region->start + o->off, o->len });
}

/* The part of bad that lies in the region, from its start. */
static int places_in(const struct map_region *r, const struct byte_range *bad, size_t n,
		     struct ranges *ret)
{
	uint64_t end = r->start + r->size;

	for (size_t i = 0; i < n && i < PLACES_MAX; i++) {
		uint64_t a = bad[i].off > r->start ? bad[i].off : r->start;
		uint64_t b = bad[i].off + bad[i].len < end ? bad[i].off + bad[i].len : end;

		if (a < b && ranges_add(ret, a - r->start, b - r->start, NULL) < 0)
			return -1;
	}
	ranges_sort(ret);
	return 0;
}

static int owners(struct blkdev *disk, struct naming *n, const struct ranges *places)
{
	static const struct {
		const char *reader;
		int (*owners)(struct blkdev *d, const struct owner_query *q, struct err *e);
	} table[] = { { "ext", ext_owners }, { "ntfs", ntfs_owners } };
	const struct map_region *r = n->region;
	struct owner_query q = { places, say_one, over, n };
	struct blkdev *w;
	int ret = -1;

	/* what was taken whole by doubt may still be readable so far; its reader is
	 * known by the type only */
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (strncmp(r->fs.type, table[i].reader, strlen(table[i].reader)))
			continue;
		if (dev_window(disk, r->start, r->size, &w, NULL) < 0)
			return -1;
		ret = table[i].owners(w, &q, NULL);
		dev_close(w);
	}
	return ret;
}

void lost_name(void *ctx, const struct byte_range *bad, size_t n_bad,
	       void (*say)(void *to, const struct lost_file *f), void *to)
{
	const struct lost *l = ctx;
	struct naming n = { .say = say, .to = to };
	struct blkdev *disk = zeroed_new(l->disk, bad, n_bad);

	if (!disk)
		return;
	clock_gettime(CLOCK_MONOTONIC, &n.since);
	for (size_t i = 0; i < l->map->n_regions; i++) {
		const struct map_region *r = &l->map->regions[i];
		struct ranges places = { 0 };
		size_t before = n.said;

		n.region = r;
		snprintf(n.where, sizeof n.where, "%s%s%s", r->fs.type, *r->fs.type ? ", " : "", r->what);
		if (places_in(r, bad, n_bad, &places) == 0 && places.n &&
		    (owners(disk, &n, &places) < 0 || n.said == before))
			say_one(&n, &(struct fs_owner){ NULL, !r->part ? "no file" : !*r->fs.type ?
				"what no file system was seen in" : "something that isn't looked into",
				places.v[0].start, ranges_bytes(&places) });
		ranges_done(&places);
	}
	dev_close(disk);
}
