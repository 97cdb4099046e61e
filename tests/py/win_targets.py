"""Hardware as Windows sees it: for each target the ways its boot disk can hang
on it, each a list of devices from the root bridge to the volume, with hardware
ids and compatible ids in Windows' own form and order.

Names of targets and ways: "kvm/ahci".  A way's `title` is what the profiles of
`rehost adapt` call the same thing (drivers-inject/hw-profiles.c), None where
they have none.  A bare "kvm" is all its ways; see NEED.

The form of the ids was read off the Enum keys of real hives (XP SP3, 7, 8.1,
10): a PCI device without a subsystem id keeps VEN&DEV among its hardware ids,
one with a subsystem id has it among the compatible ones; an ACPI device has
ACPI\\X and *X."""
from dataclasses import dataclass, field

# drivers of IDE and AHCI controllers that show channels, and not disks, below them
IDE_PORT_DRIVERS = frozenset(
    "intelide pciide aliide amdide cmdide viaide toside nvidesm msahci".split())


@dataclass(frozen=True)
class Device:
    name: str                       # for people, and for the expected table
    hardware: tuple
    compatible: tuple = ()
    below: frozenset = frozenset()  # only there when one of these drives its parent
    raw: bool = False               # Windows starts it without a driver, if need be
    class_guid: str = ""            # of a raw device: its class even without a driver
    kind: str = ""                  # "bridge", "ide", "scsi", ...: for Windows NT 4

    @property
    def ids(self):
        return self.hardware + self.compatible


@dataclass(frozen=True)
class Way:
    name: str
    devices: tuple
    title: str = None


@dataclass(frozen=True)
class Target:
    name: str
    ways: tuple
    need: str = "all"               # "all" ways must boot, or "any" one of them
    aliases: tuple = field(default=())


# --- devices

def acpi(hid, *cids, name=None):
    """Windows 8 added ACPI\\VEN_x&DEV_y, which no database has; it is left out."""
    return Device(name or hid, (f"ACPI\\{hid}", f"*{hid}"),
                  tuple(f"*{c}" for c in cids), kind="bridge")


def pci(name, ven, dev, sub, rev, cc, express=None):
    """sub: "subsystem device, subsystem vendor" as in SUBSYS_; cc: six digits."""
    v, d, c4 = f"PCI\\VEN_{ven}", f"PCI\\VEN_{ven}&DEV_{dev}", cc[:4]
    full = [f"{d}&SUBSYS_{sub}&REV_{rev}", f"{d}&SUBSYS_{sub}"]
    plain = [f"{d}&REV_{rev}", d]
    by_class = [f"{d}&CC_{cc}", f"{d}&CC_{c4}"]
    dt = [f"&DT_{express}"] if express else []      # the kind of a PCI Express device
    general = ([f"{v}&CC_{cc}", f"{v}&CC_{c4}", v] + [f"PCI\\CC_{cc}{t}" for t in dt]
               + [f"PCI\\CC_{cc}"] + [f"PCI\\CC_{c4}{t}" for t in dt] + [f"PCI\\CC_{c4}"])
    if sub == "00000000":
        hardware, compatible = full + plain + by_class, general
    else:
        hardware, compatible = full + by_class, plain + general
    kind = {"0604": "bridge", "0101": "ide", "0100": "scsi"}.get(c4, "pci")
    return Device(name, tuple(hardware), tuple(compatible), kind=kind)


def disk(bus, model):
    """A disk by the SCSI or the IDE port driver's naming; GenDisk is what matches."""
    model = model.replace(" ", "_")
    if bus == "IDE":
        full = model.ljust(40, "_")
        return Device("disk", (f"IDE\\Disk{full}1.0_____", f"IDE\\{full}1.0_____",
                               f"IDE\\Disk{full}", f"{full}1.0_____", "GenDisk"), ("GenDisk",),
                      kind="disk")
    vendor, product = model[:8].ljust(8, "_"), model[8:24].ljust(16, "_")
    full = vendor + product
    return Device("disk", (f"SCSI\\Disk{full}1.0_", f"SCSI\\Disk{full}", f"SCSI\\Disk{vendor}",
                           f"SCSI\\{full}1", f"{full}1", "GenDisk"), ("SCSI\\Disk", "SCSI\\RAW"),
                  kind="disk")


