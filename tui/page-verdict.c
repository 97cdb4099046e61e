/* page-verdict.c: will the system boot on this machine, and what has to be
 * edited for that; before it the passphrase of an encrypted volume. */
#include <stdio.h>
#include <string.h>
#include "tui/page.h"

static bool good(const struct wiz *w)
{
	return w->plan.verdict >= PLAN_AFTER_EDITS;
}

void wiz_plan_new(struct wiz *w, struct model_plan *p)
{
	model_plan_done(&w->plan);
	w->plan = *p;
	w->job.adapt.anyway = false;    /* said of another plan */
}

enum wiz_act wiz_plan_shown(struct wiz *w)
{
	bool asked = w->page == P_LUKS;

	w->cur[P_VERDICT] = 0;
	if (w->plan.locked && !asked) {
		w->cur[P_LUKS] = 0;
		return wiz_go(w, P_LUKS);
	}
	if (w->plan.locked && !w->plan.nsystems)
		return wiz_beep(w, "This passphrase doesn't open it.");
	if (w->job.kind == JOB_ADAPT && w->job.adapt.undo)
		return wiz_to_confirm(w);
	w->cur[P_DRIVERS] = w->wanted_first = 0;
	return wiz_go(w, w->plan.nmissing ? P_DRIVERS : P_VERDICT);
}

enum wiz_act wiz_go_on_anyway(struct wiz *w)
{
	w->job.adapt.anyway = w->job.kind == JOB_RESTORE;
	return wiz_to_confirm(w);
}

/* ---- the passphrase ---- */

static const struct field luks_fields[] = {
	FIELD(FIELD_SECRET, "Passphrase", job.adapt.luks,
	      "It is used now and for the edits, and stored nowhere. Enter tries it."),
};

/* Without a passphrase it goes on if there is a system outside. */
static enum wiz_act luks_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	(void)arg;
	if (ev != EV_NEXT)
		return ACT_DEFAULT;
	if (!w->job.adapt.luks.s[0] && !w->plan.nsystems)
		return wiz_beep(w, "Type the passphrase; without it there is no system to adapt.");
	return w->job.adapt.luks.s[0] ? wiz_look(w, "") : wiz_plan_shown(w);
}

static void luks_draw(const struct wiz *w, struct canvas *c)
{
	int y = draw_form(w, c, draw_lead(c, "A volume is encrypted (LUKS). Its passphrase:"));

	draw_rule(c, y + 1, "Locked");
	y = canvas_wrap(c, y + 2, 4, c->cols - 8, body_last(c) - 1, 0, CELL_PLAIN,
			w->plan.locked ? w->plan.locked : "");
	if (w->plan.nsystems)
		canvas_text(c, y, BODY_LEFT, CELL_PLAIN,
			    "With no passphrase it stays locked, and what is on it is not adapted.");
}

const struct page page_luks = {
	.title = "passphrase", .in_job = true, .fields = luks_fields, .nfields = 1,
	.event = luks_event, .draw = luks_draw,
	.keys = "Type the passphrase, then Enter   Esc Back   F1 Help",
	.help = "To look into an encrypted volume, and to edit what is on it, its "
		"passphrase is needed. It is handed to rehost-adapt in the environment, and "
		"is never on a command line, in a log or in an image.\n\n"
		"The volume stays encrypted.",
};

/* ---- the verdict ---- */

static void lead_text(const struct wiz *w, char *out, size_t size)
{
	const struct model_plan *p = &w->plan;

	switch (p->verdict) {
	case PLAN_BOOTS:
		snprintf(out, size, "Will boot as it is.");
		break;
	case PLAN_AFTER_EDITS:
		snprintf(out, size, "Will boot after these edits.");
		break;
	case PLAN_WILL_NOT:
		snprintf(out, size, p->because[0] ? "Will NOT boot, because: %s" :
			 "Will NOT boot%s.", p->because);
		break;
	default:
		snprintf(out, size, "Whether it will boot can't be told.");
	}
}

static const char *text_of(const struct wiz *w)
{
	return w->plan.text && w->plan.text[0] ? w->plan.text : "No system was found.\n";
}

/* Rows for the text below the lead and a blank one. */
static int text_height(const struct wiz *w, int rows, int cols)
{
	char lead[400];

	lead_text(w, lead, sizeof lead);
	return rows - 3 - BODY_TOP - canvas_wrapped_rows(cols - 2 * BODY_LEFT, lead);
}

static int verdict_rows(const struct wiz *w)
{
	int all = draw_lines(NULL, 0, 0, w->cols - 2 * BODY_LEFT, 0, text_of(w));
	int height = text_height(w, w->rows, w->cols);

	return all > height ? all - height + 1 : 1;
}

static enum wiz_act verdict_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	if (ev == EV_CHAR && arg == 'd' && !w->plan.windows)
		return wiz_beep(w, "Only a Windows takes drivers from a folder.");
	if (ev == EV_CHAR && arg == 'd')
		return wiz_go(w, P_DRIVERS);
	if (ev != EV_NEXT)
		return ACT_DEFAULT;
	if (w->job.kind == JOB_ADAPT && !w->plan.nedits) {
		wiz_home(w);
		return wiz_note(w, "There is nothing that could be edited: nothing was changed.");
	}
	if (good(w))
		return wiz_to_confirm(w);
	w->over = OVER_ANYWAY;
	w->over_cur = 0;
	return ACT_NONE;
}

static void verdict_draw(const struct wiz *w, struct canvas *c)
{
	int cur = w->cur[P_VERDICT], all, y, height;
	char lead[400];

	lead_text(w, lead, sizeof lead);
	y = draw_lead(c, lead);
	height = body_last(c) - y + 1;
	all = draw_lines(c, y, body_last(c), body_width(c), cur, text_of(w));
	if (all > height)
		canvas_printf(c, c->rows - 2, BODY_LEFT, CELL_PLAIN,
			      "(lines %d-%d of %d: Up, Down, PgUp, PgDn)", cur + 1,
			      cur + height < all ? cur + height : all, all);
}

const struct page page_verdict = {
	.title = "verdict", .in_job = true, .rows = verdict_rows, .event = verdict_event,
	.draw = verdict_draw,
	.keys = "Enter Continue   Up/Down Scroll   d Drivers   Esc Back   F1 Help",
	.help = "rehost-adapt has compared this machine with the drivers and settings of the "
		"installed system; nothing is written yet. Each edit stands with its reason; "
		"'-' and '+' are lines of a file, or drivers.\n\n"
		"If it will not boot: a device without a driver is listed with a hint where "
		"to find one. 'd' asks for a folder with drivers for a Windows; Esc leads back; "
		"Enter asks whether to go on all the same.",
};
