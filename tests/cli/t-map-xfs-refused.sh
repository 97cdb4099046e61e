#!/bin/sh
# XFS in pieces, with logs of every kind, and damaged: what can't be read is taken
# whole, and says why.
# rehost-test: san
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/xfs.sh"
requires xfs_logprint
map=$REHOST_B/tests/tools/map-dump
case "$REHOST_B" in */san) san=1 ;; *) san= ;; esac
# In pieces, without Linux: xfs_repair frees the blocks of inodes that were wiped out.
# Three levels of the trees, then two.
cp proto proto.few
{
	printf 'boot\n0 0\nd--755 0 0\nbig ---644 0 0 big\n'
	for i in $(seq 6500); do echo "f$i ---644 0 0 one"; done
	printf 'last ---644 0 0 big\ndir d--755 0 0\nfile-with-a-name-299 ---644 0 0 small\n$\n$\n'
} >proto
echo 1 >one
while read -r levels opts; do
	[ -z "$san" ] || [ "$levels" = 2 ] || continue # it takes xfs_db most of the time
	# shellcheck disable=SC2086
	mk 96M -d agcount=2 $opts
	seq 1 2 6500 | sed 's/.*/path \/f&\nwrite -d core.mode 0/' | xfs_db -x fs >wipe.out 2>&1
	xfs_repair fs >repair.out 2>&1 || true
	xfs_repair -n fs >repair.out 2>&1 || { cat repair.out; fail "not repaired: $opts"; }
	judged fs "in pieces: $opts"
	for g in 0 1; do xfs_db -r -c "agf $g" -c 'p bnolevel' fs; done | sed 's/.*= //' >levels.out
	grep -qx "$levels" levels.out || fail "$opts: levels $(cat levels.out)"
done <<END
3 -m crc=0 -b size=512
2 -b size=1024 -m rmapbt=1
END
mv proto.few proto

# Logs that no program here makes by itself: `log.py IMAGE KIND`.  What it says of
# them, xfs_logprint must say, too.
cat >log.py <<'END'
import re, struct, subprocess, sys
image, kind = sys.argv[1:]
out = subprocess.run(["xfs_db", "-r", "-c", "sb 0", "-c", "p logstart logblocks blocksize agblklog agblocks",
                      image], stdout=subprocess.PIPE).stdout.decode()
v = {k: int(n) for k, n in re.findall(r"(\w+) = (\d+)", out)}
ag, block = v["logstart"] >> v["agblklog"], v["logstart"] & ((1 << v["agblklog"]) - 1)
start, n = (ag * v["agblocks"] + block) * v["blocksize"], v["logblocks"] * v["blocksize"] // 512
f = open(image, "r+b")
f.seek(start)
log = [bytearray(f.read(512)) for i in range(n)]
head, op = log[0], log[1]
def put(at, unit, cycle):
    unit = bytearray(unit)
    if unit[:4] == b"\xfe\xed\xba\xbe":
        struct.pack_into(">I", unit, 4, cycle)
        struct.pack_into(">IIII", unit, 16, cycle, at, cycle, at)
    else:
        struct.pack_into(">I", unit, 0, cycle)
    log[at % n] = unit
def fill(cycle):
    for i in range(n):
        log[i] = bytearray(struct.pack(">I", cycle) + bytes(508))
struct.pack_into(">I", head, 12, 512)
struct.pack_into(">I", head, 0x140, 32768)
fill(7)
if kind == "wrap":          # its header is the last unit, its data the first
    put(n - 1, head, 7)
    put(0, op, 8)
elif kind == "end":         # the last two units
    put(n - 2, head, 7)
    put(n - 1, op, 7)
elif kind == "middle":      # behind it, the round before
    for i in range(1000, n):
        put(i, log[i], 6)
    put(998, head, 7)
    put(999, op, 7)
elif kind == "behind":      # one unit more, of a record that has no header yet
    for i in range(1000, n):
        put(i, log[i], 6)
    put(998, head, 7)
    put(999, op, 7)
    put(1000, log[5], 7)
elif kind == "start":       # the same after the ring's end
    put(n - 2, head, 7)
    put(n - 1, op, 7)
    put(0, log[5], 8)
elif kind == "half":        # its data is that of an older record
    for i in range(999, n):
        put(i, log[i], 6)
    put(998, head, 7)
    put(999, op, 6)
elif kind == "transaction": # any operation but an unmount
    op[9] = 1
    put(n - 2, head, 7)
    put(n - 1, op, 7)
elif kind == "other":       # of another file system
    head[0x130] ^= 1
    put(n - 2, head, 7)
    put(n - 1, op, 7)
f.seek(start)
f.write(b"".join(log))
END
mk 64M -d agcount=2
for kind in wrap end middle; do
	cp fs log
	/usr/bin/python3 log.py log $kind
	xfs_logprint -t log 2>&1 | grep -q '<CLEAN>' || fail "xfs_logprint: $kind: $(xfs_logprint -t log 2>&1)"
	judged log "log: $kind"
