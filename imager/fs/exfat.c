/* exfat.c: used clusters of exFAT.
 *
 * Layout: Microsoft's "exFAT file system specification", revision 1.00.  The FAT
 * alone doesn't tell: its entries of free clusters, and of files that lie in one
 * piece, mean nothing.  So used is what the allocation bitmap says, joined with
 * what the directories refer to: those who check a volume believe the latter, and
 * some writers don't mark a volume dirty while the bitmap is behind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "common/text.h"
#include "imager/fs/exfat.h"
#include "imager/fs/readers.h"

#define LABEL_UNITS 11u
/* What the table of upper case may grow to: a unit for each of 65536. */
#define UPCASE_MAX (128ull << 10)

/* ---- the root directory ---- */

struct root {
	struct exfat_entry_disk bitmap, upcase;
	unsigned int bitmaps, upcases;
	char label[64];
};

static int take_entry(void *ctx, const struct exfat_entry_disk *v, struct err *e)
{
	struct root *root = ctx;
	uint8_t bytes[sizeof *v];

	(void)e;
	switch (v->type) {
	case EXFAT_ENTRY_BITMAP:
		root->bitmaps++;
		root->bitmap = *v;
		break;
	case EXFAT_ENTRY_UPCASE:
		root->upcases++;
		root->upcase = *v;
		break;
	case EXFAT_ENTRY_LABEL:
		memcpy(bytes, v, sizeof bytes);
		text_from_utf16le(bytes + 2, v->flags < LABEL_UNITS ? v->flags : LABEL_UNITS,
				  root->label, sizeof root->label);
		break;
	}
	return 0;
}

static int read_root(struct exfat *x, struct root *ret, struct err *e)
{
	struct exfat_chain c;

	*ret = (struct root){ 0 };
	exfat_chain_begin(x, le32_get(x->b.root), EXFAT_DIRECTORY_MAX, &c);
	return exfat_each_entry(x, &c, take_entry, ret, e);
}

static int exfat_probe(struct blkdev *d, struct fs_ident *ret, struct err *e)
{
	struct fs_ident id = { 0 };
	struct exfat x;
	struct root root;
	struct err unread = { 0 };
	const uint8_t *s = x.b.serial;
	int r = exfat_load(d, &x, e);

	if (r && r != ERR_CORRUPT && r != ERR_UNSUPPORTED)
		return r;
	/* it has its name all the same: the walk says what is wrong */
	if (!r && read_root(&x, &root, &unread) == 0)
		snprintf(id.label, sizeof id.label, "%s", root.label);
	snprintf(id.type, sizeof id.type, "exfat");
	snprintf(id.uuid, sizeof id.uuid, "%02X%02X-%02X%02X", s[3], s[2], s[1], s[0]);
	id.fs_size = x.size;
	*ret = id;
	return 0;
}

/* ---- the bitmap ---- */

#define MAP_PIECE 65536u           /* bytes of the bitmap that are read at once */

struct exfat_walk {
	struct exfat x;
	struct root root;
	struct ranges meta;        /* bytes that the bitmap must call used    */
	struct ranges files;       /* bytes that directories refer to         */
	size_t i_meta;
	struct emit emit;
	uint8_t map[MAP_PIECE];
};

static int add_chain(struct exfat_walk *w, uint64_t cluster, uint64_t max, struct err *e)
{
	struct exfat_chain c;
	int r;

	exfat_chain_begin(&w->x, cluster, max, &c);
	while ((r = exfat_chain_run(&w->x, &c, max, e)) > 0) {
		uint64_t at = exfat_at(&w->x, c.first);

		r = ranges_add(&w->meta, at, at + c.n * w->x.cluster_size, e);
		if (r < 0)
			break;
	}
	return r;
}

/* What is doubtful as a whole. */
static int check_volume(struct exfat_walk *w, struct err *e)
{
	const struct exfat *x = &w->x;
	uint16_t flags = le16_get(x->b.flags);
	uint32_t media;
	int r;

	if (x->size > x->d->size)
		return err_set(e, ERR_CORRUPT,
			       "the file system has %llu bytes, but there are only %llu",
			       (unsigned long long)x->size, (unsigned long long)x->d->size);
	if (x->b.fats != 1 || flags & EXFAT_SECOND_FAT)
		return err_set(e, ERR_UNSUPPORTED, "exFAT with %u FATs (TexFAT) is not read",
			       x->b.fats);
	r = exfat_check_boot(&w->x, e);
	if (r < 0)
		return r;
	r = exfat_entry(&w->x, 0, &media, e);
	if (!r && media != 0xfffffff8)
		return exfat_damaged(e, "its FAT's first entry");
	return r;
}

static int find_files(struct exfat_walk *w, const struct fs_options *opt, struct err *e)
{
	uint16_t flags = le16_get(w->x.b.flags);
	int all, r = exfat_tree(&w->x, &w->files, &all, e);

	ranges_sort(&w->files);
	w->emit.extra = &w->files;
	if (r < 0)
		return r;
	if (flags & EXFAT_DIRTY && !all)
		return err_set(e, ERR_CORRUPT, "the exFAT file system was not unmounted cleanly, and "
			       "has too many files to look at; run chkdsk or fsck.exfat on it");
	if (flags & EXFAT_DIRTY)
		fs_note(&opt->notes, "It was not unmounted cleanly: besides what its bitmap calls "
			"used, all that its directories refer to was taken.");
	else if (!all)
		fs_note(&opt->notes, "Its bitmap was believed without a look at all files, of "
			"which there are too many.");
	if (flags & EXFAT_MEDIA_FAILURE)
		fs_note(&opt->notes, "It is marked as having had read or write failures.");
	return 0;
}

