#!/usr/bin/python3
"""Makes disks that look like an installed Windows, from the real hives of the
fixtures: the tree, an NTFS in a partition, boot files, small PE files where the
hive names drivers.  Nothing is mounted, no root is needed.

    winguest.py --guest win7-sp1-x86 (--tree DIR | --disk FILE [--table gpt|mbr])
        [--start SVC=N] [--override SVC=N|SVC=-] [--filter "{GUID}:UpperFilters=NAME"]
        [--pnp NAME=N] [--critical ID=SVC] [--missing PATH]

Each of these options may stand several times; they change the SYSTEM hive in
every control set (by hivexregedit, which makes a dirty hive a clean one), or
leave files out.  Fixtures: $REHOST_FIXTURES.  A disk needs ntfs-fill of
$REHOST_B/tests/tools, mkntfs, sfdisk, for an ESP mkfs.fat and mtools.  The
files' contents are made up; hives, their logs and BCD are real."""
import argparse
import lzma
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import uuid

import pe
import regf
import winboot

MIB = 1 << 20
SECTOR = 512
ESP_TYPE = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
MSR_TYPE = "E3C9E316-0B5C-4DB8-817D-F92DF00215AE"
DATA_TYPE = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"
ARCH = {"x86": pe.X86, "AMD64": pe.AMD64, "ARM64": pe.ARM64}

# %SystemRoot%, and what SOFTWARE says of such a Windows where there is none
GUESTS = {
    "nt4-sp3-server": ("WINNT", None),
    "winxp-sp3-x86": ("WINDOWS", {
        "ProductName": "Microsoft Windows XP", "CurrentVersion": "5.1",
        "CurrentBuildNumber": "2600", "CSDVersion": "Service Pack 3"}),
    "win7-sp1-x86": ("Windows", {
        "ProductName": "Windows 7 Ultimate", "CurrentVersion": "6.1", "CurrentBuild": "7601",
        "CurrentBuildNumber": "7601", "CSDVersion": "Service Pack 1", "EditionID": "Ultimate",
        "InstallationType": "Client"}),
    "win81-x64-dirty-nologs": ("Windows", {
        "ProductName": "Windows 8.1 Pro", "CurrentVersion": "6.3", "CurrentBuild": "9600",
        "CurrentBuildNumber": "9600", "EditionID": "Professional", "InstallationType": "Client"}),
    "win10-1709-x64-dirty": ("Windows", {
        "ProductName": "Windows 10 Pro", "CurrentVersion": "6.3", "CurrentMajorVersionNumber": 10,
        "CurrentMinorVersionNumber": 0, "CurrentBuild": "16299", "CurrentBuildNumber": "16299",
        "UBR": 309, "ReleaseId": "1709", "EditionID": "Professional",
        "InstallationType": "Client"}),
}
# a real boot configuration; its disk, its Windows and its ESP
BCD = "hives/bcd/esp-win10-asus/Boot/BCD"
BCD_IDS = ("5541e87d-91a5-4f2b-ad43-a0345c199e9b", "9d4a7cb0-ab9d-4d71-961f-50f1d9c9252f",
           "1c6ab89c-bcbf-4abe-8593-618e4d2f5811")
# one without entries, as BCD-Template is
TEMPLATE = "hives/bcd/esp-win10-asus/Recovery/BCD"
TEMPLATE_LOADERS = ("{ffd52abc-b0f1-11ea-8883-e126dd9df35c}", "{ffd52abd-b0f1-11ea-8883-e126dd9df35c}")
BOOTMGR, MEMDIAG = "{9dea862c-5cdd-4e70-acc1-f32b344d4795}", "{b2721d73-1db4-4c62-bf78-c548a880142d}"
FWBOOTMGR = "{a5a30fa2-3d06-4e9f-b5f4-a01df9d1fcba}"
LOADER, RESUME = "{e018a2d0-b134-11ea-95b2-81f0ac71b75b}", "{e018a2cf-b134-11ea-95b2-81f0ac71b75b}"
GPT_DISK, GPT_ESP = "0D1F6C52-8A3B-4C77-9B1E-5A6D7C8B9A01", "B0A7E5C4-11D2-4E6F-8A90-1C2B3D4E5F60"
GPT_WINDOWS = "6F2D2C6B-4D7A-4F0C-9E43-2B1A0C5D7E11"
MBR_SIGNATURE = 0x7AB15C0D
MINIMAL = "hives/odd/hivex-minimal"
BOOTMGR_BYTES = b"\xe9\x00\x01" + b"bootmgr of a test" * 100


