#!/bin/sh
# Btrfs that is not read, or is damaged: taken whole, and why.  What an extent
# tree lacks that something else needs is seen.
# rehost-test: san
. "$REHOST_TOP/tests/lib/lib.sh"
requires mkfs.btrfs btrfs btrfstune btrfs-convert mke2fs
map=$REHOST_B/tests/tools/map-dump
edit=$REHOST_TOP/tests/lib/btrfsedit.py
judge=$REHOST_TOP/tests/lib/fsjudge.py
case "$REHOST_B" in */san) san=1 ;; *) san= ;; esac

mkdir tree
for i in 1 2 3 4; do seq $((i * 3000)) >tree/file$i; done
truncate -s 130M fs
mkfs.btrfs -q --rootdir tree fs >mkfs.out 2>&1
"$map" fs >good.out

whole() { # IMAGE TEXT
	"$map" "$1" >map.out
	grep -q "^region 0 \([0-9]*\) \1 raw [a-z-]* [01] disk" map.out || fail "$2: not whole: $(head -n 5 map.out)"
	grep -q "^note .*Taken whole: .*$2" map.out || fail "no '$2' in: $(grep ^note map.out)"
}
n=0
refused() { # TEXT WHAT ARGUMENTS OF btrfsedit.py
	n=$((n + 1))
	# half of them are enough for the sanitizers
	[ -z "$san" ] || [ $((n % 2)) = 0 ] || return 0
	cp fs bad
	text=$1 what=$2
	shift 2
	"$edit" "$what" bad "$@"
	whole bad "$text"
}
# 0xbc incompat, 0xb4 compat_ro, 0x38 flags
refused 'RAID5 or RAID6' or 0xbc 8 0x80
refused 'RAID1 with three' or 0xbc 8 0x800
refused 'zones' or 0xbc 8 0x1000
refused 'extent tree of version 2' or 0xbc 8 0x2000
refused 'RAID stripe tree' or 0xbc 8 0x4000
refused 'unknown incompat feature bits 0x20000' or 0xbc 8 0x20000
refused 'unknown incompat feature bits 0x8000000000000000' or 0xbc 8 0x8000000000000000
refused 'unknown compat_ro feature bits 0x10' or 0xb4 8 0x10
refused 'unknown flag bits 0x80' or 0x38 8 0x80
refused 'errors were met' or 0x38 8 4
refused 'a seed device' or 0x38 8 0x100000000
refused 'a dump of metadata' or 0x38 8 0x200000000
refused 'a change of its UUID' or 0x38 8 0x1000000000
refused 'checksums of type 9' super 0xc4 2 9
refused 'on 2 devices' super 0x88 8 2
refused 'a device replacement' super 0xc9 8 0
refused 'lies on another device' super 0xc9 8 2
refused 'sectors of 2048' super 0x90 4 2048
refused 'nodes of 131072' super 0x94 4 131072
refused 'impossible numbers' super 0xc6 1 8
refused 'impossible numbers' super 0xa0 4 2049
refused 'list of chunks is damaged' super 0xa0 4 16
refused 'another generation' super 0x48 8 1
refused 'another generation' super 0xa4 8 1
refused 'superblock at 67108864 is of generation 1,' super 0x48 8 1 1
refused 'says that it lies at 4096' super 0x30 8 4096 0
refused 'where no metadata can be' super 0x50 8 0x10000000000
refused 'at 4096, where no chunk has so much' super 0x60 8 4096
cp fs bad; printf '\377' | dd of=bad bs=1 seek=65800 conv=notrunc status=none; whole bad 'checksum is wrong'
cp fs bad; truncate -s 100M bad; whole bad 'but there are only'
# a copy of another file system, or a torn one, says nothing
for at in 0x28 0x48; do
	cp fs other
	printf '\377' | dd of=other bs=1 seek=$(((64 << 20) + at)) conv=notrunc status=none
	"$map" other | cmp - good.out
done

