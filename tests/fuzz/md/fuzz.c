/* fuzz: members of MD.  Each superblock where one may be gets a right checksum.  Disks
 * above 1 MiB would only be slower.  Of an odd number of sectors: two disks, each the half. */
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
	struct map_options opt = { 0 };
	size_t len, half;
	uint8_t *disk;
	struct disk_map *m;
	struct blkdev *d, *other;

	if (size < 4 || sparse_le32(data) > 2048 || sparse_le32(data) < 256)
		return 0;
	disk = sparse_load(data, size, &len);
	half = len / 512 % 2 ? len / 1024 * 512 : len;
	mend_all(disk, half);
	if (dev_mem(disk, half, 0, &d, NULL) < 0 || dev_mem(disk + len - half, half, 0, &other, NULL) < 0)
		abort();
	if (half < len) {
		mend_all(disk + len - half, half);
		opt = (struct map_options){ .others = &other, .n_others = 1 };
	}
	if (map_build(d, &opt, &m, NULL) == 0) {
		if (extents_end(m->used) > half)
			abort();
		map_free(m);
	}
	dev_close(other);
	dev_close(d);
	sparse_free(disk, len);
	return 0;
}
