/* fuzz: the Btrfs reader.  Whatever it is fed, what it sends must be ascending,
 * not empty, and inside the device.  First the input as it is, then with its
 * checksums made right. */
#include "tests/fuzz/btrfs-seal.h"
#include "tests/fuzz/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len;
	uint8_t *disk = sparse_load(data, size, &len);

	if (!disk)
		return 0;
	fuzz_reader_disk(&fs_btrfs, disk, len);
	btrfs_seal(disk, len);
	fuzz_reader_disk(&fs_btrfs, disk, len);
	free(disk);
	return 0;
}
