/* fuzz: LVM2.  The input is the text of a volume group; here is the physical volume
 * around it, with right checksums.  Its first byte: 1 the label says that it is in a
 * group, 2 there is text, 4 there is a second disk, with a physical volume of the same text. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "common/le.h"
#include "imager/map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DISK = 768 << 10, DATA = 128 << 10, AREA = 4096, AREA_SIZE = DATA - AREA };

static void put32(uint8_t *p, uint32_t v)
{
	le32 l = le32_make(v);

	memcpy(p, &l, 4);
}

static void seal(uint8_t *at, const uint8_t *p, size_t len)
{
	put32(at, ~(uint32_t)crc32(~0xf597a6cfu, p, (uInt)len));
}

static void make(uint8_t *p, char first, const uint8_t *text, size_t size, uint8_t flags)
{
	uint8_t *label = p + 512, *area = p + AREA;

	memcpy(label, "LABELONE\1\0\0\0\0\0\0\0\0\0\0\0\x20\0\0\0LVM2 001", 32);
	memcpy(label + 32, "oXbldMKYaZmWYXCVCLp8oI8xxWHEPsOW", 32);
	label[32] = (uint8_t)first;
	put32(label + 64, DISK);
	put32(label + 72, DATA);
	put32(label + 104, AREA);
	put32(label + 112, AREA_SIZE);
	put32(label + 136, 2);
	put32(label + 140, flags & 1);
	seal(label + 16, label + 20, 512 - 20);
	memcpy(area + 4, "\x20\x4c\x56\x4d\x32\x20\x78\x5b\x35\x41\x25\x72\x30\x4e\x2a\x3e\1", 17);
	put32(area + 24, AREA);
	put32(area + 32, AREA_SIZE);
	put32(area + 40, flags & 2 ? 512 : 0);
	put32(area + 48, (uint32_t)size);
	seal(area + 56, text, size);
	memcpy(area + 512, text, size);
	seal(area, area + 4, 508);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *disk = calloc(2, DISK);
	struct map_options opt = { 0 };
	struct disk_map *m;
	struct blkdev *d, *other;

	if (!disk || dev_mem(disk, DISK, 0, &d, NULL) < 0 || dev_mem(disk + DISK, DISK, 0, &other, NULL) < 0)
		abort();
	if (size > 60000)
		size = 60000;
	if (size)
		make(disk, 'o', data + 1, size - 1, data[0]);
	if (size && data[0] & 4) {
		make(disk + DISK, 'a', data + 1, size - 1, data[0]);
		opt = (struct map_options){ .others = &other, .n_others = 1 };
	}
	if (map_build(d, &opt, &m, NULL) == 0) {
		if (m->n_regions != 1 || m->regions[0].used != extents_bytes(m->used) ||
		    extents_end(m->used) > DISK)
			abort();
		map_free(m);
	}
	dev_close(other);
	dev_close(d);
	free(disk);
	return 0;
}
