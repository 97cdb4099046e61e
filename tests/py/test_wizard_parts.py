"""The wizard: chosen partitions, and the disks of one machine together; over a fake
`rehost`."""
import json

from wizard_screen import CTRL_U, DOWN, ENTER, ESC, TAB, Wizard

URL = "smb://192.0.2.1/images/machines/old/"


def smb(w):
    w.send("2")
    w.wait("SMB share", "Password")
    w.send("192.0.2.1", TAB, "images", TAB, "machines/old", ENTER)


def test_capture_chosen_partitions(tmp_path):
    with Wizard(tmp_path) as w:
        w.title("Main menu")
        w.send("1")
        w.title("Capture: disks")
        w.send("p")
        w.wait("Mark the disk first")
        w.send(" ", "p")
        t = w.title("Capture: partitions")
        assert "Which partitions shall be captured?" in t and t.count("[x]") == 3
        w.send(DOWN, DOWN, " ")
        w.wait("[ ]   3")
        w.send(ENTER)
        t = w.title("Capture: disks")
        assert "[p] sda" in t
        w.send("p")
        assert "[ ]   3" in w.title("Capture: partitions")      # kept
        w.send(" ")
        w.wait("[ ]   1", "[x]   2", "[ ]   3")
        w.send(ESC)
        w.title("Capture: disks")
        w.send(ENTER)
        w.title("Capture: place")
        smb(w)
        w.title("Capture: place checked")
        w.send(ENTER)
        w.title("Capture: options")
        w.send(CTRL_U, "web1", ENTER)
        w.title("Capture: summary")
        w.send(ENTER)
        t = w.title("Capture: result")
        call, = w.calls("capture")
        assert call["argv"] == ["capture", "--events-fd=3", "--level", "balanced", "--only", "2",
                                "/dev/sda", URL + "web1.rhi"]
        assert f"rehost capture --level balanced --only 2 /dev/sda {URL}web1.rhi" in " ".join(
            t.replace("\\\n", " ").split())


def to_images(w):
    w.title("Main menu")
    w.send("2")
    w.title("Restore: place")
    smb(w)
    return w.title("Restore: image")


def test_restore_chosen_partitions(tmp_path):
    with Wizard(tmp_path) as w:
        disks = json.loads((tmp_path / "disks.json").read_text())
        sdb = disks["disks"][2]
        sdb["size"] = 498_500_000_000
        sdb["partitions"] = [{**sdb["partitions"][0], "size": 400_000_000_000},
                             {**sdb["partitions"][0], "number": 2, "start": 400_001_048_576,
                              "size": 498_000_000_000}]
        (tmp_path / "disks.json").write_text(json.dumps(disks))
        to_images(w)
        w.send(ENTER)
        w.title("Restore: image details")
        w.send("p")
        t = w.title("Restore: partitions")
        assert "Which partitions shall be restored?" in t and t.count("[x]") == 2
        w.send(" ", DOWN, " ")
        w.wait("At least one partition must stay marked.")
        w.send(ENTER)
        assert "chosen: partition 2" in w.title("Restore: image details")
        w.send(ENTER)
        w.wait("Which disk has the places for the partitions?")
        w.send(DOWN, DOWN)          # too small for the whole image, but that doesn't matter
        w.wait("4C530001", gone="too small")
        w.send(ENTER)
        t = w.title("Restore: target partition")
        assert "12 GB of it are used" in t and "Into which partition of sdb shall partition 2 go?" in t
        assert w.line().split() == ["2", "498", "GB", "ext4", "backup"]
        w.send("\033[A", ENTER)                 # as the command would refuse it
        w.wait("Partition 1 is too small: 498 GB are needed.")
        assert w.line().split()[:2] == ["-", "1"]
        w.send(DOWN, ENTER)
        t = w.title("Restore: confirm")         # nothing is adapted
        assert "What is in partition 2 of /dev/sdb will be lost." in " ".join(t.split())
        w.send("sdb", ENTER)
        t = w.title("Restore: result")
        call, = w.calls("restore")
        assert call["argv"] == ["restore", "--events-fd=3", "--yes", "--only", "2", "--into", "2",
                                "--expect-serial=4C530001", URL + "web1-20261101.rhi", "/dev/sdb"]
        assert "rehost restore --only 2 --into 2 --expect-serial=4C530001" in t


def test_restore_into_its_own_place(tmp_path):
    with Wizard(tmp_path) as w:
        disks = json.loads((tmp_path / "disks.json").read_text())
        disks["disks"][2]["partitions"] = []            # sdb
        (tmp_path / "disks.json").write_text(json.dumps(disks))
        to_images(w)
        w.send(ENTER)
        w.title("Restore: image details")
        w.send("p")
        w.title("Restore: partitions")
        w.send(" ", ENTER)                              # the second one
        w.title("Restore: image details")
        w.send(ENTER)
        w.title("Restore: target disk")
        w.send(DOWN, DOWN, ENTER)
        w.wait("sdb can't be the target: it has no partitions")
        w.send("\033[A", "\033[A", ENTER)
        w.title("Restore: target partition")
        assert w.line().split()[:2] == ["=", "2"]       # the highlight
        w.send("\033[A", ENTER)
        w.wait("Partition 1 is too small: 498 GB are needed.")
        assert w.line().split()[:2] == ["-", "1"]
        w.send(DOWN, DOWN, ENTER)
        w.wait("Partition 3 is too small")
        w.send("\033[A", ENTER)
        t = w.title("Restore: confirm")
        assert "What is in the places of partitions 2 on /dev/sda will be lost." in " ".join(t.split())
        w.send("sda", ENTER)
        w.title("Restore: result")
        call, = w.calls("restore")
        assert call["argv"] == ["restore", "--events-fd=3", "--yes", "--only", "2",
                                "--expect-serial=S3Z9NB0K123456X", URL + "web1-20261101.rhi", "/dev/sda"]


