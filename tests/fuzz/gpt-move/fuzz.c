/* fuzz.c: moving a GPT to a larger disk's end.
 *
 * Input: one byte of mode, then the disk's first bytes.  The rest of the disk
 * is zeros.  Checksums would stop every change at once, so both are made right
 * first unless mode says not to. */
#include <stdlib.h>
#include <string.h>
#include "imager/part/gpt-disk.h"
#include "imager/part/gpt-move.h"

#define OLD_SIZE (256u << 10)
enum { RAW = 1, SECTOR_4096 = 2, LITTLE_LARGER = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fix(uint8_t *disk, uint32_t ss)
{
	struct gpt_header_disk h;
	uint64_t at, len;

	memcpy(&h, disk + ss, sizeof h);
	at = le64_get(h.entries_lba) * ss;
	len = (uint64_t)le32_get(h.n_entries) * le32_get(h.entry_size);
	if (at < OLD_SIZE && len < OLD_SIZE - at)
		h.entries_crc = le32_make(gpt_crc32(disk + at, len));
	h.header_crc = le32_make(0);
	memcpy(disk + ss, &h, sizeof h);
	if (le32_get(h.header_size) <= ss)
		h.header_crc = le32_make(gpt_crc32(disk + ss, le32_get(h.header_size)));
	memcpy(disk + ss, &h, sizeof h);
}

/* A header that a reader would take: place, size, sums. */
static void check_header(const uint8_t *disk, uint64_t size, uint64_t lba,
			 uint64_t other, uint32_t ss)
{
	uint8_t sector[4096];
	struct gpt_header_disk h;
	uint64_t at, len;

	memcpy(sector, disk + lba * ss, ss);
	memcpy(&h, sector, sizeof h);
	memset(sector + offsetof(struct gpt_header_disk, header_crc), 0, 4);
	at = le64_get(h.entries_lba) * ss;
	len = (uint64_t)le32_get(h.n_entries) * le32_get(h.entry_size);
	if (le64_get(h.my_lba) != lba || le64_get(h.other_lba) != other ||
	    le32_get(h.header_crc) != gpt_crc32(sector, le32_get(h.header_size)) ||
	    at > size || len > size - at ||
	    gpt_crc32(disk + at, len) != le32_get(h.entries_crc))
		abort();
}

static void check_moved(uint8_t *disk, uint64_t size, const struct gpt_move *m)
{
	uint32_t ss = memcmp(disk + 512, "EFI PART", 8) ? 4096 : 512;
	uint64_t last = size / ss - 1;

	/* 4096 was tried first and taken */
	if (!memcmp(disk + 4096, "EFI PART", 8) && m->off % 4096 == 0 &&
	    !memcmp(m->tail + m->len - 4096, "EFI PART", 8))
		ss = 4096, last = size / ss - 1;
	if (m->off + m->len != (last + 1) * ss || m->off < ss)
		abort();
	memcpy(disk + m->off, m->tail, m->len);
	check_header(disk, size, 1, last, ss);
	check_header(disk, size, last, 1, ss);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t new_size;
	uint32_t ss;
	uint8_t *disk, *before;
	struct gpt_head head;
	struct gpt_move m;
	struct blkdev *d;
	struct err e;
	int r;

	if (size < 2 || size > OLD_SIZE)
		return 0;
	ss = data[0] & SECTOR_4096 ? 4096 : 512;
	new_size = OLD_SIZE + (data[0] & LITTLE_LARGER ? ss : 64u << 10);
	disk = calloc(1, new_size);
	before = malloc(new_size);
	head = (struct gpt_head){ malloc(65536), 65536 };
	if (!disk || !before || !head.bytes || dev_mem(disk, new_size, 0, &d, &e) < 0)
		abort();
	memcpy(disk, data + 1, size - 1);
	if (!(data[0] & RAW))
		fix(disk, ss);
	memcpy(head.bytes, disk, head.len);
	memcpy(before, disk, head.len);
	r = gpt_move_make(d, &head, OLD_SIZE, ss, &m, &e);
	if (r == GPT_MOVE) {
		memcpy(disk, head.bytes, head.len);
		check_moved(disk, new_size, &m);
		gpt_move_done(&m);
	} else if (memcmp(before, head.bytes, head.len)) {
		abort(); /* edited and not told */
	}
	dev_close(d);
	free(disk);
	free(before);
	free(head.bytes);
	return 0;
}
