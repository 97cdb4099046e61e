"""Hives that we changed: accepted by hivexregedit, libregf and reglookup alike, every
key where Windows looks for it, all that was not touched as before.  Judged by pyregf and
by regf.py, never by our own reader; what the edits mean is said here once more.

Needs the fixtures."""
import os
import pathlib
import random
import shutil
import struct
import subprocess

import pytest

import hive_order
import regf
import test_regf

pyregf = pytest.importorskip("pyregf")
B = pathlib.Path(os.environ.get("REHOST_B", "build"))
TOOLS = B / "tests" / "tools"
FIXTURES = test_regf.FIXTURES
pytestmark = pytest.mark.skipif(not FIXTURES.is_dir(), reason="no hives among the fixtures")

BAD = {
    "odd/SAMBadHBinHeader": "there is no bin (offset 0x1000 of its bins)",
    "odd/corrupt_sub_key_list.hiv": "there is no key of 76 bytes or more (offset 0x4480 of its bins)",
    "odd/yarp-BadListHive": "a key does not name the key it is in (offset 0x470 of its bins)",
    "odd/yarp-TruncatedHive": "it ends at byte 12288, its header says 491520",
}
# a key with a NUL in its name lies in the root
NO_KEYS_AT_ROOT = "odd/hivex-special"
# li lists
NO_REMOVAL = ["dirty-old-format/OldDirtyHive", "dirty-old-format/RecoveredHive_Windows7"]
# as large as the other two SYSTEM hives, and not of another kind
LEFT_OUT = "win81-x64-dirty-nologs/SYSTEM"
ALL = sorted({*test_regf.GOOD, "odd/SAN_OTHER"} - {NO_KEYS_AT_ROOT, LEFT_OUT})
K = "Rehost_test"
SZ, EXPAND, BINARY, DWORD, MULTI, QWORD = 1, 2, 3, 4, 7, 11


def utf16(text):
    return text.encode("utf-16-le") + b"\0\0"


# --- the hives, as they are before

def put(work, name):
    """The hive and its logs, in a directory of their own."""
    work.mkdir(exist_ok=True)
    (work / "HIVE").write_bytes(test_regf.read(name))
    for ext in ("LOG", "LOG1", "LOG2"):
        for path in (FIXTURES / f"{name}.{ext}", FIXTURES / f"{name}.{ext}.xz"):
            if path.exists():
                (work / f"HIVE.{ext}").write_bytes(test_regf.read(f"{name}.{ext}"))


def edit(work, commands, out="OUT", hive="HIVE"):
    (work / out).unlink(missing_ok=True)
    done = subprocess.run([TOOLS / "hiveedit", "--even-dirty", work, hive, work / out],
                          input="".join("\t".join(c) + "\n" for c in commands).encode("utf-8", "surrogateescape"),
                          capture_output=True, timeout=120, check=False)
    assert done.returncode >= 0, done
    return done.returncode, done.stdout.decode().splitlines(), done.stderr.decode()


def replayed(work):
    """The hive with its logs, made by another program, whose work test_hivelog.py judges."""
    logs = [work / f"HIVE.{x}" for x in ("LOG1", "LOG2") if (work / f"HIVE.{x}").exists()]
    if regf.Hive((work / "HIVE").read_bytes(), dirty=True).dirty and logs:
        subprocess.run([TOOLS / "hivelog", "--ktm", work / "HIVE", work / "BEFORE", *logs],
                       check=True, capture_output=True)
        return (work / "BEFORE").read_bytes()
    return (work / "HIVE").read_bytes()


# --- dumps: {path: (class, descriptor, [(value's name, type, bytes), ...])}

def dump(hive, keys=None):
    out = {}
    for path, key in keys or hive.walk():
        raw = hive.cell(key.offset, b"nk")
        security, name = struct.unpack_from("<II", raw, 44)
        size, = struct.unpack_from("<I", hive.cell(security, b"sk", 20), 16)
        length, = struct.unpack_from("<H", raw, 74)
        values = [(v.name, v.kind, v.data) for v in key.all_values()]
        while path in out:
            path += " (again)"
        out[path] = (hive.cell(name)[:length] if name != regf.NONE else None,
                     hive.cell(security)[20:20 + size], values)
    return out


