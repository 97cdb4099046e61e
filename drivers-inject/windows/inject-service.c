/* inject-service.c: the services of a package, in every control set, and what its INF
 * writes elsewhere in the registry.
 *
 * Microsoft, "INF AddService Directive"; values and forms as in the SYSTEM hives of
 * Windows 8.1 and 10 and in lxc/distrobuilder's capture. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"
#include "common/le.h"
#include "drivers-inject/windows/inject-int.h"
#include "drivers-inject/utf16.h"

enum { BOOT_START = 0, KERNEL_DRIVER = 1, DRIVERS = 3 };        /* of Type and Start */
/* AddService flags: an existing service keeps that value. */
enum { KEEP_DISPLAYNAME = 0x8, KEEP_START = 0x10, KEEP_ERRORCONTROL = 0x20, KEEP_GROUP = 0x40,
       KEEP_DEPENDENCIES = 0x80, KEEP_DESCRIPTION = 0x100 };

/* One service in one control set. */
struct target {
	struct inject *j;
	const struct inf_install *in;
	const struct inf_service *s;
	const char *set;
	char key[WIN_KEY_MAX];
	int was_there;
};

static struct hive *hive_of(const struct target *t)
{
	return t->j->w->system;
}

static int kept(const struct target *t, uint32_t flag)
{
	return t->was_there && t->s->flags & flag;
}

/* ---- Start ---- */

static int is_filter(const struct inf_install *in, const char *name)
{
	static const char *const kinds[] = { "UpperFilters", "LowerFilters" };

	for (size_t i = 0; i < in->n_filters; i++)
		if (!strcasecmp(in->filters[i].name, name))
			return 1;
	for (size_t i = 0; i < 2; i++) {
		const struct inf_reg *r = inject_filters(in, kinds[i]);
		struct strv l = { 0 };
		int found = 0;

		if (r && !utf16_strings(r->data, r->len, &l))
			for (size_t k = 0; k < l.n; k++)
				found |= !strcasecmp(l.v[k], name);
		strv_done(&l);
		if (found)
			return 1;
	}
	return 0;
}

/* The way to the disk needs its driver, and the filters on it, from the loader. */
static uint32_t start_of(const struct target *t)
{
	const struct inf_service *s = t->s;

	if (t->j->flags & WIN_INJECT_BOOT && s->type == KERNEL_DRIVER &&
	    (s->flags & INF_SPSVCINST_ASSOCSERVICE || is_filter(t->in, s->name)))
		return BOOT_START;
	return s->start;
}

/* ---- Tag ---- */

static int listed(const uint8_t *order, size_t n, uint32_t tag)
{
	for (size_t i = 4; i + 4 <= n; i += 4)
		if (le32_get(*(const le32 *)(order + i)) == tag)
			return 1;
	return 0;
}

/* A bit for each tag below size that a service of the group has. */
static int used_tags(const struct target *t, uint8_t *used, size_t size, struct err *e)
{
	struct strv names = { 0 };
	char key[WIN_KEY_MAX], group[256];

	win_key(key, t->set, "Services");
	if (hive_subkeys(hive_of(t), key, &names))
		return err_set(e, ERR_CORRUPT, "%s: there are no services", t->set);
	for (size_t i = 0; i < names.n; i++) {
		uint32_t tag;

		win_key(key, t->set, "Services\\%s", names.v[i]);
		if (hive_dword(hive_of(t), key, "Tag", &tag) && tag < size &&
		    hive_string(hive_of(t), key, "Group", group, sizeof group) &&
		    !strcasecmp(group, t->s->group))
			used[tag] = 1;
	}
	strv_done(&names);
	return 0;
}

/* As Windows: the first number that neither Control\GroupOrderList has for the group
 * (those come first, in its order) nor another service of it.  So did 8.1, 10 and the
 * Windows of the capture. */
