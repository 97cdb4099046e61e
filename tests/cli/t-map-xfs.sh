#!/bin/sh
# Used blocks of XFS of many kinds, filled by mkfs.xfs: against xfs_db, and by a
# copy that has nothing but the map's blocks, which xfs_repair must find sound.
# What can't be read is taken whole, and says why.
# rehost-test: san
. "$REHOST_TOP/tests/lib/lib.sh"
requires mkfs.xfs xfs_db xfs_repair xfs_admin
map=$REHOST_B/tests/tools/map-dump
judge=$REHOST_TOP/tests/lib/fsjudge.py
# else mkfs.xfs makes nothing below 300 MB
export TEST_DIR=. TEST_DEV=. QA_CHECK_FS=1

seq 200000 >big
seq 3000 >small
cat big small big >three
{
	printf 'boot\n0 0\nd--755 0 0\nbig ---644 0 0 big\nempty ---644 0 0 /dev/null\n'
	printf 'link l--777 0 0 big\ndir d--755 0 0\n'
	for i in $(seq 300); do echo "file-with-a-name-$i ---644 0 0 small"; done
	printf '$\nlast ---644 0 0 big\n$\n'
} >proto

# judged IMAGE WHAT: equal to xfs_db, and enough for xfs_repair and the files
judged() {
	"$map" "$1" >map.out || fail "$1"
	grep -q "^region 0 [0-9]* [0-9]* xfs xfs 0 disk" map.out || fail "$2: $(head -n 4 map.out)"
	"$judge" xfs -s "$1" map.out || fail "$1 ($2)"
	"$judge" apply "$1" map.out copy
	xfs_repair -n copy >repair.out 2>&1 || { cat repair.out; fail "$2: the copy is not sound"; }
	"$judge" xfs-cat copy /big /dir/file-with-a-name-299 /last | cmp - three ||
		fail "$2: the files differ"
}
mk() { # SIZE OPTIONS
	rm -f fs
	truncate -s "$1" fs
	shift
	mkfs.xfs -q -p proto "$@" fs >mkfs.out 2>&1 || { cat mkfs.out; fail "mkfs.xfs $*"; }
}
n=0
while read -r size opts; do
	n=$((n + 1))
	# shellcheck disable=SC2086
	mk "$size" $opts
	judged fs "$opts"
done <<END
64M -m crc=0 -b size=512 -d agcount=2
64M -m crc=0 -b size=1024 -l version=1 -d agcount=3
64M -m crc=0 -l lazy-count=0
64M -m crc=0,finobt=0 -n ftype=0
256M -m crc=0 -b size=65536
64M -b size=1024 -d agcount=4
64M -b size=2048 -m rmapbt=1,reflink=1 -d agcount=2
64M -m rmapbt=0,reflink=0,finobt=0,inobtcount=0,bigtime=0
64M -m reflink=1,bigtime=1,inobtcount=1,rmapbt=1 -i nrext64=1,sparse=1
64M -i sparse=0,size=2048
64M -s size=4096
64M -b size=8192 -s size=1024
160M -b size=16384 -m rmapbt=1 -d agcount=2
192M -b size=32768 -d agcount=2 -s size=32768
256M -b size=65536 -d agcount=2
64M -l su=32768
160M -l su=262144,agnum=1 -d agcount=2
64M -l agnum=1 -d agcount=2
64M -d agcount=2,su=65536,sw=2
64M -L twelve-chars
END
[ $n = 20 ] || fail "only $n kinds ran"

# identity, as blkid has it
"$map" -p fs >id.out
grep -q "^ident $(blkid -p -o value -s UUID fs) twelve-chars$" id.out || fail "$(cat id.out)"
# metadata keeps the first UUID
xfs_admin -U generate fs >admin.out 2>&1 || fail "$(cat admin.out)"
xfs_db -r -c version fs | grep -q META_UUID || fail "no second UUID: $(xfs_db -r -c version fs)"
judged fs 'another UUID'
grep -q "^ident $(blkid -p -o value -s UUID fs) " map.out || fail "$(cat map.out)"
# the log a second time, with a higher round
xfs_repair -L fs >repair.out 2>&1 || fail "$(cat repair.out)"
judged fs 'after xfs_repair'
# a group that is shorter than the others; what lies behind the end is kept
mk 64M -d agsize=20m
judged fs short
truncate -s 70M fs
"$map" fs >map.out
grep -q "^note .*behind the end" map.out || fail "$(cat map.out)"
[ "$(awk '/^extent/ { e = $2 + $3 } END { print e }' map.out)" = $((70 << 20)) ] || fail "end not kept"

