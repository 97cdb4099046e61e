/* internal.h: what the files of part/ share. */
#ifndef REHOST_PART_INTERNAL_H
#define REHOST_PART_INTERNAL_H
#include "common/le.h"
#include "imager/part/part.h"

/* A GPT of 128 entries takes 16 KiB; Linux and libparted stop at far less
 * than this.  Without a limit a hostile header could ask for 2^64 bytes. */
#define GPT_ENTRIES_MAX 8192u
#define GPT_ENTRY_SIZE_MAX 4096u
/* Linux numbers at most 256 partitions of a disk; a chain of more is a loop or
 * nonsense. */
#define EBR_MAX 256u

struct mbr_entry_disk {
	uint8_t active;    /* +0x00 0x80 or 0                            */
	uint8_t chs[3];    /* +0x01 of the start                         */
	uint8_t type;      /* +0x04 0: unused                            */
	uint8_t chs_end[3];/* +0x05                                      */
	le32 start;        /* +0x08 sectors; relative in an EBR          */
	le32 sectors;      /* +0x0c                                      */
};
struct mbr_disk {          /* UEFI specification 2.10, table 5.1         */
	uint8_t boot_code[440];
	le32 disk_id;      /* +0x1b8 */
	le16 unknown;      /* +0x1bc */
	struct mbr_entry_disk entry[4]; /* +0x1be */
	uint8_t magic[2];  /* +0x1fe 0x55 0xaa */
};
_Static_assert(sizeof(struct mbr_disk) == 512, "UEFI 2.10, 5.2.1");

#define MBR_TYPE_PROTECTIVE 0xee

static inline int mbr_type_extended(uint8_t type)
{
	return type == 0x05 || type == 0x0f || type == 0x85;
}

struct part_table *part_table_new(const char *kind, uint32_t sector_size,
				  struct err *e);
int part_add(struct part_table *t, const struct partition *p,
	     struct err *e) must_check;
int part_add_range(struct part_table *t, uint64_t start, uint64_t size,
		   const char *what, struct err *e) must_check;
/* Appends a sentence to t->note. */
int part_note(struct part_table *t, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4))) must_check;

/* Each reads its own kind; sector_size is the table's unit.  mbr: sector 0. */
int mbr_read(struct blkdev *d, const struct mbr_disk *mbr, uint32_t sector_size,
	     struct part_table **ret, struct err *e) must_check;
/* PART_NONE: neither a primary nor a backup header is valid. */
int gpt_read(struct blkdev *d, uint32_t sector_size, struct part_table **ret,
	     struct err *e) must_check;
/* 1 if there is a valid primary GPT in units of sector_size. */
int gpt_found(struct blkdev *d, uint32_t sector_size);

/* Lets libparted read the same table; an error if it sees anything else than
 * t says, or refuses. */
int parted_agrees(struct blkdev *d, const struct part_table *t,
		  struct err *e) must_check;

#endif
