#!/bin/sh
# modules.sh LIST DEST: copies the kernel modules that LIST chooses, and those
# that they depend on, from the unpacked packages to DEST/usr/lib/modules and
# indexes them.  Runs in the build root.
set -eu
list=${1:?usage: modules.sh LIST DEST} dest=${2:?usage: modules.sh LIST DEST}
live=/srv/live
ver=$(ls $live/usr/lib/modules)
from=$live/usr/lib/modules/$ver
to=$dest/usr/lib/modules/$ver

awk -v list="$list" -f "${0%/*}/choose-modules.awk" "$from/modules.dep" "$from/modules.softdep" "$list" >/build/modules.tmp
LC_ALL=C sort -o /build/modules.tmp /build/modules.tmp
mkdir -p "$to"
[ -e "$dest/lib" ] || ln -s usr/lib "$dest/lib"
(cd "$from" && cpio -pdm --quiet "$to" </build/modules.tmp)
cp "$from/modules.builtin" "$from/modules.builtin.modinfo" "$from/modules.order" "$to/"
# only depmod's plain-text and binary indexes of the chosen ones
depmod -b "$dest" "$ver"
echo "  MODS $(wc -l </build/modules.tmp) modules for $dest"
rm /build/modules.tmp
