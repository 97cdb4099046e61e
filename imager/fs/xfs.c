/* xfs.c: used blocks of XFS: all but those that the trees of free extents have.
 * What is refused and why: docs/decisions/0004-what-is-used.md */
#include "imager/fs/xfs.h"
#include "imager/fs/readers.h"

static int xfs_probe(struct blkdev *d, struct fs_ident *ret, struct err *e)
{
	struct xfs fs;
	struct err why;

	return xfs_super(d, &fs, ret, &why, e);
}

static int walk_groups(const struct xfs *fs, struct emit *out, struct err *e)
{
	uint64_t sum = 0;
	int r = 0;

	for (uint32_t n = 0; n < fs->ags && !r; n++) {
		struct xfs_ag ag;

		r = xfs_ag_read(fs, n, &ag, e);
		if (!r)
			r = xfs_ag_used(fs, &ag, out, e);
		ranges_done(&ag.meta);
		sum += (uint64_t)ag.free + ag.list_blocks + (fs->lazy_count ? ag.tree_blocks : 0);
	}
	if (!r && sum != fs->free)
		r = err_set(e, ERR_CORRUPT,
			    "the superblock counts %llu free blocks, the allocation groups %llu; run xfs_repair on it",
			    (unsigned long long)fs->free, (unsigned long long)sum);
	return r;
}

static int xfs_walk(struct blkdev *d, const struct fs_ident *id, const struct fs_options *opt,
		    const struct extent_sink *out, struct err *e)
{
	struct emit emit = { .out = out, .size = d->size };
	struct fs_ident again;
	struct err why;
	struct xfs fs;
	int r = xfs_super(d, &fs, &again, &why, e);

	(void)id;
	(void)opt;
	if (r)
		return r < 0 ? r : err_set(e, ERR_CORRUPT, "the XFS superblock is gone");
	if (why.code)
		return err_set(e, why.code, "%s", why.msg);
	r = xfs_log_clean(&fs, e);
	if (!r)
		r = walk_groups(&fs, &emit, e);
	return r ? r : emit_finish(&emit);
}

const struct fs_reader fs_xfs = { "xfs", xfs_probe, xfs_walk };