def dump_libregf(path):
    """The same by libregf: {path: (class, [(name, type, bytes), ...])}."""
    f = pyregf.file()
    f.open(str(path))
    out, todo = {}, [("", f.get_root_key())]
    while todo:
        where, key = todo.pop()
        values = []
        for i in range(key.number_of_values):
            v = key.get_value(i)
            values.append((v.name or "", v.type, seen(v.type, v.data or b"")))
        while where in out:
            where += " (again)"
        out[where] = (key.class_name, values)
        for i in range(key.number_of_sub_keys):
            child = key.get_sub_key(i)
            todo.append((f"{where}\\{child.name}", child))
    f.close()
    return out


# --- what is changed, as commands and as what they mean

def parent_of(path):
    return path.rpartition("\\")[0]


class Edits:
    def __init__(self, before):
        self.want = {p: (c, s, list(v)) for p, (c, s, v) in before.items()}
        self.below = {}
        for path in filter(None, before):
            self.below.setdefault(parent_of(path), []).append(path)
        self.commands = []

    def make(self, key):
        self.commands.append(("make", key))
        self._make(key)

    def _make(self, key):
        path = ""
        for name in key.split("\\"):
            parent, path = path, f"{path}\\{name}"
            if path not in self.want:
                self.want[path] = (None, self.want[parent][1], [])
                self.below.setdefault(parent, []).append(path)

    def set(self, key, value, kind, data):
        self.commands.append(("set", key, value, str(kind), data.hex()))
        self._make(key)
        values = self.want["\\" + key if key else ""][2]
        for i, (name, _, _) in enumerate(values):
            if name.lower() == value.lower():
                values[i] = (name, kind, data)
                return
        values.append((value, kind, data))

    def unset(self, key, value):
        self.commands.append(("unset", key, value))
        values = self.want["\\" + key if key else ""][2]
        values[:] = [v for v in values if v[0].lower() != value.lower()]

    def remove(self, key):
        self.commands.append(("remove", key))
        todo = ["\\" + key]
        self.below[parent_of(todo[0])].remove(todo[0])
        while todo:
            path = todo.pop()
            del self.want[path]
            todo += self.below.pop(path, [])

    def lasting(self):
        """The commands that say what is so at the end."""
        for command in self.commands:
            what, key, *rest = command
            found = self.want.get("\\" + key)
            if what in ("make", "remove"):
                keep = (found is None) == (what == "remove")
            else:
                now = [(str(k), d.hex()) for n, k, d in found[2] if n.lower() == rest[0].lower()] if found else []
                keep = found and now == ([tuple(rest[1:])] if rest[1:] else [])
            if keep:
                yield command


def plain(text):
    return text.isascii() and text.isprintable() and "(again)" not in text


