#!/usr/bin/python3
"""Rehost against other imagers: `make bench`, or tests/bench/run.py --help.

Makes an ext4 and an NTFS disk from real files, then captures and restores each
with every program in turn (A B C A B C ..., so that a noisy machine is noisy
for all), checks what was restored, and prints tables for docs/BENCHMARKS.md.
Needs no root; fsarchiver, which works on block devices only, is left out without it."""
import argparse
import hashlib
import json
import os
import shlex
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import disks
from measure import Run

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# {src} disk, {img} image, {bytes} the used bytes as a file, {dst} the disk to restore to
REHOST = ("{rehost} capture --yes --overwrite --no-systems --workers 2 --level %s {src} {img}",
          "{rehost} restore --yes --workers 2 {img} {dst}")
PARTCLONE = ("partclone.%s -c -s {src} -o - -L /dev/null | zstd -q -1 -T2 -f -o {img} && sync {img}",
             "zstd -q -dc {img} | partclone.restore -C -s - -O {dst} -L /dev/null && sync {dst}")
NTFSCLONE = ("ntfsclone -q --save-image -O - {src} | zstd -q -1 -T2 -f -o {img} && sync {img}",
             "zstd -q -dc {img} | ntfsclone -q --restore-image -O {dst} - && sync {dst}")
FSARCHIVER = ("l=$(losetup -f --show -r {src}) && fsarchiver savefs -o -x -Z1 -j2 {img}.fsa $l; s=$?; "
              "losetup -d $l; sync {img}.fsa && mv {img}.fsa {img} && exit $s",
              "l=$(losetup -f --show {dst}) && fsarchiver restfs -x -j2 {img} id=0,dest=$l; s=$?; "
              "sync $l; losetup -d $l; sync {dst} && exit $s")
LIMIT = ("zstd -q -1 -T2 -f -o {img} < {bytes} && sync {img}", None)
CHECK = {"ext4": "e2fsck -fn {dst}", "ntfs": "ntfsfix -n {dst}"}


def contenders(fs, levels, without_fsarchiver):
    c = [("rehost, %s" % l, REHOST[0] % l, REHOST[1]) for l in levels]
    c.append(("partclone, zstd -1 -T2", PARTCLONE[0] % ("extfs" if fs == "ext4" else "ntfs"), PARTCLONE[1]))
    if fs == "ntfs":
        c.append(("ntfsclone, zstd -1 -T2", *NTFSCLONE))
    if os.geteuid() == 0 and not without_fsarchiver:
        c.append(("fsarchiver -Z1 -j2", *FSARCHIVER))
    c.append(("limit: zstd -1 -T2", *LIMIT))
    return c


