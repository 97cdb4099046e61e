/* fuzz.c: moving a GPT to a larger or smaller disk's end.
 *
 * Input: one byte of mode, then the disk's first bytes.  The rest of the disk
 * is zeros.  Checksums would stop every change at once, so both are made right
 * first unless mode says not to. */
#include <stdlib.h>
#include <string.h>
#include "imager/part/gpt-disk.h"
#include "imager/part/gpt-move.h"

#define OLD_SIZE (256u << 10)
enum { RAW = 1, SECTOR_4096 = 2, LITTLE = 4, SMALLER = 8 };

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

/* All that the table tells of ends before its backup begins. */
static void check_room(const uint8_t *disk, const struct gpt_move *m, uint32_t ss)
{
	static const uint8_t none[16];
	struct gpt_header_disk h;

	memcpy(&h, disk + ss, sizeof h);
	if ((le64_get(h.last_usable) + 1) * ss != m->off ||
	    le64_get(h.first_usable) > le64_get(h.last_usable) ||
	    le64_get(h.entries_lba) * ss + (m->len - ss) > m->off)
		abort();
	for (uint32_t i = 0; i < le32_get(h.n_entries); i++) {
		struct gpt_entry_disk n;

		memcpy(&n, m->tail + (size_t)i * le32_get(h.entry_size), sizeof n);
		if (memcmp(n.type, none, sizeof none) && le64_get(n.last) > le64_get(h.last_usable))
			abort();
	}
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
	check_room(disk, m, ss);
}

/* What fits on a disk fits on a larger one that is still too small for the old
 * backup. */
static void check_larger(struct blkdev *d, const uint8_t *before, uint8_t *head,
			 struct gpt_sizes s)
{
	struct gpt_head h = { head, 65536 };
	struct gpt_move m;
	struct err e = { 0 };

	memcpy(head, before, h.len);
	if (s.from < s.to || s.from - s.to < 2 * 4096)
		return;
	s.to += 4096;
	if (gpt_move_make(d, &h, &s, &m, &e) == GPT_MOVE)
		gpt_move_done(&m);
	else if (e.code)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gpt_sizes s = { .from = OLD_SIZE };
	uint64_t new_size, by;
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
	by = data[0] & LITTLE ? ss : 64u << 10;
	new_size = data[0] & SMALLER ? OLD_SIZE - by : OLD_SIZE + by;
	disk = calloc(1, OLD_SIZE + by);
	before = malloc(OLD_SIZE + by);
	head = (struct gpt_head){ malloc(65536), 65536 };
	if (!disk || !before || !head.bytes || dev_mem(disk, OLD_SIZE + by, 0, &d, &e) < 0)
		abort();
	memcpy(disk, data + 1, size - 1);
	if (!(data[0] & RAW))
		fix(disk, ss);
	memcpy(head.bytes, disk, head.len);
	memcpy(before, disk, head.len);
	s.to = new_size;
	s.sector = ss;
	r = gpt_move_make(d, &head, &s, &m, &e);
	if (r == GPT_MOVE) {
		memcpy(disk, head.bytes, head.len);
		check_moved(disk, new_size, &m);
		gpt_move_done(&m);
		if (data[0] & SMALLER) {
			memcpy(disk, data + 1, size - 1);
			memset(disk + size - 1, 0, OLD_SIZE + by - (size - 1));
			memcpy(disk, before, head.len);
			check_larger(d, before, head.bytes, s);
		}
	} else if (memcmp(before, head.bytes, head.len)) {
		abort(); /* edited and not told */
	}
	dev_close(d);
	free(disk);
	free(before);
	free(head.bytes);
	return 0;
}
