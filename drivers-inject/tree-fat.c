/* tree-fat.c: the files of a FAT volume: an EFI system partition. */
#include "drivers-inject/tree.h"
#include <stdlib.h>
#include "imager/fs/fatfile.h"
#include "imager/fs/fsread.h"

struct fat_tree {
	struct tree t;
	struct fat f;
};

static const struct fat *fat_of(const struct tree *t)
{
	return &((const struct fat_tree *)t)->f;
}

static int ft_open(struct blkdev *d, struct tree **ret, struct err *e)
{
	struct fat_tree *x = calloc(1, sizeof *x);
	int r;

	if (!x)
		return err_set(e, ERR_NOMEM, "out of memory");
	r = fat_load(d, &x->f, NULL, e);
	if (r == FS_NOT_MINE)
		r = err_set(e, ERR_NOT_FOUND, "%s: no FAT", d->name);
	if (!r && x->f.sectors * x->f.sector_size > d->size)
		r = err_set(e, ERR_CORRUPT, "%s: its FAT is larger than the partition", d->name);
	if (r) {
		free(x);
		return r;
	}
	x->t.ops = &tree_fat;
	x->t.dev = d;
	x->t.dirty = fat_dirty(&x->f);
	*ret = &x->t;
	return 0;
}

static void ft_close(struct tree *t)
{
	free(t);
}

/* A file is found again by its first cluster and size; an empty one has neither. */
static struct tree_node node_of(const struct fat_file *f)
{
	return (struct tree_node){ f->cluster, f->dir ? 0 : f->size, f->dir ? TREE_DIR : TREE_FILE };
}

static struct fat_file file_of(const struct tree_node *n)
{
	return (struct fat_file){ (uint32_t)n->id, (uint32_t)n->size, n->type == TREE_DIR };
}

static int ft_root(struct tree *t, struct tree_node *ret, struct err *e)
{
	struct fat_file f;

	(void)e;
	fatfile_root(fat_of(t), &f);
	*ret = node_of(&f);
	return 0;
}

static int ft_lookup(struct tree *t, const struct tree_node *dir, const char *name,
		     struct tree_node *ret, struct err *e)
{
	struct fat_file d = file_of(dir), f;
	int r = fatfile_lookup(fat_of(t), &d, name, &f, e);

	if (!r)
		*ret = node_of(&f);
	return r;
}

static int ft_read(struct tree *t, const struct tree_node *n, uint64_t off, void *buf,
		   size_t len, struct err *e)
{
	struct fat_file f = file_of(n);

	return fatfile_read(fat_of(t), &f, off, buf, len, e);
}

static int ft_where(struct tree *t, const struct tree_node *n, uint64_t off, uint64_t *ret_at,
		    uint64_t *ret_len, struct err *e)
{
	struct fat_file f = file_of(n);

	return fatfile_where(fat_of(t), &f, off, ret_at, ret_len, e);
}

struct lister {
	struct strv *out;
	int failed;             /* no memory */
};

static int list_one(void *ctx, const char *name)
{
	struct lister *l = ctx;

	l->failed = strv_add(l->out, name) != 0;
	return l->failed || l->out->n == TREE_LIST_MAX;
}

static int ft_list(struct tree *t, const struct tree_node *dir, struct strv *out, struct err *e)
{
	struct fat_file d = file_of(dir);
	struct lister l = { .out = out };
	int r = fatfile_names(fat_of(t), &d, list_one, &l, e);

	return l.failed ? err_set(e, ERR_NOMEM, "out of memory") : r;
}

const struct tree_ops tree_fat = {
	.name = "fat",
	.open = ft_open,
	.root = ft_root,
	.lookup = ft_lookup,
	.read = ft_read,
	.where = ft_where,
	.list = ft_list,
	.close = ft_close,
};
