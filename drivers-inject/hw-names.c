/* hw-names.c: what modaliases mean: names for people, and modules that are
 * known to serve a kind of device. */
#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include "common/text.h"
#include "drivers-inject/hw-private.h"

/* The first that matches counts.  Modules: for kernels whose files don't tell,
 * which are built-in drivers before Linux 5.2 (no modules.builtin.modinfo) and
 * drivers of old kernels without aliases for their bus.  NULL name: of
 * pci.ids. */
static const struct known {
	const char *pattern, *name, *modules[4];
} known[] = {
	{ "scsi:t-0x00*", "SCSI or ATA disk", { "sd_mod" } },
	{ "scsi:t-0x0e*", "SCSI disk", { "sd_mod" } },
	{ "scsi:t-0x05*", "CD or DVD drive", { "sr_mod" } },
	{ "ide:m-disk*", "IDE disk", { "ide_gd_mod", "ide_disk" } },
	{ "virtio:d00000001v*", "Virtio network card", { "virtio_net" } },
	{ "virtio:d00000002v*", "Virtio block device", { "virtio_blk" } },
	{ "virtio:d00000008v*", "Virtio SCSI controller", { "virtio_scsi" } },
	{ "vmbus:d96361baa104294db60572e2ffb1dc7f", "Hyper-V SCSI controller", { "hv_storvsc" } },
	{ "vmbus:32264132cb86a2449b5c50d1417354f5", "Hyper-V IDE controller", { "hv_storvsc" } },
	{ "vmbus:4acc9b2f6900f34ab76b6fd0be528cda", "Hyper-V Fibre Channel", { "hv_storvsc" } },
	{ "vmbus:635161f83edfc546913ff2d2f965ed0e", "Hyper-V network card", { "hv_netvsc" } },
	{ "vmbus:1df6c444444400449d52802e27ede19f", "Hyper-V PCI bus", { "pci_hyperv" } },
	{ "acpi:VMBUS:*", "Hyper-V VMBus", { "hv_vmbus" } },
	{ "acpi:VMBus:*", "Hyper-V VMBus", { "hv_vmbus" } },
	{ "acpi:LNRO0005:*", "Virtio device (MMIO)", { "virtio_mmio" } },
	{ "acpi:QEMU0002:*", "QEMU firmware interface", { NULL } },
	{ "xen:vbd", "Xen block device", { "xen_blkfront" } },
	{ "xen:vif", "Xen network card", { "xen_netfront" } },
	{ "mmc:block", "SD card or eMMC", { "mmc_block" } },
	{ "usb:*ic08isc06ip50*", "USB storage", { "usb_storage" } },
	{ "usb:*ic08isc06ip62*", "USB storage (UAS)", { "uas", "usb_storage" } },
	{ "pci:v00001AF4d*", NULL, { "virtio_pci" } },
	{ "pci:v00008086d00007010*", NULL, { "ata_piix" } },
	{ "pci:v00008086d00007111*", NULL, { "ata_piix" } },
	{ "pci:v00001000d00000030*", NULL, { "mptspi" } },
	{ "pci:v00001000d00000054*", NULL, { "mptsas" } },
	{ "pci:v00001000d00000012*", NULL, { "sym53c8xx" } },
	{ "pci:v000015ADd000007C0*", NULL, { "vmw_pvscsi" } },
	{ "pci:v00001D0Fd0000EC2*", NULL, { "ena" } },
	{ "pci:*bc01sc06i01", NULL, { "ahci" } },
	{ "pci:*bc01sc08i02", NULL, { "nvme" } },
	{ "pci:*bc01sc01i8[05aAfF]", NULL, { "ata_generic" } },
	{ "pci:*bc0Csc03i30", NULL, { "xhci_pci", "xhci_hcd" } },
	{ "pci:*bc0Csc03i20", NULL, { "ehci_pci", "ehci_hcd" } },
	{ "pci:*bc0Csc03i10", NULL, { "ohci_pci", "ohci_hcd" } },
	{ "pci:*bc0Csc03i00", NULL, { "uhci_hcd" } },
	{ "pci:*bc08sc05i*", NULL, { "sdhci_pci" } },
};

int hw_modalias_ok(const char *modalias)
{
	size_t n = 0;

	for (; modalias[n]; n++)
		if (n == HW_MODALIAS_MAX || modalias[n] <= ' ' || modalias[n] > '~')
			return 0;
	return n > 0;
}

static const struct known *find_known(const char *modalias)
{
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!fnmatch(known[i].pattern, modalias, 0))
			return &known[i];
	return NULL;
}

int hw_known_modules(const char *modalias, struct strv *ret)
{
	const struct known *k = hw_modalias_ok(modalias) ? find_known(modalias) : NULL;

	for (size_t i = 0; k && i < 4 && k->modules[i]; i++)
		if (!strv_has(ret, k->modules[i]) && strv_add(ret, k->modules[i]) < 0)
			return -1;
	return 0;
}

int hw_pci_id(const char *modalias, struct hw_pci_id *ret)
{
	unsigned int bc, sc;
	struct hw_pci_id id;
	int n = 0;

	if (sscanf(modalias, "pci:v%8Xd%8Xsv%8Xsd%8Xbc%2Xsc%2Xi%2x%n", &id.vendor, &id.device,
		   &id.sub_vendor, &id.sub_device, &bc, &sc, &id.prog_if, &n) != 7 || modalias[n])
		return -1;
	id.class = bc << 8 | sc;
	*ret = id;
	return 0;
}

/* "1af4:1042 Red Hat, Inc. Virtio 1.0 block device"; of a device that pci.ids
 * doesn't know, its class: "1234:5678 SATA controller" */
static int pci_name(struct pci_names *names, const char *modalias, char *ret, size_t size)
{
	char text[256] = "", clean[256];
	struct hw_pci_id id;

	if (hw_pci_id(modalias, &id) < 0)
		return 0;
	if (names && !pci_names_device(names, id.vendor, id.device, text, sizeof text))
		pci_names_class(names, id.class, text, sizeof text);
	text_from_bytes(text, strlen(text), clean, sizeof clean);
	snprintf(ret, size, "%04x:%04x%s%s", id.vendor, id.device, *clean ? " " : "", clean);
	return 1;
}

int hw_name_with(struct pci_names *names, const char *modalias, char *ret, size_t size)
{
	unsigned int vendor, product;
	const struct known *k;

	if (!hw_modalias_ok(modalias)) {
		snprintf(ret, size, "a device without identification");
		return ERR_NOT_FOUND;
	}
	k = find_known(modalias);
	if (pci_name(names, modalias, ret, size))
		return 0;
	/* a profile's has no ids */
	if (sscanf(modalias, "usb:v%4Xp%4X", &vendor, &product) == 2 && vendor) {
		snprintf(ret, size, "%04x:%04x %s", vendor, product,
			 k && k->name ? k->name : "USB device");
		return 0;
	}
	snprintf(ret, size, "%s", k && k->name ? k->name : modalias);
	return k && k->name ? 0 : ERR_NOT_FOUND;
}

int hw_device_name(const char *modalias, char *ret, size_t size)
{
	struct pci_names *names = pci_names_open(NULL);
	int r = hw_name_with(names, modalias, ret, size);

	pci_names_close(names);
	return r;
}
