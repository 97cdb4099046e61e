"""What adapt plans for a Windows beside its drivers of the disk: the first start, leftovers,
identity (tests/tools/winplan).  The hives are read back with regf.py, scripts compared as a
whole with tests/py/firstboot/, all files hashed by ntfs-hashes before a plan and after its
undo.  Real hives where there are fixtures, else small ones made here.

    test_winfirst.py --write-expected      the scripts, after a change that was meant"""
import json
import os
import pathlib
import re
import struct
import subprocess
import sys

import pytest
import regf
import winguest

B = pathlib.Path(os.environ.get("REHOST_B", "build")).resolve()
EXPECTED = pathlib.Path(__file__).with_name("firstboot")
FIXTURES = pathlib.Path(os.environ.get("REHOST_FIXTURES", "/nonexistent"), "hives")
needs_fixtures = pytest.mark.skipif(not FIXTURES.is_dir(), reason="no hives among the fixtures")
os.environ["PATH"] += ":/sbin:/usr/sbin"

XP, W7, W10 = "winxp-sp3-x86", "win7-sp1-x86", "win10-1709-x64-dirty"
COMMAND = "cmd.exe /d /c %SystemRoot%\\Rehost\\firstboot.cmd"
NET = "Control\\Network\\{4D36E972-E325-11CE-BFC1-08002BE10318}"
IF = "Services\\Tcpip\\Parameters\\Interfaces"
E1000 = "PCI\\VEN_8086&DEV_100F&SUBSYS_075015AD&REV_01\\4&B70F118&0&0888"
E1000_ALIAS = "pci:v00008086d0000100Fsv000015ADsd00000750bc02sc00i00"
VIRTIO_NET = "virtio:d00000001v00001AF4"


class Volume:
    """An NTFS with a Windows' hives, and winplan on it."""

    def __init__(self, where, tree, top="Windows"):
        self.path, self.top, self.where = where / "volume", top, where
        size = (winguest.used(tree) * 3 + (24 << 20)) & -(1 << 20)
        winguest.ntfs(self.path, 1 << 20, size, tree, "windows")

    def run(self, *args, status=0):
        done = subprocess.run([B / "tests/tools/winplan", self.path, *args, f"dir={self.top}"],
                              check=False, capture_output=True, text=True, timeout=120)
        assert done.returncode == status, done.stderr
        self.lines = done.stdout.splitlines() + done.stderr.splitlines()
        return self.lines

    def told(self, kind):
        return [x[len(kind) + 2:] for x in self.lines if x.startswith(kind + ": ")]

    def cat(self, path):
        """Of a file below %SystemRoot%; "/x": below the volume's root."""
        path = path[1:] if path[0] == "/" else f"{self.top}/{path}"
        done = subprocess.run(["ntfscat", "-f", self.path, path], check=False,
                              capture_output=True, timeout=60)
        return done.stdout if done.returncode == 0 else None

    def hive(self, name, dirty=False):
        path = f"System32/config/{name}"
        if self.top == "WINDOWS":               # ntfscat minds the case
            path = path.lower()
        return regf.Hive(self.cat(path), dirty=dirty).root

    def system(self):
        return self.hive("SYSTEM")

    def software(self):
        return self.hive("SOFTWARE")

    def hashes(self):
        done = subprocess.run([B / "tests/tools/ntfs-hashes", self.path], check=True,
                              capture_output=True, text=True, timeout=60)
        return sorted(done.stdout.splitlines())

    def script(self):
        """Its lines; every one ends with CR LF, every byte is ASCII."""
        raw = self.cat("Rehost/firstboot.cmd")
        if raw is None:
            return None
        lines = raw.decode("ascii").split("\r\n")
        assert lines.pop() == "" and not any("\n" in x or "\r" in x for x in lines)
        return lines


# --- small hives

