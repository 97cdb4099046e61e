/* initrd-tree.c: the file tree that the kernel's init/initramfs.c would make of
 * an archive's entries, in their order: what is found in the way of a name and
 * is of another type is removed first, and a name's directory must be there. */
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "drivers-inject/linux/initrd-int.h"

/* The first name of a file that may have several; the others are its links. */
struct hardlink {
	uint32_t ino, major, minor;
	mode_t type;
	char path[];
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct dent *)a)->name, ((const struct dent *)b)->name);
}

static int by_file(const void *a, const void *b)
{
	const struct hardlink *x = a, *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	if (x->major != y->major)
		return x->major < y->major ? -1 : 1;
	if (x->minor != y->minor)
		return x->minor < y->minor ? -1 : 1;
	return x->type < y->type ? -1 : x->type > y->type;
}

static struct inode *new_inode(struct tree *t, mode_t mode)
{
	struct inode *n = calloc(1, sizeof *n);

	if (!n)
		return NULL;
	n->mode = mode;
	n->stream = -1;
	n->older = t->all;
	t->all = n;
	return n;
}

int tree_start(struct tree *t, struct err *e)
{
	t->root = new_inode(t, S_IFDIR | 0755);
	if (!t->root)
		return err_set(e, ERR_NOMEM, "out of memory for an initramfs");
	t->root->parent = t->root;
	return 0;
}

void tree_done(struct tree *t)
{
	tree_trailer(t);
	while (t->all) {
		struct inode *n = t->all;

		t->all = n->older;
		tdestroy(n->names, free);
		free(n->text);
		free(n);
	}
	t->root = NULL;
}

void tree_trailer(struct tree *t)
{
	tdestroy(t->links, free);
	t->links = NULL;
}

static struct dent *lookup(const struct inode *dir, const char *name)
{
	struct dent key = { .name = name };
	void *at = tfind(&key, &dir->names, by_name);

	return at ? *(struct dent **)at : NULL;
}

/* ---- paths ---- */
struct walk {
	struct inode *dir;      /* where it stands, in the end: the last
				 * component's directory; NULL: there is none */
	char last[NAME_MAX + 1];/* that component; "": the root              */
	char path[PATH_MAX];    /* of dir, without links                     */
	char rest[2 * PATH_MAX];/* still to go                               */
	int links;
};

static int push(struct walk *w, const char *name)
{
	size_t n = strlen(w->path);

	return snprintf(w->path + n, sizeof w->path - n, "%s%s", n ? "/" : "", name) <
	       (int)(sizeof w->path - n);
}

static void up(struct walk *w)
{
	char *slash = strrchr(w->path, '/');

	w->dir = w->dir->parent;
	*(slash ? slash : w->path) = 0;
}

/* Puts a link's target in front of the rest. */
static int enter_link(struct walk *w, const struct inode *root, const struct inode *link,
		      const char *rest)
{
	char path[2 * PATH_MAX];

	if (++w->links > INITRD_LINKS_MAX ||
	    snprintf(path, sizeof path, "%s/%s", link->text, rest) >= PATH_MAX)
		return 0;
	memcpy(w->rest, path, strlen(path) + 1);
	if (*link->text == '/') {
		w->dir = (struct inode *)root;
		*w->path = 0;
	}
	return 1;
}

/* Takes the next component off the rest into w->last; *ret_rest: what follows. */
static int next_name(struct walk *w, char **ret_rest)
{
	char *p = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(p, "/");

	if (n > NAME_MAX)
		return 0;
	memcpy(w->last, p, n);
	w->last[n] = 0;
	*ret_rest = p + n + strspn(p + n, "/");
	return 1;
}

static struct inode *no_dir(struct walk *w)
{
	w->dir = NULL;
	return NULL;
}

static struct inode *walk_tree(const struct tree *t, const char *path, int follow,
			       struct walk *w)
{
	char *rest;

