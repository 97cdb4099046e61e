#!/bin/sh
# A GPT disk with ESP, ext4 and swap: capture, info, verify, restore to a larger
# disk; judged by sgdisk, e2fsck, fsck.fat, mtools.
# rehost-test: san
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
requires sgdisk e2fsck fsck.fat debugfs
linux_disk disk.img
expect_status 0 rehost capture --verify disk.img disk.rhi
digest=$(sed -n 's/^digest: //p' err)
no_part .
expect_status 0 rehost info --json disk.rhi
[ "$(json out 'd["complete"]')" = True ] || fail "not complete"
[ "$(json out 'd["digest"]')" = "$digest" ] || fail "another digest than capture printed"
[ "$(json out 'd["disk_size"]')" = 67108864 ] || fail "disk_size"
[ "$(json out '[p["fs"] for p in d["disk"]["partitions"]]')" = "['vfat', 'ext4', 'swap']" ] ||
	fail "partitions: $(cat out)"
[ "$(json out 'd["hardware"]["cpu"]["arch"]')" = "$(uname -m)" ] || fail "hardware"
json out '"mounted" in str(d) or "in_use" in str(d)' | grep -qx False || fail "passing facts stored"
# the ext4 file system is mostly empty
[ "$(json out 'd["used_bytes"] < 20e6')" = True ] || fail "too much is used: $(cat out)"
expect_status 0 rehost verify --json disk.rhi
[ "$(json out '(d["ok"], d["bad"], d["digest"])')" = "(True, [], '$digest')" ] || fail "verify: $(cat out)"

truncate -s 80M target.img
head -c 80M /dev/zero | tr '\0' '\125' > target.img
expect_status 0 rehost restore --yes --verify disk.rhi target.img
grep -q "$digest" err || fail "restore printed another digest"
sgdisk -v target.img > sgdisk.out || fail "sgdisk -v: $(cat sgdisk.out)"
grep -q "No problems found" sgdisk.out || fail "sgdisk: $(cat sgdisk.out)"
part target.img 9 40 root
e2fsck -fn root > e2fsck.out 2>&1 || fail "e2fsck: $(cat e2fsck.out)"
[ "$(debugfs -R 'cat /etc/motd' root 2>/dev/null)" = "made for a test" ] || fail "motd"
debugfs -R 'cat /home/numbers' root 2>/dev/null | cmp - "$(seq 1 60000 > n; echo n)"
part target.img 1 8 esp
fsck.fat -n esp > fsck.out || fail "fsck.fat: $(cat fsck.out)"
mcopy -i esp ::/grubx64.efi - | cmp - "$(seq 1 20000 > g; echo g)"
[ "$(blkid -p -o value -s TYPE -O $((49 * 1048576)) target.img)" = swap ] || fail "no swap"

# a file that is not there is made, with the disk's size
expect_status 0 rehost restore disk.rhi new.img
[ "$(stat -c %s new.img)" = 67108864 ] || fail "size of the new file"
same_used disk.img new.img
