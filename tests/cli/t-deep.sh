#!/bin/sh
# rehost-test: san only
# `verify --deep`: what the readers say of the image is what it has; images that lack
# something (made by another writer) are found; the result is kept, and is of one digest.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
requires mke2fs sfdisk cryptsetup
linux_disk disk.img
capture="rehost capture --no-systems"

# whole: said, kept, shown
expect_status 0 $capture disk.img d.rhi
expect_status 0 rehost verify d.rhi
[ ! -e d.rhi.verified ] || fail "verify without --deep keeps something"
expect_status 0 rehost verify --deep --json d.rhi
[ "$(json out 'd["deep"]["ok"], d["deep"]["findings"], d["deep"]["not_checked"], d["deep"]["extra"]')" = "(True, [], [], 0)" ] ||
	fail "$(cat out)"
[ "$(json d.rhi.verified 'd["ok"], d["format"], len(d["when"])')" = "(True, 1, 20)" ] || fail "$(cat d.rhi.verified)"
expect_status 0 rehost info d.rhi
grep -q "^verified in depth 20" out || fail "info: $(cat out)"
expect_status 0 rehost place --json .
[ "$(json out 'd["images"][0]["verified"]["ok"]')" = True ] || fail "place: $(cat out)"
expect_status 0 rehost place .
grep -q "  verified$" out || fail "place: $(cat out)"
# kept of another image, or no such document: not shown
for text in '{"ok":true,"digest":"00"}' '[1]' '{'; do
	echo "$text" > d.rhi.verified
	expect_status 0 rehost info --json d.rhi
	[ "$(json out '"verified" in d')" = False ] || fail "$text is shown: $(cat out)"
done
expect_status 0 rehost verify --deep d.rhi
expect_status 0 $capture --level fast --overwrite disk.img d.rhi
expect_status 0 rehost info --json d.rhi
[ "$(json out '"verified" in d')" = False ] || fail "a new image is called verified"

# a result that isn't true any more doesn't stay: what was kept, and then a chunk rots
# forgotten: neither info nor place say that d.rhi is verified
forgotten() {
	[ ! -e d.rhi.verified ] || fail "$1: still there: $(cat d.rhi.verified)"
	rehost info d.rhi > out || :
	! grep -q "^verified" out || fail "$1: info: $(cat out)"
	rehost place . > out
	! grep -q "verified$" out || fail "$1: place: $(cat out)"
}
rot() { printf 'rotten' | dd of=d.rhi bs=1 seek="$1" conv=notrunc status=none; }
expect_status 0 rehost verify --deep d.rhi
cp d.rhi good
cp d.rhi.verified good.verified
rot 50000
expect_status 1 rehost verify d.rhi
forgotten "a damaged chunk"
cp good.verified d.rhi.verified
expect_status 1 rehost verify --deep d.rhi
[ "$(json d.rhi.verified 'd["ok"], d["digest"]')" = "(False, '$(json good.verified 'd["digest"]' )')" ] ||
	fail "a failure isn't kept: $(cat d.rhi.verified)"
expect_status 0 rehost info d.rhi
grep -q "^verified in depth, NOT WHOLE, 20" out || fail "info: $(cat out)"
grep -q "^finding: d.rhi is damaged: 1 bad record" out || fail "info: $(cat out)"
expect_status 0 rehost place .
grep -q "  NOT WHOLE$" out || fail "place: $(cat out)"
expect_status 1 rehost verify d.rhi      # a bad one may stay
[ -e d.rhi.verified ] || fail "a bad result is gone"
for what in "" --deep; do
	for n in 0 150 50000; do     # no image any more, no header, no end
		head -c $n good > d.rhi
		cp good.verified d.rhi.verified
		expect_status 1 rehost verify $what d.rhi
		forgotten "$n bytes of it, $what"
	done
done
cp good d.rhi
cp good.verified d.rhi.verified
# what can't be asked isn't the image's fault
expect_status 1 rehost verify --deep --unlock nowhere d.rhi
[ "$(json d.rhi.verified 'd["ok"]')" = True ] || fail "no key file: $(cat d.rhi.verified)"

# where it can't be kept, that is told
rm -f d.rhi.verified
mkdir d.rhi.verified.part
expect_status 3 rehost verify --deep d.rhi
grep -q "can't be kept" err || fail "$(cat err)"
rmdir d.rhi.verified.part
expect_status 2 rehost verify --deep - < d.rhi
expect_status 2 rehost verify --unlock d.rhi d.rhi

# all kinds of capture
windows_disk win.img
expect_status 0 $capture win.img w.rhi
expect_status 0 rehost verify --deep w.rhi
truncate -s 24M page.img
mkntfs -q -F page.img >/dev/null 2>&1
head -c 5M /dev/urandom > page_
ntfscp -q page.img page_ pagefile.sys >/dev/null 2>&1
for options in --page-files --dedup; do
	expect_status 0 $capture $options --overwrite page.img p.rhi
	expect_status 0 rehost verify --deep --json p.rhi
	[ "$(json out 'd["deep"]["findings"], d["deep"]["extra"]')" = "([], 0)" ] || fail "$options: $(cat out)"
