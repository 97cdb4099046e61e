/* btrfs-chunk.c: where Btrfs' logical addresses lie on the device.
 *
 * The superblock holds the chunks that the chunk tree itself lies in, the chunk
 * tree all of them.  On one device a chunk has one copy ("single", or RAID0
 * that is spread over one device) or two (DUP). */
#include <stdlib.h>
#include <string.h>
#include "common/checked.h"
#include "common/vec.h"
#include "imager/fs/btrfs.h"

struct stripe_disk {
	le64 devid;            /* +0x00 */
	le64 at;               /* +0x08 on the device, bytes */
	uint8_t dev_uuid[16];  /* +0x10 */
};

struct chunk_disk {
	le64 len;              /* +0x00 */
	le64 owner;            /* +0x08 */
	le64 stripe_len;       /* +0x10 */
	le64 type;             /* +0x18 */
	le32 io[3];            /* +0x20 */
	le16 stripes;          /* +0x2c */
	le16 sub_stripes;      /* +0x2e */
	struct stripe_disk stripe[BTRFS_COPIES_MAX]; /* +0x30 as many as told */
};
_Static_assert(sizeof(struct chunk_disk) == 0x30 + 2 * 0x20, "btrfs_chunk");
#define CHUNK_HEAD offsetof(struct chunk_disk, stripe)

struct dev_item_disk {
	le64 devid;            /* +0x00 */
	uint8_t a[58];         /* +0x08 */
	uint8_t uuid[16];      /* +0x42 */
	uint8_t fsid[16];      /* +0x52 */
};
_Static_assert(sizeof(struct dev_item_disk) == 0x62, "btrfs_dev_item");

/* Chunks have 256 MiB to 10 GiB on all but the smallest devices; so many
 * take 16 MB of memory. */
#define CHUNKS_MAX ((size_t)1 << 18)

static int bad_chunk(struct err *e, uint64_t logical, const char *what)
{
	return err_set(e, ERR_CORRUPT, "the Btrfs chunk at %llu: %s",
		       (unsigned long long)logical, what);
}

/* How many copies a chunk of this type has here; 0: it is no kind that is read. */
static unsigned int copies_of(uint64_t type)
{
	uint64_t profile = type & ~(uint64_t)(BTRFS_DATA | BTRFS_SYSTEM | BTRFS_METADATA);

	if (!(type & (BTRFS_DATA | BTRFS_SYSTEM | BTRFS_METADATA)))
		return 0;
	return profile == BTRFS_DUP ? 2 : !profile || profile == BTRFS_RAID0;
}

static int chunk_get(const struct btrfs *fs, uint64_t logical, const uint8_t *p, size_t len,
		     struct btrfs_chunk *ret, struct err *e)
{
	const struct chunk_disk *k = (const struct chunk_disk *)p;
	const struct btrfs_super *s = &fs->super;
	struct btrfs_chunk c = { .logical = logical };
	uint64_t end;

	if (len < CHUNK_HEAD)
		return bad_chunk(e, logical, "its item is too short");
	c.len = le64_get(k->len);
	c.type = le64_get(k->type);
	c.copies = copies_of(c.type);
	if (!c.copies || le16_get(k->stripes) != c.copies)
		return err_set(e, ERR_UNSUPPORTED,
			       "the Btrfs chunk at %llu is of type 0x%llx with %u stripes, which is not read",
			       (unsigned long long)logical, (unsigned long long)c.type,
			       le16_get(k->stripes));
	if (len < CHUNK_HEAD + c.copies * sizeof(struct stripe_disk))
		return bad_chunk(e, logical, "its item is too short");
	if (!c.len || c.len % s->sector_size || logical % s->sector_size ||
	    add_overflows(logical, c.len, &end))
		return bad_chunk(e, logical, "its place or length is impossible");
	for (unsigned int i = 0; i < c.copies; i++) {
		c.at[i] = le64_get(k->stripe[i].at);
		if (le64_get(k->stripe[i].devid) != s->devid ||
		    memcmp(k->stripe[i].dev_uuid, s->dev_uuid, sizeof s->dev_uuid))
			return err_set(e, ERR_UNSUPPORTED,
				       "the Btrfs chunk at %llu lies on another device",
				       (unsigned long long)logical);
		if (c.at[i] % s->sector_size || range_outside(c.at[i], c.len, s->dev_bytes))
			return bad_chunk(e, logical, "it lies outside of the device");
	}
	*ret = c;
	return 0;
}

static int chunks_add(struct btrfs_chunks *l, const struct btrfs_chunk *c, struct err *e)
{
	struct btrfs_chunk *v;

	if (l->n && l->v[l->n - 1].logical + l->v[l->n - 1].len > c->logical)
		return bad_chunk(e, c->logical, "it overlaps the one before it");
	if (l->n == CHUNKS_MAX)
		return err_set(e, ERR_UNSUPPORTED, "more than %zu Btrfs chunks", CHUNKS_MAX);
	v = vec_room(l->v, l->n, &l->room, sizeof *v);
	if (!v)
		return err_set(e, ERR_NOMEM, "out of memory for the chunks of Btrfs");
	l->v = v;
	l->v[l->n++] = *c;
	return 0;
}

