/* drivers-add.c: packages out of directories, archives and single INFs: see
 * drivers.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <xxhash.h>
#include "common/cleanup.h"
#include "drivers-inject/windows/drivers-int.h"
#include "drivers-inject/windows/pack.h"

/* What has to live as long as the packages, in the order of making. */
struct drivers_owned {
	struct root **roots;
	struct source **sources;
	struct drivers_guest **guests;
	size_t n_roots, n_sources, n_guests;
};

const char *drivers_place_name(enum drivers_place p)
{
	static const char *const names[] = {
		[DRIVERS_GIVEN] = "given", [DRIVERS_STORE] = "store",
		[DRIVERS_WINDOWS_INF] = "windows", [DRIVERS_OEM] = "oem",
	};

	return names[p];
}

int drivers_new(struct drivers **ret, struct err *e)
{
	struct drivers *d = calloc(1, sizeof *d);

	if (d) {
		d->owned = calloc(1, sizeof *d->owned);
		d->index = drivers_index_new();
	}
	if (!d || !d->owned || !d->index) {
		drivers_free(d);
		return err_set(e, ERR_NOMEM, "out of memory for driver packages");
	}
	*ret = d;
	return 0;
}

static void package_free(struct drivers_package *p)
{
	if (p) {
		free(p->path);
		free(p->origin);
	}
	free(p);
}

static void owned_free(struct drivers_owned *o)
{
	for (size_t i = 0; i < o->n_sources; i++)
		source_free(o->sources[i]);
	for (size_t i = 0; i < o->n_roots; i++)
		root_close(o->roots[i]);
	for (size_t i = 0; i < o->n_guests; i++)
		free(o->guests[i]);
	free(o->sources);
	free(o->roots);
	free(o->guests);
	free(o);
}

struct drivers *drivers_free(struct drivers *d)
{
	if (!d)
		return NULL;
	for (size_t i = 0; i < d->n; i++)
		package_free(d->packages[i]);
	free(d->packages);
	strv_done(&d->notes);
	drivers_index_free(d->index);
	if (d->owned)
		owned_free(d->owned);
	free(d);
	return NULL;
}

void drivers_note(struct drivers *d, const char *fmt, ...)
{
	va_list ap;

	if (d->notes.n >= DRIVERS_NOTES_MAX) {
		if (d->notes.n == DRIVERS_NOTES_MAX)
			strv_addf(&d->notes, "There is more than can be told here.");
		return;
	}
	va_start(ap, fmt);
	strv_vaddf(&d->notes, fmt, ap);
	va_end(ap);
}

static int append(void *list, size_t *n, void *one, struct err *e)
{
	void **v = realloc(*(void ***)list, (*n + 1) * sizeof *v);

	if (!v)
		return err_set(e, ERR_NOMEM, "out of memory for driver packages");
	*(void ***)list = v;
	v[(*n)++] = one;
	return 0;
}

int drivers_own_source(struct drivers *d, struct source *s, struct err *e)
{
	int rc = append(&d->owned->sources, &d->owned->n_sources, s, e);

	if (rc)
		source_free(s);
	return rc;
}

int drivers_own_root(struct drivers *d, struct root *r, struct err *e)
{
	int rc = append(&d->owned->roots, &d->owned->n_roots, r, e);

	if (rc)
		root_close(r);
	return rc;
}

int drivers_own_guest(struct drivers *d, struct drivers_guest *g, struct err *e)
{
	int rc = append(&d->owned->guests, &d->owned->n_guests, g, e);

	if (rc)
		free(g);
	return rc;
}

struct drivers_guest *drivers_guest(const struct drivers *d)
{
	return d->owned->n_guests ? d->owned->guests[0] : NULL;
}

/* ---- one INF ---- */

static struct drivers_package *new_package(const struct drivers_scan *s, const char *path)
{
	struct drivers_package *p = calloc(1, sizeof *p);
	const char *slash;

	if (!p || !(p->path = strdup(path)) || asprintf(&p->origin, "%s%s", s->source->label, path) < 0) {
		if (p)
			p->origin = NULL;
		package_free(p);
		return NULL;
	}
	slash = strrchr(p->path, '/');
	p->inf = slash ? slash + 1 : p->path;
	p->set = s->d;
	p->source = s->source;
	p->guest = s->guest;
	p->place = s->place;
	return p;
}

/* Windows keeps a copy in <windows>/inf of each INF in its driver store. */
static int is_copy(const struct drivers_scan *s, uint64_t digest)
{
	if (s->place != DRIVERS_WINDOWS_INF)
		return 0;
	for (size_t i = 0; i < s->d->n; i++)
		if (s->d->packages[i]->guest == s->guest && s->d->packages[i]->digest == digest)
			return 1;
	return 0;
}

/* Indexes the INF; one without devices (a class installer, a printer's data) is none
 * of ours. */
static int add_parsed(const struct drivers_scan *s, const char *path, const struct inf *f,
		      uint64_t digest, struct err *e)
{
	struct drivers *d = s->d;
	struct drivers_package *p;
	size_t ids;
	int rc = drivers_index_add(d->index, f, (uint32_t)d->n, &ids, e);

	if (rc || !ids)
		return rc;
	p = new_package(s, path);
	if (!p)
		return err_set(e, ERR_NOMEM, "out of memory for %s", path);
	p->digest = digest;
	p->number = (uint32_t)d->n;
	rc = append(&d->packages, &d->n, p, e);
	if (rc)
		package_free(p);
	return rc;
}

