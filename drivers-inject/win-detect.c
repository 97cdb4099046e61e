/* win-detect.c: an installed Windows, NT 4 to 11, by its registry hives. */
#include "drivers-inject/adapter.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "drivers-inject/hive.h"

#define ROOT_DIRS_MAX 512       /* directories of the root that are tried */
#define NT_KEY "Microsoft\\Windows NT\\CurrentVersion"

static void hive_problem(struct guest *g, const struct err *e)
{
	guest_note(g, "A registry hive could not be read: %s.", e->msg);
}

static void note_dirty(struct guest *g, const struct hive *h, const char *name)
{
	const struct hivelog_result *r = hive_replay(h);

	(void)strv_add(&g->win.dirty_hives, name);
	if (!r->replayed) {
		guest_note(g, "What is said here may be out of date: the "
			   "registry hive %s.", hive_replay_problem(h) ?: name);
		return;
	}
	(void)strv_add(&g->win.replayed_hives, name);
	guest_note(g, "The registry hive %s was not written to the end; what is "
		   "said here includes the %zu changed pages in its "
		   "transaction logs%s%s.", name, r->pages, r->cut ? ", up to "
		   "an entry that is damaged" : "", r->ktm_locked ? ", but not "
		   "transactions that were still open" : "");
}

/* Opens DIRECTORY/System32/config/NAME; NULL: a note says why. */
static struct hive *open_hive(struct tree *t, struct guest *g,
			      const char *name)
{
	char path[GUEST_TEXT + 64];
	struct hive *h = NULL;
	struct err e = { 0 };

	snprintf(path, sizeof path, "%s/System32/config/%s", g->win.directory,
		 name);
	if (hive_open(t, path, &h, &e)) {
		hive_problem(g, &e);
		return NULL;
	}
	if (hive_dirty(h))
		note_dirty(g, h, name);
	return h;
}

/* "ControlSet" and three digits */
static int is_control_set(const char *s)
{
	return !strncasecmp(s, "ControlSet", 10) && strlen(s) == 13 &&
	       strspn(s + 10, "0123456789") == 3;
}

static void find_control_sets(const struct hive *h, struct guest *g)
{
	struct strv keys = { 0 };
	uint32_t n;

	if (!hive_subkeys(h, "", &keys)) {
		for (size_t i = 0; i < keys.n; i++)
			if (is_control_set(keys.v[i]))
				(void)strv_add(&g->win.control_sets,
					       keys.v[i]);
		strv_done(&keys);
	}
	if (hive_dword(h, "Select", "Current", &n) && n && n < 1000)
		snprintf(g->win.current_set, sizeof g->win.current_set,
			 "ControlSet%03u", n);
	if (!*g->win.current_set || !hive_has_key(h, g->win.current_set))
		guest_note(g, "The registry does not name a control set that "
			   "exists: this Windows can't start as it is.");
}

/* A string below the control set that is used. */
static void from_set(const struct hive *h, const struct guest *g,
		     const char *key, const char *value, char *buf,
		     size_t size)
{
	char path[256];

	snprintf(path, sizeof path, "%s\\Control\\%s", g->win.current_set, key);
	hive_string(h, path, value, buf, size);
}

static void read_system(const struct hive *h, struct guest *g)
{
	static const char *const arch[][2] = { { "AMD64", "x64" },
		{ "x86", "x86" }, { "ARM64", "arm64" }, { "IA64", "ia64" },
		{ "ARM", "arm" }, { "ALPHA", "alpha" }, { "MIPS", "mips" },
		{ "PPC", "ppc" } };
	char text[64], key[96];
	uint32_t on;

	find_control_sets(h, g);
	from_set(h, g, "Session Manager\\Environment",
		 "PROCESSOR_ARCHITECTURE", text, sizeof text);
	for (size_t i = 0; i < sizeof arch / sizeof *arch; i++)
		if (!strcasecmp(text, arch[i][0]))
			snprintf(g->arch, sizeof g->arch, "%s", arch[i][1]);
	from_set(h, g, "ComputerName\\ComputerName", "ComputerName",
		 g->hostname, sizeof g->hostname);
	snprintf(key, sizeof key, "%s\\Control\\Session Manager\\Power",
		 g->win.current_set);
	if (hive_dword(h, key, "HiberbootEnabled", &on))
		g->win.fast_startup = on != 0;
}