static int find_metadata(struct exfat_walk *w, struct err *e)
{
	struct root *t = &w->root;
	uint64_t need = (w->x.clusters + 7) / 8;
	int r = read_root(&w->x, t, e);

	if (r < 0)
		return r;
	if (t->bitmaps != 1 || t->bitmap.flags & 1 || le64_get(t->bitmap.length) != need)
		return exfat_damaged(e, "the entry of its allocation bitmap");
	if (t->upcases != 1 || le64_get(t->upcase.length) > UPCASE_MAX)
		return exfat_damaged(e, "the entry of its table of upper case");
	r = add_chain(w, le32_get(t->bitmap.cluster), need, e);
	if (!r)
		r = add_chain(w, le32_get(t->upcase.cluster), UPCASE_MAX, e);
	if (!r)
		r = add_chain(w, le32_get(w->x.b.root), EXFAT_DIRECTORY_MAX, e);
	ranges_sort(&w->meta);
	return r;
}

/* The metadata that these bits are about is called used. */
static int metadata_marked(struct exfat_walk *w, uint64_t first, uint64_t bits)
{
	uint64_t from = exfat_at(&w->x, first), to = exfat_at(&w->x, first + bits);

	while (w->i_meta < w->meta.n && w->meta.v[w->i_meta].end <= from)
		w->i_meta++;
	for (size_t i = w->i_meta; i < w->meta.n && w->meta.v[i].start < to; i++) {
		uint64_t s = w->meta.v[i].start, t = w->meta.v[i].end;

		s = s < from ? 0 : (s - from) / w->x.cluster_size;
		t = ((t < to ? t : to) - from) / w->x.cluster_size;
		for (; s < t; s++)
			if (!(w->map[s / 8] >> (s % 8) & 1))
				return 0;
	}
	return 1;
}

/* The bitmap's bytes at off stand for the clusters from `first` on. */
static int walk_piece(struct exfat_walk *w, uint64_t off, size_t len, uint64_t first,
		      struct err *e)
{
	uint64_t left = w->x.clusters + 2 - first;
	uint64_t bits = left < len * 8 ? left : len * 8;
	int r = dev_read(w->x.d, off, w->map, len, e);

	if (r < 0)
		return r;
	if (!metadata_marked(w, first, bits))
		return exfat_damaged(e, "its allocation bitmap calls the bitmap, the table of upper case "
			       "or the root directory free");
	return emit_bitmap(&w->emit, w->map, bits, exfat_at(&w->x, first), w->x.cluster_size);
}

static int walk_bitmap(struct exfat_walk *w, struct err *e)
{
	struct exfat *x = &w->x;
	uint64_t left = (x->clusters + 7) / 8, first = 2;
	struct exfat_chain c;
	int r = 0;

	exfat_chain_begin(x, le32_get(w->root.bitmap.cluster), left, &c);
	while (left && !r) {
		uint64_t at, bytes;

		r = exfat_chain_run(x, &c, left, e);
		if (r <= 0)
			return r < 0 ? r : exfat_damaged(e, "its allocation bitmap ends too early");
		r = 0;
		at = exfat_at(x, c.first);
		bytes = c.n * x->cluster_size < left ? c.n * x->cluster_size : left;
		left -= bytes;
		while (bytes && !r) {
			size_t len = bytes < MAP_PIECE ? (size_t)bytes : MAP_PIECE;

			r = walk_piece(w, at, len, first, e);
			at += len;
			bytes -= len;
			first += len * 8;
		}
	}
	return r;
}

static int exfat_walk(struct blkdev *d, const struct fs_ident *id,
		      const struct fs_options *opt, const struct extent_sink *out,
		      struct err *e)
{
	cleanup_free struct exfat_walk *w = calloc(1, sizeof *w);
	int r;

	(void)id;
	if (!w)
		return err_set(e, ERR_NOMEM, "out of memory for an exFAT file system");
	w->emit = (struct emit){ .out = out, .size = d->size };
	r = exfat_load(d, &w->x, e);
	if (r)
		return r < 0 ? r : err_set(e, ERR_CORRUPT, "the exFAT boot sector is gone");
	r = check_volume(w, e);
	if (!r)
		r = find_metadata(w, e);
	if (!r)
		r = find_files(w, opt, e);
	/* both boot regions; the FAT.  What lies around them is undefined. */
	if (!r)
		r = emit_used(&w->emit, 0, 2ull * EXFAT_BOOT_SECTORS * w->x.sector_size);
	if (!r)
		r = emit_used(&w->emit, w->x.fat_start, w->x.fat_start + w->x.fat_size);
	if (!r)
		r = walk_bitmap(w, e);
	if (!r)
		r = emit_finish(&w->emit);
	ranges_done(&w->meta);
	ranges_done(&w->files);
	return r;
}

const struct fs_reader fs_exfat = { "exfat", exfat_probe, exfat_walk };
