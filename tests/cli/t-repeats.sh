#!/bin/sh
# Data of which no part can be compressed may have long pieces that come twice: they are
# stored once, also far apart within a chunk. What comes after it is compressed as well as
# if it came alone.
. "$REHOST_TOP/tests/lib/lib.sh"
size() { stat -c %s "$1"; }
head -c 700K /dev/urandom >piece
head -c 8M /dev/urandom >noise
{ cat piece; head -c 300K noise; } >one
cat "$REHOST_TOP"/imager/*.c "$REHOST_TOP"/imager/*/*.c "$REHOST_TOP"/drivers-inject/*.c \
	"$REHOST_TOP"/drivers-inject/*/*.c | head -c 1M >text
[ "$(size text)" = 1048576 ] || fail "too little text"

# 2 MiB: a piece, again from 1000 KiB on; the other half of the second MiB is noise
{ cat one piece; tail -c 348K noise; } >twice.img
{ cat one; tail -c 1M noise; } | head -c 2M >once.img
truncate -s 2M twice.img once.img
expect_status 0 rehost capture --level small twice.img twice.rhi
expect_status 0 rehost capture --level small once.img once.rhi
saved=$(($(size once.rhi) - $(size twice.rhi)))
[ $saved -gt 690000 ] || fail "$saved bytes saved of 700 KiB that are there twice"

# in a chunk of 1 MiB: 348 KiB of it
{ head -c 348K piece; head -c 328K noise; head -c 348K piece; } >near.img
for level in fast balanced; do
	expect_status 0 rehost capture --level $level near.img $level.rhi
	saved=$(($(size near.img) - $(size $level.rhi)))
	[ $saved -gt 340000 ] || fail "$level: $saved bytes saved of 348 KiB"
	expect_status 0 rehost restore --yes $level.rhi back
	cmp near.img back || fail "another content"
	rm back
done
expect_status 0 rehost restore --yes twice.rhi back
cmp twice.img back || fail "another content"

# a worker goes back to its level: as much more as the noise has
for level in fast balanced small; do
	{ cat text; head -c 7M noise; } >alone.img
	{ head -c 4M noise; cat text; tail -c 3M noise; } >after.img
	expect_status 0 rehost capture --workers 1 --level $level alone.img alone-$level.rhi
	expect_status 0 rehost capture --workers 1 --level $level after.img after-$level.rhi
	diff=$(($(size alone-$level.rhi) - $(size after-$level.rhi)))
	[ ${diff#-} -lt 300 ] || fail "$level: text after noise takes $diff bytes less or more"
done
