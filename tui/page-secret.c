/* page-secret.c: the passphrase of an encrypted image that is there: to restore or verify
 * it, or to go on with it. */
#include <string.h>
#include "tui/page.h"

static const struct field fields[] = {
	FIELD(FIELD_SECRET, "Passphrase", job.passphrase,
	      "It is used in this session, and stored nowhere. Enter tries it."),
};

enum wiz_act wiz_ask_secret(struct wiz *w)
{
	if (w->page == P_SECRET)
		return wiz_beep(w, "The passphrase is wrong.");
	/* what was typed for another image doesn't open this one */
	explicit_bzero(&w->job.passphrase, sizeof w->job.passphrase);
	w->cur[P_SECRET] = 0;
	return wiz_go(w, P_SECRET);
}

static enum wiz_act secret_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	(void)arg;
	if (ev != EV_NEXT)
		return ACT_DEFAULT;
	if (!w->job.passphrase.s[0])
		return wiz_beep(w, "Type the passphrase that the image was made with.");
	return w->job.kind == JOB_CAPTURE ? wiz_options_next(w) : wiz_task_start(w, T_INFO);
}

static void secret_draw(const struct wiz *w, struct canvas *c)
{
	bool capture = w->job.kind == JOB_CAPTURE;
	int y = draw_form(w, c, draw_lead(c, capture ? "It is encrypted. The passphrase that it was begun with:" :
					  "The image is encrypted. Its passphrase:"));

	draw_fact(c, y + 1, "Image", "%s%s", capture ? w->job.name.s : w->job.image, capture ? ".rhi" : "");
}

const struct page page_secret = {
	.title = "image passphrase", .in_job = true, .fields = fields, .nfields = 1,
	.event = secret_event, .draw = secret_draw,
	.keys = "Type the passphrase, then Enter   Esc Back   F1 Help",
	.help = "The passphrase that was given when the image was made. Without it nobody "
		"can read the image: there is no other way in.\n\n"
		"It is handed to the programs in their environment, and is never on a command "
		"line, in a log or on a disk. Trying it takes a second or two.",
};
