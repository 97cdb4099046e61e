/* test-btrfs: nothing of a Btrfs gets lost unseen.  On the fuzzer's corpus, whole
 * disks of some MiB: each extent in turn is taken out of the extent tree, so that
 * all sums still hold; each block of the trees is damaged. */
#include "tests/unit/engine.h"
#include "imager/fs/readers.h"
#include "tests/fuzz/btrfs-seal.h"
#include "tests/fuzz/sparse.h"

#define NODE 4096u              /* of all disks of the corpus */
#define RANGES 512
#define BLOCKS 4096

static const char *const disks[] = { "mixed", "dup", "levels", "log" };

struct used {
	uint64_t v[RANGES][2];
	size_t n;
	char note[400];
};

static uint8_t *disk;
static size_t size, blocks[BLOCKS], n_blocks;
static char blocks_of[20];

/* What looks like a block of a tree, in any tree.  Looked for once in each disk: most
 * of it is holes, and reading them takes time and memory. */
static void find_blocks(const char *name)
{
	if (!strcmp(blocks_of, name))
		return;
	snprintf(blocks_of, sizeof blocks_of, "%s", name);
	n_blocks = 0;
	for (size_t at = 0; at < size; at += NODE) {
		if (at == SEAL_SUPER || memcmp(disk + at + 32, disk + SEAL_SUPER + 32, 16))
			continue;
		assert_true(n_blocks < BLOCKS);
		blocks[n_blocks++] = at;
	}
}

static void load(const char *name)
{
	char path[300];
	uint8_t packed[200000];
	FILE *f;
	size_t n;

	snprintf(path, sizeof path, "%s/tests/fuzz/btrfs/corpus/%s",
		 getenv("REHOST_TOP") ? getenv("REHOST_TOP") : ".", name);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(packed, 1, sizeof packed, f);
	fclose(f);
	disk = sparse_load(packed, n, &size);
	assert_non_null(disk);
	find_blocks(name);
}

static int add_used(void *ctx, uint64_t off, uint64_t len)
{
	struct used *u = ctx;

	assert_true(u->n < RANGES);
	u->v[u->n][0] = off;
	u->v[u->n++][1] = off + len;
	return 0;
}

static void add_note(void *ctx, const char *text)
{
	snprintf(((struct used *)ctx)->note, sizeof ((struct used *)ctx)->note, "%s", text);
}

static int walk(struct used *u, struct err *e)
{
	struct extent_sink sink = { add_used, u };
	struct fs_options opt = { .notes = { add_note, u } };
	struct fs_ident id;
	struct blkdev *d;
	int r;

	memset(u, 0, sizeof *u);
	assert_int_equal(dev_mem(disk, size, 0, &d, e), 0);
	r = fs_btrfs.probe(d, &id, e);
	if (!r)
		r = fs_btrfs.walk(d, &id, &opt, &sink, e);
	dev_close(d);
	return r;
}

static int is_used(const struct used *u, uint64_t at)
{
	for (size_t i = 0; i < u->n; i++)
		if (at >= u->v[i][0] && at < u->v[i][1])
			return 1;
	return 0;
}

static uint64_t get(const uint8_t *p, int bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | p[bytes];
	return v;
}

static void put(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static uint64_t owner_of(size_t block)
{
	return get(disk + block + 0x58, 8);
}

/* The i-th item of a leaf: its key, id first, then type at 8 and offset at 9. */
static uint8_t *item(size_t at, size_t i)
{
	return disk + at + 0x65 + 25 * i;
}

/* Calls f for the items of all leaves of the extent tree, in every copy. */
static void each_item(void (*f)(uint8_t *key, uint8_t *data, void *ctx), void *ctx)
{
	for (size_t b = 0; b < n_blocks; b++) {
		size_t at = blocks[b];

		if (owner_of(at) != 2 || disk[at + 0x64])
			continue;
		for (size_t i = 0; i < get(disk + at + 0x60, 4); i++)
			f(item(at, i), disk + at + 0x65 + get(item(at, i) + 17, 4), ctx);
	}
}

struct hide { uint64_t at, len; unsigned int number, seen; };

static int is_extent(const uint8_t *key)
{
	return key[8] == 168 || key[8] == 169;
}

static void choose(uint8_t *key, uint8_t *data, void *ctx)
{
	struct hide *h = ctx;

	(void)data;
	if (is_extent(key) && h->seen++ == h->number) {
		h->at = get(key, 8);
		h->len = key[8] == 169 ? NODE : get(key + 9, 8);
	}
}

/* The item becomes one of an unknown type; its block group counts less. */
static void hide(uint8_t *key, uint8_t *data, void *ctx)
{
	struct hide *h = ctx;

	if (is_extent(key) && get(key, 8) == h->at)
		key[8] = 170;
	else if (key[8] == 192 && get(key, 8) <= h->at && h->at - get(key, 8) < get(key + 9, 8))
		put(data, get(data, 8) - h->len);
}

/* The disk of disks[i] without its extent number h->number; 0: it has not so many. */
static int hidden(size_t i, struct hide *h)
{
	load(disks[i]);
	h->at = h->seen = 0;
	each_item(choose, h);
	if (!h->at)
		return 0;
	each_item(hide, h);
	for (size_t b = 0; b < n_blocks; b++)
		btrfs_seal_one(disk + blocks[b], NODE);
	return 1;
}

static void test_hidden_extents(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof disks / sizeof *disks; i++) {
		struct hide h = { 0 };

		for (; hidden(i, &h); h.number++) {
			struct used u;
			struct err e = { 0 };

			assert_int_equal(walk(&u, &e), ERR_CORRUPT);
			/* one that begins a leaf is missed by what points to it */
			if (!strstr(e.msg, "its extent tree doesn't know it"))
				assert_non_null(strstr(e.msg, "begins with another key"));
			sparse_free(disk, size);
		}
		sparse_free(disk, size);
		assert_true(h.number >= 8);
	}
}

static void test_damaged_blocks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof disks / sizeof *disks; i++) {
		struct used good, u;
		struct err e = { 0 };
		unsigned int refused = 0;

		load(disks[i]);
		assert_ok(walk(&good, &e));
		for (size_t b = 0; b < n_blocks; b++) {
			size_t at = blocks[b];

			assert_true(is_used(&good, at));
			disk[at + 200] ^= 4;
			if (walk(&u, &e) < 0)
				refused++;
			else
				assert_memory_equal(u.v, good.v, sizeof good.v);
			disk[at + 200] ^= 4;
		}
		/* of DUP the other copy is there */
		assert_true(strcmp(disks[i], "dup") ? refused >= 6 : !refused);
		sparse_free(disk, size);
	}
}

static void test_log(void **state)
{
	struct used u;
	struct err e = { 0 };
	unsigned int n = 0;

	(void)state;
	load("log");
	assert_ok(walk(&u, &e));
	assert_non_null(strstr(u.note, "its log waits"));
	for (size_t b = 0; b < n_blocks; b++)
		n += owner_of(blocks[b]) == (uint64_t)-6 && is_used(&u, blocks[b]);
	assert_true(n >= 2);
	sparse_free(disk, size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hidden_extents),
		cmocka_unit_test(test_damaged_blocks),
		cmocka_unit_test(test_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
