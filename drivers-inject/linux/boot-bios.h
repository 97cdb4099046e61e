/* boot-bios.h: between boot-bios.c, which looks, and boot-embed.c, which puts
 * GRUB into a disk. */
#ifndef REHOST_LINUX_BOOT_BIOS_H
#define REHOST_LINUX_BOOT_BIOS_H
#include "drivers-inject/linux/boot.h"
#include "imager/part/part.h"

/* The code in a disk's first sector. */
enum bios_code {
	BIOS_EMPTY,             /* zeros                                     */
	BIOS_OTHER,             /* of something else                         */
	BIOS_GRUB,              /* GRUB 2, whole, for this guest's /boot     */
	BIOS_GRUB_ELSEWHERE,    /* GRUB 2, whole, for another partition      */
	BIOS_GRUB_BROKEN,       /* GRUB 2's first sector only                */
	BIOS_STAGE1,            /* GRUB legacy                               */
	BIOS_LILO,
};

/* The disk that a BIOS starts this guest from. */
struct bios {
	struct boot *b;
	const struct guest_disk *disk;
	struct blkdev *dev;     /* read-only                                 */
	struct part_table *table;
	uint8_t mbr[GRUB_SECTOR];
	int gpt;
	uint8_t *core;          /* GRUB's core.img as on the disk; malloc'd  */
	size_t core_len;
	struct grub_content content;
};

/* ERR_NOT_FOUND: it isn't known which disk. */
int bios_open(struct boot *b, struct bios *ret, struct err *e) must_check;
void bios_close(struct bios *s);
/* Of what isn't whole e says why. */
enum bios_code bios_look(struct bios *s, struct err *e);
/* boot.img or core.img as the guest's grub-install left it; 1: read. */
int bios_read_grub(struct bios *s, const char *name, size_t max, char **ret, size_t *len);
/* An EDIT_DISK, unless the bytes stand there already. */
int bios_put(struct bios *s, uint64_t off, const void *data, size_t len, struct err *e,
	     const char *reason) must_check;
/* 1: GRUB with these first commands and prefix looks on this guest's /boot. */
int bios_points_here(const struct boot *b, const struct grub_content *c);
/* extlinux: its code in the first sector, an active partition. */
int bios_extlinux(struct bios *s, enum bios_code code, int *ret_starts,
		  struct err *e) must_check;
/* GRUB into the gap behind the MBR or the BIOS boot partition; says in the
 * plan's problems why it can't.  why: what is wrong now. */
int bios_install(struct bios *s, enum bios_code code, const char *why, int *ret_starts,
		 struct err *e) must_check;
#endif
