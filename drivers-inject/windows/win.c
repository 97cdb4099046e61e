/* win.c: see win.h. */
#include "drivers-inject/windows/win.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "drivers-inject/adapter.h"
#include "drivers-inject/windows/drivers.h"
#include "drivers-inject/windows/plan-firstboot.h"
#include "drivers-inject/windows/staged.h"

int win_path(const struct win *w, const char *below, char ret[PATH_MAX], struct err *e)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof path, "%s/%s", w->dir, below);

	if (n < 0 || n >= PATH_MAX)
		return err_set(e, ERR_UNSUPPORTED, "%s\\%s: the path is too long", w->dir, below);
	for (char *p = path; *p; p++)
		if (*p == '\\')
			*p = '/';
	n = root_resolve(w->root, path, ret, e);
	if (n != ERR_NOT_FOUND)
		return n;
	strcpy(ret, path);
	return 0;
}

int win_has(const struct win *w, struct plan *p, const char *below)
{
	char path[PATH_MAX];

	if (win_path(w, below, path, NULL))
		return 0;
	return root_exists(w->root, path) || (p && plan_has(p, path));
}

void win_key(char ret[WIN_KEY_MAX], const char *set, const char *fmt, ...)
{
	size_t n = (size_t)snprintf(ret, WIN_KEY_MAX, "%s\\", set);
	va_list ap;

	va_start(ap, fmt);
	if (n < WIN_KEY_MAX)
		vsnprintf(ret + n, WIN_KEY_MAX - n, fmt, ap);
	va_end(ap);
}

/* ---- opening ---- */

static void warn_dirty(struct win *w, const struct hive *h, const char *name)
{
	const struct hivelog_result *r = hive_replay(h);

	if (hive_replay_problem(h))
		strv_addf(&w->warnings, "What the logs of the registry hive %s hold is lost: %s", name,
			  hive_replay_problem(h));
	if (r->ktm_locked && hive_dirty(h))
		strv_addf(&w->notes, "The registry hive %s is marked as having open transactions "
			  "(TxR); what they had not committed is not looked at.", name);
}

static int open_hive(struct win *w, const char *name, int even_dirty, struct hive **ret,
		     struct err *e)
{
	char path[PATH_MAX];
	int rc;

	snprintf(path, sizeof path, "%s/System32/config/%s", w->dir, name);
	rc = hive_open_edit(w->tree, path, even_dirty, ret, e);
	if (!rc)
		warn_dirty(w, *ret, name);
	return rc;
}

static int arch_of(const char *name)
{
	static const struct { const char *name; enum inf_arch arch; } known[] = {
		{ "x64", INF_AMD64 }, { "x86", INF_X86 }, { "arm64", INF_ARM64 },
		{ "ia64", INF_IA64 }, { "arm", INF_ARM },
	};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strcmp(known[i].name, name))
			return (int)i;
	return -1;
}

static enum win_generation generation_of(const struct win *w)
{
	char key[WIN_KEY_MAX];

	if (hive_has_key(w->system, "DriverDatabase"))
		return WIN_NT62;
	win_key(key, w->set, "Services\\volmgr");
	if (hive_has_key(w->system, key))
		return WIN_NT6;
	win_key(key, w->set, "Control\\CriticalDeviceDatabase");
	return hive_has_key(w->system, key) ? WIN_NT5 : WIN_NT4;
}

/* VER_NT_*: "WinNT" workstation, "LanmanNT" domain controller, "ServerNT" server. */
static void read_product(struct win *w)
{
	char key[WIN_KEY_MAX], text[64];

	win_key(key, w->set, "Control\\ProductOptions");
	hive_string(w->system, key, "ProductType", text, sizeof text);
	w->target.product = !strcasecmp(text, "LanmanNT") ? 2 : !strcasecmp(text, "ServerNT") ? 3 : 1;
}

/* Select\Default is what the loader starts with; detection tells Current, the one
 * that ran last. */
static int find_set(struct win *w, const struct guest *g, struct err *e)
{
	uint32_t n;

	snprintf(w->set, sizeof w->set, "%s", g->win.current_set);
	if (hive_dword(w->system, "Select", "Default", &n) && n && n < 1000)
		snprintf(w->set, sizeof w->set, "ControlSet%03u", n);
	if (!*w->set || !hive_has_key(w->system, w->set))
		return err_set(e, ERR_CORRUPT, "%s/System32/config/SYSTEM: Select names no control set "
			       "that is there: this Windows can't start", w->dir);
	for (size_t i = 0; i < g->win.control_sets.n && i < WIN_SETS_MAX; i++)
		if (strv_add(&w->sets, g->win.control_sets.v[i]))
			return err_set(e, ERR_NOMEM, "out of memory");
	return 0;
}