# XP names a channel Primary_IDE_Channel and *PNP0600, Windows 7 Internal_IDE_Channel
CHANNEL = Device("IDE channel", ("Internal_IDE_Channel", "Primary_IDE_Channel", "*PNP0600"),
                 ("*PNP0600",), below=IDE_PORT_DRIVERS, kind="channel")
# {71A27CDD...} is the class Volume; XP has no entry for it and starts it raw
VOLUME = Device("volume", ("STORAGE\\Volume",), raw=True, kind="volume",
                class_guid="{71A27CDD-812A-11D0-BEC7-08002BE2092F}")
PCI_ROOT = acpi("PNP0A03", name="PCI root bridge")
# PCI Express root: machines from about 2005, QEMU's q35
PCIE_ROOT = acpi("PNP0A08", "PNP0A03", name="PCI Express root bridge")
VMBUS = Device("VMBus", ("ACPI\\VMBUS", "*VMBUS"), kind="bridge")


def channel(name, guid):
    return Device(name, (f"VMBUS\\{guid}",), kind="vmbus")


# linux/hyperv.h and ADAPT 2.2
VMBUS_SCSI = channel("VMBus SCSI", "{ba6163d9-04a1-4d29-b605-72e2ffb1dc7f}")
VMBUS_IDE = channel("VMBus IDE", "{32412632-86cb-44a2-9b5c-50d1417354f5}")
VMBUS_PCI = channel("VMBus PCI", "{44c4f61d-4444-4400-9d52-802e27ede19f}")


def way(name, title, *devices):
    return Way(name, tuple(devices) + (VOLUME,), title)


def ide(name, title, controller, model):
    return way(name, title, PCI_ROOT, controller, CHANNEL, disk("IDE", model))


def ahci(name, title, root, controller, model):
    """By storahci the disk is a SCSI one, by msahci it hangs on an IDE channel."""
    return way(name, title, root, controller, CHANNEL, disk("SCSI", model))


def scsi(name, title, *devices, model="QEMU    QEMU HARDDISK"):
    return way(name, title, *devices, disk("SCSI", model))


# --- targets

# QEMU docs/specs/pci-ids.rst: 1AF4:1001 and 1004 are the virtio devices of before
# version 1.0 (REV_00), 1042 and 1048 those since (REV_01); 1B36:0010 NVMe;
# 8086:7010 the PIIX3 of the machine type "pc", 8086:2922 the ICH9 of "q35"
KVM = Target("kvm", (
    scsi("virtio-blk", "virtio-blk", PCI_ROOT,
         pci("virtio-blk", "1AF4", "1001", "00021AF4", "00", "010000"), model="Red Hat VirtIO"),
    scsi("virtio-blk-modern", None, PCIE_ROOT,
         pci("PCI Express root port", "1B36", "000C", "00000000", "00", "060400", 4),
         pci("virtio-blk", "1AF4", "1042", "11001AF4", "01", "010000"), model="Red Hat VirtIO"),
    scsi("virtio-scsi", "virtio-scsi", PCI_ROOT,
         pci("virtio-scsi", "1AF4", "1004", "00081AF4", "00", "010000")),
    scsi("virtio-scsi-modern", None, PCIE_ROOT,
         pci("PCI Express root port", "1B36", "000C", "00000000", "00", "060400", 4),
         pci("virtio-scsi", "1AF4", "1048", "11001AF4", "01", "010000")),
    scsi("nvme", "NVMe", PCIE_ROOT,
         pci("NVMe", "1B36", "0010", "11001AF4", "02", "010802"), model="NVMe    QEMU NVMe Ctrl"),
    ahci("ahci", "AHCI (SATA)", PCIE_ROOT,
         pci("AHCI", "8086", "2922", "11001AF4", "02", "010601"), "QEMU    HARDDISK"),
    ide("ide", "IDE", pci("IDE", "8086", "7010", "11001AF4", "00", "010180"), "QEMU HARDDISK"),
), aliases=("qemu", "proxmox"))

