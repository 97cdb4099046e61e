#!/bin/sh
# t-only-restore.sh: restore --only and --into: chosen partitions into an existing
# table, and not a byte beside them.  Judged by cmp, e2fsck, ntfsfix, fsck.fat,
# fsck.exfat and blkid.
# rehost-test: san only
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
requires sfdisk e2fsck ntfsfix fsck.fat fsck.exfat mkfs.exfat mkntfs blkid

M=1048576
# outside OLD NEW START_MB SIZE_MB: equal but in that place
outside() {
	cmp -n $(($3 * M)) "$1" "$2" || fail "something before the place changed"
	cmp -i $((($3 + $4) * M)) "$1" "$2" || fail "something behind the place changed"
}
refused() { # STATUS TEXT OPTIONS...: with t.img as target, which stays as it was
	st_=$1 text_=$2
	shift 2
	cp t.img before
	expect_status "$st_" rehost restore "$@" t.img
	grep -qF "$text_" err || fail "it isn't said that \"$text_\": $(cat err)"
	cmp t.img before || fail "something was written"
}

# --- into the same place
linux_disk disk.img
expect_status 0 rehost capture --no-systems disk.img disk.rhi
random_parts() { # FILE: disk.img's table, all else random
	head -c $((64 * M)) /dev/urandom >"$1"
	sfdisk -d disk.img | sfdisk -q "$1" 2>/dev/null
}
random_parts t.img
cp t.img old.img
expect_status 0 rehost restore --yes --verify --events-fd 5 --only 2 disk.rhi t.img 5>ev
grep -q 'Partition 2 of the image (42 MB, ext4 "root") goes to partition 2 of t.img' err || fail "$(cat err)"
[ "$(sed -n '/will be overwritten/,$p' err | grep -c '^ *[123]  ')" = 1 ] || fail "others are shown as lost: $(cat err)"
[ "$(grep -c '"event":"done"' ev)" = 1 ] || fail "$(cat ev)"
outside old.img t.img 9 40
part disk.img 9 40 want
part t.img 9 40 have
same_used want have
e2fsck -fn have >out 2>&1 || { cat out; fail "e2fsck"; }
# two of them, by name and number, the swap too
expect_status 0 rehost restore --yes --only EFI,3 disk.rhi t.img
part disk.img 9 40 want
part t.img 9 40 have
same_used want have
part t.img 1 8 esp
fsck.fat -n esp >out 2>&1 || { cat out; fail "fsck.fat"; }
part disk.img 1 8 want
same_used want esp
part t.img 49 8 swap
[ "$(blkid -po value -s TYPE swap)" = swap ] || fail "swap"

# --- what doesn't fit is refused before a byte is written
refused 2 'there is no partition "4"' --yes --only 4 disk.rhi
refused 4 'there is no terminal' --only 2 disk.rhi
refused 2 'a pipe can' --yes --only 2 -
refused 2 'the disk keeps its table' --yes --new-ids --only 2 disk.rhi
refused 2 'the disk keeps its table' --yes --adapt --profile kvm --only 2 disk.rhi
refused 2 'one partition, not 2' --yes --only 1,2 --into 3 disk.rhi
refused 2 'there is no partition "9"' --yes --only 1 --into 9 disk.rhi
refused 2 'takes one partition' --yes --only 1 --into 1,3 disk.rhi
refused 2 'one partition, not 3' --yes --into 2 disk.rhi
refused 4 'has the type C12A7328' --yes --only 2 --into 1 disk.rhi
expect_status 1 rehost restore --yes --only 2 disk.rhi new.img
[ ! -e new.img ] || fail "a file was made"
: >t.img
refused 4 'has no partition table' --yes --only 2 disk.rhi
truncate -s 64M t.img
printf 'label: gpt\nstart=2048,size=16384\nstart=18434,size=81920\n' | sfdisk -q t.img
refused 4 'no partition that begins at byte 9437184' --yes --only 2 disk.rhi
grep -q 'it has: 1 at 1048576, 2 at 9438208' err || fail "$(cat err)"
refused 4 'place for partition 2 is too small: ' --yes --only 2 --into 1 disk.rhi
printf 'label: gpt\nstart=2048,size=16384\nstart=18432,size=81912\n' | sfdisk -q t.img
refused 4 'are needed, 4096 are missing' --yes --only 2 disk.rhi
# in another place, too, though none of the last ones is used
refused 4 'are needed, 4096 are missing' --yes --only 2 --into 2 disk.rhi
printf 'label: gpt\nstart=2048,size=16384,type=S\nstart=18432,size=81920,type=U\n' | sfdisk -q t.img
refused 4 'has the type 0657FD6D' --yes --only 1 disk.rhi

