#!/bin/sh
# A capture that is killed at random points goes on with --resume and ends in a
# whole image of the disk; a disk that changed meanwhile, or another one, is refused.
# REHOST_KILLS: how many kills (`make kill-sweep`: thousands).
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
linux_disk disk.img
# mostly copying: a disk without file systems, which compresses a little
/usr/bin/python3 -c 'import random
r = random.Random(3)
open("kill.img", "wb").write(b"".join(bytes(r.choices(range(97, 122), k=512)) * 8 + r.randbytes(4096) for _ in range(3000)))'
/usr/bin/python3 - <<'PY'
import os, random, re, signal, subprocess, sys, time

COMMON = ["rehost", "capture", "--no-systems", "--level", "small", "--checkpoint", "0"]

def capture(*more):
    return subprocess.Popen(COMMON + [*more, "kill.img", "k.rhi"], stderr=subprocess.PIPE, text=True)

def whole():
    t = time.monotonic()
    p = capture()
    said = p.communicate()[1]
    assert p.returncode == 0, said
    return time.monotonic() - t

def written():
    n = 0
    for name in os.listdir("."):
        if name.startswith("k.rhi"):
            try:
                n += os.path.getsize(name)
            except FileNotFoundError:
                pass   # it just got its name
    return n

def finished():
    """Whole, and of the disk."""
    subprocess.run(["rehost", "verify", "k.rhi"], check=True, stderr=subprocess.DEVNULL)
    subprocess.run(["rehost", "restore", "--yes", "k.rhi", "back.img"], check=True, stderr=subprocess.DEVNULL)
    assert subprocess.run(["cmp", "back.img", "kill.img"]).returncode == 0, kind
    os.unlink("back.img")

def remove():
    for name in os.listdir("."):
        if name.startswith("k.rhi"):
            os.unlink(name)

def wait_for_kill(p):
    """Until some time has passed, or the image has grown to some size."""
    if rng.random() < 0.5:
        return time.sleep(rng.random() * seconds * 1.2)
    so_far = written()
    until = so_far + rng.random() * 1.1 * max(0, sizes.get(tuple(kind), size) - so_far)
    while p.poll() is None and written() <= until:
        time.sleep(0.0005)

seconds = whole()
size = os.path.getsize("k.rhi")
sizes = {}   # by kind
os.rename("k.rhi", "all.rhi")
rng = random.Random(int(os.environ.get("REHOST_SEED", "5")))
os.environ["REHOST_PASSPHRASE"] = "x"
KINDS = ([], ["--dedup"], ["--base", "all.rhi"], ["--encrypt"], ["--split", "16M"])
kind = []
wanted = int(os.environ.get("REHOST_KILLS", "12"))
killed = went_on = 0
while killed < wanted:
    p = capture("--resume", *kind)
    wait_for_kill(p)
    p.send_signal(signal.SIGKILL)
    said = p.communicate()[1]
    if os.path.exists("k.rhi"):
        # done, or killed after it got its name: then it must be good
        went_on += "captured before" in said
        finished()
        sizes[tuple(kind)] = written()
        remove()
        kind = rng.choice(KINDS)
        continue
    assert p.returncode == -signal.SIGKILL, (p.returncode, said)
    killed += 1
p = capture("--resume", *kind)
said = p.communicate()[1]
assert p.returncode == 0, said
finished()
went_on += "captured before" in said
print(killed, "kills,", went_on, "times an image was finished that had been begun before")
# and one that is surely in the middle
remove()
p = capture("--encrypt")
while not os.path.exists("k.rhi.part") or os.path.getsize("k.rhi.part") < 4 << 20:
    assert p.poll() is None, p.communicate()[1]
    time.sleep(0.001)
