#!/usr/bin/python3
"""Random disks of every file system: captured, restored over random bytes, judged by
the file system's own tools.  `make fs-matrix N=20 FS="ext4 xfs" SEED=1`; needs root
for loop devices and mounts.

Each disk is drawn from SEED, its file system and its number: size, options of mkfs,
partition table, what happens to its files (life.py); every fourth is filled to 99 %.
Right is a disk if `rehost` finds nothing to warn of and took no part of it whole
that it could read, the checker is clean on source and copy, every file of the copy is
the source's, and at most 1.02 times the bytes that the file system calls used were
captured.  Disks that are right stay in OUT/cells/PROGRAM, by the digest of the rehost that
captured them, and are not made again by that one; the document has those alone.  The
source of one that failed stays in OUT/failed."""
import argparse
import collections
import hashlib
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../lib"), os.path.join(HERE, "../bench")]
import kinds
import unmounted
from device import Failed, loop, noise, partition, run, sparse, status

MIB = 1 << 20
MOST = 1.02
KINDS = {k.name: k for k in (
    kinds.Ext2, kinds.Ext3, kinds.Ext4, kinds.Xfs, unmounted.Xfs4, kinds.Btrfs, unmounted.Ntfs,
    unmounted.Fat12, unmounted.Fat16, unmounted.Fat32, unmounted.Exfat, unmounted.F2fs)}


class Disk:
    """One random disk, from mkfs to the verdict."""

    def __init__(self, kind, rnd, work, build, full):
        self.kind, self.rnd, self.work = kind, rnd, work
        self.rehost = os.path.join(build, "rehost")
        self.table = rnd.choice(["none", "gpt", "dos"])
        self.start = 0 if self.table == "none" else MIB
        self.size = kind.size + self.start + (MIB if self.table == "gpt" else 0)
        self.full, self.level = full, rnd.uniform(0.03, 0.85)
        self.old = rnd.random() < 0.3       # the disk held something before
        self.files = {}

    def path(self, name):
        return os.path.join(self.work, name)

    def part(self, name):
        return loop(self.path(name), self.kind.sector, self.start, self.kind.size)

    def disk(self, name):
        return loop(self.path(name), self.kind.sector)

    def make(self):
        (noise if self.old else sparse)(self.path("source"), self.size)
        if self.table != "none":
            with self.disk("source") as dev:
                partition(dev, self.table, self.kind.sector, self.kind.size)
        with self.part("source") as dev:
            self.kind.make(dev, self.work)
            self.kind.live(dev, self.work, self.level, self.full)
            self.kind.check(dev, self.work)
            self.files = self.kind.hashes(dev, self.work)
            self.used = self.kind.used(dev, self.work, self.kind.size)
        if not self.files:
            raise Failed("there are no files on it")

    def capture(self):
        level = self.rnd.choice(["fast", "balanced", "balanced", "small"])
        with self.disk("source") as dev:
            known = json.loads(run(self.rehost, "map", "--json", dev))
            run(self.rehost, "capture", "--no-systems", "--level", level, "--workers", self.rnd.randrange(1, 4),
                *(["--verify"] if self.rnd.random() < 0.3 else []), dev, self.path("image"))
        ours = [r for r in known["regions"] if r["start"] == self.start]
        note = ours[0]["note"] if ours else "not found"
        # mke2fs leaves out a last group that is too short: that is told, and captured
        if note and "behind the end of the file system" not in note or ours[0]["reader"] != self.kind.reader:
            raise Failed("rehost map: %s" % known["regions"])
        stored = json.loads(run(self.rehost, "info", "--json", self.path("image")))["used_bytes"]
        if stored != known["used"]:
            raise Failed("%d bytes were captured, %d are in the map" % (stored, known["used"]))
        end = self.start + self.kind.size
        self.captured = sum(max(0, min(at + n, end) - max(at, self.start)) for at, n in known["extents"])

    def restore(self):
        larger = self.rnd.choice([0, 0, self.rnd.randrange(1, 64)]) * MIB
        noise(self.path("target"), self.size + larger)
        with self.disk("target") as dev:
            run(self.rehost, "restore", "--yes", *(["--verify"] if self.rnd.random() < 0.3 else []),
                self.path("image"), dev)

    def judge(self):
        with self.part("target") as dev:
            self.kind.check(dev, self.work)
            got = self.kind.hashes(dev, self.work)
        if got != self.files:
            differ = sorted(n for n in got.keys() | self.files.keys() if got.get(n) != self.files.get(n))
            raise Failed("%d of %d files differ, such as %s" % (len(differ), len(self.files), differ[:5]))

    def facts(self):
        k = self.kind
        return {"options": k.options, "mount": k.mount, "sector": k.sector, "size": self.size, "table": self.table,
                "files": len(self.files), "full": self.full, "share": self.used / k.size, "used": self.used,
                "captured": self.captured, "ratio": self.captured / self.used, "old": self.old,
                "image": os.path.getsize(self.path("image"))}