static int set_tag(const struct target *t, const char *old_group, struct err *e)
{
	enum { TAGS = 4096 };   /* the largest seen is 259 */
	cleanup_free uint8_t *order = NULL, *used = NULL;
	char key[WIN_KEY_MAX];
	uint32_t type, tag;
	size_t n = 0;
	int rc;

	if (!*t->s->group || (!strcasecmp(old_group, t->s->group) &&
			      hive_dword(hive_of(t), t->key, "Tag", &tag)))
		return 0;
	used = calloc(TAGS, 1);
	if (!used)
		return err_set(e, ERR_NOMEM, "out of memory");
	rc = used_tags(t, used, TAGS, e);
	if (rc)
		return rc;
	win_key(key, t->set, "Control\\GroupOrderList");
	if (!hive_value(hive_of(t), key, t->s->group, &type, &order, &n))
		n = 0;
	for (tag = 1; tag < TAGS - 1 && (used[tag] || listed(order, n, tag)); )
		tag++;
	return hive_set_dword(hive_of(t), t->key, "Tag", tag, e);
}

/* ---- values ---- */

/* Relative as the INF compiler says; Windows writes the path of a driver that the
 * loader does not load from the root of the kernel's names (XP does not). */
static int set_image(const struct target *t, uint32_t start, struct err *e)
{
	const char *path = t->s->image_path;
	int rooted = t->s->type & DRIVERS && start != BOOT_START && *path != '\\' && path[1] != ':' &&
		     t->j->w->generation != WIN_NT5;
	char text[600];

	if ((size_t)snprintf(text, sizeof text, "%s%s", rooted ? "\\SystemRoot\\" : "", path) >=
	    sizeof text)
		return err_set(e, ERR_UNSUPPORTED, "%s: the path of the service %s is too long",
			       t->j->pkg->origin, t->s->name);
	return hive_set_string(hive_of(t), t->key, "ImagePath", REG_EXPAND_SZ, text, e);
}

/* "@oem3.inf,%token%;text", where Windows finds it in other languages, too. */
static int set_display(const struct target *t, struct err *e)
{
	const char *raw = t->s->display_name_raw, *end = *raw == '%' ? strchr(raw + 1, '%') : NULL;
	char text[1200];
	int n;

	if (!*t->s->display_name || kept(t, KEEP_DISPLAYNAME))
		return 0;
	if (end && !end[1] && *t->j->oem && t->j->w->generation == WIN_NT62)
		n = snprintf(text, sizeof text, "@%s,%s;%s", t->j->oem, raw, t->s->display_name);
	else
		n = snprintf(text, sizeof text, "%s", t->s->display_name);
	/* a cut one is still a name */
	(void)n;
	return hive_set_string(hive_of(t), t->key, "DisplayName", REG_SZ, text, e);
}

static int set_dependencies(const struct target *t, struct err *e)
{
	struct strv l = { 0 };
	int rc = 0;

	if (!t->s->n_dependencies || kept(t, KEEP_DEPENDENCIES))
		return 0;
	for (size_t i = 0; !rc && i < t->s->n_dependencies; i++)
		if (strv_add(&l, t->s->dependencies[i]))
			rc = err_set(e, ERR_NOMEM, "out of memory");
	if (!rc)
		rc = hive_set_strings(hive_of(t), t->key, "DependOnService", &l, e);
	strv_done(&l);
	return rc;
}

static int set_texts(const struct target *t, struct err *e)
{
	const struct inf_service *s = t->s;
	int rc = set_display(t, e);

	if (!rc && *s->description && !kept(t, KEEP_DESCRIPTION))
		rc = hive_set_string(hive_of(t), t->key, "Description", REG_SZ, s->description, e);
	/* of a driver it would be the name of a driver object */
	if (!rc && !(s->type & DRIVERS))
		rc = hive_set_string(hive_of(t), t->key, "ObjectName", REG_SZ,
				     *s->start_name ? s->start_name : "LocalSystem", e);
	return rc ? rc : set_dependencies(t, e);
}

static int set_group(const struct target *t, struct err *e)
{
	char old[256];
	int rc;

	if (!*t->s->group || kept(t, KEEP_GROUP))
		return 0;
	hive_string(hive_of(t), t->key, "Group", old, sizeof old);
	rc = hive_set_string(hive_of(t), t->key, "Group", REG_SZ, t->s->group, e);
	return rc ? rc : set_tag(t, old, e);
}

