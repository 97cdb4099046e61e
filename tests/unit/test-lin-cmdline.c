/* test-lin-cmdline: root=, resume= and their like in the files of each boot
 * loader, from trees like those that distributions install. */
#include "plantree.h"
#include "common/run.h"

#define DISK "{\"disks\":[{\"path\":\"/dev/nvme0n1\",\"table\":\"gpt\"}],\"volumes\":["
#define V(part, type, uuid, more) "{\"disk\":0,\"part\":" #part ",\"type\":\"" type "\",\"uuid\":\"" uuid \
	"\",\"partuuid\":\"" P(part) "\"" more "}"
#define P(part) "0000000" #part "-aaaa-bbbb-cccc-dddddddddddd"
#define U1 "11111111-0000-4000-8000-000000000001"
#define U2 "22222222-0000-4000-8000-000000000002"
#define U5 "55555555-0000-4000-8000-000000000005"

static const char plain_disk[] = DISK
	V(1, "ext4", U1, ",\"mounted\":\"/\"") "," V(2, "xfs", U2, "") "," V(5, "swap", U5, "") "]}";

static void start(struct plantree *t)
{
	tree_new(t);
	tree_volumes(t, plain_disk);
	tree_put(t, "/boot/vmlinuz-6.1.0-18-amd64", "");
	tree_put(t, "/etc/fstab", "/dev/sda1 / ext4 x 0 1\n/dev/sda5 none swap sw 0 0\n");
}

/* One file; want NULL: it stays. */
static void becomes(const char *path, const char *text, const char *want)
{
	struct plantree t;

	start(&t);
	tree_put(&t, path, text);
	tree_run(&t, lin_plan_cmdline);
	tree_is(&t, path, want ? want : text);
	tree_silent(&t, warnings);
	tree_silent(&t, problems);
	/* after fstab was edited and the plan lies over it: the same */
	tree_put(&t, path, text);
	tree_run(&t, lin_plan_fstab, lin_plan_cmdline);
	tree_is(&t, path, want ? want : text);
	tree_silent(&t, warnings);
	tree_free(&t);
}

static void test_default_grub(void **state)
{
	(void)state;
	becomes("/etc/default/grub",
		"# If you change this file\nGRUB_DEFAULT=0\n"
		"GRUB_CMDLINE_LINUX_DEFAULT=\"quiet resume=/dev/sda5\"\n"
		"GRUB_CMDLINE_LINUX='root=/dev/sda1 x=root=/dev/sda1y'\n"
		"GRUB_CMDLINE_LINUX=resume=/dev/sda5\n"
		"#GRUB_CMDLINE_LINUX=\"root=/dev/sda1\"\n"
		"GRUB_DISABLE_LINUX_UUID=true  # no\n#GRUB_DISABLE_LINUX_UUID=true\n",
		"# If you change this file\nGRUB_DEFAULT=0\n"
		"GRUB_CMDLINE_LINUX_DEFAULT=\"quiet resume=UUID=" U5 "\"\n"
		"GRUB_CMDLINE_LINUX='root=UUID=" U1 " x=root=/dev/sda1y'\n"
		"GRUB_CMDLINE_LINUX=resume=UUID=" U5 "\n"
		"#GRUB_CMDLINE_LINUX=\"root=/dev/sda1\"\n"
		"GRUB_DISABLE_LINUX_UUID=false  # no\n#GRUB_DISABLE_LINUX_UUID=true\n");
	becomes("/etc/default/grub", "GRUB_DISABLE_LINUX_UUID=\"true\"", "GRUB_DISABLE_LINUX_UUID=false");
	becomes("/etc/default/grub.d/50-cloud.cfg", "export GRUB_CMDLINE_LINUX=\"root=/dev/vda1\"\r\n",
		"export GRUB_CMDLINE_LINUX=\"root=UUID=" U1 "\"\r\n");
	becomes("/etc/sysconfig/bootloader",
		"DEFAULT_APPEND=\"resume=/dev/disk/by-id/ata-X-part5 splash=silent\"\n",
		"DEFAULT_APPEND=\"resume=UUID=" U5 " splash=silent\"\n");
	becomes("/etc/update-extlinux.conf", "# Alpine\nroot=/dev/sda1\ndefault_kernel_opts=\"quiet\"\n",
		"# Alpine\nroot=UUID=" U1 "\ndefault_kernel_opts=\"quiet\"\n");
	becomes("/etc/kernel/cmdline", "root=/dev/sda1 ro\n", "root=UUID=" U1 " ro\n");
	becomes("/etc/initramfs-tools/conf.d/resume", "RESUME=/dev/sda5\n", "RESUME=UUID=" U5 "\n");
	becomes("/etc/initramfs-tools/conf.d/resume", "RESUME=UUID=dead-beef", "RESUME=UUID=" U5);
	becomes("/etc/initramfs-tools/conf.d/resume", "RESUME=none\n", NULL);
	becomes("/etc/initramfs-tools/initramfs.conf", "MODULES=most\nRESUME=\n", NULL);
}

