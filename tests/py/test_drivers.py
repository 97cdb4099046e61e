"""Driver packages found by drivers-inject/windows/drivers*.c, through
tests/tools/drivers: directories, archives that other programs made, a guest's disk.
What is chosen is compared with inf_reader.py on the INFs of the fixtures."""
import collections
import hashlib
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import zipfile

import inf_reader
import packer
import pe
import pytest

B = pathlib.Path(os.environ["REHOST_B"]).resolve()
FIXTURES = pathlib.Path(os.environ.get("REHOST_FIXTURES", "/nonexistent")) / "inf"
needs_fixtures = pytest.mark.skipif(not FIXTURES.is_dir(), reason="no inf among the fixtures")
SEVEN = shutil.which("7zz") or shutil.which("7z")
DISK = "PCI\\VEN_1AF4&DEV_1001"

SYS = {"amd64": pe.make(pe.AMD64, ("ntoskrnl.exe", "storport.sys"), note=b"x" * 70000),
       "x86": pe.make(pe.X86, ("ntoskrnl.exe", "scsiport.sys"))}


def inf(arch="amd64", date="01/02/2023", version="1.2.3.4", sys_name="vdisk.sys", where="", cab="",
        catalog="", device=DISK, more=""):
    nt = {"amd64": "NTamd64", "x86": "NTx86"}[arch]
    return f"""[Version]
Signature="$Windows NT$"
Class=SCSIAdapter
ClassGuid={{4D36E97B-E325-11CE-BFC1-08002BE10318}}
Provider=%me%
DriverVer={date},{version}
{"CatalogFile=" + catalog if catalog else ""}
[Manufacturer]
%me%=Devices,{nt}
[Devices.{nt}]
"A disk"=Install,{device}
[Install.NT]
CopyFiles=Files
{more}
[Files]
{sys_name}
[DestinationDirs]
Files=12
[SourceDisksNames]
1="disk",{cab},,{where}
[SourceDisksFiles]
{sys_name}=1
[Install.NT.Services]
AddService=vdisk,2,Service
[Service]
ServiceType=1
StartType=0
ErrorControl=1
ServiceBinary=%12%\\{sys_name}
[Strings]
me="Me"
""".replace("\n", "\r\n").encode()


def package(arch="amd64", sys_name="vdisk.sys", **more):
    return {"vdisk.inf": inf(arch, sys_name=sys_name, **more), sys_name: SYS[arch]}


def put(top, files):
    for name, data in files.items():
        at = pathlib.Path(top, name)
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_bytes(data)
    return pathlib.Path(top)


def output(*argv, cwd=None):
    done = subprocess.run([str(a) for a in argv], capture_output=True, check=False, timeout=300, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run(*args, hw=(DISK,), arch="amd64", version="10.0.19045", status=0):
    argv = [B / "tests/tools/drivers", "--arch", arch, "--version", version]
    for one in hw:
        argv += ["--hw", one]
    done = subprocess.run([str(a) for a in argv + list(args)], capture_output=True, text=True,
                          check=False, timeout=300)
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout) if status == 0 else done.stderr


def sha(data):
    return hashlib.sha256(data).hexdigest()


def only(got, data=SYS["amd64"], notes=0):
    """The one match, which is usable and whose driver is `data`."""
    assert len(got["matches"]) == 1 and len(got["notes"]) == notes, got
    m = got["matches"][0]
    assert m["reason"] is None, m
    assert [f.get("sha256") for f in m["files"]] == [sha(data)], m
    return m


# --- where packages lie

def test_directory(tmp_path):
    put(tmp_path / "a/b", package())
    m = only(run(tmp_path))
    assert m["origin"] == f"{tmp_path}/a/b/vdisk.inf" and m["place"] == "given"
    assert m["model"] == "A disk" and m["id"] == DISK and m["section"] == "Install.NT"
    assert m["driver_ver"] == "2023-01-02 1.2.3.4"
    # the INF itself; a path that ends in a slash; nothing for another device
    assert only(run(tmp_path / "a/b/vdisk.inf"))["origin"] == f"{tmp_path}/a/b/vdisk.inf"
    assert only(run(f"{tmp_path}/"))["origin"] == f"{tmp_path}/a/b/vdisk.inf"
    assert run(tmp_path, hw=("PCI\\VEN_1AF4&DEV_1002",))["matches"] == []
    assert only(run(tmp_path, hw=(DISK.lower(),)))
    assert run(tmp_path, arch="x86")["matches"] == []
    assert "no such file" in run(tmp_path / "nothing", status=1)


