/* modules.c: modules.dep and modules.builtin of a kernel: names and files. */
#include "drivers-inject/linux/modules-private.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"

static int no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "out of memory for a kernel's list of modules");
}

void modules_name(const char *path, char *ret, size_t size)
{
	const char *base = strrchr(path, '/'), *end;
	size_t n;

	base = base ? base + 1 : path;
	end = strstr(base, ".ko");
	n = end ? (size_t)(end - base) : strlen(base);
	if (n >= size)
		n = size - 1;
	for (size_t i = 0; i < n; i++)
		ret[i] = base[i] == '-' ? '_' : base[i];
	ret[n] = 0;
}

static int is_module_suffix(const char *s)
{
	static const char *const known[] = { ".ko", ".ko.gz", ".ko.xz", ".ko.zst" };

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strcmp(s, known[i]))
			return 1;
	return 0;
}

int modules_path_ok(const char *path)
{
	const char *base = strrchr(path, '/'), *suffix;
	size_t part = 0;

	base = base ? base + 1 : path;
	suffix = strstr(base, ".ko");
	if (!suffix || suffix == base || !is_module_suffix(suffix) ||
	    suffix - base >= MODULE_NAME_SIZE)
		return 0;
	for (const char *p = path; *p; p++) {
		if (*p == '/') {
			if (!part || (part == 1 && p[-1] == '.') ||
			    (part == 2 && p[-1] == '.' && p[-2] == '.'))
				return 0;
			part = 0;
			continue;
		}
		part++;
		if ((*p < '0' || *p > '9') && (*p < 'a' || *p > 'z') &&
		    (*p < 'A' || *p > 'Z') && !strchr("_-.+,@=~", *p))
			return 0;
	}
	return 1;
}

/* module-init-tools (2.6.18: RHEL 5) wrote absolute paths:
 * "/lib/modules/2.6.18-8.el5/kernel/fs/x.ko" */
static char *below_dir(char *path)
{
	char *p = *path == '/' ? strstr(path, "/lib/modules/") : NULL;

	p = p ? strchr(p + strlen("/lib/modules/"), '/') : NULL;
	return p ? p + 1 : path;
}

static int by_name(const void *a, const void *b)
{
	const struct module *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r ? r : (x->path > y->path) - (x->path < y->path);
}

/* Adds what a line of modules.dep says; lines that say nothing usable are
 * passed over: the module is then not there. */
static void add_line(struct modules *m, char *line)
{
	char *colon = strchr(line, ':'), *path;
	struct module *mod = &m->mod[m->n_mods];

	if (!colon || *line == '#')
		return;
	*colon = 0;
	path = below_dir(line);
	if (!modules_path_ok(path))
		return;
	modules_name(path, mod->name, sizeof mod->name);
	mod->path = path;
	mod->deps = colon + 1;
	mod->has_file = -1;
	m->n_mods++;
}

