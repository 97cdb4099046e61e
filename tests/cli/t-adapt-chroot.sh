#!/bin/sh
# --chroot: the guest's own program makes the initramfs, in namespaces of its own,
# from /etc as it will be.  Here that program is a small one that looks at what
# it was given; real ones are run in qemu-tests/test_adapt.py.  Needs root.
# rehost-test: san
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/lintree.sh"
requires cpio gzip gcc depmod
[ "$(id -u)" = 0 ] || skip "needs root for a chroot"
unshare -m true 2>err || skip "no namespaces: $(cat err)"
PATH=$PATH:/usr/sbin:/sbin

target_json > target.json
volumes_json > volumes.json
v=6.1.0-50-amd64
adapt() { rehost-adapt --root deb --volumes volumes.json --hardware target.json "$@"; }
picture() { (cd deb && find . ! -type d ! -path './var/lib/rehost*' -printf '%p %y %m %l\n' | sort; find . -type f ! -path './var/lib/rehost*' -print0 | sort -z | xargs -0 sha256sum); }

linux deb debian merged
modtree deb/usr/lib/modules $v
: > deb/boot/vmlinuz-$v
mkdir -p deb/etc/initramfs-tools deb/tmp deb/run deb/dev deb/proc deb/sys
: > deb/etc/initramfs-tools/modules
rm -rf i
mkdir -p i/usr/lib/modules/$v/kernel/drivers i/conf i/scripts
ln -s usr/lib i/lib
printf '#!/bin/sh\n' > i/init
chmod 755 i/init
: > i/conf/initramfs.conf
: > i/scripts/functions
cp mods/ahci.ko mods/sd_mod.ko i/usr/lib/modules/$v/kernel/drivers/
image i deb/boot/initrd.img-$v gzip -9n
# what the guest's program will make: with all drivers
cp mods/*.ko i/usr/lib/modules/$v/kernel/drivers/
mkdir -p i/usr/lib/firmware/test
cp deb/lib/firmware/test/nvme.bin i/usr/lib/firmware/test/
cp deb/usr/lib/modules/$v/modules.* i/usr/lib/modules/$v/
depmod -b "$PWD/i" $v 2>/dev/null || :
image i deb/all.img gzip -9n
cat > sh.c <<'C'
/* the guest's /bin/sh: argv is sh -c SCRIPT sh KIND VERSION MODULES */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static char text[1 << 22];
static long slurp(const char *path)
{
	int fd = open(path, O_RDONLY);
	long n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	text[n < 0 ? 0 : n] = 0;
	return n;
}
static void must(int ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "guest: %s\n", what);
		exit(9);
	}
}
int main(int argc, char **argv)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int fd, processes = 0;
	long n;

	must(argc == 7 && !strcmp(argv[4], "initramfs-tools"), "other words");
	must(!strcmp(argv[5], "6.1.0-50-amd64"), "another version");
	must(strstr(argv[6], "virtio_blk") && strstr(argv[6], "nvme"), "no modules");
	must(slurp("/etc/fstab") > 0 && !strstr(text, "/dev/sda1") && strstr(text, "UUID="), "the old fstab");
	must(slurp("/etc/initramfs-tools/modules") > 0 && strstr(text, "nvme"), "the old list of modules");
	must(slurp("/etc/hostname") > 0 && !strcmp(text, "other\n"), "the new file isn't there");
	while (d && (e = readdir(d)))
		processes += e->d_name[0] >= '1' && e->d_name[0] <= '9';
	must(processes == 1, "sees other processes");
	must(access("/sys/class/net/eth0", F_OK), "sees the network");
	must(access("/dev/sda", F_OK) && access("/dev/vda", F_OK) && access("/dev/loop0", F_OK), "sees disks");
	must(access("/sys", W_OK), "writes to /sys");
	/* its changes of /etc are its own */
	fd = open("/etc/evil", O_WRONLY | O_CREAT, 0644);
	must(fd >= 0, "can't write to /etc");
	if (!access("/fails", F_OK))
		return 7;
	n = slurp("/all.img");
	fd = open("/tmp/rehost-initramfs", O_WRONLY | O_CREAT | O_EXCL, 0600);
	must(n > 0 && write(fd, text, n) == n, "no room");
	return 0;
}
C
rm -f deb/usr/bin/sh
gcc -static -o deb/usr/bin/sh sh.c 2>err || skip "no static libc: $(cat err)"

picture > before
# a program that fails leaves nothing changed
: > deb/fails
expect_status 1 adapt --yes --chroot --hostname other
grep -q "status 7" err || { cat err; fail "the reason isn't told"; }
rm deb/fails
picture > now
cmp before now || { diff before now; fail "changed by a run that failed"; }

expect_status 0 adapt --yes --chroot --hostname other
cmp deb/all.img deb/boot/initrd.img-$v || fail "the initramfs isn't the one that was made"
[ ! -e deb/etc/evil ] || fail "the program wrote into the guest's /etc"
grep -q '^UUID=' deb/etc/fstab || fail "fstab"
[ -z "$(find deb/dev deb/proc deb/sys deb/run deb/tmp -mindepth 1)" ] || fail "left in the guest's tree"
expect_status 0 adapt --check
expect_status 0 adapt --yes --chroot --hostname other
cmp deb/all.img deb/boot/initrd.img-$v || fail "made again"
expect_status 0 adapt --yes --undo
picture > now
cmp before now || { diff before now; fail "--undo left something"; }

# programs of another architecture can't be run
printf '\177ELF\002\001\001\000\000\000\000\000\000\000\000\000\003\000\267\000' > deb/bin/ls
expect_status 3 adapt --dry-run --chroot
grep -q "another architecture" out err || { cat out err; fail "nothing of the architecture"; }
