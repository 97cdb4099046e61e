#!/bin/sh
# exFAT with files, in pieces and after deletions, written and read back by
# exfat-fuse: a copy that has nothing but the map's clusters has them all.
. "$REHOST_TOP/tests/lib/lib.sh"
own_mounts
requires mkfs.exfat fsck.exfat dump.exfat mount.exfat-fuse losetup
[ "$(id -u)" = 0 ] || skip "needs root for loop devices"
map=$REHOST_B/tests/tools/map-dump
judge=$REHOST_TOP/tests/lib/fsjudge.py
mkdir m
truncate -s 1M vol
dev=$(losetup -f --show vol 2>err) || skip "no loop device: $(cat err)"
losetup -d "$dev"
at_exit 'umount m 2>/dev/null || :; detach vol copy'

mounted() { # FILE SECTOR OPTIONS OF MOUNT
	dev=$(losetup -b "$2" -f --show "$1") || fail "losetup"
	mount.exfat-fuse -o "$3" "$dev" m >mount.out 2>&1 || { cat mount.out; skip "no FUSE here"; }
}
unmounted() {
	umount m
	losetup -d "$dev"
}
hashes() { (cd m && find . -type f -print0 | sort -z | xargs -0 sha256sum); }
fill() {
	mkdir -p m/dir/deep
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		head -c $((i * 70001)) /dev/urandom >m/gap$i
		echo $i >"m/dir/a name of more than thirteen units $i"
	done
	# the odd ones go: what comes then lies in pieces
	for i in 1 3 5 7 9 11; do rm m/gap$i; done
	head -c 2500000 /dev/urandom >m/dir/pieces
	for i in $(seq 1 400); do echo "$i" >"m/dir/deep/file $i"; done
	head -c 300000 /dev/urandom >m/gone
	rm m/gone
}
n=0
while read -r sector size opts; do
	rm -f vol
	truncate -s "$size" vol
	dev=$(losetup -b "$sector" -f --show vol) || fail "losetup"
	# shellcheck disable=SC2086
	mkfs.exfat $opts "$dev" >mkfs.out || { cat mkfs.out; fail "mkfs.exfat $opts"; }
	losetup -d "$dev"
	mounted vol "$sector" rw
	fill
	hashes >before
	# as long as it is mounted it is marked dirty
	sync "$dev"
	cp --sparse=always vol dirty
	unmounted
	"$map" dirty >map.out
	grep -q "^region 0 [0-9]* [0-9]* exfat exfat 0 disk" map.out || fail "$opts: $(head -n 5 map.out)"
	grep -q '^note It was not unmounted cleanly: .*directories' map.out || fail "$(head -n 4 map.out)"
	"$judge" apply dirty map.out copy
	mounted copy "$sector" ro
	hashes | cmp - before || fail "$opts: files of the dirty volume differ"
	unmounted
	"$map" vol >map.out
	grep -q "^region 0 [0-9]* [0-9]* exfat exfat 0 disk" map.out || fail "$opts: $(head -n 5 map.out)"
	"$judge" exfat -s vol map.out || fail "$opts"
	"$judge" apply vol map.out copy
	fsck.exfat -n copy >fsck.out || { cat fsck.out; fail "$opts: the copy is not sound"; }
	mounted copy "$sector" ro
	hashes | cmp - before || fail "$opts: files differ"
	unmounted
	# a bitmap that has no files is found out: where the root has one cluster, so
	# that the first bytes, up to the root's, are all that must be right
	case "$opts" in "-c 512"|"-c 1024") n=$((n + 1)); continue ;; esac
	grep ^extent map.out >want
	heap=$(($(od -An -tu4 -j 88 -N 4 vol) * sector))
	keep=$((($(od -An -tu4 -j 96 -N 4 vol) - 2) / 8 + 1))
	dd if=/dev/zero of=vol bs=1 seek=$((heap + keep)) conv=notrunc status=none \
		count=$((($(od -An -tu4 -j 92 -N 4 vol) + 7) / 8 - keep))
	"$map" vol | grep ^extent | cmp - want || fail "$opts: the bitmap alone is believed"
	n=$((n + 1))
done <<END
512 40M -c 512
512 64M -c 4096
512 64M -c 128K
1024 40M -c 1024
4096 64M -c 4096
4096 64M -c 32K -b 4M
END
[ $n = 6 ] || fail "$n kinds"
