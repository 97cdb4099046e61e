#!/bin/sh
# One bit flipped at 200 random places of an image: `verify` names each, `restore`
# never calls the result good.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
fill_ext disk.img 8
expect_status 0 rehost capture --no-systems disk.img disk.rhi
/usr/bin/python3 - <<'PY'
import json, random, subprocess
good = open("disk.rhi", "rb").read()
rng = random.Random(200)
for i in range(200):
    at, bit = rng.randrange(len(good)), rng.randrange(8)
    b = bytearray(good)
    b[at] ^= 1 << bit
    open("bad.rhi", "wb").write(b)
    r = subprocess.run(["rehost", "verify", "--json", "bad.rhi"], capture_output=True, text=True)
    assert r.returncode == 1, (at, bit, r.returncode, r.stderr)
    if not r.stdout:
        continue  # so damaged that it is no image: said in words
    d = json.loads(r.stdout)
    assert d["ok"] is False and d["bad_count"] >= 1 and d["bad"], (at, d)
    near = [x for x in d["bad"] if x["offset"] <= at]
    assert near, (at, d["bad"])
    if i % 10 == 0:
        r = subprocess.run(["rehost", "restore", "--yes", "bad.rhi", "t.img"], capture_output=True)
        assert r.returncode == 1, (at, r)
PY
