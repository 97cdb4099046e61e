"""Windows' boot chain: disks whose ids, offsets, boot sectors or boot files changed are
planned and mended by the C code (tests/tools/winchain) and judged by a second reading of
the stores (regf.py and bcd_uses() below, which follows the lengths in a descriptor where
the C code looks at every place) and by fsck.fat, mtools, ntfsfix, sfdisk; undo gives back
every byte (in Windows' own volume: every file)."""
import os
import pathlib
import shutil
import struct
import subprocess
import uuid

import pytest
import regf
import winguest

B = pathlib.Path(os.environ.get("REHOST_B", "build"))
FIXTURES = pathlib.Path(os.environ.get("REHOST_FIXTURES", "."), "hives")
TOOL = B / "tests/tools/winchain"
pytestmark = pytest.mark.skipif(not FIXTURES.is_dir() or not TOOL.exists(),
                                reason="no hives among the fixtures, or winchain is not built")
STORES = ("esp-win10-asus/Boot", "esp-win10-asus/Recovery", "esp-surface/Recovery",
          "uefi-win10-multiboot-linux", "winsetup-media")
W7, W10, XP = "win7-sp1-x86", "win10-1709-x64-dirty", "winxp-sp3-x86"
NEW_DISK, NEW_ESP = "aaaaaaaa-1111-2222-3333-444444444444", "bbbbbbbb-1111-2222-3333-444444444444"
NEW_OS = "cccccccc-1111-2222-3333-444444444444"
NEW_SIGNATURE = 0x600DD15C
MBR_CODE = b"\xea\x00\x7c\x00\x00" + b"code for the first sector" * 8


def run(*argv, status=0, **more):
    p = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
                       check=False, **more)
    assert p.returncode == status, p.stdout.decode("utf-8", "replace")
    return p.stdout


# --- a second reading of boot configurations

def partitions_of(data, at):
    """[(offset, "part of disk" or (signature, offset))] of the descriptor at `at`."""
    if at + 16 > len(data):
        return []
    kind, _, size, _ = struct.unpack_from("<4I", data, at)
    if kind == 6 and size == 0x48:
        disk_kind, style = struct.unpack_from("<II", data, at + 0x20)
        if disk_kind:
            return []
        if style == 0:
            part, disk = (str(uuid.UUID(bytes_le=data[at + o:at + o + 16])) for o in (0x10, 0x28))
            return [(at, f"{part} {disk}")]
        return [(at, (struct.unpack_from("<I", data, at + 0x28)[0], struct.unpack_from("<Q", data, at + 0x10)[0]))]
    if kind == 0 and struct.unpack_from("<I", data, at + 0x10)[0] == 3:
        # RAM disk: base, size, offset; then a file: version, length, kind; then its device
        return partitions_of(data, at + 0x34)
    return []


def bcd_uses(data):
    """{(object, element): (offset, partition)} of a store's bytes."""
    out = {}
    for obj in regf.Hive(data).root.find("Objects").subkeys():
        elements = obj.find("Elements")
        for element in elements.subkeys() if elements else ():
            if int(element.name, 16) & 0x0F000000 == 0x01000000:
                for one in partitions_of(element.value("Element").data, 0x10):
                    out[obj.name, element.name] = one
    return out


def text(data, obj, element):
    return regf.Hive(data).root.find(f"Objects\\{obj}\\Elements\\{element}").text("Element")


@pytest.mark.parametrize("name", STORES)
def test_second_reading(name):
    path = FIXTURES / "bcd" / name / "BCD"
    want = bcd_uses(path.read_bytes())
    got = {}
    for line in run(TOOL, "list", path).decode().splitlines()[1:]:
        obj, element, at, rest = line.split(" ", 3)
        words = rest.split(":")[0].split()
        assert words[0] == "partition" and words[2:4] == ["of", "disk"]
        got[obj, element] = int(at), f"{words[1]} {words[4]}"
    assert got == want
    assert bool(want) == (name != "winsetup-media")


# --- disks

PARTS = {}


