#!/usr/bin/python3
"""make qemu-matrix: real guests x machines of other hardware.

For each cell the guest's disk, as it was on its old machine, is booted in the
target: it finds no root, or boots anyway.  Then a copy is adapted and booted.
Cells that are done are kept in OUT/cells and not run again (with --again those
that another build of the program adapted); the table is made from them.

    matrix.py --out DIR --doc FILE [--row TEXT] [--target TEXT] [--all] [--before] [--again]
              [--jobs N] [--cpus N]
"""

import argparse
import concurrent.futures
import dataclasses
import hashlib
import json
import os
import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from lab import LabError, adapt, boots, guests, proc, qemu            # noqa: E402
from lab.guests import Recipe                                       # noqa: E402


@dataclasses.dataclass(frozen=True)
class Row:
    """A guest, and which of its kernels is booted."""
    text: str
    recipe: Recipe
    usual: str                  # the buses that it is run on unless more is asked for
    kernel: int = 1
    exact: bool = False         # adapted to each target's own inventory, not to "any"

    @property
    def name(self):
        return (self.recipe.name + ("-second" if self.kernel == 2 else "")
                + ("-exact" if self.exact else ""))


@dataclasses.dataclass(frozen=True)
class Target:
    name: str
    bus: str
    login: bool = False         # to systemd's login prompt, not to the marker


def rows():
    tools, dracut = "initramfs-tools MODULES=dep", "dracut hostonly"
    guest = guests.small
    plain, luks = guest("bios"), {"layout": "luks", "size": 2 << 30}
    two = guest("two", suite="bookworm", kernels=2, size=4 << 30)
    every = "virtio nvme virtio-scsi ahci ide lsi megasas pvscsi usb"
    return [
        Row(f"13, {tools}, BIOS, ext4", plain, every),
        Row(f"13, {tools}, UEFI, ext4", guest("uefi", firmware="uefi", table="gpt"),
            "virtio nvme virtio-scsi ahci usb"),
        Row(f"12, {tools}, BIOS, ext4, two kernels", two, "virtio nvme megasas pvscsi"),
        Row(f"12, {tools}, BIOS, ext4, the second kernel", two, "virtio nvme megasas pvscsi",
            kernel=2),
        Row(f"13, {dracut}, BIOS, ext4", guest("dracut", generator="dracut"), every),
        Row(f"13, {tools}, BIOS, LUKS", guest("luks", **luks), "virtio nvme"),
        Row(f"13, {tools}, BIOS, LVM", guest("lvm", layout="lvm"), "virtio-scsi nvme"),
        Row(f"13, {tools}, BIOS, Btrfs subvolume", guest("btrfs", layout="btrfs"), "virtio pvscsi"),
        Row(f"13, {tools}, BIOS/GPT, /boot apart, swap", guest("boot", layout="boot", table="gpt"),
            "virtio nvme"),
        Row(f"13, {tools}, BIOS, ext4, from virtio-blk", guest("virtio", old="virtio"), ""),
        Row(f"13, {dracut}, UEFI, ext4", guest("dracut-uefi", generator="dracut", firmware="uefi",
                                               table="gpt"), ""),
        Row(f"13, {dracut}, BIOS, LVM", guest("dracut-lvm", generator="dracut", layout="lvm"), ""),
        Row(f"13, {dracut}, BIOS, LUKS", guest("dracut-luks", generator="dracut", **luks), ""),
        Row(f"13, {tools}, BIOS, ext4, exact hardware", plain, "virtio nvme usb", exact=True),
    ]


TARGETS = [
    Target("virtio-blk", "virtio"), Target("nvme", "nvme"), Target("virtio-scsi", "virtio-scsi"),
    Target("ahci", "ahci"), Target("ide (piix)", "ide"), Target("lsi53c895a", "lsi"),
    Target("megasas", "megasas"), Target("pvscsi", "pvscsi"),
    Target("usb-storage", "usb"), Target("login, virtio-blk", "virtio", login=True),
]


