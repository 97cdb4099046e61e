"""The wizard: encrypted images, and what else of the imager it knows; over a fake
`rehost`."""
import json
import shutil

from wizard_screen import CTRL_U, DOWN, ENTER, ESC, HERE, TAB, UP, Wizard

URL = "smb://192.0.2.1/images/machines/old/"
SECRET = "open sesame"


def to_images(w, job):
    w.title("Main menu")
    w.send(job)
    w.wait("Where is the image?")
    w.send("2")
    w.wait("SMB share", "Password")
    w.send("192.0.2.1", TAB, "images", TAB, "machines/old", ENTER)
    return w.wait("Which image?")


def nowhere_told(w):
    """The passphrase is in the environment of those who need it alone."""
    assert SECRET not in w.raw.decode(errors="replace")
    assert SECRET not in (w.folder / "wizard.log").read_text()
    for c in w.calls():
        assert SECRET not in " ".join(c["argv"])
        assert ("REHOST_PASSPHRASE" in c["env"]) <= (c["argv"][0] in ("info", "restore", "verify", "adapt", "capture"))


def test_restore_of_an_encrypted_image(tmp_path):
    with Wizard(tmp_path) as w:
        w.mode("info=locked")
        to_images(w, "2")
        w.send(ENTER)
        t = w.title("Restore: image passphrase")
        assert "The image is encrypted." in t and "web1-20261101.rhi" in t
        w.send(ENTER)
        w.wait("Type the passphrase")
        w.send("open barley", ENTER)
        w.wait("The passphrase is wrong.", gone="Please wait.")
        w.send(CTRL_U, SECRET)
        w.wait("[***********  ")
        w.send(ENTER)
        t = w.title("Restore: image details")
        assert "ext4" in t and "Encrypted         yes" in t
        w.send("p")
        assert w.title("Restore: partitions").count("[x]") == 2
        w.send(ESC)
        w.title("Restore: image details")
        w.send(ESC)
        w.title("Restore: image passphrase")        # still there
        w.wait("[***********  ")
        w.send(ENTER)
        w.title("Restore: image details")
        w.send(ENTER)
        w.title("Restore: target disk")
        w.send(DOWN, ENTER)
        w.title("Restore: adapt")
        w.send(ENTER)
        w.title("Restore: verdict")
        w.send(ENTER)
        w.title("Restore: confirm")
        w.send("nvme0n1", ENTER)
        assert "The restore is done." in w.title("Restore: result")
        w.send("\033[F")
        w.wait("REHOST_PASSPHRASE holds the image's passphrase, or it asks.")
        given = [c["env"].get("REHOST_PASSPHRASE") for c in w.calls("info")]
        assert given == [None, "open barley", SECRET, SECRET]
        for command in ("restore", "adapt"):
            call, = w.calls(command)
            assert call["env"]["REHOST_PASSPHRASE"] == SECRET
        nowhere_told(w)


def test_verify_of_an_encrypted_image(tmp_path):
    with Wizard(tmp_path) as w:
        w.mode("info=locked")
        to_images(w, "3")
        w.send(ENTER)
        w.title("Verify: image passphrase")
        w.send(SECRET, ENTER)
        w.title("Verify: image details")
        w.send(ENTER)
        w.title("Verify: result")
        call, = w.calls("verify")
        assert call["env"]["REHOST_PASSPHRASE"] == SECRET
        nowhere_told(w)


def past_the_place(w):
    w.title("Main menu")
    w.send("1")
    w.title("Capture: disks")
    w.send(" ", ENTER)
    w.title("Capture: place")
    w.send("2")
    w.wait("SMB share", "Password")
    w.send("192.0.2.1", TAB, "images", TAB, "machines/old", ENTER)
    w.title("Capture: place checked")
    w.send(ENTER)


def to_options(w):
    past_the_place(w)
    return w.title("Capture: options")