class Disk:
    """A disk of winguest.py; work on it and look at what came out."""

    def __init__(self, path, guest, table, **more):
        self.path, self.guest = path, winguest.Guest(guest)
        made = path.parent.parent / f"{guest}-{table}-{more.get('apart', 0)}"      # once for all tests
        if not made.exists():
            PARTS[made] = self.guest.disk(made, table, room=64, **more)
        run("cp", "--sparse=always", made, path)
        self.parts = {role: (n, at, size) for n, role, at, size in PARTS[made]}
        self.copied = {}
        self.code = path.with_name("mbr.bin")
        self.code.write_bytes(MBR_CODE)

    def tool(self, what, *more, status=0):
        return run(TOOL, what, self.path, self.parts["windows"][0], f"code={self.code}",
                   f"dir=/{self.guest.root_name}",
                   f"arch={ {'x86': 'x86', 'AMD64': 'x64'}[self.guest.arch] }", *more, status=status).decode()

    def plan(self, *more):
        return self.tool("plan", *more)

    def mend(self, *more, hive=0):
        """Applies; then nothing is left to do; the chain's sentences.  hive: 1: the
        registry too, which takes its time."""
        more += (f"hive={hive}",)
        out = self.tool("apply", *more)
        assert "edit: " in out, out
        again = self.plan(*more)
        assert "edit: " not in again and "hive: " not in again, again
        return out

    def state(self):
        """All bytes outside of Windows' volume, its boot sectors, and its files' hashes:
        the journal came and went there, so that its MFT has other bytes."""
        _, at, size = self.parts["windows"]
        files = run(B / "tests/tools/ntfs-hashes", self.path, at, size)
        return (self.read(0, at + 512), self.read(at + size - 512, -1), sorted(files.splitlines()))

    def undo(self, was):
        """was: the state before."""
        assert self.tool("undo") == ""
        for one, other in zip(self.state(), was):
            assert one == other

    def write(self, at, data):
        with open(self.path, "r+b") as f:
            f.seek(at)
            f.write(data)

    def read(self, at, size):
        with open(self.path, "rb") as f:
            f.seek(at)
            return f.read(size)

    def esp(self):
        return f"{self.path}@@{self.parts['esp'][1]}"

    def on_esp(self, path):
        return run("mtype", "-i", self.esp(), "::" + path)

    def part(self, role):
        """The partition's bytes in a file of their own, made anew if the disk changed."""
        _, at, size = self.parts[role]
        to = self.path.with_name(f"part-{role}")
        now = self.path.stat().st_mtime_ns
        if self.copied.get(role) != now:
            with open(self.path, "rb") as disk, open(to, "wb") as part:
                os.sendfile(part.fileno(), disk.fileno(), at, size)
            assert to.stat().st_size == size
            self.copied[role] = now
        return to

    def on_ntfs(self, role, path):
        return run("ntfscat", "-f", self.part(role), path.lstrip("/"))

    def sound(self):
        """What fsck.fat and ntfsfix say."""
        for role in self.parts:
            if role == "esp":
                run("fsck.fat", "-n", self.part(role))
            else:
                run("ntfsfix", "-n", self.part(role))

    def system(self):
        config = "System32/config/SYSTEM" if not self.guest.old else "system32/config/system"
        return regf.Hive(self.on_ntfs("windows", f"{self.guest.root_name}/{config}"), dirty=True)

    def letters(self):
        return {n: v.data for n, v in self.system().root.find("MountedDevices").values().items()}


def gpt_disk(tmp_path):
    disk = Disk(tmp_path / "disk", W10, "gpt")
    assert disk.parts["esp"][0] == 1 and disk.parts["windows"][0] == 3
    return disk


def new_guids(disk):
    run("sgdisk", "-U", NEW_DISK, "-u", f"1:{NEW_ESP}", "-u", f"3:{NEW_OS}", disk.path)


def mbr_disk(tmp_path, **more):
    return Disk(tmp_path / "disk", W7, "mbr", **more)


# --- GPT

def test_gpt_unchanged(tmp_path):
    disk = gpt_disk(tmp_path)
    out = disk.plan()
    assert "edit:" not in out and "problem:" not in out and "hive:" not in out
    assert "Windows 10" in out and "starts by itself" in out


