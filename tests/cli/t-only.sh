#!/bin/sh
# t-only.sh: capture --only: the image has the table, the gaps and the chosen
# partitions, nothing of the others, and says so.  Judged by a second reader of
# images, sfdisk, fsck.fat and e2fsck.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
requires sfdisk e2fsck fsck.fat sgdisk
reader="/usr/bin/python3 $REHOST_TOP/tests/py/rhi_reader.py"

refused() { # STATUS TEXT COMMAND...
	st_=$1 text_=$2
	shift 2
	expect_status "$st_" "$@"
	grep -qF "$text_" err || fail "it isn't said that \"$text_\": $(cat err)"
}

linux_disk disk.img
# --- what can be chosen
refused 2 'there is no partition "4"; there are: 1 (EFI), 2 (root), 3' rehost capture --only 1,4 disk.img a.rhi
refused 2 'there is no partition ""' rehost capture --only 1, disk.img a.rhi
refused 2 'there is no partition "01"' rehost capture --only 01 disk.img a.rhi
refused 2 'given once' rehost capture --only 1 --only 2 disk.img a.rhi
truncate -s 1M none.img
refused 2 'no partition table' rehost capture --only 1 none.img a.rhi
[ ! -e a.rhi ] && [ ! -e a.rhi.part ] || fail "an image was made"

# --- by number, name and PARTUUID: the same used map
uuid=$(sfdisk --part-uuid disk.img 2)
for list in 1,2 EFI,root "1,$uuid" "2,1,2"; do
	expect_status 0 rehost map --json --only "$list" disk.img
	mv out "map.$list"
	cmp "map.$list" map.1,2 || fail "--only $list is something else"
done
expect_status 0 rehost capture --only 1,2 --no-systems disk.img some.rhi
grep -q '^partition 3: Left out' err || fail "$(cat err)"
$reader info some.rhi >info
[ "$(json info 'd["meta"]["only"]')" = "[1, 2]" ] || fail "$(cat info)"
[ "$(json info '[r["what"] for r in d["meta"]["map"] if r.get("left_out")]')" = "['partition 3']" ] || fail "$(cat info)"
[ "$(json info 'd["used_bytes"]')" = "$(json map.1,2 'd["used"]')" ] || fail "used bytes"
rehost info some.rhi >out
grep -q '^only a part of the disk: the partition table and partition 1, 2; the others' out || fail "$(cat out)"
rehost info --json some.rhi >info
[ "$(json info '(d["partial"], d["only"], d["complete"])')" = "(True, [1, 2], True)" ] || fail "$(cat info)"
expect_status 0 rehost verify some.rhi
# all of them: a whole image
expect_status 0 rehost capture --only 3,2,1 --no-systems disk.img all.rhi
rehost info --json all.rhi >info
[ "$(json info '(d["partial"], d.get("only"))')" = "(False, None)" ] || fail "$(cat info)"

# --- as the second reader restores it: zeros where partition 3 was
$reader restore some.rhi second.img
# --- and ours, over what was there
head -c 67108864 /dev/urandom >new.img
cp new.img before.img
expect_status 0 rehost restore --yes --verify some.rhi new.img
grep -q '^Not in the image: partition 3\.' err || fail "$(cat err)"
for f in second.img new.img; do
	sgdisk -v $f | grep -q 'No problems found' || fail "$f: the table"
	part $f 1 8 esp
	fsck.fat -n esp >out 2>&1 || { cat out; fail "$f: fsck.fat"; }
	part $f 9 40 root
	e2fsck -fn root >out 2>&1 || { cat out; fail "$f: e2fsck"; }
done
part new.img 49 8 have
part before.img 49 8 want
cmp have want || fail "the partition that isn't in the image was written to"
head -c 8388608 /dev/zero | cmp - "$(part second.img 49 8 have; echo have)" || fail "something of it is in the image"
# a pipe doesn't say in time what must stay
cp new.img before.img
# shellcheck disable=SC2002
[ "$(cat some.rhi | status_of rehost restore --yes - new.img)" = 2 ] || fail "$(cat err)"
cmp new.img before.img || fail "something was written"

# --- what isn't in the image stays, also where old signatures are wiped, and what
# isn't used is zeroed: partitions from sector 63 to the disk's very end
truncate -s 16M ends.img
printf 'label: dos\nstart=63, size=8001, type=83\nstart=8192, size=16384, type=83\nstart=24576, size=8192, type=83\n' |
	sfdisk -q ends.img
fill_ext a 8 one
put a ends.img 4
expect_status 0 rehost capture --only 2 --no-systems ends.img ends.rhi
for how in --verify --delta; do
	head -c 16777216 /dev/urandom >new.img
	cp new.img before.img
	expect_status 0 rehost restore --yes $how ends.rhi new.img
	for place in "63 8001" "24576 8192"; do
		# shellcheck disable=SC2086
		set -- $place
		cmp -i $(($1 * 512)) -n $(($2 * 512)) new.img before.img || fail "$how: the partition at $1 changed"
	done
	sfdisk -d new.img | sed 's/new.img//' >have
	sfdisk -d ends.img | sed 's/ends.img//' | cmp - have || fail "$how: the table"
	part new.img 4 8 root
	e2fsck -fn root >out 2>&1 || { cat out; fail "$how: e2fsck"; }
done
expect_status 4 rehost restore --yes --zero ends.rhi new.img

# --- MBR with logical partitions: their tables are kept, a small one between
# used ones stays as it is
truncate -s 48M dos.img
sfdisk -q dos.img <<'END'
label: dos
label-id: 0x12345678
start=2048, size=16384, type=83
start=18432, size=77824, type=5
start=20480, size=16384, type=83
start=38912, size=32, type=da
start=45056, size=16384, type=83
END
fill_ext a 8 one
for at in 1 10 22; do put a dos.img $at; done
printf 'small' | dd of=dos.img bs=512 seek=38912 conv=notrunc status=none
refused 2 'partition 2 only holds the logical ones; choose among: 1, 5, 6, 7' rehost capture --only 2 dos.img b.rhi
expect_status 0 rehost capture --only 5,7 --no-systems dos.img dos.rhi
head -c 50331648 /dev/urandom >new.img
cp new.img before.img
expect_status 0 rehost restore --yes dos.rhi new.img
sfdisk -d dos.img | sed 's/dos.img//' >want
sfdisk -d new.img | sed 's/new.img//' >have
cmp want have || { diff want have; fail "the tables differ"; }
for at in 10 22; do
	part new.img $at 8 root
	e2fsck -fn root >out 2>&1 || { cat out; fail "logical one at $at: e2fsck"; }
done
part new.img 1 8 have
part before.img 1 8 want
cmp have want || fail "partition 1 was written to"
dd if=new.img of=have bs=512 skip=38912 count=32 status=none
dd if=before.img of=want bs=512 skip=38912 count=32 status=none
cmp have want || fail "partition 6 was written to"

# --- several disks: each has its list
refused 2 'give --only NAME=LIST' rehost capture --only 1 disk.img dos.img machine
refused 2 'has a list already' rehost capture --only dos.img=5 --only dos.img=6 disk.img dos.img machine
refused 2 'dos.img: there is no partition "4"' rehost capture --only dos.img=4 disk.img dos.img machine
[ ! -e machine/disk.img.rhi ] || fail "the first disk was captured"
expect_status 0 rehost capture --only dos.img=5 --no-systems disk.img dos.img machine
for n in disk dos; do rehost info --json machine/$n.img.rhi >$n; done
[ "$(json disk 'd["partial"]') $(json dos 'd["only"]')" = "False [5]" ] || fail "$(cat disk dos)"
