"""Machines to be moved: Debian with systemd and GRUB, made from packages.

    root archive    CACHE/guests/root-NAME-KEY.tar      mmdebstrap, minutes
    disk            CACHE/guests/disk-NAME-KEY.raw      from the archive, seconds
    kernel, initrd  beside the disk, for tests that boot them directly

KEY is a hash of all that goes in, so a change makes a new one.  Disks in the
cache are never given to a machine: tests take `Guest.disk(path)`, a copy.
"""

import dataclasses
import hashlib
import os
import pathlib
import shutil
import struct
import tempfile
import uuid

from . import disks
from .disks import MIB, SECTOR
from .proc import run

HERE = pathlib.Path(__file__).resolve().parent.parent
RECIPES = HERE / "guests"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
LOGIN, PASSWORD = "root", "rehost"
ESP_SIZE = 64 * MIB


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What a Debian guest is made of."""
    name: str
    firmware: str = "bios"      # or "uefi", which also means GPT
    table: str = "dos"          # or "gpt"
    size: int = 3 << 30         # of the disk, bytes
    data_mb: int = 24           # random data put into it
    suite: str = "trixie"

    @property
    def uuid(self):
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"rehost lab {self.firmware} {self.suite}"))


DEBIAN_BIOS = Recipe("bios")
DEBIAN_BIOS_GPT = Recipe("bios-gpt", table="gpt")
DEBIAN_UEFI = Recipe("uefi", firmware="uefi", table="gpt")


@dataclasses.dataclass(frozen=True)
class Guest:
    """A made guest; its files are masters to be copied."""
    recipe: Recipe
    master: pathlib.Path

    @property
    def kernel(self):
        return self.master.with_suffix(".vmlinuz")

    @property
    def initrd(self):
        return self.master.with_suffix(".initrd")

    def disk(self, path):
        """A disk of one's own at `path`."""
        return disks.copy(self.master, path)

    def root_partition(self):
        """(offset, size) of the root file system."""
        return disks.partitions(self.master)[-1][:2]


