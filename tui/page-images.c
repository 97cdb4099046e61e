/* page-images.c: Restore and Verify: which image, and what is in it. */
#include <stdio.h>
#include <string.h>
#include "tui/page.h"

/* Rows: ".." where there is a directory above, the directories, the images. */
static int up(const struct wiz *w)
{
	return job_place_top(&w->job.place) ? 0 : 1;
}

static int images_rows(const struct wiz *w)
{
	return up(w) + (int)(w->place.ndirs + w->place.nimages);
}

/* The image in a row, or NULL if that is a directory. */
static const struct model_image *image_at(const struct wiz *w, int row)
{
	row -= up(w) + (int)w->place.ndirs;
	return row >= 0 && row < (int)w->place.nimages ? &w->place.images[row] : NULL;
}

/* The highlight on the first image, if there is one. */
void wiz_images_shown(struct wiz *w)
{
	w->cur[P_IMAGES] = w->place.nimages ? up(w) + (int)w->place.ndirs : 0;
}

/* Into directory `name`, or up for "..". */
static enum wiz_act enter(struct wiz *w, const char *name)
{
	if (!job_place_enter(&w->job.place, name))
		return wiz_beep(w, "This directory's path is too long.");
	return wiz_task_start(w, T_PLACE);
}

static enum wiz_act choose(struct wiz *w)
{
	int row = w->cur[P_IMAGES];
	const struct model_image *m = image_at(w, row);

	if (!images_rows(w))
		return wiz_beep(w, "There is no image here. Esc leads to another place.");
	if (!m)
		return enter(w, row < up(w) ? ".." : w->place.dirs[row - up(w)]);
	if (!m->complete)
		return wiz_beep(w, "%s isn't complete: its capture was interrupted.",
				m->name);
	memcpy(w->job.image, m->name, sizeof w->job.image);
	w->job.into.s[0] = 0;
	return wiz_task_start(w, T_INFO);
}

static enum wiz_act images_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	if (ev == EV_NEXT)
		return choose(w);
	if (ev == EV_CHAR && arg == 'r')
		return wiz_task_start(w, T_PLACE);
	return ACT_DEFAULT;
}

void wiz_when(const char *created, char out[20])
{
	snprintf(out, 20, "%.16s", created);
	if (strlen(out) > 10 && out[10] == 'T')
		out[10] = ' ';
}

static void images_row(const struct wiz *w, struct canvas *c, int y, int i, int attr)
{
	int width = c->cols - 46;
	const struct model_image *m = image_at(w, i);
	char size[32], date[20];

	if (!m) {
		canvas_printf(c, y, 4, attr, "%s/", i < up(w) ? ".." :
			      w->place.dirs[i - up(w)]);
		return;
	}
	wiz_when(m->created, date);
	canvas_column(c, y, 4, width, attr, m->name);
	canvas_column(c, y, width + 5, 16, attr, m->complete ? date : "NOT COMPLETE");
	if (!m->complete)
		return;
	text_bytes(size, m->disk_size);
	canvas_printf(c, y, width + 22, attr, "%9s", size);
	text_bytes(size, m->used);
	canvas_printf(c, y, width + 33, attr, "%9s", size);
}

static void images_draw(const struct wiz *w, struct canvas *c)
{
	int y = draw_lead(c, "Which image?"), width = c->cols - 46;
	const struct model_image *m = image_at(w, w->cur[P_IMAGES]);
	char url[JOB_URL_MAX], size[32];

	job_place_url(&w->job.place, "", url);
	canvas_column(c, y++, BODY_LEFT + 2, body_width(c) - 2, CELL_PLAIN, url);
	if (!images_rows(w)) {
		canvas_text(c, y + 1, BODY_LEFT + 2, CELL_PLAIN,
			    "There is no image here. Esc leads to another place.");
		return;
	}
	canvas_text(c, y, 4, CELL_PLAIN, "Image");
	canvas_text(c, y, width + 5, CELL_PLAIN, "Captured (UTC)    Disk size       Used");
	y = draw_list(w, c, y + 1, 8, images_row);
	draw_rule(c, y++, "");
	if (!m) {
		canvas_text(c, y, 4, CELL_PLAIN, "A directory: Enter opens it.");
		return;
	}
	text_bytes(size, m->size);
	y = draw_fact(c, y, "Image", "%s", m->name);
	if (m->complete && m->encrypted) {
		y = draw_fact(c, y, "Encrypted", "yes: its passphrase is asked for");
	} else if (m->complete) {
		y = draw_fact(c, y, "Disk", "%s", m->model);
		y = draw_fact(c, y, "Systems", "%s", m->systems[0] ? m->systems :
			      "none recognised");
	}
	y = draw_fact(c, y, "Size of the image", "%s", size);
	if (!m->complete)
		canvas_wrap(c, y, BODY_LEFT, body_width(c), body_last(c), 0, CELL_BOLD,
			    "It isn't complete: its capture was interrupted, or still "
			    "runs. It can't be used; capture the disk again.");
}