def test_gpt_new_ids(tmp_path):
    disk = gpt_disk(tmp_path)
    old = disk.on_esp("/EFI/Microsoft/Boot/BCD")
    before = disk.letters()
    new_guids(disk)
    was = disk.state()
    out = disk.mend(hive=1)
    assert "problem:" not in out
    new = disk.on_esp("/EFI/Microsoft/Boot/BCD")
    assert len(new) == len(old) and new[:4096] == old[:4096]     # in place: not even a sequence number
    esp, windows = f"{NEW_ESP} {NEW_DISK}", f"{NEW_OS} {NEW_DISK}"
    for (obj, element), (at, what) in bcd_uses(new).items():
        wanted = {winguest.LOADER: windows, winguest.RESUME: windows}.get(obj, esp)
        if at == 0x10 and element != "31000003":
            assert what == wanted, (obj, element)
    # WinRE was on a partition that isn't here: left alone
    assert {what for at, what in bcd_uses(new).values() if at != 0x10} == \
        {what for at, what in bcd_uses(old).values() if at != 0x10}
    # no letter is lost; those that named the old partition name the new one
    data = b"DMIO:ID:" + uuid.UUID(NEW_OS).bytes_le
    gone = b"DMIO:ID:" + uuid.UUID(winguest.gpt_windows(disk.guest.drive_c())).bytes_le
    after = disk.letters()
    assert gone in before.values() and gone not in after.values()
    for name, value in before.items():      # after has also what the hive's logs held
        assert after[name] == (data if value == gone else value), name
    disk.sound()
    assert disk.on_esp("/EFI/Boot/bootx64.efi") == disk.guest.bootmgfw()
    disk.undo(was)


def test_gpt_fallback(tmp_path):
    disk = gpt_disk(tmp_path)
    run("mdel", "-i", disk.esp(), "::/EFI/Boot/bootx64.efi")
    run("mrd", "-i", disk.esp(), "::/EFI/Boot")
    was, before = disk.state(), disk.path.read_bytes()
    store = disk.on_esp("/EFI/Microsoft/Boot/BCD")
    out = disk.mend()
    assert "no entry for Windows starts the fallback program" in out
    interrupted(disk, before, store, out)
    assert disk.on_esp("/EFI/BOOT/BOOTX64.EFI") == disk.guest.bootmgfw()
    disk.sound()
    disk.undo(was)


def interrupted(disk, before, store, out):
    """After each of the edits the other files are whole; at most clusters are lost."""
    edits = [line.split(" ")[3:5] for line in out.splitlines() if line.startswith("edit: disk ")]
    after, half = disk.path.read_bytes(), bytearray(before)
    _, at, size = disk.parts["esp"]
    cut = disk.path.with_name("cut")
    assert len(edits) >= 3
    for offset, length in edits:
        o, n = int(offset), int(length)
        assert at <= o and o + n <= at + size
        half[o:o + n] = after[o:o + n]
        cut.write_bytes(half[at:at + size])
        assert run("mtype", "-i", cut, "::/EFI/Microsoft/Boot/BCD") == store
        said = subprocess.run(["fsck.fat", "-n", cut], capture_output=True, check=False).stdout.decode()
        for word in ("share", "free cluster", "Bad", "beyond", "truncat"):
            assert word not in said, said
    assert half[at:at + size] == after[at:at + size]


def test_gpt_winre_beside(tmp_path):
    """The recovery environment on Windows' own partition: its entry is renamed inside a
    file's descriptor, and isn't taken for Windows."""
    disk = gpt_disk(tmp_path)
    store, own = disk.on_esp("/EFI/Microsoft/Boot/BCD"), winguest.gpt_windows(disk.guest.drive_c())
    winre = {what.split()[0] for at, what in bcd_uses(store).values() if at != 0x10}
    assert len(winre) == 1
    (tmp_path / "store").write_bytes(store.replace(uuid.UUID(winre.pop()).bytes_le, uuid.UUID(own).bytes_le))
    run("mcopy", "-o", "-i", disk.esp(), tmp_path / "store", "::/EFI/Microsoft/Boot/BCD")
    new_guids(disk)
    was = disk.state()
    assert "problem:" not in disk.mend()
    new = disk.on_esp("/EFI/Microsoft/Boot/BCD")
    uses = bcd_uses(new)
    nested = [what for at, what in uses.values() if at != 0x10]
    assert len(nested) == 2 and set(nested) == {f"{NEW_OS} {NEW_DISK}"}
    disk.undo(was)
    left = winguest.merge(new, {f"Objects\\{winguest.LOADER}": None})
    (tmp_path / "left").write_bytes(left)
    run("mcopy", "-o", "-i", disk.esp(), tmp_path / "left", "::/EFI/Microsoft/Boot/BCD")
    assert "has no entry for this Windows" in disk.plan("hive=0")