class Bench:
    def __init__(self, o):
        self.o = o
        self.log = os.path.join(o.scratch, "log")
        self.results = {}

    def say(self, text):
        print("%s %s" % (time.strftime("%H:%M:%S"), text), file=sys.stderr, flush=True)

    def path(self, name):
        return os.path.join(self.o.scratch, name)

    def make(self):
        o = self.o
        tree = self.path("tree")
        if not os.path.isdir(tree):
            self.files, self.file_bytes = disks.stage(o.files, tree, o.size)
        else:
            self.files = sum(len(f) for _, _, f in os.walk(tree))
            self.file_bytes = sum(os.path.getsize(os.path.join(d, n)) for d, _, f in os.walk(tree) for n in f)
        size = (2 * o.size + (64 << 20)) >> 20 << 20
        if not os.path.exists(self.path("ext4.disk")):
            disks.ext4(self.path("ext4.disk"), size, tree)
        if not os.path.exists(self.path("ntfs.disk")):
            disks.ntfs(self.path("ntfs.disk"), size, tree, os.path.join(o.build, "tests/tools/ntfs-fill"))
        for fs in o.fs:
            self.used_bytes(fs)

    def extents(self, disk):
        out = subprocess.run([os.path.join(self.o.build, "rehost"), "map", "--json", disk],
                             stdout=subprocess.PIPE, check=True).stdout
        return json.loads(out)["extents"]

    def used_bytes(self, fs):
        """What the limit compresses; reading it all also fills the page cache."""
        with open(self.path(fs + ".disk"), "rb") as f, open(self.path(fs + ".bytes"), "wb") as out:
            for off, n in self.extents(self.path(fs + ".disk")):
                f.seek(off)
                while n:
                    buf = f.read(min(n, 1 << 20))
                    out.write(buf)
                    n -= len(buf)

    def digest(self, extents, disk):
        h = hashlib.sha256()
        with open(disk, "rb") as f:
            for off, n in extents:
                f.seek(off)
                while n:
                    buf = f.read(min(n, 1 << 20))
                    h.update(buf)
                    n -= len(buf)
        return h.hexdigest()

    def wait(self):
        end = time.monotonic() + self.o.wait * 60
        while os.getloadavg()[0] > 0.5 and time.monotonic() < end:
            time.sleep(10)

    def one(self, fs, name, capture, restore, last):
        o, r = self.o, self.results.setdefault((fs, name), {"capture": [], "restore": [], "note": ""})
        v = {"src": self.path(fs + ".disk"), "img": self.path(name.split(":")[0].replace(" ", "_") + ".img"),
             "bytes": self.path(fs + ".bytes"), "dst": self.path("restored.disk"),
             "rehost": os.path.join(o.build, "rehost")}
        q = {k: shlex.quote(x) for k, x in v.items()}
        if r["note"]:
            return
        if o.wait:
            self.wait()
        c = Run(capture.format(**q), self.log)
        if c.status:
            r["note"] = "fails (status %d)" % c.status
            self.say("%s, %s: capture %s" % (fs, name, r["note"]))
            return
        c.size = os.path.getsize(v["img"])
        r["capture"].append(c)
        self.say("%s, %s: capture %.1f s, CPU %.1f s, others %.1f CPUs" % (fs, name, c.wall, c.cpu, c.others))
        if restore:
            disks.sparse(v["dst"], os.path.getsize(v["src"]))
            w = Run(restore.format(**q), self.log)
            if w.status:
                r["note"] = "restore fails (status %d)" % w.status
            else:
                r["restore"].append(w)
            self.say("%s, %s: restore %.1f s, CPU %.1f s, others %.1f CPUs" % (fs, name, w.wall, w.cpu, w.others))
            if last and not w.status:
                self.check(fs, r, q)
            os.unlink(v["dst"])
        os.unlink(v["img"])

    def check(self, fs, r, q):
        """Is what was restored right?  fsarchiver makes a new file system: only fsck."""
        ok = Run(CHECK[fs].format(**q), self.log).status == 0
        same = self.digest(self.extents(self.path(fs + ".disk")), self.path("restored.disk")) == self.want[fs]
        r["note"] = "%s, used bytes %s" % ("clean" if ok else "NOT CLEAN", "equal" if same else "differ")

    def run(self):
        self.want = {fs: self.digest(self.extents(self.path(fs + ".disk")), self.path(fs + ".disk"))
                     for fs in self.o.fs}
        self.load_before = os.getloadavg()
        for n in range(self.o.runs):
            for fs in self.o.fs:
                for name, capture, restore in contenders(fs, self.o.levels, self.o.no_fsarchiver):
                    self.one(fs, name, capture, restore, n == self.o.runs - 1)


def cells(runs):
    if not runs:
        return ["-"] * 3
    walls = [x.wall for x in runs]
    return ["%.1f (%.1f-%.1f)" % (statistics.median(walls), min(walls), max(walls)),
            "%.1f" % statistics.median(x.cpu for x in runs),
            "%.0f" % (max(x.rss for x in runs) / 1e6)]


def median(r, what, field):
    return statistics.median(getattr(x, field) for x in r[what])


