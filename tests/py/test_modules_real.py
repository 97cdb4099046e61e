"""Module files of real kernels, judged by kmod: what serves a device, what is
loaded with it, firmware names, indexes made anew.

All kernels in $REHOST_KERNELS (directories with lib/modules in them, ":"
between), else one of those below /lib/modules and in the live system's build
root in the package cache.  None: skipped."""
import glob
import os
import pathlib
import random
import re
import shutil
import subprocess

import pytest

TOP = pathlib.Path(os.environ["REHOST_TOP"])
TOOL = pathlib.Path(os.environ["REHOST_B"]).resolve() / "tests/tools/modules"
ENV = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")


def kernels():
    named = [r for r in os.environ.get("REHOST_KERNELS", "").split(":") if r]
    roots = named or ["/", *glob.glob(str(TOP / "cache/*/"))]
    found = [(root, os.path.basename(os.path.dirname(dep))) for root in roots
             for dep in sorted(glob.glob(os.path.join(root, "lib/modules/*/modules.dep")))]
    return found if named else found[:1]


KERNELS = kernels()
pytestmark = pytest.mark.skipif(
    not KERNELS or not shutil.which("modprobe", path=ENV["PATH"]),
    reason="no kernel's modules here, or no kmod")


@pytest.fixture(params=KERNELS, ids=[v for _, v in KERNELS])
def kernel(request, tmp_path):
    (tmp_path / "noconf").mkdir()
    return Kernel(*request.param, tmp_path)


def run(*argv, check=True):
    done = subprocess.run([str(a) for a in argv], env=ENV, check=False, text=True,
                          capture_output=True)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout


def name_of(path):
    return os.path.basename(path).split(".ko")[0].replace("-", "_")


class Kernel:
    def __init__(self, root, version, tmp):
        self.root, self.version, self.tmp = root, version, tmp
        self.dir = pathlib.Path(root) / "lib/modules" / version
        self.random = random.Random(version)

    def ours(self, what, *args):
        return run(TOOL, self.root, f"/lib/modules/{self.version}", what, *args).split()

    def modprobe(self, *args):
        return run("modprobe", "-C", self.tmp / "noconf", "-d", self.root, "-S", self.version,
                   *args, check=False).splitlines()

    def sample(self, names, n):
        names = sorted(names)
        return self.random.sample(names, min(n, len(names)))

    def paths(self):
        lines = (self.dir / "modules.dep").read_text().splitlines()
        return [line.split(":")[0] for line in lines]

    def softdeps(self):
        soft = {}
        for line in (self.dir / "modules.softdep").read_text().splitlines():
            word, name, *rest = line.split(" ")
            if word != "softdep" or rest[0] not in ("pre:", "post:"):
                continue
            soft.setdefault(name.replace("-", "_"), set()).update(
                w for w in rest if not w.endswith(":"))
        return soft


def test_all_modules(kernel):
    assert kernel.ours("all") == sorted({name_of(p) for p in kernel.paths()})


def test_closure(kernel):
    """modprobe takes only the first softdep line of a module, the kernel's
    authors mean all of them: so each one's is asked for."""
    soft = kernel.softdeps()
    known = {}

    def shown(word):
        if word not in known:
            lines = kernel.modprobe("-q", "--show-depends", word)
            known[word] = {name_of(l.split(" ")[1]) for l in lines if l.startswith("insmod ")}
        return known[word]

    wanted = {"btrfs", "ext4", "xfs", "nvme", "ahci", "virtio_scsi", "usb_storage", "qla2xxx"}
    have = {name_of(p) for p in kernel.paths()}
    for top in sorted(wanted & have) + kernel.sample(have, 30):
        need = set(shown(top))
        while True:
            more = {n for m in need for w in soft.get(m, ()) for n in shown(w)} - need
            if not more:
                break
            need |= more
        got = kernel.ours("closure", top)
        assert set(got) == need, top
        assert len(set(got)) == len(got)
        check_order(kernel, got)


def check_order(kernel, got):
    for line in (kernel.dir / "modules.dep").read_text().splitlines():
        path, deps = line.split(":")
        if name_of(path) in got:
            for dep in deps.split():
                assert got.index(name_of(dep)) < got.index(name_of(path))


def concrete(pattern):
    """A device that an alias pattern matches."""
    pattern = re.sub(r"\[!?(.)[^]]*\]", r"\1", pattern)
    return pattern.replace("*", "0").replace("?", "1")


