/* btrfs-csum.c: the checksums of superblocks and of blocks of trees, all by
 * libraries that are linked anyway. */
#include <ext2fs/ext2fs.h>
#include <string.h>
#include <xxhash.h>
#include "imager/fs/btrfs.h"

#define FIELD 32u /* bytes that the checksum has at the beginning; unused ones are 0 */

static int crc32c(struct btrfs *fs, const uint8_t *p, size_t len, uint8_t *ret)
{
	le32 v = le32_make(~ext2fs_crc32c_le(~0u, p, len));

	(void)fs;
	memcpy(ret, &v, sizeof v);
	return 0;
}

static int xxhash64(struct btrfs *fs, const uint8_t *p, size_t len, uint8_t *ret)
{
	le64 v = le64_make(XXH64(p, len, 0));

	(void)fs;
	memcpy(ret, &v, sizeof v);
	return 0;
}

static int sha256(struct btrfs *fs, const uint8_t *p, size_t len, uint8_t *ret)
{
	return hash_bytes(fs->hasher, HASH_SHA256, p, len, ret, NULL);
}

static int blake2b(struct btrfs *fs, const uint8_t *p, size_t len, uint8_t *ret)
{
	return hash_bytes(fs->hasher, HASH_BLAKE2B, p, len, ret, NULL);
}

/* By the superblock's number. */
static const struct {
	size_t len;
	int (*sum)(struct btrfs *fs, const uint8_t *p, size_t len, uint8_t *ret);
} types[] = { { 4, crc32c }, { 8, xxhash64 }, { 32, sha256 }, { 32, blake2b } };

int btrfs_csum_known(uint16_t type)
{
	return type < sizeof types / sizeof *types;
}

int btrfs_csum_ok(struct btrfs *fs, const uint8_t *p, size_t len)
{
	uint16_t t = fs->super.csum_type;
	uint8_t sum[HASH_LEN];

	return btrfs_csum_known(t) && !types[t].sum(fs, p + FIELD, len - FIELD, sum) &&
	       !memcmp(p, sum, types[t].len);
}
