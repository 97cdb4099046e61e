#!/bin/sh
# compare.sh ONE TWO: are two ISOs byte-identical? If not, says which files differ.
cmp -s "$1" "$2" && { echo "repro: both are $(sha256sum <"$1" | cut -c 1-64)"; exit 0; }
echo "repro: $1 and $2 differ, first at byte $(cmp "$1" "$2" | sed 's/.*byte \([0-9]*\).*/\1/')" >&2
for f in vmlinuz initrd.img base.squashfs rehost.squashfs; do
	cmp "$(dirname "$1")/live/$f" "$(dirname "$2")/live/$f" >&2
done
exit 1