# 15AD:07C0 linux vmw_pvscsi.h; 1000:0054 and 0030, SUBSYS 197615AD: the Windows 7
# hive; 15AD:07E0 and 07F0 pci.ids; 15AD:07A0 (root port) and 0790 (bridge): that hive
VMWARE_PORT = pci("PCI Express root port", "15AD", "07A0", "07A015AD", "01", "060400", 4)
VMWARE_BRIDGE = pci("PCI bridge", "15AD", "0790", "079015AD", "02", "060401")
VMWARE_ROOT = acpi("PNP0A03", "PNP0A08", name="PCI root bridge")
VMWARE = Target("vmware", (
    scsi("pvscsi", "paravirtual SCSI", VMWARE_ROOT, VMWARE_PORT,
         pci("paravirtual SCSI", "15AD", "07C0", "07C015AD", "02", "010700"),
         model="VMware  Virtual disk"),
    scsi("lsisas", "LSI Logic SAS", VMWARE_ROOT, VMWARE_PORT,
         pci("LSI SAS", "1000", "0054", "197615AD", "01", "010700"), model="VMware  Virtual disk"),
    scsi("lsi", "LSI Logic parallel", VMWARE_ROOT,
         pci("LSI parallel", "1000", "0030", "197615AD", "01", "010000"),
         model="VMware  Virtual disk"),
    scsi("nvme", "NVMe", VMWARE_ROOT, VMWARE_PORT,
         pci("NVMe", "15AD", "07F0", "07F015AD", "00", "010802"), model="NVMe    VMware Virtual N"),
    ahci("ahci", "AHCI (SATA)", VMWARE_ROOT,
         pci("AHCI", "15AD", "07E0", "07E015AD", "00", "010601"), "VMware Virtual SATA"),
    ide("ide", "IDE", pci("IDE", "8086", "7111", "197615AD", "01", "01018A"),
        "VMware Virtual IDE Hard Drive"),
), aliases=("esxi",))

# Generation 1 is a PIIX4 with its disk on IDE.  VMBUS_IDE is the fast way to the
# same disk: Linux drives it, but no Windows database has its id (storflt looks
# for it by itself), so that Windows always boots by the IDE one.
HYPERV_IDE = ide("ide", "IDE (generation 1)",
                 pci("IDE", "8086", "7111", "00000000", "01", "010180"), "Virtual HD")
HYPERV_VMBUS_IDE = scsi("vmbus-ide", "VMBus IDE (generation 1)", VMBUS, VMBUS_IDE,
                        model="Msft    Virtual Disk")
HYPERV_SCSI = scsi("vmbus-scsi", "VMBus SCSI", VMBUS, VMBUS_SCSI, model="Msft    Virtual Disk")
HYPERV1 = Target("hyperv-gen1", (HYPERV_IDE, HYPERV_VMBUS_IDE), need="any")
HYPERV2 = Target("hyperv-gen2", (HYPERV_SCSI,))

# 5853:0001 linux/pci_ids.h; the child's ids: vendors' xenvbd.inf (XENBUS\CLASS&VBD
# with, before it, the vendor's own number)
XEN_VBD = (PCI_ROOT, pci("Xen platform", "5853", "0001", "00015853", "01", "010000"),
           Device("Xen block device", ("XENBUS\\VEN_XSC000&DEV_VBD&REV_00000002",),
                  ("XENBUS\\CLASS&VBD", "XENVBD"), kind="xen"))
XEN = Target("xen", (
    scsi("vbd", "Xen block device", *XEN_VBD, model="XENSRC  PVDISK"),
    ide("ide", "IDE", pci("IDE", "8086", "7010", "00015853", "00", "010180"), "QEMU HARDDISK"),
), aliases=("xcp-ng",))

# VirtualBox src/VBox/Devices: 8086:2829 (the 8.1 hive has it, SUBSYS_00000000),
# 8086:7111 PIIX4, 1000:0030 and 0054, 80EE:4E56 NVMe, 1AF4:1048 virtio-scsi
VIRTUALBOX = Target("virtualbox", (
    ahci("ahci", "AHCI (SATA)", PCI_ROOT,
         pci("AHCI", "8086", "2829", "00000000", "02", "010601"), "VBOX    HARDDISK"),
    ide("ide", "IDE", pci("IDE", "8086", "7111", "00000000", "01", "01018A"), "VBOX HARDDISK"),
    scsi("lsi", "LSI Logic parallel", PCI_ROOT,
         pci("LSI parallel", "1000", "0030", "80001000", "00", "010000"), model="VBOX    HARDDISK"),
    scsi("lsisas", "LSI Logic SAS", PCI_ROOT,
         pci("LSI SAS", "1000", "0054", "80001000", "00", "010700"), model="VBOX    HARDDISK"),
    scsi("nvme", "NVMe", PCI_ROOT,
         pci("NVMe", "80EE", "4E56", "4E5680EE", "00", "010802"), model="NVMe    ORCL-VBOX-NVME"),
    scsi("virtio-scsi", "virtio-scsi", PCI_ROOT,
         pci("virtio-scsi", "1AF4", "1048", "00081AF4", "01", "010000"), model="VBOX    HARDDISK"),
), aliases=("vbox",))

