#!/bin/sh
# ext3/4 that was not unmounted: files whose blocks only the journal's copies of
# the bitmaps know.  After e2fsck has replayed the copy's journal, all is there.
# rehost-test: san only
. "$REHOST_TOP/tests/lib/lib.sh"
requires mke2fs dumpe2fs debugfs e2fsck
map=$REHOST_B/tests/tools/map-dump
judge=$REHOST_TOP/tests/lib/fsjudge.py
seq 200000 >new
seq 30000 >old
seq 60000 >later

# disk: what is on disk (metadata before the writes, data after them); the log
# has the metadata after them, in one or two commits.
cat >crash.py <<'END'
import subprocess, sys
bs, states, jopts = int(sys.argv[1]), sys.argv[2:-1], sys.argv[-1]
images = [bytearray(open(s, "rb").read()) for s in states]
def debugfs(image, text):
    return subprocess.run(["debugfs", "-w", "-f", "-", image], input=text.encode(),
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
data = set()
for f in ("new", "old", "later"):
    for line in debugfs(states[-1], "blocks %s\n" % f).splitlines():
        if not line.startswith("debugfs"):
            data.update(int(b) for b in line.split() if b.isdigit())
disk = bytearray(images[-1])
script = "jo %s\n" % jopts
for n, (a, b) in enumerate(zip(images, images[1:])):
    changed = [i for i in range(len(a) // bs)
               if a[i * bs:i * bs + bs] != b[i * bs:i * bs + bs] and i not in data]
    for i in changed:
        disk[i * bs:i * bs + bs] = images[0][i * bs:i * bs + bs]
    open("blocks%d" % n, "wb").write(b"".join(b[i * bs:i * bs + bs] for i in changed))
    script += "jw -b %s blocks%d\n" % (",".join(map(str, changed)), n)
    assert changed, "nothing changed"
script += "jc\n"
open("disk", "wb").write(disk)
debugfs("disk", script)
END

n=0
while read -r bs jopts opts; do
	truncate -s 0 a
	truncate -s 40M a
	# shellcheck disable=SC2086
	mke2fs -q -F -b "$bs" $opts a
	debugfs -w -R 'write old old' a >/dev/null 2>&1
	cp a b; debugfs -w -R 'write new new' b >/dev/null 2>&1
	cp b c; printf 'rm old\nwrite later later\n' | debugfs -w -f - c >/dev/null 2>&1
	[ "$jopts" = - ] && jopts=
	/usr/bin/python3 crash.py "$bs" a b c "$jopts"
	dumpe2fs -h disk 2>/dev/null | grep -q needs_recovery || fail "$opts: no journal to replay"
	# the disk alone doesn't know the new files
	debugfs -c -R 'stat new' disk 2>&1 | grep -q 'not found' || fail "$opts: not a crash"
	"$map" disk >map.out
	grep -q '^region 0 [0-9]* [0-9]* ext ext[34] 0 disk' map.out || fail "$opts: $(head -n 4 map.out)"
	grep -q '^note .*waits to be replayed' map.out || fail "$(head -n 4 map.out)"
	"$judge" ext c map.out || fail "$opts: what is used after the replay is not all there"
	"$judge" apply disk map.out copy
	e2fsck -fy copy >fsck.out 2>&1 || [ $? = 1 ] || { cat fsck.out; fail "$opts"; }
	e2fsck -fn copy >fsck.out 2>&1 || { cat fsck.out; fail "$opts: not sound"; }
	debugfs -R 'cat new' copy 2>/dev/null | cmp - new || fail "$opts: new"
	debugfs -R 'cat later' copy 2>/dev/null | cmp - later || fail "$opts: later"
	# without most of the free space, all the same
	[ "$(awk '/^total/ { print $2 }' map.out)" -lt 20000000 ] || fail "$(tail -n 1 map.out)"
	n=$((n + 1))
done <<END
1024 - -t ext3
1024 - -t ext4
4096 - -t ext4 -O ^metadata_csum,uninit_bg
4096 -c -t ext4 -O metadata_csum,64bit
1024 -c -t ext4 -O metadata_csum,^64bit
1024 - -t ext4 -O bigalloc -C 4096
END
[ $n = 6 ] || fail "$n kinds"

# what can't be followed is taken whole
whole() { # TEXT
	"$map" disk >map.out
	grep -q "^region 0 \([0-9]*\) \1 raw ext[34] 1 disk" map.out || fail "not whole: $(head -n 4 map.out)"
	grep -q "^note Taken whole: .*$1" map.out || fail "no '$1' in: $(grep ^note map.out)"
}
at=$(debugfs -R 'blocks <8>' disk 2>/dev/null | awk 'NF > 3 { print $1; exit }')
cp disk keep
printf '\000' | dd of=disk bs=1 seek=$((at * 1024)) conv=notrunc status=none; whole 'journal has no superblock'
cp keep disk; printf '\100' | dd of=disk bs=1 seek=$((at * 1024 + 0x28)) conv=notrunc status=none
whole 'features 0x40000'
cp keep disk; debugfs -w -R 'ssv journal_inum 0' disk >/dev/null 2>&1; whole 'another device'
cp keep disk; debugfs -w -R 'feature fast_commit' disk >/dev/null 2>&1; whole 'fast commits'
