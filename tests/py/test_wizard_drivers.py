"""Drivers for a Windows: the wizard's pages on a terminal, over a fake `rehost` and
`rehost-adapt` (fake/rehost-adapt, adapt=windows)."""
import json
import os

import pytest
import test_adapt_windows as win
from test_wizard_flows import URL, confirm, smb, to_adapt, to_target
from wizard_screen import CTRL_U, DOWN, ENTER, ESC, HERE, UP, Wizard, drivers_of

DEVICE = "1af4:1001 Red Hat, Inc. Virtio block device"


def words(text):
    """A box's text without its frame, or a page's, in one line."""
    return " ".join(text.replace("|", " ").replace("\\\n", " ").split())


def to_drivers(w, **kw):
    info = w.folder / "info.json"
    info.write_text(info.read_text().replace('"kind": "linux"', '"kind": "windows"'))
    w.mode("adapt=windows")
    to_target(w)
    w.send(DOWN, ENTER)
    assert "[x] yes" in w.title("Restore: adapt")
    w.send(ENTER)
    t = w.title("Restore: drivers", **kw)
    assert "Windows will NOT boot" in t and DEVICE + " (its disk needs it)" in t
    assert "give a folder that contains viostor.inf" in words(t)


@pytest.mark.parametrize("term", ["linux", "vt100"])
def test_wrong_folder_right_folder(tmp_path, term):
    """A missing driver, a wrong folder, the right folder: the verdict turns good."""
    with Wizard(tmp_path, term=term) as w:
        to_drivers(w)
        assert drivers_of(w.calls("adapt")[-1]) == []
        w.send("1")
        t = w.title("Restore: driver disk")
        assert "- nvme0n1p1" in t and "backup" in t
        w.send(DOWN * 3)
        w.wait("its disk will be overwritten")
        w.send(ENTER)
        w.wait("nvme0n1p1 can't be used: its disk will be overwritten.")
        w.send(DOWN, ENTER)
        t = w.title("Restore: driver folder")
        assert "dev:///dev/sdb1" in t and "virtio-win.iso" in t
        assert w.calls("place")[-1]["argv"] == ["place", "--json", "--read-only", "dev:///dev/sdb1"]
        w.send(DOWN, DOWN, ENTER)
        t = w.wait("dev:///dev/sdb1/xp", "viostor.inf", gone="Please wait.")
        assert w.line() == "This folder, with all below it"
        w.send(ENTER)
        t = w.wait("Problem", gone="Please wait.")
        assert f"Nothing in dev:///dev/sdb1/xp serves {DEVICE}." in words(t)
        assert drivers_of(w.calls("adapt")[-1]) == ["dev:///dev/sdb1/xp"]
        w.send(ENTER)
        w.wait("Restore: driver folder", "dev:///dev/sdb1/xp", gone="Problem")
        w.send(DOWN, ENTER)                             # ".."
        w.wait("w10/", gone="Please wait.")
        w.send(DOWN, ENTER)
        w.wait("dev:///dev/sdb1/w10", gone="Please wait.")
        w.send(ENTER)
        t = w.title("Restore: verdict")
        assert t.splitlines()[2].strip() == "Will boot after these edits."
        assert "viostor.sys" in t
        w.send(ENTER)
        confirm(w)
        assert not w.calls("restore")
        w.send("nvme0n1", ENTER)
        t = w.title("Restore: result")
        assert "The restore is done." in t
        call, = w.calls("restore")
        assert call["argv"] == ["restore", "--events-fd=3", "--yes", "--expect-serial=50026B7684E1F2A3",
                                "--adapt", "--drivers", "dev:///dev/sdb1/w10", URL, "/dev/nvme0n1"]
        assert "--adapt --drivers dev:///dev/sdb1/w10 smb://" in words(t)
        assert "--adapt --drivers dev:///dev/sdb1/w10 smb://" in (tmp_path / "wizard.log").read_text()


