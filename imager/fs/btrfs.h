/* btrfs.h: what the files of the Btrfs reader share.
 *
 * Three kinds of addresses: "logical" is what everything in the file system
 * uses, also for the blocks of its trees; chunks map it to places on the
 * device.  All numbers are bytes.
 *
 * Structures on disk: "On-disk Format" of btrfs.readthedocs.io, and Linux'
 * <linux/btrfs_tree.h>.  Little-endian, unaligned. */
#ifndef REHOST_FS_BTRFS_H
#define REHOST_FS_BTRFS_H
#include "common/hash.h"
#include "common/le.h"
#include "imager/fs/ranges.h"

#define BTRFS_LEVELS 8          /* of a tree, leaves are level 0 */
#define BTRFS_NODE_MAX 65536u
#define BTRFS_SUPER_SIZE 4096u
#define BTRFS_COPIES_MAX 2      /* DUP */

/* Ids of trees; subvolumes are 5 and from 256 on. */
#define BTRFS_ROOT_TREE 1ull
#define BTRFS_EXTENT_TREE 2ull
#define BTRFS_CHUNK_TREE 3ull
#define BTRFS_FS_TREE 5ull
#define BTRFS_BLOCK_GROUP_TREE 11ull
#define BTRFS_LAST_GLOBAL_TREE 12ull
#define BTRFS_LOG_TREE ((uint64_t)-6)
#define BTRFS_RELOC_TREE ((uint64_t)-8)

/* Types of items. */
enum {
	BTRFS_EXTENT_DATA = 108,
	BTRFS_ROOT_ITEM = 132,
	BTRFS_EXTENT_ITEM = 168,
	BTRFS_METADATA_ITEM = 169,
	BTRFS_BLOCK_GROUP_ITEM = 192,
	BTRFS_DEV_ITEM = 216,
	BTRFS_CHUNK_ITEM = 228,
};

/* What a chunk holds, and how; block groups have the same bits. */
#define BTRFS_DATA 0x1u
#define BTRFS_SYSTEM 0x2u
#define BTRFS_METADATA 0x4u
#define BTRFS_RAID0 0x8u
#define BTRFS_DUP 0x20u

struct btrfs_key_disk {
	le64 id;            /* +0x00 */
	uint8_t type;       /* +0x08 */
	le64 offset;        /* +0x09 */
};
_Static_assert(sizeof(struct btrfs_key_disk) == 0x11, "btrfs_disk_key");

struct btrfs_key {
	uint64_t id, offset;
	uint8_t type;
};

static inline struct btrfs_key btrfs_key_get(const struct btrfs_key_disk *k)
{
	return (struct btrfs_key){ .id = le64_get(k->id), .type = k->type,
				   .offset = le64_get(k->offset) };
}

