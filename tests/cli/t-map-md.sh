#!/bin/sh
# Members of software RAIDs: superblocks of all versions, as mdadm reads them; what of
# the array is used; arrays over several disks, and of which there is only a part; damage.
. "$REHOST_TOP/tests/lib/lib.sh"
requires mdadm mke2fs e2fsck sfdisk
map=$REHOST_B/tests/tools/map-dump
tool=$REHOST_TOP/tests/lib/mdtool.py
judge=$REHOST_TOP/tests/lib/fsjudge.py

mkdir tree; head -c 700000 /dev/urandom >tree/random
# made FILE: with a file system of the array's size, in it
made() {
	range=$("$tool" data "$1") || fail "$1: mdadm: $range"
	start=${range% *} size=${range#* }
	rm -f fs; truncate -s "$size" fs; mke2fs -q -t ext4 -d tree fs
	dd if=fs of="$1" bs=4096 seek=$((start / 4096)) conv=notrunc,sparse status=none
	"$map" fs >fs.map
}
# as_it_is FILE WHAT: looked into, exactly as mdadm says, and enough for its file system
as_it_is() {
	"$map" "$1" >map.out
	grep -q "^region 0 [0-9]* [0-9]* md linux_raid_member 0 disk$" map.out || fail "$2: $(cat map.out)"
	grep -q "^volume 0 $size [0-9]* ext ext4 0 array " map.out || fail "$2: $(cat map.out)"
	"$tool" judge "$1" map.out fs.map || fail "$2"
	"$judge" apply "$1" map.out copy
	dd if=copy of=fs.copy bs=4096 skip=$((start / 4096)) count=$((size / 4096)) status=none
	e2fsck -fn fs.copy >fsck.out 2>&1 || fail "$2: $(cat fsck.out)"
	debugfs -R 'cat /random' fs.copy 2>/dev/null | cmp - tree/random || fail "$2: random"
}
n=0
while read -r version size words; do
	n=$((n + 1))
	# shellcheck disable=SC2086
	"$tool" make md "$size" "$version" $words
	made md
	as_it_is md "$version $words"
	[ "$(blkid -p -o value -s UUID md)" = "$(awk '/^ident/ { print $2; exit }' map.out)" ] || fail "$(blkid -p md; cat map.out)"
done <<END
0.90 12648448
0.90 12653568 size=9000 disks=3
0.90 12648448 level=0 disks=1 nr=1 chunk=65536 state=0
1.0 12648448
1.0 12648960 level=0 disks=1 chunk=1024 synced=0
1.1 12648448 size=20000
1.1 16777216 level=-1 disks=1 size=0
1.2 16777216 disks=2 synced=4000
1.2 16777216 number=1
1.2 20971520 data=8192 room=32768 size=24576 disks=4
END
[ $n = 10 ] || fail "$n kinds ran"
"$tool" make md 20971520 1.2 data=8192 room=32768 size=24576
"$tool" bitmap md
made md
as_it_is md bitmap
grep -q '^holds RAID1 of 2 disks$' map.out || fail "$(cat map.out)"
grep -q ' array host:nam$' map.out || fail "$(cat map.out)"
"$tool" make md 12648448 1.0
made md
expect_status 0 rehost map --json md
[ "$(json out 'd["regions"][0]["reader"] + " " + d["regions"][0]["volumes"][0]["fs"]')" = 'md ext4' ] || fail "$(cat out)"

# --- arrays over several disks: what is used of them, on each
# member N VERSION SIZE WORDS...: the N-th, from 0, of an array
member() {
	n_=$1 v_=$2 s_=$3
	shift 3
	case $v_ in
	0.90) "$tool" make "m$n_" "$s_" "$v_" size=0 "number=$n_" "role=$n_" "$@" ;;
	*) "$tool" make "m$n_" "$s_" "$v_" size=0 "number=$n_" role2=2 "$@" ;;
	esac
	head -c $((s_ - 1310720)) /dev/urandom | # what it held before
		dd of="m$n_" bs=65536 seek=17 conv=notrunc status=none
}
# over LAYOUT WHAT DISK...: an ext4 over all of them, in order, and nothing else, is in their maps
over() {
	layout=$1 what=$2 pairs='' copies=''
	shift 2
	rm -f fs; truncate -s "$("$tool" array size "$layout" - "$@")" fs; mke2fs -q -t ext4 -d tree fs
	"$map" fs >fs.map
	"$tool" array put "$layout" fs "$@" || fail "$what"
	for d in "$@"; do
		with=
		for o in "$@"; do [ "$o" = "$d" ] || with="-w $o $with"; done
		# shellcheck disable=SC2086
		"$map" $with "$d" >"$d.map"
		grep -q "^region 0 [0-9]* [0-9]* md linux_raid_member 0 disk$" "$d.map" || fail "$what: $(cat "$d.map")"
		grep -q "^volume 0 $(stat -c %s fs) [0-9]* ext ext4 0 array " "$d.map" || fail "$what: $(cat "$d.map")"
		"$judge" apply "$d" "$d.map" "$d.copy"
		pairs="$pairs $d=$d.map" copies="$copies $d.copy"
	done
	# shellcheck disable=SC2086
	"$tool" array judge "$layout" fs.map $pairs || fail "$what"
	# shellcheck disable=SC2086
	"$tool" array get "$layout" fs.copy $copies
	e2fsck -fn fs.copy >fsck.out 2>&1 || fail "$what: $(cat fsck.out)"
	debugfs -R 'cat /random' fs.copy 2>/dev/null | cmp - tree/random || fail "$what: random"
}
zero='level=0 features=0x1000 disks=3 chunk=24'
n=0
while read -r layout version sizes words; do
	n=$((n + 1)) i=0 all=
	for size in $(echo "$sizes" | tr , ' '); do
		# shellcheck disable=SC2086
		member $i "$version" "$size" $words
		all="$all m$i" i=$((i + 1))
	done
	# shellcheck disable=SC2086
	over "$layout" "$layout $version $words" $all
