/* exfat-vol.c: an exFAT volume's boot region, and its chains of clusters. */
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "imager/fs/exfat.h"

#define FAT_END 0xffffffffu

int exfat_damaged(struct err *e, const char *what)
{
	return err_set(e, ERR_CORRUPT,
		       "the exFAT file system is damaged (%s); run chkdsk or fsck.exfat on it",
		       what);
}

static int geometry(struct exfat *x, struct err *e)
{
	const struct exfat_boot_disk *b = &x->b;
	uint64_t fat = le32_get(b->fat_offset), fat_n = le32_get(b->fat_sectors);
	uint64_t heap = le32_get(b->heap_offset), n = le64_get(b->sectors);

	if (b->sector_shift < 9 || b->sector_shift > 12 || b->cluster_shift > 25 - b->sector_shift)
		return exfat_damaged(e, "sizes of sectors and clusters");
	if (le16_get(b->revision) >> 8 != 1)
		return err_set(e, ERR_UNSUPPORTED, "exFAT of revision %u.%02u is not known",
			       le16_get(b->revision) >> 8, le16_get(b->revision) & 0xff);
	x->sector_size = 1u << b->sector_shift;
	x->cluster_size = x->sector_size << b->cluster_shift;
	x->clusters = le32_get(b->clusters);
	if (n > UINT64_MAX / x->sector_size || fat < 2 * EXFAT_BOOT_SECTORS || fat + fat_n > heap ||
	    heap > n || !x->clusters || x->clusters > (n - heap) >> b->cluster_shift ||
	    (x->clusters + 2) * 4 > fat_n * x->sector_size)
		return exfat_damaged(e, "where FAT and clusters lie");
	x->size = n * x->sector_size;
	x->fat_start = fat * x->sector_size;
	x->fat_size = fat_n * x->sector_size;
	x->heap = heap * x->sector_size;
	return 0;
}

int exfat_load(struct blkdev *d, struct exfat *x, struct err *e)
{
	int r;

	memset(x, 0, sizeof *x);
	x->d = d;
	if (d->size < 512)
		return FS_NOT_MINE;
	r = dev_read(d, 0, &x->b, sizeof x->b, e);
	if (r < 0)
		return r;
	if (memcmp(x->b.jump, "\xeb\x76\x90" "EXFAT   ", 11))
		return FS_NOT_MINE;
	return geometry(x, e);
}

/* The last sector of the boot region repeats the sum of the others, where flags
 * and the percentage in use don't count. */
int exfat_check_boot(struct exfat *x, struct err *e)
{
	size_t n = (size_t)(EXFAT_BOOT_SECTORS - 1) * x->sector_size;
	cleanup_free uint8_t *b = malloc(n + x->sector_size);
	uint32_t sum = 0;
	int r;

	if (!b)
		return err_set(e, ERR_NOMEM, "out of memory for the boot region");
	r = dev_read(x->d, 0, b, n + x->sector_size, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (i != 0x6a && i != 0x6b && i != 0x70)
			sum = (sum << 31 | sum >> 1) + b[i];
	for (size_t i = 0; i < x->sector_size; i += 4) {
		le32 v;

		memcpy(&v, b + n + i, 4);
		if (le32_get(v) != sum)
			return exfat_damaged(e, "the checksum of its boot region");
	}
	return 0;
}

int exfat_entry(struct exfat *x, uint64_t cluster, uint32_t *ret, struct err *e)
{
	uint64_t off = cluster * 4;
	le32 v;

	if (!x->window_len || off < x->window || off - x->window >= x->window_len) {
		uint64_t at = off - off % EXFAT_WINDOW, left = x->fat_size - at;
		size_t len = left < EXFAT_WINDOW ? (size_t)left : EXFAT_WINDOW;
		int r;

		x->window_len = 0;
		r = dev_read(x->d, x->fat_start + at, x->buf, len, e);
		if (r < 0)
			return r;
		x->window = at;
		x->window_len = len;
	}
	memcpy(&v, x->buf + (off - x->window), 4);
	*ret = le32_get(v);
	return 0;
}

void exfat_chain_begin(const struct exfat *x, uint64_t cluster, uint64_t max,
		       struct exfat_chain *ret)
{
	*ret = (struct exfat_chain){
		.next = cluster, .left = (max + x->cluster_size - 1) / x->cluster_size
	};
}

int exfat_chain_run(struct exfat *x, struct exfat_chain *c, uint64_t bytes, struct err *e)
{
	uint64_t want = (bytes + x->cluster_size - 1) / x->cluster_size;

	c->first = c->next;
	c->n = 0;
	if (c->one_piece && c->next) {
		if (c->next < 2 || c->next >= x->clusters + 2 ||
		    c->left > x->clusters + 2 - c->next)
			return exfat_damaged(e, "clusters of a file in one piece");
		c->n = c->left;
		c->next = 0;
	}
	while (c->next && c->n < want && c->next == c->first + c->n) {
		uint32_t v;
		int r;

		if (c->next < 2 || c->next >= x->clusters + 2 || !c->left--)
			return exfat_damaged(e, "a chain of clusters");
		r = exfat_entry(x, c->next, &v, e);
		if (r < 0)
			return r;
		c->n++;
		c->next = v == FAT_END ? 0 : v;
		if (!v)
			return exfat_damaged(e, "a chain of clusters");
	}
	return c->n > 0;
}

int exfat_each_entry(struct exfat *x, struct exfat_chain *c, exfat_entry_fn *one,
		     void *ctx, struct err *e)
{
	/* a power of two of at least a sector divides clusters */
	size_t piece = x->cluster_size < 65536 ? x->cluster_size : 65536;
	cleanup_free uint8_t *buf = malloc(piece);
	int r;

	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory for a directory");
	while ((r = exfat_chain_run(x, c, x->size, e)) > 0) {
		uint64_t at = exfat_at(x, c->first), end = at + c->n * x->cluster_size;

		for (; at < end; at += piece) {
			r = dev_read(x->d, at, buf, piece, e);
			if (r < 0)
				return r;
			for (size_t i = 0; i < piece; i += 32) {
				struct exfat_entry_disk v;

				memcpy(&v, buf + i, sizeof v);
				if (v.type == EXFAT_ENTRY_END)
					return 0;
				r = one(ctx, &v, e);
				if (r)
					return r;
			}
		}
	}
	return r;
}
