"""F2FS and exFAT as Linux itself writes them: what mkfs.f2fs and exfat-fuse make has
none of its checkpoints' variety.  Disks are filled in one machine, which is then
killed; of each a copy with nothing but the map's blocks is mounted in another."""

import os
import pathlib
import re
import subprocess
import sys

from lab import disks, live
from lab.disks import MIB
from lab.live import Shell
from lab.qemu import Disk

MAP = os.environ.get("LAB_MAP_DUMP", "build/tests/tools/map-dump")
JUDGE = pathlib.Path(__file__).resolve().parent.parent / "tests/lib/fsjudge.py"
FEATURES = "extra_attr,inode_checksum,sb_checksum,compression"
# name: file system, how it is made, mount options
VOLUMES = {
    "clean": ("f2fs", ["mkfs.f2fs", "-O", FEATURES], "compress_algorithm=lz4,compress_extension=txt"),
    "large": ("f2fs", ["mkfs.f2fs", "-i", "-s", "2"], "noatime"),
    "stopped": ("f2fs", ["mkfs.f2fs"], "noatime"),
    "flushed": ("f2fs", ["mkfs.f2fs"], "noatime"),
    "exfat": ("exfat", ["mkfs.exfat", "-c", "4096"], "noatime"),
    "dirty": ("exfat", ["mkfs.exfat", "-c", "32K"], "noatime"),
}
# several checkpoints, holes, pieces, blocks that are reserved only
FILL = (
    "for i in $(seq 1 40); do head -c $((i * 20011)) /dev/urandom >f$i; done; sync",
    "for i in $(seq 1 2 40); do rm f$i; done; sync",
    "mkdir -p d; for i in $(seq 1 300); do echo $i >d/small$i; done; seq 1 90000 >d/a.txt; sync",
    "for i in $(seq 2 4 40); do dd if=/dev/urandom of=f$i bs=4096 count=3 seek=1 conv=notrunc"
    " 2>/dev/null; sync; done",
    "fallocate -l 3000000 reserved || head -c 3000000 /dev/zero >reserved; sync",
)


def mount(shell, name, serial):
    kind, _, options = VOLUMES[name]
    shell.run(f"mkdir -p /mnt/{name}; mount -t {kind} -o {options} {shell.disk(serial)} /mnt/{name}")


def digest(shell, name):
    """Of all files but those that were written last."""
    out = shell.run(f"cd /mnt/{name}; find . -type f ! -name late | sort | xargs sha256sum | sha256sum; cd /")
    return re.search("[0-9a-f]{64}", out).group(0)


def fill(iso, work):
    """The digest of each volume's files."""
    files = {name: disks.create(work / name, 256 * MIB) for name in VOLUMES}
    for name, (_, make, _) in VOLUMES.items():
        subprocess.run([*make, str(files[name])], check=True, stdout=subprocess.DEVNULL)
    serials = {name: f"V{i}" for i, name in enumerate(VOLUMES)}
    with live.boot("flash-fill", iso, [Disk(files[n], bus="virtio", serial=serials[n])
                                       for n in VOLUMES]) as vm:
        shell, found = Shell(vm), {}
        for name in VOLUMES:
            mount(shell, name, serials[name])
            for line in FILL:
                shell.run(f"cd /mnt/{name}; {line}; cd /")
            found[name] = digest(shell, name)
            if name in ("clean", "large", "exfat"):
                shell.run(f"umount /mnt/{name}")
        shell.run("sync")
        shell.run("seq 1 9000 >/mnt/stopped/late; seq 1 9000 >/mnt/dirty/late")
        shell.run("seq 1 9000 | dd of=/mnt/flushed/late conv=fsync 2>/dev/null")
        # as if the power went: the machine is killed here
    return files, found


def mapped(path, kind):
    """The map of a volume, in a file; whether it was taken whole; notes."""
    out = path.with_suffix(".map")
    out.write_bytes(subprocess.run([MAP, path], check=True, stdout=subprocess.PIPE).stdout)
    text = out.read_text()
    whole = not re.search(rf"^region 0 \d+ \d+ {kind} {kind} 0 ", text, re.M)
    return out, whole, "\n".join(re.findall("^note .*", text, re.M))


def test_as_linux_writes_them(iso, work):
    files, found = fill(iso, work)
    copies = {}
    for name, path in files.items():
        kind = VOLUMES[name][0]
        out, whole, notes = mapped(path, kind)
        if name == "flushed":
            assert whole and "files were flushed since" in notes, notes
            continue
        assert not whole, notes
        assert ("not unmounted cleanly" in notes) == (name in ("stopped", "dirty")), notes
        if name != "dirty":         # its map has more than the bitmap
            subprocess.run([sys.executable, JUDGE, kind, "-s", path, out], check=True, cwd=work)
        copies[name] = work / f"{name}.copy"
        subprocess.run([sys.executable, JUDGE, "apply", path, out, copies[name]], check=True)
    with live.boot("flash-judge", iso, [Disk(c, bus="virtio", serial=f"V{i}")
                                        for i, c in enumerate(copies.values())]) as vm:
        shell = Shell(vm)
        for i, name in enumerate(copies):
            mount(shell, name, f"V{i}")
            assert digest(shell, name) == found[name], name
            # it can be written to
            shell.run(f"head -c 2000000 /dev/urandom >/mnt/{name}/more; sync; umount /mnt/{name}")
        shell.power_off()
    for name in ("clean", "large", "stopped"):
        said = subprocess.run(["fsck.f2fs", "--dry-run", copies[name]], check=True,
                              stdout=subprocess.PIPE, text=True, errors="replace").stdout
        assert "[Fail]" not in said, said
    for name in ("exfat", "dirty"):
        subprocess.run(["fsck.exfat", "-n", copies[name]], check=True)
