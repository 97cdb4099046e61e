#!/usr/bin/python3
"""make qemu-v2v: `rehost adapt` beside virt-v2v-in-place on the same disk.

Both adapt copies of one real Debian disk (two kernels, initramfs-tools, names
like /dev/sda1) to virtio, in turns; what each changed is listed by debugfs, and
each result is booted with both kernels and to the login prompt.  virt-v2v is
Debian's, in a root of its own, its appliance emulated without KVM.

    v2v.py --out DIR --doc FILE [--guest uuid|sda] [--runs N] [--only v2v|rehost]
"""

import argparse
import difflib
import json
import os
import pathlib
import re
import shutil
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from lab import LabError, boots, guests, judge, proc, qemu          # noqa: E402
from lab.guests import KEYRING, mirrors                             # noqa: E402
from lab.proc import run                                            # noqa: E402
from lab.qemu import Disk, Machine                                  # noqa: E402

GUESTS = {name: guests.small(f"v2v-{name}", suite="bookworm", kernels=2, size=4 << 30,
                             root_by_uuid=name == "uuid") for name in ("uuid", "sda")}
SUITE = "trixie"
PACKAGES = ["virt-v2v", "nbdkit", "linux-image-cloud-amd64", "qemu-system-x86", "qemu-utils"]
NIC, MAC = "enp0s31f6", "52:54:00:12:34:56"     # the old machine's name; QEMU's first card
TEXTS = ["etc/fstab", "etc/default/grub", "etc/crypttab", "etc/initramfs-tools/modules",
         "boot/grub/grub.cfg", "boot/grub/device.map"]


def v2v_root(cache, say, suite=SUITE):
    """A Debian with virt-v2v, unpacked; made when missing."""
    path = pathlib.Path(cache) / "v2v" / f"root-{suite}"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    say("making a root with virt-v2v from packages: minutes")
    new = path.with_name("new")
    shutil.rmtree(new, ignore_errors=True)
    listing = path.parent / "sources"
    listing.write_text(mirrors(suite))
    with open(listing) as text:
        run(["mmdebstrap", "--variant=minbase", "--format=directory", f"--keyring={KEYRING}",
             "--include=" + ",".join(PACKAGES), "--aptopt=Acquire::Languages \"none\"",
             "--dpkgopt=force-unsafe-io", "--dpkgopt=path-exclude=/usr/share/man/*",
             suite, new, "-"], timeout=1800, stdin=text)
    new.rename(path)
    return path


def v2v_in_place(root, disk, **env):
    """virt-v2v-in-place in its root, with what libguestfs wants there; the disk's
    directory is /mnt/disk there.  Returns what it said."""
    script = ('set -e; root=$1 disk=$2; shift 2; '
              'for d in dev proc sys; do mount --rbind /$d "$root/$d"; done; '
              'mount -t tmpfs tmpfs "$root/tmp"; mkdir -p "$root/mnt/disk"; '
              'mount --bind "$(dirname "$disk")" "$root/mnt/disk"; '
              'exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C '
              'LIBGUESTFS_BACKEND=direct LIBGUESTFS_BACKEND_SETTINGS=force_tcg '
              'LIBGUESTFS_CACHEDIR=/var/tmp TMPDIR=/var/tmp "$@" '
              'virt-v2v-in-place -i disk "/mnt/disk/$(basename "$disk")"')
    return run(["unshare", "--mount", "sh", "-c", script, "sh", root, disk,
                *(f"{k}={v}" for k, v in env.items())], timeout=3600)


NAMES = ("virt-v2v-in-place", "rehost")


class Tool:
    """One of the two: how it is run, how long it took, what it left."""

    def __init__(self, name, command):
        self.name, self.command, self.seconds, self.facts = name, command, [], {}


