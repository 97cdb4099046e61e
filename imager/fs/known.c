/* known.c: what is recognised and named, but taken whole: no reader knows its
 * used blocks.  Magic numbers as in each format's own documentation; those
 * that hide others come first (a RAID member looks like its file system). */
#include <stdio.h>
#include <string.h>
#include "common/text.h"
#include "imager/fs/readers.h"

struct known {
	const char *type;         /* as blkid names it */
	uint64_t off;             /* bytes from the start */
	const char *magic;
	uint8_t len;
	uint32_t uuid, label;     /* where they are; 0: not told */
	uint16_t label_len;
};
#define M(s) (s), sizeof(s) - 1

static const struct known table[] = {
	{ "linux_raid_member", 0, M("\xfc\x4e\x2b\xa9\1\0\0\0"), 16, 32, 32 },
	{ "linux_raid_member", 4096, M("\xfc\x4e\x2b\xa9\1\0\0\0"), 4112, 4128, 32 },
	{ "crypto_LUKS", 0, M("LUKS\xba\xbe"), 0, 0, 0 },
	{ "BitLocker", 3, M("-FVE-FS-"), 0, 0, 0 },
	{ "LVM2_member", 24, M("LVM2 001"), 0, 0, 0 },
	{ "LVM2_member", 512 + 24, M("LVM2 001"), 0, 0, 0 },
	{ "LVM2_member", 1024 + 24, M("LVM2 001"), 0, 0, 0 },
	{ "LVM2_member", 1536 + 24, M("LVM2 001"), 0, 0, 0 },
	{ "bcache", 4096 + 24, M("\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81"), 4136, 0, 0 },
	{ "stratis", 512 + 4, M("!Stra0tis\x86\xff\x02^Arh"), 0, 0, 0 },
	{ "DM_integrity", 0, M("integrt\0"), 0, 0, 0 },
	{ "DM_verity_hash", 0, M("verity\0\0"), 16, 0, 0 },
	{ "VMFS_volume_member", 0x100000, M("\x0d\xd0\x01\xc0"), 0, 0, 0 },
	{ "ceph_bluestore", 0, M("bluestore block device"), 0, 0, 0 },
	{ "ReFS", 0, M("\0\0\0ReFS\0"), 0, 0, 0 },
	{ "apfs", 32, M("NXSB"), 72, 0, 0 },
	{ "hfsplus", 1024, M("H+\0\4"), 0, 0, 0 },
	{ "hfsplus", 1024, M("HX\0\5"), 0, 0, 0 },
	{ "jfs", 32768, M("JFS1"), 32768 + 136, 32768 + 152, 16 },
	{ "reiserfs", 65536 + 52, M("ReIsEr"), 65536 + 84, 65536 + 100, 16 },
	{ "reiserfs", 8192 + 52, M("ReIsEr"), 0, 0, 0 },
	{ "nilfs2", 1024, M("\2\0\0\0\0\0\x34\x34"), 0, 0, 0 },
	{ "gfs2", 65536, M("\x01\x16\x19\x70"), 0, 0, 0 },
	{ "ufs", 8192 + 1372, M("\x54\x19\x01\x00"), 0, 0, 0 },
	{ "ufs", 65536 + 1372, M("\x19\x01\x54\x19"), 0, 0, 0 },
	{ "squashfs", 0, M("hsqs"), 0, 0, 0 },
	{ "iso9660", 32769, M("CD001"), 0, 32808, 32 },
	{ "udf", 32769, M("BEA01"), 0, 0, 0 },
};

static int has(struct blkdev *d, uint64_t off, const void *magic, size_t len)
{
	uint8_t buf[32];

	return off + len <= d->size && dev_read(d, off, buf, len, NULL) == 0 &&
	       !memcmp(buf, magic, len);
}

/* MD superblocks 0.90 (in the last 64 KiB-aligned 64 KiB) and 1.0 (8 KiB or a
 * little more before the end, 4 KiB-aligned): they leave the file system at
 * the start visible. */
static int md_at_end(struct blkdev *d)
{
	uint64_t old, new;

	if (d->size < 128 << 10)
		return 0;
	old = (d->size & ~(uint64_t)0xffff) - 0x10000;
	new = (d->size - 8192) & ~(uint64_t)4095;
	return has(d, old, "\xfc\x4e\x2b\xa9\0\0\0\0", 8) ||
	       has(d, old, "\xa9\x2b\x4e\xfc\0\0\0\0", 8) ||
	       has(d, new, "\xfc\x4e\x2b\xa9\1\0\0\0", 8);
}

/* Headers that firmware RAIDs keep in the last sectors. */
static int fake_raid(struct blkdev *d)
{
	if (d->size < 1 << 20)
		return 0;
	return has(d, d->size - 1024, "Intel Raid ISM Cfg Sig. ", 24) ||
	       has(d, d->size - 512, "\xde\x11\xde\x11", 4) ||
	       has(d, d->size - 512, "\x11\xde\x11\xde", 4);
}

/* A ZFS label keeps its uberblocks from byte 128 Ki on, one a KiB at least. */
static int zfs(struct blkdev *d)
{
	if (d->size < 64 << 20)
		return 0;
	for (uint64_t off = 128 << 10; off < 256 << 10; off += 1024)
		if (has(d, off, "\x0c\xb1\xba\0\0\0\0\0", 8) ||
		    has(d, off, "\0\0\0\0\0\xba\xb1\x0c", 8))
			return 1;
	return 0;
}

static void fill(struct blkdev *d, const struct known *k, struct fs_ident *id)
{
	uint8_t u[16], label[256];

	if (k->uuid && !dev_read(d, k->uuid, u, 16, NULL))
		text_from_uuid(u, id->uuid);
	if (k->label && !dev_read(d, k->label, label, k->label_len, NULL))
		text_from_bytes(label, k->label_len, id->label, sizeof id->label);
	text_trim(id->label);
}

/* LUKS has its identifier as text. */
static void fill_luks(struct blkdev *d, struct fs_ident *id)
{
	uint8_t u[36];

	if (!dev_read(d, 168, u, sizeof u, NULL))
		text_from_bytes(u, sizeof u, id->uuid, sizeof id->uuid);
}

int fs_known(struct blkdev *d, struct fs_ident *ret)
{
	struct fs_ident id = { 0 };
	const char *type = md_at_end(d) ? "linux_raid_member" :
			   fake_raid(d) ? "raid_member" : zfs(d) ? "zfs_member" : NULL;

	for (size_t i = 0; !type && i < sizeof table / sizeof *table; i++) {
		if (!has(d, table[i].off, table[i].magic, table[i].len))
			continue;
		type = table[i].type;
		fill(d, &table[i], &id);
	}
	if (!type)
		return FS_NOT_MINE;
	snprintf(id.type, sizeof id.type, "%s", type);
	if (!strcmp(type, "crypto_LUKS"))
		fill_luks(d, &id);
	*ret = id;
	return 0;
}