def common_part(edits, name):
    """What can be done to every hive."""
    edits.make(f"{K}\\a\\b\\c")
    for kind, data in ((0, b""), (SZ, utf16("text")), (EXPAND, utf16("%SystemRoot%\\x")), (BINARY, bytes(16344)),
                       (DWORD, b"\1\2\3\4"), (5, b"\0\0\0\1"), (6, utf16("\\Registry")), (MULTI, utf16("a") + utf16("bb") + b"\0\0"),
                       (QWORD, bytes(8)), (0xFFFF0012, b"\x11"), (BINARY, b"12345"), (SZ, b"odd"), (17, b"")):
        edits.set(f"{K}\\types", f"{kind}-{len(data)}", kind, data)
    edits.set(f"{K}\\types", "", SZ, utf16("default"))
    edits.set(f"{K}\\umlaut", "Grüße", DWORD, bytes(4))
    edits.set(f"{K}\\kanji", "値", SZ, utf16("値"))
    edits.set(f"{K}\\types", "4-4", SZ, utf16("longer than it was, and a string now"))
    edits.unset(f"{K}\\types", "11-8")
    edits.unset(f"{K}\\umlaut", "Grüße")
    rng = random.Random(name)
    many = [f"{rng.choice(['Pci_', 'pci#', 'PCI', 'a', 'Z', '_', '{'])}{i:04}" for i in range(600)]
    for i in many:
        edits.make(f"{K}\\many\\{i}")
    for i in range(0, 255, 17):
        edits.make(f"{K}\\long\\{'x' * i}y")
    if name not in NO_REMOVAL:
        for i in many[::2]:
            edits.remove(f"{K}\\many\\{i}")
        edits.remove(f"{K}\\a\\b")
        edits.remove(f"{K}\\long")
        edits.make(f"{K}\\long\\again")


def own_part(edits, before, name):
    """What changes the hive's own keys and values."""
    keys = [p for p, (_, _, v) in before.items() if plain(p) and all(len(d) <= regf.SEGMENT and "\0" not in n for n, _, d in v)]
    with_values = [p for p in keys if any(n and plain(n) and "\\" not in n for n, _, _ in before[p][2])]
    rng = random.Random(name)
    for p in rng.sample(with_values, min(12, len(with_values))):
        names = [n for n, _, _ in before[p][2] if n and plain(n) and "\\" not in n]
        edits.set(p[1:], names[0].upper(), BINARY, b"\x5a" * 301)
        if len(names) > 1:
            edits.unset(p[1:], names[1])
        edits.set(p[1:], "Rehost", DWORD, b"\0\0\0\0")
    parents = sorted((p for p in keys if p in edits.below), key=lambda p: -len(edits.below[p]))
    for p in parents[:3]:
        for i in range(30):
            edits.make(f"{p}\\{rng.choice('AbM_z{0')}{i:02}-rehost".lstrip("\\"))
    if name in NO_REMOVAL:
        return
    inner = [p for p in parents if p and p in edits.want and not p.startswith("\\" + K)]
    for p in rng.sample(inner, min(4, len(inner))):
        if p in edits.want:
            edits.remove(p[1:])


def edited(work, name):
    put(work, name)
    before = replayed(work)
    tree = dump(regf.Hive(before, dirty=True))
    edits = Edits(tree)
    common_part(edits, name)
    own_part(edits, tree, name)
    status, said, why = edit(work, edits.commands)
    assert status == 0, why
    assert said
    return before, edits


def normal(found):
    """Order of values does not matter, nor that of keys."""
    return {p: (*rest, sorted(v, key=repr)) for p, (*rest, v) in found.items()}


def for_libregf(klass, _, values):
    """What libregf 20201007 would say."""
    klass = klass.decode("utf-16-le").rstrip("\0") if klass is not None else None
    return klass, [(n, k, seen(k, d)) for n, k, d in values]


def seen(kind, data):
    """It ends strings as it likes, and mistakes the bytes of values of 1 to 3 and of those in
    segments: there only regf.py compares bytes."""
    return b"" if kind in (SZ, EXPAND, 6, MULTI) or not 4 <= len(data) <= regf.SEGMENT else data


def differences(have, want):
    return [(p, have.get(p), want.get(p)) for p in sorted(set(have) | set(want)) if have.get(p) != want.get(p)][:3]


def base_block_is_right(before, after):
    old, new = bytearray(before[:4096]), bytearray(after[:4096])
    first, = struct.unpack_from("<I", old, 4)
    one, two = struct.unpack_from("<II", new, 4)
    size, = struct.unpack_from("<I", new, 40)
    assert one == two == first + 1 & 0xFFFFFFFF
    assert struct.unpack_from("<I", new, 508)[0] == regf.base_checksum(after)
    assert 4096 + size <= len(after)
    for block in (old, new):
        block[4:12] = bytes(8)
        block[40:44] = block[508:512] = bytes(4)
    assert old == new


