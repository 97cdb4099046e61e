/* fuzz: partition tables.  The first byte's lowest bits: 1: both GPT headers
 * get right checksums, so that what they protect is reached; 2: sectors of
 * 4096 bytes. */
#include "imager/part/part.h"
#include "tests/fuzz/sparse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t crc32(const uint8_t *p, size_t n)
{
	uint32_t crc = ~0u;

	while (n--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
	}
	return ~crc;
}

static void put32(uint8_t *p, uint32_t v)
{
	le32 x = le32_make(v);

	memcpy(p, &x, 4);
}

static void mend(uint8_t *disk, size_t len, size_t at, size_t ss)
{
	uint8_t *h = disk + at;
	uint64_t entries, bytes;

	if (at > len || len - at < ss || memcmp(h, "EFI PART", 8))
		return;
	entries = (sparse_le32(h + 0x48) | (uint64_t)sparse_le32(h + 0x4c) << 32);
	bytes = (uint64_t)sparse_le32(h + 0x50) * sparse_le32(h + 0x54);
	if (entries < len / ss && bytes <= len - entries * ss)
		put32(h + 0x58, crc32(disk + entries * ss, bytes));
	put32(h + 0x10, 0);
	if (sparse_le32(h + 0xc) <= ss)
		put32(h + 0x10, crc32(h, sparse_le32(h + 0xc)));
}

static void check(const struct blkdev *d, const struct part_table *t)
{
	for (size_t i = 0; i < t->n_parts; i++)
		if (t->parts[i].start > d->size || t->parts[i].size > d->size - t->parts[i].start)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len, ss;
	uint8_t *disk;
	struct blkdev *d;
	struct part_table *t;

	if (!size)
		return 0;
	ss = data[0] & 2 ? 4096 : 512;
	disk = sparse_load(data + 1, size - 1, &len);
	if (!disk)
		return 0;
	if (data[0] & 1) {
		mend(disk, len, ss, ss);
		if (len >= ss)
			mend(disk, len, len - ss, ss);
	}
	if (dev_mem(disk, len, 0, &d, NULL) < 0)
		abort();
	d->sector_size = (uint32_t)ss;
	if (part_read(d, &t, NULL) == 0) {
		check(d, t);
		part_free(t);
	}
	dev_close(d);
	sparse_free(disk, len);
	return 0;
}
