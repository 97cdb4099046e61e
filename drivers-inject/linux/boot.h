/* boot.h: what the files of the boot chain share. */
#ifndef REHOST_LINUX_BOOT_H
#define REHOST_LINUX_BOOT_H
#include "drivers-inject/linux/grub-core.h"
#include "drivers-inject/linux/linux.h"

#define BOOT_FILE_MAX (64u << 20) /* bytes of a boot program: a UKI has an
				   * initramfs in it                         */

/* One planning of the boot chain. */
struct boot {
	const struct lin *l;
	const struct lin_wishes *w;
	struct plan *p;
	const char *live;       /* "/usr/lib" of this machine, with grub and shim */
	char grub[32];          /* "/boot/grub", "/boot/grub2"; "" no GRUB 2 */
	char grub_on_boot[320]; /* the same as GRUB sees it on the /boot volume:
				 * "/boot/grub", "/grub2", "/@/boot/grub"    */
	const char *no_grub;    /* a sentence: why GRUB could not find its
				 * directory; NULL                           */
};

/* lin_plan_boot with other files of this machine than /usr/lib has (tests);
 * live NULL: those. */
int lin_plan_boot_live(const struct lin *l, const struct lin_wishes *w, struct plan *p,
		       const char *live, struct err *e) must_check;

/* Fills what lies below live. */
int boot_begin(struct boot *b, struct err *e) must_check;
/* The disk's partition (or whole disk) on which a volume lies, through LVM, LUKS
 * and MD; NULL: none or unknown. */
const struct volume *boot_holder(const struct volumes *v, const struct volume *x);
/* 1: GRUB's configuration in the guest starts Linux by commands that only
 * exist on the other firmware (linux16, linuxefi). */
int boot_cfg_only(struct boot *b, const char *command);
/* 1: its menu is made of BLS entries by a command that only Fedora's and RHEL's
 * GRUB has. */
int boot_menu_is_bls(struct boot *b);

/* ---- GRUB made anew: grub-make.c ---- */

/* Where GRUB's files of one platform ("i386-pc", "x86_64-efi") come from. */
struct grub_source {
	char dir[PATH_MAX];     /* in the guest, or of this machine          */
	int live;               /* 1: of this machine                        */
	int lean;               /* 1: the guest's GRUB directory has the same
				 * modules: the rest is loaded from there    */
};
/* ERR_NOT_FOUND: neither has them; e says which package does. */
int grub_source_find(struct boot *b, const char *platform, struct grub_source *ret,
		     struct err *e) must_check;
/* One file of it. */
int grub_source_read(struct boot *b, const struct grub_source *s, const char *name,
		     char **ret, size_t *ret_len, struct err *e) must_check;
/* Commands that find the /boot volume: "search.fs_uuid ...\nset prefix=..." */
int grub_find_boot(struct boot *b, char *ret, size_t size, struct err *e) must_check;
/* core.img or an EFI program, by this machine's grub-mkimage; nothing of the
 * guest is executed. */
int grub_make(struct boot *b, const struct grub_source *s, const char *platform,
	      char **ret, size_t *ret_len, struct err *e) must_check;

/* ---- one firmware each ---- */

/* 1: there is boot code on the disk that starts this guest. */
int boot_bios_plan(struct boot *b, int *ret_starts, struct err *e) must_check;
int boot_efi_plan(struct boot *b, int *ret_starts, struct err *e) must_check;
#endif
