"""What `rehost adapt` does to boot code and boot programs, started by real
firmware: a disk whose GRUB menu only says that it was reached."""

import os
import pathlib
import shutil

import pytest

from lab import disks
from lab.disks import MIB
from lab.proc import run
from lab.qemu import Disk, Machine

BOOTPLAN = pathlib.Path(os.environ.get("LAB_BOOTPLAN", "build/tests/tools/bootplan")).absolute()
UUID = "0f1e2d3c-1111-2222-3333-444455556666"
GRUB = pathlib.Path("/usr/lib/grub")
BIOS_BOOT = "21686148-6449-6E6F-744E-656564454649"
MENU = """serial --unit=0
terminal_output serial
echo "GRUB-MENU platform=$grub_platform root=$root"
sleep 600
"""
MBR = "label: dos\nlabel-id: 0x1abd15c0\nstart=1MiB, type=83, bootable\n"
GPT_BIOS = f"label: gpt\nsize=1MiB, type={BIOS_BOOT}\ntype=L\n"
GPT_BOTH = f"label: gpt\nsize=64MiB, type=U\nsize=1MiB, type={BIOS_BOOT}\ntype=L\n"


class Chain:
    """A guest's tree and its disk, which are put together before each start."""

    def __init__(self, work, table):
        self.root, self.disk, self.work = work / "root", work / "disk.raw", work
        disks.create(self.disk, 192 * MIB)
        disks.partition(self.disk, table)
        self.parts = disks.partitions(self.disk)
        (self.root / "boot/grub").mkdir(parents=True)
        (self.root / "boot/grub/grub.cfg").write_text(MENU)

    def modules(self, platform):
        """What grub-install copies to /boot/grub."""
        shutil.copytree(GRUB / platform, self.root / "boot/grub" / platform)

    def package(self, directory):
        """A package's files in the guest, /usr/lib/..."""
        shutil.copytree(pathlib.Path("/usr/lib") / directory, self.root / "usr/lib" / directory)

    def plan(self, firmware, **more):
        """Plans and applies; returns what was said."""
        boot = len(self.parts)
        words = [f"firmware={firmware}", f"boot={boot}", f"uuid={UUID}", "apply=1", "secure=0"]
        if boot == 3:
            (self.root / "boot/efi").mkdir(exist_ok=True)
            words.append("esp=1")
        words += [f"{name}={value}" for name, value in more.items()]
        said = run([BOOTPLAN, self.root, self.disk, *words])
        assert "problem:" not in said and "failed:" not in said, said
        return said

    def assemble(self):
        """The file systems from the tree."""
        start, size, _ = self.parts[-1]
        part = disks.create(self.work / "part", size)
        run(["mke2fs", "-q", "-t", "ext4", "-U", UUID, "-d", self.root, part])
        disks.insert(part, self.disk, start)
        if len(self.parts) == 3:
            disks.create(part, self.parts[0][1])
            run(["mkfs.vfat", "-F", "32", part])
            for top in sorted((self.root / "boot/efi").iterdir()):
                run(["mcopy", "-s", "-i", part, top, "::"])
            disks.insert(part, self.disk, self.parts[0][0])

    def starts(self, name, firmware, platform):
        self.assemble()
        with Machine(name, disks=[Disk(self.disk)], firmware=firmware, memory=384,
                     network=False, timeout=300) as vm:
            vm.expect(rf"GRUB-MENU platform={platform} root=\S+", 240)


@pytest.mark.parametrize("table", ["mbr", "gpt"])
def test_boot_code_lost(work, table):
    """The first sector and core.img are gone, the modules are there."""
    chain = Chain(work, MBR if table == "mbr" else GPT_BIOS)
    chain.modules("i386-pc")
    chain.package("grub/i386-pc")
    said = chain.plan("bios")
    assert "made anew from the guest's modules" in said
    chain.starts(f"boot-lost-{table}", "bios", "pc")


def test_boot_code_put_back(work):
    """The guest's own core.img, put back after everything was zeroed."""
    chain = Chain(work, MBR)
    chain.modules("i386-pc")
    run(["grub-mkimage", "-O", "i386-pc", "-p", "(,msdos1)/boot/grub", "-o",
         chain.root / "boot/grub/i386-pc/core.img", "biosdisk", "part_msdos", "ext2"])
    said = chain.plan("bios")
    assert "(the guest's own)" in said
    chain.starts("boot-put-back", "bios", "pc")


def test_uefi_to_bios(work):
    """A guest of UEFI has no GRUB for BIOS: the live system's, all in core.img."""
    chain = Chain(work, GPT_BOTH)
    said = chain.plan("bios", bits=2)
    assert "made from the files of this live system" in said
    chain.starts("boot-uefi-to-bios", "bios", "pc")


@pytest.mark.parametrize("how", ["signed", "modules"])
def test_bios_to_uefi(work, how):
    """A guest of BIOS with an empty ESP: shim and GRUB as signed, started with
    Secure Boot enforced; or GRUB made of the guest's modules."""
    chain = Chain(work, GPT_BOTH)
    if how == "signed":
        chain.package("shim")
        chain.package("grub/x86_64-efi-signed")
    else:
        chain.package("grub/x86_64-efi")
    chain.plan("efi", bits=1, live=work / "none")
    chain.starts(f"boot-bios-to-uefi-{how}", "secboot" if how == "signed" else "uefi", "efi")


def test_fallback_copied(work):
    """EFI/debian without a boot entry: EFI/BOOT is made from it."""
    chain = Chain(work, GPT_BOTH)
    vendor = chain.root / "boot/efi/EFI/debian"
    vendor.mkdir(parents=True)
    shutil.copy("/usr/lib/shim/shimx64.efi.signed", vendor / "shimx64.efi")
    shutil.copy(GRUB / "x86_64-efi-signed/grubx64.efi.signed", vendor / "grubx64.efi")
    (vendor / "grub.cfg").write_text(f"search.fs_uuid {UUID} root\nset prefix=($root)'/boot/grub'\n"
                                     "configfile $prefix/grub.cfg\n")
    chain.plan("efi", live=work / "none")
    chain.starts("boot-fallback", "secboot", "efi")
