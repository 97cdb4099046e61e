#!/bin/sh
# base.sh OUT: the live system's lower layer, Debian's files only: programs,
# libraries, kernel modules and the firmware they name, as a squashfs.  Depends
# on nothing but the package lock and the lists beside it, so that it's made
# once and kept.  Runs in the build root.
set -eu
out=${1:?usage: base.sh OUT}
here=/build/src/rootfs
live=/srv/live
dest=/build/base

take_files() {
	sed -e 's/#.*//' $here/files.list | while read -r pattern; do
		[ "$pattern" ] || continue
		# shellcheck disable=SC2086
		(cd $live && ls -d $pattern) >/build/take.tmp 2>/dev/null ||
			{ echo "rootfs: files.list: no package has $pattern" >&2; exit 1; }
		(cd $live && xargs -I% find % \( -type f -o -type l \) -print) </build/take.tmp |
			(cd $live && cpio -pdm --quiet $dest)
	done
}

# links of files.list that lead to files that it doesn't name are completed
complete_links() {
	find $dest -type l -print | while read -r l; do
		[ -e "$l" ] && continue
		rel=${l#"$dest"/}
		target=$(readlink -e "$live/$rel") || { echo "rootfs: $rel leads nowhere" >&2; exit 1; }
		rel=${target#"$live"/}
		mkdir -p "$dest/${rel%/*}"
		cp -a "$target" "$dest/$rel"
	done
}

applets() {
	chroot $dest /usr/bin/busybox --list-full | while read -r path; do
		name=${path##*/}
		[ -e "$dest/usr/bin/$name" ] || [ -e "$dest/usr/sbin/$name" ] || ln -s ../bin/busybox "$dest/usr/sbin/$name"
	done
	ln -sf ../bin/busybox $dest/usr/sbin/init
	[ -e $dest/usr/bin/sh ] || ln -s busybox $dest/usr/bin/sh
}

# The firmware files that the chosen modules name, as far as Debian has them
firmware() {
	find $dest/usr/lib/modules -name '*.ko' -print0 | xargs -0 modinfo -F firmware | LC_ALL=C sort -u >/build/fw.tmp
	: >/build/firmware-missing.txt
	while read -r fw; do
		# shellcheck disable=SC2086
		found=$(cd $live/usr/lib/firmware && ls -d $fw 2>/dev/null) ||
			{ echo "$fw" >>/build/firmware-missing.txt; continue; }
		for f in $found; do
			mkdir -p "$(dirname "$dest/usr/lib/firmware/$f")"
			cp -L --preserve=timestamps "$live/usr/lib/firmware/$f" "$dest/usr/lib/firmware/$f"
		done
	done </build/fw.tmp
	echo "  FW   $(find $dest/usr/lib/firmware -type f | wc -l) firmware files;" \
		"$(wc -l </build/firmware-missing.txt) named by modules are in no package"
}

rm -rf $dest
for dir in dev etc mnt proc root run sys tmp usr/bin usr/lib usr/lib64 usr/sbin var/log var/lib; do mkdir -p $dest/$dir; done
for dir in bin sbin lib lib64; do ln -s usr/$dir $dest/$dir; done
ln -s /run $dest/var/run
ln -s ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 $dest/usr/lib64/ld-linux-x86-64.so.2
mkdir -p $dest/usr/lib/x86_64-linux-gnu
cp -L --preserve=timestamps $live/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 $dest/usr/lib/x86_64-linux-gnu/
take_files
complete_links
$here/libs.sh $dest $live
applets
$here/modules.sh $here/modules.list $dest
firmware
find $dest -type d -exec chmod 755 {} +
chmod 1777 $dest/tmp
rm -f "$out"
# one processor or many: the same bytes
env -u SOURCE_DATE_EPOCH mksquashfs $dest "$out" -quiet -no-progress -comp zstd -Xcompression-level "${REHOST_ZSTD:-19}" -b 256K \
	-all-root -no-xattrs -mkfs-time "$SOURCE_DATE_EPOCH" -all-time "$SOURCE_DATE_EPOCH"
(cd $dest && find . -mindepth 1 -printf '%P\n' | LC_ALL=C sort) >"$out.files"
cp /build/firmware-missing.txt "$out.firmware-missing"
