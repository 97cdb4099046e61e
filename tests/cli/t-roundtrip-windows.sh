#!/bin/sh
# An MBR disk with NTFS, judged by ntfsfix, ntfscat and cmp.
# rehost-test: san
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
requires ntfsfix ntfscat
windows_disk disk.img
expect_status 0 rehost capture --level small disk.img disk.rhi
expect_status 0 rehost restore disk.rhi target.img
same_used disk.img target.img
sfdisk -d disk.img | sed 's/disk.img/target.img/' > before
sfdisk -d target.img | cmp - before || fail "another partition table"
part disk.img 1 40 a
part target.img 1 40 b
ntfsfix -n b > ntfsfix.out 2>&1 || fail "ntfsfix: $(cat ntfsfix.out)"
for f in numbers.txt random.bin; do
	ntfscat a $f > a.$f
	ntfscat b $f | cmp - a.$f || fail "$f differs"
	[ -s a.$f ] || fail "$f is empty"
done
# NTFS' backup boot sector, the partition's last
tail -c 512 a | cmp - "$(tail -c 512 b > last; echo last)"
