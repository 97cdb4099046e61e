#!/bin/sh
# SIGINT, SIGTERM: status 1, said, no .part left; a second one ends a job that hangs.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
requires sfdisk
truncate -s 3G disk.img
# incompressible and large enough to be caught in the middle
head -c 120M /dev/urandom | dd of=disk.img conv=notrunc status=none
wait_for() { # FILE
	n=0
	while [ ! -s "$1" ]; do
		n=$((n + 1))
		[ $n -lt 200 ] || fail "$1 did not come: $(cat err)"
		sleep 0.05
	done
}
for sig in INT TERM; do
	# a shell starts background jobs with SIGINT ignored; env sets it back
	env --default-signal=INT rehost capture --level small --no-systems disk.img c.rhi 2>err &
	pid=$!
	wait_for c.rhi.part
	kill -$sig $pid
	st=0
	wait $pid || st=$?
	[ $st = 1 ] || fail "SIG$sig: status $st: $(cat err)"
	grep -qi "stopped\|cancel" err || fail "SIG$sig is not told: $(cat err)"
	no_part .
	[ ! -e c.rhi ] || fail "an image was made"
done
# a job that hangs in a write: a pipe that nobody reads
mkfifo pipe
rehost capture --no-systems disk.img - >pipe 2>err &
pid=$!
exec 7<pipe
sleep 1
kill -TERM $pid
sleep 0.5
kill -TERM $pid 2>/dev/null || :
st=0
wait $pid || st=$?
[ $st = 1 ] || fail "a second signal: status $st: $(cat err)"
# a restore that is stopped: the target isn't usable and that is told; meanwhile
# nobody else writes to it
head -c 60M disk.img > less.img
rehost capture --no-systems --level fast less.img c.rhi 2>err || fail "$(cat err)"
truncate -s 60M target.img
printf 'label: dos\n,,L\n' | sfdisk -q target.img
mkfifo image
rehost restore --yes - target.img <image 2>err &
pid=$!
exec 8>image
head -c 30M c.rhi >&8
n=0
until grep -q "writing the disk" err; do
	n=$((n + 1))
	[ $n -lt 200 ] || fail "the restore did not begin: $(cat err)"
	sleep 0.05
done
st=0
rehost restore --yes c.rhi target.img 2>err2 || st=$?
[ $st = 4 ] || fail "a second restore into the same file: $st $(cat err2)"
grep -q "being written by another" err2 || fail "$(cat err2)"
kill -TERM $pid
exec 8>&-
st=0
wait $pid || st=$?
[ $st = 1 ] || fail "a stopped restore: $st $(cat err)"
grep -q "target.img is lost.*restore again" err || fail "the loss is not told: $(cat err)"
! sfdisk -d target.img >/dev/null 2>&1 || fail "an unfinished disk has a partition table"
