/* inject.c: see inject.h: the order in which a package is written. */
#include <stdio.h>
#include <string.h>
#include "drivers-inject/windows/inject-int.h"

/* What the INF says that is not done, or wrong in it. */
static void tell_notes(struct inject *j)
{
	for (size_t c = 0; c < j->n_configs; c++) {
		const struct inf_notes *notes = &j->configs[c].in.notes;
		char text[1000];

		for (size_t i = 0; i < notes->n; i++)
			plan_note(j->p, "%s: %s", j->pkg->origin, inf_note_text(&notes->v[i], text, sizeof text));
	}
}

static void tell(struct inject *j)
{
	if (!j->w->software && j->version.pnp_lockdown)
		plan_warn(j->p, "%s: what belongs into the registry hive SOFTWARE is left out.",
			  j->pkg->origin);
	if (j->reused)
		plan_note(j->p, "%s: Windows has this version already, as %s.", j->pkg->origin, j->oem);
	tell_notes(j);
}

/* Windows' own entries of this version stay; its services are looked after. */
static int put(struct inject *j, struct err *e)
{
	int rc = 0;

	if (j->bound)
		rc = inject_services(j, e);
	if (!rc && j->w->generation != WIN_NT62)
		rc = inject_cddb(j, e);
	else if (!rc && !j->bound)
		rc = inject_device_path(j, e);
	else if (!rc && !j->reused)
		rc = inject_database(j, e);
	if (!rc && j->bound && !j->reused && j->w->generation == WIN_NT62)
		rc = inject_lockdown(j, e);
	return rc ? rc : inject_files(j, e);
}

static void fill(const struct inject *j, struct win_injected *ret)
{
	*ret = (struct win_injected){ .bound = j->bound, .reused = j->reused };
	snprintf(ret->inf, sizeof ret->inf, "%s", j->oem);
	snprintf(ret->dir, sizeof ret->dir, j->bound && j->w->generation == WIN_NT62 ?
		 "System32\\DriverStore\\FileRepository\\%s" : "Drivers\\%s", j->dir);
}

int win_inject(struct win *w, struct plan *p, const struct win_package *pkg, unsigned flags,
	       struct win_injected *ret, struct err *e)
{
	struct inject j = { .w = w, .p = p, .pkg = pkg, .flags = flags };
	int rc = inject_load(&j, e);

	if (!rc)
		rc = inject_names(&j, e);
	/* the driver store's directory has its name only now */
	if (!rc)
		rc = inject_compile(&j, e);
	if (!rc)
		rc = put(&j, e);
	if (!rc) {
		tell(&j);
		fill(&j, ret);
	}
	inject_done(&j);
	return rc;
}