	w->dir = t->root;
	w->links = 0;
	*w->path = 0;
	if (snprintf(w->rest, sizeof w->rest, "%s", path) >= PATH_MAX)
		return no_dir(w);
	while (next_name(w, &rest)) {
		struct dent *d = NULL;
		int dots = !strcmp(w->last, ".") ? 1 : !strcmp(w->last, "..") ? 2 : 0;

		if (!*w->last)
			return w->dir;
		if (dots == 2)
			up(w);
		else if (!dots)
			d = lookup(w->dir, w->last);
		if (d && S_ISLNK(d->node->mode) && (*rest || follow)) {
			if (!enter_link(w, t->root, d->node, rest))
				break;
			continue;
		}
		if (!dots && !*rest)
			return d ? d->node : NULL;
		if (!dots && (!d || !S_ISDIR(d->node->mode) || !push(w, w->last)))
			break;
		if (d)
			w->dir = d->node;
		memmove(w->rest, rest, strlen(rest) + 1);
	}
	return no_dir(w);
}

struct inode *tree_walk(const struct tree *t, const char *path, int follow, char *ret_path)
{
	struct walk w;
	struct inode *n = walk_tree(t, path, follow, &w);

	if (ret_path)
		*ret_path = 0;
	if (ret_path && w.dir && (!*w.last || push(&w, w.last)))
		memcpy(ret_path, w.path, strlen(w.path) + 1);
	return n;
}

/* ---- entries ---- */
static int count(struct tree *t, size_t bytes, struct err *e)
{
	t->name_bytes += bytes;
	if (t->name_bytes > INITRD_NAMES_MAX)
		return err_set(e, ERR_UNSUPPORTED, "an initramfs with more than %u MiB of "
			       "names is not read", INITRD_NAMES_MAX >> 20);
	return 0;
}

static int add_name(struct tree *t, struct walk *w, struct inode *n, struct err *e)
{
	size_t len = strlen(w->last) + 1;
	struct dent *d = malloc(sizeof *d + len);
	int r = count(t, len, e);

	if (!d || r) {
		free(d);
		return r ? r : err_set(e, ERR_NOMEM, "out of memory for an initramfs");
	}
	memcpy(d->text, w->last, len);
	d->name = d->text;
	d->node = n;
	if (!tsearch(d, &w->dir->names, by_name)) {
		free(d);
		return err_set(e, ERR_NOMEM, "out of memory for an initramfs");
	}
	return 0;
}

static int add_new(struct tree *t, struct walk *w, const struct cpio_found *f,
		   struct inode **ret, struct err *e)
{
	struct inode *n = new_inode(t, f->en.mode);

	if (!n)
		return err_set(e, ERR_NOMEM, "out of memory for an initramfs");
	n->parent = w->dir;
	n->depth = w->dir->depth + 1;
	if (n->depth > INITRD_DEPTH_MAX)
		return err_set(e, ERR_UNSUPPORTED, "an initramfs with directories more than "
			       "%d deep is not read", INITRD_DEPTH_MAX);
	*ret = n;
	return add_name(t, w, n, e);
}

/* clean_path(): removes what stands under `path` (*n, where w stands) and is of
 * another type, unless it is a directory with something in it; then looks again,
 * since the path may have led through what was removed.  type 0: of any type.
 * 0: the name can't be made any more. */
static int clean(const struct tree *t, struct walk *w, const char *path, struct inode **n,
		 mode_t type)
{
	struct dent key = { .name = w->last }, *d;

	if (!*n || !(((*n)->mode ^ type) & S_IFMT) || (S_ISDIR((*n)->mode) && (*n)->names))
		return 1;
	d = lookup(w->dir, w->last);
	tdelete(&key, &w->dir->names, by_name);
	free(d);
	*n = walk_tree(t, path, 0, w);
	return w->dir && *w->last;
}

/* find_link(): the first name of the file that f is a name of too, NULL: f is the
 * first, or has no other.  It counts even where nothing could be made of it. */
static int find_first(struct tree *t, const struct cpio_found *f, const char **ret,
		      struct err *e)
{
	size_t len = strlen(f->en.name) + 1;
	struct hardlink *h, **found;
	int r;

	if (f->en.nlink < 2)
		return 0;
	r = count(t, len, e);
	h = r ? NULL : malloc(sizeof *h + len);
	if (!h)
		return r ? r : err_set(e, ERR_NOMEM, "out of memory for an initramfs");
	*h = (struct hardlink){ f->en.ino, f->dev_major, f->dev_minor, f->en.mode & S_IFMT };
	memcpy(h->path, f->en.name, len);
	found = tsearch(h, &t->links, by_file);
	if (found && *found == h)
		return 0;
	free(h);
	if (!found)
		return err_set(e, ERR_NOMEM, "out of memory for an initramfs");
	*ret = (*found)->path;
	return 0;
}

