#!/bin/sh
# Restores, --delta and --resume stopped at random writes and moments, again and
# again: nothing is called complete that isn't, and every chain ends equal to the
# image.  REHOST_KILLS: how many (`make kill-sweep` makes thousands).
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
requires "${CC:-gcc}"
"${CC:-gcc}" -O1 -shared -fPIC -o faults.so "$REHOST_TOP/tests/lib/faults.c" -ldl
requires sfdisk mke2fs
truncate -s 20M disk.img
printf 'label: gpt\nsize=16M\n' | sfdisk -q disk.img
fill_ext root.img 16
put root.img disk.img 1
rehost capture --no-systems disk.img disk.rhi 2>/dev/null
/usr/bin/python3 - <<'PY'
import json, os, random, shutil, signal, subprocess, time

KILLS = int(os.environ.get("REHOST_KILLS", "20"))
SEED = int(os.environ.get("REHOST_SEED", "21"))
IMGTOOL = os.environ["REHOST_B"] + "/tests/tools/imgtool"
ALL, DELTA, RESUME = 0, 1, 2
rng = random.Random(SEED)
disk = open("disk.img", "rb").read()
extents = json.loads(subprocess.run(["rehost", "map", "--json", "disk.img"], check=True,
                                    capture_output=True).stdout)["extents"]
old = rng.randbytes(len(disk))
open("old.img", "wb").write(old)


def argv(tool, how):
    if tool == "imgtool":           # with a mark after each MiB
        return [IMGTOOL, "restore", "disk.rhi", "t.img", "2", "0", "0", "512", str(how), "1"]
    return ["rehost", "restore", "--yes", "disk.rhi", "t.img"] + [[], ["--delta"], ["--resume"]][how]


CUTS = {"none": {}, "kill": {"FAULT_HOW": "kill"}, "torn": {"FAULT_HOW": "torn"},
        "once": {"FAULT_HOW": "eio", "FAULT_FOR": "1"}, "dead": {"FAULT_HOW": "eio"}}


def run(tool, how, cut=None, at=0, after=None):
    env = dict(os.environ)
    if cut:
        open("count", "wb").close()
        env.update(LD_PRELOAD=os.path.abspath("faults.so"), FAULT_FILE=os.path.abspath("t.img"),
                   FAULT_CALLS="write,sync", FAULT_AT=str(at), FAULT_COUNT="count", **CUTS[cut])
    p = subprocess.Popen(argv(tool, how), env=env, stderr=open("err", "wb"))
    if after is not None:
        time.sleep(after)
        p.send_signal(signal.SIGKILL)
    return p.wait()


def content():
    return open("t.img", "rb").read()


def equal(b):
    return all(b[o:o + n] == disk[o:o + n] for o, n in extents)


def seen():
    out = subprocess.run(["rehost", "disks", "--no-systems", "--json", "t.img"], check=True,
                         capture_output=True).stdout
    return json.loads(out)["disks"][0]


# what an undisturbed one makes of it, with how many writes, in what time
whole, writes, seconds = {}, {}, {}
for tool in "rehost", "imgtool":
    shutil.copy("old.img", "t.img")
    begin = time.monotonic()
    assert run(tool, ALL, "none") == 0, open("err").read()
    seconds[tool] = time.monotonic() - begin
    writes[tool] = int.from_bytes(open("count", "rb").read(8), "little")
    whole[tool] = content()
    assert equal(whole[tool])
kills = rounds = resumed = marks = 0
while kills < KILLS:
    rounds += 1
    where = "round %d of seed %d" % (rounds, SEED)
    tool = rng.choice(["rehost", "imgtool", "imgtool"])
    how, last, clean = rng.choice([ALL, ALL, DELTA]), False, True
    shutil.copy("old.img", "t.img")
    for turn in range(7):
        clean = clean and how != DELTA
        cut = rng.choice(["kill", "torn", "once", "dead", "time"]) if turn < 6 and rng.random() < .7 else None
        if cut == "time":
            status = run(tool, how, after=rng.random() * seconds[tool])
        else:
            status = run(tool, how, cut, rng.randint(1, writes[tool]))
        resumed += how == RESUME and status == 0
        if status == 0:
            break
        assert cut, where + ": " + open("err").read()
        kills += 1
        disks, b = seen(), content()
        if not equal(b):
            assert disks["table"] is None, "%s: an incomplete disk has a table" % where
        marks += "interrupted" in disks
        how = RESUME if "interrupted" in disks and rng.random() < .8 else DELTA
    assert status == 0, where
    b = content()
    assert equal(b), "%s: called complete, but isn't" % where
    assert "interrupted" not in seen(), where
    if clean:
        assert b == whole[tool], "%s: not what an undisturbed restore makes" % where
print("%d chains, stopped %d times, a mark %d times, resumed %d times" % (rounds, kills, marks, resumed))
assert marks > KILLS // 4 and resumed > KILLS // 12
PY
