/* test-lin-flavours: whole trees as distributions install them, through all text
 * planners one behind the other; every file's exact content afterwards. */
#include "plantree.h"

struct file { const char *path, *before, *after; }; /* after NULL: as before; before
						     * NULL: there was none    */
#define GONE "(gone)"
#define NEW_MAC "52:54:00:12:34:56"
#define OLD_MAC "00:0c:29:aa:bb:cc"
#define LINK(name) { "/etc/systemd/network/10-rehost-" name ".link", NULL, \
	"# The NIC that takes the place of the old machine's " name ".\n[Match]\nMACAddress=" \
	NEW_MAC "\n\n[Link]\nName=" name "\n" }
#define DISK(table) "{\"disks\":[{\"path\":\"/dev/vda\",\"table\":\"" table "\",\"old_name\":\"sda\"}],\"volumes\":["
#define V(part, type, uuid, more) "{\"disk\":0,\"part\":" #part ",\"type\":\"" type "\",\"uuid\":\"" uuid \
	"\",\"partuuid\":\"0000000" #part "-aaaa\"" more "}"

static char nic_name[] = "Virtio network device";
static char nic_alias[] = "virtio:d00000002v00001AF4";

/* All of it on a machine with one virtio disk and one NIC; warnings: how many. */
static void flavour(const char *id, const char *volumes, const struct file *files, size_t warnings)
{
	struct hw_link link = { .modalias = nic_alias };
	struct hw_path path = { .v = &link, .n = 1, .required = 1 };
	struct plantree t;

	tree_new(&t);
	tree_volumes(&t, volumes);
	strcpy(t.lin.id, id);
	strcpy(t.lin.hostname, "box");
	strcpy(t.target.name, "box.json");
	t.target.path = &path;
	t.target.n_paths = 1;
	t.target.nic = calloc(1, sizeof *t.target.nic);
	t.target.n_nics = 1;
	strcpy(t.target.nic->mac, NEW_MAC);
	t.target.nic->name = nic_name;
	for (const struct file *f = files; f->path; f++)
		if (f->before)
			tree_put(&t, f->path, f->before);
	tree_run(&t, lin_plan_fstab, lin_plan_cmdline, lin_plan_storage, lin_plan_net,
		 lin_plan_identity, lin_plan_leftovers, lin_plan_selinux);
	for (const struct file *f = files; f->path; f++)
		tree_is(&t, f->path, !f->after ? f->before : strcmp(f->after, GONE) ? f->after : NULL);
	tree_silent(&t, problems);
	if (t.plan->warnings.n != warnings) {
		tree_show(&t);
		fail_msg("%s: %zu warnings", id, t.plan->warnings.n);
	}
	tree_free(&t);
}

static void test_debian12(void **state)
{
	static const struct file files[] = {
		{ "/usr/lib/systemd/network/99-default.link", "", NULL },
		{ "/boot/vmlinuz-6.1.0-18-amd64", "", NULL },
		{ "/etc/fstab", "# <file system> <mount point>   <type>  <options>       <dump>  <pass>\n"
		  "# / was on /dev/sda1 during installation\n"
		  "/dev/sda1 /               ext4    errors=remount-ro 0       1\n"
		  "/dev/sda5 none            swap    sw              0       0\n"
		  "/dev/sr0        /media/cdrom0   udf,iso9660 user,noauto     0       0\n",
		  "# <file system> <mount point>   <type>  <options>       <dump>  <pass>\n"
		  "# / was on /dev/sda1 during installation\n"
		  "UUID=aaaa-01 /               ext4    errors=remount-ro 0       1\n"
		  "UUID=aaaa-05 none            swap    sw              0       0\n"
		  "/dev/sr0        /media/cdrom0   udf,iso9660 user,noauto     0       0\n" },
		{ "/etc/initramfs-tools/conf.d/resume", "RESUME=/dev/sda5\n", "RESUME=UUID=aaaa-05\n" },
		{ "/etc/default/grub", "GRUB_CMDLINE_LINUX=\"\"\n#GRUB_DISABLE_LINUX_UUID=true\n", NULL },
		{ "/boot/grub/grub.cfg", "menuentry 'Debian' {\n\tset root='hd0,msdos1'\n"
		  "\tsearch --no-floppy --fs-uuid --set=root aaaa-01\n"
		  "\tlinux\t/boot/vmlinuz-6.1.0-18-amd64 root=/dev/sda1 ro  quiet\n\tinitrd\t/boot/initrd.img\n}\n",
		  "menuentry 'Debian' {\n\tset root='hd0,msdos1'\n"
		  "\tsearch --no-floppy --fs-uuid --set=root aaaa-01\n"
		  "\tlinux\t/boot/vmlinuz-6.1.0-18-amd64 root=UUID=aaaa-01 ro  quiet\n\tinitrd\t/boot/initrd.img\n}\n" },
		{ "/etc/network/interfaces", "auto lo\niface lo inet loopback\nallow-hotplug ens33\niface ens33 inet dhcp\n", NULL },
		LINK("ens33"), { NULL, NULL, NULL },
	};

	(void)state;
	flavour("debian", DISK("dos") V(1, "ext4", "aaaa-01", ",\"mounted\":\"/\"") "," V(5, "swap", "aaaa-05", "") "]}",
		files, 0);
}

