"""The lab itself: its guests boot and find their files, its servers serve."""

import pytest

from lab import disks, guests, powercut
from lab.disks import MIB
from lab.proc import run
from lab.qemu import Disk, Machine

NETWORK = """
ip link set lo up
modprobe virtio_net
for i in /sys/class/net/e*; do n=${i##*/}; done
ip link set $n up
ip addr add 10.0.2.15/24 dev $n
ip route add default via 10.0.2.2
mkdir -p /run/m
"""
COPY = """
cp -r /srv/lab/data/deep /run/m/ && umount /run/m && %s &&
[ "$(cd /srv/lab/data; find deep -type f | sort | xargs sha256sum | sha256sum)" = \
  "$(cd /run/m; find deep -type f | sort | xargs sha256sum | sha256sum)" ] && echo LAB-SAME
umount /run/m
"""


def marker(vm):
    vm.expect(r"LAB-BOOTED root=\S+", 300)
    vm.expect(r"LAB-FILES (ok|bad) ?\d*\r", 120)
    assert vm.serial.match.group(1) == b"ok"


@pytest.mark.parametrize("recipe", [guests.DEBIAN_BIOS_GPT, guests.DEBIAN_UEFI],
                         ids=lambda r: r.name)
def test_guest_boots(cache, work, recipe):
    disk = guests.debian(recipe, cache).disk(work / "disk.raw")
    with Machine(f"lab-{recipe.name}", [Disk(disk)], firmware=recipe.firmware, fast=True,
                 timeout=400) as vm:
        marker(vm)
        vm.expect("LAB-CLEAN", 60)
        vm.wait_off(60)


def test_secure_boot_guest(cache, work):
    disk = guests.debian(guests.DEBIAN_UEFI, cache).disk(work / "disk.raw")
    with Machine("lab-secboot", [Disk(disk)], firmware="secboot", fast=True, timeout=400,
                 script="dmesg | grep -i 'secure boot'\n") as vm:
        marker(vm)
        vm.expect("Secure boot enabled", 60)
        vm.wait_off(60)


@pytest.mark.parametrize("bus,found", [("ide", True), ("nvme", False), ("virtio", False)])
def test_guest_knows_only_its_own_hardware(cache, work, bus, found):
    """Its initramfs has AHCI and IDE: what adapting a guest is for."""
    disk = guests.debian(guests.DEBIAN_BIOS, cache).disk(work / "disk.raw")
    with Machine(f"lab-on-{bus}", [Disk(disk, bus=bus)], fast=True, timeout=400) as vm:
        said = vm.expect(["LAB-FILES ok", r"ALERT!.*does not exist"], 300)
        assert said == (0 if found else 1)


def serves(cache, work, name, mount):
    disk = guests.debian(guests.DEBIAN_BIOS, cache).disk(work / "disk.raw")
    script = f"{NETWORK}\n{mount} && echo LAB-MOUNTED\n" + COPY % mount
    with Machine(f"lab-{name}", [Disk(disk)], fast=True, script=script, timeout=400) as vm:
        marker(vm)
        vm.expect("LAB-MOUNTED", 120)
        vm.expect("LAB-SAME", 250)


def test_samba(cache, work, samba):
    samba.stop()
    samba.start()
    serves(cache, work, "smb", "modprobe cifs; " + samba.mount_command("/run/m"))


@pytest.mark.parametrize("version", ["4", "3"])
def test_nfs(cache, work, nfs, version):
    module = "nfsv3" if version == "3" else "nfsv4"
    serves(cache, work, f"nfs{version}",
           f"modprobe {module}; " + nfs.mount_command("/run/m", version))


@pytest.mark.smoke
@pytest.mark.parametrize("how", powercut.LOST)
def test_write_cache_is_lost(work, how):
    """What was flushed is there, also where it was written before; the rest isn't, or
    sector by sector."""
    disk = disks.create(work / "disk.raw", 8 * MIB)
    disks.write_at(disk, 3 * MIB, b"old!" * 4096)
    powercut.switched_on(disk)
    run(["qemu-io", "-t", "writeback", "--image-opts", powercut.drive(disk).replace("cache=writeback,", ""),
         "-c", "write -P 1 0 64k", "-c", "write -P 2 4096 512", "-c", "flush",
         "-c", "discard 3M 8k", "-c", "write -P 3 1M 64k", "-c", "abort"], ok=None)
    assert powercut.switched_off(disk, how) == 2
    now = disk.read_bytes()
    assert now[:65536] == b"\1" * 4096 + b"\2" * 512 + b"\1" * (65536 - 4608)
    late = [now[MIB + i:MIB + i + 512] for i in range(0, 65536, 512)]
    got = late.count(b"\3" * 512)
    assert got + late.count(bytes(512)) == len(late)
    assert 30 < got < 100 if how == "torn" else got == 0
    gone = 16384 - now[3 * MIB:3 * MIB + 16384].count(b"old!") * 4
    assert 0 < gone <= 8192 if how == "torn" else gone == 0
    assert not any(now[4 * MIB:])