def plain(**more):
    """{path below a control set: {name: value}} of a Windows 7 without anything special."""
    keys = {
        "Control\\Session Manager\\Environment": {"PROCESSOR_ARCHITECTURE": "x86"},
        "Control\\Session Manager\\Power": {"HiberbootEnabled": 1},
        "Control\\ComputerName\\ComputerName": {"ComputerName": "OLDPC"},
        "Control\\CriticalDeviceDatabase": {}, "Control\\CrashControl": {"AutoReboot": 1},
        "Control\\ProductOptions": {"ProductType": "WinNT"},
        "Control\\TimeZoneInformation": {"StandardName": "W. Europe Standard Time"},
        "Services\\Tcpip\\Parameters": {"Hostname": "oldpc", "NV Hostname": "oldpc"},
        "Services\\volmgr": {"Start": 0},
    }
    for path, values in more.items():
        if values is None:
            del keys[path]
        else:
            keys.setdefault(path, {}).update(values)
    return keys


def interface(number, device, name, **more):
    """A network card with typed-in addresses, as keys."""
    guid = f"{{{number:08X}-1111-2222-3333-444455556666}}"
    values = {"EnableDHCP": 0, "IPAddress": [f"192.0.2.{number}"], "SubnetMask": ["255.255.255.0"],
              "DefaultGateway": [], "NameServer": "", **more}
    return {f"{IF}\\{guid}": values,
            f"{NET}\\{guid}\\Connection": {"Name": name, "PnpInstanceID": device}}


@pytest.fixture(name="small")
def small_fixture(tmp_path):
    def make(keys=None, setup=None, software=None, version="6.1", build="7601"):
        system = {"Select": {"Current": 1, "Default": 1, "Failed": 0, "LastKnownGood": 2},
                  "Setup": {"SetupType": 0, "CmdLine": "", **(setup or {})}}
        for control in ("ControlSet001", "ControlSet002"):
            system[control] = {}
            system.update({f"{control}\\{p}": v for p, v in plain(**(keys or {})).items()})
        config = tmp_path / "tree/Windows/System32/config"
        config.mkdir(parents=True)
        (config / "SYSTEM").write_bytes(winguest.merge(MINIMAL, system))
        (config / "SOFTWARE").write_bytes(winguest.merge(MINIMAL, {
            "Microsoft\\Windows NT\\CurrentVersion": {
                "ProductName": "Windows 7 Pro", "CurrentVersion": version,
                "CurrentBuildNumber": build, "SystemRoot": "C:\\Windows"},
            "Microsoft\\Windows\\CurrentVersion": {"DevicePath": "%SystemRoot%\\inf"},
            **(software or {})}))
        return Volume(tmp_path, tmp_path / "tree")
    return make


def minimal_hive():
    """An empty hive: base block, one bin with the root key and its security."""
    sd = bytes.fromhex("01000480" "14000000" "20000000" "00000000" "2c000000"
                       "010100000000000512000000" "010100000000000512000000"
                       "02001c0001000000" "0002140000000010" "010100000000000512000000")
    nk = struct.pack("<2sHQIIIIIIIIIIIIIIIHH", b"nk", 0x2C, 0, 0, 0, 0, 0, 0xFFFFFFFF, 0xFFFFFFFF,
                     0, 0xFFFFFFFF, 0x80, 0xFFFFFFFF, 0, 0, 0, 0, 0, 4, 0) + b"ROOT"
    sk = struct.pack("<2sHIIII", b"sk", 0, 0x80, 0x80, 1, len(sd)) + sd

    def cell(data):
        size = (len(data) + 4 + 7) & -8
        return struct.pack("<i", -size) + data.ljust(size - 4, b"\0")
    bins = struct.pack("<4sIIQQI", b"hbin", 0, 4096, 0, 0, 0) + cell(nk)
    bins += free_cell(0x80 - len(bins)) + cell(sk)
    bins += free_cell(4096 - len(bins))
    base = bytearray(4096)
    struct.pack_into("<4sIIQIIIIIII", base, 0, b"regf", 1, 1, 0, 1, 3, 0, 1, 0x20, 4096, 1)
    struct.pack_into("<I", base, 508, regf.base_checksum(bytes(base)))
    return bytes(base) + bins


def free_cell(size):
    return size.to_bytes(4, "little").ljust(size, b"\0") if size else b""


MINIMAL = minimal_hive()


def value(root, path, name):
    key = root.find(path)
    return key and key.value(name)


def number(root, path, name):
    key = root.find(path)
    return key and key.number(name)


