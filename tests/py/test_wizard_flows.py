"""The wizard's two complete flows, over a fake `rehost`."""
import pytest
from wizard_screen import CTRL_U, DOWN, END, ENTER, ESC, TAB, UP, Wizard

DIGEST = "Digest: " + "ab" * 32


def to_place(w, mark=" "):
    w.title("Main menu")
    w.send("1")
    w.title("Capture: disks")
    w.send(mark, ENTER)
    w.title("Capture: place")


def smb(w):
    w.send("2")
    w.wait("SMB share", "Password")
    w.send("192.0.2.1", TAB, "images", TAB, "machines/old", TAB, "bob", TAB, "s3cret word")


def test_capture_to_smb(tmp_path):
    with Wizard(tmp_path) as w:
        to_place(w)
        smb(w)
        assert "s3cret" not in w.wait("***********")
        w.send(ENTER)
        t = w.title("Capture: place checked")
        assert "The place can be used." in t
        assert "smb://192.0.2.1/images/machines/old" in t
        assert "250 GB" in t and "at most about 12 GB" in t
        w.send(ENTER)
        t = w.title("Capture: options")
        assert "[web1-20" in t          # what the system on it calls itself
        w.send(CTRL_U, "web1 spare", DOWN, " ", DOWN, " ", ENTER)
        t = w.title("Capture: summary")
        assert "web1 spare.rhi" in t and "S3Z9NB0K123456X" in t
        assert not w.calls("capture")
        w.send(ENTER)
        t = w.title("Capture: result")
        assert "The capture is done." in t and DIGEST in t
        url = "smb://192.0.2.1/images/machines/old/web1%20spare.rhi"
        call, = w.calls("capture")
        assert call["argv"] == ["capture", "--events-fd=3", "--level", "small", "--verify",
                                "/dev/sda", url]
        assert call["env"]["REHOST_USERNAME"] == "bob"
        assert call["env"]["REHOST_PASSWORD"] == "s3cret word"
        assert f"rehost capture --credentials=FILE --level small --verify /dev/sda \\\n  {url}" in t
        assert f"same by command: rehost capture --credentials=FILE --level small --verify /dev/sda {url}\n" in (
            tmp_path / "wizard.log").read_text()
        assert "s3cret" not in (tmp_path / "wizard.log").read_text()
        w.send(ENTER)
        w.title("Main menu")


def test_capture_several_disks_to_nfs(tmp_path):
    with Wizard(tmp_path) as w:
        w.mode("capture=warn")
        to_place(w, mark=" " + DOWN + " ")
        w.send("3")
        w.wait("NFS export", "NFS version")
        w.send("192.0.2.1", TAB, "/srv/images", TAB, TAB, " ", TAB, "20490", TAB, "nolock", ENTER)
        t = w.title("Capture: place checked")
        assert "too small" in t         # the NTFS disk's use isn't known
        assert w.line() == "Choose another place"
        w.send(DOWN, ENTER)
        w.title("Capture: options")
        w.send(CTRL_U, "two", ENTER, )
        w.title("Capture: summary")
        w.send(ENTER)
        t = w.title("Capture: result")
        assert "with warnings" in t
        url = "nfs://192.0.2.1:20490/srv/images/two?vers=4.2&nolock"
        assert [c["argv"][-3:] for c in w.calls("capture")] == [["/dev/sda", "/dev/nvme0n1", url]]
        assert t.count(DIGEST) == 2 and "sda: 4.0 GB" in t and "nvme0n1: 4.0 GB" in t
        assert "Warnings: 2" in t
        assert "512 bytes at offset 4096 could not be read." in t


def to_confirm(w, adapt=False):
    w.title("Main menu")
    w.send("2")
    w.title("Restore: place")
    smb(w)
    w.send(ENTER)
    t = w.title("Restore: image")
    assert "2026-11-01 14:00" in t and "500 GB" in t and "Debian GNU/Linux 13" in t
    assert w.line().startswith("web1-20261101.rhi")
    w.send(ENTER)
    t = w.title("Restore: image details")
    assert "PowerEdge R230" in t and "ext4" in t and "12 GB used" in t
    w.send(ENTER)
    t = w.title("Restore: target disk")
    assert "4C530001" in t
    w.send(DOWN, DOWN)
    w.wait("It can't be the target: too small, the image needs 499 GB.")
    w.send("d")
    w.wait("Restore: disk details", "4C530001")
    w.send(ESC, DOWN)
    w.wait("It can't be the target: this live system runs from it.")
    w.send(UP, UP)
    t = w.wait("Windows 10 Pro")
    assert "What would be lost" in t and "Fenêtres ☃" in t
    w.send(ENTER)
    t = w.title("Restore: adapt")
    assert "[x] yes" in t and "Debian GNU/Linux 13" in t
    if not adapt:
        w.send(" ")
        w.wait("[ ] no", gone="[x] yes")
        w.send(ENTER)
        confirm(w)