class Bench:
    def __init__(self, out, guest, say):
        self.out, self.say = out, say
        cache = os.environ["LAB_CACHE"]
        self.guest = guests.debian(GUESTS[guest], cache, say)
        self.root = v2v_root(cache, say)
        self.tools = [Tool("virt-v2v-in-place", self.v2v), Tool("rehost adapt", self.ours)]

    # -- the two --------------------------------------------------------------------

    def v2v(self, disk):
        return v2v_in_place(self.root, disk)

    def ours(self, disk):
        return run([os.environ["LAB_ADAPT"], "--yes", "--profile", "kvm",
                    "--nic", f"{NIC}={MAC}", disk], timeout=900)

    def once(self, tool, number):
        disk = self.out / f"{tool.name.split()[0]}.raw"
        self.guest.disk(disk)
        begin = time.monotonic()
        try:
            text = tool.command(disk)
        except LabError as e:
            self.say(f"{tool.name}: {e}")
            raise
        tool.seconds.append(time.monotonic() - begin)
        (self.out / f"{disk.stem}.log").write_text(text)
        self.say(f"{tool.name}, run {number}: {tool.seconds[-1]:.1f} s")
        return disk

    # -- what each did ----------------------------------------------------------------

    def files(self, disk):
        """Facts of every file; the TEXTS are kept in self.out/NAME/."""
        offset, _ = self.guest.root_partition()
        kept = self.out / f"{disk.stem}-files"
        kept.mkdir(exist_ok=True)
        for name in TEXTS:
            run(["debugfs", "-R", f"dump /{name} {kept / name.replace('/', '-')}",
                 f"{disk}?offset={offset}"], ok=None)
        return judge.ext4_files(disk, offset, self.out)

    def compare(self, before, disk):
        after = self.files(disk)
        changed = sorted(p for p in before if p in after and before[p] != after[p])
        new = sorted(p for p in after if p not in before)
        gone = sorted(p for p in before if p not in after)
        texts = {}
        for name in TEXTS:
            a, b = (self.out / f"{d.stem}-files" / name.replace("/", "-")
                    for d in (self.guest.master, disk))
            old, fresh = (p.read_text().splitlines() if p.exists() else [] for p in (a, b))
            diff = list(difflib.unified_diff(old, fresh, f"before/{name}", name, n=0, lineterm=""))
            if diff:
                texts[name] = diff
        kept = self.out / f"{disk.stem}-files"
        names = {name: len(re.findall(r"^[^#\n]*/dev/(?:sd|hd|vd)[a-z]", (kept / name.replace("/", "-"))
                                      .read_text(), re.M))
                 for name in ("etc/fstab", "boot/grub/grub.cfg")}
        return {"changed": changed, "new": new, "gone": gone, "texts": texts, "names": names}

    def boots(self, disk):
        """With both kernels to the marker, and to the login prompt."""
        out = {}
        for kernel, fast in ((1, True), (2, 2)):
            outcome = boots.boot(f"v2v-{disk.stem}-{kernel}", disk, "virtio", fast=fast)
            out[f"kernel {kernel}"] = f"{outcome}" + (f", {outcome.kernel}" if outcome.boots else "")
            self.say(f"{disk.stem} with kernel {kernel}: {outcome}")
        try:
            out["login"] = self.login(disk)
        except LabError as e:
            out["login"] = str(e).splitlines()[0]
        self.say(f"{disk.stem}: login {out['login']}")
        return out

    def login(self, disk):
        """Seconds to the prompt, and the network as the guest has it then."""
        with Machine(f"v2v-{disk.stem}-login", [Disk(disk, bus="virtio", throwaway=True)],
                     timeout=1200) as vm:
            outcome = boots.watch(vm, login=True, limit=600)
            if not outcome.boots:
                return str(outcome)
            for answer, wait in ((guests.LOGIN, "Password: "), (guests.PASSWORD, "# ")):
                vm.send(f"{answer}\r")
                vm.expect(wait, 120)
            vm.send("echo NIC''S $(ls /sys/class/net) F''AILED $(systemctl --failed --no-legend --plain | cut -d' ' -f1) E''ND\r")
            vm.expect(r"NICS (.*?)FAILED(.*?)END", 120)
            nics, failed = (g.decode().strip() for g in vm.serial.match.groups())
        return {"seconds": round(outcome.seconds), "nics": nics, "failed": failed or "none"}

    def run(self, runs, only):
        tools = [t for t in self.tools if only in t.name]
        disks = {}
        for number in range(runs):
            for tool in tools:
                disks[tool.name] = self.once(tool, number + 1)
        before = self.files(self.guest.master)
        for tool in tools:
            disk = disks[tool.name]
            tool.facts = {"name": tool.name, "seconds": tool.seconds, **self.compare(before, disk),
                          "boots": self.boots(disk)}
            (self.out / f"{disk.stem}.json").write_text(json.dumps(tool.facts, indent=1))