p.send_signal(signal.SIGKILL)
p.communicate()
p = capture("--encrypt", "--resume")
said = p.communicate()[1]
assert p.returncode == 0 and "captured before" in said, said
PY
reader() { /usr/bin/python3 "$REHOST_TOP/tests/py/rhi_reader.py" "$@" || fail "rhi_reader.py $*"; }
REHOST_PASSPHRASE=x expect_status 0 rehost verify k.rhi
REHOST_PASSPHRASE=x reader restore k.rhi again
cmp again kill.img || fail "the image that was gone on with gives another disk"
rm -f again k.rhi* kill.img all.rhi
expect_status 0 rehost capture --no-systems --level small --checkpoint 0 disk.img all.rhi
reader restore all.rhi once

# cut off at any byte: what is behind the last checkpoint is made again
size=$(stat -c %s all.rhi)
rehost map --json disk.img >map
used=$(json map 'd["used"] // 1000000')
for part in 3 50 97 100; do
	head -c $((size * part / 100)) all.rhi > c.rhi.part
	expect_status 0 rehost capture --no-systems --resume disk.img c.rhi
	[ "$part" -lt 97 ] || grep -q "captured before" err || fail "cut at $part %, begun anew: $(cat err)"
	# behind the last of many, not behind the first
	[ "$part" -lt 97 ] || [ "$(awk '/captured before/ { print int($1) }' err)" -ge $((used / 2)) ] ||
		fail "cut at $part %, of $used MB: $(cat err)"
	reader restore c.rhi again
	cmp again once || fail "cut at $part %: another disk"
	expect_status 0 rehost verify c.rhi
	rm -f c.rhi
done

# a place that is damaged before the last checkpoint: not gone on from there
head -c $((size * 97 / 100)) all.rhi > c.rhi.part
printf 'XXXX' | dd of=c.rhi.part bs=1 seek=$((size / 3)) conv=notrunc status=none
expect_status 0 rehost capture --no-systems --resume --verify disk.img c.rhi
rm -f c.rhi

# the disk was used meanwhile: another byte in its first chunk, the same map
head -c $((size * 90 / 100)) all.rhi > c.rhi.part
cp --sparse=always disk.img used.img
printf 'Z' | dd of=used.img bs=1 seek=100 conv=notrunc status=none
mv disk.img kept.img
mv used.img disk.img
expect_status 4 rehost capture --no-systems --resume disk.img c.rhi
grep -q "isn't as it was.*without --resume" err || fail "$(cat err)"
grep -q "goes on there" err && fail "it won't: $(cat err)"
[ ! -e c.rhi ] || fail "an image of two moments"
head -c $((size * 90 / 100)) all.rhi | cmp - c.rhi.part || fail "what was there is changed"
# another disk
truncate -s 3G disk.img
expect_status 4 rehost capture --no-systems --resume disk.img c.rhi
grep -q "is of another disk" err || fail "$(cat err)"
mv kept.img disk.img

# an option that was forgotten, or is new: it is named, and nothing is lost
begun() { # TEXT BEGUN-WITH NOW...
	text_=$1
	rm -f c.rhi o.rhi
	# shellcheck disable=SC2086
	expect_status 0 rehost capture --no-systems --checkpoint 0 $2 disk.img o.rhi
	head -c $(($(stat -c %s o.rhi) * 90 / 100)) o.rhi > c.rhi.part
	cp c.rhi.part was.part
	shift 2
	expect_status 4 rehost capture --no-systems --resume "$@" disk.img c.rhi
	grep -qF "c.rhi was begun $text_; go on with it the same way" err || fail "$text_: $(cat err)"
	cmp c.rhi.part was.part || fail "$text_: what was there is changed"
}
begun "with --only 1,2" "--only root,EFI"
begun "with --only 1,2" "--only 1,2" --only 1,3
expect_status 0 rehost place --json .
[ "$(json out '[(c["only"], c["page_files"], c["unlock"], c["partial"]) for c in d["interrupted"]]')" = \
	"[([1, 2], False, False, True)]" ] || fail "place: $(cat out)"
expect_status 0 rehost capture --no-systems --resume --only EFI,2 disk.img c.rhi
begun "without --only" "" --only 1
begun "with --page-files" "--page-files"
begun "without --page-files" "" --page-files
rm -f o.rhi