# --- trees.  Where what lies: `dump-tree -r`, and the chunks
root() { btrfs inspect-internal dump-tree -r fs 2>/dev/null | sed -n "s/^$1.* \([0-9]*\) level 0$/\1/p"; }
bytes=$(btrfs inspect-internal dump-super fs | sed -n 's/^total_bytes\t*//p')
# the extent tree has it elsewhere: everything adds up, but a root is missing
for tree in 'chunk tree:' 'root tree:' 'device tree' 'checksum tree' 'fs tree'; do
	at=$(root "$tree")
	next=$((at + 16384))
	# items keep their order only where a free block follows
	btrfs inspect-internal dump-tree -t extent fs | grep -q "key ($next " && continue
	refused "needs what lies at $at, but its extent tree" item extent "$at" 169 id $next
	missing="${missing-} $tree"
done
case ${missing-} in *chunk*) ;; *) fail "no root could be hidden:${missing-}" ;; esac
at=$(root 'chunk tree:')
group=$(btrfs inspect-internal dump-tree -t extent fs | sed -n 's/.*key (\([0-9]*\) BLOCK_GROUP_ITEM.*/\1/p' | head -n 1)
refused 'its block group says 4096' item extent "$group" 192 0 4096
refused 'has no block group' item extent "$group" 192 16 4
refused 'is impossible' item extent "$at" 169 16 1
refused 'is impossible' item extent "$at" 169 16 3
refused 'is impossible' item extent "$at" 169 id $((at + 512))
refused 'is of type 0x' item chunk 256 228 24 0x12
refused 'outside of the device' item chunk 256 228 56 "$bytes"
refused 'place or length is impossible' item chunk 256 228 0 4097
refused "root item of Btrfs' tree 2 is damaged" item root 2 132 238 15
refused "tree 2: its level is wrong" item root 2 132 238 1

# one of two copies is enough, and told
at=$(root 'fs tree')
# shellcheck disable=SC2046
set -- $("$edit" where fs "$at")
[ $# = 2 ] || fail "$# copies"
cp fs bad
printf '\377' | dd of=bad bs=1 seek=$(($1 + 300)) conv=notrunc status=none
"$map" bad >map.out
grep -v ^note map.out | cmp - good.out || fail "one damaged copy"
grep -q '^note .*second copies; run btrfs scrub' map.out || fail "$(grep note map.out)"
printf '\377' | dd of=bad bs=1 seek=$(($2 + 300)) conv=notrunc status=none
whole bad "block at $at of Btrfs' tree 5: its checksum is wrong"
[ $n -ge 36 ] || fail "only $n edits"

# --- real ones
truncate -s 130M one two
mkfs.btrfs -q -f -m raid1 -d raid1 one two >mkfs.out 2>&1; whole one 'on 2 devices'; whole two 'on 2 devices'
truncate -s 130M one two
mkfs.btrfs -q -f -m dup -d single one two >mkfs.out 2>&1; whole one 'on 2 devices'
cp fs seed; btrfstune -S 1 seed; whole seed 'a seed device'
# an MD superblock at the end: the file system is only one half of a mirror
cp fs md; printf '\374\116\053\251\001\000\000\000' | dd of=md bs=1 seek=$(((130 << 20) - 8192)) conv=notrunc status=none
"$map" md >map.out; grep -q '^region 0 \([0-9]*\) \1 raw' map.out || fail "md: $(cat map.out)"
grep -q 'linux_raid_member' map.out || fail "$(cat map.out)"

# --- and what is read: a UUID of its own in the metadata; made from ext4
cp fs uuid; btrfstune -m uuid >tune.out
btrfs inspect-internal dump-super uuid | grep -q METADATA_UUID || fail "$(cat tune.out)"
"$map" uuid >map.out; "$judge" btrfs -s uuid map.out || fail "metadata UUID: $(head -n 3 map.out)"
grep -q "^region 0 [0-9]* [0-9]* btrfs btrfs 0 disk" map.out || fail "metadata UUID: $(head -n 3 map.out)"
truncate -s 300M ext; mke2fs -q -F -t ext4 -b 4096 -d tree ext
btrfs-convert ext >convert.out 2>&1 || { cat convert.out; fail convert; }
"$map" ext >map.out; "$judge" btrfs -s ext map.out || fail "converted: $(head -n 3 map.out)"
grep -q "^region 0 [0-9]* [0-9]* btrfs btrfs 0 disk" map.out || fail "converted: $(head -n 3 map.out)"
"$judge" apply ext map.out copy
btrfs check --readonly --check-data-csum copy >check.out 2>&1 || { cat check.out; fail "converted"; }