def run(argv, **more):
    p = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       timeout=120, check=False, **more)
    if p.returncode:
        raise RuntimeError(f"{argv[0]}: status {p.returncode}: {p.stdout.decode('utf-8', 'replace')}")
    return p.stdout


def fixture(path):
    """The bytes of a fixture, unpacked where it is an .xz there."""
    path = pathlib.Path(os.environ["REHOST_FIXTURES"], path)
    if path.exists():
        return path.read_bytes()
    return lzma.decompress(path.with_name(path.name + ".xz").read_bytes())


# --- changes of a hive

def reg_value(value):
    if isinstance(value, int):
        return f"dword:{value:08x}"
    if isinstance(value, bytes):
        kind, data = 3, value
    elif isinstance(value, tuple):
        kind, data = value
    elif isinstance(value, str):
        kind, data = 2 if "%" in value else 1, (value + "\0").encode("utf-16-le")
    else:
        kind, data = 7, ("".join(v + "\0" for v in value) + "\0").encode("utf-16-le")
    return f"hex({kind}):" + data.hex(",")


def merge(hive, keys, prefix="HKLM"):
    """hivexregedit over the bytes of a hive.  keys: {path: {name: value} | None};
    None removes the key.  Parents are made."""
    lines, known = ["Windows Registry Editor Version 5.00", ""], set()
    for path, values in keys.items():
        parts = path.split("\\")
        for n in range(1, len(parts)):
            parent = "\\".join(parts[:n])
            if values is not None and parent.upper() not in known:
                known.add(parent.upper())
                lines += [f"[{prefix}\\{parent}]", ""]
        lines.append(f"[{'-' if values is None else ''}{prefix}\\{path}]")
        lines += [('"' + name.replace("\\", "\\\\") + '"' if name else "@") + "=" + reg_value(value)
                  for name, value in (values or {}).items()] + [""]
    with tempfile.TemporaryDirectory() as work:
        at, text = pathlib.Path(work, "hive"), pathlib.Path(work, "reg")
        at.write_bytes(hive)
        text.write_text("\n".join(lines), encoding="utf-8")
        run(["hivexregedit", "--merge", "--prefix", prefix, at, text])
        return at.read_bytes()


class Edits:
    """Changes of a SYSTEM hive, in every control set or in those named."""

    def __init__(self, hive, sets=None):
        self.hive, self.keys = hive, {}
        self.sets = sets or [k.name for k in hive.root.subkeys()
                             if k.name.upper().startswith("CONTROLSET")]

    def _set(self, path, name, value):
        for one in self.sets:
            keys = self.keys.setdefault(f"{one}\\{path}", {})
            keys[name] = value
        return self

    def start(self, service, number):
        return self._set(f"Services\\{service}", "Start", number)

    def image_path(self, service, path):
        return self._set(f"Services\\{service}", "ImagePath", path)

    def value(self, path, name, value):
        return self._set(path, name, value)

    def override(self, service, number):
        return self._set(f"Services\\{service}\\StartOverride", "0", number)

    def remove(self, path):
        """Removes the key from each control set that has it."""
        for one in self.sets:
            if self.hive.root.find(f"{one}\\{path}"):
                self.keys[f"{one}\\{path}"] = None
        return self

    def no_override(self, *services):
        for service in services:
            self.remove(f"Services\\{service}\\StartOverride")
        return self

    def filter(self, guid, kind, name):
        """Adds a class filter behind those that are there."""
        for one in self.sets:
            path = f"{one}\\Control\\Class\\{guid}"
            key = self.hive.root.find(path)
            self.keys.setdefault(path, {})[kind] = (key.texts(kind) if key else []) + [name]
        return self

    def pnp(self, name, number):
        return self._set("Control\\PnP", name, number)

    def critical(self, one, service, guid):
        """An entry of CriticalDeviceDatabase; `one`: PCI\\CC_0101 or pci#cc_0101."""
        path = "Control\\CriticalDeviceDatabase\\" + one.replace("\\", "#").lower()
        return self._set(path, "Service", service)._set(path, "ClassGUID", guid)

    def apply(self):
        """The changed hive's bytes."""
        return merge(self.hive.data, self.keys) if self.keys else self.hive.data


