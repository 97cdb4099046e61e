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

    def __init__(self, work, name, system=None, software=None, extra=None):
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
        self.size = (winguest.used(tree) * 4 + (48 << 20)) & -(1 << 20)
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
