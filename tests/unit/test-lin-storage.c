/* test-lin-storage: what LVM, mdadm, multipath and others remember of disks. */
#include "plantree.h"

static const char volumes[] = "{\"disks\":[{\"path\":\"d\"}],\"volumes\":["
	"{\"type\":\"LVM2_member\",\"uuid\":\"x\",\"disk\":0,\"part\":2},"
	"{\"type\":\"linux_raid_member\",\"uuid\":\"01234567-89ab-cdef-0123-456789abcdef\",\"disk\":0,\"part\":3},"
	"{\"type\":\"linux_raid_member\",\"uuid\":\"01234567-89ab-cdef-0123-456789abcdef\",\"disk\":0,\"part\":4}]}";

static struct hw_link link_virtio = { .modalias = (char []){ "virtio:d00000002v00001AF4" } };
static struct hw_link link_nvme = { .modalias = (char []){ "pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02" } };
static struct hw_link link_ahci = { .modalias = (char []){ "pci:v00008086d00002922sv0sd0bc01sc06i01" } };

static void start(struct plantree *t, struct hw_link *link, struct hw_path *path)
{
	tree_new(t);
	tree_volumes(t, volumes);
	*path = (struct hw_path){ .v = link, .n = 1 };
	t->target.path = path;
	t->target.n_paths = 1;
}

static void filter(struct hw_link *link, const char *text, const char *want)
{
	struct plantree t;
	struct hw_path path;

	start(&t, link, &path);
	tree_put(&t, "/etc/lvm/lvm.conf", text);
	tree_run(&t, lin_plan_storage);
	tree_is(&t, "/etc/lvm/lvm.conf", want ? want : text);
	tree_silent(&t, notes);
	tree_free(&t);
}

#define VD "\"a|^/dev/vd[a-z]+[0-9]*$|\","

static void test_lvm(void **state)
{
	struct plantree t;
	struct hw_path path;

	(void)state;
	filter(&link_virtio, "devices {\n\t# filter = [ \"r|.*|\" ]\n\tfilter = [ \"a|/dev/sda|\", \"r|.*|\" ]\n}\n",
	       "devices {\n\t# filter = [ \"r|.*|\" ]\n\tfilter = [ " VD " \"a|/dev/sda|\", \"r|.*|\" ]\n}\n");
	filter(&link_virtio, "devices {\n global_filter=[\"a/^\\/dev\\/sd/\", # ours\n \"r{.*}\"]\n}\n",
	       "devices {\n global_filter=[ " VD "\"a/^\\/dev\\/sd/\", # ours\n \"r{.*}\"]\n}\n");
	filter(&link_virtio, "devices/filter = \"r|.*|\"\n", "devices/filter = [ " VD " \"r|.*|\" ]\n");
	filter(&link_virtio, "filter = [ \"a|.*|\" ]\n", NULL);
	filter(&link_virtio, "filter = [ \"r|/dev/cdrom|\" ]\n", NULL);
	filter(&link_ahci, "filter = [ \"a|/dev/sda|\", \"r|.*|\" ]\n", NULL);
	filter(&link_nvme, "filter = [ \"a|/dev/sda|\", \"r|.*|\" ]\n",
	       "filter = [ \"a|^/dev/nvme[0-9]+n[0-9]+(p[0-9]+)?$|\", \"a|/dev/sda|\", \"r|.*|\" ]\n");

	start(&t, &link_virtio, &path);
	tree_put(&t, "/etc/lvm/lvm.conf", "filter = [ \"a|/dev/sd{1}|\", \"r|.*|\" ]\n");
	tree_put(&t, "/etc/lvm/lvmlocal.conf", "filter = [ \"a|(((|\", nonsense");
	tree_put(&t, "/etc/lvm/devices/system.devices", "VERSION=1\nIDTYPE=sys_wwid ...\n");
	tree_run(&t, lin_plan_storage);
	tree_says(&t, notes, "/etc/lvm/lvm.conf: filter was not understood");
	tree_says(&t, notes, "/etc/lvm/lvmlocal.conf: filter was not understood");
	tree_is(&t, "/etc/lvm/devices/system.devices", NULL);
	assert_int_equal(t.plan->n, 1);
	/* volumes in an array: the filter hides its members for good reason */
	tree_volumes(&t, "{\"volumes\":[{\"type\":\"LVM2_member\",\"name\":\"md0\"}]}");
	tree_put(&t, "/etc/lvm/lvm.conf", "filter = [ \"a|/dev/md|\", \"r|.*|\" ]\n");
	tree_run(&t, lin_plan_storage);
	assert_int_equal(t.plan->n, 0);
	tree_free(&t);
}

