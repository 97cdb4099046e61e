/* btrfs-tree.c: blocks of Btrfs' trees: reading, checking, going through one
 * tree in order.  A block is believed only when checksum, place, owner, level,
 * generation, the order of its keys and all its items' bounds are right. */
#include <stdlib.h>
#include <string.h>
#include "imager/fs/btrfs.h"

struct block_disk {
	uint8_t csum[32];                     /* +0x00 */
	uint8_t fsid[16];                     /* +0x20 */
	le64 bytenr;                          /* +0x30 logical */
	le64 flags;                           /* +0x38 */
	uint8_t chunk_tree_uuid[16];          /* +0x40 */
	le64 generation;                      /* +0x50 */
	le64 owner;                           /* +0x58 id of a tree */
	le32 items;                           /* +0x60 */
	uint8_t level;                        /* +0x64 */
};
_Static_assert(sizeof(struct block_disk) == 0x65, "btrfs_header");

#define BLOCK_WRITTEN 1u

struct item_disk {                            /* in a leaf */
	struct btrfs_key_disk key;            /* +0x00 */
	le32 offset;                          /* +0x11 from the header's end */
	le32 len;                             /* +0x15 */
};
_Static_assert(sizeof(struct item_disk) == 0x19, "btrfs_item");

struct pointer_disk {                         /* in a node */
	struct btrfs_key_disk key;            /* +0x00 */
	le64 at;                              /* +0x11 logical */
	le64 generation;                      /* +0x19 */
};
_Static_assert(sizeof(struct pointer_disk) == 0x21, "btrfs_key_ptr");

static const struct block_disk *header(const uint8_t *buf)
{
	return (const struct block_disk *)buf;
}

static const struct item_disk *item(const uint8_t *buf, unsigned int i)
{
	return (const struct item_disk *)(buf + sizeof(struct block_disk)) + i;
}

static const struct pointer_disk *pointer(const uint8_t *buf, unsigned int i)
{
	return (const struct pointer_disk *)(buf + sizeof(struct block_disk)) + i;
}

unsigned int btrfs_block_items(const uint8_t *buf)
{
	return le32_get(header(buf)->items);
}

struct btrfs_key btrfs_block_key(const uint8_t *buf, unsigned int i)
{
	return btrfs_key_get(header(buf)->level ? &pointer(buf, i)->key : &item(buf, i)->key);
}

struct btrfs_ref btrfs_block_child(const struct btrfs_ref *parent, const uint8_t *buf,
				   unsigned int i)
{
	const struct pointer_disk *p = pointer(buf, i);

	return (struct btrfs_ref){
		.at = le64_get(p->at), .generation = le64_get(p->generation),
		.tree = parent->tree, .level = (uint8_t)(parent->level - 1),
		.has_first = 1, .first = btrfs_key_get(&p->key),
	};
}

const uint8_t *btrfs_block_item(const uint8_t *buf, unsigned int i, uint32_t *ret_len)
{
	*ret_len = le32_get(item(buf, i)->len);
	return buf + sizeof(struct block_disk) + le32_get(item(buf, i)->offset);
}

/* What is wrong with the header; NULL: nothing. */
static const char *bad_header(struct btrfs *fs, const struct btrfs_ref *ref, const uint8_t *buf)
{
	const struct block_disk *h = header(buf);

	if (!btrfs_csum_ok(fs, buf, fs->super.node_size))
		return "its checksum is wrong";
	if (le64_get(h->bytenr) != ref->at)
		return "it belongs to another place";
	if (memcmp(h->fsid, fs->super.metadata_uuid, sizeof h->fsid))
		return "it belongs to another file system";
	if (le64_get(h->generation) != ref->generation)
		return "it is of another generation than what points to it";
	if (h->level != ref->level)
		return "its level is wrong";
	/* subvolumes share blocks */
	if (le64_get(h->owner) != ref->tree && ref->tree != BTRFS_FS_TREE &&
	    ref->tree <= BTRFS_LAST_GLOBAL_TREE)
		return "it belongs to another tree";
	if (!(le64_get(h->flags) & BLOCK_WRITTEN))
		return "it was never written";
	return NULL;
}

static const char *bad_items(const struct btrfs *fs, const struct btrfs_ref *ref,
			     const uint8_t *buf)
{
	uint32_t room = fs->super.node_size - (uint32_t)sizeof(struct block_disk);
	uint32_t n = btrfs_block_items(buf);
	size_t each = ref->level ? sizeof(struct pointer_disk) : sizeof(struct item_disk);
	struct btrfs_key key, last = { 0 };

	if (n > room / each || (!n && (ref->level || ref->has_first)))
		return "its number of items is impossible";
	for (uint32_t i = 0; i < n; i++) {
		key = btrfs_block_key(buf, i);
		if (!i && ref->has_first && btrfs_key_cmp(&key, &ref->first))
			return "it begins with another key than what points to it says";
		if (i && btrfs_key_cmp(&last, &key) >= 0)
			return "its keys are not in order";
		last = key;
		if (!ref->level) {
			uint32_t off = le32_get(item(buf, i)->offset);
			uint32_t len = le32_get(item(buf, i)->len);

			if (off < n * each || off > room || len > room - off)
				return "an item lies outside of it";
		}
	}
	return NULL;
}

