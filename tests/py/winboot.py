#!/usr/bin/python3
"""Does this Windows boot on that hardware, and if not, why?  A decision from the
SYSTEM hive alone, written from public facts and not from the project's C code,
so that the two can be compared.

    winboot.py --system HIVE [--software HIVE] --files LIST --target NAME [--json]

LIST: a text file with the paths below %SystemRoot%, one a line, or that
directory itself.  NAME: "kvm/ahci", "kvm" (all its ways), see win_targets.py.
Exit status: 0 it boots, 1 it does not, 2 it cannot be said.

How it decides, for the control set that the loader takes (Select\\Default):
every device from the root bridge to the volume is a new one.  Its driver is the
one that the kernel would bind by CriticalDeviceDatabase (up to 7) or by
DriverDatabase (8 and later; which of the two: by what is there).  That service
must be loaded by the boot loader (Start, then StartOverride), its file be
there, and so for the filters of its class.  Beside these stand the services of
the storage stack, which have no new device."""
import argparse
import json
import os
import struct
import sys
import uuid
from collections import namedtuple

import pe
import regf
import win_targets

MACHINES = {"x86": 0x14C, "AMD64": 0x8664, "ARM64": 0xAA64}
SERVICES, PNP, CDDB = "Services", "Control\\PnP", "Control\\CriticalDeviceDatabase"
KERNEL_DRIVER, FILE_SYSTEM_DRIVER = 1, 2
START_NAMES = {0: "boot", 1: "system", 2: "automatic", 3: "on demand", 4: "disabled"}

# Services of the storage stack that are no new device's.  NT 4 has no plug and play.
STACK = {
    "nt4": ("disk",),
    "nt5": ("acpi", "pci", "partmgr", "disk", "ftdisk", "mountmgr", "volsnap"),
    "nt6": ("acpi", "pci", "partmgr", "disk", "volmgr", "mountmgr", "volsnap"),
    "nt6.2": ("acpi", "pci", "partmgr", "disk", "volmgr", "mountmgr", "volsnap"),
}
# of Hyper-V's synthetic disks, where this Windows has it; vmbus, vpci and
# storvsc are devices' drivers and judged as such
HYPERV_STACK = ("storflt",)
# libraries of drivers: without them the loader refuses the driver
IMPORTS = {
    "nt4": {}, "nt5": {"pciide": ("pciidex",), "intelide": ("pciidex",), "disk": ("classpnp",)},
    "nt6": {"pciide": ("pciidex",), "intelide": ("pciidex",), "atapi": ("ataport",),
            "msahci": ("ataport",), "disk": ("classpnp",)},
}
IMPORTS["nt6.2"] = {**IMPORTS["nt6"], "storahci": ("storport",), "stornvme": ("storport",)}
SYSTEM_FILES = ("System32\\ntoskrnl.exe", "System32\\hal.dll", "System32\\drivers\\ntfs.sys")
# groups that the loader knows without ServiceGroupOrder\List
BUILT_IN_GROUPS = {"core", "core platform extensions", "core security extensions",
                   "early-launch", "pnp filter"}
# drivers of Windows NT 4, which look for their hardware themselves
NT4_DRIVERS = {"ide": ("atapi",)}

Match = namedtuple("Match", "service class_guid matched entry filters")


class Undecided(Exception):
    """Nothing can be said about this Windows; the text says why."""


class Report:
    """Reasons and warnings, each once."""

    def __init__(self):
        self.reasons, self.warnings = [], []

    def stop(self, code, subject, sentence):
        self._add(self.reasons, code, subject, sentence)

    def warn(self, code, subject, sentence):
        self._add(self.warnings, code, subject, sentence)

    @staticmethod
    def _add(to, code, subject, sentence):
        if not any(r["code"] == code and r["subject"] == subject for r in to):
            to.append({"code": code, "subject": subject, "sentence": sentence})


