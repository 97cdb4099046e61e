#!/bin/sh
# What lies in unreadable places is named: files by their paths, metadata as such, in
# ext and NTFS, also in volumes of containers. Judges: debugfs and ntfsinfo say where the
# files are.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
. "$REHOST_TOP/tests/lib/lvm-text.sh"
tool=$REHOST_TOP/tests/lib/lvmtool.py
requires "${CC:-gcc}" debugfs dumpe2fs ntfsinfo ntfscp cryptsetup
case $REHOST_B in */san) skip "the shim can't be loaded into the sanitizer's build" ;; esac
"${CC:-gcc}" -O1 -shared -fPIC -o faults.so "$REHOST_TOP/tests/lib/faults.c" -ldl
with_faults() { # RANGES COMMAND...
	ranges_=$1
	shift
	st=0
	LD_PRELOAD=$PWD/faults.so FAULT_FILE=$PWD/disk.img FAULT_READ=$ranges_ "$@" >out 2>err || st=$?
}
unlock=
capture() { # RANGES: leaves the list of what was named in ./files
	# shellcheck disable=SC2086
	with_faults "$1" rehost capture --no-systems --overwrite --retry-passes 0 $unlock disk.img disk.rhi
	[ $st = 3 ] || fail "status $st: $(cat err)"
	cp err said
	rehost info --json disk.rhi >info
	json info '"\n".join("%s|%s|%s|%d|%d" % (f.get("path"), f["what"], f["where"], f["offset"], f["length"]) for f in d.get("unreadable_files", []))' >files
}

# ext4: deep paths, a name that isn't ASCII, a directory's own block, a bitmap
mkdir -p tree/home/anna/deep/er "tree/home/anna/Grüße"
head -c 300000 /dev/urandom >tree/home/anna/deep/er/big
head -c 9000 /dev/urandom >"tree/home/anna/Grüße/brief"
for i in $(seq 300); do echo $i >tree/home/anna/deep/a-file-with-a-rather-long-name-$i; done
truncate -s 64M disk.img
printf 'label: gpt\nstart=2048,size=8192,name=a\nstart=10240,size=81920,name=root\n' | sfdisk -q disk.img
truncate -s 40M root.img
mke2fs -q -t ext4 -b 1024 -d tree root.img
put root.img disk.img 5
# a hole isn't read, so it can't be unreadable
seq 1000 | dd of=disk.img bs=1M seek=3 conv=notrunc status=none
seq 1000 | dd of=disk.img bs=4096 seek=9 conv=notrunc status=none
base=$((5 << 20))
block_of() { debugfs -R "blocks \"$1\"" root.img 2>/dev/null | awk -v n="$2" '{ print $n }'; }
byte() { echo $((base + $1 * 1024)); }
big=$(byte "$(block_of /home/anna/deep/er/big 100)")
brief=$(byte "$(block_of /home/anna/Grüße/brief 3)")
dir=$(byte "$(block_of /home/anna/deep 2)")
bitmap=$(byte "$(dumpe2fs root.img 2>/dev/null | sed -n 's/.*Block bitmap at \([0-9]*\).*/\1/p' | head -1)")
capture "$big+1024,$brief+512"
cat >want <<END
/home/anna/deep/er/big|file|ext4, partition 2|$big|1024
/home/anna/Grüße/brief|file|ext4, partition 2|$brief|512
END
sort want >want.s; sort files >files.s
cmp want.s files.s || fail "named: $(cat files), not $(cat want)"
grep -q "/home/anna/deep/er/big (ext4, partition 2) has unreadable bytes at offset $big" said || fail "said: $(cat said)"
rehost info disk.rhi >text
grep -q "/home/anna/deep/er/big" text || fail "info: $(cat text)"
# a directory on the way: the rest is named as far as that goes
capture "$big+1024,$dir+512"
grep -q "^/home/anna/deep|directory|ext4, partition 2|$dir|512" files || fail "directory: $(cat files)"
grep -q "^.*/big|file|ext4, partition 2|$big|1024" files || fail "below the directory: $(cat files)"
# the bitmap can't be read: taken whole, and named
capture "$bitmap+1024"
grep -q "|the block bitmaps|ext4, partition 2|$bitmap|1024" files || fail "bitmap: $(cat files)"
# no file system at all: which partition, at least
capture "$((3 << 20))+512"
grep -q "None|what no file system was seen in|partition 1|$((3 << 20))|512" files || fail "raw: $(cat files)"
# outside of all partitions
capture "36864+512"
grep -q "None|no file|gap before the first partition|36864|512" files || fail "gap: $(cat files)"

