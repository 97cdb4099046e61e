/* page-wishes.c: what rehost-adapt is asked for: after a restore's target is
 * chosen, and in the task of its own. */
#include <string.h>
#include "tui/page.h"

static const char hint_host[] = "Letters, digits, '-' and '.'. Empty: the host name stays as it is.";
static const char hint_identity[] = "New machine id and SSH host keys: for a copy whose original "
	"lives on. Space changes it.";
static const char hint_tools[] = "Switches off the guest tools of another hypervisor. Space "
	"changes it.";

#define WISHES \
	FIELD(FIELD_TEXT, "New host name", job.adapt.hostname, hint_host), \
	FIELD(FIELD_CHECK, "New identity", job.adapt.new_identity, hint_identity), \
	FIELD(FIELD_CHECK, "Remove guest tools", job.adapt.remove_tools, hint_tools)
enum { F_FIRST, F_HOST };

static const struct field wishes_fields[] = {
	FIELD(FIELD_CHECK, "Adapt the system", job.adapt.on,
	      "Edits the restored Linux or Windows so that it boots here. Space changes it."),
	WISHES,
};

static const char *const undo_choices[] = { "adapt", "undo an adapt", NULL };

static const struct field options_fields[] = {
	{ FIELD_CHOICE, "What to do", offsetof(struct wiz, job.adapt.undo),
	  "Undo puts back, byte for byte, what adapt edited here. Space changes it.",
	  undo_choices },
	WISHES,
};

void wiz_propose_wishes(struct wiz *w)
{
	if (!strcmp(w->wishes_for, w->job.image))
		return;         /* what was answered for this image stays */
	memcpy(w->wishes_for, w->job.image, sizeof w->wishes_for);
	w->job.adapt.on = model_may_hold_system(&w->info.disk);
	for (size_t i = 0; i < w->info.nof; i++)
		w->job.adapt.on |= model_may_hold_system(&w->info.of[i].disk);
}

/* A host name that can't be one is told before anything is looked up. */
static enum wiz_act next(struct wiz *w, bool look)
{
	if (!look)
		return wiz_to_confirm(w);
	if (!w->job.adapt.undo && !job_hostname_good(w->job.adapt.hostname.s)) {
		w->cur[w->page] = F_HOST;
		return wiz_beep(w, "A host name holds letters, digits, '-' and '.' only.");
	}
	return wiz_look(w, "");
}

static enum wiz_act wishes_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	(void)arg;
	if (ev != EV_NEXT)
		return ACT_DEFAULT;
	w->job.adapt.undo = 0;
	return next(w, w->job.adapt.on);
}

static enum wiz_act options_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	(void)arg;
	return ev == EV_NEXT ? next(w, true) : ACT_DEFAULT;
}

static void wishes_draw(const struct wiz *w, struct canvas *c)
{
	char systems[400] = "", names[100];
	int y = draw_form(w, c, draw_lead(c, "Adapt the system to this machine's hardware?")) + 1;

	model_systems(&w->info.disk, systems, sizeof systems);
	for (size_t i = 0; i < w->info.nof && !systems[0]; i++)
		model_systems(&w->info.of[i].disk, systems, sizeof systems);
	wiz_target_names(w, names, sizeof names);
	y = draw_fact(c, y, "Image", "%s", w->job.image);
	y = draw_fact(c, y, "Systems in it", "%s", systems[0] ? systems : "none recognised");
	draw_fact(c, y, "Target disk", "%s", names);
}

static void options_draw(const struct wiz *w, struct canvas *c)
{
	const struct model_disk *d = model_find(&w->disks, w->job.target);
	char systems[400] = "";
	int y = draw_form(w, c, draw_lead(c, "What shall be done with the system on this disk?")) + 1;

	if (d)
		model_systems(d, systems, sizeof systems);
	y = draw_fact(c, y, "Disk", "%s  %s", model_name(w->job.target), w->target->model);
	draw_fact(c, y, "Systems on it", "%s", systems[0] ? systems : "none recognised");
}

#define ADAPT_HELP \
	"Adapting edits an installed system so that it boots on this machine. Linux: the " \
	"drivers of this machine's disk controller go into its initramfs, fstab and the boot " \
	"loader name volumes by their UUIDs. Windows: these drivers are switched on in its " \
	"registry, or brought in. Boot code and entries that are missing are made. Nothing " \
	"of the system is executed. The next page shows whether it will boot and each edit " \
	"with its reason; nothing is written before.\n\n"

const struct page page_wishes = {
	.title = "adapt", .in_job = true, .fields = wishes_fields,
	.nfields = sizeof wishes_fields / sizeof *wishes_fields,
	.event = wishes_event, .draw = wishes_draw,
	.keys = "Tab/Up/Down Field   Space Change   Enter Continue   Esc Back   F1 Help",
	.help = ADAPT_HELP
		"Switch it off for a disk without a system, or to restore onto the machine "
		"that the image was taken from.",
};

const struct page page_aoptions = {
	.title = "options", .in_job = true, .fields = options_fields,
	.nfields = sizeof options_fields / sizeof *options_fields,
	.event = options_event, .draw = options_draw,
	.keys = "Tab/Up/Down Field   Space Change   Enter Continue   Esc Back   F1 Help",
	.help = ADAPT_HELP
		"Everything that is edited is kept in /var/lib/rehost/adapt of the system; "
		"'undo an adapt' puts it back. A file that was changed since is left alone.",
};
