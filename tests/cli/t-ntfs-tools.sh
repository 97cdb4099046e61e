#!/bin/sh
# rehost-test: san
# The tests' own NTFS tools: what ntfs-fill puts in, ntfs-hashes finds again,
# and ntfsresize's check of all clusters finds nothing wrong with.
. "$REHOST_TOP/tests/lib/lib.sh"
requires mkntfs ntfsresize sha256sum
tools=$REHOST_B/tests/tools

mkdir -p tree/a/b tree/Many
for i in 1 2 3 4 5 6 7 8 9; do
	seq $((i * 9000)) > "tree/a/b/File $i"
	for k in 1 2 3 4 5 6 7 8 9; do echo "$i$k" > "tree/Many/a long enough name $i $k"; done
done
: > tree/empty
truncate -s 1M tree/zeros
truncate -s 16M ntfs.img
mkntfs -q -F ntfs.img > mkntfs.log 2>&1
"$tools/ntfs-fill" ntfs.img tree
"$tools/ntfs-fill" ntfs.img tree/a sub/dir
mkdir tree/sub
cp -r tree/a tree/sub/dir
(cd tree && find . -type f -exec sha256sum {} + | sort) > want
"$tools/ntfs-hashes" ntfs.img | sort > got
diff want got
ntfsresize -f -i ntfs.img > check.log 2>&1 || { cat check.log; fail "ntfsresize finds the volume damaged"; }

# inside a disk
truncate -s 20M disk.img
dd if=ntfs.img of=disk.img bs=1M seek=2 conv=notrunc,sparse 2>dd.log
"$tools/ntfs-hashes" disk.img $((2 << 20)) $((16 << 20)) | sort > got
diff want got
expect_status 1 "$tools/ntfs-hashes" disk.img 512
