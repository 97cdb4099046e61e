"""A disk as Windows lays it out: MBR, a small active NTFS and a large one,
filled with files of many kinds, without mounting (ntfs/ntfs-tool.c)."""

import os
import pathlib
import random
import shutil
import tempfile

from . import disks
from .disks import MIB, SECTOR
from .proc import run

TOOL = pathlib.Path(os.environ.get("LAB_NTFS_TOOL", "build/qemu-tests/ntfs-tool"))

# what an image leaves out unless asked to keep it: contents may differ after
# a restore, names and sizes not
PAGE_FILES = ("/pagefile.sys", "/swapfile.sys", "/hiberfil.sys")

# 33 C0 ... : clear AX, then wait for ever; stands for Windows' boot code, which
# is not ours to ship.  Every byte of it must survive.
BOOT_CODE = bytes.fromhex("33c08ed0bc007c") + bytes(range(1, 200)) + b"\xeb\xfe"


def _text(rng, size):
    """Bytes that compress about as well as programs do."""
    words = [rng.randbytes(rng.randint(2, 12)) for _ in range(512)]
    out = bytearray()
    while len(out) < size:
        out += rng.choice(words)
    return bytes(out[:size])


def _small_tree(root, rng):
    (root / "Boot/Fonts").mkdir(parents=True)
    (root / "bootmgr").write_bytes(_text(rng, 400_000))
    (root / "BOOTNXT").write_bytes(b"1")
    (root / "Boot/BCD").write_bytes(_text(rng, 32768))
    for i in range(12):
        (root / f"Boot/Fonts/font{i}.ttf").write_bytes(_text(rng, 40_000))


def _system_tree(root, rng, mb):
    """About `mb` MB: many small files, large ones, all that NTFS can do."""
    system = root / "Windows/System32"
    for sub in ("config", "drivers", "de-DE/Kleine Übung", "deep/" * 20):
        (system / sub).mkdir(parents=True)
    for i in range(1500):
        (system / f"drivers/file{i:04d}.sys").write_bytes(_text(rng, rng.choice((10, 600, 700, 5000))))
    (system / ("deep/" * 20) / "at the bottom").write_bytes(b"here")
    (system / "de-DE/Kleine Übung/日本語 ‐ 名.txt").write_bytes(b"names in UTF-16\n")
    (root / ("long " * 49 + "name.txt")).write_bytes(b"255 characters at most\n")
    (root / "Users").mkdir()
    (root / "Users/empty").write_bytes(b"")
    (root / "Users/with streams.txt").write_bytes(b"the file\n")
    (root / "Users/with streams.txt:Zone.Identifier").write_bytes(b"[ZoneTransfer]\r\nZoneId=3\r\n")
    (root / "Users/with streams.txt:big").write_bytes(_text(rng, 300_000))
    compressed = root / "Users/logs.compressed"
    compressed.mkdir()
    for i in range(6):
        (compressed / f"log{i}.txt").write_bytes(b"the same line again and again\r\n" * 20_000)
    fragmented = root / "Users/db.fragmented"
    fragmented.mkdir()
    for i in range(8):
        (fragmented / f"table{i}.db").write_bytes(_text(rng, 2_500_000))
    with open(root / "Users/sparse.vhd", "wb") as f:
        for at in (0, 10 * MIB, 40 * MIB + 12345):
            f.seek(at)
            f.write(_text(rng, 100_000))
        f.truncate(64 * MIB)
    for i in range(max(0, mb - 30) // 8):
        half = rng.randbytes(4 * MIB)       # half of it does not compress
        (system / f"config/large{i}.bin").write_bytes(half + _text(rng, 4 * MIB))
    (root / "pagefile.sys").write_bytes(rng.randbytes(32 * MIB))
    (root / "hiberfil.sys").write_bytes(bytes(4096) + rng.randbytes(16 * MIB))
    (root / "swapfile.sys").write_bytes(rng.randbytes(4 * MIB))


def _ntfs(image, size, start, label, fill, scratch):
    disks.create(image, size)
    run(["mkntfs", "-Q", "-F", "-q", "-p", start // SECTOR, "-H", 255, "-S", 63,
         "-s", SECTOR, "-L", label, image, size // SECTOR])
    tree = scratch / label
    tree.mkdir()
    fill(tree)
    run([TOOL, "fill", image, tree])


def make(disk, size=1 << 30, mb=120, seed=1):
    """Makes the disk file; returns [(offset, size)] of its NTFS partitions."""
    rng = random.Random(seed)
    disks.create(disk, size)
    disks.partition(disk, "label: dos\nlabel-id: 0x7ab15c0d\n"
                          "start=1MiB, size=50MiB, type=7, bootable\ntype=7\n")
    parts = [(start, length) for start, length, _ in disks.partitions(disk)]
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="windows-", dir=pathlib.Path(disk).parent))
    try:
        fills = (("System Reserved", lambda t: _small_tree(t, rng)),
                 ("Windows", lambda t: _system_tree(t, rng, mb)))
        for (start, length), (label, fill) in zip(parts, fills):
            _ntfs(scratch / "ntfs", length, start, label, fill, scratch)
            disks.insert(scratch / "ntfs", disk, start)
    finally:
        shutil.rmtree(scratch)
    disks.write_at(disk, 0, BOOT_CODE)
    disks.write_at(disk, 8 * SECTOR, b"written into the gap after the MBR by a boot manager")
    return parts


def hashes(partition):
    """{path: (size, sha256)} of an NTFS image file, by libntfs-3g; of page and
    hibernation files the size only."""
    out = {}
    for line in run([TOOL, "hashes", partition], stderr=None).splitlines():
        digest, size, path = line.split(" ", 2)
        out[path] = (int(size), None if path in PAGE_FILES else digest)
    return out
