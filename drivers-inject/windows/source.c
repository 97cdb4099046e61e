/* source.c: see source.h. */
#include "drivers-inject/windows/source.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/io.h"
#include "drivers-inject/windows/pack.h"

int source_join(const char *dir, const char *name, char ret[PATH_MAX])
{
	size_t n = strlen(dir);
	const char *slash = n && dir[n - 1] != '/' && *name ? "/" : "";
	int len = snprintf(ret, PATH_MAX, "%s%s%s", dir, slash, name);

	return len < 0 || len >= PATH_MAX ? -1 : 0;
}

static int too_long(const char *dir, const char *name, struct err *e)
{
	return err_set(e, ERR_UNSUPPORTED, "%s/%s: a path of more than %d bytes", dir, name, PATH_MAX);
}

static struct source *new_source(const char *top, const char *label, struct err *e)
{
	struct source *s = calloc(1, sizeof *s);

	if (s && (s->top = strdup(top)) && (s->label = strdup(label)))
		return s;
	err_set(e, ERR_NOMEM, "out of memory for %s", label);
	return source_free(s);
}

struct source *source_free(struct source *s)
{
	if (s) {
		strv_done(&s->files);
		free(s->top);
		free(s->label);
		free(s);
	}
	return NULL;
}

int source_dir(struct root *r, const char *top, const char *label, struct source **ret,
	       struct err *e)
{
	struct source *s = new_source(top, label, e);

	if (!s)
		return ERR_NOMEM;
	s->root = r;
	*ret = s;
	return 0;
}

/* ---- content ---- */

/* A file of a directory, open; its size is limited where this is a copy in memory. */
static int open_in_root(struct source *s, const char *path, int *ret, struct err *e)
{
	char full[PATH_MAX];
	struct stat st;
	int rc;

	if (source_join(s->top, path, full))
		return too_long(s->top, path, e);
	rc = root_stat(s->root, full, &st, e);
	if (rc)
		return rc;
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_UNSUPPORTED, "%s%s: not a regular file", s->label, path);
	if (s->copies && st.st_size > SOURCE_COPY_MAX)
		return err_set(e, ERR_UNSUPPORTED, "%s%s: %lld bytes, more than the %u that are copied "
			       "to look into it", s->label, path, (long long)st.st_size, SOURCE_COPY_MAX);
	return root_fd(s->root, full, O_RDONLY | O_NONBLOCK, 0, ret, e);
}

static int copy_in_memory(const uint8_t *bytes, size_t n, const char *name, int *ret, struct err *e)
{
	int fd = memfd_create("archive", MFD_CLOEXEC);
	int code = fd < 0 ? errno : io_write_all(fd, bytes, n);

	if (code) {
		if (fd >= 0)
			close(fd);
		return err_sys(e, code, "%s: room for a copy", name);
	}
	*ret = fd;
	return 0;
}

/* The file at path, to be read at any place of it. */
static int open_file(struct source *s, const char *path, int *ret, struct err *e)
{
	cleanup_free uint8_t *bytes = NULL;
	size_t n;
	int rc;

	if (s->root)
		return open_in_root(s, path, ret, e);
	rc = source_read(s, path, SOURCE_COPY_MAX, &bytes, &n, e);
	return rc ? rc : copy_in_memory(bytes, n, path, ret, e);
}

int source_read_packed(struct source *s, const char *path, const char *inner, size_t max,
		       uint8_t **ret, size_t *ret_n, struct err *e)
{
	cleanup_close int fd = -1;
	char name[PATH_MAX];
	int rc = open_file(s, path, &fd, e);

	snprintf(name, sizeof name, "%s%s", s->label, path);
	return rc ? rc : pack_read(fd, name, inner, max, ret, ret_n, e);
}

int source_read(struct source *s, const char *path, size_t max, uint8_t **ret, size_t *ret_n,
		struct err *e)
{
	char full[PATH_MAX];

	if (!s->root)
		return source_read_packed(s->parent, s->top, path, max, ret, ret_n, e);
	if (source_join(s->top, path, full))
		return too_long(s->top, path, e);
	return root_read(s->root, full, max, (char **)ret, ret_n, e);
}

int source_archive(struct source *parent, const char *path, const char *label,
		   struct source **ret, struct err *e)
{
	cleanup_close int fd = -1;
	struct source *s;
	char name[PATH_MAX];
	int rc;

	if (parent->level == SOURCE_LEVELS_MAX)
		return err_set(e, ERR_UNSUPPORTED, "%s%s: an archive in an archive in an archive, which "
			       "isn't looked into", parent->label, path);
	rc = open_file(parent, path, &fd, e);
	if (rc)
		return rc;
	s = new_source(path, label, e);
	if (!s)
		return ERR_NOMEM;
	s->parent = parent;
	s->level = parent->level + 1;
	snprintf(name, sizeof name, "%s%s", parent->label, path);
	rc = pack_list(fd, name, &s->files, e);
	if (rc)
		source_free(s);
	else
		*ret = s;
	return rc;
}

/* ---- names ---- */