#define RHEL9_VOLUMES DISK("gpt") V(1, "vfat", "AAAA-0001", ",\"mounted\":\"/boot/efi\"") "," \
	V(2, "xfs", "aaaa-02", ",\"mounted\":\"/boot\"") "," V(3, "LVM2_member", "pv", "") "," \
	"{\"type\":\"xfs\",\"uuid\":\"aaaa-10\",\"name\":\"rhel/root\",\"parent\":2,\"mounted\":\"/\"}," \
	"{\"type\":\"swap\",\"uuid\":\"aaaa-11\",\"name\":\"rhel/swap\",\"parent\":2}]}"

static void test_rhel9(void **state)
{
	static const struct file files[] = {
		{ "/usr/lib/systemd/network/99-default.link", "", NULL },
		{ "/boot/vmlinuz-5.14.0-362.el9.x86_64", "", NULL },
		{ "/etc/fstab", "/dev/mapper/rhel-root   /       xfs     defaults        0 0\n"
		  "/dev/sda2 /boot xfs defaults 0 0\nUUID=AAAA-0001 /boot/efi vfat umask=0077 0 2\n"
		  "/dev/mapper/rhel-swap none swap defaults 0 0\n",
		  "/dev/mapper/rhel-root   /       xfs     defaults        0 0\n"
		  "UUID=aaaa-02 /boot xfs defaults 0 0\nUUID=AAAA-0001 /boot/efi vfat umask=0077 0 2\n"
		  "/dev/mapper/rhel-swap none swap defaults 0 0\n" },
		{ "/boot/loader/entries/0123-5.14.0.conf", "title Red Hat Enterprise Linux\n"
		  "linux /vmlinuz-5.14.0-362.el9.x86_64\ninitrd /initramfs-5.14.0-362.el9.x86_64.img $tuned_initrd\n"
		  "options root=/dev/mapper/rhel-root ro crashkernel=1G-4G:192M resume=/dev/mapper/rhel-swap "
		  "rd.lvm.lv=rhel/root rd.lvm.lv=rhel/swap\n", NULL },
		{ "/etc/lvm/devices/system.devices", "VERSION=1.1.2\nIDTYPE=sys_wwid IDNAME=naa.5 DEVNAME=/dev/sda3 PVID=x PART=3\n", GONE },
		{ "/etc/lvm/lvm.conf", "devices {\n\tfilter = [ \"a|^/dev/sda3$|\", \"r|.*|\" ]\n}\n",
		  "devices {\n\tfilter = [ \"a|^/dev/vd[a-z]+[0-9]*$|\", \"a|^/dev/sda3$|\", \"r|.*|\" ]\n}\n" },
		{ "/etc/NetworkManager/system-connections/ens192.nmconnection",
		  "[connection]\nid=ens192\ntype=ethernet\ninterface-name=ens192\n\n[ethernet]\nmac-address=00:0C:29:AA:BB:CC\n",
		  "[connection]\nid=ens192\ntype=ethernet\ninterface-name=ens192\n\n[ethernet]\nmac-address=" NEW_MAC "\n" },
		{ "/etc/default/grub", "GRUB_CMDLINE_LINUX=\"resume=/dev/mapper/rhel-swap rd.lvm.lv=rhel/root\"\nGRUB_ENABLE_BLSCFG=true\n", NULL },
		LINK("ens192"), { NULL, NULL, NULL },
	};

	(void)state;
	flavour("rhel", RHEL9_VOLUMES, files, 0);
}

