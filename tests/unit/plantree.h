/* plantree.h: a guest's tree made of a few text files, planners run over it, and
 * the plan put into the tree (far simpler than apply does it). */
#ifndef REHOST_TEST_PLANTREE_H
#define REHOST_TEST_PLANTREE_H
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "common/json.h"
#include "drivers-inject/linux/linux.h"

struct plantree {
	char dir[64];
	struct root *root;
	struct volumes volumes;
	struct lin lin;
	struct lin_wishes wishes;
	struct hw target, old;
	struct plan *plan;
	struct err e;
};

static inline void tree_parents(const char *path)
{
	char dir[4096];

	snprintf(dir, sizeof dir, "%s", path);
	for (char *s = strchr(dir + 1, '/'); s; s = strchr(s + 1, '/')) {
		*s = 0;
		if (mkdir(dir, 0755) && errno != EEXIST)
			fail_msg("%s: %s", dir, strerror(errno));
		*s = '/';
	}
}

static inline void tree_put_bytes(struct plantree *t, const char *path, const void *bytes, size_t n)
{
	char full[4096];
	FILE *f;

	snprintf(full, sizeof full, "%s%s", t->dir, path);
	tree_parents(full);
	f = fopen(full, "w");
	if (!f || fwrite(bytes, 1, n, f) != n || fclose(f))
		fail_msg("%s: %s", full, strerror(errno));
}

static inline void tree_put(struct plantree *t, const char *path, const char *text)
{
	tree_put_bytes(t, path, text, strlen(text));
}

static inline void tree_link(struct plantree *t, const char *path, const char *target)
{
	char full[4096];

	snprintf(full, sizeof full, "%s%s", t->dir, path);
	tree_parents(full);
	unlink(full);
	if (symlink(target, full))
		fail_msg("%s: %s", full, strerror(errno));
}

/* Of docs/INTERFACES.md; the first volume that is mounted at "/" is root. */
static inline void tree_volumes(struct plantree *t, const char *json)
{
	struct json_object *o = NULL;

	volumes_done(&t->volumes);
	if (json_parse(json, strlen(json), &o, &t->e) ||
	    volumes_from_json(o, &t->volumes, &t->e))
		fail_msg("%s", t->e.msg);
	json_object_put(o);
	t->lin.root_volume = t->lin.boot_volume = t->lin.esp_volume = NULL;
	for (size_t i = 0; i < t->volumes.n; i++) {
		const struct volume *v = &t->volumes.v[i];

		if (!strcmp(v->mounted, "/"))
			t->lin.root_volume = v;
		if (!strcmp(v->mounted, "/boot"))
			t->lin.boot_volume = v;
		if (!strcmp(v->mounted, "/boot/efi") || !strcmp(v->mounted, "/efi"))
			t->lin.esp_volume = v;
	}
	if (!t->lin.boot_volume)
		t->lin.boot_volume = t->lin.root_volume;
}

static inline void tree_new(struct plantree *t)
{
	memset(t, 0, sizeof *t);
	strcpy(t->dir, "/tmp/rehost-test-XXXXXX");
	assert_non_null(mkdtemp(t->dir));
	if (root_open(t->dir, &t->root, &t->e))
		fail_msg("%s", t->e.msg);
	t->lin.root = t->root;
	t->lin.volumes = &t->volumes;
	t->wishes.target = &t->target;
	strcpy(t->target.name, "kvm");
}

static inline void tree_free(struct plantree *t)
{
	char command[128];

	snprintf(command, sizeof command, "rm -rf %s", t->dir);
	t->plan = plan_free(t->plan);
	t->root = root_close(t->root);
	volumes_done(&t->volumes);
	free(t->lin.kernel);
	free(t->target.nic);
	free(t->old.nic);
	strv_done(&t->wishes.nics);
	assert_int_equal(system(command), 0);
}

static inline void tree_show(struct plantree *t)
{
	plan_print(t->plan, stderr);
}

/* planner is NULL at the end */
static inline void tree_plan(struct plantree *t, lin_planner *first, ...)
{
	lin_planner *f = first;
	va_list ap;

	plan_free(t->plan);
	t->plan = plan_new(t->root);
	va_start(ap, first);
	for (; f; f = va_arg(ap, lin_planner *))
		if (f(&t->lin, &t->wishes, t->plan, &t->e))
			fail_msg("%s", t->e.msg);
	va_end(ap);
}

static inline void tree_apply(struct plantree *t)
{
	for (size_t i = 0; i < t->plan->n; i++) {
		struct edit *d = &t->plan->v[i];
		char full[4096];

		snprintf(full, sizeof full, "%s%s", t->dir, d->path);
		assert_true(d->reasons.n > 0);
		if (d->kind == EDIT_WRITE)
			tree_put_bytes(t, d->path, d->data, d->len);
		else if (d->kind == EDIT_REMOVE)
			assert_int_equal(unlink(full), 0);
		else if (d->kind == EDIT_LINK)
			tree_link(t, d->path, d->data);
		else
			fail_msg("%s: an edit of kind %d", d->path, (int)d->kind);
	}
}

/* The file is exactly this; NULL: it isn't there. */
static inline void tree_is(struct plantree *t, const char *path, const char *want)
{
	char *text = NULL;
	int r = root_read(t->root, path, 16u << 20, &text, NULL, NULL);

	if (!want && r != ERR_NOT_FOUND)
		fail_msg("%s is there:\n%s", path, text);
	if (want && r)
		fail_msg("%s is not there", path);
	if (want && strcmp(text, want))
		fail_msg("%s is\n%s\ninstead of\n%s", path, text, want);
	free(text);
}

/* Plans, applies, and plans again: nothing may be left to do. */
#define tree_run(t, ...) do { \
	tree_plan(t, __VA_ARGS__, NULL); \
	tree_apply(t); \
	tree_plan_again(t, __VA_ARGS__, NULL); \
} while (0)

/* The first plan's sentences stay for tree_says. */
static inline void tree_plan_again(struct plantree *t, lin_planner *first, ...)
{
	struct plan *p = plan_new(t->root);
	lin_planner *f = first;
	va_list ap;

	va_start(ap, first);
	for (; f; f = va_arg(ap, lin_planner *))
		if (f(&t->lin, &t->wishes, p, &t->e))
			fail_msg("%s", t->e.msg);
	va_end(ap);
	if (p->n) {
		plan_print(p, stderr);
		fail_msg("the second plan has %zu edits, the first %s", p->n, p->v[0].path);
	}
	plan_free(p);
}

static inline int strv_says(const struct strv *l, const char *text)
{
	for (size_t i = 0; i < l->n; i++)
		if (strstr(l->v[i], text))
			return 1;
	return 0;
}

/* Some sentence of that list holds text. */
#define tree_says(t, list, text) do { \
	if (!strv_says(&(t)->plan->list, text)) { \
		tree_show(t); \
		fail_msg("no sentence in " #list " with: %s", text); \
	} \
} while (0)
#define tree_silent(t, list) do { \
	if ((t)->plan->list.n) { \
		tree_show(t); \
		fail_msg("there are " #list); \
	} \
} while (0)
#endif
