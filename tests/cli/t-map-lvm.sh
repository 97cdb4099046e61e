#!/bin/sh
# Volume groups made by LVM: the map is what LVM says of extents and what each volume's
# own reader says; a copy that has nothing else has sound file systems.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/lvm.sh"
requires mkfs.xfs xfs_repair mkntfs e2fsck sfdisk
judge=$REHOST_TOP/tests/lib/fsjudge.py
tool=$REHOST_TOP/tests/lib/lvmtool.py
map=$REHOST_B/tests/tools/map-dump
dev_= # attach's
export TEST_DIR=. TEST_DEV=. QA_CHECK_FS=1 # small XFS

mkdir tree; seq 90000 >tree/numbers; head -c 900000 /dev/urandom >tree/random
fs() { # FILE SIZE TYPE
	rm -f "$1"; truncate -s "$2" "$1"
	case $3 in
	ext4) mke2fs -q -t ext4 -d tree "$1" ;;
	xfs) mkfs.xfs -q "$1" ;;
	ntfs) mkntfs -q -Q -F "$1" >/dev/null 2>&1 ;;
	swap) mkswap "$1" >/dev/null 2>&1 ;;
	esac
}
fill() { # DISK LV SIZE TYPE: with a file system, whose own map becomes LV.map
	fs "$2.fs" "$3" "$4"
	inside "$1" "$2" "$2.fs"
	"$map" "$2.fs" >"$2.map"
}
volume() { grep -q "^volume 0 $1\$" map.out || fail "no volume '$1' in: $(grep -v ^extent map.out)"; }

# --- a bare physical volume: moved and stretched volumes, stripes on one disk
truncate -s 160M pv
attach pv
lvm_ pvcreate -q --yes --pvmetadatacopies 2 "$dev_" >/dev/null
lvm_ vgcreate -q -s 1m vg "$dev_" >/dev/null
lv gap 8M; lv root 18M; lv hole 12M; lv swap 8M; lv win 12M; lv data 8M
lvm_ lvremove -q --yes vg/hole >/dev/null
lvm_ lvextend -q -L 22M vg/root "$dev_:140-143" >/dev/null
lvm_ lvextend -q -L 28M vg/root "$dev_:130-135" >/dev/null
lv xfs 64M
lvm_ lvremove -q --yes vg/gap >/dev/null
report
head -c 158M /dev/zero | tr '\0' '\245' | dd of=pv bs=1M seek=1 count=158 conv=notrunc iflag=fullblock status=none
fill pv root 28M ext4; fill pv swap 8M swap; fill pv win 12M ntfs; fill pv xfs 64M xfs
"$map" pv >map.out
grep -q '^region 0 167772160 [0-9]* lvm LVM2_member 0 disk$' map.out || fail "$(cat map.out)"
grep -q '^holds volume group vg$' map.out || fail "$(cat map.out)"
grep -q "^ident $(blkid -p -o value -s UUID pv) $" map.out || fail "$(cat map.out)"
volume '29360128 [0-9]* ext ext4 0 logical volume vg/root'
volume '8388608 4096 swap swap 0 logical volume vg/swap'
volume '12582912 [0-9]* ntfs ntfs 0 logical volume vg/win'
volume '67108864 [0-9]* xfs xfs 0 logical volume vg/xfs'
volume '8388608 8388608 raw - 0 logical volume vg/data'
"$tool" judge pv map.out root=root.map swap=swap.map win=win.map xfs=xfs.map || fail "the map"
"$judge" apply pv map.out copy
for v in root xfs; do "$tool" get copy $v $v.copy; done
e2fsck -fn root.copy >fsck.out 2>&1 || fail "$(cat fsck.out)"
debugfs -R 'cat /numbers' root.copy 2>/dev/null | cmp - tree/numbers || fail numbers
debugfs -R 'cat /random' root.copy 2>/dev/null | cmp - tree/random || fail random
xfs_repair -n xfs.copy >repair.out 2>&1 || fail "$(cat repair.out)"
# for people and programs
expect_status 0 rehost map pv
grep -q '^ \{16\} *29360128 *[0-9]*  ext        logical volume vg/root, ext4$' out || fail "$(cat out)"
expect_status 0 rehost map --json pv
[ "$(json out '[v["fs"] for v in d["regions"][0]["volumes"]]')" = "[None, 'ext4', 'swap', 'ntfs', 'xfs']" ] || fail "$(cat out)"
expect_status 0 rehost disks --json --no-systems pv
[ "$(json out 'd["disks"][0]["filesystem"]["volumes"][1]["what"]')" = 'logical volume vg/root' ] || fail "$(cat out)"
# an image of it
expect_status 0 rehost capture --verify --no-systems pv pv.rhi
expect_status 0 rehost info --json pv.rhi
[ "$(json out 'd["map"][0]["volumes"][1]["what"]')" = 'logical volume vg/root' ] || fail "$(cat out)"
cp pv copy; tr '\0' '\132' </dev/zero | head -c 160M | dd of=copy conv=notrunc bs=1M status=none
expect_status 0 rehost restore --yes --verify pv.rhi copy
"$tool" get copy root root.copy
e2fsck -fn root.copy >fsck.out 2>&1 || fail "$(cat fsck.out)"
detach

