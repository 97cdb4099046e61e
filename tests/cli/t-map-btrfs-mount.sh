#!/bin/sh
# Used extents of Btrfs as Linux writes it: against btrfs' own dump, and by a copy that has
# nothing but the map's extents, which btrfs check must find sound and Linux reads.
. "$REHOST_TOP/tests/lib/lib.sh"
own_mounts
map=$REHOST_B/tests/tools/map-dump
judge=$REHOST_TOP/tests/lib/fsjudge.py
. "$REHOST_TOP/tests/lib/btrfs.sh"
. "$REHOST_TOP/tests/lib/btrfs-vectors.sh"
requires xz
[ "$(id -u)" = 0 ] || skip "needs root to mount"
at_exit 'umount -l mnt 2>/dev/null || :'
mkdir mnt
mkfs 130M
mount -o loop fs mnt 2>mount.out || skip "no Btrfs can be mounted: $(cat mount.out)"
umount mnt
same_files() { # KIND
	sound copy "$1"
	mount -o loop copy mnt || fail "$1: the copy can't be mounted"
	sums mnt | cmp - want || fail "$1: files differ"
	umount mnt
	rm copy
}
fill() {
	cp -r tree mnt/one
	btrfs -q subvolume create mnt/sub >/dev/null
	cp -r tree mnt/sub/two
	sync -f mnt
	btrfs -q subvolume snapshot mnt/sub mnt/snap >/dev/null
	rm mnt/one/d/file[135] mnt/sub/two/d/e/n*7
	cp --reflink=always mnt/one/d/file6 mnt/sub/clone
	truncate -s 5M mnt/one/holes
	fallocate -l 3M mnt/one/reserved
	dd if=tree/random of=mnt/one/reserved bs=64k seek=9 conv=notrunc status=none
	ln mnt/one/random mnt/one/link
}
while read -r size options opts; do
	# shellcheck disable=SC2086
	case $opts in
	vector*) vector "${opts#vector }"; truncate -s "$size" fs ;;
	*) mkfs "$size" $opts || continue ;;
	esac
	# some of the options are the kernel's for this mount
	mount -o "loop,$options" fs mnt || fail "mount -o $options"
	[ "${opts#vector}" = "$opts" ] || btrfs -q filesystem resize max mnt >resize.out || fail "$(cat resize.out)"
	fill
	btrfs -q subvolume snapshot -r mnt mnt/ro >/dev/null
	[ "${opts#--mixed}" != "$opts" ] || btrfs balance start --full-balance mnt >balance.out 2>&1 || fail "$(cat balance.out)"
	btrfs -q subvolume delete mnt/snap >/dev/null
	sums mnt >want
	umount mnt
	mapped fs "$options $opts"
	same_files "$options $opts"
done <<END
300M compress=zstd vector groups
200M compress=lzo,space_cache=v1 -R ^free-space-tree
200M nodatacow,noatime -m single -n 4096 --csum xxhash
400M max_inline=0 -m dup -d dup -R quota
160M noatime --mixed -m dup -d dup -n 4096
200M autodefrag -O squota
END

# full, and then half of it removed; a raised size
mkfs 150M -n 4096
mount -o loop fs mnt
i=0
while i=$((i + 1)) && head -c 3000000 /dev/urandom >mnt/r$i && head -c 2000 tree/random >mnt/s$i; do
	[ $((i % 15)) != 0 ] || sync -f mnt
done 2>/dev/null
[ $i -gt 15 ] || fail "full after $i files"
rm -f mnt/r$i mnt/s$i
sync -f mnt
sums mnt >want
umount mnt
cp fs half
mapped fs full
same_files full
mount -o loop half mnt
rm mnt/r*[02468] mnt/s*[13579]
sums mnt >want
umount mnt
mapped half half
[ "$(awk '/^total/ { print $2 }' map.out)" -lt $((80 << 20)) ] || fail "half is not half"
same_files half

# --- fsync leaves a log, which only the next mount makes part of the trees
mkfs 130M
mount -o loop,commit=300 fs mnt
cp tree/d/file1 mnt/old
sync -f mnt
cp tree/d/file6 mnt/new
sync mnt/new
head -c 9000 tree/random >mnt/new2
sync mnt/new2
dd if=tree/random of=mnt/old bs=4k seek=3 count=2 conv=notrunc,fsync status=none
cp fs log
sums mnt >want
umount mnt
"$map" log >map.out
grep -q '^region 0 [0-9]* [0-9]* btrfs btrfs 0 disk' map.out || fail "log: $(head -n 4 map.out)"
grep -q '^note .*its log waits to be replayed' map.out || fail "log: $(grep note map.out)"
"$judge" btrfs log map.out || fail log
"$judge" apply log map.out copy
btrfs inspect-internal dump-super copy | grep -Eq '^log_root[[:space:]]+0$' && fail "there is no log"
mount -o loop copy mnt || fail "the copy with a log can't be mounted"
sums mnt | cmp - want || fail "what fsync wrote is lost"
umount mnt
sound copy log
