"""A machine is captured and restored to a larger disk of another machine:
every file is the same, the file systems are clean, and it boots."""

import pytest

from lab import disks, guests, live, servers
from lab.disks import MIB
from lab.live import Shell
from lab.qemu import Disk, Machine
from lab.screen import Screen
from lab.wizard import Wizard, nfs_place

LARGER = 4 << 30


def credentials(server):
    if isinstance(server, servers.Samba):
        return {"REHOST_USERNAME": server.user, "REHOST_PASSWORD": server.password}
    return {}


def boots(disk, name, bus="ahci", firmware="bios"):
    """The restored guest reaches its marker and finds its own files right."""
    with Machine(name, disks=[Disk(disk, bus=bus)], firmware=firmware, fast=True,
                 timeout=400) as vm:
        vm.expect(r"LAB-BOOTED root=(\S+)", 300)
        vm.expect(r"LAB-FILES (ok|bad) ?\d*\r", 120)
        assert vm.serial.match.group(1) == b"ok"
        vm.expect("LAB-CLEAN", 60)
        vm.wait_off(60)


def move(name, iso, source, target, url, env, capture="", restore="", kept=None):
    """capture in one machine, restore in another, by command; `kept` is the
    disk that holds the image when no server does: it goes along."""
    others = [Disk(kept, serial="KEEP1")] if kept else []
    with live.boot(f"{name}-capture", iso, [Disk(source, serial="OLD1")] + others) as vm:
        shell = Shell(vm)
        place = url(shell)
        said = shell.run(f"rehost capture {capture} {shell.disk('OLD1')} '{place}'", 1200, env=env)
        digest = shell.digest(said)
        shell.power_off()
    with live.boot(f"{name}-restore", iso, [Disk(target, serial="NEW1")] + others) as vm:
        shell = Shell(vm)
        place = url(shell)
        assert shell.digest(shell.run(f"rehost verify '{place}'", 1200, env=env)) == digest
        shell.run(f"rehost restore --yes {restore} '{place}' {shell.disk('NEW1')}", 1200, env=env)
        shell.power_off()
    return digest


@pytest.mark.smoke
def test_smb(iso, debian, samba, work):
    source, target = debian(), disks.create(work / "target.raw", LARGER)
    move("smb", iso, source.path, target, lambda _: samba.url("a.rhi"), credentials(samba))
    source.untouched()
    source.check(target)
    boots(target, "smb-boot")


@pytest.mark.parametrize("version", ["4", "3"])
def test_nfs(iso, debian, nfs, work, version):
    source, target = debian(guests.DEBIAN_BIOS_GPT), disks.create(work / "target.raw", LARGER)
    move(f"nfs{version}", iso, source.path, target, lambda _: nfs.url("a.rhi", version), {})
    source.untouched()
    source.check(target)
    boots(target, f"nfs{version}-boot")


def test_nfs_by_wizard(iso, debian, nfs, work):
    source, target = debian(), disks.create(work / "target.raw", LARGER)
    with live.boot("nfs-wizard-capture", iso, [Disk(source.path, serial="OLD1")]) as vm:
        captured = Wizard(Screen(vm)).capture("OLD1", nfs_place(nfs), "moved",
                                              {"Verify afterwards": "yes"})
        assert captured.good, captured.text
    with live.boot("nfs-wizard-restore", iso, [Disk(target, serial="NEW1")]) as vm:
        restored = Wizard(Screen(vm)).restore(nfs_place(nfs), "moved", "NEW1")
        assert restored.good, restored.text
        assert restored.digest == captured.digest
    source.untouched()
    source.check(target)
    boots(target, "nfs-wizard-boot")


def image_disk(path, filesystem):
    """A disk with one partition on which images are kept."""
    disks.create(path, 2 << 30)
    kind = "7" if filesystem == "ntfs" else "83"
    disks.partition(path, f"label: dos\nstart=1MiB, type={kind}\n")
    (start, size, _), = disks.partitions(path)
    part = disks.create(path.with_suffix(".part"), size)
    make = {"ext4": ["mke2fs", "-q", "-t", "ext4", part],
            "ntfs": ["mkntfs", "-Q", "-F", "-q", "-p", start // 512, "-H", 255, "-S", 63, part]}
    disks.run(make[filesystem])
    disks.insert(part, path, start)
    part.unlink()
    return path


@pytest.mark.parametrize("filesystem", ["ext4", "ntfs"])
def test_second_disk(iso, debian, work, filesystem):
    source, target = debian(), disks.create(work / "target.raw", LARGER)
    kept = image_disk(work / "kept.raw", filesystem)
    move(f"disk-{filesystem}", iso, source.path, target,
         lambda shell: f"dev://{shell.disk('KEEP1')}1/a.rhi", {}, kept=kept)
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
    move("uefi", iso, source.path, target, lambda _: samba.url("u.rhi"), credentials(samba))
    source.untouched()
    source.check(target)
    boots(target, "uefi-boot", firmware="uefi")