# --- one group on two partitions of a disk; stripes over both, and with a third disk
truncate -s 142M disk; truncate -s 40M other
printf 'size=70M, type=8e\nsize=70M, type=8e\n' | sfdisk -q --label dos disk
attach disk 1048576 73400320; a=$dev_
attach disk 74448896 73400320; b=$dev_
attach other; c=$dev_
lvm_ pvcreate -q --yes "$a" "$b" "$c" >/dev/null
lvm_ vgcreate -q -s 1m vg "$a" "$b" "$c" >/dev/null
lvm_ lvcreate -q --yes -Zn -Wn -an -n root -l 100%FREE vg "$a:0-9" "$b:10-19" >/dev/null
lvm_ lvcreate -q --yes -Zn -Wn -an -n wide -i 2 -I 64k -l 20 vg "$a:30-60" "$b:30-60" >/dev/null
lvm_ lvcreate -q --yes -Zn -Wn -an -n away -l 14 vg "$a:60-65" "$c:0-7" >/dev/null
lvm_ lvcreate -q --yes -Zn -Wn -an -n gone -l 4 vg "$c:20-23" >/dev/null
report
fill disk root 20M ext4; fill disk wide 20M ext4
"$map" disk >map.out
sed -i "s| $c=0||" places
/usr/bin/python3 - "$c" <<'END'
import json, re, sys
d = json.load(open("pvs.json"))
d["report"][0]["pv"] = [p for p in d["report"][0]["pv"] if p["pv_name"] != sys.argv[1]]
json.dump(d, open("pvs.json", "w"))
d = json.load(open("lvs.json"))
for s in d["report"][0]["lv"]:
    s["seg_pe_ranges"] = " ".join(w for w in s["seg_pe_ranges"].split() if not w.startswith(sys.argv[1]))
json.dump(d, open("lvs.json", "w"))
END
"$tool" judge disk map.out root=root.map wide=wide.map || fail "two partitions: $(cat map.out)"
volume '20971520 [0-9]* ext ext4 0 logical volume vg/wide'
volume '14680064 6291456 raw - 0 logical volume vg/away'
volume '4194304 0 raw - 0 logical volume vg/gone'
[ "$(grep -c '^note Taken whole: parts of it are on other disks' map.out)" = 2 ] || fail "$(cat map.out)"
grep -q '^note Its volumes are listed at partition 1.$' map.out || fail "$(cat map.out)"
"$judge" apply disk map.out copy
for v in root wide; do
	"$tool" get copy $v $v.copy
	e2fsck -fn $v.copy >fsck.out 2>&1 || fail "$v: $(cat fsck.out)"
	debugfs -R 'cat /random' $v.copy 2>/dev/null | cmp - tree/random || fail "$v: random"
done
detach

# --- one group on two disks: known together, and captured together
truncate -s 112M both
attach both 0 73400320; a=$dev_
attach both 73400320 44040192; b=$dev_
lvm_ pvcreate -q --yes "$a" "$b" >/dev/null
lvm_ vgcreate -q -s 1m vg "$a" "$b" >/dev/null
lvm_ lvcreate -q --yes -Zn -Wn -an -n root -l 20 vg "$a:0-9" "$b:10-19" >/dev/null
lvm_ lvcreate -q --yes -Zn -Wn -an -n wide -i 2 -I 64k -l 40 vg "$a:30-60" "$b:20-39" >/dev/null
lvm_ lvcreate -q --yes -Zn -Wn -an -n near -l 5 vg "$a" >/dev/null
report
head -c 70M /dev/urandom | dd of=both bs=1M seek=1 conv=notrunc iflag=fullblock count=68 status=none
head -c 40M /dev/urandom | dd of=both bs=1M seek=71 conv=notrunc iflag=fullblock status=none
fill both root 20M ext4; fill both wide 40M ext4; fill both near 5M ext4
detach
head -c 73400320 both >one; tail -c 44040192 both >two
"$map" -w two one >map.out
"$map" -w one two >two.map
for m in map.out two.map; do
	grep -q '^region 0 [0-9]* [0-9]* lvm LVM2_member 0 disk$' $m || fail "$(cat $m)"
	! grep '^note Taken whole' $m || fail "$(cat $m)"
done
volume '41943040 [0-9]* ext ext4 0 logical volume vg/wide'
awk '/^extent/ { print $1, $2 + 73400320, $3 }' two.map >>map.out
"$tool" judge both map.out root=root.map wide=wide.map near=near.map || fail "two disks: $(cat map.out)"
expect_status 0 rehost capture --no-systems one two m
expect_status 0 rehost verify --deep --json m
[ "$(json out '[i["deep"]["not_checked"] for i in d["images"]]')" = "[[], []]" ] || fail "$(cat out)"
for i in one two; do head -c "$(stat -c %s $i)" /dev/urandom >$i.new; done
expect_status 0 rehost restore --yes m one.new two.new
cat one.new two.new >copy
for v in root wide near; do
	"$tool" get copy $v $v.copy
	e2fsck -fn $v.copy >fsck.out 2>&1 || fail "$v: $(cat fsck.out)"
done
debugfs -R 'cat /random' wide.copy 2>/dev/null | cmp - tree/random || fail "wide: random"
# an image of them alone can't be compared; nor is that a fault
expect_status 0 rehost verify --deep --json m/two.rhi
grep -q "disk: its volumes lie on other disks, too: verify the machine's directory" err || fail "$(cat err)"
[ "$(json out '(d["deep"]["ok"], len(d["deep"]["not_checked"]))')" = "(True, 1)" ] || fail "$(cat out)"
# a disk and its copy: whose volumes they are can't be told
expect_status 3 rehost capture --no-systems one one.new twice
[ "$(grep -c 'Taken whole: a physical volume with its UUID is there twice' err)" = 2 ] || fail "$(cat err)"

# nothing but a physical volume
truncate -s 20M empty; attach empty
lvm_ pvcreate -q --yes "$dev_" >/dev/null
"$map" empty >map.out
grep -q '^region 0 20971520 1048576 lvm LVM2_member 0 disk$' map.out || fail "$(cat map.out)"
grep -q '^holds in no volume group$' map.out || fail "$(cat map.out)"
exit 0
