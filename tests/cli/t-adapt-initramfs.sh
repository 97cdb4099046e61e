#!/bin/sh
# t-adapt-initramfs.sh: a tree of every generator's layout is adapted to virtio
# and NVMe: cpio(1) unpacks the result, modprobe(8) finds the drivers in it by the
# devices' own names; the second adapt changes nothing; --undo restores every byte.
# rehost-test: san only
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/lintree.sh"
requires cpio gzip xz zstd lz4 modprobe depmod gcc
PATH=$PATH:/usr/sbin:/sbin

target_json > target.json
volumes_json > volumes.json
adapt() { rehost-adapt --root "$guest" --volumes volumes.json --hardware target.json "$@"; }
picture() { (cd "$1" && find . ! -type d -printf '%p %y %m %T@ %l\n' | sort; find . -type f -print0 | sort -z | xargs -0 sha256sum); }

# The initramfs of the guest, as its generator lays it out, in $i
common() { # LIB_DIR VERSION SUFFIX
	rm -rf i
	mkdir -p "i/$1/modules/$2/kernel/drivers"
	modules_made
	cp mods/ahci.ko mods/sd_mod.ko "i/$1/modules/$2/kernel/drivers/"
	echo '#!/bin/sh' > i/init
	chmod 755 i/init
}

# finds DEVICE DRIVER: what modprobe in that initramfs would load
finds() {
	modprobe -d "$PWD/u" -S "$version" -C /dev/null --show-depends "$1" > depends 2>&1 ||
		{ cat depends; fail "$guest: no driver for $1"; }
	grep -q "/$2\.ko" depends || fail "$guest: $1 is not served by $2"
}

# proves GUEST INITRAMFS VERSION: adapt, look, again, undo
proves() {
	guest=$1
	version=$3
	picture "$guest" > before
	cp "$2" old.img
	expect_status 0 adapt --dry-run --json
	json out 'd["systems"][0]["verdict"]' | grep -q '^boots-after-edits$' || { cat out; fail "$guest: verdict"; }
	picture "$guest" > now
	cmp before now || fail "$guest: --dry-run changed something"
	expect_status 3 adapt --check
	expect_status 0 adapt --yes
	expect_status 0 adapt --check
	rm -rf u
	unpack "$2" u
	finds pci:v00001AF4d00001042sv00001AF4sd00001100bc01sc00i00 virtio_pci
	grep -q '/virtio_ring\.ko' depends || fail "$guest: virtio_pci without virtio_ring"
	finds virtio:d00000002v00001AF4 virtio_blk
	finds pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02 nvme
	# what it had still stands in the index
	finds pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01 ahci
	[ -s u/lib/firmware/test/nvme.bin ] || fail "$guest: no firmware"
	grep -q '^UUID=11111111-2222-3333-4444-555555555555 / ext4 defaults 0 1$' "$guest/etc/fstab" || fail "$guest: fstab"
	picture "$guest" > before2
	expect_status 0 adapt --yes
	picture "$guest" > now
	cmp before2 now || fail "$guest: the second adapt changed something"
	cp -r u "u-$guest"
}
undone() {
	expect_status 0 adapt --yes --undo
	picture "$guest" > now
	cmp before now || { diff before now; fail "$guest: --undo left something"; }
}

# --- Debian: initramfs-tools, usr merged, zstd behind early microcode
v=6.1.0-50-amd64
linux deb debian merged
modtree deb/usr/lib/modules $v
: > deb/boot/vmlinuz-$v
common usr/lib $v
ln -s usr/lib i/lib
mkdir -p i/conf i/scripts i/usr/lib/systemd deb/etc/initramfs-tools early/kernel/x86/microcode
: > i/conf/initramfs.conf
: > i/scripts/functions
: > i/usr/lib/systemd/systemd-udevd
printf '# mine\nnls_ascii' > deb/etc/initramfs-tools/modules
echo micro > early/kernel/x86/microcode/GenuineIntel.bin
(cd early && find . -mindepth 1 | sort | cpio -o -H newc --quiet) > early.cpio
image i deb.zst zstd -q
cat early.cpio deb.zst > deb/boot/initrd.img-$v
proves deb deb/boot/initrd.img-$v $v
[ "$(readlink u/lib)" = usr/lib ] || fail "lib is no longer a link"
head -c "$(stat -c %s old.img)" deb/boot/initrd.img-$v | cmp - old.img || fail "what was there was changed"
[ "$(cat deb/etc/initramfs-tools/modules)" = "$(printf '# mine\nnls_ascii\nvirtio_pci\nvirtio_blk\nnvme')" ] ||
	fail "initramfs-tools/modules: $(cat deb/etc/initramfs-tools/modules)"
