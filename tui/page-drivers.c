/* page-drivers.c: drivers for devices that a Windows has none for: where they are
 * looked for, and whether what was found there serves. */
#include <stdio.h>
#include <string.h>
#include "tui/page.h"

enum choice { FROM_PART, FROM_IMAGE, FROM_SMB, FROM_NFS, FROM_PATH, AGAIN, FORGET, WITHOUT };

enum { IN_RESTORE = 1 << JOB_RESTORE, IN_ADAPT = 1 << JOB_ADAPT, IN_BOTH = IN_RESTORE | IN_ADAPT };

static const struct {
	const char *text;
	unsigned jobs;          /* that it is offered in */
} choices[] = {
	[FROM_PART] = { "On a disk, USB stick or CD of this machine", IN_BOTH },
	[FROM_IMAGE] = { "In the place where the image is", IN_RESTORE },
	[FROM_SMB] = { "On an SMB share", IN_ADAPT },
	[FROM_NFS] = { "On an NFS export", IN_ADAPT },
	[FROM_PATH] = { "Type a path or an address", IN_BOTH },
	[AGAIN] = { "Look again", IN_BOTH },
	[FORGET] = { "Forget the places chosen so far, and look again", IN_BOTH },
	[WITHOUT] = { "Go on without", IN_BOTH },
};
enum { CHOICES = sizeof choices / sizeof *choices };

static bool offered(const struct wiz *w, enum choice c)
{
	return (choices[c].jobs >> w->job.kind & 1) && (c != FORGET || w->job.adapt.ndrivers);
}

static int drivers_rows(const struct wiz *w)
{
	int n = 0;

	for (int c = 0; c < CHOICES; c++)
		n += offered(w, (enum choice)c);
	return n;
}

/* The choice in a row; CHOICES: there is no such row. */
static enum choice choice_at(const struct wiz *w, int row)
{
	int c = 0;

	for (; c < CHOICES; c++)
		if (offered(w, (enum choice)c) && !row--)
			break;
	return (enum choice)c;
}

enum wiz_act wiz_look(struct wiz *w, const char *place)
{
	if (place[0] && w->job.adapt.ndrivers == JOB_DRIVERS_MAX)
		return wiz_beep(w, "%d places are chosen already: put all drivers into one folder.",
				JOB_DRIVERS_MAX);
	snprintf(w->trying, sizeof w->trying, "%s", place);
	return wiz_task_start(w, T_PLAN);
}

bool wiz_wants_drivers(const struct wiz *w)
{
	return w->page == P_DRIVERS || w->page == P_FOLDER || w->page == P_DPATH;
}

const char *wiz_drivers_failed(struct wiz *w)
{
	if (!w->job.adapt.ndrivers || wiz_wants_drivers(w))
		return "";
	w->job.adapt.ndrivers = 0;
	return "\n\nThe places with drivers that you had chosen are forgotten: choose them "
		"again when you are asked.";
}

static void to_drivers(struct wiz *w)
{
	while (w->page != P_DRIVERS && w->nback)
		wiz_go_back(w);
	w->cur[P_DRIVERS] = w->wanted_first = 0;
}

/* Nothing is left to be asked for; BACK leads before these pages. */
static enum wiz_act to_verdict(struct wiz *w)
{
	to_drivers(w);
	if (w->nback)
		wiz_go_back(w);
	w->cur[P_VERDICT] = 0;
	return w->page == P_VERDICT ? ACT_NONE : wiz_go(w, P_VERDICT);
}

/* A network card is never missing, for the disk doesn't need it: where it gets a driver
 * only the edits tell. */
enum wiz_act wiz_drivers_tried(struct wiz *w, struct model_plan *p)
{
	bool served = p->nmissing < w->plan.nmissing || p->nedits > w->plan.nedits;

	if (w->trying[0] && !served) {
		model_plan_done(p);     /* w->plan stays what the job will do */
		wiz_error(w, "Nothing in %s serves %s.", w->trying, w->plan.nmissing ?
			  w->plan.device : "a device of this machine");
		return ACT_BEEP;
	}
	wiz_plan_new(w, p);
	if (w->trying[0] && !job_add_drivers(&w->job.adapt, w->trying))
		return ACT_BEEP;        /* wiz_look() has seen to it that there is room */
	if (!w->plan.nmissing)
		return to_verdict(w);
	to_drivers(w);
	return wiz_beep(w, "Devices that still have no driver: %zu.", w->plan.nmissing);
}

