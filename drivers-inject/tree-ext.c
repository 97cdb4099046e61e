/* tree-ext.c: the files of an ext2/3/4 file system, through libext2fs. */
#include "drivers-inject/tree.h"
#include <stdlib.h>
#include <string.h>
#include "imager/fs/extio.h"

struct ext_tree {
	struct tree t;
	ext2_filsys fs;
};

static int ext_fail(struct tree *t, errcode_t rc, struct err *e,
		    const char *what)
{
	return extio_err(((struct ext_tree *)t)->fs, rc, e, what);
}

static int ext_open(struct blkdev *d, struct tree **ret, struct err *e)
{
	struct ext_tree *x = calloc(1, sizeof *x);
	int r;

	if (!x)
		return err_set(e, ERR_NOMEM, "out of memory");
	/* a wrong checksum does not matter to somebody who only looks */
	r = extio_open(d, EXT2_FLAG_IGNORE_CSUM_ERRORS, 0, 0, &x->fs, e);
	if (r) {
		free(x);
		return r;
	}
	x->t.ops = &tree_ext;
	x->t.dev = d;
	x->t.dirty = ext2fs_has_feature_journal_needs_recovery(x->fs->super) ||
		     !(x->fs->super->s_state & EXT2_VALID_FS);
	*ret = &x->t;
	return 0;
}

static void ext_close(struct tree *t)
{
	extio_close(((struct ext_tree *)t)->fs);
	free(t);
}

static int ext_node(struct tree *t, ext2_ino_t ino, struct tree_node *ret,
		    struct err *e)
{
	struct ext_tree *x = (struct ext_tree *)t;
	struct ext2_inode in;
	errcode_t rc = ext2fs_read_inode(x->fs, ino, &in);

	if (rc)
		return ext_fail(t, rc, e, "reading an inode");
	ret->id = ino;
	ret->size = EXT2_I_SIZE(&in);
	if (LINUX_S_ISDIR(in.i_mode))
		ret->type = TREE_DIR;
	else if (in.i_flags & EXT4_ENCRYPT_FL)
		ret->type = TREE_OTHER;
	else if (LINUX_S_ISREG(in.i_mode))
		ret->type = TREE_FILE;
	else if (LINUX_S_ISLNK(in.i_mode))
		ret->type = TREE_LINK;
	else
		ret->type = TREE_OTHER;
	return 0;
}

static int ext_root(struct tree *t, struct tree_node *ret, struct err *e)
{
	return ext_node(t, EXT2_ROOT_INO, ret, e);
}

static int ext_lookup(struct tree *t, const struct tree_node *dir,
		      const char *name, struct tree_node *ret, struct err *e)
{
	struct ext_tree *x = (struct ext_tree *)t;
	ext2_ino_t ino;
	errcode_t rc;

	if (strlen(name) > EXT2_NAME_LEN)
		return err_set(e, ERR_NOT_FOUND, "%s: a name of %zu bytes",
			       t->dev->name, strlen(name));
	rc = ext2fs_lookup(x->fs, (ext2_ino_t)dir->id, name, (int)strlen(name),
			   NULL, &ino);
	if (rc)
		return ext_fail(t, rc, e, name);
	return ext_node(t, ino, ret, e);
}

/* A link of up to 60 bytes lies in the inode itself. */
static int ext_fast_link(struct tree *t, ext2_ino_t ino, uint64_t off,
			 void *buf, size_t len, int *ret_done, struct err *e)
{
	struct ext2_inode in;
	errcode_t rc = ext2fs_read_inode(((struct ext_tree *)t)->fs, ino, &in);

	*ret_done = 0;
	if (rc)
		return ext_fail(t, rc, e, "reading a symbolic link");
	if (!ext2fs_is_fast_symlink(&in) || off + len > sizeof in.i_block)
		return 0;
	memcpy(buf, (char *)in.i_block + off, len);
	*ret_done = 1;
	return 0;
}

static int ext_read(struct tree *t, const struct tree_node *n, uint64_t off,
		    void *buf, size_t len, struct err *e)
{
	struct ext_tree *x = (struct ext_tree *)t;
	ext2_file_t f;
	unsigned int got = 0;
	errcode_t rc;
	int done = 0, r = 0;

	if (n->type == TREE_LINK)
		r = ext_fast_link(t, (ext2_ino_t)n->id, off, buf, len, &done,
				  e);
	if (r || done)
		return r;
	rc = ext2fs_file_open(x->fs, (ext2_ino_t)n->id, 0, &f);
	if (rc)
		return ext_fail(t, rc, e, "opening a file");
	rc = ext2fs_file_llseek(f, off, EXT2_SEEK_SET, NULL);
	while (!rc && len) {
		unsigned int want = len > 1u << 20 ? 1u << 20 : (unsigned int)len;

		rc = ext2fs_file_read(f, buf, want, &got);
		if (!rc && !got)
			rc = EXT2_ET_SHORT_READ;
		buf = (char *)buf + got;
		len -= got;
	}
	ext2fs_file_close(f);
	return rc ? ext_fail(t, rc, e, "reading a file") : 0;
}

struct lister {
	struct strv *out;
	int full;               /* no memory */
};

static int list_one(struct ext2_dir_entry *de, int offset, int blocksize,
		    char *buf, void *priv)
{
	struct lister *l = priv;
	int len = ext2fs_dirent_name_len(de);
	char name[EXT2_NAME_LEN + 1];

	(void)offset, (void)blocksize, (void)buf;
	memcpy(name, de->name, (size_t)len);
	name[len] = 0;
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return 0;
	if (strv_add(l->out, name))
		l->full = 1;
	return l->full || l->out->n == TREE_LIST_MAX ? DIRENT_ABORT : 0;
}

static int ext_list(struct tree *t, const struct tree_node *dir,
		    struct strv *out, struct err *e)
{
	struct ext_tree *x = (struct ext_tree *)t;
	struct lister l = { .out = out };
	errcode_t rc = ext2fs_dir_iterate(x->fs, (ext2_ino_t)dir->id, 0, NULL,
					  list_one, &l);

	if (l.full)
		return err_set(e, ERR_NOMEM, "out of memory");
	return rc ? ext_fail(t, rc, e, "reading a directory") : 0;
}

const struct tree_ops tree_ext = {
	.name = "ext",
	.open = ext_open,
	.root = ext_root,
	.lookup = ext_lookup,
	.read = ext_read,
	.list = ext_list,
	.close = ext_close,
};
