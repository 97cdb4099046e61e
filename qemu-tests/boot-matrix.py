#!/usr/bin/python3
"""Boots the ISO in every way that it must boot, until the wizard shows.

    boot-matrix.py [--iso FILE] [--live DIR] [--screen REGEX] [NAME...]
    boot-matrix.py --least-memory [NAME...]

Prints a line for each way: seconds from QEMU's start until the wizard starts
and until its screen is drawn.  That Secure Boot is enforced is shown by a
kernel of which one byte is changed: it is refused with Secure Boot and boots
without.  --least-memory halves its way to the smallest memory with which
a machine boots and, through the wizard, captures a small disk to an SMB share.
Exit status: 0 all as expected, 1 not.
"""

import argparse
import mmap
import pathlib
import random
import shutil
import struct
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from lab import LabError, disks                             # noqa: E402
from lab.qemu import Disk, Machine                          # noqa: E402
from lab.screen import Screen                               # noqa: E402
from lab.servers import Samba                               # noqa: E402
from lab.wizard import Wizard, smb_place                    # noqa: E402

STARTS = r"Rehost: the wizard starts, ([0-9.]+) s after the kernel"
REFUSED = r"bad shim signature|Security Violation|Verification failed"
APPEND = "quiet loglevel=1 console=tty0 console=ttyS0,115200"
# under emulation on a starved host the kernel may see no timer tick in time
STARVED = r"IO-APIC \+ timer doesn't work"
# with too little memory: the kernel's words, GRUB's
TOO_LITTLE = r"Kernel panic|deadlocked on memory|out of memory"
LIMIT = 600                 # seconds for one boot, under emulation on a busy machine
DOWN = b"\x1b[B"


class Starved(LabError):
    """The host gave the emulated machine too little time; worth another try."""


