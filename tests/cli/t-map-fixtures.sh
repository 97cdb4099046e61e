#!/bin/sh
# Real images, sound and corrupt: a map must hold all that foreign tools call
# used (dumpe2fs; every block an inode refers to; $Bitmap; fsck.fat; dump.exfat;
# dump.f2fs), or be the whole disk.  Never an error, never a block lost.  What is taken whole
# and named has the name that blkid gives it.
# rehost-test: san
. "$REHOST_TOP/tests/lib/lib.sh"
requires xz bzip2 blkid dumpe2fs debugfs ntfscat fsck.fat dump.exfat dump.f2fs
top=$(fixture disks)
map=$REHOST_B/tests/tools/map-dump
judge=$REHOST_TOP/tests/lib/fsjudge.py
whole=0; read=0; n=0
case "$REHOST_B" in */san) san=1 ;; *) san= ;; esac

unpack() {
	case "$1" in
	*.tar.xz) tar -xJOf "$1" ;;
	*.gz) gzip -dc "$1" ;;
	*.bz2) bzip2 -dc "$1" ;;
	*.xz) xz -dc "$1" ;;
	*) cat "$1" ;;
	esac | dd of=img bs=64k conv=sparse status=none
}
# named FILE: by blkid, too
named() {
	type=$(awk 'NR == 1 { print $6 }' map.out)
	theirs=$(blkid -p -o value -s TYPE img || :)
	# of firmware RAIDs which one isn't told; a disc may be both of these
	case "$type $theirs" in
	"raid_member "*_raid_member|"iso9660 udf") ;;
	*) [ "$type" = "$theirs" ] || fail "$1: $type, and for blkid $theirs" ;;
	esac
	echo "${1##*/} $type" >>names
}
one() { # FILE [JUDGE OPTIONS]
	rm -f img
	unpack "$1"
	[ -s img ] || return 0
	# over the sanitizers' build: that it ends well is enough
	if [ "$san" ]; then
		n=$((n + 1))
		mv img img$n
		return 0
	fi
	"$map" img >map.out 2>err.out || { cat err.out; fail "$1"; }
	case "$(head -n 1 map.out)" in
	"region 0 "*" ext ext"*)
		read=$((read + 1))
		# only what dumpe2fs and debugfs can handle in a test's time
		[ "$(stat -c %s img)" -lt 1000000000 ] || return 0
		"$judge" ext,ext-inodes img map.out >judge.out 2>&1 || { cat judge.out; fail "$1"; }
		;;
	"region 0 "*" ntfs ntfs"*)
		read=$((read + 1))
		"$judge" ntfs -s img map.out >judge.out 2>&1 || { cat judge.out; fail "$1"; }
		;;
	"region 0 "*" fat vfat"*)
		read=$((read + 1))
		"$judge" fat img map.out >judge.out 2>&1 || { cat judge.out; fail "$1"; }
		;;
	"region 0 "*" exfat exfat 0 "*|"region 0 "*" f2fs f2fs 0 "*)
		read=$((read + 1))
		"$judge" "$(awk 'NR == 1 { print $5 }' map.out)" img map.out >judge.out 2>&1 ||
			{ cat judge.out; fail "$1"; }
		;;
	*)
		whole=$((whole + 1))
		case "$1:$(head -n 1 map.out)" in
		*/dfvfs/*" raw - "*|*/util-linux-blkid/images-fs/*" raw - "*) ;;
		*/dfvfs/*" raw "*|*/util-linux-blkid/images-fs/*" raw "*) named "$1" ;;
		esac
		;;
	esac
	[ -z "${SHOW-}" ] || echo "$1: $(grep -E '^(region|note)' map.out | head -n 3)"
}
for f in "$top"/e2fsprogs/*/image.* "$top"/dfir_ntfs/*.gz "$top"/ntfs/*.xz "$top"/dfvfs/*.xz \
	 "$top"/exfatprogs/* "$top"/util-linux-blkid/*/*.xz; do
	# 2tb_disk is a tar file of 2 TB of zeros
	case "$f" in */exfatprogs/2tb*) continue ;; */exfatprogs/*) ;; *tar*) continue ;; esac
	[ -f "$f" ] && one "$f"
done
if command -v qemu-img >/dev/null; then
	for f in "$top"/dfvfs/*.qcow2; do
		qemu-img convert -O raw "$f" raw
		one raw
	done
fi
[ "$san" ] || echo "$read read, $whole taken whole"
if [ "$san" ]; then
	"$map" -r img* >map.out || fail "$(tail -n 3 map.out)"
	exit 0
fi
while read -r name type; do
	grep -qx "$name.*xz $type" names || fail "$name isn't $type: $(cat names)"
done <<END
apfs.raw apfs
hfsplus.raw hfsplus
bcache-B bcache
bitlocker-win7 BitLocker
isw-raid raid_member
iso-joliet iso9660
jbd jbd
luks1 crypto_LUKS
lvm2 LVM2_member
reiser3 reiserfs
squashfs4 squashfs
udf-hdd-mkudffs-2.2 udf
END
# neither all nor nothing: else the test would prove nothing
[ $read -ge 30 ] && [ $whole -ge 30 ]
