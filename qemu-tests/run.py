#!/usr/bin/python3
"""The live system in this terminal: QEMU with the ISO and an empty disk.

    run.py --out DIR [--size GB] [--memory MB]      Ctrl-A X ends it

The disk stays in DIR from run to run; remove it for an empty one.
"""

import argparse
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from lab import disks, qemu                                 # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--size", type=int, default=8, help="of the empty disk, GB")
    parser.add_argument("--memory", type=int, default=512, help="MB")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    disk = args.out / "disk.raw"
    if not disk.exists():
        disks.create(disk, args.size << 30)
    kvm = qemu.kvm_usable()
    print(f"Ctrl-A X ends it. The disk is {disk}.", flush=True)
    os.execvp(qemu.QEMU, [
        qemu.QEMU, "-machine", "q35", "-accel", "kvm" if kvm else "tcg",
        "-cpu", "host" if kvm else "max", "-m", str(args.memory), "-nodefaults", "-no-user-config",
        "-smp", str(min(2, os.cpu_count() or 1)), "-display", "none", "-serial", "mon:stdio",
        "-drive", f"if=none,id=cd,media=cdrom,readonly=on,format=raw,file={os.environ['LAB_ISO']}",
        "-device", "ide-cd,bus=ide.1,drive=cd,bootindex=0",
        "-drive", f"if=none,id=disk,format=raw,file={disk}",
        "-device", "ide-hd,bus=ide.0,drive=disk,serial=EMPTY1,bootindex=1",
        "-nic", "user,model=virtio-net-pci"])


if __name__ == "__main__":
    main()