static void test_rhel6(void **state)
{
	static const struct file files[] = {
		{ "/boot/vmlinuz-2.6.32-754.el6.x86_64", "", NULL },
		{ "/etc/fstab", "UUID=aaaa-01 /boot ext4 defaults 1 2\n/dev/sda2 / ext4 defaults 1 1\n"
		  "/dev/sda3 swap swap defaults 0 0\ntmpfs /dev/shm tmpfs defaults 0 0\n",
		  "UUID=aaaa-01 /boot ext4 defaults 1 2\nUUID=aaaa-02 / ext4 defaults 1 1\n"
		  "UUID=aaaa-03 swap swap defaults 0 0\ntmpfs /dev/shm tmpfs defaults 0 0\n" },
		{ "/boot/grub/grub.conf", "#boot=/dev/sda\ndefault=0\ntitle CentOS\n\troot (hd0,0)\n"
		  "\tkernel /vmlinuz-2.6.32-754.el6.x86_64 ro root=/dev/sda2 rd_NO_LUKS rhgb quiet\n"
		  "\tinitrd /initramfs-2.6.32-754.el6.x86_64.img\n",
		  "#boot=/dev/sda\ndefault=0\ntitle CentOS\n\troot (hd0,0)\n"
		  "\tkernel /vmlinuz-2.6.32-754.el6.x86_64 ro root=UUID=aaaa-02 rd_NO_LUKS rhgb quiet\n"
		  "\tinitrd /initramfs-2.6.32-754.el6.x86_64.img\n" },
		{ "/boot/grub/device.map", "(hd0)     /dev/sda\n", NULL },
		{ "/lib/udev/rules.d/75-persistent-net-generator.rules", "", NULL },
		{ "/etc/udev/rules.d/70-persistent-net.rules",
		  "SUBSYSTEM==\"net\", ACTION==\"add\", DRIVERS==\"?*\", ATTR{address}==\"" OLD_MAC "\", ATTR{type}==\"1\", KERNEL==\"eth*\", NAME=\"eth0\"\n",
		  "SUBSYSTEM==\"net\", ACTION==\"add\", DRIVERS==\"?*\", ATTR{address}==\"" NEW_MAC "\", ATTR{type}==\"1\", KERNEL==\"eth*\", NAME=\"eth0\"\n" },
		{ "/etc/sysconfig/network-scripts/ifcfg-eth0", "DEVICE=eth0\nHWADDR=00:0C:29:AA:BB:CC\nONBOOT=yes\n",
		  "DEVICE=eth0\nHWADDR=" NEW_MAC "\nONBOOT=yes\n" },
		{ "/etc/udev/rules.d/70-persistent-cd.rules", "x", GONE },
		{ "/etc/blkid/blkid.tab", "x", GONE },
		{ NULL, NULL, NULL },
	};

	(void)state;
	flavour("centos", DISK("dos") V(1, "ext4", "aaaa-01", ",\"mounted\":\"/boot\"") ","
		V(2, "ext4", "aaaa-02", ",\"mounted\":\"/\"") "," V(3, "swap", "aaaa-03", "") "]}", files, 0);
}

