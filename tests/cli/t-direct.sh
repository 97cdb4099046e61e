#!/bin/sh
# What is restored onto a disk goes past the kernel's page cache where the disk has a
# write cache, in whole pages; what the disk doesn't take so, and what is small, through it.
# Needs root and a loop device, and is skipped without.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
requires losetup sfdisk mke2fs debugfs blkid "${CC:-gcc}"
case $REHOST_B in */san) skip "the shim can't be loaded into the sanitizer's build" ;; esac
[ "$(id -u)" = 0 ] || skip "needs root for loop devices"
export REHOST_RUN_DIR="$PWD/run"
"${CC:-gcc}" -O1 -shared -fPIC -o faults.so "$REHOST_TOP/tests/lib/faults.c" -ldl
# at sector 63, as old tools did: no page of the file system is one of the disk
fill_ext fs.img 24
head -c 5M /dev/urandom >noise
debugfs -w -R "write noise noise" fs.img 2>/dev/null
truncate -s 33M disk.img
printf 'label: dos\nstart=63,type=83\n' | sfdisk -q disk.img
dd if=fs.img of=disk.img bs=512 seek=63 conv=notrunc status=none
expect_status 0 rehost capture --no-systems disk.img a.rhi
truncate -s 33M want.img t.img
expect_status 0 rehost restore --yes a.rhi want.img
dev=$(losetup -f --show t.img 2>err) || skip "no loop device: $(cat err)"
at_exit "losetup -d $dev"
cache=/sys/block/${dev#/dev/}/queue/write_cache
# what is said there stays with the device when it is given back
at_exit "echo write back >$cache"
echo "write back" >"$cache" || skip "$dev has no write cache: $(cat "$cache")"

# restore STATUS [FAULTS...]: onto the device, full of other bytes before; what it wrote is in `said`
restore() {
	status_=$1
	shift
	tr '\0' x </dev/zero | dd of="$dev" bs=1M count=33 iflag=fullblock conv=fsync status=none
	rm -f said
	expect_status "$status_" env LD_PRELOAD="$PWD/faults.so" FAULT_FILE="$dev" FAULT_SAID="$PWD/said" "$@" \
		rehost restore --yes --zero a.rhi "$dev"
	grep written said >written || :
}
same() { cmp want.img "$dev" || fail "$1: another disk than the file's"; }
bytes() { awk -v how="$1" '$2 == how { n += $1 } END { print n + 0 }' written; }

restore 0
same "direct writes"
[ "$(bytes direct)" -gt 5000000 ] || fail "$(bytes direct) bytes went past the cache: $(cat written)"
awk '$2 == "cached" && $1 >= 270000' written | grep . && fail "a large write went through the cache"
! awk '$2 == "direct" && $1 % 4096' written | grep . || fail "no whole pages"
expect_status 0 rehost restore --yes --verify a.rhi "$dev"
# nothing differs, so nothing is written
expect_status 0 env LD_PRELOAD="$PWD/faults.so" FAULT_FILE="$dev" FAULT_SAID="$PWD/delta" rehost restore --yes --delta a.rhi "$dev"
! grep written delta || fail "--delta wrote: $(cat delta)"

# in small pieces: behind the first odd one all goes through the cache
restore 0 FAULT_CALLS=write FAULT_HOW=short FAULT_AT=1
same "short writes"
# a disk that refuses direct writes, the first or a later one
for at in 1 4; do
	restore 0 FAULT_CALLS=write FAULT_HOW=einval FAULT_AT=$at FAULT_FOR=1
	same "write $at refused"
	sed -n ${at}p written | grep -q direct || fail "write $at wasn't direct: $(cat written)"
	! tail -n +$((at + 1)) written | grep direct || fail "direct after write $at: $(cat written)"
done
# one that fails: it is told where, and the disk looks like none
restore 1 FAULT_CALLS=write FAULT_HOW=eio FAULT_AT=4
grep -q "$dev: writing [0-9]* bytes at offset [0-9]*: Input/output error" err || fail "$(cat err)"
[ "$(blkid -p "$dev" 2>/dev/null)" = "" ] || fail "it looks like a disk: $(blkid -p "$dev")"
# without a cache of its own it would have to wait for each write
echo "write through" >"$cache"
restore 0
same "cached writes"
! grep direct written || fail "past the cache without a write cache"