def test_share_of_the_image(tmp_path):
    with Wizard(tmp_path) as w:
        to_drivers(w)
        w.send("2")
        assert "smb://192.0.2.1/images/machines/old" in w.title("Restore: driver folder")
        call = w.calls("place")[-1]
        assert call["argv"][-1] == "smb://192.0.2.1/images/machines/old"
        assert call["env"]["REHOST_PASSWORD"] == "s3cret word"
        w.send(ENTER)
        t = words(w.wait("Problem", gone="Please wait."))
        assert "Nothing in smb://192.0.2.1/images/machines/old serves" in t
        w.send(ENTER)
        w.wait("Restore: driver folder", gone="Problem")
        w.send(ESC)
        w.title("Restore: drivers")
        w.send("3")
        w.title("Restore: driver path")
        w.send("w10", ENTER)
        w.wait("It begins with / or smb://")
        w.send(CTRL_U, "/mnt/gone", ENTER)
        w.wait("Problem", "No such file or directory")
        w.send(ENTER)
        w.wait("Restore: driver path", gone="Problem")
        w.send(CTRL_U, "/mnt/w10", ENTER)
        assert "Will boot after these edits." in w.title("Restore: verdict")
        assert drivers_of(w.calls("adapt")[-1]) == ["/mnt/w10"]


def test_go_on_without(tmp_path):
    with Wizard(tmp_path) as w:
        to_drivers(w)
        w.send("4")
        w.wait("Devices that still have no driver: 1.", gone="Please wait.")
        w.send("5")
        assert "Will NOT boot" in w.title("Restore: verdict")
        w.send(ENTER)
        w.wait("Question", "The system will NOT boot on this machine.")
        w.send("n")
        w.wait("Will NOT boot", gone="Question")
        w.send("d")
        w.title("Restore: drivers")


def test_adapt_from_a_share(tmp_path):
    with Wizard(tmp_path) as w:
        w.mode("adapt=windows")
        to_adapt(w)
        w.send(ENTER)
        w.title("Adapt: drivers")
        smb(w)                                          # 2: an SMB share
        w.send(ENTER)
        w.title("Adapt: driver folder")
        w.send(ESC)
        w.wait("Password", gone="driver folder")
        w.send(UP, UP, CTRL_U, "w10", ENTER)
        assert "smb://192.0.2.1/images/w10" in w.title("Adapt: driver folder")
        w.send(ENTER)
        assert "Will boot after these edits." in w.title("Adapt: verdict")
        w.send(ENTER)
        w.title("Adapt: confirm")
        w.send("sda", ENTER)
        t = w.title("Adapt: result")
        call = w.calls("adapt")[-1]
        assert call["argv"] == ["adapt", "--events-fd=3", "--yes", "--drivers",
                                "smb://192.0.2.1/images/w10", "/dev/sda"]
        assert call["env"]["REHOST_PASSWORD"] == "s3cret word"
        assert "rehost-adapt --drivers smb://192.0.2.1/images/w10 /dev/sda" in words(t)
        assert "s3cret" not in (tmp_path / "wizard.log").read_text()


@pytest.mark.skipif(not os.path.isdir(os.path.join(win.FIXTURES, "hives")), reason="no fixtures")
def test_real_verdicts(tmp_path):
    """The same with the real rehost-adapt on a Windows 10; only the machine is made up."""
    disk = win.Disk("win10-1709-x64-dirty", tmp_path)
    drivers = win.packages(tmp_path / "drivers")
    way = [w for w in win.ways_of("kvm") if w.name == "virtio-blk"][0]
    (tmp_path / "hw.json").write_text(json.dumps(win.inventory(way)))
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "rehost-adapt"
    program.write_text(f"#!/bin/sh\nwhile [ \"$1\" != --target ]; do a=\"$a $1\"; shift; done\n"
                       f"exec {os.path.abspath(win.ADAPT)} $a --hardware {tmp_path}/hw.json {disk.path}\n")
    program.chmod(0o755)
    path = f"{program.parent}:{HERE / 'fake'}:{os.environ['PATH']}"
    with Wizard(tmp_path, PATH=path) as w:
        to_drivers(w, seconds=60)
        w.send("3")
        w.title("Restore: driver path")
        w.send(f"{drivers}/viostor/xp", ENTER)
        t = words(w.wait("Problem", gone="Please wait.", seconds=60))
        assert "Nothing in " in t and f" serves {DEVICE}." in t
        w.send(ENTER)
        w.wait("driver path", gone="Problem")
        w.send(CTRL_U, str(drivers), ENTER)
        t = w.title("Restore: verdict", seconds=60)
        assert "Will boot after these edits." in t
        w.send(ENTER)
        confirm(w)
        w.send("nvme0n1", ENTER)
        w.title("Restore: result")
        assert drivers_of(w.calls("restore")[0]) == [str(drivers)]
