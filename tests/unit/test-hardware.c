/* test-hardware.c: the way to disks and network cards in a made sysfs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "imager/hardware.h"
#include "tests/unit/faketree.h"

#define ROOT "sys/devices/pci0000:00"

/* A device with its bus, driver and modalias ("" none) */
static void device(const char *dir, const char *bus, const char *driver, const char *modalias)
{
	char path[PATH_MAX], to[PATH_MAX];

	snprintf(path, sizeof path, "%s/uevent", dir);
	tree_text(path, "");
	snprintf(path, sizeof path, "%s/subsystem", dir);
	snprintf(to, sizeof to, "sys/bus/%s", bus);
	if (*bus)
		tree_link(path, to);
	snprintf(path, sizeof path, "%s/driver", dir);
	snprintf(to, sizeof to, "sys/bus/%s/drivers/%s", bus, driver);
	if (*driver)
		tree_link(path, to);
	snprintf(path, sizeof path, "%s/modalias", dir);
	if (*modalias)
		tree_text(path, modalias);
}

static void make_sata(void)
{
	device(ROOT, "", "", "");
	device(ROOT "/0000:00:1f.2", "pci", "ahci",
	       "pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01\n");
	device(ROOT "/0000:00:1f.2/ata1", "", "", "");
	device(ROOT "/0000:00:1f.2/ata1/host0", "scsi", "", "");
	device(ROOT "/0000:00:1f.2/ata1/host0/target0:0:0", "scsi", "", "");
	device(ROOT "/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0", "scsi", "sd", "scsi:t-0x00\n");
	tree_disk(ROOT "/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda", "8:0", "2048");
	tree_link(ROOT "/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda/device",
		  ROOT "/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0");
	tree_text(ROOT "/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda/wwid", "naa.5\n");
}

/* Behind a bridge, and shared by controllers: the disk is a virtual device. */
static void make_nvme(void)
{
	const char *ns = "sys/devices/virtual/nvme-subsystem/nvme-subsys0";
	char path[PATH_MAX];

	device(ROOT "/0000:00:01.0", "pci", "pcieport",
	       "pci:v00008086d00001901sv00001028sd000006B9bc06sc04i00\n");
	device(ROOT "/0000:00:01.0/0000:01:00.0", "pci", "nvme",
	       "pci:v0000144Dd0000A808sv0000144Dsd0000A801bc01sc08i02\n");
	device(ROOT "/0000:00:01.0/0000:01:00.0/nvme/nvme3", "nvme", "", "");
	tree_disk(ROOT "/0000:00:01.0/0000:01:00.0/nvme/nvme3/nvme0c3n1", "259:1", "4096");
	tree_link(ROOT "/0000:00:01.0/0000:01:00.0/nvme/nvme3/nvme0c3n1/device",
		  ROOT "/0000:00:01.0/0000:01:00.0/nvme/nvme3");
	tree_text(ROOT "/0000:00:01.0/0000:01:00.0/nvme/nvme3/nvme0c3n1/hidden", "1\n");
	device(ns, "nvme-subsystem", "", "");
	snprintf(path, sizeof path, "%s/nvme3", ns);
	tree_link(path, ROOT "/0000:00:01.0/0000:01:00.0/nvme/nvme3");
	snprintf(path, sizeof path, "%s/serial", ns);
	tree_text(path, "S4EV1\n");
	snprintf(path, sizeof path, "%s/nvme0n1", ns);
	tree_disk(path, "259:0", "4096");
	snprintf(path, sizeof path, "%s/nvme0n1/device", ns);
	tree_link(path, ns);
}

static void make_hyperv(void)
{
	const char *acpi = "sys/devices/LNXSYSTM:00/LNXSYBUS:00/PNP0A03:00/VMBUS:01";
	char dir[PATH_MAX], path[PATH_MAX + 32];

	device("sys/devices/LNXSYSTM:00", "acpi", "", "acpi:LNXSYSTM:\n");
	device("sys/devices/LNXSYSTM:00/LNXSYBUS:00", "acpi", "", "acpi:LNXSYBUS:\n");
	device(acpi, "acpi", "vmbus", "acpi:VMBUS:\n");
	snprintf(dir, sizeof dir, "%s/f8b3781a-1e82-4818-a1c3-63d806ec15bb", acpi);
	device(dir, "vmbus", "hv_storvsc", "vmbus:d96361baa104294db60572e2ffb1dc7f\n");
	strcat(dir, "/host1/target1:0:0/1:0:0:0");
	device(dir, "scsi", "sd", "scsi:t-0x00\n");
	snprintf(path, sizeof path, "%s/block/sdb", dir);
	tree_disk(path, "8:16", "2048");
	snprintf(path, sizeof path, "%s/block/sdb/device", dir);
	tree_link(path, dir);
	tree_disk("sys/devices/virtual/block/loop0", "7:0", "8");
}

static void make_nic(void)
{
	device(ROOT "/0000:00:03.0", "pci", "virtio-pci",
	       "pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00\n");
	device(ROOT "/0000:00:03.0/virtio0", "virtio", "virtio_net", "virtio:d00000001v00001AF4\n");
	tree_text(ROOT "/0000:00:03.0/virtio0/net/eth0/address", "52:54:00:12:34:56\n");
	tree_link(ROOT "/0000:00:03.0/virtio0/net/eth0/device", ROOT "/0000:00:03.0/virtio0");
	tree_link("sys/class/net/eth0", ROOT "/0000:00:03.0/virtio0/net/eth0");
	tree_text("sys/class/net/lo/address", "00:00:00:00:00:00\n");
	tree_text("sys/class/dmi/id/product_uuid", "4C4C4544-0042\n");
}

