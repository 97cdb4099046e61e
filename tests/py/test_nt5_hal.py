"""Windows XP on other machines: HAL, kernel and boot.ini, on an NTFS volume with the real
hive of an XP SP3, cabinets made by gcab, and PE files by pe.py.  What was written is read
back by ntfscat, regf.py and pefile."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess

import pe
import pytest
import regf
import winguest

pefile = pytest.importorskip("pefile")
B = pathlib.Path(os.environ.get("REHOST_B", "build")).resolve()
FIXTURES = pathlib.Path(os.environ.get("REHOST_FIXTURES", "."), "hives")
TOOL = B / "tests/tools/winplan-hal"
pytestmark = [pytest.mark.skipif(not FIXTURES.is_dir(), reason="no hives among the fixtures"),
              pytest.mark.skipif(not TOOL.exists(), reason="winplan-hal is not built")]

SP3 = (5, 1, 2600, 5512)
SP2 = (5, 1, 2600, 2180)
ARC = "multi(0)disk(0)rdisk(0)partition(1)\\WINDOWS"
HEAD = f"[boot loader]\r\ntimeout=30\r\ndefault={ARC}\r\n[operating systems]\r\n"
DEP = f'{ARC}="Windows XP" /fastdetect /noexecute=optin\r\n'
COMPUTER = "{4D36E966-E325-11CE-BFC1-08002BE10318}"
KERNELS = ("ntoskrnl.exe", "ntkrnlpa.exe", "ntkrnlmp.exe", "ntkrpamp.exe")
HALS = ("halaacpi.dll", "halmacpi.dll", "halacpi.dll", "halapic.dll", "halmps.dll")
PATH = dict(os.environ, PATH=os.environ["PATH"] + ":/sbin:/usr/sbin")


def run(*argv, status=0, **more):
    p = subprocess.run([str(a) for a in argv], capture_output=True, timeout=120, check=False,
                       env=PATH, **more)
    assert p.returncode == status, (argv, p.stdout, p.stderr)
    return p.stdout


def binary(name, version=SP3, machine=pe.X86):
    return pe.make(machine, ("ntoskrnl.exe",), note=name.encode(), version=version, original=name)


def cabinet(path, files, zipped=True):
    """Made by gcab, stored or MSZIP."""
    work = path.parent / "cab-work"
    work.mkdir()
    for name, data in files.items():
        (work / name).write_bytes(data)
    run("gcab", "-c", "-n", *["-z"] * zipped, path.resolve(), *sorted(files), cwd=work)
    shutil.rmtree(work)


class Xp:
    """The tree of an XP; attributes are changed before `volume()`."""

    def __init__(self, work, hal="halaacpi.dll", kernel="ntoskrnl.exe", edits=None, missing=()):
        self.work = work
        self.guest = winguest.Guest("winxp-sp3-x86")
        system = edits(self.guest.edits()).apply() if edits else None
        self.tree = work / "tree"
        self.top = self.guest.tree(self.tree, system, missing)
        self.system32 = self.top / "system32"
        self.put("system32/hal.dll", binary(hal))
        self.put("system32/ntoskrnl.exe", binary(kernel))
        self.boot_ini(HEAD + DEP)
        self.image = work / "volume"

    def put(self, below, data):
        at = self.top / below
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_bytes(data)
        return at

    def boot_ini(self, text):
        (self.tree / "boot.ini").write_bytes(text if isinstance(text, bytes) else text.encode("latin-1"))

    def cabinets(self, **cabs):
        """sp3={name: bytes}"""
        where = self.top / "Driver Cache/i386"
        where.mkdir(parents=True, exist_ok=True)
        for n, (name, files) in enumerate(cabs.items()):
            cabinet(where / f"{name}.cab", files, zipped=n % 2 == 0)

    def volume(self):
        size = (winguest.used(self.tree) * 5 // 4 + (24 << 20)) >> 9
        with open(self.image, "wb") as f:
            f.truncate(size << 9)
        run("mkntfs", "-Q", "-F", "-q", "-p", 63, "-H", 255, "-S", 63, "-s", 512, self.image, size)
        run(B / "tests/tools/ntfs-fill", self.image, self.tree)
        return self

    def volumes(self, *parts, n_disks=1, table="dos"):
        """What the volumes file says: (number, start in MiB, type) of each, ours with a *."""
        mine = [i for i, p in enumerate(parts) if p[2].endswith("*")]
        out = {"disks": [{"path": f"/dev/sd{'ab'[d]}", "table": table, "size": 1 << 36,
                          "sector_size": 512} for d in range(n_disks)],
               "volumes": [{"disk": 0, "part": n, "start": at << 20, "size": 20 << 20,
                            "type": kind.rstrip("*")} for n, at, kind in parts]}
        (self.work / "volumes.json").write_text(json.dumps(out))
        return [f"volumes={self.work / 'volumes.json'}", f"volume={mine[0]}"]

    def plan(self, *options, status=0):
        out = run(TOOL, self.image, f"hive={self.work / 'hive'}", *options, status=status)
        return json.loads(out)

    def hive(self):
        return regf.Hive((self.work / "hive").read_bytes(), dirty=True)

    def cat(self, path):
        return run("ntfscat", "-f", self.image, path)

    def digest(self):
        return hashlib.sha256(self.image.read_bytes()).hexdigest()

    def _record(self, name):
        """Where in the volume the flags of a file's $STANDARD_INFORMATION are."""
        inode = int(re.search(rb"Dumping Inode (\d+)", run("ntfsinfo", "-F", name, self.image))[1])
        data = self.image.read_bytes()
        cluster = struct.unpack_from("<H", data, 11)[0] * data[13]
        at = struct.unpack_from("<Q", data, 48)[0] * cluster + inode * 1024
        assert data[at:at + 4] == b"FILE"
        attribute = at + struct.unpack_from("<H", data, at + 20)[0]
        assert struct.unpack_from("<I", data, attribute)[0] == 0x10
        return attribute + struct.unpack_from("<H", data, attribute + 20)[0] + 32

    def flags(self, name):
        return struct.unpack_from("<I", self.image.read_bytes(), self._record(name))[0]

    def set_flags(self, name, flags):
        data = bytearray(self.image.read_bytes())
        struct.pack_into("<I", data, self._record(name), 0x20 | flags)
        self.image.write_bytes(data)

    def pictures(self):
        """Names and contents of everything but our own journal."""
        out = run(B / "tests/tools/ntfs-hashes", self.image).decode()
        return sorted(x for x in out.splitlines() if "Rehost" not in x and "rehost" not in x)


