/* gpt-move.c: see gpt-move.h. */
#include "imager/part/gpt-move.h"
#include <stdlib.h>
#include <string.h>
#include "common/checked.h"
#include "common/cleanup.h"
#include "imager/part/gpt-disk.h"
#include "imager/part/internal.h"

#define MBR_ENTRY 0x1be      /* the first of four, 16 bytes each */

struct table {
	struct gpt_header_disk h;
	uint32_t ss;
	uint64_t old_last, new_last; /* sectors */
	uint64_t last_usable;        /* of the new disk */
	uint64_t entries_sectors;
	uint8_t *entries;
};

/* Bytes of the disk as it will be: what is in memory wins. */
static int read_disk(struct blkdev *d, const struct gpt_head *head, uint64_t off,
		     uint8_t *buf, size_t len, struct err *e)
{
	size_t in_head = off < head->len ? head->len - off : 0;

	if (in_head > len)
		in_head = len;
	if (in_head)
		memcpy(buf, head->bytes + off, in_head);
	if (in_head == len)
		return 0;
	return dev_read(d, off + in_head, buf + in_head, len - in_head, e);
}

/* size: up to a sector; the sum itself counts as zero. */
static uint32_t header_crc(const uint8_t *sector, uint32_t size)
{
	uint8_t copy[4096];

	memcpy(copy, sector, size);
	memset(copy + offsetof(struct gpt_header_disk, header_crc), 0, 4);
	return gpt_crc32(copy, size);
}

/* NULL, or what is wrong with the primary header. */
static const char *header_wrong(const uint8_t *sector, const struct table *t)
{
	const struct gpt_header_disk *h = &t->h;
	uint32_t size = le32_get(h->header_size);
	uint64_t entries = le64_get(h->entries_lba);

	if (memcmp(h->magic, "EFI PART", 8))
		return "has lost its mark";
	if (size < sizeof *h || size > t->ss ||
	    header_crc(sector, size) != le32_get(h->header_crc))
		return "has a wrong checksum";
	if (le64_get(h->my_lba) != 1 || !le32_get(h->n_entries) ||
	    le32_get(h->n_entries) > GPT_ENTRIES_MAX ||
	    le32_get(h->entry_size) < sizeof(struct gpt_entry_disk) ||
	    le32_get(h->entry_size) > GPT_ENTRY_SIZE_MAX || le32_get(h->entry_size) % 8)
		return "holds impossible numbers";
	if (entries < 2 || range_outside(entries, t->entries_sectors, t->old_last) ||
	    le64_get(h->first_usable) > le64_get(h->last_usable) ||
	    le64_get(h->last_usable) >= le64_get(h->other_lba))
		return "names places that aren't on the disk";
	return NULL;
}

/* Whether the backup's place on the new disk is free of all but partitions. */
static const char *no_room(const struct table *t)
{
	if (t->last_usable < le64_get(t->h.first_usable) ||
	    range_outside(le64_get(t->h.entries_lba), t->entries_sectors, t->last_usable + 1))
		return "has no room on so small a disk";
	if (t->new_last > t->old_last && t->last_usable < le64_get(t->h.last_usable))
		return "has no room for a larger backup";
	return NULL;
}

/* The entries: their checksum, and that none lies where the backup will. */
static const char *entries_wrong(const struct table *t)
{
	static const uint8_t none[16];
	uint32_t n = le32_get(t->h.n_entries), size = le32_get(t->h.entry_size);

	if (gpt_crc32(t->entries, (size_t)n * size) != le32_get(t->h.entries_crc))
		return "has entries whose checksum is wrong";
	for (uint32_t i = 0; i < n; i++) {
		struct gpt_entry_disk d;

		memcpy(&d, t->entries + (size_t)i * size, sizeof d);
		if (!memcmp(d.type, none, sizeof none))
			continue;
		if (le64_get(d.last) > le64_get(t->h.last_usable))
			return "has a partition beyond the last usable sector";
		if (le64_get(d.last) > t->last_usable)
			return "has a partition that reaches past the new end";
	}
	return NULL;
}

static void sum_header(uint8_t *sector, struct gpt_header_disk *h)
{
	memcpy(sector, h, sizeof *h);
	h->header_crc = le32_make(header_crc(sector, le32_get(h->header_size)));
	memcpy(sector, h, sizeof *h);
}

/* The entry that covers the whole disk, if it covered the old one or is too
 * large for the new. */
static void edit_mbr(uint8_t *mbr, const struct table *t)
{
	uint64_t new_size = t->new_last > UINT32_MAX ? UINT32_MAX : t->new_last;
	uint64_t old_size = t->old_last > UINT32_MAX ? UINT32_MAX : t->old_last;

	if (mbr[510] != 0x55 || mbr[511] != 0xaa)
		return;
	for (uint8_t *p = mbr + MBR_ENTRY; p < mbr + 510; p += 16) {
		le32 start, size;

		memcpy(&start, p + 8, 4);
		memcpy(&size, p + 12, 4);
		if (p[4] != MBR_TYPE_PROTECTIVE || le32_get(start) != 1 ||
		    (le32_get(size) != old_size && le32_get(size) <= new_size &&
		     le32_get(size) != UINT32_MAX))
			continue;
		size = le32_make((uint32_t)new_size);
		memcpy(p + 12, &size, 4);
		memset(p + 5, 0xff, 3); /* CHS: not to be represented */
	}
}