static void test_grub2(void **state)
{
	(void)state;
	becomes("/boot/grub/grub.cfg",
		"set root='hd0,msdos1'\n"
		"search --no-floppy --fs-uuid --set=root " U1 "\n"
		"menuentry 'Debian GNU/Linux' --class debian {\n"
		"\tinsmod ext2\n\tset root='hd0,msdos1'\n"
		"\tlinux\t/boot/vmlinuz-6.1.0-18-amd64 root=/dev/sda1 ro  quiet resume=/dev/sda5\n"
		"\tinitrd\t/boot/initrd.img-6.1.0-18-amd64\n"
		"}\n"
		"menuentry 'Xen' {\n"
		"\tmultiboot2 /boot/xen.gz placeholder root=/dev/sda1\n"
		"\tmodule2 /boot/vmlinuz-6.1.0-18-amd64 placeholder root=/dev/sda1 ro\n"
		"\tmodule2 --nounzip /boot/initrd.img-6.1.0-18-amd64\n"
		"}\n"
		"menuentry 'Other Linux (on /dev/sda2)' {\n"
		"\tlinux /vmlinuz root=/dev/sda2 ro\n\tinitrd /initrd.img\n}\n",
		"set root='hd0,msdos1'\n"
		"search --no-floppy --fs-uuid --set=root " U1 "\n"
		"menuentry 'Debian GNU/Linux' --class debian {\n"
		"\tinsmod ext2\n\tset root='hd0,msdos1'\n"
		"\tlinux\t/boot/vmlinuz-6.1.0-18-amd64 root=UUID=" U1 " ro  quiet resume=UUID=" U5 "\n"
		"\tinitrd\t/boot/initrd.img-6.1.0-18-amd64\n"
		"}\n"
		"menuentry 'Xen' {\n"
		"\tmultiboot2 /boot/xen.gz placeholder root=/dev/sda1\n"
		"\tmodule2 /boot/vmlinuz-6.1.0-18-amd64 placeholder root=UUID=" U1 " ro\n"
		"\tmodule2 --nounzip /boot/initrd.img-6.1.0-18-amd64\n"
		"}\n"
		"menuentry 'Other Linux (on /dev/sda2)' {\n"
		"\tlinux /vmlinuz root=UUID=" U2 " ro\n\tinitrd /initrd.img\n}\n");
	/* a kernel without an initramfs finds partitions only */
	becomes("/boot/grub2/grub.cfg", "linux /boot/vmlinuz-6.1.0-18-amd64 root=/dev/sda1\n",
		"linux /boot/vmlinuz-6.1.0-18-amd64 root=PARTUUID=" P(1) "\n");
	/* the disk's id has changed */
	becomes("/boot/grub/grub.cfg", "linux /vmlinuz-6.1.0-18-amd64 root=PARTUUID=1234abcd-01\n",
		"linux /vmlinuz-6.1.0-18-amd64 root=PARTUUID=" P(1) "\n");
	becomes("/boot/efi/EFI/debian/grub.cfg",
		"search.fs_uuid " U1 " root hd0,gpt2\nset prefix=($root)'/boot/grub'\n", NULL);
	becomes("/boot/efi/EFI/centos/grub.cfg", "linuxefi /vmlinuz-6.1.0-18-amd64 root=/dev/sda1\ninitrdefi /x\n",
		"linuxefi /vmlinuz-6.1.0-18-amd64 root=UUID=" U1 "\ninitrdefi /x\n");
	becomes("/boot/grub2/grub.cfg", "set kernelopts=\"root=/dev/sda1 ro resume=/dev/sda5 \"\n",
		"set kernelopts=\"root=UUID=" U1 " ro resume=UUID=" U5 " \"\n");
	becomes("/boot/grub/grub.cfg", "linux /vmlinuz-6.1.0-18-amd64 root=UUID=" U1 " rd.luks.uuid=luks-x rd.lvm.lv=a/b\n",
		NULL);
}

