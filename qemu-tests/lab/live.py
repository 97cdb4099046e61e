"""The live system in a virtual machine: booted, and a shell in it.

    with boot("capture", iso, [Disk(...)]) as vm:
        shell = Shell(vm)
        shell.run("rehost capture /dev/sda dev:///dev/sdb1/a.rhi")
"""

import json
import pathlib
import re
import shlex
import shutil
import tempfile

import pexpect

from . import LabError, disks, patient
from .proc import run
from .qemu import Disk, Machine
from .screen import Screen
from .wizard import Wizard

APPEND = "quiet loglevel=1 console=tty0 console=ttyS0,115200"
MEMORY = 512
LIMIT = 3000                # seconds; every wait has its own, shorter one


def boot(name, iso, drives, direct=True, append="", medium=None, **more):
    """A Machine with the ISO in its drive, or with the USB stick `medium`.
    `direct` hands kernel and initramfs to QEMU, which saves the boot menu; the
    rest is the same."""
    more.setdefault("memory", MEMORY)
    more.setdefault("timeout", LIMIT)
    if direct and more.get("firmware", "bios") == "bios":
        live = pathlib.Path(iso).parent / "live"
        more.update(kernel=live / "vmlinuz", initrd=live / "initrd.img",
                    append=f"{APPEND} {append}".strip())
    elif append:
        raise LabError("kernel options need a direct boot")
    if medium:
        drives = drives + [Disk(medium, bus="usb", serial="STICK1", read_only=True)]
    return Machine(name, disks=drives, cdrom=None if medium else iso, second=True, **more)


def stick(iso, path, files):
    """A USB stick with a FAT file system and all files of the ISO, as a user
    makes one, and `files`, {name: text}, such as answer files."""
    tree = pathlib.Path(tempfile.mkdtemp(prefix="stick-", dir=path.parent))
    try:
        run([shutil.which("7zz") or "7z", "x", "-y", "-bd", f"-o{tree}", "-x![BOOT]", iso])
        for name, text in files.items():
            (tree / name).write_text(text)
        size = sum(f.stat().st_size for f in tree.rglob("*")) + (64 << 20)
        disks.create(path, size >> 20 << 20)
        disks.partition(path, "label: dos\nstart=1MiB, type=c, bootable\n")
        part = f"{path}@@1M"
        run(["mformat", "-i", part, "-F", "-T", (disks.partitions(path)[0][1]) // 512, "::"])
        run(["mcopy", "-i", part, "-s", "-Q", *sorted(tree.iterdir()), "::"])
    finally:
        shutil.rmtree(tree)
    return path


class Shell:
    """A shell on the machine's second serial line, started from the wizard's
    own shell: no echo, no prompt, no line editing, a status for each command.
    `wizard` is the first line's; it comes back after `to_menu()`."""

    def __init__(self, vm):
        self.vm = vm
        self.wizard = wizard = Wizard(Screen(vm))
        wizard.start("Shell", "")
        wizard.screen.wait(r"[#$] ?$", 60)
        wizard.screen.type(
            "stty -F /dev/ttyS1 -echo -onlcr; setsid sh -c 'echo @@ready; while read -r l; do eval \"$l\"; done'"
            " </dev/ttyS1 >/dev/ttyS1 2>&1 & echo star''ted\r")
        wizard.screen.wait("started", 30)
        # not before it holds the line open, else the first letters get lost;
        # and firmware may have written to this line, too
        self.vm.serial2.expect(rb"@@ready\r?\n", timeout=patient(60))

    def run(self, command, timeout=600, ok=(0,), env=None):
        """Runs a command line; returns what it printed (both streams)."""
        words = "".join(f"{k}={shlex.quote(v)} " for k, v in (env or {}).items())
        timeout = patient(timeout)
        self.vm.serial2.send(f"{words}{command}; echo \"@@$?\"\n")
        try:
            self.vm.serial2.expect(rb"@@(\d+)\n", timeout=timeout)
        except (pexpect.TIMEOUT, pexpect.EOF, OSError):
            said = (self.vm.serial2.before or b"").decode(errors="replace")[-2000:]
            raise self.vm.failure(f"no end of '{command}' within {timeout} s; "
                                  f"it said:\n{said}") from None
        output = self.vm.serial2.before.decode(errors="replace")
        status = int(self.vm.serial2.match.group(1))
        if ok is not None and status not in ok:
            raise LabError(f"'{command}' in machine {self.vm.name}: exit status {status}\n{output}")
        self.status = status
        return output

    def start(self, command):
        """Begins a command line without waiting for its end; what it says is on
        vm.serial2."""
        self.vm.serial2.send(f"{command}\n")

    def disk(self, serial):
        """The device of the disk with a serial number."""
        disks = json.loads(self.run("rehost disks --json 2>/dev/null"))["disks"]
        for disk in disks:
            if disk.get("serial") == serial:
                return disk["path"]
        raise LabError(f"no disk with serial number {serial} among {disks}")

    def digest(self, output):
        """The root digest that capture and verify print."""
        found = re.search(r"[0-9a-f]{64}", output)
        if not found:
            raise LabError(f"no digest in: {output}")
        return found.group(0)

    def to_menu(self):
        """Leaves the wizard's shell on the first line; this one goes on."""
        self.wizard.screen.type("exit\r")
        self.wizard.page("Main menu")

    def power_off(self):
        self.vm.serial2.send("sync; poweroff -f\n")
        self.vm.wait_off(60)
