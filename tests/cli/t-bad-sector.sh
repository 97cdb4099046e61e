#!/bin/sh
# An unreadable sector: status 3, named, stored as zeros, told by `info`; the rest
# is good.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
requires "${CC:-gcc}"
case $REHOST_B in */san) skip "the shim can't be loaded into the sanitizer's build" ;; esac
"${CC:-gcc}" -O1 -shared -fPIC -o faults.so "$REHOST_TOP/tests/lib/faults.c" -ldl
fill_ext disk.img 16
# a place inside a file, by debugfs
block=$(debugfs -R 'blocks /home/random' disk.img 2>/dev/null | awk '{ print $5 }')
size=$(dumpe2fs -h disk.img 2>/dev/null | awk '/^Block size/ { print $3 }')
bad=$((block * size))
st=0
LD_PRELOAD=$PWD/faults.so FAULT_FILE=$PWD/disk.img FAULT_READ=$bad+512 \
	rehost capture --events-fd 5 disk.img disk.rhi 5>ev 2>err || st=$?
[ $st = 3 ] || fail "status $st: $(cat err)"
grep -q "$bad" err || fail "the place isn't told: $(cat err)"
grep '"warning"' ev | grep -q "\"offset\":$bad,\"length\":512" || fail "event: $(cat ev)"
tail -n 1 ev | grep -q '"status":3' || fail "the last event: $(tail -n 1 ev)"
expect_status 0 rehost info --json disk.rhi
[ "$(json out 'd["unreadable"]')" = "[{'offset': $bad, 'length': 512}]" ] || fail "info: $(cat out)"
expect_status 3 rehost restore disk.rhi target.img
dd if=target.img bs=512 skip=$((bad / 512)) count=1 status=none | tr -d '\0' | wc -c | grep -qx 0 ||
	fail "not zeros"
dd if=/dev/zero of=disk.img bs=512 seek=$((bad / 512)) count=1 conv=notrunc status=none
same_used disk.img target.img
# where the metadata can't be read, the file system is taken whole
st=0
LD_PRELOAD=$PWD/faults.so FAULT_FILE=$PWD/disk.img FAULT_READ=1024+1024 \
	rehost capture disk.img disk2.rhi 2>err || st=$?
[ $st = 3 ] || fail "unreadable superblock: status $st: $(cat err)"
# the disk's last MiB, zeros: kept only when that can't be seen
truncate -s 32M mbr.img
echo 'start=2048, size=8M, type=83' | sfdisk -q mbr.img
rehost map --json mbr.img >map
[ "$(json map 'd["used_end"]')" = $((9 << 20)) ] || fail "zeros at the end were kept: $(cat map)"
# a hole isn't read, so it can't be unreadable
dd if=/dev/zero of=mbr.img bs=1M seek=31 count=1 conv=notrunc status=none
LD_PRELOAD=$PWD/faults.so FAULT_FILE=$PWD/mbr.img FAULT_READ=$(((31 << 20) + 8192))+512 \
	rehost map --json mbr.img >map || fail "map of an unreadable end"
[ "$(json map 'd["used_end"]')" = $((32 << 20)) ] || fail "an unreadable end was left out: $(cat map)"