# the clouds' own documents, pci.ids, linux/drivers/nvme/host/pci.c
AWS = Target("aws", (
    scsi("nvme", "NVMe (Nitro)", PCI_ROOT,
         pci("NVMe", "1D0F", "8061", "80611D0F", "00", "010802"), model="NVMe    Amazon Elastic B"),
    scsi("vbd", "Xen block device", *XEN_VBD, model="AWS     PVDISK"),
), aliases=("ec2",))
GCP = Target("gcp", (
    scsi("virtio-scsi", "virtio-scsi", PCI_ROOT,
         pci("virtio-scsi", "1AF4", "1004", "00081AF4", "00", "010000"), model="Google  PersistentDisk"),
    scsi("nvme", "NVMe", PCI_ROOT,
         pci("NVMe", "1AE0", "001F", "001F1AE0", "00", "010802"), model="NVMe    nvme_card-pd"),
))
AZURE = Target("azure", (
    HYPERV_SCSI,
    HYPERV_IDE,
    scsi("vpci-nvme", "NVMe by VMBus", VMBUS, VMBUS_PCI,
         pci("NVMe", "1414", "00A9", "00A91414", "01", "010802"), model="NVMe    MSFT NVMe Accele"),
))

# Physical machines.  Ids: pci.ids; those of the old machines: the hives' Enum keys
PHYSICAL = Target("physical", (
    ahci("ahci-laptop", None, PCIE_ROOT,                     # Intel Sunrise Point-LP
         pci("AHCI", "8086", "9D03", "504917AA", "21", "010601"), "Samsung SSD 850"),
    scsi("nvme-laptop", None, PCIE_ROOT,                     # Samsung SM981/PM981
         pci("PCI Express root port", "8086", "9D10", "504917AA", "F1", "060400", 4),
         pci("NVMe", "144D", "A808", "A801144D", "00", "010802"), model="NVMe    SAMSUNG MZVLB51"),
    scsi("vmd-laptop", None, PCIE_ROOT,                      # Intel Alder Lake VMD: the
         pci("Intel VMD", "8086", "467F", "00008086", "00", "010400"),  # disks are its children
         model="NVMe    SAMSUNG MZVL251"),
    scsi("dell-perc", None, PCIE_ROOT,                       # MegaRAID SAS-3 3108, PERC H730
         pci("PCI Express root port", "8086", "6F02", "00008086", "01", "060400", 4),
         pci("Dell PERC", "1000", "005D", "1F431028", "02", "010400"), model="DELL    PERC H730"),
    scsi("lsi-9300", None, PCIE_ROOT,                        # SAS3008
         pci("PCI Express root port", "8086", "6F02", "00008086", "01", "060400", 4),
         pci("LSI 9300", "1000", "0097", "30901000", "02", "010700"), model="SEAGATE ST2000NX0433"),
    ide("dell-gx260", None, pci("IDE", "8086", "24CB", "01261028", "01", "01018A"),
        "WDC AC313000R"),                                    # the XP hive's machine
    scsi("dell-e6430", None, PCIE_ROOT,                      # the Windows 10 hive's machine
         pci("Intel RAID", "8086", "282A", "05341028", "04", "010400"),
         model="SAMSUNG SSD PM830"),
))

TARGETS = (KVM, VMWARE, HYPERV1, HYPERV2, XEN, VIRTUALBOX, AWS, GCP, AZURE, PHYSICAL)


def names():
    """Every single way, as "target/way"."""
    return [f"{t.name}/{w.name}" for t in TARGETS for w in t.ways]


def find(name):
    """The target called `name`, or one with the one way of "target/way"."""
    wanted, _, one = name.partition("/")
    for target in TARGETS:
        if wanted == target.name or wanted in target.aliases:
            ways = tuple(w for w in target.ways if one in ("", w.name))
            if ways:
                return Target(name if one else target.name, ways, "all" if one else target.need)
    raise KeyError(f"there is no target {name}; there are: "
                   + ", ".join([t.name for t in TARGETS] + names()))
