"""Jobs by answer files: from the medium and by http, done and refused."""

import re

from lab import disks, live, qemu, servers
from lab.qemu import Disk
from lab.screen import Screen

LARGER = 700 << 20


def answers(**keys):
    return "# made by a test\n" + "".join(f"{k} = {v}\n" for k, v in keys.items())


def outcome(screen, timeout=1200):
    """(status, digest or error) of the unattended job, as soon as its last line
    is whole: the machine may go off at once."""
    def last():
        # the console breaks long lines
        text = "".join(line.ljust(80) for line in screen.lines())
        return re.search(r"REHOST-JOB: (?:done status=(\d) +digest=([0-9a-f ]*) warnings=\d"
                         r"|failed status=(\d) error=\"([^\"]*)\")", text)
    done = screen.wait_until(last, timeout, "the job's last line is")
    if done.group(1):
        return int(done.group(1)), done.group(2).replace(" ", "")
    return int(done.group(3)), re.sub(r"\s+", " ", done.group(4))


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
        assert status == 0, digest
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
            status, said = outcome(screen, 400)
            assert status == 4 and "NEW1" in said and "OTHER1" in said, said
            # as the wizard shows it afterwards
            screen.wait(r"\A Rehost - (?s:.)*Problem", 120)
            screen.settle()
            assert "NEW1" in screen.text() and "OTHER1" in screen.text(), screen.text()
    data_disk.untouched()
