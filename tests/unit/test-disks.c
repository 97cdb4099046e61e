/* test-disks.c: disks found and named in a made sysfs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "imager/disks.h"
#include "tests/unit/faketree.h"

#define PCI "sys/devices/pci0000:00/0000:00:1f.2"

static void make_sata(void)
{
	static const unsigned char pg80[] = "\0\x80\0\x0c   S3Z9NB0K1";
	const char *dir = PCI "/ata1/host0/target0:0:0/0:0:0:0/block/sda";

	tree_disk(dir, "8:0", "1000215216");
	tree_text(PCI "/class", "0x010601\n");
	tree_text(PCI "/ata1/host0/target0:0:0/0:0:0:0/vendor", "ATA     \n");
	tree_text(PCI "/ata1/host0/target0:0:0/0:0:0:0/model", "Samsung SSD 860 \n");
	tree_text(PCI "/ata1/host0/target0:0:0/0:0:0:0/wwid", "naa.5002538e40a1b2c3\n");
	tree_text(PCI "/ata1/host0/target0:0:0/0:0:0:0/type", "0\n");
	tree_bytes(PCI "/ata1/host0/target0:0:0/0:0:0:0/vpd_pg80", pg80, 16);
	tree_link(PCI "/ata1/host0/target0:0:0/0:0:0:0/block/sda/device",
		  PCI "/ata1/host0/target0:0:0/0:0:0:0");
	tree_text(PCI "/ata1/host0/target0:0:0/0:0:0:0/block/sda/queue/logical_block_size", "512\n");
	tree_text(PCI "/ata1/host0/target0:0:0/0:0:0:0/block/sda/queue/physical_block_size", "4096\n");
	tree_text(PCI "/ata1/host0/target0:0:0/0:0:0:0/block/sda/queue/rotational", "0\n");
}

static void make_nvme(void)
{
	const char *dir = "sys/devices/pci0000:00/0000:01:00.0/nvme/nvme0/nvme0n1";

	tree_disk(dir, "259:0", "500118192");
	tree_text("sys/devices/pci0000:00/0000:01:00.0/nvme/nvme0/model", "WDC PC SN730\n");
	tree_text("sys/devices/pci0000:00/0000:01:00.0/nvme/nvme0/serial", "2045AB\n");
	tree_text("sys/devices/pci0000:00/0000:01:00.0/nvme/nvme0/nvme0n1/wwid", "eui.e8238fa6bf530001\n");
	tree_text("sys/devices/pci0000:00/0000:01:00.0/nvme/nvme0/nvme0n1/queue/logical_block_size", "4096\n");
	tree_link("sys/devices/pci0000:00/0000:01:00.0/nvme/nvme0/nvme0n1/device",
		  "sys/devices/pci0000:00/0000:01:00.0/nvme/nvme0");
	/* one path of a multipath namespace */
	tree_disk("sys/devices/pci0000:00/0000:01:00.0/nvme/nvme0/nvme0c0n1", "259:9", "500118192");
	tree_text("sys/devices/pci0000:00/0000:01:00.0/nvme/nvme0/nvme0c0n1/hidden", "1\n");
}

static void make_usb(void)
{
	const char *scsi = "sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/host6/target6:0:0/6:0:0:0";
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/block/sdb", scsi);
	tree_disk(path, "8:16", "60062500");
	snprintf(path, sizeof path, "%s/block/sdb/device", scsi);
	tree_link(path, scsi);
	snprintf(path, sizeof path, "%s/block/sdb/removable", scsi);
	tree_text(path, "1\n");
	snprintf(path, sizeof path, "%s/vendor", scsi);
	tree_text(path, "SanDisk \n");
	snprintf(path, sizeof path, "%s/vpd_pg80", scsi); /* garbage of a bridge */
	tree_bytes(path, "\0\x80\0\x04\x01\xff\x02\x03", 8);
	tree_text("sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/serial", "4C530001\n");
	tree_text("sys/devices/pci0000:00/0000:00:14.0/usb1/serial", "0000:00:14.0\n");
}