static void test_sles(void **state)
{
	static const struct file files[] = {
		{ "/usr/lib/systemd/network/99-default.link", "", NULL },
		{ "/boot/vmlinuz-4.12.14-default", "", NULL },
		{ "/etc/fstab", "/dev/disk/by-id/scsi-36000c29-part1 swap                 swap       defaults              0 0\n"
		  "/dev/disk/by-id/scsi-36000c29-part2 /                    btrfs      defaults              0 0\n"
		  "/dev/disk/by-id/scsi-36000c29-part2 /home                btrfs      subvol=@/home         0 0\n",
		  "UUID=aaaa-01 swap                 swap       defaults              0 0\n"
		  "UUID=aaaa-02 /                    btrfs      defaults              0 0\n"
		  "UUID=aaaa-02 /home                btrfs      subvol=@/home         0 0\n" },
		{ "/etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"resume=/dev/disk/by-id/scsi-36000c29-part1 splash=silent quiet\"\n",
		  "GRUB_CMDLINE_LINUX_DEFAULT=\"resume=UUID=aaaa-01 splash=silent quiet\"\n" },
		{ "/boot/grub2/grub.cfg", "menuentry 'SLES 12' {\n  linux /boot/vmlinuz-4.12.14-default root=UUID=aaaa-02  ${extra_cmdline} resume=/dev/disk/by-id/scsi-36000c29-part1\n  initrd /boot/initrd-4.12.14-default\n}\n",
		  "menuentry 'SLES 12' {\n  linux /boot/vmlinuz-4.12.14-default root=UUID=aaaa-02  ${extra_cmdline} resume=UUID=aaaa-01\n  initrd /boot/initrd-4.12.14-default\n}\n" },
		{ "/etc/sysconfig/network/ifcfg-eth0", "BOOTPROTO='dhcp'\nSTARTMODE='auto'\n", NULL },
		{ "/etc/udev/rules.d/70-persistent-net.rules",
		  "SUBSYSTEM==\"net\", ACTION==\"add\", DRIVERS==\"?*\", ATTR{address}==\"" OLD_MAC "\", ATTR{dev_id}==\"0x0\", NAME=\"eth0\"\n",
		  "SUBSYSTEM==\"net\", ACTION==\"add\", DRIVERS==\"?*\", ATTR{address}==\"" NEW_MAC "\", ATTR{dev_id}==\"0x0\", NAME=\"eth0\"\n" },
		LINK("eth0"), { NULL, NULL, NULL },
	};

	(void)state;
	flavour("sles", DISK("dos") V(1, "swap", "aaaa-01", "") "," V(2, "btrfs", "aaaa-02", ",\"mounted\":\"/\"") "]}",
		files, 0);
}

static void test_arch(void **state)
{
	static const struct file files[] = {
		{ "/usr/lib/systemd/network/99-default.link", "", NULL },
		{ "/boot/vmlinuz-linux", "", NULL },
		{ "/etc/fstab", "# /dev/sda2\nPARTUUID=0badcafe-0bad-0bad-0bad-0badcafe0bad\t/         \text4      \trw,relatime\t0 1\n",
		  "# /dev/sda2\nUUID=aaaa-02\t/         \text4      \trw,relatime\t0 1\n" },
		{ "/boot/loader/entries/arch.conf", "title Arch\nlinux /vmlinuz-linux\ninitrd /initramfs-linux.img\n"
		  "options root=PARTUUID=0badcafe-0bad-0bad-0bad-0badcafe0bad rw\n",
		  "title Arch\nlinux /vmlinuz-linux\ninitrd /initramfs-linux.img\n"
		  "options root=PARTUUID=00000002-aaaa rw\n" },
		{ "/boot/loader/loader.conf", "default arch.conf\n", NULL },
		{ "/etc/systemd/network/20-wired.network", "[Match]\nName=enp2s0\n\n[Network]\nDHCP=yes\n", NULL },
		LINK("enp2s0"), { NULL, NULL, NULL },
	};

	(void)state;
	flavour("arch", DISK("gpt") V(1, "vfat", "AAAA-0001", ",\"mounted\":\"/boot\"") ","
		V(2, "ext4", "aaaa-02", ",\"mounted\":\"/\"") "]}", files, 0);
}

