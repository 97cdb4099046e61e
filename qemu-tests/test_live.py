"""The live system's own options and helpers, in machines: RAM, keyboard, network;
and which targets a restore refuses there."""

import json

import pytest

from lab import disks, live, servers
from lab.live import Shell
from lab.qemu import Disk
from lab.screen import Screen
from lab.wizard import Wizard
from test_unattended import answers, outcome

MAC = "52:54:00:12:34:56"       # QEMU's for the first card


def test_answers_with_toram(iso, data_disk, samba, work):
    """The stick is pulled once the system is in RAM; the answer file that was
    on it, and the credentials beside it, are still used."""
    stick = live.stick(iso, work / "stick.raw", {
        "capture.txt": answers(job="capture", image=samba.url("a.rhi"), disk="serial=OLD1",
                               level="fast", credentials="login.txt", after="poweroff"),
        "login.txt": f"username={samba.user}\npassword={samba.password}\n"})
    with live.boot("answers-toram", iso, [Disk(data_disk.path, serial="OLD1")], medium=stick,
                   append="toram rehost.answers=capture.txt") as vm:
        vm.expect("not needed any more", 300)
        vm.qmp.command("device_del", id="dev1")
        status, digest = outcome(Screen(vm))
        assert status == 0 and digest
        vm.wait_off(120)
    data_disk.untouched()
    assert (samba.share / "a.rhi").exists()


def test_keymap(iso):
    """Keys of the machine's own keyboard; the serial line sees what they gave."""
    with live.boot("keymap", iso, [], append="rehost.keymap=de-latin1", graphics=True) as vm:
        screen = Screen(vm)
        Wizard(screen).start("Shell", "")
        screen.wait(r"[#$] ?$", 60)
        for key in ("e", "c", "h", "o", "spc", "y", "z"):
            vm.key(key)
        vm.key("shift", "7")
        screen.wait("echo zy/", 60)


def net(shell):
    """(the first card, the whole status)"""
    status = json.loads(shell.run("rehost-net status --json"))
    return status["interfaces"][0], status


def fetches(shell, http):
    shell.run(f"wget -q -T 20 -O - {http.url('here.txt')} | grep -x 'it is here'")


@pytest.fixture
def site(work):
    directory = work / "site"
    directory.mkdir()
    (directory / "here.txt").write_text("it is here\n")
    with servers.Http(directory) as http:
        yield http


def test_fixed_address(iso, site):
    """By the kernel command line, by command, by the wizard, and back to DHCP;
    each time the address is the only one and a server is reached."""
    append = f"rehost.ip={MAC},10.0.2.77/24,10.0.2.2,10.0.2.3"
    with live.boot("fixed-address", iso, [], append=append) as vm:
        shell = Shell(vm)
        card, status = net(shell)
        assert (card["mac"], card["method"]) == (MAC, "static")
        assert "10.0.2.77/24" in card["addresses"]
        assert (status["gateway"], status["dns"]) == ("10.0.2.2", ["10.0.2.3"])
        fetches(shell, site)

        shell.run(f"rehost-net static {card['name']} 10.0.2.88/24 10.0.2.2 10.0.2.3")
        card, _ = net(shell)
        assert "10.0.2.88/24" in card["addresses"] and "10.0.2.77/24" not in card["addresses"]
        fetches(shell, site)

        shell.to_menu()
        wizard = shell.wizard
        wizard.start("Network", "")
        wizard.page("Network")
        wizard.choose(card["name"])
        wizard.page("Network: interface")
        wizard.fill({"How": "fixed address", "Address/prefix": "10.0.2.99/24",
                     "Gateway": "10.0.2.2", "Name server": "10.0.2.3"})
        wizard.screen.press("enter")
        wizard.page("Network")
        wizard.screen.wait(r"10\.0\.2\.99/24", 60)
        card, _ = net(shell)
        assert "10.0.2.99/24" in card["addresses"] and "10.0.2.88/24" not in card["addresses"]
        fetches(shell, site)

        shell.run(f"rehost-net dhcp {card['name']}; rehost-net wait 30 {card['name']}")
        card, status = net(shell)
        assert card["method"] == "dhcp" and status["gateway"] == "10.0.2.2"
        assert [a for a in card["addresses"] if a.startswith("10.0.2.")] == ["10.0.2.15/24"]
        fetches(shell, site)


def test_targets_refused(iso, work):
    """A partition's image on a disk, a disk's on a partition, another disk than
    the one meant: status 4, nothing is written.  The right ones are taken."""
    files = {}
    for serial in ("ONE1", "TWO1"):
        files[serial] = disks.create(work / f"{serial}.raw", 64 << 20)
        disks.partition(files[serial], "label: gpt\nstart=1MiB, type=linux\n")
    before = files["TWO1"].read_bytes()
    with live.boot("targets", iso, [Disk(p, serial=s) for s, p in files.items()]) as vm:
        shell = Shell(vm)
        one, two = shell.disk("ONE1"), shell.disk("TWO1")
        shell.run(f"cd /tmp; rehost capture {one}1 part.rhi; rehost capture {one} disk.rhi")
        for command, reason in [(f"part.rhi {two}", "is a whole disk"),
                                (f"disk.rhi {two}1", "is a partition"),
                                (f"--expect-serial ONE1 disk.rhi {two}", "TWO1")]:
            said = shell.run(f"rehost restore --yes {command}", ok=(4,))
            assert reason in said, said
        shell.run("sync")
        assert files["TWO1"].read_bytes() == before
        shell.run(f"rehost restore --yes --verify --expect-serial TWO1 disk.rhi {two}")
        shell.run(f"rehost restore --yes --verify part.rhi {two}1")
        shell.power_off()
    assert files["TWO1"].read_bytes() == files["ONE1"].read_bytes()
