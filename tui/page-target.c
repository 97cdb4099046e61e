/* page-target.c: Restore: which disk is overwritten; Adapt: which one is edited;
 * and the confirmations. */
#include <stdio.h>
#include <string.h>
#include "tui/page.h"

const char *wiz_target_refusal(const struct wiz *w, const struct model_disk *d,
			       char *buf, size_t size)
{
	const struct model_disk *holds = NULL;
	bool whole = w->job.kind != JOB_ADAPT;  /* an image is written to it */
	char need[32];

	if (whole && w->job.place.kind == PLACE_DEV)
		model_find_part(&w->disks, w->job.place.dev.part.s, &holds);
	text_bytes(need, w->info.smallest);
	if (!strcmp(d->kind, "cdrom"))
		snprintf(buf, size, "a CD or DVD drive");
	else if (d->boot_medium)
		snprintf(buf, size, "this live system runs from it");
	else if (holds == d)
		snprintf(buf, size, "the image is on it");
	else if (!d->size)
		snprintf(buf, size, "no medium in it");
	else if (d->read_only)
		snprintf(buf, size, "it is write-protected");
	else if (whole && d->size < w->info.smallest)
		snprintf(buf, size, "too small, the image needs %s", need);
	else if (whole && !strcmp(w->info.disk.kind, "part"))
		snprintf(buf, size, "the image is of one partition only");
	else if (d->in_use[0])
		snprintf(buf, size, "in use: %s", d->in_use);
	else
		return NULL;
	return buf;
}

static int target_rows(const struct wiz *w)
{
	return (int)w->disks.n;
}

static const struct model_disk *current(const struct wiz *w)
{
	return w->disks.n ? &w->disks.d[w->cur[w->page]] : NULL;
}

static enum wiz_act choose(struct wiz *w)
{
	const struct model_disk *d = current(w);
	char why[300];

	if (!d)
		return wiz_beep(w, "There is no disk to choose.");
	if (wiz_target_refusal(w, d, why, sizeof why))
		return wiz_beep(w, "%s can't be %s: %s.", model_name(d->path),
				w->page == P_ADISK ? "adapted" : "the target", why);
	job_set_target(&w->job, d->path, d->serial, d->wwn);
	memcpy(w->target_serial, d->serial, sizeof w->target_serial);
	memcpy(w->target_wwn, d->wwn, sizeof w->target_wwn);
	memcpy(w->target_model, d->model, sizeof w->target_model);
	w->target_size = d->size;
	return wiz_go(w, w->page == P_ADISK ? P_AOPTIONS : P_WISHES);
}

enum wiz_act wiz_to_confirm(struct wiz *w)
{
	enum wiz_page p = w->job.kind == JOB_ADAPT ? P_ACONFIRM : P_CONFIRM;

	text_put(&w->confirm, "");
	w->cur[p] = 0;
	w->lost_first = 0;
	return wiz_go(w, p);
}

static enum wiz_act target_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	if (ev == EV_NEXT)
		return choose(w);
	if (ev == EV_CHAR && arg == 'r')
		return wiz_task_start(w, T_DISKS);
	if (ev == EV_CHAR && arg == 'd')
		return wiz_show_disk(w, current(w));
	return ACT_DEFAULT;
}

static void target_row(const struct wiz *w, struct canvas *c, int y, int i)
{
	const struct model_disk *d = &w->disks.d[i];
	int attr = draw_mark(c, y, i == w->cur[w->page]);
	char size[32], why[300];
	const char *refused = wiz_target_refusal(w, d, why, sizeof why);

	text_bytes(size, d->size);
	canvas_text(c, y, 4, attr, refused ? "-" : " ");
	canvas_column(c, y, 6, 9, attr, model_name(d->path));
	canvas_printf(c, y, 16, attr, "%9s", size);
	canvas_column(c, y, 27, 21, attr, model_title(d));
	canvas_column(c, y, 49, c->cols - 51, attr, d->serial[0] ? d->serial : "-");
}

