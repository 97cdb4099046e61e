/* boot.c: see boot.h. */
#include "drivers-inject/windows/boot.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"

enum { KERNEL_DRIVER = 1, FILE_SYSTEM_DRIVER = 2 };     /* Services: Type */

struct judging {
	const struct win *w;
	struct plan *p;
	const char *set;
	struct win_boot b;
	struct strv checked;    /* services, those of filters with a ":" before */
	int no_memory;
};

/* ---- reasons ---- */

static struct win_reason *add(struct judging *j, const char *code, const char *subject,
			      const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Each only once; NULL: it is there already. */
static struct win_reason *add(struct judging *j, const char *code, const char *subject,
			      const char *fmt, ...)
{
	struct win_reason *v;
	va_list ap;
	int n;

	for (size_t i = 0; i < j->b.n; i++)
		if (!strcmp(j->b.v[i].code, code) && !strcmp(j->b.v[i].subject, subject))
			return NULL;
	v = reallocarray(j->b.v, j->b.n + 1, sizeof *v);
	if (!v) {
		j->no_memory = 1;
		return NULL;
	}
	j->b.v = v;
	v += j->b.n;
	*v = (struct win_reason){ .code = code };
	snprintf(v->subject, sizeof v->subject, "%s", subject);
	va_start(ap, fmt);
	n = vasprintf(&v->text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		j->no_memory = 1;
		return NULL;
	}
	j->b.n++;
	return v;
}

/* ---- services ---- */

struct service {
	struct judging *j;
	const char *name, *why; /* "drives the disk (GenDisk)"               */
	const struct win_filter *filter;        /* NULL: no filter           */
	char key[WIN_KEY_MAX];
};

/* The code with "filter-" before it; both are literals. */
static void stop(const struct service *s, const char *code, const char *filter_code,
		 const char *text, const char *file)
{
	struct win_reason *r = add(s->j, s->filter ? filter_code : code, s->name, "%s (%s): %s",
				   s->name, s->why, text);

	if (r && s->filter)
		r->filter = *s->filter;
	if (r && file)
		snprintf(r->file, sizeof r->file, "%s", file);
}
#define STOP(s, code, text, file) stop(s, code, "filter-" code, text, file)

static const char *start_name(uint32_t n)
{
	static const char *const names[] = { "boot", "system", "automatic", "on demand", "disabled" };

	return n < 5 ? names[n] : "unknown";
}

/* The largest StartOverride: its values are named by numbers of hardware, and which
 * one new hardware gets is not known.  -1: there is none. */
static int64_t override_of(const struct hive *h, const char *service_key)
{
	char key[WIN_KEY_MAX];
	struct strv names = { 0 };
	int64_t most = -1;
	uint32_t n;

	snprintf(key, sizeof key, "%.1000s\\StartOverride", service_key);
	if (hive_values(h, key, &names))
		return -1;
	for (size_t i = 0; i < names.n; i++)
		if (hive_dword(h, key, names.v[i], &n) && n > most)
			most = n;
	strv_done(&names);
	return most;
}

/* What the loader starts besides, since this machine's last start was from such
 * hardware (BootFlags of the service, BootDriverFlags of the hardware). */
static int flagged(const struct hive *h, const char *service_key)
{
	char key[256], last[128];
	uint32_t here = 0, flags = 0;

	hive_string(h, "HardwareConfig", "LastConfig", last, sizeof last);
	snprintf(key, sizeof key, "HardwareConfig\\%s", last);
	return *last && hive_dword(h, key, "BootDriverFlags", &here) &&
	       hive_dword(h, service_key, "BootFlags", &flags) && (here & flags);
}

static void check_start(const struct service *s)
{
	const struct hive *h = s->j->w->system;
	int64_t override = override_of(h, s->key);
	uint32_t start = UINT32_MAX;
	char text[160];

	hive_dword(h, s->key, "Start", &start);
	if (override > 0) {
		snprintf(text, sizeof text, "StartOverride is %u (%s), not 0 (boot)",
			 (unsigned)override, start_name((uint32_t)override));
		STOP(s, "start-override", text, NULL);
	} else if (override < 0 && start && !(start == 3 && flagged(h, s->key))) {
		snprintf(text, sizeof text, "its Start is %d (%s), not 0 (boot)", (int)start,
			 start_name(start));
		STOP(s, "service-start", text, NULL);
	}
}

int win_image_path(const struct win *w, const char *set, const char *service, char *ret,
		   size_t size)
{
	char key[WIN_KEY_MAX], path[512], *p = path;

	win_key(key, set, "Services\\%s", service);
	if (!hive_string(w->system, key, "ImagePath", path, sizeof path) || !*path) {
		snprintf(ret, size, "System32\\drivers\\%s.sys", service);
		return 0;
	}
	for (char *c = path; *c; c++)
		if (*c == '/')
			*c = '\\';
	if (!strncasecmp(p, "\\SystemRoot\\", 12))
		p += 12;
	else if (*p == '\\' || *p == '%' || *p == '"' || strchr(p, ':'))
		return -1;
	snprintf(ret, size, "%s", p);
	return 0;
}

/* Libraries of drivers, without which the loader refuses them. */
static const struct import {
	enum win_generation from, to;
	const char *service, *library;
} imports[] = {
	{ WIN_NT5, WIN_NT62, "pciide", "pciidex" }, { WIN_NT5, WIN_NT62, "intelide", "pciidex" },
	{ WIN_NT5, WIN_NT62, "disk", "classpnp" }, { WIN_NT6, WIN_NT62, "atapi", "ataport" },
	{ WIN_NT6, WIN_NT62, "msahci", "ataport" }, { WIN_NT62, WIN_NT62, "storahci", "storport" },
	{ WIN_NT62, WIN_NT62, "stornvme", "storport" },
};

static void check_file(const struct service *s, const char *file)
{
	char text[400];

	if (win_has(s->j->w, s->j->p, file))
		return;
	snprintf(text, sizeof text, "%s is not there", file);
	STOP(s, "file-missing", text, file);
}

static void check_files(const struct service *s)
{
	char path[300];

	if (win_image_path(s->j->w, s->j->set, s->name, path, sizeof path)) {
		STOP(s, "image-path", "the loader can't use its ImagePath", NULL);
		return;
	}
	check_file(s, path);
	for (size_t i = 0; i < sizeof imports / sizeof *imports; i++) {
		const struct import *m = &imports[i];

		if (strcasecmp(m->service, s->name) || s->j->w->generation < m->from ||
		    s->j->w->generation > m->to)
			continue;
		snprintf(path, sizeof path, "System32\\drivers\\%s.sys", m->library);
		check_file(s, path);
	}
}

static void check_service(struct judging *j, const char *name, const char *why,
			  const struct win_filter *filter)
{
	struct service s = { .j = j, .name = name, .why = why, .filter = filter };
	char mark[160];
	uint32_t type = 0;

	snprintf(mark, sizeof mark, "%s%.127s", filter ? ":" : "", name);
	for (char *p = mark; *p; p++)
		*p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
	if (strv_has(&j->checked, mark))
		return;
	j->no_memory |= strv_add(&j->checked, mark) != 0;
	win_key(s.key, j->set, "Services\\%s", name);
	if (!hive_has_key(j->w->system, s.key)) {
		STOP(&s, "service-missing", "there is no such service", NULL);
		return;
	}
	hive_dword(j->w->system, s.key, "Type", &type);
	if (type != KERNEL_DRIVER && !(filter && type == FILE_SYSTEM_DRIVER))
		STOP(&s, "service-type", "its Type is not that of a driver", NULL);
	check_start(&s);
	check_files(&s);
}

/* ---- devices ---- */

static void check_filters(struct judging *j, const struct win_device *d, const struct win_match *m)
{
	char why[300];

	for (size_t i = 0; i < m->filters.n; i++) {
		snprintf(why, sizeof why, "%s filter of %s", m->filters.v[i].upper ? "upper" : "lower",
			 d->name);
		check_service(j, m->filters.v[i].name, why, &m->filters.v[i]);
	}
}

static void check_match(struct judging *j, const struct win_device *d, const struct win_match *m)
{
	struct win_reason *r = NULL;
	char why[600];

	if (*m->service) {
		snprintf(why, sizeof why, "drives %s (%s)", d->name, m->id);
		check_service(j, m->service, why, NULL);
	} else if (d->raw) {
		return;
	} else if (m->found) {
		r = add(j, "no-service", d->name, "%s: %s names no service", d->name, m->entry);
	} else if (*m->incomplete) {
		r = add(j, "driver-incomplete", d->name, "%s: %s", d->name, m->incomplete);
	} else {
		r = add(j, "no-driver", d->name, "no driver is known for %s (%s)", d->name,
			d->hardware.v[0]);
	}
	if (r)
		r->device = d;
}

static int check_device(struct judging *j, const struct win_device *d, struct err *e)
{
	struct win_bound *b = j->b.n_bound ? &j->b.bound[j->b.n_bound - 1] : NULL, *v;
	struct win_match m;
	int rc;

	if (d->channel && !(b && win_shows_channels(b->service)))
		return 0;
	rc = win_bind(j->w, j->set, d, &m, e);
	if (rc)
		return rc;
	v = reallocarray(j->b.bound, j->b.n_bound + 1, sizeof *v);
	if (!v) {
		win_match_done(&m);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	j->b.bound = v;
	v += j->b.n_bound++;
	*v = (struct win_bound){ .device = d };
	snprintf(v->service, sizeof v->service, "%s", m.service);
	snprintf(v->id, sizeof v->id, "%s", m.id);
	check_match(j, d, &m);
	check_filters(j, d, &m);
	win_match_done(&m);
	return 0;
}

/* ---- what has no new device ---- */

static void check_stack(struct judging *j, const struct win_way *way)
{
	static const char *const nt5[] = { "acpi", "pci", "partmgr", "disk", "ftdisk", "mountmgr",
					   "volsnap", NULL };
	static const char *const nt6[] = { "acpi", "pci", "partmgr", "disk", "volmgr", "mountmgr",
					   "volsnap", NULL };
	static const char *const files[] = { "System32\\ntoskrnl.exe", "System32\\hal.dll",
					     "System32\\drivers\\ntfs.sys" };
	char key[WIN_KEY_MAX];

	for (const char *const *s = j->w->generation == WIN_NT5 ? nt5 : nt6; *s; s++)
		check_service(j, *s, "belongs to the storage stack", NULL);
	/* filters Hyper-V's synthetic disks, where this Windows has it */
	win_key(key, j->set, "Services\\storflt");
	if (way->n && !strcmp(way->v[0].name, "VMBus") && hive_has_key(j->w->system, key))
		check_service(j, "storflt", "belongs to Hyper-V's storage stack", NULL);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (!win_has(j->w, j->p, files[i]))
			add(j, "file-missing", files[i], "%s is not there", files[i]);
}

/* Knowledge Base 2773300. */
static void check_policies(struct judging *j)
{
	static const struct { const char *value, *code, *what; } policies[] = {
		{ "DisableCDDB", "policy-disable-cddb",
		  "keeps the kernel from binding drivers to new devices" },
		{ "DontStartRawDevices", "policy-raw-devices",
		  "keeps devices without a driver, as volumes are, from being started" },
	};
	char key[WIN_KEY_MAX];
	uint32_t n;

	win_key(key, j->set, "Control\\PnP");
	for (size_t i = 0; j->w->generation >= WIN_NT6 && i < 2; i++)
		if (hive_dword(j->w->system, key, policies[i].value, &n) && n)
			add(j, policies[i].code, policies[i].value, "%s is %u: it %s",
			    policies[i].value, n, policies[i].what);
}

int win_boot(const struct win *w, struct plan *p, const char *set, const struct win_way *way,
	     struct win_boot *ret, struct err *e)
{
	struct judging j = { .w = w, .p = p, .set = set };
	int rc = 0;

	for (size_t i = 0; !rc && i < way->n; i++)
		rc = check_device(&j, &way->v[i], e);
	if (!rc) {
		check_stack(&j, way);
		check_policies(&j);
	}
	strv_done(&j.checked);
	if (!rc && j.no_memory)
		rc = err_set(e, ERR_NOMEM, "out of memory");
	if (rc)
		win_boot_done(&j.b);
	else
		*ret = j.b;
	return rc;
}

void win_boot_done(struct win_boot *b)
{
	for (size_t i = 0; i < b->n; i++)
		free(b->v[i].text);
	free(b->v);
	free(b->bound);
	*b = (struct win_boot){ 0 };
}
