#!/bin/sh
# Physical volumes that are damaged, or of a kind that isn't read, are taken whole,
# and it is said why; volumes inside of volumes.
# rehost-test: san only
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/lvm-text.sh"
requires mke2fs sfdisk mkswap
map=$REHOST_B/tests/tools/map-dump
tool=$REHOST_TOP/tests/lib/lvmtool.py

truncate -s 3M fs; mke2fs -q -t ext4 fs
vg_text 10 >text <<END
lv root 3 V $(at 2)
lv swap 2 V $(at 6)
END
"$tool" make new $((12 << 20)) text
dd if=fs of=new bs=1M seek=3 conv=notrunc status=none
mk() { cp new pv; }
mk
"$map" pv >map.out
grep -q '^volume 0 3145728 [0-9]* ext ext4 0 logical volume vg/root$' map.out || fail "$(cat map.out)"
grep -q '^volume 0 2097152 2097152 raw - 0 logical volume vg/swap$' map.out || fail "$(cat map.out)"
good=$(awk '/^total/ { print $2 }' map.out)
[ "$good" -lt 5600000 ] || fail "too much: $good"

n=0
whole() { # MESSAGE: all of pv, and that is why
	n=$((n + 1))
	"$map" pv >map.out
	grep -q "^note Taken whole: .*$1" map.out || fail "'$1' isn't said: $(cat map.out)"
	grep -q '^region 0 [0-9]* [0-9]* raw LVM2_member 1 disk$' map.out || fail "$1: $(cat map.out)"
	[ "$(grep -c '^extent' map.out)" = 1 ] || fail "$1: not whole"
	mk
}
volume() { # NAME MESSAGE: this volume is whole
	n=$((n + 1))
	"$map" pv >map.out
	grep -A 1 "^volume 0 3145728 3145728 raw - 0 .*vg/$1\$" map.out | grep -q "^note Taken whole: $2" ||
		fail "$2: $(cat map.out)"
	mk
}
edit() { "$tool" edit pv "$@"; }

