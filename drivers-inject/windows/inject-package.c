/* inject-package.c: a package for one Windows: its INF compiled for every device that
 * it serves, its files read, its ids in one table, its own name. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"
#include "common/hash.h"
#include "drivers-inject/windows/inf-dirid.h"
#include "drivers-inject/windows/inject-int.h"

static int no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "out of memory for a driver package");
}

/* Room for one more element behind the n of *v. */
static void *grow(void **v, size_t n, size_t size)
{
	/* by powers of two */
	if (!(n & (n - 1))) {
		void *more = reallocarray(*v, n ? 2 * n : 1, size);

		if (!more)
			return NULL;
		*v = more;
	}
	return (char *)*v + n * size;
}

/* ---- installations ---- */

/* Include= names Windows' own INFs. */
static int read_include(void *ctx, const char *name, void **bytes, size_t *n, struct err *e)
{
	struct win *w = ctx;
	char below[300], path[PATH_MAX];
	int rc;

	if ((size_t)snprintf(below, sizeof below, "INF\\%s", name) >= sizeof below)
		return err_set(e, ERR_NOT_FOUND, "%s: no such INF", name);
	rc = win_path(w, below, path, e);
	return rc ? rc : root_read(w->root, path, INF_SIZE_MAX, (char **)bytes, n, e);
}

