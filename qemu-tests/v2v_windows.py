#!/usr/bin/python3
"""make qemu-v2v-windows: `rehost adapt` beside virt-v2v-in-place on the same Windows disk.

Nothing of it boots: the disk is made around a real registry (tests/py/winguest.py), with
virtio's drivers installed and held back by StartOverride, as Windows does with drivers
that it did not need at its last start.  Both adapt copies of it to virtio.  What each
changed is listed by foreign readers, and the independent decision of the tests
(tests/py/winboot.py) says which controllers the result would start from.

    v2v_windows.py --out DIR --doc FILE [--guests NAMES] [--suites SUITES] [--runs N]
"""

import argparse
import os
import pathlib
import statistics
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests/py")]
os.environ.setdefault("REHOST_FIXTURES", str(HERE.parent.parent / "shared/fixtures"))
from lab import proc                                                # noqa: E402
from lab.proc import run                                            # noqa: E402
import pe                                                           # noqa: E402
import regf                                                         # noqa: E402
import v2v                                                          # noqa: E402
import win_targets                                                  # noqa: E402
import winboot                                                      # noqa: E402
import windisk                                                      # noqa: E402
import winguest                                                     # noqa: E402

HELD = {"win10-1709-x64-dirty": ("viostor", "vioscsi", "storahci", "stornvme"),
        "win7-sp1-x86": ("msahci",)}
VIRTIO = ("viostor", "vioscsi")


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


class Guest(winguest.Guest):
    """What virt-v2v also wants to see; a registry that was closed properly."""

    def __init__(self, name):
        super().__init__(name)
        self.system, self.logs = windisk.recovered(self), {}
        self.hive = regf.Hive(self.system)

    def held(self):
        """The hive with drivers that are there, but not started at boot."""
        edits = self.edits()
        for service in HELD[self.name]:
            edits.override(service, 3)
            if service in VIRTIO:
                for name, value in (("Type", 1), ("Start", 0), ("ErrorControl", 1),
                                    ("Group", "SCSI miniport"),
                                    ("ImagePath", f"System32\\drivers\\{service}.sys")):
                    edits.value(f"Services\\{service}", name, value)
        return edits.apply()

    def tree(self, where, system=None, missing=()):
        top = super().tree(where, system, missing)
        for name in ("Program Files", "Users", "System Volume Information"):
            (where / name).mkdir()
        (where / "autoexec.bat").write_bytes(b"")
        return top


class Disk:
    def __init__(self, out, name):
        self.out, self.guest = out, Guest(name)
        self.path = out / "master.img"
        parts = self.guest.disk(self.path, system=self.guest.held(), room=512)
        self.offset, self.size = [p[2:] for p in parts if p[1] == "windows"][0]
        windisk.packages(out / "drivers")
        (out / "tools").mkdir()
        for program in ("rhsrvany.exe", "pnp_wait.exe"):
            (out / "tools" / program).write_bytes(pe.make(pe.X86, ("kernel32.dll",), note=b"a test's"))

    def facts(self, path):
        """(files below %SystemRoot%, keys and values of SYSTEM, the hive)."""
        vol = windisk.volume(self, path, self.out)
        files = windisk.list_below(vol, self.guest.root_name)
        data = windisk.ntfs_file(vol, f"/{self.guest.root_name}/System32/config/SYSTEM")
        at = self.out / "SYSTEM"
        at.write_bytes(data)
        return set(files), export(at), regf.Hive(data)


def export(hive):
    """{(key, value name or ""): text}, by hivexregedit."""
    out, key, whole = {}, "", ""
    for line in run(["hivexregedit", "--export", "--prefix", "", hive, "\\"]).splitlines():
        whole += line
        if whole.endswith("\\"):
            whole = whole[:-1].rstrip()
        else:
            if whole.startswith("["):
                key = whole[2:-1]
                out[key, ""] = ""
            elif "=" in whole:
                name, _, value = whole.partition("=")
                out[key, name] = value
            whole = ""
    return out


def boots(guest, files, hive):
    """{way: reasons against it} for the ways of a virtual machine under KVM."""
    has, out = winboot.file_set(files), {}
    for way in win_targets.find("kvm").ways:
        if way.title:
            out[way.title] = [f"{r['code']} {r['subject']}" for r in
                              winboot.decide(hive, has, f"kvm/{way.name}")["reasons"]]
    return out


def overrides(hive):
    """Services that StartOverride holds back."""
    out = []
    for one in (k for k in hive.root.subkeys() if k.name.upper().startswith("CONTROLSET")):
        for key in one.find("Services").subkeys():
            kept = key.find("StartOverride")
            if kept and any(v.number for v in kept.all_values() if v.data != bytes(4)):
                out.append(f"{one.name}: {key.name}")
    return out


