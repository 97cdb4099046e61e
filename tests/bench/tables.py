"""What was measured, as tables for docs/BENCHMARKS.md."""
import os
import statistics

import contenders
import disks
import memory

US, THEIRS = "rehost, balanced", contenders.PARTCLONE.name


def cells(runs):
    if not runs:
        return ["-"] * 3
    walls = [x.wall for x in runs]
    return ["%.1f (%.1f-%.1f)" % (statistics.median(walls), min(walls), max(walls)),
            "%.1f" % statistics.median(x.cpu for x in runs),
            "%.0f" % (max(x.rss for x in runs) / 1e6)]


def median(r, what, field="wall"):
    return statistics.median(getattr(x, field) for x in r[what])


def size(r):
    return r["capture"][-1].size


def all_rows(b):
    out = ["| disk | | capture s | CPU s | RSS MB | image MB | restore s | CPU s | RSS MB | verify s | CPU s | RSS MB "
           "| restored disk |", "|---" * 13 + "|"]
    for (disk, name), r in b.results.items():
        image = "%.1f" % (size(r) / 1e6) if r["capture"] else "-"
        out.append("| %s | %s | %s | %s |" % (disk, name, " | ".join(
            cells(r["capture"]) + [image] + cells(r["restore"]) + cells(r["verify"])), r["note"]))
    return out


def limit(b, disk, what, field):
    """The slowest part of the work alone; None: it wasn't measured."""
    parts = [b.results.get((disk, c.name)) for c in contenders.LIMITS[what]]
    if all(p and p[what] for p in parts):
        return max(median(p, what, field) for p in parts)
    return None


def aims(b, disk):
    """The acceptance's figures, by wall time and by CPU time."""
    us, pc = (b.results.get((disk, n)) for n in (US, THEIRS))
    for what, theirs, most in (("capture", 2, 1.1), ("restore", 1.5, 1.2), ("verify", None, 1)):
        if not (us and us[what]):
            continue
        if theirs and pc and pc[what]:
            yield "| %s | %s, partclone's pipe / rehost: >= %g | %.2f | %.2f |" % (disk, what, theirs, *(
                median(pc, what, f) / median(us, what, f) for f in ("wall", "cpu")))
        if limit(b, disk, what, "wall"):
            yield "| %s | %s, rehost / limit: <= %g | %.2f | %.2f |" % (disk, what, most, *(
                median(us, what, f) / max(limit(b, disk, what, f), 0.01) for f in ("wall", "cpu")))
    if us and us["capture"] and pc and pc["capture"]:
        yield "| %s | image, rehost / partclone's pipe: <= 1 | %.4f | |" % (disk, size(us) / size(pc))


RANKED = [(step, field) for step in ("capture", "restore", "verify") for field in ("wall", "cpu", "rss")] + [("image", "")]
WORDS = {"wall": ", seconds", "cpu": ", CPU seconds", "rss": ", memory", "": ""}


def value(r, what, field):
    if what == "image":
        return size(r) if r["capture"] else None
    if not r[what]:
        return None
    return max(x.rss for x in r[what]) if field == "rss" else median(r, what, field)


def places(b, disk):
    """Who needs less time, processor or memory than rehost, or has the smaller image; and
    what of ours."""
    us = b.results.get((disk, US))
    for what, field in RANKED if us else ():
        ours = value(us, what, field)
        others = [(value(r, what, field), n) for (d, n), r in b.results.items()
                  if d == disk and not n.startswith(("rehost", "limit"))]
        first = sorted(x for x in others if x[0] is not None and ours is not None and x[0] < ours)
        if first:
            yield "| %s | %s%s | %s |" % (disk, what, WORDS[field], "; ".join(
                "%s (%.2f)" % (n, v / ours) for v, n in first))


