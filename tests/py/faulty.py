"""For test_fault_sweep.py: disks and images, and every way of using them, each with what
must hold after it, whatever failed (tests/lib/faults.c).

A Case is a command. `roles` are the files that can fail, each a pattern and the names of
which one must stand in an error. prepare(d) makes what it needs in its directory,
undisturbed(run) sees one in which nothing failed, judge(d, run) looks at what is there after
the others. All of the world is only read."""
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import subprocess

REHOST = os.path.join(os.path.abspath(os.environ.get("REHOST_B", "build")), "rehost")
IMGTOOL = os.path.join(os.path.dirname(REHOST), "tests/tools/imgtool")
MIB = 1 << 20
DISK, SMALL = 14 * MIB, 2 * MIB


class Wrong(AssertionError):
    """What must not be."""


def need(what, *said):
    if not what:
        raise Wrong(": ".join(str(s) for s in said))


def rehost(*args, ok=(0,), **env):
    p = subprocess.run([REHOST, *map(str, args)], capture_output=True, text=True, timeout=120,
                       env={**os.environ, **env}, check=False)
    need(p.returncode in ok, " ".join(map(str, args)), p.returncode, p.stderr)
    return p


def shell(text, cwd):
    subprocess.run(["sh", "-ec", text], cwd=cwd, check=True, capture_output=True)


class Source:
    """A disk, and which bytes of it are in use."""

    def __init__(self, path):
        self.path, self.data = path, path.read_bytes()
        self.used = json.loads(rehost("map", "--json", path).stdout)["extents"]

    def differs(self, other, without=(), within=None):
        """The first used range that `other` (bytes) has not, `without` and `within` aside."""
        for off, n in self.used:
            at, end = (off, off + n) if not within else (max(off, within[0]), min(off + n, within[1]))
            for bad, length in sorted(without):
                if bad < end and at < bad + length:
                    if self.data[at:max(at, bad)] != other[at:max(at, bad)]:
                        return at, bad - at
                    at = bad + length
            if at < end and self.data[at:end] != other[at:end]:
                return at, end - at
        return None