# nothing there: begins at the front, and says so
rm -f c.rhi.part
expect_status 0 rehost capture --no-systems --resume disk.img c.rhi
grep -q "an interrupted capture of c.rhi isn't there" err || fail "$(cat err)"
expect_status 2 rehost capture --resume disk.img - >/dev/null

# a full place: what was captured stays, and more room is enough
"${CC:-gcc}" -O1 -shared -fPIC -o faults.so "$REHOST_TOP/tests/lib/faults.c" -ldl || exit 1
rm -f c.rhi
st=0
LD_PRELOAD=$PWD/faults.so FAULT_FILE=$PWD/c.rhi.part FAULT_WRITE=$((size / 2)) \
	rehost capture --no-systems --checkpoint 0 disk.img c.rhi 2>err || st=$?
case $REHOST_B in */san) exit 0 ;; esac
[ $st = 1 ] || fail "ENOSPC: status $st: $(cat err)"
grep -q "kept in c.rhi.part.*--resume" err || fail "$(cat err)"
expect_status 0 rehost capture --no-systems --resume disk.img c.rhi
grep -q "captured before" err || fail "$(cat err)"
reader restore c.rhi again
cmp again once || fail "after ENOSPC: another disk"

# the last fsync fails, where NFS tells of a full disk: the checkpoints stay
"${CC:-gcc}" -O1 -shared -fPIC -o faults.so "$REHOST_TOP/tests/lib/faults.c" -ldl || exit 1
flushes() { # FILE AT COMMAND...: that flush fails; $st, and $n is how many there were
	file_=$1 at_=$2 st=0
	shift 2
	rm -f count
	LD_PRELOAD=$PWD/faults.so FAULT_FILE=$PWD/$file_ FAULT_CALLS=sync FAULT_AT=$at_ FAULT_FOR=1 \
		FAULT_HOW=eio FAULT_COUNT=$PWD/count "$@" 2>err || st=$?
	n=$(od -An -tu8 -N8 count | tr -d ' ')
}
capture="rehost capture --no-systems --level small"
rm -f c.rhi
flushes c.rhi.part 0 $capture --checkpoint 0 disk.img c.rhi
[ $st = 0 ] && [ "$n" -gt 2 ] || fail "status $st, $n flushes: $(cat err)"
last=$n
for resume in "" --resume; do
	rm -f c.rhi
	flushes c.rhi.part "$last" $capture --checkpoint 0 $resume disk.img c.rhi
	[ $st = 1 ] && [ ! -e c.rhi ] || fail "fsync: status $st: $(cat err)"
	grep -q "made durable: .*kept in c.rhi.part.*--resume" err || fail "$(cat err)"
	# what was written since then may be lost, though it can be read for now
	[ "$(stat -c %s c.rhi.part)" -lt "$size" ] || fail "the image's end is still there"
	# no new checkpoint, and again
	flushes c.rhi.part 1 $capture --resume disk.img c.rhi
	[ $st = 1 ] && grep -q "kept in c.rhi.part" err || fail "fsync: status $st: $(cat err)"
	expect_status 0 $capture --resume disk.img c.rhi
	grep -q "captured before" err || fail "$(cat err)"
	reader restore c.rhi again
	cmp again once || fail "after a failed fsync: another disk"
done
rm -f c.rhi
flushes c.rhi.part 1 $capture disk.img c.rhi
[ $st = 1 ] && [ ! -e c.rhi.part ] || fail "without a checkpoint: status $st: $(ls; cat err)"

# a volume that was begun, with nothing of it durable
head -c 20M /dev/urandom > raw.img
flushes v.rhi.001.part 1 $capture --checkpoint 0 --split 16M raw.img v.rhi
[ $st = 1 ] && [ -e v.rhi.001.part ] || fail "fsync: status $st: $(ls; cat err)"
expect_status 0 $capture --resume --split 16M raw.img v.rhi
grep -q "captured before" err || fail "$(cat err)"
reader restore v.rhi again
cmp again raw.img || fail "volumes: another disk"
