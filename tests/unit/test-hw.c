/* test-hw.c: a target's hardware: profiles, and inventories of machines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "common/json.h"
#include "drivers-inject/hw-private.h"

static const char *const profiles[] = {
	"kvm", "vmware", "hyperv", "hyperv-gen1", "hyperv-gen2", "xen", "virtualbox", "aws",
	"gcp", "azure", "any",
};

static struct hw hw;

static int done(void **state)
{
	(void)state;
	hw_done(&hw);
	return 0;
}

static const struct hw_path *path_named(const char *name)
{
	for (size_t i = 0; i < hw.n_paths; i++)
		if (!strcmp(hw.path[i].name, name))
			return &hw.path[i];
	fail_msg("no path %s", name);
	return NULL;
}

/* The modaliases of a path with blanks between */
static const char *links(const struct hw_path *p)
{
	static char text[2048];

	*text = 0;
	for (size_t i = 0; i < p->n; i++) {
		strcat(text, i ? " " : "");
		strcat(text, p->v[i].modalias);
	}
	return text;
}

static int from(const char *json, const char *disk, struct err *e)
{
	cleanup_json struct json_object *o = NULL;

	assert_int_equal(json_parse(json, strlen(json), &o, e), 0);
	return hw_from_json(o, "old.json", disk, &hw, e);
}

static void load(const char *json, const char *disk)
{
	struct err e = { 0 };

	if (from(json, disk, &e))
		fail_msg("%s", e.msg);
}

static void every_profile_can_be_used(void **state)
{
	struct hw_pci_id id;

	(void)state;
	for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++) {
		assert_int_equal(hw_profile(profiles[i], &hw, NULL), 0);
		assert_string_equal(hw.name, profiles[i]);
		assert_true(hw.n_paths >= 1);
		for (size_t k = 0; k < hw.n_paths; k++) {
			assert_true(hw.path[k].n >= 1 && *hw.path[k].name);
			assert_false(hw.path[k].required);
			for (size_t n = 0; n < hw.path[k].n; n++) {
				const char *m = hw.path[k].v[n].modalias;

				assert_true(hw_modalias_ok(m));
				assert_true(*hw.path[k].v[n].name);
				assert_true(strncmp(m, "pci:", 4) || hw_pci_id(m, &id) == 0);
			}
		}
		assert_true(hw.n_nics >= 1 || !strcmp(profiles[i], "any"));
		hw_done(&hw);
	}
}

static void profiles_know_their_controllers(void **state)
{
	(void)state;
	assert_int_equal(hw_profile("qemu", &hw, NULL), 0);
	assert_string_equal(hw.name, "kvm");
	assert_int_equal(hw.firmware, HW_FW_UNKNOWN);
	assert_int_equal(hw.secure_boot, -1);
	assert_string_equal(links(path_named("virtio-scsi")),
			    "pci:v00001AF4d00001004sv00001AF4sd00000008bc01sc00i00 "
			    "virtio:d00000008v00001AF4 scsi:t-0x00");
	assert_string_equal(path_named("virtio-scsi")->v[2].drivers.v[0], "sd_mod");
	hw_done(&hw);
	assert_int_equal(hw_profile("hyperv-gen2", &hw, NULL), 0);
	assert_int_equal(hw.firmware, HW_FW_EFI);
	assert_int_equal(hw.n_paths, 1);
	assert_string_equal(links(&hw.path[0]),
			    "acpi:VMBUS: vmbus:d96361baa104294db60572e2ffb1dc7f scsi:t-0x00");
	hw_done(&hw);
	assert_int_equal(hw_profile("any", &hw, NULL), 0);
	assert_true(hw.n_paths > 40);
}

static void an_unknown_profile_names_all(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(hw_profile("nosuch", &hw, &e), ERR_USAGE);
	for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
		assert_non_null(strstr(e.msg, profiles[i]));
}

#define MACHINE "\"dmi\":{\"product_uuid\":\"4C4C4544-0042-4410-8036-B7C04F335931\"}," \
	"\"firmware\":{\"type\":\"efi\",\"secure_boot\":true},\"cpu\":{\"arch\":\"x86_64\",\"threads\":8},"
#define BRIDGE "{\"name\":\"pci0000:00\"},{\"name\":\"0000:00:01.0\",\"subsystem\":\"pci\"," \
	"\"driver\":\"pcieport\",\"modalias\":\"pci:v00008086d00001901sv00001028sd000006B9bc06sc04i00\"},"
