#!/bin/sh
# Used clusters of NTFS: against $Bitmap and ntfscluster's own count, and by a
# copy that has nothing but the map's clusters; page files; doubtful states.
# rehost-test: san only
. "$REHOST_TOP/tests/lib/lib.sh"
requires mkntfs ntfscat ntfsinfo ntfscluster ntfsresize
map=$REHOST_B/tests/tools/map-dump
fill=$REHOST_B/tests/tools/ntfs-fill
hashes=$REHOST_B/tests/tools/ntfs-hashes
judge=$REHOST_TOP/tests/lib/fsjudge.py

mkdir -p tree/d/e
for i in 1 2 3 4 5 6 7 8; do
	seq $((i * 7000)) >"tree/d/file$i"
	echo "$i" >"tree/d/e/small$i"
done
mk() { # SIZE OPTIONS
	rm -f vol
	truncate -s "$1" vol
	shift
	mkntfs -q -Q -F "$@" vol >mkntfs.out 2>&1 || { cat mkntfs.out; fail "mkntfs $*"; }
	"$fill" vol tree
}
judged() { # IMAGE [-s]
	"$map" "$1" >map.out || fail "$1"
	grep -q "^region 0 [0-9]* [0-9]* ntfs ntfs 0 disk" map.out || fail "$1: $(head -n 5 map.out)"
	# shellcheck disable=SC2086
	"$judge" ntfs $2 "$1" map.out || fail "$1"
	"$judge" apply "$1" map.out copy
	"$hashes" "$1" | sort >want
	"$hashes" copy | sort >got
	cmp want got
	[ "$(wc -l <got)" -ge 16 ] || fail "files are missing: $(cat got)"
	ntfsresize -f -i copy >check.out 2>&1 || { cat check.out; fail "$1: the copy is not sound"; }
	# the backup boot sector
	tail -c 512 copy >a; tail -c 512 "$1" >b; cmp a b
}
for c in 512 1024 2048 4096 8192 16384 32768 65536 262144 1048576; do
	size=48M; [ $c -lt 65536 ] || size=200M
	mk $size -c $c -L "Läbel $c"
	judged vol -s
	grep -q "^ident [0-9A-F]\{16\} Läbel $c" map.out || fail "label: $(cat map.out)"
done
mk 48M -s 1024 -c 4096
judged vol -s
# the window is larger: the rest is kept
truncate -s 60M vol; "$map" vol >map.out
grep -q '^note .*behind the end' map.out || fail "$(cat map.out)"
[ "$(awk '/^extent/ { e = $2 + $3 } END { print e }' map.out)" = $((60 << 20)) ] || fail "end not kept"

# --- page files
total() { awk '/^total/ { print $2 }' map.out; }
mk 48M
"$map" vol >map.out; base=$(total)
mkdir -p win
head -c 6000000 /dev/urandom >win/pagefile.sys
head -c 3000000 /dev/urandom >win/Swapfile.sys
{ printf '\000\000\000\000'; head -c 2000000 /dev/urandom; } >win/hiberfil.sys
mkdir win/sub; head -c 1000000 /dev/urandom >win/sub/pagefile.sys
"$fill" vol win
"$map" vol >map.out
for f in pagefile Swapfile hiberfil; do
	grep -q "^note .*$f.sys was left out ([0-9]* bytes)" map.out || fail "$f: $(grep ^note map.out)"
done
# three heads of 64 KiB, the one in sub/, and a little metadata remain
[ $(($(total) - base)) -lt 1300000 ] || fail "$base -> $(total)"
[ $(($(total) - base)) -gt 1190000 ] || fail "$base -> $(total)"
"$judge" apply vol map.out copy
"$hashes" vol | grep -vE '[.]/(pagefile|Swapfile|hiberfil)[.]sys$' >want
"$hashes" copy | grep -vE '[.]/(pagefile|Swapfile|hiberfil)[.]sys$' >got
cmp want got
for f in pagefile.sys Swapfile.sys hiberfil.sys; do
	ntfscat -f vol $f 2>/dev/null | head -c 65536 >a; ntfscat -f copy $f 2>/dev/null | head -c 65536 >b
	cmp a b || fail "$f: its head is not kept"
