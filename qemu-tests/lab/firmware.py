"""Where the host keeps UEFI firmware for virtual machines (package ovmf)."""

import pathlib
import shutil

from . import LabError

DIRECTORIES = ("/usr/share/OVMF", "/usr/share/edk2/ovmf", "/usr/share/qemu")

# kind -> (code, variables) names, the preferred first.  Debian 12, 13 and
# Ubuntu 24.04 have the 4 MB ones; older ones had 2 MB.
NAMES = {
    "uefi": (("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"), ("OVMF_CODE.fd", "OVMF_VARS.fd")),
    "secboot": (("OVMF_CODE_4M.secboot.fd", "OVMF_VARS_4M.ms.fd"),
                ("OVMF_CODE_4M.ms.fd", "OVMF_VARS_4M.ms.fd"),
                ("OVMF_CODE.secboot.fd", "OVMF_VARS.ms.fd")),
}


def find(kind):
    """(code, variables) of a kind of firmware."""
    for code, variables in NAMES[kind]:
        for directory in map(pathlib.Path, DIRECTORIES):
            if (directory / code).exists() and (directory / variables).exists():
                return directory / code, directory / variables
    raise LabError(f"no {kind} firmware in {', '.join(DIRECTORIES)}: install the package ovmf")


def arguments(kind, directory, variables=None):
    """QEMU's arguments for a firmware, its variables copied to `directory`: empty
    ones, or those of the file `variables` (an earlier machine's efivars.fd).

    Secure Boot: the variables hold Microsoft's keys, and only code in system
    management mode may write to the flash, so it is really enforced.
    """
    if kind == "bios":
        return []
    code, empty = find(kind)
    mine = pathlib.Path(directory) / "efivars.fd"
    if not mine.exists():
        shutil.copyfile(variables or empty, mine)
    out = ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={code}",
           "-drive", f"if=pflash,format=raw,unit=1,file={mine}"]
    if kind == "secboot":
        out += ["-global", "driver=cfi.pflash01,property=secure,value=on",
                "-global", "ICH9-LPC.disable_s3=1"]
    return out
