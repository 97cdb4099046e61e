/* plan.c: see plan.h. */
#include "drivers-inject/plan.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"

static int no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "out of memory for the plan");
}

struct plan *plan_new(struct root *r)
{
	struct plan *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->root = r;
	p->more = json_object_new_object();
	return p;
}

static void edit_done(struct edit *d)
{
	free(d->path);
	free(d->data);
	strv_done(&d->reasons);
	strv_done(&d->details);
	if (d->ctx_free)
		d->ctx_free(d->ctx);
}

struct plan *plan_free(struct plan *p)
{
	if (!p)
		return NULL;
	for (size_t i = 0; i < p->n; i++)
		edit_done(&p->v[i]);
	for (size_t i = 0; i < p->n_missing; i++) {
		free(p->missing[i].device);
		free(p->missing[i].modalias);
		free(p->missing[i].hint);
		strv_done(&p->missing[i].kernels);
	}
	free(p->v);
	free(p->missing);
	strv_done(&p->problems);
	strv_done(&p->warnings);
	strv_done(&p->notes);
	json_object_put(p->more);
	free(p);
	return NULL;
}

/* ---- sentences ---- */

void plan_problem(struct plan *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strv_vaddf(&p->problems, fmt, ap);
	va_end(ap);
}

void plan_warn(struct plan *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strv_vaddf(&p->warnings, fmt, ap);
	va_end(ap);
}

void plan_note(struct plan *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strv_vaddf(&p->notes, fmt, ap);
	va_end(ap);
}

int plan_missing(struct plan *p, const char *device, const char *modalias,
		 const char *hint, const char *kernel, int fatal, struct err *e)
{
	struct missing *m = NULL, *v;

	for (size_t i = 0; i < p->n_missing; i++)
		if (!strcmp(p->missing[i].modalias, modalias))
			m = &p->missing[i];
	if (!m) {
		v = realloc(p->missing, (p->n_missing + 1) * sizeof *v);
		if (!v)
			return no_memory(e);
		p->missing = v;
		m = &v[p->n_missing];
		*m = (struct missing){ strdup(device), strdup(modalias), strdup(hint), { 0 }, 0 };
		p->n_missing++;
		if (!m->device || !m->modalias || !m->hint)
			return no_memory(e);
	}
	m->fatal |= fatal;
	if (*kernel && !strv_has(&m->kernels, kernel) && strv_add(&m->kernels, kernel))
		return no_memory(e);
	return 0;
}

/* ---- edits ---- */

static struct edit *find(struct plan *p, const char *path)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].kind <= EDIT_LINK && !strcmp(p->v[i].path, path))
			return &p->v[i];
	return NULL;
}

static void drop(struct plan *p, struct edit *d)
{
	size_t i = (size_t)(d - p->v);

	edit_done(d);
	memmove(d, d + 1, (p->n - i - 1) * sizeof *d);
	p->n--;
}

static struct edit *add(struct plan *p, enum edit_kind kind, const char *path)
{
	struct edit *v = realloc(p->v, (p->n + 1) * sizeof *v);

	if (!v)
		return NULL;
	p->v = v;
	v[p->n] = (struct edit){ .kind = kind, .path = strdup(path) };
	return v[p->n].path ? &v[p->n++] : NULL;
}

struct edit *plan_add(struct plan *p, enum edit_kind kind, const char *path,
		      const char *reason, ...)
{
	struct edit *d = add(p, kind, path);
	va_list ap;

	if (!d)
		return NULL;
	va_start(ap, reason);
	strv_vaddf(&d->reasons, reason, ap);
	va_end(ap);
	return d;
}

/* The path under which a file is edited: without links on the way; the file
 * itself may not be there, nor (last 1) is a link at the end followed.  A
 * directory that is missing is made by apply. */
