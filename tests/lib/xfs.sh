# shellcheck shell=sh
# xfs.sh: small XFS volumes with files, made without mounting: . it after lib.sh
requires mkfs.xfs xfs_db xfs_repair
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
	"$REHOST_B/tests/tools/map-dump" "$1" >map.out || fail "$1"
	grep -q "^region 0 [0-9]* [0-9]* xfs xfs 0 disk" map.out || fail "$2: $(head -n 4 map.out)"
	"$judge" xfs -s "$1" map.out || fail "$1 ($2)"
	"$judge" apply "$1" map.out copy
	sound copy "$2"
}
sound() { # IMAGE WHAT: for xfs_repair, and has the files
	xfs_repair -n "$1" >repair.out 2>&1 || { cat repair.out; fail "$2: $1 is not sound"; }
	"$judge" xfs-cat "$1" /big /dir/file-with-a-name-299 /last | cmp - three ||
		fail "$2: the files differ"
}
mk() { # SIZE OPTIONS
	rm -f fs
	truncate -s "$1" fs
	shift
	mkfs.xfs -q -p proto "$@" fs >mkfs.out 2>&1 || { cat mkfs.out; fail "mkfs.xfs $*"; }
}
