/* plan-firstboot.c: what Windows itself must do when it starts on the new machine.
 *
 * SYSTEM\Setup: with SetupType 2 winlogon runs CmdLine once as SYSTEM and then shows
 * the logon (Microsoft's KB 939857; ReactOS' winlogon).  A script does it, no program
 * of ours: it puts the values back before all else, so it can't run twice; and with
 * type 2 there is a logon even if it fails or is gone.
 *
 * Until then a blue screen stays (AutoReboot 0), so that a person can read it.  What it
 * was stands beside it, as RehostAutoReboot: a second run of adapt needs it too. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"
#include "drivers-inject/windows/firstboot.h"

#define COMMAND "cmd.exe /d /c %SystemRoot%\\Rehost\\firstboot.cmd"
#define SETUP_NO_REBOOT 2u
#define CRASH "Control\\CrashControl"
#define VERSION_KEY "Microsoft\\Windows\\CurrentVersion"

static int is_ours(struct win *w)
{
	char command[256];

	hive_string(w->system, "Setup", "CmdLine", command, sizeof command);
	return !strcasecmp(command, COMMAND);
}

/* Windows' own setup goes on at the next start: sysprep, an upgrade, OOBE. */
static int in_setup(struct win *w)
{
	static const char *const marks[] = { "SetupType", "SystemSetupInProgress", "OOBEInProgress" };
	char command[256];
	uint32_t n;

	if (is_ours(w))
		return 0;
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
		if (hive_dword(w->system, "Setup", marks[i], &n) && n)
			return 1;
	return hive_string(w->system, "Setup", "CmdLine", command, sizeof command) && *command;
}

/* ---- blue screens ---- */

static int keep_blue_screen(struct win *w, const char *set, const struct win_wishes *wishes,
			    struct firstboot *b, struct err *e)
{
	char key[WIN_KEY_MAX];
	uint32_t was = 0, now = 0;
	int kept, rc;

	win_key(key, set, CRASH);
	hive_dword(w->system, key, "AutoReboot", &now);
	kept = hive_dword(w->system, key, "RehostAutoReboot", &was);
	if (wishes->keep_reboot && kept) {
		rc = hive_set_dword(w->system, key, "AutoReboot", was, e);
		return rc ? rc : hive_unset(w->system, key, "RehostAutoReboot", e);
	}
	if (wishes->keep_reboot || (!kept && !now))
		return 0;
	was = kept ? was : now;
	b->restore[b->n_restore++] = (struct firstboot_restore){ set, was };
	rc = hive_set_dword(w->system, key, "RehostAutoReboot", was, e);
	return rc ? rc : hive_set_dword(w->system, key, "AutoReboot", 0, e);
}

/* ---- packages by DevicePath ---- */

#define DEVICE_PATH_MAX 4096    /* bytes; what is longer is no list of a few directories */

/* 1: the list has that directory. */
static int lists(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	for (const char *s = path; (s = strcasestr(s, dir)); s += len)
		if ((s == path || s[-1] == ';') && (!s[len] || s[len] == ';'))
			return 1;
	return 0;
}

/* NT 5 has no pnputil, and in Windows' own setup it would not run: there drivers of
 * new devices are also looked for in these directories. */
static int add_device_path(struct win *w, struct plan *p, struct err *e)
{
	char path[DEVICE_PATH_MAX], one[64 + WIN_STAGE_NAME_MAX];

	if (!w->software) {
		plan_warn(p, "Windows is not told of the driver packages in %s\\Rehost\\packages: %s",
			  w->dir + 1, w->software_problem);
		return 0;
	}
	if (!hive_string(w->software, VERSION_KEY, "DevicePath", path, sizeof path) || !*path)
		strcpy(path, "%SystemRoot%\\inf");
	for (size_t i = 0; i < w->stages->n; i++) {
		size_t len = strlen(path);

		snprintf(one, sizeof one, "%%SystemRoot%%\\Rehost\\packages\\%s", w->stages->v[i].name);
		if (lists(path, one))
			continue;
		if (len + strlen(one) + 2 > sizeof path) {
			plan_warn(p, "Windows is not told of the driver package %s: its DevicePath is "
				  "too long", w->stages->v[i].origin);
			return 0;
		}
		snprintf(path + len, sizeof path - len, ";%s", one);
	}
	return hive_set_string(w->software, VERSION_KEY, "DevicePath", REG_EXPAND_SZ, path, e);
}

