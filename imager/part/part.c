/* part.c: which kind of table a disk has, and whether to trust it. */
#include "imager/part/part.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "imager/part/internal.h"

struct part_table *part_table_new(const char *kind, uint32_t sector_size,
				  struct err *e)
{
	struct part_table *t = calloc(1, sizeof *t);

	if (!t) {
		err_set(e, ERR_NOMEM, "out of memory for the partition table");
		return NULL;
	}
	snprintf(t->kind, sizeof t->kind, "%s", kind);
	t->sector_size = sector_size;
	return t;
}

struct part_table *part_free(struct part_table *t)
{
	if (!t)
		return NULL;
	free(t->parts);
	free(t->ranges);
	free(t->note);
	free(t);
	return NULL;
}

int part_add(struct part_table *t, const struct partition *p, struct err *e)
{
	struct partition *all = realloc(t->parts, (t->n_parts + 1) * sizeof *all);

	if (!all)
		return err_set(e, ERR_NOMEM, "out of memory for the partition table");
	t->parts = all;
	all[t->n_parts++] = *p;
	return 0;
}

int part_add_range(struct part_table *t, uint64_t start, uint64_t size,
		   const char *what, struct err *e)
{
	struct part_range *all = realloc(t->ranges, (t->n_ranges + 1) * sizeof *all);

	if (!all)
		return err_set(e, ERR_NOMEM, "out of memory for the partition table");
	t->ranges = all;
	all[t->n_ranges++] = (struct part_range){ start, size, what };
	return 0;
}

int part_note(struct part_table *t, struct err *e, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	char *all;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return err_set(e, ERR_NOMEM, "out of memory for a note");
	}
	if (asprintf(&all, "%s%s%s", t->note ? t->note : "", t->note ? " " : "", text) < 0)
		return err_set(e, ERR_NOMEM, "out of memory for a note");
	free(t->note);
	t->note = all;
	return 0;
}

static int by_start(const void *pa, const void *pb)
{
	const struct partition *a = pa, *b = pb;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

static int range_by_start(const void *pa, const void *pb)
{
	const struct part_range *a = pa, *b = pb;

	return a->start < b->start ? -1 : a->start > b->start;
}

/* Nothing past the end, nothing on top of another, logical ones inside the
 * extended one.  parts are sorted. */
static int check_layout(const struct blkdev *d, const struct part_table *t,
			struct err *e)
{
	const struct partition *ext = NULL, *last = NULL, *logical = NULL;

	for (size_t i = 0; i < t->n_parts; i++)
		if (t->parts[i].flags & PART_EXTENDED)
			ext = &t->parts[i];
	for (size_t i = 0; i < t->n_parts; i++) {
		const struct partition *p = &t->parts[i];
		const struct partition **prev = p->flags & PART_LOGICAL ? &logical : &last;

		if (p->start > d->size || p->size > d->size - p->start)
			return err_set(e, ERR_CORRUPT,
				       "partition %u reaches to byte %llu, past the disk's end at %llu; is the disk or its copy cut short?",
				       p->number, (unsigned long long)(p->start + p->size),
				       (unsigned long long)d->size);
		if (*prev && (*prev)->start + (*prev)->size > p->start)
			return err_set(e, ERR_CORRUPT,
				       "partitions %u and %u overlap at byte %llu",
				       (*prev)->number, p->number,
				       (unsigned long long)p->start);
		if (p->flags & PART_LOGICAL &&
		    (!ext || p->start < ext->start ||
		     p->start + p->size > ext->start + ext->size))
			return err_set(e, ERR_CORRUPT,
				       "logical partition %u at byte %llu lies outside the extended partition",
				       p->number, (unsigned long long)p->start);
		*prev = p;
	}
	return 0;
}

/* A disk's image may come from a disk with other sectors than this device's:
 * the GPT's header then lies at the other place. */
static uint32_t table_sector_size(struct blkdev *d)
{
	uint32_t other = d->sector_size == 4096 ? 512 : 4096;

	if (!gpt_found(d, d->sector_size) && gpt_found(d, other))
		return other;
	return d->sector_size;
}

static int mbr_entries(const struct mbr_disk *mbr, uint8_t type)
{
	int n = 0;

	for (int i = 0; i < 4; i++)
		n += type ? mbr->entry[i].type == type
			  : mbr->entry[i].type && le32_get(mbr->entry[i].sectors);
	return n;
}

static int read_gpt_disk(struct blkdev *d, const struct mbr_disk *mbr,
			 uint32_t sector_size, struct part_table **ret,
			 struct err *e)
{
	int r = gpt_read(d, sector_size, ret, e);

	if (r == PART_NONE)
		return err_set(e, ERR_CORRUPT,
			       "the MBR says that there is a GPT, but neither its header at sector 1 nor its backup at the disk's end is valid");
	if (!r && mbr_entries(mbr, 0) > mbr_entries(mbr, MBR_TYPE_PROTECTIVE))
		r = part_note(*ret, e, "The disk has a hybrid MBR beside the GPT; the GPT was used.");
	return r;
}

static int read_kind(struct blkdev *d, struct part_table **ret, struct err *e)
{
	struct mbr_disk mbr;
	uint32_t sector_size;
	int r = dev_read(d, 0, &mbr, sizeof mbr, e);

	if (r < 0)
		return r;
	sector_size = table_sector_size(d);
	if (mbr.magic[0] != 0x55 || mbr.magic[1] != 0xaa)
		return gpt_found(d, sector_size)
			? err_set(e, ERR_CORRUPT, "there is a GPT, but no protective MBR in sector 0")
			: PART_NONE;
	if (mbr_entries(&mbr, MBR_TYPE_PROTECTIVE))
		return read_gpt_disk(d, &mbr, sector_size, ret, e);
	if (!gpt_found(d, sector_size))
		return mbr_read(d, &mbr, d->sector_size, ret, e);
	if (!mbr_entries(&mbr, 0))
		return err_set(e, ERR_CORRUPT, "there is a GPT, but no protective entry in the MBR");
	r = mbr_read(d, &mbr, d->sector_size, ret, e);
	if (!r)
		r = part_note(*ret, e, "Left-overs of a GPT were ignored, as the MBR has no protective entry.");
	return r;
}

int part_read(struct blkdev *d, struct part_table **ret, struct err *e)
{
	struct part_table *t = NULL;
	int r;

	if (d->size < 4 * (uint64_t)d->sector_size)
		return PART_NONE;
	r = read_kind(d, &t, e);
	if (!r) {
		if (t->n_parts)
			qsort(t->parts, t->n_parts, sizeof *t->parts, by_start);
		if (t->n_ranges)
			qsort(t->ranges, t->n_ranges, sizeof *t->ranges, range_by_start);
		r = check_layout(d, t, e);
	}
	if (!r)
		r = parted_agrees(d, t, e);
	if (r) {
		part_free(t);
		return r;
	}
	*ret = t;
	return 0;
}
