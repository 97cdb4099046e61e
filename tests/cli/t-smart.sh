#!/bin/sh
# What a disk says of its health is shown first: by `disks`, and by a capture, whose
# image keeps it. smartctl is ours here; the disk is a loop device.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
requires losetup
fill_ext disk.img 8
cp disk.img loop.img
loop=$(losetup -f --show loop.img 2>/dev/null) || skip "no loop device can be made here"
at_exit "losetup -d $loop"
mkdir bin
cat >bin/smartctl <<'END'
#!/bin/sh
echo "$*" >>"$SAID"
printf '{"smartctl":{"exit_status":0},"smart_status":{"passed":%s},"ata_smart_attributes":{"table":[{"id":5,"raw":{"value":2}},{"id":197,"raw":{"value":%s}}]}}' "$PASSED" "$PENDING"
END
chmod +x bin/smartctl
PATH=$PWD/bin:$PATH
export PATH SAID="$PWD/asked" PASSED=true PENDING=0
expect_status 0 rehost disks --no-systems --json "$loop"
[ "$(json out 'd["disks"][0]["smart"]["failing"], d["disks"][0]["smart"]["reallocated"]')" = "(False, 2)" ] ||
	fail "disks --json: $(cat out)"
expect_status 0 rehost disks --no-systems "$loop"
grep -q "health: 2 sectors were replaced" out || fail "disks: $(cat out)"
expect_status 0 rehost capture --no-systems "$loop" a.rhi
grep -q "note: health of $loop: 2 sectors" err || fail "$(cat err)"
# failing: a warning, before anything is read; it is in the image
export PENDING=7
st=0
rehost capture --no-systems --events-fd 5 "$loop" b.rhi 5>ev 2>err || st=$?
[ $st = 3 ] || fail "status $st: $(cat err)"
grep -n '"warning"\|"start"' ev | head -1 | grep -q '"code":"smart".*7 sectors' || fail "$(cat ev)"
rehost info b.rhi | grep -q "this disk is failing: 7 sectors" || fail "info: $(rehost info b.rhi)"
expect_status 0 rehost disks --no-systems "$loop"
grep -q "! this disk is failing: 7 sectors" out || fail "disks: $(cat out)"
# asked before anything is read, also which partitions there are
rm asked
expect_status 2 rehost capture --no-systems --only 7 "$loop" d.rhi
[ -s asked ] || fail "not asked: $(cat err)"
# healthy, or not known: that is told, too
cp bin/smartctl kept
sed -i 's/{"id":5.*"value":2}},//' bin/smartctl
PENDING=0 expect_status 0 rehost capture --no-systems "$loop" d.rhi
grep -qx "note: health of $loop: not failing" err || fail "$(cat err)"
# before the systems are searched and the file systems looked at: here it ends these
printf '#!/bin/sh\ndd if=/dev/zero of=%s bs=64k count=1 conv=notrunc status=none\n' "$loop" >bin/smartctl
expect_status 0 rehost disks --no-systems --json "$loop"
[ "$(json out 'd["disks"][0]["filesystem"]')" = None ] || fail "disks reads first: $(cat out)"
expect_status 0 rehost capture --no-systems "$loop" e.rhi
grep -qx "note: health of $loop: not known" err || fail "$(cat err)"
mv kept bin/smartctl
# several: each disk's own warning counts, whenever it was told
: >asked
expect_status 3 rehost capture --no-systems --events-fd 1 disk.img "$loop" many
[ "$(grep '"done"' out | sed 's/.*"status":\([0-9]\).*/\1/' | tr '\n' ' ')" = "0 3 " ] || fail "$(cat out)"
[ "$(wc -l <asked)" = 1 ] || fail "asked: $(cat asked)"
# a file has none to ask
rm asked
expect_status 0 rehost capture --no-systems disk.img c.rhi
[ ! -e asked ] || fail "asked for a file: $(cat asked)"
