"""A guest of winguest.py whose SYSTEM hive is cut down to what starting from a disk needs:
some 300 KiB instead of 12 MiB, for tests that do the same a thousand times."""
import re

import regf
import winguest

SERVICES = {
    "acpi", "ahcache", "atapi", "cdrom", "disk", "fltmgr", "intelide", "ksecdd", "lsi_sas",
    "lsi_scsi", "megasas", "mountmgr", "msahci", "msisadrv", "ndis", "ntfs", "partmgr", "pci",
    "pciide", "rdyboost", "storahci", "storflt", "stornvme", "storvsc", "tcpip", "vdrvroot",
    "vmbus", "volmgr", "volmgrx", "volsnap", "volume", "vmtools", "vmci", "intelppm"}
CONTROL = {
    "class", "computername", "crashcontrol", "criticaldevicedatabase", "grouporderlist", "pnp",
    "productoptions", "servicegrouporder", "systeminformation", "timezoneinformation", "windows"}
SESSION = {"environment", "power"}
# of the databases: buses, the controllers that targets have, disks and volumes
IDS = re.compile(r"(pci[#\\])?(ven_8086&dev_(7010|7111|2922|1237|7110)|ven_1000&dev_00[35]|"
                 r"ven_1af4|ven_15ad&dev_07c0|cc_0[16])|\*pnp0[a6]0|acpi_hal|acpiapic|gendisk|"
                 r"(internal|primary|secondary)_ide|storage|vmbus", re.I)
INFS = re.compile(r"(mshdc|stornvme|lsi_sas|storvsc|wvmbus|pci|acpi|disk|volume|volmgr)\.inf", re.I)
VALUE_MAX = 2048        # of what starts a disk none is longer
CLASSES = re.compile(r"\{4d36e96[5-7a-b]|\{4d36e97[bd]|\{71a27cdd|\{533c5b84", re.I)


def wanted(path):
    """path: names in lower case, from the root down."""
    if path[0] == "driverdatabase" and len(path) >= 3:
        if path[1] == "deviceids":
            return bool(IDS.match(path[-1])) or path[2:] == ["pci"]
        return bool(INFS.match(path[2]))
    if not path[0].startswith("controlset"):
        return path[0] in ("select", "mounteddevices", "setup", "driverdatabase")
    if len(path) < 2:
        return True
    if path[1] == "services":
        return len(path) < 3 or path[2] in SERVICES
    if path[1] != "control" or len(path) < 3:
        return path[1] == "control"
    if path[2] == "session manager":
        return len(path) < 4 or path[3] in SESSION
    if len(path) > 3 and path[2] == "criticaldevicedatabase":
        return bool(IDS.match(path[3]))
    if len(path) > 3 and path[2] == "class":
        return bool(CLASSES.match(path[3])) and len(path) < 5
    return path[2] in CONTROL


def reduced(hive):
    keys = {}

    def take(key, path):
        for sub in key.subkeys():
            at = path + [sub.name]
            if wanted([p.lower() for p in at]):
                keys["\\".join(at)] = {v.name: (v.kind, v.data) for v in sub.all_values()
                                        if len(v.data) <= VALUE_MAX}
                take(sub, at)

    take(hive.root, [])
    return winguest.merge(winguest.fixture(winguest.MINIMAL), keys)


class Small(winguest.Guest):
    def __init__(self, name):
        super().__init__(name)
        self.system, self.logs = reduced(self.hive), {}
        self.hive = regf.Hive(self.system)
