/* modules.c: asks a kernel's module files, for tests.
 *
 *   modules ROOT DIR match MODALIAS...      modules that serve it, one a line
 *   modules ROOT DIR closure NAME...        names in load order
 *   modules ROOT DIR path NAME...           files
 *   modules ROOT DIR firmware NAME...
 *   modules ROOT DIR all
 *   modules ROOT DIR index OUT PATH=FILE... modindex_make
 *   modules ROOT DIR depbin OUT             modules.dep.bin from modules.dep */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "drivers-inject/linux/modindex.h"
#include "drivers-inject/linux/modules.h"

static int fail(const struct err *e)
{
	fprintf(stderr, "modules: %s\n", e->msg);
	return 1;
}

static void print(struct strv *l)
{
	for (size_t i = 0; i < l->n; i++)
		puts(l->v[i]);
	strv_done(l);
}

static int make_index(struct modules *m, char **args, int n, struct err *e)
{
	struct mod_file *f = calloc((size_t)n, sizeof *f);
	int r = 0;

	if (!f)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (int i = 1; i < n; i++) {
		char *eq = strchr(args[i], '=');

		if (!eq)
			r = err_set(e, ERR_USAGE, "PATH=FILE is wanted");
		else
			*eq = 0;
		f[i - 1].path = args[i];
		f[i - 1].fd = eq ? open(eq + 1, O_RDONLY | O_CLOEXEC) : -1;
		if (f[i - 1].fd < 0)
			r = err_set(e, ERR_NOT_FOUND, "%s: no such file", args[i]);
	}
	if (!r)
		r = modindex_make(m, f, (size_t)n - 1, args[0], e);
	free(f);
	return r;
}

static int make_bin(struct root *root, const char *dir, const char *out, struct err *e)
{
	char path[4096], *text = NULL, *rest, *line;
	struct strv lines = { 0 };
	int r;

	snprintf(path, sizeof path, "%s/modules.dep", dir);
	r = root_read(root, path, 16 << 20, &text, NULL, e);
	for (rest = text; !r && (line = strsep(&rest, "\n"));)
		if (*line && strv_add(&lines, line) < 0)
			r = err_set(e, ERR_NOMEM, "out of memory");
	if (!r)
		r = modindex_write_bin(out, &lines, e);
	strv_done(&lines);
	free(text);
	return r;
}

static int one(struct modules *m, const char *what, const char *arg, struct strv *out,
	       struct err *e)
{
	const char *path;

	if (!strcmp(what, "match"))
		return modules_match(m, arg, out, e);
	if (!strcmp(what, "closure"))
		return modules_closure(m, arg, out, e);
	if (!strcmp(what, "firmware"))
		return modules_firmware(m, arg, out, e);
	path = modules_path(m, arg);
	return path ? strv_add(out, path) : err_set(e, ERR_NOT_FOUND, "%s: no file", arg);
}

int main(int argc, char **argv)
{
	struct modules *m = NULL;
	struct root *root = NULL;
	struct strv out = { 0 };
	struct err e = { 0 };
	int r;

	if (argc < 4)
		return 2;
	r = root_open(argv[1], &root, &e);
	if (!r)
		r = modules_open(root, argv[2], &m, &e);
	if (!r && !strcmp(argv[3], "all"))
		r = modules_all(m, &out, &e);
	else if (!r && !strcmp(argv[3], "index") && argc > 5)
		r = make_index(m, argv + 4, argc - 4, &e);
	else if (!r && !strcmp(argv[3], "depbin") && argc == 5)
		r = make_bin(root, argv[2], argv[4], &e);
	else
		for (int i = 4; !r && i < argc; i++) {
			if (strcmp(argv[3], "closure"))
				print(&out);
			r = one(m, argv[3], argv[i], &out, &e);
		}
	print(&out);
	modules_close(m);
	root_close(root);
	return r ? fail(&e) : 0;
}
