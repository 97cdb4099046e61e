/* hw-json.c: hardware from the inventory of `rehost hardware --json`, maybe of
 * another machine or out of an image, so not to be trusted. */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include "common/json.h"
#include "common/text.h"
#include "drivers-inject/hw-private.h"

struct reading {
	struct json_object *doc;
	struct pci_names *names;
	struct hw hw;
	struct err *e;
};

static int no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "out of memory for the target's hardware");
}

static struct json_object *array_item(struct json_object *a, size_t i)
{
	return json_object_array_get_idx(a, i);
}

static size_t array_length(struct json_object *a)
{
	return a ? json_object_array_length(a) : 0;
}

/* Letters, digits and a few signs: identifiers that go into files */
static int plain_word(const char *s, size_t max)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:@-");

	return n && n <= max && !s[n];
}

/* Only the list of all PCI devices has it; equal devices have equal revisions. */
static int revision_of(struct reading *r, const char *modalias)
{
	struct json_object *pci = json_get_array(r->doc, "pci");
	unsigned int n;

	for (size_t i = 0; i < array_length(pci); i++)
		if (!strcmp(json_get_str(array_item(pci, i), "modalias", ""), modalias) &&
		    sscanf(json_get_str(array_item(pci, i), "revision", ""), "%2x", &n) == 1)
			return (int)n;
	return -1;
}

static int add_link(struct reading *r, struct hw_path *p, const char *modalias)
{
	int rc = hw_add_link(p, modalias, r->names, r->e), revision = revision_of(r, modalias);

	if (!rc && revision >= 0)
		p->v[p->n - 1].revision = revision;
	return rc;
}

/* A device needs a driver in the guest if it had one here; PCI bridges and the
 * ACPI root are served by the kernel itself. */
static int needs_driver(struct json_object *device)
{
	const char *modalias = json_get_str(device, "modalias", "");
	struct hw_pci_id id;

	if (!hw_modalias_ok(modalias) || !json_get_str(device, "driver", NULL))
		return 0;
	if (hw_pci_id(modalias, &id) == 0)
		return id.class >> 8 != 6;
	return fnmatch("acpi:PNP0A0[38]:*", modalias, 0) && fnmatch("acpi:LNXSY*", modalias, 0);
}

static int links_from_path(struct reading *r, struct hw_path *p, struct json_object *path)
{
	size_t n = array_length(path);
	int rc = 0;

	for (size_t i = 0; !rc && i < n && p->n < HW_LINKS_MAX; i++) {
		struct json_object *device = array_item(path, i);

		if (needs_driver(device))
			rc = add_link(r, p, json_get_str(device, "modalias", ""));
	}
	return rc;
}

/* What hangs on a controller of that PCI class or id, for inventories that name
 * only the controller. */
static const struct { const char *controller, *then[2]; } behind[] = {
	{ "pci:v00001AF4d00001001*", { "virtio:d00000002v00001AF4" } },
	{ "pci:v00001AF4d00001042*", { "virtio:d00000002v00001AF4" } },
	{ "pci:v00001AF4d00001004*", { "virtio:d00000008v00001AF4", "scsi:t-0x00" } },
	{ "pci:v00001AF4d00001048*", { "virtio:d00000008v00001AF4", "scsi:t-0x00" } },
	{ "pci:*bc01sc08i*", { NULL } },
	{ "pci:*bc01sc*", { "scsi:t-0x00" } },
	{ "pci:*bc0Csc04i*", { "scsi:t-0x00" } }, /* Fibre Channel */
	{ "pci:*bc0Csc03i*", { "usb:v0000p0000d0000dc00dsc00dp00ic08isc06ip50in00",
			       "scsi:t-0x00" } },
	{ "pci:*bc08sc05i*", { "mmc:block" } },
};

static int links_from_controller(struct reading *r, struct hw_path *p, const char *slot)
{
	struct json_object *pci = json_get_array(r->doc, "pci");
	const char *modalias = "";
	int rc;

	for (size_t i = 0; i < array_length(pci); i++)
		if (!strcmp(json_get_str(array_item(pci, i), "slot", ""), slot))
			modalias = json_get_str(array_item(pci, i), "modalias", "");
	if (!hw_modalias_ok(modalias))
		return 0;
	rc = add_link(r, p, modalias);
	for (size_t i = 0; i < sizeof behind / sizeof *behind; i++) {
		if (fnmatch(behind[i].controller, modalias, 0))
			continue;
		for (size_t k = 0; !rc && k < 2 && behind[i].then[k]; k++)
			rc = add_link(r, p, behind[i].then[k]);
		break;
	}
	return rc;
}

