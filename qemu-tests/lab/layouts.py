"""How a guest's disk is laid out, and what its own files say of that.

    ext4     one ext4 for everything
    boot     /boot apart on ext4, root on ext4, swap that the initramfs resumes from
    lvm      /boot apart, root an ext4 on a logical volume
    btrfs    root and /home subvolumes of one Btrfs
    luks     /boot apart, root an ext4 in LUKS 2 (passphrase PASSPHRASE)

The guest names its disk as its old machine did: /dev/sda1 in fstab and on the
kernel's command line.  Needs root: Btrfs and LVM are made on a loop device.
"""

import contextlib
import dataclasses
import os
import re
import shutil
import tempfile
import uuid

from . import LabError, disks
from .disks import MIB, SECTOR
from .proc import run

LAYOUTS = ("ext4", "boot", "lvm", "btrfs", "luks")
ESP_SIZE, BOOT_SIZE, SWAP_SIZE = 64 * MIB, 320 * MIB, 64 * MIB
PASSPHRASE = "lab secret"
VG = "labvg"
EXTENT = 4 * MIB                    # of the volume group; its data begin at 1 MiB
LUKS_HEADER = 16 * MIB              # of LUKS 2, as cryptsetup makes it by default

TYPES = {   # role: (type in an MBR, in a GPT), as sfdisk names them
    "bios": (None, "21686148-6449-6E6F-744E-656564454649"),
    "esp": ("ef", "U"), "boot": ("83", "L"), "swap": ("82", "S"), "root": ("83", "L"),
    "lvm": ("8e", "E6D6D379-F507-44C2-A23C-238F2A3DF928"),
}


