#!/bin/sh
# Descriptors 0 to 2 that are closed: no disk or image may get their numbers, and
# events must not go where the image goes.
# rehost-test: san
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
fill_ext a.img 8
rehost capture a.img a.rhi 0<&- 1>&- 2>&- || fail "capture: $?"
rehost restore a.rhi b.img 0<&- 1>&- 2>&- || fail "restore: $?"
same_used a.img b.img
# a target with a content: what people are told goes nowhere, not to the disk
cp a.img c.img
rehost restore --yes a.rhi c.img 2>&- || fail "restore over a disk: $?"
cmp a.img c.img || fail "the disk differs"
expect_status 0 rehost verify a.rhi
# nowhere to write to: no success
! rehost info a.rhi 1>&- 2>err || fail "info without an output succeeded"
! rehost disks --json a.img 1>&- 2>err || fail "disks without an output succeeded"
! rehost info a.rhi 1>/dev/full 2>err || fail "info to a full output succeeded"
! rehost-adapt --detect --json a.img 1>&- 2>err || fail "adapt without an output succeeded"
# events into the image
st=0
rehost capture --events-fd 1 a.img - >piped.rhi 2>err || st=$?
[ $st = 2 ] || fail "--events-fd 1 with a pipe: $st"
[ ! -s piped.rhi ] || fail "something was written into the pipe"
st=0
rehost capture --events-fd 1 a.img e.rhi 1>&- 2>err || st=$?
[ $st = 2 ] || fail "--events-fd 1, closed: $st $(cat err)"