done <<END
original 1.2 9437184,9437184 level=0 disks=2 chunk=128
original 0.90 9437184,9437184 level=0 disks=2 nr=2 chunk=65536
original 1.2 9437184,7340032,11534336 $zero layout=1
alternate 1.2 9437184,7340032,11534336 $zero layout=2
alternate 1.0 6291456,6291456,11534336 $zero layout=2
linear 1.1 9437184,6291456 level=-1 disks=2
linear 0.90 5242880,9437184,6291456 level=-1 disks=3 nr=3 chunk=65536
END
[ $n = 7 ] || fail "$n arrays ran"
# by the commands; on two partitions of one disk nobody else is needed
for i in 0 1; do member $i 1.2 9437184 level=0 disks=2 chunk=128; done
over original commands m0 m1
expect_status 0 rehost map --json m1 m0
[ "$(json out '(d["used"], d["regions"][0]["reader"], d["regions"][0]["spans"])')" = \
	"($(awk '/^total/ { print $2 }' m1.map), 'md', True)" ] || fail "$(cat out)"
expect_status 0 rehost map m1
grep -q '! Taken whole: only a part of the array (RAID0 of 2 disks) is on this disk' out || fail "$(cat out)"
truncate -s 20M both
printf 'label: dos\nstart=2048,size=18432,type=fd\nstart=20480,size=18432,type=fd\n' | sfdisk -q both
dd if=m1 of=both bs=1M seek=1 conv=notrunc status=none
dd if=m0 of=both bs=1M seek=10 conv=notrunc status=none
expect_status 0 rehost map --json both
[ "$(json out '[(r["reader"], "spans" in r, len(r.get("volumes", []))) for r in d["regions"] if r["reader"] == "md"]')" = \
	"[('md', False, 1), ('md', False, 0)]" ] || fail "$(cat out)"

