"""The Windows-like disks that winguest.py makes are what they say, as other
programs see them, and boot as far as winboot.py can tell."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import uuid

import pe
import pytest
import regf
import winboot
import winguest

B = pathlib.Path(os.environ.get("REHOST_B", "build"))
FIXTURES = pathlib.Path(os.environ.get("REHOST_FIXTURES", "."), "hives")
pytestmark = pytest.mark.skipif(not FIXTURES.is_dir(), reason="no hives among the fixtures")
needs_fill = pytest.mark.skipif(not (B / "tests/tools/ntfs-fill").exists(), reason="ntfs-fill is not built")

NT4, XP, W7, W81, W10 = winguest.GUESTS


def output(*argv, status=0):
    p = subprocess.run([str(a) for a in argv], capture_output=True, timeout=120, check=False)
    assert p.returncode == status, p.stdout + p.stderr
    return p.stdout


def hashes(tree):
    """As ntfs-hashes prints it."""
    return sorted(f"{hashlib.sha256(p.read_bytes()).hexdigest()}  ./{p.relative_to(tree)}"
                  for p in pathlib.Path(tree).rglob("*") if p.is_file())


@pytest.mark.parametrize("machine", [pe.X86, pe.AMD64, pe.ARM64])
def test_pe_files(machine):
    data = pe.make(machine, ("ntoskrnl.exe", "storport.sys"))
    assert pe.machine(data) == machine and len(data) % 512 == 0
    at, = struct.unpack_from("<I", data, 0x3C)
    wide = machine != pe.X86
    sections, size = struct.unpack_from("<H12xH", data, at + 6)
    assert sections == 2 and struct.unpack_from("<H", data, at + 24)[0] == (0x20B if wide else 0x10B)
    # the checksum: the sum of all 16-bit words with carry, and the length
    said, = struct.unpack_from("<I", data, at + 24 + 64)
    words = sum(struct.unpack(f"<{len(data) // 2}H", data)) - (said & 0xFFFF) - (said >> 16)
    while words >> 16:
        words = (words & 0xFFFF) + (words >> 16)
    assert said == words + len(data)
    # its last section ends where the file ends, the import table names both libraries
    table = at + 24 + size
    raw_size, raw = struct.unpack_from("<II", data, table + 40 + 16)
    assert raw + raw_size == len(data)
    names = re.findall(rb"[a-z]+\.(?:exe|sys)", data[raw:])
    assert names == [b"ntoskrnl.exe", b"storport.sys"]
    assert pe.machine(b"MZ") is None and pe.machine(b"") is None


def test_tree_holds_what_the_hive_names(tmp_path):
    g = winguest.Guest(XP)
    top = g.tree(tmp_path / "c", missing=["system32\\drivers\\ATAPI.sys"])
    assert top.name == "WINDOWS" and (top / "system32/config/system").read_bytes() == g.system
    assert pe.machine((top / "system32/drivers/intelide.sys").read_bytes()) == pe.X86
    assert not (top / "system32/drivers/atapi.sys").exists()
    software = regf.Hive((top / "system32/config/software").read_bytes())
    key = software.root.find("Microsoft\\Windows NT\\CurrentVersion")
    assert (key.text("CurrentVersion"), key.text("SystemRoot")) == ("5.1", "C:\\WINDOWS")
    # the tree itself says what is there, and for which processor
    tree = winboot.Tree(top)
    answer = winboot.decide(g.hive, tree.has, "physical/dell-gx260", software, machine_of=tree.machine_of)
    assert [(r["code"], r["subject"]) for r in answer["reasons"]] == [("file-missing", "atapi")]
    assert answer["version"] == [5, 1]
    for machine, codes in ((pe.AMD64, ["file-machine"]), (pe.X86, [])):
        (top / "system32/drivers/atapi.sys").write_bytes(pe.make(machine))
        tree = winboot.Tree(top)
        answer = winboot.decide(g.hive, tree.has, "physical/dell-gx260", machine_of=tree.machine_of)
        assert [r["code"] for r in answer["reasons"]] == codes
    command = [sys.executable, winboot.__file__, "--system", top / "system32/config/system", "--files", top]
    assert output(*command, "--target", "physical/dell-gx260").endswith(b"boots (ControlSet001)\n")
    output(*command, "--target", "kvm/ide", status=1)


@needs_fill
@pytest.mark.parametrize("name, table, roles", [
    (NT4, None, {"windows": (1, 1 << 20)}),
    (XP, None, {"windows": (1, 63 * 512)}),                # at the old offset, as it was
    (W7, "gpt", {"esp": (1, 1 << 20), "windows": (3, 25 << 20)}),
    (W81, None, {"boot": (1, 1 << 20), "windows": (2, 0x15F00000)}),
    (W10, None, {"esp": (1, 1 << 20), "windows": (3, 25 << 20)}),
])
def test_disk(tmp_path, name, table, roles):
    g = winguest.Guest(name)
    disk = tmp_path / "disk"
    parts = {role: (n, at, size) for n, role, at, size in g.disk(disk, table)}
    assert {r: p[:2] for r, p in parts.items()} == roles
    seen = json.loads(output("sfdisk", "-J", disk))["partitiontable"]
    assert seen["label"] == ("gpt" if "esp" in roles else "dos")
    n, at, size = parts["windows"]
    assert seen["partitions"][n - 1]["start"] * 512 == at
    # ids are those that the hive's MountedDevices has
    c = g.drive_c()
    if c and c[0] == "mbr" and not table:
        assert int(seen["id"], 16) == c[1]
    elif c and c[0] == "gpt":
        assert seen["partitions"][n - 1]["uuid"] == c[1]
    # NTFS: judged by ntfsfix, its boot sector knows where it lies, the files are all there
    winguest.run(["dd", f"if={disk}", f"of={tmp_path / 'part'}", "bs=512", f"skip={at // 512}",
                  f"count={size // 512}", "conv=sparse", "status=none"])
    assert struct.unpack_from("<I", (tmp_path / "part").read_bytes()[:512], 0x1C) == (at // 512,)
    output("ntfsfix", "-n", tmp_path / "part")
    want = tmp_path / "tree"
    g.tree(want)
    if set(roles) == {"windows"}:
        g.boot_files(want, 1, (int(seen["id"], 16), at, at))
    got = output(B / "tests/tools/ntfs-hashes", disk, at, size).decode()
    assert sorted(got.splitlines()) == hashes(want)
    if "esp" in roles:
        image = f"{disk}@@{parts['esp'][1]}"
        # the boot configuration names these partitions
        store = output("mtype", "-i", image, "::/EFI/Microsoft/Boot/BCD")
        assert uuid.UUID(seen["partitions"][n - 1]["uuid"]).bytes_le in store
        assert uuid.UUID(seen["id"]).bytes_le in store
        loader = output("mtype", "-i", image, "::/EFI/Microsoft/Boot/bootmgfw.efi")
        assert pe.machine(loader) == winguest.ARCH[g.arch]
    if shutil.which("rehost-adapt"):
        system, = json.loads(output("rehost-adapt", "--detect", "--json", disk))["systems"]
        assert (system["kind"], system["partition"], system["directory"]) == ("windows", n, g.root_name)
        assert system["arch"] == {"x86": "x86", "AMD64": "x64"}[g.arch]
        if g.facts:
            assert system["build"] == g.facts["CurrentBuildNumber"]


@needs_fill
def test_command(tmp_path):
    tool = [sys.executable, winguest.__file__, "--guest", W7]
    output(*tool, "--tree", tmp_path / "c", "--start", "msahci=0", "--override", "disk=3",
           "--filter", "{4D36E967-E325-11CE-BFC1-08002BE10318}:UpperFilters=gone", "--pnp", "DisableCDDB=1",
           "--critical", "pci#ven_1234&dev_5678=pciide", "--missing", "System32\\drivers\\storport.sys")
    windows = tmp_path / "c/Windows"
    assert not (windows / "System32/drivers/storport.sys").exists()
    hive = regf.Hive((windows / "System32/config/SYSTEM").read_bytes())
    for one in ("ControlSet001", "ControlSet002"):
        key = hive.root.find(one)
        assert key.find("Services\\msahci").number("Start") == 0
        assert key.find("Services\\disk\\StartOverride").number("0") == 3
        assert key.find("Control\\PnP").number("DisableCDDB") == 1
        disks = key.find("Control\\Class\\{4D36E967-E325-11CE-BFC1-08002BE10318}")
        assert disks.texts("UpperFilters") == ["PartMgr", "gone"]
        entry = key.find("Control\\CriticalDeviceDatabase\\pci#ven_1234&dev_5678")
        assert entry.text("Service") == "pciide"
