/* fuzz: the map of a whole disk, with all readers: regions are gapless, and
 * their used bytes add up to the map's. */
#include "imager/map.h"
#include "tests/fuzz/sparse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len;
	uint8_t *disk = sparse_load(data, size, &len);
	uint64_t at = 0, used = 0;
	struct disk_map *m;
	struct blkdev *d;
	struct err e = { 0 };

	if (!disk)
		return 0;
	if (dev_mem(disk, len, 0, &d, NULL) < 0)
		abort();
	if (map_build(d, NULL, &m, &e) == 0) {
		for (size_t i = 0; i < m->n_regions; i++) {
			if (m->regions[i].start != at)
				abort();
			at += m->regions[i].size;
			used += m->regions[i].used;
		}
		if (at != len || used != extents_bytes(m->used) || extents_end(m->used) > len)
			abort();
		map_free(m);
	}
	dev_close(d);
	sparse_free(disk, len);
	return 0;
}
