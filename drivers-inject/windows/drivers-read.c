/* drivers-read.c: the content of a package's files: see drivers.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"
#include "drivers-inject/windows/drivers-int.h"
#include "drivers-inject/windows/inf-dirid.h"
#include "drivers-inject/windows/pack.h"

/* One file that is looked for in several places: rc stays ERR_NOT_FOUND until one has
 * it, or has something in its place that can't be read. */
struct reader {
	const struct drivers_package *p;
	int rc;
	uint8_t *bytes;
	size_t n;
	struct err e;
};

void drivers_dir(const struct drivers_package *p, char ret[PATH_MAX])
{
	snprintf(ret, PATH_MAX, "%.*s", (int)(p->inf > p->path ? p->inf - p->path - 1 : 0), p->path);
}

/* x.sy_ that was compressed; one that was not is itself. */
static void expand(struct reader *r, const char *path)
{
	uint8_t *plain;
	size_t n;
	int rc = pack_expand(r->bytes, r->n, path, DRIVERS_FILE_MAX, &plain, &n, &r->e);

	if (rc == ERR_NOT_FOUND)
		return;
	free(r->bytes);
	r->bytes = rc ? NULL : plain;
	r->n = n;
	r->rc = rc;
}

/* dir/name in a source, plain or compressed. */
static void try_file(struct reader *r, struct source *s, const char *dir, const char *name)
{
	char path[PATH_MAX], real[PATH_MAX];

	for (int compressed = 0; compressed < 2 && r->rc == ERR_NOT_FOUND && *name; compressed++) {
		if (source_join(dir, name, path))
			return;
		if (compressed)
			path[strlen(path) - 1] = '_';
		if (source_find(s, path, real, &r->e))
			continue;
		r->rc = source_read(s, real, DRIVERS_FILE_MAX, &r->bytes, &r->n, &r->e);
		if (!r->rc && compressed)
			expand(r, real);
	}
}

static void try_cab(struct reader *r, struct source *s, const char *dir, const char *cab,
		    const char *name)
{
	char path[PATH_MAX], real[PATH_MAX];

	if (r->rc == ERR_NOT_FOUND && *cab && !source_join(dir, cab, path) &&
	    !source_find(s, path, real, &r->e))
		r->rc = source_read_packed(s, real, name, DRIVERS_FILE_MAX, &r->bytes, &r->n, &r->e);
}

static void try_package(struct reader *r, const struct inf_file *f)
{
	char dir[PATH_MAX], below[PATH_MAX];

	drivers_dir(r->p, dir);
	if (!source_join(dir, f->dir, below)) {
		try_file(r, r->p->source, below, f->source);
		try_cab(r, r->p->source, below, f->cab, f->source);
	}
	/* packages that were copied flat, or whose cabinet is at their top */
	try_file(r, r->p->source, dir, f->source);
	try_cab(r, r->p->source, dir, f->cab, f->source);
}

/* Where the INF has it put: that Windows has it already. */
static void try_installed(struct reader *r, const struct inf_file *f)
{
	static const char root[] = "%SystemRoot%";
	const struct drivers_guest *g = r->p->guest;
	const char *place = f->dirid >= 0 ? inf_dirid_place(f->dirid, 1) : NULL;
	char dir[PATH_MAX], below[PATH_MAX];

	if (!place || strncmp(place, root, sizeof root - 1))
		return;
	place += sizeof root - 1;
	place += strspn(place, "\\");
	if (!source_join(g->windows, place, dir) && !source_join(dir, f->subdir, below))
		try_file(r, g->disk, below, f->name);
}

/* Names of the directory below Windows; the path of it in ret. */
static int list(const struct drivers_guest *g, const char *path, char ret[PATH_MAX],
		struct strv *names)
{
	char top[PATH_MAX];

	return source_join(g->windows, path, ret) || source_join("/", ret, top) ||
	       root_list(g->disk->root, top, names, NULL);
}

/* sp3.cab, sp2.cab, ..., driver.cab: a service pack's files go before older ones. */
static void try_cabs(struct reader *r, const char *dir, const char *name)
{
	struct strv names = { 0 };
	char at[PATH_MAX];

	if (list(r->p->guest, dir, at, &names))
		return;
	for (int sp = 1; sp >= 0; sp--)
		for (size_t i = names.n; i-- > 0;)
			if (pack_named(names.v[i]) && (strncasecmp(names.v[i], "sp", 2) == 0) == sp)
				try_cab(r, r->p->guest->disk, at, names.v[i], name);
	strv_done(&names);
}

/* What NT5 has of its own files besides those that it installed: directories named
 * after processors, with files of the service pack, with cabinets. */
static void try_caches(struct reader *r, const char *name)
{
	static const char *const arches[] = { "i386", "amd64", "ia64" };
	const struct drivers_guest *g = r->p->guest;
	char path[64], dir[PATH_MAX];

	for (size_t i = 0; i < sizeof arches / sizeof *arches; i++) {
		snprintf(path, sizeof path, "ServicePackFiles/%s", arches[i]);
		if (!source_join(g->windows, path, dir))
			try_file(r, g->disk, dir, name);
		snprintf(path, sizeof path, "Driver Cache/%s", arches[i]);
		try_cabs(r, path, name);
	}
}

static int done(struct reader *r, const char *name, uint8_t **ret, size_t *ret_n, struct err *e)
{
	if (r->rc == ERR_NOT_FOUND)
		return err_set(e, ERR_NOT_FOUND, "%s is not in the package of %s", name, r->p->origin);
	if (r->rc)
		return err_set(e, r->rc, "%s", r->e.msg);
	*ret = r->bytes;
	*ret_n = r->n;
	return 0;
}

int drivers_read(const struct drivers_package *p, const struct inf_file *f, uint8_t **ret,
		 size_t *ret_n, struct err *e)
{
	struct reader r = { .p = p, .rc = ERR_NOT_FOUND };

	try_package(&r, f);
	if (p->place == DRIVERS_WINDOWS_INF || p->place == DRIVERS_STORE) {
		try_installed(&r, f);
		try_caches(&r, f->source);
	}
	return done(&r, f->source, ret, ret_n, e);
}

int drivers_read_name(const struct drivers_package *p, const char *name, uint8_t **ret,
		      size_t *ret_n, struct err *e)
{
	struct reader r = { .p = p, .rc = ERR_NOT_FOUND };
	char dir[PATH_MAX];

	drivers_dir(p, dir);
	try_file(&r, p->source, dir, name);
	return done(&r, name, ret, ret_n, e);
}
