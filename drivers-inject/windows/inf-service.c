/* inf-service.c: AddService and AddFilter.
 *
 * Microsoft, "INF AddService Directive", "INF AddFilter Directive". */
#include "drivers-inject/windows/inf-install-int.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "drivers-inject/windows/inf-dirid.h"

enum { NAME, FLAGS, SECTION, EVENTS, EVENT_TYPE, EVENT_NAME };  /* of AddService */

static const char *get(struct inf_job *j, const struct inf *f, const struct inf_section *s,
		       const char *key)
{
	const struct inf_line *l = inf_find(f, s, key);

	return l ? inf_value(&j->b, f, l, 0) : "";
}

/* A number that must be there; -1: it isn't, which is a note now. */
static int needed_number(struct inf_job *j, const struct inf *f, const struct inf_section *s,
			 const struct inf_line *directive, const char *key, uint32_t *ret)
{
	const struct inf_line *l = inf_find(f, s, key);
	uint64_t v = 0;

	if (!l || !*inf_value(&j->b, f, l, 0)) {
		inf_note(&j->b, INF_BROKEN, f, directive, key, s->name);
		return -1;
	}
	if (inf_value_number(&j->b, f, l, 0, 0, &v))
		return -1;
	if (v > UINT32_MAX) {
		inf_note(&j->b, INF_BROKEN, f, l, "number", inf_value(&j->b, f, l, 0));
		return -1;
	}
	*ret = (uint32_t)v;
	return 0;
}

/* What Windows writes into ImagePath.  A driver's path is relative to the Windows
 * directory where it can be; the driver store is named from the root of the kernel's
 * names.  Programs are found through the environment. */
static const char *image_path(struct inf_job *j, const struct inf_service *s)
{
	static const char windows[] = "%SystemRoot%\\";
	const char *place = inf_dirid_place(s->dirid, j->dirs.bits64);
	const char *package = j->dirs.package ? j->dirs.package : "%13%";
	int driver = s->type & 3;       /* kernel or file system driver */

	if (place && !strncmp(place, windows, strlen(windows)))
		return inf_printed(&j->b, "%s%s\\%s", driver ? "" : windows, place + strlen(windows),
				   s->binary);
	if (place)
		return inf_printed(&j->b, "%s\\%s", place, s->binary);
	if (s->dirid != INF_DIRID_PACKAGE)
		return s->binary;
	/* <windows directory>\System32\DriverStore\... */
	if (!strncasecmp(package, j->dirs.windows, strlen(j->dirs.windows)))
		return inf_printed(&j->b, "%s%s\\%s", driver ? "\\SystemRoot" : "%SystemRoot%",
				   package + strlen(j->dirs.windows), s->binary);
	return inf_printed(&j->b, "%s\\%s", package, s->binary);
}

/* ServiceBinary=%12%\viostor.sys: the number and what is below it. */
static void binary(struct inf_job *j, const struct inf *f, const struct inf_line *l,
		   struct inf_service *s)
{
	const struct inf_dirs *dirs = j->b.dirs;
	const char *text, *end;
	char number[8];

	j->b.dirs = NULL;
	text = inf_value(&j->b, f, l, 0);
	j->b.dirs = dirs;
	end = *text == '%' ? strchr(text + 1, '%') : NULL;
	s->dirid = INF_DIRID_ABSOLUTE;
	if (end && (size_t)(end - text) < sizeof number) {
		memcpy(number, text + 1, (size_t)(end - text - 1));
		number[end - text - 1] = 0;
		s->dirid = inf_dirid_number(number);
	}
	if (s->dirid < 0) {
		s->dirid = INF_DIRID_ABSOLUTE;
		s->binary = inf_value(&j->b, f, l, 0);
	} else {
		s->binary = end + 1 + strspn(end + 1, "\\");
	}
	s->image_path = image_path(j, s);
}

static void dependencies(struct inf_job *j, const struct inf *f, const struct inf_section *from,
			 struct inf_service *s)
{
	const struct inf_line *l = inf_find(f, from, "Dependencies");
	const char **v;

	if (!l)
		return;
	v = inf_get(&j->b, (l->n + 1) * sizeof *v);
	for (size_t i = 0; v && i < l->n && !j->b.rc; i++) {
		const char *name = inf_value(&j->b, f, l, i);

		if (*name)
			v[s->n_dependencies++] = name;
	}
	s->dependencies = v;
}

