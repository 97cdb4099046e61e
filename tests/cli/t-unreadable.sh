#!/bin/sh
# Images on a medium that doesn't give all of them: `verify` names what isn't there, with
# its place on the disk, and goes on behind it; `salvage` takes the rest.
. "$REHOST_TOP/tests/lib/lib.sh"
requires "${CC:-gcc}"
case $REHOST_B in */san) skip "the shim can't be loaded into the sanitizer's build" ;; esac
"${CC:-gcc}" -O1 -shared -fPIC -o faults.so "$REHOST_TOP/tests/lib/faults.c" -ldl
# failing FILE RANGES STATUS COMMAND...
failing() {
	file_=$PWD/$1 ranges_=$2 want_=$3
	shift 3
	got_=0
	LD_PRELOAD=$PWD/faults.so FAULT_FILE=$file_ FAULT_READ=$ranges_ "$@" >out 2>err || got_=$?
	[ $got_ = "$want_" ] || fail "'$*' with $ranges_ unreadable gave exit status $got_: $(cat out err)"
}
# told EXPRESSION VALUE: of what came out
told() { [ "$(json out "$1")" = "$2" ] || fail "$1 isn't $2: $(cat out)"; }
head -c 7M /dev/urandom > disk.img
expect_status 0 rehost capture --no-systems disk.img d.rhi
# where the chunks' records are
/usr/bin/python3 - > list <<'PY'
import struct
d, at = open("d.rhi", "rb").read(), 0
while at < len(d):
    kind, length = struct.unpack_from("<H2xI", d, at + 8)
    if kind == 3:
        print(at)
    at += 96 + length
PY
[ "$(wc -l < list)" = 7 ] || fail "$(cat list)"
at() { sed -n "$(($1 + 1))p" list; }
holes=$(($(at 1) + 500000))+512,$(($(at 4) + 40))+1,$(($(at 6) + 9000))+4096
expect_status 0 rehost verify --deep d.rhi
failing d.rhi "$holes" 1 rehost verify --json d.rhi
told 'sorted((b["record"], b["offset"], b["disk_offset"] >> 20, b["disk_length"]) for b in d["bad"])' \
	"[('chunk', $(at 1), 1, 1048576), ('chunk', $(at 4), 4, 1048576), ('chunk', $(at 6), 6, 1048576)]"
grep -q "^warning: d.rhi: the chunk record at offset $(at 1) can't be read: .* (bytes 1048576 to 2097151 of the disk)$" err ||
	fail "$(cat err)"
grep -q "^warning: d.rhi: the chunk record at offset $(at 4) has a header that can't be read (bytes 4194304 to" err ||
	fail "$(cat err)"
[ ! -e d.rhi.verified ] || fail "still called good"
failing d.rhi "$holes" 3 rehost salvage --json d.rhi new.rhi
told '[(r["offset"] >> 20, r["length"]) for r in d["lost_ranges"]], d["missing"]' \
	"([(1, 1048576), (4, 1048576), (6, 1048576)], 0)"
/usr/bin/python3 "$REHOST_TOP/tests/py/rhi_reader.py" restore new.rhi back.img
for n in 1 4 6; do dd if=/dev/zero of=disk.img bs=1M seek=$n count=1 conv=notrunc status=none; done
cmp disk.img back.img || fail "what could be read isn't the same"

# what isn't given isn't good, even if zeros would be right there
/usr/bin/python3 - <<PY
import sys
sys.path.insert(0, "$REHOST_TOP/tests/py")
import rhi_writer as w
data = b"x" * 8192 + bytes(40960) + b"y" * 16384
open("plain.rhi", "wb").write(w.Image(data * 2, [(0, 131072)], chunk_size=65536).bytes())
PY
expect_status 0 rehost verify plain.rhi
failing plain.rhi 24576+512 1 rehost verify --json plain.rhi
told '[(b["record"], b["disk_offset"]) for b in d["bad"]]' "[('chunk', 0)]"

# a split one, whose first volume's end isn't given
head -c 20M /dev/urandom > disk.img
expect_status 0 rehost capture --no-systems --level fast --split 16M disk.img s.rhi
failing s.rhi $(($(stat -c %s s.rhi) - 1))+1 1 rehost verify --json s.rhi
# the last chunk there, and the next volume's first, which is asked for with it
told 'd["chunks"], [b["disk_offset"] >> 20 for b in d["bad"]]' "(18, [14, 15])"
