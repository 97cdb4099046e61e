/* test-volumes: names of a guest's block devices, and their JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/json.h"
#include "drivers-inject/volumes.h"

#define ROOT_UUID "0a0b0c0d-1111-2222-3333-444455556666"

static const char one_disk[] =
	"{\"disks\":[{\"path\":\"/dev/nvme0n1\",\"table\":\"dos\",\"id\":\"1234abcd\",\"size\":1000000000}],"
	"\"volumes\":["
	"{\"type\":\"vfat\",\"uuid\":\"ABCD-0123\",\"label\":\"EFI\",\"partuuid\":\"1234abcd-01\",\"disk\":0,\"part\":1},"
	"{\"type\":\"ext4\",\"uuid\":\"" ROOT_UUID "\",\"label\":\"root fs\",\"partuuid\":\"1234abcd-02\","
	"\"partlabel\":\"Linux/x\",\"disk\":0,\"part\":2,\"node\":\"/dev/nvme0n1p2\",\"mounted\":\"/\"},"
	"{\"type\":\"LVM2_member\",\"uuid\":\"abcdef-0001-0002-0003-0004-0005-zzzzzz\",\"disk\":0,\"part\":5},"
	"{\"type\":\"swap\",\"uuid\":\"99999999-0000-0000-0000-000000000001\",\"name\":\"vg-a/swap\",\"parent\":2},"
	"{\"type\":\"linux_raid_member\",\"uuid\":\"aa\",\"partuuid\":\"1234abcd-06\",\"disk\":0,\"part\":6},"
	"{\"type\":\"xfs\",\"uuid\":\"bb\",\"name\":\"box:0\",\"parent\":4},"
	"{\"type\":\"crypto_LUKS\",\"uuid\":\"cc\",\"disk\":0,\"part\":7},"
	"{\"type\":\"ext4\",\"uuid\":\"dd\",\"name\":\"crypt-x\",\"parent\":6},"
	"{\"partuuid\":\"1234abcd-08\",\"disk\":0,\"part\":8},"
	"{\"type\":\"btrfs\",\"uuid\":\"ee\",\"disk\":0,\"part\":9},"
	"{\"type\":\"btrfs\",\"uuid\":\"ee\",\"disk\":0,\"part\":10},"
	"{\"type\":\"ext4\",\"uuid\":\"ff\",\"label\":\"twice\",\"disk\":0,\"part\":11},"
	"{\"type\":\"ext4\",\"uuid\":\"ff\",\"label\":\"twice\",\"disk\":0,\"part\":12}]}";

static struct volumes parse(const char *text)
{
	struct volumes v = { 0 };
	struct json_object *o = NULL;
	struct err e = { 0 };

	assert_int_equal(json_parse(text, strlen(text), &o, &e), 0);
	if (volumes_from_json(o, &v, &e))
		fail_msg("%s", e.msg);
	json_object_put(o);
	return v;
}

/* want: the index, -1: none, +100: found by a guess */
static void finds(const struct volumes *v, const char *name, int want)
{
	int guess = 77, got;
	const struct volume *f = volume_find(v, name, &guess);

	got = f ? (int)(f - v->v) + guess * 100 : -1;
	if (got != want)
		fail_msg("%s: %d instead of %d", name, got, want);
}

