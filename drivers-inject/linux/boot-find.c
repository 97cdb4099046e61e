/* boot-find.c: which boot loaders have files in a guest. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"
#include "common/io.h"
#include "drivers-inject/linux/efi.h"
#include "drivers-inject/linux/kernels.h"

/* Enough of a PE file for the headers of its sections. */
#define PE_HEAD 4096u

struct mark {
	const char *path;
	unsigned int bits;
};
static const struct mark files[] = {
	{ "/boot/grub/i386-pc/core.img", LIN_GRUB2_BIOS },
	{ "/boot/grub2/i386-pc/core.img", LIN_GRUB2_BIOS },
	{ "/boot/grub/i386-pc/normal.mod", LIN_GRUB2_BIOS },
	{ "/boot/grub2/i386-pc/normal.mod", LIN_GRUB2_BIOS },
	{ "/boot/grub/x86_64-efi/normal.mod", LIN_GRUB2_EFI },
	{ "/boot/grub2/x86_64-efi/normal.mod", LIN_GRUB2_EFI },
	{ "/boot/grub/arm64-efi/normal.mod", LIN_GRUB2_EFI },
	{ "/boot/grub2/arm64-efi/normal.mod", LIN_GRUB2_EFI },
	{ "/boot/grub/i386-efi/normal.mod", LIN_GRUB2_EFI },
	{ "/boot/grub/stage2", LIN_GRUB_LEGACY },
	{ "/boot/extlinux/ldlinux.sys", LIN_EXTLINUX },
	{ "/boot/syslinux/ldlinux.sys", LIN_EXTLINUX },
	{ "/boot/ldlinux.sys", LIN_EXTLINUX },
	{ "/extlinux/ldlinux.sys", LIN_EXTLINUX },
	{ "/etc/lilo.conf", LIN_LILO },
	{ "/boot/bootmap", LIN_ZIPL },
};

static int ends(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && !strcasecmp(name + n - m, end);
}

static int has_entries(struct root *r, const char *dir)
{
	struct strv names = { 0 };
	int found = 0;

	if (root_list(r, dir, &names, NULL))
		return 0;
	for (size_t i = 0; i < names.n; i++)
		found |= ends(names.v[i], ".conf");
	strv_done(&names);
	return found;
}

static int is_uki(struct root *r, const char *path)
{
	cleanup_close int fd = -1;
	uint8_t head[PE_HEAD];
	struct stat st;
	size_t n;

	return !root_stat(r, path, &st, NULL) && S_ISREG(st.st_mode) &&
	       !root_fd(r, path, O_RDONLY | O_NONBLOCK, 0, &fd, NULL) &&
	       !io_read_full(fd, head, sizeof head, &n) && efi_has_section(head, n, ".linux");
}

/* The loaders by the names of programs in one directory below EFI. */
static unsigned int find_in(struct root *r, const char *dir)
{
	struct strv names = { 0 };
	char path[2 * PATH_MAX];
	unsigned int bits = 0;

	if (root_list(r, dir, &names, NULL))
		return 0;
	for (size_t i = 0; i < names.n; i++) {
		const char *n = names.v[i];

		if (!ends(n, ".efi"))
			continue;
		if (!strncasecmp(n, "grub", 4) || !strncasecmp(n, "shim", 4))
			bits |= LIN_GRUB2_EFI;
		if (!strncasecmp(n, "systemd-boot", 12))
			bits |= LIN_SYSTEMD_BOOT;
		snprintf(path, sizeof path, "%s/%s", dir, n);
		if (ends(dir, "/Linux") && is_uki(r, path))
			bits |= LIN_UKI;
	}
	strv_done(&names);
	return bits;
}

static unsigned int find_on_esp(struct root *r, const char *esp)
{
	struct strv names = { 0 };
	char efi[PATH_MAX], dir[PATH_MAX + 257];
	unsigned int bits = 0;

	if (!esp_path(r, esp, "EFI", efi) || root_list(r, efi, &names, NULL))
		return 0;
	for (size_t i = 0; i < names.n; i++) {
		snprintf(dir, sizeof dir, "%s/%s", efi, names.v[i]);
		bits |= find_in(r, dir);
	}
	strv_done(&names);
	if (esp_path(r, esp, "loader/entries", dir) && has_entries(r, dir))
		bits |= LIN_BLS;
	return bits;
}

/* GRUB 2 in a disk's first sector, and its configuration in the guest: the
 * images beside it may have been removed. */
static unsigned int find_on_disks(struct root *r, const struct volumes *v)
{
	unsigned int bits = 0;

	if (!root_has_file(r, "/boot/grub/grub.cfg") && !root_has_file(r, "/boot/grub2/grub.cfg"))
		return 0;
	for (size_t i = 0; i < v->n_disks; i++) {
		uint8_t sector[GRUB_SECTOR];
		struct blkdev *d;
		uint64_t core;

		if (!*v->disk[i].path || dev_open_ro(v->disk[i].path, &d, NULL))
			continue;
		if (d->size >= sizeof sector && !dev_read(d, 0, sector, sizeof sector, NULL) &&
		    grub_is_boot_sector(sector, &core))
			bits |= LIN_GRUB2_BIOS;
		dev_close(d);
	}
	return bits;
}

int lin_find_boot(struct lin *l, struct err *e)
{
	unsigned int bits = 0;

	(void)e; /* what can't be read is no boot loader */
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (root_has_file(l->root, files[i].path))
			bits |= files[i].bits;
	if (has_entries(l->root, "/boot/loader/entries"))
		bits |= LIN_BLS;
	if (l->esp_volume && *l->esp_volume->mounted)
		bits |= find_on_esp(l->root, l->esp_volume->mounted);
	if (l->volumes)
		bits |= find_on_disks(l->root, l->volumes);
	l->boot = bits;
	return 0;
}
