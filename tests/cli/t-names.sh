#!/bin/sh
# Names: two disks of one name don't share an image, what is there already is told
# before anything is read, and control characters don't reach a terminal.
# rehost-test: san
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
mkdir one two
fill_ext one/disk.img 8
fill_ext two/disk.img 8
expect_status 4 rehost capture --overwrite one/disk.img two/disk.img to
grep -q "would both be named disk.img.rhi" err || fail "$(cat err)"
[ -z "$(ls to)" ] || fail "$(ls to)"
cp two/disk.img two/b.img
ln -s disk.img one/link.img
expect_status 2 rehost capture one/disk.img one/link.img to
grep -q "same disk" err || fail "$(cat err)"
# only others may not read an image, or the machine's description
umask 022
expect_status 0 rehost capture one/disk.img two/b.img to
for f in disk.img.rhi b.img.rhi machine.json; do
	[ "$(stat -c %a to/$f)" = 600 ] || fail "$f: $(stat -c %a to/$f)"
done
# another machine's disks in the same directory: its description stays
sum=$(sha256sum < to/machine.json)
mv two/b.img two/c.img
cp two/c.img two/d.img
expect_status 4 rehost capture two/c.img two/d.img to
grep -q "of a machine already" err || fail "$(cat err)"
[ "$sum" = "$(sha256sum < to/machine.json)" ] || fail "machine.json was replaced"
[ ! -e to/c.img.rhi ] || fail "c was captured before the refusal"
# the second of two is there: the first isn't captured
rm to/machine.json to/disk.img.rhi
mv two/c.img two/b.img
expect_status 4 rehost capture one/disk.img two/b.img to
grep -q "holds b.img.rhi already" err || fail "$(cat err)"
[ ! -e to/disk.img.rhi ] || fail "the first was captured before the refusal"
# a name that turns a terminal's colours on
bad=$(printf 'x\033[31m\233y')
expect_status 1 rehost capture "$bad" to/x.rhi
! LC_ALL=C grep -q "$(printf '[\033\233]')" err || fail "control characters: $(cat -v err)"
cp one/disk.img "$bad"
expect_status 0 rehost capture "$bad" x.rhi
expect_status 0 rehost restore --yes x.rhi "$bad"
! LC_ALL=C grep -q "$(printf '\033')" err || fail "control characters: $(cat -v err)"
# a file's name as long as they get
long=$(printf '%0255d' 0)
cp one/disk.img "$long"
expect_status 0 rehost capture "$long" long/
for f in long/0*0.rhi; do
	[ -e "$f" ] || fail "$(ls long)"
done
# a misspelt disk does not become a file in /dev
[ "$(id -u)" != 0 ] || {
	expect_status 1 sh -c "rehost restore x.rhi /proc/self/root/dev/no-such-disk"
	[ ! -e /dev/no-such-disk ] || { rm /dev/no-such-disk; fail "a file was made in /dev"; }
}
# a link that leads nowhere is told before the disk is read, not after
ln -s nowhere dangling
expect_status 4 rehost capture one/disk.img dangling
grep -q "there already" err || fail "$(cat err)"
# a FIFO, which nobody writes to, is no image and no disk
mkfifo fifo
expect_status 2 timeout 10 rehost info fifo
expect_status 2 timeout 10 rehost capture fifo x2.rhi
# nothing to capture is no success
: > nothing.img
expect_status 1 rehost capture nothing.img nothing.rhi
[ ! -e nothing.rhi ] || fail "an image of nothing was made"
