/* fuzz: the f2fs reader, the checksums of both checkpoints made right, since else
 * nothing behind them would be reached.  Whatever it is fed, what it sends must be
 * ascending, not empty, and inside the device. */
#include "imager/fs/f2fscrc.h"
#include "tests/fuzz/reader.h"

#define BLOCK ((size_t)4096)

static uint32_t get(const uint8_t *p, size_t off)
{
	return sparse_le32(p + off);
}

static void make_right(uint8_t *block)
{
	uint32_t off = get(block, 164), crc;
	le32 v;

	if (off < 192 || off > BLOCK - 4)
		return;
	crc = f2fs_crc(F2FS_MAGIC, block, off);
	if (off < BLOCK - 4)
		crc = f2fs_crc(crc, block + off + 4, BLOCK - off - 4);
	v = le32_make(crc);
	memcpy(block + off, &v, 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = 0, blocks;
	uint8_t *disk = sparse_load(data, size, &len);

	if (!disk)
		return 0;
	blocks = len / BLOCK;
	for (size_t i = 0; blocks && i < 2; i++) {
		size_t at = (size_t)get(disk, 1024 + 76) + i * 512, last;

		if (at >= blocks)
			continue;
		make_right(disk + at * BLOCK);
		last = at + get(disk + at * BLOCK, 136) - 1;
		if (last > at && last < blocks)
			make_right(disk + last * BLOCK);
	}
	fuzz_reader_disk(&fs_f2fs, disk, len);
	sparse_free(disk, len);
	return 0;
}
