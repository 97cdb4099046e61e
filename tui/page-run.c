/* page-run.c: a job's progress, and its result. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "tui/page.h"

static enum wiz_act run_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	(void)arg;
	if (ev != EV_BACK)
		return ACT_BEEP;
	if (w->run.cancelling)
		return wiz_beep(w, "The job is being stopped already.");
	w->over = OVER_CANCEL;
	w->over_cur = 0;
	return ACT_NONE;
}

/* What is being done, for people who don't know the steps' names. */
static const char *step_text(const struct wiz *w)
{
	static const struct {
		const char *step, *text;
	} known[] = {
		{ "map", "Finding out what is used" },
		{ "copy", "Copying" },
		{ "retry", "Going back to what could not be read" },
		{ "flush", "Waiting until everything is written" },
		{ "verify", "Verifying" },
		{ "verdict", "Looking into the image: will it boot here" },
		{ "adapt", "Adapting the system to this machine" },
		{ "open", "Opening the file systems" },
		{ "plan", "Finding out what has to be edited" },
		{ "apply", "Editing" },
		{ "check", "Checking that it will start" },
	};

	if (w->run.cancelling)
		return "Stopping";
	if (w->run.step_text[0])
		return w->run.step_text;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strcmp(known[i].step, w->run.step))
			return known[i].text;
	return "Starting";
}

static void draw_bar(struct canvas *c, int y, int percent)
{
	int width = body_width(c) - 8, full = width * percent / 100;

	canvas_text(c, y, BODY_LEFT, CELL_PLAIN, "[");
	canvas_fill(c, y, BODY_LEFT + 1, full, CELL_REVERSE, '#');
	canvas_fill(c, y, BODY_LEFT + 1 + full, width - full, CELL_PLAIN, '.');
	canvas_printf(c, y, BODY_LEFT + 1 + width, CELL_PLAIN, "] %3d%%", percent);
}

static int draw_what(const struct wiz *w, struct canvas *c, int y)
{
	const struct job *j = &w->job;
	char url[JOB_URL_MAX], file[400];

	if (j->kind == JOB_ADAPT)
		return draw_fact(c, y, "Disk", "%s", model_name(j->target));
	job_image_file(j, file, sizeof file);
	job_place_url(&j->place, file, url);
	if (j->kind != JOB_VERIFY && w->run.n > 1)
		y = draw_fact(c, y, "Disk", "%zu of %zu: %s", w->run.k + 1, w->run.n,
			      model_name(job_disk(j, w->run.k)));
	else if (j->kind == JOB_CAPTURE)
		y = draw_fact(c, y, "Disk", "%s", model_name(j->disks[0]));
	y = draw_fact(c, y, "Image", "%s", url);
	if (j->kind == JOB_RESTORE && w->run.n < 2)
		y = draw_fact(c, y, "Target disk", "%s", model_name(job_disk(j, 0)));
	return y;
}

static void draw_warnings(const struct progress *r, struct canvas *c, int y)
{
	y = draw_fact(c, y, "Warnings", "%zu", r->nwarnings);
	if (r->nwarnings)
		canvas_wrap(c, y, BODY_LEFT + 18, body_width(c) - 18, body_last(c), 0,
			    CELL_PLAIN, r->warnings[(r->nwarnings < RUN_WARNINGS_MAX ?
						     r->nwarnings : RUN_WARNINGS_MAX) - 1]);
}

static void run_draw(const struct wiz *w, struct canvas *c)
{
	const struct progress *r = &w->run;
	char done[32], total[32], rate[32], left[32] = "not known yet", written[32];
	int y = draw_what(w, c, BODY_TOP);

	if (w->job.kind == JOB_ADAPT) {         /* a few files: no bytes to count */
		y = canvas_wrap(c, y + 1, BODY_LEFT, body_width(c), y + 3, 0, CELL_BOLD,
				step_text(w));
		draw_warnings(r, c, y + 1);
		return;
	}
	text_bytes(done, r->done);
	text_bytes(total, r->total);
	text_bytes(rate, r->rate);
	text_bytes(written, r->written);
	if (r->eta_known)
		text_seconds(left, r->eta);
	canvas_printf(c, ++y, BODY_LEFT, CELL_BOLD, "%s", step_text(w));
	if (r->waiting)
		canvas_printf(c, y + 1, BODY_LEFT, CELL_BOLD, "Nothing has moved for %llu s: "
			      "a server or disk does not answer. Waiting for it.",
			      (unsigned long long)r->waiting);
	draw_bar(c, y + 2, progress_percent(r));
	y += 4;
	y = r->total ? draw_fact(c, y, "Done", "%s of %s", done, total) :
		draw_fact(c, y, "Done", "%s", done);
	y = r->rate ? draw_fact(c, y, "Rate", "%s/s", rate) :
		draw_fact(c, y, "Rate", "-");
	y = draw_fact(c, y, "Time left", "%s", left);
	if (r->written)
		y = draw_fact(c, y, w->job.kind == JOB_CAPTURE ? "Image so far" :
			      "Image read", "%s", written);
	draw_warnings(r, c, y);
}

