"""What was measured, as tables for docs/BENCHMARKS.md."""
import os
import statistics

import contenders
import disks

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


def aims(b, disk):
    """The acceptance's figures, by wall time and by CPU time."""
    us, pc, lim = (b.results.get((disk, n)) for n in (US, THEIRS, contenders.LIMIT.name))
    if not (us and lim and us["capture"] and lim["capture"]):
        return
    for what, a, c, aim in (("capture", pc, us, "partclone's pipe / rehost: >= 2"), ("capture", us, lim, "rehost / limit: <= 1.1"),
                            ("restore", pc, us, "partclone's pipe / rehost: >= 1.5"),
                            ("restore", us, lim, "rehost / limit: <= 1.2"), ("verify", us, lim, "rehost / hashing: 1")):
        if a and a[what] and c[what]:
            yield "| %s | %s, %s | %.2f | %.2f |" % (disk, what, aim, *(
                median(a, what, f) / median(c, what, f) for f in ("wall", "cpu")))
    if pc and pc["capture"]:
        yield "| %s | image, rehost / partclone's pipe: <= 1 | %.4f | |" % (disk, size(us) / size(pc))


def places(b, disk):
    """Who is faster, or has the smaller image, than rehost."""
    us = b.results.get((disk, US))
    for what in ("capture", "restore", "verify", "image"):
        def value(r):
            if what == "image":
                return size(r) if r["capture"] else None
            return median(r, what) if r[what] else None
        if not us or value(us) is None:
            continue
        first = [n for (d, n), r in b.results.items() if d == disk and not n.startswith(("rehost", "limit"))
                 and value(r) is not None and value(r) < value(us)]
        if first:
            yield "| %s | %s | %s |" % (disk, what, ", ".join(first))


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
    out += ["", "%s is first everywhere." % US] if not behind else [
        "", "| disk | | before %s |" % US, "|---|---|---|", *behind]
    if b.estimates:
        out += ["", "| | at 20 %: seconds said to be left | were left | off (aim: <= 15 %) |", "|---|---|---|---|", *estimates(b)]
    if b.more:
        out += ["", "| disk | | |", "|---|---|---|", *b.more]
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
        "checksum (dd), the used bytes hashed with %s by OpenSSL (limit)." % b.hash])
