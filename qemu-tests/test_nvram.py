"""What is outside of the disk: the firmware's boot entries, and the name that a
network card gets from a running guest."""

import re
import shutil

from lab import boots, disks, guests, live
from lab.proc import run
from lab.qemu import Disk, Machine

MAC = "52:54:00:12:34:56"       # of QEMU's first network card
UEFI = guests.small("uefi", firmware="uefi", table="gpt")


def entries(shell):
    return re.findall(r"^Boot\w{4}\*? debian\t.*$", shell.run("efibootmgr -v"), re.M | re.I)


def test_entry_made_and_taken_back(cache, work, iso):
    guest = guests.debian(UEFI, cache)
    disk = guest.disk(work / "disk.raw")
    with live.boot("nvram-adapt", iso, [Disk(disk, bus="nvme", serial="ADAPT1")], firmware="uefi") as vm:
        shell = live.Shell(vm)
        device = shell.disk("ADAPT1")
        assert not entries(shell)
        # a run that is taken back takes its entry along
        assert "efibootmgr" in shell.run(f"rehost adapt --yes {device} 2>&1", 900)
        assert len(entries(shell)) == 1
        shell.run(f"rehost adapt --yes --undo {device} 2>&1", 900)
        assert not entries(shell)
        # not wanted, not made
        shell.run(f"rehost adapt --yes --no-nvram {device} 2>&1", 900)
        assert not entries(shell)
        shell.run(f"rehost adapt --yes --undo {device} 2>&1", 900)
        shell.run(f"rehost adapt --yes --nic lan7={MAC} {device} 2>&1", 900)
        assert len(entries(shell)) == 1
        # twice is once
        shell.run(f"rehost adapt --yes --nic lan7={MAC} {device} 2>&1", 900)
        assert len(entries(shell)) == 1
        shell.power_off()
        shutil.copyfile(vm.efivars_file, work / "efivars.fd")
    # without the fallback the entry alone starts it
    run(["mdeltree", "-i", f"{disk}@@{disks.partitions(disk)[0][0]}", "::/EFI/BOOT"])
    boots.must(boots.boot("nvram-empty", disk, "nvme", "uefi"), False)
    with Machine("nvram-boot", [Disk(disk, bus="nvme", throwaway=True)], firmware="uefi",
                 efivars=work / "efivars.fd", cpu="qemu64") as vm:
        vm.expect(r'BdsDxe: starting Boot\w{4} "debian"', 300)
        vm.expect(boots.LOGIN, 600)
        vm.send(f"{guests.LOGIN}\r")
        vm.expect("Password: ", 120)
        vm.send(f"{guests.PASSWORD}\r")
        vm.expect(r"[#$] ", 120)
        vm.send("cat /sys/class/net/lan7/address\r")
        vm.expect(MAC, 60)