# --- whole
n=0 with=
whole() { # MESSAGE [0]: it is no doubt
	n=$((n + 1))
	"$map" ${with:+-w "$with"} md >map.out
	grep -q "^note Taken whole: .*$1" map.out || fail "'$1' isn't said: $(cat map.out)"
	grep -q "^region 0 [0-9]* [0-9]* raw linux_raid_member ${2:-1} disk\$" map.out || fail "$1: $(cat map.out)"
	[ "$(grep -c '^extent' map.out)" = 1 ] || fail "$1: not whole"
}
while read -r version words message; do
	# shellcheck disable=SC2046
	"$tool" make md 16777216 "$version" $(echo "$words" | tr , ' ')
	whole "$message"
done <<END
0.90 minor=91 the array is being reshaped
0.90 state=3 in a state that isn't known
0.90 disk_state=1 no active member
0.90 role=2 no active member
0.90 size=20000 larger than its member
1.2 level=77 level (77) isn't known
1.2 level=0,disks=1,chunk=0 no size of chunks
1.2 level=-1,disks=1,room=0 has no bytes
1.2 features=2 it is being filled
1.2 features=0x80 it is being filled
1.2 features=4 being reshaped
1.2 features=0x200 has a journal
1.2 features=0x40 features that aren't known
1.2 role0=0xffff no active member
1.2 role0=0xfffe no active member
1.2 number=2 no active member
1.2 number=4000000000 no active member
1.2 max_dev=2000 is damaged
1.2 super=9 is damaged
1.2 data=40000 past its end
1.2 data=0x8000000000000000 past its end
1.2 room=40000 past its end
1.2 size=40000 larger than its member
1.2 features=1,bitmap=8 bitmap of an unknown kind
1.2 features=1,bitmap=-9 lies outside
1.2 features=1,bitmap=0x7fffffff lies outside
1.2 features=8,bad=16,bad_len=8 blocks are known to be bad
1.2 bad=-10,bad_len=8 lies outside
END
for at in $((4096 + 0xd8)) 4200; do # its checksum, and something else
	"$tool" make md 16777216 1.2
	printf x | dd of=md bs=1 seek=$at conv=notrunc status=none
	whole 'is damaged'
done
"$tool" make md 16777216 0.90
"$tool" make other 16777216 1.2
dd if=other of=md bs=4096 count=2 conv=notrunc status=none
whole 'superblocks of two RAIDs'
while read -r version words message; do
	# shellcheck disable=SC2046
	"$tool" make md 16777216 "$version" $(echo "$words" | tr , ' ')
	whole "$message" 0
done <<END
0.90 level=5 a member of a RAID5 of 2 disks isn't looked into
1.1 level=10 a member of a RAID10 of 2 disks isn't looked into
1.0 level=0,chunk=128 only a part of the array (RAID0 of 2 disks)
1.2 level=-1 only a part of the array (linear of 2 disks)
1.2 level=-1,disks=4000000000 only a part of the array
END
# the other member says something else
with=other
while read -r doubt mine others message; do
	# shellcheck disable=SC2046
	"$tool" make md 16777216 1.2 level=0 $(echo "$mine" | tr , ' ')
	# shellcheck disable=SC2046
	"$tool" make other 12582912 1.2 level=0 number=1 $(echo "$others" | tr , ' ')
	whole "$message" "$doubt"
done <<END
1 chunk=128 chunk=128,events=6 the members of the array don't agree
1 chunk=128 chunk=64 the members of the array don't agree
1 chunk=128 chunk=128,level=1 the members of the array don't agree
1 chunk=128 chunk=128,number=0 member 0 of the array is there twice
1 chunk=128 chunk=128,features=4 of another member of the array: the array is being reshaped
0 chunk=128,disks=3 chunk=128,disks=3 only a part of the array (RAID0 of 3 disks)
END
with=
[ $n = 42 ] || fail "$n cases ran"

# the file system was made anew over all of the member: both can't be right
"$tool" make md 12648448 0.90; made md
truncate -s $((size + 65536)) fs2; mke2fs -q -t ext4 fs2
dd if=fs2 of=md bs=4096 conv=notrunc,sparse status=none
"$map" md >map.out
grep -q '^volume 0 [0-9]* [0-9]* raw [^ ]* 1 array' map.out || fail "$(cat map.out)"
exit 0
