#!/bin/sh
# A loop device and the file behind it are the same bytes: neither is a place for
# the other's image, and what is mounted from one is in use by both.
. "$REHOST_TOP/tests/lib/lib.sh"
own_mounts
. "$REHOST_TOP/tests/lib/disks.sh"
requires losetup mke2fs
[ "$(id -u)" = 0 ] || skip "needs root for loop devices"
fill_ext fs.img 16
expect_status 0 rehost capture fs.img fs.rhi
sum=$(sha256sum < fs.img)
dev=$(losetup -f --show fs.img 2>err) || skip "no loop device: $(cat err)"
at_exit "losetup -d $dev"
refused() { # WHY COMMAND...
	why=$1
	shift
	expect_status 4 "$@"
	grep -q "$why" err || fail "'$*' doesn't say \"$why\": $(cat err)"
}
ln fs.img other-name
refused "which is to be captured" rehost capture --overwrite "$dev" fs.img
refused "which is to be captured" rehost capture --overwrite "$dev" other-name
[ "$sum" = "$(sha256sum < fs.img)" ] || fail "the source was touched"
# an image that is larger than its disk: random bytes don't become fewer
head -c 1048576 /dev/urandom > raw.img
expect_status 0 rehost capture raw.img raw.rhi
dev2=$(losetup -f --show raw.rhi 2>err) || skip "one loop device only: $(cat err)"
at_exit "losetup -d $dev2"
image=$(sha256sum < raw.rhi)
refused "the image raw.rhi lies on" rehost restore --yes raw.rhi "$dev2"
# standard input and output count like named ones
status=0
rehost capture "$dev" - >> fs.img 2>err || status=$?
[ $status = 4 ] || fail "the source on standard output: $status, $(cat err)"
status=0
rehost capture fs.img - 1<>"$dev" 2>err || status=$?
[ $status = 4 ] || fail "the source's loop device on standard output: $status, $(cat err)"
status=0
rehost restore --yes - "$dev2" < raw.rhi 2>err || status=$?
[ $status = 4 ] || fail "the image on standard input: $status, $(cat err)"
[ "$sum" = "$(sha256sum < fs.img)" ] || fail "the source was touched"
[ "$image" = "$(sha256sum < raw.rhi)" ] || fail "the image was touched"
mkdir mnt
mount "$dev" mnt 2>err || skip "no mount: $(cat err)"
at_exit "umount $PWD/mnt"
refused "read-write" rehost capture fs.img fs2.rhi
refused "which is to be captured" rehost capture --yes fs.img mnt/fs2.rhi
mount -o remount,ro mnt
expect_status 0 rehost capture fs.img fs2.rhi
# mounted where this process doesn't see it
umount mnt
mkfifo ready end
unshare -m sh -c "mount $dev mnt && echo >ready && cat end" 2>err &
timeout 10 cat ready >/dev/null || skip "no mount namespace: $(cat err)"
echo > end.txt
refused "kernel says" rehost capture --overwrite "$dev" fs2.rhi
refused "kernel says" rehost restore --yes fs.rhi "$dev"
expect_status 3 rehost capture --yes --overwrite "$dev" fs2.rhi
cat end.txt > end
wait
mount "$dev" mnt
