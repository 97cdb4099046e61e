/* test-guard.c: what stands between a command and a disk, over a made /sys and
 * /proc (its device numbers are none that a real machine has): a machine with
 *
 *   sda   sda1 mounted on /, sda2 swap
 *   sdb   sdb1 LVM physical volume, held by dm-0, which is mounted on /srv
 *   sdc   sdc1 mounted read-only on /run/medium
 *   sdd   sdd1 in md127
 *   sde   btrfs, mounted by a number of its own
 *   sdf   free
 *   sdg   read-only
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/sysmacros.h>
#include "imager/blkuse.h"
#include "imager/guard.h"
#include "tests/unit/faketree.h"

#define DEV "sys/devices/"

static void disk_with_part(const char *name, int minor)
{
	char dir[PATH_MAX], dev[32];

	snprintf(dir, sizeof dir, DEV "%s", name);
	snprintf(dev, sizeof dev, "908:%d", minor);
	tree_disk(dir, dev, "204800");
	snprintf(dir, sizeof dir, DEV "%s/%s1", name, name);
	snprintf(dev, sizeof dev, "908:%d", minor + 1);
	tree_part(dir, dev, "1");
}

static int make_machine(void **state)
{
	(void)state;
	tree_begin();
	disk_with_part("sda", 0);
	tree_part(DEV "sda/sda2", "908:2", "2");
	tree_part(DEV "sda/sda3", "908:3", "3");
	disk_with_part("sdb", 16);
	disk_with_part("sdc", 32);
	disk_with_part("sdd", 48);
	tree_disk(DEV "sde", "908:64", "204800");
	disk_with_part("sdf", 80);
	disk_with_part("sdg", 96);
	tree_disk(DEV "virtual/block/dm-0", "953:0", "2048");
	tree_text(DEV "virtual/block/dm-0/dm/name", "vg-srv\n");
	tree_link(DEV "virtual/block/dm-0/slaves/sdb1", DEV "sdb/sdb1");
	tree_link(DEV "sdb/sdb1/holders/dm-0", DEV "virtual/block/dm-0");
	tree_disk(DEV "virtual/block/md127", "909:127", "2048");
	tree_link(DEV "virtual/block/md127/slaves/sdd1", DEV "sdd/sdd1");
	tree_link(DEV "sdd/sdd1/holders/md127", DEV "virtual/block/md127");
	tree_text("proc/self/mountinfo",
		"21 1 908:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
		"22 21 0:20 / /proc rw - proc proc rw\n"
		"23 21 953:0 / /srv rw,relatime - xfs /dev/mapper/vg-srv rw\n"
		"24 21 908:33 / /run/medium ro,relatime - iso9660 /dev/sdc1 ro\n"
		"25 21 0:40 /sub /mnt/with\\040blank rw - btrfs /dev/sde rw,subvol=/sub\n");
	tree_text("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n"
				"/dev/sda2\tpartition\t1\t0\t-2\n");
	return 0;
}

static int refused(const char *dev, const char *reason)
{
	struct disk d = tree_disk_entry(dev);
	struct err e = { 0 };
	int rc = guard_target_disk(&tree_view, &d, NULL, &e);

	if (rc == ERR_REFUSED && !strstr(e.msg, reason))
		fail_msg("the refusal doesn't say \"%s\": %s", reason, e.msg);
	return rc == ERR_REFUSED;
}

static void targets_in_use_are_refused(void **state)
{
	(void)state;
	assert_true(refused("908:0", "running system"));   /* a partition is mounted */
	assert_true(refused("908:1", "running system"));
	assert_true(refused("908:2", "swapoff"));
	assert_true(refused("908:16", "/srv"));            /* through LVM */
	assert_true(refused("908:17", "/srv"));
	assert_true(refused("908:32", "runs from"));       /* boot medium */
	assert_true(refused("908:48", "mdadm"));
	assert_true(refused("908:64", "/mnt/with blank")); /* btrfs */
}

static void free_targets_are_permitted(void **state)
{
	(void)state;
	assert_false(refused("908:80", ""));
	assert_false(refused("908:81", ""));
	assert_false(refused("908:3", "")); /* beside mounted ones */
}

static void a_held_but_unmounted_volume_is_refused(void **state)
{
	(void)state;
	tree_text("proc/self/mountinfo", "");
	assert_true(refused("908:16", "vg-srv"));
}

static struct disk path_to_array(const char *dir, const char *dev, const char *wwn)
{
	char path[PATH_MAX];
	struct disk d;

	tree_disk(dir, dev, "204800");
	snprintf(path, sizeof path, "%s/device/wwid", dir);
	tree_text(path, wwn);
	d = tree_disk_entry(dev);
	disk_identify(d.sysdir, &d);
	return d;
}

