/* page-target.c: Restore: which disk is overwritten; Adapt: which one is edited;
 * and the confirmations. */
#include <stdio.h>
#include <string.h>
#include "tui/page.h"

size_t wiz_targets(const struct wiz *w)
{
	return w->job.kind == JOB_RESTORE && job_machine(&w->job) && w->info.nof ? w->info.nof : 1;
}

/* What is written to the k-th target. */
static const struct model_info *image_of(const struct wiz *w, size_t k)
{
	return wiz_targets(w) > 1 || w->info.nof ? &w->info.of[k < w->info.nof ? k : 0] : &w->info;
}

/* The image that was given this disk before; NULL: none. */
static const char *taken(const struct wiz *w, const struct model_disk *d)
{
	for (size_t i = 0; job_machine(&w->job) && i < w->step; i++)
		if (!strcmp(w->target[i].path, d->path))
			return image_of(w, i)->name;
	return NULL;
}

void wiz_target_names(const struct wiz *w, char *out, size_t size)
{
	size_t at = 0;

	out[0] = 0;
	for (size_t i = 0; i < wiz_targets(w) && at < size; i++)
		at += (size_t)snprintf(out + at, size - at, "%s%s", i ? " " : "",
				       model_name(job_disk(&w->job, i)));
}

const char *wiz_target_refusal(const struct wiz *w, const struct model_disk *d,
			       char *buf, size_t size)
{
	const struct model_disk *holds = NULL;
	bool whole = w->job.kind != JOB_ADAPT;  /* an image is written to it */
	bool all = whole && !job_into_parts(&w->job); /* and its table */
	const struct model_info *info = image_of(w, w->step);
	char need[32];

	if (whole && w->job.place.kind == PLACE_DEV)
		model_find_part(&w->disks, w->job.place.dev.part.s, &holds);
	text_bytes(need, info->smallest);
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
	else if (taken(w, d))
		snprintf(buf, size, "chosen for %.200s already", taken(w, d));
	else if (all && d->size < info->smallest)
		snprintf(buf, size, "too small, the image needs %s", need);
	else if (whole && !all && !wiz_has_parts(d))
		snprintf(buf, size, "it has no partitions");
	else if (all && !strcmp(info->disk.kind, "part"))
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

static void keep(struct wiz *w, const struct model_disk *d)
{
	bool machine = w->page == P_TARGET && job_machine(&w->job);
	size_t k = machine ? w->step : 0;
	struct wiz_target *t = &w->target[k];

	memcpy(t->path, d->path, sizeof t->path);
	memcpy(t->serial, d->serial, sizeof t->serial);
	memcpy(t->wwn, d->wwn, sizeof t->wwn);
	memcpy(t->model, d->model, sizeof t->model);
	t->size = d->size;
	if (!machine) {
		job_set_target(&w->job, d->path, d->serial, d->wwn);
		return;
	}
	job_set_move(&w->job, k, w->info.of[k].name, d->path, d->serial, d->wwn);
	w->job.nmoves = w->job.nmoves > k ? w->job.nmoves : k + 1;
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
	keep(w, d);
	if (w->page == P_ADISK)
		return wiz_go(w, P_AOPTIONS);
	if (w->step + 1 < wiz_targets(w)) {
		w->step++;
		return ACT_NONE;
	}
	if (wiz_can_go_on(w))
		return wiz_go(w, P_AGAIN);
	w->job.resume = false;
	return job_into_parts(&w->job) ? wiz_to_places(w) : wiz_go(w, P_WISHES);
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
	if (ev == EV_BACK && w->page == P_TARGET && w->step) {
		w->step--;
		return ACT_NONE;
	}
	return ACT_DEFAULT;
}

static void target_row(const struct wiz *w, struct canvas *c, int y, int i, int attr)
{
	const struct model_disk *d = &w->disks.d[i];
	char size[32], why[300];
	const char *refused = wiz_target_refusal(w, d, why, sizeof why);

	text_bytes(size, d->size);
	canvas_text(c, y, 4, attr, refused ? "-" : " ");
	canvas_text(c, y, 5, attr, d->failing ? "!" : " ");
	canvas_column(c, y, 6, 9, attr, model_name(d->path));
	canvas_printf(c, y, 16, attr, "%9s", size);
	canvas_column(c, y, 27, 21, attr, model_title(d));
	canvas_column(c, y, 49, c->cols - 51, attr, d->serial[0] ? d->serial : "-");
}

static void draw_choice(const struct wiz *w, struct canvas *c, const char *lead,
			const char *cannot, const char *contents)
{
	int y = draw_lead(c, lead);
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
	y = draw_list(w, c, y + 1, 8, target_row) + 1;
	draw_rule(c, y, refused ? "What is on it" : contents);
	if (refused)
		y = canvas_wrap(c, y + 1, 4, c->cols - 8, body_last(c), 0, CELL_BOLD, line) - 1;
	y = draw_health(c, y + 1, body_last(c), d);
	draw_contents(c, y, body_last(c), d, 0);
}

static void target_draw(const struct wiz *w, struct canvas *c)
{
	char lead[160], size[32];

	if (job_machine(&w->job)) {
		text_bytes(size, image_of(w, w->step)->disk_size);
		snprintf(lead, sizeof lead, "Which disk shall be overwritten with %.60s (%s)?",
			 image_of(w, w->step)->name, size);
	} else {
		snprintf(lead, sizeof lead, job_into_parts(&w->job) ?
			 "Which disk has the places for the partitions?" : "Which disk shall be overwritten?");
	}
	draw_choice(w, c, lead, "It can't be the target", job_into_parts(&w->job) ?
		    "What is on it" : "What would be lost on it");
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
		"that this live system was started from. '!' stands before a disk that says "
		"that it is failing (SMART): take another one if you can.\n\n"
		"Nothing is written yet: the next page asks for the disk's name.",
};

static const struct field fields[] = {
	FIELD(FIELD_TEXT, "Type the disk's name", confirm,
	      "Enter starts the restore once the name is typed. Esc goes back."),
	FIELD(FIELD_CHECK, "Verify afterwards", job.verify,
	      "Reads the disk back and compares it with the image. Space changes it."),
	FIELD(FIELD_CHECK, "Only what differs", job.delta,
	      "Reads the disk first, and writes only what isn't as in the image: for a disk "
	      "that held it before. Space changes it."),
};
enum { F_DELTA = 2 };

/* PgUp, PgDn: through the partitions, or disks, that will be lost. */
static enum wiz_act scroll(struct wiz *w, int by)
{
	const struct model_disk *d = model_find(&w->disks, w->job.target);
	int to = w->lost_first + by, n = job_machine(&w->job) ? (int)wiz_targets(w) : d ? (int)d->nparts : 0;

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
	char names[400];

	(void)arg;
	if (ev != EV_NEXT)
		return ACT_DEFAULT;
	wiz_target_names(w, names, sizeof names);
	if (strcmp(w->confirm.s, names)) {
		w->cur[w->page] = 0;
		return wiz_beep(w, "Type %.100s to go on, or press Esc to go back.", names);
	}
	return wiz_task_start(w, T_TARGETS);
}

static enum wiz_act confirm_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	if (ev == EV_PGUP || ev == EV_PGDN)
		return scroll(w, ev == EV_PGUP ? -4 : 4);
	if (ev == EV_CHAR && w->cur[P_CONFIRM] == F_DELTA && job_into_parts(&w->job))
		return wiz_beep(w, "Chosen partitions are written whole.");
	if (ev == EV_CHAR && w->cur[P_CONFIRM] == F_DELTA && w->job.resume)
		return wiz_beep(w, "It goes on where it stopped: the rest is written whole.");
	return name_event(w, ev, arg);
}

