/* ntfs.c: recognising NTFS, and its MFT records.
 *
 * Layouts: the boot sector and MFT record as in the headers of libntfs-3g
 * (layout.h) and the Linux-NTFS project's documentation. */
#include "imager/fs/ntfs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "common/le.h"
#include "common/text.h"
#include "imager/fs/readers.h"

struct ntfs_boot_disk {
	uint8_t jump[3];
	uint8_t oem[8];          /* +0x03 "NTFS    "                         */
	le16 sector_size;        /* +0x0b bytes                              */
	uint8_t cluster_sectors; /* +0x0d above 128: 1 << (256 - n)          */
	uint8_t a[26];
	le64 sectors;            /* +0x28 without the backup boot sector     */
	le64 mft;                /* +0x30 cluster                            */
	le64 mft_mirror;         /* +0x38 cluster                            */
	int8_t record_clusters;  /* +0x40 below 0: 1 << -n bytes             */
	uint8_t b[7];
	uint8_t serial[8];       /* +0x48                                    */
};
_Static_assert(sizeof(struct ntfs_boot_disk) == 0x50, "NTFS boot sector");

struct ntfs_record_disk {
	uint8_t magic[4];        /* +0x00 "FILE"                             */
	le16 usa_off, usa_count; /* +0x04 sector ends are kept there         */
	le64 lsn;                /* +0x08                                    */
	le16 sequence, links;    /* +0x10                                    */
	le16 attrs_off;          /* +0x14                                    */
	le16 flags;              /* +0x16 1: in use                          */
	le32 used, allocated;    /* +0x18 bytes                              */
	le64 base;               /* +0x20 the file it continues: number in
				  * the low 48 bits; 0: itself               */
};
struct ntfs_attr_disk {
	le32 type;               /* +0x00 0xffffffff: end                    */
	le32 length;             /* +0x04                                    */
	uint8_t non_resident;    /* +0x08                                    */
	uint8_t name_len;
	le16 name_off, flags, instance;
	union {
		struct { le32 len; le16 off; } value;       /* +0x10 resident */
		struct {
			le64 first_vcn, last_vcn;           /* +0x10 */
			le16 runs_off;                      /* +0x20 */
		} runs;
	};
};
#define ATTR_END 0xffffffffu
#define ATTR_VOLUME_NAME 0x60u
#define ATTR_RESIDENT_MIN 0x18u
#define ATTR_NON_RESIDENT_MIN 0x40u
#define SECTOR 512u          /* the unit of the update sequence array */

/* Puts the sectors' last two bytes back; 0 if it is no sound record. */
static int fix_up(uint8_t *rec, size_t size)
{
	struct ntfs_record_disk h;
	size_t off, n;

	memcpy(&h, rec, sizeof h);
	off = le16_get(h.usa_off);
	n = le16_get(h.usa_count);
	if (memcmp(h.magic, "FILE", 4) || n != size / SECTOR + 1 || off % 2 ||
	    off + 2 * n > SECTOR)
		return 0;
	for (size_t i = 1; i < n; i++) {
		uint8_t *end = rec + i * SECTOR - 2;

		if (memcmp(end, rec + off, 2))
			return 0;
		memcpy(end, rec + off + 2 * i, 2);
	}
	return 1;
}

/* The attribute at *pos, which moves on.  1; 0 at the end; -1 damaged. */
static int next_attr(const uint8_t *rec, size_t size, size_t *pos,
		     struct ntfs_attr_disk *ret, const uint8_t **at, size_t *len)
{
	size_t left = size - *pos;

	if (*pos > size || left < 4)
		return -1;
	memset(ret, 0, sizeof *ret);
	memcpy(ret, rec + *pos, left < sizeof *ret ? left : sizeof *ret);
	if (le32_get(ret->type) == ATTR_END)
		return 0;
	*len = le32_get(ret->length);
	if (*len < (ret->non_resident ? ATTR_NON_RESIDENT_MIN : ATTR_RESIDENT_MIN) ||
	    *len > left || *len % 8)
		return -1;
	*at = rec + *pos;
	*pos += *len;
	return 1;
}

static int decode_runs(const uint8_t *p, const uint8_t *end, uint64_t nr_clusters,
		       ntfs_run_fn fn, void *ctx, struct err *e)
{
	int64_t lcn = 0;

	while (p < end && *p) {
		unsigned int n_len = *p & 15, n_off = *p >> 4;
		uint64_t len = 0, delta = 0;

		p++;
		if (!n_len || n_len > 8 || n_off > 8 || (size_t)(end - p) < n_len + n_off)
			return ERR_CORRUPT;
		for (unsigned int i = 0; i < n_len; i++)
			len |= (uint64_t)p[i] << (8 * i);
		p += n_len;
		for (unsigned int i = 0; i < n_off; i++)
			delta |= (uint64_t)p[i] << (8 * i);
		if (n_off && n_off < 8 && p[n_off - 1] & 0x80)
			delta |= ~(uint64_t)0 << (8 * n_off);
		p += n_off;
		if (!n_off)
			continue; /* a hole */
		if (__builtin_add_overflow(lcn, (int64_t)delta, &lcn))
			return ERR_CORRUPT;
		/* -1: older versions' way to write a hole */
		if (lcn == -1)
			continue;
		if (lcn < 0 || (uint64_t)lcn > nr_clusters || len > nr_clusters - (uint64_t)lcn)
			return ERR_CORRUPT;
		if (fn(ctx, (uint64_t)lcn, len, e) < 0)
			return ERR_NOMEM;
	}
	return p < end ? 0 : ERR_CORRUPT;
}