/* init_link(): makes the name a link to `first`; *n: to what, NULL: it can't be. */
static int link_to(struct tree *t, struct walk *w, const char *name, const char *first,
		   struct inode **n, struct err *e)
{
	int possible = clean(t, w, name, n, 0) && !*n;

	*n = possible ? tree_walk(t, first, 0, NULL) : NULL;
	if (*n && S_ISDIR((*n)->mode))
		*n = NULL;
	return *n ? add_name(t, w, *n, e) : 0;
}

static void set_data(struct tree *t, struct inode *n, const struct cpio_found *f, int stream)
{
	t->kept -= n->kept;
	free(n->text);
	n->text = NULL;
	n->kept = 0;
	n->size = f->en.size;
	n->stream = stream;
	n->at = f->data_at;
}

static int apply_file(struct tree *t, struct walk *w, struct inode *n, const char *first,
		      const struct cpio_found *f, int stream, struct inode **ret_file,
		      struct err *e)
{
	int r = first ? link_to(t, w, f->en.name, first, &n, e) : 0;

	if (r || (first && !n))
		return r;
	/* the first name may mean a symbolic link by now: opening goes through it */
	if (first && S_ISLNK(n->mode)) {
		n = walk_tree(t, f->en.name, 1, w);
		if (!w->dir || !*w->last)
			return 0;
	}
	if (n && !S_ISREG(n->mode))
		return 0;
	if (!n)
		r = add_new(t, w, f, &n, e);
	if (r)
		return r;
	n->mode = f->en.mode;
	/* a further name without data leaves what the file holds */
	if (!first || f->en.size) {
		set_data(t, n, f, stream);
		*ret_file = n;
	}
	return 0;
}

static int apply_link(struct tree *t, struct walk *w, struct inode *n,
		      const struct cpio_found *f, struct err *e)
{
	int r;

	if (n || !*f->target)
		return 0;
	r = add_new(t, w, f, &n, e);
	if (!r)
		r = count(t, strlen(f->target) + 1, e);
	if (r)
		return r;
	n->mode = S_IFLNK | 0777;
	n->size = strlen(f->target);
	n->text = strdup(f->target);
	return n->text ? 0 : err_set(e, ERR_NOMEM, "out of memory for an initramfs");
}

static int apply_other(struct tree *t, struct walk *w, struct inode *n, const char *first,
		       const struct cpio_found *f, struct err *e)
{
	if (first)
		return link_to(t, w, f->en.name, first, &n, e);
	/* a directory that could not be made way gets the mode all the same */
	if (n)
		n->mode = (n->mode & S_IFMT) | (f->en.mode & 07777);
	return n ? 0 : add_new(t, w, f, &n, e);
}

int tree_apply(struct tree *t, const struct cpio_found *f, int stream,
	       struct inode **ret_file, struct err *e)
{
	mode_t type = f->en.mode & S_IFMT;
	const char *first = NULL;
	struct walk w;
	struct inode *n;
	int r = 0;

	*ret_file = NULL;
	if (++t->entries > INITRD_ENTRIES_MAX)
		return err_set(e, ERR_UNSUPPORTED, "an initramfs with more than %u entries "
			       "is not read", INITRD_ENTRIES_MAX);
	if (type != S_IFDIR && type != S_IFLNK && type)
		r = find_first(t, f, &first, e);
	if (r)
		return r;
	n = walk_tree(t, f->en.name, 0, &w);
	if (!w.dir || !*w.last) {
		if (n == t->root && w.dir && type == S_IFDIR)
			n->mode = f->en.mode;
		return 0;
	}
	if (!clean(t, &w, f->en.name, &n, type == S_IFLNK ? 0 : type))
		return 0;
	switch (type) {
	case S_IFREG:
		return apply_file(t, &w, n, first, f, stream, ret_file, e);
	case S_IFLNK:
		return apply_link(t, &w, n, f, e);
	case S_IFDIR: case S_IFCHR: case S_IFBLK: case S_IFIFO: case S_IFSOCK:
		return apply_other(t, &w, n, first, f, e);
	}
	return 0;
}
