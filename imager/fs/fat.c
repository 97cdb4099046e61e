/* fat.c: used clusters of FAT12, FAT16 and FAT32.
 *
 * Layout and the rule which of the three it is: Microsoft's "FAT: General
 * Overview of On-Disk Format" 1.03, and Linux' fs/fat/inode.c for the case of
 * FAT32 with few clusters.  A cluster counts as used when any copy of the FAT
 * says so (bad ones too). */
#include "imager/fs/fat.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "common/text.h"
#include "imager/fs/readers.h"

struct fat_boot_disk {
	uint8_t jump[3];         /* +0x00 */
	uint8_t oem[8];          /* +0x03 */
	le16 sector_size;        /* +0x0b bytes              */
	uint8_t cluster_sectors; /* +0x0d */
	le16 reserved;           /* +0x0e sectors            */
	uint8_t fats;            /* +0x10 */
	le16 root_entries;       /* +0x11 0: FAT32           */
	le16 sectors16;          /* +0x13 0: see sectors32   */
	uint8_t media;           /* +0x15 */
	le16 fat_sectors16;      /* +0x16 0: FAT32           */
	uint8_t chs[4];          /* +0x18 */
	le32 hidden;             /* +0x1c */
	le32 sectors32;          /* +0x20 */
	union {
		struct {
			uint8_t drive[3];     /* +0x24 */
			uint8_t serial[4];    /* +0x27 */
			uint8_t label[11];    /* +0x2b */
		} f16;
		struct {
			le32 fat_sectors;     /* +0x24 */
			le16 flags, version;  /* +0x28 */
			le32 root;            /* +0x2c first cluster of the root */
			le16 info, backup;    /* +0x30 */
			uint8_t zero[12];     /* +0x34 */
			uint8_t drive[3];     /* +0x40 */
			uint8_t serial[4];    /* +0x43 */
			uint8_t label[11];    /* +0x47 */
		} f32;
	};
};
_Static_assert(sizeof(struct fat_boot_disk) == 0x52, "FAT 1.03");

static int power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

/* Another format's boot sector, or none. */
static int looks_like_fat(const struct fat_boot_disk *b, const uint8_t *magic)
{
	static const char *const others[] = { "NTFS    ", "EXFAT   ", "-FVE-FS-", "ReFS\0\0\0\0" };
	uint32_t ss = le16_get(b->sector_size);

	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (!memcmp(b->oem, others[i], 8))
			return 0;
	return (b->jump[0] == 0xeb || b->jump[0] == 0xe9) &&
	       magic[0] == 0x55 && magic[1] == 0xaa &&
	       power_of_two(ss) && ss >= 512 && ss <= 4096 &&
	       power_of_two(b->cluster_sectors) && le16_get(b->reserved) &&
	       b->fats >= 1 && b->fats <= 4 &&
	       (b->media == 0xf0 || b->media >= 0xf8) &&
	       (le16_get(b->sectors16) || le32_get(b->sectors32));
}

static void name_it(const struct fat_boot_disk *b, const struct fat *f, struct fs_ident *id)
{
	const uint8_t *s = f->bits == 32 ? b->f32.serial : b->f16.serial;
	const uint8_t *l = f->bits == 32 ? b->f32.label : b->f16.label;

	snprintf(id->type, sizeof id->type, "vfat");
	snprintf(id->uuid, sizeof id->uuid, "%02X%02X-%02X%02X", s[3], s[2], s[1], s[0]);
	text_from_bytes(l, 11, id->label, sizeof id->label);
	text_trim(id->label);
	if (!strcmp(id->label, "NO NAME"))
		id->label[0] = 0;
	id->fs_size = f->sectors * f->sector_size;
}

