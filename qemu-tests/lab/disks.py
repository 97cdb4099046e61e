"""Partitions and file systems in plain files: no loop device, no mounting."""

import os
import shutil
import subprocess

from . import LabError
from .proc import run

MIB = 1 << 20
SECTOR = 512


def create(path, size):
    """An empty sparse file of `size` bytes, replacing what was there."""
    if os.path.exists(path):
        os.unlink(path)
    with open(path, "wb") as f:
        f.truncate(size)
    return path


def copy(source, target):
    """A copy that stays sparse."""
    run(["cp", "--sparse=always", "--reflink=auto", source, target])
    return target


def data_ranges(fd, start, end):
    """(offset, length) of what is not a hole in [start, end) of an open file."""
    pos = start
    while pos < end:
        try:
            pos = os.lseek(fd, pos, os.SEEK_DATA)
        except OSError:
            return
        if pos >= end:
            return
        stop = min(os.lseek(fd, pos, os.SEEK_HOLE), end)
        yield pos, stop - pos
        pos = stop


def _copy_range(src, src_off, dst, dst_off, length):
    while length:
        block = os.pread(src, min(length, 4 * MIB), src_off)
        if not block:
            raise LabError(f"file ends at {src_off}, {length} bytes early")
        os.pwrite(dst, block, dst_off)
        src_off, dst_off, length = src_off + len(block), dst_off + len(block), length - len(block)


def insert(part, disk, offset):
    """Writes the file `part` into the disk file at `offset`, holes left out."""
    with open(part, "rb") as s, open(disk, "r+b") as d:
        size = os.fstat(s.fileno()).st_size
        for off, length in data_ranges(s.fileno(), 0, size):
            _copy_range(s.fileno(), off, d.fileno(), offset + off, length)


def extract(disk, offset, size, part):
    """Copies a partition out of the disk file into a file of its own."""
    create(part, size)
    with open(disk, "rb") as s, open(part, "r+b") as d:
        for off, length in data_ranges(s.fileno(), offset, offset + size):
            _copy_range(s.fileno(), off, d.fileno(), off - offset, length)
    return part


def write_at(disk, offset, data):
    with open(disk, "r+b") as d:
        os.pwrite(d.fileno(), data, offset)


def partition(disk, script):
    """Makes a table with sfdisk; `script` is sfdisk's input."""
    try:
        subprocess.run(["sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", str(disk)],
                       input=script, text=True, check=True, timeout=60,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except subprocess.CalledProcessError as e:
        raise LabError(f"sfdisk {disk}: {e.stdout}") from e


def partitions(disk):
    """[(start, size, type)] in bytes, as sfdisk reads the table."""
    import json
    table = json.loads(run(["sfdisk", "--json", disk], stderr=subprocess.DEVNULL))
    table = table["partitiontable"]
    sector = table.get("sectorsize", SECTOR)
    return [(p["start"] * sector, p["size"] * sector, p["type"])
            for p in table.get("partitions", [])]


def data(path, size, files, uuid):
    """A disk with one ext4 partition that holds `files`, {path: bytes}."""
    create(path, size)
    partition(path, "label: gpt\nstart=1MiB, type=linux\n")
    start, length, _ = partitions(path)[0]
    tree = path.with_suffix(".tree")
    part = create(path.with_suffix(".part"), length)
    try:
        for name, content in files.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_bytes(content)
        run(["mke2fs", "-q", "-t", "ext4", "-U", uuid, "-d", tree, part])
        insert(part, path, start)
    finally:
        shutil.rmtree(tree)
        part.unlink()
    return path


def keeper(path, filesystem, size=2 << 30, label="IMAGES"):
    """A disk with one partition on which images are kept."""
    create(path, size)
    kind = "7" if filesystem == "ntfs" else "83"
    partition(path, f"label: dos\nstart=1MiB, type={kind}\n")
    (start, length, _), = partitions(path)
    part = create(path.with_suffix(".part"), length)
    make = {"ext4": ["mke2fs", "-q", "-t", "ext4", "-L", label, part],
            "ntfs": ["mkntfs", "-Q", "-F", "-q", "-L", label, "-p", start // SECTOR,
                     "-H", 255, "-S", 63, part]}
    run(make[filesystem])
    insert(part, path, start)
    part.unlink()
    return path


def human(n):
    """As Rehost writes sizes: decimal units, one place."""
    for unit, size in (("GB", 10 ** 9), ("MB", 10 ** 6), ("kB", 10 ** 3)):
        if n >= size:
            return f"{n / size:.1f} {unit}"
    return f"{n} B"