done
[ "$(stat -c %s p.rhi)" -lt 2000000 ] || fail "the page file is in it"
expect_status 0 $capture --only 2 disk.img o.rhi
expect_status 0 rehost verify --deep --json o.rhi
[ "$(json out 'd["deep"]["findings"]')" = "[]" ] || fail "--only: $(cat out)"
export REHOST_PASSPHRASE=secret
expect_status 0 $capture --encrypt disk.img e.rhi
expect_status 0 rehost verify --deep --json e.rhi
[ "$(json e.rhi.verified 'd["ok"], d["partly"], sorted(d)')" = "(True, False, ['digest', 'format', 'ok', 'partly', 'tool', 'when'])" ] ||
	fail "an encrypted image's: $(cat e.rhi.verified)"

# taken whole: no finding, but nobody looked, and that is told everywhere
# not_looked IMAGE TEXT: this one thing wasn't, and the rest is good
not_looked() {
	expect_status 0 rehost verify --deep --json "$1"
	[ "$(json out 'd["deep"]["ok"], d["deep"]["partly"], d["deep"]["findings"], d["deep"]["not_checked"]')" = \
		"(True, True, [], ['$2'])" ] || fail "$1: $(cat out)"
	grep -qF "note: not looked into: $2" err || fail "$1: $(cat err)"
	expect_status 0 rehost info "$1"
	grep -q "^verified in depth 20.*, but not all of it$" out || fail "info $1: $(cat out)"
	grep -qF "not looked into: $2" out || fail "info $1: $(cat out)"
	expect_status 0 rehost place .
	grep -q "  $1 .*  verified in part$" out || fail "place, $1: $(cat out)"
	expect_status 0 rehost place --json .
	json out '[i["verified"]["not_checked"] for i in d["images"] if i["name"] == "'"$1"'"]' | grep -qF "$2" ||
		fail "place --json, $1: $(cat out)"
}
cp --sparse=always disk.img kept.img
dd if=/dev/zero of=disk.img bs=1k seek=9217 count=1 conv=notrunc status=none
expect_status 0 $capture disk.img x.rhi   # no superblock
not_looked x.rhi "partition 2: no structure in it is looked at. Taken whole: no file system was recognised."
expect_status 0 $capture --encrypt --overwrite disk.img x.rhi
expect_status 0 rehost verify --deep x.rhi
[ "$(json x.rhi.verified 'd["partly"], sorted(d)')" = "(True, ['digest', 'format', 'ok', 'partly', 'tool', 'when'])" ] ||
	fail "an encrypted image's: $(cat x.rhi.verified)"
expect_status 0 rehost info x.rhi
grep -q "^verified in depth 20.*, but not all of it$" out || fail "info of an encrypted one: $(cat out)"
expect_status 0 $capture --only 1 disk.img o.rhi --overwrite   # left out isn't taken whole
expect_status 0 rehost verify --deep --json o.rhi
[ "$(json out 'd["deep"]["not_checked"]')" = "[]" ] || fail "--only: $(cat out)"
cp --sparse=always kept.img disk.img
printf '\200' | dd of=disk.img bs=1 seek=$((9 * 1048576 + 1123)) conv=notrunc status=none   # a feature nobody knows
expect_status 3 $capture --overwrite disk.img x.rhi
not_looked x.rhi "partition 2 (ext4): no structure in it is looked at. Taken whole: the disk in x.rhi@9437184: opening the file system: Superblock checksum does not match superblock."
cp --sparse=always kept.img disk.img
truncate -s 1M apfs
printf NXSB | dd of=apfs bs=1 seek=32 conv=notrunc status=none
expect_status 0 $capture apfs a.rhi
not_looked a.rhi "disk (apfs): no structure in it is looked at. Taken whole: apfs is not read."

# lacking: by another writer, with hashes that are right
expect_status 0 rehost map --json disk.img
mv out map.json
made() { # CODE NAME: after CODE changed disk, ranges or meta
	/usr/bin/python3 - "$1" "$2" <<PY || fail "the image can't be made"
import json, sys
sys.path.insert(0, "$REHOST_TOP/tests/py")
import rhi_writer as w
m = json.load(open("map.json"))
disk, ranges = bytearray(open("disk.img", "rb").read()), [tuple(x) for x in m["extents"]]
meta = {"tool": "test", "map": m["regions"]}
root = next(r for r in m["regions"] if r["fs"] == "ext4")["start"]
def without(a, b):
    out = []
    for o, n in ranges:
        out += [(x, y - x) for x, y in ((o, min(o + n, a)), (max(o, b), o + n)) if x < y]
    return out
exec(sys.argv[1])
open(sys.argv[2], "wb").write(w.Image(bytes(disk), ranges, chunk_size=1 << 20, zstd=True,
                                      meta=json.dumps(meta).encode()).bytes())
PY
	expect_status 0 rehost verify "$2"
}
part disk.img 9 40 part2
made 'pass' good.rhi
expect_status 0 rehost verify --deep good.rhi
made 'ranges = ranges + [(8 << 20, 4096)] if not any(o <= 8 << 20 < o + n for o, n in ranges) else ranges; ranges.sort()' more.rhi
expect_status 0 rehost verify --deep more.rhi
# one block of the file system that is in use: its place is told
/usr/bin/python3 -c 'import json
e = json.load(open("map.json"))["extents"]
print(next(o for o, n in e if o > 12 << 20 and n >= 8192) + 4096)' > place
at=$(cat place)
made "ranges = without($at, $at + 1024)" lacks.rhi
expect_status 1 rehost verify --deep --json lacks.rhi
[ "$(json out '[(f["what"], f["fs"], f["offset"], f["bytes"]) for f in d["deep"]["findings"]]')" = \
	"[('partition 2', 'ext4', $at, 1024)]" ] || fail "$(cat out)"