def confirm(w):
    t = w.title("Restore: confirm")
    assert "50026B7684E1F2A3" in t and "type its name: nvme0n1" in t


def test_restore(tmp_path):
    with Wizard(tmp_path) as w:
        to_confirm(w)
        w.send(ENTER)
        w.wait("Type nvme0n1 to go on")
        w.send("sda", ENTER)
        w.wait("[sda ", "Type nvme0n1 to go on")
        assert not w.calls("restore")
        w.send(CTRL_U, "nvme0n1", TAB, " ", ENTER)
        t = w.title("Restore: result")
        assert "The restore is done." in t and DIGEST in t
        url = "smb://192.0.2.1/images/machines/old/web1-20261101.rhi"
        call, = w.calls("restore")
        assert call["argv"] == ["restore", "--events-fd=3", "--yes", "--verify",
                                "--expect-serial=50026B7684E1F2A3", url, "/dev/nvme0n1"]
        assert f"rehost restore --credentials=FILE --verify --expect-serial=50026B7684E1F2A3 {url}" in " ".join(t.replace("\\\n", " ").split())
        assert "The system was not adapted" in t and "start from nvme0n1." in t
        assert not w.calls("adapt")


URL = "smb://192.0.2.1/images/machines/old/web1-20261101.rhi"


def test_restore_and_adapt(tmp_path):
    with Wizard(tmp_path) as w:
        to_confirm(w, adapt=True)
        w.send(DOWN, "web_2", ENTER)
        w.wait("[web_2 ", "A host name holds letters, digits, '-' and '.' only.")
        w.send(CTRL_U, "web2", DOWN, " ", DOWN, " ", ENTER)
        t = w.title("Restore: verdict")
        assert t.splitlines()[2].strip() == "Will boot after these edits."
        assert "Add to /boot/initrd.img" in t and "+ virtio_blk" in t
        assert "which NIC takes whose place" in t
        call, = w.calls("adapt")
        wishes = ["--hostname", "web2", "--new-identity", "--remove-tools"]
        assert call["argv"] == ["adapt", "--dry-run", "--json", *wishes, "--target", "/dev/nvme0n1", URL]
        assert call["env"]["REHOST_PASSWORD"] == "s3cret word"
        w.send(END)
        t = w.wait("-49 of 49: Up, Down")
        assert "+127.0.0.1 localhost web2" in t
        w.send(ESC)                        # back to the answers, which stay
        assert "[web2 " in w.title("Restore: adapt")
        w.send(ENTER)
        w.title("Restore: verdict")
        w.send(ENTER)
        confirm(w)
        assert not w.calls("restore")
        w.send("nvme0n1", ENTER)
        t = w.title("Restore: result")
        assert "The restore is done." in t
        assert "partition 1 of /dev/nvme0n1: 7 edits made" in t
        assert "check: it will find its root file system" in t
        call, = w.calls("restore")
        assert call["argv"] == ["restore", "--events-fd=3", "--yes",
                                "--expect-serial=50026B7684E1F2A3", "--adapt", *wishes, URL, "/dev/nvme0n1"]
        assert f"same by command: rehost restore --credentials=FILE --expect-serial=50026B7684E1F2A3 --adapt {' '.join(wishes)} {URL}" in (
            tmp_path / "wizard.log").read_text()


def test_restore_what_will_not_boot(tmp_path):
    with Wizard(tmp_path) as w:
        w.mode("adapt=wont restore=wont")
        to_confirm(w, adapt=True)
        w.send(ENTER)
        t = w.title("Restore: verdict")
        assert "Will NOT boot, because: nothing in kernel" in t
        assert "mpt3sas is in the package linux-modules-extra" in " ".join(t.split())
        w.send(ENTER)
        w.wait("Question", "The system will NOT boot on this machine.")
        w.send("n")
        w.wait("Will NOT boot", gone="Question")
        w.send(ENTER)
        w.wait("Question")
        w.send("y")
        confirm(w)
        w.send("nvme0n1", ENTER)
        assert "The restore is done." in w.title("Restore: result")
        assert "--adapt-anyway" in w.calls("restore")[0]["argv"]


def test_restored_but_not_adapted(tmp_path):
    with Wizard(tmp_path) as w:
        w.mode("restore=noadapt")
        to_confirm(w, adapt=True)
        w.send(ENTER)
        w.title("Restore: verdict")
        w.send(ENTER)
        confirm(w)
        w.send("nvme0n1", ENTER)
        t = w.title("Restore: result")
        assert "The disk is restored whole." in t and "/etc/fstab: No space left" in t
        assert "partly written" not in t
        w.send(ENTER)
        w.title("Main menu")