class Matrix:
    def __init__(self, o):
        self.o = o
        self.rehost = os.path.join(o.build, "rehost")
        with open(self.rehost, "rb") as f:
            self.program = hashlib.file_digest(f, "sha256").hexdigest()[:12]
        self.cells = os.path.join(o.out, "cells", self.program)
        os.makedirs(self.cells, exist_ok=True)

    def file(self, name, n):
        return os.path.join(self.cells, "%s-%s-%03d.json" % (name, self.o.seed, n))

    def load(self, name, n):
        """What is known of a disk; {} if it is to be made."""
        try:
            with open(self.file(name, n), encoding="utf-8") as f:
                cell = json.load(f)
        except FileNotFoundError:
            return {}
        return cell if cell["result"] == "ok" else {}

    def one(self, name, n, work):
        rnd = random.Random("%s/%s/%d" % (self.o.seed, name, n))
        begin = time.monotonic()
        cell = {"fs": name, "n": n, "result": "ok"}
        disk = Disk(KINDS[name](rnd), rnd, work, self.o.build, n % 4 == 3)
        step = "make"
        try:
            for step in ("make", "capture", "restore", "judge"):
                getattr(disk, step)()
            cell.update(disk.facts())
            if cell["ratio"] > MOST:
                raise Failed("%.4f times the used bytes were captured" % cell["ratio"])
        except (Failed, OSError, subprocess.SubprocessError) as e:
            cell.update(result="%s: %s" % (step, e), options=getattr(disk.kind, "options", []), size=disk.size,
                        table=disk.table)
            failed = os.path.join(self.o.out, "failed")
            os.makedirs(failed, exist_ok=True)
            run("cp", "--sparse=always", disk.path("source"), os.path.join(failed, "%s-%s-%03d" % (name, self.o.seed, n)))
        cell["refused"] = disk.kind.refused
        cell["seconds"] = time.monotonic() - begin
        with open(self.file(name, n), "w", encoding="utf-8") as f:
            json.dump(cell, f, indent=1)
        return cell

    def work(self):
        """The number of disks that are not right."""
        bad = 0
        for n in self.o.only or range(self.o.n):
            for name in self.o.fs:
                cell = self.load(name, n) or self.made(name, n)
                bad += cell["result"] != "ok"
        return bad

    def made(self, name, n):
        with tempfile.TemporaryDirectory(prefix="fs-matrix-", dir=self.o.scratch) as work:
            cell = self.one(name, n, work)
        how = cell["result"]
        if how == "ok":
            how = "ratio %.4f, %.0f %% full, %d files" % (cell["ratio"], cell["share"] * 100, cell["files"])
        print("%s %s %d: %s, %.0f s" % (time.strftime("%H:%M:%S"), name, n, how, cell["seconds"]), flush=True)
        return cell

    # -- the document -----------------------------------------------------------------

    def all(self):
        cells = collections.defaultdict(list)
        for f in sorted(os.listdir(self.cells)):
            with open(os.path.join(self.cells, f), encoding="utf-8") as g:
                cell = json.load(g)
            cells[cell["fs"]].append(cell)
        return [(name, cells[name]) for name in KINDS if cells[name]]

    def document(self):
        out = [HEAD, "| | disks | right | filled | GB captured | files | captured / used: median | most |",
               "|---|---|---|---|---|---|---|---|"]
        for name, cells in self.all():
            good = [c for c in cells if c["result"] == "ok"]
            ratios = [c["ratio"] for c in good] or [0]
            out.append("| %s | %d | %d | %d | %.1f | %d | %.4f | %.4f |" % (
                name, len(cells), len(good), sum(c["full"] for c in good),
                sum(c["captured"] for c in good) / 1e9, sum(c["files"] for c in good),
                statistics.median(ratios), max(ratios)))
        out += ["", "All by %s, whose SHA-256 begins with %s. %s" % (
            run(self.rehost, "--version").strip(), self.program, versions()), ""]
        for name, cells in self.all():
            out += ["## " + name, "", "| mkfs, mount | disk MB | full % | files | captured / used | |",
                    "|---|---|---|---|---|---|"]
            out += [row(c) for c in cells] + [""]
        return "\n".join(out)