def test_case_and_subdirectory(tmp_path):
    put(tmp_path, {"X.INF": inf(where="\\Bin\\X64"), "bin/x64/VDISK.SYS": SYS["amd64"],
                   "vdisk.sys": SYS["x86"]})
    only(run(tmp_path))


def test_links_are_not_followed(tmp_path):
    put(tmp_path / "real", package())
    (tmp_path / "given").mkdir()
    (tmp_path / "given/loop").symlink_to(tmp_path)
    (tmp_path / "given/x.inf").symlink_to(tmp_path / "real/vdisk.inf")
    assert run(tmp_path / "given")["packages"] == []
    (tmp_path / "other").symlink_to(tmp_path / "real")       # but what is given may be one
    only(run(tmp_path / "other"))


def zip_file(path, files, **how):
    with zipfile.ZipFile(path, "w", **how) as z:
        for name, data in files.items():
            z.writestr(name, data)
    return path


@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zip(tmp_path, how):
    files = {f"vdisk/w10/{n}": d for n, d in package().items()}
    path = zip_file(tmp_path / "x.zip", files, compression=how)
    assert only(run(path))["origin"] == f"{path}: vdisk/w10/vdisk.inf"
    # by what it is, not by its name, when it is given itself
    path.rename(tmp_path / "download")
    only(run(tmp_path / "download"))
    # in a directory
    (tmp_path / "download").rename(tmp_path / "x.zip")
    assert only(run(tmp_path))["origin"] == f"{tmp_path}/x.zip: vdisk/w10/vdisk.inf"


@pytest.mark.skipif(not SEVEN, reason="no 7-Zip")
@pytest.mark.parametrize("kind", ["7z", "zip"])
def test_seven_zip(tmp_path, kind):
    put(tmp_path / "in", package())
    output(SEVEN, "a", tmp_path / f"x.{kind}", ".", cwd=tmp_path / "in")
    only(run(tmp_path / f"x.{kind}"))
    output(SEVEN, "a", "-psecret", tmp_path / f"locked.{kind}", ".", cwd=tmp_path / "in")
    got = run(tmp_path / f"locked.{kind}")
    assert got["matches"] == [] and "ncrypt" in got["notes"][0]


@pytest.mark.parametrize("options", [["-n"], ["-z"], ["-z", "-n"]])
def test_gcab(tmp_path, options):
    put(tmp_path, package())
    output("gcab", "-c", *options[:1], "x.cab", "vdisk.inf", "vdisk.sys", cwd=tmp_path)
    only(run(tmp_path / "x.cab"))


def test_lzx_cab(tmp_path):
    """Files of one folder lie behind each other; judged by cabextract first."""
    big = {"first.bin": bytes(range(256)) * 400}
    path = tmp_path / "x.cab"
    path.write_bytes(packer.cab([(packer.LZX, {**big, **package()}), (packer.NONE, {"other.txt": b"x"})]))
    output("cabextract", "-q", "-d", tmp_path / "out", path)
    assert (tmp_path / "out/vdisk.sys").read_bytes() == SYS["amd64"]
    only(run(path))


ISOS = {"plain": ["-iso-level", "1"], "joliet": ["-J"], "rock-ridge": ["-R"], "both": ["-J", "-R"]}


@pytest.mark.parametrize("kind", ISOS)
def test_iso(tmp_path, kind):
    put(tmp_path / "in/amd64/w10", package())
    output("xorriso", "-as", "mkisofs", "-quiet", *ISOS[kind], "-o", tmp_path / "x.iso", tmp_path / "in")
    m = only(run(tmp_path / "x.iso"))
    assert m["origin"].lower() == f"{tmp_path}/x.iso: amd64/w10/vdisk.inf"