class Windows:
    """One installed Windows: its hives, its files, what it is."""

    def __init__(self, system, has, software=None, version=None, machine_of=None):
        self.root, self.has, self.machine_of = system.root, has, machine_of
        self.software = software.root if software else None
        select = self.root.find("Select")
        if not select:
            raise Undecided("the hive has no Select key: it is no SYSTEM hive")
        self.roles = {r: select.number(r) for r in ("Current", "Default", "LastKnownGood", "Failed")}
        self.sets = {k.name: k for k in self.root.subkeys()
                     if k.name.upper().startswith("CONTROLSET") and k.name[10:].isdigit()}
        self.database = self.root.find("DriverDatabase")
        self.version = version or self._version()
        self.generation = self._generation()
        env = self.a_set().find("Control\\Session Manager\\Environment")
        self.arch = env and env.text("PROCESSOR_ARCHITECTURE")

    def set_of(self, role):
        number = self.roles.get(role)
        return self.sets.get(f"ControlSet{number:03d}") if number else None

    def a_set(self):
        found = self.set_of("Default") or self.set_of("Current")
        if not found:
            raise Undecided(f"Select names control sets that are not there: {self.roles}")
        return found

    def _version(self):
        """(major, minor), by SOFTWARE or by the database's own word; or None."""
        key = self.software and self.software.find("Microsoft\\Windows NT\\CurrentVersion")
        if key:
            if key.number("CurrentMajorVersionNumber") is not None:
                return key.number("CurrentMajorVersionNumber"), key.number("CurrentMinorVersionNumber") or 0
            parts = (key.text("CurrentVersion") or "").split(".")
            if len(parts) == 2 and all(p.isdigit() for p in parts):
                return int(parts[0]), int(parts[1])
        number = self.database and self.database.number("Version")
        return (number >> 24, number >> 16 & 255) if number else None

    def _generation(self):
        if self.database:
            return "nt6.2"
        one = self.a_set()
        if one.find(SERVICES + "\\volmgr"):
            return "nt6"
        return "nt5" if one.find(CDDB) else "nt4"

    def boot_flags(self):
        """What the loader adds to the boot drivers (BootFlags), by the last hardware."""
        config = self.root.find("HardwareConfig")
        here = config and config.text("LastConfig")
        key = here and config.find(here)
        return key and key.number("BootDriverFlags") or 0


def path_of_image(text, service):
    """ImagePath as a path below %SystemRoot%; None if the boot loader cannot use it."""
    if not text:
        return f"System32\\drivers\\{service}.sys"
    path = text.strip().replace("/", "\\")
    if path.lower().startswith("\\systemroot\\"):
        return path[12:]
    return None if path.startswith(("\\", "%", '"')) or ":" in path else path


# --- which driver would be bound

def bind_critical(control, device):
    """CriticalDeviceDatabase: the first id, in rank order, whose key names a service."""
    table, bare = control.find(CDDB), None
    for one in device.ids if table else ():
        key = table.find(one.replace("\\", "#"))
        if not key:
            continue
        filters = [(kind, f) for kind in ("UpperFilters", "LowerFilters") for f in key.texts(kind)]
        match = Match(key.text("Service"), key.text("ClassGUID") or "", one,
                      f"CriticalDeviceDatabase\\{key.name}", filters)
        if match.service:
            return match, []
        bare = bare or match
    return bare, []


