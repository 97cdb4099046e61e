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
	# hours of work: it is kept, and the user is told where it is
	grep -q "all is written and stays as late$n.rhi.part; rename it: " err || fail "$(cat err)"
	mv late$n.rhi.part kept.rhi
	expect_status 0 rehost verify kept.rhi
	no_part .
done
head -c 40M /dev/urandom >raw.img
st=0
LD_PRELOAD=$PWD/faults.so FAULT_RENAME=22 FAULT_CAME=mine rehost capture --split 16M raw.img vol.rhi 2>err || st=$?
[ $st = 4 ] || fail "status $st: $(cat err)"
grep -q "stays as vol.rhi.part; rename it and its further volumes: " err || fail "$(cat err)"
for f in vol.rhi*.part; do
	mv "$f" "${f%.part}"
done
[ -f vol.rhi.001 ] || fail "no further volume"
expect_status 0 rehost verify vol.rhi