static void make_others(void)
{
	tree_disk("sys/devices/pci0000:00/0000:00:05.0/virtio2/block/vda", "252:0", "41943040");
	tree_text("sys/devices/pci0000:00/0000:00:05.0/virtio2/block/vda/serial", "root-disk\n");
	tree_disk("sys/devices/virtual/block/loop0", "7:0", "2048");
	tree_disk("sys/devices/virtual/block/zram0", "251:0", "2048");
	tree_disk("sys/devices/virtual/block/dm-0", "253:0", "2048");
	/* a card reader without a card */
	tree_disk("sys/devices/x/usb1/1-3/host7/block/sdc", "8:32", "0");
	tree_disk("sys/devices/x/mmc_host/mmc0/mmc0:0001/block/mmcblk0", "179:0", "30535680");
	tree_disk("sys/devices/x/mmc_host/mmc0/mmc0:0001/block/mmcblk0boot0", "179:8", "8192");
	tree_text("sys/devices/x/mmc_host/mmc0/mmc0:0001/name", "SD32G\n");
	tree_text("sys/devices/x/mmc_host/mmc0/mmc0:0001/serial", "0x1a2b3c4d\n");
	tree_link("sys/devices/x/mmc_host/mmc0/mmc0:0001/block/mmcblk0/device",
		  "sys/devices/x/mmc_host/mmc0/mmc0:0001");
}

static const struct disk *named(const struct disk *d, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(d[i].name, name))
			return &d[i];
	fail_msg("%s is not listed", name);
	return NULL;
}

static void lists_disks_with_their_identity(void **state)
{
	struct disk *d = NULL;
	const struct disk *p;
	struct err e;
	size_t n = 0;

	(void)state;
	tree_begin();
	make_sata();
	make_nvme();
	make_usb();
	make_others();
	assert_int_equal(disks_list(&tree_view, &d, &n, &e), 0);
	assert_int_equal(n, 5); /* no loop, zram, dm, empty reader, hidden path, boot area */
	p = named(d, n, "sda");
	assert_string_equal(p->path, "/dev/sda");
	assert_string_equal(p->model, "Samsung SSD 860");
	assert_string_equal(p->serial, "S3Z9NB0K1");
	assert_string_equal(p->wwn, "naa.5002538e40a1b2c3");
	assert_string_equal(p->transport, "sata");
	assert_string_equal(p->vendor, "");
	assert_true(p->size == 1000215216ull * 512);
	assert_int_equal(p->phys_size, 4096);
	assert_int_equal(p->sector_size, 512);
	assert_int_equal(p->rotational, 0);
	p = named(d, n, "nvme0n1");
	assert_string_equal(p->serial, "2045AB");
	assert_string_equal(p->wwn, "eui.e8238fa6bf530001");
	assert_string_equal(p->transport, "nvme");
	assert_int_equal(p->sector_size, 4096);
	p = named(d, n, "sdb");
	assert_string_equal(p->serial, "4C530001");
	assert_string_equal(p->transport, "usb");
	assert_string_equal(p->vendor, "SanDisk");
	assert_int_equal(p->removable, 1);
	p = named(d, n, "vda");
	assert_string_equal(p->serial, "root-disk");
	assert_string_equal(p->transport, "virtio");
	p = named(d, n, "mmcblk0");
	assert_string_equal(p->model, "SD32G");
	assert_string_equal(p->transport, "mmc");
	free(d);
}

static void an_ide_controller_is_told_from_sata(void **state)
{
	struct disk *d = NULL;
	struct err e;
	size_t n = 0;

	(void)state;
	tree_begin();
	make_sata();
	tree_text(PCI "/class", "0x01018a\n");
	assert_int_equal(disks_list(&tree_view, &d, &n, &e), 0);
	assert_string_equal(named(d, n, "sda")->transport, "ide");
	free(d);
}

static void a_file_is_a_disk(void **state)
{
	struct disk d;
	struct err e;

	(void)state;
	tree_begin();
	tree_text("disk.img", "0123456789");
	assert_int_equal(disk_by_path(&tree_view, "disk.img", &d, &e), 0);
	assert_string_equal(d.kind, "file");
	assert_string_equal(d.name, "disk.img");
	assert_int_equal(d.size, 10);
	assert_int_equal(disk_by_path(&tree_view, "nothing", &d, &e), ERR_NOT_FOUND);
	assert_int_equal(disk_by_path(&tree_view, "sys", &d, &e), ERR_USAGE);
	assert_int_equal(disk_by_path(&tree_view, "/dev/null", &d, &e), ERR_USAGE);
}

static void a_partition_knows_its_disk(void **state)
{
	struct disk d = { .kind = "part", .sysdir = "/sys/devices/pci/block/nvme0n1/nvme0n1p3" };
	char path[PATH_MAX];

	(void)state;
	disk_whole_path(&tree_view, &d, path);
	assert_string_equal(path, "/dev/nvme0n1");
	strcpy(d.sysdir, "/sys/block/cciss!c0d0/cciss!c0d0p1");
	disk_whole_path(NULL, &d, path);
	assert_string_equal(path, "/dev/cciss/c0d0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_disks_with_their_identity),
		cmocka_unit_test(an_ide_controller_is_told_from_sata),
		cmocka_unit_test(a_file_is_a_disk),
		cmocka_unit_test(a_partition_knows_its_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
