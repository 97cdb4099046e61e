"""`rehost-adapt --yes` on Windows-like disks is stopped at one of its writes: by SIGKILL
before it, by SIGKILL in the middle of it, by an error of the disk once, by a disk that
fails from there on (tests/lib/faults.c; a flush counts as a write).  Whatever was
written is there afterwards; what a loss of power leaves is test-root-ntfs-cut's.

After each: foreign tools read the volume, or Rehost's mark stands, which says that an
edit is to be finished first; every file is the old one or the new one, SYSTEM, SOFTWARE
and the boot configuration are hives for the second reader; `--undo` brings back every
file's bytes and every byte outside of Windows' volume; and adapting again succeeds.

A sample of the writes is taken.  REHOST_SWEEP=N takes every N-th, another one for each
way, so 4 meets each write once: `make crash-sweep`."""
import os
import pathlib
import subprocess

import pytest

import regf
import smallguest

B = pathlib.Path(os.environ.get("REHOST_B", "build")).absolute()
TOP = pathlib.Path(os.environ.get("REHOST_TOP", "."))
SWEEP = int(os.environ.get("REHOST_SWEEP", "0"))
WAYS = {"kill": {"FAULT_HOW": "kill"}, "torn": {"FAULT_HOW": "torn"},
        "once": {"FAULT_HOW": "eio", "FAULT_FOR": "1"}, "dead": {"FAULT_HOW": "eio"}}
POINTS = 8              # of a guest and a way to stop it
SANITIZED = B.name == "san"     # its run-time library wants to be loaded first
pytestmark = pytest.mark.skipif(
    SANITIZED or not os.path.isdir(os.path.join(os.environ.get("REHOST_FIXTURES", "-"), "hives")),
    reason="no fixtures, or a build with sanitizers")
# the disk's ids are not those of the boot configuration any more
NEW_IDS = {
    "gpt": ("sgdisk", "-U", "aaaaaaaa-1111-2222-3333-444444444444", "-u",
            "1:bbbbbbbb-1111-2222-3333-444444444444", "-u", "3:cccccccc-1111-2222-3333-444444444444"),
    "mbr": ("sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", "--disk-id")}
GUESTS = {"mbr": "win7-sp1-x86", "gpt": "win10-1709-x64-dirty"}
HIVES = ("Windows/System32/config/SYSTEM", "Windows/System32/config/SOFTWARE")
MARK = b"rehost redo "


def run(*argv, ok=(0,), **more):
    p = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       timeout=120, check=False, **more)
    assert ok is None or p.returncode in ok, p.stdout.decode("utf-8", "replace")
    return p


@pytest.fixture(scope="module")
def cutter(tmp_path_factory):
    """adapt(disk, *options, how, at): the program stopped so, and the writes it made."""
    where = tmp_path_factory.mktemp("cut")
    run(os.environ.get("CC", "gcc"), "-O1", "-shared", "-fPIC", "-o", where / "faults.so",
        TOP / "tests/lib/faults.c", "-ldl")

    def adapt(disk, *options, how="", at=0, ok=(0, 3)):
        count = where / "count"
        count.write_bytes(b"")
        env = {**os.environ, "LD_PRELOAD": str(where / "faults.so"), "FAULT_FILE": str(disk),
               "FAULT_CALLS": "write,sync", "FAULT_AT": str(at), "FAULT_COUNT": str(count), **WAYS.get(how, {})}
        p = run(B / "rehost-adapt", "--yes", *options, disk, env=env, ok=ok)
        return p, int.from_bytes(count.read_bytes()[:8], "little") if p.returncode >= 0 else at
    return adapt


def content(data):
    """What a hive holds, without the times of its keys; RegfError: it is none."""
    def of(key):
        return ({v.name: (v.kind, v.data) for v in key.all_values()},
                {k.name: of(k) for k in key.subkeys()})
    return of(regf.Hive(data).root)


class Disk:
    """A disk as it is now, by others' eyes."""

    def __init__(self, path, world):
        self.path, self.world = path, world

    def volume(self):
        to = self.path.with_name("volume")
        to.unlink(missing_ok=True)
        run("dd", f"if={self.path}", f"of={to}", "bs=1M", f"skip={self.world.offset}",
            f"count={self.world.size}", "iflag=skip_bytes,count_bytes", "conv=sparse", "status=none")
        return to

    def hashes(self):
        """{path: SHA-256} of every file in Windows' volume; None: it can't be opened."""
        p = run(B / "tests/tools/ntfs-hashes", self.path, self.world.offset, self.world.size, ok=None)
        if p.returncode:
            return None
        return dict(reversed(line.split("  ./", 1)) for line in p.stdout.decode().splitlines())

    def hives(self, vol):
        """[bytes], by ntfscat."""
        return [subprocess.run(["ntfscat", "-f", "-q", str(vol), f"/{h}"], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, check=True, timeout=60).stdout for h in HIVES]

    def store(self):
        """The boot configuration of the ESP, by mtools; None: there is no ESP."""
        if self.world.table != "gpt":
            return None
        to = self.path.with_name("store")
        run("mcopy", "-n", "-o", "-i", f"{self.path}@@{self.world.esp}", "::/EFI/Microsoft/Boot/BCD", to)
        return to.read_bytes()

    def outside(self):
        """The disk's bytes around Windows' volume."""
        with open(self.path, "rb") as f:
            before = f.read(self.world.offset)
            f.seek(self.world.offset + self.world.size)
            return before, f.read()

    def marked(self):
        """At one of the two places that docs/decisions/0013 names?"""
        with open(self.path, "rb") as f:
            f.seek(self.world.offset)
            begin = f.read(8192)
            f.seek(self.world.offset + self.world.size - 8192)
            return MARK in begin or MARK in f.read(8192)