void btrfs_chunks_done(struct btrfs_chunks *l)
{
	free(l->v);
	memset(l, 0, sizeof *l);
}

const struct btrfs_chunk *btrfs_chunk_find(const struct btrfs *fs, uint64_t logical,
					   uint64_t len)
{
	const struct btrfs_chunk *v = fs->chunks.v;
	size_t low = 0, high = fs->chunks.n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (v[mid].logical + v[mid].len <= logical)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == fs->chunks.n || logical < v[low].logical ||
	    range_outside(logical - v[low].logical, len, v[low].len))
		return NULL;
	return &v[low];
}

static int by_logical(const void *pa, const void *pb)
{
	const struct btrfs_chunk *a = pa, *b = pb;

	return a->logical < b->logical ? -1 : a->logical > b->logical;
}

/* Those in the superblock: keys, each with its chunk. */
static int read_system(struct btrfs *fs, struct btrfs_chunks *l, struct err *e)
{
	/* each takes more than 64 bytes of the 2048 */
	struct btrfs_chunk all[sizeof fs->super.sys_chunks / 64];
	const uint8_t *p = fs->super.sys_chunks, *end = p + fs->super.sys_chunks_len;
	size_t n = 0;
	int r = 0;

	while (p < end) {
		const struct btrfs_key_disk *k = (const struct btrfs_key_disk *)p;

		if ((size_t)(end - p) < sizeof *k || k->type != BTRFS_CHUNK_ITEM)
			return err_set(e, ERR_CORRUPT, "the Btrfs superblock's list of chunks is damaged");
		p += sizeof *k;
		r = chunk_get(fs, le64_get(k->offset), p, (size_t)(end - p), &all[n], e);
		if (r < 0)
			return r;
		p += CHUNK_HEAD + all[n++].copies * sizeof(struct stripe_disk);
	}
	qsort(all, n, sizeof *all, by_logical);
	for (size_t i = 0; i < n && !r; i++)
		r = chunks_add(l, &all[i], e);
	return r;
}

/* One item of the chunk tree. */
static int take_item(struct btrfs *fs, const struct btrfs_cursor *c, struct btrfs_chunks *l,
		     unsigned int *devices, struct err *e)
{
	const struct dev_item_disk *dev = (const struct dev_item_disk *)c->data;
	struct btrfs_chunk chunk;
	int r;

	if (c->key.type == BTRFS_DEV_ITEM) {
		if (c->len < sizeof *dev || c->key.offset != fs->super.devid || (*devices)++ ||
		    memcmp(dev->uuid, fs->super.dev_uuid, sizeof dev->uuid))
			return err_set(e, ERR_UNSUPPORTED, "this Btrfs knows of another device");
	}
	if (c->key.type != BTRFS_CHUNK_ITEM)
		return 0;
	r = chunk_get(fs, c->key.offset, c->data, c->len, &chunk, e);
	return r < 0 ? r : chunks_add(l, &chunk, e);
}

static int same_chunk(const struct btrfs_chunk *a, const struct btrfs_chunk *b)
{
	return b && a->logical == b->logical && a->len == b->len && a->type == b->type &&
	       a->at[0] == b->at[0] && a->at[1] == b->at[1];
}

/* fs->chunks has the superblock's; ret gets those of the tree. */
static int read_tree(struct btrfs *fs, struct btrfs_chunks *ret, struct err *e)
{
	struct btrfs_cursor c = { 0 };
	struct btrfs_key first = { 0 };
	unsigned int devices = 0;
	int r = btrfs_seek(&c, fs, &fs->super.chunk_root, &first, e);

	while (!r) {
		r = take_item(fs, &c, ret, &devices, e);
		if (!r)
			r = btrfs_next(&c, e);
	}
	btrfs_cursor_done(&c);
	return r < 0 ? r : 0;
}

int btrfs_chunks_read(struct btrfs *fs, struct err *e)
{
	struct btrfs_chunks system, all = { 0 };
	int r = read_system(fs, &fs->chunks, e);

	if (!r)
		r = read_tree(fs, &all, e);
	if (r < 0) {
		btrfs_chunks_done(&all);
		return r;
	}
	system = fs->chunks;
	fs->chunks = all;
	for (size_t i = 0; i < system.n && !r; i++)
		if (!same_chunk(&system.v[i], btrfs_chunk_find(fs, system.v[i].logical, 1)))
			r = bad_chunk(e, system.v[i].logical,
				      "the superblock tells something else than the chunk tree");
	btrfs_chunks_done(&system);
	return r;
}
