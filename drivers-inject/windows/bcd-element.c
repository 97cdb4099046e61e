/* bcd-element.c: see bcd-element.h. */
#include "drivers-inject/windows/bcd-element.h"
#include <string.h>
#include "common/le.h"
#include "common/text.h"

enum { DEVICE_PARTITION = 6, DISK_HARD = 0, TABLE_GPT = 0, TABLE_MBR = 1 };

struct partition_disk {
	le32 type;              /* +0x00 6                                   */
	le32 flags;             /* +0x04                                     */
	le32 size;              /* +0x08 0x48                                */
	le32 zero;              /* +0x0c                                     */
	union {
		uint8_t guid[16];
		struct { le64 offset; uint8_t zero[8]; } mbr;
	} part;                 /* +0x10                                     */
	le32 disk_kind;         /* +0x20                                     */
	le32 table;             /* +0x24                                     */
	union {
		uint8_t guid[16];
		struct { le32 signature; uint8_t zero[12]; } mbr;
	} disk;                 /* +0x28                                     */
	uint8_t spare[16];      /* +0x38                                     */
};
_Static_assert(sizeof(struct partition_disk) == BCD_PARTITION_SIZE, "BCD partition");

/* 1: a partition of a hard disk; virtual disks have other fields. */
static int decode(const struct partition_disk *d, struct part_id *ret)
{
	struct part_id id = { 0 };
	uint32_t table = le32_get(d->table);

	if (le32_get(d->type) != DEVICE_PARTITION || le32_get(d->size) != sizeof *d ||
	    le32_get(d->zero) || le32_get(d->disk_kind) != DISK_HARD || table > TABLE_MBR)
		return 0;
	id.gpt = table == TABLE_GPT;
	if (id.gpt) {
		memcpy(id.part, d->part.guid, 16);
		memcpy(id.disk, d->disk.guid, 16);
	} else {
		id.offset = le64_get(d->part.mbr.offset);
		id.signature = le32_get(d->disk.mbr.signature);
	}
	*ret = id;
	return 1;
}

static void encode(struct partition_disk *d, const struct part_id *id)
{
	memset(&d->part, 0, sizeof d->part);
	memset(&d->disk, 0, sizeof d->disk);
	d->table = le32_make(id->gpt ? TABLE_GPT : TABLE_MBR);
	if (id->gpt) {
		memcpy(d->part.guid, id->part, 16);
		memcpy(d->disk.guid, id->disk, 16);
	} else {
		d->part.mbr.offset = le64_make(id->offset);
		d->disk.mbr.signature = le32_make(id->signature);
	}
}

/* What stands around a nested descriptor has several versions, so that each
 * multiple of 4 is looked at instead of being led there by lengths. */
size_t bcd_devices(const uint8_t *data, size_t len, struct bcd_device ret[BCD_DEVICES_MAX])
{
	struct partition_disk d;
	size_t n = 0, at = BCD_DEVICE_AT;

	if (len > BCD_ELEMENT_MAX)
		return 0;
	while (n < BCD_DEVICES_MAX && at + sizeof d <= len) {
		memcpy(&d, data + at, sizeof d);
		if (decode(&d, &ret[n].id)) {
			ret[n++].at = at;
			at += sizeof d;
		} else {
			at += 4;
		}
	}
	return n;
}

void bcd_device_put(uint8_t *data, size_t at, const struct part_id *id)
{
	struct partition_disk d;

	memcpy(&d, data + at, sizeof d);
	encode(&d, id);
	memcpy(data + at, &d, sizeof d);
}

void bcd_device_make(const struct part_id *id, uint8_t ret[BCD_PLAIN_SIZE])
{
	struct partition_disk d = {
		.type = le32_make(DEVICE_PARTITION), .size = le32_make(sizeof d),
	};

	memset(ret, 0, BCD_PLAIN_SIZE);
	encode(&d, id);
	memcpy(ret + BCD_DEVICE_AT, &d, sizeof d);
}

void bcd_device_path(const uint8_t *data, size_t len, size_t at, char *ret, size_t size)
{
	size_t from = at + BCD_PARTITION_SIZE;

	*ret = 0;
	if (at != BCD_DEVICE_AT && from < len)
		text_from_utf16le(data + from, (len - from) / 2, ret, size);
}