class Database:
    """DriverDatabase: DeviceIds -> DriverInfFiles -> DriverPackages -> Configurations."""

    def __init__(self, key, strict):
        self.key, self.strict = key, strict   # strict: a package must have its Version

    def bind(self, device):
        found, broken = [], []
        for of_compatible, ids in ((0, device.hardware), (0x2000, device.compatible)):
            for at, one in enumerate(ids):
                key = self.key.find("DeviceIds\\" + one)
                for value in key.all_values() if key else ():
                    try:
                        candidate = self._candidate(device, one, value, of_compatible + at)
                    except LookupError as e:
                        broken.append(str(e.args[0]))
                        continue
                    if candidate:
                        found.append(candidate)
        return (min(found, key=lambda c: c[0])[1] if found else None), broken

    def _candidate(self, device, one, value, identifier):
        """(rank, Match); lower ranks win.  Rank as Microsoft describes it: signature,
        feature score, identifier; then the later date, the higher version."""
        inf = value.name
        package = self._package(inf)
        column, feature, inf_at = (tuple(value.data) + (1, 255, 0)[len(value.data):])[:3]
        if column == 2:                       # matches a compatible id of the INF
            identifier += 0x1000 + 0x100 * inf_at
        guid, date, version = self._version(package)
        name = self._need(package, "Descriptors\\" + one, "").text("Configuration")
        config = self._need(package, f"Configurations\\{name}", f", named for {one},")
        out = {i.upper() for i in config.texts("ExcludeIds")}
        if any(i.upper() in out for i in device.ids):
            return None
        unsigned = (package.number("SignerScore") or 0x80000000) >= 0x80000000
        filters = [(kind, f) for kind in ("UpperFilters", "LowerFilters") for f in config.texts(kind)]
        rank = (unsigned, feature, identifier, -date, -version, inf.lower())
        return rank, Match(config.text("Service"), guid, one,
                           f"DriverPackages\\{package.name}\\Configurations\\{name}", filters)

    def _package(self, inf):
        key = self.key.find("DriverInfFiles\\" + inf)
        name = key and (key.text("Active") or (key.texts("") or [None])[0])
        package = name and self.key.find("DriverPackages\\" + name)
        if not package:
            raise LookupError(f"{inf} has no driver package")
        return package

    def _version(self, package):
        value = package.value("Version")
        if not value or len(value.data) < 40:
            if self.strict:
                raise LookupError(f"the driver package {package.name} has no Version")
            return "", 0, 0
        guid = "{%s}" % uuid.UUID(bytes_le=value.data[8:24])
        return (guid, *struct.unpack_from("<QQ", value.data, 24))

    @staticmethod
    def _need(package, path, why):
        key = package.find(path)
        if not key:
            raise LookupError(f"the driver package {package.name} has no {path}{why}".rstrip(","))
        return key


def bind_nt4(control, device):
    """Windows NT 4 binds nothing: drivers look for their hardware, from a small table here."""
    if device.kind in ("bridge", "channel", "volume"):
        return Match("", "", device.ids[0], "", []), []
    if device.kind == "disk":
        return Match("disk", "", device.ids[0], "", []), []
    for service in NT4_DRIVERS.get(device.kind, ()):
        if control.find(f"{SERVICES}\\{service}"):
            return Match(service, "", device.ids[0], "", []), []
    return None, []


# --- one control set on one way to the disk

