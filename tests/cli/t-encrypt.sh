#!/bin/sh
# rehost-test: san only
# Encrypted images: what is written can be read by a second reader, and by nobody
# without the passphrase; what was changed is seen even where all checksums fit.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
linux_disk disk.img
reader() { /usr/bin/python3 "$REHOST_TOP/tests/py/rhi_reader.py" "$@" || fail "rhi_reader.py $*"; }
printf 'caf\303\251 au lait\nnot this line\n' > pass
chmod 600 pass
expect_status 0 rehost capture --no-systems --level fast disk.img plain.rhi
reader restore plain.rhi want
expect_status 0 rehost capture --encrypt --passphrase-file pass --checkpoint 0 --verify disk.img e.rhi
REHOST_PASSPHRASE=$(head -1 pass)
export REHOST_PASSPHRASE
reader restore e.rhi again
cmp want again || fail "the second reader gets another disk"
reader info e.rhi > info.json
unset REHOST_PASSPHRASE
expect_status 0 rehost verify --passphrase-file pass e.rhi
expect_status 0 rehost restore --yes --verify --passphrase-file pass e.rhi back.img
cmp want back.img || fail "restore gives another disk"
rm back.img
# through a pipe
expect_status 0 sh -c 'rehost restore --yes --passphrase-file pass - back.img < e.rhi'
cmp want back.img || fail "restore from a pipe gives another disk"
REHOST_PASSPHRASE=$(head -1 pass) rehost info e.rhi > info.txt
grep -q encrypted info.txt || fail "info: $(cat info.txt)"
# nothing of the disk can be seen in it: neither names nor files
names=$(dd if=disk.img bs=1M 2>/dev/null | strings -n 12 | sort -u | head -50)
[ "$names" ] || fail "the disk has no text"
strings -n 12 e.rhi | sort -u > seen
echo "$names" | while read -r s; do
	! grep -qxF -- "$s" seen || fail "'$s' can be read in the image"
done
! grep -qF '"disk"' seen || fail "META can be read"

# who has no passphrase
for c in 'verify e.rhi' 'restore --yes e.rhi x.img' 'mount e.rhi .'; do
	# shellcheck disable=SC2086
	expect_status 1 rehost $c </dev/null
	grep -q "passphrase-file" err || fail "$c: $(cat err)"
	# shellcheck disable=SC2086
	REHOST_PASSPHRASE=wrong expect_status 1 rehost $c
	grep -q "passphrase is wrong" err || fail "$c: $(cat err)"
done
[ ! -e x.img ] || fail "a disk came into being without the passphrase"
expect_status 1 rehost info --json e.rhi </dev/null
[ "$(json out 'd["complete"], d["encrypted"], "disk" in d')" = "(True, True, False)" ] || fail "$(cat out)"
chmod 644 pass
expect_status 4 rehost verify --passphrase-file pass e.rhi
chmod 600 pass
: > empty
chmod 600 empty
expect_status 1 rehost capture --encrypt --passphrase-file empty disk.img no.rhi
expect_status 1 rehost capture --encrypt disk.img no.rhi </dev/null
for resume in "" --resume; do
	# shellcheck disable=SC2086
	expect_status 2 rehost capture --passphrase-file pass $resume disk.img no.rhi
	grep -q "give --encrypt, too" err || fail "a passphrase without --encrypt: $(cat err)"
done
[ ! -e no.rhi ] && [ ! -e no.rhi.part ] || fail "an image without a passphrase"

# interrupted: the same key again
size=$(stat -c %s e.rhi)
mv e.rhi all.rhi
head -c $((size * 97 / 100)) all.rhi > e.rhi.part
REHOST_PASSPHRASE=wrong expect_status 1 rehost capture --no-systems --encrypt --resume disk.img e.rhi
[ -e e.rhi.part ] || fail "the interrupted image is gone"
REHOST_PASSPHRASE=$(head -1 pass) expect_status 4 rehost capture --no-systems --resume disk.img e.rhi
grep -q "encrypt" err || fail "$(cat err)"
expect_status 0 rehost capture --no-systems --encrypt --resume --passphrase-file pass disk.img e.rhi
grep -q "captured before" err || fail "$(cat err)"
expect_status 0 rehost verify --passphrase-file pass e.rhi
REHOST_PASSPHRASE=$(head -1 pass) reader restore e.rhi again
cmp want again || fail "resumed: another disk"

# one bit of each record's body changed, and all checksums made to fit again
cat > forge.py <<'PY'
import struct, subprocess, sys, xxhash
data = open("all.rhi", "rb").read()
s32 = lambda b: xxhash.xxh3_64_intdigest(b) & 0xffffffff
at, records = 0, []
while at < len(data):
    n, = struct.unpack_from("<I", data, at + 12)
    records.append((at, n, data[at + 8]))
    at += 96 + n
tried = {}
for at, n, kind in records:
    if data[at + 0x0b] != 1 or kind in tried:
        continue
    tried[kind] = 1
    for where in (at + 96 + n // 2, at + 0x20) if kind == 3 else (at + 96 + n // 2,):
        new = bytearray(data)
        new[where] ^= 1
        struct.pack_into("<I", new, at + 0x58, s32(bytes(new[at + 96:at + 96 + n])))
        struct.pack_into("<I", new, at + 0x5c, s32(bytes(new[at:at + 0x5c])))
        open("forged.rhi", "wb").write(new)
        r = subprocess.run(["rehost", "verify", "forged.rhi"], capture_output=True, text=True)
        assert r.returncode == 1, (kind, where, r)
        assert "was changed after it was encrypted" in r.stderr or "passphrase is wrong" in r.stderr, r.stderr
assert set(tried) >= {2, 3, 4, 5, 6, 7, 8}, tried
PY
REHOST_PASSPHRASE=$(head -1 pass) /usr/bin/python3 forge.py || fail "a forged image is called good"
# cut off
head -c $((size - 1)) all.rhi > cut.rhi
expect_status 1 rehost verify --passphrase-file pass cut.rhi
grep -q "is cut off" err || fail "$(cat err)"
