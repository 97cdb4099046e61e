#!/bin/sh
# The log of a disk with unreadable places: ddrescue's own tools read it, a second
# capture uses it, and a capture that is killed or loses its disk goes on.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
requires "${CC:-gcc}" ddrescuelog
case $REHOST_B in */san) skip "the shim can't be loaded into the sanitizer's build" ;; esac
"${CC:-gcc}" -O1 -shared -fPIC -o faults.so "$REHOST_TOP/tests/lib/faults.c" -ldl
linux_disk disk.img
# in the file system's data, some chunks apart
rehost map --json disk.img >map
first=$(json map '[r["start"] for r in d["regions"] if r["what"] == "partition 2"][0]')
block=$(dd if=disk.img bs=1M skip=9 count=40 of=root.img status=none; debugfs -R 'blocks /home/random' root.img 2>/dev/null |
	awk '{ print $5, $300 }')
size=$(dumpe2fs -h root.img 2>/dev/null | awk '/^Block size/ { print $3 }')
a=$((first + ${block% *} * size)) b=$((first + ${block#* } * size + 512))
with_faults() { # RANGES COMMAND...
	ranges_=$1
	shift
	st=0
	LD_PRELOAD=$PWD/faults.so FAULT_FILE=$PWD/disk.img FAULT_READ=$ranges_ "$@" >out 2>err || st=$?
}
with_faults $a+512,$b+1024 rehost capture --no-systems --log log disk.img disk.rhi
[ $st = 3 ] || fail "status $st: $(cat err)"
# what ddrescue's tools make of it
expect_status 0 ddrescuelog -t log
grep -Eq "bad-sector: *1536 B" out || fail "ddrescuelog: $(cat out)"
grep -Eq "non-trimmed: *0 B" out && grep -Eq "non-scraped: *0 B" out || fail "ddrescuelog: $(cat out)"
ddrescuelog -l- -b 512 log >sectors || fail "ddrescuelog -l"
printf '%s\n' $((a / 512)) $((b / 512)) $((b / 512 + 1)) | sort -n | cmp - sectors || fail "sectors: $(cat sectors)"
# what is good there is what is used and could be read
good=$(ddrescuelog -l+ -b 512 log | wc -l)
[ $((good * 512 + 1536)) = "$(json map 'd["used"]')" ] || fail "$good good sectors of $(json map 'd["used"]')"
# the image's own list says the same
expect_status 0 rehost info --json disk.rhi
[ "$(json out 'sum(r["length"] for r in d["unreadable"])')" = 1536 ] || fail "info: $(cat out)"
[ "$(json out '[p["pass"] for p in d["passes"]]')" = "['copy', 'pieces', 'sectors', 'retry']" ] || fail "passes: $(cat out)"
[ "$(json out 'd["passes"][3]["failed"]')" = 3 ] || fail "retries: $(cat out)"
/usr/bin/python3 "$REHOST_TOP/tests/py/rhi_reader.py" restore disk.rhi again || fail "the second reader"

# a log that ddrescue wrote: its bad sector isn't touched without retries, though it
# could be read
printf '# Mapfile. Created by GNU ddrescue version 1.27\n0x00  +  1\n0x0 0x%x +\n0x%x 0x200 -\n0x%x 0x%x ?\n' \
	$a $a $((a + 512)) $(((64 << 20) - a - 512)) >mine
expect_status 0 ddrescuelog -t mine
cp mine mine.was
expect_status 3 rehost capture --no-systems --retry-passes 0 --log mine disk.img k.rhi
expect_status 0 rehost info --json k.rhi
[ "$(json out 'd["unreadable"]')" = "[{'offset': $a, 'length': 512}]" ] || fail "info: $(cat out)"
cmp mine mine.was || fail "ddrescue's own log was changed"
ddrescuelog -t mine.rehost | grep -Eq "bad-sector: *512 B" || fail "$(cat mine.rehost)"
# what was learnt beside it is read the next time, unless ddrescue's is newer
with_faults $b+1024 rehost capture --no-systems --retry-passes 0 --overwrite --log mine disk.img k.rhi
[ $st = 3 ] || fail "status $st: $(cat err)"
expect_status 3 rehost capture --no-systems --retry-passes 0 --overwrite --log mine disk.img k.rhi
grep -q "^mine.rehost names 2 failed places" err || fail "$(cat err)"
expect_status 0 rehost info --json k.rhi
[ "$(json out 'sum(r["length"] for r in d["unreadable"])')" = 1536 ] || fail "info: $(cat out)"
touch mine
expect_status 3 rehost capture --no-systems --retry-passes 0 --overwrite --log mine disk.img k.rhi
expect_status 0 rehost info --json k.rhi
[ "$(json out 'd["unreadable"]')" = "[{'offset': $a, 'length': 512}]" ] || fail "info: $(cat out)"
# with retries it is read, and so it stands in the log then
expect_status 0 rehost capture --no-systems --overwrite --log mine disk.img k.rhi
grep -q "failed places" err || fail "$(cat err)"
ddrescuelog -t mine.rehost | grep -Eq "bad-sector: *0 B" || fail "$(cat mine.rehost)"
# one of ours is written again; what it says is kept until it is tried
cp log log.was
with_faults $a+512,$b+1024 rehost capture --no-systems --retry-passes 0 --overwrite --log log disk.img k.rhi
[ $st = 3 ] || fail "status $st: $(cat err)"
grep -v '^#' log >l1
grep -v '^#' log.was | cmp - l1 || fail "$(cat log.was log)"
# one that can't be written doesn't end the capture
expect_status 3 rehost capture --no-systems --overwrite --log none/log disk.img k.rhi
grep -q "the log can't be written" err || fail "$(cat err)"

# files that are no such log, or another disk's, are refused and stay as they are
for bad in 'hello' '0x0 +\n0x0 0x100 +\n0x200 0x100 -' '0x0 +\n0x0 0x40000000 -' '0x0 +\n0 10 x' '0 +\n0 0 +' \
	'0x0 +\n0x10 0xfffffffffffffff0 +' '0 +'; do
	printf "$bad\n" >no
	cp no no.was
	expect_status 1 rehost capture --no-systems --log no disk.img no.rhi
	cmp no no.was || fail "$bad: was written over"
	[ ! -e no.rhi ] || fail "$bad: captured"
done
expect_status 2 rehost capture --log x disk.img root.img dir
expect_status 2 rehost capture --retry-time x disk.img k.rhi

# cut off anywhere, with places put off before, it goes on to the same disk
# (the disk's first chunk and one far behind are put off by the log)
printf '0 +\n0 0x200 -\n0x200 0x%x +\n0x%x 0x200 -\n0x%x 0x%x ?\n' $(((26 << 20) - 512)) \
	$((26 << 20)) $(((26 << 20) + 512)) $(((38 << 20) - 512)) >first
with_faults $a+512,$b+1024 rehost capture --no-systems --checkpoint 0 --log first disk.img cut.rhi
[ $st = 3 ] || fail "status $st: $(cat err)"
size=$(stat -c %s cut.rhi)
for part in 1 8 45 90 98; do
	rm -f c.rhi c.rhi.part back.img
	head -c $((size * part / 100)) cut.rhi >c.rhi.part
	st=0
	rehost capture --no-systems --resume disk.img c.rhi 2>err || st=$?
	[ $st = 0 ] || [ $st = 3 ] || fail "cut at $part %: status $st: $(cat err)"
	expect_status 0 rehost verify c.rhi
	[ $st = 0 ] || continue
	truncate -s 64M back.img
	expect_status 0 rehost restore --yes c.rhi back.img
	same_used disk.img back.img
done

# killed while it goes through the hard places: the rest is there, and it goes on
cat >slow.py <<'PY'
import os, signal, subprocess, sys, time
env = dict(os.environ, LD_PRELOAD=os.getcwd() + "/faults.so", FAULT_FILE=os.getcwd() + "/disk.img",
           FAULT_READ=sys.argv[1], FAULT_SLEEP_US="20000")
cmd = ["rehost", "capture", "--no-systems", "--checkpoint", "0", "--resume", "--log", "klog", "disk.img", "r.rhi"]
p = subprocess.Popen(cmd + ["--events-fd", "1"], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
for line in p.stdout:
    if '"step":"retry"' in line:
        break
else:
    sys.exit("no retry step")
time.sleep(0.5)
p.send_signal(signal.SIGKILL)
p.wait()
PY
/usr/bin/python3 slow.py $a+51200,$b+1024 || fail "slow.py"
[ -e r.rhi.part ] && [ ! -e r.rhi ] || fail "after the kill: $(ls)"
ddrescuelog -t klog | grep -Eq "non-trimmed: *[1-9]" || fail "the log during the retry: $(cat klog)"
expect_status 0 rehost capture --no-systems --resume disk.img r.rhi
grep -q "captured before" err || fail "$(cat err)"
expect_status 0 rehost verify r.rhi
/usr/bin/python3 "$REHOST_TOP/tests/py/rhi_reader.py" restore r.rhi again || fail "the second reader"
expect_status 0 rehost capture --no-systems disk.img whole.rhi
/usr/bin/python3 "$REHOST_TOP/tests/py/rhi_reader.py" restore whole.rhi once || fail "the second reader"
cmp again once || fail "the capture that went on gives another disk"
