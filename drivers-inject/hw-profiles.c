/* hw-profiles.c: targets that everybody knows, as modaliases of the kernel.
 *
 * Format of the ids: PCI ids as the hypervisors present them (QEMU's
 * docs/specs/pci-ids.rst, linux/pci_ids.h and the drivers' own tables); VMBus
 * by the bytes of the channel's GUID (linux/hyperv.h). */
#include <stdio.h>
#include <string.h>
#include "common/json.h"
#include "drivers-inject/hw-private.h"

#define DISK "scsi:t-0x00"
#define VMBUS "acpi:VMBUS:"
#define USB_BULK "usb:v0000p0000d0000dc00dsc00dp00ic08isc06ip50in00"
#define USB_UAS "usb:v0000p0000d0000dc00dsc00dp00ic08isc06ip62in00"
/* of pci-endpoint ids: vendor, device, subsystem's, class, programming interface */
#define PCI(v, d, sv, sd, bc, sc, i) "pci:v0000" v "d0000" d "sv0000" sv "sd0000" sd "bc" bc "sc" sc "i" i
#define NVME(v, d, sv, sd) PCI(v, d, sv, sd, "01", "08", "02")
#define AHCI(v, d, sv, sd) PCI(v, d, sv, sd, "01", "06", "01")
#define IDE(v, d, sv, sd) PCI(v, d, sv, sd, "01", "01", "80")
#define RAID(v, d, sv, sd) PCI(v, d, sv, sd, "01", "04", "00")
#define SCSI(v, d, sv, sd) PCI(v, d, sv, sd, "01", "00", "00")
#define SAS(v, d, sv, sd) PCI(v, d, sv, sd, "01", "07", "00")
#define NIC(v, d, sv, sd) PCI(v, d, sv, sd, "02", "00", "00")

struct way {
	const char *name;
	const char *links[5];
};

struct target {
	const char *names[4];   /* the first is its name, the others too          */
	enum hw_firmware firmware;
	const struct way *ways; /* a NULL name at the end                         */
	const char *nics[6];
};

static const struct way kvm[] = {
	{ "virtio-blk", { SCSI("1AF4", "1001", "1AF4", "0002"), "virtio:d00000002v00001AF4" } },
	{ "virtio-scsi", { SCSI("1AF4", "1004", "1AF4", "0008"), "virtio:d00000008v00001AF4", DISK } },
	{ "NVMe", { NVME("1B36", "0010", "1AF4", "1100") } },
	{ "AHCI (SATA)", { AHCI("8086", "2922", "1AF4", "1100"), DISK } },
	{ "IDE", { IDE("8086", "7010", "1AF4", "1100"), DISK } },
	{ NULL, { NULL } },
};

static const struct way vmware[] = {
	{ "paravirtual SCSI", { SCSI("15AD", "07C0", "15AD", "07C0"), DISK } },
	{ "LSI Logic SAS", { SAS("1000", "0054", "15AD", "1976"), DISK } },
	{ "LSI Logic parallel", { SCSI("1000", "0030", "15AD", "1976"), DISK } },
	{ "NVMe", { NVME("15AD", "07F0", "15AD", "07F0") } },
	{ "AHCI (SATA)", { AHCI("15AD", "07E0", "15AD", "07E0"), DISK } },
	{ "IDE", { PCI("8086", "7111", "15AD", "1976", "01", "01", "8a"), DISK } },
	{ NULL, { NULL } },
};

/* Generation 1 shows its boot disk twice: as IDE and, to who has Hyper-V's
 * drivers, by VMBus. */
#define HV_IDE { "IDE (generation 1)", { IDE("8086", "7111", "0000", "0000"), DISK } }
#define HV_VMBUS_IDE { "VMBus IDE (generation 1)", { VMBUS, "vmbus:32264132cb86a2449b5c50d1417354f5", DISK } }
#define HV_VMBUS_SCSI { "VMBus SCSI", { VMBUS, "vmbus:d96361baa104294db60572e2ffb1dc7f", DISK } }

