#!/bin/sh
# rehost-test: san only
# rehost-adapt finds Windows systems on NTFS and says which: hives made here,
# with the values that each version of Windows has there.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/guest.sh"
requires sfdisk mkntfs

config=tree/Windows/System32/config
mkdir -p "$config" "tree/Program Files" tree/Windows/Fonts
system_hive "$config/SYSTEM" PC1 AMD64

# shown NAME VERSION BUILD RELEASE PACK: after hives were made
shown() {
	ntfs fs.img 8M tree
	found fs.img
	is '[s[0][k] for k in ("name", "version", "build", "release", "service_pack")]' "$1"
}
software_hive "$config/SOFTWARE" '{"ProductName": "Windows 10 Pro", "CurrentVersion": "6.3",
 "CurrentMajorVersionNumber": 10, "CurrentMinorVersionNumber": 0, "CurrentBuild": "19045",
 "CurrentBuildNumber": "19045", "UBR": 3803, "EditionID": "Professional",
 "InstallationType": "Client", "ReleaseId": "2009", "DisplayVersion": "22H2"}'
shown "['Windows 10 Pro', '10.0', '19045', '22H2', None]"
is '[len(s), s[0]["kind"], s[0]["fs"], s[0]["update"], s[0]["edition"], s[0]["directory"]]' \
	"[1, 'windows', 'ntfs', 3803, 'Professional', 'Windows']"
is '[s[0][k] for k in ("arch", "hostname", "control_sets", "current_control_set")]' \
	"['x64', 'PC1', ['ControlSet001', 'ControlSet002', 'ControlSet003'], 'ControlSet002']"
is '[s[0][k] for k in ("dirty_hives", "hibernated", "fast_startup", "fs_dirty", "notes")]' \
	"[[], False, True, False, []]"
is 'd["notes"]' "[]"
expect_status 0 rehost-adapt --detect fs.img
grep -q 'Windows 10 Pro 22H2, x64' out || fail "the text does not name it"
grep -q 'build 19045.3803' out || fail "the text does not tell the build"

software_hive "$config/SOFTWARE" '{"ProductName": "Windows 10 Home", "CurrentBuildNumber": "22631",
 "CurrentMajorVersionNumber": 10, "CurrentMinorVersionNumber": 0, "InstallationType": "Client", "DisplayVersion": "23H2"}'
shown "['Windows 11 Home', '10.0', '22631', '23H2', None]"
software_hive "$config/SOFTWARE" '{"ProductName": "Windows Server 2025 Standard", "CurrentBuildNumber": "26100",
 "CurrentMajorVersionNumber": 10, "CurrentMinorVersionNumber": 0, "InstallationType": "Server", "DisplayVersion": "24H2"}'
shown "['Windows Server 2025 Standard', '10.0', '26100', '24H2', None]"
software_hive "$config/SOFTWARE" '{"ProductName": "Windows 7 Professional", "CurrentVersion": "6.1",
 "CurrentBuildNumber": "7601", "CSDVersion": "Service Pack 1"}'
shown "['Windows 7 Professional', '6.1', '7601', None, 'Service Pack 1']"
software_hive "$config/SOFTWARE" '{"CurrentVersion": "4.0", "CurrentBuildNumber": "1381"}'
shown "['Windows NT 4.0', '4.0', '1381', None, None]"

# XP: names in other cases; two systems on one volume, and one with data only
rm -rf tree
for dir in WINNT WINDOWS.0; do
	mkdir -p "tree/$dir/system32/config"
	system_hive "tree/$dir/system32/config/system" "$dir" x86
	software_hive "tree/$dir/system32/config/software" '{"ProductName": "Microsoft Windows XP",
		"CurrentVersion": "5.1", "CurrentBuildNumber": "2600", "CSDVersion": "Service Pack 3"}'
done
: > tree/NTLDR
mkdir -p tree/Windows.old/WINDOWS/system32/config tree/empty/System32/config
system_hive tree/Windows.old/WINDOWS/system32/config/SYSTEM OLD x86
for c in 512 4096 65536; do
	ntfs fs.img 24M tree -c $c
	found fs.img
	is '[(g["directory"], g["hostname"], g["arch"], g["boot"]) for g in s]' \
		"[('WINDOWS.0', 'WINDOWS.0', 'x86', ['ntldr']), ('WINNT', 'WINNT', 'x86', ['ntldr'])]"
done

# hibernated, or not
rm -r tree/WINNT
hibernated() {
	# shellcheck disable=SC2059
	{ printf "$1"; head -c 9000 /dev/zero; } > tree/hiberfil.sys
	ntfs fs.img 16M tree
	found fs.img
	is 's[0]["hibernated"]' "$2"
	is 'any("hibernated" in n for n in s[0]["notes"])' "$2"
}
hibernated hibr True
hibernated HIBR True
hibernated RSTR True
hibernated wake False
hibernated '\0\0\0\0' False
: > tree/hiberfil.sys
ntfs fs.img 16M tree
found fs.img
is 's[0]["hibernated"]' False

# a dirty hive: sequence numbers that differ, or a checksum that is wrong
rm tree/hiberfil.sys
hive=tree/WINDOWS.0/system32/config/system
cp $hive clean
/usr/bin/python3 - clean $hive <<'END'
import struct, sys
b = bytearray(open(sys.argv[1], "rb").read())
b[4] ^= 2
b[508] ^= 2
open(sys.argv[2], "wb").write(b)
END
ntfs fs.img 16M tree
found fs.img
is '[s[0]["dirty_hives"], s[0]["hostname"], len(s[0]["notes"])]' "[['SYSTEM'], 'WINDOWS.0', 1]"
cp clean $hive
printf '\377' | dd of=$hive bs=1 seek=508 conv=notrunc 2>dd.log
ntfs fs.img 16M tree
found fs.img
is '[s[0]["dirty_hives"], s[0]["hostname"]]' "[['SYSTEM'], 'WINDOWS.0']"
cp clean $hive

# a dirty volume, in a partition, beside BitLocker and other strangers
ntfs fs.img 16M tree
"$REHOST_B/tests/tools/ntfs-dirty" fs.img
truncate -s 70M disk.img
sfdisk -q disk.img <<'END'
label: gpt
size=4M, type=U
size=16M
size=2M
size=2M
size=2M
size=4M
END
put disk.img 2 fs.img
truncate -s 2M volume
printf '\353X\220-FVE-FS-' | dd of=volume conv=notrunc 2>dd.log
put disk.img 3 volume
truncate -s 0 volume
truncate -s 2M volume
printf 'LUKS\272\276' | dd of=volume conv=notrunc 2>dd.log
put disk.img 4 volume
truncate -s 0 volume
truncate -s 2M volume
mkfs.exfat -b 4K volume > exfat.log
put disk.img 5 volume
if command -v mkfs.fat > fat.log; then
	rm volume
	mkfs.fat -F 16 -s 1 -C volume 4096 > fat.log
	put disk.img 1 volume
	put disk.img 6 volume
fi
sum=$(sha256sum < disk.img)
found disk.img
is '[len(s), s[0]["partition"], s[0]["fs_dirty"]]' "[1, 2, True]"
is 'any("dirty" in n for n in s[0]["notes"])' True
is '[n[:18] for n in d["notes"] if "encrypted" in n]' "['partition 3: a Bit', 'partition 4: a LUK']"
is '[int(n[10]) for n in d["notes"]]' "[3, 4]"
[ "$sum" = "$(sha256sum < disk.img)" ] || fail "the disk was written to"