int btrfs_block_read(struct btrfs *fs, const struct btrfs_ref *ref, uint8_t *buf,
		     struct err *e)
{
	uint32_t size = fs->super.node_size;
	const struct btrfs_chunk *c = btrfs_chunk_find(fs, ref->at, size);
	int r = 0;

	if (!c || !(c->type & (BTRFS_METADATA | BTRFS_SYSTEM)) || ref->at % fs->super.sector_size)
		return err_set(e, ERR_CORRUPT,
			       "a block of Btrfs' tree %lld should lie at %llu, where no metadata can be",
			       (long long)ref->tree, (unsigned long long)ref->at);
	for (unsigned int i = 0; i < c->copies; i++) {
		const char *why;

		r = dev_read(fs->d, c->at[i] + (ref->at - c->logical), buf, size, e);
		if (r < 0)
			continue;
		why = bad_header(fs, ref, buf);
		if (!why)
			why = bad_items(fs, ref, buf);
		if (!why) {
			fs->bad_copies += i;
			return 0;
		}
		r = err_set(e, ERR_CORRUPT, "the block at %llu of Btrfs' tree %lld: %s",
			    (unsigned long long)ref->at, (long long)ref->tree, why);
	}
	return r;
}

/* ---- in order ---- */

static int load(struct btrfs_cursor *c, const struct btrfs_ref *ref, struct err *e)
{
	unsigned int l = ref->level;
	int r;

	if (c->at[l].at && c->at[l].at == ref->at && c->at[l].tree == ref->tree)
		return 0;
	if (!c->buf[l])
		c->buf[l] = malloc(c->fs->super.node_size);
	if (!c->buf[l])
		return err_set(e, ERR_NOMEM, "out of memory for a block of a tree");
	c->at[l].at = 0;
	r = btrfs_block_read(c->fs, ref, c->buf[l], e);
	if (!r)
		c->at[l] = *ref;
	return r;
}

/* From the node at this level and its slot down to a leaf's first item. */
static int descend(struct btrfs_cursor *c, unsigned int level, struct err *e)
{
	int r = 0;

	while (level && !r) {
		struct btrfs_ref child = btrfs_block_child(&c->at[level], c->buf[level],
							   c->slot[level]);

		r = load(c, &child, e);
		c->slot[--level] = 0;
	}
	return r;
}

/* Takes the item at the leaf's slot; behind the leaf's end, the next leaf's. */
static int settle(struct btrfs_cursor *c, struct err *e)
{
	unsigned int level = 0;
	int r;

	if (c->slot[0] >= btrfs_block_items(c->buf[0])) {
		do
			if (++level > c->root.level)
				return 1;
		while (c->slot[level] + 1 >= btrfs_block_items(c->buf[level]));
		c->slot[level]++;
		r = descend(c, level, e);
		if (r)
			return r;
	}
	c->key = btrfs_block_key(c->buf[0], c->slot[0]);
	c->data = btrfs_block_item(c->buf[0], c->slot[0], &c->len);
	return 0;
}

/* The number of keys that are less than this one; or_equal: not greater. */
static unsigned int keys_below(const uint8_t *buf, const struct btrfs_key *key, int or_equal)
{
	unsigned int low = 0, high = btrfs_block_items(buf);

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;
		struct btrfs_key k = btrfs_block_key(buf, mid);

		if (btrfs_key_cmp(&k, key) < or_equal)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int btrfs_seek(struct btrfs_cursor *c, struct btrfs *fs, const struct btrfs_ref *root,
	       const struct btrfs_key *key, struct err *e)
{
	struct btrfs_ref ref = *root;
	int r;

	c->fs = fs;
	c->root = *root;
	while (!(r = load(c, &ref, e)) && ref.level) {
		unsigned int l = ref.level, n = keys_below(c->buf[l], key, 1);

		c->slot[l] = n ? n - 1 : 0;
		ref = btrfs_block_child(&c->at[l], c->buf[l], c->slot[l]);
	}
	if (r)
		return r;
	c->slot[0] = keys_below(c->buf[0], key, 0);
	return settle(c, e);
}

int btrfs_next(struct btrfs_cursor *c, struct err *e)
{
	struct btrfs_key last = c->key;
	int r;

	c->slot[0]++;
	r = settle(c, e);
	/* or a tree with a circle would have no end */
	if (!r && btrfs_key_cmp(&last, &c->key) >= 0)
		return err_set(e, ERR_CORRUPT, "the leaves of Btrfs' tree %lld are not in order",
			       (long long)c->root.tree);
	return r;
}

void btrfs_cursor_done(struct btrfs_cursor *c)
{
	for (size_t i = 0; i < BTRFS_LEVELS; i++)
		free(c->buf[i]);
	memset(c, 0, sizeof *c);
}