#define NVME "{\"name\":\"nvme0n1\",\"serial\":\"S4EV1\",\"controller\":\"0000:01:00.0\",\"path\":[" BRIDGE \
	"{\"name\":\"0000:01:00.0\",\"driver\":\"nvme\",\"subsystem\":\"pci\"," \
	"\"modalias\":\"pci:v0000144Dd0000A808sv0000144Dsd0000A801bc01sc08i02\"}," \
	"{\"name\":\"nvme0\",\"subsystem\":\"nvme\"}]}"
#define SATA "{\"name\":\"sda\",\"serial\":\"WD-1\",\"wwn\":\"naa.5\",\"path\":[{\"name\":\"pci0000:00\"}," \
	"{\"name\":\"0000:00:17.0\",\"driver\":\"ahci\"," \
	"\"modalias\":\"pci:v00008086d0000A102sv00001028sd000006B9bc01sc06i01\"},{\"name\":\"ata1\"}," \
	"{\"name\":\"host0\"},{\"name\":\"0:0:0:0\",\"driver\":\"sd\",\"modalias\":\"scsi:t-0x00\"}]}"
#define NICS "\"nics\":[{\"name\":\"eno1\",\"mac\":\"b8:2a:72:0c:11:22\",\"link\":true,\"driver\":\"e1000e\"," \
	"\"modalias\":\"pci:v00008086d000015B7sv00001028sd000006B9bc02sc00i00\"}]"

static void the_way_to_each_disk(void **state)
{
	(void)state;
	load("{" MACHINE "\"disks\":[" NVME "," SATA ",{\"name\":\"sr0\",\"path\":[]}]," NICS "}", NULL);
	assert_string_equal(hw.name, "old.json");
	assert_int_equal(hw.firmware, HW_FW_EFI);
	assert_int_equal(hw.secure_boot, 1);
	assert_string_equal(hw.arch, "x86_64");
	assert_string_equal(hw.uuid, "4C4C4544-0042-4410-8036-B7C04F335931");
	assert_int_equal(hw.processors, 8);
	assert_int_equal(hw.n_paths, 2);
	assert_false(hw.path[0].required);
	/* no bridge, no port: the kernel itself serves them */
	assert_string_equal(links(path_named("nvme0n1")),
			    "pci:v0000144Dd0000A808sv0000144Dsd0000A801bc01sc08i02");
	assert_string_equal(links(path_named("sda")),
			    "pci:v00008086d0000A102sv00001028sd000006B9bc01sc06i01 scsi:t-0x00");
	assert_int_equal(hw.n_nics, 1);
	assert_string_equal(hw.nic[0].mac, "b8:2a:72:0c:11:22");
	assert_string_equal(hw.nic[0].ifname, "eno1");
	assert_int_equal(hw.nic[0].has_link, 1);
}

static void one_disk_by_name_or_number(void **state)
{
	static const char *const words[] = { "sda", "WD-1", "naa.5" };
	struct err e;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		load("{\"disks\":[" NVME "," SATA "]}", words[i]);
		assert_int_equal(hw.n_paths, 1);
		assert_string_equal(hw.path[0].name, "sda");
		assert_true(hw.path[0].required);
		hw_done(&hw);
	}
	load("{\"disks\":[" NVME "]}", NULL);
	assert_true(hw.path[0].required);
	hw_done(&hw);
	assert_int_equal(from("{\"disks\":[" NVME "," SATA "]}", "sdb", &e), ERR_NOT_FOUND);
	assert_non_null(strstr(e.msg, "nvme0n1, sda"));
	assert_int_equal(from("{\"disks\":[" NVME "]}", "", &e), ERR_NOT_FOUND);
	assert_int_equal(from("{\"disks\":[" SATA "," SATA "]}", "WD-1", &e), ERR_NOT_FOUND);
	assert_int_equal(from("{\"systems\":[]}", NULL, &e), ERR_CORRUPT);
	assert_int_equal(from("[1]", NULL, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "rehost hardware"));
}

#define OLD(id) "{\"pci\":[{\"slot\":\"0000:00:05.0\",\"modalias\":\"pci:" id "\"}]," \
	"\"disks\":[{\"name\":\"sda\",\"controller\":\"0000:00:05.0\"}]}"

