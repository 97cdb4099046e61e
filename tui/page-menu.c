/* page-menu.c: the main menu, and power off or reboot. */
#include "tui/page.h"

static const struct {
	const char *name, *what;
} items[] = {
	{ "Capture this machine's disks", "Save disks as images on a disk or a share." },
	{ "Restore an image onto this machine", "Write an image to a disk of this machine." },
	{ "Verify an image", "Read an image and check every part of it." },
	{ "Adapt a disk to this machine", "Edit an installed Linux so that it boots here; or undo that." },
	{ "Network settings", "Addresses of this machine: automatic (DHCP) or fixed." },
	{ "Shell", "A command line; 'exit' leads back here." },
	{ "Save logs", "Copy this session's logs to a disk or a share." },
	{ "Power off or reboot", "Leave the live system." },
};
enum { M_CAPTURE, M_RESTORE, M_VERIFY, M_ADAPT, M_NET, M_SHELL, M_LOGS, M_POWER, M_COUNT };

static int menu_rows(const struct wiz *w)
{
	(void)w;
	return M_COUNT;
}

static enum wiz_act menu_choose(struct wiz *w, int item)
{
	w->cur[P_MENU] = item;
	switch (item) {
	case M_CAPTURE:
		w->job.kind = JOB_CAPTURE;
		return wiz_task_start(w, T_DISKS);
	case M_RESTORE:
		w->job.kind = JOB_RESTORE;
		return wiz_go(w, P_PLACE);
	case M_VERIFY:
		w->job.kind = JOB_VERIFY;
		return wiz_go(w, P_PLACE);
	case M_ADAPT:
		w->job.kind = JOB_ADAPT;
		return wiz_task_start(w, T_DISKS);
	case M_NET:
		return wiz_task_start(w, T_NET);
	case M_SHELL:
		return ACT_SHELL;
	case M_LOGS:
		w->job.kind = JOB_LOGS;
		return wiz_go(w, P_PLACE);
	default:
		w->cur[P_POWER] = 0;
		return wiz_go(w, P_POWER);
	}
}

static enum wiz_act menu_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	if (ev == EV_NEXT)
		return menu_choose(w, w->cur[P_MENU]);
	if (ev == EV_CHAR && arg >= '1' && arg < '1' + M_COUNT)
		return menu_choose(w, arg - '1');
	return ACT_DEFAULT;
}

static void menu_draw(const struct wiz *w, struct canvas *c)
{
	int y = draw_lead(c, "What do you want to do?");

	for (int i = 0; i < M_COUNT; i++) {
		int attr = draw_mark(c, y + i, i == w->cur[P_MENU]);

		canvas_printf(c, y + i, BODY_LEFT + 2, attr, "%d  %s", i + 1,
			      items[i].name);
	}
	y += M_COUNT + 1;
	canvas_text(c, y, BODY_LEFT + 5, CELL_PLAIN, items[w->cur[P_MENU]].what);
	canvas_text(c, body_last(c), BODY_LEFT, CELL_PLAIN,
		    "No disk is overwritten before you have confirmed it by typing its name.");
}

const struct page page_menu = {
	.title = "Main menu", .rows = menu_rows, .event = menu_event,
	.draw = menu_draw, .keys = "Up/Down Move   Enter Choose   1-8 Choose   F1 Help",
	.help = "Rehost moves an installed machine to other hardware.\n\n"
		"Capture reads disks of this machine and saves them as image files, on "
		"another disk, a USB stick, a Windows or Samba share (SMB) or an NFS "
		"export. The disks that are captured are only read.\n\n"
		"Restore writes an image to a disk of this machine. What that disk "
		"holds is lost; you are shown what it is, and confirm it by typing the "
		"disk's name. It can adapt the system to this machine, too.\n\n"
		"Adapt does that alone: it edits a Linux on a disk of this machine so that "
		"it finds its disk, its volumes and its network here. Everything that is "
		"edited is kept, so that it can be undone.\n\n"
		"Everywhere: Enter goes on, Esc goes back one step and keeps your "
		"answers, F1 explains the page, Ctrl-C asks whether to leave, Ctrl-L "
		"draws the screen anew. On a keyboard without F keys, ? shows this "
		"help (not while you type into a field).",
};

static const char *const power_items[] = { "Stay here", "Power off", "Reboot" };

static int power_rows(const struct wiz *w)
{
	(void)w;
	return 3;
}

static enum wiz_act power_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	static const enum wiz_act act[] = { ACT_NONE, ACT_POWEROFF, ACT_REBOOT };

	(void)arg;
	if (ev != EV_NEXT)
		return ACT_DEFAULT;
	if (!w->cur[P_POWER])
		return wiz_go_back(w);
	return act[w->cur[P_POWER]];
}

static void power_draw(const struct wiz *w, struct canvas *c)
{
	int y = draw_lead(c, "Power off or reboot this machine?");

	for (int i = 0; i < 3; i++) {
		int attr = draw_mark(c, y + i, i == w->cur[P_POWER]);

		canvas_text(c, y + i, BODY_LEFT + 2, attr, power_items[i]);
	}
	canvas_text(c, y + 4, BODY_LEFT, CELL_PLAIN,
		    "Logs are lost then, unless you have saved them (main menu).");
}

const struct page page_power = {
	.title = "Power off or reboot", .rows = power_rows, .event = power_event,
	.draw = power_draw, .keys = "Up/Down Move   Enter Choose   Esc Back   F1 Help",
	.help = "Power off and Reboot end the live system at once. Take the CD or USB "
		"stick out, or choose the disk in the firmware's boot menu, to start "
		"what is installed on the machine.",
};