def test_udf_only(tmp_path):
    data = bytearray(64 * 2048)
    for i, name in enumerate((b"BEA01", b"NSR02", b"TEA01")):
        data[(16 + i) * 2048 + 1:(16 + i) * 2048 + 6] = name
    (tmp_path / "x.iso").write_bytes(data)
    got = run(tmp_path / "x.iso")
    assert got["packages"] == [] and "UDF" in got["notes"][0] and "mount it" in got["notes"][0]


def test_nested(tmp_path):
    inner = zip_file(tmp_path / "inner.zip", package()).read_bytes()
    cab = packer.cab([(packer.LZX, package(version="2.0.0.0"))])
    put(tmp_path / "in", {"a/inner.zip": inner, "b/drv.cab": cab})
    output("xorriso", "-as", "mkisofs", "-quiet", "-J", "-R", "-o", tmp_path / "x.iso", tmp_path / "in")
    got = run(tmp_path / "x.iso")
    assert [m["origin"] for m in got["matches"]] == [
        f"{tmp_path}/x.iso: b/drv.cab: vdisk.inf", f"{tmp_path}/x.iso: a/inner.zip: vdisk.inf"]
    assert all(m["reason"] is None for m in got["matches"])
    # a third archive around them is not looked into, which is said
    zip_file(tmp_path / "outer.zip", {"x.iso": (tmp_path / "x.iso").read_bytes()})
    got = run(tmp_path / "outer.zip")
    assert got["packages"] == [] and len(got["notes"]) == 2 and "isn't looked into" in got["notes"][0]


# --- how a package has its files

def test_cab_of_the_package(tmp_path):
    put(tmp_path, {"vdisk.inf": inf(cab="data.cab"),
                   "data.cab": packer.cab([(packer.LZX, {"x": b"y" * 40000, "VDISK.SYS": SYS["amd64"]})])})
    only(run(tmp_path))
    only(run(zip_file(tmp_path / "x.zip", {f"d/{p.name}": p.read_bytes() for p in tmp_path.iterdir()})))


COMPRESSED = {"szdd": packer.szdd, "kwaj": packer.kwaj, "as-it-is": bytes,
              "cab": lambda d: packer.cab([(packer.LZX, {"vdisk.sys": d})])}


@pytest.mark.parametrize("kind", COMPRESSED)
def test_compressed(tmp_path, kind):
    put(tmp_path, {"vdisk.inf": inf(), "VDISK.SY_": COMPRESSED[kind](SYS["amd64"])})
    only(run(tmp_path))


def test_damaged_compressed(tmp_path):
    put(tmp_path, {"vdisk.inf": inf(), "vdisk.sy_": COMPRESSED["cab"](SYS["amd64"])[:-9000]})
    m, = run(tmp_path)["matches"]
    assert "vdisk.sy_" in m["reason"] and "can't be unpacked" in m["reason"]


# --- what can't be used, and why

def test_order(tmp_path):
    put(tmp_path / "1-wrong-arch", {**package(version="9.0.0.0"), "vdisk.sys": SYS["x86"]})
    put(tmp_path / "2-missing", {"vdisk.inf": inf(version="9.0.0.0")})
    put(tmp_path / "3-old", package(version="1.0.0.0", catalog="v.cat"))
    put(tmp_path / "3-old", {"v.cat": b"0"})
    put(tmp_path / "4-new", {**package(version="2.0.0.0", catalog="V.CAT"), "v.cat": b"0"})
    put(tmp_path / "5-unsigned", package(version="3.0.0.0", catalog="v.cat"))
    put(tmp_path / "6-garbage", {**package(version="9.0.0.0"), "vdisk.sys": b"no driver"})
    put(tmp_path / "7-extension", package(version="9.0.0.0", more="", catalog="v.cat"))
    text = (tmp_path / "7-extension/vdisk.inf").read_bytes()
    (tmp_path / "7-extension/vdisk.inf").write_bytes(
        text.replace(b"Class=SCSI", b"ExtensionId={00000000-0000-0000-0000-000000000001}\r\nClass=SCSI"))
    got = run(tmp_path)
    assert got["notes"] == []
    assert [m["origin"].split("/")[-2] for m in got["matches"]][:3] == ["4-new", "3-old", "5-unsigned"]
    why = {m["origin"].split("/")[-2]: m["reason"] for m in got["matches"]}
    assert [why.pop(n) for n in ("4-new", "3-old", "5-unsigned")] == [None] * 3
    assert why["1-wrong-arch"] == "vdisk.sys is for x86, this Windows is for amd64"
    assert why["2-missing"] == f"vdisk.sys is not in the package of {tmp_path}/2-missing/vdisk.inf"
    assert "MZ" in why["6-garbage"] and "extends" in why["7-extension"] and len(why) == 4
    warnings = {m["origin"].split("/")[-2]: (m["signed"], m["warnings"]) for m in got["matches"]}
    assert warnings["5-unsigned"] == (False, [
        "vdisk.sys is not signed and the package has no catalog. 64-bit Windows refuses it unless "
        "test signing is on."])
    assert warnings["4-new"][0] and "V.CAT only" in warnings["4-new"][1][0]


