#!/bin/sh
# An image as files: rehost mount, and put together as a guest without restoring
# it.  Needs root, FUSE and loop devices.
# rehost-test: san
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
requires losetup mke2fs sfdisk fusermount3
[ "$(id -u)" = 0 ] || skip "needs root for mounting"
[ -e /dev/fuse ] || skip "no /dev/fuse"
assemble=$REHOST_B/tests/tools/assemble
export REHOST_RUN_DIR="$PWD/run"
truncate -s 64M disk.img
printf 'label: gpt\nstart=2048,size=20480,name=boot\nstart=22528,size=102400,name=root\n' | sfdisk -q disk.img
mkdir -p root/etc root/boot root/home boot mnt
echo 'ID=test' > root/etc/os-release
printf 'PARTLABEL=boot /boot ext4 defaults 0 2\n' > root/etc/fstab
echo kernel > boot/vmlinuz
head -c 6000000 /dev/urandom > root/home/random
mke2fs -q -F -t ext4 -d boot -E offset=$((2048 * 512)) disk.img 10240k
mke2fs -q -F -t ext4 -d root -E offset=$((22528 * 512)) disk.img 51200k
expect_status 0 rehost capture disk.img a.rhi
expect_status 0 rehost capture --only root disk.img some.rhi
served() { # processes that serve a.rhi here: they have it open
	find /proc/[0-9]*/fd -lname "$PWD/a.rhi" 2>/dev/null | wc -l
}
ended() {
	i=0
	while [ "$(served)" != 0 ]; do
		i=$((i + 1))
		[ $i -lt 100 ] || fail "the serving process goes on"
		sleep 0.1
	done
}

# --- rehost mount
expect_status 0 rehost mount a.rhi mnt
at_exit "umount -l '$PWD/mnt' 2>/dev/null || :"
grep -q "umount mnt" err || fail "$(cat err)"
[ "$(ls mnt | tr '\n' ' ')" = "disk.img part1.img part2.img " ] || fail "$(ls -l mnt)"
mkdir few
expect_status 0 rehost mount some.rhi few
[ "$(ls few | tr '\n' ' ')" = "disk.img part2.img " ] || fail "what isn't in the image is shown: $(ls few)"
umount few
[ "$(stat -c %s mnt/disk.img)" = 67108864 ] || fail "$(ls -l mnt)"
! sh -c ': >> mnt/disk.img' 2>/dev/null || fail "it could be written"
# the same as after a restore
expect_status 0 rehost restore a.rhi copy.img
cmp copy.img mnt/disk.img || fail "not the bytes of the image"
cmp copy.img mnt/part2.img -i $((22528 * 512)):0 -n $((102400 * 512)) || fail "part2.img lies elsewhere"
e2fsck -fn mnt/part2.img >out 2>&1 || fail "$(cat out)"
[ "$(served)" != 0 ] || fail "nobody serves it?"
umount mnt
ended
expect_status 0 rehost mount a.rhi mnt
fusermount3 -u mnt
ended
# --- refused
expect_status 2 rehost mount - mnt
expect_status 2 rehost mount a.rhi a.rhi
expect_status 1 rehost mount disk.img mnt
grep -q "image" err || fail "$(cat err)"
expect_status 1 rehost mount nothing.rhi mnt
! grep -q "$PWD/mnt" /proc/self/mountinfo || fail "it is mounted all the same"

# --- the guest in it
sum=$(sha256sum < a.rhi)
expect_status 0 "$assemble" -i -x 'cat boot/vmlinuz; sha256sum < home/random' a.rhi
grep -qx kernel out || fail "$(cat out err)"
grep -q "$(sha256sum < root/home/random)" out || fail "another content: $(cat out)"
ended
[ "$sum" = "$(sha256sum < a.rhi)" ] || fail "the image was changed"
[ -z "$(ls run)" ] || fail "left behind: $(ls -R run)"
# killed: all goes down, the FUSE process last
rm out
"$assemble" -i -s 60 a.rhi > up 2>err &
pid=$!
i=0
until [ -s up ]; do
	i=$((i + 1))
	[ $i -lt 300 ] || fail "it never came up: $(cat err)"
	sleep 0.1
done
kill -9 $pid
wait $pid 2>/dev/null || :
ended
! losetup -a | grep -q disk.img || fail "left: $(losetup -a)"
# a damaged chunk: an error with its place, not wrong bytes
/usr/bin/python3 - <<'END'
d = bytearray(open("a.rhi", "rb").read())
at = len(d) // 2
d[at] ^= 1
open("a.rhi", "wb").write(d)
END
expect_status 1 "$assemble" -i -x 'sha256sum < home/random' a.rhi
grep -q "a.rhi: the chunk record at offset" err || fail "$(cat err)"
