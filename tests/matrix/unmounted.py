"""The file systems that this kernel lacks: by FUSE (NTFS, exFAT), by mtools (FAT), or
filled by their own mkfs (XFS version 4, F2FS), which knows no deleting."""
import hashlib
import os
import re
import shutil
import struct

import disks
import fsjudge
import life
from device import Failed, run, status
from kinds import MIB, Kind, Xfs, found


def files_only(known):
    return {k: v for k, v in known.items() if not v.startswith(("link", "directory"))}


class Ntfs(Kind):
    name = reader = "ntfs"
    tools = ("mkntfs -V", "ntfs-3g -V")
    sizes = (24, 450)
    brim = False

    def __init__(self, rnd):
        super().__init__(rnd)
        self.unit = max(1 << rnd.randrange(9, 22), self.sector)
        if self.unit >= 1 << 18:
            self.size = 640 * MIB + rnd.randrange(100) * MIB    # room for $LogFile

    def draw(self):
        self.options = ["-c", str(self.unit), "-s", str(self.sector)]
        self.options += ["-z", str(self.rnd.randrange(1, 5))] if self.yes(0.3) else []
        self.options += [o for o in ("-C", "-I") if self.yes(0.2)]

    def mkfs(self, dev):
        run("mkntfs", "-q", "-Q", "-F", "-p", 2048, "-H", 255, "-S", 63, *self.options, dev)

    def mounting(self, dev, top, read_only):
        return ["ntfs-3g", "-o", "big_writes,compression,streams_interface=xattr" + (",ro" if read_only else ""), dev, top]

    def live(self, dev, work, level, full):
        if self.unit <= 4096 and self.yes():
            with self.open(dev, work) as top:
                d = os.path.join(top, "compressed")
                os.mkdir(d)     # what is made in it is compressed, too
                os.setxattr(d, "system.ntfs_attrib_be", struct.pack(">I", 0x810))
                life.Life(d, self.rnd, self.can, self.unit).make(self.size // 20, 30)
        super().live(dev, work, level, full)

    def check(self, dev, work):
        run("ntfsfix", "-n", dev)
        code, said = status("ntfsresize", "-f", "-P", "-i", dev)
        # that comes after all clusters were accounted for
        if code and "Volume is full. To shrink it" not in said:
            raise Failed("ntfsresize -i: status %d: %s" % (code, said[-800:]))

    def used(self, dev, work, size):
        out = run("ntfsinfo", "-f", "-m", dev)
        count, free = found(r"Volume Size in Clusters: (\d+)", out), found(r"Free Clusters: (\d+)", out)
        return (count - free) * self.unit + size - count * self.unit


class Exfat(Kind):
    name = reader = "exfat"
    tools = ("mkfs.exfat -V", "mount.exfat-fuse -V")
    can = frozenset(["names"])
    sizes = (8, 500)

    def draw(self):
        most = min(32 * MIB, self.size // 100).bit_length()     # at least 100 clusters
        self.unit = max(1 << self.rnd.randrange(9, most), self.sector)
        self.options = ["-c", str(self.unit)]
        self.options += ["-b", str(self.pick(1, 4, 8) * MIB)] if self.yes(0.3) and self.size > 32 * MIB else []
        self.options += ["--pack-bitmap"] if self.yes(0.2) and "-b" not in self.options else []

    def mkfs(self, dev):
        run("mkfs.exfat", *self.options, dev)

    def mounting(self, dev, top, read_only):
        return ["mount.exfat-fuse", "-o", "ro" if read_only else "rw", dev, top]

    def check(self, dev, work):
        run("fsck.exfat", "-n", dev)

    def used(self, dev, work, size):
        out = run("dump.exfat", dev)
        total, free, sectors, fat = (found(r"^%s.*:\s*(\d+)" % n, out) for n in (
            "Total Clusters", "Free Clusters", "Volume Length", "FAT Length"))
        return (total - free) * self.unit + (24 + fat) * self.sector + size - sectors * self.sector


class Fat(Kind):
    """Sectors of 4096 bytes are left out: mtools doesn't know them."""
    reader = "fat"
    tools = ("fatlabel --version", "mtools --version")
    can = frozenset(["names"])
    sectors = (512,)

    def draw(self):
        lo, hi = self.clusters
        fit = [s for s in (1, 2, 4, 8, 16, 32, 64) if lo < self.size // (s * 512) * 98 // 100 < hi - 64]
        self.unit = 512 * self.pick(*(fit or [1]))
        sector = min(self.pick(512, 512, 512, 1024, 2048), self.unit)
        self.options = ["-F", self.name[3:], "-S", str(sector), "-s", str(self.unit // sector)]
        if self.yes(0.3):
            self.options += ["-f", "1"]
        if self.yes(0.3) and self.name != "fat32":
            self.options += ["-r", str(self.pick(112, 512, 1024))]
        if self.yes(0.2):
            self.options += ["-R", str(self.pick(32, 40, 64) if self.name == "fat32" else self.pick(2, 8))]
        if self.yes(0.3):
            self.options += ["-a"]

    def mkfs(self, dev):
        run("mkfs.fat", *self.options, dev)

    def tried(self, dev, work):
        self.free(dev)

    def free(self, dev):
        said = re.findall(r"([\d ]+) bytes free", run("mdir", "-i", dev, "::"))
        if not said:
            raise Failed("mdir tells no free bytes")
        return int(said[-1].replace(" ", ""))

    def copy(self, dev, tree):
        """False when there was no room."""
        code, said = status("mcopy", "-s", "-n", "-Q", "-i", dev,
                            *sorted(os.path.join(tree, n) for n in os.listdir(tree)), "::")
        if code and "Disk full" not in said and "No space" not in said:
            raise Failed("mcopy: " + said[-500:])
        return not code

    def live(self, dev, work, level, full):
        budget, count = self.free(dev) * level, self.rnd.randrange(20, 200)
        rounds = self.rnd.randrange(2, 5)
        for r in range(rounds):
            tree = os.path.join(work, "tree%d" % r)
            os.makedirs(os.path.join(tree, "round%d" % r))
            one = life.Life(os.path.join(tree, "round%d" % r), self.rnd, self.can, self.unit)
            one.make(int(budget / rounds * 1.6), count // rounds)
            fits = self.copy(dev, tree)
            if not fits:
                run("fsck.fat", "-a", dev)
                break
            # deleted: what comes next lies in between
            for rel in self.rnd.sample(one.files, len(one.files) * 2 // 5):
                run("mdel", "-i", dev, "::round%d/%s" % (r, rel))
            shutil.rmtree(tree)
        n = 0
        while full and self.free(dev) * 100 > self.size:
            n += 1
            tree = os.path.join(work, "fill%d" % n)
            os.makedirs(tree)
            with open(os.path.join(tree, "fill%d" % n), "wb") as f:
                f.write(self.rnd.randbytes(max(self.unit, self.free(dev) // 3 * 2)))
            self.copy(dev, tree)
            shutil.rmtree(tree)

    def hashes(self, dev, work):
        out = os.path.join(work, "out")
        os.makedirs(out)
        run("mcopy", "-s", "-n", "-i", dev, "::*", out)
        known = life.hashes(out)
        shutil.rmtree(out)
        return known

    def check(self, dev, work):
        run("fsck.fat", "-n", dev)

    def used(self, dev, work, size):
        _, out = status("fsck.fat", "-n", "-v", dev)
        used, count = (found(p, out) for p in (r"(\d+)/\d+ clusters", r"\d+/(\d+) clusters"))
        return size - (count - used) * self.unit


class Fat12(Fat):
    name, sizes, clusters = "fat12", (1, 60), (16, 4085)


class Fat16(Fat):
    name, sizes, clusters = "fat16", (8, 500), (4085, 65525)


class Fat32(Fat):
    name, sizes, clusters = "fat32", (40, 400), (65525, 1 << 28)


class Xfs4(Xfs):
    """No kernel of today mounts version 4: mkfs.xfs copies a tree into it."""
    name = "xfs4"
    can = frozenset(["symlinks"])

    def draw(self):
        block = max(self.pick(512, 1024, 4096, 4096, 16384, 65536), self.sector)
        self.unit = block
        self.options = ["-b", "size=%d" % block, "-m", "crc=0"]
        for option, values in (("-n", ("ftype=1", "size=%d" % max(block, 16384), "version=ci")),
                               ("-i", ("attr=1", "projid32bit=0", "size=1024")),
                               ("-d", ("agcount=%d" % self.rnd.randrange(1, 5),)),
                               ("-l", ("version=1", "lazy-count=0"))):
            if self.yes(0.4):
                self.options += [option, self.pick(*values)]

    def tried(self, dev, work):
        pass

    def live(self, dev, work, level, full):
        tree, proto = os.path.join(work, "tree"), os.path.join(work, "proto")
        os.makedirs(tree)
        one = life.Life(tree, self.rnd, self.can, self.unit)
        one.make(int((self.size - self.used(dev, work, self.size)) * (0.99 if full else level)),
                 self.rnd.randrange(20, 80), True)
        for n in range(20):     # with its own metadata the tree may need more than there is
            with open(proto, "w", encoding="utf-8") as f:
                f.write("boot\n0 0\nd--755 0 0\n%s$\n" % "".join(disks.prototype(tree)))
            code, said = status("mkfs.xfs", "-q", "-f", "-K", "-p", proto, *self.options, dev)
            # at times it says nothing and leaves a file system that isn't sound
            if not code and not status("xfs_repair", "-n", "-o", "force_geometry", dev)[0]:
                break
            one.remove(0.05 if n < 8 else 0.2)
        else:
            raise Failed("mkfs.xfs -p: " + said[-500:])
        self.names = sorted(files_only(life.hashes(tree)))

    def hashes(self, dev, work):
        data = fsjudge.xfs_files(dev, ["/" + name for name in self.names])
        return {name: hashlib.sha256(d).hexdigest() for name, d in zip(self.names, data)}


class F2fs(Kind):
    name = reader = "f2fs"
    tools = ("mkfs.f2fs -V",)
    can = frozenset(["symlinks"])
    sizes = (100, 500)

    def draw(self):
        self.options = ["-w", str(self.sector), "-a", str(self.pick(0, 1)), "-t", "0"]
        if self.yes(0.3):
            self.options += ["-o", str(self.rnd.randrange(2, 20))]
        if self.yes(0.2) and self.size > 200 * MIB:
            self.options += ["-s", str(self.pick(2, 4)), "-z", str(self.pick(1, 2))]
        features = [f for f in ("encrypt", "verity", "lost_found", "sb_checksum") if self.yes(0.25)]
        extra = [f for f in ("inode_checksum", "inode_crtime", "flexible_inline_xattr", "project_quota",
                             "compression") if self.yes(0.25)]
        if extra:
            features += ["extra_attr", *extra, *(["quota"] if "project_quota" in extra else [])]
        if features:
            self.options += ["-O", ",".join(features)]
        self.options += ["-i"] if self.yes(0.15) else []

    def mkfs(self, dev):
        run("mkfs.f2fs", "-q", "-f", *self.options, dev)

    def tried(self, dev, work):
        """With some options fsck.f2fs finds fault with what sload.f2fs and mkfs.f2fs make."""
        if not self.fill(dev, work, 0.01, 1):
            raise Failed("sload.f2fs finds no room")
        self.check(dev, work)
        self.mkfs(dev)

    def live(self, dev, work, level, full):
        """Trees, one after another; fewer files when sload.f2fs finds no room for them."""
        level, rounds = 0.9 if full else level * 0.8, self.rnd.randrange(1, 4)
        for _ in range(8):
            if self.fill(dev, work, level, rounds):
                return
            level, rounds = level * 0.7, max(1, rounds - 1)
            self.mkfs(dev)
        raise Failed("sload.f2fs finds no room")

    def fill(self, dev, work, level, rounds):
        """False if they are too much."""
        room = self.room(dev) * level
        squeeze = ["-c", "-a", "lz4", "-x", "nothing"] if "compression" in " ".join(self.options) and self.yes() else []
        for r in range(rounds):
            tree = os.path.join(work, "tree")
            top = os.path.join(tree, "round%d" % r)
            os.makedirs(top)
            one = life.Life(top, self.rnd, self.can)
            one.n = r * 1000    # dump.f2fs puts all in one directory
            one.make(int(room / rounds), 60 // rounds, True)
            code, said = status("sload.f2fs", "-f", tree, *squeeze, dev)
            shutil.rmtree(tree)
            if "find free block" in said or "[ASSERT] (move_one_curseg_info" in said:
                return False
            if code not in (0, 1):  # 1: its fsck changed something
                raise Failed("sload.f2fs: status %d: %s" % (code, said[-800:]))
            # at times, compressing, it does nothing and says 1, too
            if "round%d <ino" % r not in status("fsck.f2fs", "--dry-run", "-t", dev)[1]:
                return False
        return True

    def room(self, dev):
        """Bytes that a user may have: without what cleaning needs."""
        out = run("dump.f2fs", "-d", 1, dev)
        return (self.number("user_block_count", out) - self.number("valid_block_count", out)) * 4096

    @staticmethod
    def number(name, said):
        return found(r"^%s\s+\[0x *[0-9a-f]+ : (\d+)\]" % name, said)

    def hashes(self, dev, work):
        out = os.path.join(work, "out")
        os.makedirs(out)
        tree = status("fsck.f2fs", "--dry-run", "-t", dev)[1]
        inodes = re.findall(r"^[-| `]*f\d+\S* <ino = (0x[0-9a-f]+)>", tree, re.M)
        for ino in inodes:
            status("dump.f2fs", "-i", ino, dev, data=b"Y\n", cwd=out)
        known = life.hashes(out)
        shutil.rmtree(out)
        if len(files_only(known)) != len(inodes):
            raise Failed("dump.f2fs: %d of %d files" % (len(known), len(inodes)))
        return known

    def check(self, dev, work):
        run("fsck.f2fs", "--dry-run", dev)

    def used(self, dev, work, size):
        out = run("dump.f2fs", "-d", 1, dev)
        main, blocks, valid = (self.number(n, out) for n in ("main_blkaddr", "block_count", "valid_block_count"))
        return (main + valid) * 4096 + size - blocks * 4096