def test_warnings(tmp_path):
    signed = bytearray(SYS["amd64"])
    struct.pack_into("<II", signed, 0x80 + 24 + 112 + 4 * 8, len(signed), 16)
    signed += struct.pack("<IHH8x", 16, 0x200, 2)
    struct.pack_into("<I", signed, 0x80 + 24 + 64, pe.checksum(bytes(signed), 0x80 + 24 + 64))
    put(tmp_path, {**package(), "vdisk.sys": bytes(signed)})
    m = only(run(tmp_path), signed)
    assert m["signed"] and m["warnings"] == []
    program = pe.make(pe.AMD64, ("KERNEL32.dll",), subsystem=3)
    put(tmp_path, {"vdisk.sys": program[:0xD8] + b"\1\2\3\4" + program[0xDC:]})
    m, = run(tmp_path)["matches"]
    assert m["reason"] is None and "not a kernel driver" in m["warnings"][0]
    assert "0x4030201" in m["warnings"][1] and "not signed" in m["warnings"][2]
    # 32-bit Windows loads it nevertheless
    put(tmp_path, package("x86"))
    m = only(run(tmp_path, arch="x86", version="6.1.7601"), SYS["x86"])
    assert m["warnings"] == ["vdisk.sys is not signed and the package has no catalog."]


def test_include(tmp_path):
    """What needs an INF of Windows is usable only if that is there."""
    text = inf().replace(b"CopyFiles=Files", b"Include=other.inf\r\nNeeds=Other")
    text = text.replace(b"AddService=vdisk,2,Service", b"Include=other.inf\r\nNeeds=Other.Services")
    other = inf(device="PCI\\VEN_9999").replace(b"Install.NT", b"Other")
    put(tmp_path / "given", {"vdisk.inf": text})
    m, = run(tmp_path / "given")["matches"]
    assert "other.inf" in m["reason"] and "not here" in m["reason"]
    root = put(tmp_path / "root", {"Windows/inf/other.inf": other})
    m, = run(tmp_path / "given", "--root", root)["matches"]
    assert "vdisk.sys is not in the package" in m["reason"]
    put(tmp_path / "given", {"vdisk.sys": SYS["amd64"]})
    only(run(tmp_path / "given", "--root", root))


