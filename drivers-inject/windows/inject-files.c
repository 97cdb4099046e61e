/* inject-files.c: the files of a package become edits of the plan: where its INF wants
 * them, whole in the driver store (or in a directory of DevicePath), the INF as
 * Windows\INF\oemN.inf, the catalog as oemN.cat. */
#include <string.h>
#include <strings.h>
#include "drivers-inject/windows/inf-dirid.h"
#include "drivers-inject/windows/inject-int.h"

/* Of catalogs of drivers: DRIVER_ACTION_VERIFY of softpub.h. */
#define CATROOT "System32\\CatRoot\\{F750E6C3-38EE-11D1-85E5-00C04FC295EE}"
/* CopyFiles flags */
enum { NO_OVERWRITE = 0x10, REPLACE_ONLY = 0x400 };
/* SYSTEM owns it, everybody may read it. */
#define MODE 0644

static const struct inject_file *find(const struct inject *j, const struct inf_file *f)
{
	char path[300];

	snprintf(path, sizeof path, "%s%s%s", f->dir, *f->dir ? "\\" : "", f->source);
	for (size_t i = 0; i < j->n_files; i++)
		if (!strcasecmp(j->files[i].path, path))
			return &j->files[i];
	return NULL;
}

static int put(struct inject *j, const char *path, const void *data, size_t n, struct err *e)
{
	return plan_write_mode(j->p, path, MODE, data, n, e, "The driver package %s is put there.",
			       j->pkg->origin);
}

/* below: "System32\\x", below %SystemRoot%. */
static int put_below(struct inject *j, const char *dir, const char *name, const void *data, size_t n,
		     struct err *e)
{
	char place[PATH_MAX], path[PATH_MAX];
	int rc;

	snprintf(place, sizeof place, "%%SystemRoot%%\\%s", dir);
	rc = inject_place(j, place, name, path, e);
	return rc ? rc : put(j, path, data, n, e);
}

/* ---- where the INF wants them ---- */

static int put_target(struct inject *j, const struct inf_file *f, struct err *e)
{
	const char *place = inf_dirid_place(f->dirid, strcmp(j->w->arch, "x86") != 0);
	const struct inject_file *file = find(j, f);
	char path[PATH_MAX], name[600];
	int rc, there;

	if (!file || f->dirid == INF_DIRID_PACKAGE)
		return 0;
	if (!place) {
		plan_note(j->p, "%s: where its INF wants %s (directory %d) is not known: left to Windows.",
			  j->pkg->origin, f->name, f->dirid);
		return 0;
	}
	if ((size_t)snprintf(name, sizeof name, "%s%s%s", f->subdir, *f->subdir ? "\\" : "", f->name) >=
	    sizeof name)
		return err_set(e, ERR_UNSUPPORTED, "%s: the name of %s is too long", j->pkg->origin, f->name);
	rc = inject_place(j, place, name, path, e);
	if (rc)
		return rc;
	there = plan_has(j->p, path);
	/* what Windows installed of this very version stays as it is */
	if (there ? f->flags & NO_OVERWRITE || j->reused : f->flags & REPLACE_ONLY)
		return 0;
	return put(j, path, file->data, file->n, e);
}

static int put_targets(struct inject *j, struct err *e)
{
	int rc = 0;

	for (size_t c = 0; !rc && c < j->n_configs; c++)
		for (size_t i = 0; !rc && i < j->configs[c].in.n_files; i++)
			rc = put_target(j, &j->configs[c].in.files[i], e);
	return rc;
}

/* ---- the whole package ---- */

static int put_package(struct inject *j, const char *dir, struct err *e)
{
	int rc = put_below(j, dir, j->pkg->name, j->pkg->bytes, j->pkg->n, e);

	for (size_t i = 0; !rc && i < j->n_files; i++)
		rc = put_below(j, dir, j->files[i].path, j->files[i].data, j->files[i].n, e);
	return rc;
}

static int put_oem(struct inject *j, struct err *e)
{
	char catalog[sizeof j->oem];
	char *dot;
	int rc = put_below(j, "INF", j->oem, j->pkg->bytes, j->pkg->n, e);

	if (rc || !j->catalog)
		return rc;
	strcpy(catalog, j->oem);
	dot = strrchr(catalog, '.');
	if (!dot || strlen(dot) != 4)
		return 0;
	memcpy(dot, ".cat", 4);
	return put_below(j, CATROOT, catalog, j->catalog->data, j->catalog->n, e);
}

int inject_files(struct inject *j, struct err *e)
{
	char dir[300];
	int rc = j->bound ? put_targets(j, e) : 0;

	if (rc || j->reused)
		return rc;
	snprintf(dir, sizeof dir, j->bound && j->w->generation == WIN_NT62 ?
		 "System32\\DriverStore\\FileRepository\\%s" : "Drivers\\%s", j->dir);
	rc = put_package(j, dir, e);
	return rc || !*j->oem ? rc : put_oem(j, e);
}