static int set_start(const struct target *t, struct err *e)
{
	uint32_t start = start_of(t);
	char key[WIN_KEY_MAX];
	int rc = 0;

	if (!kept(t, KEEP_START) || start == BOOT_START)
		rc = hive_set_dword(hive_of(t), t->key, "Start", start, e);
	if (!rc)
		rc = set_image(t, start, e);
	/* what an earlier hardware did not need is needed now */
	win_key(key, t->key, "StartOverride");
	if (!rc && start == BOOT_START)
		rc = hive_remove_key(hive_of(t), key, e);
	return rc;
}

static int put_service(struct target *t, struct err *e)
{
	const struct inf_service *s = t->s;
	int rc;

	win_key(t->key, t->set, "Services\\%s", s->name);
	t->was_there = hive_has_key(hive_of(t), t->key);
	rc = hive_set_dword(hive_of(t), t->key, "Type", s->type, e);
	if (!rc)
		rc = set_start(t, e);
	if (!rc && !kept(t, KEEP_ERRORCONTROL))
		rc = hive_set_dword(hive_of(t), t->key, "ErrorControl", s->error_control, e);
	if (!rc)
		rc = set_group(t, e);
	if (!rc)
		rc = set_texts(t, e);
	if (!rc && s->has_boot_flags)
		rc = hive_set_dword(hive_of(t), t->key, "BootFlags", s->boot_flags, e);
	if (!rc && *t->j->oem && t->j->w->generation == WIN_NT62)
		rc = inject_add_string(hive_of(t), t->key, "Owners", t->j->oem, e);
	return rc < 0 ? rc : 0;
}

/* ---- registry ---- */

/* "SYSTEM\CurrentControlSet\X" -> "X"; NULL: elsewhere. */
static const char *after(const char *key, const char *top)
{
	size_t n = strlen(top);

	return strncasecmp(key, top, n) || (key[n] && key[n] != '\\') ? NULL : key + n + (key[n] == '\\');
}

/* HKLM of a running Windows is several hives; the views of 32-bit programs, the
 * users' hives and HKCR are left to the installation at the first start. */
static int put_machine(struct inject *j, const struct inf_install *in, size_t i, const char *set,
		       struct err *e)
{
	struct inf_install one = { .regs = &in->regs[i], .n_regs = 1 };
	struct inf_reg r = in->regs[i];
	const char *rest = after(r.key, "SYSTEM\\CurrentControlSet");
	const char *software = after(r.key, "SOFTWARE");

	one.regs = &r;
	if (rest && *rest) {
		r.key = rest;
		return inject_reg(j->w->system, set, &one, 0, e);
	}
	if (software && *software && j->w->software && !(r.flags & INF_REG_32BIT)) {
		r.key = software;
		return inject_reg(j->w->software, "", &one, 0, e);
	}
	plan_note(j->p, "%s: line %u of its INF, for the registry key %s, is left to Windows.",
		  j->pkg->origin, r.line, r.key);
	return 0;
}

static int put_regs(struct inject *j, const struct inf_install *in, const char *set, struct err *e)
{
	char key[WIN_KEY_MAX];
	int rc = 0;

	for (size_t i = 0; !rc && i < in->n_regs; i++) {
		const struct inf_reg *r = &in->regs[i];

		if (r->root == INF_SERVICE_KEY)
			win_key(key, set, "Services\\%s", r->owner);
		else if (r->root == INF_EVENTLOG_KEY)
			win_key(key, set, "Services\\EventLog\\%s", r->owner);
		if (r->root == INF_SERVICE_KEY || r->root == INF_EVENTLOG_KEY)
			rc = inject_reg(j->w->system, key, in, i, e);
		else if (r->root == INF_HKLM)
			rc = put_machine(j, in, i, set, e);
	}
	return rc;
}

static int put_config(struct inject *j, const struct inf_install *in, const char *set, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < in->n_services; i++) {
		struct target t = { .j = j, .in = in, .s = &in->services[i], .set = set };

		if (*t.s->name)
			rc = put_service(&t, e);
	}
	return rc ? rc : put_regs(j, in, set, e);
}

int inject_services(struct inject *j, struct err *e)
{
	int rc = 0;

	for (size_t s = 0; !rc && s < j->w->sets.n; s++)
		for (size_t c = 0; !rc && c < j->n_configs; c++)
			rc = put_config(j, &j->configs[c].in, j->w->sets.v[s], e);
	return rc;
}