static const struct way hyperv[] = { HV_VMBUS_SCSI, HV_VMBUS_IDE, HV_IDE, { NULL, { NULL } } };
static const struct way hyperv1[] = { HV_VMBUS_IDE, HV_IDE, { NULL, { NULL } } };
static const struct way hyperv2[] = { HV_VMBUS_SCSI, { NULL, { NULL } } };

static const struct way xen[] = {
	{ "Xen block device", { "xen:vbd" } },
	{ "IDE", { IDE("8086", "7010", "5853", "0001"), DISK } },
	{ NULL, { NULL } },
};

static const struct way virtualbox[] = {
	{ "AHCI (SATA)", { AHCI("8086", "2829", "0000", "0000"), DISK } },
	{ "IDE", { PCI("8086", "7111", "0000", "0000", "01", "01", "8a"), DISK } },
	{ "LSI Logic parallel", { SCSI("1000", "0030", "1000", "8000"), DISK } },
	{ "LSI Logic SAS", { SAS("1000", "0054", "1000", "8000"), DISK } },
	{ "NVMe", { NVME("80EE", "4E56", "80EE", "4E56") } },
	{ "virtio-scsi", { SCSI("1AF4", "1048", "1AF4", "0008"), "virtio:d00000008v00001AF4", DISK } },
	{ NULL, { NULL } },
};

static const struct way aws[] = {
	{ "NVMe (Nitro)", { NVME("1D0F", "8061", "1D0F", "8061") } },
	{ "Xen block device", { "xen:vbd" } },
	{ NULL, { NULL } },
};

static const struct way gcp[] = {
	{ "virtio-scsi", { SCSI("1AF4", "1004", "1AF4", "0008"), "virtio:d00000008v00001AF4", DISK } },
	{ "NVMe", { NVME("1AE0", "001F", "1AE0", "001F") } },
	{ NULL, { NULL } },
};

static const struct way azure[] = {
	HV_VMBUS_SCSI, HV_VMBUS_IDE, HV_IDE,
	{ "NVMe by VMBus", { VMBUS, "vmbus:1df6c444444400449d52802e27ede19f",
			     NVME("1414", "00A9", "1414", "00A9") } },
	{ NULL, { NULL } },
};

/* What hangs on real machines of the last twenty years and on all the targets
 * above: one id of each driver. */
