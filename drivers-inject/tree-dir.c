/* tree-dir.c: the tree of a guest that is mounted at a directory, so that the
 * detection works there too.  A node's number is that of its path in a list;
 * paths have no links in them, since tree.c follows those itself. */
#include "drivers-inject/tree-dir.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/cleanup.h"

struct dir_tree {
	struct tree t;
	struct blkdev none;     /* messages want a name                      */
	struct root *root;      /* the caller's                              */
	struct strv paths;
};

static int dir_node(struct dir_tree *x, const char *path, struct tree_node *ret, struct err *e)
{
	struct stat st;
	int rc = root_lstat(x->root, path, &st, e);

	if (rc)
		return rc;
	if (strv_add(&x->paths, path))
		return err_set(e, ERR_NOMEM, "out of memory");
	ret->id = x->paths.n - 1;
	ret->size = (uint64_t)st.st_size;
	ret->type = S_ISDIR(st.st_mode) ? TREE_DIR : S_ISREG(st.st_mode) ? TREE_FILE :
		    S_ISLNK(st.st_mode) ? TREE_LINK : TREE_OTHER;
	return 0;
}

static int dir_root(struct tree *t, struct tree_node *ret, struct err *e)
{
	return dir_node((struct dir_tree *)t, "/", ret, e);
}

static int dir_lookup(struct tree *t, const struct tree_node *dir, const char *name,
		      struct tree_node *ret, struct err *e)
{
	struct dir_tree *x = (struct dir_tree *)t;
	const char *up = x->paths.v[dir->id];
	char path[PATH_MAX];

	if (snprintf(path, sizeof path, "%s/%s", strcmp(up, "/") ? up : "", name) >= PATH_MAX)
		return err_set(e, ERR_CORRUPT, "%.200s...: the path is too long", name);
	return dir_node(x, path, ret, e);
}

static int dir_read(struct tree *t, const struct tree_node *n, uint64_t off, void *buf,
		    size_t len, struct err *e)
{
	struct dir_tree *x = (struct dir_tree *)t;
	const char *path = x->paths.v[n->id];
	cleanup_close int fd = -1;
	char target[PATH_MAX];
	int rc;

	if (n->type == TREE_LINK) {
		rc = root_readlink(x->root, path, target, e);
		if (!rc && off + len > strlen(target))
			rc = err_set(e, ERR_IO, "%s: changed while it was read", path);
		if (!rc)
			memcpy(buf, target + off, len);
		return rc;
	}
	rc = root_fd(x->root, path, O_RDONLY | O_NOFOLLOW, 0, &fd, e);
	if (!rc && pread(fd, buf, len, (off_t)off) != (ssize_t)len)
		rc = err_set(e, ERR_IO, "%s: could not be read at offset %llu", path,
			     (unsigned long long)off);
	return rc;
}

static int dir_list(struct tree *t, const struct tree_node *dir, struct strv *out, struct err *e)
{
	struct dir_tree *x = (struct dir_tree *)t;
	struct strv names = { 0 };
	int rc = root_list(x->root, x->paths.v[dir->id], &names, e);

	for (size_t i = 0; !rc && i < names.n && i < TREE_LIST_MAX; i++)
		if (strv_add(out, names.v[i]))
			rc = err_set(e, ERR_NOMEM, "out of memory");
	strv_done(&names);
	return rc;
}

static void dir_close(struct tree *t)
{
	strv_done(&((struct dir_tree *)t)->paths);
	free(t);
}

static const struct tree_ops tree_dir = {
	.name = "dir", .root = dir_root, .lookup = dir_lookup, .read = dir_read,
	.list = dir_list, .close = dir_close,
};

int tree_of_root(struct root *r, struct tree **ret, struct err *e)
{
	struct dir_tree *x = calloc(1, sizeof *x);

	if (!x)
		return err_set(e, ERR_NOMEM, "out of memory");
	x->none.name = (char *)root_dir(r);
	x->t.ops = &tree_dir;
	x->t.dev = &x->none;
	x->root = r;
	*ret = &x->t;
	return 0;
}