def test_gpt_other_fallback(tmp_path):
    """Another system's program there stays."""
    disk = gpt_disk(tmp_path)
    other = tmp_path / "other"
    other.write_bytes(winguest.pe.make(winguest.pe.AMD64, (), winguest.pe.EFI_APPLICATION, b"another system's"))
    run("mcopy", "-o", "-i", disk.esp(), other, "::/EFI/Boot/bootx64.efi")
    out = disk.plan()
    assert "edit:" not in out and "warning: /EFI/BOOT/BOOTX64.EFI" in out and "left alone" in out
    # an older boot manager of Windows is replaced
    old = winguest.pe.make(winguest.pe.AMD64, (), winguest.pe.EFI_APPLICATION, "Microsoft Corporation".encode("utf-16-le"))
    other.write_bytes(old)
    run("mcopy", "-o", "-i", disk.esp(), other, "::/EFI/Boot/bootx64.efi")
    was = disk.state()
    assert "older boot manager" in disk.mend()
    assert disk.on_esp("/EFI/BOOT/BOOTX64.EFI") == disk.guest.bootmgfw()
    disk.sound()
    disk.undo(was)


def test_gpt_which_windows(tmp_path):
    """Two partitions with the same files and new ids: which one the entry meant can't be
    told, until the caller says it."""
    disk = gpt_disk(tmp_path)
    n, at, size = disk.parts["windows"]
    old = winguest.gpt_windows(disk.guest.drive_c())
    twin = at + size
    with open(disk.path, "r+b") as f:
        f.truncate(twin + size + (2 << 20))
    disk.write(twin, disk.read(at, size))
    run("sgdisk", "-e", disk.path)
    run("sgdisk", "-a", "8", "-n", f"4:{twin // 512}:{(twin + size) // 512 - 1}", "-t", "4:0700", disk.path)
    new_guids(disk)
    out = disk.plan("hive=0")
    assert "means can't be told" in out and old.lower() in out
    assert "has no entry for this Windows" in out
    was = disk.state()
    out = disk.mend(f"old={old},{winguest.GPT_DISK}")
    assert "problem:" not in out, out
    uses = bcd_uses(disk.on_esp("/EFI/Microsoft/Boot/BCD"))
    assert uses[winguest.LOADER, "21000001"][1] == f"{NEW_OS} {NEW_DISK}"
    disk.undo(was)


@pytest.mark.parametrize("loss", ["store", "files", "damaged"])
def test_gpt_rebuilt(tmp_path, loss):
    disk = gpt_disk(tmp_path)
    if loss == "store":
        run("mdel", "-i", disk.esp(), "::/EFI/Microsoft/Boot/BCD")
    elif loss == "files":
        run("mdeltree", "-i", disk.esp(), "::/EFI")
    else:
        (tmp_path / "bad").write_bytes(b"regf" + bytes(40000))
        run("mcopy", "-o", "-i", disk.esp(), tmp_path / "bad", "::/EFI/Microsoft/Boot/BCD")
    was = disk.state()
    out = disk.mend()
    assert "problem:" not in out and "made anew" in out
    store = disk.on_esp("/EFI/Microsoft/Boot/BCD")
    uses, ids = bcd_uses(store), winguest
    esp = f"{ids.GPT_ESP} {ids.GPT_DISK}".lower()
    windows = f"{ids.gpt_windows(disk.guest.drive_c())} {ids.GPT_DISK}".lower()
    assert uses[ids.BOOTMGR, "11000001"][1] == uses[ids.MEMDIAG, "11000001"][1] == esp
    loader = text(store, ids.BOOTMGR, "23000003")
    resume = text(store, loader, "23000003")
    for obj, path in ((loader, "winload.efi"), (resume, "winresume.efi")):
        assert uses[obj, "11000001"][1] == uses[obj, "21000001"][1] == windows
        assert text(store, obj, "12000002").lower() == "\\windows\\system32\\" + path
    assert text(store, loader, "22000002") == "\\Windows"
    assert text(store, ids.BOOTMGR, "23000006") == resume
    root = regf.Hive(store).root
    assert root.find("Description").text("KeyName") == "BCD00000000"
    # nothing names an object that is not there
    objects = {k.name.lower() for k in root.find("Objects").subkeys()}
    for path, key in regf.Hive(store).walk():
        for value in key.all_values():
            for one in value.texts() if "\\Elements\\" in path else ():
                assert not one.startswith("{") or one.lower() in objects, path
    # other programs read it
    (tmp_path / "store").write_bytes(store)
    exported = run("hivexregedit", "--export", "--prefix", "BCD", tmp_path / "store", "\\")
    assert b"\\Elements\\24000001" in exported
    assert disk.on_esp("/EFI/Microsoft/Boot/bootmgfw.efi") == disk.guest.bootmgfw()
    assert disk.on_esp("/EFI/BOOT/BOOTX64.EFI") == disk.guest.bootmgfw()
    disk.sound()
    disk.undo(was)


