#!/bin/sh
# rehost-test: san only
# `rehost salvage` of what the program itself writes: encrypted, split, with a base, equal
# chunks stored once, unfinished; what it refuses; files that are named.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
requires mke2fs debugfs
reader() { /usr/bin/python3 "$REHOST_TOP/tests/py/rhi_reader.py" "$@" || fail "rhi_reader.py $*"; }
# flip FILE OFFSET
flip() {
	/usr/bin/python3 -c 'import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2])); b = f.read(1)[0]; f.seek(-1, 1); f.write(bytes([b ^ 4]))' "$1" "$2"
}
# offset IMAGE N: of the N-th chunk record, from 0, in the middle of its body
offset() {
	/usr/bin/python3 -c 'import sys, struct
d = open(sys.argv[1], "rb").read(); at = 0; n = int(sys.argv[2])
while True:
    kind, = struct.unpack_from("<H", d, at + 8); length, = struct.unpack_from("<I", d, at + 12)
    n -= kind == 3
    if n < 0: break
    at += 96 + length
print(at + 96 + length // 2)' "$1" "$2"
}
# same NEW: of the disk, all but what NEW says to be lost
same() {
	rm -f again.img
	reader restore "$1" again.img
	reader info "$1" > info.json
	/usr/bin/python3 - <<'PY' || fail "$1 gives another disk"
import json
a, b = open("disk.img", "rb").read(), bytearray(open("again.img", "rb").read())
assert len(a) == len(b)
for off, n in json.load(open("info.json"))["bad"]:
    assert not any(b[off:off + n])
    b[off:off + n] = a[off:off + n]
assert a == b
PY
}
truncate -s 40M disk.img
head -c 6M /dev/urandom > part_
dd if=part_ of=disk.img bs=1M seek=2 conv=notrunc status=none
dd if=part_ of=disk.img bs=1M seek=20 conv=notrunc status=none
seq 1 200000 | dd of=disk.img bs=1M seek=30 conv=notrunc status=none
# no file system, so all of it is stored
capture="rehost capture --no-systems"

# refused: itself, what is there, a pipe, a directory
expect_status 0 $capture disk.img plain.rhi
cp plain.rhi bad.rhi
flip bad.rhi "$(offset bad.rhi 3)"
cp bad.rhi keep
expect_status 4 rehost salvage --overwrite bad.rhi bad.rhi
expect_status 4 rehost salvage bad.rhi plain.rhi
expect_status 2 rehost salvage - new.rhi
expect_status 2 rehost salvage bad.rhi -
expect_status 2 rehost salvage . new.rhi
expect_status 1 rehost salvage none.rhi new.rhi
[ ! -e new.rhi ] || fail "a new image of nothing"
expect_status 3 rehost salvage bad.rhi new.rhi
grep -q "bytes 3145728 to 4194303 of the disk" err || fail "$(cat err)"
cmp bad.rhi keep || fail "the damaged image was written to"
same new.rhi
expect_status 0 rehost verify new.rhi
expect_status 0 rehost info --json new.rhi
[ "$(json out 'd["unreadable"], d["salvaged"]["from"], d["salvaged"]["lost"]')" = \
	"([{'offset': 3145728, 'length': 1048576}], 'bad.rhi', 1048576)" ] || fail "info: $(cat out)"
expect_status 0 rehost info new.rhi
grep -q "salvaged from bad.rhi" out || fail "info: $(cat out)"
expect_status 3 rehost restore --yes new.rhi back.img
cmp again.img back.img || fail "restore gives another disk than the second reader"

# encrypted: as before; without its key nothing
export REHOST_PASSPHRASE=secret
expect_status 0 $capture --encrypt disk.img e.rhi
cp e.rhi bad.rhi
flip bad.rhi "$(offset bad.rhi 4)"
flip bad.rhi 230                   # the header of META; its key is behind it
flip bad.rhi 100                   # HEADER: one bit is mended
expect_status 3 rehost salvage --overwrite bad.rhi new.rhi
same new.rhi
REHOST_PASSPHRASE=wrong
expect_status 1 rehost salvage --overwrite bad.rhi new.rhi
grep -q "passphrase is wrong" err || fail "$(cat err)"
REHOST_PASSPHRASE=secret
cp e.rhi bad.rhi
flip bad.rhi 360
expect_status 1 rehost salvage --overwrite bad.rhi new.rhi
grep -q "the key may be damaged" err || fail "$(cat err)"
dd if=/dev/zero of=bad.rhi bs=1 count=224 conv=notrunc status=none
expect_status 1 rehost salvage --overwrite bad.rhi new.rhi
grep -q "encrypted, and its header" err || fail "$(cat err)"
unset REHOST_PASSPHRASE

# equal chunks stored once: found wherever they moved to; lost where they are
expect_status 0 $capture --dedup disk.img d.rhi
[ "$(stat -c %s d.rhi)" -lt 7500000 ] || fail "nothing was stored once"
{ head -c 224 /dev/zero; echo something else; tail -c +225 d.rhi; } > bad.rhi
expect_status 3 rehost salvage --json --overwrite bad.rhi new.rhi
[ "$(json out 'd["lost"], d["header_lost"]')" = "(0, True)" ] || fail "moved: $(cat out)"
same new.rhi
cp d.rhi bad.rhi
flip bad.rhi "$(offset bad.rhi 3)"
expect_status 3 rehost salvage --json --overwrite bad.rhi new.rhi
[ "$(json out '[r["offset"] >> 20 for r in d["lost_ranges"]]')" = "[3, 21]" ] ||
	fail "a chunk that two have: $(cat out)"
same new.rhi

# with a base: needs it, and then no more
mkdir b
printf 'changed' | dd of=disk.img bs=1 seek=3000000 conv=notrunc status=none
expect_status 0 $capture --base plain.rhi disk.img b.rhi
expect_status 0 rehost salvage --overwrite b.rhi new.rhi
cp new.rhi b/new.rhi
same b/new.rhi
cp b.rhi bad.rhi
flip bad.rhi "$(offset bad.rhi 5)"
expect_status 3 rehost salvage --overwrite bad.rhi new.rhi
same new.rhi
cp b.rhi b/alone.rhi
expect_status 3 rehost salvage --overwrite b/alone.rhi b/new.rhi
grep -q "base image plain.rhi.* isn't in" err || fail "$(cat err)"
cp plain.rhi b/plain.rhi
flip b/plain.rhi "$(offset plain.rhi 3)"
expect_status 3 rehost salvage --json --overwrite b/alone.rhi b/new.rhi
[ "$(json out '[r["offset"] >> 20 for r in d["lost_ranges"]]')" = "[3]" ] || fail "a damaged base: $(cat out)"
same b/new.rhi

# in volumes, some of them missing
truncate -s 80M disk.img
head -c 36M /dev/urandom | dd of=disk.img bs=1M seek=10 conv=notrunc status=none
expect_status 0 $capture --level fast --split 16M disk.img s.rhi
[ -e s.rhi.002 ] || fail "not split"
expect_status 0 rehost salvage --overwrite --split 20M s.rhi new.rhi
same new.rhi
[ -e new.rhi.001 ] || fail "the new one isn't split"
mv s.rhi.001 gone
expect_status 3 rehost salvage --overwrite s.rhi new.rhi
grep -q "1 of its volumes" err || fail "$(cat err)"
[ ! -e new.rhi.001 ] || fail "a volume of the old new one stayed"
same new.rhi
mv gone s.rhi.001
rm s.rhi
expect_status 3 rehost salvage --json --overwrite s.rhi new.rhi
[ "$(json out 'd["header_lost"]')" = True ] || fail "$(cat out)"

# what a killed capture leaves
head -c 20000000 s.rhi.001 > k.rhi.part
expect_status 3 rehost salvage --overwrite k.rhi.part new.rhi
expect_status 0 rehost verify new.rhi

# the files that are lost
fill_ext disk.img 16
blk=$(debugfs -R "bmap /home/random 600" disk.img 2>/dev/null)
expect_status 0 $capture disk.img f.rhi
n=$(/usr/bin/python3 -c "
import sys; sys.path.insert(0, '$REHOST_TOP/tests/py')
import rhi_reader
with open('f.rhi', 'rb') as f:
    print([e.chunk for _, p in rhi_reader.Image(f).pages() for e in p].index($blk * 1024 >> 20))")
flip f.rhi "$(offset f.rhi "$n")"
expect_status 3 rehost salvage --json --overwrite f.rhi new.rhi
json out '[f.get("path") for f in d["unreadable_files"]]' | grep -q "'/home/random'" || fail "$(cat out)"
same new.rhi