# --- an image of chosen partitions: only what is in it; alone it needs no --only
expect_status 0 rehost capture --no-systems --only root disk.img root.rhi
random_parts t.img
refused 4 "partition 1 isn't in root.rhi" --yes --only 1 root.rhi
cp t.img old.img
expect_status 0 rehost restore --yes --only 2 root.rhi t.img
outside old.img t.img 9 40
part disk.img 9 40 want
part t.img 9 40 have
same_used want have
# into a larger one of an MBR disk, logical
truncate -s 128M t.img
printf 'label: dos\nsize=4096,type=83\nstart=8192,type=5\nstart=10240,size=131072,type=83\n' | sfdisk -q t.img
head -c $((64 * M)) /dev/urandom | dd of=t.img bs=1M seek=5 conv=notrunc status=none
cp t.img old.img
expect_status 0 rehost restore --yes --into 5 root.rhi t.img
outside old.img t.img 5 64
part t.img 5 64 have
e2fsck -fn have >out 2>&1 || { cat out; fail "e2fsck in a larger place"; }
same_used want have

# --- file systems that say where they lie: set right, and nothing else
le() { # FILE OFFSET BYTES
	od -An -v -tu"$3" -j"$2" -N"$3" "$1" | tr -d ' '
}
mkdir fs
truncate -s 40M fs/ntfs fs/vfat fs/exfat
mkntfs -q -F -p 2048 -H 255 -S 63 fs/ntfs >/dev/null 2>&1
seq 1 50000 >numbers
ntfscp -q fs/ntfs numbers numbers.txt >/dev/null 2>&1
mkfs.vfat -F 32 -s 1 -h 2048 fs/vfat >/dev/null
mcopy -i fs/vfat numbers ::/numbers
mkfs.exfat fs/exfat >/dev/null
truncate -s 48M src.img
for f in ntfs vfat exfat; do
	printf 'label: dos\nstart=2048,size=81920,type=7\n' | sfdisk -q src.img
	put fs/$f src.img 1
	expect_status 0 rehost capture --overwrite --no-systems src.img $f.rhi
	rm -f t.img
	truncate -s 128M t.img
	printf 'label: gpt\nstart=30000,size=20480\nstart=53248,size=82000,type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7\n' | sfdisk -q t.img
	head -c $((42 * M)) /dev/urandom | dd of=t.img bs=1M seek=26 conv=notrunc status=none
	cp t.img old.img
	expect_status 0 rehost restore --yes --verify --only 1 --into 2 $f.rhi t.img
	cmp -n $((26 * M)) old.img t.img || fail "$f: before the place"
	cmp -i $((53248 * 512 + 82000 * 512)) old.img t.img || fail "$f: behind the place"
	rm -f have
	dd if=t.img of=have bs=512 skip=53248 count=81920 status=none
	# only these bytes differ from the source
	rehost map --json fs/$f >map
	/usr/bin/python3 - fs/$f have $f <<'END' >differ || fail "$f: $(cat differ)"
import json, sys
a, b = open(sys.argv[1], "rb").read(), open(sys.argv[2], "rb").read()
for off, n in json.load(open("map"))["extents"]:
    for i in range(off, off + n):
        if a[i:i + 1] != b[i:i + 1]:
            print(i)