/* What is there when nothing is to be written yet, but will be refused then. */
static void warn_state(struct win *w, const struct guest *g)
{
	if (g->win.hibernated > 0)
		strv_addf(&w->warnings, "This Windows is hibernated%s: it is only changed once its session "
			  "is thrown away (--discard-hibernation), or after it was shut down on its old "
			  "hardware.", g->win.fast_startup == 1 ? ", or was shut down with Fast Startup" : "");
	if (g->fs_dirty > 0)
		strv_addf(&w->warnings, "The NTFS volume is marked dirty: it is only changed after chkdsk, "
			  "or with --even-dirty.");
}

static int read_guest(struct win *w, const struct guest *g, struct err *e)
{
	static const char *const arches[] = { "x64", "x86", "arm64", "ia64", "arm" };
	static const enum inf_arch inf[] = { INF_AMD64, INF_X86, INF_ARM64, INF_IA64, INF_ARM };
	int rc = find_set(w, g, e), arch = arch_of(g->arch);

	if (rc)
		return rc;
	snprintf(w->name, sizeof w->name, "%s", g->name);
	snprintf(w->hostname, sizeof w->hostname, "%.127s", g->hostname);
	snprintf(w->release, sizeof w->release, "%.31s", g->win.release);
	snprintf(w->build, sizeof w->build, g->win.has_update ? "%.20s.%u" : "%.20s", g->win.build,
		 g->win.update);
	w->arch = arch < 0 ? "" : arches[arch];
	if (arch >= 0)
		w->target.arch = inf[arch];
	sscanf(g->version, "%u.%u", &w->target.major, &w->target.minor);
	w->target.build = (unsigned)strtoul(g->win.build, NULL, 10);
	w->generation = generation_of(w);
	read_product(w);
	if (w->generation == WIN_NT4)
		return err_set(e, ERR_UNSUPPORTED, "%s is a %s: it knows no plug and play, so its drivers "
			       "can't be exchanged from outside", w->dir, w->name);
	return arch < 0 ? err_set(e, ERR_UNSUPPORTED, "%s: the registry doesn't say for which processor "
				  "this Windows is", w->dir) : 0;
}

static int find_guest(struct win *w, const char *dir, struct guest_list *found,
		      const struct guest **ret, struct err *e)
{
	int rc = adapter_windows.detect(w->tree, found, e);

	for (size_t i = 0; !rc && i < found->n; i++)
		if (!strcasecmp(found->v[i]->win.directory, dir))
			*ret = found->v[i];
	if (!rc && !*ret)
		rc = err_set(e, ERR_NOT_FOUND, "%s: no Windows in the directory %s", root_dir(w->root), dir);
	return rc;
}

int win_open(struct root *r, struct tree *t, const char *dir, const struct win_wishes *wishes,
	     struct win *ret, struct err *e)
{
	struct win w = { .root = r, .tree = t, .volume = -1, .arch = "" };
	struct guest_list found = { 0 };
	const struct guest *g = NULL;
	struct err why = { 0 };
	int rc = find_guest(&w, dir, &found, &g, e);

	if (!rc)
		snprintf(w.dir, sizeof w.dir, "/%s", g->win.directory);
	if (!rc)
		warn_state(&w, g);
	if (!rc)
		rc = open_hive(&w, "SYSTEM", wishes->even_dirty, &w.system, e);
	if (!rc)
		rc = read_guest(&w, g, e);
	if (!rc && open_hive(&w, "SOFTWARE", wishes->even_dirty, &w.software, &why)) {
		w.software_problem = strdup(why.msg);
		rc = w.software_problem ? 0 : err_set(e, ERR_NOMEM, "out of memory");
	}
	guest_list_done(&found);
	if (rc)
		win_done(&w);
	else
		*ret = w;
	return rc;
}

void win_done(struct win *w)
{
	w->system = hive_close(w->system);
	w->software = hive_close(w->software);
	w->staged = win_staged_free(w->staged);
	w->own = drivers_free(w->own);
	free(w->software_problem);
	strv_done(&w->sets);
	strv_done(&w->warnings);
	strv_done(&w->notes);
	w->stages = win_stages_free(w->stages);
}
