#!/bin/sh
# rehost-test: san only
# rehost-adapt finds Linux systems on ext2/3/4, in MBR (logical too) and GPT
# partitions and on a disk without a table.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/guest.sh"
requires sfdisk mke2fs debugfs

debian_tree debian

# without a partition table, each kind and block size
for opts in "-t ext4" "-t ext4 -b 1024" "-t ext3 -b 2048" "-t ext2 -b 1024" \
	"-t ext4 -O inline_data,metadata_csum_seed -I 256" "-t ext4 -O bigalloc" \
	"-t ext4 -O ^metadata_csum,^64bit,uninit_bg"; do
	# shellcheck disable=SC2086
	ext fs.img 24M debian $opts
	sum=$(sha256sum < fs.img)
	found fs.img
	is 's[0]["name"]' "Debian GNU/Linux 13 (trixie)"
	is '[s[0][k] for k in ("kind", "id", "version", "arch", "hostname", "fs")]' \
		"['linux', 'debian', '13', 'x86_64', 'box', 'ext']"
	is '[len(s), s[0]["partition"], s[0]["root"], s[0]["fs_dirty"]]' "[1, None, 'fs.img', False]"
	is 's[0]["kernels"]' "['6.9.12-amd64', '6.12.1-amd64']"
	is '[s[0]["boot"], s[0]["notes"]]' "[['grub'], []]"
	is 'd["notes"]' "[]"
	[ "$sum" = "$(sha256sum < fs.img)" ] || fail "the disk was written to"
done

# GPT: two systems and a data partition
debian_tree old
rm old/etc/os-release old/usr/lib/os-release old/etc/hostname
rm -r old/boot/* old/lib/modules
echo 'CentOS release 6.10 (Final)' > old/etc/redhat-release
mkdir old/etc/sysconfig
printf 'NETWORKING=yes\nHOSTNAME="old.example.org"\n' > old/etc/sysconfig/network
elf old/usr/bin/ls 1 1 3
mkdir data
date > data/file
truncate -s 80M gpt.img
sfdisk -q gpt.img <<'END'
label: gpt
size=20M
size=20M
size=20M
END
ext fs.img 20M debian -t ext4
put gpt.img 3 fs.img
ext fs.img 20M old -t ext3
put gpt.img 1 fs.img
ext fs.img 20M data -t ext4
put gpt.img 2 fs.img
found gpt.img
is '[(g["partition"], g["name"]) for g in s]' \
	"[(1, 'CentOS release 6.10 (Final)'), (3, 'Debian GNU/Linux 13 (trixie)')]"
is '[s[0][k] for k in ("id", "version", "arch", "hostname", "kernels")]' \
	"['redhat', None, 'i686', 'old.example.org', []]"
is 's[0]["root"]' "partition 1 at offset $(part_start gpt.img 1)"
is 'len(s[0]["notes"])' 1
expect_status 0 rehost-adapt --detect gpt.img
grep -q 'Debian GNU/Linux 13 (trixie)' out || fail "the text does not name Debian"

# MBR, in a logical partition
truncate -s 60M mbr.img
sfdisk -q mbr.img <<'END'
label: dos
size=10M, type=83
type=5
size=24M, type=83
END
ext fs.img 24M debian -t ext4
put mbr.img 5 fs.img
found mbr.img
is '[(g["partition"], g["id"]) for g in s]' "[(5, 'debian')]"

# older systems, by their own files
for case in "debian_version=12.5=debian=Debian 12.5" "alpine-release=3.20.1=alpine=Alpine Linux 3.20.1" \
	"SuSE-release=openSUSE 11.4 (x86_64)=suse=openSUSE 11.4 (x86_64)"; do
	rm -rf tree
	mkdir -p tree/etc
	echo "$case" | { IFS='=' read -r file text id name
		echo "$text" > "tree/etc/$file"; echo "$id|$name" > want; }
	ext fs.img 4M tree -t ext2
	found fs.img
	is 's[0]["id"] + "|" + s[0]["name"]' "$(cat want)"
done

# big-endian and other machines
for case in "2 2 21 ppc64" "2 1 21 ppc64le" "2 1 183 aarch64" "1 1 40 arm" "2 2 22 s390x" "2 1 243 riscv64"; do
	# shellcheck disable=SC2086
	set -- $case
	elf debian/usr/bin/ls "$1" "$2" "$3"
	ext fs.img 16M debian -t ext4
	found fs.img
	is 's[0]["arch"]' "$4"
done

# a journal that was not replayed
ext fs.img 24M debian -t ext4
debugfs -w -R 'feature +needs_recovery' fs.img > debugfs.log 2>&1
found fs.img
is '[s[0]["fs_dirty"], "journal" in s[0]["notes"][0]]' "[True, True]"