END
	case $f in
	ntfs)
		[ "$(le have 28 4)" = 53248 ] || fail "hidden sectors: $(le have 28 4)"
		[ "$(le have $((40 * M - 512 + 28)) 4)" = 53248 ] || fail "those of the backup"
		head -c 512 have >a
		tail -c 512 have | cmp - a || fail "the backup differs"
		[ "$(wc -l <differ)" -le 8 ] || fail "$f: $(cat differ)"
		ntfsfix -n have >out 2>&1 || { cat out; fail "ntfsfix"; } ;;
	vfat)
		[ "$(le have 28 4) $(le have $((6 * 512 + 28)) 4)" = "53248 53248" ] || fail "hidden sectors"
		[ "$(wc -l <differ)" -le 8 ] || fail "$f: $(cat differ)"
		fsck.fat -n have >out 2>&1 || { cat out; fail "fsck.fat"; } ;;
	exfat)
		[ "$(le have 64 8) $(le have $((12 * 512 + 64)) 8)" = "53248 53248" ] || fail "partition offset"
		fsck.exfat -n have >out 2>&1 || { cat out; fail "fsck.exfat"; } ;;
	esac
	[ "$(blkid -po value -s TYPE have)" = $f ] || fail "$(blkid -p have)"
done

# --- interrupted: no file system is there, the rest stays
cp disk.rhi bad.rhi
/usr/bin/python3 - bad.rhi <<'END'
import sys
f = open(sys.argv[1], "r+b")
d = f.read()
f.seek(len(d) * 2 // 3)
f.write(bytes([d[len(d) * 2 // 3] ^ 1]))
END
random_parts t.img
put have t.img 9 # a file system is there
cp t.img old.img
expect_status 1 rehost restore --yes --only 2 bad.rhi t.img
grep -q "what was in the place of partition 2 is lost" err || fail "$(cat err)"
outside old.img t.img 9 40
part t.img 9 40 have
! blkid -p have >out 2>&1 || fail "it looks whole: $(cat out)"

# --- of two disks at once
expect_status 0 rehost capture --no-systems disk.img src.img m
random_parts t.img
cp t.img old.img
expect_status 2 rehost restore --yes --only 2 m t.img s.new
expect_status 0 rehost restore --yes --only disk.img.rhi=2 m t.img s.new
outside old.img t.img 9 40
cmp -n $((2048 * 512 + 512)) src.img s.new || fail "the other disk isn't whole"

# --- what reads back wrong of the beginning isn't left there either
case $REHOST_B in */san) exit 0 ;; esac
"${CC:-gcc}" -O1 -shared -fPIC -o faults.so "$REHOST_TOP/tests/lib/faults.c" -ldl
lying() { # OFFSET COMMAND...: this byte of t.img reads wrong
	off_=$1
	shift
	st=0
	LD_PRELOAD=$PWD/faults.so FAULT_FILE=$(realpath t.img) FAULT_FLIP=$off_ "$@" >out 2>err || st=$?
	[ $st = 1 ] && grep -q "isn't what was written" err || fail "a wrong beginning went unnoticed: $st $(cat err)"
}
random_parts t.img
cp t.img old.img
lying $((9 * M + 1024 + 56)) rehost restore --yes --verify --only 2 disk.rhi t.img
grep -q "its beginning was left out: restore it again" err || fail "$(cat err)"
outside old.img t.img 9 40
part t.img 9 40 have
! blkid -p have >out 2>&1 || fail "it looks whole: $(cat out)"
lying 450 rehost restore --yes --verify disk.rhi t.img
grep -q "its partition table was left out: --resume goes on there" err || fail "$(cat err)"
! sfdisk -d t.img >out 2>&1 || fail "it looks whole: $(cat out)"
expect_status 0 rehost restore --yes --verify --resume disk.rhi t.img
same_used disk.img t.img