static void test_find(void **state)
{
	struct volumes v = parse(one_disk);

	(void)state;
	finds(&v, "UUID=" ROOT_UUID, 1);
	finds(&v, "UUID=\"" ROOT_UUID "\"", 1);
	finds(&v, "\"UUID=0A0B0C0D-1111-2222-3333-444455556666\"", 1);
	finds(&v, "UUID=", -1);
	finds(&v, "UUID=0a0b", -1);
	finds(&v, "LABEL=root fs", 1);
	finds(&v, "LABEL=ROOT FS", -1);
	finds(&v, "/dev/disk/by-label/root\\x20fs", 1);
	finds(&v, "/dev/disk/by-partlabel/Linux\\x2fx", 1);
	finds(&v, "PARTLABEL=Linux/x", 1);
	finds(&v, "PARTUUID=1234ABCD-02", 1);
	finds(&v, "/dev/disk/by-partuuid/1234abcd-02", 1);
	finds(&v, "/dev/disk/by-uuid/ABCD-0123", 0);
	finds(&v, "LABEL=twice", -1);           /* two of them */
	finds(&v, "UUID=ff", -1);
	finds(&v, "UUID=ee", 9);                /* one file system on two devices */
	finds(&v, "/dev/vg-a/swap", 3);
	finds(&v, "/dev/mapper/vg--a-swap", 3);
	finds(&v, "/dev/mapper/vg-a-swap", -1);
	finds(&v, "/dev/disk/by-id/dm-name-vg--a-swap", 3);
	finds(&v, "/dev/disk/by-id/lvm-pv-uuid-abcdef-0001-0002-0003-0004-0005-zzzzzz", 2);
	finds(&v, "/dev/md0", 5);
	finds(&v, "/dev/md/0", 5);
	finds(&v, "/dev/md1", -1);
	finds(&v, "/dev/mapper/crypt-x", 7);
	finds(&v, "proc", -1);
	finds(&v, "", -1);
	finds(&v, "/dev/", -1);
	volumes_done(&v);
}

static void test_kernel_names(void **state)
{
	struct volumes v = parse(one_disk);

	(void)state;
	finds(&v, "/dev/sda2", 1);
	finds(&v, "/dev/hda1", 0);
	finds(&v, "/dev/nvme0n1p2", 1);
	finds(&v, "/dev/mmcblk0p2", 1);
	finds(&v, "/dev/cciss/c0d0p2", 1);
	finds(&v, "/dev/sdb2", 101);            /* the only disk there is */
	finds(&v, "/dev/xvdf2", 101);
	finds(&v, "/dev/disk/by-path/pci-0000:00:1f.2-ata-1-part2", 101);
	finds(&v, "/dev/disk/by-id/ata-QEMU_HARDDISK_QM00001-part2", 101);
	finds(&v, "/dev/sda3", -1);             /* no such partition */
	finds(&v, "/dev/sda", -1);
	finds(&v, "/dev/sda2x", -1);
	finds(&v, "/dev/sda0", -1);
	finds(&v, "/dev/sr0", -1);
	finds(&v, "/dev/nvme0n1p", -1);
	strcpy(v.disk[0].old_name, "sdb");
	finds(&v, "/dev/sdb2", 1);
	finds(&v, "/dev/sda2", 101);
	volumes_done(&v);
}

static void test_several_disks(void **state)
{
	struct volumes v = parse("{\"disks\":[{\"path\":\"a\"},{\"path\":\"b\"}],\"volumes\":["
		"{\"type\":\"ext4\",\"disk\":0,\"part\":1},{\"type\":\"ext4\",\"disk\":1,\"part\":1},"
		"{\"type\":\"xfs\",\"disk\":1,\"part\":2}]}");

	(void)state;
	finds(&v, "/dev/sda1", 0);
	finds(&v, "/dev/sdb1", 1);
	finds(&v, "/dev/nvme1n1p2", 2);
	finds(&v, "/dev/sdc1", -1);
	finds(&v, "/dev/disk/by-path/pci-0-part1", -1);
	strcpy(v.disk[0].old_name, "sdb");
	strcpy(v.disk[1].old_name, "sda");
	finds(&v, "/dev/sda1", 1);
	finds(&v, "/dev/sdb1", 0);
	finds(&v, "/dev/sdc1", -1);
	finds(&v, "/dev/hda1", 100);            /* another driver then */
	strcpy(v.disk[0].old_name, "cciss/c0d0");
	strcpy(v.disk[1].old_name, "cciss/c0d1");
	finds(&v, "/dev/cciss/c0d1p2", 2);
	finds(&v, "/dev/cciss/c0d2p2", -1);
	volumes_done(&v);
}

