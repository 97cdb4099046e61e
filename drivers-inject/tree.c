/* tree.c: paths of a guest, resolved by hand so that no link leads out. */
#include "drivers-inject/tree.h"
#include <stdlib.h>
#include <string.h>
#include "common/checked.h"
#include "common/cleanup.h"

static const struct tree_ops *const kinds[] = { &tree_ext, &tree_ntfs, &tree_fat,
					       NULL };

int tree_open(struct blkdev *d, struct tree **ret, struct err *e)
{
	int r = err_set(e, ERR_NOT_FOUND, "%s: no file system that can be "
			"looked into", d->name);

	for (int i = 0; kinds[i] && r == ERR_NOT_FOUND; i++)
		r = kinds[i]->open(d, ret, e);
	return r;
}

struct tree *tree_close(struct tree *t)
{
	if (t)
		t->ops->close(t);
	return NULL;
}

/* Where a walk stands: the directories from the root down to here. */
struct walk {
	struct tree *t;
	struct tree_node dir[TREE_DEPTH_MAX];
	int depth;              /* dir[depth] is where it stands */
	int links;
};

static int walk_path(struct walk *w, const char *path, int follow_last,
		     struct err *e);

/* Reads a link's target and walks on from the directory that holds it. */
static int walk_link(struct walk *w, const struct tree_node *n, struct err *e)
{
	char target[TREE_PATH_MAX + 1];
	int r;

	if (++w->links > TREE_LINKS_MAX)
		return err_set(e, ERR_CORRUPT, "%s: more than %d symbolic links",
			       w->t->dev->name, TREE_LINKS_MAX);
	if (!n->size || n->size > TREE_PATH_MAX)
		return err_set(e, ERR_CORRUPT, "%s: a symbolic link of %llu "
			       "bytes", w->t->dev->name,
			       (unsigned long long)n->size);
	r = w->t->ops->read(w->t, n, 0, target, n->size, e);
	if (r)
		return r;
	target[n->size] = 0;
	return walk_path(w, target, 1, e);
}

/* One step down: `name` becomes dir[depth + 1]. */
static int walk_step(struct walk *w, const char *name, int follow,
		     struct err *e)
{
	struct tree_node n;
	int r;

	if (w->dir[w->depth].type != TREE_DIR)
		return err_set(e, ERR_NOT_FOUND, "%s: a file stands where "
			       "'%s' should lie", w->t->dev->name, name);
	if (!strcmp(name, ".."))
		w->depth -= w->depth > 0;
	if (!strcmp(name, "..") || !strcmp(name, "."))
		return 0;
	r = w->t->ops->lookup(w->t, &w->dir[w->depth], name, &n, e);
	if (r)
		return r;
	if (n.type == TREE_LINK && follow)
		return walk_link(w, &n, e);
	if (w->depth + 1 == TREE_DEPTH_MAX)
		return err_set(e, ERR_CORRUPT, "%s: more than %d directories "
			       "deep", w->t->dev->name, TREE_DEPTH_MAX);
	w->dir[++w->depth] = n;
	return 0;
}

/* Walks path from where w stands (from the root when it begins with "/"). */
static int walk_path(struct walk *w, const char *path, int follow_last,
		     struct err *e)
{
	cleanup_free char *copy = strdup(path);
	char *rest = copy, *name;

	if (!copy)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (*path == '/')
		w->depth = 0;
	while ((name = strsep(&rest, "/"))) {
		int last = !rest || !rest[strspn(rest, "/")];
		int r = *name ? walk_step(w, name, !last || follow_last, e) : 0;

		if (r)
			return r;
	}
	return 0;
}

int tree_find(struct tree *t, const char *path, struct tree_node *ret,
	      struct err *e)
{
	struct walk w = { .t = t };
	int r = t->ops->root(t, &w.dir[0], e);

	if (!r)
		r = walk_path(&w, path, 1, e);
	if (!r)
		*ret = w.dir[w.depth];
	return r;
}

int tree_has(struct tree *t, const char *path, enum tree_type type)
{
	struct tree_node n;

	return !tree_find(t, path, &n, NULL) && n.type == type;
}

int tree_list(struct tree *t, const char *path, struct strv *ret,
	      struct err *e)
{
	struct strv out = { 0 };
	struct tree_node n;
	int r = tree_find(t, path, &n, e);

	if (!r && n.type != TREE_DIR)
		r = err_set(e, ERR_NOT_FOUND, "%s: %s is not a directory",
			    t->dev->name, path);
	if (!r)
		r = t->ops->list(t, &n, &out, e);
	if (r) {
		strv_done(&out);
		return r;
	}
	strv_sort(&out);
	*ret = out;
	return 0;
}

int tree_read(struct tree *t, const struct tree_node *n, uint64_t off,
	      void *buf, size_t len, struct err *e)
{
	if (n->type != TREE_FILE || range_outside(off, len, n->size))
		return err_set(e, ERR_CORRUPT, "%s: a read outside a file",
			       t->dev->name);
	return len ? t->ops->read(t, n, off, buf, len, e) : 0;
}

int tree_where(struct tree *t, const struct tree_node *n, uint64_t off, uint64_t *ret_at,
	       uint64_t *ret_len, struct err *e)
{
	if (n->type != TREE_FILE || off >= n->size)
		return err_set(e, ERR_CORRUPT, "%s: a place outside a file", t->dev->name);
	if (!t->ops->where)
		return err_set(e, ERR_UNSUPPORTED, "%s: where a file lies is not known of this "
			       "file system", t->dev->name);
	return t->ops->where(t, n, off, ret_at, ret_len, e);
}

int tree_head(struct tree *t, const char *path, size_t max, char **ret,
	      size_t *ret_len, struct err *e)
{
	cleanup_free char *buf = NULL;
	struct tree_node n;
	int r = tree_find(t, path, &n, e);
	size_t len;

	if (r)
		return r;
	if (n.type != TREE_FILE)
		return err_set(e, ERR_NOT_FOUND, "%s: %s is not a regular file",
			       t->dev->name, path);
	len = n.size < max ? n.size : max;
	buf = malloc(len + 1);
	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory");
	r = tree_read(t, &n, 0, buf, len, e);
	if (r)
		return r;
	buf[len] = 0;
	*ret = buf;
	buf = NULL;
	if (ret_len)
		*ret_len = len;
	return 0;
}