static int geometry(const struct fat_boot_disk *b, struct fat *f, struct err *e)
{
	uint32_t ss = le16_get(b->sector_size);
	uint64_t root_sectors, data, entries;

	f->sector_size = ss;
	f->fats = b->fats;
	f->media = b->media;
	f->sectors = le16_get(b->sectors16) ? le16_get(b->sectors16) : le32_get(b->sectors32);
	f->cluster_size = ss * b->cluster_sectors;
	f->fat_size = (uint64_t)le16_get(b->fat_sectors16) * ss;
	if (!f->fat_size) {
		f->bits = 32;
		f->fat_size = (uint64_t)le32_get(b->f32.fat_sectors) * ss;
		f->root_cluster = le32_get(b->f32.root);
	}
	f->fat_start = (uint64_t)le16_get(b->reserved) * ss;
	f->root_start = f->fat_start + f->fats * f->fat_size;
	root_sectors = ((uint64_t)le16_get(b->root_entries) * 32 + ss - 1) / ss;
	f->data_start = f->root_start + root_sectors * ss;
	data = f->sectors * ss;
	if (!f->fat_size || f->data_start >= data)
		return err_set(e, ERR_CORRUPT, "the FAT's boot sector leaves no room for data");
	f->clusters = (data - f->data_start) / f->cluster_size;
	if (!f->bits)
		f->bits = f->clusters < 4085 ? 12 : 16;
	entries = f->fat_size * 8 / f->bits;
	if (f->clusters + 2 > entries)
		return err_set(e, ERR_CORRUPT, "the FAT has %llu entries for %llu clusters",
			       (unsigned long long)entries, (unsigned long long)f->clusters);
	return 0;
}

int fat_load(struct blkdev *d, struct fat *ret, struct fs_ident *id, struct err *e)
{
	struct fat_boot_disk b;
	struct fat f = { .d = d };
	uint8_t magic[2];
	int r;

	if (d->size < 512)
		return FS_NOT_MINE;
	r = dev_read(d, 0, &b, sizeof b, e);
	if (!r)
		r = dev_read(d, 510, magic, 2, e);
	if (r < 0)
		return r;
	if (!looks_like_fat(&b, magic))
		return FS_NOT_MINE;
	r = geometry(&b, &f, e);
	if (r < 0)
		return r;
	if (id)
		name_it(&b, &f, id);
	*ret = f;
	return 0;
}

static int fat_probe(struct blkdev *d, struct fs_ident *ret, struct err *e)
{
	struct fs_ident id = { 0 };
	struct fat f;
	int r = fat_load(d, &f, &id, e);

	if (!r)
		*ret = id;
	return r;
}

uint32_t fat_entry(const struct fat *f, const uint8_t *buf, size_t i)
{
	const uint8_t *p;

	switch (f->bits) {
	case 12:
		p = buf + i / 2 * 3;
		return i % 2 ? (uint32_t)p[1] >> 4 | (uint32_t)p[2] << 4
			     : p[0] | (uint32_t)(p[1] & 15) << 8;
	case 16:
		p = buf + 2 * i;
		return p[0] | (uint32_t)p[1] << 8;
	default:
		p = buf + 4 * i;
		return (p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
			(uint32_t)p[3] << 24) & 0x0fffffff;
	}
}

uint32_t fat_next(const struct fat *f, uint64_t cluster)
{
	uint64_t even = cluster & ~(uint64_t)1, off = even * f->bits / 8;
	uint8_t buf[8] = { 0 };
	size_t len = f->fat_size - off < sizeof buf ? (size_t)(f->fat_size - off) : sizeof buf;

	if (dev_read(f->d, f->fat_start + off, buf, len, NULL) < 0)
		return 0;
	return fat_entry(f, buf, cluster & 1);
}

int fat_is_end(const struct fat *f, uint32_t v)
{
	return v >= (f->bits == 12 ? 0xff8u : f->bits == 16 ? 0xfff8u : 0x0ffffff8u);
}

int fat_is_cluster(const struct fat *f, uint64_t c)
{
	return c >= 2 && c < f->clusters + 2;
}

