"""Disks whose write cache is lost when the power goes.

QEMU's blklogwrites writes down all that a machine writes to a disk, and its flushes,
in the format of Linux' dm-log-writes (Documentation/admin-guide/device-mapper/
log-writes.rst). After a cut the disk is made again: as it was when the machine was
switched on, and all writes up to the last flush; of each later one, what the disk
still got onto the platter.
"""

import dataclasses
import os
import pathlib
import random
import signal
import struct

from . import disks, proc

SECTOR = 512
ENTRY = struct.Struct("<4Q")        # first sector, number of sectors, flags, (unused here)
FLUSH, FUA, DISCARD = 1, 2, 4
LOST = ("lost", "torn")             # all that wasn't flushed; each sector of it or not


@dataclasses.dataclass
class Write:
    sector: int
    count: int
    data: bytes             # None: a discard, which reads as zeros here
    durable: bool           # by itself, or by a flush after it


def _log(path):
    return pathlib.Path(path).with_suffix(".log")


def _before(path):
    return pathlib.Path(path).with_suffix(".before")


def drive(path):
    """-drive's words for such a disk: flushes are seen, but cost nothing here."""
    return (f"driver=blklogwrites,cache=writeback,file.driver=file,file.filename={path},"
            f"file.cache.no-flush=on,log.driver=file,log.filename={_log(path)},"
            "log.cache.no-flush=on,log-super-update-interval=4096")


def switched_on(path):
    """Keeps the disk as it is now, with an empty cache."""
    disks.copy(path, _before(path))
    disks.create(_log(path), 0)


def writes(log):
    """The Writes of a log, in order. Its superblock may be old: what was in flight
    ends at the first entry that isn't whole."""
    out, at = [], SECTOR
    with open(log, "rb") as f:
        size = os.fstat(f.fileno()).st_size
        while at + SECTOR <= size:
            sector, count, flags, _ = ENTRY.unpack(os.pread(f.fileno(), ENTRY.size, at))
            length = 0 if flags & DISCARD else count * SECTOR
            if not (count or flags) or at + SECTOR + length > size:
                break
            if flags & FLUSH:
                for w in out:
                    w.durable = True
            if count:
                data = None if flags & DISCARD else (at + SECTOR, length)
                out.append(Write(sector, count, data, bool(flags & FUA)))
            at += SECTOR + length
        for w in out:
            w.data = w.data and os.pread(f.fileno(), w.data[1], w.data[0])
    return out


def _survives(w, how, rng):
    """(sector of the disk, bytes) of what is left of a write."""
    data = bytes(w.count * SECTOR) if w.data is None else w.data
    if w.durable:
        yield w.sector, data
    elif how == "torn":
        for i in range(w.count):
            if rng.random() < 0.5:
                yield w.sector + i, data[i * SECTOR:(i + 1) * SECTOR]


def switched_off(path, how, seed=1):
    """Makes the disk as the cut left it; returns how many writes were not flushed."""
    rng, every = random.Random(seed), writes(_log(path))
    os.replace(_before(path), path)
    with open(path, "r+b") as f:
        for w in every:
            for sector, data in _survives(w, how, rng):
                os.pwrite(f.fileno(), data, sector * SECTOR)
    os.unlink(_log(path))
    return sum(not w.durable for w in every)


def kill(pid):
    """Ends QEMU between two system calls, so that the log has no half written entry."""
    os.kill(pid, signal.SIGSTOP)
    tasks = pathlib.Path(f"/proc/{pid}/task")

    def stopped():
        return all((t / "stat").read_text().rpartition(")")[2].split()[0] == "T"
                   for t in tasks.iterdir())
    proc.wait_for(f"process {pid} stops", stopped, 30, 0.01)
    os.kill(pid, signal.SIGKILL)
