#!/bin/sh
# The source is opened for reading only, and neither it nor its times change.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
linux_disk disk.img
# blocks are given when the host writes out, not before
sync disk.img
before=$(sha256sum disk.img; stat -c '%Y %s %i %b' disk.img)
mkfifo pipe
# a pipe that nobody empties holds the capture in the middle
rehost capture disk.img - >pipe 2>err &
pid=$!
exec 7<pipe
seen=
for _ in 1 2 3 4 5 6 7 8 9 10; do
	for fd in "/proc/$pid/fd"/*; do
		[ "$(readlink "$fd" 2>/dev/null)" = "$PWD/disk.img" ] || continue
		seen=1
		flags=$(sed -n 's/^flags:[[:space:]]*//p' "/proc/$pid/fdinfo/${fd##*/}")
		case $flags in
		*[123567]) fail "$fd is open with flags $flags: for writing" ;;
		esac
	done
	[ -n "$seen" ] && break
	sleep 0.2
done
[ -n "$seen" ] || fail "the source was never seen open"
cat <&7 >/dev/null
wait $pid || fail "$(cat err)"
for c in "map" "disks --used"; do
	# shellcheck disable=SC2086
	expect_status 0 rehost $c disk.img
done
[ "$before" = "$(sha256sum disk.img; stat -c '%Y %s %i %b' disk.img)" ] || fail "the source was changed"
