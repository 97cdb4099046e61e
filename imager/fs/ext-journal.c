/* ext-journal.c: an ext3/4 journal that waits to be replayed.
 *
 * A file system that was not unmounted (a crash, a pulled plug) has its newest
 * metadata in the journal; block bitmaps too.  The log is followed as Linux
 * does when it mounts, which gives a device that shows what will be after the
 * replay: superblock, descriptors and bitmaps are read and checked there.  For
 * each block bitmap, all versions (on the disk, each copy in the log) are
 * joined: wherever a replay stops, its result is among them, so no block that
 * is in use afterwards is missed.
 *
 * The format is big-endian: Documentation/filesystems/ext4/journal.rst. */
#include "imager/fs/ext.h"
#include <stdlib.h>
#include <string.h>
#include "common/be.h"
#include "common/cleanup.h"
#include "common/vec.h"
#include "imager/fs/extio.h"

struct jbd_header_disk { be32 magic, type, sequence; };
struct jbd_super_disk {
	struct jbd_header_disk h;  /* +0x00 */
	be32 block_size;           /* +0x0c */
	be32 max_len;              /* +0x10 blocks of the journal   */
	be32 first;                /* +0x14 first block of the log  */
	be32 sequence;             /* +0x18 of the oldest commit    */
	be32 start;                /* +0x1c its block; 0: empty     */
	be32 errnum;               /* +0x20 */
	be32 compat, incompat, ro_compat; /* +0x24; not in version 1 */
};
_Static_assert(sizeof(struct jbd_super_disk) == 0x30, "journal.rst");

#define JBD_MAGIC 0xc03b3998u
enum { JBD_DESCRIPTOR = 1, JBD_COMMIT, JBD_SUPER_V1, JBD_SUPER_V2, JBD_REVOKE };
enum { J_REVOKE = 1, J_64BIT = 2, J_ASYNC = 4, J_CSUM_V2 = 8, J_CSUM_V3 = 16 };
enum { TAG_ESCAPED = 1, TAG_SAME_UUID = 2, TAG_DELETED = 4, TAG_LAST = 8 };

/* Journals are 1 GB at most by mke2fs; their blocks' places are kept in
 * memory, 8 bytes each. */
#define LOG_MAX (2u << 20)

struct copy {
	uint64_t block;      /* of the file system          */
	uint32_t log, tid;   /* index in the log, its commit */
	int escaped;
};
struct revoke { uint64_t block; uint32_t tid; };

struct ext_journal {
	struct blkdev replayed;    /* first: it is a device of its own */
	struct blkdev *d;
	uint32_t bs, features, max_len, first;
	uint64_t *at;              /* blocks where the log lies; 0 unknown */
	struct copy *copies;       /* after reading: by block, then age    */
	size_t n_copies, room_copies;
	struct revoke *revokes;
	size_t n_revokes, room_revokes;
	uint8_t *buf;              /* a block                              */
};

static int log_read(struct ext_journal *j, uint32_t log, void *buf, struct err *e)
{
	if (log >= j->max_len || !j->at[log])
		return err_set(e, ERR_CORRUPT, "block %u of the journal is nowhere", log);
	if (j->at[log] >= j->d->size / j->bs)
		return err_set(e, ERR_CORRUPT, "block %u of the journal lies past the end", log);
	return dev_read(j->d, j->at[log] * j->bs, buf, j->bs, e);
}

static int copy_read(struct ext_journal *j, const struct copy *c, uint8_t *buf,
		     struct err *e)
{
	static const uint8_t magic[] = { 0xc0, 0x3b, 0x39, 0x98 };
	int r = log_read(j, c->log, buf, e);

	if (!r && c->escaped)
		memcpy(buf, magic, 4);
	return r;
}

static int place_block(ext2_filsys fs, blk64_t *blocknr, e2_blkcnt_t n,
		       blk64_t ref, int ref_offset, void *priv)
{
	struct ext_journal *j = priv;

	(void)fs, (void)ref, (void)ref_offset;
	if (n >= 0 && (uint64_t)n < j->max_len)
		j->at[n] = *blocknr;
	return 0;
}

static int log_super(ext2_filsys fs, struct ext_journal *j, struct jbd_super_disk *s,
		     struct err *e)
{
	uint32_t type;
	int r = log_read(j, 0, j->buf, e);

	if (r < 0)
		return r;
	memcpy(s, j->buf, sizeof *s);
	type = be32_get(s->h.type);
	if (be32_get(s->h.magic) != JBD_MAGIC || (type != JBD_SUPER_V1 && type != JBD_SUPER_V2))
		return err_set(e, ERR_CORRUPT, "the journal has no superblock");
	j->features = type == JBD_SUPER_V1 ? 0 : be32_get(s->incompat);
	if (be32_get(s->block_size) != fs->blocksize || be32_get(s->max_len) > j->max_len ||
	    !be32_get(s->first) || be32_get(s->first) >= be32_get(s->max_len) ||
	    be32_get(s->start) >= be32_get(s->max_len))
		return err_set(e, ERR_CORRUPT, "the journal's superblock is damaged");
	if (j->features & ~(uint32_t)(J_REVOKE | J_64BIT | J_ASYNC | J_CSUM_V2 | J_CSUM_V3))
		return err_set(e, ERR_UNSUPPORTED,
			       "the journal waits to be replayed and has features 0x%x that are not known here",
			       j->features);
	j->max_len = be32_get(s->max_len);
	j->first = be32_get(s->first);
	return 0;
}

