/* efi-pe.c: what a boot program of UEFI is, and names on the ESP. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "common/le.h"
#include "drivers-inject/linux/efi.h"

#define PE_SECTION 40u          /* bytes of a section's header               */
#define PE_SECTIONS_MAX 96u     /* as the PE/COFF specification for images   */

static uint32_t get32(const uint8_t *p)
{
	return le32_get((le32){ { p[0], p[1], p[2], p[3] } });
}

static unsigned int get16(const uint8_t *p)
{
	return le16_get((le16){ { p[0], p[1] } });
}

int efi_has_section(const uint8_t *pe, size_t len, const char *name)
{
	char want[8] = { 0 };
	uint64_t at;
	unsigned int n;

	if (len < 64 || memcmp(pe, "MZ", 2))
		return 0;
	at = get32(pe + 0x3c);
	if (at > len - 24 || len < 24 || memcmp(pe + at, "PE\0\0", 4))
		return 0;
	n = get16(pe + at + 6);
	at += 24 + get16(pe + at + 20);
	memcpy(want, name, strnlen(name, sizeof want));
	for (unsigned int i = 0; i < n && i < PE_SECTIONS_MAX; i++, at += PE_SECTION)
		if (at + PE_SECTION > len)
			return 0;
		else if (!memcmp(pe + at, want, sizeof want))
			return 1;
	return 0;
}

static int has(const uint8_t *b, size_t len, const char *text)
{
	return memmem(b, len, text, strlen(text)) != NULL;
}

/* The text as UTF-16LE, as programs of UEFI keep names. */
static int has_wide(const uint8_t *b, size_t len, const char *text)
{
	char wide[128];
	size_t n = strlen(text);

	for (size_t i = 0; i < n && i < sizeof wide / 2; i++) {
		wide[2 * i] = text[i];
		wide[2 * i + 1] = 0;
	}
	return memmem(b, len, wide, 2 * n) != NULL;
}

enum efi_kind efi_kind(const uint8_t *pe, size_t len, struct grub_content *grub)
{
	struct grub_content c = { 0 };

	if (len < 512 || memcmp(pe, "MZ", 2))
		return EFI_NONE;
	if (efi_has_section(pe, len, ".linux"))
		return EFI_UKI;
	if (has(pe, len, "UEFI SHIM\n$Version"))
		return EFI_SHIM;
	if (!grub_efi_content(pe, len, &c, NULL)) {
		if (grub)
			*grub = c;
		return EFI_GRUB;
	}
	if (has(pe, len, "LoaderInfo: systemd-boot"))
		return EFI_SYSTEMD_BOOT;
	if (has_wide(pe, len, "Microsoft Corporation"))
		return EFI_WINDOWS;
	return EFI_OTHER;
}

const struct efi_arch *efi_arch_find(const char *arch)
{
	static const struct efi_arch archs[] = {
		{ "x86_64", "x64", "BOOTX64.EFI", "x86_64-efi" },
		{ "i386", "ia32", "BOOTIA32.EFI", "i386-efi" },
		{ "i486", "ia32", "BOOTIA32.EFI", "i386-efi" },
		{ "i586", "ia32", "BOOTIA32.EFI", "i386-efi" },
		{ "i686", "ia32", "BOOTIA32.EFI", "i386-efi" },
		{ "aarch64", "aa64", "BOOTAA64.EFI", "arm64-efi" },
		{ "armv7l", "arm", "BOOTARM.EFI", "arm-efi" },
		{ "riscv64", "riscv64", "BOOTRISCV64.EFI", "riscv64-efi" },
		{ "loongarch64", "loongarch64", "BOOTLOONGARCH64.EFI", "loongarch64-efi" },
	};

	for (size_t i = 0; i < sizeof archs / sizeof *archs; i++)
		if (!strcmp(*arch ? arch : "x86_64", archs[i].machine))
			return &archs[i];
	return NULL;
}

/* The spelling of name in dir, whatever its case; name itself if there is none. */
static int spelled(struct root *r, const char *dir, const char *name, char ret[256])
{
	struct strv names = { 0 };
	int found = 0;

	snprintf(ret, 256, "%s", name);
	if (root_list(r, *dir ? dir : "/", &names, NULL))
		return 0;
	/* one spelled exactly so goes first: the tree may lie on another file system */
	for (size_t i = 0; i < names.n && !found; i++)
		found = !strcmp(names.v[i], name);
	for (size_t i = 0; i < names.n && !found; i++)
		if (!strcasecmp(names.v[i], name)) {
			snprintf(ret, 256, "%s", names.v[i]);
			found = 1;
		}
	strv_done(&names);
	return found;
}

int esp_path(struct root *r, const char *esp, const char *rel, char ret[PATH_MAX])
{
	char name[256], real[256];
	int exists = 1;
	size_t len;

	snprintf(ret, PATH_MAX, "%s", strcmp(esp, "/") ? esp : "");
	while (*(rel += strspn(rel, "/"))) {
		size_t n = strcspn(rel, "/");

		snprintf(name, sizeof name, "%.*s", (int)(n < 255 ? n : 255), rel);
		exists = exists && spelled(r, ret, name, real);
		len = strlen(ret);
		if (len + n + 2 > PATH_MAX)
			return 0;
		snprintf(ret + len, PATH_MAX - len, "/%s", exists ? real : name);
		rel += n;
	}
	return exists;
}
