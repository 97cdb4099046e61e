"""What Windows would boot on (winboot.py), over the real hives of the fixtures
and all targets of win_targets.py: known facts come out, repairs make it good,
each thing broken gives its own reason, and the whole table is as expected.

    test_winboot.py --write-expected      after a change that was meant

The hives of 8.1 and 10 are dirty; they are taken as they are on disk, their
logs not replayed.  (hivexregedit, which makes the inputs, does the same.)"""
import difflib
import functools
import json
import os
import pathlib
import subprocess
import sys

import pytest
import regf
import win_targets
import winboot
import winguest

EXPECTED = pathlib.Path(__file__).with_name("winboot-expected.json")
FIXTURES = pathlib.Path(os.environ.get("REHOST_FIXTURES", "."), "hives")
pytestmark = pytest.mark.skipif(not FIXTURES.is_dir(), reason="no hives among the fixtures")

NT4, XP, W7, W81, W10 = winguest.GUESTS
DISKS, HDC = "{4D36E967-E325-11CE-BFC1-08002BE10318}", "{4D36E96A-E325-11CE-BFC1-08002BE10318}"
SCSI, SYSTEM = "{4D36E97B-E325-11CE-BFC1-08002BE10318}", "{4D36E97D-E325-11CE-BFC1-08002BE10318}"
VOLUMES = "{71A27CDD-812A-11D0-BEC7-08002BE2092F}"
VIOSTOR = "System32\\drivers\\viostor.sys"
PACKAGE = "DriverDatabase\\DriverPackages\\stornvme.inf_amd64_822f29bfb80b20e8"

guest = functools.lru_cache(None)(winguest.Guest)
_changed = {}                            # hives as edits made them: the last one only


def decide(name, target, edits=None, missing=(), added=(), **more):
    """The answer for a guest, its hive changed by edits, files left out or added."""
    g = guest(name)
    hive, key = g.hive, (name, repr(edits and edits.keys))
    if edits and key not in _changed:
        _changed.clear()
        _changed[key] = regf.Hive(edits.apply())
    return winboot.decide(_changed[key] if edits else hive, g.has(missing, added), target, **more)


def why(answer):
    return [f"{r['code']}:{r['subject']}" for r in answer["reasons"]]


def driver(answer, device):
    one = answer["sets"][answer["control_set"]]["ways"][0]["devices"]
    return next((d["service"], d["matched"]) for d in one if d["device"] == device)


def edits(name, sets=None):
    return guest(name).edits(sets)


# --- facts that were known before (ADAPT, "read off the real hives")

@pytest.mark.parametrize("name, target, reasons", [
    # each boots on the machine that it was installed on
    (XP, "physical/dell-gx260", []),
    (W7, "vmware/lsisas", []),
    (W81, "virtualbox/ahci", []),
    (W10, "physical/dell-e6430", []),
    # Windows 10: only there, StartOverride stands on everything else
    (W10, "kvm/ahci", ["start-override:storahci"]),
    (W10, "physical/ahci-laptop", ["start-override:storahci"]),
    (W10, "physical/nvme-laptop", ["start-override:stornvme"]),
    (W10, "vmware/lsisas", ["start-override:LSI_SAS"]),
    (W10, "kvm/ide", ["start-override:intelide", "start-override:atapi"]),
    (W10, "hyperv-gen2", ["start-override:vmbus", "start-override:storvsc", "start-override:storflt"]),
    (W10, "azure/vpci-nvme", ["start-override:vmbus", "service-start:vpci", "start-override:stornvme",
                              "start-override:storflt"]),
    (W10, "physical/vmd-laptop", ["no-driver:Intel VMD"]),
    (W10, "kvm/virtio-blk", ["no-driver:virtio-blk"]),
    (W10, "vmware/pvscsi", ["no-driver:paravirtual SCSI"]),
    # Windows 7: LSI SAS and parallel, not AHCI and Hyper-V
    (W7, "vmware/lsi", []),
    (W7, "kvm/ide", []),
    (W7, "kvm/ahci", ["service-start:msahci"]),
    (W7, "hyperv-gen2", ["service-start:storvsc"]),
    (W7, "kvm/nvme", ["no-driver:NVMe"]),
    # XP: only its own chips
    (XP, "kvm/ide", ["no-driver:IDE"]),
    (XP, "vmware/ide", ["no-driver:IDE"]),
    (XP, "kvm/ahci", ["no-driver:AHCI"]),
])
def test_known_facts(name, target, reasons):
    answer = decide(name, target)
    assert why(answer) == reasons
    assert answer["boots"] == (not reasons)


