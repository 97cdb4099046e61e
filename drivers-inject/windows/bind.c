/* bind.c: see bind.h. */
#include "drivers-inject/windows/bind.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"
#include "drivers-inject/windows/bind-database.h"

void win_match_done(struct win_match *m)
{
	free(m->filters.v);
	m->filters = (struct win_filters){ 0 };
}

/* ---- filters ---- */

static int add_filters(const struct hive *h, const char *key, int upper, struct win_filters *to,
		       struct err *e)
{
	struct strv names = { 0 };
	int rc = 0;

	if (!hive_strings(h, key, upper ? "UpperFilters" : "LowerFilters", &names))
		return 0;
	for (size_t i = 0; !rc && i < names.n; i++) {
		struct win_filter *v = reallocarray(to->v, to->n + 1, sizeof *v);

		if (!v) {
			rc = err_set(e, ERR_NOMEM, "out of memory");
			break;
		}
		to->v = v;
		v += to->n++;
		*v = (struct win_filter){ .upper = upper };
		snprintf(v->name, sizeof v->name, "%.127s", names.v[i]);
		snprintf(v->key, sizeof v->key, "%s", key);
	}
	strv_done(&names);
	return rc;
}

static int both_filters(const struct hive *h, const char *key, struct win_filters *to,
			struct err *e)
{
	int rc = add_filters(h, key, 1, to, e);

	return rc ? rc : add_filters(h, key, 0, to, e);
}

static int class_filters(const struct win *w, const char *set, const char *guid,
			 struct win_filters *to, struct err *e)
{
	char key[WIN_KEY_MAX];

	win_key(key, set, "Control\\Class\\%s", guid);
	return *guid ? both_filters(w->system, key, to, e) : 0;
}

/* ---- up to Windows 7 ---- */

/* "PCI\VEN_8086&DEV_7010" is the key "PCI#VEN_8086&DEV_7010" */
void win_critical_key(char ret[WIN_KEY_MAX], const char *set, const char *id)
{
	size_t at;

	win_key(ret, set, "Control\\CriticalDeviceDatabase\\");
	at = strlen(ret);
	strncat(ret, id, WIN_KEY_MAX - at - 1);
	for (char *p = ret + at; *p; p++)
		if (*p == '\\')
			*p = '#';
}

/* 1: the entry names a service.  One without is kept if nothing better comes. */
static int try_critical(const struct win *w, const char *set, const char *id, struct win_match *m)
{
	char key[WIN_KEY_MAX], service[sizeof m->service];

	win_critical_key(key, set, id);
	if (!hive_has_key(w->system, key))
		return 0;
	hive_string(w->system, key, "Service", service, sizeof service);
	if (m->found && !*service)
		return 0;
	m->found = 1;
	snprintf(m->service, sizeof m->service, "%s", service);
	hive_string(w->system, key, "ClassGUID", m->class_guid, sizeof m->class_guid);
	snprintf(m->id, sizeof m->id, "%s", id);
	snprintf(m->entry, sizeof m->entry, "%s", key);
	return *service != 0;
}

static int bind_critical(const struct win *w, const char *set, const struct win_device *d,
			 struct win_match *m, struct err *e)
{
	int done = 0;

	for (size_t i = 0; !done && i < d->hardware.n; i++)
		done = try_critical(w, set, d->hardware.v[i], m);
	for (size_t i = 0; !done && i < d->compatible.n; i++)
		done = try_critical(w, set, d->compatible.v[i], m);
	return m->found ? both_filters(w->system, m->entry, &m->filters, e) : 0;
}

/* ---- either ---- */

int win_bind(const struct win *w, const char *set, const struct win_device *d,
	     struct win_match *ret, struct err *e)
{
	struct win_match m = { 0 };
	char key[WIN_KEY_MAX];
	int rc = 0;

	if (w->generation == WIN_NT62) {
		win_bind_database(w, d, &m);
		if (m.found) {
			snprintf(key, sizeof key, "%.1000s\\Device", m.entry);
			rc = both_filters(w->system, key, &m.filters, e);
		}
	} else {
		rc = bind_critical(w, set, d, &m, e);
	}
	if (!rc)
		rc = class_filters(w, set, m.found ? m.class_guid : d->class_guid, &m.filters, e);
	if (rc)
		win_match_done(&m);
	else
		*ret = m;
	return rc;
}
