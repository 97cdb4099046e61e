#!/bin/sh
# Used blocks of F2FS: against dump.f2fs, and by a copy that has nothing but the
# map's blocks: fsck.f2fs, and GRUB's reader for the files; damage.
# rehost-test: san
. "$REHOST_TOP/tests/lib/lib.sh"
requires mkfs.f2fs sload.f2fs fsck.f2fs dump.f2fs grub-fstest
map=$REHOST_B/tests/tools/map-dump
judge=$REHOST_TOP/tests/lib/fsjudge.py
edit=$REHOST_TOP/tests/lib/f2fsedit.py
case "$REHOST_B" in */san) san=1 ;; *) san= ;; esac

mkdir -p tree/dir/deep
for i in 1 2 3 4 5 6 7 8; do
	head -c $((i * 90001)) /dev/urandom >tree/file$i
	seq $((i * 3000)) >tree/dir/text$i
done
for i in $(seq 1 150); do echo "$i" >tree/dir/deep/small$i; done
mk() { # SIZE OPTIONS
	rm -f vol
	truncate -s "$1" vol
	shift
	mkfs.f2fs "$@" vol >mkfs.out || { cat mkfs.out; fail "mkfs.f2fs $*"; }
}
fill() { # OPTIONS: ends with 1 where fsck, run by sload, changed something
	sload.f2fs -f tree "$@" vol >sload.out 2>&1 || [ $? = 1 ] || { cat sload.out; fail "sload.f2fs $*"; }
}
compared() { # WHAT
	"$map" vol >map.out
	grep -q "^region 0 [0-9]* [0-9]* f2fs f2fs 0 disk" map.out || fail "$1: $(head -n 5 map.out)"
	"$judge" f2fs -s vol map.out >judge.out || { cat judge.out; fail "$1"; }
}
judged() { # WHAT
	compared "$1"
	# what follows only other programs do
	[ -z "$san" ] || return 0
	"$judge" apply vol map.out copy
	# fsck.f2fs finds fault with what mkfs.f2fs makes, at times
	checked vol >fsck.vol
	checked copy | cmp - fsck.vol || { cat fsck.out; fail "$1: the copy is not as sound"; }
}
checked() {
	st=0
	fsck.f2fs --dry-run "$1" >fsck.out 2>&1 || st=$?
	echo "status $st"
	grep '^\[' fsck.out || fail "fsck.f2fs: $(cat fsck.out)"
}
files() { # WHAT: through dump.f2fs and GRUB's reader
	[ -z "$san" ] || return 0
	for f in file1 file8 text8; do
		rm -rf lost_found
		ino=$(fsck.f2fs --dry-run -t copy | sed -n "s/^[-| \`]*$f <ino = \(0x[0-9a-f]*\)>.*/\1/p")
		echo Y | dump.f2fs -i "$ino" copy >dump.out 2>&1 || { cat dump.out; fail "$1: $f"; }
		cmp lost_found/$f "$(find tree -name $f)" || fail "$1: $f differs"
	done
	# GRUB knows neither large bitmaps nor some directories
	rm -f out
	grub-fstest vol cp "(loop0)/file1" out >grub.out 2>&1 && cmp -s out tree/file1 || return 0
	grub=$((grub + 1))
	for f in file1 file4 file8 dir/text8 dir/deep/small150; do
		rm -f out
		grub-fstest copy cp "(loop0)/$f" out >grub.out 2>&1 || { cat grub.out; fail "$1: $f"; }
		cmp out "tree/$f" || fail "$1: $f differs"
	done
}
n=0; grub=0
while read -r size opts; do
	# shellcheck disable=SC2086
	mk "$size" $opts
	compared "empty $opts"
	fill
	judged "$opts"
	files "$opts"
	n=$((n + 1))
