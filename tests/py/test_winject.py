"""Driver packages written into Windows volumes (tests/tools/winject): every key and
value against what Windows itself wrote (driverdb_facts.py), and on XP, 7, 8.1 and
10 the word of winboot.py that the device is bound and the system starts.  Hives
are read by regf.py, files by ntfscat; the drivers' files are made by pe.py."""
import functools
import os
import pathlib
import re
import struct
import subprocess
from datetime import datetime, timedelta, timezone

import driverdb_facts as facts
import inf_reader
import pe
import pytest
import regf
import winboot
import winguest

B = pathlib.Path(os.environ.get("REHOST_B", "build"))
FIXTURES = pathlib.Path(os.environ.get("REHOST_FIXTURES", "."))
WINJECT = B / "tests/tools/winject"
pytestmark = [pytest.mark.skipif(not (FIXTURES / "hives").is_dir(), reason="no hives among the fixtures"),
              pytest.mark.skipif(not WINJECT.exists(), reason="winject is not built")]

_, XP, W7, W81, W10 = winguest.GUESTS
VIRTIO = "virtio-win-0.1.240/"
WHQL = b"0\x82 a catalog of a test " + facts.WHQL.encode() + b" 0"
CATROOT = "System32/CatRoot/{F750E6C3-38EE-11D1-85E5-00C04FC295EE}"
SCSI = "{4D36E97B-E325-11CE-BFC1-08002BE10318}"

guest = functools.lru_cache(None)(winguest.Guest)


@functools.lru_cache(None)
def clean(name):
    """The hive without StartOverride of the storage stack, and clean: by hivexregedit."""
    stack = ("disk", "partmgr", "volmgr", "mountmgr", "volsnap", "acpi", "pci", "EhStorClass")
    return guest(name).edits().no_override(*stack).value("Control\\Test", "Made", 1).apply()


