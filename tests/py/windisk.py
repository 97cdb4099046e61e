"""Windows-like disks for tests (winguest.py), and what foreign tools read of them."""
import functools
import os
import re
import shutil
import subprocess

import hivelog_oracle
import pe
import regf
import winboot
import winguest

FIXTURES = os.environ.get("REHOST_FIXTURES", "/nonexistent")


def recovered(guest):
    """The bytes of SYSTEM with what its logs have."""
    if not guest.name.endswith("dirty"):
        return guest.system
    logs = [guest.logs.get(f"SYSTEM.LOG{n}") for n in (1, 2)]
    return hivelog_oracle.recover(guest.system, logs, True)


class Disk:
    """A guest's disk, made once; each test has a copy."""

    def __init__(self, name, where):
        self.guest = winguest.Guest(name)
        self.system = None
        if name == "win81-x64-dirty-nologs":     # as it would be after a clean shutdown
            self.system = winguest.merge(self.guest.system, {"Setup": {}})
        self.path = where / f"{name}.img"
        parts = self.guest.disk(self.path, system=self.system, room=64)
        self.number, _, self.offset, self.size = [p for p in parts if p[1] == "windows"][0]

    def hive_on(self, vol):
        """The bytes of SYSTEM on the volume; foreign tools mind its case."""
        name = "system32/config/system" if self.guest.old else "System32/config/SYSTEM"
        return ntfs_file(vol, f"/{self.guest.root_name}/{name}")

    @functools.cached_property
    def original(self):
        """The hive as Windows would load it."""
        if self.system:
            return regf.Hive(self.system)
        return regf.Hive(recovered(self.guest), True)


def volume(disk, path, where):
    at = where / "volume"
    with open(path, "rb") as f, open(at, "wb") as out:
        f.seek(disk.offset)
        left = disk.size
        while left:
            data = f.read(min(left, 1 << 20))
            if data.count(0) == len(data):
                out.seek(len(data), os.SEEK_CUR)
            else:
                out.write(data)
            left -= len(data)
        out.truncate()
    return at


def ntfs_file(vol, path):
    return subprocess.run(["ntfscat", "-f", "-q", str(vol), path], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=True).stdout


def list_below(vol, windows):
    """Every path on the volume below %SystemRoot%, by ntfsls."""
    out, todo = [], [f"/{windows}"]
    while todo:
        at = todo.pop()
        listing = subprocess.run(["ntfsls", "-f", "-q", "-F", "-p", at, str(vol)],
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        for name in listing.stdout.decode().splitlines():
            if name.endswith("/"):
                if name not in ("./", "../"):
                    todo.append(f"{at}/{name[:-1]}")
            else:
                out.append(f"{at}/{name}"[len(windows) + 2:])
    return out


def files_below(vol, windows):
    return winboot.file_set(list_below(vol, windows))


def same_bytes(one, other):
    return subprocess.run(["cmp", "-s", str(one), str(other)]).returncode == 0


def copy_of(disk, where):
    to = where / "disk.img"
    subprocess.run(["cp", "--sparse=always", str(disk.path), str(to)], check=True)
    return to


def packages(where):
    """virtio-win's INFs, with made-up files beside them where they name some."""
    arches = {"x86": pe.X86, "amd64": pe.AMD64, "ARM64": pe.ARM64}
    shutil.copytree(os.path.join(FIXTURES, "inf", "virtio-win-0.1.240"), where)
    for inf in where.rglob("*.inf"):
        for name in set(re.findall(rb"([\w.-]+\.(?:sys|exe|dll|cat))", inf.read_bytes().lower())):
            to = inf.parent / name.decode()
            if not to.exists():
                to.write_bytes(pe.make(arches.get(inf.parent.name, pe.AMD64), ("ntoskrnl.exe",),
                                       note=name))
    return where
