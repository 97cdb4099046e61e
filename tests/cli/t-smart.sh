#!/bin/sh
# What a disk says of its health is shown first: by `disks`, and by a capture, whose
# image keeps it. smartctl is ours here; the disk is a loop device.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
requires losetup
fill_ext disk.img 8
loop=$(losetup -f --show -r disk.img 2>/dev/null) || skip "no loop device can be made here"
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
# a file has none to ask
rm asked
expect_status 0 rehost capture --no-systems disk.img c.rhi
[ ! -e asked ] || fail "asked for a file: $(cat asked)"