def inventory(where, nics, vendor="QEMU", product="Standard PC", cpu="GenuineIntel"):
    where.write_text(json.dumps({
        "dmi": {"sys_vendor": vendor, "product_name": product}, "cpu": {"vendor": cpu},
        "disks": [{"name": "sda", "path": [
            {"modalias": "pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01", "driver": "ahci"}]}],
        "nics": [{"name": f"eth{i}", "mac": mac, "link": link, "modalias": alias}
                 for i, (mac, link, alias) in enumerate(nics)]}))
    return where


# --- real Windows

def package(where, name, inf):
    (where / name).mkdir(parents=True)
    (where / name / inf).write_text("[Version]\r\n")
    (where / name / "driver.sys").write_bytes(b"MZ" + bytes(5000))
    return f"stage={where / name}:{inf}"


REAL = {
    # static addresses are made where the real hive has none; 7 has two cards with some
    "xp": (XP, {f"{IF}\\{{58094C24-B1BD-4961-8C68-7C13F7A6213C}}": {
        "EnableDHCP": 0, "IPAddress": ["192.168.1.103"], "SubnetMask": ["255.255.255.0"],
        "DefaultGateway": ["192.168.1.1"], "DefaultGatewayMetric": ["0"],
        "NameServer": "192.168.1.1,192.168.1.2"}}, []),
    "7": (W7, {}, ["nic=Local Area Connection 2=52:54:00:12:ab:56",
                   "nic=LOCAL AREA CONNECTION=52:54:00:12:34:57"]),
    "10": (W10, {f"{IF}\\{{08ba0cd8-e98c-475c-badf-65130c043bd6}}": {
        "EnableDHCP": 0, "IPAddress": ["192.168.1.103", "10.0.0.1"],
        "SubnetMask": ["255.255.255.0", "255.0.0.0"], "DefaultGateway": ["192.168.1.1", "10.0.0.2"],
        "DefaultGatewayMetric": ["5", "5"], "NameServer": "192.168.1.1 8.8.8.8"}}, []),
}


def real_plan(which, where):
    """The guest's volume, and the arguments of a plan for it."""
    guest, changed, args = REAL[which]
    g, edits = winguest.Guest(guest), None
    if changed:
        edits = g.edits()
        for path, values in changed.items():
            for name, data in values.items():
                edits.value(path, name, data)
    g.tree(where / "tree", edits and edits.apply(), missing=g.files())
    volume = Volume(where, where / "tree", g.root_name)
    return volume, [*args, package(where, "netkvm", "netkvm.inf"),
                    package(where, "chipset", "chip set.inf")]


@needs_fixtures
@pytest.mark.parametrize("which", sorted(REAL))
def test_first_start(which, tmp_path):
    volume, args = real_plan(which, tmp_path)
    before, was = volume.hashes(), volume.hive("SYSTEM", dirty=True)
    volume.run("apply=1", *args)
    assert not volume.told("warning") or which == "10" and len(volume.told("warning")) == 1

    system = volume.system()
    assert system.find("Setup").text("CmdLine") == COMMAND
    assert system.find("Setup").number("SetupType") == 2
    for control in [k.name for k in was.subkeys() if k.name.startswith("ControlSet")]:
        crash = system.find(f"{control}\\Control\\CrashControl")
        assert (crash.number("AutoReboot"), crash.number("RehostAutoReboot")) == (0, 1)
        power = system.find(f"{control}\\Control\\Session Manager\\Power")
        assert power.number("HiberbootEnabled") in (None, 0)

    assert volume.script() == (EXPECTED / f"{which}.cmd").read_text().splitlines()
    assert volume.cat("Rehost/packages/netkvm/driver.sys") == b"MZ" + bytes(5000)
    assert volume.cat("Rehost/packages/chipset/chip set.inf") == b"[Version]\r\n"
    path = volume.software().find("Microsoft\\Windows\\CurrentVersion").text("DevicePath")
    assert path == "%SystemRoot%\\inf" + "".join(
        f";%SystemRoot%\\Rehost\\packages\\{n}" for n in ("netkvm", "chipset") if which == "xp")

    volume.run("apply=1", *args)
    assert not volume.told("edit") and not volume.told("change")
    assert volume.run("undo=1") == []
    assert volume.hashes() == before


