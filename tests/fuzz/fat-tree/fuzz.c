/* fuzz fat-tree: a FAT volume (../sparse.h) is walked: every name that a directory
 * lists is looked up, every file read and asked for its place, three levels deep.
 * What is read byte by byte and what lies at the place told must be the same. */
#include <stdio.h>
#include "common/cleanup.h"
#include "drivers-inject/budget.h"
#include "drivers-inject/tree.h"
#include "tests/fuzz/sparse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at_file(struct tree *t, const struct tree_node *n)
{
	uint8_t a[600], b[600];
	uint64_t off = n->size / 2, at, len;
	struct err e = { 0 };

	if (!n->size || tree_where(t, n, off, &at, &len, &e))
		return;
	if (!len || len > n->size - off || at > t->dev->size)
		abort();
	len = len < sizeof a ? len : sizeof a;
	if (tree_read(t, n, off, a, (size_t)len, &e) || dev_read(t->dev, at, b, (size_t)len, &e))
		return;
	if (memcmp(a, b, (size_t)len))
		abort();
}

static void walk(struct tree *t, const char *dir, int depth)
{
	struct strv names = { 0 };
	struct err e = { 0 };

	if (tree_list(t, dir, &names, &e)) {
		if (!e.code || !*e.msg)
			abort();
		return;
	}
	for (size_t i = 0; i < names.n && i < 40; i++) {
		char path[4096];
		struct tree_node n;

		snprintf(path, sizeof path, "%.2000s/%.1000s", dir, names.v[i]);
		if (tree_find(t, path, &n, NULL))
			continue;
		if (n.type == TREE_FILE)
			look_at_file(t, &n);
		else if (depth)
			walk(t, path, depth - 1);
	}
	strv_done(&names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len;
	uint8_t *disk = sparse_load(data, size, &len);
	struct blkdev *m, *d;
	struct tree *t;
	struct err e = { 0 };

	if (!disk)
		return 0;
	if (dev_mem(disk, len, 0, &m, &e) || budget_open(m, 64 << 20, 200000, &d, &e))
		abort();
	if (!tree_fat.open(d, &t, &e)) {
		walk(t, "", 2);
		tree_close(t);
	} else if (!e.code || !*e.msg) {
		abort();
	}
	dev_close(d);
	dev_close(m);
	sparse_free(disk, len);
	return 0;
}
