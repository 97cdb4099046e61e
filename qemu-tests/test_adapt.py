"""A disk that does not boot on another controller, does once it is adapted.
Two cells of the matrix (matrix.py), which has the others."""

import pytest

from lab import boots, guests, live
from lab.adapt import adapt
from lab.layouts import PASSPHRASE
from lab.qemu import Disk
from lab.screen import Screen
from lab.wizard import Wizard


def cell(name, recipe, bus, cache, work, iso, how=("--profile", "any")):
    guest = guests.debian(recipe, cache)
    disk = guest.disk(work / "disk.raw")
    boots.must(boots.boot(f"{name}-untouched", disk, bus, recipe.firmware), False)
    adapt(disk, guest, list(how), iso)
    outcome = boots.must(boots.boot(f"{name}-adapted", disk, bus, recipe.firmware), True)
    assert outcome.root.startswith("/dev/vda" if bus == "virtio" else "/dev/nvme0n1")


@pytest.mark.smoke
def test_bios_to_virtio_blk(cache, work, iso):
    cell("adapt-bios", guests.DEBIAN_BIOS, "virtio", cache, work, iso)


@pytest.mark.smoke
def test_uefi_to_nvme(cache, work, iso):
    cell("adapt-uefi", guests.DEBIAN_UEFI, "nvme", cache, work, iso)


@pytest.mark.parametrize("name, generator, old, new", [
    ("bios", "initramfs-tools", "ahci", "virtio"),
    ("dracut", "dracut", "ahci", "nvme")])
def test_chroot(name, generator, old, new, cache, work, iso):
    """The guest's own program makes its initramfs."""
    recipe = guests.small(name, generator=generator, old=old)
    cell(f"chroot-{generator}", recipe, new, cache, work, iso, ["--chroot", "--profile", "kvm"])


def test_luks_by_wizard(cache, work, iso):
    """An encrypted root: the wizard asks for its passphrase."""
    recipe = guests.small("luks", layout="luks", size=2 << 30)
    guest = guests.debian(recipe, cache)
    disk = guest.disk(work / "disk.raw")
    with live.boot("luks-wizard", iso, [Disk(disk, bus="virtio", serial="LUKS1")]) as vm:
        wizard = Wizard(Screen(vm))
        done = wizard.adapt("LUKS1", passphrase=PASSPHRASE)
        assert done.good, done
        wizard.to_menu()
        wizard.power_off()
        vm.wait_off(120)
    boots.must(boots.boot("luks-wizard-boot", disk, "virtio"), True)
