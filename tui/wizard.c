/* wizard.c: the state machine's common rules; what each page does with an
 * event stands in page-*.c, what tasks answer in tasks.c. */
#include "tui/wizard.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "tui/page.h"

static const struct page *const pages[P_COUNT] = {
	[P_MENU] = &page_menu, [P_DISKS] = &page_disks, [P_DISK] = &page_disk,
	[P_PARTS] = &page_parts,
	[P_PLACE] = &page_place, [P_PART] = &page_part, [P_DIR] = &page_dir,
	[P_SMB] = &page_smb, [P_NFS] = &page_nfs, [P_CHECK] = &page_check,
	[P_CUT] = &page_cut,
	[P_OPTIONS] = &page_options, [P_BASE] = &page_base, [P_SEAL] = &page_seal,
	[P_SUMMARY] = &page_summary,
	[P_IMAGES] = &page_images, [P_SECRET] = &page_secret, [P_IMAGE] = &page_image,
	[P_TARGET] = &page_target, [P_INTO] = &page_into, [P_AGAIN] = &page_again,
	[P_WISHES] = &page_wishes,
	[P_CONFIRM] = &page_confirm,
	[P_ADISK] = &page_adisk, [P_AOPTIONS] = &page_aoptions,
	[P_ACONFIRM] = &page_aconfirm,
	[P_LUKS] = &page_luks, [P_VERDICT] = &page_verdict,
	[P_DRIVERS] = &page_drivers, [P_DPART] = &page_dpart,
	[P_FOLDER] = &page_folder, [P_DPATH] = &page_dpath,
	[P_RUN] = &page_run, [P_RESULT] = &page_result,
	[P_NET] = &page_net, [P_IFACE] = &page_iface, [P_POWER] = &page_power,
};

void wiz_init(struct wiz *w)
{
	memset(w, 0, sizeof *w);
	w->job.level = LEVEL_BALANCED;
	w->rows = CANVAS_MIN_ROWS;
	w->cols = CANVAS_MIN_COLS;
}

void wiz_done(struct wiz *w)
{
	model_disks_done(&w->disks);
	model_place_done(&w->place);
	model_place_done(&w->folder);
	model_info_done(&w->info);
	model_net_done(&w->net);
	model_plan_done(&w->plan);
	explicit_bzero(w, sizeof *w); /* it holds a password */
}

const struct page *wiz_page(const struct wiz *w)
{
	return pages[w->page];
}

const char *wiz_job_word(const struct wiz *w)
{
	static const char *const word[] = { "Capture", "Restore", "Verify",
					    "Adapt", "Save logs" };

	return word[w->job.kind];
}

void wiz_error(struct wiz *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->msg, sizeof w->msg, fmt, ap);
	va_end(ap);
	w->over = OVER_ERROR;
	w->over_cur = 0;
}

enum wiz_act wiz_note(struct wiz *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->msg, sizeof w->msg, fmt, ap);
	va_end(ap);
	w->over = OVER_NOTE;
	w->over_cur = 0;
	return ACT_NONE;
}

enum wiz_act wiz_beep(struct wiz *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->hint, sizeof w->hint, fmt, ap);
	va_end(ap);
	return ACT_BEEP;
}

enum wiz_act wiz_go(struct wiz *w, enum wiz_page p)
{
	if (w->nback < WIZ_DEPTH)
		w->back[w->nback++] = w->page;
	w->page = p;
	return ACT_NONE;
}

enum wiz_act wiz_go_back(struct wiz *w)
{
	if (!w->nback)
		return ACT_BEEP;
	w->page = w->back[--w->nback];
	return ACT_NONE;
}

void wiz_home(struct wiz *w)
{
	w->page = P_MENU;
	w->nback = 0;
}

enum wiz_act wiz_task_start(struct wiz *w, enum wiz_task t)
{
	w->task = t;
	w->seconds = 0;
	return ACT_TASK;
}

enum wiz_act wiz_job_begin(struct wiz *w)
{
	progress_begin(&w->run, job_disks(&w->job));
	w->cur[P_RESULT] = 0;
	w->said[0] = 0;
	wiz_go(w, P_RUN);
	return ACT_START_JOB;
}

/* Moves the highlight by `by` over n rows; a step past an end beeps. */
static enum wiz_act move(int *cur, int n, int by)
{
	int to = *cur + by;

	if (to >= n)
		to = n - 1;
	if (to < 0)
		to = 0;
	if (to == *cur)
		return ACT_BEEP;
	*cur = to;
	return ACT_NONE;
}

static enum wiz_act list_step(struct wiz *w, const struct page *p, enum wiz_ev ev)
{
	int *cur = &w->cur[w->page], n = p->rows(w);

	switch (ev) {
	case EV_UP:
		return move(cur, n, -1);
	case EV_DOWN:
		return move(cur, n, 1);
	case EV_PGUP:
		return move(cur, n, -8);
	case EV_PGDN:
		return move(cur, n, 8);
	case EV_HOME:
		return move(cur, n, -n);
	case EV_END:
		return move(cur, n, n);
	default:
		return ACT_BEEP;
	}
}

static enum wiz_act choice_step(const struct field *f, int *v, enum wiz_ev ev, int arg)
{
	int n = 0;

	while (f->choices[n])
		n++;
	if (ev == EV_RIGHT || (ev == EV_CHAR && arg == ' '))
		*v = (*v + 1) % n;
	else if (ev == EV_LEFT)
		*v = (*v + n - 1) % n;
	else
		return ACT_BEEP;
	return ACT_NONE;
}