/* A disk without a PCI function above it: its name and its machine's maker. */
static int links_from_name(struct reading *r, struct hw_path *p, const char *disk)
{
	const char *vendor = json_get_str(json_get_object(r->doc, "dmi"), "sys_vendor", "");
	int rc;

	if (!strncmp(disk, "xvd", 3))
		return add_link(r, p, "xen:vbd");
	if (!strncmp(disk, "mmcblk", 6))
		return add_link(r, p, "mmc:block");
	if (strncmp(disk, "sd", 2) || strcmp(vendor, "Microsoft Corporation"))
		return 0;
	rc = add_link(r, p, "acpi:VMBUS:");
	if (!rc)
		rc = add_link(r, p, "vmbus:d96361baa104294db60572e2ffb1dc7f");
	return rc ? rc : add_link(r, p, "scsi:t-0x00");
}

static int one_disk(struct reading *r, struct json_object *disk, int required)
{
	const char *name = json_get_str(disk, "name", "");
	struct json_object *path = json_get_array(disk, "path");
	const char *slot = json_get_str(disk, "controller", "");
	struct hw_path *p = hw_add_path(&r->hw, name, required);
	int rc;

	if (!p)
		return no_memory(r->e);
	rc = path ? links_from_path(r, p, path) :
	     *slot ? links_from_controller(r, p, slot) : links_from_name(r, p, name);
	if (!rc && !p->n && required)
		return err_set(r->e, ERR_UNSUPPORTED, "%s: the inventory doesn't tell how the disk "
			       "%s is attached; make it anew by `rehost hardware --json`",
			       r->hw.name, name);
	return rc;
}

static int is_disk(struct json_object *disk)
{
	const char *name = json_get_str(disk, "name", "");

	/* CD and floppy drives; cciss!c0d0 is a disk */
	return strncmp(name, "sr", 2) && strncmp(name, "fd", 2) &&
	       (plain_word(name, 31) || (!strncmp(name, "cciss!", 6) && plain_word(name + 6, 25)));
}

static int is_called(struct json_object *disk, const char *what)
{
	return *what && (!strcmp(json_get_str(disk, "name", ""), what) ||
			 !strcmp(json_get_str(disk, "serial", ""), what) ||
			 !strcmp(json_get_str(disk, "wwn", ""), what));
}

static void list_names(struct json_object *disks, char *ret, size_t size)
{
	size_t len = 0;

	snprintf(ret, size, "none");
	for (size_t i = 0; i < array_length(disks) && len < size - 40; i++)
		if (is_disk(array_item(disks, i)))
			len += (size_t)snprintf(ret + len, size - len, "%s%s", len ? ", " : "",
				json_get_str(array_item(disks, i), "name", ""));
}

static int read_disks(struct reading *r, const char *wanted)
{
	struct json_object *disks = json_get_array(r->doc, "disks");
	size_t n = 0, found = 0;
	char names[300];
	int rc = 0;

	for (size_t i = 0; i < array_length(disks); i++) {
		n += is_disk(array_item(disks, i)) != 0;
		found += wanted && is_disk(array_item(disks, i)) &&
			 is_called(array_item(disks, i), wanted);
	}
	list_names(disks, names, sizeof names);
	if (wanted && found != 1)
		return err_set(r->e, ERR_NOT_FOUND, "%s: %s disk has the name or serial number %s; "
			       "its disks: %s", r->hw.name, found ? "more than one" : "no", wanted,
			       names);
	if (n > HW_PATHS_MAX)
		return err_set(r->e, ERR_CORRUPT, "%s: %zu disks are no machine's inventory",
			       r->hw.name, n);
	for (size_t i = 0; !rc && i < array_length(disks); i++) {
		struct json_object *d = array_item(disks, i);

		if (is_disk(d) && (!wanted || is_called(d, wanted)))
			rc = one_disk(r, d, wanted || n == 1);
	}
	return rc;
}

static int is_mac(const char *s)
{
	for (int i = 0; i < 17; i++)
		if (i % 3 == 2 ? s[i] != ':' : !s[i] || !strchr("0123456789abcdef", s[i]))
			return 0;
	return !s[17];
}

static int read_nics(struct reading *r)
{
	struct json_object *nics = json_get_array(r->doc, "nics");

	for (size_t i = 0; i < array_length(nics) && i < HW_PATHS_MAX; i++) {
		struct json_object *o = array_item(nics, i);
		const char *modalias = json_get_str(o, "modalias", "");
		const char *mac = json_get_str(o, "mac", ""), *name = json_get_str(o, "name", "");
		struct hw_nic *n = hw_add_nic(&r->hw, hw_modalias_ok(modalias) ? modalias : "",
					      r->names);

		if (!n)
			return no_memory(r->e);
		if (is_mac(mac))
			snprintf(n->mac, sizeof n->mac, "%s", mac);
		if (plain_word(name, 15)) /* IFNAMSIZ - 1 */
			snprintf(n->ifname, sizeof n->ifname, "%s", name);
		n->has_link = json_get_bool(o, "link", -1);
	}
	return 0;
}

