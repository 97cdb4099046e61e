/* lvm-label.c: a physical volume's label and its areas of metadata. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "common/checked.h"
#include "common/le.h"
#include "imager/container/lvm.h"

#define LABEL_SECTORS 4u        /* where a label may be                      */
#define AREA_HEADER 512u
#define CRC_START 0xf597a6cfu

struct label_disk {
	char magic[8];          /* +0x00 "LABELONE"                          */
	le64 sector;            /* +0x08 where it is                         */
	le32 crc;               /* +0x10 of the rest of the sector           */
	le32 offset;            /* +0x14 of the volume's header, from the label */
	char type[8];           /* +0x18 "LVM2 001"                          */
};
_Static_assert(sizeof(struct label_disk) == 0x20, "label_header");

struct pv_disk {
	char uuid[LVM_UUID];    /* +0x00 */
	le64 size;              /* +0x20 bytes; then areas of data, metadata */
};

struct area_disk {              /* ends with one whose offset is 0           */
	le64 off, size;
};

struct header_disk {
	le32 crc;               /* +0x00 of the rest of the header           */
	char magic[16];         /* +0x04 */
	le32 version;           /* +0x14 1 */
	le64 start, size;       /* +0x18 of the area                         */
};

struct text_disk {              /* +0x28 of the header: committed, precommitted */
	le64 off, size;         /* in the area; off 0: none                  */
	le32 crc, flags;
};
#define TEXT_IGNORED 1u         /* the group keeps none in this area         */
#define EXT_USED 1u             /* the volume is in a group                  */

static uint32_t crc(uint32_t start, const void *p, size_t len)
{
	return ~(uint32_t)crc32(~start, p, (uInt)len);
}

/* A list of areas at *at of the label's sector, behind which *at is put. */
static int read_areas(const uint8_t *sector, size_t *at, struct area_disk *v, unsigned int room,
		      unsigned int *n, struct err *e)
{
	*n = 0;
	for (;;) {
		struct area_disk a;

		if (*at + sizeof a > LVM_SECTOR)
			return err_set(e, ERR_CORRUPT, "the label of a physical volume has no end");
		memcpy(&a, sector + *at, sizeof a);
		*at += sizeof a;
		if (!le64_get(a.off))
			return 0;
		if (*n == room)
			return err_set(e, ERR_UNSUPPORTED, "the label of a physical volume lists more than %u areas", room);
		v[(*n)++] = a;
	}
}

/* What the sector at buf, number n, says. */
static int parse_label(const uint8_t *buf, unsigned int n, uint64_t dev_size,
		       struct lvm_pv_label *ret, struct err *e)
{
	struct label_disk h;
	struct pv_disk pv;
	struct area_disk data[1], meta[4];
	struct { le32 version, flags; } ext;
	unsigned int n_data;
	size_t at;
	int r;

	memcpy(&h, buf, sizeof h);
	at = le32_get(h.offset);
	if (le64_get(h.sector) != n || le32_get(h.crc) != crc(CRC_START, buf + 20, LVM_SECTOR - 20) ||
	    at < sizeof h || at > LVM_SECTOR - sizeof pv)
		return err_set(e, ERR_CORRUPT, "the label of a physical volume is damaged");
	memcpy(&pv, buf + at, sizeof pv);
	memcpy(ret->uuid, pv.uuid, LVM_UUID);
	ret->size = le64_get(pv.size);
	at += sizeof pv;
	r = read_areas(buf, &at, data, 1, &n_data, e);
	if (!r)
		r = read_areas(buf, &at, meta, 4, &ret->areas, e);
	if (r < 0)
		return r;
	ret->data = n_data ? le64_get(data[0].off) : 0;
	for (unsigned int i = 0; i < ret->areas; i++) {
		ret->area[i].off = le64_get(meta[i].off);
		ret->area[i].size = le64_get(meta[i].size);
		if (ret->area[i].size < 2 * AREA_HEADER ||
		    range_outside(ret->area[i].off, ret->area[i].size, dev_size))
			return err_set(e, ERR_CORRUPT, "a metadata area of a physical volume lies outside of it");
	}
	if (!n_data || ret->size > dev_size || ret->data >= dev_size)
		return err_set(e, ERR_CORRUPT, "the physical volume has %llu bytes by its label, its place %llu",
			       (unsigned long long)ret->size, (unsigned long long)dev_size);
	ret->used = -1;
	if (at + sizeof ext <= LVM_SECTOR) {
		memcpy(&ext, buf + at, sizeof ext);
		if (le32_get(ext.version) >= 2)
			ret->used = !!(le32_get(ext.flags) & EXT_USED);
	}
	return 0;
}