static enum wiz_act field_step(struct wiz *w, const struct field *f, enum wiz_ev ev,
			       int arg)
{
	void *v = (char *)w + f->off;
	bool *check = v;

	switch (f->kind) {
	case FIELD_CHOICE:
		return choice_step(f, v, ev, arg);
	case FIELD_CHECK:
		if (ev != EV_CHAR || arg != ' ')
			return ACT_BEEP;
		*check = !*check;
		return ACT_NONE;
	default:
		return text_edit(v, ev, (uint32_t)arg) ? ACT_NONE : ACT_BEEP;
	}
}

static enum wiz_act form_step(struct wiz *w, const struct page *p, enum wiz_ev ev,
			      int arg)
{
	int *cur = &w->cur[w->page];

	switch (ev) {
	case EV_TAB:
		*cur = (*cur + 1) % p->nfields;
		return ACT_NONE;
	case EV_BACKTAB:
		*cur = (*cur + p->nfields - 1) % p->nfields;
		return ACT_NONE;
	case EV_UP:
		return move(cur, p->nfields, -1);
	case EV_DOWN:
		return move(cur, p->nfields, 1);
	default:
		return field_step(w, &p->fields[*cur], ev, arg);
	}
}

/* The question's "yes". */
static enum wiz_act leave(struct wiz *w)
{
	if (w->over == OVER_ANYWAY) {
		w->over = OVER_NONE;
		return wiz_go_on_anyway(w);
	}
	if (w->over == OVER_CANCEL) {
		w->over = OVER_NONE;
		w->run.cancelling = true;
		return ACT_CANCEL_JOB;
	}
	w->over = OVER_NONE;
	if (w->page == P_MENU)
		return ACT_QUIT;
	wiz_home(w);
	return ACT_NONE;
}

/* Questions: choice 0 stays, 1 goes. */
static enum wiz_act question_step(struct wiz *w, enum wiz_ev ev, int arg)
{
	if (ev == EV_CHAR && (arg == 'y' || arg == 'Y'))
		return leave(w);
	if (ev == EV_BACK || (ev == EV_CHAR && (arg == 'n' || arg == 'N')) ||
	    (ev == EV_NEXT && !w->over_cur)) {
		w->over = OVER_NONE;
		return ACT_NONE;
	}
	if (ev == EV_NEXT)
		return leave(w);
	if (ev == EV_UP || ev == EV_DOWN || ev == EV_LEFT || ev == EV_RIGHT ||
	    ev == EV_TAB || ev == EV_BACKTAB) {
		w->over_cur = !w->over_cur;
		return ACT_NONE;
	}
	return ACT_BEEP;
}

static enum wiz_act over_step(struct wiz *w, enum wiz_ev ev, int arg)
{
	int rows;

	if (w->over >= OVER_CANCEL)
		return question_step(w, ev, arg);
	rows = canvas_wrapped_rows(w->cols - 12, w->over == OVER_HELP ?
				   wiz_page(w)->help : w->msg);
	if (ev == EV_DOWN || ev == EV_PGDN)
		return move(&w->over_cur, rows > 14 ? rows - 13 : 1,
			    ev == EV_DOWN ? 1 : 8);
	if (ev == EV_UP || ev == EV_PGUP)
		return move(&w->over_cur, rows, ev == EV_UP ? -1 : -8);
	w->over = OVER_NONE;
	return ACT_NONE;
}

static enum wiz_act quit(struct wiz *w)
{
	if (w->page == P_RUN && w->run.cancelling)
		return wiz_beep(w, "The job is being stopped already.");
	if (w->page == P_MENU && !w->may_quit)
		return wiz_beep(w, "This wizard stays: choose Shell or Power off in the menu.");
	w->over = w->page == P_RUN ? OVER_CANCEL : OVER_LEAVE;
	w->over_cur = 0;
	return ACT_NONE;
}

static bool in_text(const struct wiz *w)
{
	const struct page *p = wiz_page(w);

	return p->fields && p->fields[w->cur[w->page]].kind <= FIELD_SECRET;
}

static enum wiz_act page_step(struct wiz *w, enum wiz_ev ev, int arg)
{
	const struct page *p = wiz_page(w);
	enum wiz_act act;

	if (ev == EV_HELP || (ev == EV_CHAR && arg == '?' && !in_text(w))) {
		w->over = OVER_HELP;
		w->over_cur = 0;
		return ACT_NONE;
	}
	if (ev == EV_QUIT)
		return quit(w);
	act = p->event ? p->event(w, ev, arg) : ACT_DEFAULT;
	if (act != ACT_DEFAULT)
		return act;
	if (ev == EV_BACK)
		return wiz_go_back(w);
	if (p->fields)
		return form_step(w, p, ev, arg);
	return p->rows ? list_step(w, p, ev) : ACT_BEEP;
}

enum wiz_act wiz_step(struct wiz *w, enum wiz_ev ev, int arg)
{
	if (ev == EV_TICK) {
		w->seconds++;
		return ACT_NONE;
	}
	w->hint[0] = 0;
	if (w->task && (ev == EV_BACK || ev == EV_QUIT)) {
		wiz_task_undone(w, w->task);
		w->task = T_NONE;
		return ACT_CANCEL_TASK;
	}
	if (w->task)
		return ACT_BEEP;
	return w->over ? over_step(w, ev, arg) : page_step(w, ev, arg);
}

void wiz_job_line(struct wiz *w, const char *line, size_t len)
{
	progress_line(&w->run, line, len);
}

void wiz_job_said(struct wiz *w, const char *text)
{
	if (job_adapts(&w->job))
		job_said(text, w->said, sizeof w->said);
}

void wiz_job_end(struct wiz *w, int status, int signal, const char *tail)
{
	progress_end(&w->run, status, signal, tail);
	if (w->over == OVER_CANCEL)
		w->over = OVER_NONE;
	w->page = P_RESULT; /* in P_RUN's stead: BACK leads before the job */
}
