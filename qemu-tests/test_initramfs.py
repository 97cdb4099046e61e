"""What we append to an initramfs is unpacked by a real kernel, with all that was
there before: every compression, with and without early microcode in front.

Each machine has nothing but a kernel and one initramfs.  Its init checks the sums
of the files of the old part and of the appended one and says so; the controls
are files that a kernel must not unpack, so that the test is seen to fail."""

import hashlib
import os
import pathlib
import random
import shutil
import subprocess

import pytest

from lab.qemu import Machine

TOOL = os.environ.get("LAB_INITRD_TOOL", "build/tests/tools/initrdtool")
PACK = {
    "none": ["cat"],
    "gzip": ["gzip", "-nc"],
    "xz": ["xz", "--check=crc32", "-c"],        # as mkinitramfs and dracut
    "zstd": ["zstd", "-q", "-c"],
    "lz4": ["lz4", "-q", "-l", "-c"],
    "lzma": ["lzma", "-c"],
    "bzip2": ["bzip2", "-c"],
}
OLD = "6.1"                                     # a kernel that reads on behind lz4

INIT = r"""#!/usr/bin/busybox sh
b=/usr/bin/busybox
cd /
for part in base added; do
	for list in sums/$part*; do
		[ -e "$list" ] || { echo "LAB-INITRD $part is missing"; continue; }
		if $b sha256sum -c "$list" >/bad 2>&1; then echo "LAB-INITRD ${list#sums/} ok"
		else $b grep -v ': OK$' /bad; echo "LAB-INITRD ${list#sums/} bad"; fi
	done
done
echo "LAB-INITRD lib is $($b readlink lib)"
echo LAB-INITRD end
$b poweroff -f
"""


def run(argv, **more):
    return subprocess.run([str(a) for a in argv], check=True, stdout=subprocess.PIPE, **more).stdout


class Tree:
    """Files to be packed, and the list of their sums as one more of them."""

    def __init__(self, path, sums, files, links=()):
        self.path, listing = path, []
        for name, data in files.items():
            file = path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            file.chmod(0o755)
            listing.append(f"{hashlib.sha256(data).hexdigest()}  {name}\n")
        for name, target in links:
            (path / name).symlink_to(target)
        (path / "sums").mkdir()
        (path / "sums" / sums).write_text("".join(listing))

    def cpio(self):
        """As an archive, by cpio(1)."""
        names = sorted(str(p.relative_to(self.path)) for p in self.path.rglob("*"))
        return run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=self.path,
                   input="\n".join(names).encode())


def data(seed, size):
    """Bytes that get smaller by half."""
    rng = random.Random(seed)
    return bytes(rng.randrange(16) for _ in range(size))


def base(work):
    busybox = shutil.which("busybox")
    return Tree(work / "base", "base", {
        "init": INIT.encode(), "usr/bin/busybox": pathlib.Path(busybox).read_bytes(),
        "usr/lib/modules/1/a.ko": data(1, 300001), "usr/lib/firmware/f": data(2, 5),
        "only/here": b"stays\n", "empty": b"",
    }, [("lib", "usr/lib"), ("bin", "usr/bin")])


def added(work, name="added"):
    # conf/modules is in no other part; only/here is, and must be replaced as a whole
    return Tree(work / name, name, {
        f"usr/lib/modules/1/{name}.ko": data(name, 70003), f"conf-{name}/modules": b"loop\n",
    }).path


def early(work):
    tree = work / "early"
    file = tree / "kernel/x86/microcode/GenuineIntel.bin"
    file.parent.mkdir(parents=True)
    file.write_bytes(data(3, 2048))
    return run(["sh", "-c", "find . | sort | cpio -o -H newc --quiet"], cwd=tree)


def pack(how, archive):
    return run(PACK[how], input=archive)


def append(file, tree, kernel=OLD):
    run([TOOL, "append", file, tree, kernel])


def boot(name, kernel, file):
    """What the machine's init found, and all it said."""
    with Machine(f"initramfs-{name}", kernel=kernel, initrd=file, memory=256, network=False,
                 append="console=ttyS0 loglevel=4 panic=-1", timeout=300) as vm:
        vm.expect("LAB-INITRD end", 240)
        vm.wait_off(60)
        said = (vm.dir / "serial.log").read_text(errors="replace")
    return [line.split("LAB-INITRD ")[1].strip() for line in said.splitlines()
            if "LAB-INITRD " in line], said


WHOLE = ["base ok", "added ok", "lib is usr/lib", "end"]


@pytest.fixture
def kernel(iso):
    """The live system's."""
    return iso.parent / "live/vmlinuz"