def test_restore_several_partitions(tmp_path):
    with Wizard(tmp_path) as w:
        info = json.loads((tmp_path / "info.json").read_text())
        info["disk"]["partitions"].append({"number": 3, "path": "/dev/sda3", "size": 1500000000,
                                           "start": 498537919488, "fs": "swap", "label": ""})
        (tmp_path / "info.json").write_text(json.dumps(info))
        to_images(w)
        w.send(ENTER)
        w.title("Restore: image details")
        w.send("p")
        w.title("Restore: partitions")
        w.send(" ", ENTER)
        w.title("Restore: image details")
        w.send(ENTER)
        w.title("Restore: target disk")
        w.send(ENTER)
        t = w.title("Restore: confirm")
        assert "What is in the places of partitions 2,3 on /dev/sda will be lost." in " ".join(t.split())


def machine_place(folder):
    place = json.loads((folder / "place.json").read_text())
    one = place["images"][0]
    place["images"] = [{**one, "name": "sda.rhi"}, {**one, "name": "sdb.rhi", "disk_size": 64_000_000_000}]
    place["machine"] = ["sda.rhi", "sdb.rhi"]
    (folder / "place.json").write_text(json.dumps(place))


def test_restore_a_machine(tmp_path):
    with Wizard(tmp_path) as w:
        machine_place(tmp_path)
        t = to_images(w)
        assert w.line().startswith("machine.json") and "2 disks of one machine" in t
        w.send(ENTER)
        t = w.title("Restore: image details")
        assert "sda.rhi" in t and "sdb.rhi" in t and "PowerEdge R230" in t
        w.send("p")
        w.wait("Choose one of the images for that")
        w.send(ENTER)
        w.wait("Which disk shall be overwritten with sda.rhi (500 GB)?")
        w.send(DOWN, DOWN, ENTER)
        w.wait("sdb can't be the target: too small")
        w.send(*["\033[A"] * 2, ENTER)
        w.wait("Which disk shall be overwritten with sdb.rhi (64 GB)?")
        w.wait("chosen for sda.rhi already")
        w.send(ENTER)
        w.wait("sda can't be the target")
        w.send(DOWN, DOWN, ENTER)
        t = w.title("Restore: adapt")
        assert "sda sdb" in t
        w.send(ESC)
        w.wait("overwritten with sdb.rhi")
        w.send(ESC)
        w.wait("overwritten with sda.rhi")
        w.send("\033[A", "\033[A", ENTER)
        w.wait("overwritten with sdb.rhi")
        w.send(DOWN, DOWN, ENTER)
        w.title("Restore: adapt")
        w.send(ENTER)
        w.title("Restore: verdict")
        plan, = w.calls("adapt")
        assert plan["argv"][-4:] == ["--target", "/dev/sda", URL + "sda.rhi", URL + "sdb.rhi"]
        w.send(ENTER)
        t = w.title("Restore: confirm")
        assert "Everything on these disks will be lost. To go on, type: sda sdb" in t
        assert "to sda" in t and "to sdb" in t and "4C530001" in t
        w.send("sda", ENTER)
        w.wait("Type sda sdb to go on")
        assert not w.calls("restore")
        w.send(" sdb", ENTER)
        t = w.title("Restore: result")
        call, = w.calls("restore")
        assert call["argv"] == ["restore", "--events-fd=3", "--yes", "--expect-serial=S3Z9NB0K123456X",
                                "--expect-serial=4C530001", "--adapt", URL + "machine.json",
                                "sda.rhi=/dev/sda", "sdb.rhi=/dev/sdb"]
        assert "sda: 4.0 GB" in t and "sdb: 4.0 GB" in t


def test_resume_a_machine(tmp_path):
    with Wizard(tmp_path) as w:
        machine_place(tmp_path)
        disks = json.loads((tmp_path / "disks.json").read_text())
        disks["disks"][2]["interrupted"] = {"image_id": "00", "digest": "ab" * 32,
                                            "text": "an interrupted restore of the image sdb.rhi, 12 % done"}
        (tmp_path / "disks.json").write_text(json.dumps(disks))
        to_images(w)
        w.send(ENTER)
        w.title("Restore: image details")
        w.send(ENTER)
        w.title("Restore: target disk")
        w.send(ENTER)
        w.wait("overwritten with sdb.rhi")
        w.send(DOWN, DOWN, ENTER)
        t = " ".join(w.title("Restore: interrupted").split())
        assert "A restore of these images to these disks was interrupted." in t
        assert "sdb has an interrupted restore of the image sdb.rhi, 12 % done." in t
        w.send(ENTER)
        w.title("Restore: adapt")
        w.send(" ", ENTER)
        assert "Goes on" in w.title("Restore: confirm")
        w.send("sda sdb", ENTER)
        w.title("Restore: result")
        call, = w.calls("restore")
        assert call["argv"] == ["restore", "--events-fd=3", "--yes", "--resume",
                                "--expect-serial=S3Z9NB0K123456X", "--expect-serial=4C530001",
                                URL + "machine.json", "sda.rhi=/dev/sda", "sdb.rhi=/dev/sdb"]


def test_verify_a_machine(tmp_path):
    with Wizard(tmp_path) as w:
        machine_place(tmp_path)
        w.title("Main menu")
        w.send("3")
        w.title("Verify: place")
        smb(w)
        w.title("Verify: image")
        w.send(ENTER)
        w.title("Verify: image details")
        w.send(ENTER)
        w.title("Verify: result")
        call, = w.calls("verify")
        assert call["argv"] == ["verify", "--events-fd=3", URL + "machine.json"]
