#!/bin/sh
# A guest's file systems put together: ext4 with /boot of its own, the journals of
# ext4, XFS and Btrfs, Btrfs subvolumes, links that would lead out, what is
# refused, and nothing left behind.  Needs root, loop devices, and mounting.
# rehost-test: san only
. "$REHOST_TOP/tests/lib/lib.sh"
own_mounts
requires losetup mke2fs sfdisk mkfs.xfs mkfs.btrfs btrfs
assemble=$REHOST_B/tests/tools/assemble
[ "$(id -u)" = 0 ] || skip "needs root for loop devices and mounting"
boot_uuid=11111111-2222-3333-4444-555555555555
mkdir mnt
new_tree() { # a Linux, as little as is needed
	rm -rf root boot
	mkdir -p root/etc root/boot root/usr/lib root/var boot
	echo 'ID=test' > root/usr/lib/os-release
	ln -s ../usr/lib/os-release root/etc/os-release
	printf '# comment\n/dev/sda2 / ext4 defaults 0 1\nUUID=%s /boot ext4 defaults 0 2\n' $boot_uuid > root/etc/fstab
	echo kernel > boot/vmlinuz
}
two_parts() { # FILE: ext4 /boot, ext4 /
	truncate -s 64M "$1"
	printf 'label: dos\nstart=2048,size=20480,type=83\nstart=22528,type=83\n' | sfdisk -q "$1"
	mke2fs -q -F -t ext4 -U $boot_uuid -d boot -E offset=$((2048 * 512)) "$1" 10240k
	mke2fs -q -F -t ext4 -d root -E offset=$((22528 * 512)) "$1" 51200k
}
nothing_left() {
	! losetup -a | grep -q "$PWD" || fail "loop devices are left: $(losetup -a)"
	! grep -q rehost/guest- /proc/self/mountinfo || fail "mounts are left: $(cat /proc/self/mountinfo)"
	[ -z "$(ls -d "$REHOST_RUN_DIR"/guest-* 2>/dev/null)" ] || fail "left: $(ls -R "$REHOST_RUN_DIR")"
}
# dirty FILE: a copy of the mounted file system, as after a power cut
dirty() {
	mount -o loop "$1" mnt
	sync -f mnt
	echo late > mnt/etc/late
	sync mnt/etc/late # only this file: into the journal
	cp --sparse=always "$1" "$1.cut"
	umount mnt
	mv "$1.cut" "$1"
}
export REHOST_RUN_DIR="$PWD/run"
new_tree
two_parts d.img
loop=$(losetup -f --show d.img 2>err) || skip "no loop device: $(cat err)"
mount -o offset=$((22528 * 512)) "$loop" mnt 2>err || { losetup -d "$loop"; skip "no mount: $(cat err)"; }
at_exit "umount '$PWD/mnt' 2>/dev/null || :; detach '$PWD/d.img'"

# --- refused: mounted by somebody else
expect_status 4 "$assemble" -w "$loop"
grep -q "in use" err || fail "$(cat err)"
expect_status 4 "$assemble" d.img
umount mnt
losetup -d "$loop"

# --- ext4 with /boot, read-only: not a byte changes
sum=$(sha256sum < d.img)
expect_status 0 "$assemble" -x 'cat boot/vmlinuz && ! touch etc/x 2>/dev/null && grep -c nodev,noexec /proc/self/mountinfo' d.img
grep -qx kernel out || fail "$(cat out err)"
grep -qx 2 out || fail "mounted otherwise: $(cat out)"
head -n -2 out > doc
[ "$(json doc '[v.get("mounted") for v in d["roots"][0]["volumes"]["volumes"]]')" = "['/boot', '/']" ] || fail "$(cat doc)"
[ "$(json doc 'd["volumes"]["disks"][0]["table"], d["volumes"]["volumes"][1]["part"], d["notes"], d["warnings"]')" = "('dos', 2, [], [])" ] ||
	fail "$(cat doc)"
[ "$sum" = "$(sha256sum < d.img)" ] || fail "reading changed the disk"
nothing_left