class World:
    """A guest's disk before anything, and what an adapt that nothing stops makes of it."""

    def __init__(self, table, where, adapt):
        self.table, self.adapt, self.where = table, adapt, where
        guest = smallguest.Small(GUESTS[table])
        self.master = where / "master.img"
        parts = {role: (at, size) for _, role, at, size in guest.disk(self.master, table, room=8)}
        self.offset, self.size = parts["windows"]
        self.esp = parts.get("esp", (0, 0))[0]
        last = ["0x600DD15C"] if table == "mbr" else []
        run(*NEW_IDS[table], self.master, *last)
        self.start = self.copy()
        self.old, self.around = self.start.hashes(), self.start.outside()
        self.old_hives = self.start.hives(self.start.volume())
        done = self.copy()
        _, self.writes = adapt(done.path, "--profile", "kvm")
        self.new, self.new_hives = done.hashes(), done.hives(done.volume())
        assert self.new != self.old and self.new_hives[0] != self.old_hives[0]
        self.kept = [content(h) for h in self.old_hives], [content(h) for h in self.new_hives]

    def copy(self):
        to = self.where / "disk.img"
        run("cp", "--sparse=always", self.master, to)
        return Disk(to, self)


@pytest.fixture(scope="module", params=sorted(GUESTS))
def world(request, tmp_path_factory, cutter):
    return World(request.param, tmp_path_factory.mktemp(request.param), cutter)


def points(world, how):
    """The writes at which it is stopped: spread, others for each way."""
    writes = world.writes - (how == "torn")     # the last is a flush, which has no half
    step = SWEEP or writes / POINTS
    first = list(WAYS).index(how) * step // len(WAYS)
    return [1 + int(first + i * step) for i in range(int((writes - 1 - first) / step) + 1)]


def whole(disk, world, what):
    """Nothing is half written.  False: an edit is to be finished before foreign tools are
    content, and its mark says so."""
    vol = disk.volume()
    now = disk.hashes()
    content_with_it = now is not None and not run("ntfsfix", "-n", vol, ok=None).returncode
    assert content_with_it or disk.marked(), what
    if now is None:
        return False
    for data, old, new in zip(disk.hives(vol), *world.kept):
        assert content(data) in (old, new), what
    for path, sha in now.items():
        if not path.startswith("rehost-adapt/") and path not in HIVES:
            assert sha in (world.old.get(path), world.new.get(path)), (what, path)
    return content_with_it


def stop_and_undo(world, how, at):
    """The disk after both, and what whole() said after the first."""
    what = f"{world.table}: {how} at write {at} of {world.writes}"
    disk = world.copy()
    p, _ = world.adapt(disk.path, "--profile", "kvm", how=how, at=at, ok=None)
    said = p.stdout.decode()
    assert p.returncode == (-9 if how in ("kill", "torn") else 1), (what, said)
    readable = whole(disk, world, what)
    store = disk.store()
    assert store is None or content(store), what
    if "nothing was changed" in said and "--undo" not in said:
        assert disk.hashes() == world.old and disk.outside() == world.around, (what, said)
    world.adapt(disk.path, "--undo", ok=(0,))
    assert disk.hashes() == world.old, what
    assert disk.outside() == world.around, what
    run("ntfsfix", "-n", disk.volume())
    return disk, readable


@pytest.mark.parametrize("how", WAYS)
def test_stopped(world, how):
    unreadable, at_writes = 0, points(world, how)
    assert at_writes[-1] <= world.writes
    for n, at in enumerate(at_writes):
        disk, readable = stop_and_undo(world, how, at)
        unreadable += not readable
        if n % 4 == 0:
            world.adapt(disk.path, "--profile", "kvm")
            assert disk.hashes().keys() == world.new.keys()
            assert content(disk.hives(disk.volume())[0]) == world.kept[1][0]
    print(f"{world.table}, {how}: {len(at_writes)} of {world.writes} writes; after {unreadable} "
          "foreign tools wait for Rehost")
