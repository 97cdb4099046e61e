#!/bin/sh
# build.sh CACHE OUT: builds the live system and its ISO from the files that git
# knows, all of it inside the build root, so that the host's own programs and
# libraries don't matter:
#   OUT/rehost.iso
#   OUT/live/{vmlinuz,initrd.img,base.squashfs,rehost.squashfs}   its parts
#   OUT/live/layers.cpio   the squashfs layers as a second initramfs, for network boot
# REHOST_FRESH=1 makes the lower layer anew instead of taking it from CACHE.
set -eu
cache=${1:?usage: build.sh CACHE OUT} out=${2:?usage: build.sh CACHE OUT}
here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
mkdir -p "$cache" "$out/live"
cache=$(cd "$cache" && pwd) out=$(cd "$out" && pwd)
root=$cache/trixie
cd "$top"

# in_root EPOCH COMMAND...: with a clean environment; the epoch dates all files
in_root() {
	dated=$1; shift
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C TZ=UTC HOME=/ SOURCE_DATE_EPOCH="$dated" \
		REHOST_VERSION="$version" REHOST_COMMIT="$commit" chroot "$root" "$@"
}

copy_source() {
	rm -rf "$root/build"
	mkdir -p "$root/build/src" "$root/build/out"
	# (files that git knows but that were removed are left out)
	git -c safe.directory='*' ls-files | while read -r f; do if [ -e "$f" ] || [ -L "$f" ]; then echo "$f"; fi; done |
		tr '\n' '\0' | tar --null --no-recursion -T - -cf - | tar -C "$root/build/src" --no-same-owner -xf -
}

# The lower layer depends on the package lock and these files only
base_layer() {
	key=$(cat "$root/srv/lock" rootfs/base.sh rootfs/libs.sh rootfs/modules.sh rootfs/choose-modules.awk rootfs/files.list rootfs/modules.list |
		sha256sum | cut -c 1-16)
	base=$cache/base-$key
	if [ ! -e "$base/base.squashfs" ] || [ "${REHOST_FRESH-}" ]; then
		in_root "$(sed -n 's/^date //p' "$root/srv/lock")" /build/src/rootfs/base.sh /build/out/base.squashfs
		rm -rf "$cache"/base-*
		mkdir "$base"
		cp "$root"/build/out/base.squashfs* "$base/"
		rm -rf "$root/build/base"
	else
		cp "$base"/base.squashfs* "$root/build/out/"
	fi
}

[ "$(id -u)" -eq 0 ] || { echo "rootfs: building the live system needs root (chroot); run make as root" >&2; exit 1; }
exec 9>"$cache/lock"
flock 9
"$here/buildroot.sh" "$cache"
commit=$(git -c safe.directory='*' rev-parse HEAD)
version=$(sed -n 's/^VERSION := //p' Makefile)
epoch=$(git -c safe.directory='*' log -1 --format=%ct)
copy_source
base_layer
in_root "$epoch" /build/src/rootfs/top.sh /build/out/base.squashfs.files /build/out/rehost.squashfs
cp "$root"/srv/live/boot/vmlinuz-* "$root/build/out/vmlinuz"
id=$(cd "$root/build/out" && cat vmlinuz base.squashfs rehost.squashfs | sha256sum | cut -c 1-16)
in_root "$epoch" /build/src/initramfs/build.sh "$id" /build/out/initrd.img
in_root "$epoch" /build/src/iso/build.sh "$id" /build/out/rehost.iso
in_root "$epoch" /build/src/initramfs/layers.sh /build/out/layers.cpio
for f in vmlinuz initrd.img layers.cpio base.squashfs rehost.squashfs; do mv "$root/build/out/$f" "$out/live/$f"; done
cp "$root/srv/lock" "$out/live/packages.lock"
mv "$root/build/out/rehost.iso" "$out/rehost.iso"
rm -rf "$root/build"
size() { stat -c %s "$1" | awk '{ printf "%.1f MB", $1 / 1e6 }'; }
echo "  ISO  $out/rehost.iso $(size "$out/rehost.iso"): kernel $(size "$out/live/vmlinuz")," \
	"initramfs $(size "$out/live/initrd.img"), system $(size "$out/live/base.squashfs")" \
	"+ $(size "$out/live/rehost.squashfs")"