# In pieces, without Linux: xfs_repair frees the blocks of inodes that were wiped out.
# Three levels of the trees, then two.
mkdir -p many
{
	printf 'boot\n0 0\nd--755 0 0\nbig ---644 0 0 big\n'
	for i in $(seq 6500); do echo "f$i ---644 0 0 one"; done
	printf 'last ---644 0 0 big\ndir d--755 0 0\nfile-with-a-name-299 ---644 0 0 small\n$\n$\n'
} >proto
echo 1 >one
while read -r levels opts; do
	# shellcheck disable=SC2086
	mk 96M -d agcount=2 $opts
	xfs_db -r -c 'path /f1' -c 'p core.mode' -c 'inode' fs >inode.out
	from=$(sed -n 's/^current inode number is //p' inode.out)
	xfs_db -r -c 'sb 0' -c 'p icount' fs >/dev/null
	seq "$((from + 10))" 2 "$((from + 12600))" | sed 's/^/inode /; s/$/\nwrite -d core.mode 0/' |
		xfs_db -x fs >wipe.out 2>&1
	xfs_repair fs >repair.out 2>&1 || true
	xfs_repair -n fs >repair.out 2>&1 || { cat repair.out; fail "not repaired: $opts"; }
	judged fs "in pieces: $opts"
	for g in 0 1; do xfs_db -r -c "agf $g" -c 'p bnolevel' fs; done | sed 's/.*= //' >levels.out
	grep -qx "$levels" levels.out || fail "$opts: levels $(cat levels.out)"
done <<END
3 -m crc=0 -b size=512
2 -b size=1024 -m rmapbt=1
END

# whole, and why
whole() { # IMAGE TEXT
	"$map" "$1" >map.out
	grep -q "^region 0 \([0-9]*\) \1 raw" map.out ||
		fail "$1 not whole, for '$2': $(head -n 4 map.out)"
	grep -q "^note Taken whole: .*$2" map.out || fail "no '$2' in: $(grep ^note map.out)"
}
# changed TEXT COMMAND...: a copy that the command changed
# (xfs_db makes the checksums right again)
changed() {
	text_=$1
	shift
	cp fs bad
	"$@" bad >change.out 2>&1 || { cat change.out; fail "$*"; }
	! cmp -s fs bad || fail "nothing changed: $*: $(cat change.out)"
	whole bad "$text_"
}
db() { # FIELD VALUE 'WHERE; WHERE...' IMAGE
	{ echo "$3" | tr ';' '\n'; echo "write -d $1 $2"; } | xfs_db -x "$4"
}
mk 64M -d agcount=2
changed 'not known here' db features_incompat 0x80000001 'sb 0'
changed 'not known here' db features_ro_compat 0x80000005 'sb 0'
changed 'not known here' db features_log_incompat 0x4 'sb 0'
changed 'marked as damaged' db features_incompat 0x1b 'sb 0'
changed 'realtime device' db rblocks 1000 'sb 0'
changed 'on another device' db logstart 0 'sb 0'
changed 'where its log is' db logblocks 0x7fff 'sb 0'
changed 'never finished' db inprogress 1 'sb 0'
changed 'version 3' db versionnum 0xb4a3 'sb 0'
changed 'superblock counts' db fdblocks 1234 'sb 0'
changed 'more free blocks' db fdblocks 123456789 'sb 0'
changed 'number of its blocks' db dblocks 123456789 'sb 0'
changed 'allocation groups' db agblocks 100 'sb 0'
changed 'free blocks is not that' db freeblks 77 'agf 1'
changed 'longest free extent' db longest 77 'agf 1'
changed 'tree blocks is wrong' db btreeblks 77 'agf 1'
changed 'AGF is damaged' db length 77 'agf 1'
changed 'none of this tree' db bnoroot 9 'agf 1'
changed 'roots of its free space' db bnolevel 10 'agf 1'
changed 'AGFL and its AGF' db flcount 3 'agf 1'
changed 'AGI is damaged' db seqno 5 'agi 1'
changed 'metadata outside' db root 77777777 'agi 1'
changed 'two uses' db root 1 'agi 1'
changed 'other extents' db 'recs[1].blockcount' 1 'agf 1; addr cntroot'
changed 'other extents' db 'recs[1].blockcount' 1 'agf 1; addr bnoroot'
changed 'extent that is not in' db 'recs[1].blockcount' 0 'agf 1; addr bnoroot'
changed 'neighbour behind' db rightsib 9 'agf 1; addr bnoroot'
changed 'its neighbours' db leftsib 9 'agf 1; addr bnoroot'
changed 'none of this tree' db level 1 'agf 1; addr bnoroot'
number() { # FIELD WHERE
	xfs_db -r -c "$2" -c "p $1" fs | sed 's/.*= //'
}
byte() { # OFFSET IMAGE
	printf '\001' | dd of="$2" bs=1 seek="$1" conv=notrunc status=none
}
ag=$((32 << 20))
changed "superblock's checksum" byte 200
changed "AGF's checksum" byte $((ag + 512 + 300))
changed "AGI's checksum" byte $((ag + 1024 + 400))
changed "AGFL's checksum" byte $((ag + 1536 + 400))
changed 'checksum is wrong' byte $((ag + $(number bnoroot 'agf 1') * 4096 + 3000))
log=$(xfs_db -r -c "convert fsb $(number logstart 'sb 0') byte" fs | sed 's/.*(\(.*\))/\1/')
changed 'no record in the log' byte $((log))
changed 'not whole' byte $((log + (1 << 20)))
cp fs bad; truncate -s 63M bad; whole bad 'but there are only'
# a log and a realtime device elsewhere
truncate -s 64M elsewhere
mk 64M -l logdev=elsewhere,size=16m; whole fs 'on another device'
mk 64M -r rtdev=elsewhere; whole fs 'realtime device'