const struct page page_run = {
	.title = "running", .in_job = true, .event = run_event, .draw = run_draw,
	.keys = "Esc Stop (asks first)   F1 Help",
	.help = "Done counts the used parts of the disk. The rate is that of the last "
		"seconds; the time left is an estimate.\n\n"
		"Esc or Ctrl-C asks whether to stop. Warnings are listed at the end.",
};

/* The result as text, wrapped and scrolled by the page. */
struct lines {
	char s[32768];
	size_t n;
};

static void add(struct lines *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void add(struct lines *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->s + l->n, sizeof l->s - l->n, fmt, ap);
	va_end(ap);
	l->n += n < 0 ? 0 : (size_t)n;
	if (l->n >= sizeof l->s)
		l->n = sizeof l->s - 1;
}

static void add_result(const struct wiz *w, size_t k, struct lines *l)
{
	const struct progress_result *r = &w->run.result[k];
	char bytes[32], image[32], took[32];

	text_bytes(bytes, r->bytes);
	text_bytes(image, r->image_bytes);
	text_seconds(took, r->seconds);
	if (w->job.kind == JOB_CAPTURE || (w->job.kind == JOB_RESTORE && w->run.n > 1))
		add(l, "%s: ", model_name(job_disk(&w->job, k)));
	if (w->job.kind == JOB_ADAPT)
		return;
	add(l, "%s in %s", bytes, took);
	if (r->image_bytes)
		add(l, ", image %s", image);
	add(l, "\n");
	if (r->path[0])
		add(l, "%s\n", r->path);
	if (r->digest[0])
		add(l, "Digest: %s\n", r->digest);
	add(l, "\n");
}

/* The command that would do the same again, so that a shell takes it as it
 * stands in `width` columns: a line is broken between words, by a backslash. */
static void add_command(const struct wiz *w, struct lines *l, int width)
{
	struct argv a = { 0 };
	int at = 0;

	add(l, "The same by command (in the log as one line):\n");
	if (job_argv(&w->job, true, &a, NULL))
		return;
	for (size_t i = 0; i < a.n; i++) {
		struct argv one = { a.v + i, 1 };
		char word[JOB_URL_MAX * 2];
		int n;

		argv_line(&one, word, sizeof word);
		n = text_width(word);
		if (i && at + 1 + n > width - 2) {
			add(l, " \\\n");
			at = 0;
		} else if (i) {
			add(l, " ");
			at++;
		}
		add(l, "%s", word);
		at += n;
	}
	add(l, "\n");
	argv_done(&a);
	if (w->job.place.kind == PLACE_SMB && w->job.place.smb.user.s[0])
		add(l, "FILE holds the lines username=, password= and domain=.\n");
	if (w->job.kind == JOB_RESTORE)
		add(l, "It asks for the target's name; with --yes it doesn't.\n");
	if (w->job.kind == JOB_ADAPT)
		add(l, "It asks for the disk's name; with --yes it doesn't.\n");
	if (job_adapts(&w->job) && w->job.adapt.luks.s[0])
		add(l, "REHOST_LUKS_PASSPHRASE holds the passphrase, or it asks.\n");
	if (w->job.kind == JOB_CAPTURE ? w->job.encrypt :
	    w->job.kind != JOB_ADAPT && w->info.encrypted)
		add(l, "REHOST_PASSPHRASE holds the image's passphrase, or it asks.\n");
}

static const char *headline(const struct wiz *w)
{
	static const char *const text[5][6] = {
		{ "", "The capture is done.", "The capture is done, with warnings.",
		  "The capture failed.", "The capture was refused.",
		  "The capture was stopped." },
		{ "", "The restore is done.", "The restore is done, with warnings.",
		  "The restore failed.", "The restore was refused.",
		  "The restore was stopped." },
		{ "", "The image is good.", "The image is good, with warnings.",
		  "The image could not be verified.", "The check was refused.",
		  "The check was stopped." },
		{ "", "The adapt is done.", "The adapt is done, with warnings.",
		  "The adapt failed.", "The adapt was refused.", "The adapt was stopped." },
		{ "", "The undo is done.", "The undo is done, with warnings.",
		  "The undo failed.", "The undo was refused.", "The undo was stopped." },
	};
	bool undo = w->job.kind == JOB_ADAPT && w->job.adapt.undo;

	return w->job.kind > JOB_ADAPT ? "" : text[w->job.kind + undo][w->run.state];
}

static bool ended_well(const struct wiz *w)
{
	return w->run.state == RUN_DONE || w->run.state == RUN_WARNED;
}

