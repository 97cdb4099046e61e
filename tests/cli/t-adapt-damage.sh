#!/bin/sh
# rehost-test: san
# Damaged, cut off and hostile disks: rehost-adapt ends in seconds with a
# status that fits and a note; nothing is written, nothing crashes.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/guest.sh"
requires sfdisk mke2fs mkntfs debugfs

# status 0, 1 or 3, and JSON unless it is 1 (all of it is checked at the end)
n=0
mkdir outs
survives() {
	begin=$(date +%s)
	st=$(status_of rehost-adapt --detect --json "$1")
	case $st in
	0|3) n=$((n + 1)); mv out outs/$n ;;
	1) [ -s err ] || fail "status 1 without a word" ;;
	*) cat err; fail "$1: exit status $st" ;;
	esac
	[ ! -s err ] || ! grep -E 'Sanitizer|runtime error' err || fail "$1: the sanitizer found something"
	[ $(($(date +%s) - begin)) -lt 60 ] || fail "$1: it took too long"
}

debian_tree debian
ext fs.img 16M debian -t ext4
mkdir -p tree/Windows/System32/config
system_hive tree/Windows/System32/config/SYSTEM PC AMD64
software_hive tree/Windows/System32/config/SOFTWARE '{"ProductName": "Windows 7"}'
ntfs nt.img 8M tree

# cut off
for size in 0 1 511 512 1024 2048 4096 20000 70000 1000000 3000000; do
	for img in fs.img nt.img; do
		head -c $size $img > cut.img
		survives cut.img
	done
done
head -c 20000 nt.img > cut.img
expect_status 3 rehost-adapt --detect --json cut.img
mv out found.json
is '[len(s), len(d["notes"])]' '[0, 1]'

# a damaged partition does not hide the system on the next
truncate -s 40M disk.img
sfdisk -q disk.img <<'END'
label: gpt
size=8M
size=16M
END
cp nt.img bad.img
dd if=/dev/zero of=bad.img bs=1024 seek=16 count=2 conv=notrunc 2>dd.log
put disk.img 1 bad.img
put disk.img 2 fs.img
expect_status 3 rehost-adapt --detect --json disk.img
mv out found.json
is '[len(s), s[0]["partition"], s[0]["id"]]' "[1, 2, 'debian']"
is 'd["notes"][0].startswith("partition 1: ")' True

# bytes overwritten by chance, in the metadata of both; the seed is fixed
scramble() { # FILE SEED BYTES LIMIT
	/usr/bin/python3 - "$@" <<'END'
import random, sys
path, seed, n, limit = sys.argv[1], *map(int, sys.argv[2:])
r = random.Random(seed)
with open(path, "r+b") as f:
    for _ in range(n):
        f.seek(r.randrange(limit))
        f.write(bytes([r.randrange(256)]))
END
}
for seed in 1 2 3 4 5 6 7 8; do
	cp fs.img bad.img
	scramble bad.img $seed 400 300000
	survives bad.img
	cp nt.img bad.img
	scramble bad.img $seed $((seed * 10)) 120000
	survives bad.img
done

# directories without end: one that holds itself, and 5000 names
ext fs.img 16M debian -t ext4
debugfs -w -f - fs.img > debugfs.log 2>&1 <<'END'
rm /etc/os-release
rm /usr/lib/os-release
unlink /etc
ln <2> /etc
END
survives fs.img
mkdir -p many/etc many/boot
echo ID=many > many/etc/os-release
(cd many/boot && seq -f 'vmlinuz-%.0f' 5000 | xargs touch)
ext fs.img 48M many -t ext4 -N 9000
found fs.img
is '[s[0]["id"], len(s[0]["kernels"])]' "['many', 4096]"

# given disks, good and bad
if [ -d "$REHOST_FIXTURES/disks/e2fsprogs" ]; then
	# each of them costs the sanitized build half a second: it takes some
	set -- "$REHOST_FIXTURES"/disks/e2fsprogs/[a-z]*/image.gz
	case $REHOST_B in */san) set -- "$REHOST_FIXTURES"/disks/e2fsprogs/*[aeioux]/image.gz ;; esac
	for f; do
		gzip -dc "$f" > given.img
		survives given.img
	done
	for f in "$REHOST_FIXTURES"/disks/ntfs/*.xz "$REHOST_FIXTURES"/disks/dfir_ntfs/*.gz; do
		case $f in *.xz) xz -dc "$f" > given.img ;; *.gz) gzip -dc "$f" > given.img ;; esac || continue
		survives given.img
	done
else
	echo "the given disks are absent"
fi
/usr/bin/python3 - outs/* <<'END'
import json, sys
for path in sys.argv[1:]:
    d = json.load(open(path))
    assert isinstance(d["systems"], list) and isinstance(d["notes"], list), path
    for text in d["notes"] + [n for s in d["systems"] for n in s["notes"]]:
        assert "crashed" not in text and "gave up after" not in text, text
print(len(sys.argv) - 1, "documents")
END
