/* modules-match.c: which modules serve a device: modules.alias and, for
 * built-in ones, modules.builtin.modinfo. */
#include <stdlib.h>
#include <string.h>
#include "common/vec.h"
#include "drivers-inject/linux/modules-private.h"

static int same(char a, char b)
{
	return (a == '-' ? '_' : a) == (b == '-' ? '_' : b);
}

/* A bracket expression at p (behind its '['): 1 if it holds c, *end behind its
 * ']'.  *end NULL: it never ends, so that '[' is a character. */
static int in_bracket(const char *p, unsigned char c, const char **end)
{
	int negated = *p == '!' || *p == '^', found = 0;
	const char *first = p += negated;

	for (*end = NULL; *p; p++) {
		unsigned char from = (unsigned char)*p, to = from;

		if (from == ']' && p != first) {
			*end = p + 1;
			return found != negated;
		}
		if (p[1] == '-' && p[2] && p[2] != ']') {
			to = (unsigned char)p[2];
			p += 2;
		}
		found |= from <= c && c <= to;
	}
	return 0;
}

/* One character of the text against what the pattern has at *p, which is moved
 * behind it. */
static int one(const char **p, char c)
{
	const char *end;
	int r;

	if (!c || !**p)
		return 0;
	if (**p == '?')
		return ++*p, 1;
	if (**p == '[') {
		r = in_bracket(*p + 1, (unsigned char)c, &end);
		if (end)
			return *p = end, r;
	}
	if (**p == '\\' && (*p)[1])
		++*p;
	return same(*(*p)++, c);
}

int modules_glob(const char *p, const char *t)
{
	const char *star = NULL, *retry = NULL, *q;

	for (;;) {
		if (*p == '*') {
			while (*p == '*')
				p++;
			if (!*p)
				return 1;
			star = p;
			retry = t;
			continue;
		}
		if (!*p && !*t)
			return 1;
		q = p;
		if (one(&q, *t)) {
			p = q;
			t++;
			continue;
		}
		/* the last star takes one more */
		if (!star || !*retry)
			return 0;
		p = star;
		t = ++retry;
	}
}

static int add_alias(struct modules *m, size_t *room, const char *pattern, char *name,
		     struct err *e)
{
	struct mod_alias *a = vec_room(m->alias, m->n_aliases, room, sizeof *a);

	if (!a)
		return err_set(e, ERR_NOMEM, "out of memory for %s/modules.alias", m->dir);
	m->alias = a;
	for (char *c = name; *c; c++)
		if (*c == '-')
			*c = '_';
	m->alias[m->n_aliases++] = (struct mod_alias){ pattern, name };
	return 0;
}

/* "alias PATTERN NAME"; depmod puts '"' around nothing, blanks end a word */
static int alias_lines(struct modules *m, size_t *room, struct err *e)
{
	char *rest = m->texts.alias, *line;
	int r = 0;

	while (!r && (line = strsep(&rest, "\n"))) {
		char *pattern, *name;

		if (strncmp(line, "alias ", 6))
			continue;
		line += 6;
		pattern = strsep(&line, " \t");
		name = line ? strsep(&line, " \t\r") : NULL;
		if (name && *pattern && *name)
			r = add_alias(m, room, pattern, name, e);
	}
	return r;
}

/* Whoever has a record is built in, also what modules.builtin leaves out since
 * it can't be a module. */
static int add_builtins(struct modules *m, char **names, size_t n, struct err *e)
{
	char **all;
	size_t kept = 0;

	if (!n)
		return 0;
	all = reallocarray(m->builtin, m->n_builtin + n, sizeof *all);
	if (!all)
		return err_set(e, ERR_NOMEM, "out of memory for %s/modules.builtin", m->dir);
	m->builtin = all;
	memcpy(all + m->n_builtin, names, n * sizeof *all);
	m->n_builtin += n;
	qsort(all, m->n_builtin, sizeof *all, modules_by_string);
	for (size_t i = 0; i < m->n_builtin; i++)
		if (!kept || strcmp(all[kept - 1], all[i]))
			all[kept++] = all[i];
	m->n_builtin = kept;
	return 0;
}

/* Records "NAME.key=value", each with a 0 byte behind (kernels since 5.2). */
static int builtin_records(struct modules *m, size_t *room, struct err *e)
{
	char *p = m->texts.modinfo, *end = p + m->texts.modinfo_len, **names = NULL, **more;
	size_t n = 0, names_room = 0;
	int r = 0;

	for (; !r && p < end; p += strlen(p) + 1) {
		char *dot = strchr(p, '.'), *eq = dot ? strchr(dot, '=') : NULL;

		if (!eq || dot == p)
			continue;
		*dot = 0;
		for (char *c = p; *c; c++)
			if (*c == '-')
				*c = '_';
		if (!n || strcmp(names[n - 1], p)) {
			more = vec_room(names, n, &names_room, sizeof *names);
			if (!more) {
				r = err_set(e, ERR_NOMEM, "out of memory for %s/modules.builtin.modinfo",
					    m->dir);
				break;
			}
			names = more;
			names[n++] = p;
		}
		if (!strncmp(dot + 1, "alias=", 6))
			r = add_alias(m, room, eq + 1, p, e);
		p = eq; /* the record's own end, the dot is a 0 byte now */
	}
	if (!r)
		r = add_builtins(m, names, n, e);
	free(names);
	return r;
}

int modules_parse_aliases(struct modules *m, struct err *e)
{
	size_t room = 0;
	int r = m->texts.alias ? alias_lines(m, &room, e) : 0;

	if (!r && m->texts.modinfo)
		r = builtin_records(m, &room, e);
	return r;
}

int modules_match(const struct modules *m, const char *modalias, struct strv *ret,
		  struct err *e)
{
	struct strv out = { 0 };

	for (size_t i = 0; i < m->n_aliases; i++) {
		const char *name = m->alias[i].name;

		if (!modules_glob(m->alias[i].pattern, modalias) || strv_has(&out, name) ||
		    (!modules_path(m, name) && !modules_builtin(m, name)))
			continue;
		if (strv_add(&out, name) < 0) {
			strv_done(&out);
			return err_set(e, ERR_NOMEM, "out of memory");
		}
	}
	*ret = out;
	return 0;
}

/* 1: some alias of the module is for the bus of modalias ("pci:"). */
static int speaks_of_bus(const struct modules *m, const char *name, const char *modalias)
{
	size_t bus = strcspn(modalias, ":") + 1;

	for (size_t i = 0; i < m->n_aliases; i++)
		if (!strcmp(m->alias[i].name, name) && !strncmp(m->alias[i].pattern, modalias, bus))
			return 1;
	return 0;
}

int modules_serve(const struct modules *m, const char *modalias,
		  const struct strv *drivers, struct strv *ret, struct err *e)
{
	struct strv out = { 0 };
	int r = modules_match(m, modalias, &out, e);

	if (r)
		return r;
	for (size_t i = 0; !out.n && i < drivers->n; i++) {
		char name[MODULE_NAME_SIZE];

		modules_name(drivers->v[i], name, sizeof name);
		if ((!modules_builtin(m, name) && !modules_path(m, name)) ||
		    speaks_of_bus(m, name, modalias))
			continue;
		if (strv_add(&out, name) < 0)
			return err_set(e, ERR_NOMEM, "out of memory");
	}
	*ret = out;
	return 0;
}