def test_what_is_told_of_each_windows():
    told = {}
    for name in winguest.GUESTS:
        a = decide(name, "kvm/ide")
        told[name] = (a["generation"], a["version"], a["arch"], {n: s["roles"] for n, s in a["sets"].items()})
    both = {"ControlSet001": ["Default", "Current"], "ControlSet002": ["LastKnownGood"]}
    one = {"ControlSet001": ["Default", "Current", "LastKnownGood"]}
    assert told == {NT4: ("nt4", None, "x86", both), XP: ("nt5", None, "x86", both),
                    W7: ("nt6", None, "x86", both), W81: ("nt6.2", [6, 3], "AMD64", one),
                    W10: ("nt6.2", [10, 0], "AMD64", one)}


def test_which_driver_is_bound_and_by_which_id():
    # AHCI by 7 goes through IDE channels, by 10 it does not
    assert driver(decide(W7, "kvm/ahci"), "AHCI") == ("msahci", "PCI\\CC_010601")
    assert driver(decide(W7, "kvm/ahci"), "IDE channel") == ("atapi", "Internal_IDE_Channel")
    assert driver(decide(W10, "kvm/ahci"), "AHCI") == ("storahci", "PCI\\CC_010601")
    with pytest.raises(StopIteration):
        driver(decide(W10, "kvm/ahci"), "IDE channel")
    # the better id wins: Dell's own driver before the chip's
    assert driver(decide(W10, "physical/dell-perc"), "Dell PERC") == (
        "percsas3i", "PCI\\VEN_1000&DEV_005D&SUBSYS_1F431028")
    # 8.1 and 7 drive a volume by volsnap, 10 by volume, XP by nothing
    volume = [driver(decide(n, "kvm/ide"), "volume")[0] for n in (XP, W7, W81, W10)]
    assert volume == [None, "volsnap", "volsnap", "volume"]


def test_ids_that_a_driver_excludes():
    """mshdc.inf excludes some machines of Toshiba from its AHCI driver."""
    way = win_targets.find("kvm/ahci").ways[0]
    own = win_targets.pci("AHCI", "8086", "2829", "0F031179", "02", "010601")
    other = win_targets.pci("AHCI", "8086", "2829", "0F041179", "02", "010601")
    for device, service in ((own, None), (other, "storahci")):
        devices = tuple(device if d.name == "AHCI" else d for d in way.devices)
        answer = decide(W10, win_targets.Target("t", (win_targets.Way("w", devices),)))
        assert [d["service"] for d in answer["sets"]["ControlSet001"]["ways"][0]["devices"]][1] == service


# --- repairs

def test_windows_10_without_start_override():
    fix = edits(W10).no_override("storahci")
    assert decide(W10, "kvm/ahci", fix)["boots"]
    assert decide(W10, "physical/ahci-laptop", fix)["boots"]
    assert why(decide(W10, "kvm/nvme", fix)) == ["start-override:stornvme"]
    # the whole chain is needed, not the storage driver alone
    fix.no_override("storvsc", "storflt")
    assert why(decide(W10, "hyperv-gen2", fix)) == ["start-override:vmbus"]
    fix.no_override("vmbus", "stornvme", "LSI_SAS", "intelide", "atapi", "megasas", "percsas3i", "LSI_SAS3i")
    for target in ("hyperv-gen2", "kvm/nvme", "vmware/lsisas", "kvm/ide", "physical/nvme-laptop",
                   "physical/dell-perc", "physical/lsi-9300", "hyperv-gen1"):
        assert decide(W10, target, fix)["boots"], target
    assert why(decide(W10, "azure/vpci-nvme", fix)) == ["service-start:vpci"]
    assert decide(W10, "azure/vpci-nvme", fix.start("vpci", 0))["boots"]