@needs_fixtures
def test_the_registry_file(tmp_path):
    """What the script imports before all else: old values, and nothing of ours left."""
    volume, args = real_plan("7", tmp_path)
    volume.run("apply=1", *args)
    text = volume.cat("Rehost/firstboot.reg").decode("ascii")
    assert text.replace("\r\n", "\n") == """REGEDIT4

[HKEY_LOCAL_MACHINE\\SYSTEM\\Setup]
"SetupType"=dword:00000000
"CmdLine"=""

[HKEY_LOCAL_MACHINE\\SYSTEM\\ControlSet001\\Control\\CrashControl]
"AutoReboot"=dword:00000001
"RehostAutoReboot"=-

[HKEY_LOCAL_MACHINE\\SYSTEM\\ControlSet002\\Control\\CrashControl]
"AutoReboot"=dword:00000001
"RehostAutoReboot"=-

"""
    assert text.count("\n") == text.count("\r\n")


@needs_fixtures
def test_vmware_tools_of_a_real_windows(tmp_path):
    g = winguest.Guest(W7)
    g.tree(tmp_path / "tree", missing=g.files())
    volume = Volume(tmp_path, tmp_path / "tree")
    volume.run("planners=leftovers", "profile=vmware", "remove_tools=1")
    assert not volume.told("edit")
    volume.run("planners=leftovers")
    assert not volume.told("edit") and "VMTools, vmmemctl, vmci, vmmouse" in volume.told("note")[0]
    volume.run("planners=leftovers", "remove_tools=1", "apply=1")
    system = volume.system()
    for control in ("ControlSet001", "ControlSet002"):
        for service in ("VMTools", "vmci", "VMMEMCTL", "vmmouse"):
            assert number(system, f"{control}\\Services\\{service}", "Start") == 4
        assert number(system, f"{control}\\Services\\LSI_SAS", "Start") == 0
        mouse = system.find(f"{control}\\Enum\\ACPI\\PNP0F13\\4&25ee97c0&0")
        assert mouse.text("Service") == "i8042prt" and not mouse.value("UpperFilters")
    volume.run("planners=leftovers", "remove_tools=1")
    assert not volume.told("edit")


# --- the first start

def test_only_the_owner_reads_the_script(small):
    volume = small()
    volume.run("planners=firstboot", "apply=1")
    done = subprocess.run(["ntfssecaudit", "-v", volume.path, "Windows/Rehost/firstboot.cmd"],
                          check=False, capture_output=True, text=True, timeout=60)
    dump = "".join(re.findall(r"^ *[0-9a-f]{6}  (.*)$", done.stdout + done.stderr, re.M))
    dump = dump.replace(" ", "")
    # SYSTEM (5-18) and administrators (5-32-544), and no users (5-32-545)
    assert "0101000000000005" + "12000000" in dump and "20000000" + "20020000" in dump
    assert "20000000" + "21020000" not in dump


def test_nothing_to_do_is_no_script(small):
    volume = small({"Control\\CrashControl": {"AutoReboot": 0}})
    volume.run("planners=firstboot", "apply=1")
    assert volume.lines == []


def test_restarts_may_stay(small):
    volume = small()
    volume.run("planners=firstboot", "keep_reboot=1")
    assert not volume.told("edit")
    volume.run("planners=firstboot", "apply=1")
    # a second run that wants them back takes all of it away
    volume.run("planners=firstboot", "keep_reboot=1", "apply=1")
    system = volume.system()
    crash = system.find("ControlSet002\\Control\\CrashControl")
    assert crash.number("AutoReboot") == 1 and not crash.value("RehostAutoReboot")
    assert system.find("Setup").number("SetupType") == 0 and system.find("Setup").text("CmdLine") == ""
    assert volume.script() is None and volume.cat("Rehost/firstboot.reg") is None


@pytest.mark.parametrize("setup", [
    {"SetupType": 1, "CmdLine": "oobe\\windeploy.exe"}, {"OOBEInProgress": 1},
    {"SystemSetupInProgress": 1}, {"CmdLine": "setup -newsetup"}], ids=lambda s: next(iter(s)))
