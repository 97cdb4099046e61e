"""Does this disk boot in that machine?  Seen on the serial line, both ways."""

import dataclasses

import pexpect

from . import LabError, patient
from .layouts import PASSPHRASE
from .qemu import Disk, Machine

MARKER = r"LAB-BOOTED root=(\S+) kernel=(\S+) "
LOGIN = "labguest login: "
ASKS = r"(Please unlock disk|[Ee]nter passphrase for)[^\r\n]*:"

# what says that it does not boot, and how the table names it; pexpect's "." would
# run across lines
FAILURES = {
    r"ALERT! [^\r\n]*does not exist": "no root",          # initramfs-tools, after 30 s
    r"\(initramfs\) ": "no root",
    r"dracut-initqueue[^\r\n]*timeout": "no root",
    r"Warning: [^\r\n]*/dev/[^\r\n]* does not exist": "no root",
    r"[Ee]mergency (mode|[Ss]hell)": "emergency",
    r"Kernel panic": "panic",
    r"grub rescue>": "boot loader",
    r"error: (no such device|file `[^']*' not found|you need to load)": "boot loader",
    r"BdsDxe: No bootable option|Shell> ": "firmware",
}


@dataclasses.dataclass
class Outcome:
    """How a boot ended."""
    boots: bool
    seconds: float
    what: str           # "marker", "login", or how it fails
    root: str = ""      # what the kernel mounted
    kernel: str = ""
    complaint: str = ""     # it boots, but this is not right

    def __str__(self):
        return f"{self.what} {self.seconds:.0f} s" + (f" ({self.complaint})" if self.complaint else "")


def _text(value):
    return value.decode(errors="replace")


def _inside(vm, outcome, limit, script):
    """What the guest's marker boot says of its own files, and its script's status."""
    said = [(r"LAB-FILES (\w+)", "ok"), (r"LAB-FSTAB ([^\r\n]*)", "ok")]
    said += [(r"LAB-SCRIPT status=(\d+)", "0")] if script else []
    for pattern, right in said:
        vm.expect(pattern, limit)
        said = _text(vm.serial.match.group(1))
        if said != right:
            outcome.complaint += f"{pattern.split()[0]}: {said} "
    vm.expect("LAB-END", 60)
    vm.wait_off(60)
    outcome.complaint = outcome.complaint.strip()


def watch(vm, login=False, limit=600, script=False):
    """Waits for the marker, the login prompt or a sign of failure."""
    limit = patient(limit)
    patterns = [LOGIN if login else MARKER, ASKS, pexpect.EOF, pexpect.TIMEOUT, *FAILURES]
    while True:
        try:
            seen = vm.serial.expect(patterns, timeout=max(1, limit - vm.seconds))
        except OSError:         # the socket's other end is gone
            seen = 2
        if seen != 1:
            break
        vm.send(f"{PASSPHRASE}\r")
    if seen == 0:
        outcome = Outcome(True, vm.seconds, "login" if login else "marker")
        if not login:
            outcome.root, outcome.kernel = map(_text, vm.serial.match.groups())
            _inside(vm, outcome, limit, script)
        return outcome
    what = {2: "switched off", 3: "nothing"}.get(seen) or list(FAILURES.values())[seen - 4]
    return Outcome(False, vm.seconds, what)


def boot(name, disk, bus, firmware="bios", fast=True, limit=600, kept=False, **more):
    """The Outcome of booting the file `disk`, which stays as it is unless `kept`."""
    with Machine(name, [Disk(disk, bus=bus, throwaway=not kept)], firmware=firmware, fast=fast,
                 timeout=limit + 300, cpu="qemu64", **more) as vm:
        return watch(vm, login=not fast, limit=limit, script="script" in more)


def must(outcome, boots):
    """Raises unless the boot ended as it should."""
    if outcome.boots != boots or (boots and outcome.complaint):
        raise LabError(f"the disk {'does not boot' if boots else 'boots'}: {outcome}")
    return outcome