# --- not without a person's word
expect_status 4 rehost-adapt --profile kvm d.img </dev/null
grep -q "no terminal to ask" err || fail "$(cat err)"
[ "$sum" = "$(sha256sum < d.img)" ] || fail "a refusal changed the disk"

# --- written
expect_status 0 "$assemble" -w -x 'echo new > boot/new && echo hi > etc/hi' d.img
[ "$(debugfs -R 'cat /new' "d.img?offset=$((2048 * 512))" 2>/dev/null)" = new ] || fail "/boot was not written"
[ "$(debugfs -R 'cat /etc/hi' "d.img?offset=$((22528 * 512))" 2>/dev/null)" = hi ] || fail "/ was not written"
nothing_left

# --- killed: a helper takes all down
rm out
"$assemble" -s 60 d.img > up 2>err &
pid=$!
i=0
until [ -s up ]; do
	i=$((i + 1))
	[ $i -lt 200 ] || fail "it never came up: $(cat err)"
	sleep 0.1
done
losetup -a | grep -q "$PWD/d.img" || fail "no loop device is in use"
kill -9 $pid
wait $pid 2>/dev/null || :
i=0
while losetup -a | grep -q "$PWD" || ls -d run/guest-* >/dev/null 2>&1; do
	i=$((i + 1))
	[ $i -lt 200 ] || break
	sleep 0.1
done
nothing_left

# --- fstab and links that want to lead out
new_tree
rmdir root/boot
mkdir outside
ln -s "$PWD/outside" root/boot
printf '/dev/sda2 / ext4 defaults 0 1\nUUID=%s /boot ext4 defaults\n/dev/sda9 /var ext4 defaults\nUUID=%s /etc ext4 defaults\n' \
	$boot_uuid $boot_uuid > root/etc/fstab
two_parts links.img
expect_status 0 "$assemble" -x 'ls etc/fstab' links.img
grep -qx etc/fstab out || fail "/etc was mounted over: $(cat out err)"
[ -z "$(ls outside)" ] || fail "it was mounted outside of the guest"
head -n -1 out > doc
json doc '" ".join(d["warnings"])' | grep -q "/var is to be on /dev/sda9, which is on none" || fail "$(cat doc)"

# --- journals
new_tree
echo 'UUID=none / auto' > root/etc/fstab
one() { # ext4 xfs btrfs: the file one.img, a file system on a whole disk
	rm -f one.img
	truncate -s "$2" one.img
	"mkfs.$1" -q one.img 2>&1
	mount -o loop one.img mnt
	cp -a root/. mnt/
	umount mnt
}
for fs in ext4 xfs btrfs; do
	case $fs in ext4) size=32M ;; xfs) size=320M ;; *) size=128M ;; esac
	one $fs $size
	expect_status 0 "$assemble" one.img
	[ "$(json out 'd["roots"][0]["volumes"]["volumes"][0]["type"], d["notes"]')" = "('$fs', [])" ] || fail "$fs: $(cat out err)"
	dirty one.img
	sum=$(sha256sum < one.img)
	expect_status 0 "$assemble" one.img
	json out 'd["notes"]' | grep -q "its journal is to be replayed" || fail "$fs: $(cat out)"
	[ "$sum" = "$(sha256sum < one.img)" ] || fail "$fs: reading changed the disk"
	expect_status 0 "$assemble" -w -x 'cat etc/late' one.img
	grep -qx late out || fail "$fs: not replayed: $(cat out err)"
	grep -q "its journal was replayed" out || fail "$fs: $(cat out)"
	expect_status 0 "$assemble" one.img
	[ "$(json out 'd["notes"]')" = "[]" ] || fail "$fs: still dirty: $(cat out)"
	nothing_left
done

