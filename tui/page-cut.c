/* page-cut.c: what was interrupted can go on: a capture whose beginning is in the place,
 * a restore of which the target has a mark. */
#include <stdio.h>
#include <string.h>
#include "tui/page.h"

/* The k-th interrupted capture that may be of the disk; NULL: there are fewer.  *ret_n:
 * how many. */
static const struct model_image *cut_at(const struct wiz *w, int k, int *ret_n)
{
	const struct model_disk *d = w->job.ndisks != 1 ? NULL :
		model_find(&w->disks, w->job.disks[0]);
	const struct model_image *found = NULL;

	*ret_n = 0;
	for (size_t i = 0; d && i < w->place.ncuts; i++)
		if (w->place.cuts[i].disk_size == d->size && (*ret_n)++ == k)
			found = &w->place.cuts[i];
	return found;
}

static int cut_rows(const struct wiz *w)
{
	int n;

	cut_at(w, 0, &n);
	return n + 1;
}

enum wiz_act wiz_to_options(struct wiz *w)
{
	const char *only = job_only(&w->job, w->job.disks[0]);

	if (cut_rows(w) > 1) {
		snprintf(w->cut_before.only, sizeof w->cut_before.only, "%s", only ? only : "");
		w->cut_before.page_files = w->job.page_files;
		w->cur[P_CUT] = 0;
		return wiz_go(w, P_CUT);
	}
	w->job.resume = false;
	wiz_propose_options(w);
	return wiz_go(w, P_OPTIONS);
}

/* Which partitions, and whether with page files: as it was begun; of an encrypted one, as
 * they were chosen now. */
static bool set_parts(struct wiz *w, const struct model_image *m)
{
	w->job.page_files = m && m->told ? m->page_files : w->cut_before.page_files;
	return job_only_set(&w->job, w->job.disks[0], !m ? w->cut_before.only : !m->partial ? "" :
			    m->told ? m->only : w->cut_before.only);
}

/* The options are those that it was begun with; its name is no user's own. */
static enum wiz_act go_on(struct wiz *w, const struct model_image *m)
{
	char name[sizeof m->name];
	size_t n = strlen(m->name);

	if (m->unlocked)
		return wiz_beep(w, "It looks into encrypted volumes: go on by the command, with --unlock.");
	if (!set_parts(w, m) || (m->partial && !job_only(&w->job, w->job.disks[0])))
		return wiz_beep(w, "It has only some partitions: choose these first, on the page of the disks.");
	snprintf(name, sizeof name, "%.*s", (int)(n > 4 ? n - 4 : n), m->name);
	text_put(&w->job.name, name);
	memcpy(w->name_default, name, sizeof name);
	w->job.resume = true;
	w->job.encrypt = m->encrypted;
	w->job.dedup = m->dedup;
	if (!m->split)
		w->job.split = SPLIT_NO;
	else if (!w->job.split)
		w->job.split = SPLIT_FAT;
	w->cut_based = m->based;
	if (!m->based)
		w->job.base[0] = 0;
	return wiz_options_next(w);
}

static enum wiz_act cut_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	const struct model_image *m;
	int n;

	(void)arg;
	if (ev != EV_NEXT)
		return ACT_DEFAULT;
	m = cut_at(w, w->cur[P_CUT], &n);
	if (m)
		return go_on(w, m);
	w->job.resume = false;
	if (!set_parts(w, NULL))
		return ACT_BEEP;
	wiz_propose_options(w);
	return wiz_go(w, P_OPTIONS);
}

static void cut_row(const struct wiz *w, struct canvas *c, int y, int i, int attr)
{
	int many;
	const struct model_image *m = cut_at(w, i, &many);
	char size[32], date[20];

	if (!m) {
		canvas_text(c, y, 4, attr, "Begin a new image");
		return;
	}
	text_bytes(size, m->size);
	wiz_when(m->created, date);
	canvas_column(c, y, 4, c->cols - 48, attr, m->name);
	canvas_printf(c, y, c->cols - 43, attr, "%16s  %9s so far", date, size);
}

static void cut_draw(const struct wiz *w, struct canvas *c)
{
	int y = draw_lead(c, "A capture of a disk of this size was interrupted here."), many;

	y = draw_list(w, c, y, 7, cut_row) + 1;
	canvas_wrap(c, y, 4, c->cols - 8, body_last(c), 0, CELL_PLAIN, cut_at(w, w->cur[P_CUT], &many) ?
		    "It goes on where it stopped, if it is of this disk and the disk is as it was: "
		    "the machine must not have been started since. Otherwise nothing is changed." :
		    "What was captured before stays where it is.");
}

const struct page page_cut = {
	.title = "interrupted", .in_job = true, .rows = cut_rows, .event = cut_event,
	.draw = cut_draw, .keys = "Up/Down Move   Enter Choose   Esc Back   F1 Help",
	.help = "A capture that ended before its time, by a full or lost share, a power cut or "
		"because it was stopped, leaves what it had. Going on takes the same "
		"partitions and page files as before (an encrypted one doesn't tell them: choose "
		"them again); the disk is compared with what was captured.\n\n"
		"If the capture still runs on another machine, let it come to its end.",
};

/* ---- a restore ---- */

/* The first target that has the mark of its image; NULL: none has. */
static const struct model_disk *marked(const struct wiz *w)
{
	for (size_t i = 0; i < wiz_targets(w); i++) {
		const struct model_info *m = w->info.nof ? &w->info.of[i] : &w->info;
		const struct model_disk *d = model_find(&w->disks, job_disk(&w->job, i));

		if (d && d->mark_digest[0] && !strcmp(d->mark_digest, m->digest) &&
		    !strcmp(d->mark_id, m->image_id))
			return d;
	}
	return NULL;
}

bool wiz_can_go_on(const struct wiz *w)
{
	return !job_into_parts(&w->job) && marked(w);
}

static const char *const again_rows[] = { "Go on where it stopped", "Begin anew" };

static int again_count(const struct wiz *w)
{
	(void)w;
	return 2;
}

static enum wiz_act again_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	(void)arg;
	if (ev != EV_NEXT)
		return ACT_DEFAULT;
	w->job.resume = !w->cur[P_AGAIN];
	return wiz_go(w, P_WISHES);
}

static void again_draw(const struct wiz *w, struct canvas *c)
{
	const struct model_disk *d = marked(w);
	bool many = wiz_targets(w) > 1;
	int y = draw_lead(c, many ? "A restore of these images to these disks was interrupted." :
			  "A restore of this image to this disk was interrupted.");
	char text[sizeof d->mark_text + 200];

	for (int i = 0; i < 2; i++)
		canvas_text(c, y + i, BODY_LEFT + 2, draw_mark(c, y + i, i == w->cur[P_AGAIN]),
			    again_rows[i]);
	snprintf(text, sizeof text, "%s has %s.%s", many && d ? model_name(d->path) : "The disk",
		 d ? d->mark_text : "", many ? " Disks without such a mark are compared with their "
		 "images; what differs is written." : "");
	canvas_wrap(c, y + 3, 4, c->cols - 8, body_last(c), 0, CELL_PLAIN, text);
}

const struct page page_again = {
	.title = "interrupted", .in_job = true, .rows = again_count, .event = again_event,
	.draw = again_draw, .keys = "Up/Down Move   Enter Choose   Esc Back   F1 Help",
	.help = "The disk has a mark that says how far the restore came; what is behind that is "
		"written now. If the disk may have been written by something else since, begin "
		"anew, or begin anew with 'Only what differs' on the confirmation.",
};
