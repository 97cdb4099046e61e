#!/bin/sh
# ReFS and ZFS are named and taken whole.  Nobody here can make one: what tells them is made
# after the formats' descriptions, and blkid judges that it is what others take for one.
# (APFS, HFS+ and others: t-map-fixtures.sh.)
. "$REHOST_TOP/tests/lib/lib.sh"
requires blkid
map=$REHOST_B/tests/tools/map-dump
/usr/bin/python3 - <<'PY'
import struct
SIZE = 64 << 20

def image(name, *parts):
    with open(name, "wb") as f:
        f.truncate(SIZE)
        for at, data in parts:
            f.seek(at)
            f.write(data)

# ReFS: the volume's boot sector: no jump, the name, FSRS, its length and sum, sectors,
# bytes of a sector, sectors of a cluster, version 3.4, serial number
boot = struct.pack("<3s8s5x4sHHQIIBB14xQ", b"", b"ReFS", b"FSRS", 512, 0, SIZE // 512, 512, 8, 3, 4, 0x1122334455667788)
image("ReFS", (0, boot.ljust(512, b"\0")), (SIZE - 512, boot.ljust(512, b"\0")))
# not one: the name somewhere else
image("none", (3, b"ReFS"), (0, b"\xeb\x76\x90"))

# ZFS: four labels of 256 KiB, two at each end; 128 uberblocks in the second half of each:
# magic, version, transaction group, sum of GUIDs, time
def labels(order):
    out = []
    for n, at in enumerate((0, 256 << 10, SIZE - (512 << 10), SIZE - (256 << 10))):
        for k in range(128):
            out.append((at + (128 << 10) + 1024 * k, struct.pack(order + "QQQQQ", 0x00bab10c, 5000, 100 + k, 0x77, 1700000000 + k)))
    return out
image("zfs_member", *labels("<"))
image("zfs_member.be", *labels(">"))
PY
for f in ReFS zfs_member zfs_member.be; do
	type=${f%.be}
	[ "$(blkid -p -o value -s TYPE $f)" = "$type" ] || fail "blkid takes $f for something else: $(blkid -p $f 2>&1)"
	"$map" $f >map.out
	grep -q "^region 0 67108864 67108864 raw $type 0 disk$" map.out || fail "$f: $(cat map.out)"
	grep -q "^note Taken whole: $type is not read\.$" map.out || fail "$f: $(cat map.out)"
	grep -q "^extent 0 67108864$" map.out || fail "$f: $(cat map.out)"
done
"$map" none >map.out
grep -q "^region 0 67108864 67108864 raw - 0 disk$" map.out || fail "no ReFS: $(cat map.out)"