# --- Btrfs: the subvolume that its own fstab names, not its copies
rm -f sub.img
truncate -s 128M sub.img
mkfs.btrfs -q sub.img 2>&1
mount -o loop sub.img mnt
btrfs -q subvolume create mnt/@ >/dev/null
btrfs -q subvolume create mnt/@var >/dev/null
btrfs -q subvolume create mnt/@other >/dev/null
cp -a root/. mnt/@/
cp -a root/. mnt/@other/
echo in-var > mnt/@var/file
uuid=$(findmnt -no UUID mnt)
printf 'UUID=%s / btrfs subvol=/@ 0 0\nUUID=%s /var btrfs compress=zstd,subvol=@var 0 0\n' "$uuid" "$uuid" > mnt/@/etc/fstab
printf 'UUID=%s / btrfs subvol=/@other 0 0\n' "$uuid" > mnt/@other/etc/fstab
btrfs -q subvolume snapshot mnt/@ mnt/@old >/dev/null
btrfs -q subvolume snapshot -r mnt/@ mnt/snapshot-1 >/dev/null
umount mnt
expect_status 0 "$assemble" -x 'cat var/file' sub.img
grep -qx in-var out || fail "$(cat out err)"
head -n -1 out > doc
[ "$(json doc '[r["subvol"] for r in d["roots"]]')" = "['@', '@other']" ] || fail "$(cat doc)"
# the default subvolume, as openSUSE has it
mount -o loop sub.img mnt
echo 'UUID=x / btrfs defaults 0 0' > mnt/@other/etc/fstab
btrfs -q subvolume delete mnt/@ >/dev/null
btrfs -q subvolume delete mnt/@old >/dev/null
btrfs subvolume set-default mnt/@other
umount mnt
expect_status 0 "$assemble" -w -x 'echo x > etc/written' sub.img
[ "$(json out 'len(d["roots"]), d["roots"][0]["subvol"]')" = "(1, '')" ] || fail "$(cat out)"
mount -o loop,subvol=/@other sub.img mnt
[ -f mnt/etc/written ] || fail "not written to the default subvolume"
umount mnt
# two devices
rm -f b1.img b2.img
truncate -s 128M b1.img b2.img
mkfs.btrfs -q -d raid0 b1.img b2.img 2>err || fail "$(cat err)"
l1=$(losetup -f --show b1.img) l2=$(losetup -f --show b2.img)
at_exit "detach '$PWD/b1.img' '$PWD/b2.img'"
mount -o "device=$l2" "$l1" mnt
cp -a root/. mnt/
umount mnt
losetup -d "$l1" "$l2"
expect_status 0 "$assemble" b1.img b2.img
[ "$(json out 'len(d["roots"])')" = 1 ] || fail "$(cat out err)"
expect_status 0 "$assemble" -w -x 'echo x > etc/written' b1.img b2.img
nothing_left

# --- hibernated: swap partition, swap file
truncate -s 64M sleep.img
printf 'label: gpt\nstart=2048,size=16384,type=S\nsize=81920,name=root\n' | sfdisk -q sleep.img
mke2fs -q -F -t ext4 -d root -E offset=$((18432 * 512)) sleep.img 40960k
mkswap -q --offset $((2048 * 512)) sleep.img 2>/dev/null || {
	truncate -s 8M swap
	mkswap -q swap
	dd if=swap of=sleep.img bs=1M seek=1 conv=notrunc status=none
}
expect_status 0 "$assemble" -w sleep.img
printf S1SUSPEND | dd of=sleep.img bs=1 seek=$((2048 * 512 + 4086)) conv=notrunc status=none
sum=$(sha256sum < sleep.img)
expect_status 4 "$assemble" -w sleep.img
grep -q "hibernated.*mkswap -U" err || fail "$(cat err)"
[ "$sum" = "$(sha256sum < sleep.img)" ] || fail "a hibernated guest was changed"
expect_status 0 "$assemble" sleep.img
json out 'd["notes"]' | grep -q "partition 1 of sleep.img: a hibernated system" || fail "$(cat out)"
head -c 65536 /dev/zero > root/swapfile
printf ULSUSPEND | dd of=root/swapfile bs=1 seek=4086 conv=notrunc status=none
echo '/swapfile none swap sw 0 0' >> root/etc/fstab
truncate -s 32M file.img
mke2fs -q -F -t ext4 -d root file.img
expect_status 4 "$assemble" -w file.img
grep -q "hibernated to a swap file" err || fail "$(cat err)"
nothing_left
