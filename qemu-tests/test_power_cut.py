"""The power goes in the middle of a capture, and then of a restore: the machine is
killed, and its disks lose what they had not been told to flush (lab/powercut.py).
Nothing that is there then looks complete, and `--resume` goes on in a machine that was
switched on again; or the job had said that it is done: then it is.

LAB_CUTS="0.1:torn 0.5:lost done:torn": other moments (the part that is done, or "done")
and what becomes of the cache."""

import json
import os
import re

import pexpect
import pytest

from lab import disks, judge, live, patient, powercut
from lab.disks import MIB
from lab.live import Shell
from lab.qemu import Disk

CUTS = os.environ.get("LAB_CUTS", "0.3:torn 0.8:lost done:torn").split()
RATE = 8                        # MB/s: 20 s for the disk, two marks of a restore
JOB = 600
MARK = b"REHOST-RESTORE\0"      # docs/INTERFACES.md


def drives(paths):
    """The source, the disk that keeps the image, the target."""
    return [Disk(paths[0], serial="OLD1"), Disk(paths[1], serial="KEEP1", cache=True, rate=RATE),
            Disk(paths[2], serial="NEW1", cache=True, rate=RATE)]


def switched_on(vm):
    shell = Shell(vm)
    shell.run(f"modprobe ext4; mkdir /keep; mount -t ext4 {shell.disk('KEEP1')}1 /keep")
    return shell, shell.disk("OLD1"), shell.disk("NEW1")


def run_until(shell, command, moment):
    """Begins a job, and returns when it tells that it came to the moment."""
    shell.start(f"rehost {command} --events-fd 3 3>&1 >/dev/null 2>/tmp/err; cat /tmp/err; echo @@ended")
    line = shell.vm.serial2
    while True:
        at = line.expect([r"(\{[^\n]*\})\r?\n", "@@ended", pexpect.TIMEOUT], timeout=patient(JOB))
        if at:
            raise shell.vm.failure(f"'{command}' never came to {moment}: {line.before}")
        event = json.loads(line.match.group(1))
        if event["event"] == "done":
            assert moment == "done", "it was done before the power went"
            return
        if event["event"] == "progress" and event["step"] == "copy" and moment != "done" \
                and event["bytes_done"] >= float(moment) * event["bytes_total"]:
            return


def noise(path, size):
    """A disk that held something else."""
    with open(path, "wb") as f:
        for _ in range(0, size, MIB):
            f.write(os.urandom(MIB))
    return path


def image_after(shell, source, moment):
    """The image, complete: it was, or the capture goes on. Returns its digest."""
    assert shell.run("ls /keep/*.rhi* | wc -l").strip() == "1"
    if moment != "done":
        shell.run("! test -e /keep/a.rhi")
        said = shell.run(f"rehost capture --resume --checkpoint 2 {source} /keep/a.rhi", JOB)
        assert "of it had been captured before" in said, said
    return shell.digest(shell.run("rehost verify /keep/a.rhi", JOB))


def looks_empty(path):
    """The target of a restore that was cut: a mark, and no partition table."""
    with open(path, "rb") as f:
        first = f.read(MIB)
    return first.startswith(MARK) and first[510:512] != b"\x55\xaa" and not any(first[512:])


@pytest.mark.parametrize("cut", CUTS, ids=lambda c: c.replace(":", "-"))
def test_power_cut(iso, data_disk, work, cut):
    moment, how = cut.split(":")
    name = "cut-" + re.sub("[^a-z0-9]", "-", cut)
    kept = disks.keeper(work / "kept.raw", "ext4", 1024 * MIB)
    target = noise(work / "target.raw", 640 * MIB)
    attached = drives((data_disk.path, kept, target))

    with live.boot(f"{name}-capture", iso, attached) as vm:
        shell, source, _ = switched_on(vm)
        run_until(shell, f"capture --checkpoint 2 {source} /keep/a.rhi", moment)
        lost = vm.power_cut(how)
    with live.boot(f"{name}-resume", iso, attached) as vm:
        shell, source, new = switched_on(vm)
        digest = image_after(shell, source, moment)
        run_until(shell, f"restore --yes /keep/a.rhi {new}", moment)
        lost += vm.power_cut(how, seed=2)
    if moment != "done":
        assert sum(lost), "nothing was in the disks' caches"
        assert looks_empty(target)
        with live.boot(f"{name}-again", iso, attached) as vm:
            shell, source, new = switched_on(vm)
            found = json.loads(shell.run("rehost disks --json 2>/dev/null"))["disks"]
            mark = [d["interrupted"] for d in found if d.get("serial") == "NEW1"][0]
            said = shell.run(f"rehost restore --yes --resume --verify /keep/a.rhi {new}", JOB)
            assert shell.digest(said) == digest
            # every 10 s there is a mark, and a job at RATE takes 20
            assert mark["bytes_done"] > 0 or float(moment) < 0.7, mark
            shell.run("umount /keep")
            shell.power_off()
        judge.ext4_clean(kept, disks.partitions(kept)[0][0])
    data_disk.untouched()
    data_disk.check(target)