int lvm_label_read(struct blkdev *d, struct lvm_pv_label *ret, struct err *e)
{
	struct lvm_pv_label l = { 0 };
	uint8_t buf[LABEL_SECTORS * LVM_SECTOR];
	int r, found = 0;

	if (d->size < sizeof buf)
		return FS_NOT_MINE;
	r = dev_read(d, 0, buf, sizeof buf, e);
	if (r < 0)
		return FS_NOT_MINE; /* who can't be read is nobody's */
	for (unsigned int i = 0; i < LABEL_SECTORS; i++) {
		const uint8_t *s = buf + i * LVM_SECTOR;

		if (memcmp(s, "LABELONE", 8) || memcmp(s + 24, "LVM2 001", 8))
			continue;
		if (found++)
			return err_set(e, ERR_CORRUPT, "there are two labels of physical volumes");
		r = parse_label(s, i, d->size, &l, e);
		if (r < 0)
			return r;
	}
	if (!found)
		return FS_NOT_MINE;
	*ret = l;
	return 0;
}

/* ---- an area of metadata ---- */

/* The text that t names, which may go round the ring's end. */
static int read_ring(struct blkdev *d, uint64_t start, uint64_t size, const struct text_disk *t,
		     char **ret, struct err *e)
{
	uint64_t off = le64_get(t->off), len = le64_get(t->size), first;
	char *text;
	int r;

	if (off < AREA_HEADER || off >= size || len > size - AREA_HEADER || !len)
		return err_set(e, ERR_CORRUPT, "the metadata of a volume group lies outside of its area");
	if (len > LVM_TEXT_MAX)
		return err_set(e, ERR_UNSUPPORTED, "the metadata of a volume group has more than %u bytes", LVM_TEXT_MAX);
	text = malloc((size_t)len + 1);
	if (!text)
		return err_set(e, ERR_NOMEM, "out of memory for the metadata of a volume group");
	first = len < size - off ? len : size - off;
	r = dev_read(d, start + off, text, (size_t)first, e);
	if (!r)
		r = dev_read(d, start + AREA_HEADER, text + first, (size_t)(len - first), e);
	if (!r && crc(CRC_START, text, (size_t)len) != le32_get(t->crc))
		r = err_set(e, ERR_CORRUPT, "the metadata of a volume group has a wrong checksum");
	if (r < 0) {
		free(text);
		return r;
	}
	text[len] = 0;
	*ret = text;
	return 0;
}

/* 1: no text; *ret_ignored: the area isn't used. */
static int read_area(struct blkdev *d, uint64_t start, uint64_t size, char **ret,
		     int *ret_ignored, struct err *e)
{
	static const char magic[] = "\x20\x4c\x56\x4d\x32\x20\x78\x5b\x35\x41\x25\x72\x30\x4e\x2a\x3e";
	uint8_t buf[AREA_HEADER];
	struct header_disk h;
	struct text_disk t[2];
	int r = dev_read(d, start, buf, sizeof buf, e);

	if (r < 0)
		return r;
	memcpy(&h, buf, sizeof h);
	memcpy(t, buf + sizeof h, sizeof t);
	if (le32_get(h.crc) != crc(CRC_START, buf + 4, sizeof buf - 4) || memcmp(h.magic, magic, 16) ||
	    le32_get(h.version) != 1 || le64_get(h.start) != start || le64_get(h.size) != size)
		return err_set(e, ERR_CORRUPT, "a metadata area of a physical volume is damaged");
	*ret_ignored = !!(le32_get(t[0].flags) & TEXT_IGNORED);
	if (le32_get(t[0].flags) & ~TEXT_IGNORED)
		return err_set(e, ERR_UNSUPPORTED, "a metadata area of a physical volume is marked in an unknown way");
	if (*ret_ignored || !le64_get(t[0].off))
		return 1;
	if (le64_get(t[1].off))
		return err_set(e, ERR_UNSUPPORTED, "a change of the volume group was not completed");
	return read_ring(d, start, size, &t[0], ret, e);
}

int lvm_text_read(struct blkdev *d, const struct lvm_pv_label *l, char **ret, int *ret_none,
		  struct err *e)
{
	char *first = NULL, *text;
	int r = 0, ignored;

	*ret_none = l->areas > 0;
	for (unsigned int i = 0; i < l->areas && r >= 0; i++) {
		r = read_area(d, l->area[i].off, l->area[i].size, &text, &ignored, e);
		*ret_none &= r == 1 && !ignored;
		if (r)
			continue;
		if (!first) {
			first = text;
			continue;
		}
		if (strcmp(first, text))
			r = err_set(e, ERR_CORRUPT, "the two copies of the volume group's metadata differ");
		free(text);
	}
	if (r < 0) {
		free(first);
		return r;
	}
	if (!first)
		return 1;
	*ret = first;
	return 0;
}