done
"$map" -k vol >map.out; grep -q 'left out' map.out && fail "-k: left out all the same"
judged_all() { "$judge" ntfs -s vol map.out || fail "$1"; }
judged_all keep
# a hibernated system: everything is kept, and said
printf 'HIBR' >win/hiberfil.sys; head -c 2000000 /dev/urandom >>win/hiberfil.sys
mk 48M; "$fill" vol win
"$map" vol >map.out
grep -q '^note Windows is hibernated' map.out || fail "$(grep ^note map.out)"
grep -q 'left out' map.out && fail "left out though hibernated"
judged_all hibernated
# a crash dump waits in the page file
printf '\000\000\000\000' | dd of=win/hiberfil.sys conv=notrunc status=none
printf 'PAGEDU64' | dd of=win/pagefile.sys conv=notrunc status=none
mk 48M; "$fill" vol win; "$map" vol >map.out
grep -q 'pagefile.sys holds .* was kept' map.out || fail "$(grep ^note map.out)"
grep -q 'hiberfil.sys was left out' map.out || fail "$(grep ^note map.out)"

# --- doubt
whole() { # IMAGE TEXT
	"$map" "$1" >map.out
	grep -q "^region 0 \([0-9]*\) \1 raw [a-z-]* 1 disk" map.out || fail "$1 not whole: $(head map.out)"
	grep -q "^note Taken whole: .*$2" map.out || fail "no '$2' in: $(grep ^note map.out)"
}
mk 48M
# where the first cluster of an inode lies
lcn() { ntfscluster -f -I "$1" vol 2>/dev/null | awk 'NF == 3 && $1 == "0" { print $2; exit }'; }
cp vol cut; truncate -s 20M cut; whole cut 'but there are only'
# $Bitmap says that the MFT and files are free: what the MFT refers to is in
b=$(($(lcn 6) * 4096))
cp vol bad; dd if=/dev/zero of=bad bs=1 seek=$b count=1000 conv=notrunc status=none
"$map" bad >map.out
grep -q '^note .Bitmap marks [0-9]* bytes as free that files use' map.out || fail "$(head -n 4 map.out)"
"$judge" apply bad map.out copy
"$hashes" vol | sort >want; "$hashes" copy | sort >got; cmp want got || fail "lost with a wrong \$Bitmap"
# $LogFile of a Windows that crashed: a restart page with an open client
cp vol bad
/usr/bin/python3 - $(($(lcn 2) * 4096)) <<'END'
import shutil, struct, sys
at = int(sys.argv[1])
for v in ("bad", "v2", "clean"):
    shutil.copy("vol", v)
    f = open(v, "r+b")
    for n in (0, 1):
        p = bytearray(4096)
        p[0:4] = b"RSTR"
        struct.pack_into("<HHQIIHHH", p, 4, 0x1e, 9, 0, 4096, 4096, 0x30, 0, 0)
        struct.pack_into("<hh", p, 0x1a, *((0, 2) if v == "v2" else (1, 1)))
        # restart area: current lsn, 1 client, free none, in use, flags
        struct.pack_into("<QHHHHIHHqIHH", p, 0x30, 1000, 1, *((0, 0xffff, 2) if v == "clean" else (0xffff, 0, 0)), 45, 0xe0, 0x40, 2 << 20, 0, 0x30, 0x40)
        struct.pack_into("<QQHHH", p, 0x70, 900, 1000, 0xffff, 0xffff, 0)
        struct.pack_into("<I", p, 0x70 + 0x1c, 8)
        p[0x90:0x98] = "NTFS".encode("utf-16le")
        struct.pack_into("<H", p, 0x1e, 1)
        for i in range(8):
            p[0x20 + 2 * i:0x22 + 2 * i] = p[512 * i + 510:512 * i + 512]
            struct.pack_into("<H", p, 512 * i + 510, 1)
        f.seek(at + 4096 * n)
        f.write(p)
END
whole bad 'not shut down cleanly'
whole v2 'not shut down cleanly'
"$map" clean >map.out; grep -q '^region 0 [0-9]* [0-9]* ntfs ntfs 0' map.out || fail "$(cat map.out)"
# the same with a hibernated Windows: what the MFT refers to is joined
printf 'hibr' | dd of=win/hiberfil.sys conv=notrunc status=none
mk 48M; "$fill" vol win
dd if=v2 of=vol bs=4096 skip="$(($(lcn 2)))" seek="$(($(lcn 2)))" count=2 conv=notrunc status=none
cp vol full; "$map" full >map.full
dd if=/dev/zero of=vol bs=1 seek=$((b + 300)) count=200 conv=notrunc status=none
"$map" vol >map.out
grep -q '^note Windows is hibernated' map.out || fail "$(cat map.out)"
"$judge" apply vol map.out copy
"$hashes" full | sort >want; "$hashes" copy | sort >got; cmp want got || fail "files lost when \$Bitmap was stale"
