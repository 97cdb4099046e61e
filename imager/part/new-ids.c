/* new-ids.c: see new-ids.h. */
#include "imager/part/new-ids.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "common/cleanup.h"
#include "imager/part/gpt-disk.h"
#include "imager/part/internal.h"

/* One of the two copies of a GPT. */
struct copy {
	uint8_t sector[4096];   /* with the header                           */
	struct gpt_header_disk h;
	uint64_t lba;
	uint32_t ss;
	size_t entries_len;     /* bytes                                     */
};

static int random_bytes(void *to, size_t n, struct err *e)
{
	return getrandom(to, n, 0) == (ssize_t)n ? 0 : err_sys(e, errno, "random numbers");
}

/* RFC 4122, version 4: random; its version stands in the third field, which is
 * little-endian on a disk. */
static int random_guid(uint8_t g[16], struct err *e)
{
	int rc = random_bytes(g, 16, e);

	g[7] = (uint8_t)((g[7] & 0x0f) | 0x40);
	g[8] = (uint8_t)((g[8] & 0x3f) | 0x80);
	return rc;
}

static uint32_t header_crc(const struct copy *c)
{
	uint8_t sector[4096];

	memcpy(sector, c->sector, c->ss);
	memset(sector + offsetof(struct gpt_header_disk, header_crc), 0, 4);
	return gpt_crc32(sector, le32_get(c->h.header_size));
}

static int is_valid(const struct blkdev *d, const struct copy *c)
{
	const struct gpt_header_disk *h = &c->h;
	uint32_t size = le32_get(h->header_size), n = le32_get(h->n_entries),
		 entry = le32_get(h->entry_size);
	uint64_t at = le64_get(h->entries_lba);

	return !memcmp(h->magic, "EFI PART", 8) && size >= sizeof *h && size <= c->ss &&
	       header_crc(c) == le32_get(h->header_crc) && le64_get(h->my_lba) == c->lba && n &&
	       n <= GPT_ENTRIES_MAX && entry >= sizeof(struct gpt_entry_disk) &&
	       entry <= GPT_ENTRY_SIZE_MAX && entry % 8 == 0 && at < d->size / c->ss &&
	       (uint64_t)n * entry <= d->size - at * c->ss;
}

/* 1: a whole header is there. */
static int read_copy(struct blkdev *d, uint64_t lba, uint32_t ss, struct copy *c, struct err *e)
{
	int rc;

	c->lba = lba;
	c->ss = ss;
	if (lba >= d->size / ss)
		return 0;
	rc = dev_read(d, lba * ss, c->sector, ss, e);
	if (rc)
		return rc;
	memcpy(&c->h, c->sector, sizeof c->h);
	if (!is_valid(d, c))
		return 0;
	c->entries_len = (size_t)le32_get(c->h.n_entries) * le32_get(c->h.entry_size);
	return 1;
}

/* The entries first: until the header follows, the other copy counts. */
static int write_copy(struct blkdev *d, struct copy *c, const uint8_t guid[16],
		      const uint8_t *entries, struct err *e)
{
	int rc;

	memcpy(c->h.disk_guid, guid, 16);
	c->h.entries_crc = le32_make(gpt_crc32(entries, c->entries_len));
	memcpy(c->sector, &c->h, sizeof c->h);
	c->h.header_crc = le32_make(header_crc(c));
	memcpy(c->sector, &c->h, sizeof c->h);
	rc = dev_write(d, le64_get(c->h.entries_lba) * c->ss, entries, c->entries_len, e);
	if (!rc)
		rc = dev_write(d, c->lba * c->ss, c->sector, c->ss, e);
	return rc ? rc : dev_flush(d, e);
}

static int new_guids(const struct copy *c, uint8_t *entries, struct err *e)
{
	static const uint8_t none[16];
	uint32_t size = le32_get(c->h.entry_size);
	int rc = 0;

	for (uint32_t i = 0; !rc && i < le32_get(c->h.n_entries); i++) {
		uint8_t *entry = entries + (size_t)i * size;

		if (memcmp(entry, none, sizeof none))
			rc = random_guid(entry + offsetof(struct gpt_entry_disk, uuid), e);
	}
	return rc;
}

/* dev_write takes whole sectors only where the device does; a table's entries are
 * such by the specification (128 entries of 128 bytes). */
static int change_gpt(struct blkdev *d, struct copy *first, struct err *e)
{
	cleanup_free struct copy *last = calloc(1, sizeof *last);
	cleanup_free uint8_t *entries = malloc(first->entries_len);
	uint8_t guid[16];
	int rc;

	if (!last || !entries)
		return err_set(e, ERR_NOMEM, "out of memory");
	rc = read_copy(d, le64_get(first->h.other_lba), first->ss, last, e);
	if (rc < 0)
		return rc;
	if (!rc || last->entries_len != first->entries_len)
		return err_set(e, ERR_CORRUPT, "%s: the partition table's backup is damaged, so its ids "
			       "can't be changed; mend it first, with sgdisk -e", d->name);
	rc = dev_read(d, le64_get(first->h.entries_lba) * first->ss, entries, first->entries_len, e);
	if (!rc && gpt_crc32(entries, first->entries_len) != le32_get(first->h.entries_crc))
		rc = err_set(e, ERR_CORRUPT, "%s: the partition table's checksum is wrong", d->name);
	if (!rc)
		rc = random_guid(guid, e);
	if (!rc)
		rc = new_guids(first, entries, e);
	if (!rc)
		rc = write_copy(d, last, guid, entries, e);
	return rc ? rc : write_copy(d, first, guid, entries, e);
}

static int change_mbr(struct blkdev *d, struct err *e)
{
	struct mbr_disk mbr;
	uint8_t sector[4096];
	int rc = dev_read(d, 0, sector, d->sector_size, e);

	if (rc)
		return rc;
	memcpy(&mbr, sector, sizeof mbr);
	if (mbr.magic[0] != 0x55 || mbr.magic[1] != 0xaa)
		return NEW_IDS_NONE;
	do
		rc = random_bytes(&mbr.disk_id, sizeof mbr.disk_id, e);
	while (!rc && !le32_get(mbr.disk_id));
	memcpy(sector, &mbr, sizeof mbr);
	if (!rc)
		rc = dev_write(d, 0, sector, d->sector_size, e);
	return rc ? rc : dev_flush(d, e);
}

int part_new_ids(struct blkdev *d, struct err *e)
{
	cleanup_free struct copy *first = calloc(1, sizeof *first);
	struct part_table *t;
	int rc = part_read(d, &t, e), gpt;

	if (rc)
		return rc == PART_NONE ? NEW_IDS_NONE : rc;
	gpt = !strcmp(t->kind, "gpt");
	if (!first)
		rc = err_set(e, ERR_NOMEM, "out of memory");
	else if (gpt)
		rc = read_copy(d, 1, t->sector_size, first, e);
	part_free(t);
	if (rc < 0)
		return rc;
	if (!gpt)
		return change_mbr(d, e);
	return rc ? change_gpt(d, first, e) :
	       err_set(e, ERR_CORRUPT, "%s: the partition table at the start of the disk is damaged, so "
		       "its ids can't be changed", d->name);
}