static void another_path_to_a_used_disk_is_refused(void **state)
{
	struct disk a = path_to_array(DEV "rport-1/sdh", "908:112", "naa.5000\n");
	struct err e = { 0 };

	(void)state;
	path_to_array(DEV "rport-2/sdi", "908:128", "naa.5000\n");
	path_to_array(DEV "rport-2/sdj", "908:144", "naa.6000\n");
	tree_part(DEV "rport-2/sdi/sdi1", "908:129", "1");
	tree_text("proc/self/mountinfo", "21 1 908:144 / /mnt rw - ext4 /dev/sdj rw\n");
	assert_int_equal(guard_target_disk(&tree_view, &a, NULL, &e), 0);
	tree_text("proc/self/mountinfo", "21 1 908:129 / /mnt rw - ext4 /dev/sdi1 rw\n");
	assert_int_equal(guard_target_disk(&tree_view, &a, NULL, &e), ERR_REFUSED);
	assert_non_null(strstr(e.msg, "/dev/sdi by another path"));
	assert_non_null(strstr(e.msg, "umount /mnt"));
}

static void read_only_and_cd_are_refused(void **state)
{
	struct disk d;
	struct err e;

	(void)state;
	d = tree_disk_entry("908:96");
	d.read_only = 1;
	assert_int_equal(guard_target_disk(&tree_view, &d, NULL, &e), ERR_REFUSED);
	assert_non_null(strstr(e.msg, "read-only"));
	d = tree_disk_entry("908:80");
	strcpy(d.kind, "cdrom");
	assert_int_equal(guard_target_disk(&tree_view, &d, NULL, &e), ERR_REFUSED);
}

static void whole_disks_and_partitions_are_kept_apart(void **state)
{
	struct disk disk = tree_disk_entry("908:80"), part = tree_disk_entry("908:81");
	struct disk volume = tree_disk_entry("953:0"), file = { .kind = "file", .path = "x" };
	const struct disk *const any[] = { &volume, &file };
	struct err e;

	(void)state;
	assert_int_equal(guard_kind(&part, "disk", 1, &e), ERR_REFUSED);
	assert_non_null(strstr(e.msg, "is a partition"));
	assert_int_equal(guard_kind(&part, "file", 1, &e), ERR_REFUSED);
	assert_int_equal(guard_kind(&part, "disk", 0, &e), 0); /* as a logical volume's */
	assert_int_equal(guard_kind(&part, "part", 0, &e), 0);
	assert_int_equal(guard_kind(&part, "part", 1, &e), 0); /* a partition that holds a disk */
	assert_int_equal(guard_kind(&disk, "part", 0, &e), ERR_REFUSED);
	assert_non_null(strstr(e.msg, "is a whole disk"));
	assert_int_equal(guard_kind(&disk, "disk", 1, &e), 0);
	assert_int_equal(guard_kind(&disk, "disk", 0, &e), 0);
	assert_int_equal(guard_kind(&disk, "", 0, &e), 0);     /* through a pipe */
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(guard_kind(any[i], "disk", 1, &e), 0);
		assert_int_equal(guard_kind(any[i], "part", 0, &e), 0);
	}
}

static void only_the_disk_that_was_meant(void **state)
{
	struct disk d = tree_disk_entry("908:80");
	struct err e;

	(void)state;
	assert_int_equal(guard_serial(&d, "", &e), ERR_REFUSED); /* it has none: "" names no disk */
	strcpy(d.serial, "S3Z9");
	strcpy(d.wwn, "naa.5000");
	assert_int_equal(guard_serial(&d, "S3Z9", &e), 0);
	assert_int_equal(guard_serial(&d, "naa.5000", &e), 0);
	assert_int_equal(guard_serial(&d, "S3Z", &e), ERR_REFUSED);
	assert_non_null(strstr(e.msg, "S3Z9"));
	assert_int_equal(guard_serial(&d, "", &e), ERR_REFUSED);
}

static void a_mounted_source_is_refused(void **state)
{
	struct disk d;
	char warning[1000];
	struct err e;

	(void)state;
	d = tree_disk_entry("908:0");
	assert_int_equal(guard_source_disk(&tree_view, &d, 0, warning, sizeof warning, &e), ERR_REFUSED);
	assert_int_equal(guard_source_disk(&tree_view, &d, 1, warning, sizeof warning, &e), 0);
	assert_string_not_equal(warning, "");
	d = tree_disk_entry("908:32"); /* mounted read-only: a good source */
	assert_int_equal(guard_source_disk(&tree_view, &d, 0, warning, sizeof warning, &e), 0);
	assert_string_equal(warning, "");
	d = tree_disk_entry("908:80");
	assert_int_equal(guard_source_disk(&tree_view, &d, 0, warning, sizeof warning, &e), 0);
}

/* The file's real st_dev must be in the tree; then it lies on a made disk. */
static void mount_here_from(const char *dev_path)
{
	char cwd[PATH_MAX], text[PATH_MAX + 200];
	struct stat st;

	assert_non_null(getcwd(cwd, sizeof cwd));
	assert_int_equal(stat(".", &st), 0);
	snprintf(text, sizeof text, "30 21 0:50 / %s rw - btrfs %s rw\n", cwd, dev_path);
	tree_text("proc/self/mountinfo", text);
	tree_text("image.rhi", "x");
}

