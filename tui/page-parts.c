/* page-parts.c: which partitions of a disk are captured, of an image restored; and into
 * which one of the target a single one goes. */
#include <stdio.h>
#include <stdlib.h>
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

bool wiz_has_parts(const struct model_disk *d)
{
	size_t at[JOB_ONLY_MAX];

	return choosable(d, at);
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
	text_put(&w->job.into, "");     /* it was for another choice */
	return ACT_NONE;
}

static enum wiz_act parts_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	if (ev == EV_NEXT)
		return wiz_go_back(w);
	return ev == EV_CHAR && arg == ' ' ? turn(w) : ACT_DEFAULT;
}

static void draw_part(struct canvas *c, int y, int x, int attr, const struct model_part *p)
{
	char size[32];

	text_bytes(size, p->size);
	canvas_printf(c, y, x, attr, "%3d  %9s", p->number, size);
	canvas_column(c, y, x + 16, 10, attr, draw_fs_name(p->fs));
	canvas_column(c, y, x + 27, c->cols - x - 29, attr, p->label);
}

static void parts_row(const struct wiz *w, struct canvas *c, int y, int i, int attr)
{
	size_t at[JOB_ONLY_MAX];
	const char *of;
	const struct model_disk *d = subject(w, &of);
	const struct model_part *p;

	choosable(d, at);
	p = &d->parts[at[i]];
	canvas_text(c, y, 4, attr, job_only_has(&w->job, of, p->number) ? "[x]" : "[ ]");
	draw_part(c, y, 8, attr, p);
}

static void parts_draw(const struct wiz *w, struct canvas *c)
{
	bool capture = w->job.kind == JOB_CAPTURE;
	const char *of;
	int y = draw_lead(c, capture ? "Which partitions shall be captured?" :
			  "Which partitions shall be restored?");

	subject(w, &of);
	canvas_printf(c, y, 4, CELL_PLAIN, "%s", capture ? model_name(of) : of);
	draw_list(w, c, y + 1, 2, parts_row);
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
		"table and all else on it stay. A single one can go into any partition that is "
		"at least as large: the page after the target disk asks for it. Without a mark taken "
		"out the whole disk is overwritten.",
};

/* ---- into which partition of the target ---- */

/* The one partition of the image that is chosen; NULL: there are several, or all. */
static const struct model_part *single(const struct wiz *w)
{
	const char *list = job_only(&w->job, w->job.image);
	const struct model_disk *d = &w->info.disk;

	for (size_t i = 0; list && !strchr(list, ',') && i < d->nparts; i++)
		if (d->parts[i].number == atoi(list))
			return &d->parts[i];
	return NULL;
}

static const struct model_disk *target(const struct wiz *w)
{
	return model_find(&w->disks, w->job.target);
}

static int into_rows(const struct wiz *w)
{
	size_t at[JOB_ONLY_MAX];

	return (int)choosable(target(w), at);
}

/* Its place in the captured disk. */
static bool same_place(const struct model_part *from, const struct model_part *to)
{
	return from && to->start && from->start == to->start;
}

/* However little is used of it. */
static bool too_small(const struct model_part *from, const struct model_part *to)
{
	return from && to->size < from->size;
}

enum wiz_act wiz_to_places(struct wiz *w)
{
	const struct model_part *from = single(w);
	const struct model_disk *d = target(w);
	size_t at[JOB_ONLY_MAX], n = choosable(d, at), same = n, fits = n;

	text_put(&w->job.into, "");
	if (!from || !n)
		return wiz_to_confirm(w);
	for (size_t i = n; i-- > 0; ) {
		if (same_place(from, &d->parts[at[i]]))
			same = i;
		if (!too_small(from, &d->parts[at[i]]))
			fits = i;
	}
	w->cur[P_INTO] = (int)(same < n ? same : fits < n ? fits : 0);
	return wiz_go(w, P_INTO);
}

static enum wiz_act into_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	size_t at[JOB_ONLY_MAX];
	const struct model_disk *d = target(w);
	const struct model_part *from = single(w), *to;
	char size[32], number[16];

	(void)arg;
	if (ev != EV_NEXT)
		return ACT_DEFAULT;
	if (!from || (size_t)w->cur[P_INTO] >= choosable(d, at))
		return ACT_BEEP;
	to = &d->parts[at[w->cur[P_INTO]]];
	text_bytes(size, from->size);
	if (too_small(from, to))
		return wiz_beep(w, "Partition %d is too small: %s are needed.", to->number, size);
	snprintf(number, sizeof number, "%d", to->number);
	text_put(&w->job.into, same_place(from, to) ? "" : number);
	return wiz_to_confirm(w);
}

static void into_row(const struct wiz *w, struct canvas *c, int y, int i, int attr)
{
	size_t at[JOB_ONLY_MAX];
	const struct model_disk *d = target(w);
	const struct model_part *from = single(w), *p;

	choosable(d, at);
	p = &d->parts[at[i]];
	canvas_text(c, y, 5, attr, too_small(from, p) ? "-" : same_place(from, p) ? "=" : " ");
	draw_part(c, y, 7, attr, p);
}

static void into_draw(const struct wiz *w, struct canvas *c)
{
	const struct model_part *from = single(w);
	int y;
	char lead[160], used[32];

	snprintf(lead, sizeof lead, "Into which partition of %s shall partition %d go?",
		 model_name(w->job.target), from ? from->number : 0);
	y = draw_list(w, c, draw_lead(c, lead), 7, into_row) + 1;
	draw_rule(c, y, "What goes there");
	if (!from)
		return;
	draw_part(c, y + 1, 7, CELL_PLAIN, from);
	text_bytes(used, from->used);
	if (from->used_known)
		canvas_printf(c, y + 2, 12, CELL_PLAIN, "%s of it are used", used);
}

const struct page page_into = {
	.title = "target partition", .in_job = true, .rows = into_rows, .event = into_event,
	.draw = into_draw,
	.keys = "Up/Down Move   Enter Choose   Esc Back   F1 Help",
	.help = "The partition is overwritten; the disk's table and all else on it stay. '=' "
		"stands before the one at the place that the captured one had, '-' before one "
		"that is smaller than it was.\n\n"
		"It must be of the same kind in the disk's table (a system looks for what is "
		"in it by that), which is checked before anything is written.",
};
