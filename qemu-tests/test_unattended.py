"""Jobs by answer files: from the medium and by http, done and refused."""

from lab import disks, live, qemu, servers
from lab.qemu import Disk
from lab.screen import Screen

LARGER = 700 << 20


def answers(**keys):
    return "# made by a test\n" + "".join(f"{k} = {v}\n" for k, v in keys.items())


def outcome(screen, timeout=1200):
    """(status, digest) of the unattended job; the digest is "" if it failed."""
    done = screen.wait(r"REHOST-JOB: (?:done status=(\d)\s+REHOST-JOB: ([0-9a-f]{64})"
                       r"|failed status=(\d))", timeout)
    return int(done.group(1) or done.group(3)), done.group(2) or ""


def test_capture_from_medium_restore_by_http(iso, data_disk, samba, work):
    """The answer file on a USB stick with the ISO's files, its credentials in
    a file beside it; the other one by http."""
    login = f"username={samba.user}\npassword={samba.password}\n"
    stick = live.stick(iso, work / "stick.raw", {
        "capture.txt": answers(job="capture", image=samba.url("a.rhi"), disk="serial=OLD1",
                               level="fast", verify="yes", credentials="login.txt",
                               after="poweroff"),
        "login.txt": login})
    with live.boot("answers-medium", iso, [Disk(data_disk.path, serial="OLD1")],
                   medium=stick, append="rehost.answers=capture.txt") as vm:
        status, digest = outcome(Screen(vm))
        assert status == 0
        vm.wait_off(120)
    data_disk.untouched()

    target, site = disks.create(work / "target.raw", LARGER), work / "site"
    site.mkdir()
    (site / "login.txt").write_text(login)
    with servers.Http(site) as http:
        (site / "restore.txt").write_text(
            answers(job="restore", image=samba.url("a.rhi"), target="serial=NEW1",
                    verify="yes", credentials=http.url("login.txt"), after="poweroff"))
        with live.boot("answers-http", iso, [Disk(target, serial="NEW1")],
                       append=f"rehost.answers={http.url('restore.txt')}") as vm:
            assert outcome(Screen(vm)) == (0, digest)
            vm.wait_off(120)
    assert http.asked == ["/restore.txt", "/login.txt"]
    data_disk.check(target)
    for log in ("answers-medium", "answers-http"):
        serial = (qemu.LOGS / log / "serial.log").read_bytes()
        assert samba.password.encode() not in serial, "the password was shown"


def test_refused(iso, data_disk, samba, work):
    """No disk has the target's serial number: refused, the disks are listed,
    nothing is written, and the wizard is there with the reason."""
    site = work / "site"
    site.mkdir()
    with servers.Http(site) as http:
        (site / "restore.txt").write_text(
            answers(job="restore", image=samba.url("a.rhi"), target="serial=NEW1",
                    username=samba.user, password=samba.password, after="reboot"))
        with live.boot("answers-refused", iso, [Disk(data_disk.path, serial="OTHER1")],
                       append=f"rehost.answers={http.url('restore.txt')}") as vm:
            screen = Screen(vm)
            assert outcome(screen, 400) == (4, "")
            # as the wizard shows it afterwards
            screen.wait(r"\A Rehost - (?s:.)*Problem", 120)
            screen.settle()
            assert "NEW1" in screen.text() and "OTHER1" in screen.text(), screen.text()
    data_disk.untouched()
