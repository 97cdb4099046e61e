/* fit.c: see fit.h. */
#include "imager/fit.h"
#include <stdio.h>
#include <string.h>
#include "imager/imgdev.h"
#include "imager/part/gpt-move.h"

#define HEAD_LEN 8192u     /* MBR and primary header, sectors of 4096 bytes too */
#define RANGES_MAX 8u      /* a GPT has four ranges of its own, one more for the MBR */

static const char *const backup_name = "GPT backup";

void fit_whole(const struct image_params *p, const char *why, struct fit *ret)
{
	*ret = (struct fit){
		.disk_size = p->disk_size, .sector_size = p->sector_size,
		.smallest = p->disk_size, .used_end = p->used_end, .copy_end = p->used_end,
	};
	snprintf(ret->why, sizeof ret->why, "%s", why);
}

void fit_pipe(const struct image_params *p, struct fit *ret)
{
	char why[160];

	snprintf(why, sizeof why,
		 "the captured disk had %llu, used up to byte %llu; whether a smaller one would do can be seen in an image file, not in a pipe",
		 (unsigned long long)p->disk_size, (unsigned long long)p->used_end);
	fit_whole(p, why, ret);
}

/* ---- the calculation ---- */

static void at_least(struct fit *f, uint64_t end, const char *what)
{
	if (end > f->disk_size)
		end = f->disk_size;
	if (end < f->smallest)
		return;
	f->smallest = end;
	snprintf(f->why, sizeof f->why, "%s ends at byte %llu", what, (unsigned long long)end);
}

/* What the GPT takes at the disk's end: as much as at its beginning. */
static uint64_t gpt_bytes(const struct part_table *t)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < t->n_ranges; i++)
		if (!strcmp(t->ranges[i].what, "GPT"))
			sum += t->ranges[i].size;
	return sum;
}

void fit_table(const struct image_params *p, const struct part_table *t,
	       uint64_t copy_end, struct fit *ret)
{
	uint64_t backup = gpt_bytes(t), up;
	char what[40];

	fit_whole(p, "", ret);
	ret->smallest = 0;
	at_least(ret, copy_end, "what is used");
	for (size_t i = 0; i < t->n_ranges; i++)
		if (strcmp(t->ranges[i].what, backup_name))
			at_least(ret, t->ranges[i].start + t->ranges[i].size, "the partition table");
	/* last, so that a partition is named rather than its last used byte */
	for (size_t i = 0; i < t->n_parts; i++) {
		uint64_t end = t->parts[i].start + t->parts[i].size;

		snprintf(what, sizeof what, "partition %u", t->parts[i].number);
		at_least(ret, end, what);
	}
	up = (t->sector_size - ret->smallest % t->sector_size) % t->sector_size;
	ret->smallest = up < p->disk_size - ret->smallest ? ret->smallest + up : p->disk_size;
	ret->copy_end = ret->smallest;
	if (backup) {
		size_t n = strlen(ret->why);

		ret->smallest = backup < p->disk_size - ret->smallest ? ret->smallest + backup : p->disk_size;
		snprintf(ret->why + n, sizeof ret->why - n,
			 ", and the backup partition table needs %llu bytes behind it",
			 (unsigned long long)backup);
	}
}

uint64_t fit_limit(const struct fit *f, uint64_t target_size)
{
	return target_size < f->used_end ? f->copy_end : UINT64_MAX;
}

int fit_check(const struct fit *f, const struct blkdev *target, struct err *e)
{
	if (f->smallest > target->size)
		return err_set(e, ERR_REFUSED,
			       "%s is too small: it has %llu bytes, the image needs %llu, %llu are missing: %s",
			       target->name, (unsigned long long)target->size,
			       (unsigned long long)f->smallest,
			       (unsigned long long)(f->smallest - target->size), f->why);
	if (f->sector_size != target->sector_size)
		return err_set(e, ERR_REFUSED,
			       "%s has sectors of %u bytes, the captured disk had %u; its partition table would not be understood there",
			       target->name, target->sector_size, f->sector_size);
	return 0;
}

/* ---- an image ---- */

/* Would the table go to a disk of that many bytes?  1, 0, or ERR_NOMEM. */
static int table_moves(struct blkdev *d, const struct fit *f, uint64_t size, struct err *e)
{
	uint8_t bytes[HEAD_LEN];
	struct gpt_head head = { bytes, d->size < sizeof bytes ? (size_t)d->size : sizeof bytes };
	struct gpt_sizes sizes = { f->disk_size, size, f->sector_size };
	struct gpt_move m;
	int r = dev_read(d, 0, bytes, head.len, e);

	if (r == 0)
		r = gpt_move_make(d, &head, &sizes, &m, e);
	if (r == GPT_MOVE)
		gpt_move_done(&m);
	else if (r == 0)
		return size >= f->used_end;
	return r == ERR_NOMEM ? r : r == GPT_MOVE;
}

/* The backup's own places. */
static size_t backup_ranges(const struct part_table *t, struct byte_range ret[RANGES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_ranges && n < RANGES_MAX; i++)
		if (!strcmp(t->ranges[i].what, backup_name))
			ret[n++] = (struct byte_range){ t->ranges[i].start, t->ranges[i].size };
	return n;
}

static int look(struct image *im, struct blkdev *d, const struct part_table *t,
		struct fit *ret, struct err *e)
{
	const struct image_params *p = image_params(im);
	struct byte_range backup[RANGES_MAX];
	uint64_t end;
	int r = image_end_without(im, backup, backup_ranges(t, backup), &end, e);

	if (r < 0)
		return r;
	fit_table(p, t, end, ret);
	r = !t->from_backup;
	if (r && !strcmp(t->kind, "gpt") && ret->smallest < p->disk_size) {
		r = table_moves(d, ret, ret->smallest, e);
		if (r == 1 && ret->smallest < ret->used_end)
			r = table_moves(d, ret, ret->used_end - 1, e);
	}
	if (r == 0)
		fit_whole(p, "its partition table is damaged, so that it can't be fitted to a smaller disk", ret);
	return r < 0 ? r : 0;
}

int fit_image(struct image *im, const char *file_name, struct fit *ret, struct err *e)
{
	const struct image_params *p = image_params(im);
	struct part_table *t;
	struct blkdev *d;
	struct err why;
	int r = dev_image(im, file_name, &d, e);

	if (r < 0)
		return r;
	r = part_read(d, &t, &why);
	if (r == 0) {
		r = look(im, d, t, ret, e);
		ret->has_table = 1;
		part_free(t);
	} else if (r == ERR_NOMEM) {
		err_set(e, r, "%s", why.msg);
	} else {
		fit_whole(p, r == PART_NONE ? "there is no partition table, so all of the captured disk counts" :
			  "its partition table can't be trusted, so all of the captured disk counts", ret);
		r = 0;
	}
	if (r == 0)
		r = dev_image_unread(d, e);
	dev_close(d);
	return r;
}
