/* efi.h: boot programs of UEFI and the system partition (ESP) where they lie.
 * Names on it are found whatever their case, as on FAT. */
#ifndef REHOST_LINUX_EFI_H
#define REHOST_LINUX_EFI_H
#include "drivers-inject/linux/boot.h"

enum efi_kind {
	EFI_NONE,               /* no PE program                             */
	EFI_SHIM, EFI_GRUB, EFI_SYSTEMD_BOOT,
	EFI_UKI,                /* kernel and initramfs in one               */
	EFI_WINDOWS, EFI_OTHER,
};
/* grub: filled for EFI_GRUB; may be NULL. */
enum efi_kind efi_kind(const uint8_t *pe, size_t len, struct grub_content *grub);
/* 1: a section of that name (".linux"); pe may be just the begin of the file. */
int efi_has_section(const uint8_t *pe, size_t len, const char *name);

/* How names of boot programs say the architecture. */
struct efi_arch {
	const char *machine;    /* uname -m                                  */
	const char *suffix;     /* "x64": grubx64.efi                        */
	const char *fallback;   /* "BOOTX64.EFI"                             */
	const char *platform;   /* GRUB's: "x86_64-efi"                      */
};
/* arch "": x86_64; NULL: none of UEFI's. */
const struct efi_arch *efi_arch_find(const char *arch);

/* The guest's path of rel ("EFI/debian/grubx64.efi") on the ESP mounted at esp,
 * spelled as it is there; 1: it exists, 0: no (its parts that do are spelled so). */
int esp_path(struct root *r, const char *esp, const char *rel, char ret[PATH_MAX]);

/* The ESP while planning. */
struct esp {
	struct boot *b;
	const struct efi_arch *a;
	const struct volume *vol;
	char dir[256];          /* where it is mounted in the guest          */
};

/* A program of this guest on its ESP. */
struct efi_loader {
	char dir[128], file[128]; /* "debian", "shimx64.efi"; "" none        */
	enum efi_kind kind;
	int score;
};
/* The one that starts this guest, EFI/BOOT left out. */
int efi_loader_find(struct esp *s, struct efi_loader *ret, struct err *e) must_check;
/* A file on the ESP, with the plan's edits; 1: read. */
int esp_read(struct esp *s, const char *rel, char **ret, size_t *ret_len);
/* 1: a short grub.cfg on the ESP that looks for a file system which no volume
 * of this guest has. */
int efi_cfg_is_stale(struct esp *s, const char *text);

/* Copies or makes EFI/BOOT's program: efi-make.c. */
int efi_fallback_from(struct esp *s, const struct efi_loader *l, struct err *e) must_check;
int efi_fallback_make(struct esp *s, int *ret_made, struct err *e) must_check;
/* A shim in EFI/BOOT gets the second program that it starts, from dir. */
int efi_second_stage(struct esp *s, const char *shim, size_t len, const char *dir,
		     struct err *e) must_check;
/* The grub.cfg that a GRUB program in EFI/dir looks for is there and right. */
int efi_cfg_plan(struct esp *s, const struct grub_content *c, const char *dir,
		 struct err *e) must_check;

/* An entry in the firmware's boot list, unless there is one for that file:
 * efi-nvram.c.  efivars: the directory that tells that the firmware's variables
 * can be written. */
int efi_nvram_plan(struct esp *s, const struct efi_loader *l, const char *efivars,
		   struct err *e) must_check;
#endif
