/* tree-ntfs.c: the files of an NTFS volume, through libntfs-3g.  Names are
 * compared as Windows does, without regard to case. */
#include "imager/fs/ntfsfile.h"
#include "drivers-inject/tree.h"
#include <errno.h>
#include <stdlib.h>
#include <ntfs-3g/attrib.h>
#include <ntfs-3g/inode.h>

struct ntfs_tree {
	struct tree t;
	ntfs_volume *vol;
};

static int ntfs_fail(struct tree *t, struct err *e, const char *what)
{
	return ntfsio_err(((struct ntfs_tree *)t)->vol, errno, e, what);
}

static int nt_open(struct blkdev *d, struct tree **ret, struct err *e)
{
	struct ntfs_tree *x = calloc(1, sizeof *x);
	int r;

	if (!x)
		return err_set(e, ERR_NOMEM, "out of memory");
	r = ntfsfile_mount(d, &x->vol, e);
	if (r) {
		free(x);
		return r;
	}
	x->t.ops = &tree_ntfs;
	x->t.dev = d;
	x->t.dirty = !!(x->vol->flags & VOLUME_IS_DIRTY);
	*ret = &x->t;
	return 0;
}

static void nt_close(struct tree *t)
{
	ntfsio_umount(((struct ntfs_tree *)t)->vol);
	free(t);
}

static int nt_inode(struct tree *t, uint64_t id, ntfs_inode **ret,
		    struct err *e)
{
	*ret = ntfs_inode_open(((struct ntfs_tree *)t)->vol, id);
	return *ret ? 0 : ntfs_fail(t, e, "opening a file record");
}

static int nt_node(struct tree *t, uint64_t id, struct tree_node *ret,
		   struct err *e)
{
	struct tree_node n = { .id = id };
	ntfs_inode *ni;
	ntfs_attr *na;
	int r = nt_inode(t, id, &ni, e);

	if (r)
		return r;
	if (ni->flags & (FILE_ATTR_REPARSE_POINT | FILE_ATTR_ENCRYPTED)) {
		n.type = TREE_OTHER;
	} else if (ni->mrec->flags & MFT_RECORD_IS_DIRECTORY) {
		n.type = TREE_DIR;
	} else {
		n.type = TREE_FILE;
		na = ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);
		if (na) {
			n.size = (uint64_t)na->data_size;
			ntfs_attr_close(na);
		} else {
			r = ntfs_fail(t, e, "opening a file's data");
		}
	}
	ntfs_inode_close(ni);
	if (!r)
		*ret = n;
	return r;
}

static int nt_root(struct tree *t, struct tree_node *ret, struct err *e)
{
	return nt_node(t, FILE_root, ret, e);
}

static int nt_lookup(struct tree *t, const struct tree_node *dir,
		     const char *name, struct tree_node *ret, struct err *e)
{
	ntfs_inode *ni;
	uint64_t id;
	int r = nt_inode(t, dir->id, &ni, e);

	if (!r) {
		r = ntfsfile_lookup(ni, name, &id, e);
		ntfs_inode_close(ni);
	}
	return r ? r : nt_node(t, id, ret, e);
}

static int nt_read(struct tree *t, const struct tree_node *n, uint64_t off,
		   void *buf, size_t len, struct err *e)
{
	ntfs_inode *ni;
	ntfs_attr *na;
	s64 got = 1;
	int r = nt_inode(t, n->id, &ni, e);

	if (r)
		return r;
	errno = EIO;
	na = ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);
	while (na && len && got > 0) {
		errno = EIO;
		got = ntfs_attr_pread(na, (s64)off,
				      len > 1u << 20 ? 1 << 20 : (s64)len, buf);
		if (got > 0) {
			off += (uint64_t)got;
			len -= (size_t)got;
			buf = (char *)buf + got;
		}
	}
	if (len)
		r = ntfs_fail(t, e, "reading a file");
	if (na)
		ntfs_attr_close(na);
	ntfs_inode_close(ni);
	return r;
}

/* Where an open attribute's byte off lies; a resident, compressed or encrypted one's
 * bytes have no place of their own. */
static int attr_where(ntfs_attr *na, uint64_t off, uint64_t *ret_at, uint64_t *ret_len)
{
	const ntfs_volume *vol = na->ni->vol;
	VCN vcn = (VCN)(off >> vol->cluster_size_bits);
	runlist_element *rl;
	uint64_t in;

	if (!NAttrNonResident(na) || na->data_flags & (ATTR_COMPRESSION_MASK | ATTR_IS_ENCRYPTED) ||
	    (int64_t)off >= na->initialized_size)
		return 0;
	rl = ntfs_attr_find_vcn(na, vcn);
	if (!rl || rl->lcn < 0 || vcn < rl->vcn || vcn >= rl->vcn + rl->length)
		return 0;
	in = off - ((uint64_t)rl->vcn << vol->cluster_size_bits);
	*ret_at = ((uint64_t)rl->lcn << vol->cluster_size_bits) + in;
	*ret_len = ((uint64_t)rl->length << vol->cluster_size_bits) - in;
	if (*ret_len > (uint64_t)na->initialized_size - off)
		*ret_len = (uint64_t)na->initialized_size - off;
	return 1;
}

static int nt_where(struct tree *t, const struct tree_node *n, uint64_t off, uint64_t *ret_at,
		    uint64_t *ret_len, struct err *e)
{
	ntfs_inode *ni;
	ntfs_attr *na;
	int r = nt_inode(t, n->id, &ni, e);

	if (r)
		return r;
	na = ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);
	if (!na || !attr_where(na, off, ret_at, ret_len))
		r = err_set(e, ERR_UNSUPPORTED, "%s: a file is compressed, encrypted, sparse or so "
			    "small that it has no clusters", t->dev->name);
	if (na)
		ntfs_attr_close(na);
	ntfs_inode_close(ni);
	return r;
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

static int nt_list(struct tree *t, const struct tree_node *dir,
		   struct strv *out, struct err *e)
{
	struct lister l = { .out = out };
	ntfs_inode *ni;
	int r = nt_inode(t, dir->id, &ni, e);

	if (r)
		return r;
	r = ntfsfile_names(ni, list_one, &l, e);
	if (l.failed)
		r = err_set(e, ERR_NOMEM, "out of memory");
	ntfs_inode_close(ni);
	return r;
}

const struct tree_ops tree_ntfs = {
	.name = "ntfs",
	.open = nt_open,
	.root = nt_root,
	.lookup = nt_lookup,
	.read = nt_read,
	.where = nt_where,
	.list = nt_list,
	.close = nt_close,
};
