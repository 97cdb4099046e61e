"""Transaction logs of registry hives: what our replay makes of real and of
random ones is, byte for byte, what an independent implementation makes of
them, what Windows 7 made, and what foreign readers accept.

Needs the fixtures for the real ones."""
import lzma
import os
import random
import shutil
import struct
import subprocess

import pytest

import hivelog_oracle as oracle

B = os.environ.get("REHOST_B", "build")
TOOL = os.path.join(B, "tests", "tools", "hivelog")
FIXTURES = os.path.join(os.environ.get("REHOST_FIXTURES", "/nonexistent"), "hives")

REAL = {
    "old": ("dirty-old-format/OldDirtyHive", "dirty-old-format/OldDirtyHive.LOG1"),
    "ntuser": ("dirty-ntuser/NTUSER.DAT", "dirty-ntuser/NTUSER.DAT.LOG1", "dirty-ntuser/NTUSER.DAT.LOG2"),
    "win10": ("win10-1709-x64-dirty/SYSTEM.xz", "win10-1709-x64-dirty/SYSTEM.LOG1.xz",
              "win10-1709-x64-dirty/SYSTEM.LOG2.xz"),
    "security": ("misc/SECURITY-dirty",),
    "win81": ("win81-x64-dirty-nologs/SYSTEM.xz",),
}


def fixture(name):
    path = os.path.join(FIXTURES, name)
    if not os.path.exists(path):
        pytest.skip("no %s among the fixtures" % name)
    return lzma.open(path).read() if path.endswith(".xz") else open(path, "rb").read()


