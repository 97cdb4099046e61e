#!/bin/sh
# Maps of whole disks: regions cover the disk, gaps as decided, swap, unknown
# contents, containers, nested types, a file system beside a table.
# rehost-test: san
. "$REHOST_TOP/tests/lib/lib.sh"
requires sfdisk mke2fs mkntfs mkfs.vfat mkswap
map=$REHOST_B/tests/tools/map-dump

# whatever the disk: regions are gapless, their sum is the total, and each
# extent's bytes are inside
sane() {
	"$map" "$1" >map.out || fail "$1"
	/usr/bin/python3 - "$1" <<-'END' || { cat map.out; fail "$1: the map is not consistent"; }
	import os, sys
	at = used = 0
	last = -1
	for line in open("map.out"):
	    f = line.split()
	    if f[0] == "region":
	        assert int(f[1]) == at, line
	        at += int(f[2])
	        used += int(f[3])
	        assert int(f[3]) <= int(f[2]), line
	    if f[0] == "extent":
	        assert int(f[1]) > last, line
	        last = int(f[1]) + int(f[2])
	    if f[0] == "total":
	        total = int(f[1])
	assert at == os.path.getsize(sys.argv[1]), at
	assert last <= at
	assert used == total, (used, total)
	END
}
region() { grep -q "^region $1\$" map.out || fail "no region '$1' in: $(cat map.out)"; }
put() { dd if="$1" of="$2" bs=1M seek="$3" conv=notrunc status=none; }

truncate -s 20M ext; mke2fs -q -F -t ext4 ext
truncate -s 20M ntfs; mkntfs -qQF ntfs >/dev/null 2>&1
truncate -s 40M fat; mkfs.vfat fat >/dev/null
truncate -s 8M swap; mkswap swap >/dev/null 2>&1
used() { "$map" "$1" | awk '/^total/ { print $2 }'; }

# --- MBR with logical partitions, a large gap in the middle
truncate -s 260M mbr
sfdisk -q mbr <<-END
	label: dos
	start=2048, size=20M, type=83
	start=51200, size=40M, type=c
	start=143360, size=100M, type=f
	start=145408, size=20M, type=7
	start=188416, size=8M, type=82
	start=210944, size=4M, type=83
END
put ext mbr 1; put fat mbr 25; put ntfs mbr 71; put swap mbr 92
sane mbr
region "0 1048576 1048576 table - 0 gap before the first partition"
region "1048576 20971520 $(used ext) ext ext4 0 partition 1"
region "22020096 4194304 0 none - 0 gap"
region "26214400 41943040 $(used fat) fat vfat 0 partition 2"
region "74448896 20971520 $(used ntfs) ntfs ntfs 0 partition 5"
region "96468992 8388608 4096 swap swap 0 partition 6"
region "108003328 4194304 4194304 raw - 0 partition 7"
region "112197632 160432128 0 none - 0 gap after the last partition"
grep -q '^note Taken whole: no file system was recognised' map.out || fail "$(cat map.out)"
# the three EBRs are in, wherever they lie
for at in 73400320 $((188416 * 512 - 1048576)) $((210944 * 512 - 1048576)); do
	awk -v at=$at '/^extent/ && $2 <= at && at + 512 <= $2 + $3 { f = 1 } END { exit !f }' map.out ||
		fail "EBR at $at is not in the map: $(cat map.out)"
done

# --- the disk's last MiB: whole if anything is in it, wherever
for at in $((271581184)) $((272629759)); do
	cp mbr end
	printf x | dd of=end bs=1 seek="$at" conv=notrunc status=none
	sane end
	region "112197632 160432128 1048576 none - 0 gap after the last partition"
done
cp mbr end
printf x | dd of=end bs=1 seek=$((271581183)) conv=notrunc status=none
sane end
region "112197632 160432128 0 none - 0 gap after the last partition"
rm end