def test_encrypted_capture_with_a_base(tmp_path):
    with Wizard(tmp_path) as w:
        shutil.copy(HERE / "fake/place-more.json", tmp_path / "place.json")
        t = to_options(w)
        assert "(*) no" in t and "( ) 4095M" in t       # this is no FAT
        w.send(CTRL_U, "tuesday", *[DOWN] * 6, " ", UP, " ", UP, " ", ENTER)
        t = w.title("Capture: older image")
        assert "monday.rhi" in t and "other.rhi" not in t
        assert w.line().startswith("None")
        w.send(DOWN)
        w.wait("this older one beside it")
        w.send(ENTER)
        w.title("Capture: image passphrase")
        w.send(SECRET, ENTER)
        w.wait("Type the passphrase once more")
        w.send("open barley", ENTER)
        w.wait("The two passphrases differ.")
        w.send(CTRL_U, SECRET, ENTER)
        t = w.title("Capture: summary")
        assert "into files of 700M" in t and "monday.rhi: what differs" in t and "stored once" in t
        w.send(ENTER)
        t = w.title("Capture: result")
        assert "Keep monday.rhi beside it" in t
        call, = w.calls("capture")
        words = ["--level", "balanced", "--encrypt", "--dedup", "--split", "700M", "--base", "monday.rhi"]
        assert call["argv"] == ["capture", "--events-fd=3", *words, "/dev/sda", URL + "tuesday.rhi"]
        assert call["env"]["REHOST_PASSPHRASE"] == SECRET
        w.send("\033[F")
        w.wait("REHOST_PASSPHRASE holds the image's passphrase, or it asks.")
        nowhere_told(w)


def test_interrupted_capture_goes_on(tmp_path):
    with Wizard(tmp_path) as w:
        shutil.copy(HERE / "fake/place-cut.json", tmp_path / "place.json")
        past_the_place(w)
        t = w.title("Capture: interrupted")
        assert w.line().startswith("dedup.rhi") and "2.1 GB so far" in t and "larger.rhi" not in t
        w.send(ENTER)
        w.wait("Equal data        stored once")
        w.send(ESC)
        w.title("Capture: interrupted")
        w.send(DOWN, DOWN, ENTER)                         # a new one: not under that name
        t = w.title("Capture: options")
        assert "[web1-20261123 " not in t
        w.send(ESC)
        w.title("Capture: interrupted")
        w.send(UP, ENTER)
        w.title("Capture: older image")
        w.send(ENTER)
        w.wait("It was begun with an older image")
        w.send(DOWN, ENTER)
        w.title("Capture: image passphrase")
        w.send(SECRET, ENTER)
        w.title("Capture: summary")
        w.send(ENTER)
        w.title("Capture: result")
        call, = w.calls("capture")
        assert call["argv"] == ["capture", "--events-fd=3", "--level", "balanced", "--resume", "--encrypt",
                                "--split", "4095M", "--base", "monday.rhi", "/dev/sda",
                                URL + "web1-20261123.rhi"]
        assert call["env"]["REHOST_PASSPHRASE"] == SECRET


def mark(folder):
    """The second disk has the mark of a restore of the image of info.json."""
    disks = json.loads((folder / "disks.json").read_text())
    disks["disks"][1]["interrupted"] = {
        "image": "web1-20261101.rhi", "image_id": "00", "digest": "ab" * 32, "bytes_done": 1, "bytes_total": 8,
        "text": "an interrupted restore of the image web1-20261101.rhi (00), 12 % done"}
    (folder / "disks.json").write_text(json.dumps(disks))


def to_target(w):
    to_images(w, "2")
    w.send(ENTER)
    w.title("Restore: image details")
    w.send(ENTER)
    w.title("Restore: target disk")
    w.send(DOWN)
    w.wait("50026B7684E1F2A3")


def to_confirm(w):
    w.title("Restore: adapt")
    w.send(" ", ENTER)
    return w.title("Restore: confirm")


def test_interrupted_restore_goes_on(tmp_path):
    with Wizard(tmp_path) as w:
        mark(tmp_path)
        to_target(w)
        w.wait("It has an interrupted restore of the image web1-20261101.rhi", "12 %")
        w.send(ENTER)
        assert "12 %" in w.title("Restore: interrupted")
        w.send(ENTER)
        assert "where the restore of this image was interrupted" in to_confirm(w)
        w.send(TAB, TAB, " ")
        w.wait("It goes on where it stopped: the rest is written whole.")
        w.send(TAB, "nvme0n1", ENTER)
        w.title("Restore: result")
        assert w.calls("restore")[0]["argv"][3:5] == ["--resume", "--expect-serial=50026B7684E1F2A3"]
