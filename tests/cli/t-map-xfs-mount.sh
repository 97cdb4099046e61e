#!/bin/sh
# XFS as Linux leaves it: in pieces, with deleted, shared, sparse and preallocated
# files, its log written round after round.  Judged by xfs_db, and by a copy with
# nothing but the map's blocks: xfs_repair, and all files read through Linux.
# What was not unmounted is taken whole.
. "$REHOST_TOP/tests/lib/lib.sh"
own_mounts
requires mkfs.xfs xfs_db xfs_repair xfs_growfs xfs_logprint losetup
[ "$(id -u)" = 0 ] || skip "needs root to mount"
map=$REHOST_B/tests/tools/map-dump
judge=$REHOST_TOP/tests/lib/fsjudge.py
# else mkfs.xfs makes nothing below 300 MB
export TEST_DIR=. TEST_DEV=. QA_CHECK_FS=1

# fill.py DIR FILES SEED: every second one is removed
cat >fill.py <<'END'
import os, random, subprocess, sys
top, n, seed = sys.argv[1], int(sys.argv[2]), sys.argv[3]
rnd = random.Random(seed)
d = os.path.join(top, "d" + seed)
os.makedirs(d)
grow = open(os.path.join(d, "grows"), "wb")
for i in range(n):
    with open(os.path.join(d, "a-file-with-number-%d" % i), "wb") as f:
        f.write(rnd.randbytes(rnd.choice((100, 1024, 5000, 9000))))
    if i % 10 == 0:
        grow.write(rnd.randbytes(9000))
        grow.flush()
        os.fsync(grow.fileno()) if i % 200 == 0 else None
grow.close()
subprocess.run(["sync", "-f", top], check=True)
for i in range(0, n, 2):
    os.unlink(os.path.join(d, "a-file-with-number-%d" % i))
with open(os.path.join(d, "holes"), "wb") as f:
    for i in range(20):
        f.seek(i * 300000)
        f.write(rnd.randbytes(3000))
with open(os.path.join(d, "ahead"), "wb") as f:
    os.posix_fallocate(f.fileno(), 0, 1 << 20)
    f.write(b"begun")
os.symlink("x" * 900, os.path.join(d, "link"))
os.setxattr(d, "user.large", rnd.randbytes(3000))
# shared blocks, and then some that are no more
if subprocess.run(["cp", "--reflink=always", d + "/grows", d + "/shared"],
                  stderr=subprocess.DEVNULL).returncode == 0:
    with open(d + "/shared", "r+b") as f:
        for at in range(0, os.path.getsize(d + "/shared"), 50000):
            f.seek(at)
            f.write(rnd.randbytes(100))