static int no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "out of memory for the journal");
}

static uint32_t next_block(const struct ext_journal *j, uint32_t log)
{
	return log + 1 >= j->max_len ? j->first : log + 1;
}

static uint32_t get32(const uint8_t *p)
{
	be32 v;

	memcpy(&v, p, 4);
	return be32_get(v);
}

/* The tags of a descriptor block in j->buf; *log moves past its data. */
static int read_tags(struct ext_journal *j, uint32_t tid, uint32_t *log,
		     uint32_t *budget, struct err *e)
{
	size_t size = j->features & J_CSUM_V3 ? 16 :
		      8 + (j->features & J_CSUM_V2 ? 2u : 0) + (j->features & J_64BIT ? 4u : 0);
	size_t pos = sizeof(struct jbd_header_disk);
	size_t end = j->bs - (j->features & (J_CSUM_V2 | J_CSUM_V3) ? 4 : 0);
	uint32_t flags = 0;

	while (pos + size <= end && !(flags & TAG_LAST)) {
		const uint8_t *t = j->buf + pos;
		struct copy *c, *all;

		flags = j->features & J_CSUM_V3 ? get32(t + 4) : (uint32_t)(t[6] << 8 | t[7]);
		pos += size + (flags & TAG_SAME_UUID ? 0 : 16);
		all = vec_room(j->copies, j->n_copies, &j->room_copies, sizeof *all);
		if (!all)
			return no_memory(e);
		j->copies = all;
		c = &all[j->n_copies++];
		*c = (struct copy){ .block = get32(t), .log = *log, .tid = tid,
				    .escaped = flags & TAG_ESCAPED };
		if (j->features & J_64BIT)
			c->block |= (uint64_t)get32(t + 8) << 32;
		*log = next_block(j, *log);
		if (!--*budget)
			return err_set(e, ERR_CORRUPT, "the journal's log has no end");
	}
	return 0;
}

static int read_revokes(struct ext_journal *j, uint32_t tid, struct err *e)
{
	size_t size = j->features & J_64BIT ? 8 : 4;
	uint32_t used = get32(j->buf + 12);

	if (used > j->bs)
		return err_set(e, ERR_CORRUPT, "a revoke block of the journal is damaged");
	for (size_t pos = 16; pos + size <= used; pos += size) {
		struct revoke *all = vec_room(j->revokes, j->n_revokes, &j->room_revokes,
					      sizeof *all);
		uint64_t block = get32(j->buf + pos);

		if (!all)
			return no_memory(e);
		j->revokes = all;
		if (size == 8)
			block = block << 32 | get32(j->buf + pos + 4);
		all[j->n_revokes++] = (struct revoke){ block, tid };
	}
	return 0;
}

/* From the log's start until what follows is not the next commit. */
static int follow_log(struct ext_journal *j, const struct jbd_super_disk *s,
		      struct err *e)
{
	uint32_t tid = be32_get(s->sequence), log = be32_get(s->start);
	uint32_t budget = j->max_len;
	size_t committed = 0, committed_revokes = 0;

	while (log && budget--) {
		uint32_t at = log, type;
		int r = log_read(j, at, j->buf, e);

		if (r < 0)
			return r;
		if (get32(j->buf) != JBD_MAGIC || get32(j->buf + 8) != tid)
			break;
		type = get32(j->buf + 4);
		log = next_block(j, log);
		if (type == JBD_DESCRIPTOR) {
			r = budget ? read_tags(j, tid, &log, &budget, e) : 0;
		} else if (type == JBD_REVOKE) {
			r = read_revokes(j, tid, e);
		} else if (type == JBD_COMMIT) {
			committed = j->n_copies;
			committed_revokes = j->n_revokes;
			tid++;
		} else {
			break;
		}
		if (r < 0)
			return r;
	}
	j->n_copies = committed;
	j->n_revokes = committed_revokes;
	return 0;
}

/* a is a later commit than b; they wrap around */
static int later(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

static int copy_order(const void *pa, const void *pb)
{
	const struct copy *a = pa, *b = pb;

	if (a->block != b->block)
		return a->block < b->block ? -1 : 1;
	if (a->tid != b->tid)
		return later(a->tid, b->tid) ? 1 : -1;
	return 0;
}

static int revoke_order(const void *pa, const void *pb)
{
	const struct revoke *a = pa, *b = pb;

	return a->block < b->block ? -1 : a->block > b->block;
}

/* The copies of a block, oldest first; their number. */
static size_t find_copies(const struct ext_journal *j, uint64_t block,
			  const struct copy **ret)
{
	size_t lo = 0, hi = j->n_copies, n = 0;

	*ret = NULL;
	if (!hi)
		return 0;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (j->copies[mid].block < block)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo + n < j->n_copies && j->copies[lo + n].block == block)
		n++;
	*ret = j->copies + lo;
	return n;
}

