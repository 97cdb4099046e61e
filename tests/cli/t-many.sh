#!/bin/sh
# Several disks into a directory: one image each, machine.json names them.
# rehost-test: san
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
fill_ext a.img 8 one
fill_ext b.img 8 two
rehost capture --events-fd 5 a.img b.img machine 5>ev 2>err || fail "$(cat err)"
[ "$(ls machine)" = "$(printf 'a.img.rhi\nb.img.rhi\nmachine.json')" ] || fail "$(ls machine)"
[ "$(json machine/machine.json '[x["image"] for x in d["disks"]]')" = "['a.img.rhi', 'b.img.rhi']" ] ||
	fail "$(cat machine/machine.json)"
[ "$(grep -c '"event":"done"' ev)" = 2 ] || fail "$(cat ev)"
grep '"event":"start"' ev | tail -n 1 | grep -q '"disk":2,"disks":2' || fail "$(cat ev)"
for d in a b; do
	expect_status 0 rehost restore machine/$d.img.rhi $d.new
	same_used $d.img $d.new
done
# again: refused, unless told
expect_status 4 rehost capture a.img b.img machine
expect_status 0 rehost capture --overwrite a.img b.img machine
# encrypted: the list tells only what is needed to choose images and disks
[ "$(json machine/machine.json '"dmi" in d["hardware"]')" = True ] || fail "$(cat machine/machine.json)"
export REHOST_PASSPHRASE=secret
expect_status 0 rehost capture --encrypt a.img b.img secret/
[ "$(json secret/machine.json 'sorted(d), sorted(set(d["disks"][0]) - {"model", "serial", "wwn"})')" = \
	"(['disks', 'format', 'tool'], ['digest', 'image', 'path', 'size'])" ] || fail "$(cat secret/machine.json)"
expect_status 0 rehost info --json secret
[ "$(json out 'd["hardware"], "dmi" in d["images"][0]["hardware"]')" = "(None, True)" ] || fail "$(cat out)"
# one disk, a directory's name
expect_status 0 rehost capture a.img dir/
[ -e dir/a.img.rhi ] || fail "$(ls dir)"
expect_status 0 rehost place --json machine
[ "$(json out '[(x["name"], x["complete"]) for x in d["images"]]')" = "[('a.img.rhi', True), ('b.img.rhi', True)]" ] ||
	fail "$(cat out)"
[ "$(json out 'd["writable"]')" = True ] || fail "$(cat out)"

# the second one interrupted, by a limit of files: the same command goes on there, leaves
# the first one as it is, and makes the list of both
head -c 6M /dev/urandom > c.img
capture="rehost capture --no-systems --checkpoint 0"
(ulimit -f 6000; status_of $capture a.img c.img cut) > st
[ "$(cat st)" = 1 ] && grep -q "kept in cut/c.img.rhi.part" err || fail "status $(cat st): $(cat err)"
[ "$(ls cut)" = "$(printf 'a.img.rhi\nc.img.rhi.part')" ] || fail "$(ls cut)"
before=$(stat -c '%i %Y %s' cut/a.img.rhi)
expect_status 4 $capture a.img c.img cut
[ -e cut/c.img.rhi.part ] || fail "without --resume: $(ls cut)"
# another disk by that name isn't taken for it
mv a.img kept.img
cp kept.img a.img
truncate -s 9M a.img
expect_status 4 $capture --resume a.img c.img cut
grep -q "cut/a.img.rhi is of another disk" err || fail "$(cat err)"
mv kept.img a.img
# nor one that isn't encrypted for one that shall be
REHOST_PASSPHRASE=secret expect_status 4 $capture --resume --encrypt a.img c.img cut
grep -q "cut/a.img.rhi is complete and isn't encrypted; go on without --encrypt" err || fail "$(cat err)"
expect_status 0 $capture --resume --events-fd 1 a.img c.img cut
grep -q "cut/a.img.rhi is complete already" err && grep -q "captured before" err || fail "$(cat err)"
[ "$(stat -c '%i %Y %s' cut/a.img.rhi)" = "$before" ] || fail "the first image was made anew"
[ "$(ls cut)" = "$(printf 'a.img.rhi\nc.img.rhi\nmachine.json')" ] || fail "$(ls cut)"
[ "$(json cut/machine.json '[(x["image"], x["path"].rsplit("/")[-1], x["size"]) for x in d["disks"]]')" = \
	"[('a.img.rhi', 'a.img', 8388608), ('c.img.rhi', 'c.img', 6291456)]" ] || fail "$(cat cut/machine.json)"
expect_status 0 rehost verify cut
expect_status 0 rehost restore --yes cut a.new c.new
cmp c.img c.new || fail "the second disk"
same_used a.img a.new
