"""Machines to be moved: Debian with systemd and GRUB, made from packages.

    root archive    CACHE/guests/root-NAME-KEY.tar      mmdebstrap, minutes
    disk            CACHE/guests/disk-NAME-KEY.raw      from the archive, a minute
    kernel, initrd  beside the disk, for tests that boot them directly: with no more
                    drivers than the old machine's disk needs

One archive serves all layouts (layouts.py) of a suite and initramfs generator.
KEY is a hash of all that goes in, so a change makes a new one.  Disks in the
cache are never given to a machine: tests take `Guest.disk(path)`, a copy, or
attach the master with `Disk(throwaway=True)`.
"""

import dataclasses
import hashlib
import pathlib
import shutil
import struct
import tempfile

from . import boots, disks, layouts
from .disks import SECTOR
from .layouts import PASSPHRASE     # noqa: F401 (for tests)
from .proc import run

HERE = pathlib.Path(__file__).resolve().parent.parent
RECIPES = HERE / "guests"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
LOGIN, PASSWORD = "root", "rehost"


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What a Debian guest is made of."""
    name: str
    firmware: str = "bios"      # or "uefi", which also means GPT
    table: str = "dos"          # or "gpt"
    size: int = 3 << 30         # of the disk, bytes
    data_mb: int = 24           # random data put into it
    suite: str = "trixie"
    generator: str = "initramfs-tools"      # or "dracut"
    layout: str = "ext4"        # layouts.LAYOUTS
    old: str = "ahci"           # or "virtio": the only controller its initramfs knows
    kernels: int = 1            # or 2
    root_by_uuid: bool = False  # GRUB's root=UUID=..., not /dev/sda1
    hostonly: bool = False      # the old machine itself makes the initramfs: MODULES=dep, hostonly
    hashed: str = "usr/bin usr/sbin"    # what a marker boot checks besides the data

    @property
    def laid_out(self):
        return layouts.Layout(self.layout, self.firmware, self.table, self.name, self.old,
                              self.generator, self.root_by_uuid)

    @property
    def root_name(self):
        """Of the archive it is made from."""
        return f"{self.suite}-{self.generator}" + ("-two-kernels" if self.kernels == 2 else "")


def small(name, **how):
    """The recipe of a guest that is there to be adapted: few files, its
    initramfs just for its old machine."""
    return Recipe(f"m-{name}", data_mb=1, hashed="", hostonly=True, **how)


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
        """(offset, size) of the partition that the root file system is on."""
        return disks.partitions(self.master)[-1][:2]


def _key(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.read_bytes() if isinstance(part, pathlib.Path) else str(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()[:12]


def _package_lists(recipe):
    """The files that name the recipe's packages."""
    names = ["", f"-{recipe.generator}", f"-{recipe.suite}-{recipe.generator}"]
    names += ["-two-kernels"] if recipe.kernels == 2 else []
    return [p for p in (RECIPES / f"packages{n}.list" for n in names) if p.exists()]


def _packages(lists):
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
    lists = _package_lists(recipe)
    key = _key(recipe.root_name, *lists, RECIPES / "customize", RECIPES / "divert")
    path = pathlib.Path(cache) / "guests" / f"root-{recipe.root_name}-{key}.tar"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    say(f"making a Debian guest ({recipe.root_name}) from packages: a few minutes")
    new = path.with_suffix(".new")
    argv = ["mmdebstrap", "--variant=minbase", "--format=tar", f"--keyring={KEYRING}",
            "--include=" + ",".join(_packages(lists)),
            "--aptopt=Acquire::Languages \"none\"", "--aptopt=Acquire::Retries \"3\"",
            "--dpkgopt=force-unsafe-io", "--dpkgopt=path-exclude=/usr/share/man/*",
            "--dpkgopt=path-exclude=/usr/share/locale/*",
            f"--essential-hook={RECIPES}/divert \"$1\"",
            f"--customize-hook={RECIPES}/customize \"$1\"", recipe.suite, new]
    sources = mirrors(recipe.suite)
    with tempfile.TemporaryFile("w+") as listing:
        listing.write(sources)
        listing.seek(0)
        log = run(argv + (["-"] if sources else []), timeout=1800, stdin=listing)
    path.with_suffix(".log").write_text(log)
    new.rename(path)
    return path


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


