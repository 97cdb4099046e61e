/* grub-core.h: what GRUB 2's images hold: core.img of a BIOS machine as it lies
 * in a file or on a disk, and GRUB's EFI programs.
 * Layout: GRUB's include/grub/offsets.h, kernel.h, i386/pc/boot.h (2.00-2.12). */
#ifndef REHOST_GRUB_CORE_H
#define REHOST_GRUB_CORE_H
#include <stddef.h>
#include <stdint.h>
#include "imager/dev/dev.h"

#define GRUB_SECTOR 512u
#define GRUB_BOOT_CODE 440u     /* bytes of an MBR before the disk's signature */
/* core.img is loaded to 0x8000 up to 0x78000 */
#define GRUB_CORE_MAX (0x78000u - 0x8000u)

/* Texts are "" when the image has none. */
struct grub_content {
	char prefix[512];       /* "(,msdos1)/boot/grub"                     */
	char config[4096];      /* commands run before grub.cfg is looked for */
};

/* A core.img of len bytes.  ERR_CORRUPT: it does not unpack to what GRUB's
 * kernel and modules look like. */
int grub_core_content(const uint8_t *core, size_t len, struct grub_content *ret,
		      struct err *e) must_check;
/* A PE program.  ERR_NOT_FOUND: no GRUB. */
int grub_efi_content(const uint8_t *pe, size_t len, struct grub_content *ret,
		     struct err *e) must_check;

/* 1: these 512 bytes are GRUB 2's boot sector; *ret_core: the sector of the
 * disk where core.img begins. */
int grub_is_boot_sector(const uint8_t *sector, uint64_t *ret_core);
/* The same of GRUB legacy's stage1. */
int grub_is_stage1(const uint8_t *sector);
/* Reads core.img from where it begins, along its list of blocks; *ret is
 * malloc'd, whole sectors with what was appended for repair.  ERR_CORRUPT:
 * there is none. */
int grub_core_read(struct blkdev *d, uint64_t sector, uint8_t **ret, size_t *ret_len,
		   struct err *e) must_check;
/* 1: the same image, whatever installing changed: the list of blocks, the
 * bytes for repair. */
int grub_core_same(const uint8_t *disk, size_t disk_len, const uint8_t *file, size_t len);

/* 1: the boot sector `sector` has boot.img's code; what installing changes in
 * it may differ. */
int grub_boot_same(const uint8_t *sector, const uint8_t *boot);

/* What is to be written so that a machine starts core from sector `first` on:
 * as grub-bios-setup --no-rs-codes does.  boot: boot.img, 512 bytes; old: the
 * disk's first sector.  *ret: whole sectors, malloc'd. */
int grub_embed(const uint8_t *boot, const uint8_t *core, size_t len, uint64_t first,
	       const uint8_t *old, uint8_t ret_boot[GRUB_BOOT_CODE], uint8_t **ret,
	       size_t *ret_len, struct err *e) must_check;
#endif