static const struct way any[] = {
	{ "virtio-blk", { SCSI("1AF4", "1001", "1AF4", "0002"), "virtio:d00000002v00001AF4" } },
	{ "virtio-scsi", { SCSI("1AF4", "1004", "1AF4", "0008"), "virtio:d00000008v00001AF4", DISK } },
	{ "NVMe", { NVME("1B36", "0010", "1AF4", "1100") } },
	{ "NVMe behind Intel VMD", { RAID("8086", "9A0B", "8086", "0000"), NVME("144D", "A80A", "144D", "A801") } },
	{ "AHCI (SATA)", { AHCI("8086", "2922", "1AF4", "1100"), DISK } },
	{ "IDE (Intel PIIX)", { IDE("8086", "7010", "1AF4", "1100"), DISK } },
	{ "IDE (AMD)", { PCI("1022", "7441", "1022", "7441", "01", "01", "8a"), DISK } },
	{ "IDE (ATI)", { PCI("1002", "439C", "1002", "439C", "01", "01", "8a"), DISK } },
	{ "IDE (VIA)", { PCI("1106", "0571", "1106", "0571", "01", "01", "8a"), DISK } },
	{ "SATA (NVIDIA)", { PCI("10DE", "037F", "10DE", "037F", "01", "01", "85"), DISK } },
	{ "SATA (VIA)", { RAID("1106", "3149", "1106", "3149"), DISK } },
	{ "SATA (Silicon Image)", { PCI("1095", "3112", "1095", "3112", "01", "80", "00"), DISK } },
	{ "SATA (Silicon Image 3124)", { PCI("1095", "3124", "1095", "3124", "01", "80", "00"), DISK } },
	{ "SATA (Marvell)", { PCI("11AB", "6081", "11AB", "6081", "01", "00", "00"), DISK } },
	{ "SAS (Intel C600)", { SAS("8086", "1D60", "8086", "1D60"), DISK } },
	{ "SAS (Marvell)", { SAS("1B4B", "9485", "1B4B", "9480"), DISK } },
	{ "VMware paravirtual SCSI", { SCSI("15AD", "07C0", "15AD", "07C0"), DISK } },
	{ "LSI Logic SAS (mptsas)", { SAS("1000", "0054", "1000", "3020"), DISK } },
	{ "LSI Logic parallel (mptspi)", { SCSI("1000", "0030", "1000", "8000"), DISK } },
	{ "LSI 53C8xx", { SCSI("1000", "0012", "1000", "1000"), DISK } },
	{ "Broadcom SAS HBA (mpt3sas)", { SAS("1000", "0097", "1000", "3090"), DISK } },
	{ "LSI SAS HBA (mpt2sas)", { SAS("1000", "0072", "1000", "3020"), DISK } },
	{ "MegaRAID (Dell PERC, older)", { RAID("1000", "0060", "1028", "1F0C"), DISK } },
	{ "MegaRAID", { RAID("1000", "005D", "1000", "9361"), DISK } },
	{ "MegaRAID 94xx", { RAID("1000", "0014", "1000", "9460"), DISK } },
	{ "HP Smart Array (hpsa)", { RAID("103C", "323B", "103C", "3354"), DISK } },
	{ "HPE/Microchip SmartRAID (smartpqi)", { RAID("9005", "028F", "103C", "0600"), DISK } },
	{ "Adaptec RAID (aacraid)", { RAID("9005", "0285", "9005", "02BD"), DISK } },
	{ "Adaptec SCSI (aic79xx)", { SCSI("9005", "8010", "9005", "0029"), DISK } },
	{ "Adaptec SCSI (aic7xxx)", { SCSI("9005", "008F", "9005", "008F"), DISK } },
	{ "3ware RAID", { RAID("13C1", "1004", "13C1", "1004"), DISK } },
	{ "Areca RAID", { RAID("17D3", "1880", "17D3", "1880"), DISK } },
	{ "BusLogic SCSI", { SCSI("104B", "1040", "104B", "1040"), DISK } },
	{ "QLogic Fibre Channel", { PCI("1077", "2532", "1077", "015C", "0C", "04", "00"), DISK } },
	{ "Emulex Fibre Channel", { PCI("10DF", "F100", "10DF", "F100", "0C", "04", "00"), DISK } },
	{ "Xen block device", { "xen:vbd" } },
	HV_VMBUS_SCSI, HV_VMBUS_IDE,
	{ "NVMe by VMBus", { VMBUS, "vmbus:1df6c444444400449d52802e27ede19f",
			     NVME("1414", "00A9", "1414", "00A9") } },
	{ "USB 3 storage", { PCI("8086", "1E31", "8086", "1E31", "0C", "03", "30"), USB_BULK, DISK } },
	{ "USB 3 storage (UAS)", { PCI("8086", "1E31", "8086", "1E31", "0C", "03", "30"), USB_UAS, DISK } },
	{ "USB 2 storage", { PCI("8086", "293A", "1AF4", "1100", "0C", "03", "20"), USB_BULK, DISK } },
	{ "USB 1 storage (UHCI)", { PCI("8086", "7020", "1AF4", "1100", "0C", "03", "00"), USB_BULK, DISK } },
	{ "SD card or eMMC (PCI)", { PCI("8086", "5ACC", "8086", "5ACC", "08", "05", "01"), "mmc:block" } },
	{ "SD card or eMMC (ACPI)", { "acpi:80860F14:PNP0D40:", "mmc:block" } },
	{ "UFS", { PCI("8086", "9DFA", "8086", "9DFA", "01", "09", "00"), DISK } },
	{ NULL, { NULL } },
};

#define NIC_VIRTIO "virtio:d00000001v00001AF4"
#define NIC_VMBUS "vmbus:635161f83edfc546913ff2d2f965ed0e"
#define NIC_E1000 NIC("8086", "100E", "8086", "001E")
#define NIC_E1000E NIC("8086", "10D3", "15AD", "07D0")

