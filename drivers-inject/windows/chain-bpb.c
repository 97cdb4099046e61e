/* chain-bpb.c: the fields of a boot sector (the BIOS parameter block) by which its code
 * finds its own partition.
 *
 *   +0x0b  bytes of a sector, 16 bits
 *   +0x1a  heads, 16 bits: what the loader of 2000 to 2003 counts with
 *   +0x1c  "hidden sectors", 32 bits: those before the partition
 *   +0x28  NTFS: sectors of the file system, 64 bits; a copy of the boot sector lies
 *          behind them.  FAT32 +0x32: sector of a copy, 16 bits
 *
 * Sources: Microsoft's FAT specification 1.03; libntfs-3g's layout.h; the heads: what
 * virt-v2v writes for these Windows, by the size of the disk. */
#include <stdio.h>
#include <string.h>
#include "common/le.h"
#include "drivers-inject/windows/chain-int.h"

#define BPB_SECTOR 0x0b
#define BPB_HEADS 0x1a
#define BPB_HIDDEN 0x1c
#define NTFS_SECTORS 0x28
#define FAT_SECTORS16 0x16      /* of a FAT; 0: FAT32                        */
#define FAT32_COPY 0x32

static uint16_t get16(const uint8_t *p)
{
	le16 v;

	memcpy(&v, p, sizeof v);
	return le16_get(v);
}

/* What a BIOS that translates by size says (the largest disk that 64, 128 heads with
 * 63 sectors and 1024 cylinders reach). */
static uint16_t heads_of(uint64_t disk_size)
{
	return disk_size < 2114445312u ? 0x40 : disk_size < 4228374780u ? 0x80 : 0xff;
}

/* Byte of the copy of the boot sector; 0: there is none. */
static uint64_t copy_at(const struct sidevol *s, const uint8_t sector[CHAIN_SECTOR])
{
	uint64_t bytes = get16(sector + BPB_SECTOR), n;
	le64 sectors;

	if (s->tree->ops == &tree_ntfs) {
		memcpy(&sectors, sector + NTFS_SECTORS, sizeof sectors);
		n = le64_get(sectors);
	} else {
		n = get16(sector + FAT_SECTORS16) ? 0 : get16(sector + FAT32_COPY);
	}
	return bytes && n < s->below->size / bytes ? n * bytes : 0;
}

/* The boot sector at byte `at` gets these; another thing that stands there is left. */
static int mend(struct sidevol *s, uint64_t at, const uint8_t first[CHAIN_SECTOR], uint32_t hidden,
		int heads, struct err *e, const char *reason)
{
	uint8_t sector[CHAIN_SECTOR];
	le32 h = le32_make(hidden);
	le16 n = le16_make((uint16_t)heads);
	int r = dev_read(s->dev, at, sector, sizeof sector, e);

	if (r || memcmp(sector, first, BPB_SECTOR + 2))
		return r;
	memcpy(sector + BPB_HIDDEN, &h, sizeof h);
	if (heads)
		memcpy(sector + BPB_HEADS, &n, sizeof n);
	return sidevol_patch(s, at, sector, sizeof sector, e, "%s", reason);
}

/* A logical partition's field counts from its own table sector on some Windows, from
 * the disk's begin on others: it is left. */
int chain_hidden(struct chain *ch, int volume, struct err *e)
{
	const struct volumes *v = ch->c->volumes;
	const struct volume *x = &v->v[volume];
	const struct partition *part = chain_part(ch, volume);
	const struct guest_disk *disk = &v->disk[x->disk];
	struct sidevol *s = chain_side(ch, volume);
	uint8_t sector[CHAIN_SECTOR];
	char name[320], reason[600];
	uint64_t lba, copy;
	uint32_t bytes;
	le32 now;
	int r, heads;

	if (!s || !part || part->flags & PART_LOGICAL)
		return 0;
	r = dev_read(s->dev, 0, sector, sizeof sector, e);
	if (r)
		return r;
	bytes = get16(sector + BPB_SECTOR);
	lba = bytes ? x->start / bytes : 0;
	if (!lba || lba > UINT32_MAX)
		return 0;
	memcpy(&now, sector + BPB_HIDDEN, sizeof now);
	heads = ch->c->nt5 && s->tree->ops == &tree_ntfs ? heads_of(disk->size) : 0;
	copy = copy_at(s, sector);
	if (le32_get(now) == lba)
		snprintf(reason, sizeof reason, "The boot sector of %s counts with %u heads; the "
			 "loader needs the disk's", chain_name(ch, volume, name),
			 get16(sector + BPB_HEADS));
	else
		snprintf(reason, sizeof reason, "The boot sector of %s says it begins at sector %u, "
			 "but it begins at %llu", chain_name(ch, volume, name), le32_get(now),
			 (unsigned long long)lba);
	r = copy ? mend(s, copy, sector, (uint32_t)lba, heads, e, reason) : 0;
	return r ? r : mend(s, 0, sector, (uint32_t)lba, heads, e, reason);
}
