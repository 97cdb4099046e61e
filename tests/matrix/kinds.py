"""The file systems that are mounted: options of their mkfs, drawn at random; how
files get in; what their own tools say of a copy, and of the bytes in use."""
import os
import re

import life
from device import Failed, mounted, run, status

MIB = 1 << 20


def found(pattern, text, base=10):
    m = re.search(pattern, text, re.M)
    if not m:
        raise Failed("no %r in: %s" % (pattern, text[-800:]))
    return int(m[1], base)


class Kind:
    """One random disk of a file system.  Options are drawn again, up to 12 times, when
    this mkfs or kernel doesn't know them; what was refused is kept in `refused`."""
    reader = None               # in `rehost map`
    can = frozenset("names holes links symlinks xattrs".split())
    sectors = (512, 512, 512, 4096)
    sizes = (64, 500)           # MiB
    brim = True                 # the checker knows disks without a free block
    tools = ()                  # whose versions the document names

    def __init__(self, rnd):
        self.rnd, self.refused, self.mount = rnd, [], []
        self.sector = rnd.choice(self.sectors)
        low, high = self.sizes
        self.size = int(low * (high / low) ** rnd.random()) * MIB
        # the last sectors may belong to no block
        self.size += rnd.choice([0, 0, rnd.randrange(MIB // self.sector) * self.sector])
        self.unit = 4096

    def yes(self, chance=0.5):
        return self.rnd.random() < chance

    def pick(self, *what):
        return self.rnd.choice(what)

    def draw(self):
        """Sets self.options, self.unit, self.mount."""
        raise NotImplementedError

    def mkfs(self, dev):
        raise NotImplementedError

    def make(self, dev, work):
        """Draws options until one is known here, makes the file system, opens it once."""
        for _ in range(12):
            self.options, self.mount = [], []
            self.draw()
            try:
                run("wipefs", "-qaf", dev)
                self.mkfs(dev)
                self.tried(dev, work)
                return
            except Failed as e:
                self.refused.append("%s: %s" % (" ".join(self.options), e))
        raise Failed("nothing is known here: " + self.refused[-1])

    def tried(self, dev, work):
        with self.open(dev, work):
            pass

    def mounting(self, dev, top, read_only):
        """The command that mounts."""
        options = [*self.mount, *(["ro"] if read_only else [])]
        return ["mount", *(["-o", ",".join(options)] if options else []), dev, top]

    def open(self, dev, work, read_only=False):
        top = os.path.join(work, "mnt")
        return mounted(top, dev, *self.mounting(dev, top, read_only))

    def live(self, dev, work, level, full):
        with self.open(dev, work) as top:
            one = life.Life(top, self.rnd, self.can, self.unit)
            one.live(level, self.rnd.randrange(30, 500), full, self.brim)

    def hashes(self, dev, work):
        with self.open(dev, work, read_only=True) as top:
            return life.hashes(top)

    def check(self, dev, work):
        """Raises Failed unless the file system's own checker finds nothing."""
        raise NotImplementedError

    def used(self, dev, work, size):
        """Bytes of `size` that the file system's own tools call used, with metadata
        and with what lies behind its end."""
        raise NotImplementedError


class Ext(Kind):
    reader = "ext"
    tools = ("mke2fs -V", "fuse2fs -V")
    can = Kind.can | {"allocate"}

    def blocks(self):
        return self.pick(1024, 2048, 4096, 4096, 4096, 8192, 16384, 65536)

    def draw(self):
        self.block = max(self.blocks(), self.sector)
        self.unit = self.block
        features = self.features()
        self.options = ["-t", self.name, "-b", str(self.block)]
        if self.yes(0.3):
            self.options += ["-g", str(8 * self.rnd.randrange(32, self.block))]
        if self.yes(0.3):
            self.options += ["-i", str(self.pick(4096, 16384, 65536, 262144))]
        if self.yes(0.3):
            self.options += ["-I", str(self.pick(128, 256, 512, 1024))]
        self.options += ["-m", str(self.pick(0, 0, 1, 5))]
        self.options += ["-O", ",".join(features)] if features else []
        self.options += ["-E", "nodiscard,lazy_itable_init=%d" % self.yes()
                         + ("" if self.yes(0.8) else ",packed_meta_blocks=1")]
        self.mount = ["noinit_itable"] if self.block <= 4096 and self.name == "ext4" and self.yes() else []

    def features(self):
        return ([f for f in ("^resize_inode", "^sparse_super", "^dir_index", "^filetype") if self.yes(0.15)]
                + (["meta_bg", "^resize_inode"] if self.yes(0.2) else []))

    def mkfs(self, dev):
        run("mke2fs", "-q", "-F", *self.options, dev)

    def mounting(self, dev, top, read_only):
        if self.block <= 4096:
            return super().mounting(dev, top, read_only)
        # this kernel has no blocks above a page
        return ["fuse2fs", "-o", "fakeroot" + (",ro" if read_only else ""), dev, top]

    def live(self, dev, work, level, full):
        if self.block > 4096:
            self.can = self.can - {"allocate", "xattrs"}
        super().live(dev, work, level, full)
        if self.block > 4096:   # fuse2fs leaves counts that e2fsck sets right
            code, said = status("e2fsck", "-fy", dev)
            if code > 1:
                raise Failed("e2fsck -fy after fuse2fs: %s" % said[-1000:])

    def check(self, dev, work):
        run("e2fsck", "-fn", dev)

    def used(self, dev, work, size):
        out = run("dumpe2fs", "-h", dev)
        count, free = found(r"^Block count: +(\d+)", out), found(r"^Free blocks: +(\d+)", out)
        return (count - free) * self.block + size - count * self.block


class Ext2(Ext):
    name = "ext2"
    can = Kind.can


class Ext3(Ext):
    name = "ext3"
    can = Kind.can


class Ext4(Ext):
    name = "ext4"

    def features(self):
        f = [x for x in ("^64bit", "^extent", "^flex_bg", "^resize_inode", "inline_data", "ea_inode", "large_dir",
                         "^huge_file", "^dir_nlink", "orphan_file", "fast_commit", "mmp", "encrypt", "verity",
                         "stable_inodes", "^has_journal") if self.yes(0.12)]
        f += self.pick(["64bit", "metadata_csum"], ["^metadata_csum", "uninit_bg"], ["^metadata_csum", "^uninit_bg"],
                       [], ["metadata_csum_seed"])
        f += self.pick([], [], ["meta_bg", "^resize_inode"], ["sparse_super2", "^resize_inode"], ["bigalloc"])
        if "^has_journal" in f:
            f = [x for x in f if x not in ("fast_commit", "orphan_file")]
        if "bigalloc" in f:
            f = [x for x in f if x not in ("^extent",)]
        return f

    def draw(self):
        super().draw()
        if any("bigalloc" in o for o in self.options):
            self.unit = self.block * self.pick(2, 4, 16, 16, 64)
            self.options += ["-C", str(self.unit)]
            if "-g" in self.options:
                at = self.options.index("-g")
                del self.options[at:at + 2]


class Xfs(Kind):
    name = reader = "xfs"
    tools = ("mkfs.xfs -V",)
    can = Kind.can | {"allocate", "clones"}
    sizes = (64, 500)

    def draw(self):
        block = max(self.pick(1024, 2048, 4096, 4096, 4096, 8192, 16384, 65536), self.sector)
        self.unit, flag = block, lambda name, chance=0.5: "%s=%d" % (name, self.yes(chance))
        metadata = [flag("finobt", 0.8), flag("reflink", 0.8), flag("rmapbt"), flag("bigtime"), flag("inobtcount")]
        if "finobt=0" in metadata:
            metadata = [m for m in metadata if "inobtcount" not in m] + ["inobtcount=0"]
        self.options = ["-b", "size=%d" % block, "-m", ",".join(metadata), "-i", flag("nrext64") + "," + flag("sparse", 0.8)]
        if self.yes(0.4):
            self.options += ["-d", "agcount=%d" % self.rnd.randrange(1, 9)]
        if self.yes(0.3):
            self.options += ["-n", "size=%d" % max(block, self.pick(4096, 16384, 65536))]
        if self.yes(0.3):
            self.options += ["-i", "size=%d" % self.pick(512, 1024, 2048)]
        if self.yes(0.3):
            self.options += ["-l", "su=%d" % (self.pick(1, 2, 8) * max(block, 4096))]
        if self.yes(0.1):
            self.options += ["-n", "version=ci"]
        self.can = Xfs.can if "reflink=1" in metadata else Xfs.can - {"clones"}

    def mkfs(self, dev):
        run("mkfs.xfs", "-q", "-f", "-K", *self.options, dev)

    def check(self, dev, work):
        one = "agcount=1" in self.options   # then it has no second opinion on the geometry
        run("xfs_repair", "-n", *(["-o", "force_geometry"] if one else []), dev)

    def used(self, dev, work, size):
        out = run("xfs_db", "-r", "-c", "sb 0", "-c", "p blocksize dblocks fdblocks", dev)
        block, count, free = (found(r"^%s = (\d+)" % n, out) for n in ("blocksize", "dblocks", "fdblocks"))
        return (count - free) * block + size - count * block


class Btrfs(Kind):
    name = reader = "btrfs"
    tools = ("mkfs.btrfs -V",)
    can = Kind.can | {"allocate", "clones", "subvolumes"}
    sizes = (130, 500)

    def draw(self):
        if self.yes(0.25):
            self.options = ["--mixed", "-n", "4096", *self.pick([], ["-m", "dup", "-d", "dup"])]
            self.unit = 4096
        else:
            self.options = ["-m", self.pick("single", "dup", "dup"), "-d", self.pick("single", "single", "dup"),
                            "-n", str(self.pick(4096, 16384, 16384, 32768, 65536))]
        self.options += ["--csum", self.pick("crc32c", "crc32c", "xxhash", "sha256", "blake2")]
        features = [f for f in ("^no-holes", "^skinny-metadata", "^extref", "block-group-tree", "squota")
                    if self.yes(0.2)]
        if features:
            self.options += ["-O", ",".join(features)]
        if self.yes(0.4):
            self.options += ["-R", self.pick("quota", "^free-space-tree")]
        self.mount = [o for o in (self.pick("compress=zstd", "compress-force=lzo", "compress=zlib", "noatime"),
                                  self.pick("nodatacow", "autodefrag", "max_inline=0", "flushoncommit", "ssd"))
                      if self.yes()]

    def mkfs(self, dev):
        run("mkfs.btrfs", "-q", "-f", "-K", *self.options, dev)

    def open(self, dev, work, read_only=False):
        # what it knows of a copy that had the same id
        status("btrfs", "device", "scan", "--forget")
        return super().open(dev, work, read_only)

    def live(self, dev, work, level, full):
        super().live(dev, work, level, full)
        if self.yes(0.2):
            with self.open(dev, work) as top:
                status("btrfs", "balance", "start", "--full-balance", top)

    def check(self, dev, work):
        run("btrfs", "check", "--readonly", "--check-data-csum", dev)

    def used(self, dev, work, size):
        with self.open(dev, work, read_only=True) as top:
            out = run("btrfs", "filesystem", "usage", "-b", top)
        # the first MiB, where it never allocates, and the superblock's copy
        return found(r"^ +Used:\s+(\d+)", out) + MIB + 4096 + size - found(r"^ +Device size:\s+(\d+)", out)
