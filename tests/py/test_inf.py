"""INF files read twice: by drivers-inject/windows (tests/tools/infdump) and by
inf_reader.py, which shares nothing with it.  Vendors' INFs are read where they lie,
in $REHOST_FIXTURES/inf."""
import json
import os
import pathlib
import random
import re
import subprocess

import inf_reader
import pytest

TOOL = pathlib.Path(os.environ["REHOST_B"]).resolve() / "tests/tools/infdump"
FIXTURES = pathlib.Path(os.environ.get("REHOST_FIXTURES", "/nonexistent")) / "inf"
ALL = sorted(p for p in FIXTURES.rglob("*") if p.suffix.lower() in (".inf", ".inx"))
STORAGE_CLASS = re.compile(rb"^[ \t]*class[ \t]*=[ \t]*\"?(scsiadapter|hdc)\b", re.I | re.M)
TARGETS = {"xp": inf_reader.Target("x86", 5, 1, 2600), "7": inf_reader.Target("amd64", 6, 1, 7601),
           "10": inf_reader.Target("amd64", 10, 0, 19045),
           "11-arm": inf_reader.Target("arm64", 10, 0, 22631)}
needs_fixtures = pytest.mark.skipif(not ALL, reason="no inf among the fixtures")


def name_of(path):
    return str(path.relative_to(FIXTURES))


def is_storage(path):
    return STORAGE_CLASS.search(path.read_bytes().replace(b"\0", b"").replace(b"\r", b"\n"))


STORAGE = [p for p in ALL if is_storage(p)]