@pytest.mark.parametrize("microcode", [False, True], ids=["alone", "early"])
@pytest.mark.parametrize("how", PACK)
def test_appended(work, kernel, how, microcode):
    file = work / "initrd"
    file.write_bytes((early(work) if microcode else b"") + pack(how, base(work).cpio()))
    append(file, added(work))
    assert boot(f"{how}-{microcode:d}", kernel, file)[0] == WHOLE


@pytest.mark.smoke
def test_all_in_one_file(work, kernel):
    """Every compression behind every other, each with something appended."""
    file = work / "initrd"
    file.write_bytes(early(work) + base(work).cpio())
    for how in PACK:
        tree = Tree(work / f"base-{how}", f"base-{how}", {f"of-{how}": data(how, 90001)})
        with open(file, "ab") as f:
            f.write(pack(how, tree.cpio()))
        append(file, added(work, f"added-{how}"))
    found, _ = boot("all", kernel, file)
    assert sorted(found) == sorted(["base ok", "lib is usr/lib", "end"] + [
        f"{part}-{how} ok" for part in ("base", "added") for how in PACK])


@pytest.mark.smoke
def test_control_misaligned(work, kernel):
    """An archive that begins at no multiple of 4 is dropped: these tests can fail."""
    file, extra = work / "initrd", work / "extra"
    run([TOOL, "pack", added(work), extra])
    start = pack("gzip", base(work).cpio())
    start += bytes(-len(start) % 4 + 2)
    file.write_bytes(start + extra.read_bytes())
    found, said = boot("misaligned", kernel, file)
    assert found == ["base ok", "added is missing", "lib is usr/lib", "end"]
    assert "Initramfs unpacking failed" in said
    refused = subprocess.run([TOOL, "append", file, work / "added", OLD], check=False)
    assert refused.returncode == 4


def test_control_lz4_without_end(work, kernel):
    """Behind lz4 a kernel needs NULs to see its end; where append leaves them out
    because the length is a multiple of 4 already, nothing more is read."""
    file, extra = work / "initrd", work / "extra"
    tree, packed, n = base(work), b"x", 0
    while len(packed) % 4:
        n += 1
        (tree.path / "filler").write_bytes(data(n, 1000 + n))
        packed = pack("lz4", tree.cpio())
    run([TOOL, "pack", added(work), extra])
    file.write_bytes(packed + extra.read_bytes())
    assert "added is missing" in boot("lz4-unpadded", kernel, file)[0]
    file.write_bytes(packed)
    append(file, work / "added")
    assert file.read_bytes()[len(packed):].startswith(bytes(4) + b"070701")
    assert boot("lz4-padded", kernel, file)[0] == WHOLE


def test_control_two_members(work, kernel):
    """An archive that goes on in a second gzip member: the kernel gives up there."""
    file, archive = work / "initrd", Tree(work / "more", "base-more", {"more": data(5, 9000)}).cpio()
    start = pack("gzip", base(work).cpio())
    half = len(archive) // 2
    file.write_bytes(start + pack("gzip", archive[:half]) + pack("gzip", archive[half:]))
    refused = subprocess.run([TOOL, "append", file, added(work), OLD], check=False,
                             stderr=subprocess.PIPE, text=True)
    assert refused.returncode == 4 and "goes on behind the end" in refused.stderr
    run([TOOL, "pack", work / "added", work / "extra"])
    with open(file, "ab") as f:
        f.write(bytes(-f.tell() % 4) + (work / "extra").read_bytes())
    found, said = boot("two-members", kernel, file)
    assert "added is missing" in found and "Initramfs unpacking failed" in said


def test_rewritten(work, kernel):
    """lz4 for a kernel that can't read on behind it becomes gzip."""
    file = work / "initrd"
    file.write_bytes(early(work) + pack("lz4", base(work).cpio()))
    append(file, added(work), "5.10")
    listing = run([TOOL, "list", file], text=True)
    assert "lz4" not in listing and "gzip" in listing
    assert boot("rewritten", kernel, file)[0] == WHOLE


def test_later_over_earlier(work, kernel):
    """A file that is there already is replaced, and a shorter one leaves no rest."""
    file = work / "initrd"
    tree = base(work)
    file.write_bytes(pack("zstd", tree.cpio()))
    new = Tree(work / "new", "base", {"only/here": b"new\n", "usr/lib/modules/1/a.ko": data(9, 10)})
    append(file, new.path)
    append(file, added(work))
    assert boot("replaced", kernel, file)[0] == WHOLE
