#!/bin/sh
# `-` as target and source of images.
# rehost-test: san
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
linux_disk disk.img
rehost capture disk.img - 2>err1 | rehost restore --yes - target.img 2>err2 || fail "$(cat err1 err2)"
same_used disk.img target.img
# the same bytes as in a file can be restored from a pipe, and the other way
rehost capture disk.img - > piped.rhi 2>err
expect_status 0 rehost verify piped.rhi
expect_status 0 rehost restore piped.rhi t2.img
cmp target.img t2.img
rehost verify - < piped.rhi 2>err || fail "verify from a pipe: $(cat err)"
# a torn stream is no success, and makes no target that looks like a disk
[ "$(stat -c %s piped.rhi)" -gt 300000 ] || fail "the image is too small for this test"
head -c 300000 piped.rhi > torn
st=0
rehost restore --yes - t3.img < torn 2>err || st=$?
[ $st = 1 ] || fail "a torn stream gave status $st"
[ ! -e t3.img ] || fail "the target of a torn stream was left"
cp disk.img t4.img
st=0
rehost restore --yes - t4.img < torn 2>err || st=$?
[ $st = 1 ] || fail "a torn stream gave status $st"
! sfdisk -d t4.img >/dev/null 2>&1 || fail "a half restored disk has a partition table"
# what can't be: a terminal is asked nothing here, nothing to read twice
expect_status 2 rehost capture --verify disk.img -
expect_status 2 rehost restore --verify - target.img
expect_status 2 rehost info -
expect_status 2 rehost capture disk.img disk.img -
for option in "--checkpoint 5" --overwrite; do
	# shellcheck disable=SC2086
	expect_status 2 rehost capture $option disk.img -
	[ ! -s out ] && grep -q -e "${option% *} .*pipe" err || fail "$option: $(cat err)"
done
# fewer workers than asked for, where they have no room: told
expect_status 0 rehost capture --level small --workers 16 disk.img w.rhi
grep -q "^note: --workers 16: there was memory for 5$" err || fail "$(cat err)"
expect_status 0 rehost capture --level fast --workers 2 --overwrite disk.img w.rhi
! grep -q -e "--workers" err || fail "$(cat err)"
: | status_of rehost restore --yes - target.img | grep -qx 1 || fail "an empty stream was taken"
