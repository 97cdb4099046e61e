#!/bin/sh
# top.sh BASEFILES OUT: the live system's upper layer: Rehost compiled from
# /build/src, rootfs/overlay, and the libraries that the lower layer (BASEFILES
# lists it) hasn't got.  Runs in the build root.
set -eu
files=${1:?usage: top.sh BASEFILES OUT} out=${2:?usage: top.sh BASEFILES OUT}
dest=/build/top
rm -rf $dest
mkdir -p $dest/usr/bin
cp -R /build/src/rootfs/overlay/. $dest/
make -s -C /build/src DEPS=0 -j"$(nproc)" install PREFIX=/usr DESTDIR=$dest
rm -rf $dest/usr/share/man
for prog in rehost rehost-adapt rehost-wizard; do
	[ -x $dest/usr/bin/$prog ] || { echo "rootfs: 'make install' made no $prog" >&2; exit 1; }
	strip $dest/usr/bin/$prog
done
/build/src/rootfs/libs.sh $dest "" "$files"
printf 'Rehost %s\ncommit %s\nDebian %s, Linux %s\n' "$REHOST_VERSION" "$REHOST_COMMIT" \
	"$(cat /etc/debian_version)" "$(ls /srv/live/usr/lib/modules)" >$dest/etc/rehost/release
chmod -R u=rwX,go=rX $dest
rm -f "$out"
env -u SOURCE_DATE_EPOCH mksquashfs $dest "$out" -quiet -no-progress -comp zstd -Xcompression-level 19 -b 256K \
	-all-root -no-xattrs -mkfs-time "$SOURCE_DATE_EPOCH" -all-time "$SOURCE_DATE_EPOCH"
