/* btrfs-seal.h: makes the checksums (crc32c) of a changed Btrfs right again, or
 * hardly a change would get past them. */
#ifndef REHOST_FUZZ_BTRFS_SEAL_H
#define REHOST_FUZZ_BTRFS_SEAL_H
#include <ext2fs/ext2fs.h>
#include <stdint.h>
#include <string.h>

#define SEAL_SUPER 65536u     /* the first superblock, 4096 bytes */

static inline void btrfs_seal_one(uint8_t *p, size_t len)
{
	uint32_t c = ~ext2fs_crc32c_le(~0u, p + 32, len - 32);

	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(c >> 8 * i);
}

/* The superblock; returns how long a block of its trees is, or 0: it makes no sense. */
static inline uint32_t btrfs_seal_super(uint8_t *disk, size_t size)
{
	uint8_t *s = disk + SEAL_SUPER;
	uint32_t node;

	if (size < SEAL_SUPER + 4096 || s[0xc4] || s[0xc5])
		return 0;
	btrfs_seal_one(s, 4096);
	node = s[0x94] | (uint32_t)s[0x95] << 8 | (uint32_t)s[0x96] << 16;
	return node < 4096 || node > 65536 ? 0 : node;
}

/* Whatever looks like a block of its trees in these bytes: what has the file system's UUID
 * where they have it. */
static inline void btrfs_seal_blocks(uint8_t *disk, size_t size, uint32_t node, size_t from, size_t end)
{
	for (size_t at = from / 4096 * 4096; at < end && at + node <= size; at += 4096)
		if (at != SEAL_SUPER && !memcmp(disk + at + 32, disk + SEAL_SUPER + 32, 16))
			btrfs_seal_one(disk + at, node);
}
#endif