/* "name[driver]modalias ..." of a path */
static const char *path_text(struct json_object *o)
{
	static char text[4096];
	struct json_object *path = json_get_array(o, "path");

	*text = 0;
	assert_non_null(path);
	for (size_t i = 0; i < json_object_array_length(path); i++) {
		struct json_object *d = json_object_array_get_idx(path, i);

		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s[%s:%s]%s", i ? " " : "",
			 json_get_str(d, "name", "?"), json_get_str(d, "subsystem", ""),
			 json_get_str(d, "driver", ""), json_get_str(d, "modalias", ""));
	}
	return text;
}

static struct json_object *named(struct json_object *doc, const char *list, const char *name)
{
	struct json_object *a = json_get_array(doc, list);

	for (size_t i = 0; i < json_object_array_length(a); i++)
		if (!strcmp(json_get_str(json_object_array_get_idx(a, i), "name", ""), name))
			return json_object_array_get_idx(a, i);
	fail_msg("no %s among the %s", name, list);
	return NULL;
}

static void the_way_to_each_device(void **state)
{
	cleanup_json struct json_object *doc = NULL;
	struct json_object *d;
	struct err e;

	(void)state;
	tree_begin();
	make_sata();
	make_nvme();
	make_hyperv();
	make_nic();
	tree_text("pci.ids", "");
	assert_int_equal(hardware_json(&tree_view, "pci.ids", &doc, &e), 0);
	assert_int_equal(json_object_array_length(json_get_array(doc, "disks")), 3);
	d = named(doc, "disks", "sda");
	assert_string_equal(path_text(d), "pci0000:00[:] "
			    "0000:00:1f.2[pci:ahci]pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01 "
			    "ata1[:] host0[scsi:] target0:0:0[scsi:] 0:0:0:0[scsi:sd]scsi:t-0x00");
	assert_string_equal(json_get_str(d, "controller", ""), "0000:00:1f.2");
	assert_string_equal(json_get_str(d, "wwn", ""), "naa.5");
	d = named(doc, "disks", "nvme0n1");
	assert_string_equal(path_text(d), "pci0000:00[:] 0000:00:01.0[pci:pcieport]"
			    "pci:v00008086d00001901sv00001028sd000006B9bc06sc04i00 0000:01:00.0[pci:nvme]"
			    "pci:v0000144Dd0000A808sv0000144Dsd0000A801bc01sc08i02 nvme3[nvme:]");
	assert_string_equal(json_get_str(d, "controller", ""), "0000:01:00.0");
	assert_string_equal(json_get_str(d, "serial", ""), "S4EV1");
	d = named(doc, "disks", "sdb");
	assert_string_equal(path_text(d), "LNXSYSTM:00[acpi:]acpi:LNXSYSTM: "
			    "LNXSYBUS:00[acpi:]acpi:LNXSYBUS: VMBUS:01[acpi:vmbus]acpi:VMBUS: "
			    "f8b3781a-1e82-4818-a1c3-63d806ec15bb[vmbus:hv_storvsc]"
			    "vmbus:d96361baa104294db60572e2ffb1dc7f 1:0:0:0[scsi:sd]scsi:t-0x00");
	d = named(doc, "nics", "eth0");
	assert_string_equal(path_text(d), "pci0000:00[:] 0000:00:03.0[pci:virtio-pci]"
			    "pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00 "
			    "virtio0[virtio:virtio_net]virtio:d00000001v00001AF4");
	assert_int_equal(json_object_array_length(json_get_array(doc, "nics")), 1);
	assert_string_equal(json_get_str(json_get_object(doc, "dmi"), "product_uuid", ""),
			    "4C4C4544-0042");
}

/* A damaged pci.ids costs the names, not the program. */
static void damaged_names(void **state)
{
	cleanup_json struct json_object *doc = NULL;
	struct json_object *pci;
	struct err e;

	(void)state;
	tree_begin();
	tree_text("sys/bus/pci/devices/0000:00:1f.2/vendor", "0x8086\n");
	tree_text("sys/bus/pci/devices/0000:00:1f.2/device", "0x2922\n");
	tree_text("sys/bus/pci/devices/0000:00:1f.2/class", "0x010601\n");
	tree_text("pci.ids", "8086  Intel\n\t2922  ICH9\nC 01  Storage\n\t06  SATA controller\n");
	assert_int_equal(hardware_json(&tree_view, "pci.ids", &doc, &e), 0);
	pci = json_object_array_get_idx(json_get_array(doc, "pci"), 0);
	assert_string_equal(json_get_str(pci, "name", ""), "Intel ICH9");
	assert_string_equal(json_get_str(pci, "class_name", ""), "SATA controller");
	json_object_put(doc);
	doc = NULL;
	tree_text("pci.ids", "8086  Intel\n\t\t\tx\n");
	assert_int_equal(hardware_json(&tree_view, "pci.ids", &doc, &e), 0);
	pci = json_object_array_get_idx(json_get_array(doc, "pci"), 0);
	assert_string_equal(json_get_str(pci, "device", ""), "2922");
	assert_null(json_get_str(pci, "class_name", NULL));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_way_to_each_device),
		cmocka_unit_test(damaged_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
