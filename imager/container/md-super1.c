/* md-super1.c: superblocks of MD, versions 1.0, 1.1, 1.2: one format at the member's
 * end, at its start, or 4 KiB behind that.  Little-endian. */
#include <stdio.h>
#include <string.h>
#include "common/checked.h"
#include "common/le.h"
#include "common/text.h"
#include "imager/container/md.h"

#define SECTORS_MAX (1ull << 53) /* sums of such numbers in bytes don't overflow */
#define BITMAP_MAX (64ull << 20) /* bytes: a bit for each 4 KiB of 2 TiB         */

struct super1_disk {
	le32 magic, major, features, pad0;
	uint8_t set_uuid[16];     /* +0x10 */
	char name[32];            /* +0x20 */
	le64 created;             /* +0x40 */
	le32 level, layout;       /* +0x48 level is signed                  */
	le64 size;                /* +0x50 sectors of each member, RAID1    */
	le32 chunk, disks;        /* +0x58 sectors; members                 */
	le32 bitmap;              /* +0x60 signed, sectors from here        */
	le32 new_level;
	le64 reshaped;            /* +0x68 */
	le32 delta, new_layout, new_chunk, new_offset;
	le64 data, room, super;   /* +0x80 sectors                          */
	le64 recovered;           /* +0x98 */
	le32 number, corrected;   /* +0xa0 */
	uint8_t dev_uuid[16];     /* +0xa8 */
	uint8_t flags, bad_shift; /* +0xb8 */
	le16 bad_len;             /* +0xba sectors                          */
	le32 bad;                 /* +0xbc signed, sectors from here        */
	le64 updated, events;     /* +0xc0 */
	le64 synced;              /* +0xd0 all ones: all                    */
	le32 sum, max_dev;        /* +0xd8 roles behind the 256 bytes       */
	uint8_t pad3[32];
};
_Static_assert(sizeof(struct super1_disk) == 0x100, "mdp_superblock_1");

enum {
	HAS_BITMAP = 0x1, RECOVERING = 0x2, RESHAPING = 0x4, HAS_BAD = 0x8, REPLACEMENT = 0x10,
	RECOVERING_BITMAP = 0x80, JOURNAL = 0x200, RAID0_LAYOUT = 0x1000,
};

struct bitmap_disk {
	char magic[4];            /* "bitm" */
	le32 version;             /* +0x04 */
	uint8_t uuid[16];
	le64 events, cleared;     /* +0x18 */
	le64 size;                /* +0x28 sectors                          */
	le32 state, chunk;        /* +0x30 bytes a bit                      */
	le32 sleep, behind;
	le32 reserved;            /* +0x40 sectors; 0: not told             */
	le32 nodes;
};

/* Of 256 bytes and the roles, the sum itself as 0. */
static uint32_t checksum(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i + 4 <= len; i += 4) {
		le32 v;

		memcpy(&v, p + i, 4);
		sum += i == 0xd8 ? 0 : le32_get(v);
	}
	if (len - i == 2)
		sum += p[i] | (uint32_t)p[i + 1] << 8;
	return (uint32_t)(sum + (sum >> 32));
}

static void why(struct md_member *m, const char *text)
{
	if (!m->why[0])
		snprintf(m->why, sizeof m->why, "%s", text);
}

/* Something that lies `sectors` from the superblock on. */
static int area_at(const struct blkdev *d, uint64_t super, le32 sectors, uint64_t len,
		   uint64_t *ret)
{
	int64_t at = (int64_t)super + (int64_t)(int32_t)le32_get(sectors) * MD_SECTOR;

	*ret = (uint64_t)at;
	return at < 0 || range_outside((uint64_t)at, len, d->size);
}

static int find_bitmap(struct blkdev *d, const struct super1_disk *s, struct md_member *m,
		       struct err *e)
{
	struct bitmap_disk b;
	uint64_t len;

