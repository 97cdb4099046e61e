/* ntfsroom.c: see ntfsroom.h. */
#include "imager/fs/ntfsroom.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <ntfs-3g/attrib.h>
#include "common/cleanup.h"

#define CHUNK (64u << 10)       /* bytes of $Bitmap that are looked at at once */
#define BOOT_SIZE 8192u         /* $Boot has 16 sectors of 512, or 2 of 4096  */

static uint64_t le(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | p[n];
	return v;
}

/* A granule (redo.h) that holds the mark must hold nothing that an edit writes,
 * so behind the clusters only where they end at the end of one. */
int ntfs_mark_places(struct blkdev *d, uint64_t ret[NTFS_MARKS_MAX], size_t *ret_n,
		     struct err *e)
{
	uint8_t b[512];
	uint64_t sector, sectors, cluster;
	int r = dev_read(d, 0, b, sizeof b, e);

	*ret_n = 0;
	if (r)
		return r;
	sector = le(b + 0x0b, 2);
	sectors = le(b + 0x28, 8);
	cluster = b[0x0d] > 128 ? 1ull << (256 - b[0x0d]) % 64 : b[0x0d];
	if (sector < 512 || sector > 4096 || sector & (sector - 1) || !cluster ||
	    cluster & (cluster - 1) || cluster * sector > 2u << 20 || sectors > d->size / sector ||
	    sectors * sector < 2 * BOOT_SIZE)
		return err_set(e, ERR_CORRUPT, "%s: the NTFS boot sector is damaged", d->name);
	if (cluster * sector >= REDO_GRANULE && sectors % cluster)
		ret[(*ret_n)++] = sectors * sector - REDO_MARK_SIZE;
	ret[(*ret_n)++] = BOOT_SIZE - REDO_MARK_SIZE;
	return 0;
}

int ntfs_mark_choose(struct blkdev *d, uint64_t *ret, struct err *e)
{
	static const uint8_t zeros[REDO_MARK_SIZE];
	uint64_t at[NTFS_MARKS_MAX];
	size_t n;
	int r = ntfs_mark_places(d, at, &n, e);

	for (size_t i = 0; !r && i < n; i++) {
		uint8_t now[REDO_MARK_SIZE];

		r = dev_read(d, at[i], now, sizeof now, e);
		if (!r && !memcmp(now, zeros, sizeof now)) {
			*ret = at[i];
			return 0;
		}
	}
	return r ? r : err_set(e, ERR_UNSUPPORTED, "%s: another program uses the last sectors of its boot "
			       "area: there is no safe place for the mark that an interrupted edit needs",
			       d->name);
}

/* ---- free clusters ---- */

struct room {
	uint64_t cluster;       /* bytes of one                              */
	uint64_t need, have;    /* bytes                                     */
	struct redo_extent *v;
	size_t n;
};

/* Whole granules of a run of clusters: what else lies in one may be written home, and
 * with it the bytes that this room had before the log. */
static struct redo_extent granules(const struct room *r, uint64_t first, uint64_t clusters)
{
	uint64_t from = (first * r->cluster + REDO_GRANULE - 1) / REDO_GRANULE * REDO_GRANULE;
	uint64_t to = (first + clusters) * r->cluster / REDO_GRANULE * REDO_GRANULE;

	return (struct redo_extent){ from, to > from ? to - from : 0 };
}

/* A free run, or its end if that is enough; when the list is full it takes the place of
 * the smallest. */
static void add(struct room *r, uint64_t first, uint64_t clusters)
{
	struct redo_extent x = granules(r, first, clusters);
	size_t at = r->n, least = 0;
	uint64_t spare;

	if (at == REDO_EXTENTS_MAX) {
		for (size_t i = 1; i < r->n; i++)
			if (r->v[i].len < r->v[least].len)
				least = i;
		if (x.len <= r->v[least].len)
			return;
		at = least;
		r->have -= r->v[at].len;
	} else if (x.len) {
		r->n++;
	} else {
		return;
	}
	spare = x.len > r->need - r->have ? x.len - (r->need - r->have) : 0;
	r->v[at] = (struct redo_extent){ x.off + spare, x.len - spare };
	r->have += r->v[at].len;
}

/* The bits [from, to) of used, which begins at from; downwards. */
static void scan(struct room *r, const uint8_t *used, uint64_t from, uint64_t to)
{
	uint64_t end = to;

	for (uint64_t c = to; c > from && r->have < r->need; c--) {
		uint64_t bit = c - 1 - from;
		int taken = used[bit / 8] >> bit % 8 & 1;

		if (taken && end > c)
			add(r, c, end - c);
		if (taken)
			end = c - 1;
	}
	if (end > from && r->have < r->need)
		add(r, from, end - from);
}

static int read_bits(ntfs_volume *vol, uint64_t at, size_t len, uint8_t *buf, struct err *e)
{
	errno = EIO;
	return ntfs_attr_pread(vol->lcnbmp_na, (s64)at, (s64)len, buf) == (s64)len ? 0 :
		ntfsio_err(vol, errno, e, "reading $Bitmap");
}

int ntfs_room(ntfs_volume *vol, struct blkdev *redo, uint64_t need,
	      struct redo_extent ret[REDO_EXTENTS_MAX], size_t *ret_n, struct err *e)
{
	cleanup_free uint8_t *now = malloc(2 * CHUNK);
	struct room room = { .cluster = vol->cluster_size, .v = ret };
	uint64_t unit = room.cluster > REDO_GRANULE ? room.cluster : REDO_GRANULE;
	uint64_t bytes = ((uint64_t)vol->nr_clusters + 7) / 8;
	int r = 0;

	if (!now)
		return err_set(e, ERR_NOMEM, "out of memory");
	room.need = (need + unit - 1) / unit * unit;
	for (uint64_t end = bytes; !r && end && room.have < room.need;) {
		size_t len = end > CHUNK ? CHUNK : (size_t)end;
		uint64_t at = end - len, to = end * 8;

		r = read_bits(vol, at, len, now, e);
		dev_redo_below(redo, 1);
		if (!r)
			r = read_bits(vol, at, len, now + CHUNK, e);
		dev_redo_below(redo, 0);
		for (size_t i = 0; i < len; i++)
			now[i] |= now[CHUNK + i];
		if (!r)
			scan(&room, now, at * 8, to < (uint64_t)vol->nr_clusters ? to :
			     (uint64_t)vol->nr_clusters);
		end = at;
	}
	if (!r && room.have < room.need)
		r = err_set(e, ERR_NOSPACE, "%s: too little free room: %llu KiB are needed%s; remove something "
			    "in Windows", redo->name, (unsigned long long)room.need / 1024,
			    room.n == REDO_EXTENTS_MAX ? " in large pieces" : "");
	*ret_n = room.n;
	return r;
}

int ntfs_was_free(void *ctx, uint64_t off, uint32_t len, int *ret, struct err *e)
{
	const struct ntfs_free *f = ctx;
	uint64_t first = off / f->vol->cluster_size;
	uint64_t last = (off + len - 1) / f->vol->cluster_size;
	int r = 0;

	*ret = last < (uint64_t)f->vol->nr_clusters;
	dev_redo_below(f->redo, 1);
	for (uint64_t c = first; !r && *ret && c <= last; c++) {
		uint8_t bits = 0;

		r = read_bits(f->vol, c / 8, 1, &bits, e);
		*ret = !(bits >> c % 8 & 1);
	}
	dev_redo_below(f->redo, 0);
	return r;
}