def ours(tmp, hive, logs, *options):
    """(the hive, what was said), or (None, exit status, what was said)"""
    names = ["H", "H.LOG1", "H.LOG2"]
    for name in names + ["out"]:
        (tmp / name).unlink(missing_ok=True)
    for name, data in zip(names, [hive] + logs):
        if data is not None:
            (tmp / name).write_bytes(data)
    done = subprocess.run([TOOL, *options, "H", "out"] + names[1:1 + len(logs)], cwd=tmp,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode == 0:
        return (tmp / "out").read_bytes(), 0, done.stdout
    assert not (tmp / "out").exists()
    return None, done.returncode, done.stderr


def theirs(hive, logs, accept):
    try:
        return oracle.recover(hive, logs, accept), 0
    except (oracle.Refused, oracle.Damaged) as problem:
        return None, problem.status


def agree(tmp, hive, logs, accept=False):
    out, status, said = ours(tmp, hive, logs, *(["--ktm"] if accept else []))
    want, want_status = theirs(hive, logs, accept)
    assert status == want_status, said
    assert out == want, said
    return out, said


# --- random ones

def base_block(kind, seq1, seq2, bins, time, flags, clustering=1):
    b = bytearray(512)
    struct.pack_into("<4sIIQIIIIIII", b, 0, b"regf", seq1, seq2, time, 1, 5, kind, 1, 32, bins, clustering)
    struct.pack_into("<I", b, 144, flags)
    b[164:168] = b"rmtm"
    struct.pack_into("<I", b, 508, oracle.checksum(b))
    return b


def page(rng, n, good=True):
    head = struct.pack("<4sII8xQ4x", b"hbin" if good else b"hbim", 4096 * n, 4096, 50)
    return head + rng.randbytes(64) + bytes(4000)


def entry(rng, seq, flags, bins, pages):
    refs = b"".join(struct.pack("<II", 4096 * n, 4096) for n in pages)
    body = refs + b"".join(page(rng, n, rng.random() > 0.01) for n in pages)
    body += bytes(-(40 + len(body)) % 512)
    head = struct.pack("<4sIIIIIQ", b"HvLE", 40 + len(body), flags, seq, bins, len(pages), oracle.marvin(body))
    return head + struct.pack("<Q", oracle.marvin(head)) + body


class Case:
    """A hive and up to two logs, near to what is right."""

    def __init__(self, seed):
        rng = self.rng = random.Random(seed)
        self.pages = rng.randint(1, 5)
        self.seq = rng.choice([5, 1000, 0x7ffffffe, 0xfffffffe])
        self.time = rng.choice([60, 60, 60, 40])
        hive = bytearray(base_block(0, self.seq + 1 & oracle.MASK, self.seq - (rng.random() < 0.05) & oracle.MASK,
                                    4096 * self.pages, 60, rng.random() < 0.1))
        hive += bytes(4096 - 512) + b"".join(page(rng, n) for n in range(self.pages))
        hive += rng.randbytes(rng.choice([0, 0, 512, 4096]))
        if rng.random() < 0.2:
            hive[rng.choice([0, 13, 41, 300, 508])] ^= 1
        self.hive = bytes(hive)
        self.next = self.seq + rng.choice([0, 0, 0, 1, 400, -3, -1])
        make = rng.choice([self.new, self.new, self.old])
        self.logs = [make(), (make if rng.random() < 0.8 else self.old)()]
        if rng.random() < 0.5:
            self.logs.reverse()
        self.logs = [self.spoil(log) for log in self.logs]

    def new(self):
        rng, self.next = self.rng, self.next & oracle.MASK
        log = bytearray(base_block(6, self.next, self.next, 4096 * self.pages, 60, rng.random() < 0.1))
        for _ in range(rng.choice([0, 1, 1, 2, 4])):
            size = self.pages
            if rng.random() < 0.2:
                size = max(1, size + rng.choice([-1, 1, 2]))
            which = sorted(rng.sample(range(size), rng.randint(0, size)))
            if size > self.pages and rng.random() < 0.9:
                which = sorted(set(which) | set(range(self.pages, size)))
            self.pages = size
            log += entry(rng, self.next, rng.random() < 0.05, 4096 * size, which)
            self.next = self.next + (1 if rng.random() < 0.95 else 2) & oracle.MASK
        if rng.random() < 0.3:
            log += entry(rng, self.next - rng.randint(1, 9) & oracle.MASK, 0, 4096 * self.pages, [0])
        if rng.random() < 0.1:
            self.next += rng.choice([-1, 1])
        return bytes(log) + bytes(rng.choice([0, 0, 512, 700]))

    def old(self):
        rng = self.rng
        pages = self.pages + (rng.random() < 0.2)
        clustering = rng.choice([1, 1, 1, 2, 8, 0, 9])
        sector = 512 * (clustering if 0 < clustering < 9 else 1)
        seq = self.seq + rng.choice([0, 1, 1, 2, -1]) & oracle.MASK
        log = base_block(rng.choice([1, 1, 2]), seq, seq, 4096 * pages, self.time + rng.choice([0, 0, 0, 1]),
                         rng.random() < 0.1, clustering)
        log += bytes(sector - 512)
        source = b"".join(page(rng, n) for n in range(pages))
        bits = [rng.random() < 0.5 or i >= 8 * self.pages for i in range(8 * pages)]
        log += b"DIRT" + sum(bit << i for i, bit in enumerate(bits)).to_bytes(pages, "little")
        log += bytes(-len(log) % sector)
        for i, bit in enumerate(bits):
            log += source[512 * i:512 * i + 512] if bit else b""
        return bytes(log)

    def spoil(self, log):
        rng = self.rng
        what = rng.random()
        if what < 0.15:
            log = bytearray(log)
            log[rng.randrange(len(log))] ^= 1 << rng.randrange(8)
            return bytes(log)
        if what < 0.22:
            return log[:rng.randrange(len(log))]
        return rng.choice([None, b"", bytes(1024)]) if what < 0.27 else log


def test_random(tmp_path):
    seen = {}
    for seed in range(400):
        case = Case(seed)
        accept = seed % 2 == 0
        try:
            out, said = agree(tmp_path, case.hive, case.logs, accept)
        except AssertionError:
            print("seed", seed)
            raise
        kind = said.split("kind=")[1].split()[0] if out else "refused"
        seen[kind] = seen.get(kind, 0) + 1
        for word in ("cut=1", "base_from_log=1"):
            seen[word] = seen.get(word, 0) + (word in said)
    print(seen)
    assert min(seen.get(k, 0) for k in ("old", "new", "refused", "cut=1", "base_from_log=1")) >= 30, seen


# --- real ones

@pytest.mark.parametrize("name", REAL)
def test_real(tmp_path, name):
    hive, *logs = [fixture(f) for f in REAL[name]]
    out, said = agree(tmp_path, hive, logs, name == "win10")
    assert (out is None) == (name in ("security", "win81"))
    # the order in which the logs are given does not matter
    if len(logs) == 2:
        again, _, also = ours(tmp_path, hive, logs[::-1], "--ktm")
        assert again == out and also.split("\n")[0] == said.split("\n")[0]


@pytest.mark.parametrize("name", ["old", "ntuser", "win10"])
def test_real_without_base_block(tmp_path, name):
    hive, *logs = [fixture(f) for f in REAL[name]]
    whole, _ = agree(tmp_path, hive, logs, True)
    torn, said = agree(tmp_path, bytes(512) + hive[512:], logs, True)
    assert "base_from_log=1" in said
    if name != "win10":         # there only LOG2 is used then
        assert torn[512:] == whole[512:]


def test_real_cut(tmp_path):
    """A log that ends anywhere gives the hive as of the last whole entry."""
    hive, log, _ = [fixture(f) for f in REAL["ntuser"]]
    for size in (511, 512, 551, 241663, 241664, 300000, 348160, 786432, 1126399):
        agree(tmp_path, hive, [log[:size], None])


def test_locked(tmp_path):
    hive, *logs = [fixture(f) for f in REAL["win10"]]
    out, status, said = ours(tmp_path, hive, logs)
    assert status == 4 and "transactions" in said and "1622 and 1621" in said


@pytest.mark.parametrize("name", ["security", "win81"])
def test_no_logs(tmp_path, name):
    hive, = [fixture(f) for f in REAL[name]]
    out, status, said = ours(tmp_path, hive, [])
    seq = struct.unpack_from("<II", hive, 4)
    assert status == 4 and "there are none" in said and "%d and %d" % seq in said


def test_windows_7(tmp_path):
    """What Windows 7 made of the same hive differs in what it wrote later:
    the base block (numbers, time, name of the file), the first bin's time, and
    in the key 4500 the length of the longest value's name, counted anew."""
    hive, *logs = [fixture(f) for f in REAL["old"]]
    out, _, _ = ours(tmp_path, hive, logs)
    windows = fixture("dirty-old-format/RecoveredHive_Windows7")
    assert len(out) == len(windows)
    other = [i for i in range(512, len(out)) if out[i] != windows[i]]
    key = out.index(b"nk", 0x6bd80)
    assert out[key + 76:key + 80] == b"4500"
    assert other == [*range(4096 + 20, 4096 + 25), key + 60]
    base = [i for i in range(512) if out[i] != windows[i]]
    assert all(4 <= i < 20 or 48 <= i < 112 or i >= 508 for i in base)
    # before the replay they were far apart
    assert sum(a != b for a, b in zip(hive[4096:], windows[4096:])) > 500


# --- foreign readers

def needs(*commands):
    for command in commands:
        if not shutil.which(command):
            pytest.skip(command + " is not installed")


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def by_hivex(path):
    status, text = run("hivexregedit", "--unsafe-printable-strings", "--export", path, "\\")
    assert status == 0
    return {line[2:-1] for line in text.replace("\r", "").split("\n") if line.startswith("[\\")}


def by_reglookup(path):
    status, text = run("reglookup", "-t", "KEY", path)
    assert status == 0
    return {line.split(",")[0] for line in text.split("\n") if ",KEY," in line}


def by_libregf(path):
    pyregf = pytest.importorskip("pyregf")
    file = pyregf.file()
    file.open(path)
    assert not file.is_corrupted()
    keys, todo = [], [file.root_key]
    while todo:
        key = todo.pop()
        keys.append(key.name)
        for i in range(key.number_of_values):
            key.get_value(i).data       # it can be read
        todo += [key.get_sub_key(i) for i in range(key.number_of_sub_keys)]
    file.close()
    return keys


@pytest.mark.parametrize("name", ["old", "ntuser", "win10"])
def test_foreign_readers(tmp_path, name):
    """The three see as many keys in the hive, more than before."""
    needs("hivexregedit", "reglookup", "regfinfo")
    hive, *logs = [fixture(f) for f in REAL[name]]
    out, _, _ = ours(tmp_path, hive, logs, "--ktm")
    path = str(tmp_path / "out")
    keys = len(by_libregf(path))
    assert keys == len(by_reglookup(path))
    # hivexregedit leaves the root out where nothing is in it
    assert keys - len(by_hivex(path)) in (0, 1)
    status, text = run("regfinfo", path)
    assert status == 0 and "corrupt" not in text.split("Key hierarchy")[0]
    if name != "old":
        assert keys > len(by_reglookup(str(tmp_path / "H")))


def hivex_key(path, key):
    """A key as hivexregedit exports it; "" where it finds none."""
    status, text = run("hivexregedit", "--unsafe-printable-strings", "--export", path, "\\" + key)
    return text if status == 0 else ""


@pytest.mark.parametrize("name,key,value", [
    ("win10", "ControlSet001\\Services\\ad_driver", '"Start"=dword:00000003'),
    ("old", "key_with_many_subkeys\\4500", '"V"=hex(7):61,00,00,00,62,00,62,00,00,00,63'),
])
def test_hivex_alone_loses_it(tmp_path, name, key, value):
    """What stands in the logs only: a driver that was just installed, a value."""
    needs("hivexregedit")
    hive, *logs = [fixture(f) for f in REAL[name]]
    ours(tmp_path, hive, logs, "--ktm")
    assert value not in hivex_key(str(tmp_path / "H"), key)
    assert value in hivex_key(str(tmp_path / "out"), key)


def test_vectors():
    seed = 0x004FB61A001BDBCC
    assert oracle.marvin(b"", seed) == 0x30ED35C100CD3C7D
    assert oracle.marvin(bytes.fromhex("153fb79826"), seed) == 0xE6C08C6DA2AFA997
