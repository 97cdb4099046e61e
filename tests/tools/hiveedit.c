/* hiveedit.c: changes a registry hive, for tests.
 *
 *   hiveedit [--even-dirty] DIRECTORY HIVE OUT < COMMANDS
 *
 * HIVE is a path in DIRECTORY; its logs may lie beside it.  A command is a line, its
 * parts separated by tabs; a value "" is a key's default value:
 *
 *   make KEY | remove KEY | unset KEY VALUE | set KEY VALUE TYPE HEX
 *   dword KEY VALUE NUMBER | string KEY VALUE TYPE TEXT
 *   strings KEY VALUE [TEXT...] | append KEY VALUE TEXT | drop KEY VALUE TEXT
 *
 * Prints what was changed.  Stops at the first one that fails; OUT is not written then.
 * Exit status as rehost's: 1 damaged, 4 refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "drivers-inject/hive.h"
#include "drivers-inject/tree-dir.h"

#define PARTS_MAX 12

struct command {
	char *part[PARTS_MAX];
	size_t n;
};

/* The bytes that hex stands for, in its place. */
static size_t unhex(char *hex)
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++) {
		char two[] = { hex[2 * i], hex[2 * i + 1], 0 };

		hex[i] = (char)strtoul(two, NULL, 16);
	}
	return n;
}

static int set(struct hive *h, char **p, struct err *e)
{
	size_t len = unhex(p[4]);

	return hive_set(h, p[1], p[2], (uint32_t)strtoul(p[3], NULL, 0), p[4], len, e);
}

static int run(struct hive *h, struct command *c, struct err *e)
{
	char **p = c->part;
	struct strv l = { .v = p + 3, .n = c->n > 3 ? c->n - 3 : 0 };

	if (c->n == 2 && !strcmp(p[0], "make"))
		return hive_make_key(h, p[1], e);
	if (c->n == 2 && !strcmp(p[0], "remove"))
		return hive_remove_key(h, p[1], e);
	if (c->n == 3 && !strcmp(p[0], "unset"))
		return hive_unset(h, p[1], p[2], e);
	if (c->n == 5 && !strcmp(p[0], "set"))
		return set(h, p, e);
	if (c->n == 4 && !strcmp(p[0], "dword"))
		return hive_set_dword(h, p[1], p[2], (uint32_t)strtoul(p[3], NULL, 0), e);
	if (c->n == 5 && !strcmp(p[0], "string"))
		return hive_set_string(h, p[1], p[2], (uint32_t)strtoul(p[3], NULL, 0), p[4], e);
	if (c->n >= 3 && !strcmp(p[0], "strings"))
		return hive_set_strings(h, p[1], p[2], &l, e);
	if (c->n == 4 && !strcmp(p[0], "append"))
		return hive_strings_append(h, p[1], p[2], p[3], e);
	if (c->n == 4 && !strcmp(p[0], "drop"))
		return hive_strings_drop(h, p[1], p[2], p[3], e);
	return err_set(e, ERR_USAGE, "%s with %zu parts is no command", p[0], c->n);
}

static int run_all(struct hive *h, FILE *from, struct err *e)
{
	char *line = NULL, *rest;
	size_t room = 0;
	int rc = 0;

	while (!rc && getline(&line, &room, from) > 0) {
		struct command c = { .n = 0 };

		line[strcspn(line, "\n")] = 0;
		rest = line;
		while (c.n < PARTS_MAX && rest)
			c.part[c.n++] = strsep(&rest, "\t");
		rc = run(h, &c, e);
	}
	free(line);
	return rc;
}

static int save(struct hive *h, const char *path, struct err *e)
{
	static char buf[1 << 16];
	FILE *f;
	ssize_t n;
	int fd, rc = hive_save(h, &fd, e);

	if (rc)
		return rc;
	f = fopen(path, "wb");
	if (!f)
		abort();
	while ((n = read(fd, buf, sizeof buf)) > 0)
		if (fwrite(buf, 1, (size_t)n, f) != (size_t)n)
			abort();
	close(fd);
	if (fclose(f))
		abort();
	return 0;
}

int main(int argc, char **argv)
{
	int even_dirty = argc > 1 && !strcmp(argv[1], "--even-dirty"), rc;
	struct hive *h = NULL;
	struct root *root = NULL;
	struct tree *t = NULL;
	struct err e;

	argv += even_dirty;
	if (argc - even_dirty != 4)
		return 2;
	rc = root_open(argv[1], &root, &e);
	if (!rc)
		rc = tree_of_root(root, &t, &e);
	if (!rc)
		rc = hive_open_edit(t, argv[2], even_dirty, &h, &e);
	if (!rc)
		rc = run_all(h, stdin, &e);
	if (!rc)
		rc = save(h, argv[3], &e);
	for (size_t i = 0; !rc && i < hive_changes(h)->n; i++)
		puts(hive_changes(h)->v[i]);
	hive_close(h);
	tree_close(t);
	root_close(root);
	if (rc)
		fprintf(stderr, "hiveedit: %s\n", e.msg);
	return rc ? err_exit_status(rc) : 0;
}