def infdump(path, t, *args):
    done = subprocess.run(
        [TOOL, str(path), "--arch", t.arch, "--version", f"{t.major}.{t.minor}.{t.build}",
         "--product", str(t.product), "--suite", str(t.suite), *args],
        check=False, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr.strip()


def plain_notes(notes):
    return [[n["kind"], n["what"], n["name"], n["line"]] for n in notes]


def ours(path, t, *args):
    """Without the sentences."""
    rc, out, err = infdump(path, t, *args)
    if rc:
        return err
    top = json.loads(out)
    for section, install in top["installs"].items():
        if "error" in install:
            top["installs"][section] = "error"
        else:
            install["notes"] = plain_notes(install["notes"])
    top["model_notes"] = plain_notes(top["model_notes"])
    return top


def broken(top):
    notes = list(top["model_notes"])
    for install in top["installs"].values():
        notes += [["broken", "install section", "", 0]] if install == "error" else install["notes"]
    return {(n[1], n[2]) for n in notes if n[0] == "broken"}


# What is really wrong in vendors' INFs: for each file the kinds of it, for any target.
BROKEN = {
    "kvm-guest-drivers-source/viostor__viostor.inx": {"decoration"},    # NT$ARCH$
    "kvm-guest-drivers-source/vioscsi__vioscsi.inx": {"decoration"},
    "xen/xenvbd.inf": {"decoration"},                                   # NT@INF_ARCH@
    # names mvSata_Inst for x86, has [mvSata_Inst.NTamd64] only
    "mass-storage-2013/Marvell__FORCED__5x64__mvsata.inf": {"install section"},
}


@needs_fixtures
def test_there_are_many():
    assert len(ALL) > 200 and len(STORAGE) > 90


@needs_fixtures
def test_every_inf_is_read():
    for path in ALL:
        rc, _, err = infdump(path, TARGETS["10"])
        assert rc == 0, err


@needs_fixtures
@pytest.mark.parametrize("path", STORAGE, ids=[name_of(p) for p in STORAGE])
def test_two_readings(path):
    inf = inf_reader.Inf(path.read_bytes())
    wrong = set()
    for name, target in TARGETS.items():
        got = ours(path, target)
        want = json.loads(json.dumps(inf_reader.read(inf, target)))
        assert got == want, name
        wrong |= broken(got)
    assert {what for what, _ in wrong} == BROKEN.get(name_of(path), set()), sorted(wrong)


@needs_fixtures
def test_templates():
    """.inx files are made into INFs by putting the architecture in."""
    found = 0
    for path in (p for p in ALL if p.suffix == ".inx"):
        for arch, target in (("amd64", "10"), ("x86", "xp"), ("ARM64", "11-arm")):
            data = path.read_bytes().replace(b"NT$ARCH$", b"NT" + arch.encode())
            copy = pathlib.Path(os.environ["T"]) / "template.inf"
            copy.write_bytes(data)
            got = ours(copy, TARGETS[target])
            assert got == json.loads(json.dumps(inf_reader.read(data, TARGETS[target])))
            found += len(got["models"])
    assert found > 15


# --- encodings

SEVERAL = ["virtio-win-0.1.240/viostor/w10/amd64/viostor.inf", "xen/xenvbd.inf",
           "mass-storage-2013/AMD__8x86__ahcix86s.inf",
           "mass-storage-2013/nVidia__5x86__All__NVATABUS.inf",
           "modern-x64/amd64__Dell__SCSIAdapter__mpi3drv_8.08.07.00_819BE1F05__mpi3drv.inf"]
CODINGS = {"utf16le-bom": lambda t: b"\xff\xfe" + t.encode("utf-16-le"),
           "utf16be-bom": lambda t: b"\xfe\xff" + t.encode("utf-16-be"),
           "utf16le": lambda t: t.encode("utf-16-le"),
           "utf8-bom": lambda t: b"\xef\xbb\xbf" + t.encode("utf-8"),
           "utf8": lambda t: t.encode("utf-8"), "cp1252": lambda t: t.encode("cp1252")}


@needs_fixtures
@pytest.mark.parametrize("name", SEVERAL)
def test_encodings(name, tmp_path):
    text = re.sub("\r\n|\r", "\n", inf_reader.decode((FIXTURES / name).read_bytes()))
    # a text that differs in each of them, shown as a description
    text = re.sub(r"(?im)^(\[strings\][^\n]*)$", r"\1" + "\nX_Y = \"\u20ac \xe9\xa9\"", text)
    text = re.sub(r"(?im)^(provider[ \t]*=)[^\n]*$", r"\1 %X_Y%", text)
    outputs = set()
    for coding in CODINGS.values():
        for end in ("\n", "\r\n", "\r"):
            copy = tmp_path / "x.inf"
            copy.write_bytes(coding(text.replace("\n", end)))
            rc, out, err = infdump(copy, TARGETS["7"])
            assert rc == 0, err
            outputs.add(out)
    assert len(outputs) == 1
    assert json.loads(outputs.pop())["version"]["provider"] == "\u20ac \xe9\xa9"


# --- facts about the virtio drivers

def flat(registry, root):
    """{(key, value): (type, data)} of what is set below one root."""
    return {(r["key"], r["value"]): (r["type"], r["data"]) for r in registry
            if r["root"] == root and r["op"] == "set"}


def text_data(text):
    return (text + "\0").encode("utf-16-le").hex()


@needs_fixtures
@pytest.mark.parametrize("service, bus_type, devices", [
    ("viostor", 1, [("1001", "00021AF4&REV_00"), ("1042", "11001AF4&REV_01")]),
    ("vioscsi", 0xa, [("1004", "00081AF4&REV_00"), ("1048", "11001AF4&REV_01")])])
def test_virtio(service, bus_type, devices):
    """What Windows 10 itself writes for these two: lxc/distrobuilder's captures of an
    installed system (windows/driver_viostor.go, driver_vioscsi.go) have the same values
    in Services, EventLog and DriverDatabase."""
    top = ours(FIXTURES / f"virtio-win-0.1.240/{service}/w10/amd64/{service}.inf", TARGETS["10"])
    assert top["version"] == {
        "signature": "$Windows NT$", "class": "SCSIAdapter",
        "class_guid": "{4D36E97B-E325-11CE-BFC1-08002BE10318}", "provider": "Red Hat, Inc.",
        "catalog": f"{service}.cat", "pnp_lockdown": True,
        "driver_ver": "2023-07-21 100.93.104.24000"}
    assert [m["ids"] for m in top["models"]] == [
        [f"PCI\\VEN_1AF4&DEV_{dev}&SUBSYS_{subsys}", f"PCI\\VEN_1AF4&DEV_{dev}"]
        for dev, subsys in devices]
    assert {m["install"] for m in top["models"]} == {"scsi_inst"}
    install = top["installs"]["scsi_inst"]
    assert install["files"] == [{"source": f"{service}.sys", "dir": "", "cab": "", "dirid": 12,
                                 "subdir": "", "name": f"{service}.sys", "flags": 2,
                                 "line": install["files"][0]["line"]}]
    (s,) = install["services"]
    assert (s["name"], s["type"], s["start"], s["error_control"]) == (service, 1, 0, 1)
    assert (s["group"], s["image_path"]) == ("SCSI miniport", f"System32\\drivers\\{service}.sys")
    assert s["flags"] == 2 and s["event_log"] == f"System\\{service}"
    registry = install["registry"]
    assert flat(registry, "service") == {("Parameters\\PnpInterface", "5"): (4, "01000000"),
                                         ("Parameters", "BusType"): (4, "%02x000000" % bus_type)}
    assert flat(registry, "eventlog") == {
        ("", "EventMessageFile"): (2, text_data("%SystemRoot%\\System32\\IoLogMsg.dll")),
        ("", "TypesSupported"): (4, "07000000")}
    hardware = flat(registry, "hardware")
    msi = "Interrupt Management\\MessageSignaledInterruptProperties"
    assert hardware[msi, "MSISupported"] == (4, "01000000")
    assert hardware["Interrupt Management\\Affinity Policy", "DevicePolicy"] == (4, "05000000")
    assert install["notes"] == [] and top["model_notes"] == []


# --- INFs of our own

HEAD = '[Version]\nSignature="$Windows NT$"\n[Manufacturer]\nm=M,NTamd64\n[M.NTamd64]\nd=I,h\n'


@pytest.mark.parametrize("section, lines", [
    ("I", 'Include=other.inf,gone.inf,bad.inf\nNeeds=Other,None\nCopyFiles=F,G,@h\nAddReg=R'),
    ("I", 'AddReg=R,S,"R"\nDelReg=R\nBitReg=R'),
    ("I.NT.HW]\n[I.NT", "AddReg=R\nReboot\nDelFiles=F"),
    ("I]\n[I.Services", "Include=OTHER.INF\nNeeds=Other.Services\nAddService=t,,T"),
])
def test_includes(section, lines, tmp_path):
    text = (HEAD + f"[{section}]\n{lines}\n" + "[R]\nHKR,a,b\nHKLM,%k%,,,x\n[F]\nf.sys\n"
            "[DestinationDirs]\nDefaultDestDir=12\n[Strings]\nk=main\n")
    other = ('[Version]\nSignature=$Chicago$\n[Other]\nAddReg=R\nCopyFiles=G\nNeeds=Deep\n[R]\n'
             'HKR,%k%\n[G]\ng.sys,g_src.sys\n[SourceDisksFiles.amd64]\ng_src.sys=1,dir\nf.sys=1\n'
             '[SourceDisksNames]\n1=x,,,\\pkg\n[Other.Services]\nAddService=o,2,O\n[O]\n'
             'ServiceType=1\nStartType=%k%\nErrorControl=0\nServiceBinary=%13%\\o.sys\nAddReg=R\n'
             '[Strings]\nk=3\n')
    (tmp_path / "main.inf").write_text(text)
    (tmp_path / "i").mkdir()
    (tmp_path / "i/Other.inf").write_text(other)
    (tmp_path / "i/bad.inf").write_text("no INF")
    includes = {"other.inf": other.encode(), "bad.inf": b"no INF"}
    want = inf_reader.read(text.encode(), TARGETS["10"], includes)
    got = ours(tmp_path / "main.inf", TARGETS["10"], "--include", str(tmp_path / "i"))
    assert got == json.loads(json.dumps(want))
    assert got["installs"]["I"] != "error"


PIECES = ['"', '""', "\\", "\\\n", ";", "%", "%%", "%k%", "%a;b%", "%11%", ",", ",", "=", " ", "\t",
          "a", "b c", "\n", "\r\n", "0x10001", "\u20ac"]


@pytest.mark.parametrize("seed", range(40))
def test_random_lines(seed, tmp_path):
    r = random.Random(seed)
    lines = "".join("HKR," + "".join(r.choice(PIECES) for _ in range(r.randrange(14))) + "\n"
                    for _ in range(60))
    text = HEAD + "[Strings]\nk=%a%\na;b=x,y\n[I]\nAddReg=R\nDelReg=R\nBitReg=R\n[R]\n" + lines
    path = tmp_path / "x.inf"
    path.write_bytes(text.encode())
    want = inf_reader.read(text.encode(), TARGETS["10"])
    assert ours(path, TARGETS["10"]) == json.loads(json.dumps(want))


@pytest.mark.parametrize("seed", range(20))
def test_random_decorations(seed, tmp_path):
    r = random.Random(seed)

    def decoration():
        fields = [r.choice(["", "", v]) for v in
                  (r.choice("5 6 10 0x6".split()), r.choice("0 1 2 3".split()),
                   r.choice("1 2 3".split()), r.choice("0x80 0x100 0x180".split()),
                   r.choice("7601 14310 19045 22000".split()))]
        return (r.choice(["NT", "NTx86", "NTamd64", "ntARM64", "NTia64", "NTx"]) + "." +
                ".".join(fields)).rstrip(".")
    names = [decoration() for _ in range(40)]
    text = ('[Version]\nSignature="$Windows NT$"\n[Manufacturer]\n' + "".join(
        "m=M," + ",".join(r.sample(names, r.randrange(6))) + "\n" for _ in range(60)) +
        "[M]\nd=I,h\n" + "".join(f"[M.{n}]\nd=I,h\n" for n in set(names)) + "[I]\n")
    path = tmp_path / "x.inf"
    path.write_text(text)
    for t in (*TARGETS.values(), inf_reader.Target("x86", 5, 2, 3790, 3, 0x180),
              inf_reader.Target("amd64", 10, 0, 20348, 2, 0x80),
              inf_reader.Target("ia64", 5, 2, 3790, 3), inf_reader.Target("x86", 5, 0, 2195)):
        want = inf_reader.read(text.encode(), t)
        assert ours(path, t) == json.loads(json.dumps(want))


def test_refusal_says_where(tmp_path):
    path = tmp_path / "x.inf"
    path.write_text("; nothing\n[Version]\nClass=x\n")
    assert infdump(path, TARGETS["10"]) == (
        1, "", "x.inf line 2: [Version] has no Signature: not a Windows INF")
    with pytest.raises(inf_reader.InfError):
        inf_reader.Inf(path.read_bytes())