static void test_fragile(void **state)
{
	static const char *const fragile[] = {
		"/dev/sda1", "/dev/sda", "/dev/sdaa12", "/dev/hdc1", "/dev/vda2", "/dev/xvda1",
		"/dev/nvme0n1p3", "/dev/nvme10n2", "/dev/mmcblk1p1", "/dev/cciss/c0d0p1",
		"/dev/ida/c0d0p1", "/dev/disk/by-path/pci-0000:00:07.1-ide-0:0-part1",
		"/dev/disk/by-id/ata-X-part1", "/dev/disk/by-id/wwn-0x5000c500",
		"\"/dev/sda1\"",
	};
	static const char *const stable[] = {
		"UUID=x", "LABEL=/", "/dev/mapper/vg-root", "/dev/vg/root", "/dev/md0",
		"/dev/disk/by-uuid/x", "/dev/disk/by-label/x", "/dev/disk/by-partuuid/x",
		"/dev/disk/by-id/dm-uuid-LVM-x", "/dev/disk/by-id/md-uuid-x",
		"/dev/disk/by-id/lvm-pv-uuid-x", "/dev/disk/by-id/dm-name-vg-x",
		"/dev/disk/by-id/md-name-x", "/dev/sr0", "/dev/cdrom", "/dev/fd0", "proc",
		"server:/export", "/dev/sdabcd1", "/dev/sdtttttttttttttttt", "/dev/sd1", "sda1", "", "/dev/loop0",
	};
	char longer[2000];

	(void)state;
	for (size_t i = 0; i < sizeof fragile / sizeof *fragile; i++)
		if (!volume_name_is_fragile(fragile[i]))
			fail_msg("%s", fragile[i]);
	for (size_t i = 0; i < sizeof stable / sizeof *stable; i++)
		if (volume_name_is_fragile(stable[i]))
			fail_msg("%s", stable[i]);
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = 0;
	memcpy(longer, "/dev/disk/by-id/", 16);
	assert_false(volume_name_is_fragile(longer));
}

static void stable(const struct volume *v, const char *want)
{
	char name[80] = "untouched";
	struct err e = { 0 };
	int r = volume_stable_name(v, name, sizeof name, &e);

	assert_int_equal(r, want ? 0 : ERR_NOT_FOUND);
	assert_string_equal(name, want ? want : "untouched");
}

static void test_stable_name(void **state)
{
	struct volumes v = parse(one_disk);
	struct volume evil = { .uuid = "$(reboot)", .partuuid = "1234abcd-03" };

	(void)state;
	stable(&v.v[1], "UUID=" ROOT_UUID);
	stable(&v.v[2], "UUID=abcdef-0001-0002-0003-0004-0005-zzzzzz");
	stable(&v.v[8], "PARTUUID=1234abcd-08");
	stable(&evil, "PARTUUID=1234abcd-03");
	strcpy(evil.partuuid, "a b");
	stable(&evil, NULL);
	volumes_done(&v);
}

static void test_complete(void **state)
{
	struct volumes v = parse(one_disk), none = { 0 };

	(void)state;
	assert_true(volumes_complete(&v));
	v.v[7].parent = -1;                     /* LUKS is closed now */
	assert_false(volumes_complete(&v));
	v.v[7].parent = 6;
	v.v[3].parent = -1;
	assert_false(volumes_complete(&v));
	assert_false(volumes_complete(&none));
	volumes_done(&v);
}

static void test_json(void **state)
{
	static const char *const bad[] = {
		"{\"volumes\":[{\"disk\":0}]}",                      /* no such disk */
		"{\"volumes\":[{\"parent\":0}]}",                    /* in itself */
		"{\"volumes\":[{\"parent\":1},{\"parent\":0}]}",
		"{\"volumes\":[{\"parent\":7}]}",
		"{\"disks\":[{\"table\":\"12345678\"}]}",
	};
	struct volumes v = parse(one_disk), again;
	struct json_object *o = volumes_json(&v);
	char *text = strdup(json_object_to_json_string(o));
	struct err e = { 0 };

	(void)state;
	again = parse(text);
	assert_int_equal(again.n, v.n);
	assert_int_equal(again.n_disks, 1);
	assert_memory_equal(again.v, v.v, v.n * sizeof *v.v);
	assert_memory_equal(again.disk, v.disk, sizeof v.disk);
	json_object_put(o);
	free(text);
	volumes_done(&again);
	volumes_done(&v);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(json_parse(bad[i], strlen(bad[i]), &o, &e), 0);
		if (!volumes_from_json(o, &v, &e))
			fail_msg("%s", bad[i]);
		json_object_put(o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_kernel_names),
		cmocka_unit_test(test_several_disks),
		cmocka_unit_test(test_fragile),
		cmocka_unit_test(test_stable_name),
		cmocka_unit_test(test_complete),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