def _key(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.read_bytes() if isinstance(part, pathlib.Path) else str(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()[:12]


def _packages(*lists):
    names = []
    for path in lists:
        for line in path.read_text().splitlines():
            if line.strip() and not line.startswith("#"):
                names.append(line.split()[0])
    return names


def mirrors(suite):
    """sources.list lines for `suite` from the host's own Debian mirror; empty
    on a host that has none (mmdebstrap then takes its default)."""
    out = run(["apt-get", "indextargets", "--format", "$(ORIGIN) $(REPO_URI)",
               "Created-By: Packages"], stderr=None)
    found = []
    for line in sorted(set(out.splitlines())):
        origin, _, uri = line.partition(" ")
        if origin == "Debian" and "security" not in uri:
            found.append(f"deb {uri} {suite} main\n")
    return "".join(found[:1])


def root_archive(recipe, cache, say=print):
    """The guest's whole file tree as a tar file; made when missing."""
    lists = [RECIPES / "packages.list", RECIPES / f"packages-{recipe.firmware}.list"]
    inputs = lists + [RECIPES / n for n in ("customize", "guest-init", "grub.cfg")]
    key = _key(recipe.suite, recipe.firmware, *inputs)
    path = pathlib.Path(cache) / "guests" / f"root-{recipe.firmware}-{key}.tar"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    say(f"making a Debian {recipe.suite} guest ({recipe.firmware}) from packages: a few minutes")
    new = path.with_suffix(".new")
    hook = f"{RECIPES}/customize \"$1\" {recipe.firmware} {recipe.uuid}"
    argv = ["mmdebstrap", "--variant=minbase", "--format=tar", f"--keyring={KEYRING}",
            "--include=" + ",".join(_packages(*lists)),
            "--aptopt=Acquire::Languages \"none\"", "--aptopt=Acquire::Retries \"3\"",
            "--dpkgopt=force-unsafe-io", "--dpkgopt=path-exclude=/usr/share/man/*",
            "--dpkgopt=path-exclude=/usr/share/locale/*", f"--customize-hook={hook}",
            recipe.suite, new]
    sources = mirrors(recipe.suite)
    with tempfile.TemporaryFile("w+") as listing:
        listing.write(sources)
        listing.seek(0)
        log = run(argv + (["-"] if sources else []), timeout=1800, stdin=listing)
    path.with_suffix(".log").write_text(log)
    new.rename(path)
    return path


def _as_root(argv):
    """Without root, fakeroot lets the tree keep its owners."""
    return argv if os.geteuid() == 0 else ["fakeroot", "--"] + argv


def _make_ext4(recipe, archive, tree, image, size):
    """Unpacks the archive below `tree`, adds the data, makes the file system."""
    disks.create(image, size)
    script = ('set -e; mkdir -p "$1/root"; tar -C "$1/root" --numeric-owner --xattrs -xf "$2"; '
              '"$5" "$1/root" "$6"; cp "$1/root/boot/"vmlinuz-* "$1/vmlinuz"; '
              'cp "$1/root/boot/"initrd.img-* "$1/initrd"; cp -r "$1/root/boot/grub" "$1/grub"; '
              'if [ -d "$1/root/usr/lib/shim" ]; then cp -r "$1/root/usr/lib/shim" "$1/shim"; '
              'cp "$1/root/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed" "$1/shim/"; fi; '
              'mke2fs -q -t ext4 -U "$3" -L labroot -d "$1/root" "$4"')
    run(_as_root(["sh", "-c", script, "sh", tree, archive, recipe.uuid, image,
                  RECIPES / "fill", recipe.data_mb]), timeout=900)


def _boot_code_bios(disk, grub, table):
    """GRUB into the MBR and the gap (MBR) or the BIOS boot partition (GPT).

    boot.img keeps the first sector of core.img at 0x5c; core.img's first
    sector keeps where its rest starts at 0x1f4 (GRUB's boot.S, diskboot.S).
    """
    boot = bytearray((grub / "i386-pc/boot.img").read_bytes()[:440])
    core = bytearray((grub / "i386-pc/core.img").read_bytes())
    first = 1 if table == "dos" else disks.partitions(disk)[0][0] // SECTOR
    struct.pack_into("<Q", boot, 0x5c, first)
    struct.pack_into("<Q", core, 0x1f4, first + 1)
    disks.write_at(disk, 0, bytes(boot))
    disks.write_at(disk, first * SECTOR, bytes(core))


def _esp(tree, image):
    """An EFI system partition with shim and GRUB as Debian installs them."""
    disks.create(image, ESP_SIZE)
    run(["mkfs.vfat", "-F", "32", "-n", "ESP", image])
    run(["mmd", "-i", image, "::EFI", "::EFI/debian", "::EFI/BOOT"])
    shim = tree / "shim"
    early = tree / "grub/early.cfg"
    early.write_text(early.read_text() + "configfile $prefix/grub.cfg\n")
    for source, names in ((shim / "shimx64.efi.signed", ("debian/shimx64.efi", "BOOT/BOOTX64.EFI")),
                          (shim / "grubx64.efi.signed", ("debian/grubx64.efi", "BOOT/grubx64.efi")),
                          (early, ("debian/grub.cfg", "BOOT/grub.cfg"))):
        for name in names:
            run(["mcopy", "-i", image, source, f"::EFI/{name}"])


TABLES = {
    ("bios", "dos"): "label: dos\nlabel-id: 0x1abd15c0\nstart=1MiB, type=83, bootable\n",
    ("bios", "gpt"): "label: gpt\nsize=1MiB, type=21686148-6449-6E6F-744E-656564454649\n"
                     "type=L, name=root\n",
    ("uefi", "gpt"): f"label: gpt\nsize={ESP_SIZE // 1024}KiB, type=U, name=ESP\n"
                     "type=L, name=root\n",
}


def _build_disk(recipe, archive, disk):
    """Makes `disk`, and its kernel and initrd beside it."""
    disks.create(disk, recipe.size)
    disks.partition(disk, TABLES[recipe.firmware, recipe.table])
    parts = disks.partitions(disk)
    tree = pathlib.Path(tempfile.mkdtemp(prefix="tree-", dir=disk.parent))
    try:
        start, size = parts[-1][:2]
        _make_ext4(recipe, archive, tree, tree / "ext4", size)
        disks.insert(tree / "ext4", disk, start)
        if recipe.firmware == "uefi":
            _esp(tree, tree / "esp")
            disks.insert(tree / "esp", disk, parts[0][0])
        else:
            _boot_code_bios(disk, tree / "grub", recipe.table)
        for name in ("vmlinuz", "initrd"):
            shutil.move(tree / name, disk.with_suffix("." + name))
    finally:
        shutil.rmtree(tree)


def debian(recipe, cache, say=print):
    """The Guest of a recipe, from the cache when it is there."""
    archive = root_archive(recipe, cache, say)
    key = _key(archive.name, recipe, pathlib.Path(__file__), RECIPES / "fill")
    master = archive.parent / f"disk-{recipe.name}-{key}.raw"
    if not master.exists():
        say(f"making the guest's disk ({recipe.name}, {disks.human(recipe.size)})")
        for old in archive.parent.glob(f"disk-{recipe.name}-*"):
            old.unlink()
        new = master.with_name("new-" + master.name)
        _build_disk(recipe, archive, new)
        for suffix in (".vmlinuz", ".initrd", ".raw"):
            new.with_suffix(suffix).rename(master.with_suffix(suffix))
    return Guest(recipe, master)