/* Images made before disks had a "path" */
static void old_inventories(void **state)
{
	static const struct { const char *json, *links; } t[] = {
		{ OLD("v00008086d00002922sv00001AF4sd00001100bc01sc06i01"),
		  "pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01 scsi:t-0x00" },
		{ OLD("v00001B36d00000010sv00001AF4sd00001100bc01sc08i02"),
		  "pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02" },
		{ OLD("v00001AF4d00001001sv00001AF4sd00000002bc01sc00i00"),
		  "pci:v00001AF4d00001001sv00001AF4sd00000002bc01sc00i00 virtio:d00000002v00001AF4" },
		{ OLD("v00001AF4d00001048sv00001AF4sd00001100bc01sc00i00"),
		  "pci:v00001AF4d00001048sv00001AF4sd00001100bc01sc00i00 virtio:d00000008v00001AF4 "
		  "scsi:t-0x00" },
		{ OLD("v00008086d0000A12Fsv00001028sd000006B9bc0Csc03i30"),
		  "pci:v00008086d0000A12Fsv00001028sd000006B9bc0Csc03i30 "
		  "usb:v0000p0000d0000dc00dsc00dp00ic08isc06ip50in00 scsi:t-0x00" },
		{ "{\"disks\":[{\"name\":\"xvda\"}]}", "xen:vbd" },
		{ "{\"disks\":[{\"name\":\"mmcblk0\"}]}", "mmc:block" },
		{ "{\"dmi\":{\"sys_vendor\":\"Microsoft Corporation\"},\"disks\":[{\"name\":\"sda\"}]}",
		  "acpi:VMBUS: vmbus:d96361baa104294db60572e2ffb1dc7f scsi:t-0x00" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		load(t[i].json, NULL);
		assert_int_equal(hw.n_paths, 1);
		assert_string_equal(links(&hw.path[0]), t[i].links);
		hw_done(&hw);
	}
	assert_int_equal(from("{\"disks\":[{\"name\":\"sda\"}]}", NULL, &e), ERR_UNSUPPORTED);
	assert_non_null(strstr(e.msg, "sda"));
}

static void hostile_inventories(void **state)
{
	struct err e;

	(void)state;
	load("{\"disks\":[{\"name\":\"sd\\u001b[2Ja\",\"path\":[]},{\"name\":\"../x\"},5,null,"
	     "{\"name\":\"sda\",\"path\":[{\"driver\":\"d\",\"modalias\":\"pci:\\u001b]0;x\"},7,"
	     "{\"driver\":\"d\",\"modalias\":\"pci:v1 x\"},{\"driver\":\"sd\",\"modalias\":\"scsi:t-0x00\"}]}],"
	     "\"cpu\":{\"arch\":\"x86;rm\",\"threads\":99999999999},\"dmi\":{\"product_uuid\":\"$(id)\"},\"firmware\":{\"type\":5},"
	     "\"nics\":[{\"name\":\"a/b\",\"mac\":\"zz:zz:zz:zz:zz:zz\",\"modalias\":7},"
	     "{\"name\":\"eth0\",\"mac\":\"52:54:00:12:34:56:\"},3]}", NULL);
	assert_int_equal(hw.n_paths, 1);
	assert_string_equal(links(&hw.path[0]), "scsi:t-0x00");
	assert_string_equal(hw.arch, "");
	assert_string_equal(hw.uuid, "");
	assert_int_equal(hw.processors, 0);
	assert_int_equal(hw.firmware, HW_FW_UNKNOWN);
	assert_int_equal(hw.n_nics, 3);
	assert_string_equal(hw.nic[0].ifname, "");
	assert_string_equal(hw.nic[0].mac, "");
	assert_string_equal(hw.nic[1].ifname, "eth0");
	assert_string_equal(hw.nic[1].mac, "");
	assert_int_equal(hw.nic[1].has_link, -1);
	hw_done(&hw);
	assert_int_equal(from("{\"disks\":[{\"name\":\"sda\",\"path\":{}}]}", NULL, &e), ERR_UNSUPPORTED);
}

static void which_hypervisor(void **state)
{
	static const struct { const char *vendor, *product; int is_virtual; const char *name; } v[] = {
		{ "QEMU", "Standard PC (Q35 + ICH9, 2009)", 1, "kvm" }, { "Red Hat", "KVM", 1, "kvm" },
		{ "Red Hat", "a server", 0, "" }, { "VMware, Inc.", "VMware7,1", 1, "vmware" },
		{ "innotek GmbH", "VirtualBox", 1, "virtualbox" }, { "Xen", "HVM domU", 1, "xen" },
		{ "Microsoft Corporation", "Virtual Machine", 1, "hyperv" },
		{ "Microsoft Corporation", "Surface Pro", 0, "" }, { "Amazon EC2", "m5.large", 1, "aws" },
		{ "Amazon EC2", "i3.metal", 0, "" }, { "Dell Inc.", "OptiPlex", 0, "" }, { "", "", -1, "" },
	};
	char text[300];

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		snprintf(text, sizeof text, "{\"disks\":[],\"cpu\":{\"vendor\":\"AuthenticAMD\"},"
			 "\"dmi\":{\"sys_vendor\":\"%s\",\"product_name\":\"%s\"}}", v[i].vendor,
			 v[i].product);
		load(text, NULL);
		assert_int_equal(hw.is_virtual, v[i].is_virtual);
		assert_string_equal(hw.hypervisor, v[i].name);
		assert_string_equal(hw.cpu_vendor, "AuthenticAMD");
		assert_int_equal(hw_is_one_of(&hw, " vmware kvm ", NULL, 0),
				 !strcmp(v[i].name, "kvm") || !strcmp(v[i].name, "vmware"));
		hw_done(&hw);
	}
}