def aims(b, fs, out):
    """The acceptance's figures, by wall time and by CPU time."""
    get = lambda name: b.results.get((fs, name))
    us, pc, lim = get("rehost, balanced"), get("partclone, zstd -1 -T2"), get("limit: zstd -1 -T2")
    if not (us and pc and lim and us["capture"] and pc["capture"] and lim["capture"]):
        return
    out.append("| %s | by wall time | by CPU time | aim |\n|---|---|---|---|" % fs)
    ratio = lambda a, c, what: ["%.2f" % (median(a, what, f) / median(c, what, f)) for f in ("wall", "cpu")]
    out.append("| capture: partclone's pipe / rehost | %s | %s | >= 2 |" % tuple(ratio(pc, us, "capture")))
    out.append("| capture: rehost / limit | %s | %s | <= 1.2 |" % tuple(ratio(us, lim, "capture")))
    if us["restore"] and pc["restore"]:
        out.append("| restore: partclone's pipe / rehost | %s | %s | >= 1.5 |" % tuple(ratio(pc, us, "restore")))
    out.append("| image: rehost / partclone's pipe | %.4f | | <= 1 |\n"
               % (us["capture"][-1].size / pc["capture"][-1].size))


def report(b):
    out = []
    for fs in b.o.fs:
        used = sum(n for _, n in b.extents(b.path(fs + ".disk")))
        out.append("%s, %d files, %.3f GB used of %.3f GB\n" % (
            fs, b.files, used / 1e9, os.path.getsize(b.path(fs + ".disk")) / 1e9))
        out.append("| | capture s | CPU s | RSS MB | image MB | restore s | CPU s | RSS MB | restored disk |")
        out.append("|---|---|---|---|---|---|---|---|---|")
        for (f, name), r in b.results.items():
            if f == fs:
                size = "%.1f" % (r["capture"][-1].size / 1e6) if r["capture"] else "-"
                out.append("| %s | %s | %s | %s |" % (name, " | ".join(cells(r["capture"]) + [size]),
                                                      " | ".join(cells(r["restore"])), r["note"]))
        out.append("")
        aims(b, fs, out)
    out.append(machine(b))
    return "\n".join(out)


def machine(b):
    cpu = next(l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name"))
    every = [x for r in b.results.values() for w in ("capture", "restore") for x in r[w]]
    with open("/etc/os-release") as f:
        system = next(l.split("=")[1].strip().strip('"') for l in f if l.startswith("PRETTY_NAME"))
    tools = {"rehost": [os.path.join(b.o.build, "rehost"), "--version"], "partclone": ["partclone.extfs", "-v"],
             "ntfsclone": ["ntfsclone", "--version"], "fsarchiver": ["fsarchiver", "-V"], "zstd": ["zstd", "-V"]}
    found = ((n, disks.version(*c)) for n, c in tools.items())
    return "\n".join([
        "%s, %d processors, %s, Linux %s. %s. %d runs, interleaved; medians (least-most)." % (
            cpu, os.cpu_count(), system, os.uname().release,
            ", ".join("%s %s" % x for x in found if x[1]), b.o.runs),
        "Other processes used %.2f processors meanwhile (median; at most %.2f); load before: %.2f." % (
            statistics.median(x.others for x in every), max(x.others for x in every), b.load_before[0]),
        "CPU: user + system time of all processes. RSS: of the largest one. Disks are files; sources were in",
        "the page cache; every time includes fsync of what was written."])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default=os.path.join(TOP, "build"), help="where the programs are")
    p.add_argument("--scratch", default=None, help="room for the disks (default BUILD/bench); they stay there")
    p.add_argument("--files", default="/usr", help="where real files are taken from")
    p.add_argument("--size", type=float, default=2.4, help="GB of files")
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--fs", nargs="+", default=["ext4", "ntfs"], choices=["ext4", "ntfs"])
    p.add_argument("--levels", nargs="+", default=["balanced", "fast"])
    p.add_argument("--no-fsarchiver", action="store_true", help="it takes longest")
    p.add_argument("--wait", type=float, default=0, help="minutes to wait before each run for a load below 0.5")
    o = p.parse_args()
    o.build = os.path.abspath(o.build)
    o.scratch = os.path.abspath(o.scratch or os.path.join(o.build, "bench"))
    o.size = int(o.size * 1e9)
    os.makedirs(o.scratch, exist_ok=True)
    b = Bench(o)
    b.say("making the disks in %s" % o.scratch)
    b.make()
    b.run()
    print(report(b))
    bad = [k for k, r in b.results.items() if k[1].startswith("rehost") and "clean, used bytes equal" not in r["note"]]
    if bad:
        raise SystemExit("wrong result: %s" % bad)


main()
