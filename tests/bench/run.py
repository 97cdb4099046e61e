#!/usr/bin/python3
"""Rehost against other imagers: `make bench`, or tests/bench/run.py --help.

Makes disks from real files (ext4, ntfs, xfs, btrfs), one that is almost empty and
one with files that can't be compressed, then captures, verifies and restores each
with every program in turn (A B C B C A ..., so that a noisy machine is noisy
for all), checks what was restored, and prints tables for docs/BENCHMARKS.md.
Then: is the time told at 20 % the truth; a capture of the disk with 1 % changed
(--base), a restore over the same disk (--delta), where this rehost has them; the memory
that every command needs for a sparse disk of 16 TB (memory.py).  All tables come from one
run, with the commands that were run.
Needs no root; fsarchiver, which works on block devices only, is left out without it."""
import argparse
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import contenders
import disks
import measure
import memory
import tables
from measure import Run

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# disk: its file system
DISKS = {"ext4": "ext4", "ntfs": "ntfs", "xfs": "xfs", "btrfs": "btrfs", "empty": "ext4", "random": "ext4"}
STEPS = ("capture", "verify", "restore")


class Bench:
    def __init__(self, o):
        self.o = o
        self.log = os.path.join(o.scratch, "log")
        self.results, self.estimates, self.more, self.skipped, self.maps, self.digests = {}, {}, [], [], {}, {}
        self.memory = []
        self.hash = contenders.hash_name()

    def say(self, text):
        print("%s %s" % (time.strftime("%H:%M:%S"), text), file=sys.stderr, flush=True)

    def path(self, name):
        return os.path.join(self.o.scratch, name)

    def disk(self, name):
        return self.path(name + ".disk")

    # -- disks ------------------------------------------------------------------------

    def tree(self, disk):
        return self.path({"empty": "few", "random": "noise"}.get(disk, "tree"))

    def count(self, disk):
        return sum(len(f) for _, _, f in os.walk(self.tree(disk)))

    def make(self):
        o = self.o
        for disk in o.disks:
            tree, fs = self.tree(disk), DISKS[disk]
            if not os.path.isdir(tree):
                if disk == "random":
                    disks.noise(tree, o.size // 2)
                else:
                    disks.stage(o.files, tree, min(o.size, 20 << 20) if disk == "empty" else o.size)
            size = int(o.empty * 1e9) if disk == "empty" else 2 * o.size + (320 << 20)
            size = size >> 20 << 20
            if not os.path.exists(self.disk(disk)):
                more = [os.path.join(o.build, "tests/tools/ntfs-fill")] if fs == "ntfs" else []
                getattr(disks, fs)(self.disk(disk), size, tree, *more)
            self.maps[disk] = json.loads(subprocess.run(
                [os.path.join(o.build, "rehost"), "map", "--json", self.disk(disk)],
                stdout=subprocess.PIPE, check=True).stdout)
            self.used_bytes(disk)

    def used(self, disk):
        return self.maps[disk]["used"]

    def pieces(self, disk, path):
        with open(path, "rb") as f:
            for off, n in self.maps[disk]["extents"]:
                f.seek(off)
                while n:
                    buf = f.read(min(n, 1 << 20))
                    if not buf:
                        return
                    yield buf
                    n -= len(buf)

    def halves(self, disk):
        return [self.path("%s.bytes.%d" % (disk, i)) for i in range(2)]

    def half(self, disk):
        return self.used(disk) // 2 >> 20          # MiB

    def used_bytes(self, disk):
        """What the limits take; reading it all also fills the page cache."""
        left = self.half(disk) << 20
        first, second = (open(n, "wb") for n in self.halves(disk))
        with first, second:
            for buf in self.pieces(disk, self.disk(disk)):
                first.write(buf[:left])
                second.write(buf[left:])
                left = max(0, left - len(buf))
        for n in self.halves(disk):
            subprocess.run(["zstd", "-q", "-1", "-f", n], check=True)

    def digest(self, disk, path):
        h = hashlib.sha256()
        for buf in self.pieces(disk, path):
            h.update(buf)
        return h.hexdigest()

    # -- measuring --------------------------------------------------------------------

    def wait(self):
        end = time.monotonic() + self.o.wait * 60
        while self.o.wait and measure.busy(2) > 0.1 and time.monotonic() < end:
            pass

    def words(self, disk, **more):
        half0, half1 = self.halves(disk)
        v = {"src": self.disk(disk), "img": self.path("image"), "half0": half0, "half1": half1,
             "half": str(self.half(disk)) if disk in self.maps else "0", "base": self.path("base.rhi"),
             "dst": self.path("restored.disk"), "rehost": os.path.join(self.o.build, "rehost"),
             "pc": contenders.PARTCLONE_NAME.get(DISKS.get(disk), ""), "hash": self.hash, **more}
        return {k: shlex.quote(x) for k, x in v.items()}

    def one(self, disk, c, last):
        r = self.results.setdefault((disk, c.name), {**{s: [] for s in STEPS}, "note": ""})
        if r["note"]:
            return
        self.wait()
        q = self.words(disk)
        for step in filter(lambda s: getattr(c, s), STEPS):
            if step == "restore":
                disks.sparse(self.path("restored.disk"), os.path.getsize(self.disk(disk)))
            x = Run(getattr(c, step).format(**q), self.log)
            self.say("%s, %s: %s %.1f s, CPU %.1f s, others %.1f CPUs" % (disk, c.name, step, x.wall, x.cpu, x.others))
            if x.status:
                r["note"] = "%s fails (status %d)" % (step, x.status)
                break
            if step == "capture":
                x.size = os.path.getsize(self.path("image"))
            r[step].append(x)
        if last and not r["note"] and not c.name.startswith("limit"):
            r["note"] = self.judged(disk, q)
        self.forget("restored.disk", "image")

    def forget(self, *names):
        for n in names:
            if os.path.exists(self.path(n)):
                os.unlink(self.path(n))

    def judged(self, disk, q):
        """Is what was restored right?  fsarchiver makes a new file system: only fsck."""
        ok = Run(contenders.CHECK[DISKS[disk]].format(**q), self.log).status == 0
        if disk not in self.digests:
            self.digests[disk] = self.digest(disk, self.disk(disk))
        same = self.digest(disk, self.path("restored.disk")) == self.digests[disk]
        return "%s, used bytes %s" % ("clean" if ok else "NOT CLEAN", "equal" if same else "differ")

    def run(self):
        self.load_before = os.getloadavg()
        for n in range(self.o.runs):
            for disk in self.o.disks:
                l = contenders.contenders(DISKS[disk], self.o.levels, self.o.no_fsarchiver)
                l = [c for c in l if any(text in c.name for text in self.o.programs)]
                first = n % max(len(l), 1)      # none is always the one after another disk
                for c in l[first:] + l[:first]:
                    self.one(disk, c, n == self.o.runs - 1)
        self.honest()
        for option, command, rows in (("--base", "capture", self.base), ("--delta", "restore", self.delta)):
            if contenders.has(self.o.build, command, option):
                for disk in self.o.disks:
                    if disk != "empty":
                        rows(disk)
            else:
                self.skipped.append("%s %s" % (command, option))
                self.say("%s: skipped, this rehost has no such option" % self.skipped[-1])
        self.say("memory of a disk of 16 TB")
        self.wait()
        self.memory = memory.measure(self.o.build, self.o.scratch, 2, True)

    def rehost(self, template, q, events=False):
        x = Run(template.format(**q), self.log, events)
        if x.status:
            raise SystemExit("%s: status %d; see %s" % (template.format(**q), x.status, self.log))
        return x

    def honest(self):
        """What was told at 20 % about the time that is left, and what it was, on a disk
        that takes long enough: copies of the others as its partitions."""
        parts = [self.disk(d) for d in self.o.disks if d not in ("empty", "random")]
        if not parts:
            return
        copies = -(-int(self.o.long * 1e9) // sum(self.used(d) for d in self.o.disks if self.disk(d) in parts))
        disks.joined(self.disk("long"), parts * copies)
        fd = "--events-fd 9"
        for _ in range(self.o.runs):
            disks.sparse(self.path("restored.disk"), os.path.getsize(self.disk("long")))
            for what, command in (("capture", contenders.REHOST % ("balanced", fd)), ("verify", contenders.VERIFY % fd),
                                  ("restore", contenders.RESTORE % fd)):
                self.wait()
                x = self.rehost(command, self.words("long"), True)
                self.estimates.setdefault(what, []).append(x.estimate())
                self.say("long: %s %.1f s" % (what, x.wall))
        self.forget("restored.disk", "image", "long.disk")

    def measured(self, where, function, template, q):
        """With the files in memory, or read from the disk."""
        for name in [self.path(n) for n in ("changed.disk", "base.rhi")] + shlex.split(q["half0"] + " " + q["half1"]):
            measure.page_cache(name, where == "memory")
        self.wait()
        return function(template, q)

    def base(self, disk):
        """A second capture, of the disk with 1 % changed, beside reading its used bytes."""
        self.rehost(contenders.REHOST % ("balanced", ""), self.words(disk, img=self.path("base.rhi")))
        changed = disks.change(self.disk(disk), self.path("changed.disk"), self.tree(disk), 0.01, self.used(disk))
        q = self.words(disk, src=self.path("changed.disk"))
        for _ in range(self.o.runs):
            for where in ("memory", "the disk"):
                x = self.measured(where, self.rehost, contenders.BASE, q)
                reading = self.measured(where, self.rehost, contenders.READ, q)
                self.more.append("| %s | capture --base, %.2f %% changed, from %s | image %.2f %% of the used bytes (aim: <= 2), "
                                 "%.1f s, %.2f of reading them (aim: <= 1.1) |" % (
                                     disk, 100 * changed / self.used(disk), where,
                                     100 * os.path.getsize(self.path("image")) / self.used(disk), x.wall, x.wall / reading.wall))
        self.forget("base.rhi", "changed.disk", "image")

    def delta(self, disk):
        """A restore onto the disk that has it all already."""
        q = self.words(disk)
        self.rehost(contenders.REHOST % ("balanced", ""), q)
        disks.sparse(self.path("restored.disk"), os.path.getsize(self.disk(disk)))
        self.rehost(contenders.RESTORE % "", q)
        for _ in range(self.o.runs):
            self.wait()
            before = os.stat(self.path("restored.disk")).st_mtime_ns
            x = self.rehost(contenders.DELTA, q)
            wrote = os.stat(self.path("restored.disk")).st_mtime_ns != before
            self.more.append("| %s | restore --delta, nothing changed | %s (aim: nothing), %.1f s, CPU %.1f s |" % (
                disk, "something was written" if wrote else "nothing was written", x.wall, x.cpu))
        self.forget("restored.disk", "image")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default=os.path.join(TOP, "build"), help="where the programs are")
    p.add_argument("--scratch", default=None, help="room for the disks (default BUILD/bench); they stay there")
    p.add_argument("--files", default="/usr", help="where real files are taken from")
    p.add_argument("--size", type=float, default=2.4, help="GB of files")
    p.add_argument("--empty", type=float, default=64, help="GB: size of the disk that is almost empty")
    p.add_argument("--long", type=float, default=10, help="GB that are used of the disk for estimates")
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--disks", nargs="+", default=list(DISKS), choices=DISKS)
    p.add_argument("--levels", nargs="+", default=["balanced", "fast"])
    p.add_argument("--programs", nargs="+", default=[""], metavar="TEXT", help="only those with such a text in the name")
    p.add_argument("--no-fsarchiver", action="store_true", help="it takes longest")
    p.add_argument("--wait", type=float, default=0, help="minutes to wait before each run for 2 s in which nothing else runs")
    o = p.parse_args()
    o.build = os.path.abspath(o.build)
    o.scratch = os.path.abspath(o.scratch or os.path.join(o.build, "bench"))
    o.size = int(o.size * 1e9)
    os.makedirs(o.scratch, exist_ok=True)
    # the longest disk, its image and what is restored of it; then those of --size
    room, need = shutil.disk_usage(o.scratch).free, int(2.6e9 * o.long + 8 * o.size)
    if room < need:
        raise SystemExit("%s has room for %.0f GB, %.0f are needed (--long, --size)" % (o.scratch, room / 1e9, need / 1e9))
    b = Bench(o)
    b.say("making the disks in %s" % o.scratch)
    b.make()
    b.run()
    print(tables.report(b))
    bad = [k for k, r in b.results.items() if k[1].startswith("rehost") and r["note"] != "clean, used bytes equal"]
    if bad:
        raise SystemExit("wrong result: %s" % bad)


main()
