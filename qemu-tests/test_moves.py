"""A machine is captured and restored to a larger disk of another machine:
every file is the same, the file systems are clean, and it boots."""

import pytest

from lab import boots as lab_boots
from lab import disks, guests, live, servers
from lab.disks import MIB
from lab.live import Shell
from lab.qemu import Disk
from lab.screen import Screen
from lab.wizard import Wizard, nfs_place

LARGER = 4 << 30
JOB = 1200                      # seconds, emulated and busy


def credentials(server):
    if isinstance(server, servers.Samba):
        return {"REHOST_USERNAME": server.user, "REHOST_PASSWORD": server.password}
    return {}


def boots(disk, name, firmware="bios"):
    """The restored guest reaches its marker and finds its own files right."""
    lab_boots.must(lab_boots.boot(name, disk, "ahci", firmware), True)


def capture(vm, url, env):
    """By command, from the disk OLD1; returns the digest."""
    shell = Shell(vm)
    said = shell.run(f"rehost capture {shell.disk('OLD1')} '{url(shell)}'", JOB, env=env)
    return shell, shell.digest(said)


def verify_deep(shell, url, env, digest):
    """What the image holds is whole; that is kept beside it, where the server has it."""
    said = shell.run(f"rehost verify --deep '{url}'", JOB, env=env)
    assert shell.digest(said) == digest and "can't be kept" not in said, said
    said = shell.run(f"rehost info '{url}'", JOB, env=env)
    assert "\nverified in depth " in said, said


def restore(shell, url, env, digest):
    """By command, to the disk NEW1, which is read back then."""
    said = shell.run(f"rehost restore --yes --verify '{url(shell)}' {shell.disk('NEW1')}",
                     JOB, env=env)
    assert shell.digest(said) == digest
    shell.power_off()


def move(name, iso, source, target, url, env=None, kept=None, deep=False, **how):
    """Captures and restores by command in one machine that has both disks, and
    `kept`, the disk that holds the image when no server does."""
    drives = [Disk(source, serial="OLD1"), Disk(target, serial="NEW1")]
    with live.boot(name, iso, drives + ([Disk(kept, serial="KEEP1")] if kept else []),
                   **how) as vm:
        shell, digest = capture(vm, url, env)
        if deep:
            verify_deep(shell, url(shell), env, digest)
        restore(shell, url, env, digest)


@pytest.mark.smoke
def test_smb(iso, debian, samba, work):
    """Two machines, started from the CD: one by BIOS, one by UEFI."""
    source, target = debian(), disks.create(work / "target.raw", LARGER)
    env = credentials(samba)
    with live.boot("smb-capture", iso, [Disk(source.path, serial="OLD1")], direct=False) as vm:
        shell, digest = capture(vm, lambda _: samba.url("a.rhi"), env)
        verify_deep(shell, samba.url("a.rhi"), env, digest)
        shell.power_off()
    source.untouched()
    with live.boot("smb-restore", iso, [Disk(target, serial="NEW1")], firmware="uefi") as vm:
        restore(Shell(vm), lambda _: samba.url("a.rhi"), env, digest)
    source.check(target)
    boots(target, "smb-boot")


@pytest.mark.parametrize("version", ["4", "3"])
def test_nfs(iso, debian, nfs, work, version):
    source, target = debian(guests.DEBIAN_BIOS_GPT), disks.create(work / "target.raw", LARGER)
    move(f"nfs{version}", iso, source.path, target, lambda _: nfs.url("a.rhi", version), deep=True)
    source.untouched()
    source.check(target)
    boots(target, f"nfs{version}-boot")


def test_nfs_by_wizard(iso, debian, nfs, work):
    source, target = debian(), disks.create(work / "target.raw", LARGER)
    with live.boot("nfs-wizard-capture", iso, [Disk(source.path, serial="OLD1")]) as vm:
        wizard = Wizard(Screen(vm))
        captured = wizard.capture("OLD1", nfs_place(nfs), "moved", {"Compression": "fast"})
        assert captured.good, captured.text
        wizard.to_menu()
        verified = wizard.verify(nfs_place(nfs), "moved")
        assert verified.good, verified.text
        assert verified.digest == captured.digest
    with live.boot("nfs-wizard-restore", iso, [Disk(target, serial="NEW1")]) as vm:
        restored = Wizard(Screen(vm)).restore(nfs_place(nfs), "moved", "NEW1")
        assert restored.good, restored.text
        assert restored.digest == captured.digest
    source.untouched()
    source.check(target)
    boots(target, "nfs-wizard-boot")


@pytest.mark.parametrize("filesystem", ["ext4", "ntfs"])
def test_second_disk(iso, debian, work, filesystem):
    source, target = debian(), disks.create(work / "target.raw", LARGER)
    kept = disks.keeper(work / "kept.raw", filesystem)
    move(f"disk-{filesystem}", iso, source.path, target,
         lambda shell: f"dev://{shell.disk('KEEP1')}1/a.rhi", kept=kept)
    source.untouched()
    source.check(target)
    boots(target, f"disk-{filesystem}-boot")


@pytest.mark.smoke
def test_windows_like(iso, windows_disk, samba, work):
    target = disks.create(work / "target.raw", (1 << 30) + 64 * MIB)
    move("windows", iso, windows_disk.path, target, lambda _: samba.url("w.rhi"),
         credentials(samba))
    windows_disk.untouched()
    windows_disk.check(target)


def test_uefi(iso, debian, samba, work):
    source, target = debian(guests.DEBIAN_UEFI), disks.create(work / "target.raw", LARGER)
    move("uefi", iso, source.path, target, lambda _: samba.url("u.rhi"), credentials(samba),
         firmware="uefi")
    source.untouched()
    source.check(target)
    boots(target, "uefi-boot", firmware="uefi")