const struct page page_images = {
	.title = "image", .in_job = true, .rows = images_rows, .event = images_event,
	.draw = images_draw,
	.keys = "Up/Down Move   Enter Choose   r Look again   Esc Back   F1 Help",
	.help = "The images (.rhi files) in this place and its directories. Disk size "
		"is the captured disk's, Used what of it was in use: a target disk must "
		"hold the last byte that was in use.\n\n"
		"An image that isn't complete can't be restored. Of an encrypted one nothing "
		"more is known before its passphrase is.",
};

static int image_rows(const struct wiz *w)
{
	if (w->info.nof)
		return w->info.nof > 8 ? (int)w->info.nof - 7 : 1;
	return w->info.disk.nparts > 6 ? (int)w->info.disk.nparts - 5 : 1;
}

static enum wiz_act image_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	if (ev == EV_CHAR && arg == 'p' && w->job.kind == JOB_VERIFY)
		return wiz_beep(w, "The whole image is verified.");
	if (ev == EV_CHAR && arg == 'p')
		return w->info.nof ? wiz_beep(w, "Choose one of the images for that: Esc leads to them.") :
			wiz_choose_parts(w, &w->info.disk);
	if (ev != EV_NEXT)
		return ACT_DEFAULT;
	if (w->job.kind == JOB_VERIFY)
		return wiz_job_begin(w);
	return wiz_task_start(w, T_DISKS);
}

static void draw_machine(const struct wiz *w, struct canvas *c, int y)
{
	char size[32], systems[200];

	draw_rule(c, y++, "Its images");
	for (size_t i = (size_t)w->cur[P_IMAGE]; i < w->info.nof && y <= body_last(c); i++, y++) {
		const struct model_info *m = &w->info.of[i];

		text_bytes(size, m->disk_size);
		model_systems(&m->disk, systems, sizeof systems);
		canvas_column(c, y, 4, 34, CELL_PLAIN, m->name);
		canvas_printf(c, y, 39, CELL_PLAIN, "%9s", size);
		canvas_column(c, y, 50, c->cols - 52, CELL_PLAIN, systems);
	}
}

static void draw_chosen(const struct wiz *w, struct canvas *c, int y)
{
	const char *list = w->job.kind == JOB_RESTORE ? job_only(&w->job, w->job.image) : NULL;
	char title[80];

	if (list)
		snprintf(title, sizeof title, "What is in it; chosen: partition %.40s", list);
	draw_rule(c, y, list ? title : "What is in it");
}

static void image_draw(const struct wiz *w, struct canvas *c)
{
	const struct model_info *m = &w->info;
	const struct model_disk *d = &m->disk;
	char size[32], used[32], stored[32], date[20];
	int y = BODY_TOP;

	text_bytes(size, m->disk_size);
	text_bytes(used, m->used);
	text_bytes(stored, m->stored);
	wiz_when(m->created, date);
	y = draw_fact(c, y, "Image", "%s", w->job.image);
	y = draw_fact(c, y, "Captured", "%s UTC", date);
	y = draw_fact(c, y, "Machine", "%s", m->machine);
	if (!m->nof)
		y = draw_fact(c, y, "Disk", "%s, serial number %s", d->model[0] ? d->model : "-",
		      d->serial[0] ? d->serial : "not known");
	y = draw_fact(c, y, "Disk size", "%s, %s used, %s in the image", size, used, stored);
	if (!m->nof)
		y = draw_fact(c, y, "Digest", "%s", m->digest);
	if (m->encrypted)
		y = draw_fact(c, y, "Encrypted", "yes");
	if (m->partial)
		y = draw_fact(c, y, "Attention", "It has chosen partitions only; the others stay as they are on the target.");
	if (m->unreadable)
		y = draw_fact(c, y, "Attention", "%zu areas of the disk could not be "
			      "read when it was captured; they are zeros in the image.",
			      m->unreadable);
	if (m->nof) {
		draw_machine(w, c, y);
		return;
	}
	draw_chosen(w, c, y);
	draw_contents(c, y + 1, body_last(c), d, (size_t)w->cur[P_IMAGE]);
}

const struct page page_image = {
	.title = "image details", .in_job = true, .rows = image_rows,
	.event = image_event, .draw = image_draw,
	.keys = "Enter Continue   p Partitions   Up/Down Scroll   Esc Back   F1 Help",
	.help = "What the image says about the disk it was made of. Enter goes on: to the "
		"choice of the target disk, or when verifying, right to the check of "
		"every part of the image.\n\n"
		"'p' chooses partitions, to restore not all of them.",
};
