/* fuzz: the Btrfs reader.  Whatever it is fed, what it sends must be ascending,
 * not empty, and inside the device.  First the input as it is, then with its
 * checksums made right. */
#include "tests/fuzz/btrfs-seal.h"
#include "tests/fuzz/reader.h"

/* Where the input has bytes: to look at all of a disk that is mostly empty would be all
 * that takes time. */
static void seal(const uint8_t *data, size_t size, uint8_t *disk, size_t len)
{
	uint32_t node = btrfs_seal_super(disk, len);
	struct sparse_run r = { 0 };

	data += 4;
	size -= 4;
	while (node && sparse_next(&data, &size, (uint32_t)(len / 512), &r))
		btrfs_seal_blocks(disk, len, node, r.off, r.off + r.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len;
	uint8_t *disk = sparse_load(data, size, &len);

	if (!disk)
		return 0;
	fuzz_reader_disk(&fs_btrfs, disk, len);
	seal(data, size, disk, len);
	fuzz_reader_disk(&fs_btrfs, disk, len);
	sparse_free(disk, len);
	return 0;
}