int ntfs_record_runs(uint8_t *rec, size_t size, uint64_t number, uint64_t nr_clusters,
		     ntfs_run_fn fn, void *ctx, struct err *e)
{
	struct ntfs_record_disk h;
	struct ntfs_attr_disk a;
	const uint8_t *at;
	size_t pos, len;
	int r;

	memcpy(&h, rec, sizeof h);
	/* never used: all zero, or without the flag */
	if (!memcmp(h.magic, "\0\0\0\0", 4) ||
	    (!memcmp(h.magic, "FILE", 4) && !(le16_get(h.flags) & 1)))
		return 0;
	if (!fix_up(rec, size))
		return err_set(e, ERR_CORRUPT, "MFT record %llu is damaged",
			       (unsigned long long)number);
	pos = le16_get(h.attrs_off);
	while ((r = next_attr(rec, size, &pos, &a, &at, &len)) > 0) {
		size_t off = le16_get(a.runs.runs_off);

		if (!a.non_resident)
			continue;
		r = off < len ? decode_runs(at + off, at + len, nr_clusters, fn, ctx, e)
			      : ERR_CORRUPT;
		if (r == ERR_NOMEM)
			return e ? e->code : r;
		if (r < 0)
			break;
	}
	return r < 0 ? err_set(e, ERR_CORRUPT, "the attributes of MFT record %llu are damaged",
			       (unsigned long long)number) : 0;
}

uint64_t ntfs_record_owner(const uint8_t *rec, uint64_t number)
{
	struct ntfs_record_disk h;

	memcpy(&h, rec, sizeof h);
	return le64_get(h.base) ? le64_get(h.base) & 0xffffffffffffull : number;
}

const uint8_t *ntfs_record_value(uint8_t *rec, size_t size, uint32_t type, size_t *ret_len)
{
	struct ntfs_record_disk h;
	struct ntfs_attr_disk a;
	const uint8_t *at;
	size_t pos, len;

	if (!fix_up(rec, size))
		return NULL;
	memcpy(&h, rec, sizeof h);
	pos = le16_get(h.attrs_off);
	while (next_attr(rec, size, &pos, &a, &at, &len) > 0) {
		size_t off = le16_get(a.value.off);

		if (le32_get(a.type) != type || a.non_resident)
			continue;
		*ret_len = le32_get(a.value.len);
		return off <= len && *ret_len <= len - off ? at + off : NULL;
	}
	return NULL;
}

/* The volume's name, from MFT record 3; "" if it can't be had. */
static void read_label(struct blkdev *d, uint64_t mft, size_t size, struct fs_ident *id)
{
	cleanup_free uint8_t *rec = malloc(size);
	const uint8_t *name;
	size_t len;

	if (!rec || dev_read(d, mft + 3 * size, rec, size, NULL) < 0)
		return;
	name = ntfs_record_value(rec, size, ATTR_VOLUME_NAME, &len);
	if (name)
		text_from_utf16le(name, len / 2, id->label, sizeof id->label);
}

static int ntfs_probe(struct blkdev *d, struct fs_ident *ret, struct err *e)
{
	struct ntfs_boot_disk b;
	struct fs_ident id = { .type = "ntfs" };
	uint32_t ss, cluster;
	size_t record;
	int r;

	if (d->size < 512)
		return FS_NOT_MINE;
	r = dev_read(d, 0, &b, sizeof b, e);
	if (r < 0)
		return r;
	if (memcmp(b.oem, "NTFS    ", 8))
		return FS_NOT_MINE;
	ss = le16_get(b.sector_size);
	cluster = b.cluster_sectors > 128 ? 256u - b.cluster_sectors : 0;
	if (ss < 256 || ss > 4096 || ss & (ss - 1) || !b.cluster_sectors || cluster > 13 ||
	    (b.cluster_sectors <= 128 && b.cluster_sectors & (b.cluster_sectors - 1)))
		return err_set(e, ERR_CORRUPT, "the NTFS boot sector has sectors of %u bytes, clusters of %u",
			       ss, b.cluster_sectors);
	cluster = ss * (cluster ? 1u << cluster : b.cluster_sectors);
	if (le64_get(b.sectors) > UINT64_MAX / 2 / ss || le64_get(b.mft) > UINT64_MAX / 2 / cluster ||
	    b.record_clusters > 64 || b.record_clusters < -16 || !b.record_clusters)
		return err_set(e, ERR_CORRUPT, "the NTFS boot sector is damaged");
	record = b.record_clusters > 0 ? (size_t)b.record_clusters * cluster
				       : (size_t)1 << -b.record_clusters;
	id.fs_size = le64_get(b.sectors) * ss;
	for (int i = 0; i < 8; i++)
		snprintf(id.uuid + 2 * i, sizeof id.uuid - 2 * (size_t)i, "%02X", b.serial[7 - i]);
	if (record >= 512 && record <= 65536)
		read_label(d, le64_get(b.mft) * cluster, record, &id);
	*ret = id;
	return 0;
}

static int ntfs_walk(struct blkdev *d, const struct fs_ident *id,
		     const struct fs_options *opt, const struct extent_sink *out,
		     struct err *e)
{
	if (id->fs_size > d->size)
		return err_set(e, ERR_CORRUPT,
			       "the file system has %llu bytes, but there are only %llu",
			       (unsigned long long)id->fs_size, (unsigned long long)d->size);
	return ntfs_vol_walk(d, opt, out, e);
}

const struct fs_reader fs_ntfs = { "ntfs", ntfs_probe, ntfs_walk };
