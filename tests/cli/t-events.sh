#!/bin/sh
# --events-fd: valid JSON lines, in order, for each job; none is called done that failed.
# rehost-test: san
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
linux_disk disk.img
check() { # FILE JOB LAST STEPS...
	/usr/bin/python3 - "$@" <<'PY'
import json, sys
name, job, last, *steps = sys.argv[1:]
ev = [json.loads(l) for l in open(name)]
kinds = [e["event"] for e in ev]
assert kinds[-1] == last, kinds
seen = [e["step"] for e in ev if e["event"] == "step"]
assert seen == steps, seen
if last == "done":
    start = [e for e in ev if e["event"] == "start"]
    assert len(start) == 1 and start[0]["job"] == job, start
    assert kinds.index("start") < kinds.index("done")
    total = start[0]["bytes_total"]
    copy = [e for e in ev if e["event"] == "progress"]
    assert copy, "no progress"
    for e in copy:
        assert 0 <= e["bytes_done"] <= e["bytes_total"], e
        assert e["eta"] is None or e["eta"] >= 0
    for step in {e["step"] for e in copy}:
        one = [e["bytes_done"] for e in copy if e["step"] == step]
        assert one == sorted(one), one
        last_one = [e for e in copy if e["step"] == step][-1]
        assert last_one["bytes_done"] == last_one["bytes_total"], last_one
    done = ev[-1]
    assert done["status"] == 0 and len(done["digest"]) == 64, done
    assert done["path"] and done["bytes"] > 0 and done["image_bytes"] > 0
else:
    assert "done" not in kinds
    assert ev[-1]["text"] and ev[-1]["code"] in (1, 2, 4), ev[-1]
PY
}
rehost capture --verify --events-fd 5 disk.img disk.rhi 5>ev 2>err || fail "$(cat err)"
check ev capture 'done' map copy verify
rehost verify --events-fd 5 disk.rhi 5>ev 2>err
check ev verify 'done' verify
rehost restore --verify --events-fd 5 disk.rhi t.img 5>ev 2>err || fail "$(cat err)"
check ev restore 'done' copy flush verify
# failures
rehost capture --events-fd 5 disk.img disk.rhi 5>ev 2>err && fail "should be refused"
check ev capture error map
[ "$(json ev 'd["code"]' 2>/dev/null || tail -n 1 ev | sed 's/.*"code":\([0-9]*\).*/\1/')" = 4 ] || fail "$(cat ev)"
rehost restore --events-fd 5 disk.rhi t.img 5>ev 2>err </dev/null && fail "should be refused"
check ev restore error
# a reader that goes away does not stop the job
mkfifo fifo
head -c 10 fifo > /dev/null &
rehost capture --overwrite --events-fd 5 disk.img disk.rhi 5>fifo 2>err || fail "$(cat err)"
wait
expect_status 0 rehost verify disk.rhi
