/* bootplace.c: see bootplace.h.
 *
 * FAT and NTFS: Microsoft's FAT specification (fatgen103), BPB_HiddSec, and the
 * NTFS boot sector of the Linux NTFS project: "hidden sectors" in front of the
 * volume.  exFAT: Microsoft's exFAT specification, 3.1.4 PartitionOffset, 3.4 the
 * checksum. */
#include "imager/fs/bootplace.h"
#include <string.h>
#include "common/le.h"

#define BOOT_LEN 512u
#define SECTOR_MAX 4096u

struct boot_disk {            /* BPB of FAT and NTFS                     */
	uint8_t jump[3];      /* +0x00 */
	uint8_t oem[8];       /* +0x03 "NTFS    ", "EXFAT   "            */
	le16 sector;          /* +0x0b bytes a sector                    */
	uint8_t cluster;      /* +0x0d */
	uint8_t reserved[2];  /* +0x0e */
	uint8_t fats;         /* +0x10 NTFS, exFAT: 0                    */
	uint8_t mid[5];       /* +0x11 */
	le16 fat_size;        /* +0x16 sectors; FAT32: 0                 */
	uint8_t geometry[4];  /* +0x18 */
	le32 hidden;          /* +0x1c sectors                           */
	le32 total;           /* +0x20 */
	uint8_t fat32[4];     /* +0x24 */
	le64 ntfs_total;      /* +0x28 NTFS: sectors; the backup is behind them */
	uint8_t more[2];      /* +0x30 */
	le16 backup;          /* +0x32 FAT32: sector of the backup, 0 or 0xffff: none */
	uint8_t rest[458];    /* +0x34 */
	uint8_t magic[2];     /* +0x1fe 55 aa                            */
};
_Static_assert(sizeof(struct boot_disk) == BOOT_LEN, "fatgen103");

static int is_sector_size(uint32_t n)
{
	return n >= 512 && n <= SECTOR_MAX && !(n & (n - 1));
}

/* One boot sector of the kind of `like`; not an error if it isn't one. */
static void set_hidden(uint8_t *sector, const struct boot_disk *like, uint32_t hidden)
{
	struct boot_disk b;

	memcpy(&b, sector, sizeof b);
	if (memcmp(b.magic, "\x55\xaa", 2) || memcmp(b.oem, like->oem, sizeof b.oem))
		return;
	b.hidden = le32_make(hidden);
	memcpy(sector, &b, sizeof b);
}

static int ntfs_backup(const struct boot_disk *b, struct blkdev *d, uint32_t sector,
		       uint32_t hidden, struct err *e)
{
	uint64_t total = le64_get(b->ntfs_total), last;
	uint8_t buf[SECTOR_MAX];
	uint32_t n = d->sector_size > sector ? d->sector_size : sector;
	int r;

	/* the one behind the volume's sectors; where there is no room, none */
	if (!is_sector_size(n) || total >= d->size / sector || d->size % n)
		return 0;
	last = total * sector / n * n;
	r = dev_read(d, last, buf, n, e);
	if (r < 0)
		return r;
	set_hidden(buf + (total * sector - last), b, hidden);
	return dev_write(d, last, buf, n, e);
}

static int fat_or_ntfs(uint8_t *head, size_t len, struct blkdev *d, uint64_t start,
		       int *ret_short, struct err *e)
{
	struct boot_disk b;
	uint32_t sector, hidden, at;
	int is_ntfs, r;

	memcpy(&b, head, sizeof b);
	sector = le16_get(b.sector);
	is_ntfs = !memcmp(b.oem, "NTFS    ", 8);
	if (!is_sector_size(sector) || (!is_ntfs && (!b.fats || b.fats > 2)))
		return 0;
	*ret_short = start / sector > UINT32_MAX;
	if (*ret_short)
		return 1;
	hidden = (uint32_t)(start / sector);
	set_hidden(head, &b, hidden);
	at = le16_get(b.backup) * sector;
	if (!is_ntfs && !le16_get(b.fat_size) && at && at + BOOT_LEN <= len)
		set_hidden(head + at, &b, hidden);
	if (!is_ntfs)
		return 1;
	r = ntfs_backup(&b, d, sector, hidden, e);
	return r < 0 ? r : 1;
}

/* One boot region of 12 sectors: the field, and the checksum over the first 11, which
 * fills the last. */
static void exfat_region(uint8_t *region, uint32_t sector, uint64_t offset)
{
	le64 v = le64_make(offset);
	uint32_t sum = 0;
	le32 out;

	memcpy(region + 0x40, &v, sizeof v);
	for (size_t i = 0; i < 11ul * sector; i++)
		if (i != 106 && i != 107 && i != 112) /* flags and fill, which change */
			sum = (sum << 31 | sum >> 1) + region[i];
	out = le32_make(sum);
	for (size_t i = 0; i < sector; i += 4)
		memcpy(region + 11ul * sector + i, &out, 4);
}

static int exfat(uint8_t *head, size_t len, uint64_t start)
{
	unsigned int shift = head[0x6c];
	uint32_t sector;

	if (shift < 9 || shift > 12 || len < 24ul << shift)
		return 0;
	sector = 1u << shift;
	exfat_region(head, sector, start / sector);
	if (!memcmp(head + 12ul * sector + 3, "EXFAT   ", 8))
		exfat_region(head + 12ul * sector, sector, start / sector);
	return 1;
}

int bootplace_set(uint8_t *head, size_t head_len, struct blkdev *d, uint64_t start,
		  int *ret_short, struct err *e)
{
	*ret_short = 0;
	if (head_len < BOOT_LEN || memcmp(head + BOOT_LEN - 2, "\x55\xaa", 2))
		return 0;
	if (!memcmp(head + 3, "EXFAT   ", 8))
		return exfat(head, head_len, start);
	return fat_or_ntfs(head, head_len, d, start, ret_short, e);
}
