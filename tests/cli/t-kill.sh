#!/bin/sh
# kill -9 at 50 random points of a capture: never a file that `info` calls
# complete, never the final name.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
linux_disk disk.img
/usr/bin/python3 - <<'PY'
import os, random, signal, subprocess, sys, time

def capture():
    return subprocess.Popen(["rehost", "capture", "--no-systems", "--level", "small", "disk.img", "k.rhi"],
                            stderr=subprocess.DEVNULL)

def info(path):
    return subprocess.run(["rehost", "info", "--json", path], capture_output=True, text=True)

t = time.monotonic()
assert capture().wait() == 0
whole = time.monotonic() - t
os.unlink("k.rhi")
rng = random.Random(20)
killed = parts = 0
for i in range(400):
    p = capture()
    time.sleep(rng.random() * whole)
    p.send_signal(signal.SIGKILL)
    if p.wait() == 0 or os.path.exists("k.rhi"):
        # it was faster than the signal: then it must be good
        assert info("k.rhi").returncode == 0
        os.unlink("k.rhi")
        continue
    killed += 1
    if os.path.exists("k.rhi.part"):
        parts += 1
        r = info("k.rhi.part")
        if r.returncode == 0 or '"complete": true' in r.stdout:
            # only a file that has all its bytes may say so: the kill came
            # between the last byte and the new name
            v = subprocess.run(["rehost", "verify", "k.rhi.part"], capture_output=True)
            assert v.returncode == 0, "round %d: an incomplete file is called complete" % i
    if killed == 50:
        break
assert killed == 50, killed
print("killed", killed, "times, a .part file", parts, "times")
assert parts >= 5, "the kills came too early or too late to say anything"
# the leftover does not hinder the next one
assert capture().wait() == 0
assert not os.path.exists("k.rhi.part")
PY
expect_status 0 rehost verify k.rhi