# --- the gap before the first partition
truncate -s 200M gap
echo 'start=153600, size=10M, type=83' | sfdisk -q --label dos gap
sane gap
region "0 78643200 2097152 table - 0 gap before the first partition"
grep -q '^note Of 78643200 bytes before' map.out || fail "$(cat map.out)"
echo 'start=122880, size=10M, type=83' | sfdisk -q --wipe never gap
sane gap
region "0 62914560 62914560 table - 0 gap before the first partition"

# --- GPT; BitLocker, LUKS, LVM by name; a superblock that is none; a type that nests
truncate -s 100M gpt
printf 'size=8M\nsize=8M\nsize=8M\nsize=8M\nsize=20M, type=AF9B60A0-1431-4F62-BC68-3311714A69AD\nsize=8M\n' |
	sfdisk -q --label gpt gpt
sig() { printf "$1" | dd of=gpt bs=1 seek=$(($2)) conv=notrunc status=none; }
sig '\353\122\220-FVE-FS-' 1048576
sig 'LUKS\272\276' '9 << 20'
sig 'LABELONE' '(17 << 20) + 512'; sig 'LVM2 001' '(17 << 20) + 536'
sig 'XFSB' '25 << 20'
put ntfs gpt 33
put swap gpt 53
sig 'S1SUSPEND\000' '(53 << 20) + 4086'
sane gpt
region "1048576 8388608 8388608 raw BitLocker 0 partition 1"
region "9437184 8388608 8388608 raw crypto_LUKS 0 partition 2"
region "17825792 8388608 8388608 raw LVM2_member 1 partition 3"
grep -q 'Taken whole: the label of a physical volume is damaged' map.out || fail "$(cat map.out)"
region "26214400 8388608 8388608 raw - 1 partition 4"
grep -q 'Taken whole: XFS of version 0 is not read' map.out || fail "$(cat map.out)"
region "34603008 20971520 20971520 raw ntfs 0 partition 5"
region "55574528 8388608 8388608 raw swsuspend 1 partition 6"
grep -q 'Taken whole: it is a Windows dynamic disk' map.out || fail "$(cat map.out)"
grep -q 'Taken whole: it holds the memory of a system that was suspended' map.out || fail "$(cat map.out)"
# the backup GPT, by itself in the last MiB
grep -q "^extent $((104857600 - 33 * 512)) 16896$" map.out || fail "$(tail -n 3 map.out)"
sig x '104857600 - 33 * 512 - 1'
sane gpt
grep -q "^extent 103809024 1048576$" map.out || fail "$(tail -n 3 map.out)"

# --- a stale file system beside a table: which one is right can't be told
cp mbr both; dd if=ext of=both bs=1 skip=1024 seek=1024 count=1024 conv=notrunc status=none
sane both
grep -q '^region 0 272629760 272629760 raw - 1 disk' map.out || fail "$(cat map.out)"
grep -q 'also a file system (ext4)' map.out || fail "$(cat map.out)"
# two file systems in one partition
cp mbr both; printf 'SWAPSPACE2' | dd of=both bs=1 seek=$((1048576 + 4086)) conv=notrunc status=none
sane both
region "1048576 20971520 20971520 raw ext4 1 partition 1"
# a table that is not to be trusted
cp mbr bad; truncate -s 100M bad; sane bad
grep -q '^region 0 104857600 104857600 raw - 1 disk' map.out || fail "$(cat map.out)"

# --- no table; nothing; too small for anything
sane ext; sane ntfs; sane fat; sane swap
region "0 8388608 4096 swap swap 0 disk"
truncate -s 3M nothing; sane nothing; region "0 3145728 3145728 raw - 0 disk"
for size in 0 1 511 512 513 1500 4097; do truncate -s 0 tiny; truncate -s $size tiny; sane tiny; done
# swap of 64 KiB pages
truncate -s 8M swap; mkswap -p 65536 swap >/dev/null 2>&1; sane swap
region "0 8388608 65536 swap swap 0 disk"

# --- identify only
"$map" -p mbr >map.out
region "1048576 20971520 [0-9]* ext ext4 0 partition 1"
grep -q '^total' map.out && fail "-p walks"
exit 0