static void test_grub_legacy(void **state)
{
	(void)state;
	becomes("/boot/grub/menu.lst",
		"# kopt=root=/dev/hda1 ro\n# groot=(hd0,0)\n# a comment root=/dev/hda1\n"
		"default 0\n"
		"title Debian\nroot (hd0,0)\n"
		"kernel /boot/vmlinuz-6.1.0-18-amd64 root=/dev/hda1 ro\ninitrd /boot/initrd.img\n"
		"title old\nkernel (hd0,0)/boot/vmlinuz-6.1.0-18-amd64 root=/dev/hda1\n",
		"# kopt=root=UUID=" U1 " ro\n# groot=(hd0,0)\n# a comment root=/dev/hda1\n"
		"default 0\n"
		"title Debian\nroot (hd0,0)\n"
		"kernel /boot/vmlinuz-6.1.0-18-amd64 root=UUID=" U1 " ro\ninitrd /boot/initrd.img\n"
		"title old\nkernel (hd0,0)/boot/vmlinuz-6.1.0-18-amd64 root=PARTUUID=" P(1) "\n");
	becomes("/boot/grub/device.map", "(hd0)\t/dev/sda\n", NULL);
}

static void test_bls(void **state)
{
	(void)state;
	becomes("/boot/loader/entries/abc-6.1.conf",
		"title Red Hat\nversion 6.1\nlinux /vmlinuz-6.1.0-18-amd64\ninitrd /initramfs-6.1.img $tuned_initrd\n"
		"options root=/dev/sda1 ro resume=/dev/sda5 $tuned_params\ngrub_users $grub_users\n",
		"title Red Hat\nversion 6.1\nlinux /vmlinuz-6.1.0-18-amd64\ninitrd /initramfs-6.1.img $tuned_initrd\n"
		"options root=UUID=" U1 " ro resume=UUID=" U5 " $tuned_params\ngrub_users $grub_users\n");
	becomes("/boot/loader/entries/abc-6.1.conf", "linux /vmlinuz-6.1.0-18-amd64\noptions $kernelopts\n", NULL);
	becomes("/efi/loader/entries/arch.conf",
		"linux /vmlinuz-6.1.0-18-amd64\ninitrd /initramfs-linux.img\noptions root=/dev/sda1 rw",
		"linux /vmlinuz-6.1.0-18-amd64\ninitrd /initramfs-linux.img\noptions root=UUID=" U1 " rw");
	becomes("/boot/extlinux.conf",
		"DEFAULT linux\nLABEL linux\n  LINUX vmlinuz-6.1.0-18-amd64\n  INITRD initramfs\n  APPEND root=/dev/sda1 quiet\n"
		"LABEL other\n KERNEL vmlinuz-6.1.0-18-amd64\n append initrd=x root=/dev/sda1\n",
		"DEFAULT linux\nLABEL linux\n  LINUX vmlinuz-6.1.0-18-amd64\n  INITRD initramfs\n  APPEND root=UUID=" U1 " quiet\n"
		"LABEL other\n KERNEL vmlinuz-6.1.0-18-amd64\n append initrd=x root=UUID=" U1 "\n");
}

static void test_cryptdevice(void **state)
{
	static const char volumes[] = DISK V(1, "crypto_LUKS", U1, "") ","
		"{\"type\":\"ext4\",\"uuid\":\"r\",\"name\":\"root\",\"parent\":0,\"mounted\":\"/\"}]}";
	struct plantree t;

	(void)state;
	start(&t);
	tree_volumes(&t, volumes);
	tree_put(&t, "/etc/fstab", "/dev/mapper/root / ext4 x 0 1\n");
	tree_put(&t, "/boot/grub/grub.cfg",
		 "linux /vmlinuz-6.1.0-18-amd64 cryptdevice=/dev/disk/by-path/pci-0000:00:1f.2-ata-1-part1:root:discard root=/dev/mapper/root\n"
		 "linux /vmlinuz-6.1.0-18-amd64 cryptdevice=/dev/sda1:root\ninitrd x\n");
	tree_run(&t, lin_plan_cmdline);
	tree_is(&t, "/boot/grub/grub.cfg",
		"linux /vmlinuz-6.1.0-18-amd64 cryptdevice=UUID=" U1 ":root:discard root=/dev/mapper/root\n"
		"linux /vmlinuz-6.1.0-18-amd64 cryptdevice=UUID=" U1 ":root\ninitrd x\n");
	tree_free(&t);
}

