#!/bin/sh
# File systems that can't rename only where nothing is: EINVAL (22) and ENOSYS (38), and
# ENOENT (2), as NFS says with Linux 6.12. The image gets its name all the same, and never
# that of a file which is there by then.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
requires "${CC:-gcc}"
case $REHOST_B in */san) exit 0 ;; esac
"${CC:-gcc}" -O1 -shared -fPIC -o faults.so "$REHOST_TOP/tests/lib/faults.c" -ldl
fill_ext disk.img 16
for n in 2 22 38; do
	LD_PRELOAD=$PWD/faults.so FAULT_RENAME=$n rehost capture disk.img "$n.rhi" 2>err ||
		fail "errno $n: $(cat err)"
	expect_status 0 rehost verify "$n.rhi"
	no_part .
done
for n in 2 22; do
	st=0
	LD_PRELOAD=$PWD/faults.so FAULT_RENAME=$n FAULT_CAME=mine rehost capture disk.img late$n.rhi 2>err || st=$?
	[ $st = 4 ] || fail "status $st: $(cat err)"
	grep -q "came into being meanwhile" err || fail "$(cat err)"
	[ "$(cat late$n.rhi)" = mine ] || fail "it was overwritten"
	no_part .
done