grep -q "partition 2, ext4: 1024 bytes are used but not in the image, the first at offset $at" err || fail "$(cat err)"
[ "$(json lacks.rhi.verified 'd["ok"], len(d["findings"])')" = "(False, 1)" ] || fail "$(cat lacks.rhi.verified)"
expect_status 0 rehost info lacks.rhi
grep -q "NOT WHOLE" out || fail "info: $(cat out)"
grep -q "finding: partition 2" out || fail "info: $(cat out)"
# the end of the table
made 'ranges = without(len(disk) - 16896, len(disk))' lacks.rhi
expect_status 1 rehost verify --deep --json lacks.rhi
json out '[f["text"] for f in d["deep"]["findings"]]' | grep -q "backup" || fail "no backup GPT: $(cat out)"
# a superblock that changed under the capture
made 'disk[root + 1024:root + 1080] = bytes(56)' lacks.rhi
expect_status 1 rehost verify --deep --json lacks.rhi
json out '[f["text"] for f in d["deep"]["findings"]]' | grep -q "partition 2 was read as ext4 when it was captured" ||
	fail "a superblock: $(cat out)"
# fewer blocks in use than there were: one bit of the block bitmap
/usr/bin/python3 - <<'PY' > bitmap
import re, subprocess
out = subprocess.run(["dumpe2fs", "part2"], capture_output=True, text=True).stdout
print(re.search(r"Block bitmap at (\d+)", out)[1], re.search(r"Block size: *(\d+)", out)[1])
PY
read -r block size < bitmap
made "disk[root + $block * $size + 40] = 0; ranges = [(o, n) for o, n in ranges]" fewer.rhi
expect_status 1 rehost verify --deep --json fewer.rhi
# the same without a description: not compared, and that is told
made 'meta.pop("map")' bare.rhi
expect_status 0 rehost verify --deep --json bare.rhi
[ "$(json out 'len(d["deep"]["not_checked"])')" = 1 ] || fail "$(cat out)"

# all images of a machine
mkdir m
expect_status 0 $capture disk.img win.img m/
expect_status 0 rehost verify --deep m
[ "$(find m -name '*.verified' | wc -l)" = 2 ] || fail "$(ls m)"
one=$(json m/machine.json 'd["disks"][1]["image"]')
printf 'rotten' | dd of="m/$one" bs=1 seek=30000 conv=notrunc status=none
expect_status 1 rehost verify m
[ "$(cd m && echo *.verified)" = "$(json m/machine.json 'd["disks"][0]["image"]').verified" ] || fail "one of two is bad: $(ls m)"

# encrypted volumes: only with a key
printf 'a passphrase' > key
truncate -s 8M plain
mke2fs -q -t ext4 plain
truncate -s 40M plain
cryptsetup reencrypt --encrypt --type luks2 -q --reduce-device-size 32M --pbkdf pbkdf2 \
	--pbkdf-force-iterations 1000 --key-file key plain >enc.out 2>&1 || fail "cryptsetup: $(cat enc.out)"
truncate -s 24M plain
expect_status 0 $capture --unlock key plain l.rhi
expect_status 0 rehost verify --deep --json l.rhi
[ "$(json out 'd["deep"]["findings"], len(d["deep"]["not_checked"])')" = "([], 1)" ] || fail "LUKS: $(cat out)"
[ "$(json l.rhi.verified 'd["partly"]')" = True ] || fail "LUKS: $(cat l.rhi.verified)"
grep -q "looked into with --unlock" err || fail "LUKS: $(cat err)"
expect_status 0 rehost verify --deep --json --unlock key l.rhi
[ "$(json out 'd["deep"]["findings"], d["deep"]["not_checked"], d["deep"]["extra"]')" = "([], [], 0)" ] || fail "LUKS: $(cat out)"
# captured without a key
expect_status 0 $capture --overwrite plain l.rhi
not_looked l.rhi "disk (crypto_LUKS): no structure in it is looked at. Taken whole: it is encrypted; --unlock would leave out its free space."
expect_status 0 rehost verify --deep --json --unlock key l.rhi
[ "$(json out 'd["deep"]["findings"], d["deep"]["not_checked"]')" = "([], [])" ] || fail "LUKS: $(cat out)"
