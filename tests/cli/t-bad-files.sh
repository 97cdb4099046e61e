#!/bin/sh
# What lies in unreadable places is named: files by their paths, metadata as such, in
# ext and NTFS. Judges: debugfs and ntfsinfo say where the files are.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
requires "${CC:-gcc}" debugfs dumpe2fs ntfsinfo ntfscp
case $REHOST_B in */san) skip "the shim can't be loaded into the sanitizer's build" ;; esac
"${CC:-gcc}" -O1 -shared -fPIC -o faults.so "$REHOST_TOP/tests/lib/faults.c" -ldl
with_faults() { # RANGES COMMAND...
	ranges_=$1
	shift
	st=0
	LD_PRELOAD=$PWD/faults.so FAULT_FILE=$PWD/disk.img FAULT_READ=$ranges_ "$@" >out 2>err || st=$?
}
capture() { # RANGES: leaves the list of what was named in ./files
	with_faults "$1" rehost capture --no-systems --overwrite --retry-passes 0 disk.img disk.rhi
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
at() { echo $((base + $1 * 1024)); }
big=$(at "$(block_of /home/anna/deep/er/big 100)")
brief=$(at "$(block_of /home/anna/Grüße/brief 3)")
dir=$(at "$(block_of /home/anna/deep 2)")
bitmap=$(at "$(dumpe2fs root.img 2>/dev/null | sed -n 's/.*Block bitmap at \([0-9]*\).*/\1/p' | head -1)")
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
