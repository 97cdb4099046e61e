#!/bin/sh
# t-smaller.sh: an image goes to a smaller disk when all partitions end on it; a
# GPT's backup is then made anew.  Judged by sgdisk, sfdisk, parted and e2fsck.
# rehost-test: san only
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
requires sgdisk sfdisk parted truncate cmp e2fsck
imgtool=$REHOST_B/tests/tools/imgtool

# what may change: the device's name, the last sector, suggested alignment
dump() { sfdisk -d "$1" | grep -v '^last-lba:\|^device:\|^grain:' | sed "s|^$1||"; }
same_table() { # OLD NEW
	dump "$1" >a
	dump "$2" >b
	cmp a b || { diff a b; fail "the partitions differ"; }
	sfdisk --verify "$2" >out 2>&1 || { cat out; fail "sfdisk --verify"; }
	grep -q 'No errors detected' out || { cat out; fail "sfdisk --verify has doubts"; }
}
good_gpt() { # OLD NEW
	same_table "$1" "$2"
	sgdisk -v "$2" >out 2>&1 || { cat out; fail "sgdisk -v"; }
	grep -q 'No problems found' out || { cat out; fail "sgdisk -v has doubts"; }
	covered=$(od -An -tu4 -j458 -N4 "$2")
	[ "$covered" -eq $(($(stat -c %s "$2") / 512 - 1)) ] || fail "the MBR covers $covered sectors"
	# the backup alone gives the same partitions
	cp "$2" alone
	dd if=/dev/zero of=alone bs=512 seek=1 count=33 conv=notrunc status=none
	dump alone >b 2>err
	cmp a b || { cat err; fail "the backup isn't found at the end"; }
}
head -c 65536 /dev/zero | tr '\0' '\245' >old_
old_bytes() { # FILE SIZE: as if it had been in use, at both ends
	rm -f "$1"
	truncate -s "$2" "$1"
	dd if=old_ of="$1" conv=notrunc status=none
	dd if=old_ of="$1" bs=512 seek=$(($2 / 512 - 128)) conv=notrunc status=none
}
restored() { # IMAGE SIZE [OPTION]
	old_bytes new.img "$2"
	expect_status 0 rehost restore --yes ${3:+"$3"} "$1" new.img
	[ "$(stat -c %s new.img)" = "$2" ] || fail "the target's size changed"
}
refused() { # IMAGE SIZE TEXT...: and nothing is written
	old_bytes new.img "$2"
	cp new.img before
	expect_status 4 rehost restore --yes "$1" new.img
	cmp new.img before || fail "something was written"
	shift 2
	for t; do
		grep -qF "$t" err || fail "it isn't said that \"$t\": $(cat err)"
	done
}
smallest() { # IMAGE BYTES
	rehost info --json "$1" >info
	[ "$(json info 'd["smallest_target"]')" = "$2" ] || fail "smallest_target: $(cat info)"
	rehost info "$1" | grep -q "^smallest target disk: $2 bytes" || fail "info doesn't tell it"
}

# --- GPT: partitions up to 57 MiB of 64
linux_disk disk.img
rehost capture disk.img disk.rhi 2>/dev/null
least=$(((57 << 20) + 33 * 512))
smallest disk.rhi $least
rehost map --json disk.img >map
for size in $least $((60 << 20)) $(((64 << 20) - 512)) $(((64 << 20) - 4096)); do
	restored disk.rhi $size --verify
	good_gpt disk.img new.img
	part new.img 9 40 root.img
	e2fsck -fn root.img >out 2>&1 || { cat out; fail "$size: e2fsck"; }
	/usr/bin/python3 - <<-'END' || fail "$size: used bytes differ"
		import json
		a, b = open("disk.img", "rb").read(), open("new.img", "rb").read()
		for off, n in json.load(open("map"))["extents"]:
		    n = min(off + n, 57 << 20) - off
		    if off >= 1 << 20 and n > 0:
		        assert a[off:off + n] == b[off:off + n], off
	END
done
mv new.img verified.img
restored disk.rhi "$size"
cmp new.img verified.img || fail "--verify writes something else"
# the copy captured again is the same disk, and fits as well
rehost capture new.img again.rhi 2>/dev/null
smallest again.rhi $least
refused disk.rhi $((least - 512)) "needs $least, 512 are missing" \
	"partition 3 ends at byte $((57 << 20))" "needs 16896 bytes behind it"
refused disk.rhi $((50 << 20)) "has $((50 << 20)) bytes" "$((least - (50 << 20))) are missing" "partition 3"
# a pipe can't tell
old_bytes new.img $((60 << 20))
cp new.img before
# shellcheck disable=SC2002
[ "$(cat disk.rhi | status_of rehost restore --yes - new.img)" = 4 ] || fail "a pipe: $(cat err)"
grep -q "used up to byte $((64 << 20))" err && grep -q "in an image file, not in a pipe" err || fail "$(cat err)"
cmp new.img before