static void add_next_steps(const struct wiz *w, struct lines *l)
{
	char name[80];

	snprintf(name, sizeof name, "%s", model_name(job_disk(&w->job, 0)));
	if (w->job.kind == JOB_CAPTURE)
		add(l, "Next: start this live system on the other machine and choose "
		    "Restore there.\n\n");
	if (w->job.kind == JOB_CAPTURE && w->job.base[0])
		add(l, "Keep %s beside it: without that the new image can't be restored.\n\n",
		    w->job.base);
	if (w->job.kind == JOB_RESTORE || (w->job.kind == JOB_ADAPT && !w->job.adapt.undo))
		add(l, "Next: choose Power off or reboot in the main menu, take this CD "
		    "or stick out, and start from %s.\n%s\n", name, job_adapts(&w->job) ? "" :
		    "The system was not adapted: if this is other hardware, choose Adapt in "
		    "the main menu first.\n");
}

/* The disk was written, but not its system adapted. */
static bool only_adapt_failed(const struct wiz *w)
{
	return w->job.kind == JOB_RESTORE && !strcmp(w->run.step, "adapt");
}

static void add_trouble(const struct wiz *w, struct lines *l)
{
	const struct progress *r = &w->run;

	add(l, "%s\n\n", r->error[0] ? r->error : "Not all disks were done.");
	if (only_adapt_failed(w))
		add(l, "The disk is restored whole. Adapt in the main menu tries that part "
		    "again.\n\n");
	else if (r->state == RUN_FAILED || r->state == RUN_REFUSED)
		add(l, "Enter leads back to your answers: correct them and start "
		    "again, or go back with Esc and choose something else.\n\n");
	if (w->job.kind == JOB_CAPTURE && r->state != RUN_REFUSED)
		add(l, "What was captured is kept if it came far enough. Enter leads back to the "
		    "summary, from which it goes on there; or capture the disk to this place "
		    "again later.\n\n");
	if (w->job.kind == JOB_RESTORE && !only_adapt_failed(w) && r->state != RUN_REFUSED)
		add(l, "The target disk may be partly written: it will not boot.%s\n\n",
		    job_machine(&w->job) || job_into_parts(&w->job) ? "" : " Choose the same "
		    "image and disk again, and going on where it stopped is offered.");
	if (w->job.kind == JOB_ADAPT && !w->job.adapt.undo && r->state == RUN_CANCELLED)
		add(l, "Some files may be edited already: 'undo an adapt' in this task's "
		    "options puts them back.\n\n");
}

static void result_text(const struct wiz *w, struct lines *l, int width)
{
	const struct progress *r = &w->run;
	size_t shown = r->nwarnings < RUN_WARNINGS_MAX ? r->nwarnings : RUN_WARNINGS_MAX;

	l->n = 0;
	l->s[0] = 0;
	if (ended_well(w))
		add_next_steps(w, l);
	else
		add_trouble(w, l);
	if (job_adapts(&w->job) && w->said[0])
		add(l, "What rehost-adapt says:\n%s\n", w->said);
	for (size_t k = 0; k < r->ended; k++)
		add_result(w, k, l);
	if (r->nwarnings)
		add(l, "Warnings: %zu\n", r->nwarnings);
	for (size_t i = 0; i < shown; i++)
		add(l, "- %s\n", r->warnings[i]);
	if (shown < r->nwarnings)
		add(l, "... and %zu more\n", r->nwarnings - shown);
	if (r->nwarnings)
		add(l, "\n");
	add_command(w, l, width);
}

static int result_rows(const struct wiz *w)
{
	struct lines l;
	int rows, height = w->rows - 6;

	result_text(w, &l, w->cols - 2 * BODY_LEFT);
	rows = canvas_wrapped_rows(w->cols - 2 * BODY_LEFT, l.s);
	return rows > height ? rows - height + 1 : 1;
}

static enum wiz_act result_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	(void)arg;
	if (ev != EV_NEXT)
		return ACT_DEFAULT;
	if (!ended_well(w) && !only_adapt_failed(w)) {
		/* where nothing was kept it begins at the front all the same */
		if (w->job.kind == JOB_CAPTURE && w->run.state != RUN_REFUSED)
			w->job.resume = true;
		return wiz_go_back(w);
	}
	wiz_home(w);
	return ACT_NONE;
}

static void result_draw(const struct wiz *w, struct canvas *c)
{
	int y = draw_lead(c, headline(w)), rows;
	struct lines l;

	result_text(w, &l, body_width(c));
	rows = canvas_wrapped_rows(body_width(c), l.s);
	canvas_wrap(c, y, BODY_LEFT, body_width(c), body_last(c), w->cur[P_RESULT],
		    CELL_PLAIN, l.s);
	if (rows - w->cur[P_RESULT] > body_last(c) - y + 1)
		canvas_text(c, c->rows - 2, BODY_LEFT, CELL_PLAIN, "(more: Down)");
}

const struct page page_result = {
	.title = "result", .in_job = true, .rows = result_rows, .event = result_event,
	.draw = result_draw, .keys = "Enter Continue   Up/Down Scroll   F1 Help",
	.help = "The digest is one number over everything in the image. Write it down or "
		"keep it: 'rehost info' and 'rehost verify' show it again, and an image "
		"with the same digest is the same.\n\n"
		"The command does the same without the wizard, in the shell or in a "
		"script. Logs can be saved from the main menu.",
};