edit '"RESIZEABLE"' '"EXPORTED"'; whole 'the volume group was exported'
edit '"RESIZEABLE"' '"PARTIAL"'; whole 'the volume group is marked as PARTIAL'
edit 'flags = []' 'flags = ["SHARED"]'; whole 'the volume group is marked as SHARED'
edit '"ALLOCATABLE"' '"NEW"'; whole 'the physical volume is marked as NEW'
edit '"ALLOCATABLE"]
flags = []' '"ALLOCATABLE"]
flags = ["MISSING"]'; whole 'the physical volume is marked as MISSING'
edit 'format = "lvm2"' 'format = "lvm3"'; whole "isn't of the format lvm2"
edit 'type = "striped"' 'type = "woven"'; whole 'logical volume root is of an unknown kind'
edit 'stripe_count' 'strands = ["pv0", 3]
stripe_count'; whole 'logical volume root is of an unknown kind'
edit 'stripe_count' 'strand = "pv0"
stripe_count'; whole 'logical volume root is of an unknown kind'
edit 'stripe_count' 'strand { a = 1 }
stripe_count'; whole 'logical volume root is of an unknown kind'
edit '["pv0", 6]' '["pv0", 4]'; whole 'belongs to two pieces'
edit '["pv0", 6]' '["pv0", 9]'; whole 'swap lies outside of its physical volume'
edit '["pv0", 6]' '["pv7", 12]'; whole "swap lies on something that isn't there"
edit '["pv0", 6]' '["pv0"]'; whole 'a segment of 0 parts'
edit '["pv0", 6]' '["pv0", 6, "pv0", 8, "pv0", 9]'; whole 'a segment of 3 parts'
edit '["pv0", 6]' '["pv0", 6, "pv0", 8]'; whole 'no "stripe_size"'
edit '["pv0", 6]' '["pv0", 6, "pv0", 8]
stripe_size = 3000'; whole "stripes that don't fit"
edit 'start_extent = 0' 'start_extent = 1'; whole "segments that don't follow each other"
edit 'segment_count = 1' 'segment_count = 2'; whole 'not as many segments as it says'
edit 'extent_count = 3' 'extent_count = 99999999999999999999'; whole 'no "extent_count"'
edit 'extent_count = 3' 'extent_count = -8'; whole 'no "extent_count"'
edit 'extent_size = 2048' 'extent_size = 0'; whole 'have no size'
edit 'extent_size = 2048' 'extent_size = 70368744177664'; whole "don't agree"
edit 'pe_start = 2048' 'pe_start = 0'; whole "don't agree"
edit 'pe_count = 10' 'pe_count = 12'; whole "don't agree"
edit 'oXbldM' 'pXbldM'; whole 'no metadata of its volume group'
edit 'aXbldM' 'oXbldM'; whole 'no metadata of its volume group'
edit 'root {' 'root [31m {'; whole "can't be understood"
edit 'root {' '"root" {'; whole "can't be understood"
edit 'vg {' 'vg { a { a { a { a { a { a { a { a { a { a { a { a { a { a { a { a { a {'; whole 'sections too deep'
edit 'vg {' 'vg {} } vg {'; whole 'an end without a section'
edit 'vg {' 'vg {
}
wg {'; whole 'describes two volume groups'
edit 'stripes = [' 'stripes = [ "'; whole "can't be understood"
edit 'stripe_count = 1' 'odd = 1
stripe_count = 1'; volume root "it has a setting that isn't known here (odd)"
edit '"VISIBLE"' '"VISIBLE", "TWISTED"'; volume root 'it is marked as TWISTED'
edit ',"VISIBLE"' ''; volume root 'it is hidden'
edit '["pv0", 2]' '["pv0", 2]
tags = ["pv0"]'
"$map" pv | grep -q "^total $good 0" || fail "tags: $(cat map.out)"
mk

# the label, the area's header, the text
poke() { "$tool" poke pv "$@"; }
spoil() { printf "$2" | dd of=pv bs=1 seek=$(($1)) conv=notrunc status=none; }
spoil 544 x; whole 'the label of a physical volume is damaged'
poke 576 0000008000000000; whole 'by its label, its place'
poke 616 00000000ffff0000; whole 'lies outside of it'
poke 584 0000200000000000; whole "don't agree"
dd if=pv of=pv bs=512 skip=1 seek=3 count=1 conv=notrunc status=none; whole 'there are two labels'
spoil 4200 x; whole 'a metadata area of a physical volume is damaged'
poke 4136 ffffff7f; whole 'lies outside of its area'
poke 4136 00000000; whole 'no metadata of its volume group'
poke 4160 0002000000000000; whole "a change of the volume group was not completed"
poke 4156 01000000; whole 'no metadata of its volume group'
poke 4156 02000000; whole 'marked in an unknown way'
at_=$(LC_ALL=C grep -abo 'seqno = 7' pv | head -n 1); spoil "${at_%%:*}" S; whole 'a wrong checksum'
truncate -s 10M pv; whole 'its place 10485760'
spoil 1080 '\123\357'; whole 'signatures of LVM2_member and of ext'
[ $n = 50 ] || fail "$n cases ran"

# a copy of the partition on the same disk
truncate -s 30M disk
printf 'size=12M, type=8e\nsize=12M, type=8e\n' | sfdisk -q --label dos disk
dd if=pv of=disk bs=1M seek=1 conv=notrunc status=none
dd if=pv of=disk bs=1M seek=13 conv=notrunc status=none
"$map" disk >map.out
[ "$(grep -c '^note Taken whole: a physical volume with its UUID is there twice' map.out)" = 2 ] || fail "$(cat map.out)"

# volumes that are physical volumes themselves: as many as there can be, and one more
cp pv inner
for depth in 1 2 3 4 5 6 7 8; do
	size=$((12 + depth * 2))
	vg_text $((size - 2)) >text <<-END
	lv in$depth $((size - 2)) V $(at 0)
	END
	"$tool" make outer $((size << 20)) text
	dd if=inner of=outer bs=1M seek=1 conv=notrunc status=none
	mv outer inner
	[ $depth = 2 ] || [ $depth -ge 7 ] || continue
	"$map" inner >map.out
	[ $depth -lt 8 ] || break
	grep -q '^volume 0 3145728 [0-9]* ext ext4 0 logical volume vg/root$' map.out || fail "$depth: $(cat map.out)"
	[ "$(awk '/^total/ { print $2 }' map.out)" = $((good + (depth * 2 << 20))) ] || fail "$depth: $(cat map.out)"
done
grep -q '^note Taken whole: there are too many volumes inside of volumes' map.out || fail "$(cat map.out)"
expect_status 0 rehost map inner
grep -q '    logical volume vg/in7' out || fail "$(cat out)"
expect_status 0 rehost map --json inner
exit 0
