"""What Windows itself wrote when virtio-win's drivers were installed: facts from
lxc/distrobuilder's capture (windows/driver_viostor.go, driver_vioscsi.go), typed
anew; and the differences to ours that are meant, each with its reason.

A value is text (REG_SZ), Expand, a list (REG_MULTI_SZ), a number (REG_DWORD),
bytes (REG_BINARY) or NONE (REG_NONE, empty).  {inf} and {pkg} stand for names."""


class Expand(str):
    """REG_EXPAND_SZ"""


class Qword(int):
    """REG_QWORD"""


NONE = object()
SERVICES = "ControlSet001\\Services"
PACKAGE = "DriverDatabase\\DriverPackages\\{pkg}"
CONFIG = PACKAGE + "\\Configurations\\scsi_inst"
DEVICE = CONFIG + "\\Device\\Interrupt Management"
LOCKED = "Microsoft\\Windows\\CurrentVersion\\Setup\\PnpLockdownFiles\\%SystemRoot%/System32/drivers/"
STORE = "%SystemRoot%\\System32\\DriverStore\\FileRepository\\"
VERSION = "00ff090000000000" "7be9364d25e3ce11bfc108002be10318"   # what goes before date and number
WHQL = "Microsoft Windows Hardware Compatibility Publisher"


def package(driver, ids, bus, token, text):
    """The parts that both captures have; ids: (hardware id, compatible id) each."""
    facts = {
        f"{SERVICES}\\EventLog\\System\\{driver}": {
            "EventMessageFile": Expand("%SystemRoot%\\System32\\IoLogMsg.dll"), "TypesSupported": 7},
        f"{SERVICES}\\{driver}": {
            "ErrorControl": 1, "Group": "SCSI miniport",
            "ImagePath": Expand(f"System32\\drivers\\{driver}.sys"), "Owners": ["{inf}"],
            "Start": 0, "Tag": 0x21, "Type": 1},
        f"{SERVICES}\\{driver}\\Parameters": {"BusType": bus},
        f"{SERVICES}\\{driver}\\Parameters\\PnpInterface": {"5": 1},
        "DriverDatabase\\DriverInfFiles\\{inf}": {
            "": ["{pkg}"], "Active": "{pkg}", "Configurations": ["scsi_inst"]},
        PACKAGE: {
            "": "{inf}", "Catalog": f"{driver}.cat", "InfName": f"{driver}.inf",
            "OemPath": "C:\\Program Files\\Virtio-Win\\" + driver, "Provider": "Red Hat, Inc.",
            "SignerName": WHQL, "SignerScore": 0x0D000005, "StatusFlags": 0x12},
        PACKAGE + "\\Configurations": {},
        CONFIG: {"ConfigFlags": 0, "ConfigScope": 7, "Service": driver},
        CONFIG + "\\Device": {},
        DEVICE: {},
        DEVICE + "\\Affinity Policy": {"DevicePolicy": 5},
        DEVICE + "\\MessageSignaledInterruptProperties": {"MSISupported": 1, "MessageNumberLimit": 0x100},
        CONFIG + "\\Services": {},
        CONFIG + f"\\Services\\{driver}": {},
        CONFIG + f"\\Services\\{driver}\\Parameters": {"BusType": bus},
        CONFIG + f"\\Services\\{driver}\\Parameters\\PnpInterface": {"5": 1},
        PACKAGE + "\\Descriptors": {},
        PACKAGE + "\\Descriptors\\PCI": {},
        PACKAGE + "\\Strings": {"vendor": "Red Hat, Inc.", token: text},
    }
    for pair in ids:
        for column, one in enumerate(pair, 1):
            facts[f"DriverDatabase\\DeviceIds\\PCI\\{one}"] = {"{inf}": bytes([column, 0xFF, 0, 0])}
            facts[f"{PACKAGE}\\Descriptors\\PCI\\{one}"] = {
                "Configuration": "scsi_inst", "Description": f"%{token}%", "Manufacturer": "%vendor%"}
    return facts


