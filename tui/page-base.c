/* page-base.c: Capture: an older image of the disk, of which only the differences are
 * stored; and the passphrase of a new image. */
#include <stdio.h>
#include <string.h>
#include "tui/page.h"

/* An encrypted image tells of its disk nothing but the size. */
static bool is_of(const struct model_image *m, const struct model_disk *d)
{
	if (!m->complete || m->disk_size != d->size || !strcmp(m->name, MODEL_MACHINE))
		return false;
	if (m->encrypted)
		return true;
	return m->serial[0] || d->serial[0] ? !strcmp(m->serial, d->serial) :
		!strcmp(m->model, d->model);
}

/* The k-th image that can be the base; NULL: there are fewer.  *ret_n: how many. */
static const struct model_image *base_at(const struct wiz *w, int k, int *ret_n)
{
	const struct model_disk *d = w->job.ndisks != 1 ? NULL :
		model_find(&w->disks, w->job.disks[0]);
	const struct model_image *found = NULL;

	*ret_n = 0;
	for (size_t i = 0; d && i < w->place.nimages; i++)
		if (is_of(&w->place.images[i], d) && (*ret_n)++ == k)
			found = &w->place.images[i];
	return found;
}

int wiz_bases(const struct wiz *w)
{
	int n;

	base_at(w, 0, &n);
	return n;
}

void wiz_bases_shown(struct wiz *w)
{
	const struct model_image *m;
	int n = wiz_bases(w);

	w->cur[P_BASE] = 0;
	for (int i = 0; i < n && w->job.base[0]; i++) {
		m = base_at(w, i, &n);
		if (m && !strcmp(m->name, w->job.base))
			w->cur[P_BASE] = i + 1;
	}
	if (!w->cur[P_BASE])
		w->job.base[0] = 0;
}

static int base_rows(const struct wiz *w)
{
	return 1 + wiz_bases(w);
}

static enum wiz_act base_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	const struct model_image *m;
	int n;

	(void)arg;
	if (ev != EV_NEXT)
		return ACT_DEFAULT;
	m = base_at(w, w->cur[P_BASE] - 1, &n);
	if (w->job.resume && w->cut_based && !m)
		return wiz_beep(w, "It was begun with an older image: choose that one.");
	if (m && m->encrypted && !w->job.encrypt)
		return wiz_beep(w, "It is encrypted, so the new image must be, too: Esc leads to the options.");
	snprintf(w->job.base, sizeof w->job.base, "%s", m ? m->name : "");
	return wiz_options_next(w);
}

static void base_row(const struct wiz *w, struct canvas *c, int y, int i, int attr)
{
	int n;
	const struct model_image *m = base_at(w, i - 1, &n);
	char date[20], used[32];

	if (!m) {
		canvas_text(c, y, 4, attr, "None: all that is used is stored");
		return;
	}
	wiz_when(m->created, date);
	text_bytes(used, m->used);
	canvas_column(c, y, 4, c->cols - 48, attr, m->name);
	canvas_column(c, y, c->cols - 43, 16, attr, date);
	canvas_printf(c, y, c->cols - 25, attr, "%9s", used);
	canvas_column(c, y, c->cols - 14, 12, attr, m->encrypted ? "encrypted" : "");
}

static void base_draw(const struct wiz *w, struct canvas *c)
{
	int y = draw_lead(c, w->job.resume ?
		"Which older image was it begun with?" :
		"Store only what differs from an older image of this disk?");

	canvas_text(c, y, 4, CELL_PLAIN, "Older image");
	canvas_text(c, y, c->cols - 43, CELL_PLAIN, "Captured (UTC)         Used");
	y = draw_list(w, c, y + 1, 6, base_row) + 1;
	canvas_wrap(c, y, 4, c->cols - 8, body_last(c), 0, CELL_PLAIN, !w->cur[P_BASE] ?
		    "The new image needs no other one." :
		    "The new image is small, and made fast, but can't be restored without this "
		    "older one beside it (and those that it needs itself).");
}

const struct page page_base = {
	.title = "older image", .in_job = true, .rows = base_rows, .event = base_event,
	.draw = base_draw, .keys = "Up/Down Move   Enter Choose   Esc Back   F1 Help",
	.help = "These images in the place are of a disk of the same size and serial number. Of "
		"encrypted ones only the size is known; the new image gets the same "
		"passphrase then.\n\n"
		"With an older image the disk is read and compared with it, and only what "
		"has changed is stored. Keep the older image: without it the new one is of "
		"no use.",
};

/* ---- the passphrase ---- */

static const struct field seal_fields[] = {
	FIELD(FIELD_SECRET, "Passphrase", job.passphrase,
	      "Keep it: without it nobody can read the image, you neither."),
	FIELD(FIELD_SECRET, "The same again", again,
	      "So that a slip of the fingers doesn't lock you out."),
};

static enum wiz_act seal_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	(void)arg;
	if (ev != EV_NEXT)
		return ACT_DEFAULT;
	if (!w->job.passphrase.s[0]) {
		w->cur[P_SEAL] = 0;
		return wiz_beep(w, "Type a passphrase; an empty one protects nothing.");
	}
	if (strcmp(w->job.passphrase.s, w->again.s)) {
		w->cur[P_SEAL] = 1;
		return wiz_beep(w, w->again.s[0] ? "The two passphrases differ." :
				"Type the passphrase once more in the second field.");
	}
	return wiz_options_next(w);
}

static void seal_draw(const struct wiz *w, struct canvas *c)
{
	int y = draw_form(w, c, draw_lead(c, "The passphrase of the new image, twice:"));

	if (w->job.base[0])
		draw_fact(c, y + 1, "Base", "%s: if it is encrypted, then with the same passphrase",
			  w->job.base);
}

const struct page page_seal = {
	.title = "image passphrase", .in_job = true, .fields = seal_fields,
	.nfields = sizeof seal_fields / sizeof *seal_fields, .event = seal_event,
	.draw = seal_draw,
	.keys = "Tab/Up/Down Field   Enter Continue   Esc Back   F1 Help",
	.help = "The whole image is encrypted, with what it says of the disk. A long passphrase "
		"of several words is good. There is no other way in: if it is lost, so is "
		"the image.\n\n"
		"It is handed to rehost in its environment, and is never on a command line, in "
		"a log or on a disk.",
};