static int packages(struct win *w, struct plan *p, int setup, struct firstboot *b, struct err *e)
{
	int rc = firstboot_packages(w, p, e);

	if (rc || !w->stages || !w->stages->n)
		return rc;
	if (!setup && w->generation != WIN_NT5) {
		b->stages = w->stages;
		return 0;
	}
	b->packages_stay = 1;
	return add_device_path(w, p, e);
}

/* ---- the script ---- */

typedef int script_maker(const struct firstboot *b, char **ret, size_t *ret_len, struct err *e);

static const struct { const char *below; script_maker *make; } files[] = {
	{ "Rehost\\firstboot.cmd", firstboot_script }, { "Rehost\\firstboot.reg", firstboot_reg },
};
#define N_FILES (sizeof files / sizeof *files)

static int write_file(struct win *w, const struct firstboot *b, size_t i, struct plan *p,
		      struct err *e)
{
	cleanup_free char *text = NULL;
	char path[PATH_MAX];
	size_t len;
	int rc = win_path(w, files[i].below, path, e);

	if (!rc)
		rc = files[i].make(b, &text, &len, e);
	return rc ? rc : plan_write_mode(p, path, 0600, text, len, e,
					 "Windows runs it once, at its first start on the new machine");
}

static int arm(struct win *w, const struct firstboot *b, struct plan *p, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < N_FILES; i++)
		rc = write_file(w, b, i, p, e);
	if (!rc)
		rc = hive_set_string(w->system, "Setup", "CmdLine", REG_SZ, COMMAND, e);
	if (!rc)
		rc = hive_set_dword(w->system, "Setup", "SetupType", SETUP_NO_REBOOT, e);
	if (!rc && b->n_restore)
		plan_note(p, "Until its first good start on the new machine Windows stays at a blue "
			  "screen, which tells what is wrong, instead of starting again");
	return rc;
}

/* What an earlier run has put there. */
static int disarm(struct win *w, struct plan *p, struct err *e)
{
	char path[PATH_MAX];
	int rc = 0;

	if (!is_ours(w))
		return 0;
	for (size_t i = 0; !rc && i < N_FILES; i++) {
		rc = win_path(w, files[i].below, path, e);
		if (!rc)
			rc = plan_remove(p, path, e, "Nothing is left to do at the first start");
	}
	if (!rc)
		rc = hive_set_string(w->system, "Setup", "CmdLine", REG_SZ, "", e);
	return rc ? rc : hive_set_dword(w->system, "Setup", "SetupType", 0, e);
}

static int plan_script(struct win *w, const struct win_wishes *wishes, struct firstboot *b,
		       struct firstboot_nets *nets, struct plan *p, struct err *e)
{
	int rc = firstboot_nets(w, wishes, p, nets, e);
	size_t moves = 0;

	for (size_t i = 0; !rc && i < w->sets.n && i < WIN_SETS_MAX; i++)
		rc = keep_blue_screen(w, w->sets.v[i], wishes, b, e);
	if (rc)
		return rc;
	for (size_t i = 0; i < nets->n; i++)
		moves += nets->v[i].moves != 0;
	return b->stages || b->n_restore || moves ? arm(w, b, p, e) : disarm(w, p, e);
}

int win_plan_firstboot(struct win *w, const struct win_wishes *wishes, struct plan *p,
		       struct err *e)
{
	struct firstboot_nets nets = { .n = 0 };
	struct firstboot b = { .win = w, .nets = &nets };
	int setup = in_setup(w), rc = packages(w, p, setup, &b, e);

	if (!rc && setup)
		plan_note(p, "Windows' own setup goes on at the next start (sysprep, an upgrade), so "
			  "Rehost adds nothing to it: network settings are not moved, a blue screen "
			  "does not stay%s", b.packages_stay ?
			  "; driver packages are found by DevicePath" : "");
	else if (!rc)
		rc = plan_script(w, wishes, &b, &nets, p, e);
	firstboot_nets_done(&nets);
	return rc;
}
