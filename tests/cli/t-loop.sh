#!/bin/sh
# Real block devices (loop): mounted, held and source disks are refused.  Needs
# root and loop devices, and is skipped without.
. "$REHOST_TOP/tests/lib/lib.sh"
own_mounts
. "$REHOST_TOP/tests/lib/disks.sh"
requires losetup mke2fs sfdisk e2fsck
[ "$(id -u)" = 0 ] || skip "needs root for loop devices"
# where other tests' mounts don't come into the picture
export REHOST_RUN_DIR="$PWD/run"
fill_ext fs.img 24
fill_ext fs2.img 24
dev=$(losetup -f --show fs.img 2>err) || skip "no loop device: $(cat err)"
at_exit "losetup -d $dev"
expect_status 0 rehost capture "$dev" fs.rhi
expect_status 0 rehost disks --json "$dev"
[ "$(json out 'd["disks"][0]["filesystem"]["fs"]')" = ext4 ] || fail "$(cat out)"
expect_status 0 rehost restore --yes fs.rhi "$dev"
# the file behind a loop device
expect_status 4 rehost restore --yes fs.rhi fs.img
grep -q "losetup -d" err || fail "$(cat err)"
# a partition of the source as place is refused before it is mounted
expect_status 4 rehost capture "$dev" "dev://$dev/a.rhi"
grep -q "which is to be captured" err || fail "$(cat err)"
# a place on a device: written, then only read, without a trace
dev2=$(losetup -f --show fs2.img) || skip "one loop device only"
at_exit "losetup -d $dev2"
expect_status 0 rehost capture "$dev" "dev://$dev2/images/fs.rhi"
sync
sum=$(sha256sum < fs2.img)
expect_status 0 rehost verify "dev://$dev2/images/fs.rhi"
expect_status 0 rehost info --json "dev://$dev2/images/fs.rhi"
sync
[ "$sum" = "$(sha256sum < fs2.img)" ] || fail "reading an image changed the disk it lies on"
expect_status 4 rehost restore --yes "dev://$dev2/images/fs.rhi" "$dev2"
! grep -q " $PWD/" /proc/self/mountinfo || fail "still mounted: $(cat /proc/self/mountinfo)"
# chosen partitions to a partition by its own name: its disk's table says what it is for
truncate -s 16M from.img table.img
printf 'label: dos\nstart=2048,size=8192,type=83\n' | sfdisk -q from.img
printf 'label: dos\nstart=2048,size=8192,type=82\nsize=8192,type=83\n' | sfdisk -q table.img
truncate -s 4M small.fs
mke2fs -q -F small.fs
dd if=small.fs of=from.img bs=1M seek=1 conv=notrunc status=none
rehost capture --no-systems from.img from.rhi 2>/dev/null
dev3=$(losetup -f --show table.img) || skip "two loop devices only"
at_exit "losetup -d $dev3"
if partx -a "$dev3" 2>err && at_exit "partx -d $dev3" &&
	for i in 1 2; do
		# shellcheck disable=SC2046
		mknod "t$i" b $(tr : ' ' <"/sys/block/${dev3#/dev/}/${dev3#/dev/}p$i/dev") || break
	done && [ -b t2 ]; then
	expect_status 4 rehost restore --yes --only 1 from.rhi t1
	grep -q "partition 1 of $dev3 has the type 0x82" err || fail "$(cat err)"
	expect_status 0 rehost restore --yes --verify --only 1 from.rhi t2
	e2fsck -fn t2 >out 2>&1 || fail "$(cat out)"
	rm t1 t2
fi
# another sector size than the image's
truncate -s 24M big-sectors.img
dev4k=$(losetup -b 4096 -f --show big-sectors.img 2>err) || skip "no 4096 byte sectors: $(cat err)"
at_exit "losetup -d $dev4k"
expect_status 4 rehost restore --yes fs.rhi "$dev4k"
grep -q "4096" err || fail "$(cat err)"
mkdir mnt
mount "$dev" mnt 2>err || skip "no mount: $(cat err)"
at_exit "umount $PWD/mnt"
expect_status 4 rehost restore --yes fs.rhi "$dev"
grep -q "mounted on $PWD/mnt" err || fail "$(cat err)"
expect_status 4 rehost capture "$dev" fs3.rhi
grep -q "read-write" err || fail "$(cat err)"
expect_status 3 rehost capture --yes "$dev" fs3.rhi
grep -q "was in use" err || fail "$(cat err)"
# an image on the file system of the disk itself
expect_status 4 rehost capture --yes "$dev" mnt/fs.rhi
grep -q "which is to be captured" err || fail "$(cat err)"
cp fs.rhi mnt/
expect_status 4 rehost restore --yes mnt/fs.rhi "$dev"
grep -q "lies on" err || fail "$(cat err)"
# --yes doesn't help where data would be lost; read-only mounts are good sources
mount -o remount,ro mnt
expect_status 0 rehost capture --overwrite "$dev" fs3.rhi
expect_status 4 rehost restore --yes fs.rhi "$dev"
# an image of 4096 byte sectors into a file, wherever it lies
expect_status 0 rehost capture "$dev4k" big.rhi
shm=$(mktemp -d -p /dev/shm 2>err) || skip "no /dev/shm: $(cat err)"
at_exit "rm -rf $shm"
expect_status 0 rehost restore big.rhi "$shm/big.img"