done <<END
100M -l LABEL -w 4096
300M -s 4 -z 2
100M -i
100M -O extra_attr,inode_checksum,sb_checksum,inode_crtime,flexible_inline_xattr,lost_found
100M -O encrypt,verity,extra_attr,quota,project_quota
100M -a 1 -O casefold -C utf8
END
[ $n = 6 ] && { [ "$san" ] || [ $grub -ge 3 ]; } || fail "$n kinds, $grub read by GRUB"
mk 100M -O extra_attr,compression
fill -c -a lz4 -x nothing
judged compression
mk 100M -O extra_attr,compression,ro
fill -c -r -a lz4 -x nothing
judged ro
# bitmaps that need blocks of their own; not judged: it has two million segments
if [ -z "$san" ]; then
	mk 4T
	"$map" vol >map.out
	grep -q "^region 0 [0-9]* [0-9]* f2fs f2fs 0 disk" map.out || fail "4T: $(head -n 5 map.out)"
	[ "$(awk '/^total/ { print $2 }' map.out)" -lt 600000000 ] || fail "$(tail -n 1 map.out)"
fi

# names, as blkid prints them
mk 64M -l "Größe 1"
"$map" vol >map.out
grep -q "^ident $(blkid -p -s UUID -o value vol) Größe 1\$" map.out || fail "$(grep ident map.out)"

# --- what only Linux writes: the SIT's other copy, its journal, the other checkpoint
good() { cp --sparse=always good vol; }
mk 100M
fill
mv vol good
for how in 'journal 6' 'sit-copy journal 4' 'pack sit-copy' 'pack torn' 'flags 0 1 journal 4'; do
	good
	# shellcheck disable=SC2086
	"$edit" vol $how
	judged "$how"
	files "$how"
	case "$how" in flags*)
		grep -q '^note It was not unmounted cleanly' map.out || fail "$how: $(grep note map.out)" ;;
	esac
done
# what is in the block after the last node decides whether there are newer ones
good
at=$("$edit" vol next)
"$map" vol >map.out
awk -v at=$((at * 4096)) '/^extent/ && $2 <= at && at < $2 + $3 { found = 1 } END { exit !found }' \
	map.out || fail "the next node's block is left out"

# --- doubt
whole() { # TEXT
	"$map" vol >map.out
	grep -q "^region 0 \([0-9]*\) \1 raw f2fs 1 disk" map.out || fail "not whole: $(head map.out)"
	grep -q "^note Taken whole: .*$1" map.out || fail "no '$1' in: $(grep ^note map.out)"
}
good; truncate -s 32M vol; whole 'but there are only'
good; "$edit" vol chain; whole 'files were flushed since'
good; "$edit" vol flags 0 1 chain; whole 'files were flushed since'
good; "$edit" vol flags 8 0; whole 'its checkpoint is marked so'
good; "$edit" vol flags 0x10 0; whole 'its checkpoint is marked so'
good; "$edit" vol flags 0x1000 0; whole 'checkpoints disabled'
good; "$edit" vol flags 0x4000 0; whole 'a change of its size'
good; "$edit" vol flags 0x8000 0; whole 'flags 0x8000 is not known'
good; "$edit" vol flags 0x400 0; whole 'old form of large NAT'
good; "$edit" vol cp 156 32; whole 'the size of the bitmap of its SIT'
good; "$edit" vol cp 148 0 cp 144 0; whole 'its SIT has'
good; "$edit" vol cp 16 5; whole 'its SIT has'
good; "$edit" vol cp 40 1000000; whole 'the segment that nodes are written to'
good; "$edit" vol entry 0 0; whole 'the entry of segment 0'
good; "$edit" vol entry 1 0x7c00; whole 'the entry of segment 1 in its SIT: type 31'
# f2fs-tools write both checkpoints
good; "$edit" vol torn torn; whole 'neither checkpoint is whole'
good; "$edit" vol super 2201 0x642f 2; whole 'several devices'
good; "$edit" vol super 2180 2 4; whole 'zoned'
good; "$edit" vol super 2180 0x10000 4; whole 'features 0x10000 is not known'
good; "$edit" vol super 16 14 4; whole 'blocks of 1 << 14 bytes'
good; "$edit" vol super 2794 1 1; whole 'Linux has marked it so'
for at in 52 64 68 76 88 1664; do
	good; "$edit" vol super $at 0x7fffffff 4; whole 'where its areas lie'
done
mk 64M -O extra_attr,sb_checksum
printf x | dd of=vol bs=1 seek=$((1024 + 700)) conv=notrunc status=none
whole "its superblock's checksum"
