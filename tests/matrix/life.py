"""What happens to files before a disk is captured: made, deleted, rewritten, cloned,
with holes; until the file system is as full as it shall be.  Works on a directory;
what a file system can do besides plain files is in `can`:

    names holes links symlinks clones allocate xattrs subvolumes"""
import errno
import fcntl
import hashlib
import os
import subprocess

FICLONE = 0x40049409            # linux/fs.h
FALLOC_PUNCH_HOLE = 0x03        # with FALLOC_FL_KEEP_SIZE
WORDS = b"".join(b"%d bottles of beer on the wall, " % i for i in range(20000))


def fails_when_full(f):
    """ENOSPC is part of a full disk's life."""
    def g(*a):
        try:
            return f(*a)
        except OSError as e:
            if e.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMLINK, errno.EXDEV):
                raise
            return None
    return g


class Life:
    def __init__(self, top, rnd, can, unit=4096):
        """unit: bytes that even a small file takes.  Names are plain unless "names"
        is in can."""
        self.top, self.rnd, self.can, self.unit = top, rnd, can, unit
        self.pool = rnd.randbytes(2 << 20)
        self.files, self.dirs, self.n = [], [""], 0

    # -- content ------------------------------------------------------------------

    def bytes(self, n):
        """n bytes: mostly such that can't be compressed, seldom repeated ones."""
        kind = self.rnd.random()
        source = self.pool if kind < 0.6 else WORDS if kind < 0.95 else bytes(1 << 20)
        at = self.rnd.randrange(len(source))
        return (source[at:] + source * (n // len(source) + 1))[:n]

    def name(self):
        self.n += 1
        r = self.rnd.random()
        if r < 0.5 or "names" not in self.can:
            return "f%d" % self.n
        if r < 0.7:
            return "A name that is longer than eight and three %d.text" % self.n
        if r < 0.9:
            return "größe-%d-日本語-%s" % (self.n, "x" * self.rnd.randrange(20))
        return "l%d%s" % (self.n, "ong" * 40)

    def path(self, rel):
        return os.path.join(self.top, rel)

    # -- single acts ----------------------------------------------------------------

    @fails_when_full
    def folder(self):
        d = os.path.join(self.rnd.choice(self.dirs[-40:]), "d" + self.name())
        if len(d) < 400:
            os.mkdir(self.path(d))
            self.dirs.append(d)

    def write(self, size):
        """A new file; one that doesn't fit stays as it is."""
        rel = os.path.join(self.rnd.choice(self.dirs), self.name())
        self.files.append(rel)
        try:
            with open(self.path(rel), "wb", buffering=0) as f:
                while size:
                    n = f.write(self.bytes(min(size, 4 << 20)))
                    if not n:           # ntfs-3g, at times, with clusters of 2 MiB
                        raise OSError(errno.ENOSPC, "nothing was written")
                    size -= n
                if self.rnd.random() < 0.05:
                    os.fsync(f.fileno())
        except OSError as e:
            if e.errno != errno.ENOSPC:
                raise
            if not os.path.exists(self.path(rel)):
                self.files.pop()
            return False
        return True

    def make(self, budget, count, exactly=False):
        """count files with at most about `budget` bytes, of which few have most."""
        count = max(1, min(count, budget // self.unit // 2))
        weight = [self.rnd.lognormvariate(0, 2.2) for _ in range(count)]
        each = budget / sum(weight)
        left = budget
        for w in weight:
            if self.rnd.random() < 0.06:
                self.folder()
            size = int(w * each) if self.rnd.random() < 0.8 else self.rnd.randrange(400)
            left -= size + self.unit
            if not self.write(size):
                return
        if exactly and left > 0:
            self.write(left)

    @fails_when_full
    def remove(self, share):
        self.rnd.shuffle(self.files)
        for _ in range(int(len(self.files) * share)):
            os.unlink(self.path(self.files.pop()))

    @fails_when_full
    def change(self, rel):
        """Rewritten in places, longer, shorter, with a hole, or preallocated."""
        how = self.rnd.choice(["places", "places", "append", "cut", "hole", "ahead", "punch"])
        with open(self.path(rel), "r+b", buffering=0) as f:
            size = os.fstat(f.fileno()).st_size
            if how == "places":
                for _ in range(self.rnd.randrange(1, 6)):
                    f.seek(self.rnd.randrange(size + 1))
                    f.write(self.bytes(self.rnd.randrange(1, 20000)))
            elif how == "append":
                f.seek(0, os.SEEK_END)
                f.write(self.bytes(self.rnd.randrange(1, 100000)))
            elif how == "cut":
                f.truncate(self.rnd.randrange(size + 1))
            elif how == "hole" and "holes" in self.can:
                f.seek(size + self.rnd.randrange(1 << 20))
                f.write(self.bytes(self.rnd.randrange(1, 9000)))
            elif how == "ahead" and "allocate" in self.can:
                os.posix_fallocate(f.fileno(), size, self.rnd.randrange(1, 1 << 20))
            elif how == "punch" and "allocate" in self.can and size:
                subprocess.run(["fallocate", "-p", "-o", str(self.rnd.randrange(size)), "-l",
                                str(self.rnd.randrange(1, 200000)), self.path(rel)], check=True)

    @fails_when_full
    def grow_together(self):
        """Files that grow at the same time lie in pieces among each other."""
        some = self.rnd.sample(self.files, min(len(self.files), self.rnd.randrange(2, 7)))
        for _ in range(self.rnd.randrange(3, 25)):
            for rel in some:
                with open(self.path(rel), "ab", buffering=0) as f:
                    f.write(self.bytes(self.rnd.randrange(1, 3 * min(self.unit, 65536))))
                    if self.rnd.random() < 0.5:
                        os.fsync(f.fileno())

    @fails_when_full
    def extra(self, rel):
        """What is not a file's bytes: names, clones, attributes."""
        d, how = self.rnd.choice(self.dirs), self.rnd.choice(["links", "symlinks", "clones", "xattrs"])
        if how not in self.can:
            return
        new = os.path.join(d, self.name())
        if how == "links":
            os.link(self.path(rel), self.path(new))
        elif how == "symlinks":
            os.symlink("x" * self.rnd.choice([5, 100, 900]), self.path(new))
        elif how == "xattrs":
            os.setxattr(self.path(rel), "user.n%d" % self.n, self.bytes(self.rnd.choice([3, 200, 3000])))
        else:
            with open(self.path(rel), "rb") as a, open(self.path(new), "wb") as b:
                self.files.append(new)
                fcntl.ioctl(b.fileno(), FICLONE, a.fileno())
        if how == "links":
            self.files.append(new)

    # -- subvolumes: Btrfs ------------------------------------------------------------

    def btrfs(self, *cmd):
        """False when there was no room."""
        p = subprocess.run(["btrfs", "-q", *cmd], capture_output=True, check=False)
        if p.returncode and b"No space" not in p.stderr:
            raise OSError(errno.EIO, "btrfs %s: %s" % (" ".join(cmd), p.stderr.decode()))
        return not p.returncode

    def subvolumes(self):
        """One more with files, a snapshot of one, and at times one less."""
        if "subvolumes" not in self.can:
            return
        new = "s" + self.name()
        if self.btrfs("subvolume", "create", self.path(new)):
            self.dirs.append(new)
        if self.rnd.random() < 0.8:
            of = self.path(self.rnd.choice(["", new]))
            flags = ["-r"] if self.rnd.random() < 0.3 else []
            subprocess.run(["sync", "-f", self.top], check=True)
            if os.path.isdir(of):
                self.btrfs("subvolume", "snapshot", *flags, of, self.path("p" + self.name()))
        snaps = [d for d in os.listdir(self.top) if d.startswith("p")]
        if snaps and self.rnd.random() < 0.4:
            self.btrfs("subvolume", "delete", self.path(self.rnd.choice(snaps)))

    # -- a life -------------------------------------------------------------------------

    def free(self):
        s = os.statvfs(self.top)
        return s.f_bfree * s.f_frsize, s.f_blocks * s.f_frsize

    def fill(self, brim):
        """To 99 %, or until nothing fits: files that are smaller and smaller."""
        size = max(self.free()[0] // 6, self.unit)
        while size >= self.unit:
            while brim or self.free()[0] * 100 > self.free()[1]:
                n = len(self.files)
                if not self.write(size):
                    if not brim and len(self.files) > n:
                        os.unlink(self.path(self.files.pop()))
                    break
            subprocess.run(["sync", "-f", self.top], check=True)
            size //= 4

    def round(self, budget, count):
        self.make(budget, count)
        self.remove(self.rnd.uniform(0.2, 0.6))
        for rel in self.rnd.sample(self.files, len(self.files) // 3):
            self.change(rel)
            self.extra(rel)
        if len(self.files) > 1:
            self.grow_together()
        self.subvolumes()

    def live(self, level, count, full, brim):
        """Rounds until `level` (0 to 1) of what was free is used, or nearly all;
        brim: at times really all."""
        free = self.free()[0]
        rounds = self.rnd.randrange(2, 5)
        for _ in range(rounds):
            self.round(min(int(free * level / rounds * 1.6), self.free()[0] * 9 // 10), count // rounds)
        if full:
            self.fill(brim and self.rnd.random() < 0.5)
            if self.rnd.random() < 0.5:     # holes, filled again
                self.remove(0.1)
                self.fill(False)


def hashes(top):
    """{name: what is there}, of everything below top."""
    out = {}
    for d, dirs, names in os.walk(top):
        for n in dirs + names:
            p = os.path.join(d, n)
            rel = os.path.relpath(p, top)
            if os.path.islink(p):
                out[rel] = "link " + os.readlink(p)
            elif os.path.isdir(p):
                out[rel] = "directory"
            else:
                with open(p, "rb") as f:
                    out[rel] = hashlib.file_digest(f, "sha256").hexdigest()
                out[rel] += attributes(p)
    return out


def attributes(path):
    """User attributes (streams of NTFS) as a hash; "" without."""
    try:
        names = [a for a in sorted(os.listxattr(path)) if a.startswith("user.")]
    except OSError as e:
        if e.errno != errno.EOPNOTSUPP:
            raise
        return ""
    pairs = [(a, os.getxattr(path, a)) for a in names]
    return " " + hashlib.sha256(repr(pairs).encode()).hexdigest() if pairs else ""
