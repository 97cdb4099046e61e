"""rehost adapt on Windows-like disks around real hives: for every target, what it says
of each way to the disk, before and after its edits, is what an independent decision
(winboot.py: other code, another registry reader) says of the hive on the disk."""
import json
import os
import re
import subprocess
import types

import pytest

import regf
import win_targets
import winboot
import winguest
from windisk import (FIXTURES, Disk, copy_of, files_below, list_below, ntfs_file, packages,
                     recovered, same_bytes, volume)

B = os.environ.get("REHOST_B", "build")
ADAPT = os.path.join(B, "rehost-adapt")
pytestmark = pytest.mark.skipif(not os.path.isdir(os.path.join(FIXTURES, "hives")),
                                reason="no fixtures")

GUESTS = ["winxp-sp3-x86", "win7-sp1-x86", "win81-x64-dirty-nologs", "win10-1709-x64-dirty"]
PROFILES = ["kvm", "vmware", "hyperv-gen1", "hyperv-gen2", "xen", "virtualbox", "aws", "gcp",
            "azure"]
PHYSICAL = [w.name for w in win_targets.PHYSICAL.ways]


def pairs(targets):
    """Each guest with each target for `make adapt-sweep`; else a third of the targets for
    each guest, so that each target has one."""
    step = 1 if "REHOST_SWEEP" in os.environ else 3
    return [(name, target) for i, name in enumerate(GUESTS)
            for j, target in enumerate(targets) if (i + j) % step == 0]


@pytest.fixture(scope="module")
def disks(tmp_path_factory):
    made = {}

    def get(name):
        if name not in made:
            made[name] = Disk(name, tmp_path_factory.mktemp("disks"))
        return made[name]
    return get