def row(c):
    what = " ".join(c["options"])
    if c["result"] != "ok":
        return "| %s | %.0f | | | | %s |" % (what, c["size"] / 1e6, c["result"].replace("\n", " ").replace("|", "/")[:200])
    more = [c["table"] if c["table"] != "none" else "", "4Kn" if c["sector"] == 4096 else "",
            "used before" if c["old"] else ""]
    return "| %s | %.0f | %.0f | %d | %.4f | %s |" % (
        what + (" ; " + ",".join(c["mount"]) if c["mount"] else ""), c["size"] / 1e6, c["share"] * 100, c["files"],
        c["ratio"], ", ".join(filter(None, more)))


def versions():
    """Of each tool, its first line with a number."""
    said = []
    for tool in sorted({t for k in KINDS.values() for t in k.tools}):
        lines = [x.strip() for x in status(*tool.split())[1].splitlines() if any(map(str.isdigit, x))]
        said += lines[:1]
    return "Linux %s; %s." % (os.uname().release, "; ".join(said))


HEAD = """\
# File systems: random disks, captured and restored

Made by `make fs-matrix N=20` (tests/matrix/fs.py; a disk is drawn from SEED, the file
system's name and its number). Each file system: options of mkfs at random, files made,
deleted, rewritten in places, grown side by side, with holes, clones and snapshots where
it has them; every fourth disk filled to 99 %. Then captured, restored over a disk of
random bytes, and right if `rehost` warned of nothing, the file system's own checker is
clean on source and copy, and every file, link and attribute is equal.

*used* is what the file system's own tool says, metadata included, and what lies
behind its end in the partition, which is always captured:

| | bytes in use | checker | files |
|---|---|---|---|
| ext2, ext3, ext4 | dumpe2fs: all but the free blocks | e2fsck -fn | Linux; blocks above 4 KiB: fuse2fs |
| xfs | xfs_db: all but fdblocks | xfs_repair -n | Linux |
| xfs4 | the same | the same | made by mkfs.xfs -p, read where xfs_db says |
| btrfs | btrfs filesystem usage: Used (copies counted), the first MiB, the superblock's copy | btrfs check --check-data-csum | Linux |
| ntfs | ntfsinfo: all but the free clusters | ntfsfix -n, ntfsresize -i | ntfs-3g |
| fat12, fat16, fat32 | fsck.fat: all but the free clusters | fsck.fat -n | mtools |
| exfat | dump.exfat: used clusters, boot regions, FAT | fsck.exfat -n | exfat-fuse |
| f2fs | dump.f2fs: valid blocks, all before the main area | fsck.f2fs --dry-run | sload.f2fs, dump.f2fs |

At most 1.02 times these may be captured.  Less than 1: F2FS' summaries of free segments,
a tail that is no whole cluster.

Not among them: FAT with sectors of 4096 bytes (mtools can't write it; t-map-fat.sh has
it), deleted files on XFS version 4 (no kernel here mounts it) and on F2FS (sload.f2fs
only adds; qemu-tests/test_flash_fs.py has what Linux leaves), Btrfs' block-group-tree and
simple quota where mkfs.btrfs is older than they are: options that a mkfs or kernel
refuses are drawn again. "Full" counts what the tool calls used: XFS and F2FS keep a part
for themselves.
"""


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", required=True, help="where the programs are")
    p.add_argument("--out", required=True, help="where results stay")
    p.add_argument("--doc", help="the table, written at the end")
    p.add_argument("--scratch", help="room for 3 GB (default OUT)")
    p.add_argument("--seed", default="1")
    p.add_argument("--n", type=int, default=20, help="disks of each file system")
    p.add_argument("--only", type=int, nargs="+", help="only disks with these numbers")
    p.add_argument("fs", nargs="*", metavar="FS", help="of %s (default all)" % " ".join(KINDS))
    o = p.parse_args()
    o.fs = o.fs or list(KINDS)
    if set(o.fs) - set(KINDS):
        p.error("unknown: %s" % (set(o.fs) - set(KINDS)))
    if os.geteuid():
        p.error("needs root, for loop devices and mounts")
    if not os.environ.get("FS_MATRIX_MOUNTS"):      # nobody else sees, or holds, what is mounted
        os.environ["FS_MATRIX_MOUNTS"] = "1"
        os.execvp("unshare", ["unshare", "-m", sys.executable, *sys.argv])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    o.build = os.path.abspath(o.build)
    o.scratch = o.scratch or o.out
    matrix = Matrix(o)
    bad = matrix.work()
    if o.doc:
        with open(o.doc, "w", encoding="utf-8") as f:
            f.write(matrix.document())
    print("%d disks are not right" % bad if bad else "all are right")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