/* As the trees are sorted: <0, 0, >0. */
static inline int btrfs_key_cmp(const struct btrfs_key *a, const struct btrfs_key *b)
{
	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

/* Names one block of a tree, and what must be found there. */
struct btrfs_ref {
	uint64_t at;                   /* logical                           */
	uint64_t generation;
	uint64_t tree;                 /* id of the tree it belongs to      */
	uint8_t level;                 /* < BTRFS_LEVELS                    */
	int has_first;                 /* 0: a tree's root                  */
	struct btrfs_key first;
};

/* The superblock's facts, those that were checked. */
struct btrfs_super {
	uint8_t fsid[16];              /* what users see                    */
	uint8_t metadata_uuid[16];     /* what blocks of trees carry        */
	char label[64];
	uint64_t flags, generation, total_bytes, bytes_used, devices;
	uint64_t compat_ro, incompat;
	uint32_t sector_size, node_size;
	uint16_t csum_type;
	struct btrfs_ref root, chunk_root, log_root; /* log_root.at 0: none */
	uint64_t devid, dev_bytes;     /* this device                       */
	uint8_t dev_uuid[16];
	uint8_t sys_chunks[2048];
	uint32_t sys_chunks_len;
};

struct btrfs_chunk {
	uint64_t logical, len;
	uint64_t type;
	uint64_t at[BTRFS_COPIES_MAX]; /* on the device                     */
	unsigned int copies;
	uint64_t used;                 /* of len, as its block group says   */
};

struct btrfs_chunks {
	struct btrfs_chunk *v;         /* by logical address                */
	size_t n, room;
};

struct btrfs {
	struct blkdev *d;
	struct btrfs_super super;
	struct hasher *hasher;
	struct btrfs_chunks chunks;
	/* Logical ranges that were found to be needed; see btrfs_needs() */
	struct ranges *needed;
	int needed_full;               /* not all of them are in the list   */
	uint64_t bad_copies;           /* blocks of which only the other copy is good */
};

/* ---- btrfs-super.c ---- */
/* The first superblock: 0, FS_NOT_MINE, or it is damaged. */
int btrfs_super_read(struct btrfs *fs, struct err *e) must_check;
/* Is it of a kind that is read here, and do its copies say the same? */
int btrfs_super_check(struct btrfs *fs, struct err *e) must_check;
/* Adds where superblocks lie, on the device. */
int btrfs_super_ranges(const struct btrfs *fs, struct ranges *l,
		       struct err *e) must_check;

/* ---- btrfs-csum.c ---- */
/* Of what follows the 32 bytes at p that hold the checksum, up to len: right? */
int btrfs_csum_ok(struct btrfs *fs, const uint8_t *p, size_t len);
int btrfs_csum_known(uint16_t type);

/* ---- btrfs-chunk.c ---- */
/* From the superblock and the chunk tree, into fs->chunks. */
int btrfs_chunks_read(struct btrfs *fs, struct err *e) must_check;
/* The chunk in which all of [logical, + len) lies, or NULL. */
const struct btrfs_chunk *btrfs_chunk_find(const struct btrfs *fs, uint64_t logical,
					   uint64_t len);
void btrfs_chunks_done(struct btrfs_chunks *l);

/* ---- btrfs-tree.c ---- */
/* Reads a block (node_size bytes) and checks it whole: whichever copy is good. */
int btrfs_block_read(struct btrfs *fs, const struct btrfs_ref *ref, uint8_t *buf,
		     struct err *e) must_check;
/* Of a block that was read: */
unsigned int btrfs_block_items(const uint8_t *buf);
struct btrfs_key btrfs_block_key(const uint8_t *buf, unsigned int i);
/* of a node: its i-th child.  parent: what named buf */
struct btrfs_ref btrfs_block_child(const struct btrfs_ref *parent, const uint8_t *buf,
				   unsigned int i);
/* of a leaf: its i-th item's bytes */
const uint8_t *btrfs_block_item(const uint8_t *buf, unsigned int i, uint32_t *ret_len);

/* A place in a tree, at an item. */
struct btrfs_cursor {
	struct btrfs *fs;
	struct btrfs_ref root;
	uint8_t *buf[BTRFS_LEVELS];
	struct btrfs_ref at[BTRFS_LEVELS]; /* what is in buf; at 0: nothing */
	unsigned int slot[BTRFS_LEVELS];
	/* the item; valid after a seek or next that returned 0 */
	struct btrfs_key key;
	const uint8_t *data;
	uint32_t len;
};
/* c is zeroed, or was of this kind before.  To the first item whose key is not
 * less: 0; 1: there is none. */
int btrfs_seek(struct btrfs_cursor *c, struct btrfs *fs, const struct btrfs_ref *root,
	       const struct btrfs_key *key, struct err *e) must_check;
int btrfs_next(struct btrfs_cursor *c, struct err *e) must_check;
void btrfs_cursor_done(struct btrfs_cursor *c);

/* ---- btrfs-roots.c ---- */
/* A tree's root, as its item at the cursor tells; *ret_live 0: it is being
 * removed, and parts of it may be gone. */
int btrfs_root_item(const struct btrfs_cursor *c, struct btrfs_ref *ret, int *ret_live,
		    struct err *e) must_check;
/* The root of the tree with this id; ERR_CORRUPT if it has none. */
int btrfs_root_find(struct btrfs *fs, uint64_t tree, struct btrfs_ref *ret,
		    struct err *e) must_check;
/* Adds a logical range to fs->needed; if the list is full, says so there. */
int btrfs_needs(struct btrfs *fs, uint64_t at, uint64_t len, struct err *e) must_check;
/* Follows all trees from the superblock on and gathers, in fs->needed, the
 * blocks they are made of and the extents that files have.  *ret_all 0: not
 * all were looked at. */
int btrfs_roots_walk(struct btrfs *fs, int *ret_all, struct err *e) must_check;
/* The same for what fsync left in the log; all of it, or an error. */
int btrfs_log_walk(struct btrfs *fs, struct err *e) must_check;

#endif