/* Windows clears this bit while it has the volume mounted. */
int fat_dirty(const struct fat *f)
{
	uint32_t v = fat_next(f, 1);

	return f->bits == 16 ? !(v & 0x8000) : f->bits == 32 ? !(v & 0x08000000) : 0;
}

/* Divisible by what 2 entries of 12, 16 and 32 bits take. */
#define FAT_CHUNK (96u << 10)

struct fat_walk {
	struct fat f;
	struct emit emit;
	uint8_t *buf;        /* one chunk of each copy of the FAT */
	uint64_t from;       /* start of a run of used clusters; 0: none */
};

static int run_ends(struct fat_walk *w, uint64_t cluster)
{
	uint64_t from = w->from;

	w->from = 0;
	if (!from)
		return 0;
	return emit_used(&w->emit, fat_cluster_at(&w->f, from), fat_cluster_at(&w->f, cluster));
}

static int walk_chunk(struct fat_walk *w, uint64_t first, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t any = 0;
		int r = 0;

		for (unsigned int k = 0; k < w->f.fats; k++)
			any |= fat_entry(&w->f, w->buf + (size_t)k * FAT_CHUNK, i);
		if (first + i < 2)
			continue;
		if (any && !w->from)
			w->from = first + i;
		else if (!any)
			r = run_ends(w, first + i);
		if (r)
			return r;
	}
	return 0;
}

static int walk_clusters(struct fat_walk *w, struct err *e)
{
	const struct fat *f = &w->f;
	uint64_t end = f->clusters + 2, per = (uint64_t)FAT_CHUNK * 8 / f->bits;
	uint64_t bytes = (end * f->bits + 7) / 8;
	int r = 0;

	for (uint64_t first = 0; first < end && !r; first += per) {
		uint64_t off = first * f->bits / 8;
		size_t len = bytes - off < FAT_CHUNK ? (size_t)(bytes - off) : FAT_CHUNK;

		for (unsigned int k = 0; k < f->fats && !r; k++) {
			uint8_t *b = w->buf + (size_t)k * FAT_CHUNK;

			r = dev_read(f->d, f->fat_start + k * f->fat_size + off, b, len, e);
			if (!r && !first && b[0] != f->media)
				r = err_set(e, ERR_CORRUPT,
					    "copy %u of the FAT begins with 0x%02x, not with the media byte 0x%02x",
					    k + 1, b[0], f->media);
		}
		if (!r)
			r = walk_chunk(w, first, (size_t)(end - first < per ? end - first : per));
	}
	return r ? r : run_ends(w, end);
}

static int fat_walk(struct blkdev *d, const struct fs_ident *id,
		    const struct fs_options *opt, const struct extent_sink *out,
		    struct err *e)
{
	struct fat_walk w = { .emit = { .out = out, .size = d->size } };
	struct ranges cut = { 0 };
	int r = fat_load(d, &w.f, NULL, e);

	(void)id;
	if (r)
		return r < 0 ? r : err_set(e, ERR_CORRUPT, "the FAT's boot sector is gone");
	if (w.f.sectors * w.f.sector_size > d->size)
		return err_set(e, ERR_CORRUPT,
			       "the file system has %llu bytes, but there are only %llu",
			       (unsigned long long)(w.f.sectors * w.f.sector_size),
			       (unsigned long long)d->size);
	w.buf = malloc((size_t)w.f.fats * FAT_CHUNK);
	if (!w.buf)
		return err_set(e, ERR_NOMEM, "out of memory for the FAT");
	if (!opt->keep_page_files)
		r = fat_page_files(&w.f, &cut, &opt->notes, e);
	w.emit.cut = &cut;
	/* boot sectors, FATs and the root directory of FAT12/16 */
	if (!r)
		r = emit_used(&w.emit, 0, w.f.data_start);
	if (!r)
		r = walk_clusters(&w, e);
	if (!r)
		r = emit_finish(&w.emit);
	free(w.buf);
	ranges_done(&cut);
	return r;
}

const struct fs_reader fs_fat = { "fat", fat_probe, fat_walk };