static enum wiz_act drivers_choose(struct wiz *w, enum choice c)
{
	switch (c) {
	case FROM_PART:
		return wiz_task_start(w, T_DISKS);
	case FROM_IMAGE:
		return wiz_folder_of(w, &w->job.place);
	case FROM_SMB:
	case FROM_NFS:
		w->job.place.kind = c == FROM_SMB ? PLACE_SMB : PLACE_NFS;
		return wiz_go(w, c == FROM_SMB ? P_SMB : P_NFS);
	case FROM_PATH:
		return wiz_go(w, P_DPATH);
	case FORGET:
		w->job.adapt.ndrivers = 0;
		return wiz_look(w, "");
	case AGAIN:
		return wiz_look(w, "");
	case WITHOUT:
		return to_verdict(w);
	}
	return ACT_BEEP;
}

static enum wiz_act scroll(struct wiz *w, int by)
{
	int rows = draw_lines(NULL, 0, 0, w->cols - 2 * BODY_LEFT, 0, w->plan.wanted);
	int to = w->wanted_first + by;

	if (to < 0 || to >= rows)
		return ACT_BEEP;
	w->wanted_first = to;
	return ACT_NONE;
}

static enum wiz_act drivers_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	int *cur = &w->cur[P_DRIVERS];

	if (w->plan.wanted && (ev == EV_PGUP || ev == EV_PGDN))
		return scroll(w, ev == EV_PGUP ? -2 : 2);
	if (ev == EV_CHAR && arg >= '1' && arg < '1' + drivers_rows(w)) {
		*cur = arg - '1';
		ev = EV_NEXT;
	}
	return ev == EV_NEXT ? drivers_choose(w, choice_at(w, *cur)) : ACT_DEFAULT;
}

static const char *drivers_lead(const struct wiz *w)
{
	if (w->plan.nfatal)
		return "Windows will NOT boot: no driver for a device that its disk needs.";
	return w->plan.nmissing ? "Windows has no driver for a device." :
		"Where are more drivers for this Windows?";
}

/* "Drivers come from a; b", in a row. */
static void draw_chosen(const struct wiz *w, struct canvas *c, int y)
{
	char line[512];
	size_t at = (size_t)snprintf(line, sizeof line, "Drivers come from: ");

	for (size_t i = 0; i < w->job.adapt.ndrivers && at < sizeof line; i++)
		at += (size_t)snprintf(line + at, sizeof line - at, "%s%s", i ? "; " : "",
				       w->job.adapt.drivers[i]);
	canvas_column(c, y, BODY_LEFT, body_width(c), CELL_PLAIN, line);
}

static void drivers_draw(const struct wiz *w, struct canvas *c)
{
	int y = draw_lead(c, drivers_lead(w)), n = drivers_rows(w), rule = body_last(c) - n;
	int last = rule - 2 - (w->job.adapt.ndrivers > 0), all = 0;

	if (w->plan.wanted)
		all = draw_lines(c, y, last, body_width(c), w->wanted_first, w->plan.wanted);
	if (w->job.adapt.ndrivers)
		draw_chosen(w, c, rule - 2);
	draw_rule(c, rule, all > last - y + 1 ? "Where are drivers? (PgDn, PgUp: all devices)" :
		  "Where are drivers?");
	for (int i = 0; i < n; i++) {
		int attr = draw_mark(c, rule + 1 + i, i == w->cur[P_DRIVERS]);

		canvas_printf(c, rule + 1 + i, BODY_LEFT + 2, attr, "%d  %s", i + 1,
			      choices[choice_at(w, i)].text);
	}
}

const struct page page_drivers = {
	.title = "drivers", .in_job = true, .rows = drivers_rows, .event = drivers_event,
	.draw = drivers_draw,
	.keys = "Up/Down Move   Enter Choose   Esc Back   F1 Help",
	.help = "Windows has no driver for these devices of this machine. A driver is an .inf "
		"file and what lies beside it, as its maker gives it out for putting it into "
		"Windows' setup; an .exe is an installer and has to be unpacked first. A .zip, "
		".cab or .iso may be chosen as it is (virtio-win.iso).\n\n"
		"Choose a folder: it is looked through with all below it, and the verdict is "
		"made anew. Nothing is written before. The driver is copied into the system "
		"when it is adapted: the stick or share must stay until then.\n\n"
		"A folder 'drivers' beside the image, and one on the live medium, are looked "
		"through without being asked for: put it there, and look again.",
};

/* ---- a folder ---- */

/* Rows: this folder, ".." where there is one above, directories, files. */
static int up(const struct wiz *w)
{
	return job_place_top(&w->from) ? 0 : 1;
}

