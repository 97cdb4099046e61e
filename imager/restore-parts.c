/* restore-parts.c: see restore-parts.h. */
#include "imager/restore-parts.h"
#include <string.h>
#include <sys/stat.h>
#include "common/text.h"
#include "common/units.h"

/* The target's table is read as the disk has it that the image is from; a file has
 * any sector size. */
static void as_image(const struct restore_parts *p, struct blkdev *d)
{
	struct stat st;

	if (stat(p->target, &st) == 0 && S_ISREG(st.st_mode))
		d->sector_size = image_params(p->im)->sector_size;
}

static int find_target(struct restore_parts *p, struct err *e)
{
	struct disk d;

	if (disk_by_path(NULL, p->target, &d, e) < 0)
		return e->code;
	if (strcmp(d.kind, "part"))
		return 0;
	if (p->wish.into)
		return err_set(e, ERR_USAGE, "%s is a partition itself; --into wants the disk", p->target);
	/* sysfs counts in sectors of 512 bytes on every disk */
	p->wish.part_start = sysfs_u64(0, "%s/start", d.sysdir) * 512;
	disk_whole_path(NULL, &d, p->whole);
	return 0;
}

/* With what stands in the target's table now. */
static int plan(const struct restore_parts *p, struct blkdev *target, struct part_plan *ret,
		struct err *e)
{
	struct part_wish w = p->wish;
	int rc = *p->whole ? dev_open_ro(p->whole, &w.whole, e) : 0;

	if (rc == 0)
		rc = part_plan(p->im, target, &w, ret, e);
	dev_close(w.whole);
	return rc;
}

static void say(const struct restore_parts *p, FILE *f)
{
	for (size_t i = 0; i < p->plan.n; i++) {
		const struct part_place *pl = &p->plan.v[i];

		fprintf(f, "Partition %u of the image (%s", pl->number, units_bytes(pl->from_size).s);
		if (*pl->fs)
			fprintf(f, ", %s", pl->fs);
		if (*pl->label) {
			fputs(" \"", f);
			text_print(f, pl->label);
			fputc('"', f);
		}
		if (pl->to_number)
			fprintf(f, ") goes to partition %u of %s.\n", pl->to_number, p->target);
		else
			fprintf(f, ") goes to %s.\n", p->target);
	}
}

int restore_parts_plan(struct restore_parts *p, FILE *people, struct err *e)
{
	struct blkdev *d;
	int rc;

	if (find_target(p, e) < 0 || image_open(p->file->dev, p->file->access, &p->im, e) < 0 ||
	    dev_open_ro(p->target, &d, e) < 0)
		return e->code;
	as_image(p, d);
	rc = plan(p, d, &p->plan, e);
	dev_close(d);
	if (rc == 0)
		say(p, people);
	return rc;
}

static void complete(void *ctx, const struct part_place *pl)
{
	struct restore_parts *p = ctx;
	size_t n = strlen(p->done);

	snprintf(p->done + n, sizeof p->done - n, "%s%u", n ? ", " : "", pl->number);
}

/* What the failure leaves. */
static void tell(const struct restore_parts *p, const struct part_place *at,
		 const struct restore_result *res, struct err *e)
{
	char old[sizeof e->msg];

	if (!res->began || !at)
		return;
	snprintf(old, sizeof old, "%s", e->msg);
	err_set(e, e->code, res->unsure ?
		"%s; the new content in the place of partition %u isn't complete, and whether its beginning shows a file system all the same can't be told: don't use it, restore it again%s%s" :
		"%s; what was in the place of partition %u is lost and the new content isn't complete, so its beginning was left out: restore it again%s%s",
		old, at->number, *p->done ? "; complete are: " : "", p->done);
}

int restore_parts_copy(struct restore_parts *p, const struct write_token *token,
		       const struct part_restore_options *how, struct report *rep,
		       struct restore_result *ret, struct err *e)
{
	struct part_restore_options opt = *how;
	const struct part_place *at = NULL;
	struct part_plan now = { 0 };
	struct blkdev *d;
	int rc;

	opt.complete = complete;
	opt.ctx = p;
	if (dev_open_rw(token, &d, e) < 0)
		return e->code;
	as_image(p, d);
	/* what was shown and confirmed must still be there */
	rc = plan(p, d, &now, e);
	if (rc == 0 && !part_plan_same(&p->plan, &now))
		rc = err_set(e, ERR_REFUSED, "the partition table of %s has changed meanwhile; nothing was written",
			     p->target);
	if (rc == 0)
		rc = part_restore_run(p->im, d, &now, &opt, report_job_events(rep), ret, &at, e);
	if (rc < 0)
		tell(p, at, ret, e);
	dev_close(d);
	part_plan_done(&now);
	return rc;
}

uint64_t restore_parts_used(const struct restore_parts *p)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < p->plan.n; i++)
		sum += p->plan.v[i].used;
	return sum;
}

void restore_parts_done(struct restore_parts *p)
{
	part_plan_done(&p->plan);
	p->im = image_close(p->im);
}
