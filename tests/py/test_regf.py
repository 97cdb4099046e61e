"""The reader of registry hives that other tests judge by (regf.py) against
hivexregedit, over every real hive of the fixtures, and against what is broken."""
import concurrent.futures
import lzma
import os
import pathlib
import random
import subprocess
import time

import pytest
import regf

FIXTURES = pathlib.Path(os.environ.get("REHOST_FIXTURES", "."), "hives")
pytestmark = pytest.mark.skipif(not FIXTURES.is_dir(), reason="no hives among the fixtures")

# read whole and compared; * as the file is on disk, without its logs
GOOD = """winxp-sp3-x86/SYSTEM nt4-sp3-server/system nt4-sp3-server/software win7-sp1-x86/SYSTEM
 win81-x64-dirty-nologs/SYSTEM win10-1709-x64-dirty/SYSTEM dirty-ntuser/NTUSER.DAT
 dirty-old-format/OldDirtyHive dirty-old-format/RecoveredHive_Windows7
 misc/SECURITY-dirty misc/SAM-2014 bcd/esp-win10-asus/Boot/BCD bcd/esp-win10-asus/Recovery/BCD
 bcd/esp-surface/Recovery/BCD bcd/winsetup-media/BCD bcd/uefi-win10-multiboot-linux/BCD
 odd/100_sub_keys.hiv odd/REORGANIZED_VALUES_TESTS odd/SAM_DUPENAME odd/SAM_hasBigEndianDWord
 odd/SECURITYNoRoot odd/UNICODE_TESTS odd/hivex-minimal odd/hivex-rlenvalue_test_hive
 odd/hivex-special odd/nt-hive-testhive odd/yarp-BigDataHive odd/yarp-EmptyHive
 odd/yarp-UnicodeHive""".split()
BROKEN = {
    "odd/SAMBadHBinHeader": "bin at 0x1000: does not begin with hbin",
    "odd/corrupt_sub_key_list.hiv": "nk at 0x4480: is a free cell",
    "odd/yarp-BadListHive": "key at 0x470: is in the tree twice",
    "odd/yarp-TruncatedHive": "cell at 0xc020: outside of the hive",
    "odd/SAN_OTHER": "the hive is dirty (sequence 62/62): replay its logs first",
    "misc/SECURITY-dirty": "the hive is dirty (sequence 107/106): replay its logs first",
    "dirty-ntuser/NTUSER.DAT.LOG1": "type 6, layout 1: not a primary hive file",
    "dirty-old-format/OldDirtyHive.LOG1": "type 1, layout 1: not a primary hive file",
    "bcd/esp-win10-asus/Boot/BCD.LOG1": "this is no hive: no regf at its start",
}


def read(name):
    """A hive's bytes; some are kept as .xz."""
    path = FIXTURES / name
    return path.read_bytes() if path.exists() else lzma.decompress(path.with_name(path.name + ".xz").read_bytes())


def sections(lines):
    """A .reg export as a sorted list of (key, its sorted values): what it says,
    whatever the order; keys of one name may stand twice."""
    out = []
    for line in lines:
        if line.startswith("["):
            out.append((line, []))
        elif line and out:
            out[-1][1].append(line)
    return sorted((key, sorted(values)) for key, values in out)


def exported(hive):
    """The same text from our reader."""
    for path, key in hive.walk():
        yield f"[{path or chr(92)}]"
        for v in key.all_values():
            name = v.name.replace("\\", "\\\\").replace('"', '\\"')
            if v.kind == regf.REG_DWORD and len(v.data) == 4:
                data = f"dword:{int.from_bytes(v.data, 'little'):08x}"
            else:
                data = f"hex({v.kind:x}):{v.data.hex(',')}"
            yield (f'"{name}"' if name else "@") + "=" + data


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """Runs hivexregedit over all of them, two at a time, while other tests run."""
    work = tmp_path_factory.mktemp("hives")

    def export(name):
        path = work / name.replace("/", "_")
        path.write_bytes(read(name))
        p = subprocess.run(["hivexregedit", "--export", path, "\\"], capture_output=True, timeout=120,
                           check=False, env={**os.environ, "PERL_UNICODE": "S"})   # print UTF-8
        assert p.returncode == 0, p.stderr
        return p.stdout.decode()

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield {name: pool.submit(export, name) for name in GOOD}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_broken_hive_is_refused_with_a_sentence(judged, name):
    with pytest.raises(regf.RegfError) as e:
        for _, key in regf.Hive(read(name)).walk():
            key.all_values()
    assert str(e.value) == BROKEN[name]


@pytest.mark.parametrize("name", ["odd/UNICODE_TESTS", "odd/hivex-special", "odd/yarp-BigDataHive",
                                  "odd/100_sub_keys.hiv", "odd/nt-hive-testhive"])
def test_damaged_bytes_never_hang_or_leak_other_errors(judged, name):
    whole, rng, begin, refused = read(name), random.Random(name), time.monotonic(), 0
    used = len(whole.rstrip(b"\0\xff"))
    for _ in range(80 if used < 50_000 else 25):
        data = bytearray(whole)
        for _ in range(rng.choice((1, 1, 4, 30))):
            at = rng.randrange(regf.BASE, used)
            data[at] = rng.choice((0, 0xFF, 0x80, rng.randrange(256)))
        if rng.random() < .1:
            del data[rng.randrange(len(data)):]
        try:
            for _, key in regf.Hive(bytes(data), dirty=True).walk():
                key.values()
        except regf.RegfError as e:
            assert str(e)
            refused += 1
    assert refused
    assert time.monotonic() - begin < 30


def test_a_key_below_itself_ends(judged):
    """The list of the root's subkeys names the root."""
    data = bytearray(read("odd/100_sub_keys.hiv"))
    hive = regf.Hive(bytes(data))
    offset = hive.root.offset
    at, = (int.from_bytes(data[regf.BASE + offset + 4 + 28:][:4], "little"),)
    data[regf.BASE + at + 8:regf.BASE + at + 12] = offset.to_bytes(4, "little")
    with pytest.raises(regf.RegfError, match="twice"):
        list(regf.Hive(bytes(data)).walk())
    assert regf.Hive(bytes(data)).root.find("no\\such\\key") is None


@pytest.mark.parametrize("name", sorted(GOOD, key=lambda n: "SYSTEM" in n))
def test_equals_hivexregedit(judged, name):
    mine = sections(exported(regf.Hive(read(name), dirty=True)))
    theirs = sections(judged[name].result().split("\n"))
    assert len(mine) == len(theirs)
    for a, b in zip(mine, theirs):
        assert a == b