def test_windows_own_setup_is_left_alone(small, setup, tmp_path):
    volume = small(setup=setup)
    volume.run("planners=firstboot", "apply=1", package(tmp_path, "netkvm", "netkvm.inf"))
    assert "setup goes on" in volume.told("note")[0]
    assert all(c.startswith("Microsoft\\Windows\\CurrentVersion: DevicePath =")
               for c in volume.told("change"))
    assert volume.script() is None
    key = volume.software().find("Microsoft\\Windows\\CurrentVersion")
    assert key.text("DevicePath").endswith(";%SystemRoot%\\Rehost\\packages\\netkvm")


@pytest.mark.parametrize("name, inf", [
    ("a&calc", "a.inf"), ("%TEMP%", "a.inf"), ("net", "a\"b.inf"), ("net", "a^b.inf"),
    ("net", "\u00e4.inf"), (" net", "a.inf"), ("net", "a!b.inf"), ("x" * 65, "a.inf")])
def test_hostile_names_of_packages(small, tmp_path, name, inf):
    volume = small()
    volume.run("planners=firstboot", "apply=1", package(tmp_path / "p", name, inf))
    assert "can't stand in a script" in volume.told("refused")[0]
    assert not any("call :install" in x for x in volume.script())


@pytest.mark.parametrize("build, version, words", [
    ("6002", "6.0", "-i -a"), ("9600", "6.3", "-i -a"), ("10586", "6.3", "-i -a"),
    ("14393", "6.3", "/add-driver"), ("26100", "6.3", "/add-driver")])
def test_pnputil_by_version(small, tmp_path, build, version, words):
    volume = small(build=build, version=version)
    volume.run("planners=firstboot", "apply=1", package(tmp_path, "net", "net.inf"))
    line, = [x for x in volume.script() if "pnputil.exe\" " in x]
    assert line.split("pnputil.exe\" ")[1].startswith(words)


# --- network cards

def netsh(volume):
    return [x.split("interface ip ")[1].split(" >>")[0] for x in volume.script() or []
            if "netsh.exe" in x]


def found(volume):
    return [x.split('"')[1] for x in volume.script() or [] if x.startswith("call :find")]


def test_the_only_card(small):
    """No MAC of the new machine is known: whichever card it has, if it is one."""
    volume = small(interface(7, E1000, "LAN", DefaultGateway=["192.0.2.1"], NameServer="192.0.2.2"))
    volume.run("planners=firstboot", "apply=1")
    assert found(volume) == ["Tcpip_{"] and not volume.told("warning")
    assert netsh(volume) == [
        'set address name="%conn%" source=static addr=192.0.2.7 mask=255.255.255.0 '
        'gateway=192.0.2.1 gwmetric=0',
        'set dns name="%conn%" source=static addr=192.0.2.2 validate=no']


def test_no_gateway(small):
    volume = small(interface(7, E1000, "LAN"), version="6.0", build="6002")
    volume.run("planners=firstboot", "apply=1")
    assert netsh(volume) == ['set address name="%conn%" source=static addr=192.0.2.7 '
                             'mask=255.255.255.0 gateway=none']


def test_a_card_by_the_old_mac(small, tmp_path):
    """The old card was put into the new machine, which has another one besides."""
    volume = small({**interface(7, E1000, "LAN"), **interface(8, "USB\\VID_1&PID_2\\3", "USB")})
    old = inventory(tmp_path / "old", [("00:11:22:33:44:55", True, E1000_ALIAS)])
    new = inventory(tmp_path / "new", [("52:54:00:00:00:01", True, VIRTIO_NET),
                                       ("00:11:22:33:44:55", True, E1000_ALIAS)])
    volume.run("planners=firstboot", f"old={old}", f"hardware={new}", "apply=1")
    assert not volume.told("warning")
    # the rest goes to the card that is left
    assert found(volume) == ["00-11-22-33-44-55", "52-54-00-00-00-01"]