def test_start_override_of_zero_is_boot():
    """It counts, whatever Start says."""
    fix = edits(W10).override("stornvme", 0)
    assert decide(W10, "kvm/nvme", fix)["boots"]
    assert decide(W10, "kvm/nvme", fix.start("stornvme", 3))["boots"]


def test_windows_7_with_its_drivers_started():
    fix = edits(W7).start("msahci", 0)
    for target in ("kvm/ahci", "vmware/ahci", "virtualbox/ahci", "physical/ahci-laptop"):
        assert decide(W7, target, fix)["boots"], target
    assert decide(W7, "hyperv-gen2", fix.start("storvsc", 0))["boots"]


def merge_ide():
    """The entries that MergeIDE (KB314082) makes."""
    fix = edits(XP)
    for one in ("primary_ide_channel", "secondary_ide_channel", "*pnp0600", "*azt0502"):
        fix.critical(one, "atapi", HDC)
    fix.critical("gendisk", "disk", DISKS)
    fix.critical("pci#cc_0101", "pciide", HDC)
    for device in "1222 1230 2411 2421 7010 7111 7199".split():
        fix.critical(f"pci#ven_8086&dev_{device}", "intelide", HDC)
    return fix.start("atapi", 0).start("intelide", 0).start("pciide", 0)


def test_xp_with_mergeide():
    fix = merge_ide()
    for target in ("kvm/ide", "vmware/ide", "virtualbox/ide", "xen/ide", "hyperv-gen1"):
        assert decide(XP, target, fix)["boots"], target
    assert driver(decide(XP, "vmware/ide", fix), "IDE") == ("intelide", "PCI\\VEN_8086&DEV_7111")
    assert why(decide(XP, "kvm/ahci", fix)) == ["no-driver:AHCI"]
    assert why(decide(XP, "kvm/ide", fix, ["system32\\drivers\\pciidex.sys"])) == ["file-missing:intelide"]


def test_a_driver_that_was_added():
    """viostor as a minimal set of entries makes it: CDDB for 7, a package for 10."""
    fix = edits(W7).critical("pci#ven_1af4&dev_1001", "viostor", SCSI)
    for name, number in (("Type", 1), ("Start", 0), ("ErrorControl", 1)):
        fix.value("Services\\viostor", name, number)
    fix.image_path("viostor", "system32\\drivers\\viostor.sys")
    assert decide(W7, "kvm/virtio-blk", fix, added=[VIOSTOR])["boots"]
    assert why(decide(W7, "kvm/virtio-blk", fix)) == ["file-missing:viostor"]
    assert why(decide(W7, "kvm/virtio-blk-modern", fix)) == ["no-driver:virtio-blk"]

    fix = edits(W10)
    for name, number in (("Type", 1), ("Start", 0), ("ErrorControl", 1)):
        fix.value("Services\\viostor", name, number)
    ids, package = "PCI\\VEN_1AF4&DEV_1042", "oem9.inf_amd64_0000000000000000"
    base = f"DriverDatabase\\DriverPackages\\{package}"
    fix.keys.update({
        f"DriverDatabase\\DeviceIds\\{ids}": {"oem9.inf": b"\x01\xff\0\0"},
        "DriverDatabase\\DriverInfFiles\\oem9.inf": {"": [package], "Active": package,
                                                     "Configurations": ["viostor_inst"]},
        base: {"Version": bytes.fromhex("00ff090000000000") + bytes(16) + bytes(24)},
        f"{base}\\Configurations\\viostor_inst": {"ConfigFlags": 0, "Service": "viostor"},
        f"{base}\\Descriptors\\{ids}": {"Configuration": "viostor_inst"}})
    assert decide(W10, "kvm/virtio-blk-modern", fix, added=[VIOSTOR])["boots"]
    del fix.keys[base]["Version"]        # Windows 10 wants it
    assert why(decide(W10, "kvm/virtio-blk-modern", fix)) == ["driver-incomplete:virtio-blk"]
    assert decide(W10, "kvm/virtio-blk-modern", fix, added=[VIOSTOR], version=(6, 3))["boots"]


