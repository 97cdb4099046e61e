#!/bin/sh
# build.sh ID OUT: the initramfs: busybox, init and the kernel modules that
# find the medium of the build ID, as a zstd-compressed cpio that is the same
# for the same input.  Runs in the build root.
set -eu
id=${1:?usage: build.sh ID OUT} out=${2:?usage: build.sh ID OUT}
here=/build/src/initramfs
dest=/build/initramfs
rm -rf $dest
for dir in bin dev etc proc root run sys usr/lib; do mkdir -p $dest/$dir; done
cp /srv/live/usr/bin/busybox $dest/bin/busybox
chroot $dest /bin/busybox --list | while read -r name; do
	[ "$name" = busybox ] || ln -s busybox "$dest/bin/$name"
done
install -m 755 $here/init $dest/init
echo "$id" >$dest/etc/rehost-id
/build/src/rootfs/modules.sh $here/modules.list $dest
# busybox reads only the plain indexes
rm -f $dest/usr/lib/modules/*/*.bin $dest/usr/lib/modules/*/modules.builtin* $dest/usr/lib/modules/*/modules.order
find $dest -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
find $dest -type d -exec chmod 755 {} +
(cd $dest && find . -print0 | LC_ALL=C sort -z |
	cpio --null --create --format=newc --reproducible --owner=0:0 --quiet) | zstd -q -19 -T1 >"$out"
# another cpio may be put behind it (network boot), which must start at a multiple of 4
truncate -s %512 "$out"
