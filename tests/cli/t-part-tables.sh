#!/bin/sh
# Partition tables as the imager reads them, judged by sfdisk; damaged ones.
# rehost-test: san only
. "$REHOST_TOP/tests/lib/lib.sh"
requires sfdisk sgdisk
dump=$REHOST_B/tests/tools/part-dump

# same_as_sfdisk IMAGE: numbers, starts, sizes and identifiers agree.
same_as_sfdisk() {
	"$dump" "$1" >got || fail "$1: $(cat got)"
	sfdisk -J "$1" >want.json
	/usr/bin/python3 - "$1" <<-'END' || { cat got; fail "$1: not as sfdisk"; }
	import json, re
	import sys
	t = json.load(open("want.json"))["partitiontable"]
	ss = t.get("sectorsize", 512)
	want = {}
	for p in t.get("partitions", []):
	    n = int(re.search(r"(\d+)$", p["node"]).group(1))
	    want[n] = (p["start"] * ss, p["size"] * ss, p["type"].lower(), p.get("name", ""))
	got, ids = {}, None
	for line in open("got"):
	    f = line.rstrip("\n").split(" ", 7)
	    if f[0] == "part":
	        got[int(f[1])] = (int(f[2]), int(f[3]), f[4].lower().replace("0x0", "").replace("0x", ""), f[7])
	    if f[0] == "table":
	        ids = f[2]
	assert got == want, (got, want)
	assert ids.lower() == t["id"].lower().replace("0x", ""), (ids, t["id"])
	END
}
refused() { # IMAGE TEXT
	expect_status 1 "$dump" "$1"
	grep -q "^refused.*$2" out || fail "$1: no '$2' in: $(cat out)"
}
has() { grep -q "$1" got || fail "no '$1' in: $(cat got)"; }
zero() { dd if=/dev/zero of="$1" bs=512 seek="$2" count="$3" conv=notrunc status=none; }
poke() { printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }

# --- MBR
truncate -s 200M m
sfdisk -q m <<-END
	label: dos
	label-id: 0x12345678
	size=20M,type=7,bootable
	size=30M,type=83
	type=f
	size=10M,type=82
	size=11M,type=83
	size=12M,type=c
END
same_as_sfdisk m
[ "$(grep -c '^range.*EBR' got)" = 3 ] || fail "three EBRs expected"
has '^part 1 .* 0x07 12345678-01 1 '
has '^part 6 .* 0x83 12345678-06 2 '
# a logical partition deleted and one made again: the chain is out of order
sfdisk -q --delete m 6
echo 'size=3M,type=83' | sfdisk -q --append m
same_as_sfdisk m

# a circle: the last link leads to the first EBR
cp m loop
/usr/bin/python3 - <<'END'
import struct
f = open("loop", "r+b")
d = lambda o: (f.seek(o), f.read(512))[1]
ext = struct.unpack_from("<I", d(0), 446 + 32 + 8)[0]
at = ext
while True:
    s = bytearray(d(at * 512))
    typ, nxt = s[446 + 16 + 4], struct.unpack_from("<I", s, 446 + 16 + 8)[0]
    if not typ:
        break
    at = ext + nxt
s[446 + 16 + 4] = 5
struct.pack_into("<II", s, 446 + 16 + 8, 0, 100)
f.seek(at * 512)
f.write(s)
END
refused loop 'circle'
cp m gone; zero gone $((53477376 / 512)) 1; refused gone 'no signature'
cp m cut; truncate -s 60M cut; refused cut 'past the disk.s end'
# overlapping: partition 2 starts inside partition 1
cp m over; poke over $((446 + 16 + 8)) '\000\020\000\000'; refused over 'overlap'
# the MBR's 55 AA gone: no table
cp m none; zero none 0 1; [ "$("$dump" none)" = none ] || fail "none expected"

# --- GPT
truncate -s 300M g
sfdisk -q g <<-END
	label: gpt
	size=20M,type=U,name="EFI ÄÖÜ"
	size=30M,type=L
	size=1M,type=21686148-6449-6E6F-744E-656564454649
END
same_as_sfdisk g
has '^part 1 .* 8 EFI ÄÖÜ'
has '^part 3 .* 16 '
[ "$(grep -c '^range' got)" = 5 ] || fail "MBR and twice header and entries expected"
grep -q '^note' got && fail "a note about a sound GPT"
cp g pri; zero pri 1 1; "$dump" pri >got || fail "$(cat got)"
has '^note The primary GPT is damaged'; has '^part 3 53477376 1048576 '
cp g crc; poke crc $((1024 + 300)) 'x'; "$dump" crc >got; has 'primary GPT is damaged'
cp g bak; zero bak $((300 * 2048 - 1)) 1; "$dump" bak >got; has 'backup GPT is missing'
cp pri both; zero both $((300 * 2048 - 1)) 1; refused both 'neither'
cp g more; truncate -s 400M more; "$dump" more >got; has 'not at the end'
has "^range $(((300 << 20) - 512)) 512 GPT backup"
cp g cut2; truncate -s 290M cut2; refused cut2 'cut short'
cp g pmbr; zero pmbr 0 1; refused pmbr 'no protective'
sgdisk -h 2:3 g >/dev/null; "$dump" g >got; has 'hybrid'; has '^part 2 22020096 '
# many entries, unordered
truncate -s 64M many; sgdisk -S 256 many >/dev/null
for i in 200 7 9 1 130; do sgdisk -n $i:0:+1M many >/dev/null; done
same_as_sfdisk many
# sectors of 4096 bytes, in a file whose device says 512
/usr/bin/python3 - <<'END'
import binascii, struct
S = 4096; N = 25600
def hdr(my, other, ent, ecrc):
    h = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, my, other, 6, N - 7, b"A" * 16, ent, 128, 128, ecrc)
    return h[:16] + struct.pack("<I", binascii.crc32(h)) + h[20:]
e = bytearray(16384)
e[0:16] = bytes.fromhex("af3dc60f838472478e793d69d8477de4"); e[16:32] = b"B" * 16
struct.pack_into("<QQ", e, 32, 256, 511)
c = binascii.crc32(e)
f = open("k4", "wb"); f.truncate(S * N)
m = bytearray(512); m[446 + 4] = 0xee; struct.pack_into("<II", m, 446 + 8, 1, N - 1); m[510:] = b"\x55\xaa"
for o, b in ((0, m), (1, hdr(1, N - 1, 2, c)), (2, e), (N - 5, e), (N - 1, hdr(N - 1, 1, N - 5, c))):
    f.seek(o * S); f.write(b)
END
"$dump" k4 >got || fail "$(cat got)"
has '^table gpt .* 4096'; has '^part 1 1048576 1048576 0FC63DAF'
"$dump" -s 4096 k4 >got2; cmp got got2
# an empty GPT is a table without partitions
truncate -s 10M empty; echo 'label: gpt' | sfdisk -q empty; same_as_sfdisk empty
# boot sectors of file systems are no tables
for fs in vfat ntfs; do
	command -v mkfs.$fs >/dev/null || continue
	truncate -s 20M bare
	if [ $fs = ntfs ]; then mkfs.ntfs -FqQ bare >/dev/null 2>&1; else mkfs.vfat bare >/dev/null; fi
	[ "$("$dump" bare)" = none ] || fail "$fs taken for a table: $("$dump" bare)"
	rm bare
done