undone

# --- the same without udev inside: the knob
: > empty
rm i/usr/lib/systemd/systemd-udevd
echo loop > i/conf/modules
image i deb/boot/initrd.img-$v gzip -9n
proves deb deb/boot/initrd.img-$v $v
[ "$(cat u/conf/modules)" = "$(printf 'loop\nvirtio_pci\nvirtio_blk\nnvme')" ] || fail "conf/modules: $(cat u/conf/modules)"
undone

# --- RHEL 9: dracut with systemd, modules packed by xz, SELinux
linux rhel rhel merged
modtree rhel/usr/lib/modules $VER "xz --check=crc32" .xz
: > rhel/boot/vmlinuz-$VER
common usr/lib $VER
ln -s usr/lib i/lib
rm i/usr/lib/modules/$VER/kernel/drivers/*
cp rhel/usr/lib/modules/$VER/kernel/drivers/ahci.ko.xz rhel/usr/lib/modules/$VER/kernel/drivers/sd_mod.ko.xz i/usr/lib/modules/$VER/kernel/drivers/
rm i/init
mkdir -p i/usr/lib/systemd i/usr/lib/dracut/hooks rhel/etc/selinux rhel/etc/dracut.conf.d
ln -s usr/lib/systemd/systemd i/init
: > i/usr/lib/systemd/systemd
: > i/usr/lib/systemd/systemd-udevd
: > i/usr/lib/dracut-lib.sh
echo SELINUX=enforcing > rhel/etc/selinux/config
mkdir -p i/etc
printf '# the root only\n/dev/sda1 / ext4 defaults 0 1\n' > i/etc/fstab
image i rhel/boot/initramfs-$VER.img gzip -9n
# what that leaves out is told, with status 3
printf '# no omit_drivers\nomit_drivers+=" virtio_.* "\n' > rhel/etc/dracut.conf.d/mine.conf
guest=rhel
expect_status 3 adapt --dry-run
grep -q 'warning: /etc/dracut.conf.d/mine.conf leaves drivers out (omit_drivers+=" virtio_.\* ")' out || { cat out; fail "omit_drivers"; }
rm rhel/etc/dracut.conf.d/mine.conf
proves rhel rhel/boot/initramfs-$VER.img $VER
grep -q '^add_drivers+=" virtio_pci virtio_blk nvme "$' rhel/etc/dracut.conf.d/zz-rehost.conf || fail "dracut.conf.d"
[ "$(cat u/etc/fstab)" = "$(printf '# the root only\nUUID=11111111-2222-3333-4444-555555555555 / ext4 defaults 0 1')" ] ||
	fail "the copy of fstab: $(cat u/etc/fstab)"
[ -e rhel/.autorelabel ] || fail "files were added and SELinux isn't told"
ls u/usr/lib/modules/$VER/kernel/drivers/nvme.ko.xz > /dev/null || fail "the module was repacked"
undone

# --- Arch: mkinitcpio with busybox, no udev; the kernel has a flavour for a name
v=6.11.5-arch1-1
linux arch arch merged
modtree arch/usr/lib/modules $v "zstd -q" .zst
echo linux > arch/usr/lib/modules/$v/pkgbase
: > arch/boot/vmlinuz-linux
common usr/lib $v
ln -s usr/lib i/lib
echo 'MODULES="ext4"' > i/config
echo : > i/buildconfig
: > i/init_functions
printf 'MODULES=(ext4)\nHOOKS=(base)\n' > arch/etc/mkinitcpio.conf
image i arch/boot/initramfs-linux.img zstd -q
proves arch arch/boot/initramfs-linux.img $v
grep -q '^MODULES=(ext4 virtio_pci virtio_blk nvme)$' arch/etc/mkinitcpio.conf || fail "mkinitcpio.conf"
[ "$(. ./u/config && echo "$MODULES")" = "ext4 virtio_pci virtio_blk nvme" ] || fail "/config"
undone

# --- Alpine: mkinitfs
v=6.6.58-0-lts
linux alpine alpine
modtree alpine/lib/modules $v "gzip -9n" .gz
: > alpine/boot/vmlinuz-lts
common lib $v
mkdir -p i/sbin alpine/etc/mkinitfs
: > i/sbin/nlplug-findfs
echo 'features="base ext4"' > alpine/etc/mkinitfs/mkinitfs.conf
image i alpine/boot/initramfs-lts gzip -9n
proves alpine alpine/boot/initramfs-lts $v
grep -q '^features="base ext4 rehost"$' alpine/etc/mkinitfs/mkinitfs.conf || fail "mkinitfs.conf"
grep -q '^kernel/drivers/nvme.ko\*$' alpine/etc/mkinitfs/features.d/rehost.modules || fail "features.d"
undone

# --- SUSE 11: mkinitrd
v=3.0.101-63-default
linux suse sles
modtree suse/lib/modules $v
: > suse/boot/vmlinuz-$v
common lib $v
mkdir -p i/boot i/sbin suse/etc/sysconfig
: > i/run_all.sh
: > i/sbin/udevd
echo 'INITRD_MODULES="ahci"' > suse/etc/sysconfig/kernel
image i suse/boot/initrd-$v gzip -9n
proves suse suse/boot/initrd-$v $v
grep -q '^INITRD_MODULES="ahci virtio_pci virtio_blk nvme"$' suse/etc/sysconfig/kernel || fail "sysconfig/kernel"
undone

# --- Ubuntu with kernel 5.4: what follows an lz4 archive is lost there
v=5.4.0-26-generic
linux ubuntu ubuntu merged
modtree ubuntu/usr/lib/modules $v
: > ubuntu/boot/vmlinuz-$v
common usr/lib $v
ln -s usr/lib i/lib
mkdir -p i/conf i/scripts i/usr/lib/systemd
: > i/conf/initramfs.conf
: > i/scripts/functions
: > i/usr/lib/systemd/systemd-udevd
image i ubuntu/boot/initrd.img-$v lz4 -lq -
proves ubuntu ubuntu/boot/initrd.img-$v $v
[ "$(head -c 2 ubuntu/boot/initrd.img-$v | od -An -tx1 | tr -d ' ')" = 1f8b ] || fail "it still begins with lz4"
undone

# --- Red Hat 5: nash loads by name
v=2.6.18-398.el5
linux rhel5 rhel
printf 'Red Hat Enterprise Linux Server release 5.11\n' > rhel5/etc/redhat-release
modtree rhel5/lib/modules $v
sed -i "s#kernel/#/lib/modules/$v/kernel/#g" rhel5/lib/modules/$v/modules.dep
: > rhel5/boot/vmlinuz-$v
rm -rf i
mkdir -p i/lib i/bin
cp mods/ahci.ko i/lib/
printf '#!/bin/nash\nmount -t proc /proc /proc\ninsmod /lib/ahci.ko\nmkblkdevs\nmkrootdev -t ext3 /dev/root\n' > i/init
chmod 755 i/init
echo 'alias scsi_hostadapter ahci' > rhel5/etc/modprobe.conf
image i rhel5/boot/initrd-$v.img gzip -9n
guest=rhel5
picture rhel5 > before
expect_status 0 adapt --yes
rm -rf u
unpack rhel5/boot/initrd-$v.img u
[ "$(sed -n '/insmod/s/.*lib.//p;/mkblkdevs/p' u/init | tr '\n' ' ')" = "ahci.ko virtio_ring.ko virtio.ko virtio_pci.ko virtio_blk.ko nvme.ko mkblkdevs " ] ||
	fail "nash's init: $(cat u/init)"
cmp u/lib/virtio_blk.ko mods/virtio_blk.ko
grep -q '^alias scsi_hostadapter1 virtio_pci$' rhel5/etc/modprobe.conf || fail "modprobe.conf"
picture rhel5 > before2
expect_status 0 adapt --yes
picture rhel5 > now
cmp before2 now
undone

# --- a device that nothing drives; a kernel without an initramfs
sed 's/00001042/0000FFFF/; s/virtio:d00000002/virtio:d00000099/' target.json > strange.json
guest=rhel5
expect_status 3 rehost-adapt --root rhel5 --volumes volumes.json --hardware strange.json --target vda --dry-run --json
json out '[d["systems"][0]["verdict"], d["systems"][0]["missing"][0]["modalias"], d["systems"][0]["missing"][0]["fatal"]]' > said
grep -q "'will-not-boot', 'virtio:d00000099v00001AF4', True" said || { cat out; fail "a missing driver: $(cat said)"; }
rm rhel5/boot/initrd-$v.img
expect_status 3 adapt --dry-run
grep -q 'WILL NOT BOOT' out || fail "no initramfs, and it is to boot"
