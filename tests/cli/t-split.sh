#!/bin/sh
# rehost-test: san only
# Images in volumes: read again by a second reader, by every command and joined
# through a pipe; volumes that are missing, cut off, exchanged or another image's.
. "$REHOST_TOP/tests/lib/lib.sh"
reader() { /usr/bin/python3 "$REHOST_TOP/tests/py/rhi_reader.py" "$@" || fail "rhi_reader.py $*"; }
truncate -s 300M disk.img
head -c 52M /dev/urandom | dd of=disk.img bs=1M seek=3 conv=notrunc status=none
split="--no-systems --level fast --split 16M"
# shellcheck disable=SC2086
expect_status 0 rehost capture $split --verify disk.img s.rhi
[ "$(echo s.rhi*)" = "s.rhi s.rhi.001 s.rhi.002 s.rhi.003" ] || fail "volumes: $(ls)"
for f in s.rhi*; do
	[ "$(stat -c %s "$f")" -le 16777216 ] || fail "$f is larger than told"
done
reader restore s.rhi again
cmp disk.img again || fail "the second reader gets another disk"
reader info s.rhi > info.json
expect_status 0 rehost info s.rhi
expect_status 0 rehost verify s.rhi
expect_status 0 rehost restore --yes --verify s.rhi back.img
cmp disk.img back.img || fail "restore gives another disk"
rm back.img
expect_status 0 sh -c 'cat s.rhi s.rhi.00? | rehost restore --yes - back.img'
cmp disk.img back.img || fail "restore from a pipe gives another disk"
expect_status 0 sh -c 'cat s.rhi s.rhi.00? | rehost verify -'
expect_status 0 rehost place --json .
[ "$(json out '[(i["name"], i["complete"]) for i in d["images"]]')" = "[('s.rhi', True)]" ] || fail "$(cat out)"

bad() { # WHAT STATUS TEXT
	st=0
	rehost verify s.rhi >out 2>err || st=$?
	[ $st = 1 ] || fail "$1: verify: status $st"
	grep -q "$2" err || fail "$1: $(cat err)"
	st=0
	rehost restore --yes s.rhi none.img 2>err || st=$?
	[ $st = 1 ] && [ ! -e none.img ] || fail "$1: restore: status $st"
}
mv s.rhi.003 keep
bad "the last volume is missing" "complete\|is missing"
mv keep s.rhi.003
mv s.rhi.002 keep
bad "a volume is missing" "complete\|is missing"
cp s.rhi.003 s.rhi.002
bad "another volume in its place" "s.rhi.002 is another volume"
mv keep s.rhi.002
mv s.rhi.001 keep
head -c 15000000 keep > s.rhi.001
bad "a volume is cut off" "s.rhi.002 doesn't follow"
mv keep s.rhi.001
mkdir other
# shellcheck disable=SC2086
expect_status 0 rehost capture $split disk.img other/s.rhi
mv s.rhi.001 keep
cp other/s.rhi.001 s.rhi.001
bad "another image's volume" "s.rhi.001 belongs to another image"
mv keep s.rhi.001
expect_status 0 rehost verify s.rhi

# a smaller image in its place: no volume of the old one stays
head -c 20M /dev/urandom > small.img
expect_status 4 rehost capture --split 16M small.img s.rhi
expect_status 0 rehost capture --split 16M --overwrite small.img s.rhi
[ "$(echo s.rhi*)" = "s.rhi s.rhi.001" ] || fail "volumes after --overwrite: $(ls)"
expect_status 0 rehost verify s.rhi

# interrupted in each volume
cd other || exit 1
for cut in 001 002 003; do
	rm -f c.rhi*
	# shellcheck disable=SC2086
	( rehost capture $split --checkpoint 0 ../disk.img c.rhi 2>err & p=$!
	  until [ -s c.rhi.$cut.part ]; do kill -0 $p 2>/dev/null || break; done
	  kill -9 $p 2>/dev/null || : ; wait $p || : )
	[ ! -e c.rhi ] || { rm -f c.rhi*; continue; }
	# shellcheck disable=SC2086
	expect_status 0 rehost capture $split --resume ../disk.img c.rhi
	grep -q "captured before" err || fail "cut in $cut: begun anew: $(cat err)"
	expect_status 0 rehost verify c.rhi
	reader restore c.rhi again
	cmp ../disk.img again || fail "cut in volume $cut: another disk"
	[ ! -e c.rhi.part ] && [ ! -e c.rhi.001.part ] || fail "left over: $(ls)"
done
for s in 1 16 15M 16x 99999999999T -5; do
	expect_status 2 rehost capture --split $s ../small.img x.rhi
done
expect_status 2 rehost capture --split 16M ../small.img - >/dev/null
