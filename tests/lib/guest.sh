# shellcheck shell=sh
# guest.sh: disks with systems on them, for tests of rehost-adapt.
# . "$REHOST_TOP/tests/lib/guest.sh" after lib.sh

# put IMG PARTITION FILE: FILE's bytes at a partition's place in IMG.
put() {
	put_at_=$(part_start "$1" "$2")
	dd if="$3" of="$1" bs=4096 seek="$put_at_" oflag=seek_bytes conv=notrunc,sparse 2>dd.log
}
# part_start IMG PARTITION: in bytes
part_start() {
	sfdisk -J "$1" | /usr/bin/python3 -c 'import json,sys
table = json.load(sys.stdin)["partitiontable"]
p, = [p for p in table["partitions"] if p["node"].endswith(sys.argv[1])]
print(p["start"] * 512)' "$2"
}
# debian_tree DIR: what rehost-adapt looks at in a Debian 13.
debian_tree() {
	mkdir -p "$1/etc" "$1/usr/lib/modules/6.12.1-amd64" "$1/usr/bin" "$1/boot/grub" "$1/tmp"
	cat > "$1/usr/lib/os-release" <<'END'
# a comment
PRETTY_NAME="Debian GNU/Linux 13 (trixie)"
NAME="Debian GNU/Linux"
VERSION_ID="13"
ID=debian
END
	ln -s ../usr/lib/os-release "$1/etc/os-release"
	ln -s usr/lib "$1/lib"
	ln -s usr/bin "$1/bin"
	echo box > "$1/etc/hostname"
	: > "$1/usr/lib/modules/6.12.1-amd64/modules.dep"
	mkdir "$1/usr/lib/modules/6.9.0-removed"
	: > "$1/boot/vmlinuz-6.12.1-amd64"
	: > "$1/boot/vmlinuz-6.9.12-amd64"
	: > "$1/boot/initrd.img-6.12.1-amd64"
	: > "$1/boot/grub/grub.cfg"
	elf "$1/usr/bin/ls" 2 1 62
}
# elf FILE CLASS ORDER MACHINE: an ELF header, as far as its machine
elf() {
	/usr/bin/python3 -c 'import struct,sys
path, bits, order, machine = sys.argv[1], *map(int, sys.argv[2:])
open(path, "wb").write(struct.pack("<>"[order - 1] + "4sBBB9xHH", b"\x7fELF", bits, order, 1, 3, machine) + bytes(44))' "$@"
}
# ext IMG SIZE DIR [MKE2FS OPTIONS]
ext() {
	ext_img_=$1 ext_size_=$2 ext_dir_=$3
	shift 3
	rm -f "$ext_img_"
	truncate -s "$ext_size_" "$ext_img_"
	mke2fs -q -F -d "$ext_dir_" "$@" "$ext_img_"
}
# ntfs IMG SIZE DIR [MKNTFS OPTIONS]
ntfs() {
	ntfs_img_=$1 ntfs_size_=$2 ntfs_dir_=$3
	shift 3
	rm -f "$ntfs_img_"
	truncate -s "$ntfs_size_" "$ntfs_img_"
	mkntfs -q -F "$@" "$ntfs_img_" > mkntfs.log 2>&1 || { cat mkntfs.log; fail mkntfs; }
	"$REHOST_B/tests/tools/ntfs-fill" "$ntfs_img_" "$ntfs_dir_"
}
# found DISK: rehost-adapt's document in found.json; its status must be 0
found() {
	expect_status 0 rehost-adapt --detect --json "$1"
	mv out found.json
}
# is EXPRESSION WANT: of found.json; `s` is its list of systems
is() {
	is_got_=$(/usr/bin/python3 -c 'import json,sys
d = json.load(open("found.json"))
s = d["systems"]
print(eval(sys.argv[1]))' "$1")
	[ "$is_got_" = "$2" ] || {
		cat found.json >&2
		fail "$1 is '$is_got_', not '$2'"
	}
}
# hive FILE: makes a registry hive of the JSON on stdin (mkhive.py)
hive() {
	/usr/bin/python3 "$REHOST_TOP/tests/lib/mkhive.py" "$1"
}
# system_hive FILE NAME ARCHITECTURE: control set 2 of 001-003 is the one used
system_hive() {
	hive "$1" <<END
{"Select": {"Current": 2, "Default": 2, "LastKnownGood": 3},
 "ControlSet001": {}, "ControlSet003": {}, "MountedDevices": {}, "ControlSetX": {},
 "ControlSet002\\\\Control\\\\Session Manager\\\\Environment": {"PROCESSOR_ARCHITECTURE": "$3"},
 "ControlSet002\\\\Control\\\\Session Manager\\\\Power": {"HiberbootEnabled": 1},
 "ControlSet002\\\\Control\\\\ComputerName\\\\ComputerName": {"ComputerName": "$2"}}
END
}
# software_hive FILE VALUES: VALUES as JSON, of Windows NT\CurrentVersion
software_hive() {
	printf '{"Classes": {}, "Microsoft\\\\Windows NT\\\\CurrentVersion": %s}' "$2" | hive "$1"
}