static size_t count_lines(const char *text)
{
	size_t n = 1;

	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

static int parse_dep(struct modules *m, struct err *e)
{
	char *rest = m->texts.dep, *line;
	size_t kept = 0, max = count_lines(rest);

	m->mod = calloc(max > MODULES_MAX ? MODULES_MAX : max, sizeof *m->mod);
	if (!m->mod)
		return no_memory(e);
	while ((line = strsep(&rest, "\n"))) {
		if (m->n_mods == MODULES_MAX)
			return err_set(e, ERR_CORRUPT, "%s/modules.dep: more than %d modules",
				       m->dir, MODULES_MAX);
		add_line(m, line);
	}
	qsort(m->mod, m->n_mods, sizeof *m->mod, by_name);
	for (size_t i = 0; i < m->n_mods; i++)
		if (!kept || strcmp(m->mod[kept - 1].name, m->mod[i].name))
			m->mod[kept++] = m->mod[i];
	m->n_mods = kept;
	return 0;
}

int modules_by_string(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in modules.builtin become strings in its own text. */
static int parse_builtin(struct modules *m, struct err *e)
{
	char *rest = m->texts.builtin, *line;

	if (!rest)
		return 0;
	m->builtin = calloc(count_lines(rest), sizeof *m->builtin);
	if (!m->builtin)
		return no_memory(e);
	while ((line = strsep(&rest, "\n"))) {
		char name[MODULE_NAME_SIZE];

		if (!modules_path_ok(below_dir(line)))
			continue;
		modules_name(line, name, sizeof name);
		strcpy(line, name); /* is never longer than its path */
		m->builtin[m->n_builtin++] = line;
	}
	qsort(m->builtin, m->n_builtin, sizeof *m->builtin, modules_by_string);
	return 0;
}

static int by_softdep(const void *a, const void *b)
{
	const struct mod_softdep *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r ? r : (x->line > y->line) - (x->line < y->line);
}

/* "softdep NAME pre: a b post: c" */
static int parse_softdep(struct modules *m, struct err *e)
{
	char *rest = m->texts.softdep, *line, *name;

	if (!rest)
		return 0;
	m->soft = calloc(count_lines(rest), sizeof *m->soft);
	if (!m->soft)
		return no_memory(e);
	for (size_t n = 0; (line = strsep(&rest, "\n")); n++) {
		if (strncmp(line, "softdep ", 8))
			continue;
		line += 8 + strspn(line + 8, " \t");
		name = strsep(&line, " \t");
		if (!line || !*name)
			continue;
		for (char *p = name; *p; p++)
			if (*p == '-')
				*p = '_';
		m->soft[m->n_soft++] = (struct mod_softdep){ name, line, n };
	}
	qsort(m->soft, m->n_soft, sizeof *m->soft, by_softdep);
	return 0;
}

int modules_parse(struct root *root, const char *dir, struct modules_texts *t,
		  struct modules **ret, struct err *e)
{
	struct modules *m = calloc(1, sizeof *m);
	const char *slash = strrchr(dir, '/');
	int r = 0;

	if (!m) {
		free(t->dep), free(t->alias), free(t->softdep);
		free(t->builtin), free(t->modinfo);
		return no_memory(e);
	}
	m->texts = *t;
	m->root = root;
	m->dir = strdup(dir);
	m->version = strdup(slash ? slash + 1 : dir);
	if (!m->dir || !m->version)
		r = no_memory(e);
	if (!r)
		r = parse_dep(m, e);
	if (!r)
		r = parse_builtin(m, e);
	if (!r)
		r = parse_softdep(m, e);
	if (!r)
		r = modules_parse_aliases(m, e);
	if (r) {
		modules_close(m);
		return r;
	}
	*ret = m;
	return 0;
}

/* One of depmod's files; *ret stays NULL when it is missing. */
static int read_text(struct root *root, const char *dir, const char *name, char **ret,
		     size_t *ret_len, struct err *e)
{
	char path[PATH_MAX];
	int r;

	if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
		return err_set(e, ERR_CORRUPT, "%s: too long a path", dir);
	r = root_read(root, path, MODULES_TEXT_MAX, ret, ret_len, e);
	return r == ERR_NOT_FOUND ? 0 : r;
}

int modules_open(struct root *root, const char *dir, struct modules **ret, struct err *e)
{
	cleanup_free char *d = strdup(dir);
	struct modules_texts t = { 0 };
	int r;

	if (!d)
		return no_memory(e);
	for (size_t n = strlen(d); n > 1 && d[n - 1] == '/'; n--)
		d[n - 1] = 0;
	r = read_text(root, d, "modules.dep", &t.dep, NULL, e);
	if (!r && !t.dep)
		return err_set(e, ERR_NOT_FOUND, "%s: the kernel's modules have no "
			       "modules.dep; was its package removed?", d);
	if (!r)
		r = read_text(root, d, "modules.alias", &t.alias, NULL, e);
	if (!r)
		r = read_text(root, d, "modules.softdep", &t.softdep, NULL, e);
	if (!r)
		r = read_text(root, d, "modules.builtin", &t.builtin, NULL, e);
	if (!r)
		r = read_text(root, d, "modules.builtin.modinfo", &t.modinfo, &t.modinfo_len, e);
	if (!r)
		return modules_parse(root, d, &t, ret, e);
	free(t.dep), free(t.alias), free(t.softdep), free(t.builtin), free(t.modinfo);
	return r;
}

struct modules *modules_close(struct modules *m)
{
	if (!m)
		return NULL;
	free(m->texts.dep);
	free(m->texts.alias);
	free(m->texts.softdep);
	free(m->texts.builtin);
	free(m->texts.modinfo);
	free(m->mod);
	free(m->alias);
	free(m->soft);
	free(m->builtin);
	free(m->dir);
	free(m->version);
	free(m);
	return NULL;
}

const char *modules_version(const struct modules *m)
{
	return m->version;
}

const char *modules_dir(const struct modules *m)
{
	return m->dir;
}

static int name_against(const void *name, const void *mod)
{
	return strcmp(name, ((const struct module *)mod)->name);
}

struct module *modules_find(const struct modules *m, const char *name)
{
	char canonical[MODULE_NAME_SIZE];

	if (strlen(name) >= sizeof canonical || !m->n_mods)
		return NULL;
	modules_name(name, canonical, sizeof canonical);
	return bsearch(canonical, m->mod, m->n_mods, sizeof *m->mod, name_against);
}

int modules_has_file(const struct modules *m, struct module *mod)
{
	char path[PATH_MAX];

	if (mod->has_file < 0)
		mod->has_file = !m->root ||
			(snprintf(path, sizeof path, "%s/%s", m->dir, mod->path) <
			 (int)sizeof path && root_has_file(m->root, path));
	return mod->has_file;
}

int modules_builtin(const struct modules *m, const char *name)
{
	char canonical[MODULE_NAME_SIZE], *key = canonical;

	if (strlen(name) >= sizeof canonical || !m->n_builtin)
		return 0;
	modules_name(name, canonical, sizeof canonical);
	return bsearch(&key, m->builtin, m->n_builtin, sizeof key, modules_by_string) != NULL;
}

const char *modules_path(const struct modules *m, const char *name)
{
	struct module *mod = modules_find(m, name);

	return mod && modules_has_file(m, mod) ? mod->path : NULL;
}

int modules_all(const struct modules *m, struct strv *ret, struct err *e)
{
	struct strv out = { 0 };

	for (size_t i = 0; i < m->n_mods; i++)
		if (modules_has_file(m, &m->mod[i]) && strv_add(&out, m->mod[i].name) < 0) {
			strv_done(&out);
			return no_memory(e);
		}
	*ret = out;
	return 0;
}