ALL = {name: binary(name) for name in KERNELS + HALS}


def edits_of(plan):
    return {e["path"]: e for e in plan["edits"]}


def standard_pc(edits):
    """As Setup leaves it on a machine without ACPI."""
    for path in ("Enum\\Root\\ACPI_HAL", "Enum\\ACPI_HAL", "Services\\ACPI",
                 "Control\\CriticalDeviceDatabase\\*pnp0c08"):
        edits.remove(path)
    path = "Enum\\Root\\PCI_HAL\\0000"
    return edits.value(path, "ClassGUID", COMPUTER).value(path, "HardwareID", ["e_isa_up"])


def test_nothing_to_do(tmp_path):
    xp = Xp(tmp_path).volume()
    for options in ((), ("processors=1",)):
        plan = xp.plan(*options)
        assert not plan["edits"] and not plan["warnings"]
        assert 'The HAL of this Windows is "ACPI Uniprocessor PC" (halaacpi.dll)' in plan["notes"]


def test_up_to_mp(tmp_path):
    xp = Xp(tmp_path)
    xp.cabinets(sp3=ALL, driver={n: binary(n, SP2) for n in KERNELS + HALS})
    xp.volume()
    before = xp.pictures()
    plan = xp.plan("processors=4", "apply=1")
    assert not plan["warnings"]
    # boot.ini last: until then nothing starts what isn't there yet
    assert [e["path"] for e in plan["edits"]] == [
        "/WINDOWS/system32/halmig.dll", "/WINDOWS/system32/krnlmig.exe", "/boot.ini"]
    assert "from /WINDOWS/Driver Cache/i386/sp3.cab: halmacpi.dll" in str(plan["edits"][0])
    assert xp.cat("WINDOWS/system32/halmig.dll") == ALL["halmacpi.dll"]
    assert xp.cat("WINDOWS/system32/krnlmig.exe") == ALL["ntkrpamp.exe"]
    assert xp.cat("boot.ini").decode() == (
        HEAD + f'{ARC}="Windows XP (Rehost)" /fastdetect /noexecute=optin /HAL=halmig.dll '
        "/KERNEL=krnlmig.exe\r\n" + DEP)
    # what it had is as it was
    assert xp.cat("WINDOWS/system32/hal.dll") == binary("halaacpi.dll")
    run("ntfsfix", "-n", xp.image)
    again = xp.plan("processors=4")
    assert not again["edits"] and "halmacpi.dll" in str(again["notes"])
    # the HAL for several processors stays on a machine with one
    assert not xp.plan("processors=1")["edits"]
    run(TOOL, xp.image, "undo=1")
    assert xp.pictures() == before


