/* regf.h: the outer layout of a registry hive ("regf") and of its transaction
 * logs: a base block of 4096 bytes, of which the first 512 count, then bins
 * of a multiple of 4096 bytes.  Sources: M. Suhanov, "Windows registry file
 * format specification"; libyal's description of the same. */
#ifndef REHOST_REGF_H
#define REHOST_REGF_H
#include <stddef.h>
#include "common/le.h"

/* The largest hives seen in the field are some 200 MB. */
#define REGF_SIZE_MAX (512ull << 20)
#define REGF_BINS 0x1000u       /* where the bins begin                      */
#define REGF_BIN_ALIGN 0x1000u  /* bins lie at, and have, multiples of it    */
#define REGF_SIZE_MIN (REGF_BINS + REGF_BIN_ALIGN)

enum regf_type {
	REGF_HIVE = 0,
	REGF_LOG = 1,           /* Windows XP to 8: dirty pages by a bitmap  */
	REGF_LOG_2000 = 2,      /* the same up to Windows 2000               */
	REGF_LOG_ENTRIES = 6,   /* Windows 8.1 on: a list of entries         */
};

/* flags: the Kernel Transaction Manager has, or expects, transactions (TxR)
 * whose changes are neither in the hive nor in its logs. */
#define REGF_KTM_LOCKED 1u

struct regf_base_disk {
	uint8_t magic[4];       /* +0x000 "regf"                             */
	le32 seq1;              /* +0x004 counts up before a write           */
	le32 seq2;              /* +0x008 ... and after it                   */
	le64 written;           /* +0x00c FILETIME; not kept by Windows 8.1+ */
	le32 major;             /* +0x014 1                                  */
	le32 minor;             /* +0x018 3 to 6                             */
	le32 type;              /* +0x01c enum regf_type                     */
	le32 format;            /* +0x020 1                                  */
	le32 root;              /* +0x024 root key's cell, from the bins on  */
	le32 bins_size;         /* +0x028 bytes of bins                      */
	le32 clustering;        /* +0x02c bytes of a disk's sector / 512     */
	uint8_t name[0x40];     /* +0x030 part of its path, UTF-16           */
	uint8_t guids[0x20];    /* +0x070                                    */
	le32 flags;             /* +0x090 where rmtm says so                 */
	uint8_t guid[0x10];     /* +0x094                                    */
	uint8_t rmtm[4];        /* +0x0a4 "rmtm": flags have their meaning   */
	uint8_t more[0x154];    /* +0x0a8                                    */
	le32 checksum;          /* +0x1fc regf_checksum()                    */
};
_Static_assert(offsetof(struct regf_base_disk, flags) == 0x90, "regf flags");
_Static_assert(sizeof(struct regf_base_disk) == 0x200, "regf base block");

struct regf_bin_disk {
	uint8_t magic[4];       /* +0x00 "hbin"                              */
	le32 offset;            /* +0x04 its own, from the bins on           */
	le32 size;              /* +0x08 with this header                    */
	uint8_t other[8];       /* +0x0c                                     */
	le64 written;           /* +0x14 FILETIME; the first bin's is a copy */
	le32 spare;             /* +0x1c     of the base block's             */
};
_Static_assert(sizeof(struct regf_bin_disk) == 0x20, "regf bin header");

/* XOR of the 127 words before the checksum; never 0 or 0xffffffff. */
uint32_t regf_checksum(const struct regf_base_disk *b);
/* The same but for two values that the format excludes and libhivex writes and wants:
 * 0 (then the checksum is 1) and UINT32_MAX (one less). */
uint32_t regf_xor(const struct regf_base_disk *b);
/* 1: the magic number and the checksum are right. */
int regf_valid(const struct regf_base_disk *b);
/* 1: sequence number a is older than b; they may wrap around. */
int regf_seq_before(uint32_t a, uint32_t b);
int regf_ktm_locked(const struct regf_base_disk *b);

#endif