VIOSTOR = package("viostor", [("VEN_1AF4&DEV_1001&SUBSYS_00021AF4&REV_00", "VEN_1AF4&DEV_1001"),
                              ("VEN_1AF4&DEV_1042&SUBSYS_11001AF4&REV_01", "VEN_1AF4&DEV_1042")],
                  1, "viostorscsi.devicedesc", "Red Hat VirtIO SCSI controller")
VIOSTOR["DriverDatabase"] = {"OemInfMap": b"\x80", "UpdateDate": bytes.fromhex("a095cd699258d801")}
VIOSTOR[PACKAGE]["FileSize"] = Qword(0x129AE)
VIOSTOR[PACKAGE + "\\Properties"] = {}
VIOSTOR[PACKAGE + "\\Properties\\{4da162c1-5eb1-4140-a444-5064c9814e76}"] = {}
VIOSTOR[PACKAGE + "\\Properties\\{4da162c1-5eb1-4140-a444-5064c9814e76}\\0009"] = {"": "a submission's number"}
VIOSTOR_SOFTWARE = {LOCKED + "viostor.sys": {
    "Class": 4, "Owners": ["{inf}"], "Source": Expand(STORE + "{pkg}\\viostor.sys")}}

VIOSCSI = package("vioscsi", [("VEN_1AF4&DEV_1004&SUBSYS_00081AF4&REV_00", "VEN_1AF4&DEV_1004"),
                              ("VEN_1AF4&DEV_1048&SUBSYS_11001AF4&REV_01", "VEN_1AF4&DEV_1048")],
                  0xA, "virtioscsi.devicedesc", "Red Hat VirtIO SCSI pass-through controller")
VIOSCSI["DriverDatabase"] = {"OemInfMap": b"\xe0"}
VIOSCSI["DriverDatabase\\DeviceIds\\{4d36e97b-e325-11ce-bfc1-08002be10318}"] = {"{inf}": NONE}
VIOSCSI[f"{SERVICES}\\vioscsi"]["DisplayName"] = \
    "@{inf},%VirtioScsi.SVCDESC%;Red Hat VirtIO SCSI pass-through Service"
VIOSCSI[PACKAGE].update(CatalogAttributes=0x80000003, SignerScore=0x0D000004)
VIOSCSI[DEVICE + "\\Affinity Policy"]["DevicePriority"] = 3
VIOSCSI_SOFTWARE = {LOCKED + "vioscsi.sys": {
    "Class": 5, "Owners": ["{inf}"], "Source": Expand(STORE + "{pkg}\\vioscsi.sys")}}

# (key, value) or a key -> why ours differs.  None for the value: all of the key, and below it.
DIFFERENT = {
    ("DriverDatabase", "OemInfMap"): "which numbers are taken depends on the Windows; test_oem_names",
    ("DriverDatabase", "UpdateDate"): "a time; the databases of 8.1 and 10 1709 have none",
    (PACKAGE, "OemPath"): "the package came from no path of that Windows",
    (PACKAGE, "FileSize"): "one of the two captures; not in the database of 10 1709",
    (PACKAGE, "CatalogAttributes"): "one of the two captures; not in the database of 10 1709",
    (PACKAGE, "SignerScore"): "0x0D000005 in one capture, as in all of 10 1709, and 4 in the other",
    (PACKAGE, "Version"): "a later driver: by its INF's DriverVer (test_versions)",
    (PACKAGE + "\\Properties", None): "numbers of Microsoft's certification, which are in no INF",
    (DEVICE + "\\MessageSignaledInterruptProperties", "MessageNumberLimit"):
        "a later driver: its INF has 257 (viostor) and 258 (vioscsi)",
    (DEVICE + "\\Affinity Policy", "GroupPolicy"): "a later driver: its INF has this value beside",
    ("DriverDatabase\\DeviceIds\\{4d36e97b-e325-11ce-bfc1-08002be10318}", "{inf}"):
        "only one capture has it, but all packages of the databases of 8.1 and 10",
    (LOCKED + "vioscsi.sys", "Class"): "4 in nine of ten captured packages, what 5 means is not known",
}
