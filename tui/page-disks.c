/* page-disks.c: Capture: which disks; and one disk in detail. */
#include <stdio.h>
#include <string.h>
#include "tui/page.h"

/* The index of path in the job's disks, or -1. */
static int marked(const struct wiz *w, const char *path)
{
	for (size_t i = 0; i < w->job.ndisks; i++)
		if (!strcmp(w->job.disks[i], path))
			return (int)i;
	return -1;
}

/* Why a disk can't be captured, or NULL. */
static const char *refusal(const struct model_disk *d)
{
	if (d->boot_medium)
		return "this live system runs from it";
	if (!strcmp(d->kind, "cdrom"))
		return "a CD or DVD drive";
	return d->size ? NULL : "no medium in it";
}

static int disks_rows(const struct wiz *w)
{
	return (int)w->disks.n;
}

static const struct model_disk *current(const struct wiz *w)
{
	return w->disks.n ? &w->disks.d[w->cur[P_DISKS]] : NULL;
}

/* In the order of the list, whatever the order of choosing. */
static void sort_marked(struct wiz *w)
{
	struct job *j = &w->job;
	size_t at = 0;

	for (size_t i = 0; i < w->disks.n; i++) {
		int k = marked(w, w->disks.d[i].path);
		char t[sizeof j->disks[0]];

		if (k < (int)at)
			continue;
		memcpy(t, j->disks[k], sizeof t);
		memcpy(j->disks[k], j->disks[at], sizeof t);
		memcpy(j->disks[at++], t, sizeof t);
	}
}

static enum wiz_act toggle(struct wiz *w)
{
	const struct model_disk *d = current(w);
	struct job *j = &w->job;
	int at = d ? marked(w, d->path) : -1;

	if (!d)
		return wiz_beep(w, "No disk was found.");
	if (at >= 0) {
		memmove(j->disks + at, j->disks + at + 1,
			(--j->ndisks - (size_t)at) * sizeof *j->disks);
		return ACT_NONE;
	}
	if (refusal(d))
		return wiz_beep(w, "%s can't be captured: %s.", model_name(d->path),
				refusal(d));
	if (j->ndisks == JOB_DISKS_MAX)
		return wiz_beep(w, "At most %d disks go into one capture.", JOB_DISKS_MAX);
	snprintf(j->disks[j->ndisks++], sizeof *j->disks, "%s", d->path);
	sort_marked(w);
	return ACT_NONE;
}

/* Disks that were unplugged since they were chosen are no longer chosen. */
static enum wiz_act next(struct wiz *w)
{
	struct job *j = &w->job;
	size_t kept = 0;

	for (size_t i = 0; i < j->ndisks; i++)
		if (model_find(&w->disks, j->disks[i]))
			memmove(j->disks[kept++], j->disks[i], sizeof *j->disks);
	j->ndisks = kept;
	if (!kept)
		return wiz_beep(w, "Choose at least one disk: Space marks it.");
	return wiz_go(w, P_PLACE);
}

/* Of the highlighted disk, which is to be captured. */
static enum wiz_act parts(struct wiz *w)
{
	const struct model_disk *d = current(w);

	if (!d || marked(w, d->path) < 0)
		return wiz_beep(w, "Mark the disk first: Space.");
	memcpy(w->detail, d->path, sizeof w->detail);
	return wiz_choose_parts(w, d);
}

static enum wiz_act disks_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	if (ev == EV_NEXT)
		return next(w);
	if (ev != EV_CHAR)
		return ACT_DEFAULT;
	switch (arg) {
	case ' ':
		return toggle(w);
	case 'r':
		return wiz_task_start(w, T_DISKS);
	case 'd':
		return wiz_show_disk(w, current(w));
	case 'p':
		return parts(w);
	default:
		return ACT_BEEP;
	}
}

static void disks_row(const struct wiz *w, struct canvas *c, int y, int i, int attr)
{
	const struct model_disk *d = &w->disks.d[i];
	char size[32];

	text_bytes(size, d->size);
	canvas_text(c, y, 4, attr, refusal(d) ? " - " : marked(w, d->path) < 0 ? "[ ]" :
		    job_only(&w->job, d->path) ? "[p]" : "[x]");
	if (d->failing)
		canvas_text(c, y, 7, attr, "!");
	canvas_column(c, y, 8, 9, attr, model_name(d->path));
	canvas_printf(c, y, 18, attr, "%9s", size);
	canvas_column(c, y, 29, 24, attr, model_title(d));
	canvas_column(c, y, 54, c->cols - 56, attr, d->serial[0] ? d->serial : "-");
}