def test_two_equal_cards_are_not_guessed(small, tmp_path):
    volume = small({**interface(7, E1000, "LAN"), **interface(8, E1000[:-4] + "1888", "LAN 2")})
    old = inventory(tmp_path / "old", [("00:11:22:33:44:55", True, E1000_ALIAS),
                                       ("00:11:22:33:44:66", True, E1000_ALIAS)])
    new = inventory(tmp_path / "new", [("00:11:22:33:44:55", True, E1000_ALIAS),
                                       ("00:11:22:33:44:66", True, E1000_ALIAS)])
    volume.run("planners=firstboot", f"old={old}", f"hardware={new}", "apply=1")
    assert found(volume) == [] and len(volume.told("warning")) == 2
    assert '--nic "LAN 2=MAC"' in volume.told("warning")[1]
    # one said, one left
    volume.run("planners=firstboot", f"hardware={new}", "nic=lan 2=00:11:22:33:44:66", "apply=1")
    assert found(volume) == ["00-11-22-33-44-55", "00-11-22-33-44-66"]


def test_the_card_with_a_cable(small, tmp_path):
    volume = small(interface(7, E1000, "LAN"))
    new = inventory(tmp_path / "new", [("52:54:00:00:00:01", False, VIRTIO_NET),
                                       ("52:54:00:00:00:02", True, VIRTIO_NET)])
    volume.run("planners=firstboot", f"hardware={new}", "apply=1")
    assert found(volume) == ["52-54-00-00-00-02"]


@pytest.mark.parametrize("more", [
    {"IPAddress": ["0.0.0.0"]}, {"IPAddress": ["1.2.3.4 & calc"]}, {"IPAddress": []},
    {"SubnetMask": ["255.255.255.0\" & calc"]}, {"EnableDHCP": 1}, {"IPAddress": ["::1"]}])
def test_no_addresses(small, more):
    volume = small({**interface(7, E1000, "LAN", **more),
                    "Control\\CrashControl": {"AutoReboot": 0}})
    volume.run("planners=firstboot")
    assert volume.lines == []


def test_tunnels_are_no_cards(small):
    volume = small(interface(7, "ROOT\\*ISATAP\\0000", "isatap"))
    volume.run("planners=firstboot", "apply=1")
    assert found(volume) == []


@pytest.mark.parametrize("name", ["LAN\" & calc & \"", "100%PATH%", "a|b>c", "\u041f\u043e\u0434", "\n@calc"])
def test_hostile_names_of_connections(small, name):
    """They are told to people, but a script never has them."""
    plain_one = ['set address name="%conn%" source=static addr=192.0.2.7 mask=255.255.255.0 '
                 'gateway=none',
                 'set dns name="%conn%" source=static addr=192.0.2.2 validate=no']
    volume = small(interface(7, E1000, name, NameServer="192.0.2.2,evil&calc 1.2.3"))
    volume.run("planners=firstboot", "apply=1")
    assert netsh(volume) == plain_one
    text = "\n".join(volume.script())
    assert "calc" not in text and "PATH%" not in text and "a|b" not in text


@pytest.mark.parametrize("mac", ["52:54:00:12:34:5", "52:54:00:12:34:56 & calc", "52:54: 0:12:34:56"])
def test_hostile_macs(small, mac):
    volume = small({**interface(7, E1000, "LAN"), **interface(8, E1000, "LAN 2")})
    volume.run("planners=firstboot", f"nic=LAN={mac}", "apply=1")
    assert found(volume) == []


# --- leftovers

SERVICES = {f"Services\\{name}": {"Type": 1, "Start": start} for name, start in (
    ("intelppm", 1), ("processr", 3), ("amdk8", 1), ("agp440", 0), ("xenfilt", 0), ("xenvbd", 0),
    ("prl_strg", 0), ("vmci", 0), ("pvscsi", 0), ("viostor", 0), ("gdrv", 2), ("VBoxGuest", 1))}
FILTERS = {
    "Control\\Class\\{4D36E967-E325-11CE-BFC1-08002BE10318}": {"LowerFilters": ["prl_strg"]},
    "Control\\Class\\{4D36E97D-E325-11CE-BFC1-08002BE10318}": {"UpperFilters": ["XENFILT", "other"]}}


def starts(volume, control="ControlSet002"):
    key = volume.system().find(f"{control}\\Services")
    return {k.name: k.number("Start") for k in key.subkeys() if k.number("Start") is not None}