END
hashes() {
	(cd mnt && find . -type f -print0 | sort -z | xargs -0 sha256sum && find . -type l -printf '%p %l\n' | sort)
}
# judged IMAGE WHAT: files has their hashes
judged() {
	"$map" "$1" >map.out || fail "$1"
	grep -q "^region 0 [0-9]* [0-9]* xfs xfs 0 disk" map.out || fail "$2: $(head -n 4 map.out)"
	"$judge" xfs -s "$1" map.out || fail "$1 ($2)"
	"$judge" apply "$1" map.out copy
	xfs_repair -n copy >repair.out 2>&1 || { cat repair.out; fail "$2: the copy is not sound"; }
	mount -o loop,ro copy mnt || fail "$2: the copy can't be mounted"
	hashes >files.copy
	umount mnt
	cmp files files.copy || fail "$2: files differ"
}
# left IMAGE: what its log may still change is not known
left() {
	"$map" "$1" >map.out
	grep -q "^region 0 \([0-9]*\) \1 raw xfs 1 disk" map.out || fail "$1 not whole: $(head -n 4 map.out)"
	grep -q "^note Taken whole: it was not unmounted cleanly" map.out || fail "$(grep ^note map.out)"
}
levels() { # IMAGE: of the deepest tree by blocks
	for g in 0 1; do xfs_db -r -c "agf $g" -c 'p bnolevel' "$1"; done | sed 's/.*= //' | sort -n | tail -n 1
}
mkdir mnt
n=0
while read -r size files deep opts; do
	rm -f fs
	truncate -s "$size" fs
	# shellcheck disable=SC2086
	mkfs.xfs -q $opts fs >mkfs.out 2>&1 || { cat mkfs.out; fail "mkfs.xfs $opts"; }
	if ! mount -o loop fs mnt 2>mount.err; then
		# new kernels without version 4, and old ones
		case "$opts" in *crc=0*|*nrext64*) echo "not mounted: $opts: $(cat mount.err)"; continue ;; esac
		[ $n -gt 0 ] || skip "no XFS can be mounted: $(cat mount.err)"
		fail "not mounted: $opts: $(cat mount.err)"
	fi
	n=$((n + 1))
	/usr/bin/python3 fill.py mnt "$files" 1 || fail "$opts: filling"
	# as after a crash
	sync -f mnt
	cp fs crashed
	hashes >files
	umount mnt
	judged fs "$opts"
	[ "$(levels fs)" -ge "$deep" ] || fail "$opts: only $(levels fs) levels"
	left crashed
	mount -o loop crashed mnt || fail "$opts: no recovery"
	umount mnt
	judged crashed "$opts, recovered"
done <<END
96M 1500 2 -m crc=0 -b size=1024 -d agcount=2
96M 2500 2 -m rmapbt=1,reflink=1 -b size=1024 -d agcount=2
128M 3000 2 -m rmapbt=1,reflink=1 -i nrext64=1 -d agcount=2
160M 1000 1 -m reflink=1 -b size=16384 -d agcount=2
128M 1000 1 -m reflink=1 -s size=4096 -l su=32768 -d agcount=2
END
[ $n -ge 3 ] || fail "only $n kinds were mounted"

# the log's end moves: each fsync writes 64 KiB, so that it goes round and round
cat >sync.py <<'END'
import os, sys
for i in range(int(sys.argv[2])):
    f = os.open("%s/sync%d" % (sys.argv[1], i % 20), os.O_CREAT | os.O_TRUNC | os.O_RDWR)
    os.write(f, b"x" * 5000 * (i % 3))
    os.fsync(f)
    os.close(f)
END
rm -f fs
truncate -s 64M fs
mkfs.xfs -q -d agcount=2 -l su=65536 fs
for i in 101 53 177 29; do
	mount -o loop fs mnt
	/usr/bin/python3 sync.py mnt "$i"
	hashes >files
	umount mnt
	judged fs "round $i"
done
xfs_logprint fs 2>/dev/null | sed -n 's/^cycle: \([0-9]*\).*/\1/p' | sort -n | tail -n 1 >round
[ "$(cat round)" -ge 2 ] || fail "the log is in its first round"

# grown by a group and a half
truncate -s 112M fs
mount -o loop fs mnt
xfs_growfs mnt >grow.out 2>&1 || fail "$(cat grow.out)"
/usr/bin/python3 fill.py mnt 500 grown
hashes >files
umount mnt
judged fs grown

# sectors of 512 bytes where there are only larger ones
big=$(losetup -b 4096 -f --show fs 2>err) || fail "no 4096 byte sectors: $(cat err)"
at_exit "losetup -d $big"
"$map" "$big" >map.out
grep -q "^note Taken whole: it has sectors of 512 bytes on a disk with sectors of 4096" map.out ||
	fail "$(head -n 4 map.out)"
mkfs.xfs -q -f -d agcount=2 "$big"
mount "$big" mnt
/usr/bin/python3 fill.py mnt 200 4k
sync -f mnt
hashes >files
umount mnt
"$map" "$big" >map.out
grep -q "^region 0 [0-9]* [0-9]* xfs xfs 0 disk" map.out || fail "4Kn: $(head -n 4 map.out)"