static const struct target targets[] = {
	{ { "kvm", "qemu", "proxmox" }, HW_FW_UNKNOWN, kvm, { NIC_VIRTIO, NIC_E1000E, NIC_E1000 } },
	{ { "vmware", "esxi" }, HW_FW_UNKNOWN, vmware,
	  { NIC("15AD", "07B0", "15AD", "07B0"), NIC_E1000E, NIC("8086", "100F", "15AD", "0750") } },
	{ { "hyperv", "hyper-v" }, HW_FW_UNKNOWN, hyperv, { NIC_VMBUS } },
	{ { "hyperv-gen1" }, HW_FW_BIOS, hyperv1, { NIC_VMBUS } },
	{ { "hyperv-gen2" }, HW_FW_EFI, hyperv2, { NIC_VMBUS } },
	{ { "xen", "xcp-ng" }, HW_FW_UNKNOWN, xen, { "xen:vif" } },
	{ { "virtualbox", "vbox" }, HW_FW_UNKNOWN, virtualbox, { NIC_E1000, NIC_VIRTIO } },
	{ { "aws", "ec2" }, HW_FW_UNKNOWN, aws,
	  { NIC("1D0F", "EC20", "1D0F", "EC20"), NIC("8086", "10ED", "0000", "0000"), "xen:vif" } },
	{ { "gcp" }, HW_FW_UNKNOWN, gcp, { NIC_VIRTIO, NIC("1AE0", "0042", "1AE0", "0058") } },
	{ { "azure" }, HW_FW_UNKNOWN, azure,
	  { NIC_VMBUS, NIC("1414", "00BA", "1414", "00B9"), NIC("15B3", "1016", "15B3", "0190") } },
	{ { "any" }, HW_FW_UNKNOWN, any, { NULL } },
};
#define N_TARGETS (sizeof targets / sizeof *targets)

static const struct target *find_target(const char *name, struct err *e)
{
	char all[200];
	size_t len = 0;

	for (size_t i = 0; i < N_TARGETS; i++) {
		for (size_t k = 0; k < 4 && targets[i].names[k]; k++)
			if (!strcmp(targets[i].names[k], name))
				return &targets[i];
		len += (size_t)snprintf(all + len, sizeof all - len, "%s%s", i ? ", " : "",
					targets[i].names[0]);
	}
	err_set(e, ERR_USAGE, "there is no profile %.60s; there are: %s", name, all);
	return NULL;
}

/* A virtio card is a PCI device, too. */
static int add_nic(const char *modalias, struct pci_names *names, struct hw *h, struct err *e)
{
	if (!hw_add_nic(h, modalias, names))
		return err_set(e, ERR_NOMEM, "out of memory for the target's hardware");
	if (!strcmp(modalias, NIC_VIRTIO))
		modalias = NIC("1AF4", "1000", "1AF4", "0001");
	return strncmp(modalias, "pci:", 4) ? 0 : hw_add_device(h, modalias, -1, names, e);
}

static int fill(const struct target *t, struct pci_names *names, struct hw *h, struct err *e)
{
	int r = 0;

	for (const struct way *w = t->ways; !r && w->name; w++) {
		struct hw_path *p = hw_add_path(h, w->name, 0);

		if (!p)
			return err_set(e, ERR_NOMEM, "out of memory for the target's hardware");
		for (size_t i = 0; !r && i < 5 && w->links[i]; i++)
			r = hw_add_link(p, w->links[i], names, e);
	}
	for (size_t i = 0; !r && i < 6 && t->nics[i]; i++)
		r = add_nic(t->nics[i], names, h, e);
	return r;
}

int hw_profile(const char *name, struct hw *ret, struct err *e)
{
	const struct target *t = find_target(name, e);
	struct hw h = { .secure_boot = -1, .is_virtual = 1 };
	struct pci_names *names;
	int r;

	if (!t)
		return ERR_USAGE;
	names = pci_names_open(NULL);
	snprintf(h.name, sizeof h.name, "%s", t->names[0]);
	h.firmware = t->firmware;
	if (t->ways == any)
		h.is_virtual = -1;
	r = fill(t, names, &h, e);
	pci_names_close(names);
	if (r) {
		hw_done(&h);
		return r;
	}
	*ret = h;
	return 0;
}
