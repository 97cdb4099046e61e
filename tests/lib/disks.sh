# shellcheck shell=sh
# disks.sh: small disk files for tests/cli, made of foreign tools only.
# . after lib.sh

# fill_ext FILE MB [LABEL]: an ext4 file system with a few files in it
fill_ext() {
	rm -rf tree_
	mkdir -p tree_/etc tree_/home
	echo "made for a test" > tree_/etc/motd
	seq 1 60000 > tree_/home/numbers
	head -c 700000 /dev/urandom > tree_/home/random
	i_=0
	while [ $i_ -lt 60 ]; do
		echo "$i_" > tree_/home/small$i_
		i_=$((i_ + 1))
	done
	truncate -s "$2M" "$1"
	mke2fs -q -t ext4 -L "${3:-root}" -d tree_ "$1"
	rm -rf tree_
}
# put PART DISK START_MB: copies a partition's content to its place
put() {
	dd if="$1" of="$2" bs=1M seek="$3" conv=notrunc,sparse status=none
}
# linux_disk FILE: GPT, 64 MB: ESP with a file (8 MB), ext4 (40 MB), swap (8 MB)
linux_disk() {
	requires sfdisk mke2fs mkfs.vfat mcopy mkswap
	truncate -s 64M "$1"
	printf 'label: gpt\nstart=2048,size=16384,type=U,name=EFI\nsize=81920,name=root\nsize=16384,type=S\n' |
		sfdisk -q "$1"
	truncate -s 8M esp_
	mkfs.vfat -n EFI esp_ >/dev/null
	seq 1 20000 > grubx64.efi_
	mcopy -i esp_ grubx64.efi_ ::/grubx64.efi
	put esp_ "$1" 1
	fill_ext root_ 40
	put root_ "$1" 9
	truncate -s 8M swap_
	mkswap -q swap_ 2>/dev/null || mkswap swap_ >/dev/null
	put swap_ "$1" 49
	rm -f esp_ root_ swap_ grubx64.efi_
}
# windows_disk FILE: MBR, 48 MB: one active NTFS partition (40 MB) with files
windows_disk() {
	requires sfdisk mkntfs ntfscp
	truncate -s 48M "$1"
	printf 'label: dos\nstart=2048,size=81920,type=7,bootable\n' | sfdisk -q "$1"
	truncate -s 40M ntfs_
	mkntfs -q -F -L System -p 2048 -H 255 -S 63 ntfs_ >/dev/null 2>&1
	seq 1 80000 > numbers_
	ntfscp -q ntfs_ numbers_ numbers.txt >/dev/null 2>&1
	head -c 900000 /dev/urandom > random_
	ntfscp -q ntfs_ random_ random.bin >/dev/null 2>&1
	put ntfs_ "$1" 1
	rm -f ntfs_ numbers_ random_
}
# part DISK START_MB SIZE_MB FILE: cuts a partition out
part() {
	rm -f "$4"
	dd if="$1" of="$4" bs=1M skip="$2" count="$3" conv=sparse status=none
}
# same_used SOURCE TARGET: every used byte of SOURCE (by `rehost map`) is
# equal in TARGET
same_used() {
	rehost map --json "$1" > map_
	/usr/bin/python3 - "$1" "$2" map_ <<'PY'
import json, sys
a, b = open(sys.argv[1], "rb"), open(sys.argv[2], "rb")
n = 0
for off, length in json.load(open(sys.argv[3]))["extents"]:
    a.seek(off), b.seek(off)
    if a.read(length) != b.read(length):
        sys.exit("bytes %d+%d differ" % (off, length))
    n += length
if not n:
    sys.exit("nothing was in use")
PY
}
# no_part DIR: no half-written file is left
no_part() {
	[ -z "$(find "$1" -name '*.part')" ] || fail "a .part file was left: $(ls "$1")"
}