class World:
    """What all cases read. Made once."""

    def __init__(self, at, faults):
        self.at = at
        rng = random.Random(4)
        (at / "old.img").write_bytes(rng.randbytes(17 * MIB))
        (at / "raw.img").write_bytes(rng.randbytes(17 * MIB))
        os.makedirs(at / "tree/etc")
        (at / "tree/etc/motd").write_text("made for a test\n")
        (at / "tree/random").write_bytes(rng.randbytes(MIB))
        (at / "tree/numbers").write_text("".join(f"{i}\n" for i in range(40000)))
        shell("""truncate -s 14M disk.img
            printf 'label: gpt\\nstart=2048,size=4096,type=U\\nsize=10240\\nsize=10240\\n' | sfdisk -q disk.img
            truncate -s 2M esp; mkfs.vfat esp; mcopy -i esp tree/numbers ::/numbers
            truncate -s 5M root; mke2fs -q -t ext4 -d tree root
            dd if=esp of=disk.img bs=1M seek=1 conv=notrunc
            dd if=root of=disk.img bs=1M seek=3 conv=notrunc
            dd if=old.img of=disk.img bs=64k seek=140 count=8 conv=notrunc
            dd if=old.img of=small.img bs=64k count=3; truncate -s 2M small.img
            cp --sparse=always disk.img later.img
            mcopy -i later.img@@1M tree/etc/motd ::/motd""", at)
        self.disk, self.raw = Source(at / "disk.img"), Source(at / "raw.img")
        self.small, self.later = Source(at / "small.img"), Source(at / "later.img")
        self.old = (at / "old.img").read_bytes()
        # a disk that has the same partitions, with something else in them
        self.parts = self.disk.data[:MIB] + self.old[MIB:DISK - MIB] + self.disk.data[-MIB:]
        os.makedirs(at / "images")
        self.image = at / "images/a.rhi"
        capture = ["capture", "--no-systems"]
        rehost(*capture, self.disk.path, self.image)
        rehost(*capture, "--base", self.image, self.later.path, at / "images/b.rhi")
        rehost(*capture, "--encrypt", self.disk.path, at / "images/e.rhi", REHOST_PASSPHRASE="x")
        rehost(*capture, "--split", "16M", self.raw.path, at / "images/s.rhi")
        rehost(*capture, self.disk.path, self.small.path, f"{at}/machine/")
        self.begin("resume", faults, self.disk)
        self.begin("resume-base", faults, self.later, "--base", at / "begun/resume-base/a.rhi")
        self.begin("resume-split", faults, self.raw, "--split", "16M", part=97)
        damaged = bytearray(self.image.read_bytes())
        damaged[len(damaged) // 2] ^= 1
        half = at / "half.img"
        half.write_bytes(self.old[:DISK])
        subprocess.run([IMGTOOL, "restore", self.image, half, "2", "0", "0", "512", "0", "1"], check=False,
                       capture_output=True, env={**os.environ, "LD_PRELOAD": str(faults), "FAULT_FILE": str(half),
                                                 "FAULT_CALLS": "write", "FAULT_HOW": "kill", "FAULT_AT": "16"})
        self.half = half.read_bytes()
        os.makedirs(at / "damaged")
        (at / "damaged/d.rhi").write_bytes(damaged)

    def begin(self, name, faults, source, *how, part=75):
        """A capture whose place was full after `part` % of its writes; begun/NAME is what it left."""
        d = self.at / "begun" / name
        os.makedirs(d)
        os.link(self.image, d / "a.rhi")
        count = d / "count"
        fault = {"FAULT_FILE": f"{d}/i*", "FAULT_CALLS": "write"}
        command = ["capture", "--no-systems", "--checkpoint", "0", *how, source.path, d / "i.rhi"]
        rehost(*command, LD_PRELOAD=str(faults), FAULT_COUNT=str(count), **fault)
        n = int.from_bytes(count.read_bytes()[:8], "little")
        for p in [*d.glob("i.rhi*"), count]:
            p.unlink()
        p = rehost(*command, ok=(1,), LD_PRELOAD=str(faults), FAULT_HOW="enospc", FAULT_AT=str(n * part // 100), **fault)
        need("kept in" in p.stderr, p.stderr)

    def hashes(self):
        return {str(p): hashlib.sha256(p.read_bytes()).hexdigest()
                for p in self.at.rglob("*") if p.is_file() and "/w/" not in str(p)}


class Case:
    ok = (0,)                # what it gives when nothing fails
    may = (0, 1, 3, 4)       # and else
    env = {}

    def __init__(self, world, name, argv, roles, **more):
        self.world, self.name, self.argv, self.roles = world, name, argv, roles
        self.__dict__.update(more)

    def prepare(self, d):
        pass

    def undisturbed(self, run):
        pass

    def command(self, d):
        return [REHOST, *(str(a).format(d=d, w=self.world.at) for a in self.argv)]

    def stdio(self, d):
        return {}


class Reading(Case):
    """Nothing is written: what is printed is right, or it failed."""

    def undisturbed(self, run):
        self.said = self.text(run)

    def judge(self, d, run):
        if run.status in self.ok:
            need(self.text(run) == self.said or (run.fails and self.told(run)), "another result", run.out)

    def told(self, run):
        """That something couldn't be looked at, in the result itself."""
        return "Input/output error" in run.out

    def text(self, run):
        return re.sub(r'"seconds":[^,}]*', "", run.out)


class Map(Reading):
    """What couldn't be seen to be free is in use."""

    def told(self, run):
        free = bytearray(b"x") * DISK
        for off, n in json.loads(run.out)["extents"]:
            free[off:off + n] = bytes(n)
        return not any(any(free[off:off + n]) for off, n in self.world.disk.used)


# what a failure that is kept says when it is the medium's
UNREAD = r"Input/output error|damaged: \d+ bad record|can't be read"


class Verify(Reading):
    """A byte of the image that couldn't be read wasn't checked."""
    again = 3       # the first reads look at its frame, and are made again

    def judge(self, d, run):
        super().judge(d, run)
        if run.status == 0 and run.fails and run.calls == "read" and run.at > self.again:
            need(False, "called good, though a read failed")


class Deep(Verify):
    def prepare(self, d):
        os.link(self.world.image, d / "a.rhi")

    def judge(self, d, run):
        if run.role != "kept":
            super().judge(d, run)
        kept = d / "a.rhi.verified"
        need(not (d / "a.rhi.verified.part").exists() or "all is written and stays as" in run.err, "a .part is left")
        if kept.exists():
            said = json.loads(kept.read_text())
            need(said["ok"] or (run.status == 1 and re.search(UNREAD, said["findings"][0]["text"])),
                 "the result that was kept", said)
        else:
            need(run.status != 0, "nothing was kept, and nothing said", run.err)


class Capture(Case):
    """An image of that name is whole and of this disk, or there is none; what is said to be
    kept can be gone on with."""
    source = "disk"
    image = "i.rhi"
    before = None            # what --overwrite would replace
    passphrase = None

    def prepare(self, d):
        (d / "out").mkdir()
        if "--resume" in self.argv:
            for p in (self.world.at / "begun" / self.name.split()[1]).iterdir():
                shutil.copy(p, d / "out")
        elif "--base" in self.argv:
            os.link(self.world.image, d / "out/a.rhi")
        if self.before:
            (d / "out" / self.image).write_bytes(self.before)

    def check_image(self, d, status, image=None):
        src, back = getattr(self.world, self.source), d / "back.img"
        image = image or d / "out" / self.image
        rehost("verify", image, **self.env)
        info = json.loads(rehost("info", "--json", image, **self.env).stdout)
        bad = [(r["offset"], r["length"]) for r in info.get("unreadable", [])]
        need(not bad or status == 3, "unreadable places, and status", status)
        rehost("restore", "--yes", image, back, ok=(0, 3), **self.env)
        wrong = src.differs(back.read_bytes(), bad)
        back.unlink()
        need(not wrong, "the image has other bytes", wrong)

    def before_text(self, run):
        said = re.search(r".* had been captured before", run.err)
        return said and said[0]

    def undisturbed(self, run):
        self.said = self.before_text(run)

    def judge(self, d, run):
        image, part = d / "out" / self.image, d / "out" / (self.image + ".part")
        old = image.exists() and self.before and image.read_bytes() == self.before
        if run.status in (0, 3):
            need(image.exists() and not old, "done, but there is no image")
            need(self.before_text(run) == self.said, "it went on elsewhere", run.err, self.said)
            self.check_image(d, run.status)
            need(not part.exists(), "a .part is left")
            return
        if "--resume" in self.argv and not image.exists() and "all is written" not in run.err:
            self.go_on(d)
        elif "kept in" in run.err:
            need(part.exists(), "what is said to be kept isn't", run.err)
            self.go_on(d)
        elif "all is written and stays as" in run.err:
            for p in sorted((d / "out").glob("*.part"), reverse=True):
                p.rename(p.with_suffix(""))
            self.check_image(d, 3)
        elif image.exists() and not old:
            self.check_image(d, 3)       # complete, at least
        else:
            need(not list((d / "out").glob("*.part")), "a .part is left, and nothing said", run.err)

    def go_on(self, d):
        argv = [a for a in self.command(d)[1:] if a not in ("--resume", "--verify")]
        p = rehost(argv[0], "--resume", *argv[1:], ok=(0, 3), **self.env)
        need("begins at the front" not in p.stderr, "it didn't go on", p.stderr)
        self.check_image(d, p.returncode)


class CaptureMany(Capture):
    """Each of the disks."""

    def judge(self, d, run):
        wanted = json.loads((self.world.at / "machine/machine.json").read_text())["disks"]
        images = [d / "out" / one["image"] for one in wanted]
        there = d / "out/machine.json"
        need(not there.exists() or json.loads(there.read_text())["disks"], "machine.json")
        if run.status in (0, 3):
            need(there.exists() and all(i.exists() for i in images), "done, but not all is there")
            need(not list((d / "out").glob("*.part")), "a .part is left")
        else:
            argv = self.command(d)[1:]
            if there.exists():
                argv.insert(1, "--overwrite")
            rehost(argv[0], "--resume", *argv[1:], ok=(0, 3))
            need(there.exists(), "gone on with, but machine.json isn't there")
        for one, source in zip(images, ("disk", "small")):
            self.source = source
            self.check_image(d, 3, one)


class CapturePipe(Capture):
    def stdio(self, d):
        return {"stdout": open(d / "out/i.rhi", "wb")}

    def judge(self, d, run):
        if run.status in (0, 3):
            self.check_image(d, run.status)
        else:
            rehost("verify", d / "out/i.rhi", ok=(0, 1) if run.calls == "sync" else (1,))


class Restore(Case):
    """Done is equal; else there is no table, unless nothing was written, and another
    restore makes it whole."""
    source = "disk"

    def start(self):
        return self.world.old[:len(getattr(self.world, self.source).data)]

    def prepare(self, d):
        (d / "t.img").write_bytes(self.start())

    without = ()             # what may be other than on the source

    def equal(self, d):
        return getattr(self.world, self.source).differs((d / "t.img").read_bytes(), self.without) is None

    def judge(self, d, run):
        now = (d / "t.img").read_bytes()
        if run.status in (0, 3):
            need(self.equal(d), "done, but it differs")
            return
        need(run.status == 1 or now == self.start(), "refused, but written to")
        lost = "what was on" in run.err
        need(lost or now == self.start(), "something was lost, and nothing said", run.err)
        if lost and not self.equal(d):
            disks = json.loads(rehost("disks", "--no-systems", "--json", d / "t.img").stdout)["disks"]
            need(disks[0]["table"] is None, "incomplete, but it has a table")
        again = "--resume" if "--resume goes on" in run.err else "--delta"
        if "a.rhi" not in self.argv[-2] and "{w}" not in self.argv[-2]:
            return
        self.again(d, again)
        need(self.equal(d), again + " behind it: it differs")

    def again(self, d, how):
        p = rehost("restore", "--yes", how, self.command(d)[-2], d / "t.img", ok=(0, 1, 3, 4), **self.env)
        if how == "--resume" and p.returncode not in (0, 3):
            # nothing had been counted, so there is no mark
            need("no interrupted restore" in p.stderr, "--resume was offered", p.stderr)
            rehost("restore", "--yes", "--delta", self.command(d)[-2], d / "t.img", **self.env)


class RestorePipe(Restore):
    def stdio(self, d):
        return {"stdin": open(self.world.image, "rb")}

    def again(self, d, how):
        rehost("restore", "--yes", self.world.image, d / "t.img")


class RestoreResume(Restore):
    """Of one that was stopped in the middle, with marks on the way."""

    def start(self):
        return self.world.half


class RestorePart(Restore):
    """One partition; nothing outside of it is written."""
    place, of = (3 * MIB, 8 * MIB), (3 * MIB, 8 * MIB)

    def start(self):
        return self.world.parts

    def judge(self, d, run):
        now, was = (d / "t.img").read_bytes(), self.start()
        need(now[:self.place[0]] == was[:self.place[0]] and now[self.place[1]:] == was[self.place[1]:],
             "something beside the partition was written")
        if run.status == 1 and now != was:
            run.status = None
            rehost(*self.command(d)[1:], ok=(0, 3))
            now = (d / "t.img").read_bytes()
        if run.status != 4 and now != was:
            moved = bytearray(DISK)
            moved[self.of[0]:self.of[1]] = now[self.place[0]:self.place[0] + self.of[1] - self.of[0]]
            wrong = self.world.disk.differs(bytes(moved), within=self.of)
            need(not wrong, "it differs", wrong)
        need(run.status not in (0, 3) or now != was, "done, but nothing was written")


class RestoreMany(Restore):
    def prepare(self, d):
        super().prepare(d)
        (d / "u.img").write_bytes(self.world.old[:SMALL])

    def equal(self, d):
        return self.world.disk.differs((d / "t.img").read_bytes()) is None and \
            self.world.small.differs((d / "u.img").read_bytes()) is None

    def judge(self, d, run):
        if run.status not in (0, 3):
            rehost(*self.command(d)[1:])
        need(self.equal(d), "done, but it differs")


class Salvage(Case):
    """What is not told as lost is there."""

    def prepare(self, d):
        (d / "out").mkdir()

    def judge(self, d, run):
        new = d / "out/n.rhi"
        if run.status not in (0, 3):
            need(not new.exists() or "made durable" in run.err, "it failed, but the name is there", run.err)
            need(not (d / "out/n.rhi.part").exists() or "all is written and stays as" in run.err,
                 "a .part is left", run.err)
            return
        rehost("verify", new)
        info = json.loads(rehost("info", "--json", new).stdout)
        bad = [(r["offset"], r["length"]) for r in info.get("unreadable", [])]
        need(bool(bad) <= (run.status == 3), "something is lost, and status", run.status)
        rehost("restore", "--yes", new, d / "back.img", ok=(0, 3))
        wrong = self.world.disk.differs((d / "back.img").read_bytes(), bad)
        (d / "back.img").unlink()
        need(not wrong or "may have been used" in run.err or "isn't known" in run.err, "other bytes", wrong, run.err)


class Mount(Case):
    """A read gives the right bytes, or an error, which is dd's to tell: status 5."""
    may = (0, 1, 5)

    def prepare(self, d):
        (d / "mnt").mkdir()

    def command(self, d):
        return ["unshare", "-m", "sh", "-c", f"{REHOST} mount {self.world.image} mnt || exit $?; "
                "dd if=mnt/disk.img of=got bs=1M 2>dd || r=5; umount mnt || umount -l mnt; exit $r"]

    def judge(self, d, run):
        if run.status == 0:
            wrong = self.world.disk.differs((d / "got").read_bytes())
            need(not wrong, "other bytes", wrong)
        elif run.status == 5:
            need("Input/output error" in (d / "dd").read_text(), (d / "dd").read_text())


def place_json(run):
    d = json.loads(run.out) if run.out else {}
    return json.dumps({k: v for k, v in d.items() if k in ("images", "writable")}, sort_keys=True)


class Place(Reading):
    def told(self, run):
        return super().told(run) or '"writable": false' in run.out

    def prepare(self, d):
        (d / "p").mkdir()
        os.link(self.world.image, d / "p/a.rhi")
        os.link(self.world.at / "damaged/d.rhi", d / "p/d.rhi")

    def text(self, run):
        return place_json(run)

    def judge(self, d, run):
        super().judge(d, run)
        need(sorted(os.listdir(d / "p")) == ["a.rhi", "d.rhi"], "something is left", os.listdir(d / "p"))


def mount_works():
    return os.getuid() == 0 and os.path.exists("/dev/fuse") and \
        subprocess.run(["unshare", "-m", "true"], check=False).returncode == 0


def cases(world):
    """All, by name."""
    disk, small = ("*/disk.img", ["disk.img"]), ("*/small.img", ["small.img"])
    image, out = ("*/images/*", ["a.rhi", "b.rhi", "e.rhi", "s.rhi"]), ("*/out:*/out/*", ["out"])
    target = ("*/t.img", ["t.img"])
    pipe = ["capture", "--no-systems"]
    cap, res = [*pipe, "--checkpoint", "0"], ["restore", "--yes"]
    secret = {"env": {"REHOST_PASSPHRASE": "x"}}
    deep_files = {"image": ("*/w/a.rhi", ["a.rhi"]), "kept": ("*.verified*", ["a.rhi.verified"])}

    def capture(name, *more, source="disk", kind=Capture, roles=None, **rest):
        return kind(world, "capture " + name, [*cap, *more, "{w}/%s.img" % source, "{d}/out/i.rhi"],
                    {"disk": ("*/%s.img" % source, [source + ".img"]), "out": out, **(roles or {})},
                    source=source, **rest)

    def restore(name, *more, image_name="images/a.rhi", kind=Restore, **rest):
        return kind(world, "restore " + name, [*res, *more, "{w}/" + image_name, "{d}/t.img"],
                    {"image": image, "target": target}, **rest)

    made = [
        capture("plain"),
        capture("resume", "--resume"),
        capture("resume-base", "--resume", "--base", "{d}/out/a.rhi", source="later",
                roles={"base": ("*/out/a.rhi", ["a.rhi"])}),
        capture("resume-split", "--resume", "--split", "16M", source="raw"),
        capture("base", "--base", "{d}/out/a.rhi", source="later", roles={"base": ("*/out/a.rhi", ["a.rhi"])}),
        capture("encrypt", "--encrypt", **secret),
        capture("split", "--split", "16M", source="raw"),
        capture("verify", "--verify"),
        capture("dedup", "--dedup"),
        capture("overwrite", "--overwrite", before=(world.at / "damaged/d.rhi").read_bytes()),
        capture("log", "--log", "{d}/log", roles={"log": ("*/log*", ["log"])}),
        CaptureMany(world, "capture many", [*cap, "{w}/disk.img", "{w}/small.img", "{d}/out/"],
                    {"disk": disk, "second": small, "out": out}),
        CapturePipe(world, "capture pipe", [*pipe, "{w}/disk.img", "-"],
                    {"disk": disk, "out": ("*/out/*", ["standard output"])}),
        restore("plain"), restore("delta", "--delta"), restore("verify", "--verify"),
        restore("delta-verify", "--delta", "--verify"),
        restore("zero", "--zero"), restore("discard", "--discard"), restore("new-ids", "--new-ids", without=[(0, 34 * 512), (DISK - 33 * 512, 33 * 512)]),
        restore("encrypted", image_name="images/e.rhi", **secret),
        restore("split", image_name="images/s.rhi", source="raw"),
        restore("base", image_name="images/b.rhi", source="later"),
        restore("resume", "--resume", kind=RestoreResume),
        restore("only", "--only", "2", kind=RestorePart),
        restore("into", "--only", "2", "--into", "3", kind=RestorePart, place=(8 * MIB, 13 * MIB)),
        RestorePipe(world, "restore pipe", [*res, "-", "{d}/t.img"],
                    {"image": ("*/images/*", ["standard input"]), "target": target}),
        RestoreMany(world, "restore many", [*res, "{w}/machine/", "{d}/t.img", "{d}/u.img"],
                    {"image": ("*/machine*", ["machine", ".rhi"]), "target": ("*/[tu].img", ["t.img", "u.img"])}),
        Deep(world, "verify deep", ["verify", "--deep", "--json", "{d}/a.rhi"], deep_files),
        Salvage(world, "salvage plain", ["salvage", "{w}/images/a.rhi", "{d}/out/n.rhi"], {"image": image, "out": out}),
        Salvage(world, "salvage damaged", ["salvage", "{w}/damaged/d.rhi", "{d}/out/n.rhi"],
                {"image": ("*/damaged/*", ["d.rhi"]), "out": out}, ok=(3,)),
        Map(world, "map", ["map", "--json", "{w}/disk.img"], {"disk": disk}),
        Reading(world, "disks", ["disks", "--json", "--used", "{w}/disk.img", "{w}/small.img"], {"disk": disk}),
        Reading(world, "info machine", ["info", "--json", "{w}/machine"],
                {"image": ("*/machine*", ["machine", ".rhi"])}),
        Verify(world, "verify machine", ["verify", "--json", "{w}/machine"],
               {"image": ("*/machine*", ["machine", ".rhi"])}),
        Place(world, "place", ["place", "--json", "{d}/p"], {"place": ("*/p:*/p/*", ["p"])}),
    ]
    for letter, env in ("a", {}), ("b", {}), ("e", secret["env"]), ("s", {}):
        for kind, name in (Reading, "info"), (Verify, "verify"):
            made.append(kind(world, f"{name} {letter}", [name, "--json", "{w}/images/%s.rhi" % letter],
                             {"image": image}, env=env, **({"again": 16} if letter == "b" else {})))
    if mount_works():
        made.append(Mount(world, "mount", [], {"image": image}))
    return {c.name: c for c in made}
