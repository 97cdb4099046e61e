#!/bin/sh
# restore --delta writes what differs and nothing else; --resume goes on where a
# restore was interrupted, by a mark that nobody takes for a file system.
. "$REHOST_TOP/tests/lib/lib.sh"
own_mounts
. "$REHOST_TOP/tests/lib/disks.sh"
requires cmp truncate blkid wipefs sfdisk parted sgdisk "${CC:-gcc}"
linux_disk disk.img
rehost capture --no-systems disk.img disk.rhi 2>/dev/null
head -c $((64 << 20)) /dev/urandom >old.img

changed() { grep -q "restore: done.*, $1 written" err || fail "not \"$1 written\": $(cat err)"; }

# --- nothing differs: nothing is written, and the file's time stays
for options in "" --verify; do
	cp --sparse=always disk.img t.img
	touch -d '2001-01-01' t.img
	# shellcheck disable=SC2086
	expect_status 0 rehost restore --yes --delta $options disk.rhi t.img
	changed "0 bytes"
	grep -q "will be made equal to the image" err || fail "$(cat err)"
	cmp disk.img t.img
	[ "$(stat -c %Y t.img)" = "$(date -d 2001-01-01 +%s)" ] || fail "the disk was written to"
done
# --- one byte of a file differs; only the label; all of it
printf x | dd of=t.img bs=1 seek=$(((9 << 20) + 1024 + 120)) conv=notrunc status=none
expect_status 0 rehost restore --yes --delta --verify disk.rhi t.img
cmp disk.img t.img
grep -q ", 1.1 MB written" err || fail "more than a block and the head: $(cat err)"
sgdisk -G t.img >/dev/null
expect_status 0 rehost restore --yes --delta disk.rhi t.img
same_used disk.img t.img
cp old.img t.img
expect_status 0 rehost restore --yes --delta --verify --events-fd 9 disk.rhi t.img 9>events
same_used disk.img t.img
/usr/bin/python3 - <<'END' || fail "$(cat events)"
import json
done = json.loads(open("events").readlines()[-1])
assert 0 < done["changed"] <= done["bytes"], done
END
# a file that isn't there is made
expect_status 0 rehost restore --yes --delta disk.rhi made.img
same_used disk.img made.img

# --- other sizes: the table is fitted first, then compared
for size in $((57 * 1048576 + 16896)) $((80 << 20)); do
	rm -f a.img
	truncate -s $size a.img
	expect_status 0 rehost restore --yes disk.rhi a.img
	cp a.img b.img
	touch -d '2001-01-01' b.img
	expect_status 0 rehost restore --yes --delta disk.rhi b.img
	changed "0 bytes"
	[ "$(stat -c %Y b.img)" = "$(date -d 2001-01-01 +%s)" ] || fail "$size: written to"
	# the backup table alone is damaged; the last partition
	printf x | dd of=b.img bs=1 seek=$((size - 500)) conv=notrunc status=none
	expect_status 0 rehost restore --yes --delta --verify disk.rhi b.img
	cmp a.img b.img || fail "$size: the backup table"
	printf xyz | dd of=b.img bs=1 seek=$(((49 << 20) + 4086)) conv=notrunc status=none
	expect_status 0 rehost restore --yes --delta --verify disk.rhi b.img
	cmp a.img b.img || fail "$size: the last partition"
	sgdisk -v b.img | grep -q 'No problems found' || fail "$size: sgdisk has doubts"
done

# --- refused
for o in --delta --resume --discard --zero --verify; do
	st=0
	rehost restore --yes $o - t.img <disk.rhi 2>err || st=$?
	[ $st = 2 ] && grep -q -e "$o needs an image that can be read again" err || fail "$o from a pipe: $st $(cat err)"
done
expect_status 2 rehost restore --yes --delta --resume disk.rhi t.img
expect_status 2 rehost restore --yes --discard --zero disk.rhi t.img
expect_status 2 rehost capture --delta disk.img b.rhi
expect_status 4 rehost restore --yes --resume disk.rhi old.img
grep -q "no interrupted restore" err && grep -q -e "--delta" err || fail "$(cat err)"
expect_status 1 rehost restore --yes --resume disk.rhi nothing.img
[ ! -e nothing.img ] || fail "a file was made to go on with"

# what was left out of an image may be in use on the target
rehost capture --no-systems --only 1,2 disk.img part.rhi 2>/dev/null
for o in --discard --zero; do
	cp old.img t.img
	expect_status 4 rehost restore --yes $o part.rhi t.img
	grep -q "partitions were left out" err || fail "$(cat err)"
	cmp old.img t.img || fail "something was written"
done

