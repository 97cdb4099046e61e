#!/bin/sh
# What is refused (4) before anything is written, on files.
# rehost-test: san
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
linux_disk disk.img
expect_status 0 rehost capture disk.img disk.rhi
sum=$(sha256sum disk.rhi)
refused() { # WHY COMMAND...
	why=$1
	shift
	expect_status 4 "$@"
	grep -q "$why" err || fail "'$*' doesn't say \"$why\": $(cat err)"
}
# an image that is there
refused "there already" rehost capture disk.img disk.rhi
[ "$sum" = "$(sha256sum disk.rhi)" ] || fail "the image was touched"
expect_status 0 rehost capture --overwrite disk.img disk.rhi
expect_status 0 rehost verify disk.rhi
# the source as target
cp disk.img copy.img
refused "is the source" rehost capture --overwrite copy.img copy.img
ln copy.img other-name
refused "is the source" rehost capture --overwrite copy.img other-name
cmp disk.img copy.img
# the image as target
refused "the image itself" rehost restore --yes disk.rhi disk.rhi
# no terminal, no --yes: a target with content is left alone
cp disk.img target.img
refused "no terminal" rehost restore disk.rhi target.img
cmp disk.img target.img
grep -q "target.img" err || fail "the target isn't shown"
grep -q "ext4" err || fail "what would be lost isn't shown: $(cat err)"
# a disk that must have a serial number, which a file never has
refused "not the disk that was meant" rehost restore --yes --expect-serial S3Z9 disk.rhi target.img
cmp disk.img target.img
: > none.img
refused "not the disk that was meant" rehost restore --yes --expect-serial S3Z9 disk.rhi none.img
refused "no such disk" rehost restore --yes --expect-serial S3Z9 disk.rhi new.img
[ ! -s none.img ] && [ ! -e new.img ] || fail "a file was written in place of a disk"
# too small: nothing is written, and the message says how much is missing
truncate -s 20M small.img
refused "missing\|too small" rehost restore --yes disk.rhi small.img
[ "$(tr -d '\0' < small.img | wc -c)" = 0 ] || fail "something was written"
rehost capture disk.img - 2>/dev/null | status_of rehost restore --yes - small.img > st
[ "$(cat st)" = 4 ] || fail "from a pipe: $(cat st) $(cat err)"
# an empty file is like one that is not there
: > empty.img
expect_status 0 rehost restore disk.rhi empty.img
same_used disk.img empty.img
# things that are no disk
refused "not a regular file" rehost capture --overwrite disk.img /dev/null
expect_status 2 rehost capture /dev/null x.rhi
expect_status 1 rehost restore --yes disk.rhi /dev/no-such-disk
[ ! -e /dev/no-such-disk ] || fail "a file was made in /dev"
expect_status 1 rehost capture no-such-disk x.rhi
expect_status 1 rehost capture disk.img no/such/dir/x.rhi
no_part .
