/* test-lin-fstab: fstab and crypttab of a guest that moves to other hardware;
 * findmnt(8) says that what comes out is still an fstab. */
#include "plantree.h"
#include "common/run.h"

#define DISK "{\"disks\":[{\"path\":\"/dev/nvme0n1\",\"table\":\"gpt\"}],\"volumes\":["
#define V(part, type, uuid, more) "{\"disk\":0,\"part\":" #part ",\"type\":\"" type "\",\"uuid\":\"" uuid \
	"\",\"partuuid\":\"0000000" #part "-aaaa-bbbb-cccc-dddddddddddd\"" more "}"
#define U1 "11111111-0000-4000-8000-000000000001"
#define U2 "22222222-0000-4000-8000-000000000002"
#define U5 "55555555-0000-4000-8000-000000000005"

static const char plain_disk[] = DISK
	V(1, "ext4", U1, ",\"mounted\":\"/\"") "," V(2, "vfat", "ABCD-1234", ",\"mounted\":\"/boot/efi\"") ","
	V(5, "swap", U5, "") "," V(6, "xfs", U2, ",\"label\":\"data\"") "]}";

static void with(struct plantree *t, const char *volumes, const char *fstab)
{
	tree_new(t);
	tree_volumes(t, volumes);
	tree_put(t, "/usr/lib/systemd/systemd", "");
	if (fstab)
		tree_put(t, "/etc/fstab", fstab);
}

/* fstab becomes want, and stays so. */
static void becomes(const char *volumes, const char *fstab, const char *want)
{
	struct plantree t;

	with(&t, volumes, fstab);
	tree_run(&t, lin_plan_fstab);
	tree_is(&t, "/etc/fstab", want);
	tree_silent(&t, warnings);
	tree_free(&t);
}

static void test_debian(void **state)
{
	(void)state;
	becomes(plain_disk,
		"# /etc/fstab: static file system information.\n"
		"# / was on /dev/sda1 during installation\n"
		"/dev/sda1  /               ext4    errors=remount-ro 0       1\n"
		"/dev/sda2\t/boot/efi\tvfat\tumask=0077\t0\t1\n"
		"\n"
		"  /dev/sda5 none swap sw 0 0   # the swap\n"
		"LABEL=data /data xfs defaults 0 2\n"
		"/dev/sr0        /media/cdrom0   udf,iso9660 user,noauto     0       0\n"
		"/dev/fd0 /media/floppy0 auto rw,user,noauto 0 0\n"
		"proc /proc proc defaults 0 0\n"
		"server:/x /srv nfs defaults 0 0\n"
		"/dev/mapper/x-y /lv ext4 nofail 0 2",
		"# /etc/fstab: static file system information.\n"
		"# / was on /dev/sda1 during installation\n"
		"UUID=" U1 "  /               ext4    errors=remount-ro 0       1\n"
		"UUID=ABCD-1234\t/boot/efi\tvfat\tumask=0077\t0\t1\n"
		"\n"
		"  UUID=" U5 " none swap sw 0 0   # the swap\n"
		"LABEL=data /data xfs defaults 0 2\n"
		"/dev/sr0        /media/cdrom0   udf,iso9660 user,noauto     0       0\n"
		"/dev/fd0 /media/floppy0 auto rw,user,noauto 0 0\n"
		"proc /proc proc defaults 0 0\n"
		"server:/x /srv nfs defaults 0 0\n"
		"/dev/mapper/x-y /lv ext4 nofail 0 2");
}

static void test_names(void **state)
{
	(void)state;
	becomes(plain_disk, "/dev/hda1 / ext3 defaults 1 1\r\n/dev/hdc /mnt/x iso9660 ro 0 0\r\n",
		"UUID=" U1 " / ext3 defaults 1 1\r\n/dev/hdc /mnt/x iso9660 ro 0 0\r\n");
	becomes(plain_disk, "/dev/cciss/c0d0p1 / ext3 defaults 1 1\n/dev/cciss/c0d0p5 swap swap defaults 0 0\n",
		"UUID=" U1 " / ext3 defaults 1 1\nUUID=" U5 " swap swap defaults 0 0\n");
	becomes(plain_disk, "/dev/nvme0n1p1 / ext4 x 1 1\n", "UUID=" U1 " / ext4 x 1 1\n");
	/* SUSE */
	becomes(plain_disk,
		"/dev/disk/by-id/ata-WDC_WD5000-part5 swap                 swap       defaults              0 0\n"
		"/dev/disk/by-id/ata-WDC_WD5000-part1 /                    ext3       acl,user_xattr        1 1\n",
		"UUID=" U5 " swap                 swap       defaults              0 0\n"
		"UUID=" U1 " /                    ext3       acl,user_xattr        1 1\n");
	becomes(plain_disk, "/dev/disk/by-path/pci-0000:00:1f.2-ata-1-part1 / ext4 x 1 1\n",
		"UUID=" U1 " / ext4 x 1 1\n");
	/* a PARTUUID that went with the disk's old signature */
	becomes(plain_disk, "PARTUUID=1234abcd-01 / ext4 x 1 1\nPARTUUID=1234abcd-05 none swap sw 0 0\n",
		"UUID=" U1 " / ext4 x 1 1\nUUID=" U5 " none swap sw 0 0\n");
	becomes(plain_disk, "PARTUUID=99999999-aaaa-bbbb-cccc-dddddddddddd / ext4 x 1 1\n",
		"UUID=" U1 " / ext4 x 1 1\n");
	becomes(plain_disk, "/dev/sda1 /with\\040space ext4 x 1 1\n",
		"UUID=" U1 " /with\\040space ext4 x 1 1\n");
}