# --- a file that was made for it stays if there is something to go on with
/usr/bin/python3 - <<'END'
d = bytearray(open("disk.rhi", "rb").read())
d[len(d) * 2 // 3] ^= 1
open("bad.rhi", "wb").write(d)
END
expect_status 1 rehost restore bad.rhi made2.img
grep -q "made2.img is kept, but isn't complete.*--resume goes on there" err || fail "$(cat err)"
[ "$(stat -c %s made2.img)" = $((64 << 20)) ] && ! sfdisk -d made2.img >out 2>&1 || fail "it looks complete: $(cat out)"
rehost disks --no-systems made2.img | grep -q "an interrupted restore" || fail "disks doesn't tell it"
expect_status 0 rehost restore --yes --resume --verify disk.rhi made2.img
same_used disk.img made2.img

# --- an encrypted image's hashes have a key
export REHOST_PASSPHRASE=secret
rehost capture --no-systems --encrypt disk.img secret.rhi 2>/dev/null
cp disk.img t.img
expect_status 0 rehost restore --yes --delta secret.rhi t.img
changed "0 bytes"
printf x | dd of=t.img bs=1 seek=$(((9 << 20) + 1024 + 120)) conv=notrunc status=none
expect_status 0 rehost restore --yes --delta --verify secret.rhi t.img
cmp disk.img t.img

# --- a file system that fills up, and has room again
if [ "$(id -u)" = 0 ] && mkdir small && mount -t tmpfs -o size=4M small small; then
	at_exit "umount $PWD/small"
	truncate -s 64M small/t.img
	expect_status 1 rehost restore --yes disk.rhi small/t.img
	grep -q "No space left" err && grep -q "resume goes on there" err || fail "$(cat err)"
	rehost disks --no-systems small/t.img | grep -q "an interrupted restore" || fail "disks doesn't tell it"
	mount -o remount,size=100M small
	expect_status 0 rehost restore --yes --resume --verify disk.rhi small/t.img
	same_used disk.img small/t.img
fi

# --- interrupted, at a write in the middle
case $REHOST_B in */san) exit 0 ;; esac
"${CC:-gcc}" -O1 -shared -fPIC -o faults.so "$REHOST_TOP/tests/lib/faults.c" -ldl
cp old.img t.img
LD_PRELOAD=$PWD/faults.so FAULT_FILE=$PWD/t.img FAULT_CALLS=write,sync FAULT_AT=15 FAULT_HOW=eio \
	rehost restore --yes disk.rhi t.img 2>err && fail "a dead disk went unnoticed"
grep -q "resume goes on there" err || fail "$(cat err)"
rehost disks --no-systems t.img | grep -q "an interrupted restore of the image disk.rhi" || fail "disks doesn't tell it"
rehost disks --no-systems --json t.img >out
[ "$(json out 'd["disks"][0]["interrupted"]["image"]')" = disk.rhi ] || fail "$(cat out)"
[ "$(json out 'd["disks"][0]["table"]')" = None ] || fail "$(cat out)"
# nobody sees anything
[ -z "$(wipefs t.img)" ] || fail "wipefs: $(wipefs t.img)"
! blkid -p t.img || fail "blkid"
! sfdisk -d t.img 2>/dev/null || fail "sfdisk"
! parted -s t.img print >out 2>&1 || fail "parted: $(cat out)"
# another image, though of the same disk; another size
rehost capture --no-systems disk.img other.rhi 2>/dev/null
cp t.img before.img
expect_status 4 rehost restore --yes --resume other.rhi t.img
grep -q "another image" err || fail "$(cat err)"
cmp t.img before.img || fail "something was written"
cp t.img larger.img
truncate -s 65M larger.img
expect_status 4 rehost restore --yes --resume disk.rhi larger.img
grep -q "another size" err || fail "$(cat err)"
# stopped by a signal: the file that was made for it stays
made4=$(LD_PRELOAD=$PWD/faults.so FAULT_FILE=$PWD/made4.img FAULT_CALLS=write,sync FAULT_AT=10 FAULT_FOR=1 FAULT_HOW=int \
	rehost restore disk.rhi made4.img 2>err || echo $?)
[ "$made4" = 1 ] && grep -q "stopped on request.*is kept.*resume goes on there" err || fail "$made4 $(cat err)"
expect_status 0 rehost restore --yes --resume --verify disk.rhi made4.img
same_used disk.img made4.img
# goes on; a normal restore takes no notice
cp old.img whole.img
rehost restore --yes disk.rhi whole.img 2>/dev/null
expect_status 0 rehost restore --yes --resume --verify disk.rhi t.img
cmp whole.img t.img || fail "resumed, but not the same"
cp before.img t.img
expect_status 0 rehost restore --yes disk.rhi t.img
cmp whole.img t.img || fail "restored again, but not the same"
cp before.img t.img
expect_status 0 rehost restore --yes --delta disk.rhi t.img
same_used disk.img t.img