int drivers_add_inf(const struct drivers_scan *s, const char *path, struct err *e)
{
	cleanup_free uint8_t *bytes = NULL;
	const char *slash = strrchr(path, '/');
	struct inf *f = NULL;
	uint64_t digest;
	struct err why;
	size_t n;
	int rc;

	if (s->d->n == DRIVERS_PACKAGES_MAX) {
		drivers_note(s->d, "%s: more than %d driver packages; the rest is left out.",
			     s->source->label, DRIVERS_PACKAGES_MAX);
		return 0;
	}
	rc = source_read(s->source, path, INF_SIZE_MAX, &bytes, &n, &why);
	if (!rc) {
		digest = XXH3_64bits(bytes, n);
		if (is_copy(s, digest))
			return 0;
		rc = inf_parse(bytes, n, slash ? slash + 1 : path, &f, &why);
	}
	if (!rc)
		rc = add_parsed(s, path, f, digest, &why);
	inf_free(f);
	if (rc == ERR_NOMEM)
		return err_set(e, rc, "%s", why.msg);
	if (rc)
		drivers_note(s->d, "%s%s is left out: %s.", s->source->label, path, why.msg);
	return 0;
}

/* ---- all INFs of a source ---- */

static int ends_in_inf(const char *path)
{
	size_t n = strlen(path);

	return n > 4 && !strcasecmp(path + n - 4, ".inf");
}

static int scan_archive(const struct drivers_scan *s, const char *path, int given, struct err *e)
{
	struct drivers_scan inner = *s;
	cleanup_free char *label = NULL;
	struct err why;
	int rc;

	if (asprintf(&label, "%s%s: ", s->source->label, path) < 0) {
		label = NULL;
		return err_set(e, ERR_NOMEM, "out of memory for %s", path);
	}
	rc = source_archive(s->source, path, label, &inner.source, &why);
	/* data1.cab of InstallShield is no cabinet: not worth a word unless it was given */
	if (rc == ERR_NOT_FOUND && !given)
		return 0;
	if (rc == ERR_NOMEM)
		return err_set(e, rc, "%s", why.msg);
	if (rc) {
		drivers_note(s->d, "%s.", why.msg);
		return 0;
	}
	rc = drivers_own_source(s->d, inner.source, e);
	return rc ? rc : drivers_scan(&inner, e);
}

static int one_file(void *ctx, const char *path, struct err *e)
{
	const struct drivers_scan *s = ctx;

	if (ends_in_inf(path))
		return drivers_add_inf(s, path, e);
	return s->archives && pack_named(path) ? scan_archive(s, path, 0, e) : 0;
}

static void one_note(void *ctx, const char *text)
{
	const struct drivers_scan *s = ctx;

	drivers_note(s->d, "%s.", text);
}

int drivers_scan(const struct drivers_scan *s, struct err *e)
{
	const struct source_walk w = { one_file, one_note, (void *)s, s->depth };

	return source_walk(s->source, &w, e);
}

/* ---- what somebody gives ---- */

/* A source for the directory dir, its root and all. */
static int open_dir(struct drivers *d, const char *dir, const char *label, struct source **ret,
		    struct err *e)
{
	struct source *s;
	struct root *r;
	int rc = root_open(dir, &r, e);

	if (!rc)
		rc = drivers_own_root(d, r, e);
	if (!rc)
		rc = source_dir(r, "/", label, &s, e);
	if (!rc)
		rc = drivers_own_source(d, s, e);
	if (!rc)
		*ret = s;
	return rc;
}

static int add_file(struct drivers_scan *s, char *real, const char *given, struct err *e)
{
	char *slash = strrchr(real, '/');
	const char *last = strrchr(given, '/');
	cleanup_free char *label = strndup(given, last ? (size_t)(last + 1 - given) : 0);
	cleanup_free char *name = strdup(slash + 1);
	int rc;

	slash[slash == real] = 0;
	if (!label || !name)
		return err_set(e, ERR_NOMEM, "out of memory for %s", given);
	rc = open_dir(s->d, real, label, &s->source, e);
	if (rc)
		return rc;
	return ends_in_inf(name) ? drivers_add_inf(s, name, e) : scan_archive(s, name, 1, e);
}

int drivers_add_path(struct drivers *d, const char *path, const char *shown, struct err *e)
{
	struct drivers_scan s = { .d = d, .place = DRIVERS_GIVEN, .depth = SOURCE_DEPTH_MAX,
				  .archives = 1 };
	cleanup_free char *real = realpath(path, NULL), *label = NULL;
	size_t n = strlen(shown);
	struct stat st;
	int rc;

	if (!real || stat(real, &st))
		return err_set(e, ERR_NOT_FOUND, "%s: there are no drivers: no such file or directory", shown);
	if (S_ISREG(st.st_mode))
		return add_file(&s, real, shown, e);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_UNSUPPORTED, "%s: drivers come from a directory, an .inf, .zip, .cab, "
			       ".7z or .iso file; this is none", shown);
	if (asprintf(&label, "%s%s", shown, n && shown[n - 1] == '/' ? "" : "/") < 0) {
		label = NULL;
		return err_set(e, ERR_NOMEM, "out of memory for %s", shown);
	}
	rc = open_dir(d, real, label, &s.source, e);
	return rc ? rc : drivers_scan(&s, e);
}