def to_target(w):
    w.title("Main menu")
    w.send("2")
    w.title("Restore: place")
    smb(w)
    w.send(ENTER)
    w.title("Restore: image")
    w.send(ENTER)
    w.title("Restore: image details")
    w.send(ENTER)
    w.title("Restore: target disk")


def test_image_without_system(tmp_path):
    with Wizard(tmp_path) as w:
        info = tmp_path / "info.json"
        info.write_text(info.read_text().replace('"kind": "linux"', '"kind": "beos"'))
        w.mode("adapt=nolinux")
        to_target(w)
        w.send(DOWN, ENTER)
        assert "[x] yes" not in w.title("Restore: adapt")
        w.send(" ", ENTER)                 # insists on it
        w.wait("Problem", "Whether it will boot could not be found out.", "no Linux was found")
        w.send(ENTER)
        w.wait("[x] yes", gone="Problem")
        w.send(" ", ENTER)
        confirm(w)


def test_image_of_a_partition(tmp_path):
    """No disk can be its target: the disk would have no partition table."""
    with Wizard(tmp_path) as w:
        info = tmp_path / "info.json"
        info.write_text(info.read_text().replace('"kind": "disk"', '"kind": "part"', 1))
        to_target(w)
        w.send(DOWN, ENTER)
        w.wait("can't be the target: the image is of one partition only.")


def to_adapt(w):
    w.title("Main menu")
    w.send("4")
    t = w.title("Adapt: disk")
    assert "sda" in w.line() and "Debian GNU/Linux 13" in t
    w.send(ENTER)
    w.title("Adapt: options")


def test_adapt(tmp_path):
    with Wizard(tmp_path) as w:
        w.mode("adapt=warn")
        to_adapt(w)
        w.send(DOWN, "web2", ENTER)
        assert "Will boot after these edits." in w.title("Adapt: verdict")
        assert w.calls("adapt")[0]["argv"] == ["adapt", "--dry-run", "--json", "--hostname", "web2", "/dev/sda"]
        w.send(ENTER)
        t = w.title("Adapt: confirm")
        assert "type its name: sda" in t and "S3Z9NB0K123456X" in t
        w.send("sdb", ENTER)
        w.wait("Type sda to go on")
        assert len(w.calls("adapt")) == 1
        w.send(CTRL_U, "sda", ENTER)
        t = w.title("Adapt: result")
        assert "The adapt is done, with warnings." in t and "7 edits made" in t
        assert "Warnings: 1" in t and "change /etc/fstab" not in t
        assert w.calls("adapt")[1]["argv"] == ["adapt", "--events-fd=3", "--yes", "--hostname", "web2", "/dev/sda"]
        assert "rehost-adapt --hostname web2 /dev/sda" in t
        w.send(ENTER)
        w.title("Main menu")


def test_adapt_swapped_disk(tmp_path):
    with Wizard(tmp_path) as w:
        to_adapt(w)
        w.send(ENTER)
        w.title("Adapt: verdict")
        w.send(ENTER)
        w.title("Adapt: confirm")
        disks = tmp_path / "disks.json"
        disks.write_text(disks.read_text().replace("S3Z9NB0K123456X", "OTHER"))
        w.send("sda", ENTER)
        w.wait("Problem", "no longer the disk that you chose", "Nothing was written")
        assert len(w.calls("adapt")) == 1


def test_undo_an_adapt(tmp_path):
    with Wizard(tmp_path) as w:
        to_adapt(w)
        w.send(" ", ENTER)
        assert "What adapt changed on /dev/sda will be put back" in w.title("Adapt: confirm")
        w.send("sda", ENTER)
        t = w.title("Adapt: result")
        assert "The undo is done." in t and "adapt's edits were taken back; 7 put back" in t
        assert w.calls("adapt")[-1]["argv"] == ["adapt", "--events-fd=3", "--yes", "--undo", "/dev/sda"]
        assert "rehost-adapt --undo /dev/sda" in t


@pytest.mark.parametrize("how, headline, text", [
    ("failjob", "The adapt failed.", "No space left on device"),
    ("crash", "The adapt failed.", "signal 11"),
])
def test_adapt_fails(tmp_path, how, headline, text):
    with Wizard(tmp_path) as w:
        to_adapt(w)
        w.mode(f"adapt={how}")
        w.send(ENTER)
        w.title("Adapt: verdict")
        w.send(ENTER)
        w.title("Adapt: confirm")
        w.send("sda", ENTER)
        t = w.title("Adapt: result")
        assert headline in t and text in t
        w.send(ENTER)
        w.title("Adapt: confirm")          # back to the answers