/* The whole block: 1024 bytes before and after. */
static void test_grubenv(void **state)
{
	static const char head[] = "# GRUB Environment Block\nsaved_entry=x\n"
		"kernelopts=root=/dev/sda1 ro resume=/dev/sda5\nboot_success=0\n";
	struct plantree t;
	char block[1025], file[128], *after;
	struct run_result res = { 0 };
	const char *argv[] = { "grub-editenv", file, "list", NULL };
	size_t n;

	(void)state;
	memset(block, '#', sizeof block - 1);
	block[1024] = 0;
	memcpy(block, head, sizeof head - 1);
	start(&t);
	tree_put(&t, "/boot/grub2/grubenv", block);
	tree_run(&t, lin_plan_cmdline);
	assert_int_equal(root_read(t.root, "/boot/grub2/grubenv", 4096, &after, &n, NULL), 0);
	assert_int_equal(n, 1024);
	assert_int_equal(after[1023], '#');
	free(after);
	snprintf(file, sizeof file, "%s/boot/grub2/grubenv", t.dir);
	assert_int_equal(run_program(&(struct run_spec){ .argv = argv, .timeout_s = 30, .out_max = 65536 },
				     &res, &t.e), 0);
	assert_string_equal(res.out, "saved_entry=x\nkernelopts=root=UUID=" U1 " ro resume=UUID=" U5 "\n"
			    "boot_success=0\n");
	run_result_done(&res);
	/* no room */
	memset(block + sizeof head - 2, 'x', 900);
	tree_put(&t, "/boot/grub2/grubenv", block);
	tree_plan(&t, lin_plan_cmdline, NULL);
	assert_int_equal(t.plan->n, 0);
	tree_says(&t, warnings, "grub2-editenv");
	tree_put(&t, "/boot/grub2/grubenv", "");
	tree_plan(&t, lin_plan_cmdline, NULL);
	assert_int_equal(t.plan->n, 0);
	tree_free(&t);
}

static void test_lilo(void **state)
{
	struct plantree t;

	(void)state;
	start(&t);
	t.lin.boot = LIN_LILO;
	tree_put(&t, "/etc/lilo.conf",
		 "boot=/dev/hda\ncompact\nimage=/boot/vmlinuz-6.1.0-18-amd64\n\tlabel=linux\n"
		 "\tinitrd=/boot/initrd.img\n\troot = /dev/hda1\n\tappend=\"resume=/dev/hda5 quiet\"\n"
		 "image=/boot/vmlinuz-bare\n\troot=/dev/hda1 # stays\n");
	tree_run(&t, lin_plan_cmdline);
	tree_is(&t, "/etc/lilo.conf",
		"boot=/dev/hda\ncompact\nimage=/boot/vmlinuz-6.1.0-18-amd64\n\tlabel=linux\n"
		"\tinitrd=/boot/initrd.img\n\troot = \"UUID=" U1 "\"\n\tappend=\"resume=UUID=" U5 " quiet\"\n"
		"image=/boot/vmlinuz-bare\n\troot=/dev/hda1 # stays\n");
	tree_says(&t, problems, "run `lilo`");
	tree_says(&t, warnings, "root=/dev/hda1 must stay");
	t.lin.boot = LIN_GRUB2_BIOS | LIN_LILO;
	tree_put(&t, "/etc/lilo.conf", "image=/x\ninitrd=/y\nroot=\"/dev/hda1\"\n");
	tree_run(&t, lin_plan_cmdline);
	tree_is(&t, "/etc/lilo.conf", "image=/x\ninitrd=/y\nroot=\"UUID=" U1 "\"\n");
	tree_silent(&t, problems);
	tree_says(&t, warnings, "`lilo`");
	t.lin.boot = LIN_ZIPL;
	tree_put(&t, "/etc/zipl.conf", "[defaultboot]\ndefault=linux\n[linux]\nimage=/boot/x\nramdisk=/boot/y\n"
		 "parameters=\"root=/dev/dasda1 quiet\"\n");
	tree_run(&t, lin_plan_cmdline);
	tree_is(&t, "/etc/zipl.conf", "[defaultboot]\ndefault=linux\n[linux]\nimage=/boot/x\nramdisk=/boot/y\n"
		"parameters=\"root=UUID=" U1 " quiet\"\n");
	tree_says(&t, problems, "`zipl`");
	tree_free(&t);
}

