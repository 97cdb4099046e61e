/* page-parts.c: which partitions of a disk are captured, of an image restored. */
#include <stdio.h>
#include <string.h>
#include "tui/page.h"

/* What is chosen from, and its name in the job. */
static const struct model_disk *subject(const struct wiz *w, const char **ret_of)
{
	bool capture = w->job.kind == JOB_CAPTURE;

	*ret_of = capture ? w->detail : w->job.image;
	return capture ? model_find(&w->disks, w->detail) : &w->info.disk;
}

/* Those that can be chosen: the indexes of d's partitions. */
static size_t choosable(const struct model_disk *d, size_t ret[JOB_ONLY_MAX])
{
	size_t n = 0;

	for (size_t i = 0; d && i < d->nparts && n < JOB_ONLY_MAX; i++)
		if (d->parts[i].number && !d->parts[i].extended && !d->parts[i].absent)
			ret[n++] = i;
	return n;
}

static int parts_rows(const struct wiz *w)
{
	size_t at[JOB_ONLY_MAX];
	const char *of;

	return (int)choosable(subject(w, &of), at);
}

enum wiz_act wiz_choose_parts(struct wiz *w, const struct model_disk *d)
{
	size_t at[JOB_ONLY_MAX];

	if (!choosable(d, at))
		return wiz_beep(w, "There are no partitions to choose from.");
	w->cur[P_PARTS] = 0;
	return wiz_go(w, P_PARTS);
}

static enum wiz_act turn(struct wiz *w)
{
	size_t at[JOB_ONLY_MAX], n;
	int numbers[JOB_ONLY_MAX];
	const char *of;
	const struct model_disk *d = subject(w, &of);

	n = choosable(d, at);
	if (!n)
		return ACT_BEEP;
	for (size_t i = 0; i < n; i++)
		numbers[i] = d->parts[at[i]].number;
	if (!job_only_turn(&w->job, of, numbers, n, numbers[w->cur[P_PARTS]]))
		return wiz_beep(w, "At least one partition must stay marked.");
	return ACT_NONE;
}

static enum wiz_act parts_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	if (ev == EV_NEXT)
		return wiz_go_back(w);
	return ev == EV_CHAR && arg == ' ' ? turn(w) : ACT_DEFAULT;
}

static void parts_draw(const struct wiz *w, struct canvas *c)
{
	size_t at[JOB_ONLY_MAX];
	const char *of;
	const struct model_disk *d = subject(w, &of);
	int n = (int)choosable(d, at), y = draw_lead(c, w->job.kind == JOB_CAPTURE ?
		"Which partitions shall be captured?" : "Which partitions shall be restored?");
	int height = body_last(c) - y - 2, first = list_first(n, w->cur[P_PARTS], height);
	char size[32];

	canvas_printf(c, y, 4, CELL_PLAIN, "%s", w->job.kind == JOB_CAPTURE ? model_name(of) : of);
	for (int i = first; i < n && i < first + height; i++) {
		const struct model_part *p = &d->parts[at[i]];
		int row = y + 1 + i - first, attr = draw_mark(c, row, i == w->cur[P_PARTS]);

		text_bytes(size, p->size);
		canvas_text(c, row, 4, attr, job_only_has(&w->job, of, p->number) ? "[x]" : "[ ]");
		canvas_printf(c, row, 8, attr, "%3d  %9s", p->number, size);
		canvas_column(c, row, 24, 10, attr, draw_fs_name(p->fs));
		canvas_column(c, row, 35, c->cols - 37, attr, p->label);
	}
}

const struct page page_parts = {
	.title = "partitions", .in_job = true, .rows = parts_rows, .event = parts_event,
	.draw = parts_draw,
	.keys = "Space Mark   Up/Down Move   Enter Back   F1 Help",
	.help = "All partitions are marked at first; Space takes one out, or in again.\n\n"
		"Captured are the marked ones, the partition table and what lies between "
		"partitions. In a later restore the others stay as they are on the target.\n\n"
		"When not all partitions of an image are restored, the target disk must have "
		"a partition at the same place, at least as large, for each marked one; its "
		"table and all else on it stay. Without a mark taken out the whole disk is "
		"overwritten.",
};