class Volume:
    """An NTFS volume with a Windows on it."""

    def __init__(self, work, name, system=None, software=None, extra=None, room=64 << 20):
        self.guest, self.path, self.root = guest(name), work / "volume", winguest.GUESTS[name][0]
        tree = work / "tree"
        top = self.guest.tree(tree, system or clean(name))
        if software:
            next(p for p in top.rglob("*") if p.name.upper() == "SOFTWARE").write_bytes(software)
        for path, data in (extra or {}).items():
            at = top / path
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_bytes(data)
        for log in top.rglob("*.LOG*"):
            log.unlink()                 # the hive is clean
        # for each run the hives once more, as the undo has them
        self.size = (winguest.used(tree) * 5 // 4 + room) & -(1 << 20)
        winguest.ntfs(self.path, 1 << 20, self.size, tree, "windows")

    def inject(self, inf, *flags, status=0):
        p = subprocess.run([WINJECT, self.path, "0", str(self.size), self.root, inf, *flags],
                           capture_output=True, text=True, timeout=120, check=False)
        assert p.returncode == status, p.stdout + p.stderr
        if status:
            return p.stderr
        out = {"edit": [], "note": [], "warning": []}
        for line in p.stdout.splitlines():
            key, _, value = line.partition(": ")
            if key in ("edit", "note", "warning"):
                out[key].append(value)
            else:
                out[key] = value
        return out

    def read(self, path):
        """The bytes of a file below the Windows directory; None: there is none."""
        path = path.replace("System32", "system32") if self.guest.old else path
        p = subprocess.run(["ntfscat", self.path, f"/{self.root}/{path}"], capture_output=True,
                           timeout=60, check=False)
        return p.stdout if p.returncode == 0 else None

    def hive(self, name):
        config = "system32/config" if self.guest.old else "System32/config"
        return regf.Hive(self.read(f"{config}/{name.lower() if self.guest.old else name}"))

    def names(self, path):
        path = path.replace("System32", "system32") if self.guest.old else path
        out = subprocess.run(["ntfsls", "-p", f"/{self.root}/{path}", self.path], capture_output=True,
                             text=True, timeout=60, check=True).stdout
        return sorted(n for n in out.splitlines() if n not in (".", ".."))

    def judge(self, target, added):
        return winboot.decide(self.hive("SYSTEM"), self.guest.has(added=added), target,
                              self.hive("SOFTWARE"))


def package(work, fixture, name=None, arch=pe.AMD64, catalog=WHQL, leave_out=()):
    """The directory of a package: the INF of the fixtures, files made up by its list."""
    source = FIXTURES / "inf" / fixture
    top = work / "package"
    top.mkdir(exist_ok=True)
    inf = top / (name or source.name.split("__")[-1])
    inf.write_bytes(source.read_bytes())
    text = inf_reader.decode(source.read_bytes())
    for file in set(re.findall(r"[\w.-]+\.(?:sys|dll|exe|cat|mof|bin)", text, re.I)):
        if file.lower() in leave_out:
            continue
        data = catalog if file.lower().endswith(".cat") else pe.make(arch, ("ntoskrnl.exe",), note=file.encode())
        if data:
            (top / file).write_bytes(data)
    return inf


# --- key by key as Windows wrote it

def stored(value, names):
    """(type, bytes) of a fact."""
    wide = lambda s: (s.format(**names) if "{inf}" in s or "{pkg}" in s else s).encode("utf-16-le") + b"\0\0"
    if value is facts.NONE:
        return 0, b""
    if isinstance(value, facts.Qword):
        return 11, struct.pack("<Q", value)
    if isinstance(value, int):
        return 4, struct.pack("<I", value)
    if isinstance(value, bytes):
        return 3, value
    if isinstance(value, list):
        return 7, b"".join(map(wide, value)) + b"\0\0"
    return (2 if isinstance(value, facts.Expand) else 1), wide(value)


def named(text, names):
    for key, value in names.items():
        text = text.replace("{" + key + "}", value)
    return text


def meant(key, value):
    """Is the difference listed, for the key, the value, or a key above?"""
    return (key, value) in facts.DIFFERENT or any(
        value is None and key == k or key.startswith(k + "\\") or key == k
        for k, v in facts.DIFFERENT if v is None)


def compare(root, wanted, names, ours):
    """Differences that are not listed.  ours: keys of which every value must be known."""
    found, used = [], set()
    for key, values in wanted.items():
        at = root.find(named(key, names))
        if at is None:
            if not meant(key, None):
                found.append(("missing key", key))
            used.add(key)
            continue
        for name, value in values.items():
            got = at.value(named(name, names))
            if got is None or (got.kind, got.data) != stored(value, names):
                used.add((key, name))
                if not meant(key, name):
                    found.append((key, name, got and (got.kind, got.data), stored(value, names)))
        if key.startswith(ours):
            known = {named(n, names).upper() for n in values}
            for extra in set(at.values()) - known:
                original = next(v.name for v in at.all_values() if v.name.upper() == extra)
                if not meant(key, original):
                    found.append(("extra value", key, original))
            below = {k[len(key) + 1:].split("\\")[0].upper() for k in wanted if k.startswith(key + "\\")}
            found += [("extra key", key, k) for k in at.keys() if k not in below]
    return found


@pytest.mark.parametrize("driver, system, software", [
    ("viostor", facts.VIOSTOR, facts.VIOSTOR_SOFTWARE),
    ("vioscsi", facts.VIOSCSI, facts.VIOSCSI_SOFTWARE)])
def test_as_windows_wrote_it(tmp_path, driver, system, software):
    v = Volume(tmp_path, W10)
    inf = package(tmp_path, f"{VIRTIO}{driver}/w10/amd64/{driver}.inf")
    done = v.inject(inf, "boot")
    pkg = done["dir"].split("\\")[-1]
    assert re.fullmatch(driver + r"\.inf_amd64_[0-9a-f]{16}", pkg)
    names = {"inf": done["inf"], "pkg": pkg}
    ours = (facts.PACKAGE, f"{facts.SERVICES}\\{driver}", f"{facts.SERVICES}\\EventLog\\System\\{driver}")
    hive = v.hive("SYSTEM").root
    assert not compare(hive, system, names, ours)
    assert not compare(v.hive("SOFTWARE").root, software, names, ("Microsoft",))
    # files: the store has the package, the INF and the catalog have their copies
    store = f"System32/DriverStore/FileRepository/{pkg}"
    assert v.names(store) == sorted(f"{driver}.{e}" for e in ("cat", "inf", "sys"))
    for path in (f"{store}/{driver}.sys", f"System32/drivers/{driver}.sys"):
        assert v.read(path) == (inf.parent / f"{driver}.sys").read_bytes()
    assert v.read(f"inf/{done['inf']}") == inf.read_bytes()
    assert v.read(f"{CATROOT}/{done['inf'][:-4]}.cat") == WHQL
    # a second time there is nothing to do
    again = v.inject(inf, "boot")
    assert again["edit"] == [] and again["inf"] == done["inf"] and again["dir"] == done["dir"]
    subprocess.run(["ntfsfix", "-n", v.path], check=True, capture_output=True)


def test_every_difference_is_one():
    """No entry of DIFFERENT that would hide nothing."""
    keys = {k for one in (facts.VIOSTOR, facts.VIOSCSI, facts.VIOSTOR_SOFTWARE, facts.VIOSCSI_SOFTWARE)
            for k in one}
    assert {k for k, _ in facts.DIFFERENT} <= keys and all(facts.DIFFERENT.values())


def test_versions(tmp_path):
    """DriverVer and class in Version: as in the packages that Windows 10 has."""
    v = Volume(tmp_path, W10)
    done = v.inject(package(tmp_path, VIRTIO + "viostor/w10/amd64/viostor.inf"), "boot")
    data = v.hive("SYSTEM").root.find("DriverDatabase\\DriverPackages\\"
                                      + done["dir"].split("\\")[-1]).value("Version").data
    assert data[:24].hex() == facts.VERSION and len(data) == 48
    when, = struct.unpack_from("<Q", data, 24)
    assert datetime(1601, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=when // 10) == \
        datetime(2023, 7, 21, tzinfo=timezone.utc)
    assert struct.unpack_from("<4H", data, 32) == (24000, 104, 93, 100) and not any(data[40:])


# --- bound, and boots

CASES = [
    # guest, INF, architecture, boots on, driver
    (W10, VIRTIO + "viostor/w10/amd64/viostor.inf", pe.AMD64, "kvm/virtio-blk", "viostor"),
    (W10, VIRTIO + "viostor/w10/amd64/viostor.inf", pe.AMD64, "kvm/virtio-blk-modern", "viostor"),
    (W10, VIRTIO + "vioscsi/w10/amd64/vioscsi.inf", pe.AMD64, "kvm/virtio-scsi-modern", "vioscsi"),
    (W10, VIRTIO + "vioscsi/w10/amd64/vioscsi.inf", pe.AMD64, "gcp/virtio-scsi", "vioscsi"),
    (W10, "modern-x64/amd64__Dell__SCSIAdapter__iaStorVD_19.5.1.1040_E5E83B1__iaStorVD.inf", pe.AMD64,
     "physical/vmd-laptop", "iaStorVD"),
    (W81, VIRTIO + "viostor/w8.1/amd64/viostor.inf", pe.AMD64, "kvm/virtio-blk", "viostor"),
    (W81, VIRTIO + "vioscsi/w8.1/amd64/vioscsi.inf", pe.AMD64, "kvm/virtio-scsi", "vioscsi"),
    (W7, VIRTIO + "viostor/w7/x86/viostor.inf", pe.X86, "kvm/virtio-blk", "viostor"),
    (XP, VIRTIO + "viostor/xp/x86/viostor.inf", pe.X86, "kvm/virtio-blk", "viostor"),
]


@pytest.mark.parametrize("name, fixture, arch, target, service", CASES,
                         ids=[f"{c[4]}-{c[0].split('-')[0]}-{c[3].split('/')[1]}" for c in CASES])
def test_boots(tmp_path, name, fixture, arch, target, service):
    v = Volume(tmp_path, name)
    before = winboot.decide(v.hive("SYSTEM"), v.guest.has(), target)
    assert not before["boots"]
    inf = package(tmp_path, fixture, arch=arch)
    done = v.inject(inf, "boot")
    assert done["bound"] == "1" and not done["warning"]
    key = v.hive("SYSTEM").root.find(f"ControlSet001\\Services\\{service}")
    path = winboot.path_of_image(key.text("ImagePath"), service)
    assert pe.machine(v.read(path.replace("\\", "/"))) == arch
    answer = v.judge(target, [path])
    assert answer["boots"], answer["reasons"]
    ways = answer["sets"][answer["control_set"]]["ways"]
    assert service in [d["service"] for d in ways[0]["devices"]]
    assert v.inject(inf, "boot")["edit"] == []


# --- the storage INFs of the fixtures, each device that they serve

TARGETS = {W10: ("amd64", 10, 0, 16299), W81: ("amd64", 6, 3, 9600), W7: ("x86", 6, 1, 7601),
           XP: ("x86", 5, 1, 2600)}
STORAGE_CLASSES = ("scsiadapter", "hdc")
INFS = 12 if "REHOST_SWEEP" in os.environ else 5     # of each kind enough; the others differ in numbers


def infs(arch):
    for path in sorted((FIXTURES / "inf").rglob("*")):
        if path.suffix.lower() == ".inf" and path.name not in ("nodev.inf",):
            yield path


def second_reading(path, name, includes=None):
    arch, major, minor, build = TARGETS[name]
    target = inf_reader.Target(arch, major, minor, build)
    return inf_reader.read(path.read_bytes(), target, includes)


def bound_service(hive, sets, one, inf):
    """What each database says of the id: {(service, class)}."""
    database = hive.root.find("DriverDatabase")
    if database:
        key = database.find("DeviceIds\\" + one)
        assert key and key.value(inf), one
        package = database.find("DriverPackages\\" + database.find("DriverInfFiles\\" + inf).text("Active"))
        config = package.find("Descriptors\\" + one).text("Configuration")
        return {package.find("Configurations\\" + config).text("Service")}
    table = "\\Control\\CriticalDeviceDatabase\\" + one.replace("\\", "#")
    return {hive.root.find(s + table).text("Service") for s in sets}


@pytest.mark.parametrize("name", TARGETS)
def test_storage_infs(tmp_path, name):
    v, tried, ids = Volume(tmp_path, name, room=400 << 20), 0, 0
    for source in infs(TARGETS[name][0]):
        reading = second_reading(source, name)
        if reading["version"]["class"].lower() not in STORAGE_CLASSES or not reading["models"]:
            continue
        if tried == INFS:
            break
        inf = package(tmp_path, source.relative_to(FIXTURES / "inf"),
                      arch=pe.AMD64 if TARGETS[name][0] == "amd64" else pe.X86)
        done = v.inject(inf, "boot")
        assert done["bound"] == "1", source
        tried += 1
        hive, files = v.hive("SYSTEM"), {n.lower() for n in v.names("System32/drivers")}
        sets = [k.name for k in hive.root.subkeys() if k.name.startswith("ControlSet")]
        for model in reading["models"]:
            install = reading["installs"][model["install"]]
            services = [s for s in install["services"] if s["flags"] & 2] if install != "error" else []
            for one in model["ids"] if services and services[0]["name"] else ():
                got = bound_service(hive, sets, one, done["inf"])
                assert got <= {s["name"] for i in reading["installs"].values() if i != "error"
                               for s in i["services"]}, (source, one)
                ids += 1
            for service, control in ((s, c) for s in services for c in sets if s["name"]):
                key = hive.root.find(f"{control}\\Services\\{service['name']}")
                assert key.number("Type") == service["type"] and key.number("Start") == 0
                assert key.text("Group") == (service["group"] or None)
                assert winboot.path_of_image(key.text("ImagePath"), "").split("\\")[-1].lower() in files
        assert v.inject(inf, "boot")["edit"] == [], source
    assert tried >= INFS // 2 and 2 * ids > 5 * INFS


# --- single facts

def test_oem_names(tmp_path):
    """The first number that is free everywhere, and its bit from the left."""
    system = winguest.merge(clean(W10), {"DriverDatabase\\DriverInfFiles\\oem15.inf": {"Active": "x"}})
    v = Volume(tmp_path, W10, system, extra={"inf/oem14.inf": b"; somebody's"})
    before = v.hive("SYSTEM").root.find("DriverDatabase").value("OemInfMap").data
    assert before == bytes([0xFF, 0xFC])
    done = v.inject(package(tmp_path, VIRTIO + "viostor/w10/amd64/viostor.inf"), "boot")
    assert done["inf"] == "oem16.inf"
    assert v.hive("SYSTEM").root.find("DriverDatabase").value("OemInfMap").data == bytes([0xFF, 0xFC, 0x80])


def test_changed_package_is_another(tmp_path):
    """Another driver file: another directory, another oemN.inf; both own the service."""
    v = Volume(tmp_path, W10)
    inf = package(tmp_path, VIRTIO + "viostor/w10/amd64/viostor.inf")
    first = v.inject(inf, "boot")
    (inf.parent / "viostor.sys").write_bytes(pe.make(pe.AMD64, ("storport.sys",)))
    inf.write_bytes(inf.read_bytes().replace(b"07/21/2023,100.93", b"08/21/2024,100.95"))
    second = v.inject(inf, "boot")
    assert (first["inf"], second["inf"]) == ("oem14.inf", "oem15.inf") and first["dir"] != second["dir"]
    root = v.hive("SYSTEM").root
    assert root.find(facts.SERVICES + "\\viostor").texts("Owners") == ["oem14.inf", "oem15.inf"]
    assert {x.name for x in root.find("DriverDatabase\\DeviceIds\\PCI\\VEN_1AF4&DEV_1001").all_values()} == \
        {"oem14.inf", "oem15.inf"}
    assert v.read("System32/drivers/viostor.sys") == pe.make(pe.AMD64, ("storport.sys",))


def test_version_that_windows_has(tmp_path):
    """What Windows installed stays as it is; only its service is looked after."""
    v = Volume(tmp_path, W10)
    inf = package(tmp_path, VIRTIO + "viostor/w10/amd64/viostor.inf")
    v.inject(inf, "boot")
    root = v.hive("SYSTEM").root
    key = next(k for k in root.find("DriverDatabase\\DriverPackages").subkeys() if k.name.startswith("viostor"))
    theirs = "viostor.inf_amd64_520417bbc533faba"
    system = winguest.merge(clean(W10), {
        f"DriverDatabase\\DriverPackages\\{theirs}": {
            "": "oem13.inf", "Version": key.value("Version").data[:40] + b"\0\x42" + bytes(6)},
        "DriverDatabase\\DriverInfFiles\\oem13.inf": {"Active": theirs},
        "ControlSet001\\Services\\viostor": {"Start": 3, "Type": 1, "Group": "SCSI miniport", "Tag": 7},
        "ControlSet001\\Services\\viostor\\StartOverride": {"0": 3}})
    (tmp_path / "two").mkdir()
    v = Volume(tmp_path / "two", W10, system, extra={"System32/drivers/viostor.sys": b"theirs"})
    done = v.inject(inf, "boot")
    assert (done["inf"], done["reused"]) == ("oem13.inf", "1") and done["dir"].endswith(theirs)
    assert [e.rsplit("/", 1)[1] for e in done["edit"]] == ["SYSTEM"]
    service = v.hive("SYSTEM").root.find(facts.SERVICES + "\\viostor")
    assert (service.number("Start"), service.number("Tag")) == (0, 7)
    assert service.find("StartOverride") is None and service.texts("Owners") == ["oem13.inf"]
    assert v.inject(inf, "boot")["edit"] == []


def test_not_the_way_to_the_disk(tmp_path):
    """Without `boot` Start is the INF's."""
    v = Volume(tmp_path, W10)
    inf = package(tmp_path, VIRTIO + "vioscsi/w10/amd64/vioscsi.inf")
    text = inf.read_bytes().replace(b"%SERVICE_BOOT_START%", b"3")
    inf.write_bytes(text)
    v.inject(inf)
    key = v.hive("SYSTEM").root.find(facts.SERVICES + "\\vioscsi")
    assert key.number("Start") == 3
    assert key.text("ImagePath") == "\\SystemRoot\\System32\\drivers\\vioscsi.sys"
    v.inject(inf, "boot")
    key = v.hive("SYSTEM").root.find(facts.SERVICES + "\\vioscsi")
    assert key.number("Start") == 0 and key.text("ImagePath") == "System32\\drivers\\vioscsi.sys"


def test_network_card_is_left_to_pnputil(tmp_path):
    v = Volume(tmp_path, W10)
    inf = package(tmp_path, VIRTIO + "NetKVM/w10/amd64/netkvm.inf")
    done = v.inject(inf)
    assert done["bound"] == "0" and done["inf"] == "" and done["dir"].startswith("Drivers\\netkvm.inf_amd64_")
    assert v.hive("SOFTWARE").root.find("Microsoft\\Windows\\CurrentVersion").text("DevicePath") == \
        "%SystemRoot%\\inf;%SystemRoot%\\" + done["dir"]
    assert not any(e.lower().endswith("/system") or "/drivers/netkvm.sys" in e for e in done["edit"])
    assert "netkvm.sys" in v.names(done["dir"].replace("\\", "/"))
    assert v.inject(inf)["edit"] == []


def test_seven(tmp_path):
    """Both control sets; the entry of an in-box driver is replaced with its package."""
    one = "PCI#VEN_1AF4&DEV_1001"
    edits = guest(W7).edits().critical(one, "other", SCSI)
    edits.value("Control\\CriticalDeviceDatabase\\" + one.lower(), "DriverPackageId", "other.inf_x86_neutral_0")
    edits.value("Control\\CriticalDeviceDatabase\\" + one.lower(), "UpperFilters", ["otherfilter"])
    v = Volume(tmp_path, W7, edits.override("viostor", 3).apply())
    inf = package(tmp_path, VIRTIO + "viostor/w7/x86/viostor.inf", arch=pe.X86)
    done = v.inject(inf, "boot")
    assert done["inf"] == "" and done["dir"].startswith("Drivers\\viostor.inf_x86_")
    root = v.hive("SYSTEM").root
    sets = [k for k in root.subkeys() if k.name.startswith("ControlSet")]
    assert len(sets) == 2
    for control in sets:
        key = control.find("Control\\CriticalDeviceDatabase\\" + one)
        assert {x.name.lower(): x.text() for x in key.all_values()} == {"service": "viostor", "classguid": SCSI}
        service = control.find("Services\\viostor")
        assert service.number("Start") == 0 and not service.find("StartOverride")
        assert not service.value("Owners")
    path = "%SystemRoot%\\inf;%SystemRoot%\\" + done["dir"]
    key = "Microsoft\\Windows\\CurrentVersion"
    assert v.hive("SOFTWARE").root.find(key).text("DevicePath") == path
    assert v.inject(inf, "boot")["edit"] == []
    inf = package(tmp_path, "mass-storage-2013/AMD__8x86__amd_sata.inf", "amd_sata.inf", pe.X86)
    inf.write_bytes(inf.read_bytes().replace(b"NTx86.6.2", b"NTx86.6.1"))
    other = v.inject(inf)
    assert v.hive("SOFTWARE").root.find(key).text("DevicePath") == path + ";%SystemRoot%\\" + other["dir"]


def test_xp(tmp_path):
    v = Volume(tmp_path, XP)
    inf = package(tmp_path, VIRTIO + "viostor/xp/x86/viostor.inf", arch=pe.X86)
    done = v.inject(inf, "boot")
    assert done["inf"] == "oem0.inf" and v.read("inf/oem0.inf") == inf.read_bytes()
    assert v.read(CATROOT + "/oem0.cat") == WHQL
    again = v.inject(inf, "boot")
    assert again["edit"] == [] and again["inf"] == "oem0.inf"


def test_filter_starts_with_its_driver(tmp_path):
    """As Windows has it for its own amdsata: in the configuration, not in Device."""
    v = Volume(tmp_path, W10)
    inf = package(tmp_path, "mass-storage-2013/AMD__8x86__amd_sata.inf", "amd_sata.inf")
    inf.write_bytes(inf.read_bytes().replace(b"NTx86", b"NTamd64"))
    v.inject(inf, "boot")
    root = v.hive("SYSTEM").root
    package_key = next(k for k in root.find("DriverDatabase\\DriverPackages").subkeys()
                       if k.name.startswith("amd_sata.inf_amd64"))
    with_filters = [c for c in package_key.find("Configurations").subkeys() if c.texts("UpperFilters")]
    assert with_filters and all(c.texts("UpperFilters") == ["amd_xata"] for c in with_filters)
    assert not any(c.find("Device").value("UpperFilters") for c in with_filters if c.find("Device"))
    for service in ("amd_sata", "amd_xata"):
        assert root.find(f"{facts.SERVICES}\\{service}").number("Start") == 0


# --- an INF with everything; what is refused

CORNERS = r"""[Version]
Signature="$Windows NT$"
Class=SCSIAdapter
ClassGuid={4D36E97B-E325-11CE-BFC1-08002BE10318}
Provider=%V%
DriverVer=02/29/2024,1.2.3.4
PnpLockdown=1
[Manufacturer]
%V%=Models,NTamd64
[Models.NTamd64]
%Dev% = Inst, PCI\VEN_FFFE&DEV_0001, PCI\VEN_FFFE&DEV_0002, PCI\VEN_FFFE&CC_0100
"Plain text" = Inst, PCI\VEN_FFFE&DEV_0002
%Null% = NullInst, PCI\VEN_FFFE&DEV_0003
[Inst.NT]
Include=machine.inf
Needs=PciIoSpaceNotRequired
CopyFiles=Copied,Stays
AddReg=Software
FeatureScore=F8
[Inst.NT.HW]
Include=machine.inf
Needs=PciIoSpaceNotRequired.HW
AddReg=Hardware
[Inst.NT.Services]
AddService=corner,2,Service
AddService=stays,0,Stays.Service
[NullInst.NT]
AddReg=Software
[NullInst.NT.Services]
AddService=,2
[DestinationDirs]
Copied=12
Stays=13
[SourceDisksNames]
1=disk
[SourceDisksFiles]
corner.sys=1,x64
stays.sys=1
[Copied]
corner2.sys,corner.sys
[Stays]
stays.sys
[Service]
ServiceType=1
StartType=3
ErrorControl=3
ServiceBinary=%12%\corner2.sys
LoadOrderGroup=SCSI miniport
AddReg=Service.Reg
DelReg=Service.Del
[Service.Reg]
HKR,Parameters,Kept,0x00010003,5
HKR,Parameters,List,0x00010008,one,two
HKLM,SYSTEM\CurrentControlSet\Control\Corner,Made,0x00010001,1
HKLM,SOFTWARE\Corner,Made,,yes
[Service.Del]
HKR,Parameters,Kept
HKR,,Gone
[Stays.Service]
ServiceType=1
StartType=3
ErrorControl=1
ServiceBinary=%13%\stays.sys
[Software]
HKR,,DriverValue,,text
[Hardware]
HKR,,LowerFilters,0x00010000,stays
[Strings]
V="Corner & Co."
Dev="A corner"
Null="No driver needed"
"""
MACHINE = r"""[Version]
Signature="$Windows NT$"
[PciIoSpaceNotRequired]
[PciIoSpaceNotRequired.HW]
AddReg=Io
[Io]
HKR,e5b3b5ac-9725-4f78-963f-03dfb1d828c7,IoNotRequired,0x00010001,1
"""


def corner_package(work, text=CORNERS, names=("x64/corner.sys", "stays.sys")):
    top = work / "Corner"
    for name in names:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(pe.make(pe.AMD64, note=name.encode()))
    (top / "Corner.INF").write_text(text, newline="\r\n")
    return top / "Corner.INF"


def test_corners(tmp_path):
    edits = guest(W10).edits().value("Services\\corner", "Gone", "x")
    v = Volume(tmp_path, W10, edits.apply(), extra={"inf/machine.inf": MACHINE.encode()})
    inf = corner_package(tmp_path)
    done = v.inject(inf, "boot")
    assert any("unsigned" in w for w in done["warning"]) or done["warning"] == []
    pkg = done["dir"].split("\\")[-1]
    root, software = v.hive("SYSTEM").root, v.hive("SOFTWARE").root
    key = root.find("DriverDatabase\\DriverPackages\\" + pkg)
    assert pkg.startswith("corner.inf_amd64_") and key.text("InfName") == "Corner.INF"
    assert key.number("SignerScore") == 0x80000000 and not key.value("Catalog") and not key.value("SignerName")
    # the hardware id counts more; the second compatible id has its number
    ids = root.find("DriverDatabase\\DeviceIds\\PCI")
    assert [ids.find(i).value(done["inf"]).data.hex() for i in
            ("VEN_FFFE&DEV_0001", "VEN_FFFE&DEV_0002", "VEN_FFFE&CC_0100", "VEN_FFFE&DEV_0003")] == \
        ["01f80000", "01f80000", "02f80100", "01ff0000"]
    names = {d.name: (d.text("Description"), d.text("Configuration")) for d in key.find("Descriptors\\PCI").subkeys()}
    assert names == {"VEN_FFFE&DEV_0001": ("%dev%", "Inst.NT"), "VEN_FFFE&DEV_0002": ("Plain text", "Inst.NT"),
                     "VEN_FFFE&CC_0100": ("%dev%", "Inst.NT"), "VEN_FFFE&DEV_0003": ("%null%", "NullInst.NT")}
    config = key.find("Configurations\\Inst.NT")
    assert config.texts("IncludedInfs") == ["machine.inf"] and config.texts("LowerFilters") == ["stays"]
    assert config.find("Device\\e5b3b5ac-9725-4f78-963f-03dfb1d828c7").number("IoNotRequired") == 1
    assert config.find("Driver").text("DriverValue") == "text" and config.number("ConfigScope") == 7
    assert config.find("Services\\corner\\Parameters").value("Kept").kind == 0x20004
    assert config.find("Services\\corner\\Parameters").value("List").kind == 0x40007
    null = key.find("Configurations\\NullInst.NT")
    assert null.text("Service") == "" and null.number("ConfigScope") == 5
    # services: the driver, and what stays in the store
    service = root.find(facts.SERVICES + "\\corner")
    assert service.text("ImagePath") == "System32\\drivers\\corner2.sys" and service.number("Start") == 0
    assert service.find("Parameters").texts("List") == ["one", "two"] and not service.value("Gone")
    stays = root.find(facts.SERVICES + "\\stays")
    assert stays.text("ImagePath") == f"\\SystemRoot\\System32\\DriverStore\\FileRepository\\{pkg}\\stays.sys"
    assert stays.number("Start") == 0
    assert root.find("ControlSet001\\Control\\Corner").number("Made") == 1
    assert software.find("Corner").text("Made") == "yes"
    # files: "x64" stays a directory of the store; one file is locked, the other has no copy
    store = "System32/DriverStore/FileRepository/" + pkg
    assert v.names(store) == ["Corner.INF", "stays.sys", "x64"]
    assert v.read("System32/drivers/corner2.sys") == v.read(store + "/x64/corner.sys") == \
        (inf.parent / "x64/corner.sys").read_bytes()
    locked = software.find("Microsoft\\Windows\\CurrentVersion\\Setup\\PnpLockdownFiles")
    assert [k.name for k in locked.subkeys()] == ["%SystemRoot%/System32/drivers/corner2.sys"]
    assert locked.subkeys()[0].text("Source").endswith(pkg + "\\x64\\corner.sys")
    assert v.inject(inf, "boot")["edit"] == []


@pytest.mark.parametrize("change, said", [
    # a driver that is missing
    ({"names": ("stays.sys",)}, "the driver corner.sys, which its INF names, is missing"),
    # for another Windows
    ({"text": CORNERS.replace("Models,NTamd64", "Models,NTamd64.10.0...20000")}, "serves no device on"),
    # out of its directory, onto Windows' files
    ({"text": CORNERS.replace("corner.sys=1,x64", "corner.sys=1,..\\..\\x64")}, "no place in a package"),
    ({"text": CORNERS.replace("Copied=12", "Copied=12,..\\..\\config")}, "wants to write"),
])
def test_refused(tmp_path, change, said):
    v = Volume(tmp_path, W10)
    before = v.path.read_bytes()
    assert said in v.inject(corner_package(tmp_path, **change), "boot", status=1)
    assert v.path.read_bytes() == before


def test_later_build(tmp_path):
    """Models for a build: VMware's pvscsi is for Windows 2022 and 11, not for 1709."""
    fixture = "modern-x64/amd64__VMware__SCSIAdapter__pvscsi_1.3.28.0_0736F8E65C9F__pvscsi.inf"
    inf = package(tmp_path, fixture)
    v = Volume(tmp_path, W10)
    assert "serves no device" in v.inject(inf, "boot", status=1)
    (tmp_path / "later").mkdir()
    software = winguest.merge(guest(W10).software(), {
        "Microsoft\\Windows NT\\CurrentVersion": {"CurrentBuild": "20348", "CurrentBuildNumber": "20348"}})
    v = Volume(tmp_path / "later", W10, software=software)
    v.inject(inf, "boot")
    answer = v.judge("vmware/pvscsi", ["System32\\drivers\\pvscsi.sys"])
    assert answer["boots"], answer["reasons"]
