/* chunkmap.c: the used ranges inside one chunk (FORMAT.md 3). */
#include "imager/fmt/chunk.h"
#include "imager/fmt/disk.h"
#include <string.h>

uint32_t map_bytes(const struct image_params *p, uint64_t chunk,
		   const struct chunk_map *m)
{
	uint64_t start = chunk * p->chunk_size + (uint64_t)m->start * REC_UNIT;
	uint64_t len = (uint64_t)m->count * REC_UNIT;

	if (start >= p->disk_size)
		return 0;
	return (uint32_t)(len < p->disk_size - start ? len : p->disk_size - start);
}

const char *map_wrong(const struct image_params *p, uint64_t chunk,
		      const struct chunk_map *map, uint32_t count,
		      uint32_t plain_len)
{
	uint32_t units = p->chunk_size / REC_UNIT, at = 0;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t bytes = map_bytes(p, chunk, &map[i]);

		if (!map[i].count || (i && map[i].start <= at) ||
		    map[i].start + (uint32_t)map[i].count > units)
			return "has a map that isn't in order";
		/* the last unit may be short, not missing */
		if (bytes + REC_UNIT <= (uint64_t)map[i].count * REC_UNIT)
			return "has a map that goes past the disk's end";
		at = map[i].start + (uint32_t)map[i].count;
		sum += bytes;
	}
	return sum == plain_len ? NULL : "has a map that doesn't match its length";
}

void map_put(const struct chunk_map *map, uint32_t count, uint8_t *out)
{
	for (uint32_t i = 0; i < count; i++) {
		struct map_disk d = { le16_make(map[i].start), le16_make(map[i].count) };

		memcpy(out + i * sizeof d, &d, sizeof d);
	}
}

void map_get(const uint8_t *in, uint32_t count, struct chunk_map *ret)
{
	for (uint32_t i = 0; i < count; i++) {
		struct map_disk d;

		memcpy(&d, in + i * sizeof d, sizeof d);
		ret[i] = (struct chunk_map){ le16_get(d.start), le16_get(d.count) };
	}
}