static int make_tail(struct gpt_head *head, const struct table *t,
		     struct gpt_move *ret, struct err *e)
{
	uint8_t *sector = head->bytes + t->ss, *tail;
	struct gpt_header_disk h = t->h;
	size_t entries_len = (size_t)t->entries_sectors * t->ss;

	tail = malloc(entries_len + t->ss);
	if (!tail)
		return err_set(e, ERR_NOMEM, "out of memory for the partition table");
	h.other_lba = le64_make(t->new_last);
	h.last_usable = le64_make(t->last_usable);
	sum_header(sector, &h);
	memcpy(tail, t->entries, entries_len);
	memcpy(tail + entries_len, sector, t->ss);
	h.my_lba = le64_make(t->new_last);
	h.other_lba = le64_make(1);
	h.entries_lba = le64_make(t->new_last - t->entries_sectors);
	sum_header(tail + entries_len, &h);
	edit_mbr(head->bytes, t);
	*ret = (struct gpt_move){
		.tail = tail, .off = (t->new_last - t->entries_sectors) * t->ss,
		.len = entries_len + t->ss,
	};
	return GPT_MOVE;
}

static int has_protective_mbr(const uint8_t *mbr)
{
	if (mbr[510] != 0x55 || mbr[511] != 0xaa)
		return 0;
	for (const uint8_t *p = mbr + MBR_ENTRY; p < mbr + 510; p += 16)
		if (p[4] == MBR_TYPE_PROTECTIVE)
			return 1;
	return 0;
}

/* The sector size whose header is there; 0: none. */
static uint32_t find_header(const struct gpt_head *head, uint32_t ss)
{
	const uint32_t other = ss == 512 ? 4096 : 512, sizes[2] = { ss, other };

	for (int i = 0; i < 2; i++)
		if (head->len >= 2 * sizes[i] &&
		    !memcmp(head->bytes + sizes[i], "EFI PART", 8))
			return sizes[i];
	return 0;
}

static int damaged(const char *wrong, struct err *e)
{
	return err_set(e, ERR_CORRUPT,
		       "the primary GPT %s; it was left as it is, so its backup isn't at the disk's end; repair it, for example with gdisk",
		       wrong);
}

/* Both disks' sectors, and the header's numbers.  0: there is nothing to do. */
static int measure(const struct gpt_head *head, const struct gpt_sizes *s, struct table *t)
{
	uint64_t bytes;

	if (!t->ss || s->to / t->ss == s->from / t->ss || s->from / t->ss < 6 || s->to / t->ss < 6)
		return 0;
	t->old_last = s->from / t->ss - 1;
	t->new_last = s->to / t->ss - 1;
	memcpy(&t->h, head->bytes + t->ss, sizeof t->h);
	bytes = (uint64_t)le32_get(t->h.n_entries) * le32_get(t->h.entry_size);
	t->entries_sectors = bytes / t->ss + (bytes % t->ss != 0);
	if (t->entries_sectors + 1 < t->new_last)
		t->last_usable = t->new_last - t->entries_sectors - 1;
	return 1;
}

/* 1 if the backup is where one is moved from. */
static int backup_moves(const struct table *t)
{
	uint64_t at = le64_get(t->h.other_lba);

	return t->new_last > t->old_last ? at == t->old_last : at > t->new_last;
}

int gpt_move_make(struct blkdev *d, struct gpt_head *head,
		  const struct gpt_sizes *sizes, struct gpt_move *ret, struct err *e)
{
	cleanup_free uint8_t *entries = NULL;
	struct table t = { .ss = find_header(head, sizes->sector) };
	const char *wrong;
	uint64_t bytes;
	int r;

	if (!t.ss && sizes->to != sizes->from && head->len >= 512 && has_protective_mbr(head->bytes))
		return damaged("has lost its mark", e);
	if (!measure(head, sizes, &t))
		return 0;
	wrong = header_wrong(head->bytes + t.ss, &t);
	if (wrong)
		return damaged(wrong, e);
	if (!backup_moves(&t))
		return 0;
	wrong = no_room(&t);
	if (wrong)
		return damaged(wrong, e);
	bytes = t.entries_sectors * t.ss;
	t.entries = entries = malloc(bytes);
	if (!entries)
		return err_set(e, ERR_NOMEM, "out of memory for the partition table");
	r = read_disk(d, head, le64_get(t.h.entries_lba) * t.ss, entries, bytes, e);
	if (r < 0)
		return r;
	wrong = entries_wrong(&t);
	return wrong ? damaged(wrong, e) : make_tail(head, &t, ret, e);
}

void gpt_move_done(struct gpt_move *m)
{
	free(m->tail);
	*m = (struct gpt_move){ 0 };
}