def judges(path):
    """Other readers of hives, which go on while we look for ourselves."""
    for command in (["hivexregedit", "--unsafe-printable-strings", "--export", path, "\\"], ["reglookup", path],
                    ["regfinfo", path]):
        if not shutil.which(command[0]):
            pytest.skip(f"needs {command[0]}")
        with open(path.with_name(command[0]), "wb") as said:
            yield subprocess.Popen(command, stdout=said, stderr=said)


def accepted(path, running):
    for judge in running:
        said = path.with_name(judge.args[0])
        assert judge.wait(timeout=300) == 0, said.read_bytes()[-1000:]
    # it says so before the names of keys
    assert b"orrupt" not in path.with_name("regfinfo").read_bytes().partition(b"Key hierarchy")[0]


@pytest.mark.parametrize("name", ALL)
def test_edited(tmp_path, name):
    before, edits = edited(tmp_path, name)
    running = list(judges(tmp_path / "OUT"))
    after = (tmp_path / "OUT").read_bytes()
    hive = regf.Hive(after)
    keys = list(hive.walk())
    have, want = normal(dump(hive, keys)), normal(edits.want)
    assert differences(have, want) == []
    assert not list(hive_order.problems(hive, keys))
    base_block_is_right(before, after)
    for users, counted in hive_order.users_of_descriptors(hive, keys).values():
        assert users == counted
    theirs = normal(dump_libregf(tmp_path / "OUT"))
    assert differences(theirs, normal({p: for_libregf(*k) for p, k in edits.want.items()})) == []
    accepted(tmp_path / "OUT", running)
    # once more: nothing to do
    status, said, why = edit(tmp_path, edits.lasting(), "OUT2", "OUT")
    assert (status, said) == (0, []), why
    assert (tmp_path / "OUT2").read_bytes()[4096:] == after[4096:]


# --- what is refused

def refused(work, commands, sentence, status=1):
    got, said, why = edit(work, commands)
    assert (got, said) == (status, []) and sentence in why, why
    assert not (work / "OUT").exists()


@pytest.mark.parametrize("name", BAD)
def test_damaged_hives_are_refused(tmp_path, name):
    put(tmp_path, name)
    refused(tmp_path, [], BAD[name])


@pytest.mark.parametrize("name", ["misc/SECURITY-dirty", "win81-x64-dirty-nologs/SYSTEM"])
def test_dirty_without_logs_is_refused(tmp_path, name):
    put(tmp_path, name)
    done = subprocess.run([TOOLS / "hiveedit", tmp_path, "HIVE", tmp_path / "OUT"], input=b"", capture_output=True, check=False)
    assert done.returncode == 4 and b"let the old machine start" in done.stderr
    assert not (tmp_path / "OUT").exists()


@pytest.mark.parametrize("name,command,sentence", [
    ("odd/hivex-special", ("make", "new"), "beside it lies a key with a name that is no text"),
    ("odd/hivex-special", ("dword", "zero\ufffdkey", "v", "1"), "beside it lies a key"),
    ("odd/yarp-UnicodeHive", ("make", "a\\größe"), "names of new keys can only have ASCII"),
    ("odd/yarp-EmptyHive", ("make", "y" * 256), "at most 255"),
    ("odd/yarp-EmptyHive", ("make", "\\".join("k" * 513)), "and 512 keys are in each other"),
    ("odd/yarp-EmptyHive", ("set", "k", "v", "3", "00" * 16345), "at most 16344 can be written"),
    ("odd/yarp-EmptyHive", ("set", "k", "\udcff", "3", "00"), "the name of a value is no text"),
    ("dirty-old-format/RecoveredHive_Windows7", ("remove", "key_with_many_subkeys\\4500"), "lists of keys without their names (li)"),
])
def test_refused(tmp_path, name, command, sentence):
    put(tmp_path, name)
    refused(tmp_path, [command], sentence)