def _unpack(recipe, archive, tree):
    """The guest's tree below `tree`/root, finished for its disk; /boot comes to
    lie beside it when it has a file system of its own."""
    layout, root = recipe.laid_out, tree / "root"
    root.mkdir()
    run(["tar", "-C", root, "--numeric-owner", "--xattrs", "-xf", archive], timeout=600)
    layout.write_files(root)
    run([RECIPES / "finish", root, recipe.generator, recipe.layout, recipe.old], timeout=900)
    run([RECIPES / "fill", root, recipe.data_mb, *recipe.hashed.split()], timeout=300)
    boot = root / "boot"
    if layout.boot_role == "boot":
        boot = tree / "boot"
        shutil.copytree(root / "boot", boot, symlinks=True)
        for path in (root / "boot").iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return root, boot


def _build_disk(recipe, archive, disk):
    """Makes `disk`, and its (first) kernel and initrd beside it."""
    layout = recipe.laid_out
    disks.create(disk, recipe.size)
    disks.partition(disk, layout.table_script())
    tree = pathlib.Path(tempfile.mkdtemp(prefix="tree-", dir=disk.parent))
    try:
        root, boot = _unpack(recipe, archive, tree)
        shim = tree / "shim"
        shutil.copytree(root / "usr/lib/shim", shim)
        shutil.copy(root / "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", shim)
        make = {"root": lambda image, size: layouts.root_image(layout, root, image, size),
                "boot": lambda image, size: layouts.ext4(boot, image, size, layout.uuid("boot"),
                                                         "labboot"),
                "esp": lambda image, size: layouts.esp_image(boot, shim, image, size),
                "swap": lambda image, size: layouts.swap_image(layout, image, size)}
        for role, (start, size, _) in zip(layout.roles, disks.partitions(disk)):
            if role in make:
                image = tree / f"{role}.img"
                make[role](image, size)
                disks.insert(image, disk, start)
        if recipe.firmware == "bios":
            _boot_code_bios(disk, boot / "grub", recipe.table)
        for name in ("vmlinuz", "initrd"):
            shutil.copy(sorted(boot.glob(f"{name}*-*"))[0], disk.with_suffix("." + name))
    finally:
        shutil.rmtree(tree)


def _make_hostonly(recipe, disk):
    """Boots the guest on its old controller, where it makes its initramfs."""
    outcome = boots.boot(f"install-{recipe.name}", disk, recipe.old, recipe.firmware, kept=True,
                         limit=1800, script=(RECIPES / "hostonly").read_text(), virtio=False)
    boots.must(outcome, True)


def debian(recipe, cache, say=print):
    """The Guest of a recipe, from the cache when it is there."""
    archive = root_archive(recipe, cache, say)
    key = _key(archive.name, recipe, pathlib.Path(__file__), pathlib.Path(layouts.__file__),
               *[RECIPES / n for n in ("fill", "finish", "guest-init", "hostonly")])
    master = archive.parent / f"disk-{recipe.name}-{key}.raw"
    if not master.exists():
        say(f"making the guest's disk ({recipe.name}, {disks.human(recipe.size)})")
        for old in archive.parent.glob(f"disk-{recipe.name}-*"):
            old.unlink()
        new = master.with_name("new-" + master.name)
        _build_disk(recipe, archive, new)
        if recipe.hostonly:
            _make_hostonly(recipe, new)
        for suffix in (".vmlinuz", ".initrd", ".raw"):
            new.with_suffix(suffix).rename(master.with_suffix(suffix))
    return Guest(recipe, master)