done
for kind in behind start half transaction other; do
	cp fs log
	/usr/bin/python3 log.py log $kind
	"$map" log >map.out
	grep -q "^note Taken whole: it was not unmounted cleanly" map.out || fail "$kind: $(head -n 4 map.out)"
done

# whole, and why
whole() { # IMAGE TEXT
	"$map" "$1" >map.out
	grep -q "^region 0 \([0-9]*\) \1 raw" map.out ||
		fail "$1 not whole, for '$2': $(head -n 4 map.out)"
	grep -q "^note Taken whole: .*$2" map.out || fail "no '$2' in: $(grep ^note map.out)"
}
# changed TEXT COMMAND...: a copy that the command changed
# (xfs_db makes the checksums right again)
n=0
changed() {
	n=$((n + 1))
	# half of them are enough for the sanitizers
	[ -z "$san" ] || [ $((n % 2)) = 0 ] || return 0
	text_=$1
	shift
	cp fs bad
	"$@" bad >change.out 2>&1 || { cat change.out; fail "$*"; }
	! cmp -s fs bad || fail "nothing changed: $*: $(cat change.out)"
	whole bad "$text_"
}
db() { # FIELD VALUE 'WHERE; WHERE...' IMAGE
	{ echo "$3" | tr ';' '\n'; echo "write -d $1 $2"; } | xfs_db -x "$4"
}
mk 64M -d agcount=2
changed 'not known here' db features_incompat 0x80000001 'sb 0'
changed 'not known here' db features_ro_compat 0x80000005 'sb 0'
changed 'not known here' db features_log_incompat 0x4 'sb 0'
changed 'marked as damaged' db features_incompat 0x1b 'sb 0'
changed 'realtime device' db rblocks 1000 'sb 0'
changed 'on another device' db logstart 0 'sb 0'
changed 'where its log is' db logblocks 0x7fff 'sb 0'
changed 'never finished' db inprogress 1 'sb 0'
changed 'version 3' db versionnum 0xb4a3 'sb 0'
changed 'superblock counts' db fdblocks 1234 'sb 0'
changed 'more free blocks' db fdblocks 123456789 'sb 0'
changed 'number of its blocks' db dblocks 123456789 'sb 0'
changed 'allocation groups' db agblocks 100 'sb 0'
changed 'free blocks is not that' db freeblks 77 'agf 1'
changed 'longest free extent' db longest 77 'agf 1'
changed 'tree blocks is wrong' db btreeblks 77 'agf 1'
changed 'AGF is damaged' db length 77 'agf 1'
changed 'none of this tree' db bnoroot 9 'agf 1'
changed 'roots of its free space' db bnolevel 10 'agf 1'
changed 'AGFL and its AGF' db flcount 3 'agf 1'
changed 'AGI is damaged' db seqno 5 'agi 1'
changed 'metadata outside' db root 77777777 'agi 1'
changed 'two uses' db root 1 'agi 1'
changed 'other extents' db 'recs[1].blockcount' 1 'agf 1; addr cntroot'
changed 'other extents' db 'recs[1].blockcount' 1 'agf 1; addr bnoroot'
changed 'extent that is not in' db 'recs[1].blockcount' 0 'agf 1; addr bnoroot'
changed 'neighbour behind' db rightsib 9 'agf 1; addr bnoroot'
changed 'its neighbours' db leftsib 9 'agf 1; addr bnoroot'
changed 'none of this tree' db level 1 'agf 1; addr bnoroot'
number() { # FIELD WHERE
	xfs_db -r -c "$2" -c "p $1" fs | sed 's/.*= //'
}
byte() { # OFFSET IMAGE
	printf '\001' | dd of="$2" bs=1 seek="$1" conv=notrunc status=none
}
ag=$((32 << 20))
changed "superblock's checksum" byte 200
changed "AGF's checksum" byte $((ag + 512 + 300))
changed "AGI's checksum" byte $((ag + 1024 + 400))
changed "AGFL's checksum" byte $((ag + 1536 + 400))
changed 'checksum is wrong' byte $((ag + $(number bnoroot 'agf 1') * 4096 + 3000))
log=$(xfs_db -r -c "convert fsb $(number logstart 'sb 0') byte" fs | sed 's/.*(\(.*\))/\1/')
changed 'no record in the log' byte $((log))
changed 'not whole' byte $((log + (1 << 20)))
cp fs bad; truncate -s 63M bad; whole bad 'but there are only'
# a log and a realtime device elsewhere
truncate -s 64M elsewhere
mk 64M -l logdev=elsewhere,size=16m; whole fs 'on another device'
mk 64M -r rtdev=elsewhere; whole fs 'realtime device'
