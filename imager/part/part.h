/* part.h: partition tables, MBR (logical partitions too) and GPT, read from
 * any device and never written here.
 *
 * Two readers look at each table: libparted, and our own look at the raw
 * sectors for what libparted does not tell (types, identifiers, where the
 * table's own sectors lie).  They must agree, or the table is refused: then
 * the disk is taken whole.  docs/decisions/0003-partition-tables.md */
#ifndef REHOST_PART_H
#define REHOST_PART_H
#include "imager/dev/dev.h"

enum part_flag {
	PART_ACTIVE = 1,    /* MBR: 0x80; GPT: legacy BIOS bootable          */
	PART_LOGICAL = 2,   /* MBR: inside the extended partition            */
	PART_EXTENDED = 4,  /* MBR: the container itself; holds no data of its
			     * own, its table sectors are in ranges[]        */
	PART_ESP = 8,       /* EFI system partition                          */
	PART_BIOS_BOOT = 16,/* GPT: GRUB's BIOS boot partition               */
};

struct partition {
	unsigned int number;  /* as Linux counts: 1-4 and 5+ (MBR), entry + 1 (GPT) */
	uint64_t start, size; /* bytes; inside the disk                      */
	char type[40];        /* "0x83", or the type GUID in upper case      */
	char uuid[40];        /* as blkid's PARTUUID, lower case             */
	char name[112];       /* GPT: UTF-8; "" if none                      */
	uint64_t attrs;       /* GPT: attribute bits                         */
	unsigned int flags;   /* enum part_flag                              */
};

/* Sectors that belong to the table itself. */
struct part_range {
	uint64_t start, size; /* bytes                                       */
	const char *what;     /* "MBR", "GPT", "GPT backup", "EBR"; static   */
};

struct part_table {
	char kind[8];              /* "gpt" or "mbr"                         */
	char id[40];               /* GPT: disk GUID; MBR: 8 hex digits; as
				    * blkid's PTUUID, lower case             */
	uint32_t sector_size;      /* the table's unit, bytes; differs from the
				    * device's if it was copied from a disk
				    * with other sectors                     */
	struct partition *parts;   /* ascending by start, then number        */
	size_t n_parts;
	struct part_range *ranges; /* ascending by start                     */
	size_t n_ranges;
	int from_backup;           /* GPT: the primary header is damaged     */
	uint64_t good_header[2];   /* GPT: byte where a sound header lies, the
				    * used one first; 0: there is none        */
	char *note;                /* sentences for the user ("the primary GPT
				    * is damaged, its backup was used") or NULL */
};

enum { PART_NONE = 1 };

/* 0: *ret is the table, the caller's to free.  PART_NONE: there is no MBR and
 * no GPT.  <0: the disk can't be read (ERR_IO), or there is a table that can't
 * be trusted (ERR_CORRUPT, ERR_UNSUPPORTED; e says why): take the disk whole. */
int part_read(struct blkdev *d, struct part_table **ret,
	      struct err *e) must_check;
struct part_table *part_free(struct part_table *t); /* takes NULL, returns NULL */

#endif
