#!/bin/sh
# A place that stops taking bytes for a while: that is told, by an event and on
# stderr, and the job goes on when it takes them again.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
fill_ext disk.img 16
mkfifo pipe
rehost capture --no-systems --events-fd 5 disk.img - >pipe 2>err 5>ev &
pid=$!
exec 7<pipe
n=0
until grep -q '"event":"waiting"' ev; do
	n=$((n + 1))
	[ $n -lt 300 ] || fail "no word of waiting in 30 s: $(cat ev err)"
	sleep 0.1
done
grep -q "nothing has moved" err || fail "$(cat err)"
seconds=$(sed -n 's/.*"waiting".*"seconds":\([0-9]*\).*/\1/p' ev | head -n 1)
[ "$seconds" -ge 10 ] || fail "told after $seconds s already"
cat <&7 > disk.rhi
wait $pid || fail "the job did not go on: $(cat err)"
tail -n 1 ev | grep -q '"event":"done"' || fail "$(cat ev)"
expect_status 0 rehost verify disk.rhi
