/* gpt.c: the GUID partition table: UEFI specification 2.10, chapter 5.3. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/checked.h"
#include "common/cleanup.h"
#include "common/text.h"
#include "imager/part/gpt-disk.h"
#include "imager/part/internal.h"

struct gpt {
	struct gpt_header_disk h;
	uint64_t lba, entries_lba, entries_bytes;
	uint32_t entry_size, n_entries;
	uint8_t *entries;
};

#define ATTR_LEGACY_BOOT ((uint64_t)1 << 2)

/* The first three fields are little-endian. */
static void guid_text(const uint8_t *g, int upper, char ret[40])
{
	snprintf(ret, 40, upper ?
		 "%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X" :
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 g[3], g[2], g[1], g[0], g[5], g[4], g[7], g[6],
		 g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15]);
}

/* A header's own fields; its entries not yet looked at.  1 if it is valid. */
static int header_valid(const struct blkdev *d, uint8_t *sector, uint64_t lba,
			uint32_t ss, struct gpt *g)
{
	uint32_t size, n_bytes;

	memcpy(&g->h, sector, sizeof g->h);
	size = le32_get(g->h.header_size);
	if (memcmp(g->h.magic, "EFI PART", 8) || size < sizeof g->h || size > ss)
		return 0;
	memset(sector + 0x10, 0, 4);
	if (gpt_crc32(sector, size) != le32_get(g->h.header_crc))
		return 0;
	g->lba = lba;
	g->n_entries = le32_get(g->h.n_entries);
	g->entry_size = le32_get(g->h.entry_size);
	g->entries_lba = le64_get(g->h.entries_lba);
	if (le64_get(g->h.my_lba) != lba || !g->n_entries ||
	    g->n_entries > GPT_ENTRIES_MAX ||
	    g->entry_size < sizeof(struct gpt_entry_disk) ||
	    g->entry_size > GPT_ENTRY_SIZE_MAX || g->entry_size % 8)
		return 0;
	n_bytes = g->n_entries * g->entry_size;
	g->entries_bytes = (n_bytes + ss - 1) / ss * ss;
	return g->entries_lba < d->size / ss &&
	       g->entries_bytes <= d->size - g->entries_lba * ss;
}

/* 0: *g is valid, its entries are the caller's; PART_NONE; <0. */
static int gpt_load(struct blkdev *d, uint64_t lba, uint32_t ss, struct gpt *g,
		    struct err *e)
{
	cleanup_free uint8_t *buf = malloc(ss);
	uint8_t *entries;
	int r;

	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory for the partition table");
	if (!lba || lba >= d->size / ss)
		return PART_NONE;
	r = dev_read(d, lba * ss, buf, ss, e);
	if (r < 0)
		return r;
	if (!header_valid(d, buf, lba, ss, g))
		return PART_NONE;
	entries = malloc(g->entries_bytes);
	if (!entries)
		return err_set(e, ERR_NOMEM, "out of memory for the partition table");
	r = dev_read(d, g->entries_lba * ss, entries, g->entries_bytes, e);
	if (!r && gpt_crc32(entries, (size_t)g->n_entries * g->entry_size) !=
		  le32_get(g->h.entries_crc))
		r = PART_NONE;
	if (r)
		free(entries);
	else
		g->entries = entries;
	return r;
}

int gpt_found(struct blkdev *d, uint32_t sector_size)
{
	struct gpt g = { 0 };
	int r = gpt_load(d, 1, sector_size, &g, NULL);

	free(g.entries);
	return !r;
}