static int compile_one(struct inject *j, const char *name, struct err *e)
{
	struct inf_source source = { read_include, j->w };
	char store[400];
	struct inf_dirs dirs = { .package = store, .bits64 = strcmp(j->w->arch, "x86") != 0 };
	struct inject_config *c;
	int rc;

	for (size_t i = 0; i < j->n_configs; i++)
		if (!strcasecmp(j->configs[i].name, name))
			return 0;
	snprintf(store, sizeof store, "%s\\System32\\DriverStore\\FileRepository\\%s", INF_WINDOWS,
		 j->dir);
	c = grow((void **)&j->configs, j->n_configs, sizeof *c);
	if (!c)
		return no_memory(e);
	c->name = name;
	rc = inf_install_get(j->pkg->inf, name, &j->w->target, &dirs, &source, &c->in, e);
	j->n_configs += !rc;
	/* models may name a section that isn't there: no driver for that device */
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

static void drop_configs(struct inject *j)
{
	for (size_t i = 0; i < j->n_configs; i++)
		inf_install_done(&j->configs[i].in);
	j->n_configs = 0;
}

/* ---- ids ---- */

static int by_id(const void *a, const void *b)
{
	const struct inject_id *x = a, *y = b;
	int c = strcasecmp(x->id, y->id);

	if (!c)
		c = (x->at > y->at) - (x->at < y->at);
	return c ? c : (x->model > y->model) - (x->model < y->model);
}

static int add_ids(struct inject *j, const struct inf_model *m, struct err *e)
{
	const struct inject_config *c = NULL;

	for (size_t i = 0; i < j->n_configs; i++)
		if (!strcasecmp(j->configs[i].name, m->install))
			c = &j->configs[i];
	for (size_t i = 0; c && i < m->n_ids; i++) {
		struct inject_id *v;

		if (!*m->ids[i])
			continue;
		v = grow((void **)&j->ids, j->n_ids, sizeof *v);
		if (!v)
			return no_memory(e);
		*v = (struct inject_id){ m->ids[i], m, c, i };
		j->n_ids++;
	}
	return 0;
}

static int make_ids(struct inject *j, struct err *e)
{
	size_t n = 0;
	int rc = 0;

	j->n_ids = 0;
	for (size_t i = 0; !rc && i < j->models.n; i++)
		rc = add_ids(j, &j->models.v[i], e);
	if (rc || !j->n_ids)
		return rc;
	qsort(j->ids, j->n_ids, sizeof *j->ids, by_id);
	for (size_t i = 0; i < j->n_ids; i++)
		if (!n || strcasecmp(j->ids[i].id, j->ids[n - 1].id))
			j->ids[n++] = j->ids[i];
	j->n_ids = n;
	return 0;
}

int inject_compile(struct inject *j, struct err *e)
{
	int rc = 0;

	drop_configs(j);
	for (size_t i = 0; !rc && i < j->models.n; i++)
		rc = compile_one(j, j->models.v[i].install, e);
	return rc ? rc : make_ids(j, e);
}

const char *inject_service_of(const struct inf_install *in)
{
	for (size_t i = 0; i < in->n_services; i++)
		if (in->services[i].flags & INF_SPSVCINST_ASSOCSERVICE)
			return in->services[i].name;
	return NULL;
}

/* ---- files ---- */

static int is_service(const struct inject *j, const struct inf_file *f)
{
	for (size_t c = 0; c < j->n_configs; c++)
		for (size_t i = 0; i < j->configs[c].in.n_services; i++) {
			const char *binary = j->configs[c].in.services[i].binary;
			const char *name = strrchr(binary, '\\');

			if (!strcasecmp(name ? name + 1 : binary, f->name))
				return 1;
		}
	return 0;
}

static const struct inject_file *have(const struct inject *j, const char *path)
{
	for (size_t i = 0; i < j->n_files; i++)
		if (!strcasecmp(j->files[i].path, path))
			return &j->files[i];
	return NULL;
}

static int too_large(const struct inject *j, struct err *e)
{
	return err_set(e, ERR_UNSUPPORTED, "%s: the files of this driver package have more than %u MB",
		       j->pkg->origin, WIN_PACKAGE_MAX >> 20);
}

static int read_file(struct inject *j, const struct inf_file *f, struct err *e)
{
	struct inject_file file = { .data = NULL }, *v;
	int rc, n = snprintf(file.path, sizeof file.path, "%s%s%s", f->dir, *f->dir ? "\\" : "",
			     f->source);

	if (n < 0 || (size_t)n >= sizeof file.path)
		return err_set(e, ERR_UNSUPPORTED, "%s: the name of %s is too long", j->pkg->origin,
			       f->source);
	if (!inject_path_ok(file.path))
		return err_set(e, ERR_UNSUPPORTED, "%s: its INF names the file %s, which is no place "
			       "in a package", j->pkg->origin, file.path);
	if (have(j, file.path))
		return 0;
	rc = j->pkg->read(j->pkg->ctx, f, &file.data, &file.n, e);
	if (rc)
		return rc;
	v = grow((void **)&j->files, j->n_files, sizeof *v);
	if (!v || file.n > WIN_PACKAGE_MAX - j->bytes) {
		free(file.data);
		return v ? too_large(j, e) : no_memory(e);
	}
	j->bytes += file.n;
	*v = file;
	j->n_files++;
	return 0;
}

/* Programs and libraries beside the driver may be missing; the driver may not. */
static int read_files(struct inject *j, const struct inf_install *in, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < in->n_files; i++) {
		const struct inf_file *f = &in->files[i];
		struct err why = { 0 };

		rc = read_file(j, f, &why);
		if (rc == ERR_NOT_FOUND && !is_service(j, f)) {
			plan_note(j->p, "%s: %s, which its INF names, is not in the package.",
				  j->pkg->origin, f->source);
			rc = 0;
		} else if (rc == ERR_NOT_FOUND) {
			err_set(e, rc, "%s: the driver %s, which its INF names, is missing: this package "
				"can't be used", j->pkg->origin, f->source);
		} else if (rc && e) {
			*e = why;
		}
	}
	return rc;
}

static int read_catalog(struct inject *j, struct err *e)
{
	struct inf_file f = { .source = j->version.catalog, .dir = "", .cab = "", .subdir = "",
			      .name = j->version.catalog };
	int rc;

	if (!*f.source || strchr(f.source, '\\'))
		return 0;
	rc = read_file(j, &f, e);
	if (rc && rc != ERR_NOT_FOUND)
		return rc;
	if (rc)
		plan_warn(j->p, "%s: its catalog %s is missing: Windows takes the driver as unsigned.",
			  j->pkg->origin, f.source);
	return 0;
}

