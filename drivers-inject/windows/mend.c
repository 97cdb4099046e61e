/* mend.c: see mend.h. */
#include "drivers-inject/windows/mend.h"
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"
#include "drivers-inject/windows/bind-database.h"
#include "drivers-inject/windows/inbox-table.h"
#include "drivers-inject/windows/inbox.h"

struct mending {
	struct win *w;
	const struct win_wishes *wishes;
	struct plan *p;
	const char *set;
	const struct win_reason *r;
	int done;
};

static void service_key(const struct mending *m, char ret[WIN_KEY_MAX])
{
	win_key(ret, m->set, "Services\\%s", m->r->subject);
}

static int clear_override(struct mending *m, struct err *e)
{
	char key[WIN_KEY_MAX];

	win_key(key, m->set, "Services\\%s\\StartOverride", m->r->subject);
	m->done = 1;
	return hive_remove_key(m->w->system, key, e);
}

static int start_at_boot(struct mending *m, struct err *e)
{
	char key[WIN_KEY_MAX];

	service_key(m, key);
	m->done = 1;
	return hive_set_dword(m->w->system, key, "Start", 0, e);
}

static int drop_filter(struct mending *m, struct err *e)
{
	const struct win_filter *f = &m->r->filter;
	const char *value = f->upper ? "UpperFilters" : "LowerFilters";
	size_t before = hive_changes(m->w->system)->n;
	int rc = hive_strings_drop(m->w->system, f->key, value, f->name, e);

	m->done = hive_changes(m->w->system)->n > before;
	return rc;
}

/* A filter that somebody disabled is not wanted; one that only wasn't needed early is
 * needed now. */
static int filter_start(struct mending *m, struct err *e)
{
	char key[WIN_KEY_MAX];
	uint32_t start = 0;

	service_key(m, key);
	hive_dword(m->w->system, key, "Start", &start);
	return start == 4 ? drop_filter(m, e) : start_at_boot(m, e);
}

/* Windows may have the file elsewhere on its disk. */
static int fetch_file(struct mending *m, struct err *e)
{
	struct err why = { 0 };
	int rc = *m->r->file ? win_fetch_inbox(m->w, m->p, m->r->file, &why) : ERR_NOT_FOUND;

	if (rc == ERR_NOT_FOUND || rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED) {
		if (why.code)
			plan_note(m->p, "%s.", why.msg);
		return 0;
	}
	if (rc)
		return err_set(e, rc, "%s", why.msg);
	m->done = 1;
	return 0;
}

static int filter_file(struct mending *m, struct err *e)
{
	int rc = fetch_file(m, e);

	return rc || m->done ? rc : drop_filter(m, e);
}

static int lift_policy(struct mending *m, struct err *e)
{
	char key[WIN_KEY_MAX];

	win_key(key, m->set, "Control\\PnP");
	m->done = 1;
	return hive_set_dword(m->w->system, key, m->r->subject, 0, e);
}

/* Knowledge Base 314082: the services of IDE, as Setup would have made them. */
static int make_service(struct mending *m, struct err *e)
{
	const struct win_inbox_service *s = win_inbox_service(m->r->subject);
	char key[WIN_KEY_MAX], path[64];
	struct hive *h = m->w->system;
	int rc;

	if (!s)
		return 0;
	service_key(m, key);
	snprintf(path, sizeof path, "System32\\DRIVERS\\%s.sys", s->name);
	m->done = 1;
	rc = hive_set_dword(h, key, "Type", 1, e);
	if (!rc)
		rc = hive_set_dword(h, key, "Start", 0, e);
	if (!rc)
		rc = hive_set_dword(h, key, "ErrorControl", 1, e);
	if (!rc)
		rc = hive_set_string(h, key, "Group", REG_SZ, s->group, e);
	if (!rc && s->tag)
		rc = hive_set_dword(h, key, "Tag", s->tag, e);
	return rc ? rc : hive_set_string(h, key, "ImagePath", REG_EXPAND_SZ, path, e);
}

static int enter_critical(struct mending *m, const char *id, struct err *e)
{
	const struct win_inbox_id *known = win_inbox_find(id);
	char key[WIN_KEY_MAX], service[WIN_KEY_MAX];
	int rc;

	if (!known)
		return 0;
	win_key(service, m->set, "Services\\%s", known->service);
	if (!hive_has_key(m->w->system, service) && !win_inbox_service(known->service))
		return 0;
	win_critical_key(key, m->set, known->id);
	m->done = 1;
	rc = hive_set_string(m->w->system, key, "Service", REG_SZ, known->service, e);
	return rc ? rc : hive_set_string(m->w->system, key, "ClassGUID", REG_SZ, known->class_guid, e);
}

/* A driver that Windows has, but not for this device; else one from outside. */
static int find_driver(struct mending *m, struct err *e)
{
	const struct win_device *d = m->r->device;
	int rc = 0, inbox = m->w->generation != WIN_NT62;

	for (size_t i = 0; inbox && !rc && !m->done && i < d->hardware.n; i++)
		rc = enter_critical(m, d->hardware.v[i], e);
	for (size_t i = 0; inbox && !rc && !m->done && i < d->compatible.n; i++)
		rc = enter_critical(m, d->compatible.v[i], e);
	return rc || m->done ? rc : win_bring_driver(m->w, m->wishes, m->p, d, &m->done, e);
}

static const struct remedy {
	const char *code;
	int (*mend)(struct mending *m, struct err *e);
} remedies[] = {
	{ "start-override", clear_override }, { "service-start", start_at_boot },
	{ "filter-start-override", clear_override }, { "filter-service-start", filter_start },
	{ "filter-service-missing", drop_filter }, { "filter-service-type", drop_filter },
	{ "filter-image-path", drop_filter }, { "filter-file-missing", filter_file },
	{ "file-missing", fetch_file },
	{ "service-missing", make_service },
	{ "policy-disable-cddb", lift_policy }, { "policy-raw-devices", lift_policy },
	{ "no-driver", find_driver }, { "no-service", find_driver },
	{ "driver-incomplete", find_driver },
};

int win_mend(struct win *w, const struct win_wishes *wishes, struct plan *p, const char *set,
	     const struct win_reason *r, int *ret_done, struct err *e)
{
	struct mending m = { .w = w, .wishes = wishes, .p = p, .set = set, .r = r };
	int rc = 0;

	for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++)
		if (!strcmp(remedies[i].code, r->code))
			rc = remedies[i].mend(&m, e);
	*ret_done = m.done;
	return rc;
}