static int resolve(struct plan *p, const char *path, int last, char ret[PATH_MAX], struct err *e)
{
	char dir[PATH_MAX], up[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int rc;

	if (!last) {
		rc = root_resolve(p->root, path, ret, e);
		if (rc != ERR_NOT_FOUND)
			return rc;
	}
	if (!slash || strlen(path) >= sizeof dir)
		return err_set(e, ERR_INTERNAL, "%s: not an absolute path", path);
	memcpy(dir, path, (size_t)(slash - path));
	dir[slash - path] = 0;
	if (!*dir)
		*up = 0;
	else if ((rc = resolve(p, dir, 0, up, e)))
		return rc;
	if (!strcmp(up, "/"))
		*up = 0;
	if (strlen(up) + strlen(slash) >= PATH_MAX)
		return err_set(e, ERR_UNSUPPORTED, "%s: the path is too long", path);
	strcpy(stpcpy(ret, up), slash);
	return root_spell(p->root, ret, e);
}

int plan_read(struct plan *p, const char *path, char **ret, size_t *ret_len, struct err *e)
{
	char real[PATH_MAX];
	struct edit *d;
	int rc = resolve(p, path, 0, real, e);

	if (rc)
		return rc;
	d = find(p, real);
	if (!d)
		return root_read(p->root, real, ROOT_TEXT_MAX, ret, ret_len, e);
	if (d->kind != EDIT_WRITE)
		return err_set(e, ERR_NOT_FOUND, "%s: no such file after the edits so far", path);
	*ret = malloc(d->len + 1);
	if (!*ret)
		return no_memory(e);
	memcpy(*ret, d->data, d->len);
	(*ret)[d->len] = 0;
	if (ret_len)
		*ret_len = d->len;
	return 0;
}

int plan_has(struct plan *p, const char *path)
{
	char real[PATH_MAX];
	struct edit *d;

	if (resolve(p, path, 0, real, NULL))
		return 0;
	d = find(p, real);
	return d ? d->kind == EDIT_WRITE : root_has_file(p->root, real);
}

/* The guest's file is exactly these bytes, without any edit. */
static int is_already(struct plan *p, const char *path, const char *data, size_t len)
{
	cleanup_free char *text = NULL;
	size_t n;

	/* a file that is larger is another file */
	return !root_read(p->root, path, len > ROOT_TEXT_MAX ? len : ROOT_TEXT_MAX,
			  &text, &n, NULL) && n == len && !memcmp(text, data, len);
}

static int set_write(struct plan *p, const char *path, mode_t mode, const char *data,
		     size_t len, struct err *e, const char *reason, va_list ap)
{
	char real[PATH_MAX], *copy;
	struct edit *d;
	int rc = resolve(p, path, 0, real, e);

	if (rc)
		return rc;
	d = find(p, real);
	if (is_already(p, real, data, len)) {
		if (d)
			drop(p, d);
		return 0;
	}
	if (d && d->kind == EDIT_WRITE && d->len == len && !memcmp(d->data, data, len))
		return 0;
	copy = malloc(len + 1);
	if (!copy)
		return no_memory(e);
	memcpy(copy, data, len);
	copy[len] = 0;
	if (!d && !(d = add(p, EDIT_WRITE, real))) {
		free(copy);
		return no_memory(e);
	}
	free(d->data);
	d->kind = EDIT_WRITE;
	d->data = copy;
	d->len = len;
	d->mode = mode;
	strv_vaddf(&d->reasons, reason, ap);
	return 0;
}

int plan_write(struct plan *p, const char *path, const char *data, size_t len,
	       struct err *e, const char *reason, ...)
{
	va_list ap;
	int rc;

	va_start(ap, reason);
	rc = set_write(p, path, 0644, data, len, e, reason, ap);
	va_end(ap);
	return rc;
}

int plan_write_mode(struct plan *p, const char *path, mode_t mode, const char *data,
		    size_t len, struct err *e, const char *reason, ...)
{
	va_list ap;
	int rc;

	va_start(ap, reason);
	rc = set_write(p, path, mode, data, len, e, reason, ap);
	va_end(ap);
	return rc;
}

int plan_remove(struct plan *p, const char *path, struct err *e, const char *reason, ...)
{
	char real[PATH_MAX];
	struct edit *d;
	va_list ap;
	int rc = resolve(p, path, 1, real, e);

	if (rc)
		return rc;
	d = find(p, real);
	if (!root_exists(p->root, real)) {
		if (d)
			drop(p, d);
		return 0;
	}
	if (!d && !(d = add(p, EDIT_REMOVE, real)))
		return no_memory(e);
	d->kind = EDIT_REMOVE;
	va_start(ap, reason);
	strv_vaddf(&d->reasons, reason, ap);
	va_end(ap);
	return 0;
}

int plan_link(struct plan *p, const char *path, const char *target,
	      struct err *e, const char *reason, ...)
{
	char real[PATH_MAX], now[PATH_MAX];
	struct edit *d;
	char *copy;
	va_list ap;
	int rc = resolve(p, path, 1, real, e);

	if (rc)
		return rc;
	d = find(p, real);
	if (!root_readlink(p->root, real, now, NULL) && !strcmp(now, target)) {
		if (d)
			drop(p, d);
		return 0;
	}
	copy = strdup(target);
	if (!copy || (!d && !(d = add(p, EDIT_LINK, real)))) {
		free(copy);
		return no_memory(e);
	}
	free(d->data);
	d->kind = EDIT_LINK;
	d->data = copy;
	d->len = strlen(copy);
	va_start(ap, reason);
	strv_vaddf(&d->reasons, reason, ap);
	va_end(ap);
	return 0;
}
