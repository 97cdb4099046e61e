/* fuzz: the exfat reader, its boot region's checksum made right, since else
 * nothing behind it would be reached.  Whatever it is fed, what it sends must be
 * ascending, not empty, and inside the device. */
#include "tests/fuzz/reader.h"

static void make_right(uint8_t *disk, size_t len)
{
	size_t sector = len > 512 ? (size_t)512 << ((disk[0x6c] - 9) & 3) : 0;
	uint32_t sum = 0;

	if (!sector || len < 12 * sector)
		return;
	for (size_t i = 0; i < 11 * sector; i++)
		if (i != 0x6a && i != 0x6b && i != 0x70)
			sum = (sum << 31 | sum >> 1) + disk[i];
	for (size_t i = 0; i < sector; i += 4) {
		le32 v = le32_make(sum);

		memcpy(disk + 11 * sector + i, &v, 4);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = 0;
	uint8_t *disk = sparse_load(data, size, &len);

	if (!disk)
		return 0;
	make_right(disk, len);
	fuzz_reader_disk(&fs_exfat, disk, len);
	sparse_free(disk, len);
	return 0;
}