static void md(const char *text, const char *want)
{
	struct plantree t;
	struct hw_path path;

	start(&t, &link_virtio, &path);
	tree_put(&t, "/etc/mdadm/mdadm.conf", text);
	tree_run(&t, lin_plan_storage);
	tree_is(&t, "/etc/mdadm/mdadm.conf", want ? want : text);
	tree_silent(&t, warnings);
	tree_free(&t);
}

static void test_mdadm(void **state)
{
	struct plantree t;
	struct hw_path path;

	(void)state;
	md("# mdadm.conf\n#DEVICE /dev/sda1\nDEVICE /dev/sd[ab]1 /dev/sd*2\n  /dev/hda1\nARRAY /dev/md0 UUID=a:b:c:d\n"
	   "MAILADDR root\n",
	   "# mdadm.conf\n#DEVICE /dev/sda1\nDEVICE partitions\nARRAY /dev/md0 UUID=a:b:c:d\nMAILADDR root\n");
	md("dev partitions containers\n", NULL);
	md("DEV /dev/sda\nARRAY metadata=imsm UUID=a:b:c:d\n", "DEVICE partitions containers\nARRAY metadata=imsm UUID=a:b:c:d\n");
	md("ARRAY /dev/md0 level=raid1 devices=/dev/sda1,/dev/sdb1 UUID=a:b:c:d\n",
	   "ARRAY /dev/md0 level=raid1 UUID=a:b:c:d\n");
	md("ARRAY /dev/md0 UUID=a:b:c:d\n   devices=/dev/sda1,/dev/sdb1\n", "ARRAY /dev/md0 UUID=a:b:c:d\n\n");
	md("ARRAY /dev/md0 devices=/dev/sda1,/dev/sdb1\n",
	   "ARRAY /dev/md0 UUID=01234567:89abcdef:01234567:89abcdef\n");

	start(&t, &link_virtio, &path);
	strcpy(t.volumes.v[2].uuid, "another");
	tree_put(&t, "/etc/mdadm.conf", "ARRAY /dev/md0 devices=/dev/sda1,/dev/sdb1\n");
	tree_run(&t, lin_plan_storage);
	assert_int_equal(t.plan->n, 0);
	tree_says(&t, warnings, "write its UUID");
	tree_free(&t);
}

static void test_rest(void **state)
{
	struct plantree t;
	struct hw_path path;

	(void)state;
	start(&t, &link_virtio, &path);
	tree_put(&t, "/etc/lvm/cache/.cache", "x");
	tree_put(&t, "/etc/blkid.tab", "x");
	tree_put(&t, "/etc/blkid/blkid.tab", "x");
	tree_put(&t, "/etc/udev/rules.d/70-persistent-cd.rules", "x");
	tree_put(&t, "/etc/multipath/wwids", "# Multipath wwids\n/3600508b400105e210000900000490000/\n");
	tree_put(&t, "/etc/multipath/bindings", "# Format:\n#\n");
	tree_put(&t, "/etc/multipath.conf", "multipaths {\n  multipath {\n    wwid 3600\n  }\n}\n");
	tree_put(&t, "/etc/smartd.conf", "#/dev/sda\nDEVICESCAN\n");
	tree_put(&t, "/etc/hdparm.conf", "/dev/sda {\n}\n");
	tree_put(&t, "/var/cache/debconf/config.dat",
		 "Name: a\nValue: b\n\nName: grub-pc/install_devices\nTemplate: x\nValue: /dev/disk/by-id/ata-X\nOwners: y\n\n");
	tree_run(&t, lin_plan_storage);
	assert_int_equal(t.plan->n, 4);
	tree_is(&t, "/etc/lvm/cache/.cache", NULL);
	tree_is(&t, "/etc/blkid.tab", NULL);
	tree_is(&t, "/etc/blkid/blkid.tab", NULL);
	tree_is(&t, "/etc/udev/rules.d/70-persistent-cd.rules", NULL);
	tree_says(&t, warnings, "/etc/multipath/wwids");
	assert_false(strv_says(&t.plan->warnings, "bindings"));
	tree_says(&t, warnings, "/etc/multipath.conf");
	tree_says(&t, notes, "/etc/hdparm.conf");
	assert_false(strv_says(&t.plan->notes, "smartd"));
	tree_says(&t, notes, "grub-pc");
	tree_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lvm),
		cmocka_unit_test(test_mdadm),
		cmocka_unit_test(test_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