# --- boot configurations

def gpt_element(part, disk):
    """A BCD device element: the partition of that GUID."""
    return bytes(16) + struct.pack("<4I", 6, 0, 0x48, 0) + uuid.UUID(part).bytes_le + bytes(8) \
        + uuid.UUID(disk).bytes_le + bytes(16)


def mbr_element(signature, offset):
    return bytes(16) + struct.pack("<4IQQIII", 6, 0, 0x48, 0, offset, 0, 0, 1, signature) + bytes(28)


def bcd_gpt(disk, windows, esp):
    """The real store with these GUIDs."""
    data = fixture(BCD)
    for old, new in zip(BCD_IDS, (disk, windows, esp)):
        data = data.replace(uuid.UUID(old).bytes_le, uuid.UUID(new).bytes_le)
    return data


def bcd_mbr(signature, windows, system):
    """The real store as a BIOS has it; windows, system: the partitions' offsets."""
    os, boot = mbr_element(signature, windows), mbr_element(signature, system)
    keys = {f"Objects\\{k.name}": None for k in regf.Hive(fixture(BCD)).root.find("Objects").subkeys()
            if k.name == FWBOOTMGR or k.find("Description").number("Type") == 0x101FFFFF}
    for name, device, path in ((BOOTMGR, boot, "\\bootmgr"), (MEMDIAG, boot, "\\boot\\memtest.exe"),
                               (LOADER, os, "\\Windows\\system32\\winload.exe"),
                               (RESUME, os, "\\Windows\\system32\\winresume.exe")):
        at = f"Objects\\{name}\\Elements"
        keys[f"{at}\\11000001"] = {"Element": device}
        keys[f"{at}\\12000002"] = {"Element": path}
        if device is os:
            keys[f"{at}\\21000001"] = {"Element": os}
    return merge(fixture(BCD), keys)


def bcd_template():
    return merge(fixture(TEMPLATE), {f"Objects\\{name}": None for name in TEMPLATE_LOADERS})


# --- one guest