def test_dangerous_leftovers(small):
    volume = small({**SERVICES, **FILTERS})
    before = starts(volume)
    volume.run("planners=leftovers", "apply=1")
    assert starts(volume) == {**before, "xenfilt": 4, "prl_strg": 4}
    system = volume.system()
    for control in ("ControlSet001", "ControlSet002"):
        disk, chips = (system.find(f"{control}\\{path}") for path in FILTERS)
        assert not disk.value("LowerFilters") and chips.texts("UpperFilters") == ["other"]
    volume.run("planners=leftovers", "apply=1")
    assert not volume.told("edit")


def test_tools_on_request(small):
    volume = small({**SERVICES, **FILTERS})
    before = starts(volume)
    volume.run("planners=leftovers", "remove_tools=1", "apply=1")
    assert starts(volume) == {**before, "xenfilt": 4, "prl_strg": 4, "xenvbd": 4, "vmci": 4,
                              "VBoxGuest": 4, "gdrv": 4}


def test_tools_that_belong_there(small, tmp_path):
    volume = small({**SERVICES, **FILTERS})
    before = starts(volume)
    volume.run("planners=leftovers", "profile=any", "remove_tools=1", "apply=1")
    assert starts(volume) == before
    box = inventory(tmp_path / "box", [], "innotek GmbH", "VirtualBox")
    volume.run("planners=leftovers", f"hardware={box}", "remove_tools=1", "apply=1")
    assert starts(volume)["VBoxGuest"] == 1 and starts(volume)["vmci"] == 4


NT5 = {"Services\\volmgr": None, **SERVICES}


@pytest.mark.parametrize("vendor, product, cpu, off", [
    ("QEMU", "Standard PC", "GenuineIntel", {"intelppm", "amdk8", "agp440"}),
    ("Dell Inc.", "OptiPlex", "AuthenticAMD", {"intelppm"}),
    ("Dell Inc.", "OptiPlex", "GenuineIntel", {"amdk8"}),
    ("", "", "", set())])
def test_processors_of_nt5(small, tmp_path, vendor, product, cpu, off):
    volume = small(NT5, version="5.1", build="2600")
    before = starts(volume)
    machine = inventory(tmp_path / "machine", [], vendor, product, cpu)
    volume.run("planners=leftovers", f"hardware={machine}", "apply=1")
    now = starts(volume)
    changed = {name for name in now if now[name] != before[name]}
    assert changed - {"xenfilt", "prl_strg"} == off


def test_fast_startup(small):
    volume = small()
    volume.run("planners=leftovers", "apply=1")
    for control in ("ControlSet001", "ControlSet002"):
        assert number(volume.system(), f"{control}\\Control\\Session Manager\\Power",
                      "HiberbootEnabled") == 0
    assert "Fast Startup" in volume.told("note")[0]


# --- identity

def test_new_name(small):
    active = {"Control\\ComputerName\\ActiveComputerName": {"ComputerName": "OLDPC"}}
    winlogon = "Microsoft\\Windows NT\\CurrentVersion\\Winlogon"
    volume = small(active, software={winlogon: {"DefaultDomainName": "oldpc",
                                                "AltDefaultDomainName": "CORP"}})
    volume.run("planners=identity", "hostname=New-PC7", "apply=1")
    assert not volume.told("warning")
    system = volume.system()
    for control in ("ControlSet001", "ControlSet002"):
        for key in ("ComputerName", "ActiveComputerName"):
            name = value(system, f"{control}\\Control\\ComputerName\\{key}", "ComputerName")
            assert name.kind == regf.REG_SZ and name.text() == "NEW-PC7"
        tcpip = system.find(f"{control}\\Services\\Tcpip\\Parameters")
        assert tcpip.text("Hostname") == tcpip.text("NV Hostname") == "New-PC7"
    logon = volume.software().find(winlogon)
    assert logon.text("DefaultDomainName") == "NEW-PC7" and logon.text("AltDefaultDomainName") == "CORP"
    volume.run("planners=identity", "hostname=New-PC7")
    assert not volume.told("edit")


@pytest.mark.parametrize("name", ["a-name-too-long1", "123", "a.b", "-a", "a-", "a_b", "\u00e4"])
def test_names_that_are_none(small, name):
    volume = small()
    volume.run("planners=identity", f"hostname={name}", status=1)
    assert "no name for a Windows computer" in volume.lines[0]