static void read_version(const struct hive *h, struct guest *g)
{
	uint32_t major, minor;

	/* from Windows 10 on CurrentVersion stays at 6.3 */
	if (hive_dword(h, NT_KEY, "CurrentMajorVersionNumber", &major) &&
	    hive_dword(h, NT_KEY, "CurrentMinorVersionNumber", &minor))
		snprintf(g->version, sizeof g->version, "%u.%u", major, minor);
	else
		hive_string(h, NT_KEY, "CurrentVersion", g->version,
			    sizeof g->version);
	if (!hive_string(h, NT_KEY, "CurrentBuildNumber", g->win.build,
			 sizeof g->win.build))
		hive_string(h, NT_KEY, "CurrentBuild", g->win.build,
			    sizeof g->win.build);
	g->win.has_update = hive_dword(h, NT_KEY, "UBR", &g->win.update);
	if (!hive_string(h, NT_KEY, "DisplayVersion", g->win.release,
			 sizeof g->win.release))
		hive_string(h, NT_KEY, "ReleaseId", g->win.release,
			    sizeof g->win.release);
}

static void read_software(const struct hive *h, struct guest *g)
{
	static const char ten[] = "Windows 10";
	char type[32];

	read_version(h, g);
	hive_string(h, NT_KEY, "EditionID", g->win.edition,
		    sizeof g->win.edition);
	hive_string(h, NT_KEY, "CSDVersion", g->win.service_pack,
		    sizeof g->win.service_pack);
	hive_string(h, NT_KEY, "ProductName", g->name, sizeof g->name);
	hive_string(h, NT_KEY, "InstallationType", type, sizeof type);
	/* Windows 11 still calls itself 10 here */
	if (!strncmp(g->name, ten, strlen(ten)) && atoi(g->win.build) >= 22000 &&
	    strcasecmp(type, "Server"))
		g->name[strlen(ten) - 1] = '1';
	/* NT 4 has no ProductName */
	if (!*g->name && *g->version)
		snprintf(g->name, sizeof g->name, "Windows NT %.32s",
			 g->version);
}

/* hiberfil.sys begins with "hibr" when a session is in it ("rstr": when
 * resuming from it has begun), with "wake" or zeros when not. */
static void find_hibernation(struct tree *t, struct guest *g)
{
	cleanup_free char *head = NULL;
	size_t len;

	g->win.hibernated = 0;
	if (tree_head(t, "hiberfil.sys", 4, &head, &len, NULL) || len < 4)
		return;
	if (strncasecmp(head, "hibr", 4) && strncasecmp(head, "rstr", 4))
		return;
	g->win.hibernated = 1;
	guest_note(g, "This Windows is hibernated%s. Start it on its old "
		   "hardware and shut it down with 'shutdown /s /t 0' before "
		   "it is moved.", g->win.fast_startup == 1 ?
		   ", or was shut down with Fast Startup" : "");
}

static void find_boot_loaders(struct tree *t, struct guest *g)
{
	if (tree_has(t, "bootmgr", TREE_FILE))
		(void)strv_add(&g->boot, "bootmgr");
	if (tree_has(t, "ntldr", TREE_FILE))
		(void)strv_add(&g->boot, "ntldr");
}

static int add_windows(struct tree *t, const char *directory,
		       struct guest_list *found, struct err *e)
{
	struct guest *g = guest_add(found, &adapter_windows, t);
	struct hive *h;

	if (!g)
		return err_set(e, ERR_NOMEM, "out of memory");
	snprintf(g->win.directory, sizeof g->win.directory, "%s", directory);
	h = open_hive(t, g, "SYSTEM");
	if (h)
		read_system(h, g);
	hive_close(h);
	h = open_hive(t, g, "SOFTWARE");
	if (h)
		read_software(h, g);
	hive_close(h);
	if (!*g->name)
		snprintf(g->name, sizeof g->name, "Windows");
	find_hibernation(t, g);
	find_boot_loaders(t, g);
	if (g->fs_dirty)
		guest_note(g, "The NTFS volume is marked dirty: Windows will "
			   "check it when it starts.");
	return 0;
}

static int win_detect(struct tree *t, struct guest_list *found, struct err *e)
{
	struct strv names = { 0 };
	char path[GUEST_TEXT + 64];
	size_t tried = 0;
	int r;

	if (t->ops == &tree_ext) /* Windows can't start from it */
		return 0;
	r = tree_list(t, "/", &names, e);

	for (size_t i = 0; !r && i < names.n && tried < ROOT_DIRS_MAX; i++) {
		if (strlen(names.v[i]) >= GUEST_TEXT ||
		    !tree_has(t, names.v[i], TREE_DIR))
			continue;
		tried++;
		snprintf(path, sizeof path, "%s/System32/config/SYSTEM",
			 names.v[i]);
		if (tree_has(t, path, TREE_FILE))
			r = add_windows(t, names.v[i], found, e);
	}
	strv_done(&names);
	return r;
}

const struct guest_adapter adapter_windows = {
	.kind = "windows",
	.detect = win_detect,
};