# --- each thing broken has its own reason

BROKEN = [
    # guest, target that boots, what is done to it, the one reason
    (W7, "vmware/lsisas", lambda e: e.pnp("DisableCDDB", 1), "policy-disable-cddb:DisableCDDB"),
    (W10, "physical/dell-e6430", lambda e: e.pnp("DisableCDDB", 1), "policy-disable-cddb:DisableCDDB"),
    (W7, "vmware/lsisas", lambda e: e.pnp("DontStartRawDevices", 1), "policy-raw-devices:DontStartRawDevices"),
    (W7, "vmware/lsisas", lambda e: e.filter(DISKS, "UpperFilters", "gone"), "filter-service-missing:gone"),
    (W7, "vmware/lsisas", lambda e: e.filter(SCSI, "LowerFilters", "gone"), "filter-service-missing:gone"),
    (W7, "vmware/ide", lambda e: e.filter(HDC, "UpperFilters", "gone"), "filter-service-missing:gone"),
    (W7, "vmware/lsisas", lambda e: e.filter(SYSTEM, "UpperFilters", "gone"), "filter-service-missing:gone"),
    (XP, "physical/dell-gx260", lambda e: e.filter(VOLUMES, "UpperFilters", "gone"), "filter-service-missing:gone"),
    (W10, "physical/dell-e6430", lambda e: e.filter(VOLUMES.lower(), "UpperFilters", "gone"),
     "filter-service-missing:gone"),
    (W7, "vmware/lsisas", lambda e: e.filter(DISKS, "UpperFilters", "fdc"), "filter-service-start:fdc"),
    (W7, "vmware/lsisas", lambda e: e.filter(DISKS, "UpperFilters", "Spooler").start("Spooler", 0)
     .image_path("Spooler", "System32\\drivers\\fdc.sys"), "filter-service-type:Spooler"),
    (W10, "physical/dell-e6430", lambda e: e.override("stdcfltn", 3), "filter-start-override:stdcfltn"),
    (W7, "vmware/lsisas", lambda e: e.start("LSI_SAS", 3), "service-start:LSI_SAS"),
    (W7, "vmware/lsisas", lambda e: e.start("volmgr", 3), "service-start:volmgr"),
    (W7, "vmware/lsisas", lambda e: e.start("mountmgr", 4), "service-start:mountmgr"),
    (W10, "physical/dell-e6430", lambda e: e.override("iaStorAV", 3), "start-override:iaStorAV"),
    (W10, "physical/dell-e6430", lambda e: e.override("pci", 3), "start-override:pci"),
    (W10, "physical/dell-e6430", lambda e: e.override("volume", 3), "start-override:volume"),
    (W7, "vmware/lsisas", lambda e: e.value("Services\\LSI_SAS", "Type", 0x10), "service-type:LSI_SAS"),
    (W7, "vmware/lsisas", lambda e: e.image_path("LSI_SAS", "\\??\\C:\\Windows\\System32\\drivers\\lsi_sas.sys"),
     "image-path:LSI_SAS"),
    (W7, "vmware/lsisas", lambda e: e.remove("Services\\LSI_SAS"), "service-missing:LSI_SAS"),
    (W7, "vmware/lsisas", lambda e: e.remove("Control\\CriticalDeviceDatabase\\PCI#VEN_1000&DEV_0054"),
     "no-driver:LSI SAS"),
    (W7, "vmware/lsisas", lambda e: e.critical("pci#ven_1000&dev_0054", "", SCSI), "no-service:LSI SAS"),
    (XP, "physical/dell-gx260", lambda e: e.remove("Control\\CriticalDeviceDatabase\\*PNP0A03"),
     "no-driver:PCI root bridge"),
    (XP, "physical/dell-gx260", lambda e: e.start("ftdisk", 3), "service-start:ftdisk"),
    (NT4, "vmware/ide", lambda e: e.start("atapi", 4), "service-start:atapi"),
]


