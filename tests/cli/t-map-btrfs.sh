#!/bin/sh
# Used extents of Btrfs of many kinds: against btrfs' own dump, and by a copy that
# has nothing but the map's extents, which btrfs check must find sound and whose
# files must be the same.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/btrfs-vectors.sh"
own_mounts
requires mkfs.btrfs btrfs xz
map=$REHOST_B/tests/tools/map-dump
judge=$REHOST_TOP/tests/lib/fsjudge.py
at_exit 'umount -l mnt 2>/dev/null || :'
mkdir mnt

mkdir -p tree/d/e
for i in 1 2 3 4 5 6; do
	seq $((i * 20000)) >"tree/d/file$i"
	echo "$i" >"tree/d/e/small$i"
done
head -c 300000 /dev/urandom >tree/random
: >tree/empty
# many small ones: trees of more than one level
i=0
while [ $i -lt 250 ]; do i=$((i + 1)); seq $i $((i + 60)) >"tree/d/e/n$i"; done

# sums DIR: of all files
sums() { (cd "$1" && find . -type f | sort | xargs sha256sum); }
# sound IMAGE KIND: for btrfs check.
sound() { btrfs check --readonly --check-data-csum "$1" >check.out 2>&1 || { cat check.out; fail "$1 ($2): not sound"; }; }
# mapped IMAGE KIND: the map, equal to btrfs' dump; copy: what it keeps.
mapped() {
	"$map" "$1" >map.out || fail "$1"
	grep -q "^region 0 [0-9]* [0-9]* btrfs btrfs 0 disk" map.out || fail "$2: $(head -n 4 map.out)"
	"$judge" btrfs -s "$1" map.out || fail "$2"
	"$judge" apply "$1" map.out copy
	rm "$1"
}

# mkfs SIZE OPTIONS: 1 if this version of mkfs.btrfs doesn't know them.
mkfs() {
	rm -f fs
	truncate -s "$1" fs
	shift
	mkfs.btrfs -q "$@" fs >mkfs.out 2>&1 && return
	grep -qE 'nrecogni[sz]ed|nknown' mkfs.out || { cat mkfs.out; fail "mkfs.btrfs $*"; }
	echo "mkfs.btrfs knows no $*"
	return 1
}

# holds TREE KIND: copy has just these files, for btrfs restore
holds() {
	mkdir out
	btrfs restore copy out >restore.out 2>&1 || { cat restore.out; fail "$2"; }
	diff -r "$1" out >diff.out || { head diff.out; fail "$2: files differ"; }
	rm -r out copy
}

# --- made by a newer one: block groups in a tree of their own
vector_tree known
rm known/link # btrfs restore makes none without -S
for name in default groups mixed; do
	vector $name
	btrfs inspect-internal dump-super fs >super.out
	[ $name = default ] || grep -q BLOCK_GROUP_TREE super.out || fail "$name: $(cat super.out)"
	mapped fs "vector $name"
	sound copy "vector $name"
	holds known "vector $name"
done

# --- made and filled by mkfs.btrfs alone
n=0
while read -r size opts; do
	# shellcheck disable=SC2086
	mkfs "$size" $opts --rootdir tree || continue
	n=$((n + 1))
	mapped fs "$opts"
	sound copy "$opts"
	holds tree "$opts"
done <<END
130M -m single -d single --csum xxhash
130M -m dup -d dup --csum sha256
64M --mixed -n 4096
130M -n 4096 --csum blake2
160M -s 65536 -n 65536
130M -O ^skinny-metadata,^no-holes,^extref
130M -R ^free-space-tree -n 32768
130M -R quota
130M -O block-group-tree
130M -O ^block-group-tree,^free-space-tree
130M -O squota
130M -d raid0
END
[ $n -ge 9 ] || fail "only $n kinds ran"

# the superblock's copies
truncate -s 300G fs
mkfs.btrfs -q --rootdir tree -L 'A label' -U 6c7f6a9c-0f4c-4b57-9d20-7e0f6a8c1234 fs >mkfs.out 2>&1
"$map" fs >map.out
grep -q '^ident 6c7f6a9c-0f4c-4b57-9d20-7e0f6a8c1234 A label$' map.out || fail "$(grep ident map.out)"
grep -q "^extent $((256 << 30)) 4096$" map.out || fail "no superblock at 256 GiB: $(tail -n 2 map.out)"
grep -q "^extent $((64 << 20)) 4096$" map.out || fail "no superblock at 64 MiB"
grep -q "^extent 0 1048576$" map.out || fail "the first megabyte"
rm fs
# behind the file system's end everything is kept
truncate -s 200M fs; mkfs.btrfs -q -b 190M fs >mkfs.out 2>&1; "$map" fs >map.out
grep -q "^extent $((190 << 20)) $((10 << 20))$" map.out || fail "$(tail -n 2 map.out)"
rm fs

# --- written by the kernel
mkfs 130M
if ! mount -o loop fs mnt 2>mount.out; then
	[ $n -gt 0 ] && echo "nothing is mounted here: $(cat mount.out)"
	exit 0
fi
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
