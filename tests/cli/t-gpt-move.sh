#!/bin/sh
# t-gpt-move.sh: a GPT disk restored to a larger one has its backup at the new
# end; judged by sgdisk, sfdisk and (sectors of 4096) parted.
# rehost-test: san only
. "$REHOST_TOP/tests/lib/lib.sh"
requires sgdisk sfdisk parted truncate cmp
imgtool=$REHOST_B/tests/tools/imgtool

# parted takes the sector size of a file from the environment
parted_() { # SECTOR FILE COMMAND...
	ss_=$1
	shift
	PARTED_SECTOR_SIZE=$ss_ parted -s "$@"
}
make_disk() { # FILE SIZE SECTOR
	truncate -s "$2" "$1"
	parted_ "$3" -a none "$1" mklabel gpt mkpart one 262144B 786431B \
		mkpart two 786432B 1310719B set 1 esp on 2>/dev/null
}
# sfdisk -d without the lines that may change: the device, the last sector and
# what sfdisk would align new partitions to
dump() { # FILE
	sfdisk -d "$1" | grep -v '^last-lba:\|^device:\|^grain:' | sed "s|^$1||"
}
restore() { # DISK NEW_SIZE CHUNK SECTOR KEEP
	rm -f new.img
	captured=$(stat -c %s "$1")
	echo "0 $captured" >ranges
	"$imgtool" capture "$1" ranges img.rhi 2 "$3" 1 0 "$4" 2>log
	truncate -s "$2" new.img
	"$imgtool" restore img.rhi new.img 2 1 "$5" "$4" 2>log || { cat log; fail "restore"; }
}
judge() { # DISK SECTOR
	parted_ "$2" -m old.img unit s print 2>err >a
	parted_ "$2" -m new.img unit s print 2>err >b
	[ ! -s err ] || { cat err; fail "parted has doubts"; }
	tail -n +3 a >a1
	tail -n +3 b | cmp - a1 || fail "parted sees other partitions"
	# the protective MBR's entry covers all sectors but the first
	covered=$(od -An -tu4 -j458 -N4 new.img)
	[ "$covered" -eq $(($(stat -c %s new.img) / $2 - 1)) ] || fail "the MBR covers $covered sectors"
	[ "$2" = 512 ] || return 0
	sfdisk --verify new.img >out 2>&1 || { cat out; fail "sfdisk --verify"; }
	grep -q 'No errors detected' out || { cat out; fail "sfdisk --verify has doubts"; }
	dump "$1" >a
	dump new.img >b
	cmp a b || fail "the partitions differ"
	sgdisk -v new.img >out 2>&1 || { cat out; fail "sgdisk -v"; }
	grep -q 'No problems found' out || { cat out; fail "sgdisk -v has doubts"; }
	# without the primary the backup alone gives the same partitions
	dd if=/dev/zero of=new.img bs=512 seek=1 count=33 conv=notrunc status=none
	dump new.img >b 2>err
	cmp a b || { cat err; fail "the backup isn't found at the end"; }
}

for ss in 512 4096; do
	make_disk old.img 4M $ss
	# half a chunk larger, one sector, much; chunks that hold all of it or a part
	for size in $((4194304 + ss)) 5M 33M; do
		for chunk in 65536 4194304; do
			restore old.img "$size" $chunk $ss 0
			grep -q moved log || fail "$ss $size: not moved"
			judge old.img $ss
		done
	done
	# same size, and told to keep it: byte for byte
	restore old.img 4M 65536 $ss 0
	cmp old.img new.img || fail "a disk of the same size was changed"
	restore old.img 5M 65536 $ss 1
	cmp -n 4194304 old.img new.img || fail "keep_gpt changed the table"
	rm old.img
done

# no GPT: nothing is moved
truncate -s 4M old.img
echo 'start=2048, type=83' | sfdisk -q old.img
restore old.img 5M 65536 512 0
cmp -n 4194304 old.img new.img || fail "an MBR was changed"

# a damaged primary is left alone, and said
rm old.img
make_disk old.img 4M 512
for at in 512 600 1024 1100; do
	cp old.img bad.img
	printf 'x' | dd of=bad.img bs=1 seek=$at conv=notrunc status=none
	restore bad.img 5M 65536 512 0
	cmp -n 4194304 bad.img new.img || fail "damage at $at: the table was changed"
	grep -q '^warning gpt .*left as it is' log || { cat log; fail "damage at $at: no warning"; }
done