static void disks_draw(const struct wiz *w, struct canvas *c)
{
	int y = draw_lead(c, "Which disks shall be captured?");
	const struct model_disk *d = current(w);

	if (!d) {
		canvas_wrap(c, y, BODY_LEFT, body_width(c), body_last(c), 0, CELL_PLAIN,
			    "No disk was found. If there should be one: check its "
			    "cable, and whether the firmware (BIOS) has its controller "
			    "in RAID mode; AHCI is needed for most. 'r' looks again.");
		return;
	}
	canvas_text(c, y, 8, CELL_PLAIN, "Disk           Size  Model                    Serial number");
	y = draw_list(w, c, y + 1, 8, disks_row) + 1;
	draw_rule(c, y, model_name(d->path));
	if (refusal(d))
		canvas_printf(c, ++y, 4, CELL_BOLD, "It can't be captured: %s.", refusal(d));
	else if (d->in_use[0])
		y = canvas_wrap(c, y + 1, 4, c->cols - 8, body_last(c), 0, CELL_BOLD,
				d->in_use) - 1;
	y = draw_health(c, y + 1, body_last(c), d);
	draw_contents(c, y, body_last(c), d, 0);
}

const struct page page_disks = {
	.title = "disks", .in_job = true, .rows = disks_rows, .event = disks_event,
	.draw = disks_draw,
	.keys = "Space Mark  p Partitions  Enter Continue  d Details  r Look again  Esc Back",
	.help = "Mark the disks with the space bar; Enter goes on. The lower half shows "
		"what was found on the highlighted disk: operating systems, then each "
		"partition with its size, file system and label.\n\n"
		"The disks are only read. Each disk becomes one image file. If you mark "
		"several, they are captured one after another into one directory.\n\n"
		"'!' stands before a disk that says that it is failing (SMART): capture it "
		"first, and use it for nothing else until then.\n\n"
		"'p' takes partitions of a marked disk out; [p] stands before a disk of which "
		"not all are captured.\n\n"
		"The disk or stick that this live system was started from can't be "
		"captured.",
};

enum wiz_act wiz_show_disk(struct wiz *w, const struct model_disk *d)
{
	if (!d)
		return ACT_BEEP;
	memcpy(w->detail, d->path, sizeof w->detail);
	w->cur[P_DISK] = 0;
	return wiz_go(w, P_DISK);
}

static int disk_rows(const struct wiz *w)
{
	const struct model_disk *d = model_find(&w->disks, w->detail);

	return d && d->nparts > 6 ? (int)d->nparts - 5 : 1;
}

static enum wiz_act disk_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	(void)arg;
	return ev == EV_NEXT ? wiz_go_back(w) : ACT_DEFAULT;
}

static void disk_draw(const struct wiz *w, struct canvas *c)
{
	const struct model_disk *d = model_find(&w->disks, w->detail);
	char size[32];
	int y = BODY_TOP;

	if (!d)
		return;
	text_bytes(size, d->size);
	y = draw_fact(c, y, "Disk", "%s", d->path);
	y = draw_fact(c, y, "Model", "%s", d->model);
	y = draw_fact(c, y, "Serial number", "%s", d->serial);
	y = draw_fact(c, y, "World Wide Name", "%s", d->wwn);
	y = draw_fact(c, y, "Size", "%s (%llu bytes)", size,
		      (unsigned long long)d->size);
	y = draw_fact(c, y, "Connection", "%s%s%s", d->transport,
		      d->removable ? ", removable" : "",
		      d->read_only ? ", read-only" : "");
	y = draw_fact(c, y, "Partition table", "%s", d->table[0] ? d->table : "none");
	y = draw_fact(c, y, "In use", "%s", d->in_use[0] ? d->in_use : "no");
	y = draw_fact(c, y, "Health (SMART)", "%s%s%s", d->failing ? "FAILING" : d->smart ?
		      "not failing" : "not known", d->complaints[0] ? ": " : "", d->complaints);
	draw_rule(c, y + 1, "Contents");
	draw_contents(c, y + 2, body_last(c), d, (size_t)w->cur[P_DISK]);
}

const struct page page_disk = {
	.title = "disk details", .in_job = true, .rows = disk_rows, .event = disk_event,
	.draw = disk_draw, .keys = "Up/Down Scroll   Enter Back   F1 Help",
	.help = "Everything that was found out about this disk. The serial number is "
		"printed on the drive's label. Its health is what the disk itself says of it.",
};