static int revoked(const struct ext_journal *j, const struct copy *c)
{
	const struct revoke key = { .block = c->block };
	const struct revoke *v, *end;

	if (!j->n_revokes)
		return 0;
	end = j->revokes + j->n_revokes;
	v = bsearch(&key, j->revokes, j->n_revokes, sizeof *v, revoke_order);
	while (v && v > j->revokes && v[-1].block == c->block)
		v--;
	for (; v && v < end && v->block == c->block; v++)
		if (!later(c->tid, v->tid))
			return 1;
	return 0;
}

static int replayed_read(struct blkdev *d, uint64_t off, void *buf, size_t len,
			 struct err *e)
{
	struct ext_journal *j = (struct ext_journal *)d;
	uint64_t first = off / j->bs, last = (off + len - 1) / j->bs;
	int r = dev_read(j->d, off, buf, len, e);

	for (uint64_t b = first; b <= last && !r; b++) {
		const struct copy *c;
		size_t n = find_copies(j, b, &c);
		uint64_t s = b * j->bs, t = s + j->bs;

		if (!n || revoked(j, &c[n - 1]))
			continue;
		r = copy_read(j, &c[n - 1], j->buf, e);
		s = s < off ? off : s;
		t = t > off + len ? off + len : t;
		if (!r)
			memcpy((uint8_t *)buf + (s - off), j->buf + s % j->bs, t - s);
	}
	return r;
}

static const struct blkdev_ops replayed_ops = { .read = replayed_read };

static int load(ext2_filsys fs, struct ext_journal *j, struct err *e)
{
	struct ext2_super_block *sb = fs->super;
	struct ext2_inode inode;
	struct jbd_super_disk s;
	errcode_t rc;
	int r;

	if (!sb->s_journal_inum)
		return err_set(e, ERR_UNSUPPORTED,
			       "the journal waits to be replayed and lies on another device");
	if (ext2fs_has_feature_fast_commit(sb))
		return err_set(e, ERR_UNSUPPORTED,
			       "the journal waits to be replayed and may hold fast commits");
	rc = ext2fs_read_inode(fs, sb->s_journal_inum, &inode);
	if (rc)
		return extio_err(fs, rc, e, "reading the journal's inode");
	if (EXT2_I_SIZE(&inode) / fs->blocksize > LOG_MAX)
		return err_set(e, ERR_UNSUPPORTED, "the journal waits to be replayed and has more than %u blocks", LOG_MAX);
	j->max_len = (uint32_t)(EXT2_I_SIZE(&inode) / fs->blocksize);
	j->at = calloc(j->max_len ? j->max_len : 1, sizeof *j->at);
	j->buf = malloc(j->bs);
	if (!j->at || !j->buf)
		return err_set(e, ERR_NOMEM, "out of memory for the journal");
	rc = ext2fs_block_iterate3(fs, sb->s_journal_inum,
				   BLOCK_FLAG_DATA_ONLY | BLOCK_FLAG_READ_ONLY,
				   NULL, place_block, j);
	if (rc)
		return extio_err(fs, rc, e, "finding the journal's blocks");
	r = log_super(fs, j, &s, e);
	if (!r)
		r = follow_log(j, &s, e);
	if (!r && j->n_copies)
		qsort(j->copies, j->n_copies, sizeof *j->copies, copy_order);
	if (!r && j->n_revokes)
		qsort(j->revokes, j->n_revokes, sizeof *j->revokes, revoke_order);
	return r;
}

int ext_journal_open(ext2_filsys fs, struct blkdev *d, struct ext_journal **ret,
		     struct err *e)
{
	struct ext_journal *j = dev_new(sizeof *j, &replayed_ops, d->size, e,
					"%s", d->name);
	int r;

	if (!j)
		return ERR_NOMEM;
	j->d = d;
	j->bs = fs->blocksize;
	r = load(fs, j, e);
	if (r < 0)
		ext_journal_close(j);
	else
		*ret = j;
	return r;
}

struct blkdev *ext_journal_replayed(struct ext_journal *j)
{
	return &j->replayed;
}

int ext_journal_or(struct ext_journal *j, uint64_t at, uint8_t *map, struct err *e)
{
	const struct copy *c;
	size_t n = find_copies(j, at, &c);
	int r = dev_read(j->d, at * j->bs, j->buf, j->bs, e);

	for (size_t k = 0; !r; k++) {
		for (uint32_t i = 0; i < j->bs; i++)
			map[i] |= j->buf[i];
		if (k == n)
			break;
		r = copy_read(j, &c[k], j->buf, e);
	}
	return r;
}

struct ext_journal *ext_journal_close(struct ext_journal *j)
{
	if (!j)
		return NULL;
	free(j->at);
	free(j->copies);
	free(j->revokes);
	free(j->buf);
	dev_close(&j->replayed);
	return NULL;
}
