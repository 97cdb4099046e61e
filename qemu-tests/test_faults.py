"""What goes wrong while the wizard works: it says so clearly, never calls a
torn image good, and goes on."""

import re
import time

import pytest

from lab import disks, judge, live
from lab.disks import MIB
from lab.qemu import Disk
from lab.screen import Screen
from lab.wizard import Wizard, disk_place, nfs_place, smb_place

LARGER = 700 * MIB
AWAY = 30                       # seconds
MOVED = r"Nothing has moved for \d+ s"


def images(directory):
    """Names in a share that a user would take for images."""
    return sorted(p.name for p in directory.rglob("*") if p.name.endswith(".rhi"))


def restored(wizard, place, name, source, target, captured):
    """The wizard goes on: it restores the image, which is right."""
    wizard.to_menu()
    done = wizard.restore(place, name, "NEW1")
    assert done.good, done.text
    assert done.digest == captured.digest
    wizard.to_menu()
    wizard.power_off()
    wizard.screen.vm.wait_off(120)
    source.untouched()
    source.check(target)


@pytest.mark.parametrize("kind", ["smb", "nfs3"])
def test_server_away_and_back(request, iso, data_disk, work, kind):
    """The server is switched off for 30 s in the middle of a capture."""
    server = request.getfixturevalue("samba" if kind == "smb" else "nfs")
    place = smb_place(server) if kind == "smb" else nfs_place(server, "3")
    target = disks.create(work / "target.raw", LARGER)

    def away(wizard):
        wizard.progress()
        server.stop()
        begin = time.monotonic()
        wizard.screen.wait(MOVED, 120)
        wizard.shot("Capture: server away")
        time.sleep(max(0, begin + AWAY - time.monotonic()))
        assert not images(server.share)
        server.start()
        wizard.screen.wait(MOVED, 400, gone=True)

    with live.boot(f"away-{kind}", iso, [Disk(data_disk.path, serial="OLD1"),
                                         Disk(target, serial="NEW1")]) as vm:
        wizard = Wizard(Screen(vm))
        done = wizard.capture("OLD1", place, "away", during=away)
        assert done.good, done.text
        assert images(server.share) == ["away.rhi"]
        restored(wizard, place, "away", data_disk, target, done)


def test_server_gone(iso, data_disk, samba, work):
    """The server does not come back: the wizard waits and says so, the user
    stops the job, and can do it again when the server is there."""
    target = disks.create(work / "target.raw", LARGER)

    def gone(wizard):
        wizard.progress()
        samba.stop()
        wizard.screen.wait(MOVED, 120)
        wizard.stop()

    with live.boot("gone", iso, [Disk(data_disk.path, serial="OLD1"),
                                 Disk(target, serial="NEW1")]) as vm:
        wizard = Wizard(Screen(vm))
        done = wizard.capture("OLD1", smb_place(samba), "gone", timeout=120, during=gone)
        assert "was stopped" in done.words, done.text
        assert not images(samba.share)
        samba.start()
        done = wizard.again()
        assert done.good, done.text
        assert images(samba.share) == ["gone.rhi"]
        restored(wizard, smb_place(samba), "gone", data_disk, target, done)


def test_full(iso, data_disk, samba, work):
    """The place is too small, as the wizard said: nothing is left that looks
    like an image, and another place does."""
    kept = disks.keeper(work / "kept.raw", "ext4", 64 * MIB)
    target = disks.create(work / "target.raw", LARGER)
    with live.boot("full", iso, [Disk(data_disk.path, serial="OLD1"), Disk(kept, serial="KEEP1"),
                                 Disk(target, serial="NEW1")]) as vm:
        wizard = Wizard(Screen(vm))
        done = wizard.capture("OLD1", disk_place("IMAGES"), "big")
        assert "The capture failed." in done.text, done.text
        assert "full" in done.text or "No space" in done.text, done.text
        wizard.screen.press("enter")
        wizard.back_to("place")
        done = wizard.capture_to(smb_place(samba), "big")
        assert done.good, done.text
        restored(wizard, smb_place(samba), "big", data_disk, target, done)
    offset = disks.partitions(kept)[0][0]
    judge.ext4_clean(kept, offset)
    assert [p for p in judge.ext4_files(kept, offset, work) if ".rhi" in p] == []


def find(disk, data):
    """Where some bytes are in a disk file."""
    with open(disk, "rb") as f:
        at = f.read().find(data)
    assert at >= 0
    return at


def different(a, b):
    """Offsets of the sectors of `a` that are not the same in `b`."""
    with open(a, "rb") as fa, open(b, "rb") as fb:
        one, two = fa.read(), fb.read()
    return [i for i in range(0, len(one), 512) if one[i:i + 512] != two[i:i + 512]]


def test_unreadable_sector(iso, data_disk, samba, work):
    """One sector of a file cannot be read: the capture ends with a warning that
    names it; after a restore nothing else is different."""
    bad = find(data_disk.path, b"file 150\n" * 150) + 512
    bad -= bad % 512
    target = disks.create(work / "target.raw", LARGER)
    place = smb_place(samba)
    with live.boot("unreadable", iso, [Disk(data_disk.path, serial="OLD1", bad=(bad // 512,)),
                                       Disk(target, serial="NEW1")]) as vm:
        wizard = Wizard(Screen(vm))
        done = wizard.capture("OLD1", place, "bad", {"Verify afterwards": "yes"})
        assert "is done, with warnings" in done.words, done.text
        told = re.search(r"(\d+) bytes at offset (\d+) could not be read", done.text)
        assert told and int(told.group(1)) <= 4096, done.text
        assert 0 <= bad - int(told.group(2)) < int(told.group(1)), done.text
        wizard.to_menu()
        done = wizard.restore(place, "bad", "NEW1")
        assert "is done" in done.words, done.text
        wizard.to_menu()
        wizard.power_off()
        vm.wait_off(120)
    data_disk.untouched()
    offset = disks.partitions(target)[0][0]
    judge.ext4_clean(target, offset)
    before, after = (judge.ext4_files(d, offset, work) for d in (data_disk.path, target))
    assert [p for p in before if before[p] != after.get(p)] == ["small/150"]
    changed = [i for i in different(data_disk.path, target) if i >= offset]
    assert bad in changed and {i // 4096 for i in changed} == {bad // 4096}, changed