static void test_alpine(void **state)
{
	static const struct file files[] = {
		{ "/boot/vmlinuz-lts", "", NULL },
		{ "/etc/fstab", "/dev/sda3\t/\text4\trw,relatime 0 1\n/dev/sda1\t/boot\text4\trw,relatime 0 2\n"
		  "/dev/sda2\tswap\tswap\tdefaults\t0 0\n/dev/cdrom\t/media/cdrom\tiso9660\tnoauto,ro 0 0\n"
		  "/dev/usbdisk\t/media/usb\tvfat\tnoauto\t0 0\n",
		  "UUID=aaaa-03\t/\text4\trw,relatime 0 1\nUUID=aaaa-01\t/boot\text4\trw,relatime 0 2\n"
		  "UUID=aaaa-02\tswap\tswap\tdefaults\t0 0\n/dev/cdrom\t/media/cdrom\tiso9660\tnoauto,ro 0 0\n"
		  "/dev/usbdisk\t/media/usb\tvfat\tnoauto\t0 0\n" },
		{ "/boot/extlinux.conf", "DEFAULT menu.c32\nLABEL lts\n  MENU LABEL Linux lts\n  LINUX vmlinuz-lts\n"
		  "  INITRD initramfs-lts\n  APPEND root=/dev/sda3 modules=sd-mod,usb-storage,ext4 quiet\n",
		  "DEFAULT menu.c32\nLABEL lts\n  MENU LABEL Linux lts\n  LINUX vmlinuz-lts\n"
		  "  INITRD initramfs-lts\n  APPEND root=UUID=aaaa-03 modules=sd-mod,usb-storage,ext4 quiet\n" },
		{ "/etc/update-extlinux.conf", "overwrite=1\nroot=/dev/sda3\nmodules=sd-mod,ext4\n",
		  "overwrite=1\nroot=UUID=aaaa-03\nmodules=sd-mod,ext4\n" },
		{ "/etc/network/interfaces", "auto lo\niface lo inet loopback\n\nauto eth0\niface eth0 inet dhcp\n", NULL },
		{ NULL, NULL, NULL },
	};

	(void)state;
	flavour("alpine", DISK("dos") V(1, "ext4", "aaaa-01", ",\"mounted\":\"/boot\"") "," V(2, "swap", "aaaa-02", "") ","
		V(3, "ext4", "aaaa-03", ",\"mounted\":\"/\"") "]}", files, 0);
}

static void test_ubuntu(void **state)
{
	static const struct file files[] = {
		{ "/usr/lib/systemd/network/99-default.link", "", NULL },
		{ "/usr/lib/systemd/systemd", "", NULL },
		{ "/boot/vmlinuz-6.8.0-31-generic", "", NULL },
		{ "/etc/fstab", "/dev/disk/by-id/dm-uuid-LVM-abc / ext4 defaults 0 1\n"
		  "/dev/disk/by-uuid/aaaa-02 /boot ext4 defaults 0 1\n/swap.img\tnone\tswap\tsw\t0\t0\n"
		  "/dev/sdb1 /data ext4 defaults 0 2\n", NULL },
		{ "/boot/grub/grub.cfg", "menuentry 'Ubuntu' {\n\tlinux\t/vmlinuz-6.8.0-31-generic root=/dev/mapper/ubuntu--vg-ubuntu--lv ro\n\tinitrd\t/initrd.img-6.8.0-31-generic\n}\n", NULL },
		{ "/etc/netplan/00-installer-config.yaml", "network:\n  ethernets:\n    ens160:\n      dhcp4: true\n  version: 2\n", NULL },
		{ "/etc/netplan/50-cloud-init.yaml", "network:\n  version: 2\n  ethernets:\n    ens160:\n      match:\n        macaddress: " OLD_MAC "\n      set-name: ens160\n",
		  "network:\n  version: 2\n  ethernets:\n    ens160:\n      match:\n        macaddress: " NEW_MAC "\n      set-name: ens160\n" },
		LINK("ens160"), { NULL, NULL, NULL },
	};

	(void)state;
	/* /dev/sdb1 is a disk that isn't here: one warning */
	flavour("ubuntu", DISK("gpt") V(2, "ext4", "aaaa-02", ",\"mounted\":\"/boot\"") "," V(3, "LVM2_member", "pv", "") ","
		"{\"type\":\"ext4\",\"uuid\":\"aaaa-10\",\"name\":\"ubuntu-vg/ubuntu-lv\",\"parent\":1,\"mounted\":\"/\"}]}",
		files, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_debian12),
		cmocka_unit_test(test_rhel9),
		cmocka_unit_test(test_rhel6),
		cmocka_unit_test(test_sles),
		cmocka_unit_test(test_arch),
		cmocka_unit_test(test_alpine),
		cmocka_unit_test(test_ubuntu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