class Judge:
    def __init__(self, windows, control, report):
        self.w, self.control, self.report = windows, control, report
        self.checked = {}
        self.groups = {g.lower() for g in (control.find("Control\\ServiceGroupOrder") or control).texts("List")}

    def way(self, way):
        """The devices with what drives them; reasons go into the report."""
        parent, out = "", []
        for device in way.devices:
            if device.below and parent.lower() not in device.below:
                continue
            match, broken = self.bind(device)
            out.append({"device": device.name, "service": match.service if match else None,
                        "matched": match.matched if match else None})
            self.device(device, match, broken)
            parent = match and match.service or ""
        self.stack(way)
        self.policies()
        return out

    def bind(self, device):
        if self.w.generation == "nt6.2":
            strict = bool(self.w.version and self.w.version[0] >= 10)
            return Database(self.w.database, strict).bind(device)
        return (bind_nt4 if self.w.generation == "nt4" else bind_critical)(self.control, device)

    def device(self, device, match, broken):
        guid = match.class_guid if match else device.class_guid
        if match and match.service:
            self.service(match.service, f"drives {device.name} ({match.matched})")
        elif self.w.generation == "nt4" and match:
            pass
        elif device.raw:
            pass
        elif match:
            self.report.stop("no-service", device.name,
                             f"{device.name}: {match.entry} names no service")
        elif broken:
            self.report.stop("driver-incomplete", device.name, f"{device.name}: {broken[0]}")
        else:
            self.report.stop("no-driver", device.name,
                             f"{device.name}: no driver is known for {device.ids[0]} or its other ids")
        for kind, name in (match.filters if match else []) + self.class_filters(guid):
            self.service(name, f"{kind[:5].lower()} filter of {device.name}", "filter-")

    def class_filters(self, guid):
        key = self.control.find("Control\\Class\\" + guid) if guid else None
        return [(kind, f) for kind in ("UpperFilters", "LowerFilters")
                for f in (key.texts(kind) if key else ())]

    def stack(self, way):
        for name in STACK[self.w.generation]:
            self.service(name, "belongs to the storage stack")
        if any(d.name == win_targets.VMBUS.name for d in way.devices):
            for name in HYPERV_STACK:
                if self.control.find(f"{SERVICES}\\{name}"):
                    self.service(name, "belongs to Hyper-V's storage stack")
        for path in SYSTEM_FILES:
            if not self.w.has(path):
                self.report.stop("file-missing", path, f"{path} is not there")

    def policies(self):
        key = self.control.find(PNP)
        for value, code, what in (
                ("DisableCDDB", "policy-disable-cddb", "keeps the kernel from binding new devices"),
                ("DontStartRawDevices", "policy-raw-devices", "keeps devices without a driver, as"
                 " volumes are, from being started")):
            number = key and key.number(value)
            if number and self.w.generation in ("nt6", "nt6.2"):
                self.report.stop(code, value, f"{PNP}\\{value} is {number}: it {what}")
        policy = self.w.software and self.w.software.find(
            "Policies\\Microsoft\\Windows\\DeviceInstall\\Restrictions")
        if policy and policy.values():
            self.report.warn("policy-restrictions", "DeviceInstall\\Restrictions",
                             "a group policy restricts the installation of devices")

    def service(self, name, why, prefix=""):
        """Reasons why the loader would not load it; each service is said once."""
        if (name.lower(), prefix) in self.checked:
            return
        self.checked[name.lower(), prefix] = True
        key = self.control.find(f"{SERVICES}\\{name}")
        if not key:
            self.report.stop(prefix + "service-missing", name, f"{name} ({why}): there is no such service")
            return
        stop = lambda code, text: self.report.stop(prefix + code, name, f"{name} ({why}): {text}")
        kinds = (KERNEL_DRIVER, FILE_SYSTEM_DRIVER) if prefix else (KERNEL_DRIVER,)
        if key.number("Type") not in kinds:
            stop("service-type", f"its Type is {key.number('Type')}, not that of a driver")
        self.start(key, stop)
        self.files(key, name, stop)
        group = (key.text("Group") or "").lower()
        if group and group not in self.groups and group not in BUILT_IN_GROUPS:
            self.report.warn("group-unknown", name, f"{name}: its group {key.text('Group')} is not in the load order")

    def start(self, key, stop):
        start = key.number("Start")
        override = key.find("StartOverride")
        # the values' names are numbers of hardware; which one new hardware gets
        # is not known, so the worst counts
        numbers = [v.number() for v in override.all_values()] if override else []
        numbers = [n for n in numbers if n is not None]
        if numbers and max(numbers):
            stop("start-override", f"StartOverride is {max(numbers)} "
                 f"({START_NAMES.get(max(numbers), 'unknown')}), not 0 (boot)")
        elif not numbers and start != 0 and not self.flagged(key, start):
            stop("service-start", f"its Start is {start} ({START_NAMES.get(start, 'unknown')}), not 0 (boot)")

    def flagged(self, key, start):
        return start == 3 and bool((key.number("BootFlags") or 0) & self.w.boot_flags())

    def files(self, key, name, stop):
        path = path_of_image(key.text("ImagePath"), key.name)
        if not path:
            stop("image-path", f"the loader cannot use the path {key.text('ImagePath')}")
            return
        imports = IMPORTS[self.w.generation].get(name.lower(), ())
        for one in (path, *(f"System32\\drivers\\{i}.sys" for i in imports)):
            if not self.w.has(one):
                stop("file-missing", f"{one} is not there")
                return
            machine = self.w.machine_of and self.w.machine_of(one)
            if machine is not None and machine != MACHINES.get(self.w.arch, machine):
                stop("file-machine", f"{one} is for another processor ({machine:#x})")
                return


# --- the whole answer