class Tool:
    def __init__(self, name, command):
        self.name, self.command, self.seconds, self.path = name, command, [], None

    def once(self, disk, number):
        self.path = disk.out / f"{self.name.replace(' ', '-')}.raw"
        run(["cp", "--sparse=always", disk.path, self.path])
        os.sync()       # else the first flush of the tool writes the copy
        begin = time.monotonic()
        text = self.command(self.path)
        self.seconds.append(time.monotonic() - begin)
        self.path.with_suffix(".log").write_text(text)
        say(f"{self.name}, run {number + 1}: {self.seconds[-1]:.1f} s")


def virt_v2v(suite):
    root = v2v.v2v_root(os.environ["LAB_CACHE"], say, suite)
    version = run(["chroot", root, "virt-v2v-in-place", "--version"]).split()[-1]
    return Tool(f"virt-v2v-in-place {version}", lambda path: v2v.v2v_in_place(
        root, path, VIRTIO_WIN="/mnt/disk/drivers", VIRT_TOOLS_DATA_DIR="/mnt/disk/tools"))


def rehost(disk):
    return Tool("rehost adapt", lambda path: run(
        [os.environ["LAB_ADAPT"], "--yes", "--profile", "kvm", "--drivers", disk.out / "drivers",
         path], timeout=900, ok=(0, 3)))


def rows(disk, before, files, values, hive):
    """What is to be said of a disk, as {row: text}."""
    old_files, old, _ = before
    held = [o for o in overrides(hive) if o.split(": ")[1].lower() in HELD[disk.guest.name]]
    return {"held back by StartOverride": "; ".join(held) or "none",
            **{f"starts from {name}": "yes" if not why else "no: " + "; ".join(why)
               for name, why in boots(disk.guest, files, hive).items()},
            "registry values new / changed / gone": "{} / {} / {}".format(
                len(set(values) - set(old)), sum(old[k] != values[k] for k in set(old) & set(values)),
                len(set(old) - set(values))),
            "files new / gone": f"{len(files - old_files)} / {len(old_files - files)}"}


def listing(title, names, limit=20):
    if not names:
        return []
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return [f"- {title} ({len(names)}): " + ", ".join(f"`{n}`" for n in sorted(names)[:limit]) + more]


def section(disk, tools, before):
    """The comparison of one guest as lines of Markdown."""
    facts = [disk.facts(t.path) for t in tools]
    columns = [rows(disk, before, *before)] + [rows(disk, before, *f) for f in facts]
    columns[0]["seconds, each run"] = columns[0]["median"] = ""
    for tool, column in zip(tools, columns[1:]):
        column["seconds, each run"] = ", ".join(f"{s:.1f}" for s in tool.seconds)
        column["median"] = f"{statistics.median(tool.seconds):.1f}"
    names = ["before"] + [t.name for t in tools]
    lines = [f"## {disk.guest.name}", "", "| | " + " | ".join(names) + " |",
             "|---" * (len(names) + 1) + "|"]
    lines += [f"| {row} | " + " | ".join(c[row] for c in columns) + " |" for row in columns[1]] + [""]
    for tool, (files, values, _) in zip(tools, facts):
        keys = {k for k, n in set(before[1]) ^ set(values)} | \
            {k for k, n in before[1] if (k, n) in values and before[1][k, n] != values[k, n]}
        lines += [f"{tool.name}:", "", *listing("keys of SYSTEM with changes", keys),
                  *listing("new files", files - before[0]), ""]
    return lines


HEAD = """\
# Windows: beside virt-v2v

`make qemu-v2v-windows` (qemu-tests/v2v_windows.py): copies of one Windows-like disk are adapted
to virtio by `virt-v2v-in-place` (Debian's, in a root of its own, its appliance emulated) and
by `rehost adapt --profile kvm --drivers DIR`, in turns, on the same machine without KVM, with
the same directory of virtio-win's packages (its real INFs; the files beside them are made up).
The disk is NTFS around a real SYSTEM hive, and does not boot: "starts from" is the decision
of tests/py/winboot.py, which shares no code with Rehost. Drivers are held back on it by
StartOverride, as Windows does with those that it did not need at its last start.
Cores of this machine: {cores}.
"""


def compare(out, guest, suites, runs):
    out.mkdir(parents=True)
    disk = Disk(out, guest)
    before = disk.facts(disk.path)
    tools = [virt_v2v(suite) for suite in suites] + [rehost(disk)]
    for number in range(runs):
        for tool in tools:
            tool.once(disk, number)
    return section(disk, tools, before)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--doc", required=True, type=pathlib.Path)
    parser.add_argument("--guests", default=",".join(HELD))
    parser.add_argument("--suites", default="bookworm,trixie", help="whose virt-v2v")
    parser.add_argument("--runs", type=int, default=2)
    args = parser.parse_args()
    proc.terminate_becomes_exception()
    out = args.out.absolute()
    run(["rm", "-rf", out])
    lines = [HEAD.format(cores=os.cpu_count())]
    for guest in args.guests.split(","):
        lines += compare(out / guest, guest, args.suites.split(","), args.runs)
    args.doc.write_text("\n".join(lines).rstrip() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