def test_no_template(tmp_path):
    disk = Disk(tmp_path / "disk", W10, "gpt")
    run("mdel", "-i", disk.esp(), "::/EFI/Microsoft/Boot/BCD")
    part = disk.part("windows")
    run("ntfsfix", "-n", part)
    at = disk.parts["windows"][1]
    data = disk.read(at, disk.parts["windows"][2])
    name = "BCD-Template".encode("utf-16-le")
    assert name in data
    disk.write(at, data.replace(name, "BCD-Xemplate".encode("utf-16-le")))
    out = disk.plan()
    assert "problem: /EFI/Microsoft/Boot/BCD is missing, and a new one can't be made" in out
    assert "BCD-Template" in out and "bcdboot" in out


def test_no_esp(tmp_path):
    disk = gpt_disk(tmp_path)
    disk.write(disk.parts["esp"][1], bytes(4096))
    assert "problem: The target starts by UEFI, and there is no EFI system partition" in disk.plan()
    assert "problem: The target starts by BIOS, and Windows starts from a disk with a GPT" in \
        disk.plan("firmware=bios")


def test_blank_entry(tmp_path):
    disk = gpt_disk(tmp_path)
    run("sgdisk", "-d", "2", disk.path)
    assert "warning: The partition table has 1 blank entry before Windows' partition 3" in disk.plan()


# --- MBR

@pytest.mark.parametrize("apart", [0, 1])
def test_mbr_new_signature(tmp_path, apart):
    disk = mbr_disk(tmp_path, apart=apart)
    system = "boot" if apart else "windows"
    out = disk.plan()
    assert "edit:" not in out and "problem:" not in out and "hive:" not in out, out
    old, c = disk.on_ntfs(system, "/Boot/BCD"), disk.letters()
    run("sfdisk", "--disk-id", disk.path, f"{NEW_SIGNATURE:#x}")
    was = disk.state()
    assert "problem:" not in disk.mend(hive=1)
    new = disk.on_ntfs(system, "/Boot/BCD")
    assert len(new) == len(old) and new[:4096] == old[:4096]
    os, boot = ((NEW_SIGNATURE, disk.parts[r][1]) for r in ("windows", system))
    uses = bcd_uses(new)
    assert uses[winguest.BOOTMGR, "11000001"][1] == uses[winguest.MEMDIAG, "11000001"][1] == boot
    for obj in (winguest.LOADER, winguest.RESUME):
        assert uses[obj, "11000001"][1] == uses[obj, "21000001"][1] == os
    if not apart:        # else the hive's C: was never on this disk
        assert disk.letters()["\\DOSDEVICES\\C:"] == struct.pack("<IQ", *os)
        assert set(disk.letters()) == set(c)
    disk.sound()
    disk.undo(was)