@pytest.mark.parametrize("name, target, change, reason", BROKEN,
                         ids=[f"{i}-{b[3]}" for i, b in enumerate(BROKEN)])
def test_each_thing_broken_has_its_own_reason(name, target, change, reason):
    assert decide(name, target)["boots"]
    answer = decide(name, target, change(edits(name)))
    assert not answer["boots"]
    assert why(answer) == [reason]
    assert all(reason.split(":")[1] in r["sentence"] for r in answer["reasons"])


@pytest.mark.parametrize("name, target, path, reason", [
    (W7, "vmware/lsisas", "System32\\drivers\\LSI_SAS.SYS", "file-missing:LSI_SAS"),
    (W10, "physical/dell-e6430", "System32\\drivers\\stdcfltn.sys", "filter-file-missing:stdcfltn"),
    (W81, "kvm/ahci", "System32\\drivers\\storport.sys", "file-missing:storahci"),
    (W7, "kvm/ide", "System32\\drivers\\ataport.sys", "file-missing:atapi"),
    (W7, "kvm/ide", "System32\\drivers\\pciidex.sys", "file-missing:intelide"),
    (XP, "physical/dell-gx260", "System32\\hal.dll", "file-missing:System32\\hal.dll"),
    (W7, "kvm/ide", "System32\\drivers\\ntfs.sys", "file-missing:System32\\drivers\\ntfs.sys"),
])
def test_a_file_that_is_missing(name, target, path, reason):
    assert decide(name, target)["boots"]
    assert why(decide(name, target, missing=[path])) == [reason]


def test_a_package_that_is_incomplete():
    fix = edits(W10).no_override("stornvme")
    fix.keys[PACKAGE] = None
    answer = decide(W10, "kvm/nvme", fix)
    assert why(answer) == ["driver-incomplete:NVMe"]
    assert "stornvme.inf has no driver package" in answer["reasons"][0]["sentence"]
    fix.keys[PACKAGE] = {"Version": b"short"}
    assert why(decide(W10, "kvm/nvme", fix)) == ["driver-incomplete:NVMe"]


def test_a_driver_for_another_processor():
    other = lambda path: 0x8664 if path.lower().endswith("lsi_sas.sys") else 0x14C
    assert why(decide(W7, "vmware/lsisas", machine_of=other)) == ["file-machine:LSI_SAS"]
    assert decide(W7, "vmware/lsisas", machine_of=lambda path: 0x14C)["boots"]


def test_boot_flags_start_a_driver():
    """Start=3 with BootFlags that the hardware's BootDriverFlags have."""
    fix = edits(W81).start("storahci", 3).value("Services\\storahci", "BootFlags", 4)
    assert why(decide(W81, "kvm/ahci", fix)) == ["service-start:storahci"]
    fix.keys["HardwareConfig\\{0082a41f-0a8c-5d41-9a34-5caa8b6f544c}"] = {"BootDriverFlags": 0x14}
    assert decide(W81, "kvm/ahci", fix)["boots"]


def test_last_known_good_is_told_apart():
    answer = decide(W7, "vmware/lsisas", edits(W7, ["ControlSet002"]).start("LSI_SAS", 3))
    assert answer["boots"] and answer["sets"]["ControlSet001"]["boots"]
    good = answer["sets"]["ControlSet002"]
    assert not good["boots"] and good["roles"] == ["LastKnownGood"]
    assert [r["code"] for r in good["reasons"]] == ["service-start"]


