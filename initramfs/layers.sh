#!/bin/sh
# layers.sh OUT: the squashfs layers as an uncompressed cpio, which a network
# boot loader gives to the kernel behind the initramfs.  Runs in the build root.
set -eu
out=${1:?usage: layers.sh OUT}
dest=/build/layers
mkdir -p $dest/live
for layer in base rehost; do cp "/build/out/$layer.squashfs" $dest/live/; done
find $dest -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
(cd $dest && printf '%s\n' live live/base.squashfs live/rehost.squashfs |
	cpio --create --format=newc --reproducible --owner=0:0 --quiet) >"$out"