static int draw_target(const struct wiz *w, struct canvas *c, int y)
{
	char size[32];

	text_bytes(size, w->target->size);
	y = draw_fact(c, y, w->job.kind == JOB_ADAPT ? "Disk" : "Target disk", "%s  %s  %s",
		      model_name(w->job.target), size, w->target->model);
	return draw_fact(c, y, "Serial number", "%s", w->target->serial[0] ?
			 w->target->serial : "not known: compare model and size");
}

/* Which image goes to which disk. */
static void draw_moves(const struct wiz *w, struct canvas *c, int y)
{
	char size[32];

	draw_rule(c, y++, wiz_targets(w) > 8 ? "What goes where (PgDn, PgUp: all of it)" : "What goes where");
	for (size_t i = (size_t)w->lost_first; i < wiz_targets(w) && y <= body_last(c); i++, y++) {
		text_bytes(size, w->target[i].size);
		canvas_column(c, y, 4, 28, CELL_PLAIN, w->job.move[i].image);
		canvas_printf(c, y, 33, CELL_BOLD, "to %-9s", model_name(job_disk(&w->job, i)));
		canvas_printf(c, y, 46, CELL_PLAIN, "%9s", size);
		canvas_column(c, y, 57, c->cols - 59, CELL_PLAIN, w->target[i].serial[0] ?
			      w->target[i].serial : w->target[i].model);
	}
}

static void confirm_lead(const struct wiz *w, char *out, size_t size)
{
	const char *list = job_only(&w->job, w->job.image);
	char names[100];

	wiz_target_names(w, names, sizeof names);
	if (wiz_targets(w) > 1)
		snprintf(out, size, "Everything on these disks will be lost. To go on, type: %s", names);
	else if (w->job.into.s[0])
		snprintf(out, size, "What is in partition %.8s of %s will be lost. To go on, type the "
			 "disk's name: %s", w->job.into.s, w->job.target, names);
	else if (job_into_parts(&w->job))
		snprintf(out, size, "What is in the places of partitions %.20s on %s will be lost. To go "
			 "on, type its name: %s", list ? list : "", w->job.target, names);
	else
		snprintf(out, size, "Everything on %s will be lost. To go on, type its name: %s",
			 job_disk(&w->job, 0), names);
}

static void confirm_draw(const struct wiz *w, struct canvas *c)
{
	const struct model_disk *d = model_find(&w->disks, w->job.target);
	char lead[260];
	int y;

	confirm_lead(w, lead, sizeof lead);
	y = draw_form(w, c, draw_lead(c, lead)) + 1;
	y = draw_fact(c, y, "Image", "%s", w->job.image);
	if (job_machine(&w->job)) {
		if (w->job.resume)
			y = draw_fact(c, y, "Goes on", "where the restore of these images was interrupted");
		draw_moves(w, c, y);
		return;
	}
	y = draw_target(w, c, y);
	if (d && d->failing)
		y = draw_fact(c, y, "Attention", "the disk says that it is failing: take another one if you can");
	if (w->job.resume)
		y = draw_fact(c, y, "Goes on", "where the restore of this image was interrupted");
	draw_rule(c, y++, job_into_parts(&w->job) ? "What is on it" : d && d->nparts > 5 ?
		  "What will be lost (PgDn, PgUp: all of it)" : "What will be lost");
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
		"with the image; it takes about as long as reading the disk does.\n\n"
		"Only what differs reads the disk first and leaves alone what is as in the "
		"image already: quick for a disk that was restored from it, or from an "
		"image like it, before.",
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