class Matrix:
    def __init__(self, args):
        self.out, self.args = args.out, args
        self.cells = args.out / "cells"
        self.cells.mkdir(parents=True, exist_ok=True)
        self.locks, self.guard = {}, threading.Lock()

    def lock(self, name):
        """One thread at a time makes a guest or adapts a disk."""
        with self.guard:
            return self.locks.setdefault(name, threading.Lock())

    def say(self, text):
        print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)

    # -- cells --------------------------------------------------------------------

    def file(self, row, target):
        return self.cells / f"{row.name}-{target.bus}{'-login' if target.login else ''}.json"

    def load(self, row, target, master=None):
        """What is known of a cell; empty when it is of another guest."""
        try:
            cell = json.loads(self.file(row, target).read_text())
        except FileNotFoundError:
            return {}
        return cell if master in (None, cell.get("guest")) else {}

    def made(self, row):
        with self.lock(row.recipe.name):
            return guests.debian(row.recipe, os.environ["LAB_CACHE"], self.say)

    def adapted(self, row, target, guest):
        """The adapted copy of the guest's disk, and what adapting it said."""
        name = f"{row.recipe.name}-{target.bus if row.exact else 'any'}"
        disk, facts = self.out / f"{name}.raw", self.out / f"{name}.json"
        program = hashlib.sha256(pathlib.Path(os.environ["LAB_ADAPT"]).read_bytes()).hexdigest()[:12]
        with self.lock(name):
            known = json.loads(facts.read_text()) if facts.exists() and disk.exists() else {}
            stale = self.args.again and known.get("program") != program
            if known.get("guest") != guest.master.name or stale:
                facts.unlink(missing_ok=True)
                guest.disk(disk)
                how = ["--profile", "any"]
                if row.exact:
                    inventory = self.out / f"hardware-{target.bus}.json"
                    if not inventory.exists():
                        inventory.write_text(adapt.inventory(os.environ["LAB_ISO"], target.bus))
                    how = ["--hardware", inventory]
                begin = time.monotonic()
                said = adapt.adapt(disk, guest, how, os.environ["LAB_ISO"])
                known = {"guest": guest.master.name, "program": program, "said": said.text,
                         "seconds": said.seconds, "whole": time.monotonic() - begin,
                         "where": said.where}
                facts.write_text(json.dumps(known, indent=1))
        return disk, known

    def boot(self, row, target, disk, when):
        """Half a cell: {"boots", "seconds", "what", ...}"""
        fast = False if target.login else (True if row.kernel == 1 else row.kernel)
        outcome = boots.boot(f"{row.name}-{target.bus}-{'login' if target.login else when}", disk, target.bus,
                             row.recipe.firmware, fast, cpus=self.args.cpus,
                             limit=900 if target.login else 600)
        self.say(f"{row.name} on {target.name}, {when}: {outcome}")
        return dataclasses.asdict(outcome)

    def run(self, row, target):
        guest = self.made(row)
        cell = self.load(row, target, guest.master.name)
        cell["guest"] = guest.master.name
        if "before" not in cell and not target.login:
            # the same guest, booted untouched for another row
            twin = next((c for c in (self.load(r, target, guest.master.name) for r in rows()
                                     if r.kernel == row.kernel) if "before" in c), None)
            cell["before"] = twin["before"] if twin else self.boot(row, target, guest.master, "before")
            self.file(row, target).write_text(json.dumps(cell, indent=1))
        if self.args.before:
            return
        disk, known = self.adapted(row, target, guest)
        if cell.get("program") != known["program"]:
            cell["after"] = self.boot(row, target, disk, "after")
            cell["program"] = known["program"]
            self.file(row, target).write_text(json.dumps(cell, indent=1))

    def try_run(self, row, target):
        try:
            self.run(row, target)
        except LabError as e:
            self.say(f"{row.name} on {target.name}: {e}")
            return 1
        return 0

    def wanted(self, row, target):
        """The usual cells and one boot to the login prompt, or all; of these
        what has --row and --target in its names."""
        args = self.args
        usual = row == rows()[0] if target.login else target.bus in row.usual.split()
        return (args.all or usual) and args.row in row.name and args.target in target.name

    def work(self):
        cells = [(r, t) for t in TARGETS for r in rows() if self.wanted(r, t)]
        with concurrent.futures.ThreadPoolExecutor(self.args.jobs) as pool:
            return sum(pool.map(lambda c: self.try_run(*c), cells))

    # -- the table ----------------------------------------------------------------

    @staticmethod
    def words(cell):
        def half(known):
            if known is None:
                return "not run"
            text = f"{known['what']}" if not known["boots"] else "boots"
            text += f", {known['complaint']}" if known["complaint"] else ""
            return f"{text} {known['seconds']:.0f} s"
        if not cell:
            return ""
        before, after = cell.get("before"), cell.get("after")
        if before and before["boots"]:
            first = "booted anyway"
        else:
            first = half(before) if before else ""
        return " → ".join(filter(None, [first, half(after)]))

    def facts(self):
        """What adapting each guest took."""
        for path in sorted(self.out.glob("*-*.json")):
            known = json.loads(path.read_text())
            if "said" in known:
                yield path.stem, known

    def table(self):
        """The document: guests down, targets across."""
        found = {(r, t): self.load(r, t) for r in rows() for t in TARGETS}
        both = [c for c in found.values() if "after" in c]
        failed = [c for c in found.values() if "before" in c and not c["before"]["boots"]]
        right = [c for c in both if c["after"]["boots"] and not c["after"]["complaint"]]
        lines = [HEAD.format(
            before=sum("before" in c for c in found.values()), failed=len(failed),
            after=len(both), right=len(right)),
            "| guest: Debian | " + " | ".join(t.name for t in TARGETS) + " |",
            "|---|" + "---|" * len(TARGETS)]
        for row in rows():
            if any(found[row, t] for t in TARGETS):
                lines.append(f"| {row.text} | "
                             + " | ".join(self.words(found[row, t]) for t in TARGETS) + " |")
        facts = list(self.facts())
        if facts:
            lines += ["", "Adapting, once per guest (\"any\": every common controller at once):", "",
                      "| disk | where | seconds |", "|---|---|---|"]
            lines += [f"| {n} | {k['where']} | {k['seconds']:.1f} |" for n, k in facts]
        return "\n".join(lines) + "\n"