@pytest.mark.parametrize("options, kernel", [
    ("/fastdetect", "ntkrnlmp.exe"), ("/fastdetect /PAE", "ntkrpamp.exe"),
    ("/noexecute=AlwaysOff", "ntkrnlmp.exe"), ("/NOEXECUTE=OptOut /3GB", "ntkrpamp.exe")])
def test_kernel_goes_with_the_options(tmp_path, options, kernel):
    xp = Xp(tmp_path)
    xp.boot_ini(HEAD + f'{ARC}="XP" {options}')
    xp.cabinets(sp3=ALL)
    plan = xp.volume().plan("processors=2")
    assert f"{kernel} for the new machine" in str(edits_of(plan)["/WINDOWS/system32/krnlmig.exe"])


def test_standard_pc(tmp_path):
    xp = Xp(tmp_path, "hal.dll", edits=standard_pc, missing=["system32\\drivers\\ACPI.sys"])
    xp.cabinets(driver={**ALL, "acpi.sys": binary("acpi.sys")})
    xp.volume()
    before = xp.pictures()
    plan = xp.plan("processors=1", "apply=1")
    assert not plan["warnings"], plan["warnings"]
    assert [e["path"] for e in plan["edits"]] == [
        "/WINDOWS/system32/drivers/acpi.sys", "/WINDOWS/system32/halmig.dll", "/boot.ini"]
    assert xp.cat("WINDOWS/system32/halmig.dll") == ALL["halaacpi.dll"]
    assert b"/HAL=halmig.dll\r\n" in xp.cat("boot.ini") and b"KERNEL" not in xp.cat("boot.ini")
    hive = xp.hive()
    for one in ("ControlSet001", "ControlSet002"):
        acpi = hive.root.find(f"{one}\\Services\\ACPI")
        assert (acpi.number("Type"), acpi.number("Start"), acpi.number("Tag")) == (1, 0, 1)
        assert acpi.text("Group") == "Boot Bus Extender"
        for device, service in (("*pnp0c08", "ACPI"), ("*pnp0a03", "pci")):
            key = hive.root.find(f"{one}\\Control\\CriticalDeviceDatabase\\{device}")
            assert key.text("Service") == service
    run(TOOL, xp.image, "undo=1")
    assert xp.pictures() == before


def test_moved_again(tmp_path):
    """To a machine with one processor, then to one with two: the line that was added is
    changed, and the old one is still there."""
    xp = Xp(tmp_path, "halacpi.dll")
    xp.cabinets(sp3=ALL)
    xp.volume()
    before = xp.pictures()
    for processors, hal, options in ((1, "halaacpi.dll", b" /HAL=halmig.dll\r\n"),
                                     (2, "halmacpi.dll", b" /HAL=halmig.dll /KERNEL=krnlmig.exe\r\n")):
        assert not xp.plan(f"processors={processors}", "apply=1")["warnings"]
        assert xp.cat("WINDOWS/system32/halmig.dll") == ALL[hal]
        lines = xp.cat("boot.ini").splitlines(True)[4:]
        assert len(lines) == 2 and lines[0].endswith(options) and lines[1] == DEP.encode()
    run(TOOL, xp.image, "undo=1")
    assert xp.pictures() == before


@pytest.mark.parametrize("hal, processors, new, kernel", [
    ("halacpi.dll", 1, "halaacpi.dll", None), ("halacpi.dll", 2, "halmacpi.dll", "ntkrpamp.exe"),
    ("halapic.dll", 0, "halaacpi.dll", None), ("halmps.dll", 1, "halmacpi.dll", None),
    ("halmps.dll", 8, "halmacpi.dll", None), ("halmacpi.dll", 8, None, None)])
def test_moves(tmp_path, hal, processors, new, kernel):
    xp = Xp(tmp_path, hal, "ntkrnlmp.exe" if "mp" in hal or hal == "halmacpi.dll" else "ntoskrnl.exe")
    xp.cabinets(sp3=ALL)
    edits = edits_of(xp.volume().plan(f"processors={processors}"))
    for path, name in (("halmig.dll", new), ("krnlmig.exe", kernel)):
        if name:
            assert f"{name} for the new machine" in str(edits.pop(f"/WINDOWS/system32/{path}"))
    assert set(edits) <= {"/boot.ini"} and bool(edits) == bool(new)