	if (!(le32_get(s->features) & HAS_BITMAP))
		return 0;
	if (area_at(d, m->super, s->bitmap, 4096, &m->area[0].off))
		return err_set(e, ERR_CORRUPT, "the bitmap of a RAID lies outside of its member");
	if (dev_read(d, m->area[0].off, &b, sizeof b, e) < 0)
		return e ? e->code : ERR_IO;
	if (memcmp(b.magic, "bitm", 4) || !le32_get(b.chunk) || le32_get(b.nodes) ||
	    le64_get(b.size) > SECTORS_MAX)
		return err_set(e, ERR_UNSUPPORTED, "the RAID has a bitmap of an unknown kind");
	len = sizeof(b) + 256 + le64_get(b.size) * MD_SECTOR / le32_get(b.chunk) / 8;
	if (len < (uint64_t)le32_get(b.reserved) * MD_SECTOR)
		len = (uint64_t)le32_get(b.reserved) * MD_SECTOR;
	m->area[0].len = (len + 4095) & ~4095ull;
	if (len > BITMAP_MAX || area_at(d, m->super, s->bitmap, m->area[0].len, &m->area[0].off))
		return err_set(e, ERR_CORRUPT, "the bitmap of a RAID lies outside of its member");
	return 0;
}

/* The first entry of the log of bad blocks is all ones where there is none. */
static int find_bad(struct blkdev *d, const struct super1_disk *s, struct md_member *m,
		    struct err *e)
{
	uint64_t len = (uint64_t)le16_get(s->bad_len) * MD_SECTOR;
	le64 first;

	if (!len || !le32_get(s->bad))
		return 0;
	if (area_at(d, m->super, s->bad, len, &m->area[1].off))
		return err_set(e, ERR_CORRUPT, "the list of bad blocks of a RAID lies outside of its member");
	m->area[1].len = len;
	if (!(le32_get(s->features) & HAS_BAD))
		return 0;
	if (dev_read(d, m->area[1].off, &first, sizeof first, e) < 0)
		return e ? e->code : ERR_IO;
	if (le64_get(first) != UINT64_MAX)
		why(m, "some of its blocks are known to be bad");
	return 0;
}

static void check_state(const struct super1_disk *s, const uint8_t *p, struct md_member *m)
{
	uint32_t features = le32_get(s->features), number = le32_get(s->number);
	uint32_t role = number < le32_get(s->max_dev) ?
			p[256 + 2 * number] | (uint32_t)p[257 + 2 * number] << 8 : 0xffff;

	if (features & (RECOVERING | RECOVERING_BITMAP | REPLACEMENT))
		why(m, "it is being filled with the array's data");
	if (features & RESHAPING)
		why(m, "the array is being reshaped");
	if (features & JOURNAL)
		why(m, "the array has a journal");
	if (features & ~(uint32_t)(HAS_BITMAP | HAS_BAD | RAID0_LAYOUT))
		why(m, "the array has features that aren't known here");
	m->role = role;
	if (role >= m->disks)
		why(m, "it is no active member of its array");
}

int md_super_1(struct blkdev *d, uint64_t at, const uint8_t *p, struct md_member *ret, struct err *e)
{
	struct super1_disk s;
	struct md_member m = { .super = at };
	uint64_t data, room, size, max_dev;
	int r;

	memcpy(&s, p, sizeof s);
	max_dev = le32_get(s.max_dev);
	data = le64_get(s.data);
	room = le64_get(s.room);
	size = le64_get(s.size);
	if (max_dev > (4096 - 256) / 2 || checksum(p, 256 + 2 * (size_t)max_dev) != le32_get(s.sum) ||
	    le64_get(s.super) != at / MD_SECTOR)
		return err_set(e, ERR_CORRUPT, "the superblock of a RAID member is damaged");
	if (data > SECTORS_MAX || room > SECTORS_MAX || size > SECTORS_MAX ||
	    range_outside(data * MD_SECTOR, room * MD_SECTOR, d->size))
		return err_set(e, ERR_CORRUPT, "the RAID member's data lies past its end (%llu bytes)",
			       (unsigned long long)d->size);
	text_from_bytes(s.name, sizeof s.name, m.name, sizeof m.name);
	text_from_uuid(s.set_uuid, m.uuid);
	snprintf(m.version, sizeof m.version, "1.%d", !at ? 1 : at == 4096 ? 2 : 0);
	m.level = (int)(int32_t)le32_get(s.level);
	m.disks = le32_get(s.disks);
	m.super_len = 4096;
	m.data = data * MD_SECTOR;
	m.room = room * MD_SECTOR;
	m.size = size * MD_SECTOR;
	m.chunk = (uint64_t)le32_get(s.chunk) * MD_SECTOR;
	m.events = le64_get(s.events);
	m.layout = le32_get(s.features) & RAID0_LAYOUT ? le32_get(s.layout) : 0;
	check_state(&s, p, &m);
	r = find_bitmap(d, &s, &m, e);
	if (!r)
		r = find_bad(d, &s, &m, e);
	if (!r)
		*ret = m;
	return r;
}
