#!/bin/sh
# btrfs-vectors.sh: file systems of a newer mkfs.btrfs than Debian 12's, with block groups
# in a tree of their own: tests/vectors/btrfs/NAME.tar.xz.  The tests read them (. it after
# lib.sh); they were made by
#   tests/lib/btrfs-vectors.sh ROOT     the programs of ROOT, by its own ld.so, for example
#                                       CACHE/trixie/srv/live (rootfs/buildroot.sh)

# vector_tree DIR: the files that are in them
vector_tree() {
	mkdir -p "$1/d/e"
	seq 3000 >"$1/d/numbers"
	head -c 200000 /dev/zero | tr '\0' x >"$1/d/x"
	i_=0
	while [ $i_ -lt 40 ]; do
		i_=$((i_ + 1))
		seq $((i_ * 3)) >"$1/d/e/small$i_"
	done
	: >"$1/empty"
	ln -s d/numbers "$1/link"
	find "$1" -exec touch -h -d @1700000000 {} +
}
# vector NAME: makes the file fs of it
vector() {
	rm -f fs
	tar -xJSf "$REHOST_TOP/tests/vectors/btrfs/$1.tar.xz"
}

make_one() { # NAME SIZE OPTIONS
	name_=$1
	rm -f fs
	truncate -s "$2" fs
	shift 2
	"$root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$root/usr/lib/x86_64-linux-gnu" \
		"$root/usr/sbin/mkfs.btrfs" -q -U 5a7f6a9c-0f4c-4b57-9d20-7e0f6a8c1234 "$@" --rootdir tree fs
	tar -cSf - --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1700000000 fs |
		xz -9e >"$to/$name_.tar.xz"
}
case $0 in */btrfs-vectors.sh)
	set -eu
	root=$(cd "$1" && pwd)
	to=$(cd "$(dirname "$0")/../vectors" && pwd)/btrfs
	mkdir -p "$to"
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	cd "$work"
	vector_tree tree
	make_one default 114M
	make_one groups 114M -O block-group-tree
	make_one mixed 16M -O block-group-tree --mixed -n 4096 --csum xxhash
	;;
esac
