#!/bin/sh
# Used extents of Btrfs of many kinds, made without mounting: against btrfs' own dump, and by
# a copy that has nothing but the map's extents, which btrfs check must find sound and whose
# files must be the same.
. "$REHOST_TOP/tests/lib/lib.sh"
map=$REHOST_B/tests/tools/map-dump
. "$REHOST_TOP/tests/lib/btrfs.sh"
. "$REHOST_TOP/tests/lib/btrfs-vectors.sh"
requires xz

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
while read -r size opts; do
	# shellcheck disable=SC2086
	mkfs "$size" $opts --rootdir tree || continue
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
