#!/bin/sh
# A full destination: status 1, a clear message, nothing left that looks like an
# image.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
requires "${CC:-gcc}"
fill_ext disk.img 16
# a limit on the size of files: EFBIG, as on FAT with 4 GB
( ulimit -f 200; status_of rehost capture disk.img disk.rhi ) > st
[ "$(cat st)" = 1 ] || fail "status $(cat st): $(cat err)"
grep -qi "too large" err || fail "$(cat err)"
no_part .
[ ! -e disk.rhi ] || fail "an image was made"
# a pipe's reader that has no room
st=0
rehost capture disk.img - 2>err >/dev/full || st=$?
[ $st = 1 ] || fail "status $st"
grep -qi "no space" err || fail "$(cat err)"
# a reader that goes away
st=0
(rehost capture disk.img - 2>err || echo $? >st2) | head -c 1000 >/dev/null
[ "$(cat st2)" = 1 ] || fail "a closed pipe: $(cat err)"
case $REHOST_B in */san) exit 0 ;; esac
"${CC:-gcc}" -O1 -shared -fPIC -o faults.so "$REHOST_TOP/tests/lib/faults.c" -ldl
st=0
LD_PRELOAD=$PWD/faults.so FAULT_FILE=$PWD/disk.rhi.part FAULT_WRITE=100000 \
	rehost capture disk.img disk.rhi 2>err || st=$?
[ $st = 1 ] || fail "ENOSPC: status $st: $(cat err)"
grep -qi "no space" err || fail "$(cat err)"
no_part .
[ ! -e disk.rhi ] || fail "an image was made"
# an image that is to be replaced is still the old one
expect_status 0 rehost capture disk.img disk.rhi
sum=$(sha256sum disk.rhi)
st=0
LD_PRELOAD=$PWD/faults.so FAULT_FILE=$PWD/disk.rhi.part FAULT_WRITE=100000 \
	rehost capture --overwrite disk.img disk.rhi 2>err || st=$?
[ $st = 1 ] || fail "status $st"
[ "$sum" = "$(sha256sum disk.rhi)" ] || fail "the old image was touched"
no_part .