/* The entry of the directory `at` that is called so, n bytes, in its spelling. */
static int spelled(struct root *r, const char *at, const char *name, size_t n, char ret[PATH_MAX])
{
	struct strv names = { 0 };
	char want[NAME_MAX + 1];
	int found = 0;

	if (n > NAME_MAX || root_list(r, at, &names, NULL))
		return 0;
	memcpy(want, name, n);
	want[n] = 0;
	/* one spelled exactly so goes first */
	for (int exact = 1; exact >= 0 && !found; exact--)
		for (size_t i = 0; i < names.n && !found; i++)
			if (exact ? !strcmp(names.v[i], want) : pack_same_path(names.v[i], want)) {
				snprintf(ret, PATH_MAX, "%s", names.v[i]);
				found = 1;
			}
	strv_done(&names);
	return found;
}

static int not_found(const struct source *s, const char *path, struct err *e)
{
	return err_set(e, ERR_NOT_FOUND, "%s%s: there is no such file", s->label, path);
}

/* Name by name, as each directory spells it. */
static int find_spelled(struct source *s, const char *path, char ret[PATH_MAX], struct err *e)
{
	char at[PATH_MAX], below[PATH_MAX] = "", name[PATH_MAX], next[PATH_MAX];
	struct stat st;

	strcpy(at, s->top);
	for (const char *p = path; *(p += strspn(p, "/"));) {
		size_t n = strcspn(p, "/");

		if ((n == 2 && !memcmp(p, "..", 2)) || !spelled(s->root, at, p, n, name))
			return not_found(s, path, e);
		if (source_join(at, name, next) || source_join(below, name, ret))
			return too_long(at, name, e);
		strcpy(at, next);
		strcpy(below, ret);
		p += n;
	}
	return root_stat(s->root, at, &st, NULL) || !S_ISREG(st.st_mode) ? not_found(s, path, e) : 0;
}

static int find_in_root(struct source *s, const char *path, char ret[PATH_MAX], struct err *e)
{
	char turned[PATH_MAX], full[PATH_MAX];

	path += strspn(path, "/\\");
	if (source_join("", path, turned))
		return too_long(s->top, path, e);
	for (char *p = turned; *p; p++)
		*p = *p == '\\' ? '/' : *p;
	if (source_join(s->top, turned, full))
		return too_long(s->top, path, e);
	/* most names are right as they are, and NTFS doesn't mind the case */
	if (strstr(turned, "..") || !root_has_file(s->root, full))
		return find_spelled(s, turned, ret, e);
	strcpy(ret, turned);
	return 0;
}

int source_find(struct source *s, const char *path, char ret[PATH_MAX], struct err *e)
{
	if (s->root)
		return find_in_root(s, path, ret, e);
	path += strspn(path, "/\\");
	for (size_t i = 0; i < s->files.n; i++)
		if (pack_same_path(s->files.v[i], path)) {
			snprintf(ret, PATH_MAX, "%s", s->files.v[i]);
			return 0;
		}
	return not_found(s, path, e);
}

/* ---- all files ---- */

struct walk {
	struct source *s;
	const struct source_walk *w;
	size_t seen;
	int rc;
	struct err *e;
};

static void say(struct walk *k, const char *text)
{
	k->w->note(k->w->ctx, text);
}

static void walk_dir(struct walk *k, const char *dir, unsigned depth);

static void walk_entry(struct walk *k, const char *path, unsigned depth)
{
	char full[PATH_MAX];
	struct stat st;
	struct err e;

	if (source_join(k->s->top, path, full))
		return;
	if (root_lstat(k->s->root, full, &st, &e)) {
		say(k, e.msg);
		return;
	}
	if (S_ISREG(st.st_mode))
		k->rc = k->w->file(k->w->ctx, path, k->e);
	else if (S_ISDIR(st.st_mode) && depth < k->w->depth)
		walk_dir(k, path, depth + 1);
}

static void walk_dir(struct walk *k, const char *dir, unsigned depth)
{
	struct strv names = { 0 };
	char full[PATH_MAX], path[PATH_MAX];
	struct err e;

	if (source_join(k->s->top, dir, full))
		return;
	if (root_list(k->s->root, full, &names, &e)) {
		say(k, e.msg);
		return;
	}
	for (size_t i = 0; i < names.n && !k->rc && k->seen < SOURCE_FILES_MAX; i++) {
		k->seen++;
		if (!source_join(dir, names.v[i], path))
			walk_entry(k, path, depth);
	}
	strv_done(&names);
}

int source_walk(struct source *s, const struct source_walk *w, struct err *e)
{
	struct walk k = { .s = s, .w = w, .e = e };
	char text[PATH_MAX + 80];

	for (size_t i = 0; !s->root && i < s->files.n && !k.rc; i++)
		k.rc = w->file(w->ctx, s->files.v[i], e);
	if (s->root)
		walk_dir(&k, "", 0);
	if (k.seen == SOURCE_FILES_MAX) {
		snprintf(text, sizeof text, "%s: only the first %d files were looked at", s->label,
			 SOURCE_FILES_MAX);
		say(&k, text);
	}
	return k.rc;
}