HEAD = """\
# Adapting Linux: what was booted

Made by `make qemu-matrix` (qemu-tests/matrix.py) from real Debian guests under
QEMU, emulated without KVM. Each guest's initramfs has only its old machine's
drivers, as MODULES=dep or dracut's hostonly made it there (AHCI, unless it says
otherwise); its fstab and its kernel command line name /dev/sda. A cell says how the
untouched disk ends on that controller and after how many seconds, then the same disk
after `rehost adapt`: "boots" is the guest's own marker with the root file system
mounted, every file checked by hash and every device in fstab found; the last column
is systemd's login prompt.
"no root" is the initramfs giving up; "firmware" means that the firmware itself
does not boot from that controller. mptsas1068 is not among them: Debian's kernel
loads the driver and sees no disk behind QEMU 7.2's, in the live system neither.

{before} cells booted untouched, of which {failed} did not boot; {after} booted adapted,
of which {right} boot and are right.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--doc", required=True, type=pathlib.Path)
    parser.add_argument("--row", default="", help="only rows with this in their name")
    parser.add_argument("--target", default="", help="only targets with this in their name")
    parser.add_argument("--all", action="store_true", help="every row on every target")
    parser.add_argument("--before", action="store_true", help="only the untouched disks")
    parser.add_argument("--again", action="store_true", help="adapt anew with a new program")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--cpus", type=int, default=1, help="of each machine")
    args = parser.parse_args()
    proc.terminate_becomes_exception()
    qemu.LOGS = args.out / "logs"
    matrix = Matrix(args)
    bad = matrix.work()
    args.doc.write_text(matrix.table())
    print(matrix.table())
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
