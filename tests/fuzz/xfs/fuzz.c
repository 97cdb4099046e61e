/* fuzz: the XFS reader.  Whatever it is fed, what it sends must be ascending, not
 * empty, and inside the device.  Each input is read twice: as it is, and with
 * right checksums, so that what they protect is reached.  Volumes above 1 MiB
 * would only be slower. */
#include <ext2fs/ext2fs.h>
#include "tests/fuzz/reader.h"

struct sum { char magic[5]; size_t at; };

static uint32_t be32_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void mend(uint8_t *p, size_t len, size_t at)
{
	le32 crc;

	memset(p + at, 0, 4);
	crc = le32_make(~ext2fs_crc32c_le(~0u, p, len));
	memcpy(p + at, &crc, 4);
}

/* Everything that looks like a part of a version 5. */
static void mend_all(uint8_t *disk, size_t len)
{
	static const struct sum sectors[] = {
		{ "XFSB", 0xe0 }, { "XAGF", 0xd8 }, { "XAGI", 0x138 }, { "XAFL", 0x20 },
	};
	size_t block, sector;

	if (len < 512)
		return;
	block = be32_at(disk + 4);
	sector = (size_t)disk[0x66] << 8 | disk[0x67];
	if (block < 512 || block > 65536 || block % 512 || sector < 512 || sector % 512)
		return;
	for (size_t i = 0; i + 512 <= len; i += 512) {
		for (size_t k = 0; k < sizeof sectors / sizeof *sectors; k++)
			if (!memcmp(disk + i, sectors[k].magic, 4) && sector <= len - i)
				mend(disk + i, sector, sectors[k].at);
		if ((!memcmp(disk + i, "AB3B", 4) || !memcmp(disk + i, "AB3C", 4)) &&
		    block <= len - i)
			mend(disk + i, block, 0x34);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len;
	uint8_t *disk;

	if (size < 4 || sparse_le32(data) > 2048)
		return 0;
	fuzz_reader(&fs_xfs, data, size);
	disk = sparse_load(data, size, &len);
	if (!disk)
		return 0;
	mend_all(disk, len);
	fuzz_reader_disk(&fs_xfs, disk, len);
	sparse_free(disk, len);
	return 0;
}
