#!/bin/sh
# rehost-test: san only
# Images that store only what differs from another one: chains, equal chunks, bases
# that are missing, renamed, changed or damaged; with encryption and volumes.
. "$REHOST_TOP/tests/lib/lib.sh"
reader() { /usr/bin/python3 "$REHOST_TOP/tests/py/rhi_reader.py" "$@" || fail "rhi_reader.py $*"; }
size() { stat -c %s "$1"; }
/usr/bin/python3 - <<'PY'
import random
r = random.Random(1)
words = [bytes(r.choices(b"abcdefghijklmnopqrstuvwxyz \n", k=r.randint(3, 12))) for _ in range(4000)]
d = bytearray()
while len(d) < 20 << 20:
    d += b" ".join(r.choices(words, k=200))
d = d[:20 << 20] + r.randbytes(12 << 20) + bytes(3 << 20) + b"the end" * 100
d += bytes(-len(d) % 512)
def disk(name):
    open(name, "wb").write(d)
def change(n):
    for _ in range(n):
        at = r.randrange(0, (30 << 20))
        d[at:at + 4096] = r.randbytes(4096)
disk("1.img"); change(40); disk("2.img")
# also a chunk moved, one that became zeros, zeros that became something
change(40)
d[9 << 20:10 << 20] = d[25 << 20:26 << 20]
d[12 << 20:13 << 20] = bytes(1 << 20)
d[33 << 20:(33 << 20) + 5000] = r.randbytes(5000)
disk("3.img")
PY
capture() { expect_status 0 rehost capture --no-systems "$@"; }
same() { # IMAGE DISK
	expect_status 0 rehost verify "$1"
	reader restore "$1" again
	cmp "$2" again || fail "$1: the second reader gets another disk"
	rm -f back.img
	expect_status 0 rehost restore --yes --verify "$1" back.img
	cmp "$2" back.img || fail "$1: restore gives another disk"
	cp 1.img back.img
	expect_status 0 rehost restore --yes --delta "$1" back.img
	cmp "$2" back.img || fail "$1: restore --delta gives another disk"
}
capture 1.img a.rhi
capture --base a.rhi 1.img a2.rhi
[ "$(size a2.rhi)" -lt 30000 ] || fail "an unchanged disk takes $(size a2.rhi) bytes"
grep -q "weren't stored again" err || fail "$(cat err)"
capture --base a.rhi --verify 2.img b.rhi
[ "$(size b.rhi)" -lt 250000 ] || fail "40 changed blocks take $(size b.rhi) bytes"
capture --base b.rhi --dedup 3.img c.rhi
[ "$(size c.rhi)" -lt 1500000 ] || fail "40 changed blocks and a moved chunk take $(size c.rhi) bytes"
capture --base a2.rhi 2.img b2.rhi
for i in a:1 a2:1 b:2 b2:2 c:3; do
	same "${i%:*}.rhi" "${i#*:}.img"
done
expect_status 0 rehost info c.rhi
grep -q "b.rhi" out && grep -q "a.rhi" out || fail "info shows no chain: $(cat out)"
expect_status 0 rehost info --json c.rhi
[ "$(json out '[b["name"] for b in d["bases"]], [b["found"] for b in d["bases"]]')" = "(['b.rhi', 'a.rhi'], [True, True])" ] || fail "$(cat out)"

# equal chunks of one image
/usr/bin/python3 -c 'import random; d = random.Random(2).randbytes(2 << 20); open("twice.img", "wb").write(d * 4)'
capture --dedup twice.img d.rhi
[ "$(size d.rhi)" -lt 2200000 ] || fail "equal chunks take $(size d.rhi) bytes"
expect_status 0 rehost verify d.rhi
reader restore d.rhi again
cmp twice.img again || fail "--dedup: another disk"

# found by id under another name; not found; another image in its place; damaged
mv a.rhi kept.rhi
expect_status 0 rehost verify c.rhi
mkdir away
mv kept.rhi away/
bad() { # STATUS TEXT
	for c in "verify c.rhi" "restore --yes c.rhi none.img"; do
		# shellcheck disable=SC2086
		expect_status "$1" rehost $c
		grep -q "$2" err || fail "$c: $(cat err)"
	done
	[ ! -e none.img ] || fail "a disk was made without the base"
}
bad 1 "base image a.rhi .*isn't in"
expect_status 1 rehost info c.rhi
grep -q "a.rhi,.*: missing" out || fail "info: $(cat out)"
cp a2.rhi a.rhi
bad 1 "base image a.rhi .*isn't in"
cp away/kept.rhi a.rhi
printf 'X' | dd of=a.rhi bs=1 seek=$(($(size a.rhi) - 500)) conv=notrunc status=none
bad 4 "its base"
cp away/kept.rhi a.rhi
# one chunk of the base is damaged: only what refers to it is lost
printf 'XXXX' | dd of=a.rhi bs=1 seek=$(($(size a.rhi) / 2)) conv=notrunc status=none
expect_status 1 rehost verify c.rhi
grep -q "refers to a damaged chunk" err || fail "$(cat err)"
[ "$(grep -c 'warning:' err)" -le 3 ] || fail "more is lost than one chunk: $(cat err)"
mv away/kept.rhi a.rhi
# a pipe has no way back
expect_status 1 sh -c 'rehost restore --yes - none.img < c.rhi'
grep -q "can't be looked up in a pipe" err || fail "$(cat err)"
expect_status 2 rehost capture --base a.rhi 2.img - >/dev/null
expect_status 2 rehost capture --base a.rhi 2.img away/x.rhi
grep -q "in the directory of the new image" err || fail "$(cat err)"

# interrupted, in volumes, encrypted on top of what isn't, and that on top
head -c $(($(size c.rhi) * 9 / 10)) c.rhi > r.rhi.part
capture --base b.rhi --dedup --resume 3.img r.rhi
expect_status 0 rehost verify r.rhi
head -c $(($(size c.rhi) * 9 / 10)) c.rhi > r2.rhi.part
capture --base b.rhi --dedup --checkpoint 0 3.img r2.rhi
head -c $(($(size r2.rhi) * 9 / 10)) r2.rhi > r3.rhi.part
expect_status 4 rehost capture --no-systems --base a.rhi --dedup --resume 3.img r3.rhi
grep -q "another --base" err || fail "$(cat err)"
expect_status 4 rehost capture --no-systems --base b.rhi --resume 3.img r3.rhi
capture --base b.rhi --dedup --resume 3.img r3.rhi
grep -q "captured before" err || fail "begun anew: $(cat err)"
same r3.rhi 3.img
REHOST_PASSPHRASE=geheim
export REHOST_PASSPHRASE
capture --encrypt --base b.rhi 3.img e.rhi
[ "$(size e.rhi)" -lt 1500000 ] || fail "encrypted: $(size e.rhi) bytes"
same e.rhi 3.img
capture --encrypt --base e.rhi --dedup 1.img f.rhi
same f.rhi 1.img
[ "$(size f.rhi)" -lt 1500000 ] || fail "encrypted, of an encrypted one: $(size f.rhi) bytes"
expect_status 2 rehost capture --base e.rhi 1.img g.rhi
grep -q "is encrypted: give --encrypt" err || fail "$(cat err)"
unset REHOST_PASSPHRASE
mkdir v
cp 1.img 3.img v
cd v || exit 1
capture --split 16M 1.img a.rhi
capture --base a.rhi 3.img b.rhi
expect_status 0 rehost verify b.rhi