# --- something in use at the very end: a mark as RAID controllers leave it
cp disk.img raid.img
printf mark | dd of=raid.img bs=1 seek=$(((64 << 20) - 40 * 512)) conv=notrunc status=none
rehost capture raid.img raid.rhi 2>/dev/null
smallest raid.rhi $((64 << 20))
refused raid.rhi $(((64 << 20) - 512)) "512 are missing" "what is used ends at byte $(((64 << 20) - 33 * 512))"

# --- a primary that is damaged; tables that nobody can trust
for at in 520 1100; do
	cp disk.img bad.img
	printf 'x' | dd of=bad.img bs=1 seek=$at conv=notrunc status=none
	st=$(status_of rehost capture bad.img bad.rhi --overwrite)
	[ "$st" = 0 ] || [ "$st" = 3 ] || fail "capture: $(cat err)"
	smallest bad.rhi $((64 << 20))
	refused bad.rhi $((60 << 20)) "its partition table"
done

# --- MBR: nothing lies at the end
windows_disk win.img
rehost capture win.img win.rhi 2>/dev/null
smallest win.rhi $((41 << 20))
for size in $((41 << 20)) $((45 << 20)); do
	restored win.rhi $size --verify
	same_table win.img new.img
	same_used win.img new.img
done
refused win.rhi $(((41 << 20) - 512)) "512 are missing" "partition 1 ends at byte $((41 << 20))"
# a logical one; the extended partition around it reaches further
truncate -s 32M log.img
printf 'start=2048,size=4M,type=83\nstart=20480,size=10M,type=f\nstart=22528,size=2M,type=83\n' |
	sfdisk -q --label dos log.img
rehost capture log.img log.rhi 2>/dev/null
smallest log.rhi $((20 << 20))
restored log.rhi $((20 << 20)) --verify
same_table log.img new.img
refused log.rhi $(((20 << 20) - 512)) "partition 2 ends at byte $((20 << 20))"

# --- no table: the file system believes that the whole disk is there
fill_ext bare.img 16
rehost capture bare.img bare.rhi 2>/dev/null
smallest bare.rhi $((16 << 20))
refused bare.rhi $((15 << 20)) "no partition table"

# --- chunks that hold used bytes and the old backup, or the whole disk; sectors of 4096
for ss in 512 4096; do
	rm -f old.img
	truncate -s 11M old.img
	PARTED_SECTOR_SIZE=$ss parted -s -a none old.img mklabel gpt mkpart one 1MiB 9437183B 2>/dev/null
	head -c 8M /dev/urandom | dd of=old.img bs=1M seek=1 conv=notrunc status=none
	PARTED_SECTOR_SIZE=$ss parted -m old.img unit s print 2>/dev/null | tail -n +3 >a
	rehost map --json old.img >map
	json map '"\n".join("%d %d" % tuple(e) for e in d["extents"])' >ranges
	backup=$((ss + 16384))
	for chunk in 65536 1048576 4194304; do
		"$imgtool" capture old.img ranges img.rhi 2 $chunk 1 0 $ss 2>log || fail "$(cat log)"
		for size in $(((9 << 20) + backup)) $((10 << 20)) $(((11 << 20) - ss)); do
			old_bytes new.img $size
			"$imgtool" restore img.rhi new.img 2 1 0 $ss 2>log || fail "$ss $chunk $size: $(cat log)"
			grep -q moved log || fail "$ss $chunk $size: not moved"
			PARTED_SECTOR_SIZE=$ss parted -m new.img unit s print 2>err </dev/null | tail -n +3 >b
			[ ! -s err ] || fail "$ss $chunk $size: parted has doubts: $(cat err)"
			cmp a b || fail "$ss $chunk $size: parted sees other partitions"
			cmp -i 1048576 -n 8388608 old.img new.img || fail "$ss $chunk $size: the content differs"
			# told to leave the table as it is
			st=0
			"$imgtool" restore img.rhi new.img 2 1 1 $ss 2>log || st=$?
			[ $st != 0 ] && grep -q 'the partition table is to stay' log || fail "kept: $(cat log)"
		done
		old_bytes new.img $(((9 << 20) + backup - ss))
		"$imgtool" restore img.rhi new.img 2 1 0 $ss 2>log && fail "$ss $chunk: too small, but done"
		grep -q "partition 1 ends at byte $((9 << 20))" log || fail "$(cat log)"
	done
done
# a tiny disk: all of it in the first chunk
rm -f old.img
truncate -s 2M old.img
parted -s -a none old.img mklabel gpt mkpart one 262144B 786431B 2>/dev/null
rehost map --json old.img >map
json map '"\n".join("%d %d" % tuple(e) for e in d["extents"])' >ranges
for size in $((786432 + 16896)) $(((2 << 20) - 512)); do
	for chunk in 65536 4194304; do
		"$imgtool" capture old.img ranges img.rhi 2 $chunk 1 0 512 2>log || fail "$(cat log)"
		old_bytes new.img $size
		"$imgtool" restore img.rhi new.img 2 1 0 512 2>log || fail "tiny $chunk $size: $(cat log)"
		good_gpt old.img new.img
	done
done