@pytest.mark.parametrize("why", ["old", "none", "no-version", "arch", "damaged"])
def test_no_fitting_copy(tmp_path, why):
    """Rather no exchange than one that doesn't fit."""
    xp = Xp(tmp_path)
    if why == "old":
        xp.cabinets(sp2={n: binary(n, SP2) for n in KERNELS + HALS})
    elif why == "no-version":
        xp.put("system32/ntoskrnl.exe", pe.make(pe.X86))
        xp.cabinets(sp3=ALL)
    elif why == "arch":
        xp.cabinets(sp3={n: binary(n, SP3, pe.AMD64) for n in KERNELS + HALS})
    elif why == "damaged":
        xp.cabinets(sp3=ALL)
        at = xp.top / "Driver Cache/i386/sp3.cab"
        data = bytearray(at.read_bytes())
        data[len(data) // 2:] = bytes(len(data) - len(data) // 2)
        at.write_bytes(data)
    plan = xp.volume().plan("processors=2")
    assert not plan["edits"]
    assert len(plan["warnings"]) == 1
    wanted = {"old": "version 5.1.2600.2180", "none": "any of the places", "arch": "(amd64)",
              "no-version": "version of the one that is there can't be read", "damaged": "unpacked"}
    assert wanted[why] in plan["warnings"][0], plan["warnings"]
    # where the old HAL runs as it is, nothing is said
    assert not xp.plan("processors=1")["warnings"]


def test_only_all_of_it(tmp_path):
    """The HAL is there, the kernel is not: neither is brought."""
    xp = Xp(tmp_path)
    xp.cabinets(sp3={n: ALL[n] for n in HALS})
    plan = xp.volume().plan("processors=2")
    assert not plan["edits"] and "ntkrpamp.exe" in plan["warnings"][0]


def test_an_update_stands_loose(tmp_path):
    """An updated kernel is loose in the driver cache, and sp3.cab has the one before."""
    xp = Xp(tmp_path)
    newer = (5, 1, 2600, 6419)
    xp.put("system32/ntoskrnl.exe", binary("ntoskrnl.exe", newer))
    xp.cabinets(sp3=ALL)
    xp.put("Driver Cache/i386/ntkrpamp.exe", binary("ntkrpamp.exe", newer))
    xp.volume().plan("processors=2", "apply=1")
    assert xp.cat("WINDOWS/system32/krnlmig.exe") == binary("ntkrpamp.exe", newer)
    assert xp.cat("WINDOWS/system32/halmig.dll") == ALL["halmacpi.dll"]


def test_unknown_hal(tmp_path):
    xp = Xp(tmp_path, "halsp.dll", edits=lambda e: e.value(
        "Enum\\Root\\ACPI_HAL\\0000", "HARDWAREID", ["syspro_mp"]))
    plan = xp.volume().plan("processors=2")
    assert not plan["edits"]
    assert "halsp.dll" in plan["warnings"][0] and "syspro_mp" in plan["warnings"][0]


def test_by_the_registry(tmp_path):
    """The name is gone from the file: the registry tells, but then nothing is exchanged
    unless the versions are known."""
    xp = Xp(tmp_path)
    xp.put("system32/hal.dll", pe.make(pe.X86, version=SP3))
    xp.cabinets(sp3=ALL)
    assert "halmacpi.dll" in str(xp.volume().plan("processors=2")["edits"])


# --- boot.ini

def test_boot_ini_keeps_its_attributes_and_bytes(tmp_path):
    xp = Xp(tmp_path)
    title = b"Windows \xe9\x84 \xc3\xa4"
    old = HEAD.replace("30", "2").encode() + ARC.encode() + b'="' + title + b'" /fastdetect'
    xp.boot_ini(old)
    xp.cabinets(sp3=ALL)
    xp.volume()
    xp.set_flags("boot.ini", 7)         # read-only, hidden, system
    plan = xp.plan("processors=2", "apply=1")
    assert not plan["warnings"]
    new = xp.cat("boot.ini")
    assert xp.flags("boot.ini") & 7 == 7
    assert new == (HEAD.replace("30", "10").encode() + ARC.encode() + b'="' + title + b' (Rehost)" '
                   b"/fastdetect /HAL=halmig.dll /KERNEL=krnlmig.exe\r\n" + old.splitlines(True)[-1])


def test_another_default_stays(tmp_path):
    xp = Xp(tmp_path)
    other = ARC.replace("(1)\\WINDOWS", "(2)\\WINNT")
    xp.boot_ini(HEAD.replace(ARC, other) + f'{other}="2000" /fastdetect\r\n' + DEP)
    xp.cabinets(sp3=ALL)
    plan = xp.volume().plan("processors=2", "apply=1")
    assert any("not this Windows, and stays so" in n for n in plan["notes"])
    lines = xp.cat("boot.ini").decode().splitlines()
    assert lines[2] == f"default={other}" and "(Rehost)" in lines[5] and lines[6] == DEP.strip()


@pytest.mark.parametrize("text, word", [
    (None, "no boot.ini"), (b"\xff\xfe[\0b\0", "not a text"), (HEAD, "no boot.ini on this volume"),
    (HEAD + DEP * 10, "no more than 10")])
def test_boot_ini_that_cannot_be_used(tmp_path, text, word):
    xp = Xp(tmp_path)
    if text is None:
        (xp.tree / "boot.ini").unlink()
    else:
        xp.boot_ini(text)
    xp.cabinets(sp3=ALL)
    plan = xp.volume().plan("processors=2")
    assert not plan["edits"] and word in str(plan["warnings"])


@pytest.mark.parametrize("parts, number", [
    (((1, 1, "ntfs*"),), None), (((1, 1, "vfat"), (2, 40, "ntfs*")), 2),
    (((2, 40, "ntfs*"),), None),                        # entry 1 is empty: still the first
    (((1, 1, "ntfs"), (2, 40, ""), (5, 41, "ext4"), (6, 80, "ntfs*")), 3),
    (((1, 1, "ntfs"), (4, 40, "ntfs*")), 2)])
def test_partition_number(tmp_path, parts, number):
    xp = Xp(tmp_path).volume()
    volumes = xp.volumes(*parts)
    before = xp.pictures()
    plan = xp.plan(*volumes, "apply=1")
    assert not plan["warnings"]
    if number is None:
        assert not plan["edits"]
        return
    want = (HEAD + DEP).replace("partition(1)", f"partition({number})")
    assert xp.cat("boot.ini").decode() == want
    assert not xp.plan(*volumes)["edits"]
    run(TOOL, xp.image, "undo=1")
    assert xp.pictures() == before


def test_partition_and_hal(tmp_path):
    xp = Xp(tmp_path)
    xp.cabinets(sp3=ALL)
    xp.volume()
    volumes = xp.volumes((1, 1, "vfat"), (2, 40, "ntfs*"))
    xp.plan("processors=2", "apply=1", *volumes)
    text = xp.cat("boot.ini").decode()
    assert text.count("partition(2)") == 3 and "partition(1)" not in text and text.count("halmig") == 1
    assert not xp.plan("processors=2", *volumes)["edits"]


def test_dual_boot_lines_of_others_stay(tmp_path):
    """\\WINDOWS on partition 1 is another one; ours has its line already."""
    xp = Xp(tmp_path)
    xp.boot_ini(HEAD + DEP + DEP.replace("partition(1)", "partition(2)"))
    xp.volume()
    assert not xp.plan(*xp.volumes((1, 1, "ntfs"), (2, 40, "ntfs*")))["edits"]
    # on partition 3, nobody knows which of the two lines is ours
    plan = xp.plan(*xp.volumes((1, 1, "ntfs"), (2, 40, "ntfs"), (3, 80, "ntfs*")))
    assert not plan["edits"] and "partition(3)" in plan["warnings"][0]


@pytest.mark.parametrize("arc", ["scsi(1)disk(0)rdisk(0)partition(1)", "signature(8b467c12)disk(1)rdisk(0)partition(1)"])
def test_old_controller(tmp_path, arc):
    """Such a path needs ntbootdd.sys, the driver of the old controller."""
    xp = Xp(tmp_path)
    old = (HEAD + DEP).replace("multi(0)disk(0)rdisk(0)partition(1)", arc)
    xp.boot_ini(old)
    xp.volume()
    one = xp.volumes((1, 1, "ntfs*"))
    two = xp.plan(*xp.volumes((1, 1, "ntfs*"), n_disks=2))
    assert not two["edits"] and arc in two["warnings"][0]
    one = xp.volumes((1, 1, "ntfs*"))
    assert not xp.plan(*one, "apply=1")["warnings"]
    assert xp.cat("boot.ini").decode() == HEAD + DEP


# --- files of Windows itself

@pytest.mark.parametrize("place", ["Driver Cache/i386", "system32/dllcache", "ServicePackFiles/i386",
                                   "sp3", "driver", "cd", "cd-packed"])
def test_fetch(tmp_path, place):
    xp = Xp(tmp_path, missing=["system32\\drivers\\pciide.sys"])
    data = binary("pciide.sys")
    if place in ("sp3", "driver"):
        xp.cabinets(**{place: {"PCIIDE.SYS": data, "a.sys": binary("a.sys"), "z.sys": binary("z.sys")}})
    elif place.startswith("cd"):
        (xp.tree / "I386").mkdir()
        cabinet(xp.tree / "I386" / ("PCIIDE.SY_" if place == "cd-packed" else "DRIVER.CAB"),
                {"pciide.sys": data})
    else:
        xp.put(f"{place}/pciide.sys", data)
    xp.volume()
    plan = xp.plan("fetch=System32\\drivers\\pciide.sys", "apply=1")
    assert [e["path"] for e in plan["edits"]] == ["/WINDOWS/system32/drivers/pciide.sys"]
    assert xp.cat("WINDOWS/system32/drivers/pciide.sys") == data
    assert not xp.plan("fetch=System32\\drivers\\pciide.sys")["edits"]


def test_newest_service_pack_first(tmp_path):
    xp = Xp(tmp_path, missing=["system32\\drivers\\pciide.sys"])
    xp.cabinets(driver={"pciide.sys": binary("pciide.sys", (5, 1, 2600, 0))},
                sp2={"pciide.sys": binary("pciide.sys", SP2)},
                sp3={"atapi.sys": binary("atapi.sys")})
    xp.volume().plan("fetch=System32\\drivers\\pciide.sys", "apply=1")
    assert xp.cat("WINDOWS/system32/drivers/pciide.sys") == binary("pciide.sys", SP2)


def test_fetch_not_found(tmp_path):
    xp = Xp(tmp_path)
    xp.cabinets(sp3={"x.sys": binary("x.sys")})
    p = subprocess.run([TOOL, xp.volume().image, "fetch=System32\\drivers\\none.sys"],
                       capture_output=True, text=True, check=False, timeout=60)
    assert p.returncode and "none.sys in" in p.stderr and "sp3.cab" in p.stderr
    assert "Driver Cache" in p.stderr


@pytest.mark.parametrize("store", ["repository", "winsxs"])
def test_fetch_vista_and_later(tmp_path, store):
    guest = winguest.Guest("win7-sp1-x86")
    xp = Xp.__new__(Xp)
    xp.work, xp.tree, xp.image = tmp_path, tmp_path / "tree", tmp_path / "volume"
    xp.top = guest.tree(xp.tree, missing=["System32\\drivers\\msahci.sys"])
    name = {"repository": "System32/DriverStore/FileRepository/mshdc.inf_{}_neutral_{}",
            "winsxs": "winsxs/{}_mshdc.inf_31bf3856ad364e35_6.1.7601.17514_none_{}"}[store]
    old, new = (6, 1, 7600, 16385), (6, 1, 7601, 17514)
    for arch, digest, version, machine in (("x86", "f64b9c35a3a5be81", new, pe.X86),
                                           ("x86", "a000000000000000", old, pe.X86),
                                           ("amd64", "b000000000000000", (7, 0, 0, 0), pe.AMD64),
                                           ("x86", "c000000000000000", (8, 0, 0, 0), pe.AMD64)):
        xp.put(f"{name.format(arch, digest)}/msahci.sys", binary("msahci.sys", version, machine))
    xp.volume()
    plan = xp.plan("dir=Windows", "fetch=System32\\drivers\\msahci.sys", "apply=1")
    assert [e["path"] for e in plan["edits"]] == ["/Windows/System32/drivers/msahci.sys"]
    assert xp.cat("Windows/System32/drivers/msahci.sys") == binary("msahci.sys", new)
    assert not xp.plan("dir=Windows", "processors=2")["edits"]      # no HAL to choose there


def test_original_name_as_pefile_reads_it(tmp_path):
    """The made files are what they claim; so what was found above is no accident."""
    f = pefile.PE(data=binary("halmacpi.dll"))
    table = f.FileInfo[0][0].StringTable[0].entries
    assert table[b"OriginalFilename"] == b"halmacpi.dll"
    assert re.fullmatch(rb"5\.1\.2600\.5512", table[b"FileVersion"])
