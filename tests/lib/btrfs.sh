# shellcheck shell=sh
# btrfs.sh: for tests of Btrfs: . after lib.sh.  Makes a tree of files, and judges maps.
requires mkfs.btrfs btrfs
map=$REHOST_B/tests/tools/map-dump
judge=$REHOST_TOP/tests/lib/fsjudge.py
mkdir -p tree/d/e
for i in 1 2 3 4 5 6; do
	seq $((i * 20000)) >"tree/d/file$i"
	echo "$i" >"tree/d/e/small$i"
done
head -c 300000 /dev/urandom >tree/random
: >tree/empty
# many small ones: trees of more than one level
i=0
while [ $i -lt 250 ]; do i=$((i + 1)); seq $i $((i + 60)) >"tree/d/e/n$i"; done

# sums DIR: of all files
sums() { (cd "$1" && find . -type f | sort | xargs sha256sum); }
# sound IMAGE KIND: for btrfs check.
sound() { btrfs check --readonly --check-data-csum "$1" >check.out 2>&1 || { cat check.out; fail "$1 ($2): not sound"; }; }
# mapped IMAGE KIND: the map, equal to btrfs' dump; copy: what it keeps.
mapped() {
	"$map" "$1" >map.out || fail "$1"
	grep -q "^region 0 [0-9]* [0-9]* btrfs btrfs 0 disk" map.out || fail "$2: $(head -n 4 map.out)"
	"$judge" btrfs -s "$1" map.out || fail "$2"
	"$judge" apply "$1" map.out copy
	rm "$1"
}

# mkfs SIZE OPTIONS: 1 if this version of mkfs.btrfs doesn't know what came with 6.6 or later.
mkfs() {
	rm -f fs
	truncate -s "$1" fs
	shift
	mkfs.btrfs -q "$@" fs >mkfs.out 2>&1 && return
	case "$*" in *block-group-tree*|*squota*) ;; *) cat mkfs.out; fail "mkfs.btrfs $*" ;; esac
	grep -qE 'nrecogni[sz]ed|nknown' mkfs.out || { cat mkfs.out; fail "mkfs.btrfs $*"; }
	echo "mkfs.btrfs knows no $*"
	return 1
}