static void test_missing(void **state)
{
	struct plantree t;

	(void)state;
	start(&t);
	/* another system's entry, of a disk that isn't here */
	tree_put(&t, "/boot/grub/grub.cfg",
		 "menuentry a {\nlinux /elsewhere/vmlinuz-x root=/dev/sdb7\ninitrd /x\n}\n"
		 "menuentry b {\nlinux /vmlinuz-6.1.0-18-amd64 root=/dev/sdb7\ninitrd /x\n}\n"
		 "menuentry c {\nlinux /vmlinuz-6.1.0-18-amd64 root=UUID=dead\ninitrd /x\n}\n");
	tree_run(&t, lin_plan_cmdline);
	tree_is(&t, "/boot/grub/grub.cfg",
		"menuentry a {\nlinux /elsewhere/vmlinuz-x root=/dev/sdb7\ninitrd /x\n}\n"
		"menuentry b {\nlinux /vmlinuz-6.1.0-18-amd64 root=UUID=" U1 "\ninitrd /x\n}\n"
		"menuentry c {\nlinux /vmlinuz-6.1.0-18-amd64 root=UUID=" U1 "\ninitrd /x\n}\n");
	tree_says(&t, notes, "another system's entry");
	tree_silent(&t, warnings);
	/* two swap areas: which one was it? */
	strcpy(t.volumes.v[1].type, "swap");
	tree_put(&t, "/boot/grub/grub.cfg", "linux /vmlinuz-6.1.0-18-amd64 root=/dev/sda1 resume=UUID=dead\ninitrd /x\n");
	tree_run(&t, lin_plan_cmdline);
	tree_is(&t, "/boot/grub/grub.cfg", "linux /vmlinuz-6.1.0-18-amd64 root=UUID=" U1 " resume=UUID=dead\ninitrd /x\n");
	tree_says(&t, warnings, "resume=UUID=dead");
	/* a swap file */
	tree_put(&t, "/boot/grub/grub.cfg", "linux /vmlinuz-6.1.0-18-amd64 resume=/dev/sda1 resume_offset=77\ninitrd /x\n");
	tree_run(&t, lin_plan_cmdline);
	tree_is(&t, "/boot/grub/grub.cfg", "linux /vmlinuz-6.1.0-18-amd64 resume=UUID=" U1 " resume_offset=77\ninitrd /x\n");
	tree_free(&t);
	/* no PARTUUID for a bare kernel */
	start(&t);
	*t.volumes.v[0].partuuid = 0;
	tree_put(&t, "/boot/grub/grub.cfg", "linux /vmlinuz-6.1.0-18-amd64 root=/dev/sda1\n");
	tree_run(&t, lin_plan_cmdline);
	tree_says(&t, problems, "without an initramfs");
	tree_free(&t);
}

static void test_hostile(void **state)
{
	static char big[1 << 20];
	static const char nul[] = "linux\0 root=/dev/sda1\nlinux root=/dev/sda1\0\n";
	struct plantree t;

	(void)state;
	start(&t);
	tree_put_bytes(&t, "/boot/grub/grub.cfg", nul, sizeof nul - 1);
	for (size_t i = 0; i + 16 < sizeof big; i += 15)
		memcpy(big + i, "root=/dev/sdb1 ", 15);
	memcpy(big, "options ", 8);
	tree_put(&t, "/boot/loader/entries/a.conf", big);
	tree_link(&t, "/boot/loader/entries/loop.conf", "loop.conf");
	tree_link(&t, "/boot/loader/entries/up.conf", "../../../../../../../../etc/passwd");
	tree_put(&t, "/boot/loader/entries/dir.conf/x", "");
	tree_link(&t, "/efi/EFI/a", "../EFI");
	tree_run(&t, lin_plan_cmdline);
	assert_int_equal(t.plan->n, 1);         /* the million names */
	tree_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default_grub),
		cmocka_unit_test(test_grub2),
		cmocka_unit_test(test_grub_legacy),
		cmocka_unit_test(test_bls),
		cmocka_unit_test(test_cryptdevice),
		cmocka_unit_test(test_grubenv),
		cmocka_unit_test(test_lilo),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
