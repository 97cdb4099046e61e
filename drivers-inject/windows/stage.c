/* stage.c: packages for the first start (plan-firstboot.h): kept, then as edits. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"
#include "drivers-inject/windows/firstboot.h"

static int no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "out of memory for driver packages");
}

/* cmd.exe gives none of these a meaning between quotation marks. */
static int script_word(const char *s)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789 .-_+~";
	size_t n = strlen(s);

	return n && n <= WIN_STAGE_NAME_MAX && strspn(s, good) == n && *s != '.' && *s != ' ' &&
	       s[n - 1] != '.' && s[n - 1] != ' ';
}

/* A path below the package: no way out of it, and every part a name for Windows. */
static int file_name(const char *s)
{
	size_t part;

	if (strlen(s) > 200)
		return 0;
	for (;; s += part + 1) {
		part = strcspn(s, "\\/");
		if (!part || s[part - 1] == '.' || s[part - 1] == ' ')
			return 0;
		for (size_t i = 0; i < part; i++)
			if ((unsigned char)s[i] < ' ' || strchr("<>:\"|?*", s[i]))
				return 0;
		if (!s[part])
			return 1;
	}
}

static int check(const struct win_stages *all, const struct win_stage *s, struct err *e)
{
	int has_inf = 0;

	if (all->n >= WIN_STAGES_MAX || s->n_files > WIN_STAGE_FILES_MAX)
		return err_set(e, ERR_UNSUPPORTED, "%s: more than %u packages for the first start, or %u "
			       "files in one: install it by hand", s->origin, WIN_STAGES_MAX,
			       WIN_STAGE_FILES_MAX);
	if (!script_word(s->name) || !script_word(s->inf))
		return err_set(e, ERR_UNSUPPORTED, "%s: the name of the package or of its INF has a "
			       "character that can't stand in a script: rename it, or install it by hand",
			       s->origin);
	for (size_t i = 0; i < s->n_files; i++) {
		if (!file_name(s->files[i]))
			return err_set(e, ERR_UNSUPPORTED, "%s: file %zu of the package has a name that "
				       "Windows doesn't take: install it by hand", s->origin, i + 1);
		has_inf |= !strcasecmp(s->files[i], s->inf);
	}
	return has_inf ? 0 : err_set(e, ERR_UNSUPPORTED, "%s: %s is not among the package's files",
				     s->origin, s->inf);
}

static void stage_done(struct win_stage *s)
{
	for (size_t i = 0; s->files && i < s->n_files; i++)
		free((char *)s->files[i]);
	free((void *)s->files);
	free((char *)s->name);
	free((char *)s->inf);
	free((char *)s->origin);
}

static int copy(const struct win_stage *s, struct win_stage *ret)
{
	char **files = calloc(s->n_files, sizeof *files);
	int ok = files != NULL;

	*ret = (struct win_stage){ strdup(s->name), strdup(s->inf), strdup(s->origin),
				   (const char *const *)files, s->n_files, s->read, s->ctx };
	for (size_t i = 0; ok && i < s->n_files; i++)
		ok = (files[i] = strdup(s->files[i])) != NULL;
	return ok && ret->name && ret->inf && ret->origin ? 0 : -1;
}

int win_stage_add(struct win *w, const struct win_stage *s, struct err *e)
{
	struct win_stage *v;
	int rc;

	if (!w->stages && !(w->stages = calloc(1, sizeof *w->stages)))
		return no_memory(e);
	for (size_t i = 0; i < w->stages->n; i++)
		if (!strcasecmp(w->stages->v[i].name, s->name))
			return 0;
	rc = check(w->stages, s, e);
	if (rc)
		return rc;
	v = reallocarray(w->stages->v, w->stages->n + 1, sizeof *v);
	if (!v)
		return no_memory(e);
	w->stages->v = v;
	if (copy(s, &v[w->stages->n])) {
		stage_done(&v[w->stages->n]);
		return no_memory(e);
	}
	w->stages->n++;
	return 0;
}

struct win_stages *win_stages_free(struct win_stages *s)
{
	for (size_t i = 0; s && i < s->n; i++)
		stage_done(&s->v[i]);
	if (s)
		free(s->v);
	free(s);
	return NULL;
}

/* ---- as edits ---- */

static int put_file(struct win *w, struct plan *p, const struct win_stage *s, const char *file,
		    size_t *total, struct err *e)
{
	cleanup_free uint8_t *data = NULL;
	char below[PATH_MAX], path[PATH_MAX];
	size_t len;
	int rc = s->read(s->ctx, file, &data, &len, e);

	if (rc)
		return rc;
	if (len > WIN_STAGE_BYTES_MAX - *total)
		return err_set(e, ERR_UNSUPPORTED, "the packages for the first start have more than "
			       "%u MB: give fewer of them", WIN_STAGE_BYTES_MAX >> 20);
	*total += len;
	snprintf(below, sizeof below, "Rehost\\packages\\%s\\%s", s->name, file);
	rc = win_path(w, below, path, e);
	return rc ? rc : plan_write_mode(p, path, 0600, (const char *)data, len, e,
					 "The driver package %s is installed at the first start",
					 s->origin);
}

int firstboot_packages(struct win *w, struct plan *p, struct err *e)
{
	size_t total = 0;
	int rc = 0;

	for (size_t i = 0; w->stages && i < w->stages->n; i++)
		for (size_t k = 0; !rc && k < w->stages->v[i].n_files; k++)
			rc = put_file(w, p, &w->stages->v[i], w->stages->v[i].files[k], &total, e);
	return rc;
}