/* ---- the name ---- */

static int add_digest(struct hasher *h, struct strv *list, const char *name, const void *data,
		      size_t n, struct err *e)
{
	uint8_t sum[HASH_LEN];
	char hex[2 * HASH_LEN + 1], line[400], *p = line;
	int rc = hash_bytes(h, HASH_SHA256, data, n, sum, e);

	if (rc)
		return rc;
	hex_encode(sum, sizeof sum, hex);
	snprintf(line, sizeof line, "%s %s\n", name, hex);
	for (; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return strv_add(list, line) ? no_memory(e) : 0;
}

/* 16 digits of a hash over names and content of all files: the same package gets the
 * same name.  Windows' own digits come from elsewhere; nothing compares them. */
static int digits(struct inject *j, char ret[17], struct err *e)
{
	struct hasher *h = NULL;
	struct strv list = { 0 };
	cleanup_free char *all = NULL;
	uint8_t sum[HASH_LEN];
	size_t len = 1;
	int rc = hasher_new(&h, e);

	if (!rc)
		rc = add_digest(h, &list, j->inf, j->pkg->bytes, j->pkg->n, e);
	for (size_t i = 0; !rc && i < j->n_files; i++)
		rc = add_digest(h, &list, j->files[i].path, j->files[i].data, j->files[i].n, e);
	strv_sort(&list);
	for (size_t i = 0; i < list.n; i++)
		len += strlen(list.v[i]);
	all = malloc(len);
	if (!rc && !all)
		rc = no_memory(e);
	if (!rc) {
		char *p = all;

		for (size_t i = 0; i < list.n; i++)
			p = stpcpy(p, list.v[i]);
		rc = hash_bytes(h, HASH_SHA256, all, len - 1, sum, e);
	}
	if (!rc)
		hex_encode(sum, 8, ret);
	strv_done(&list);
	hasher_free(h);
	return rc;
}

static int name_it(struct inject *j, struct err *e)
{
	char hex[17];
	int rc = digits(j, hex, e);

	if (!rc)
		snprintf(j->dir, sizeof j->dir, "%s_%s_%s", j->inf, inf_arch_name(j->w->target.arch),
			 hex);
	return rc;
}

int inject_load(struct inject *j, struct err *e)
{
	size_t n = strlen(j->pkg->name);
	int rc;

	if (!n || n >= sizeof j->inf || strpbrk(j->pkg->name, "\\/"))
		return err_set(e, ERR_UNSUPPORTED, "%s: its INF's name can't be used", j->pkg->origin);
	for (size_t i = 0; i <= n; i++)
		j->inf[i] = (char)tolower((unsigned char)j->pkg->name[i]);
	rc = inf_version_get(j->pkg->inf, &j->w->target, &j->version, e);
	if (!rc)
		rc = inf_models_get(j->pkg->inf, &j->w->target, &j->models, e);
	if (!rc)
		rc = inject_compile(j, e);
	if (!rc && !j->n_ids)
		rc = err_set(e, ERR_NOT_FOUND, "%s: it serves no device on %s", j->pkg->origin,
			     j->w->name);
	for (size_t i = 0; !rc && i < j->n_configs; i++)
		rc = read_files(j, &j->configs[i].in, e);
	if (!rc)
		rc = read_catalog(j, e);
	if (!rc && *j->version.catalog)
		j->catalog = have(j, j->version.catalog);
	return rc ? rc : name_it(j, e);
}

void inject_done(struct inject *j)
{
	drop_configs(j);
	free(j->configs);
	free(j->ids);
	for (size_t i = 0; i < j->n_files; i++)
		free(j->files[i].data);
	free(j->files);
	inf_models_done(&j->models);
	inf_version_done(&j->version);
}