class Guest:
    def __init__(self, name):
        self.name = name
        self.root_name, self.facts = GUESTS[name]
        self.old = self.root_name != "Windows"       # names of NT 4 and 5: lower case
        self.nt4 = name.startswith("nt4")
        base = f"hives/{name}/"
        self.system = fixture(base + ("system" if self.nt4 else "SYSTEM"))
        self.logs = {}
        for log in ("SYSTEM.LOG", "SYSTEM.LOG1", "SYSTEM.LOG2"):
            try:
                self.logs[log] = fixture(base + log)
            except FileNotFoundError:
                pass
        self.hive = regf.Hive(self.system, dirty=True)
        self._there = None

    def edits(self, sets=None):
        return Edits(self.hive, sets)

    def software(self):
        if self.facts is None:
            return fixture(f"hives/{self.name}/software")
        return merge(fixture(MINIMAL), {
            "Microsoft\\Windows NT\\CurrentVersion": {**self.facts, "SystemRoot": f"C:\\{self.root_name}"},
            "Microsoft\\Windows\\CurrentVersion": {"DevicePath": "%SystemRoot%\\inf"},
            "Microsoft\\Windows\\CurrentVersion\\Setup": {}})

    @property
    def arch(self):
        return winboot.Windows(self.hive, None).arch

    def files(self, hive=None):
        """{path below %SystemRoot%: None or the names it imports}, of everything
        that services of the hive name, and of the system's own; sorted."""
        hive, out = hive or self.hive, {}
        windows = winboot.Windows(hive, None)
        imports = winboot.IMPORTS[windows.generation]
        for control in windows.sets.values():
            for key in control.find(winboot.SERVICES).subkeys():
                path = winboot.path_of_image(key.text("ImagePath"), key.name)
                if key.number("Type") in (1, 2, 8) and path:
                    out[path] = tuple(f"{i}.sys" for i in imports.get(key.name.lower(), ()))
        for names in imports.values():
            out.update({f"System32\\drivers\\{n}.sys": () for n in names})
        own = ["ntoskrnl.exe", "hal.dll", "cmd.exe", "smss.exe"] + ["ntkrnlpa.exe"] * (self.arch == "x86")
        own += [] if self.old else ["winload.exe"] + ["winload.efi"] * (self.arch != "x86")
        out.update({f"System32\\{n}": () for n in own})
        out["System32\\drivers\\ntfs.sys"] = ()
        return {self.spelt(p): i for p, i in sorted(out.items(), key=lambda f: f[0].lower())}

    def spelt(self, path):
        """The path with this Windows' spelling of its directories."""
        names = {"system32": "system32" if self.old else "System32", "drivers": "drivers",
                 "config": "config"}
        parts = path.split("\\")
        return "\\".join([names.get(p.lower(), p) for p in parts[:-1]] + parts[-1:])

    def has(self, missing=(), added=()):
        """has() for winboot.decide, without writing the files."""
        if self._there is None:
            self._there = list(self.files())
        out = {p.lower() for p in missing}
        return winboot.file_set(p for p in (*self._there, *added) if p.lower() not in out)

    def tree(self, where, system=None, missing=()):
        """The volume's files below the directory `where`; system: the hive's bytes."""
        top = pathlib.Path(where, self.root_name)
        config = top / ("system32/config" if self.old else "System32/config")
        config.mkdir(parents=True)
        case = str.lower if self.old else str.upper
        (config / case("SYSTEM")).write_bytes(system or self.system)
        (config / case("SOFTWARE")).write_bytes(self.software())
        for name, data in self.logs.items():
            (config / name).write_bytes(data)
        out = {p.lower() for p in missing}
        hive = regf.Hive(system, dirty=True) if system else self.hive
        for path, imports in self.files(hive).items():
            if path.lower() in out:
                continue
            at = top / path.replace("\\", "/")
            at.parent.mkdir(parents=True, exist_ok=True)
            if not at.exists():
                at.write_bytes(pe.make(ARCH[self.arch], ("ntoskrnl.exe",) + imports, note=path.encode()))
        for name in ("inf", "Temp"):
            (top / name).mkdir()
        if not self.old:
            self.own_boot_files(top)
        return top

    def own_boot_files(self, top):
        """What Windows keeps to make the boot files anew."""
        (top / "Boot/EFI").mkdir(parents=True)
        (top / "Boot/PCAT").mkdir()
        (top / "Boot/EFI/bootmgfw.efi").write_bytes(self.bootmgfw())
        (top / "Boot/PCAT/bootmgr").write_bytes(BOOTMGR_BYTES)
        (top / "System32/config/BCD-Template").write_bytes(bcd_template())

    def bootmgfw(self):
        return pe.make(ARCH[self.arch], (), pe.EFI_APPLICATION, b"bootmgfw")

    def boot_files(self, where, root_partition, ids):
        """What a BIOS starts: the files in the root of the active partition.  ids: for
        bcd_mbr()."""
        where = pathlib.Path(where)
        where.mkdir(exist_ok=True)
        if self.old:
            (where / "ntldr").write_bytes(b"\xe9\x00\x01" + b"ntldr of a test" * 100)
            (where / "NTDETECT.COM").write_bytes(b"\xe9" + b"ntdetect of a test" * 50)
            arc = f"multi(0)disk(0)rdisk(0)partition({root_partition})\\{self.root_name}"
            (where / "boot.ini").write_text(
                f"[boot loader]\r\ntimeout=30\r\ndefault={arc}\r\n[operating systems]\r\n"
                f'{arc}="{(self.facts or {}).get("ProductName", "Windows NT Server")}" /fastdetect\r\n',
                newline="")
            return
        (where / "bootmgr").write_bytes(BOOTMGR_BYTES)
        (where / "Boot").mkdir()
        (where / "Boot/BCD").write_bytes(bcd_mbr(*ids))

    def esp_files(self, where, ids):
        """ids: for bcd_gpt()."""
        loader = self.bootmgfw()
        name = {"x86": "bootia32.efi", "AMD64": "bootx64.efi", "ARM64": "bootaa64.efi"}[self.arch]
        for path, data in (("EFI/Microsoft/Boot/bootmgfw.efi", loader), (f"EFI/Boot/{name}", loader),
                           ("EFI/Microsoft/Boot/BCD", bcd_gpt(*ids))):
            at = pathlib.Path(where, path)
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_bytes(data)

    def drive_c(self):
        """What MountedDevices says of C:: ("mbr", signature, offset), ("gpt", GUID) or None."""
        key = self.hive.root.find("MountedDevices")
        value = key and key.value("\\DosDevices\\C:")
        if value and len(value.data) == 12:
            return ("mbr", *struct.unpack("<IQ", value.data))
        if value and value.data[:8] == b"DMIO:ID:":
            return "gpt", str(uuid.UUID(bytes_le=value.data[8:24])).upper()
        return None

    def disk(self, path, table=None, system=None, missing=(), apart=None, room=24):
        """Makes the disk file; [(number, "esp" | "boot" | "windows", offset, size)].
        Disk signature, partition id and offset are those that MountedDevices has
        for C:, where it fits.  apart: 1: an MBR disk with the boot files on a partition
        of their own; None: where C: leaves room for it.  room: free MiB, about."""
        c = self.drive_c()
        table = table or (c[0] if c else "mbr")
        with tempfile.TemporaryDirectory(dir=pathlib.Path(path).parent) as work:
            work = pathlib.Path(work)
            self.tree(work / "windows", system, missing)
            if table == "gpt":
                self.esp_files(work / "esp", (GPT_DISK, gpt_windows(c), GPT_ESP))
                layout = [("esp", MIB, 8 * MIB), ("", 9 * MIB, 16 * MIB), ("windows", 25 * MIB, 0)]
            else:
                at = c[2] if c and c[0] == "mbr" else MIB
                if apart:
                    at = max(at, 32 * MIB)
                apart = at >= 32 * MIB           # a System Reserved before it
                layout = [("boot", MIB, at - MIB)] * apart + [("windows", at, 0)]
                self.boot_files(work / ("boot" if apart else "windows"), len(layout),
                                (mbr_signature(c), at, MIB if apart else at))
            size = (used(work / "windows") * 5 // 4 + room * MIB) & -MIB
            layout[-1] = (*layout[-1][:2], size)
            partition(path, table, layout, c)
            for role, at, length in layout:
                if role:
                    part = work / "part"
                    (fat if role == "esp" else ntfs)(part, at, length, work / role, role)
                    if table == "mbr":
                        word = "NTLDR" if self.old else "BOOTMGR"
                        boot_code(part, SECTOR, bytes([len(word), 0]) + word.encode("utf-16-le"))
                    insert(part, path, at)
        return [(n + 1, r, at, length) for n, (r, at, length) in enumerate(layout) if r]


# --- disks

def used(tree):
    """About what the files take on NTFS: clusters of 4096 and a record each."""
    return sum(((p.stat().st_size + 4095) & -4096) + 1024 for p in pathlib.Path(tree).rglob("*"))


def mbr_signature(c):
    return c[1] if c and c[0] == "mbr" else MBR_SIGNATURE


def gpt_windows(c):
    return c[1] if c and c[0] == "gpt" else GPT_WINDOWS


def boot_code(path, at, code):
    """Code of a boot sector: behind `at`, and not what starts anything."""
    with open(path, "r+b") as f:
        f.seek(at)
        f.write(code)


def partition(path, table, layout, c):
    with open(path, "wb") as f:
        f.truncate(layout[-1][1] + layout[-1][2] + MIB)
    if table == "mbr":
        lines = ["label: dos", f"label-id: {mbr_signature(c):#x}"]
        for n, (_, at, length) in enumerate(layout):
            lines.append(f"start={at // SECTOR}, size={length // SECTOR}, type=7" + ", bootable" * (n == 0))
    else:
        lines = ["label: gpt", f"label-id: {GPT_DISK}"]
        guids = {"windows": f", uuid={gpt_windows(c)}", "esp": f", uuid={GPT_ESP}"}
        for role, at, length in layout:
            kind = {"esp": ESP_TYPE, "": MSR_TYPE}.get(role, DATA_TYPE)
            lines.append(f"start={at // SECTOR}, size={length // SECTOR}, type={kind}{guids.get(role, '')}")
    run(["sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", path], input="\n".join(lines).encode())
    if table == "mbr":
        boot_code(path, 0, b"\xfa\x33\xc0 Missing operating system (of a test)")


def ntfs(part, at, length, tree, label):
    blank(part, length)
    run(["mkntfs", "-Q", "-F", "-q", "-p", at // SECTOR, "-H", 255, "-S", 63, "-s", SECTOR,
         "-L", label, part, length // SECTOR])
    run([pathlib.Path(os.environ.get("REHOST_B", "build"), "tests/tools/ntfs-fill"), part, tree])


def fat(part, at, length, tree, label):
    blank(part, length)
    run(["mkfs.fat", "-h", at // SECTOR, "-n", label.upper(), "-i", "5E55E0A1", part])
    run(["mcopy", "-s", "-i", part, *sorted(pathlib.Path(tree).iterdir()), "::/"])


def blank(path, size):
    with open(path, "wb") as f:
        f.truncate(size)


def insert(part, disk, at):
    run(["dd", f"if={part}", f"of={disk}", "bs=64K", f"seek={at}", "oflag=seek_bytes",
         "conv=notrunc,sparse", "status=none"])


# --- the command

def apply_options(edits, opt):
    for text in opt.start:
        service, number = text.split("=")
        edits.start(service, int(number))
    for text in opt.override:
        service, number = text.split("=")
        edits.no_override(service) if number == "-" else edits.override(service, int(number))
    for text in opt.filter:
        where, name = text.split("=")
        edits.filter(*where.split(":"), name)
    for text in opt.pnp:
        name, number = text.split("=")
        edits.pnp(name, int(number))
    for text in opt.critical:
        one, service = text.rsplit("=", 1)
        edits.critical(one, service, "{4D36E96A-E325-11CE-BFC1-08002BE10318}")
    return edits.apply() if edits.keys else None


def main():
    arg = argparse.ArgumentParser(description="a disk that looks like an installed Windows")
    arg.add_argument("--guest", required=True, choices=sorted(GUESTS))
    arg.add_argument("--tree", help="make the volume's files below this directory")
    arg.add_argument("--disk", help="make this disk file")
    arg.add_argument("--table", choices=("mbr", "gpt"))
    for name in ("start", "override", "filter", "pnp", "critical", "missing"):
        arg.add_argument("--" + name, action="append", default=[])
    opt = arg.parse_args()
    guest = Guest(opt.guest)
    system = apply_options(guest.edits(), opt)
    if opt.tree:
        shutil.rmtree(opt.tree, ignore_errors=True)
        print(guest.tree(opt.tree, system, opt.missing))
    if opt.disk:
        for part in guest.disk(opt.disk, opt.table, system, opt.missing):
            print(*part)
    return 0


if __name__ == "__main__":
    sys.exit(main())
