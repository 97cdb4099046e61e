#!/bin/sh
# Used blocks of ext2/3/4 of many kinds: against dumpe2fs, and by a copy that
# has nothing but the map's blocks, which e2fsck must find sound.
# rehost-test: san only
. "$REHOST_TOP/tests/lib/lib.sh"
requires mke2fs dumpe2fs debugfs e2fsck
map=$REHOST_B/tests/tools/map-dump
judge=$REHOST_TOP/tests/lib/fsjudge.py

mkdir -p tree/d/e
for i in 1 2 3 4 5 6 7 8; do
	seq $((i * 7000)) >"tree/d/file$i"
	echo "$i" >"tree/d/e/small$i"
done
: >tree/empty
ln -s "$(seq -s - 100)" tree/long-link

# holes in the used blocks
fragment() {
	for i in 1 3 5 7; do echo "rm d/file$i"; done | debugfs -w -f - "$1" >/dev/null 2>&1
	e2fsck -fy "$1" >/dev/null 2>&1 || true
}
# judged IMAGE [READER]: equal to dumpe2fs, and enough for e2fsck and debugfs.
judged() {
	"$map" "$1" >map.out || fail "$1"
	grep -q "^region 0 [0-9]* [0-9]* ext ext[234] 0 disk" map.out || fail "$1: $(cat map.out)"
	"$judge" ext -s "$1" map.out || fail "$1 ($2)"
	"$judge" apply "$1" map.out copy
	e2fsck -fn copy >fsck.out 2>&1 || { cat fsck.out; fail "$1 ($2): the copy is not sound"; }
	for f in d/file2 d/file4 d/e/small8; do
		debugfs -R "cat $f" "$1" 2>/dev/null >want
		debugfs -R "cat $f" copy 2>/dev/null | cmp - want || fail "$1 ($2): $f differs"
	done
}
n=0
while read -r size opts; do
	n=$((n + 1))
	truncate -s "$size" fs
	# shellcheck disable=SC2086
	mke2fs -q -F -d tree $opts fs >mke2fs.out 2>&1 || { cat mke2fs.out; fail "mke2fs $opts"; }
	fragment fs
	judged fs "$opts"
	rm fs copy
done <<END
20M -t ext2 -b 1024
20M -t ext2 -b 4096 -O ^resize_inode
20M -t ext3 -b 2048
40M -t ext4 -b 1024
40M -t ext4 -b 4096 -O ^metadata_csum,uninit_bg
40M -t ext4 -b 4096 -O metadata_csum,64bit
40M -t ext4 -b 4096 -O ^64bit,^metadata_csum,^uninit_bg
40M -t ext4 -b 1024 -O meta_bg,^resize_inode
40M -t ext4 -b 1024 -O meta_bg,^resize_inode,^flex_bg -g 1024
40M -t ext4 -b 4096 -O sparse_super2,^resize_inode -E num_backup_sb=2
40M -t ext4 -b 1024 -O ^has_journal,^flex_bg
64M -t ext4 -b 4096 -O bigalloc -C 16384
64M -t ext4 -b 1024 -O bigalloc -C 8192
64M -t ext4 -b 16384
80M -t ext4 -b 65536
40M -t ext4 -O mmp -b 1024
40M -t ext4 -O inline_data,quota,project -I 512
40M -t ext4 -g 256 -b 1024 -N 4096
40M -t ext4 -E lazy_itable_init=1,packed_meta_blocks=1
END
[ $n = 19 ] || fail "only $n kinds ran"

# free space at the end, the last group shorter than the others
truncate -s 33M fs; mke2fs -q -F -t ext4 -b 1024 -d tree fs 32773; truncate -s 32773K fs
judged fs short
# the window is larger than the file system: what is behind it is kept
truncate -s 40M fs; "$map" fs >map.out
grep -q "^note .*behind the end" map.out || fail "$(cat map.out)"
[ "$(awk '/^extent/ { e = $2 + $3 } END { print e }' map.out)" = $((40 << 20)) ] || fail "end not kept"

# whole, and why
whole() { # IMAGE TEXT
	"$map" "$1" >map.out
	grep -q "^region 0 \([0-9]*\) \1 raw [a-z0-9]* [01] disk" map.out || fail "$1 not whole: $(head map.out)"
	grep -q "^note Taken whole: .*$2" map.out || fail "no '$2' in: $(grep ^note map.out)"
}
mk() { truncate -s 40M fs; mke2fs -q -F -d tree "$@" fs; }
mk -t ext4 -b 1024
cp fs cut; truncate -s 20M cut; whole cut 'but there are only'
cp fs bad; debugfs -w -R 'ssv state 2' bad >/dev/null 2>&1; whole bad 'marked as having errors'
cp fs bad; debugfs -w -R 'set_bg 0 block_bitmap 99999999' bad >/dev/null 2>&1; whole bad .
cp fs bad; debugfs -w -R 'set_bg 1 free_blocks_count 5' bad >/dev/null 2>&1; whole bad 'checksum'
# one bit of a bitmap
at=$(dumpe2fs fs 2>/dev/null | sed -n 's/.*Block bitmap at \([0-9]*\).*/\1/p' | head -n 1)
cp fs bad; printf '\000' | dd of=bad bs=1 seek=$((at * 1024 + 5)) conv=notrunc status=none
whole bad "bitmap's checksum"
mk -t ext2 -b 1024
at=$(dumpe2fs fs 2>/dev/null | sed -n 's/.*Block bitmap at \([0-9]*\).*/\1/p' | head -n 1)
cp fs bad; printf '\000' | dd of=bad bs=1 seek=$((at * 1024 + 5)) conv=notrunc status=none
whole bad 'count of free blocks'
cp fs bad; debugfs -w -R 'ssv state 0' bad >/dev/null 2>&1; whole bad 'not unmounted cleanly'
cp fs bad; debugfs -w -R 'feature FEATURE_I30' bad >/dev/null 2>&1; whole bad 'not known here'
truncate -s 40M ej; mke2fs -q -F -O journal_dev ej; whole ej 'journal of another'
# an MD superblock at the end: the file system is only one half of a mirror
cp fs md; printf '\374\116\053\251\001\000\000\000' | dd of=md bs=1 seek=$(((40 << 20) - 8192)) conv=notrunc status=none
"$map" md >map.out; grep -q '^region 0 \([0-9]*\) \1 raw' map.out || fail "md: $(cat map.out)"
grep -q 'linux_raid_member' map.out || fail "$(cat map.out)"