/* The disk was called sdb: by the live system that ran from a stick as sda, or
 * really; either way root's line tells which of the guest's names is this disk. */
static void test_other_letters(void **state)
{
	struct plantree t;

	(void)state;
	with(&t, plain_disk, "/dev/sda1 / ext4 x 1 1\n/dev/sda5 none swap sw 0 0\n"
	     "/dev/sdb6 /data xfs defaults 0 2\n/dev/sdb5 none swap nofail 0 0\n");
	strcpy(t.volumes.disk[0].old_name, "sdb");
	tree_run(&t, lin_plan_fstab);
	tree_is(&t, "/etc/fstab", "UUID=" U1 " / ext4 x 1 1\nUUID=" U5 " none swap sw 0 0\n"
		"/dev/sdb6 /data xfs defaults 0 2\n/dev/sdb5 none swap nofail 0 0\n");
	tree_says(&t, warnings, "/dev/sdb6 (/data)");
	tree_says(&t, warnings, "emergency shell");
	tree_says(&t, notes, "/dev/sdb5");
	tree_free(&t);
}

static void test_missing(void **state)
{
	struct plantree t;

	(void)state;
	with(&t, plain_disk, "/dev/sda1 / ext4 x 1 1\nUUID=dead /data ext4 defaults 0 2\n"
	     "/dev/sda7 /x ext4 noauto 0 0\n/dev/sda6 /y ext4 defaults 0 0\n");
	tree_run(&t, lin_plan_fstab);
	tree_is(&t, "/etc/fstab", "UUID=" U1 " / ext4 x 1 1\nUUID=dead /data ext4 defaults 0 2\n"
		"/dev/sda7 /x ext4 noauto 0 0\n/dev/sda6 /y ext4 defaults 0 0\n");
	tree_says(&t, warnings, "UUID=dead (/data)");
	tree_says(&t, warnings, "/dev/sda6 (/y)");      /* that is XFS, so another */
	tree_says(&t, notes, "/dev/sda7");
	assert_int_equal(t.plan->warnings.n, 2);
	/* an unopened container may hold the UUID */
	strcpy(t.volumes.v[3].type, "crypto_LUKS");
	tree_plan(&t, lin_plan_fstab, NULL);
	assert_false(strv_says(&t.plan->warnings, "UUID=dead"));
	tree_free(&t);
	/* without systemd */
	tree_new(&t);
	tree_volumes(&t, plain_disk);
	tree_put(&t, "/etc/fstab", "/dev/sdz9 /data ext4 defaults 1 2\n");
	tree_plan(&t, lin_plan_fstab, NULL);
	tree_says(&t, warnings, "root shell");
	tree_free(&t);
}

static void test_lvm(void **state)
{
	static const char volumes[] = DISK V(1, "xfs", U1, ",\"mounted\":\"/boot\"") ","
		V(2, "LVM2_member", "lvm-id", "") ","
		"{\"type\":\"xfs\",\"uuid\":\"" U2 "\",\"name\":\"rhel/root\",\"parent\":1,\"mounted\":\"/\"}]}";
	struct plantree t;

	(void)state;
	becomes(volumes, "/dev/mapper/rhel-root / xfs defaults 0 0\n/dev/sda1 /boot xfs defaults 0 0\n",
		"/dev/mapper/rhel-root / xfs defaults 0 0\nUUID=" U1 " /boot xfs defaults 0 0\n");
	becomes(volumes, "/dev/rhel/root / xfs defaults 0 0\n", "/dev/rhel/root / xfs defaults 0 0\n");
	with(&t, volumes, "/dev/mapper/rhel-root / xfs defaults 0 0\n/dev/mapper/rhel-home /home xfs defaults 0 0\n");
	tree_run(&t, lin_plan_fstab);
	tree_says(&t, warnings, "/dev/mapper/rhel-home");
	assert_int_equal(t.plan->n, 0);
	tree_free(&t);
}

