"""The judges see a difference when there is one (no virtual machine needed)."""

import re

import pytest

from lab import LabError, disks, guests, judge
from lab.proc import run


def change(disk, offset):
    """Inverts one byte of a disk file."""
    with open(disk, "r+b") as f:
        f.seek(offset)
        byte = f.read(1)[0]
        f.seek(offset)
        f.write(bytes([byte ^ 0xff]))


def find(disk, data, start=0):
    """Where some bytes are in a disk file."""
    with open(disk, "rb") as f:
        f.seek(start)
        at, tail = start, b""
        while block := f.read(1 << 22):
            found = (tail + block).find(data)
            if found >= 0:
                return at - len(tail) + found
            at, tail = at + len(block), block[-len(data):]
    raise AssertionError("not there")


def test_windows_judge(windows_disk, work):
    copy = disks.copy(windows_disk.path, work / "copy.raw")
    windows_disk.check(copy)
    change(copy, 3)                                         # boot code
    with pytest.raises(LabError, match="differ in the"):
        windows_disk.check(copy)
    change(copy, 3)
    change(copy, find(copy, b"names in UTF-16\n"))          # a small file, in its record
    with pytest.raises(LabError, match="files differ in the NTFS"):
        windows_disk.check(copy)


def test_ntfs_accounting(windows_disk, work):
    offset, size = disks.partitions(windows_disk.path)[1][:2]
    part = disks.extract(windows_disk.path, offset, size, work / "part")
    judge.ntfs_clean(part)
    bitmap = re.search(r"Runlist:.*?0x0\s+0x([0-9a-f]+)", run(["ntfsinfo", "-v", "-i", 6, part]), re.S)
    change(part, int(bitmap.group(1), 16) * 4096 + 100)     # clusters 800 to 807
    with pytest.raises(LabError, match="ntfsresize"):
        judge.ntfs_clean(part)


def test_debian_judge(debian, work):
    source = debian(guests.DEBIAN_BIOS)
    copy = disks.copy(source.path, work / "copy.raw")
    source.check(copy)
    change(copy, find(copy, b"file 417\n"))
    with pytest.raises(LabError, match="small-417"):
        source.check(copy)


def test_source_untouched(windows_disk):
    windows_disk.untouched()
    change(windows_disk.path, 900 << 20)                    # in a hole
    with pytest.raises(AssertionError, match="written to"):
        windows_disk.untouched()