class Matrix:
    """What all ways share: the ISO, its parts, what the wizard's screen shows."""

    def __init__(self, iso, live, screen, scratch):
        self.iso, self.live, self.screen, self.scratch = iso, live, screen, scratch

    def machine(self, name, firmware, iso=None, medium="cd", memory=1024, xhci=False, **more):
        disks, cdrom, extra = [], None, ["-device", "qemu-xhci,id=xhci"] if xhci else []
        iso = iso or self.iso
        if medium == "usb":
            disks = [Disk(iso, bus="usb", boot=0, read_only=True)]
        elif medium == "ehci":
            extra = ["-device", "usb-ehci,id=ehci",
                     "-drive", f"if=none,id=stick,format=raw,readonly=on,file={iso}",
                     "-device", "usb-storage,bus=ehci.0,drive=stick,bootindex=0"]
        elif medium == "cd":
            cdrom = iso
        return Machine(f"boot-{name}", disks=disks, cdrom=cdrom, firmware=firmware, memory=memory,
                       timeout=LIMIT, graphics=True, extra=extra, **more)

    def wizard(self, vm, limit=LIMIT):
        """Waits for the wizard; what the table says about it."""
        if vm.expect([STARTS, STARVED], limit):
            raise Starved(f"machine {vm.name}: the kernel stopped for want of timer ticks")
        kernel = vm.serial.match.group(1).decode()
        starts = vm.seconds
        Screen(vm).wait(self.screen, 60)
        return f"starts {starts:5.1f} s (kernel's clock {kernel} s), drawn {vm.seconds:5.1f} s"

    def choose(self, vm, down):
        """Takes another entry of the boot menu, on the serial line."""
        vm.expect("Rehost, copied to RAM", 120)
        for _ in range(down):
            vm.send(DOWN)
        vm.send("\r")

    # -- the ways ------------------------------------------------------------

    def plain(self, name, firmware, medium):
        with self.machine(name, firmware, medium=medium) as vm:
            return self.wizard(vm)

    def toram(self, name, firmware):
        """The medium is let go of: QEMU may take it out, the wizard still comes."""
        with self.machine(name, firmware) as vm:
            self.choose(vm, 1)
            vm.expect("not needed any more", LIMIT)
            vm.qmp.command("eject", id="devcd", force=False)
            return self.wizard(vm) + ", medium taken out"

    def verify(self, name, firmware):
        with self.machine(name, firmware) as vm:
            self.choose(vm, 2)
            vm.expect("the medium is good", LIMIT)
            return self.wizard(vm)

    def damaged(self, name, firmware):
        """One byte in the middle of a layer: verifying says so, the wizard doesn't start."""
        bad = self.changed(lambda m: m.find(self.sample("base.squashfs")))
        with self.machine(name, firmware, iso=bad) as vm:
            self.choose(vm, 2)
            vm.expect(r"medium /dev/\w+ is damaged", LIMIT)
            return f"told after {vm.seconds:.1f} s"

    def direct(self, name, initrd, append=APPEND, **more):
        """Kernel and initramfs as a network loader gives them."""
        return self.machine(name, "bios", medium="none", kernel=self.live / "vmlinuz",
                            initrd=initrd, append=append, **more)

    def late(self, name, _):
        """The USB stick shows up after the complaint that there is none."""
        with self.direct(name, self.live / "initrd.img", xhci=True) as vm:
            vm.expect("is not found", LIMIT)
            told = vm.seconds
            vm.qmp.monitor(f"drive_add 0 if=none,id=stick,format=raw,readonly=on,file={self.iso}")
            vm.qmp.command("device_add", driver="usb-storage", bus="xhci.0", drive="stick")
            return f"told after {told:.1f} s; then " + self.wizard(vm)

    def network(self, name, _):
        """The layers come inside the initramfs, as with PXE; no medium at all."""
        initrd = self.scratch / "network.img"
        initrd.write_bytes((self.live / "initrd.img").read_bytes()
                           + (self.live / "layers.cpio").read_bytes())
        with self.direct(name, initrd) as vm:
            return self.wizard(vm)

    def refused(self, name, _):
        """A changed kernel is refused with Secure Boot, and only for that."""
        bad = self.changed(self.version_in_kernel)
        with self.machine(name, "uefi", iso=bad) as vm:
            without = self.wizard(vm)
        with self.machine(name, "secboot", iso=bad) as vm:
            said = vm.expect([REFUSED, STARTS, STARVED], LIMIT)
            if said:        # whatever the kernel says, it was let in
                raise LabError("a changed kernel boots with Secure Boot on")
            word = vm.serial.match.group(0).decode()
        return f"with Secure Boot: \"{word}\"; without: {without}"

    # -- changed media -------------------------------------------------------

    def sample(self, part):
        """64 bytes from the middle of a part, by which to find it in the ISO."""
        data = (self.live / part).read_bytes()
        return data[len(data) // 2:len(data) // 2 + 64]

    def version_in_kernel(self, image):
        """Where the ISO has the kernel's version text, which no code reads at boot."""
        kernel = (self.live / "vmlinuz").read_bytes()
        text = struct.unpack_from("<H", kernel, 0x20e)[0] + 0x200   # Linux boot protocol 2.00
        return image.find(kernel[text:text + 64])

    def changed(self, where):
        """A copy of the ISO with one byte changed."""
        copy = self.scratch / "changed.iso"
        shutil.copy(self.iso, copy)
        with open(copy, "r+b") as f, mmap.mmap(f.fileno(), 0) as image:
            offset = where(image)
            if offset < 0:
                raise LabError(f"{self.iso}: does not hold what is in {self.live}")
            image[offset] ^= 1
        return copy

    # -- memory --------------------------------------------------------------

    def small_disk(self):
        """A disk with an ext4 of 48 MB of files that don't get smaller."""
        path, rng = self.scratch / "small.raw", random.Random(5)
        if not path.exists():
            disks.data(path, 96 << 20, {f"file{i}": rng.randbytes(8 << 20) for i in range(6)},
                       "11111111-2222-3333-4444-555555555556")
        return Disk(path, serial="SMALL1")

    def captures(self, name, firmware, memory, samba):
        """Boots and captures with so much memory.  (works, what is said about it)"""
        image = samba.share / f"{name}-{memory}.rhi"
        with Machine(f"boot-{name}-{memory}", disks=[self.small_disk()], cdrom=self.iso,
                     firmware=firmware, memory=memory, timeout=3 * LIMIT, graphics=True) as vm:
            try:
                said = vm.expect([STARTS, TOO_LITTLE, STARVED], LIMIT)
                if said == 1:
                    return False, vm.serial.match.group(0).decode()
                if said == 2:
                    raise Starved(f"machine {vm.name}: the kernel stopped for want of timer ticks")
                done = Wizard(Screen(vm)).capture("SMALL1", smb_place(samba), image.stem)
            except Starved:
                raise
            except LabError as e:
                return False, str(e).splitlines()[0]
            if not done.good:
                return False, done.words
            return True, f"captured {disks.human(image.stat().st_size)} after {vm.seconds:.0f} s"

    def least_memory(self, name, firmware, *sizes):
        """Halves the list of sizes (MB, rising) until the least that works is left."""
        low, high, said = -1, len(sizes), ""
        with Samba(self.scratch / f"share-{name}", f"samba-{name}") as samba:
            while high - low > 1:
                middle = (low + high) // 2
                works, text = tried(lambda m=sizes[middle]: self.captures(name, firmware, m, samba))
                print(f"    {name} with {sizes[middle]} MB: {'' if works else 'no: '}{text}", flush=True)
                if works:
                    high, said = middle, text
                else:
                    low = middle
        if high == len(sizes):
            raise LabError(f"does not work with {sizes[-1]} MB")
        less = f"not with {sizes[low]}" if low >= 0 else "less was not tried"
        return f"{sizes[high]} MB ({less}): wizard and a capture to SMB, {said}"


# name -> (method, firmware, medium)
WAYS = {
    "bios-cd": ("plain", "bios", "cd"),
    "bios-usb": ("plain", "bios", "usb"),
    "bios-usb2": ("plain", "bios", "ehci"),
    "uefi-cd": ("plain", "uefi", "cd"),
    "uefi-usb": ("plain", "uefi", "usb"),
    "secboot-cd": ("plain", "secboot", "cd"),
    "secboot-usb": ("plain", "secboot", "usb"),
    "secboot-refused": ("refused", "secboot"),
    "bios-toram": ("toram", "bios"),
    "uefi-toram": ("toram", "uefi"),
    "bios-verify": ("verify", "bios"),
    "bios-damaged": ("damaged", "bios"),
    "late-usb": ("late", "bios"),
    "network": ("network", "bios"),
}
LEAST = {
    "bios-least": ("least_memory", "bios", 64, 80, 96, 112, 128, 160, 192, 256),
    "uefi-least": ("least_memory", "uefi", 128, 160, 192, 224, 256, 320, 384, 448),
    "secboot-least": ("least_memory", "secboot", 256, 288, 320, 352, 384, 448),
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--iso", type=pathlib.Path, default="build/rehost.iso")
    parser.add_argument("--live", type=pathlib.Path, default="build/live",
                        help="where kernel, initramfs and layers of that ISO are")
    parser.add_argument("--screen", default="Capture this machine", help="what the wizard shows")
    parser.add_argument("--least-memory", action="store_true")
    parser.add_argument("name", nargs="*", help=", ".join(list(WAYS) + list(LEAST)))
    return parser.parse_args()


def tried(way):
    """What the way gives; once more if it was the host's fault."""
    try:
        return way()
    except Starved as e:
        print(f"    {e}: once more", flush=True)
        return way()


def main():
    args = arguments()
    table = LEAST if args.least_memory else WAYS
    unknown = set(args.name) - set(WAYS) - set(LEAST)
    if unknown:
        sys.exit(f"boot-matrix: no such way: {', '.join(sorted(unknown))}")
    failed = 0
    with tempfile.TemporaryDirectory(prefix="boot-matrix-") as scratch:
        matrix = Matrix(args.iso.resolve(), args.live.resolve(), args.screen, pathlib.Path(scratch))
        for name in args.name or table:
            method, *rest = {**WAYS, **LEAST}[name]
            try:
                text = tried(lambda m=method, r=rest, n=name: getattr(matrix, m)(n, *r))
                print(f"{name:16} {text}", flush=True)
            except LabError as e:
                failed += 1
                print(f"{name:16} FAILED: {e}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