static void test_crypttab(void **state)
{
	static const char volumes[] = DISK V(1, "ext4", U1, ",\"mounted\":\"/boot\"") ","
		V(2, "crypto_LUKS", U2, "") "," V(3, "", "", "") "," V(4, "swap", U5, "") ","
		"{\"type\":\"ext4\",\"uuid\":\"r\",\"name\":\"root\",\"parent\":1,\"mounted\":\"/\"}]}";
	struct plantree t;

	(void)state;
	with(&t, volumes, "/dev/mapper/root / ext4 x 0 1\n/dev/sda1 /boot ext4 x 0 2\n");
	tree_put(&t, "/etc/crypttab",
		 "# <target name>\t<source device>\n"
		 "root\t/dev/sda2\tnone\tluks,discard\n"
		 "cswap /dev/sda3 /dev/urandom swap,cipher=aes-xts-plain64\n"
		 "stale /dev/sda4 /dev/urandom plain\n"
		 "data /dev/sda1 none luks\n"
		 "keyed UUID=" U2 " /dev/sdb1:/key luks\n"
		 "gone UUID=dead none luks");
	tree_run(&t, lin_plan_fstab);
	tree_is(&t, "/etc/crypttab",
		"# <target name>\t<source device>\n"
		"root\tUUID=" U2 "\tnone\tluks,discard\n"
		"cswap PARTUUID=00000003-aaaa-bbbb-cccc-dddddddddddd /dev/urandom swap,cipher=aes-xts-plain64\n"
		"stale PARTUUID=00000004-aaaa-bbbb-cccc-dddddddddddd /dev/urandom plain\n"
		"data /dev/sda1 none luks\n"
		"keyed UUID=" U2 " /dev/sdb1:/key luks\n"
		"gone UUID=dead none luks");
	tree_says(&t, warnings, "/dev/sda1 (data)");
	tree_says(&t, warnings, "UUID=dead");
	tree_says(&t, warnings, "the key of keyed");
	tree_free(&t);
}

static void test_hostile(void **state)
{
	static char big[1 << 20];
	static const char nul[] = "/dev/sda1 / ext4\0 x\n/dev/sda1 / ext4 x\n";
	struct plantree t;

	(void)state;
	with(&t, plain_disk, NULL);
	tree_run(&t, lin_plan_fstab);           /* there is none */
	tree_silent(&t, warnings);
	tree_put_bytes(&t, "/etc/fstab", nul, sizeof nul - 1);
	tree_plan(&t, lin_plan_fstab, NULL);
	assert_int_equal(t.plan->n, 1);
	assert_memory_equal(t.plan->v[0].data, nul, 20);
	assert_string_equal(t.plan->v[0].data + 20, "UUID=" U1 " / ext4 x\n");
	memset(big, 'x', sizeof big - 1);
	memcpy(big, "/dev/sda1 / ", 12);
	tree_put(&t, "/etc/fstab", big);
	tree_put(&t, "/etc/crypttab", "\n\n x\n");
	tree_run(&t, lin_plan_fstab);
	tree_is(&t, "/etc/fstab", big);
	tree_link(&t, "/etc/fstab", "fstab");   /* a loop */
	tree_plan(&t, lin_plan_fstab, NULL);
	assert_int_equal(t.plan->n, 0);
	tree_says(&t, warnings, "/etc/fstab was not looked at");
	tree_link(&t, "/etc/fstab", "../../../../etc/elsewhere");
	tree_put(&t, "/etc/elsewhere", "/dev/sda1 / ext4 x 0 0\n");
	tree_run(&t, lin_plan_fstab);
	tree_is(&t, "/etc/elsewhere", "UUID=" U1 " / ext4 x 0 0\n");
	tree_free(&t);
}

/* libmount reads what was written as what was meant. */
static void test_findmnt(void **state)
{
	struct plantree t;
	struct run_result res = { 0 };
	char file[128];
	const char *argv[] = { "findmnt", "--tab-file", file, "-n", "--raw", "-o",
			       "SOURCE,TARGET,FSTYPE,OPTIONS", NULL };

	(void)state;
	with(&t, plain_disk, "# a comment\n/dev/sda1 / ext4 errors=remount-ro 0 1\n\n"
	     "/dev/sda2 /boot/efi vfat umask=0077 0 1 # more\n/dev/sda5 none swap sw 0 0\n");
	tree_run(&t, lin_plan_fstab);
	snprintf(file, sizeof file, "%s/etc/fstab", t.dir);
	if (run_program(&(struct run_spec){ .argv = argv, .timeout_s = 30, .out_max = 65536 },
			&res, &t.e))
		fail_msg("%s", t.e.msg);
	assert_string_equal(res.err, "");
	assert_string_equal(res.out, "UUID=" U1 " / ext4 errors=remount-ro\n"
			    "UUID=ABCD-1234 /boot/efi vfat umask=0077\nUUID=" U5 " none swap sw\n");
	run_result_done(&res);
	tree_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_debian),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_other_letters),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_lvm),
		cmocka_unit_test(test_crypttab),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_findmnt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
