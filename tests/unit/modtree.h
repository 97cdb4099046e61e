/* modtree.h: a guest's module directory in the test's working directory. */
#ifndef REHOST_TEST_MODTREE_H
#define REHOST_TEST_MODTREE_H
#include "drivers-inject/linux/modules-private.h"
#include "tests/unit/faketree.h"

#define MODDIR "/lib/modules/6.1.0-56-amd64"

/* One of its files; text NULL: removed */
static inline void modtree_file(const char *name, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "guest" MODDIR "/%s", name);
	if (text)
		tree_text(path, text);
	else
		unlink(path);
}

/* modules.dep and an (empty) file for each module in it. */
static inline void modtree_dep(const char *dep)
{
	char *copy = strdup(dep), *rest = copy, *line;

	assert(copy);
	modtree_file("modules.dep", dep);
	while ((line = strsep(&rest, "\n"))) {
		char *colon = strchr(line, ':');

		if (!colon || *line == '/' || strstr(line, ".."))
			continue;
		*colon = 0;
		modtree_file(line, "");
	}
	free(copy);
}

static inline void modtree_open(struct root **root, struct modules **m)
{
	struct err e = { 0 };
	int r = root_open("guest", root, &e);

	if (!r)
		r = modules_open(*root, MODDIR, m, &e);
	if (r)
		fprintf(stderr, "%s\n", e.msg);
	assert(!r);
}

/* A list as "a b c"; l is emptied. */
static inline const char *joined(struct strv *l)
{
	static char text[4096];

	*text = 0;
	for (size_t i = 0; i < l->n; i++) {
		strcat(text, i ? " " : "");
		strcat(text, l->v[i]);
	}
	strv_done(l);
	return text;
}
#endif