def adapt(path, *options, status=(0, 3)):
    done = subprocess.run([ADAPT, "--json", *options, str(path)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=120)
    assert done.returncode in status, done.stderr
    return json.loads(done.stdout)["systems"][0] if done.stdout else done.stderr


def ways_of(target):
    return [w for w in win_targets.find(target).ways if w.title]


def said(system):
    return {w["name"]: w for w in system["ways"]}


def boots(hive, has, target, way):
    return winboot.decide(hive, has, f"{target}/{way.name}")


def compare(answer, verdict, what):
    assert answer["boots"] == verdict, (what, answer["reasons"])


@pytest.mark.parametrize("name, target", pairs(PROFILES))
def test_profile(disks, tmp_path, name, target):
    disk = disks(name)
    at = copy_of(disk, tmp_path)
    plan = adapt(at, "--dry-run", "--profile", target)
    ours, hive, has = said(plan), disk.original, disk.guest.has()
    for way in ways_of(target):
        compare(boots(hive, has, target, way), not ours[way.title]["before"],
                (way.name, "before", ours[way.title]["before"]))
    assert same_bytes(at, disk.path)
    adapt(at, "--yes", "--profile", target)
    vol = volume(disk, at, tmp_path)
    after = regf.Hive(disk.hive_on(vol))
    has = files_below(vol, disk.guest.root_name)
    for way in ways_of(target):
        compare(boots(after, has, target, way), not ours[way.title]["after"],
                (way.name, "after", ours[way.title]["after"]))
    good = adapt(at, "--check", "--profile", target)["check"]["ok"]
    assert good == (plan["verdict"] != "will-not-boot")
    again = adapt(at, "--dry-run", "--profile", target)
    assert again["edits"] == []
    adapt(at, "--undo", "--yes")
    assert disk.hive_on(volume(disk, at, tmp_path)) == (disk.system or disk.guest.system)


def inventory(way):
    """`rehost hardware --json` of a machine whose one disk hangs so."""
    path, pci = [], []
    for d in way.devices:
        if not d.hardware[0].startswith("PCI\\VEN_"):
            continue
        ids = dict(p.split("_", 1) for p in d.hardware[0][4:].split("&"))
        cc = max((i[7:13] for i in d.ids if i.startswith("PCI\\CC_")), key=len)
        sub = ids["SUBSYS"]
        modalias = (f"pci:v0000{ids['VEN']}d0000{ids['DEV']}sv0000{sub[4:]}sd0000{sub[:4]}"
                    f"bc{cc[:2]}sc{cc[2:4]}i{cc[4:6]}")
        path.append({"modalias": modalias, "driver": "x"})
        pci.append({"slot": f"0000:00:{len(pci):02x}.0", "modalias": modalias, "class": "0x" + cc,
                    "revision": ids["REV"].lower()})
    return {"disks": [{"name": "sda", "path": path}], "pci": pci,
            "firmware": {"type": "unknown"}}


@pytest.mark.parametrize("name, way", pairs(PHYSICAL))
def test_physical(disks, tmp_path, name, way):
    disk = disks(name)
    way = [w for w in win_targets.PHYSICAL.ways if w.name == way][0]
    (tmp_path / "hw.json").write_text(json.dumps(inventory(way)))
    hardware = ("--hardware", str(tmp_path / "hw.json"))
    at = copy_of(disk, tmp_path)
    plan = adapt(at, "--dry-run", *hardware)
    ours = plan["ways"][0]
    compare(boots(disk.original, disk.guest.has(), "physical", way), not ours["before"],
            ("before", ours["before"]))
    if not plan["edits"]:
        return
    adapt(at, "--yes", *hardware)
    vol = volume(disk, at, tmp_path)
    after = regf.Hive(disk.hive_on(vol))
    compare(boots(after, files_below(vol, disk.guest.root_name), "physical", way),
            not ours["after"], ("after", ours["after"]))


def test_nt4_is_refused(tmp_path):
    winguest.Guest("nt4-sp3-server").disk(tmp_path / "nt4.img")
    text = adapt(tmp_path / "nt4.img", "--dry-run", "--profile", "kvm", status=(1,))
    assert "Windows NT 4.0" in text and "no plug and play" in text


def test_dirty_without_logs_is_refused(tmp_path):
    winguest.Guest("win81-x64-dirty-nologs").disk(tmp_path / "w.img")
    text = adapt(tmp_path / "w.img", "--dry-run", "--profile", "kvm", status=(4,))
    assert "logs do not help" in text
    system = adapt(tmp_path / "w.img", "--dry-run", "--profile", "kvm", "--even-dirty")
    assert any("lost" in w for w in system["warnings"])


# the folder that is for this Windows; what virtio-win has no package for stays missing
@pytest.mark.parametrize("name, folder, served", [
    ("winxp-sp3-x86", "xp/x86", {"virtio-blk"}), ("win7-sp1-x86", "w7/x86", {"virtio-blk"}),
    ("win81-x64-dirty-nologs", "w8.1/amd64", {"virtio-blk", "virtio-scsi"}),
    ("win10-1709-x64-dirty", "w10/amd64", {"virtio-blk", "virtio-scsi"})])
def test_drivers(disks, tmp_path, name, folder, served):
    disk = disks(name)
    at = copy_of(disk, tmp_path)
    options = ("--profile", "kvm", "--drivers", str(packages(tmp_path / "drivers")))
    plan = adapt(at, "--dry-run", *options)
    taken = [n for n in plan["notes"] if "gets the driver" in n]
    assert len(taken) == len(served) and all(folder in n for n in taken), plan["notes"]
    # there is no NetKVM for 8.1 among the fixtures
    assert any("gets its driver at the first start" in n and "NetKVM/" in n and
               (folder in n or "8.1" in folder) for n in plan["notes"])
    adapt(at, "--yes", *options)
    vol = volume(disk, at, tmp_path)
    after, has = regf.Hive(disk.hive_on(vol)), files_below(vol, disk.guest.root_name)
    ours = said(plan)
    for way in ways_of("kvm"):
        compare(boots(after, has, "kvm", way), not ours[way.title]["after"], way.title)
    assert {t for t in ("virtio-blk", "virtio-scsi") if not ours[t]["after"]} == served
    again = adapt(at, "--dry-run", *options)
    assert again["edits"] == [] and again["verdict"] == "boots"
    assert any(p.startswith("rehost/packages/netkvm") for p in
               [f.lower() for f in list_below(vol, disk.guest.root_name)]) or disk.guest.old


def test_wrong_drivers(disks, tmp_path):
    """A folder that serves nothing changes nothing, and the verdict says what is missing."""
    (tmp_path / "empty").mkdir()
    way = [w for w in win_targets.PHYSICAL.ways if w.name == "vmd-laptop"][0]
    (tmp_path / "hw.json").write_text(json.dumps(inventory(way)))
    at = copy_of(disks("win10-1709-x64-dirty"), tmp_path)
    plan = adapt(at, "--dry-run", "--hardware", str(tmp_path / "hw.json"), "--drivers",
                 str(tmp_path / "empty"))
    assert plan["verdict"] == "will-not-boot"
    assert [(m["modalias"][:22], m["fatal"]) for m in plan["missing"]] == [
        ("pci:v00008086d0000467F", True)]
    assert "iaStorVD.inf" in plan["missing"][0]["hint"]
    assert [re.sub("8086:467f [^,]*", "...", p) for p in plan["problems"]] == [
        r"It will stop with 0x7B (INACCESSIBLE_BOOT_DEVICE): no driver for ..., PCI\VEN_8086&DEV_467F"]
    other = packages(tmp_path / "drivers") / "viostor/w10"
    plan = adapt(at, "--dry-run", "--hardware", str(tmp_path / "hw.json"), "--drivers", str(other))
    assert "nor, for such a Windows, in those given (2): " in plan["missing"][0]["hint"]


@pytest.mark.parametrize("name", ["winxp-sp3-x86", "win7-sp1-x86", "win10-1709-x64-dirty"])
def test_new_ids(disks, tmp_path, name):
    """A copy with ids of its own: what names the disk follows, and it is said to start."""
    disk = disks(name)
    rehost, image, copy = os.path.join(B, "rehost"), tmp_path / "a.rhi", tmp_path / "copy.img"
    subprocess.run([rehost, "capture", str(disk.path), str(image)], check=True,
                   stderr=subprocess.DEVNULL)
    env = dict(os.environ, PATH=B + ":" + os.environ["PATH"])
    done = subprocess.run([rehost, "restore", "--yes", "--new-ids", "--adapt", "--profile", "kvm",
                           str(image), str(copy)], stderr=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True, env=env, check=False)
    assert done.returncode in (0, 3), done.stderr
    old, new = disk.original, regf.Hive(disk.hive_on(volume(disk, copy, tmp_path)))
    c = [h.root.find("MountedDevices").value("\\DosDevices\\C:").data for h in (old, new)]
    table = open(copy, "rb").read(1 << 20)
    if len(c[1]) == 12:
        assert c[1][:4] == table[0x1B8:0x1BC] != c[0][:4] and c[1][4:] == c[0][4:]
    else:
        entry = table[1024 + 128 * (disk.number - 1):][:128]
        assert c[1][8:24] == entry[16:32] != c[0][8:24]
    assert adapt(copy, "--check", "--profile", "kvm")["check"]["ok"]
    assert adapt(copy, "--dry-run", "--profile", "kvm")["edits"] == []


def put_back(disk, at, vol):
    with open(at, "r+b") as f:
        f.seek(disk.offset)
        f.write(vol.read_bytes())


def refused(at, *options):
    before = at.read_bytes()
    text = adapt(at, "--yes", "--profile", "kvm", *options, status=(4,))
    assert at.read_bytes() == before
    return text


def test_dirty_volume(disks, tmp_path):
    disk = disks("win7-sp1-x86")
    at = copy_of(disk, tmp_path)
    vol = volume(disk, at, tmp_path)
    subprocess.run([os.path.join(B, "tests", "tools", "ntfs-dirty"), str(vol)], check=True)
    put_back(disk, at, vol)
    assert "dirty" in refused(at) and "chkdsk" in refused(at).lower()
    adapt(at, "--yes", "--profile", "kvm", "--even-dirty")
    assert adapt(at, "--check", "--profile", "kvm", "--even-dirty")["check"]["ok"]


def test_hibernated(disks, tmp_path):
    disk = disks("win10-1709-x64-dirty")
    at = copy_of(disk, tmp_path)
    vol, top = volume(disk, at, tmp_path), tmp_path / "top"
    top.mkdir()
    (top / "hiberfil.sys").write_bytes(b"hibr" + bytes(8188))
    subprocess.run([os.path.join(B, "tests", "tools", "ntfs-fill"), str(vol), str(top)], check=True)
    put_back(disk, at, vol)
    assert "hibernated" in refused(at)
    plan = adapt(at, "--dry-run", "--profile", "kvm")
    assert plan["hibernated"] is True and any("--discard-hibernation" in w for w in plan["warnings"])
    adapt(at, "--yes", "--profile", "kvm", "--discard-hibernation")
    assert adapt(at, "--check", "--profile", "kvm")["check"]["ok"]
    assert b"hiberfil.sys" not in subprocess.run(
        ["ntfsls", "-f", "-q", str(volume(disk, at, tmp_path))], stdout=subprocess.PIPE,
        check=True).stdout


def reasons(system, way):
    return {(r["code"], r["subject"]) for r in said(system)[way]["before"]}


POLICY = "Policies\\Microsoft\\Windows\\DeviceInstall\\Restrictions"


class Restricted(winguest.Guest):
    def software(self):
        return winguest.merge(super().software(), {
            POLICY: {"DenyUnspecified": 1}, f"{POLICY}\\DenyDeviceIDs": {"1": "PCI\\VEN_1AF4"}})


def test_what_people_did(tmp_path):
    """Filters whose service is gone or disabled, and policies: each is found and mended,
    in every control set."""
    guest = Restricted("win7-sp1-x86")
    hdc, disk_class = "{4D36E96A-E325-11CE-BFC1-08002BE10318}", "{4D36E967-E325-11CE-BFC1-08002BE10318}"
    system = (guest.edits().filter(hdc, "UpperFilters", "gonefilter")
              .filter(disk_class, "LowerFilters", "offfilter").start("offfilter", 4)
              .value("Services\\offfilter", "Type", 1)
              .pnp("DisableCDDB", 1).pnp("DontStartRawDevices", 1)
              .value("Policies\\EarlyLaunch", "DriverLoadPolicy", 8)
              .start("msahci", 4).apply())
    path = tmp_path / "w.img"
    parts = guest.disk(path, system=system, room=64)
    _, _, offset, size = [p for p in parts if p[1] == "windows"][0]
    plan = adapt(path, "--dry-run", "--profile", "kvm")
    assert reasons(plan, "AHCI (SATA)") >= {
        ("filter-service-missing", "gonefilter"), ("filter-service-start", "offfilter"),
        ("policy-disable-cddb", "DisableCDDB"), ("policy-raw-devices", "DontStartRawDevices"),
        ("service-start", "msahci")}
    assert said(plan)["AHCI (SATA)"]["verdict"] == "boots-after-edits"
    adapt(path, "--yes", "--profile", "kvm")

    vol = volume(types.SimpleNamespace(offset=offset, size=size), path, tmp_path)
    hive = regf.Hive(ntfs_file(vol, "/Windows/System32/config/SYSTEM"))
    for one in [k for k in hive.root.subkeys() if k.name.startswith("ControlSet")]:
        assert not one.find(f"Control\\Class\\{hdc}").value("UpperFilters")
        assert not one.find(f"Control\\Class\\{disk_class}").value("LowerFilters")
        assert one.find("Control\\PnP").number("DisableCDDB") == 0
        assert one.find("Services\\msahci").number("Start") == 0
        assert one.find("Policies\\EarlyLaunch").number("DriverLoadPolicy") == 3
    software = regf.Hive(ntfs_file(vol, "/Windows/System32/config/SOFTWARE"))
    assert software.root.find(POLICY.rsplit("\\", 1)[0]) and not software.root.find(POLICY)
    assert any("restricts the installation" in n for n in plan["notes"])


def test_arm64(tmp_path):
    """No hive of one is at hand: a hive of x64 that says so, with files for it.  The ways
    are the same, the packages are not."""
    guest = winguest.Guest("win10-1709-x64-dirty")
    guest.hive = regf.Hive(recovered(guest))
    guest.system = guest.edits().value("Control\\Session Manager\\Environment",
                                       "PROCESSOR_ARCHITECTURE", "ARM64").apply()
    guest.hive, guest.logs = regf.Hive(guest.system), {}
    assert guest.arch == "ARM64"
    path = tmp_path / "arm.img"
    guest.disk(path, room=64)
    options = ("--profile", "kvm", "--drivers", str(packages(tmp_path / "drivers")))
    plan = adapt(path, "--dry-run", *options)
    assert plan["arch"] == "arm64"
    assert [n for n in plan["notes"] if "gets the driver" in n] == [
        f"1af4:1001 Red Hat, Inc. Virtio block device gets the driver {tmp_path}/drivers/viostor/w11/"
        "ARM64/viostor.inf."]
    # vioscsi is there for x64 only
    assert not said(plan)["virtio-blk"]["after"] and said(plan)["virtio-scsi"]["after"]
    paths = [e["path"] for e in plan["edits"]]
    assert any("viostor.inf_arm64_" in p for p in paths) and not any("_amd64_" in p for p in paths)
    adapt(path, "--yes", *options)
    assert adapt(path, "--check", *options)["check"]["ok"]