static void service_notes(struct inf_job *j, const struct inf *f, const struct inf_section *s)
{
	static const char *const keys[] = { "AddTrigger", "DelayedAutoStart", "FailureActions",
					    "RequiredPrivileges", "ServiceSidType" };

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		const struct inf_line *l = inf_find(f, s, keys[i]);

		if (l)
			inf_note(&j->b, INF_NOT_DONE, f, l, keys[i], inf_value(&j->b, f, l, 0));
	}
}

/* -1: Windows would refuse it; a note says so. */
static int fill(struct inf_job *j, const struct inf *f, const struct inf_section *from,
		const struct inf_line *directive, struct inf_service *s)
{
	const struct inf_line *l = inf_find(f, from, "ServiceBinary");
	const struct inf_line *display = inf_find(f, from, "DisplayName");

	if (needed_number(j, f, from, directive, "ServiceType", &s->type) ||
	    needed_number(j, f, from, directive, "StartType", &s->start) ||
	    needed_number(j, f, from, directive, "ErrorControl", &s->error_control))
		return -1;
	if (!l || !*inf_raw(f, l, 0)) {
		inf_note(&j->b, INF_BROKEN, f, directive, "ServiceBinary", from->name);
		return -1;
	}
	binary(j, f, l, s);
	s->display_name = get(j, f, from, "DisplayName");
	s->display_name_raw = display ? inf_raw(f, display, 0) : "";
	s->description = get(j, f, from, "Description");
	s->group = get(j, f, from, "LoadOrderGroup");
	s->start_name = get(j, f, from, "StartName");
	s->security = get(j, f, from, "Security");
	dependencies(j, f, from, s);
	if (inf_find(f, from, "BootFlags"))
		s->has_boot_flags = !needed_number(j, f, from, directive, "BootFlags", &s->boot_flags);
	service_notes(j, f, from);
	return 0;
}

static void event_log(struct inf_job *j, const struct inf_scope *s, const struct inf_line *l,
		      struct inf_service *service)
{
	const char *section = inf_value(&j->b, s->f, l, EVENTS);
	const char *type = inf_value(&j->b, s->f, l, EVENT_TYPE);
	const char *name = inf_value(&j->b, s->f, l, EVENT_NAME);
	struct inf_scope scope = { .hkr = INF_EVENTLOG_KEY };
	const struct inf_section *from;

	if (!*section)
		return;
	from = inf_named_section(j, s->f, l, section, &scope.f);
	if (!from)
		return;
	service->event_log = scope.owner = inf_printed(&j->b, "%s\\%s", *type ? type : "System",
						       *name ? name : service->name);
	inf_registry(j, &scope, from);
}

static void append(struct inf_job *j, const struct inf_service *s)
{
	struct inf_service *v = inf_append(&j->b, (void **)&j->ret->services,
					   &j->ret->n_services, sizeof *v);

	if (v)
		*v = *s;
}

void inf_add_service(struct inf_job *j, const struct inf_scope *s, const struct inf_line *l)
{
	struct inf_service service = {
		.name = inf_value(&j->b, s->f, l, NAME), .line = l->line,
		.dirid = INF_DIRID_ABSOLUTE, .display_name = "", .display_name_raw = "",
		.description = "", .binary = "", .image_path = "", .group = "",
		.start_name = "", .security = "", .event_log = "",
	};
	struct inf_scope scope = { .hkr = INF_SERVICE_KEY, .owner = service.name };
	const struct inf_section *from;
	uint64_t flags;

	if (inf_value_number(&j->b, s->f, l, FLAGS, 0, &flags))
		return;
	service.flags = (uint32_t)flags;
	if (!*service.name) {
		append(j, &service);
		return;
	}
	from = inf_named_section(j, s->f, l, inf_value(&j->b, s->f, l, SECTION), &scope.f);
	if (!from || fill(j, scope.f, from, l, &service))
		return;
	inf_registry(j, &scope, from);
	event_log(j, s, l, &service);
	append(j, &service);
}

void inf_add_filter(struct inf_job *j, const struct inf_scope *s, const struct inf_line *l)
{
	const struct inf *f;
	const struct inf_section *from = inf_named_section(j, s->f, l, inf_value(&j->b, s->f, l, 2), &f);
	struct inf_filter *v;

	if (!from)
		return;
	v = inf_append(&j->b, (void **)&j->ret->filters, &j->ret->n_filters, sizeof *v);
	if (!v)
		return;
	v->name = inf_value(&j->b, s->f, l, 0);
	v->position = get(j, f, from, "FilterPosition");
	v->level = get(j, f, from, "FilterLevel");
	v->line = l->line;
}