HEAD = """\
# Beside virt-v2v

`make qemu-v2v` (qemu-tests/v2v.py): copies of one real disk are adapted to virtio
by `virt-v2v-in-place` (Debian 13's, in a root of its own, its appliance emulated)
and by `rehost adapt --profile kvm --nic OLD=MAC`, in turns, on the same machine without KVM.
The disk: Debian 12, GRUB on BIOS, ext4, two kernels whose initramfs (MODULES=dep, made on AHCI) have its
driver only, /dev/sda1 in fstab, root=UUID=... in GRUB's menu (Debian's default;
`--guest sda` has /dev/sda1 there, too), a network configuration for the old card's name.
"""


def _listing(title, paths, limit=40):
    if not paths:
        return []
    lines = [f"- {title} ({len(paths)}): " + ", ".join(f"`{p}`" for p in paths[:limit])]
    return lines if len(paths) <= limit else [lines[0] + f" and {len(paths) - limit} more"]


def broken(tool):
    """What does not work on the new machine, or won't on the next one."""
    out = [f"{name}: {n} lines with names like /dev/sda1" for name, n in tool["names"].items() if n]
    login = tool["boots"]["login"]
    out += [f"{k}: {v}" for k, v in tool["boots"].items() if k != "login" and not v.startswith("marker")]
    if not isinstance(login, dict):
        return out + [f"no login prompt: {login}"]
    if NIC not in login["nics"].split():
        out += [f"no card is called {NIC}, as the network's configuration says"]
    return out + ([f"failed: {login['failed']}"] if login["failed"] != "none" else [])


def document(tools):
    """The comparison as Markdown."""
    def row(text, value):
        return f"| {text} | " + " | ".join(str(value(t)) for t in tools) + " |"

    def login(key):
        return lambda t: t["boots"]["login"][key] if isinstance(t["boots"]["login"], dict) \
            else t["boots"]["login"]
    lines = [HEAD, "| | " + " | ".join(t["name"] for t in tools) + " |", "|---" * (len(tools) + 1) + "|",
             row("seconds, each run", lambda t: ", ".join(f"{s:.1f}" for s in t["seconds"])),
             row("seconds, median", lambda t: f"{statistics.median(t['seconds']):.1f}"),
             row("files changed / new / gone",
                 lambda t: " / ".join(str(len(t[k])) for k in ("changed", "new", "gone"))),
             row("first kernel on virtio-blk", lambda t: t["boots"]["kernel 1"]),
             row("second kernel on virtio-blk", lambda t: t["boots"]["kernel 2"]),
             row("login prompt after", login("seconds")), row("network cards then", login("nics")),
             row("failed units", login("failed")),
             row("left broken", lambda t: "; ".join(broken(t)) or "nothing seen"), ""]
    for tool in tools:
        lines += [f"## What {tool['name']} changed", ""]
        for title in ("changed", "new", "gone"):
            lines += _listing(title, tool[title])
        for name, diff in tool["texts"].items():
            lines += ["", f"`{name}`:", "", "```diff", *diff[2:80], "```"]
        lines.append("")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--doc", required=True, type=pathlib.Path)
    parser.add_argument("--guest", default="uuid", choices=GUESTS, help="root= in GRUB's menu")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default="", help="v2v or rehost")
    args = parser.parse_args()
    proc.terminate_becomes_exception()
    args.out.mkdir(parents=True, exist_ok=True)
    qemu.LOGS = args.out / "logs"
    out = args.out.absolute()
    Bench(out, args.guest, lambda t: print(f"{time.strftime('%H:%M:%S')} {t}", flush=True)).run(
        args.runs, args.only)
    args.doc.write_text(document([json.loads((out / f"{name}.json").read_text())
                                  for name in NAMES if (out / f"{name}.json").exists()]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