/* A device's vendor counts, not its subsystem's: QEMU's e1000e has VMware's. */
static void signs_of_a_hypervisor(void **state)
{
	static const char *const vmware[] = { "v000015AD" }, *const xen[] = { "v00005853", "xen:" };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(hw_profile("kvm", &hw, &e), 0);
	assert_int_equal(hw.is_virtual, 1);
	assert_int_equal(hw_is_one_of(&hw, "", vmware, 1), 0);
	assert_int_equal(hw_is_one_of(&hw, " kvm ", vmware, 1), 1);
	hw_done(&hw);
	assert_int_equal(hw_profile("vmware", &hw, &e), 0);
	assert_int_equal(hw_is_one_of(&hw, "", vmware, 1), 1);
	assert_int_equal(hw_is_one_of(&hw, "", xen, 2), 0);
	hw_done(&hw);
	assert_int_equal(hw_profile("any", &hw, &e), 0);
	assert_int_equal(hw.is_virtual, -1);
	assert_int_equal(hw_is_one_of(&hw, "", xen, 2), 1);
	hw_done(&hw);
}

static void devices_have_names(void **state)
{
	char name[320];

	(void)state;
	assert_int_equal(hw_device_name("pci:v00001AF4d00001042sv00001AF4sd00001100bc01sc00i00", name,
					sizeof name), 0);
	assert_string_equal(name, "1af4:1042 Red Hat, Inc. Virtio 1.0 block device");
	/* not in pci.ids: its class */
	hw_device_name("pci:v0000FFFEd00001042sv00001AF4sd00001100bc01sc06i01", name, sizeof name);
	assert_string_equal(name, "fffe:1042 SATA controller");
	hw_device_name("usb:v0781p5567d0100dc00dsc00dp00ic08isc06ip50in00", name, sizeof name);
	assert_string_equal(name, "0781:5567 USB storage");
	hw_device_name("vmbus:d96361baa104294db60572e2ffb1dc7f", name, sizeof name);
	assert_string_equal(name, "Hyper-V SCSI controller");
	assert_int_equal(hw_device_name("of:Nx", name, sizeof name), ERR_NOT_FOUND);
	assert_string_equal(name, "of:Nx");
	assert_int_equal(hw_device_name("of:\033[2J", name, sizeof name), ERR_NOT_FOUND);
	assert_null(strchr(name, '\033'));
	hw_device_name("pci:v00001AF4d00001042sv00001AF4sd00001100bc01sc00i00", name, 8);
	assert_string_equal(name, "1af4:10");
}

static void this_machine(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(hw_here("/dev/null", &hw, &e), ERR_USAGE);
	assert_int_equal(hw_here("/proc/self/exe", &hw, &e), ERR_USAGE);
	assert_non_null(strstr(e.msg, "--profile"));
	assert_int_equal(hw_here("no-such-disk", &hw, &e), ERR_NOT_FOUND);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_profile_can_be_used),
		cmocka_unit_test_teardown(profiles_know_their_controllers, done),
		cmocka_unit_test(an_unknown_profile_names_all),
		cmocka_unit_test_teardown(the_way_to_each_disk, done),
		cmocka_unit_test_teardown(one_disk_by_name_or_number, done),
		cmocka_unit_test_teardown(old_inventories, done),
		cmocka_unit_test_teardown(hostile_inventories, done),
		cmocka_unit_test_teardown(which_hypervisor, done),
		cmocka_unit_test_teardown(signs_of_a_hypervisor, done),
		cmocka_unit_test(devices_have_names),
		cmocka_unit_test(this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
