"""`rehost adapt` on a guest's disk: on this machine where its kernel can mount
what the guest has, else in the live system."""

import dataclasses
import os
import pathlib
import time

from . import live
from .layouts import PASSPHRASE
from .live import Shell
from .proc import run
from .qemu import Disk

LIMIT = 900
DONE = (0, 3)       # 3: with warnings; whether it boots is seen then


@dataclasses.dataclass
class Said:
    text: str
    seconds: float      # the program alone
    where: str          # "here" or "live"


def host_can(recipe):
    """Logical volumes and LUKS want the device mapper, an ESP wants FAT."""
    known = pathlib.Path("/proc/filesystems").read_text().split()
    return recipe.layout not in ("lvm", "luks") and (
        recipe.firmware == "bios" or "vfat" in known)


def _live(disk, recipe, words, iso):
    with live.boot(f"adapt-{recipe.name}", iso, [Disk(disk, serial="ADAPT1")],
                   firmware=recipe.firmware) as vm:
        shell = Shell(vm)
        for i, word in enumerate(words):
            if isinstance(word, pathlib.Path):
                words[i] = "/tmp/hardware.json"
                text = word.read_text()
                for at in range(0, len(text), 512):     # a serial line loses longer ones
                    part = text[at:at + 512].replace("'", "'\\''")
                    shell.run(f"printf %s '{part}' >> /tmp/hardware.json")
        if recipe.layout == "luks":
            shell.run(f"printf %s '{PASSPHRASE}' > /tmp/key")
            words += ["--luks-key", "/tmp/key"]
        device, begin = shell.disk("ADAPT1"), time.monotonic()
        text = shell.run(f"rehost adapt --yes {' '.join(words)} {device}", LIMIT, DONE)
        seconds = time.monotonic() - begin
        shell.power_off()
    return Said(text, seconds, "live")


def adapt(disk, guest, how, iso):
    """Adapts the file `disk`, a copy of the guest's, in place; `how` is
    ["--profile", NAME] or ["--hardware", Path]."""
    if not host_can(guest.recipe):
        return _live(disk, guest.recipe, list(how), iso)
    begin = time.monotonic()
    text = run([os.environ["LAB_ADAPT"], "--yes", *how, disk], timeout=LIMIT, ok=DONE)
    return Said(text, time.monotonic() - begin, "here")


def inventory(iso, bus, firmware="bios"):
    """What `rehost hardware --json` says in a machine with a disk on `bus`."""
    empty = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / f"lab-empty-{os.getpid()}-{bus}.raw"
    with open(empty, "wb") as f:
        f.truncate(64 << 20)
    try:
        with live.boot(f"hardware-{bus}", iso, [Disk(empty, bus=bus, serial="EMPTY1")],
                       firmware=firmware) as vm:
            shell = Shell(vm)
            text = shell.run("rehost hardware --json 2>/dev/null", 120)
            shell.power_off()
        return text
    finally:
        empty.unlink()