static int read_devices(struct reading *r)
{
	struct json_object *pci = json_get_array(r->doc, "pci");
	int rc = 0;

	for (size_t i = 0; !rc && i < array_length(pci) && i < HW_PATHS_MAX; i++) {
		const char *modalias = json_get_str(array_item(pci, i), "modalias", "");

		if (hw_modalias_ok(modalias))
			rc = hw_add_device(&r->hw, modalias, revision_of(r, modalias), r->names,
					   r->e);
	}
	return rc;
}

/* What hypervisors write into their DMI tables; "" fits all. */
static const struct { const char *vendor, *product, *profile; } virtual_machines[] = {
	{ "QEMU", "", "kvm" }, { "Red Hat", "KVM", "kvm" }, { "OpenStack", "", "kvm" },
	{ "oVirt", "", "kvm" }, { "Nutanix", "AHV", "kvm" }, { "VMware", "", "vmware" },
	{ "innotek", "", "virtualbox" }, { "", "VirtualBox", "virtualbox" }, { "Xen", "", "xen" },
	{ "Parallels", "", "parallels" }, { "Microsoft", "Virtual Machine", "hyperv" },
	{ "Google", "Google Compute Engine", "gcp" }, { "Amazon EC2", "", "aws" },
};

static void read_hypervisor(struct reading *r)
{
	struct json_object *dmi = json_get_object(r->doc, "dmi");
	const char *vendor = json_get_str(dmi, "sys_vendor", "");
	const char *product = json_get_str(dmi, "product_name", "");
	size_t n = sizeof virtual_machines / sizeof *virtual_machines, i = 0;

	while (i < n && (strncmp(vendor, virtual_machines[i].vendor, strlen(virtual_machines[i].vendor)) ||
			 !strstr(product, virtual_machines[i].product)))
		i++;
	/* EC2's real machines: "i3.metal" */
	r->hw.is_virtual = !*vendor ? -1 : i < n && !strstr(product, ".metal");
	if (r->hw.is_virtual == 1)
		snprintf(r->hw.hypervisor, sizeof r->hw.hypervisor, "%s", virtual_machines[i].profile);
}

static void read_machine(struct reading *r)
{
	struct json_object *fw = json_get_object(r->doc, "firmware");
	const char *type = json_get_str(fw, "type", "");
	struct json_object *cpu = json_get_object(r->doc, "cpu");
	const char *arch = json_get_str(cpu, "arch", "");
	const char *vendor = json_get_str(cpu, "vendor", "");
	const char *uuid = json_get_str(json_get_object(r->doc, "dmi"), "product_uuid", "");
	uint64_t threads = json_get_u64(cpu, "threads", 0);

	r->hw.firmware = !strcmp(type, "efi") ? HW_FW_EFI :
			 !strcmp(type, "bios") ? HW_FW_BIOS : HW_FW_UNKNOWN;
	r->hw.secure_boot = r->hw.firmware == HW_FW_BIOS ? 0 :
			    json_get_bool(fw, "secure_boot", -1);
	if (plain_word(arch, sizeof r->hw.arch - 1))
		snprintf(r->hw.arch, sizeof r->hw.arch, "%s", arch);
	if (threads <= HW_PROCESSORS_MAX)
		r->hw.processors = (unsigned)threads;
	if (plain_word(uuid, sizeof r->hw.uuid - 1))
		snprintf(r->hw.uuid, sizeof r->hw.uuid, "%s", uuid);
	if (plain_word(vendor, sizeof r->hw.cpu_vendor - 1))
		snprintf(r->hw.cpu_vendor, sizeof r->hw.cpu_vendor, "%s", vendor);
	read_hypervisor(r);
}

int hw_from_json(struct json_object *o, const char *name, const char *disk,
		 struct hw *ret, struct err *e)
{
	struct reading r = { .doc = o, .e = e };
	int rc;

	if (!json_get_array(o, "disks"))
		return err_set(e, ERR_CORRUPT, "%s is no inventory of a machine (`rehost hardware "
			       "--json` makes one)", name);
	text_from_bytes(name, strlen(name), r.hw.name, sizeof r.hw.name);
	r.names = pci_names_open(NULL);
	read_machine(&r);
	rc = read_disks(&r, disk);
	if (!rc)
		rc = read_nics(&r);
	if (!rc)
		rc = read_devices(&r);
	pci_names_close(r.names);
	if (rc) {
		hw_done(&r.hw);
		return rc;
	}
	*ret = r.hw;
	return 0;
}