static int folder_rows(const struct wiz *w)
{
	return 1 + up(w) + (int)(w->folder.ndirs + w->folder.ndrivers);
}

/* The directory in a row ("..", too), or NULL. */
static const char *dir_at(const struct wiz *w, int row)
{
	int i = row - 1 - up(w);

	return row && i < 0 ? ".." : row && i < (int)w->folder.ndirs ? w->folder.dirs[i] : NULL;
}

/* The file in a row; "": the folder itself, or a directory. */
static const char *file_at(const struct wiz *w, int row)
{
	int i = row - 1 - up(w) - (int)w->folder.ndirs;

	return i >= 0 && i < (int)w->folder.ndrivers ? w->folder.drivers[i] : "";
}

enum wiz_act wiz_folder_of(struct wiz *w, const struct job_place *p)
{
	w->from = *p;
	return wiz_task_start(w, T_FOLDER);
}

enum wiz_act wiz_folder_shown(struct wiz *w)
{
	w->from_before = *job_place_dir(&w->from);
	w->cur[P_FOLDER] = 0;
	return w->page == P_FOLDER ? ACT_NONE : wiz_go(w, P_FOLDER);
}

static enum wiz_act folder_choose(struct wiz *w)
{
	const char *dir = dir_at(w, w->cur[P_FOLDER]);
	char url[JOB_URL_MAX];

	if (!dir) {
		job_place_url(&w->from, file_at(w, w->cur[P_FOLDER]), url);
		return wiz_look(w, url);
	}
	if (!job_place_enter(&w->from, dir))
		return wiz_beep(w, "This directory's path is too long.");
	return wiz_task_start(w, T_FOLDER);
}

static enum wiz_act folder_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	if (ev == EV_NEXT)
		return folder_choose(w);
	return ev == EV_CHAR && arg == 'r' ? wiz_task_start(w, T_FOLDER) : ACT_DEFAULT;
}

static void folder_row(const struct wiz *w, struct canvas *c, int y, int i, int attr)
{
	const char *dir = dir_at(w, i);
	char name[260];

	snprintf(name, sizeof name, "%s%s", !i ? "This folder, with all below it" : dir ?
		 dir : file_at(w, i), dir ? "/" : "");
	canvas_column(c, y, 4, body_width(c) - 4, attr, name);
}

static void folder_draw(const struct wiz *w, struct canvas *c)
{
	int y = draw_lead(c, "Which folder or file has the drivers?");
	char url[JOB_URL_MAX];

	job_place_url(&w->from, "", url);
	canvas_column(c, y, BODY_LEFT + 2, body_width(c) - 2, CELL_PLAIN, url);
	draw_list(w, c, y + 2, 0, folder_row);
}

const struct page page_folder = {
	.title = "driver folder", .in_job = true, .rows = folder_rows, .event = folder_event,
	.draw = folder_draw,
	.keys = "Up/Down Move   Enter Open/Use   r Read again   Esc Back   F1 Help",
	.help = "Enter opens a folder (those that end in '/'). On the first row it uses the "
		"folder that is shown, with all below it; on a file it uses that: .inf, .zip, "
		".cab and .iso files are listed.\n\n"
		"Then the verdict is made anew, and the next page shows it; where nothing "
		"serves, you stay here.",
};

/* ---- a path ---- */

static const struct field path_fields[] = {
	FIELD(FIELD_TEXT, "Folder or file", typed,
	      "As /mnt/drivers, smb://192.0.2.10/drivers/w10, nfs://192.0.2.10/srv/drivers, "
	      "dev:///dev/sdb1/virtio-win.iso"),
};

static enum wiz_act path_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	(void)arg;
	if (ev != EV_NEXT)
		return ACT_DEFAULT;
	if (!job_drivers_good(w->typed.s))
		return wiz_beep(w, "It begins with / or smb://, nfs://, dev://; no password in it.");
	return wiz_look(w, w->typed.s);
}

static void path_draw(const struct wiz *w, struct canvas *c)
{
	draw_form(w, c, draw_lead(c, "Which folder or file has the drivers?"));
}

const struct page page_dpath = {
	.title = "driver path", .in_job = true, .fields = path_fields, .nfields = 1,
	.event = path_event, .draw = path_draw,
	.keys = "Type it, then Enter   Esc Back   F1 Help",
	.help = "A path on this live system (what you have mounted in the shell, or below "
		"/run/medium), or the address of a place. An address that ends in .inf, .zip, "
		".cab or .iso is a file, any other a folder.\n\n"
		"An smb:// address is opened with the user and password that were given for "
		"the share before, else as a guest.",
};
