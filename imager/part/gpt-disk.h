/* gpt-disk.h: a GPT as it lies on disk (UEFI specification 2.10, chapter 5.3),
 * and its checksum. */
#ifndef REHOST_GPT_DISK_H
#define REHOST_GPT_DISK_H
#include <stddef.h>
#include "common/le.h"

struct gpt_header_disk {
	uint8_t magic[8];      /* +0x00 "EFI PART"                         */
	le32 revision;         /* +0x08 0x10000                            */
	le32 header_size;      /* +0x0c 92 up to a sector                  */
	le32 header_crc;       /* +0x10 of header_size bytes, this one 0   */
	le32 reserved;         /* +0x14                                    */
	le64 my_lba;           /* +0x18                                    */
	le64 other_lba;        /* +0x20 where the other header lies        */
	le64 first_usable;     /* +0x28                                    */
	le64 last_usable;      /* +0x30 inclusive                          */
	uint8_t disk_guid[16]; /* +0x38                                    */
	le64 entries_lba;      /* +0x48                                    */
	le32 n_entries;        /* +0x50                                    */
	le32 entry_size;       /* +0x54 128 * 2^n                          */
	le32 entries_crc;      /* +0x58                                    */
};
/* the last 4 bytes before 96 are not part of it */
_Static_assert(sizeof(struct gpt_header_disk) == 0x5c, "UEFI 2.10, table 5.5");

struct gpt_entry_disk {
	uint8_t type[16];      /* +0x00 0: unused                          */
	uint8_t uuid[16];      /* +0x10                                    */
	le64 first, last;      /* +0x20 inclusive                          */
	le64 attrs;            /* +0x30                                    */
	uint8_t name[72];      /* +0x38 UTF-16LE                           */
};
_Static_assert(sizeof(struct gpt_entry_disk) == 128, "UEFI 2.10, table 5.6");

/* CRC-32 as GPT uses it (that of Ethernet and zip). */
static inline uint32_t gpt_crc32(const uint8_t *p, size_t n)
{
	uint32_t crc = ~0u;

	while (n--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
	}
	return ~crc;
}
#endif
