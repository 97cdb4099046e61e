#!/bin/sh
# Unreadable places of a block device: hard places are read past the kernel's cache,
# also at the end of a device whose size is no multiple of 4096.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
requires losetup "${CC:-gcc}"
case $REHOST_B in */san) skip "the shim can't be loaded into the sanitizer's build" ;; esac
"${CC:-gcc}" -O1 -shared -fPIC -o faults.so "$REHOST_TOP/tests/lib/faults.c" -ldl
size=$(((5 << 20) + 1536))
head -c $size /dev/urandom >disk.img
loop=$(losetup -f --show -r disk.img 2>/dev/null) || skip "no loop device can be made here"
at_exit "losetup -d $loop"
st=0
end=$((size - 512))
LD_PRELOAD=$PWD/faults.so FAULT_FILE=$loop FAULT_READ=700000+1,3000832+1024,$end+512 FAULT_SAID=$PWD/reads \
	rehost capture --no-systems "$loop" a.rhi 2>err || st=$?
[ $st = 3 ] || fail "status $st: $(cat err)"
expect_status 0 rehost info --json a.rhi
[ "$(json out '[(r["offset"], r["length"]) for r in d["unreadable"]]')" = "[(699904, 512), (3000832, 1024), ($end, 512)]" ] ||
	fail "unreadable: $(json out 'd["unreadable"]')"
for at in 699904 3000832 3001344 $end; do
	dd if=/dev/zero of=disk.img bs=512 seek=$((at / 512)) count=1 conv=notrunc status=none
done
truncate -s $size back.img
expect_status 3 rehost restore --yes a.rhi back.img
cmp disk.img back.img || fail "what could be read isn't the same"
# direct, where the kernel can: the small reads came so
# (those before, through the cache, look for partitions)
sed -n '/direct/,$p' reads >hard
[ "$(grep -c '^512 direct' hard)" -gt 250 ] || fail "few sectors were read by themselves: $(cat reads)"
! grep cached hard || fail "hard places are read through the cache"
! awk '$1 > 65536' reads | grep direct || fail "large reads past the cache"
