/* md-super0.c: superblocks of MD, version 0.90: in the last but one or last 64 KiB of
 * a member, 1024 words.  Little-endian here: those of other machines aren't read by Linux
 * either. */
#include <stdio.h>
#include <string.h>
#include "common/le.h"
#include "common/text.h"
#include "imager/container/md.h"

enum { /* words */
	UUID0 = 5, LEVEL = 7, SIZE = 8, RAID_DISKS = 10, UUID1 = 13,
	STATE = 33, SUM = 38, EVENTS = 39, CHUNK = 65, THIS_DISK = 992, WORDS = 1024,
	/* of a disk */
	DISK_ROLE = 3, DISK_STATE = 4,
};
#define CLEAN 0x1u
#define BITMAP 0x100u
#define DISK_ACTIVE 0x2u
#define DISK_SYNC 0x4u

static uint32_t word(const uint8_t *p, unsigned int i)
{
	le32 v;

	memcpy(&v, p + 4 * i, 4);
	return le32_get(v);
}

int md_super_0(struct blkdev *d, uint64_t at, const uint8_t *p, struct md_member *ret, struct err *e)
{
	struct md_member m = { .version = "0.90", .super = at, .super_len = d->size - at };
	uint8_t uuid[16];
	uint64_t sum = 0;

	for (unsigned int i = 0; i < WORDS; i++)
		sum += i == SUM ? 0 : word(p, i);
	if ((uint32_t)(sum + (sum >> 32)) != word(p, SUM))
		return err_set(e, ERR_CORRUPT, "the superblock of a RAID member is damaged");
	for (unsigned int i = 0; i < 16; i++) /* its words as numbers, as blkid has it */
		uuid[i] = (uint8_t)(word(p, i < 4 ? UUID0 : UUID1 - 1 + i / 4) >> (24 - i % 4 * 8));
	text_from_uuid(uuid, m.uuid);
	m.level = (int)(int32_t)word(p, LEVEL);
	m.disks = word(p, RAID_DISKS);
	m.room = at;
	m.size = (uint64_t)word(p, SIZE) * 1024;
	m.chunk = word(p, CHUNK);
	m.role = word(p, THIS_DISK + DISK_ROLE);
	m.events = word(p, EVENTS) | (uint64_t)word(p, EVENTS + 1) << 32;
	if (word(p, 2) != 90)
		snprintf(m.why, sizeof m.why, "the array is being reshaped");
	else if (word(p, STATE) & ~(CLEAN | BITMAP))
		snprintf(m.why, sizeof m.why, "the array is in a state that isn't known here");
	else if (word(p, THIS_DISK + DISK_STATE) != (DISK_ACTIVE | DISK_SYNC) ||
		 m.role >= m.disks)
		snprintf(m.why, sizeof m.why, "it is no active member of its array");
	*ret = m;
	return 0;
}
