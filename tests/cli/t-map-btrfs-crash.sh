#!/bin/sh
# Btrfs as a power cut leaves it, at any moment of much work: logs of fsync,
# subvolumes that are being removed, balance.  The map's extents alone give the
# same files as the disk itself, and what btrfs check finds sound.
. "$REHOST_TOP/tests/lib/lib.sh"
own_mounts
requires mkfs.btrfs btrfs fsfreeze mke2fs
map=$REHOST_B/tests/tools/map-dump
judge=$REHOST_TOP/tests/lib/fsjudge.py
at_exit 'touch stop; fsfreeze -u below 2>/dev/null || :; wait; umount -l mnt below 2>/dev/null || :'
mkdir mnt below

# What the Btrfs' file lies on is frozen for a copy: nothing is written meanwhile
truncate -s 400M host
mke2fs -q -F -t ext4 host
mount -o loop host below 2>mount.out || skip "nothing is mounted here: $(cat mount.out)"
truncate -s 256M below/fs
mkfs.btrfs -q -n 4096 below/fs >mkfs.out 2>&1
mount -o loop,commit=2 below/fs mnt 2>mount.out || skip "no Btrfs is mounted here: $(cat mount.out)"

work() {
	i=0
	while [ ! -e stop ]; do
		i=$((i + 1))
		btrfs -q subvolume create mnt/s$i >/dev/null
		for k in 1 2 3 4 5 6 7 8; do
			for l in 1 2 3 4 5 6; do head -c $((l * 900)) /dev/urandom >mnt/s$i/$k.$l; done
			sync mnt/s$i/$k.3
		done
		cp --reflink=always mnt/s$i/8.6 mnt/clone$i
		btrfs -q subvolume snapshot mnt/s$i mnt/n$i >/dev/null
		head -c 1000000 /dev/urandom >mnt/big
		sync mnt/big
		[ $i -lt 4 ] || btrfs -q subvolume delete mnt/s$((i - 3)) mnt/n$((i - 3)) >/dev/null
		[ $((i % 3)) != 0 ] || btrfs balance start -m mnt >/dev/null
	done
}
work >work.out 2>&1 &
# time passes, and is meant to: each copy is of another moment
for n in 1 2 3 4 5 6; do
	sleep 0.$((n * 7 % 10))
	fsfreeze -f below
	cp --sparse=always below/fs cut$n
	fsfreeze -u below
done
touch stop
wait
umount mnt
umount below

sums() { (cd "$1" && find . -type f | sort | xargs -r sha256sum); }
logs=0 good=0
for n in 1 2 3 4 5 6; do
	"$map" cut$n >map.out
	# between the writes of two superblocks there is doubt
	if grep -q '^note .*Taken whole: the Btrfs superblock at [0-9]* is of generation' map.out; then continue; fi
	grep -q '^region 0 [0-9]* [0-9]* btrfs btrfs 0 disk' map.out || fail "$n: $(head -n 4 map.out)"
	good=$((good + 1))
	if grep -q '^note .*its log waits' map.out; then logs=$((logs + 1)); fi
	"$judge" apply cut$n map.out copy
	mount -o loop cut$n mnt
	sums mnt >want
	umount mnt
	mount -o loop copy mnt || fail "$n: the copy can't be mounted"
	sums mnt | cmp - want || fail "$n: files differ"
	umount mnt
	btrfs check --readonly --check-data-csum copy >check.out 2>&1 || { cat check.out; fail "$n: not sound"; }
	rm cut$n copy
done
echo "$good moments, $logs with a log"
[ $good -ge 4 ] || fail "only $good moments could be judged"