def test_mbr_moved(tmp_path):
    """The partition lies elsewhere: its number of hidden sectors, the store's offset."""
    disk = mbr_disk(tmp_path)
    n, at, size = disk.parts["windows"]
    data = disk.read(at, size)
    to = at + (8 << 20)
    disk.path.write_bytes(bytes(to + size + (1 << 20)))
    disk.write(to, data)
    disk.parts["windows"] = n, to, size
    run("sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", disk.path,
        input=f"label: dos\nlabel-id: 0x7ab15c0d\nstart={to // 512}, size={size // 512}, type=7\n".encode())
    was = disk.state()
    out = disk.mend()
    assert "says it begins at sector" in out and "not marked active" in out
    assert "first sector has no boot code" in out and "problem:" not in out
    for sector in (0, size - 512):
        assert struct.unpack_from("<I", disk.read(to + sector, 512), 0x1C)[0] == to // 512
    assert disk.read(0, len(MBR_CODE)) == MBR_CODE and disk.read(446, 1) == b"\x80"
    assert bcd_uses(disk.on_ntfs("windows", "/Boot/BCD"))[winguest.LOADER, "21000001"][1] == (0x7AB15C0D, to)
    disk.sound()
    disk.undo(was)


def test_mbr_boot_code(tmp_path):
    disk = mbr_disk(tmp_path)
    at = disk.parts["windows"][1]
    code = disk.read(at + 512, 512)
    disk.write(at + 512, bytes(512))
    assert "problem: The boot sector of partition 1" in disk.plan() and "bootsect /nt60" in disk.plan()
    disk.write(at + 512, code)
    disk.write(0, b"GRUB ".rjust(440, b"\x90"))
    out = disk.plan()
    assert "starts GRUB" in out and "edit:" not in out
    disk.write(0, bytes(440))
    disk.code.unlink()
    assert "problem: The first sector of" in disk.plan() and "syslinux-common" in disk.plan()


def test_mbr_two_active(tmp_path):
    disk = mbr_disk(tmp_path, apart=1)
    disk.write(446 + 16, b"\x80")
    was = disk.state()
    out = disk.mend()
    assert "Two partitions are marked active" in out
    assert [disk.read(446 + 16 * i, 1) for i in range(4)] == [b"\x80", b"\0", b"\0", b"\0"]
    disk.undo(was)


def test_mbr_rebuilt(tmp_path):
    """On a System Reserved partition, which is another NTFS than Windows' own."""
    disk = mbr_disk(tmp_path, apart=1)
    n, at, size = disk.parts["boot"]
    empty = tmp_path / "empty"
    (tmp_path / "nothing").mkdir()
    winguest.ntfs(empty, at, size, tmp_path / "nothing", "boot")
    winguest.boot_code(empty, 512, bytes([7, 0]) + "BOOTMGR".encode("utf-16-le"))
    disk.write(at, empty.read_bytes())
    was = disk.state()
    out = disk.mend()
    assert "problem:" not in out and "made anew" in out, out
    assert disk.on_ntfs("boot", "/bootmgr") == winguest.BOOTMGR_BYTES
    store = disk.on_ntfs("boot", "/Boot/BCD")
    loader = text(store, winguest.BOOTMGR, "23000003")
    signature, = struct.unpack("<I", disk.read(440, 4))
    uses = bcd_uses(store)
    assert uses[winguest.BOOTMGR, "11000001"][1] == (signature, at)
    assert uses[loader, "21000001"][1] == (signature, disk.parts["windows"][1])
    assert text(store, loader, "12000002") == "\\Windows\\system32\\winload.exe"
    assert text(store, winguest.BOOTMGR, "12000002") == "\\bootmgr"
    disk.sound()
    disk.undo(was)


def test_two_windows(tmp_path):
    """Two entries of old ids: each is found by where it lies; one whose partition is
    gone isn't taken for the other."""
    disk = mbr_disk(tmp_path)
    n, at, size = disk.parts["windows"]
    hive = regf.Hive(disk.on_ntfs("windows", "/Boot/BCD"))
    second = "{11111111-2222-3333-4444-555555555555}"
    lost = winguest.mbr_element(0x1AB, 77 << 20)
    keys = {f"Objects\\{second}\\Description": {"Type": 0x10200003}}
    for element, value in (("11000001", lost), ("21000001", lost), ("12000004", "Windows of old"),
                           ("12000002", "\\Windows\\system32\\winload.exe"), ("22000002", "\\Windows")):
        keys[f"Objects\\{second}\\Elements\\{element}"] = {"Element": value}
    store = winguest.merge(hive.data, keys)
    part = disk.part("windows")
    put_in_ntfs(tmp_path, part, store)
    disk.write(at, part.read_bytes())
    run("sfdisk", "--disk-id", disk.path, f"{NEW_SIGNATURE:#x}")
    assert "problem:" not in disk.mend()
    uses = bcd_uses(disk.on_ntfs("windows", "/Boot/BCD"))
    assert uses[winguest.LOADER, "21000001"][1] == (NEW_SIGNATURE, at)
    assert uses[second, "21000001"][1] == (0x1AB, 77 << 20)
    assert "Windows of old (\\Windows\\system32\\winload.exe); its partition isn't there" in disk.plan()


