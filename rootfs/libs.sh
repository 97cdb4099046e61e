#!/bin/sh
# libs.sh DEST SOURCE [LIST]: copies into DEST the shared libraries that the
# programs in it need and that neither DEST has nor LIST names (the files of the
# layer below it), from the tree SOURCE.  Runs in the build root.
set -eu
dest=${1:?usage: libs.sh DEST SOURCE [LIST]} src=${2?usage: libs.sh DEST SOURCE [LIST]} below=${3-}
dir=usr/lib/x86_64-linux-gnu

needed() {
	find "$dest/usr/bin" "$dest/usr/sbin" "$dest/$dir" -type f 2>/dev/null |
	while read -r f; do
		case $(head -c 4 "$f" | tail -c 3) in ELF) echo "$f" ;; esac
	done | xargs -r readelf -d 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | LC_ALL=C sort -u
}

# has TREE LIBRARY: prints where TREE has it
has() {
	for d in $dir $dir/systemd; do
		if [ -e "$1/$d/$2" ]; then echo "$d/$2"; return 0; fi
	done
	return 1
}

more=1
while [ "$more" ]; do
	more=
	for lib in $(needed); do
		case $lib in ld-linux*) continue ;; esac
		has "$dest" "$lib" >/dev/null && continue
		[ -z "$below" ] || ! grep -q -x -F -e "$dir/$lib" -e "$dir/systemd/$lib" "$below" || continue
		path=$(has "$src" "$lib") || { echo "rootfs: no package has the library $lib" >&2; exit 1; }
		mkdir -p "$dest/${path%/*}"
		cp -L --preserve=timestamps "$src/$path" "$dest/$path"
		more=1
	done
done