def commands(b):
    """What was run, in full."""
    q = {"src": "DISK", "img": "IMAGE", "half0": "USED.0", "half1": "USED.1", "half": "MIB", "dst": "TARGET",
         "rehost": "rehost", "pc": "FS", "hash": b.hash, "base": "BASE"}
    found = {}
    for fs in ("ntfs", "ext4"):
        for c in contenders.contenders(fs, b.o.levels, b.o.no_fsarchiver):
            if any(name == c.name for _, name in b.results):
                found[c.name] = c
    for c in found.values():
        for step in filter(lambda s: getattr(c, s), ("capture", "restore", "verify")):
            yield "%s, %s" % (step, c.name), getattr(c, step).format(**q)
    for what, command in (("capture", contenders.REHOST % ("balanced", "--events-fd 9")),
                          ("verify", contenders.VERIFY % "--events-fd 9"), ("restore", contenders.RESTORE % "--events-fd 9")):
        if b.estimates:
            yield "time left, %s" % what, command.format(**q)
    if b.more:
        yield "capture --base", contenders.BASE.format(**q)
        yield "beside it", contenders.READ.format(**q)
        yield "restore --delta", contenders.DELTA.format(**q)
    for what, argv in memory.commands("rehost", "DISK", "IMAGE", "TARGET", 2):
        yield "memory, %s" % what, " ".join(argv)
    for fs, command in contenders.CHECK.items():
        yield "%s restored is judged by" % fs, command.format(**q)


def estimates(b):
    for what, found in b.estimates.items():
        for e in found:
            if e[0] is None:
                yield "| %s | %s | | |" % (what, "too short" if e[1] is None else "not known")
            else:
                yield "| %s | %.0f | %.1f | %+.0f %% |" % (what, *e, 100 * (e[0] - e[1]) / max(e[1], 0.01))


def report(b):
    out = []
    for disk in b.o.disks:
        out.append("%s: %.3f GB used of %.3f GB, %d files" % (
            disk, b.used(disk) / 1e9, os.path.getsize(b.disk(disk)) / 1e9, b.count(disk)))
    out += ["", *all_rows(b), "", "| disk | | by wall time | by CPU time |", "|---|---|---|---|"]
    out += [x for d in b.o.disks for x in aims(b, d)]
    behind = [x for d in b.o.disks for x in places(b, d)]
    out += ["", "%s is first everywhere, by time, CPU time, memory and size of the image." % US] if not behind else [
        "", "Where %s is NOT first, by time, CPU time, memory or size of the image:" % US, "",
        "| disk | | before it (what of its) |", "|---|---|---|", *behind]
    if b.estimates:
        out += ["", "| | at 20 %: seconds said to be left | were left | off (aim: <= 15 %) |", "|---|---|---|---|", *estimates(b)]
    if b.more:
        out += ["", "| disk | | |", "|---|---|---|", *b.more]
    out += ["", *memory.table(*b.memory, 2), "", "Commands:", "", "```"]
    out += ["# %s\n%s" % x for x in commands(b)] + ["```"]
    return "\n".join([*out, "", *("%s: skipped, this rehost has no such option." % s for s in b.skipped), machine(b)])


def machine(b):
    cpu = next(x.split(":")[1].strip() for x in open("/proc/cpuinfo") if x.startswith("model name"))
    every = [x for r in b.results.values() for w in ("capture", "restore", "verify") for x in r[w]]
    with open("/etc/os-release") as f:
        system = next(x.split("=")[1].strip().strip('"') for x in f if x.startswith("PRETTY_NAME"))
    tools = {"rehost": [os.path.join(b.o.build, "rehost"), "--version"], "partclone": ["partclone.extfs", "-v"],
             "ntfsclone": ["ntfsclone", "--version"], "fsarchiver": ["fsarchiver", "-V"],
             "qemu-img": ["qemu-img", "--version"], "zstd": ["zstd", "-V"], "openssl": ["openssl", "version"]}
    found = ((n, disks.version(*c)) for n, c in tools.items())
    return "\n".join([
        "%s, %d processors, %s, Linux %s. %s. %d runs, interleaved; medians (least-most)." % (
            cpu, os.cpu_count(), system, os.uname().release,
            ", ".join("%s %s" % x for x in found if x[1]), b.o.runs),
        "Other processes used %.2f processors meanwhile (median; at most %.2f); load before: %.2f." % (
            statistics.median(x.others for x in every), max(x.others for x in every), b.load_before[0]),
        "CPU: user + system time of all processes. RSS: of the largest one. Disks are files, and what is unused",
        "in them are holes: a disk that was used before is slower for dd and qemu-img. Sources were in the page",
        "cache; every time includes fsync of what was written. Verify: rehost verify, partclone.chkimg, zstd's",
        "checksum (dd). The limits are parts of the work alone, of the used bytes, by two threads; that of a restore is",
        "the slower of decompressing and writing, that of verify hashing with %s." % b.hash])
