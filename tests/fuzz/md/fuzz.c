/* fuzz: members of MD.  Each superblock where one may be gets a right checksum.  Disks
 * above 1 MiB would only be slower. */
#include "imager/map.h"
#include "tests/fuzz/sparse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put32(uint8_t *p, uint32_t v)
{
	le32 l = le32_make(v);

	memcpy(p, &l, 4);
}

/* len bytes, of which those at `at` are the sum. */
static void mend(uint8_t *p, size_t len, size_t at)
{
	uint64_t sum = 0;
	size_t i;

	put32(p + at, 0);
	for (i = 0; i + 4 <= len; i += 4)
		sum += sparse_le32(p + i);
	if (len - i == 2)
		sum += p[i] | (uint32_t)p[i + 1] << 8;
	put32(p + at, (uint32_t)(sum + (sum >> 32)));
}

static void mend_all(uint8_t *disk, size_t len)
{
	size_t at[] = { 0, 4096, (len - 8192) & ~(size_t)4095, (len & ~(size_t)0xffff) - 0x10000 };

	for (size_t i = 0; i < 4; i++) {
		uint8_t *p = disk + at[i];
		uint32_t roles;

		if (sparse_le32(p) != 0xa92b4efc)
			continue;
		roles = sparse_le32(p + 0xdc);
		if (i < 3 && roles <= 1920)
			mend(p, 256 + 2 * roles, 0xd8);
		if (i == 3)
			mend(p, 4096, 4 * 38);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len;
	uint8_t *disk;
	struct disk_map *m;
	struct blkdev *d;

	if (size < 4 || sparse_le32(data) > 2048 || sparse_le32(data) < 256)
		return 0;
	disk = sparse_load(data, size, &len);
	mend_all(disk, len);
	if (dev_mem(disk, len, 0, &d, NULL) < 0)
		abort();
	if (map_build(d, NULL, &m, NULL) == 0) {
		if (extents_end(m->used) > len)
			abort();
		map_free(m);
	}
	dev_close(d);
	sparse_free(disk, len);
	return 0;
}