def test_members_and_controllers_of_domains(small, tmp_path):
    volume = small({"Services\\Tcpip\\Parameters": {
        "NV Domain": "corp.example", "Hostname": "oldpc", "NV Hostname": "oldpc"}})
    volume.run("planners=identity", "hostname=new")
    assert "member of the domain corp.example" in volume.told("warning")[0]
    (tmp_path / "tree").rename(tmp_path / "tree1")
    volume = small({"Control\\ProductOptions": {"ProductType": "LanmanNT"}})
    volume.run("planners=identity", "hostname=new")
    assert "domain controller" in volume.told("warning")[0] and not volume.told("edit")


def test_new_identity_fakes_nothing(small):
    update = "Microsoft\\Windows\\CurrentVersion\\WindowsUpdate"
    volume = small({"Services\\Tcpip6\\Parameters": {"Dhcpv6DUID": b"\0\1", "other": 1}},
                   software={update: {"SusClientId": "x", "PingID": b"1", "other": 1},
                             "Microsoft\\Cryptography": {"MachineGuid": "g"}})
    volume.run("planners=identity", "new_identity=1", "apply=1")
    warning, = volume.told("warning")
    assert "SID" in warning and "sysprep.exe /generalize" in warning
    assert sorted(volume.told("change")) == [
        "- ControlSet001\\Services\\Tcpip6\\Parameters: Dhcpv6DUID",
        "- ControlSet002\\Services\\Tcpip6\\Parameters: Dhcpv6DUID",
        f"- {update}: PingID", f"- {update}: SusClientId"]
    assert volume.software().find(update).number("other") == 1
    assert volume.software().find("Microsoft\\Cryptography").text("MachineGuid") == "g"


ANSWERS = '<?xml version="1.0" encoding="utf-8"?>\n<unattend xmlns="urn:schemas-microsoft-com:unattend"/>\n'


@pytest.mark.parametrize("text, why", [
    (ANSWERS, None),
    (ANSWERS.replace("/>", ">"), "no XML: line 3"), ("<unattend/>", "begins with <unattend"),
    (ANSWERS.replace("unattend xmlns", "answers xmlns"), "begins with <unattend"), ("", "no XML"),
    ('<!DOCTYPE a [<!ENTITY a "&b;"><!ENTITY b "&a;">]><a>&a;</a>', "no XML")])
def test_answer_file(small, tmp_path, text, why):
    volume = small()
    (tmp_path / "answers").write_text(text)
    if why:
        volume.run("planners=identity", f"unattend={tmp_path / 'answers'}", status=1)
        assert why in volume.lines[0]
        return
    volume.run("planners=identity", f"unattend={tmp_path / 'answers'}", "apply=1")
    for place in ("Panther/unattend.xml", "System32/Sysprep/unattend.xml"):
        assert volume.cat(place) == text.encode()
    volume.run("planners=identity", f"unattend={tmp_path / 'answers'}")
    assert not volume.told("edit")


@pytest.mark.parametrize("text, good", [("[Unattended]\nOemSkipEula=Yes\n", True),
                                        ("[Version]\nSignature=x\n", False), (ANSWERS, False)])
def test_answer_file_of_nt5(small, tmp_path, text, good):
    volume = small({"Services\\volmgr": None}, version="5.1", build="2600")
    (tmp_path / "answers").write_text(text)
    volume.run("planners=identity", f"unattend={tmp_path / 'answers'}", "apply=1",
               status=0 if good else 1)
    assert volume.cat("/sysprep/sysprep.inf") == (text.encode() if good else None)


def test_what_is_kept_is_told(small):
    volume = small({"Control\\TimeZoneInformation": {"RealTimeIsUniversal": 1}})
    volume.run("planners=identity")
    assert volume.lines == ["note: Kept: the computer name OLDPC, the time zone W. Europe Standard "
                            "Time, with the hardware clock in UTC"]


if __name__ == "__main__":
    import tempfile
    assert sys.argv[1:] == ["--write-expected"], __doc__
    for one in REAL:
        with tempfile.TemporaryDirectory() as work:
            made, options = real_plan(one, pathlib.Path(work))
            made.run("apply=1", *options)
            (EXPECTED / f"{one}.cmd").write_text("\n".join(made.script()) + "\n")
