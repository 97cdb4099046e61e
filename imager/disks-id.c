/* disks-id.c: a disk's maker's names for it, and how it is attached. */
#include <stdio.h>
#include <string.h>
#include "imager/disks.h"

/* SCSI's Unit Serial Number page: 4 bytes of header, then text (SPC-4 7.8.15). */
static void vpd_serial(const char *dir, char *ret, size_t size)
{
	unsigned char b[4 + 252];
	ssize_t n = sysfs_bytes(b, sizeof b, "%s/device/vpd_pg80", dir);
	size_t len, a = 0;

	if (n <= 4 || b[1] != 0x80)
		return;
	len = (size_t)b[2] << 8 | b[3];
	if (len > (size_t)n - 4)
		len = (size_t)n - 4;
	while (len && (b[4 + len - 1] == ' ' || b[4 + len - 1] == 0))
		len--;
	while (a < len && b[4 + a] == ' ')
		a++;
	for (size_t i = a; i < len; i++)
		if (b[4 + i] < 0x20 || b[4 + i] > 0x7E)
			return; /* some USB bridges give garbage */
	snprintf(ret, size, "%.*s", (int)(len - a), (const char *)b + 4 + a);
}

/* Walks up from dir to the first directory that has `attr`; reads it. */
static int from_parent(const char *dir, const char *attr, char *ret, size_t size)
{
	char path[PATH_MAX];
	char *slash;

	if (sysfs_real(path, "%s/device", dir) < 0)
		return -1;
	while ((slash = strrchr(path, '/')) && slash != path && strstr(path, "/devices/")) {
		if (sysfs_exists("%s/%s", path, attr))
			return sysfs_text(ret, size, "%s/%s", path, attr);
		*slash = 0;
	}
	return -1;
}

/* PCI's class code tells an ATA controller's kind: 0x0101 is IDE. */
static const char *ata_kind(const char *dir)
{
	char class[16];

	if (from_parent(dir, "class", class, sizeof class) > 0 &&
	    !strncmp(class, "0x0101", 6))
		return "ide";
	return "sata";
}

static const char *transport_of(const char *dir)
{
	static const struct { const char *part, *word; } table[] = {
		{ "/usb", "usb" }, { "/nvme", "nvme" }, { "/mmc_host/", "mmc" },
		{ "/session", "iscsi" }, { "/rport-", "fc" },
		{ "/end_device-", "sas" }, { "/vbd-", "xen" },
		{ "/VMBUS:", "hyperv" }, { "/vmbus_", "hyperv" },
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (strstr(dir, table[i].part))
			return table[i].word;
	if (strstr(dir, "/ata"))
		return ata_kind(dir);
	if (strstr(dir, "/host"))
		return "scsi";
	if (strstr(dir, "/virtio"))
		return "virtio";
	return "";
}

static void first_of(char *ret, size_t size, const char *dir, const char *const *attrs)
{
	for (; *attrs && !*ret; attrs++)
		sysfs_text(ret, size, "%s/%s", dir, *attrs);
}

void disk_identify(const char *dir, struct disk *d)
{
	static const char *const models[] = { "device/model", "device/name", NULL };
	static const char *const serials[] = { "serial", "device/serial", NULL };
	static const char *const wwns[] = { "wwid", "device/wwid", "nguid", "eui", NULL };

	snprintf(d->transport, sizeof d->transport, "%s", transport_of(dir));
	first_of(d->model, sizeof d->model, dir, models);
	sysfs_text(d->vendor, sizeof d->vendor, "%s/device/vendor", dir);
	/* virtio and PCI show a number there; "ATA" says nothing */
	if (!strncmp(d->vendor, "0x", 2) || !strcmp(d->vendor, "ATA"))
		d->vendor[0] = 0;
	vpd_serial(dir, d->serial, sizeof d->serial);
	first_of(d->serial, sizeof d->serial, dir, serials);
	if (!*d->serial && !strcmp(d->transport, "usb"))
		from_parent(dir, "serial", d->serial, sizeof d->serial);
	first_of(d->wwn, sizeof d->wwn, dir, wwns);
}