static void the_disk_with_the_image_is_refused(void **state)
{
	struct disk d;
	struct err e = { 0 };

	(void)state;
	mount_here_from("/dev/sdf1");
	d = tree_disk_entry("908:80");
	assert_int_equal(guard_target_disk(&tree_view, &d, "image.rhi", &e), ERR_REFUSED);
	assert_non_null(strstr(e.msg, "image.rhi lies on"));
	assert_int_equal(guard_image_path(&tree_view, &d, "image.rhi", &e), ERR_REFUSED);
	assert_int_equal(guard_image_path(&tree_view, &d, "new.rhi", &e), ERR_REFUSED);
	d = tree_disk_entry("908:64");
	assert_int_equal(guard_image_path(&tree_view, &d, "new.rhi", &e), 0);
}

static void an_image_on_lvm_is_found_on_its_disk(void **state)
{
	struct disk d;
	struct err e = { 0 };

	(void)state;
	mount_here_from("/dev/dm-0");
	d = tree_disk_entry("908:16");
	assert_int_equal(guard_image_path(&tree_view, &d, "new.rhi", &e), ERR_REFUSED);
	d = tree_disk_entry("908:80");
	assert_int_equal(guard_image_path(&tree_view, &d, "new.rhi", &e), 0);
}

static void the_image_itself_is_no_target(void **state)
{
	struct disk d;
	struct err e = { 0 };

	(void)state;
	tree_text("image.rhi", "x");
	assert_int_equal(link("image.rhi", "other-name"), 0);
	assert_int_equal(disk_by_path(&tree_view, "other-name", &d, &e), 0);
	assert_int_equal(guard_target_disk(&tree_view, &d, "image.rhi", &e), ERR_REFUSED);
	assert_int_equal(guard_image_path(&tree_view, &d, "image.rhi", &e), ERR_REFUSED);
	assert_int_equal(guard_target_disk(&tree_view, &d, NULL, &e), 0);
}

static void a_file_behind_a_loop_device_is_refused(void **state)
{
	char cwd[PATH_MAX], text[PATH_MAX + 20];
	struct disk d;
	struct err e = { 0 };

	(void)state;
	tree_text("disk.img", "x");
	assert_non_null(getcwd(cwd, sizeof cwd));
	snprintf(text, sizeof text, "%s/disk.img\n", cwd);
	tree_disk(DEV "virtual/block/loop3", "907:3", "2");
	tree_text(DEV "virtual/block/loop3/loop/backing_file", text);
	assert_int_equal(disk_by_path(&tree_view, "disk.img", &d, &e), 0);
	assert_int_equal(guard_target_disk(&tree_view, &d, NULL, &e), ERR_REFUSED);
	assert_non_null(strstr(e.msg, "losetup -d"));
}

/* The file of loop3 lies on sdf1, which is mounted: loop3 is still free. */
static void a_loop_device_on_a_mounted_disk_is_permitted(void **state)
{
	char cwd[PATH_MAX], text[PATH_MAX + 20];
	struct blkdev_id loop = { 907, 3 }, sdf = { 908, 80 };

	(void)state;
	mount_here_from("/dev/sdf1");
	tree_text("disk.img", "x");
	assert_non_null(getcwd(cwd, sizeof cwd));
	snprintf(text, sizeof text, "%s/disk.img\n", cwd);
	tree_disk(DEV "virtual/block/loop3", "907:3", "2");
	tree_text(DEV "virtual/block/loop3/loop/backing_file", text);
	assert_false(refused("907:3", ""));
	assert_true(refused("908:80", "is mounted"));
	assert_true(blkuse_overlap(&tree_view, loop, sdf));
}

static void stacks_are_followed(void **state)
{
	struct blkdev_id dm = { 953, 0 }, sdb = { 908, 16 }, sdb1 = { 908, 17 }, sdf = { 908, 80 }, sda1 = { 908, 1 }, sda2 = { 908, 2 };
	struct blkdev_id ids[BLKUSE_STACK_MAX];

	(void)state;
	assert_int_equal(blkuse_stack(&tree_view, dm, ids), 3); /* dm-0, sdb1, sdb */
	assert_true(blkuse_overlap(&tree_view, dm, sdb));
	assert_true(blkuse_overlap(&tree_view, sdb, sdb1));
	assert_false(blkuse_overlap(&tree_view, sdb, dm));
	assert_false(blkuse_overlap(&tree_view, dm, sdf));
	assert_false(blkuse_overlap(&tree_view, sda1, sda2));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, make_machine)
	const struct CMUnitTest tests[] = {
		T(targets_in_use_are_refused), T(free_targets_are_permitted),
		T(a_held_but_unmounted_volume_is_refused), T(read_only_and_cd_are_refused),
		T(another_path_to_a_used_disk_is_refused), T(only_the_disk_that_was_meant),
		T(whole_disks_and_partitions_are_kept_apart),
		T(a_mounted_source_is_refused), T(the_disk_with_the_image_is_refused),
		T(an_image_on_lvm_is_found_on_its_disk), T(the_image_itself_is_no_target),
		T(a_file_behind_a_loop_device_is_refused), T(a_loop_device_on_a_mounted_disk_is_permitted), T(stacks_are_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
