/* exfat-tree.c: the clusters that an exFAT volume's directories refer to.
 *
 * Each directory is read once; its subdirectories wait in a list.  No cluster is
 * followed twice in a sound volume, which bounds damaged ones. */
#include <stdlib.h>
#include <string.h>
#include "common/vec.h"
#include "imager/fs/exfat.h"

enum { ENTRY_FILE = 0x85, ENTRY_STREAM = 0xc0, ENTRY_NAME = 0xc1,
       ENTRY_IN_USE = 0x80, ENTRY_SECONDARY = 0x40 };
enum { HAS_CLUSTERS = 1, ONE_PIECE = 2 };  /* flags of secondary entries       */
#define ATTRIBUTE_DIRECTORY 0x10

/* More than this is not looked at: 16 MB of memory; as many entries as some
 * millions of files have. */
#define WAITING_MAX ((size_t)1 << 20)
#define ENTRIES_MAX (1ull << 25)

struct waiting { uint32_t cluster, clusters; }; /* clusters 0: a chain; else one piece */

struct tree {
	struct exfat *x;
	struct ranges *ret;
	struct waiting *v;         /* directories to be read                  */
	size_t n, room;
	uint64_t left;             /* clusters that nothing referred to yet   */
	uint64_t entries;
	int all;
	uint16_t attributes;       /* of the file whose entries these are     */
};

static int wait_for(struct tree *t, const struct waiting *dir, struct err *e)
{
	struct waiting *v;

	if (t->n == WAITING_MAX) {
		t->all = 0;
		return 0;
	}
	v = vec_room(t->v, t->n, &t->room, sizeof *v);
	if (!v)
		return err_set(e, ERR_NOMEM, "out of memory for a list of directories");
	t->v = v;
	t->v[t->n++] = *dir;
	return 0;
}

static void chain_of(const struct tree *t, const struct waiting *what, struct exfat_chain *ret)
{
	exfat_chain_begin(t->x, what->cluster,
			  what->clusters ? what->clusters * (uint64_t)t->x->cluster_size
					 : t->x->clusters * t->x->cluster_size, ret);
	ret->one_piece = what->clusters != 0;
}

static int add_clusters(struct tree *t, const struct waiting *what, struct err *e)
{
	struct exfat *x = t->x;
	struct exfat_chain c;
	int r;

	chain_of(t, what, &c);
	while ((r = exfat_chain_run(x, &c, x->size, e)) > 0) {
		uint64_t at = exfat_at(x, c.first);
		struct err full = { 0 };

		if (c.n > t->left)
			return exfat_damaged(e, "clusters that belong to two files");
		t->left -= c.n;
		r = ranges_add(t->ret, at, at + c.n * x->cluster_size, &full);
		if (r == ERR_UNSUPPORTED)
			t->all = 0;
		else if (r < 0)
			return err_set(e, r, "%s", full.msg);
	}
	return r;
}

static int take_entry(void *ctx, const struct exfat_entry_disk *v, struct err *e)
{
	struct tree *t = ctx;
	uint64_t length = le64_get(v->length), clusters;
	struct waiting what = { .cluster = le32_get(v->cluster) };
	int r;

	if (t->entries++ == ENTRIES_MAX)
		t->all = 0;
	if (!t->all)
		return 1;
	if (v->type == ENTRY_FILE)
		t->attributes = le16_get((le16){ { v->a[2], v->a[3] } }); /* +4 */
	if (!(v->type & ENTRY_IN_USE) || !(v->type & ENTRY_SECONDARY) || v->type == ENTRY_NAME ||
	    !(v->flags & HAS_CLUSTERS) || (!length && !what.cluster))
		return 0;
	clusters = length / t->x->cluster_size + (length % t->x->cluster_size != 0);
	if (clusters > t->x->clusters)
		return exfat_damaged(e, "a file larger than the volume");
	if (v->flags & ONE_PIECE)
		what.clusters = (uint32_t)clusters;
	if (v->flags & ONE_PIECE && !clusters)
		return 0;
	r = add_clusters(t, &what, e);
	if (!r && v->type == ENTRY_STREAM && t->attributes & ATTRIBUTE_DIRECTORY)
		r = wait_for(t, &what, e);
	return r;
}

int exfat_tree(struct exfat *x, struct ranges *ret, int *ret_all, struct err *e)
{
	struct tree t = { .x = x, .ret = ret, .left = x->clusters, .all = 1 };
	struct waiting dir = { .cluster = le32_get(x->b.root) };
	struct exfat_chain c;
	int r = wait_for(&t, &dir, e);

	while (!r && t.n && t.all) {
		dir = t.v[--t.n];
		t.attributes = 0;
		chain_of(&t, &dir, &c);
		r = exfat_each_entry(x, &c, take_entry, &t, e);
		r = r < 0 ? r : 0;
	}
	free(t.v);
	if (r < 0)
		return r;
	*ret_all = t.all;
	return 0;
}