def test_damaged(tmp_path):
    """Damage is a note; what is beside it is found."""
    whole = zip_file(tmp_path / "whole.zip", package(), compression=zipfile.ZIP_DEFLATED).read_bytes()
    put(tmp_path / "in", {"cut.zip": whole[:len(whole) // 2], "cut.cab": packer.cab([(0, package())])[:50],
                          "no.iso": b"MSCF\0\0\0\0", "empty.zip": b"", "data1.cab": b"ISc(",
                          "bad.inf": b"[Version", "large.inf": b" " * (9 << 20),
                          "good/vdisk.inf": package()["vdisk.inf"], "good/vdisk.sys": SYS["amd64"]})
    got = run(tmp_path / "in")
    only(got, notes=5)
    for name in ("cut.zip", "cut.cab", "no.iso", "bad.inf", "large.inf"):
        assert any(name in n for n in got["notes"]), (name, got["notes"])
    assert "not a zip, cab, 7z or iso" in run(tmp_path / "in/empty.zip")["notes"][0]
    for at in range(0, len(whole), 61):         # a changed byte anywhere: an answer
        bad = bytearray(whole)
        bad[at] ^= 0x55
        (tmp_path / "bad.zip").write_bytes(bad)
        run(tmp_path / "bad.zip")


# --- on the guest's disk

STORE = "Windows/System32/DriverStore/FileRepository/vdisk.inf_amd64_0123456789abcdef"


def new_windows(top):
    """A driver store, Windows' copy of its INF and one that was left in inf alone,
    makers' directories."""
    left = inf(device="PCI\\VEN_8888", sys_name="left.sys")
    put(top / STORE, package(version="1.0.0.0"))
    put(top / "Windows/INF", {"oem0.inf": inf(version="1.0.0.0"), "oem1.inf": left})
    put(top / "Windows/System32/drivers", {"left.sys": SYS["amd64"]})
    put(top / "SWSetup/SP123/Storage", package(version="3.0.0.0"))
    put(top / "dell/drivers/ABC", {"p.zip": zip_file(top / "p.zip", package(version="2.0.0.0")).read_bytes()})
    (top / "p.zip").unlink()
    put(top / "Users/me", package(version="9.0.0.0"))        # nobody's place for drivers
    return top


def check_new(*args):
    got = run(*args)
    assert [(m["origin"], m["place"]) for m in got["matches"]] == [
        (f"/{STORE}/vdisk.inf", "store"), ("/SWSetup/SP123/Storage/vdisk.inf", "oem"),
        ("/dell/drivers/ABC/p.zip: vdisk.inf", "oem")]
    assert all(m["reason"] is None and m["files"][0]["sha256"] == sha(SYS["amd64"]) for m in got["matches"])
    assert got["notes"] == [] and len(got["packages"]) == 4
    m = only(run(*args, hw=("PCI\\VEN_8888",)))
    assert m["origin"] == "/Windows/INF/oem1.inf" and m["place"] == "windows"


def old_windows(top):
    """XP: INFs of Windows itself, files where they are installed, or in cabinets of
    which the service pack's goes first."""
    def one(name, n):
        return inf("x86", sys_name=name, device=f"PCI\\VEN_{n}").replace(b"[SourceDisksFiles]", b"[Gone]")

    old = pe.make(pe.X86, note=b"old")
    put(top / "WINDOWS/inf", {"mshdc.inf": one("atapi.sys", 1111), "scsi.inf": one("symc810.sys", 2222),
                              "sp.inf": one("lsi.sys", 3333), "gone.inf": one("gone.sys", 4444)})
    put(top / "WINDOWS/system32/drivers", {"atapi.sys": SYS["x86"]})
    put(top / "WINDOWS/Driver Cache/i386", {
        "driver.cab": packer.cab([(packer.LZX, {"a.sys": b"a" * 50000, "symc810.sys": old}),
                                  (packer.LZX, {"atapi.sys": old, "gone.sys": b""})]),
        "sp2.cab": packer.cab([(packer.LZX, {"symc810.sys": old + b"2"})]),
        "sp3.cab": packer.cab([(packer.LZX, {"b.sys": old, "symc810.sys": SYS["x86"]})])})
    put(top / "WINDOWS/ServicePackFiles/i386", {"lsi.sy_": packer.szdd(SYS["x86"])})
    return top


def check_old(*args):
    for n in (1111, 2222, 3333):
        m = only(run(*args, "--windows", "/WINDOWS", hw=(f"PCI\\VEN_{n}",), arch="x86", version="5.1.2600"),
                 SYS["x86"])
        assert m["place"] == "windows" and m["warnings"] == []
    m, = run(*args, "--windows", "/WINDOWS", hw=("PCI\\VEN_4444",), arch="x86", version="5.1.2600")["matches"]
    assert "gone.sys" in m["reason"]


KINDS = {"new": (new_windows, check_new), "old": (old_windows, check_old)}


@pytest.mark.parametrize("kind", KINDS)
def test_harvest_directory(tmp_path, kind):
    make, check = KINDS[kind]
    check("--root", make(tmp_path))


@pytest.mark.parametrize("kind", KINDS)
def test_harvest_ntfs(tmp_path, kind):
    make, check = KINDS[kind]
    tree, part = make(tmp_path / "tree"), tmp_path / "part"
    part.write_bytes(b"")
    os.truncate(part, 32 << 20)
    output("mkntfs", "-F", "-q", "-Q", part)
    output(B / "tests/tools/ntfs-fill", part, tree)
    check("--ntfs", part)


@needs_fixtures
def test_harvest_guest(tmp_path):
    """A disk made from a real hive, with a partition table: a package in its store."""
    import winguest         # its hives are fixtures too    pylint: disable=import-outside-toplevel

    class Guest(winguest.Guest):
        def tree(self, where, system=None, missing=()):
            top = super().tree(where, system, missing)
            put(pathlib.Path(where) / STORE, package())
            return top

    parts = Guest("win10-1709-x64-dirty").disk(tmp_path / "disk", "gpt")
    at = next(p[2] for p in parts if p[1] == "windows")
    m = only(run("--ntfs", tmp_path / "disk", "--offset", at))
    assert m["place"] == "store"


# --- the fixtures

TARGETS = {"xp": inf_reader.Target("x86", 5, 1, 2600), "7": inf_reader.Target("amd64", 6, 1, 7601),
           "10": inf_reader.Target("amd64", 10, 0, 19045)}


def score(ids, model):
    """The identifier score of hardware ids, from docs/INF.md's table in words."""
    found = [(1 if k else 0, ids.index(i.upper())) for k, i in enumerate(model["ids"]) if i.upper() in ids]
    return min(found, default=None)


@needs_fixtures
def test_viostor():
    ids = [DISK + "&SUBSYS_00021AF4&REV_00", DISK + "&SUBSYS_00021AF4", DISK]
    for arch, version, want in (("amd64", "10.0.19045", "w10/amd64"), ("amd64", "6.1.7601", "w7/amd64"),
                                ("x86", "10.0.19045", "w10/x86")):
        got = run(FIXTURES, hw=ids, arch=arch, version=version)
        path = f"virtio-win-0.1.240/viostor/{want}/viostor.inf"
        if (FIXTURES / path).exists():
            assert got["matches"][0]["origin"] == f"{FIXTURES}/{path}"
        else:
            assert all(path not in m["origin"] for m in got["matches"])


def wanted(data, models, ids, target):
    """(rank, date, version) of the best model, or None."""
    scores = [(score(ids, vars(m)), n) for n, m in enumerate(models) if score(ids, vars(m))]
    if not scores:
        return None
    (kind, at), n = min(scores)
    top = inf_reader.read(data, target, section=models[n].install)
    install = top["installs"][models[n].install]
    found = install if install != "error" else {**top["version"], "feature_score": 0xFF}
    date, version = found["driver_ver"].split()
    rank = kind * 0x1000 + at + (found["feature_score"] << 16 if target.major >= 6 else 0)
    return rank, date, [int(v) for v in version.split(".")]


@needs_fixtures
@pytest.mark.parametrize("name", TARGETS)
def test_same_as_the_other_reader(name):
    """The ids that most INFs have, and some others."""
    target, found = TARGETS[name], 0
    texts = {p: p.read_bytes() for p in FIXTURES.rglob("*") if p.suffix.lower() == ".inf"}
    models = {p: inf_reader.Compiler(d, target, None).models()[0] for p, d in texts.items()}
    count = collections.Counter(i.upper() for ms in models.values()
                                for i in {i for m in ms for i in m.ids if i})
    often = sorted(count, key=lambda i: (-count[i], i))
    for device in often[:15] + random.Random(7).sample(often, 10):
        want = {str(p): w for p, d in texts.items() if (w := wanted(d, models[p], [device], target))}
        got = run(FIXTURES, hw=[device], arch=target.arch,
                  version=f"{target.major}.{target.minor}.{target.build}")["matches"]
        assert {m["origin"] for m in got} == set(want), device
        for m in got:
            rank, date, version = want[m["origin"]]
            assert (m["rank"], m["driver_ver"]) == (rank, f"{date} {'.'.join(map(str, version))}")
        # of those that can be used, and of those that can't, the better ones first
        for usable in (True, False):
            order = [(not m["signed"], want[m["origin"]]) for m in got if (m["reason"] is None) == usable]
            assert order == sorted(order, key=lambda o: (o[0], o[1][0], inverse(o[1])))
        found += len(got)
    assert found >= 50


def inverse(one):
    return [-int(x) for x in one[1].split("-")] + [-x for x in one[2]]