static int add_entry(struct part_table *t, const struct gpt_entry_disk *n,
		     unsigned int number, struct err *e)
{
	static const uint8_t none[16];
	struct partition p = { .number = number, .attrs = le64_get(n->attrs) };
	uint64_t first = le64_get(n->first), last = le64_get(n->last), end;

	if (!memcmp(n->type, none, 16))
		return 0;
	if (last < first || add_overflows(last, 1, &end) ||
	    mul_overflows(first, t->sector_size, &p.start) ||
	    mul_overflows(end, t->sector_size, &end))
		return err_set(e, ERR_CORRUPT,
			       "partition %u goes from sector %llu to %llu",
			       number, (unsigned long long)first,
			       (unsigned long long)last);
	p.size = end - p.start;
	guid_text(n->type, 1, p.type);
	guid_text(n->uuid, 0, p.uuid);
	text_from_utf16le(n->name, 36, p.name, sizeof p.name);
	if (p.attrs & ATTR_LEGACY_BOOT)
		p.flags |= PART_ACTIVE;
	if (!strcmp(p.type, "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"))
		p.flags |= PART_ESP;
	if (!strcmp(p.type, "21686148-6449-6E6F-744E-656564454649"))
		p.flags |= PART_BIOS_BOOT;
	return part_add(t, &p, e);
}

static int add_ranges(struct part_table *t, const struct gpt *g,
		      const char *what, struct err *e)
{
	uint64_t ss = t->sector_size;
	int r = part_add_range(t, g->lba * ss, ss, what, e);

	return r < 0 ? r : part_add_range(t, g->entries_lba * ss,
					  g->entries_bytes, what, e);
}

/* The table of the one header that is used, and where both lie. */
static int build(struct blkdev *d, const struct gpt *use, const struct gpt *backup,
		 struct part_table *t, struct err *e)
{
	uint64_t last = d->size / t->sector_size - 1;
	int r = part_add_range(t, 0, t->sector_size, "MBR", e);

	if (le64_get(use->h.last_usable) > last)
		return err_set(e, ERR_CORRUPT,
			       "the GPT is for a disk of more than %llu sectors, this one has %llu; is the disk or its copy cut short?",
			       (unsigned long long)le64_get(use->h.last_usable),
			       (unsigned long long)last + 1);
	guid_text(use->h.disk_guid, 0, t->id);
	for (unsigned int i = 0; i < use->n_entries && !r; i++) {
		struct gpt_entry_disk n;

		memcpy(&n, use->entries + (size_t)i * use->entry_size, sizeof n);
		r = add_entry(t, &n, i + 1, e);
	}
	if (!r && use != backup)
		r = add_ranges(t, use, "GPT", e);
	if (!r && backup)
		r = add_ranges(t, backup, "GPT backup", e);
	if (r)
		return r;
	t->from_backup = use == backup;
	t->good_header[0] = use->lba * t->sector_size;
	t->good_header[1] = backup ? backup->lba * t->sector_size : 0;
	if (t->from_backup)
		return part_note(t, e, "The primary GPT is damaged; its backup was used.");
	if (!backup)
		return part_note(t, e, "The backup GPT is missing or damaged.");
	if (backup->lba != last)
		return part_note(t, e, "The backup GPT is not at the end of the disk.");
	if (use->n_entries != backup->n_entries || use->entry_size != backup->entry_size ||
	    memcmp(use->entries, backup->entries, (size_t)use->n_entries * use->entry_size))
		return part_note(t, e, "The backup GPT differs from the primary one; the primary was used.");
	return 0;
}

int gpt_read(struct blkdev *d, uint32_t sector_size, struct part_table **ret,
	     struct err *e)
{
	struct gpt primary = { 0 }, backup = { 0 };
	uint64_t last = d->size / sector_size - 1;
	struct part_table *t = part_table_new("gpt", sector_size, e);
	struct err why;
	int r, b;

	if (!t)
		return ERR_NOMEM;
	/* an unreadable header is a damaged one: the other one may do */
	r = gpt_load(d, 1, sector_size, &primary, &why);
	b = gpt_load(d, r ? last : le64_get(primary.h.other_lba), sector_size, &backup,
		     r == ERR_IO ? NULL : &why);
	if (r && b)
		r = r == ERR_IO || b == ERR_IO ? err_set(e, ERR_IO, "%s", why.msg) : PART_NONE;
	else
		r = build(d, r ? &backup : &primary, b ? NULL : &backup, t, e);
	free(primary.entries);
	free(backup.entries);
	if (r) {
		part_free(t);
		return r;
	}
	*ret = t;
	return 0;
}