def decide_set(windows, control, target):
    ways = []
    for way in target.ways:
        report = Report()
        devices = Judge(windows, control, report).way(way)
        ways.append({"way": way.name, "boots": not report.reasons, "devices": devices,
                     "reasons": report.reasons, "warnings": report.warnings})
    boots = (any if target.need == "any" else all)(w["boots"] for w in ways)
    merged = Report()
    for one in ways:
        for r in one["reasons"] if not boots else ():
            merged.stop(r["code"], r["subject"], r["sentence"])
        for r in one["warnings"]:
            merged.warn(r["code"], r["subject"], r["sentence"])
    return {"boots": boots, "reasons": merged.reasons, "warnings": merged.warnings, "ways": ways}


def decide(system, has, target, software=None, version=None, machine_of=None):
    """system, software: regf.Hive; has(path): is that file below %SystemRoot%?
    (any case, backslashes); target: win_targets.Target or its name; version:
    (major, minor) when known; machine_of(path): a PE file's machine or None.

    {"boots", "reasons": [{"code", "subject", "sentence"}], "warnings", ...,
     "sets": {"ControlSet001": {"roles", "boots", "reasons", "warnings", "ways"}}}
    "boots" and "reasons" are those of the set that the loader takes, Default."""
    if isinstance(target, str):
        target = win_targets.find(target)
    windows = Windows(system, has, software, version, machine_of)
    chosen, sets = windows.a_set().name, {}
    for role in ("Default", "Current", "LastKnownGood"):
        control = windows.set_of(role)
        if control and control.name not in sets:
            sets[control.name] = {"roles": [], **decide_set(windows, control, target)}
        if control:
            sets[control.name]["roles"].append(role)
    first = sets[chosen]
    return {"target": target.name, "boots": first["boots"], "reasons": first["reasons"],
            "warnings": first["warnings"], "control_set": chosen, "sets": sets,
            "generation": windows.generation, "arch": windows.arch,
            "version": list(windows.version) if windows.version else None}


def file_set(paths):
    """has() over an iterable of paths with / or \\, in any case."""
    known = {p.strip().replace("/", "\\").lower().lstrip("\\") for p in paths}
    return lambda path: path.replace("/", "\\").lower() in known


class Tree:
    """The files below a directory that stands for %SystemRoot%, names in any case."""

    def __init__(self, top):
        self.paths = {os.path.relpath(os.path.join(d, n), top).replace("/", "\\").lower():
                      os.path.join(d, n) for d, _, names in os.walk(top) for n in names}

    def has(self, path):
        return path.replace("/", "\\").lower() in self.paths

    def machine_of(self, path):
        with open(self.paths[path.replace("/", "\\").lower()], "rb") as f:
            return pe.machine(f.read(4096))


def main():
    arg = argparse.ArgumentParser(description="does this Windows boot on that hardware?")
    arg.add_argument("--system", required=True, help="the hive SYSTEM")
    arg.add_argument("--software", help="the hive SOFTWARE")
    arg.add_argument("--files", required=True, help="paths below %%SystemRoot%%, or that directory")
    arg.add_argument("--target", required=True, help="kvm, kvm/ahci, ...")
    arg.add_argument("--dirty", action="store_true", help="take a dirty hive as it is on disk")
    arg.add_argument("--json", action="store_true")
    opt = arg.parse_args()
    try:
        hives = [regf.Hive(open(p, "rb").read(), opt.dirty) if p else None
                 for p in (opt.system, opt.software)]
        if os.path.isdir(opt.files):
            tree = Tree(opt.files)
            has, machine_of = tree.has, tree.machine_of
        else:
            with open(opt.files, encoding="utf-8") as f:
                has, machine_of = file_set(f.read().splitlines()), None
        answer = decide(hives[0], has, opt.target, hives[1], machine_of=machine_of)
    except (OSError, regf.RegfError, Undecided, KeyError) as e:
        print(f"winboot.py: {e.args[0] if isinstance(e, KeyError) else e}", file=sys.stderr)
        return 2
    if opt.json:
        print(json.dumps(answer, indent=1, sort_keys=True))
    else:
        print(f"{answer['target']}: {'boots' if answer['boots'] else 'does not boot'} ({answer['control_set']})")
        for r in answer["reasons"] + answer["warnings"]:
            print(f"  {r['code']}: {r['sentence']}")
    return 0 if answer["boots"] else 1


if __name__ == "__main__":
    sys.exit(main())