def test_values_that_would_not_survive(tmp_path):
    """A key with a value of several segments, and one with two names that may be the same."""
    name = "odd/yarp-BigDataHive"
    put(tmp_path, name)
    (key,) = [p[1:] for p, (_, _, v) in dump(regf.Hive(test_regf.read(name))).items() if any(len(d) > 16344 for _, _, d in v)]
    refused(tmp_path, [("dword", key, "new", "1")], "keys with one above 16344 can't be changed")
    refused(tmp_path, [("dword", "k", "Ä", "1"), ("dword", "k", "ä", "1")], "the same name is not known")
    assert edit(tmp_path, [("dword", "k", "Ä", "1"), ("dword", "k", "Ä", "2"), ("remove", key)])[0] == 0


def test_beside_a_big_value(tmp_path):
    """There, a value gets other bytes in the place of as many, and no byte else changes."""
    name = "odd/nt-hive-testhive"
    put(tmp_path, name)
    key, before = "data-test", test_regf.read(name)
    old = dump(regf.Hive(before))["\\" + key][2]
    small = [(n, k, d) for n, k, d in old if 0 < len(d) <= 16344]
    assert len(small) > 5 and any(len(d) > 16344 for _, _, d in old) and any(len(d) <= 4 for _, _, d in small)
    new = [(n, k, bytes(b ^ 0x55 for b in d)) for n, k, d in small]
    status, said, why = edit(tmp_path, [("set", key, n, str(k), d.hex()) for n, k, d in new])
    assert status == 0 and len(said) == len(new), why
    after = (tmp_path / "OUT").read_bytes()
    have = dump(regf.Hive(after))
    assert have["\\" + key][2] == [next((w for w in new if w[0] == v[0]), v) for v in old]
    assert len(before) == len(after)
    assert sum(a != b for a, b in zip(before[4096:], after[4096:])) == sum(len(d) for _, _, d in new)
    refused(tmp_path, [("set", key, new[0][0], str(new[0][1]), new[0][2].hex() + "00")], "keys with one above 16344")
    refused(tmp_path, [("unset", key, new[0][0])], "keys with one above 16344")


# --- lists of strings, whose other bytes stay

LIST = utf16("partmgr") + b"\x07\x00\x00\xd8\x00\x00" + utf16("PartMgr") + utf16("fvevol") + b"\0\0"


@pytest.mark.parametrize("before,command,string,after", [
    (LIST, "drop", "PARTMGR", b"\x07\x00\x00\xd8\x00\x00" + utf16("fvevol") + b"\0\0"),
    (LIST, "drop", "part", LIST),
    (LIST, "append", "x", LIST[:-2] + utf16("x") + b"\0\0"),
    (LIST, "append", "FVEVOL", LIST),
    (utf16("a") + b"\0\0", "drop", "A", None),
    (None, "append", "a", utf16("a") + b"\0\0"),
    (b"\0\0", "append", "a", utf16("a") + b"\0\0"),
    (None, "drop", "a", None),
])
def test_strings(tmp_path, before, command, string, after):
    put(tmp_path, "odd/yarp-EmptyHive")
    first = [("set", "k", "Filters", "7", before.hex())] if before else [("make", "k")]
    status, _, why = edit(tmp_path, first + [(command, "k", "filters", string)])
    assert status == 0, why
    key = regf.Hive((tmp_path / "OUT").read_bytes()).root.find("k")
    assert [(v.name, v.kind, v.data) for v in key.all_values()] == ([("Filters" if before else "filters", 7, after)] if after else [])


def test_strings_of_another_type(tmp_path):
    put(tmp_path, "odd/yarp-EmptyHive")
    refused(tmp_path, [("dword", "k", "v", "1"), ("append", "k", "v", "x")], "not a list of strings")
    assert edit(tmp_path, [("string", "k", "v", "1", "x"), ("drop", "k", "v", "X")])[1] == ['k: v = "x"', "- k: v"]