def test_the_loader_takes_default_not_current():
    fix = edits(W7, ["ControlSet002"]).start("LSI_SAS", 3)
    fix.keys["Select"] = {"Default": 2}
    answer = decide(W7, "vmware/lsisas", fix)
    assert not answer["boots"] and answer["control_set"] == "ControlSet002"
    fix.keys["Select"] = {"Default": 7, "Current": 9}
    with pytest.raises(winboot.Undecided, match="control sets that are not there"):
        decide(W7, "vmware/lsisas", fix)


def test_warnings_do_not_stop():
    software = regf.Hive(winguest.merge(guest(W7).software(), {
        "Policies\\Microsoft\\Windows\\DeviceInstall\\Restrictions": {"DenyUnspecified": 1}}))
    answer = decide(W7, "vmware/lsisas", edits(W7).value("Services\\LSI_SAS", "Group", "no such group"),
                    software=software)
    assert answer["boots"] and answer["version"] == [6, 1]
    assert [w["code"] for w in answer["warnings"]] == ["group-unknown", "policy-restrictions"]


def test_several_ways():
    kvm = decide(W7, "kvm")
    assert not kvm["boots"]
    ways = kvm["sets"]["ControlSet001"]["ways"]
    assert {w["way"] for w in ways if w["boots"]} == {"ide"} and len(ways) == 7
    # of Hyper-V's first generation one way is enough
    one = decide(W7, "hyperv-gen1")
    assert one["boots"] and not one["reasons"]
    assert [w["boots"] for w in one["sets"]["ControlSet001"]["ways"]] == [True, False]


# --- the command, and that it always says the same

def test_command(tmp_path):
    g = guest(XP)
    (tmp_path / "SYSTEM").write_bytes(g.system)
    (tmp_path / "list").write_text("".join(f"{p}\n".replace("\\", "/").upper() for p in g.files()))

    def run(*args):
        return subprocess.run([sys.executable, winboot.__file__, "--files", tmp_path / "list", *args],
                              capture_output=True, text=True, timeout=60, check=False)

    good = run("--system", tmp_path / "SYSTEM", "--target", "physical/dell-gx260")
    assert (good.returncode, good.stdout) == (0, "physical/dell-gx260: boots (ControlSet001)\n")
    bad = [run("--system", tmp_path / "SYSTEM", "--target", "qemu", "--json") for _ in range(2)]
    assert bad[0].returncode == 1 and bad[0].stdout == bad[1].stdout
    assert json.loads(bad[0].stdout) == decide(XP, "kvm")
    (tmp_path / "W10").write_bytes(guest(W10).system)
    for args, words in ((("--system", tmp_path / "W10", "--target", "kvm"), "the hive is dirty"),
                        (("--system", tmp_path / "SYSTEM", "--target", "none"), "there is no target none"),
                        (("--system", tmp_path / "gone", "--target", "kvm"), "No such file")):
        p = run(*args)
        assert p.returncode == 2 and words in p.stderr and "Traceback" not in p.stderr


def test_no_system_hive():
    with pytest.raises(winboot.Undecided, match="no Select key"):
        winboot.decide(regf.Hive(guest(W7).software()), lambda path: True, "kvm")


# --- every hive on every target

def table():
    out = {}
    for name in winguest.GUESTS:
        out[name] = {}
        for target in win_targets.names():
            answer = decide(name, target)
            out[name][target] = " ".join(["boots"] if answer["boots"] else ["no"] + why(answer))
    return json.dumps(out, indent=1) + "\n"


def test_table():
    now, then = table(), EXPECTED.read_text()
    assert len(json.loads(now)) * len(win_targets.names()) >= 60
    if now != then:
        diff = difflib.unified_diff(then.splitlines(), now.splitlines(), "expected", "now", lineterm="", n=1)
        pytest.fail("winboot-expected.json:\n" + "\n".join(diff), pytrace=False)


if __name__ == "__main__" and sys.argv[1:] == ["--write-expected"]:
    EXPECTED.write_text(table())
