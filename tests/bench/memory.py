#!/usr/bin/python3
"""Peak memory of every command on a sparse disk of 16 TB (disks.big: ext4, XFS, NTFS and a
raw partition), as a table; also a part of run.py's.

memory.py [--build DIR] [--scratch DIR] [--workers N] [--plain]
--plain: file systems with the tables that a person's would have (3 GB)."""
import argparse
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import disks

LIMIT = 96 << 20   # bytes


def peak(*cmd):
    """Runs cmd; its largest resident set, bytes (as wait4 tells)."""
    env = {k: v for k, v in os.environ.items() if k != "GLIBC_TUNABLES"}   # as users have it
    with tempfile.NamedTemporaryFile("r") as f:
        p = subprocess.run(["time", "-q", "-o", f.name, "-f", "%M %e %U %S", *cmd],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, env=env)
        if p.returncode:
            raise SystemExit("%s: status %d: %s" % (" ".join(cmd), p.returncode, p.stdout.decode()[-1000:]))
        rss, wall, user, system = f.read().split()[-4:]
    return int(rss) * 1024, float(wall), float(user) + float(system)


def commands(rehost, disk, image, back, workers):
    w = ["--workers", str(workers)]
    return [
        ("map", [rehost, "map", disk]),
        ("capture", [rehost, "capture", "--yes", "--overwrite", *w, disk, image]),
        ("verify", [rehost, "verify", *w, image]),
        ("info", [rehost, "info", image]),
        ("restore --verify", [rehost, "restore", "--yes", "--verify", *w, image, back]),
        ("restore --delta", [rehost, "restore", "--yes", "--delta", *w, image, back]),
        ("capture --base", [rehost, "capture", "--yes", "--overwrite", "--base", image, "--dedup",
                            *w, disk, image + ".2.rhi"]),
        ("verify of that", [rehost, "verify", *w, image + ".2.rhi"]),
        ("capture --encrypt", ["env", "REHOST_PASSPHRASE=x", rehost, "capture", "--yes", "--overwrite",
                               "--encrypt", *w, disk, image + ".2.rhi"]),
    ]


def measure(build, scratch, workers, plain):
    """[(command, peak bytes, seconds, CPU seconds)], and the image's size."""
    path = [os.path.join(scratch, n) for n in ("big.disk", "big.rhi", "big.back")]
    disks.big(path[0], "/usr/share/zoneinfo", plain)
    disks.sparse(path[2], os.path.getsize(path[0]))
    out = [(name, *peak(*cmd)) for name, cmd in
           commands(os.path.join(build, "rehost"), *path, workers)]
    size = os.path.getsize(path[1])
    for p in path + [path[1] + ".2.rhi"]:
        os.unlink(p)
    return out, size


def table(rows, size, workers):
    return ["| 16 TB disk, %d workers | peak MB | s | CPU s |" % workers, "|---|---|---|---|",
            *("| %s | %.1f | %.1f | %.1f |" % (name, rss / 1e6, wall, cpu) for name, rss, wall, cpu in rows),
            "", "image: %.1f MB" % (size / 1e6)]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default="build")
    p.add_argument("--scratch", default=None)
    p.add_argument("--workers", type=int, default=2)
    p.add_argument("--plain", action="store_true")
    o = p.parse_args()
    scratch = o.scratch or os.path.join(o.build, "bench")
    os.makedirs(scratch, exist_ok=True)
    rows, size = measure(os.path.abspath(o.build), scratch, o.workers, o.plain)
    print("\n".join(table(rows, size, o.workers)))


if __name__ == "__main__":
    main()