def put_in_ntfs(tmp_path, part, store):
    """/Boot/BCD of the volume becomes these bytes, by ntfscp."""
    (tmp_path / "store").write_bytes(store)
    run("ntfscp", "-f", part, tmp_path / "store", "/Boot/BCD")


# --- 2000 to 2003

def test_xp(tmp_path):
    disk = Disk(tmp_path / "disk", XP, None)
    assert "problem:" not in disk.plan("nt5=1")
    n, at, size = disk.parts["windows"]
    ini = disk.on_ntfs("windows", "/boot.ini")
    assert b"partition(1)" in ini
    # its partition is the second one now, on a disk with another signature
    to = at + (4 << 20)
    data = disk.read(at, size)
    disk.path.write_bytes(bytes(to + size + (1 << 20)))
    disk.write(to, data)
    disk.parts["windows"] = 2, to, size
    run("sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", disk.path,
        input=(f"label: dos\nlabel-id: {NEW_SIGNATURE:#x}\nstart=63, size=4032, type=c\n"
               f"start={to // 512}, size={size // 512}, type=7, bootable\n").encode())
    was = disk.state()
    out = disk.mend("nt5=1", hive=1)
    assert "problem:" not in out, out
    assert disk.on_ntfs("windows", "/boot.ini") == ini.replace(b"partition(1)", b"partition(2)")
    boot = disk.read(to, 512)
    assert struct.unpack_from("<I", boot, 0x1C)[0] == to // 512
    assert struct.unpack_from("<H", boot, 0x1A)[0] == 0x40
    assert disk.letters()["\\DOSDEVICES\\C:"] == struct.pack("<IQ", NEW_SIGNATURE, to)
    disk.undo(was)


# --- hostile stores

@pytest.mark.parametrize("what", ["cut", "list", "huge", "zeros"])
def test_hostile_store(tmp_path, what):
    """A store that can't be read is told; nothing is written over one that is too large."""
    disk = gpt_disk(tmp_path)
    store = bytearray(disk.on_esp("/EFI/Microsoft/Boot/BCD"))
    if what == "cut":
        del store[9000:]
    elif what == "list":
        root, = struct.unpack_from("<I", store, 36)
        struct.pack_into("<I", store, 4096 + root + 4 + 28, 0x7FFFFFF0)
    elif what == "huge":
        store += bytes(3 << 20)
        struct.pack_into("<I", store, 40, 0x7FFFF000)
    else:
        store = bytearray(len(store))
    (tmp_path / "bad").write_bytes(store)
    run("mcopy", "-o", "-i", disk.esp(), tmp_path / "bad", "::/EFI/Microsoft/Boot/BCD")
    was = disk.state()
    out = disk.mend()
    assert "/EFI/Microsoft/Boot/BCD" in out and ("damaged" in out or "not a" in out), out
    disk.sound()
    disk.undo(was)


def test_mtools_missing(tmp_path):
    disk = gpt_disk(tmp_path)
    run("mdel", "-i", disk.esp(), "::/EFI/Microsoft/Boot/BCD")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/env").symlink_to(shutil.which("env"))
    p = subprocess.run([TOOL, "plan", disk.path, "3"], env={**os.environ, "PATH": str(tmp_path / "bin")},
                       check=False, capture_output=True, timeout=60)
    assert b"problem: /EFI/Microsoft/Boot/BCD of partition 1" in p.stdout and not p.returncode
    assert b"install the package mtools" in p.stdout and b"edit:" not in p.stdout