static void draw_choice(const struct wiz *w, struct canvas *c, const char *lead,
			const char *cannot, const char *contents)
{
	int n = (int)w->disks.n, y = draw_lead(c, lead);
	int height = body_last(c) - y - 8, first = list_first(n, w->cur[w->page], height);
	const struct model_disk *d = current(w);
	char why[300], line[340];
	const char *refused = d ? wiz_target_refusal(w, d, why, sizeof why) : NULL;

	snprintf(line, sizeof line, "%s: %s.", cannot, refused ? why : "");
	if (!d) {
		canvas_wrap(c, y, BODY_LEFT, body_width(c), body_last(c), 0, CELL_PLAIN,
			    "No disk was found. Check its cable, and whether the firmware "
			    "(BIOS) has its controller in RAID mode. 'r' looks again.");
		return;
	}
	canvas_text(c, y, 6, CELL_PLAIN, "Disk           Size  Model                 Serial number");
	for (int i = first; i < n && i < first + height; i++)
		target_row(w, c, y + 1 + i - first, i);
	y += 2 + (n < height ? n : height);
	draw_rule(c, y, refused ? "What is on it" : contents);
	if (refused)
		y = canvas_wrap(c, y + 1, 4, c->cols - 8, body_last(c), 0, CELL_BOLD, line) - 1;
	draw_contents(c, y + 1, body_last(c), d, 0);
}

static void target_draw(const struct wiz *w, struct canvas *c)
{
	draw_choice(w, c, "Which disk shall be overwritten?", "It can't be the target",
		    "What would be lost on it");
}

static void adisk_draw(const struct wiz *w, struct canvas *c)
{
	draw_choice(w, c, "Which disk's system shall be adapted to this machine?",
		    "It can't be adapted", "What is on it");
}

const struct page page_adisk = {
	.title = "disk", .in_job = true, .rows = target_rows,
	.event = target_event, .draw = adisk_draw,
	.keys = "Up/Down Move   Enter Choose   d Details   r Look again   Esc Back   F1 Help",
	.help = "Choose the disk that holds the system: one that was restored or "
		"brought here from another machine. The next pages say whether it will "
		"boot here, and what has to be edited for that; nothing is written before "
		"you have typed the disk's name.\n\n"
		"A system that lies on several disks (RAID, LVM) is adapted in the shell: "
		"rehost-adapt DISK1 DISK2.",
};

const struct page page_target = {
	.title = "target disk", .in_job = true, .rows = target_rows,
	.event = target_event, .draw = target_draw,
	.keys = "Up/Down Move   Enter Choose   d Details   r Look again   Esc Back   F1 Help",
	.help = "Everything on the target disk is overwritten. The lower half shows what "
		"that is.\n\n"
		"Disks marked '-' can't be chosen, the lower half says why: in use, too "
		"small, write-protected, the disk that holds the image, or the medium "
		"that this live system was started from.\n\n"
		"Nothing is written yet: the next page asks for the disk's name.",
};

static const struct field fields[] = {
	FIELD(FIELD_TEXT, "Type the disk's name", confirm,
	      "Enter starts the restore once the name is typed. Esc goes back."),
	FIELD(FIELD_CHECK, "Verify afterwards", job.verify,
	      "Reads the disk back and compares it with the image. Space changes it."),
};

/* PgUp, PgDn: through the partitions that will be lost. */
static enum wiz_act scroll(struct wiz *w, int by)
{
	const struct model_disk *d = model_find(&w->disks, w->job.target);
	int to = w->lost_first + by, n = d ? (int)d->nparts : 0;

	if (to > n - 1)
		to = n - 1;
	if (to < 0)
		to = 0;
	if (to == w->lost_first)
		return ACT_BEEP;
	w->lost_first = to;
	return ACT_NONE;
}

static enum wiz_act name_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	(void)arg;
	if (ev != EV_NEXT)
		return ACT_DEFAULT;
	if (strcmp(w->confirm.s, model_name(w->job.target))) {
		w->cur[w->page] = 0;
		return wiz_beep(w, "Type %s to go on, or press Esc to go back.",
				model_name(w->job.target));
	}
	return wiz_task_start(w, T_TARGETS);
}