# NTFS
rm -f disk.img
windows_disk disk.img
dd if=disk.img of=ntfs.img bs=1M skip=1 count=40 status=none
ntfsinfo -F random.bin -v ntfs.img >ni 2>/dev/null || fail "ntfsinfo"
lcn=$(awk '/VCN/ { seen = 1; next } seen && $1 ~ /^0x/ { print $2; exit }' ni)
mft=$(ntfsinfo -m ntfs.img 2>/dev/null | sed -n 's/.*LCN of Data Attribute for FILE_MFT: //p')
cluster=$(ntfsinfo -m ntfs.img 2>/dev/null | sed -n 's/.*Cluster Size: *//p')
[ -n "$lcn" ] && [ -n "$mft" ] || fail "ntfsinfo: $(cat ni)"
data=$(((1 << 20) + (lcn + 3) * cluster + 512))
record=$(((1 << 20) + mft * cluster + 60 * 1024))
capture "$data+512,$record+512"
grep -q "^/random.bin|file|ntfs, partition 1|$data|512" files || fail "NTFS: $(cat files)"
# a record of the MFT: the rest is still searched
grep -q "^/.MFT|the file system's own|ntfs, partition 1|$record|512" files || fail "MFT: $(cat files)"

# In volumes: a partition of LVM with one that is striped, one mirrored, one encrypted
# (in which is an NTFS); and a RAID1.  Offsets are those of the disk.
piece() { # FILE OFFSET SIZE TO_OFFSET: to the disk; MiB all
	dd if="$1" of=disk.img bs=1M skip="$2" count="$3" seek="$4" conv=notrunc,sparse status=none
}
vg_text 94 >text <<END
lv root 40 V type = "striped"\nstripe_count = 2\nstripe_size = 128\nstripes = ["pv0", 2, "pv0", 30]
lv m 4 V type = "mirror"\nmirror_count = 2\nmirror_log = "m_mlog"\nregion_size = 1024\nmirrors = ["m_mimage_0", 0, "m_mimage_1", 0]
lv m_mlog 1 H $(at 52)
lv m_mimage_0 4 H $(at 54)
lv m_mimage_1 4 H $(at 60)
lv crypt 26 V $(at 66)
END
"$tool" make pv $((96 << 20)) text
"$REHOST_TOP/tests/lib/mdtool.py" make md $((12 << 20)) 1.2
mkdir small
head -c 70000 /dev/urandom >small/mail
truncate -s 4M m.img; mke2fs -q -t ext4 -b 1024 -d small m.img
truncate -s 6M md.img; mke2fs -q -t ext4 -b 1024 -d small md.img
rm -f disk.img ntfs.img
truncate -s 24M ntfs.img; mkntfs -qQF -c 4096 ntfs.img >/dev/null 2>&1
ntfscp -q ntfs.img small/mail mail >/dev/null 2>&1
printf 'a passphrase' >key
truncate -s 26M crypt
cryptsetup luksFormat -q --type luks1 --pbkdf-force-iterations 1000 --key-file key crypt 2>err || fail "$(cat err)"
"$REHOST_TOP/tests/lib/luksput.py" crypt key ntfs.img
payload=$(cryptsetup luksDump crypt | awk '/^Payload offset/ { print $3 * 512 }')
[ "$(stat -c %s crypt)" -le $((26 << 20)) ] || fail "the encrypted volume is too large"
truncate -s 26M crypt
truncate -s 110M disk.img
printf 'label: gpt\nstart=2048,size=24576\nstart=26624,size=196608\n' | sfdisk -q disk.img
piece md 0 12 1; piece md.img 0 6 2
piece pv 0 96 13
extent=$((14 << 20))
# stripes of 64 KiB: the first 20 MiB at extent 2, the other at 30
/usr/bin/python3 - $extent <<'PY'
import sys
data = open("root.img", "rb").read()
with open("disk.img", "r+b") as f:
    for i in range(len(data) >> 16):
        f.seek(int(sys.argv[1]) + (2 + 28 * (i % 2) << 20) + (i // 2 << 16))
        f.write(data[i << 16:i + 1 << 16])
PY
piece m.img 0 4 $((14 + 54)); piece m.img 0 4 $((14 + 60))
piece crypt 0 26 $((14 + 66))
vol=$(($(block_of /home/anna/deep/er/big 100) * 1024))
big=$((extent + ((2 + 28 * (vol / 65536 % 2)) << 20) + vol / 131072 * 65536 + vol % 65536))
copy=$((extent + (60 << 20) + $(debugfs -R 'blocks /mail' m.img 2>/dev/null | awk '{ print $5 }') * 1024))
ntfsinfo -F mail -v ntfs.img >ni 2>/dev/null || fail ntfsinfo
lcn=$(awk '/VCN/ { seen = 1; next } seen && $1 ~ /^0x/ { print $2; exit }' ni)
secret=$((extent + (66 << 20) + payload + (lcn + 2) * 4096))
raid=$(((2 << 20) + $(debugfs -R 'blocks /mail' md.img 2>/dev/null | awk '{ print $9 }') * 1024))
# between the header and the text of LVM's metadata: used, but not read so far
meta=$(((13 << 20) + 30 * 4096))
seq 900 | dd of=disk.img bs=4096 seek=$((meta / 4096)) conv=notrunc status=none
unlock="--unlock key"
capture "$big+512,$copy+1024,$secret+512,$raid+512,$meta+512"
cat >want <<END
/home/anna/deep/er/big|file|ext4, logical volume vg/root in partition 2|$big|512
/mail|file|ext4, array host:nam in partition 1|$raid|512
/mail|file|ext4, logical volume vg/m in partition 2|$copy|1024
/mail|file|ntfs, decrypted volume in logical volume vg/crypt in partition 2|$secret|512
None|the metadata of its volumes|LVM2_member, partition 2|$meta|512
END
sort want >want.s; sort files >files.s
cmp want.s files.s || fail "in volumes: $(cat files), not $(cat want)"
grep -q "/mail (ntfs, decrypted volume in logical volume vg/crypt in partition 2) has unreadable bytes at offset $secret" said ||
	fail "said: $(cat said)"
# without its key it isn't looked into
unlock=
capture "$secret+512"
grep -q "^None|something that isn't looked into|crypto_LUKS, logical volume vg/crypt in partition 2|$secret|512" files ||
	fail "locked: $(cat files)"
# what lies behind its header may be unreadable (above); where its keys are, it may not
unlock="--unlock key"
keys=$((extent + (66 << 20) + 4096))
capture "$keys+512"
grep -q "vg/crypt: Taken whole: none of the keys opens it; 4096 bytes at its front can't be read" said || fail "keys: $(cat said)"

# an array of this disk and another one, captured together
mdtool=$REHOST_TOP/tests/lib/mdtool.py
rm -f disk.img other.img
"$mdtool" make disk.img $((12 << 20)) 1.2 level=-1 size=0
"$mdtool" make other.img $((12 << 20)) 1.2 level=-1 size=0 number=1
truncate -s "$("$mdtool" array size linear - disk.img other.img)" md.img; mke2fs -q -t ext4 -b 1024 -d small md.img
"$mdtool" array put linear md.img disk.img other.img
mail=$(((1 << 20) + $(debugfs -R 'blocks /mail' md.img 2>/dev/null | awk '{ print $9 }') * 1024))
with_faults "$mail+512" rehost capture --no-systems --retry-passes 0 disk.img other.img m
[ $st = 3 ] || fail "status $st: $(cat err)"
grep -q "/mail (ext4, array host:nam in disk) has unreadable bytes at offset $mail" err || fail "on two disks: $(cat err)"
