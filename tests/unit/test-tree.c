/* test-tree: paths in a guest's files, over a file system made of a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "drivers-inject/tree.h"

/* Every file by its whole path; a link has its target as text. */
static const struct file {
	const char *path;
	enum tree_type type;
	const char *text;
} files[] = {
	{ "", TREE_DIR, "" },
	{ "/etc", TREE_DIR, "" },
	{ "/etc/os-release", TREE_LINK, "../usr/lib/os-release" },
	{ "/etc/absolute", TREE_LINK, "/usr/lib/os-release" },
	{ "/etc/escape", TREE_LINK, "../../../../usr/lib/os-release" },
	{ "/etc/loop", TREE_LINK, "loop" },
	{ "/etc/a", TREE_LINK, "b" },
	{ "/etc/b", TREE_LINK, "a" },
	{ "/etc/empty", TREE_LINK, "" },
	{ "/etc/nowhere", TREE_LINK, "/none/here" },
	{ "/etc/host", TREE_LINK, "/proc/self/root/etc/passwd" },
	{ "/etc/down", TREE_LINK, "." },
	{ "/lib", TREE_LINK, "usr/lib" },
	{ "/usr", TREE_DIR, "" },
	{ "/usr/lib", TREE_DIR, "" },
	{ "/usr/lib/os-release", TREE_FILE, "ID=debian\n" },
	{ "/usr/lib/dev", TREE_OTHER, "" },
};
#define N (sizeof files / sizeof *files)

static int node(size_t i, struct tree_node *ret)
{
	ret->id = i;
	ret->type = files[i].type;
	ret->size = strlen(files[i].text);
	return 0;
}

static int fake_root(struct tree *t, struct tree_node *ret, struct err *e)
{
	(void)t, (void)e;
	return node(0, ret);
}

static int fake_lookup(struct tree *t, const struct tree_node *dir,
		       const char *name, struct tree_node *ret, struct err *e)
{
	char path[8192];

	(void)t;
	snprintf(path, sizeof path, "%s/%s", files[dir->id].path, name);
	for (size_t i = 0; i < N; i++)
		if (!strcmp(path, files[i].path))
			return node(i, ret);
	return err_set(e, ERR_NOT_FOUND, "%s", path);
}

static int fake_read(struct tree *t, const struct tree_node *n, uint64_t off,
		     void *buf, size_t len, struct err *e)
{
	(void)t, (void)e;
	assert_true(off + len <= n->size);
	memcpy(buf, files[n->id].text + off, len);
	return 0;
}

static int fake_list(struct tree *t, const struct tree_node *dir,
		     struct strv *out, struct err *e)
{
	(void)t, (void)dir, (void)e;
	strv_add(out, "b");
	strv_add(out, "a");
	return 0;
}

static const struct tree_ops ops = {
	.name = "table", .root = fake_root, .lookup = fake_lookup,
	.read = fake_read, .list = fake_list,
};
static struct blkdev dev = { .name = (char *)"table" };
static struct tree tree = { .ops = &ops, .dev = &dev };

static void leads(const char *path, const char *to)
{
	struct tree_node n;
	struct err e = { 0 };

	if (tree_find(&tree, path, &n, &e))
		fail_msg("%s: %s", path, e.msg);
	assert_string_equal(files[n.id].path, to);
}

static void test_finds(void **state)
{
	(void)state;
	leads("/", "");
	leads("", "");
	leads("usr//lib/./os-release", "/usr/lib/os-release");
	leads("/usr/lib/", "/usr/lib");
	leads("/usr/../usr/lib/../../etc/..", "");
	leads("/etc/os-release", "/usr/lib/os-release");
	leads("/etc/absolute", "/usr/lib/os-release");
	leads("/lib/os-release", "/usr/lib/os-release");
	leads("/lib/../lib", "/usr/lib");
	leads("/etc/down/down/os-release", "/usr/lib/os-release");
}

static void test_stays_inside(void **state)
{
	(void)state;
	leads("/../../..", "");
	leads("/etc/escape", "/usr/lib/os-release");
}

static void fails(const char *path, int code)
{
	struct tree_node n = { .id = 99 };
	struct err e = { 0 };

	assert_int_equal(tree_find(&tree, path, &n, &e), code);
	assert_int_equal(e.code, code);
	assert_int_equal(n.id, 99);
}

static void test_refuses(void **state)
{
	char deep[TREE_PATH_MAX];

	(void)state;
	fails("/etc/host", ERR_NOT_FOUND);
	fails("/etc/nowhere", ERR_NOT_FOUND);
	fails("/usr/lib/os-release/x", ERR_NOT_FOUND);
	fails("/etc/loop", ERR_CORRUPT);
	fails("/etc/a", ERR_CORRUPT);
	fails("/etc/empty", ERR_CORRUPT);
	deep[0] = 0;
	for (int i = 0; i < TREE_LINKS_MAX + 1; i++)
		strcat(deep, "etc/down/../");
	fails(deep, ERR_CORRUPT);
}

static void test_reads(void **state)
{
	struct strv names = { 0 };
	char *s = NULL;
	size_t len;
	struct err e;

	(void)state;
	assert_int_equal(tree_head(&tree, "/etc/os-release", 4, &s, &len, &e),
			 0);
	assert_int_equal(len, 4);
	assert_string_equal(s, "ID=d");
	free(s);
	s = NULL;
	assert_int_equal(tree_head(&tree, "/usr/lib/dev", 4, &s, &len, &e),
			 ERR_NOT_FOUND);
	assert_int_equal(tree_head(&tree, "/usr", 4, &s, &len, &e),
			 ERR_NOT_FOUND);
	assert_null(s);
	assert_int_equal(tree_list(&tree, "/usr", &names, &e), 0);
	assert_int_equal(names.n, 2);
	assert_string_equal(names.v[0], "a");
	strv_done(&names);
	assert_int_equal(tree_list(&tree, "/usr/lib/dev", &names, &e),
			 ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds),
		cmocka_unit_test(test_stays_inside),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