def test_adapt_is_stopped(tmp_path):
    with Wizard(tmp_path) as w:
        w.mode("adapt=hang")
        to_adapt(w)
        w.send(ENTER)
        w.title("Adapt: verdict")
        w.send(ENTER)
        w.title("Adapt: confirm")
        w.send("sda", ENTER)
        w.wait("Adapt: running", "writing /etc/fstab")
        w.send(ESC)
        w.wait("Stop in the middle?")
        w.send("y")
        assert "The adapt was stopped." in w.wait("'undo an adapt'", "Adapt: result")


def test_locked_volume(tmp_path):
    """Its passphrase is hidden, and goes nowhere but into the environment."""
    with Wizard(tmp_path) as w:
        w.mode("adapt=locked")
        to_adapt(w)
        w.send(ENTER)
        t = w.title("Adapt: passphrase")
        assert "partition 2 of /dev/sda" in t
        w.send(ENTER)
        w.wait("without it there is no system to adapt")
        w.send("guess", ENTER)
        w.wait("This passphrase doesn't open it.")
        w.send(CTRL_U, "open sesame")
        w.wait("***********")
        w.send(ENTER)
        w.title("Adapt: verdict")
        w.send(ENTER)
        w.title("Adapt: confirm")
        w.send("sda", ENTER)
        assert "REHOST_LUKS_PASSPHRASE holds" in w.title("Adapt: result")
        calls = w.calls("adapt")
        assert [c["env"].get("REHOST_LUKS_PASSPHRASE") for c in calls] == [
            None, "guess", "open sesame", "open sesame"]
        assert all("REHOST_LUKS_PASSPHRASE" not in c["env"] for c in w.calls("disks"))
        assert not any("sesame" in word for c in w.calls() for word in c["argv"])
        assert "sesame" not in (tmp_path / "wizard.log").read_text()
        assert b"sesame" not in w.raw


def test_target_swapped_before_the_start(tmp_path):
    with Wizard(tmp_path) as w:
        to_confirm(w)
        disks = tmp_path / "disks.json"
        disks.write_text(disks.read_text().replace("50026B7684E1F2A3", "OTHER"))
        w.send("nvme0n1", ENTER)
        w.wait("Problem", "no longer the disk that you chose", "Nothing was written")
        assert not w.calls("restore")
        w.send(ENTER, ESC, ESC)
        w.title("Restore: target disk")


def test_verify(tmp_path):
    with Wizard(tmp_path) as w:
        w.title("Main menu")
        w.send("3")
        w.title("Verify: place")
        smb(w)
        w.send(ENTER)
        w.title("Verify: image")
        w.send(ENTER)
        w.title("Verify: image details")
        w.send(ENTER)
        assert "The image is good." in w.title("Verify: result")
        assert w.calls("verify")[0]["argv"][:2] == ["verify", "--events-fd=3"]


def test_local_disk(tmp_path):
    with Wizard(tmp_path) as w:
        to_place(w)
        w.send("1")
        w.title("Capture: partition")
        assert w.line().startswith("nvme0n1p1")  # the first that can be used
        w.send(UP, UP, UP, ENTER)
        w.wait("sda1 can't be used", "one of those to be captured")
        w.send(*[DOWN] * 4, ENTER)
        w.title("Capture: directory")
        w.send("images/2026", ENTER)
        w.title("Capture: place checked")
        w.send(ENTER)
        w.title("Capture: options")
        w.send(CTRL_U, "a", ENTER)
        w.title("Capture: summary")
        w.send(ENTER)
        w.title("Capture: result")
        assert w.calls("capture")[0]["argv"][-1] == "dev:///dev/sdb1/images/2026/a.rhi"


def test_directories(tmp_path):
    """Into a directory and up again; one that fails leaves us where we were."""
    with Wizard(tmp_path) as w:
        w.title("Main menu")
        w.send("2")
        w.title("Restore: place")
        smb(w)
        w.send(ENTER)
        w.title("Restore: image")
        w.send(UP, ENTER)
        w.wait("smb://192.0.2.1/images/machines/old/old", "../")
        w.mode("place=fail")
        w.send(UP, ENTER)
        w.wait("Problem")
        w.mode("")
        w.send(ENTER)
        w.wait("smb://192.0.2.1/images/machines/old/old", gone="Problem")
        w.send(UP, ENTER)
        w.wait("smb://192.0.2.1/images/machines/old", gone="old/old")
        assert [c["argv"][-1].rpartition("images/")[2] for c in w.calls("place")] == [
            "machines/old", "machines/old/old", "machines/old/old/old", "machines/old"]


if __name__ == "__main__":
    pytest.main([__file__])