def test_match(kernel):
    lines = (kernel.dir / "modules.alias").read_text().splitlines()
    patterns = [l.split()[1] for l in lines if l.startswith("alias ")]
    builtin = (kernel.dir / "modules.builtin.modinfo").read_bytes().split(b"\0")
    patterns += [r.decode().split("=", 1)[1] for r in builtin if b".alias=" in r]
    buses = [p for p in patterns if ":" in p]
    devices = {concrete(p) for p in kernel.sample(buses, 80)}
    devices |= {concrete(p) for p in kernel.sample(set(patterns) - set(buses), 20)}
    devices |= {"pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01", "scsi:t-0x00",
                "pci:v00001AF4d00001001sv00001AF4sd00000002bc01sc00i00", "xen:vbd"}
    have = {name_of(p) for p in kernel.paths()}
    for device in sorted(devices):
        if device.replace("-", "_") in have:
            continue    # modprobe takes it as a module's name
        judge = {l.strip() for l in kernel.modprobe("-q", "-R", device)}
        got = kernel.ours("match", device)
        # modprobe looks among built-in ones only when no module matches
        assert judge <= set(got), device
        assert not {g for g in set(got) - judge if g in have}, device


def test_firmware(kernel):
    paths = {name_of(p): kernel.dir / p for p in kernel.paths()}
    for name in kernel.sample(paths, 20) + sorted({"qla2xxx", "tg3", "bnx2x"} & set(paths)):
        judge = run("modinfo", "-F", "firmware", paths[name]).split()
        assert sorted(set(judge)) == sorted(kernel.ours("firmware", name)), name


def files_of(directory):
    return {p.name: p.read_bytes() for p in directory.iterdir()
            if p.name.startswith("modules.")}


def made_tree(kernel, paths):
    """A tree of copies for depmod itself: what ours must be equal to."""
    tree = kernel.tmp / "tree"
    directory = tree / "lib/modules" / kernel.version
    for path in paths:
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(kernel.dir / path, directory / path)
    for name in ("order", "builtin", "builtin.modinfo"):
        shutil.copy(kernel.dir / f"modules.{name}", directory)
    run("depmod", "-b", tree, "-C", kernel.tmp / "noconf", kernel.version)
    return files_of(directory)


def closed(kernel, n):
    names = set()
    for top in kernel.sample({name_of(p) for p in kernel.paths()}, n):
        names.update(kernel.ours("closure", top))
    return [p for p in kernel.paths() if name_of(p) in names]


def test_index(kernel):
    paths = closed(kernel, 60)
    out = kernel.tmp / "out"
    out.mkdir()
    kernel.ours("index", out, *(f"{p}={kernel.dir / p}" for p in paths))
    judge = made_tree(kernel, paths)
    got = files_of(out)
    assert sorted(got) == sorted(judge)
    for name in judge:
        assert got[name] == judge[name], name
    assert sorted(p.name for p in out.iterdir()) == sorted(got)  # nothing else is left


def test_own_index(kernel):
    """Ours, which is used where depmod can't read the names, is depmod's."""
    kernel.ours("depbin", kernel.tmp / "dep.bin")
    judge = (kernel.dir / "modules.dep.bin").read_bytes()
    assert (kernel.tmp / "dep.bin").read_bytes() == judge


def test_index_of_packed_modules(kernel):
    """Every kind of packing, each file under a name that says so."""
    paths = closed(kernel, 20)
    plain = made_tree(kernel, paths)["modules.dep"].decode()
    pack = {".gz": ["gzip", "-9c"], ".xz": ["xz", "-c", "--check=crc32"], ".zst": ["zstd", "-qc"],
            "": ["cat"]}
    kinds = [k for k in sorted(pack) if shutil.which(pack[k][0])]
    own, args = {}, []
    for i, path in enumerate(paths):
        kind = kinds[i % len(kinds)]
        stem = path.split(".ko")[0] + ".ko"
        unpacked = run_bytes(["xz", "-dc"] if path.endswith(".xz") else
                             ["zstd", "-dqc"] if path.endswith(".zst") else ["cat"],
                             kernel.dir / path)
        file = kernel.tmp / f"m{i}"
        file.write_bytes(subprocess.run(pack[kind], input=unpacked, check=True,
                                        capture_output=True).stdout)
        own[path] = stem + kind
        args.append(f"{stem}{kind}={file}")
    out = kernel.tmp / "out" / "lib/modules" / kernel.version
    out.mkdir(parents=True)
    kernel.ours("index", out, *args)
    wanted = {name_of(l.split(":")[0]): {own[w] for w in l.split(":")[1].split()}
              for l in plain.splitlines()}
    got = {l.split(":")[0]: set(l.split(":")[1].split())
           for l in (out / "modules.dep").read_text().splitlines()}
    assert {name_of(k): v for k, v in got.items()} == wanted
    assert set(got) == set(own.values())
    # and libkmod finds each in the index, when the files are there
    for path in got:
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).touch()
    for name in kernel.sample(wanted, 25):
        lines = run("modprobe", "-C", kernel.tmp / "noconf", "-d", kernel.tmp / "out",
                    "-S", kernel.version, "--show-depends", name).splitlines()
        shown = {l.split()[1].split(kernel.version + "/")[1] for l in lines
                 if l.startswith("insmod")}
        path = next(p for p in got if name_of(p) == name)
        assert shown >= {path} | got[path], name


def run_bytes(argv, path):
    with open(path, "rb") as file:
        return subprocess.run(argv, stdin=file, check=True, capture_output=True).stdout