static enum wiz_act confirm_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	if (ev == EV_PGUP || ev == EV_PGDN)
		return scroll(w, ev == EV_PGUP ? -4 : 4);
	return name_event(w, ev, arg);
}

static int draw_target(const struct wiz *w, struct canvas *c, int y)
{
	char size[32];

	text_bytes(size, w->target_size);
	y = draw_fact(c, y, w->job.kind == JOB_ADAPT ? "Disk" : "Target disk", "%s  %s  %s",
		      model_name(w->job.target), size, w->target_model);
	return draw_fact(c, y, "Serial number", "%s", w->target_serial[0] ?
			 w->target_serial : "not known: compare model and size");
}

static void confirm_draw(const struct wiz *w, struct canvas *c)
{
	const struct model_disk *d = model_find(&w->disks, w->job.target);
	char lead[160];
	int y;

	snprintf(lead, sizeof lead, "Everything on %s will be lost. To go on, type its "
		 "name: %s", w->job.target, model_name(w->job.target));
	y = draw_form(w, c, draw_lead(c, lead)) + 1;
	y = draw_fact(c, y, "Image", "%s", w->job.image);
	y = draw_target(w, c, y);
	draw_rule(c, y++, d && d->nparts > 5 ? "What will be lost (PgDn, PgUp: all of it)" :
		  "What will be lost");
	if (d)
		draw_contents(c, y, body_last(c), d, (size_t)w->lost_first);
}

const struct page page_confirm = {
	.title = "confirm", .in_job = true, .fields = fields,
	.nfields = sizeof fields / sizeof *fields, .event = confirm_event,
	.draw = confirm_draw,
	.keys = "Type the name, then Enter Start   Tab Field   Esc Back   F1 Help",
	.help = "Compare the size and the serial number (it is printed on the drive) "
		"with the disk that you mean. Then type its name as it is shown, without "
		"/dev/, and press Enter.\n\n"
		"The disk is looked up once more before it is written: if it was "
		"unplugged or renamed meanwhile, nothing is written.\n\n"
		"Verify afterwards reads everything back from the disk and compares it "
		"with the image; it takes about as long as reading the disk does.",
};

static const struct field aconfirm_fields[] = {
	FIELD(FIELD_TEXT, "Type the disk's name", confirm,
	      "Enter starts once the name is typed. Esc goes back."),
};

static void aconfirm_draw(const struct wiz *w, struct canvas *c)
{
	const struct job_adapt *a = &w->job.adapt;
	char lead[200];
	int y;

	snprintf(lead, sizeof lead, "%s %s%s. To go on, type its name: %s", a->undo ?
		 "What adapt changed on" : "The system on", w->job.target, a->undo ?
		 " will be put back" : " will be edited", model_name(w->job.target));
	y = draw_form(w, c, draw_lead(c, lead)) + 1;
	y = draw_target(w, c, y);
	if (a->undo)
		return;
	y = draw_fact(c, y, "System", "%s", w->plan.systems);
	y = draw_fact(c, y, "Edits", "%zu; Esc leads back to them", w->plan.nedits);
	if (a->hostname.s[0])
		y = draw_fact(c, y, "New host name", "%s", a->hostname.s);
	if (a->new_identity)
		y = draw_fact(c, y, "New identity", "yes");
	if (a->remove_tools)
		draw_fact(c, y, "Guest tools", "those of other hypervisors are switched off");
}

const struct page page_aconfirm = {
	.title = "confirm", .in_job = true, .fields = aconfirm_fields, .nfields = 1,
	.event = name_event, .draw = aconfirm_draw,
	.keys = "Type the name, then Enter Start   Esc Back   F1 Help",
	.help = "Compare the size and the serial number with the disk that you mean. Then "
		"type its name as it is shown, without /dev/, and press Enter.\n\n"
		"Everything that is edited is kept on the disk before: 'undo an adapt' in "
		"this task's options puts it back byte for byte. The disk is looked up once "
		"more before it is written.",
};