@dataclasses.dataclass(frozen=True)
class Layout:
    """A recipe's partitions and the names of what is on them."""
    kind: str
    firmware: str
    table: str
    name: str           # of the recipe: its UUIDs follow from it
    old: str            # "ahci" or "virtio": the controller it was installed on
    generator: str
    root_by_uuid: bool = False      # on the kernel's command line, as Debian's default is

    def uuid(self, role):
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"rehost lab {self.name} {role}"))

    @property
    def roles(self):
        out = ["bios"] if self.firmware == "bios" and self.table == "gpt" else []
        out += ["esp"] if self.firmware == "uefi" else []
        out += ["boot"] if self.kind in ("boot", "lvm", "luks") else []
        out += ["swap"] if self.kind == "boot" else []
        return out + ["root"]

    def partition(self, role):
        """The partition's index, from 0."""
        return self.roles.index(role)

    def device(self, role):
        """Its name on the old machine."""
        return f"/dev/{'vda' if self.old == 'virtio' else 'sda'}{self.partition(role) + 1}"

    @property
    def root(self):
        """root= on the kernel's command line and in fstab."""
        return {"lvm": f"/dev/mapper/{VG}-root", "luks": "/dev/mapper/lab_crypt"}.get(
            self.kind, self.device("root"))

    @property
    def boot_role(self):
        return "boot" if "boot" in self.roles else "root"

    @property
    def boot_path(self):
        """Where GRUB finds what the system calls /boot."""
        return {"root": "/@/boot" if self.kind == "btrfs" else "/boot"}.get(self.boot_role, "")

    def table_script(self):
        """sfdisk's input."""
        mib = {"bios": 1, "esp": ESP_SIZE // MIB, "boot": BOOT_SIZE // MIB,
               "swap": SWAP_SIZE // MIB}
        lines = [f"label: {self.table}"]
        lines += ["label-id: 0x1abd15c0"] if self.table == "dos" else []
        for role in self.roles:
            kind = TYPES["lvm" if (role, self.kind) == ("root", "lvm") else role]
            words = [f"size={mib[role]}MiB"] if role in mib else []
            words += [f"type={kind[self.table == 'gpt']}"]
            words += ["bootable"] if self.table == "dos" and role == self.boot_role else []
            words += [f"name={role}"] if self.table == "gpt" else []
            lines.append(", ".join(words))
        return "\n".join(lines) + "\n"

    # -- the guest's own files ------------------------------------------------

    def fstab(self):
        kind, options = ("btrfs", "defaults,subvol=@") if self.kind == "btrfs" else (
            "ext4", "errors=remount-ro")
        lines = [f"{self.root} / {kind} {options} 0 {0 if kind == 'btrfs' else 1}"]
        if self.kind == "btrfs":
            lines += [f"{self.root} /home btrfs defaults,subvol=@home 0 0"]
        if "boot" in self.roles:
            lines += [f"{self.device('boot')} /boot ext4 defaults 0 2"]
        if "esp" in self.roles:
            lines += [f"{self.device('esp')} /boot/efi vfat umask=0077 0 1"]
        if "swap" in self.roles:
            lines += [f"{self.device('swap')} none swap sw 0 0"]
        return "\n".join(lines) + "\n"

    @property
    def _console(self):
        """What GRUB_CMDLINE_LINUX has."""
        words = [CONSOLE]
        if self.generator == "dracut":
            words += [f"rd.lvm.lv={VG}/root"] if self.kind == "lvm" else []
            words += [f"rd.luks.name={self.uuid('luks')}=lab_crypt"] if self.kind == "luks" else []
            words += ["rd.retry=90", "rd.timeout=90", "rd.emergency=poweroff"]
        return " ".join(words + ["$lab"])

    def _arguments(self):
        flags = " rootflags=subvol=@" if self.kind == "btrfs" else ""
        root = f"UUID={self.uuid('root')}" if self.root_by_uuid else self.root
        return f"root={root} ro{flags} {self._console}"

    def grub_cfg(self, kernels):
        """As Debian's grub-mkconfig writes it with GRUB_DISABLE_LINUX_UUID and
        GRUB_DISABLE_SUBMENU."""
        return HEAD + "".join(ENTRY.format(
            kernel=kernel, path=self.boot_path, boot=self.uuid(self.boot_role),
            root=self.uuid("root"), arguments=self._arguments()) for kernel in kernels)

    def write_files(self, tree):
        """fstab, crypttab, GRUB's files and so on, into the unpacked root."""
        kernels = [p.name[len("vmlinuz-"):] for p in sorted((tree / "boot").glob("vmlinuz-*"))]
        (tree / "etc/fstab").write_text(self.fstab())
        (tree / "boot/grub/grub.cfg").write_text(self.grub_cfg(kernels))
        (tree / "boot/grub/early.cfg").write_text(
            f"search.fs_uuid {self.uuid(self.boot_role)} root\n"
            f"set prefix=($root){self.boot_path}/grub\n")
        (tree / "etc/default/grub").write_text(
            "GRUB_DEFAULT=0\nGRUB_TIMEOUT=0\nGRUB_DISABLE_RECOVERY=true\n"
            + ("" if self.root_by_uuid else "GRUB_DISABLE_LINUX_UUID=true\n")
            + f"GRUB_DISABLE_SUBMENU=y\nGRUB_CMDLINE_LINUX='{self._console}'\n")
        mode = tree / "etc/grub.d/05_lab"
        mode.write_text(f"#!/bin/sh\ncat << 'EOF'\n{HEAD}EOF\n")
        mode.chmod(0o755)
        if self.kind == "luks":
            (tree / "etc/crypttab").write_text(
                f"lab_crypt UUID={self.uuid('luks')} none luks,initramfs\n")
        if self.kind == "boot" and self.generator == "initramfs-tools":
            (tree / "etc/initramfs-tools/conf.d/resume").write_text(
                f"RESUME={self.device('swap')}\n")
        if self.kind == "btrfs":
            (tree / "home").mkdir(exist_ok=True)


# One unchanged disk boots to systemd or to the fast marker, with its first or
# its second kernel, by the machine's SMBIOS version (qemu.Machine).
HEAD = """\
serial --unit=0 --speed=115200
terminal_input serial console
terminal_output serial console
set timeout=0
set default=0
if smbios --type 1 --get-string 6 --set labmode; then
	if [ "$labmode" = "lab-fast" -o "$labmode" = "lab-fast-2" ]; then
		set lab="quiet rw init=/sbin/guest-init"
	fi
	if [ "$labmode" = "lab-fast-2" -o "$labmode" = "lab-2" ]; then set default=1; fi
fi
"""

# after it comes $lab, GRUB's: empty for an ordinary boot.  The mitigations only
# make emulation slower.
CONSOLE = "console=tty0 console=ttyS0,115200 panic=5 mitigations=off"

ENTRY = """\
menuentry 'Debian GNU/Linux, with Linux {kernel}' --class debian --class gnu-linux --class gnu \
--class os $menuentry_id_option 'gnulinux-{kernel}-advanced-{root}' {{
	search --no-floppy --fs-uuid --set=root {boot}
	echo	'Loading Linux {kernel} ...'
	linux	{path}/vmlinuz-{kernel} {arguments}
	echo	'Loading initial ramdisk ...'
	initrd	{path}/initrd.img-{kernel}
}}
"""


# -- images of partitions -------------------------------------------------------

def ext4(tree, image, size, ident, label):
    disks.create(image, size)
    run(["mke2fs", "-q", "-t", "ext4", "-U", ident, "-L", label, "-d", tree, image], timeout=900)


@contextlib.contextmanager
def _loop(image):
    device = run(["losetup", "--find", "--show", image]).strip()
    try:
        yield device
    finally:
        run(["losetup", "--detach", device])


def _btrfs(tree, image, size, ident):
    disks.create(image, size)
    run(["mkfs.btrfs", "-q", "-U", ident, "-L", "labroot", image])
    mount = tempfile.mkdtemp(prefix="mnt-", dir=image.parent)
    script = ('set -e; mount -o loop,compress=zstd:1 "$1" "$2"; '
              'btrfs -q subvolume create "$2/@"; btrfs -q subvolume create "$2/@home"; '
              'cp -a "$3/." "$2/@/"; umount "$2"')
    run(["unshare", "--mount", "sh", "-c", script, "sh", image, mount, tree], timeout=900)
    shutil.rmtree(mount)


def _lvm(tree, image, size, layout):
    """A physical volume whose one logical volume is an ext4.  Nothing is
    activated (no device mapper here): its extents lie in one piece."""
    inner = image.with_suffix(".lv")
    disks.create(image, size)
    with _loop(image) as device:
        def lvm(*words):
            return run(["lvm", *words, "--config", 'global { activation = 0 } '
                        'devices { use_devicesfile = 0 obtain_device_list_from_udev = 0 '
                        f'filter = [ "a|^{device}$|", "r|.*|" ] }}'])
        lvm("pvcreate", "-q", "--yes", "--dataalignment", "1m", device)
        lvm("vgcreate", "-q", "--physicalextentsize", f"{EXTENT}b", VG, device)
        lvm("lvcreate", "-q", "--yes", "-Zn", "-Wn", "-an", "-l", "100%FREE", "-n", "root", VG)
        words = lvm("lvs", "--noheadings", "--units", "b", "--nosuffix", "-o",
                    "lv_size,seg_pe_ranges", VG).split()[-2:]     # after warnings
    if len(words) != 2 or not words[1].startswith(f"{device}:0-"):
        raise LabError(f"the logical volume is not where it was expected: {words}")
    ext4(tree, inner, int(words[0]), layout.uuid("root"), "labroot")
    disks.insert(inner, image, MIB)
    inner.unlink()


def _luks(tree, image, size, layout):
    """LUKS 2.  Without a device mapper: QEMU encrypts, into LUKS 1; cryptsetup
    makes a header with the same volume key.  Few iterations of the key
    derivation: it is emulated at boot."""
    inner, old, key, word = (image.with_suffix(f".{n}") for n in ("plain", "luks1", "key", "word"))
    ext4(tree, inner, size - LUKS_HEADER, layout.uuid("root"), "labroot")
    run(["qemu-img", "convert", "--object", f"secret,id=key,data={PASSPHRASE}", "-f", "raw",
         "-O", "luks", "-o", "key-secret=key,iter-time=200", inner, old], timeout=900)
    word.write_text(PASSPHRASE)
    key.unlink(missing_ok=True)
    said = run(["cryptsetup", "luksDump", "-q", "--dump-volume-key", "--volume-key-file", key,
                "--key-file", word, old])
    start = int(re.search(r"Payload offset:\s+(\d+)", said)[1]) * SECTOR
    disks.create(image, LUKS_HEADER)
    run(["cryptsetup", "luksFormat", "-q", "--type", "luks2", "--cipher", "aes-xts-plain64",
         "--key-size", "512", "--volume-key-file", key, "--key-file", word, "--sector-size", SECTOR,
         "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "2000", "--uuid", layout.uuid("luks"), image])
    disks.extract(old, start, size - LUKS_HEADER, inner)
    os.truncate(image, size)
    disks.insert(inner, image, LUKS_HEADER)
    for path in (inner, old, key, word):
        path.unlink()


def root_image(layout, tree, image, size):
    """The partition that the root file system is on, made from `tree`."""
    if layout.kind == "btrfs":
        _btrfs(tree, image, size, layout.uuid("root"))
    elif layout.kind == "lvm":
        _lvm(tree, image, size, layout)
    elif layout.kind == "luks":
        _luks(tree, image, size, layout)
    else:
        ext4(tree, image, size, layout.uuid("root"), "labroot")


def swap_image(layout, image, size):
    disks.create(image, size)
    run(["mkswap", "-q", "-U", layout.uuid("swap"), image])


def esp_image(boot, shim, image, size):
    """An EFI system partition with shim and GRUB as Debian installs them.
    `boot` is /boot's files, `shim` has the signed programs."""
    disks.create(image, size)
    run(["mkfs.vfat", "-F", "32", "-n", "ESP", image])
    run(["mmd", "-i", image, "::EFI", "::EFI/debian", "::EFI/BOOT"])
    early = image.with_suffix(".cfg")
    early.write_text((boot / "grub/early.cfg").read_text() + "configfile $prefix/grub.cfg\n")
    for source, names in ((shim / "shimx64.efi.signed", ("debian/shimx64.efi", "BOOT/BOOTX64.EFI")),
                          (shim / "grubx64.efi.signed", ("debian/grubx64.efi", "BOOT/grubx64.efi")),
                          (early, ("debian/grub.cfg", "BOOT/grub.cfg"))):
        for name in names:
            run(["mcopy", "-i", image, source, f"::EFI/{name}"])
    early.unlink()
