"""LVM2, MD RAID1 and RAID0, LUKS2 and BitLocker, made in the live system, whose kernel has what
they need: captured, restored over disks of random bytes, and opened again in another
machine. The file systems are clean, every file is the same, and little more than what
they use was captured, though the source disks held random bytes before.

BitLocker is made here (tests/lib/bitlktool.py), since no Linux makes it; cryptsetup and
Linux' own NTFS read it."""

import dataclasses
import hashlib
import json
import os
import pathlib
import random
import re
import sys

import pytest

from lab import disks, live
from lab.disks import MIB
from lab.live import Shell
from lab.proc import run
from lab.qemu import Disk

TOP = pathlib.Path(__file__).resolve().parent.parent
BITLK = TOP / "tests/lib/bitlktool.py"
MAP = pathlib.Path(os.environ.get("LAB_MAP_DUMP", "build/tests/tools/map-dump")).absolute()
MOST = 1.02                     # times the bytes in use may be captured
PASSPHRASE = "the old passphrase"
JOB = 900


@dataclasses.dataclass
class Container:
    """Shell lines over $a and $b, its disks."""
    sizes: tuple            # MiB, of each disk
    make: str
    open: str
    close: str
    volumes: dict           # device: file system
    around: int             # MiB of each disk that are in use beside the file systems
    unlock: str = ""
    images: float = 0       # times what is in use an image may have, where it can't be packed
    together: bool = False  # its disks are captured by one command, so that each has its part


CONTAINERS = {
    # in pieces, and over two physical volumes; the first MiB of each is LVM's, and the
    # rest of each whole extents (what lies behind the last one is captured, too)
    "lvm": Container(
        (860,),
        "printf 'label: gpt\\nsize=421M,type=lvm\\nsize=421M,type=lvm\\n' | sfdisk -q $a\n"
        "lvm pvcreate -q -y $(part $a 1) $(part $a 2)\n"
        "lvm vgcreate -q vg $(part $a 1) $(part $a 2)\n"
        "lvm lvcreate -q -y -Zn -Wn -L 60M -n linear vg; lvm lvcreate -q -y -Zn -Wn -L 12M -n gone vg\n"
        "lvm lvcreate -q -y -Zn -Wn -i 2 -I 64k -L 320M -n striped vg\n"
        "lvm lvremove -q -y vg/gone; lvm lvextend -q -L 160M vg/linear\n"
        "mkfs.ext4 -q /dev/mapper/vg-linear; mkfs.xfs -f /dev/mapper/vg-striped >/tmp/xfs",
        "lvm vgchange -q -ay vg", "lvm vgchange -q -an vg",
        {"/dev/mapper/vg-linear": "ext4", "/dev/mapper/vg-striped": "xfs"}, 4),
    # its data may begin at 1 MiB (mdadm's choice for this size); superblock, bitmap
    "md": Container(
        (300, 300),
        "for d in $a $b; do printf 'label: dos\\nstart=1MiB,size=290M,type=fd\\n' | sfdisk -q $d; done\n"
        "mdadm -q --create /dev/md9 --run --homehost=old --name=data --metadata=1.2 --bitmap=internal"
        " -l1 -n2 $(part $a 1) $(part $b 1)\n"
        "mdadm --wait /dev/md9 || :\n"
        "mkfs.ext4 -q /dev/md9",
        "mdadm -q --assemble /dev/md9 $(part $a 1) $(part $b 1); grep -F '[UU]' /proc/mdstat",
        "mdadm -q --stop /dev/md9", {"/dev/md9": "ext4"}, 4),
    # members of different size, so that there are two zones; each is captured for its part
    "raid0": Container(
        (240, 150),
        "for d in $a $b; do printf 'label: gpt\\nstart=1MiB,type=raid\\n' | sfdisk -q $d; done\n"
        "mdadm -q --create /dev/md8 --run --homehost=old --name=wide --metadata=1.2 -c 64"
        " -l0 -n2 $(part $a 1) $(part $b 1)\n"
        "mkfs.xfs -f /dev/md8 >/tmp/xfs",
        "mdadm -q --assemble /dev/md8 $(part $a 1) $(part $b 1)",
        "mdadm -q --stop /dev/md8", {"/dev/md8": "xfs"}, 6, together=True),
    # bare physical volumes; a volume on both, striped, and one behind it
    "lvm2": Container(
        (260, 220),
        "lvm pvcreate -q -y $a $b; lvm vgcreate -q vg $a $b\n"
        "lvm lvcreate -q -y -Zn -Wn -i 2 -I 64k -L 160M -n striped vg\n"
        "lvm lvcreate -q -y -Zn -Wn -l 100%FREE -n linear vg\n"
        "mkfs.ext4 -q /dev/mapper/vg-striped; mkfs.ext4 -q /dev/mapper/vg-linear",
        "lvm vgchange -q -ay vg", "lvm vgchange -q -an vg",
        {"/dev/mapper/vg-striped": "ext4", "/dev/mapper/vg-linear": "ext4"}, 6, together=True),
    # 16 MiB are its header, which nothing compresses
    "luks": Container(
        (300,),
        "printf 'label: gpt\\nsize=290M\\n' | sfdisk -q $a\n"
        "cryptsetup luksFormat -q --type luks2 --pbkdf argon2id --pbkdf-memory 65536"
        " --pbkdf-force-iterations 4 --key-file /tmp/key $(part $a 1)\n"
        "cryptsetup open --key-file /tmp/key $(part $a 1) inner; mkfs.ext4 -q /dev/mapper/inner",
        "cryptsetup open --key-file /tmp/key $(part $a 1) inner", "cryptsetup close inner",
        {"/dev/mapper/inner": "ext4"}, 18, "--unlock /tmp/key", 1.05),
    "bitlocker": Container(
        (80,), ":", "cryptsetup open --type bitlk --key-file /tmp/key $(part $a 1) win",
        "cryptsetup close win", {"/dev/mapper/win": "ntfs3"}, 3, "--unlock /tmp/key"),
}
SETUP = f"""part() {{ case $1 in *[0-9]) echo $1p$2;; *) echo $1$2;; esac; }}
modprobe -a dm_mod dm_crypt raid0 raid1 ext4 xfs ntfs3
export DM_DISABLE_UDEV=1
printf '{PASSPHRASE}' >/tmp/key
mkdir -p /m /keep; mount $(part $k 1) /keep"""
# files in pieces, some gone again
FILL = """for i in $(seq 1 30); do head -c $((i * 50021)) /dev/urandom >f$i; done; sync
for i in $(seq 1 2 30); do rm f$i; done; sync
mkdir d; for i in $(seq 1 300); do echo $i >d/small$i; done; seq 1 90000 >d/a.txt
head -c 24000000 /dev/urandom >big; sync
for i in $(seq 2 4 30); do dd if=/dev/urandom of=f$i bs=4096 count=3 seek=1 conv=notrunc 2>/dev/null; done
rm d/small*5; sync"""
CHECK = {"ext4": "e2fsck -fn", "xfs": "xfs_repair -n", "ntfs3": "ntfsfix -n"}
DIGEST = "(cd /m; find . -type f | sort | xargs sha256sum | sha256sum)"


def noise(path, size):
    """A disk that held something else."""
    with open(path, "wb") as f:
        for _ in range(size):
            f.write(os.urandom(MIB))
    return path


def digest_of(files):
    """As DIGEST."""
    lines = "".join(f"{hashlib.sha256(files[n]).hexdigest()}  ./{n}\n" for n in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()


def bitlocker(disk, work):
    """Puts a partition with a BitLocker volume onto a disk; the digest of its files,
    and how many bytes its NTFS uses."""
    rng, plain, volume = random.Random(11), work / "plain", work / "volume"
    files = {f"f{i}.bin": rng.randbytes(i * 30011) for i in range(1, 17)}
    disks.create(plain, 64 * MIB)
    run(["mkntfs", "-qQF", "-c", "4096", plain])
    for name, content in files.items():
        (work / name).write_bytes(content)
        run(["ntfscp", "-q", plain, work / name, name])
        (work / name).unlink()
    known = work / "plain.map"
    known.write_text(run([MAP, plain], stderr=None))
    run([sys.executable, BITLK, "make", volume, plain, known, PASSPHRASE, "0x8005"], cwd=work)
    said = run(["ntfsinfo", "-m", plain])
    clusters = number(r"Volume Size in Clusters: (\d+)", said) - number(r"Free Clusters: (\d+)", said)
    disks.partition(disk, "label: dos\nstart=1MiB, size=64MiB, type=7\n")
    with open(disk, "r+b") as d:
        d.seek(disks.partitions(disk)[0][0])
        d.write(volume.read_bytes())
    plain.unlink(), volume.unlink()
    return digest_of(files), clusters * 4096


def names(kind):
    """Serial numbers of its disks."""
    return [f"{kind.upper()}{i}" for i in range(len(CONTAINERS[kind].sizes))]


def attach(paths, kept):
    """(Disks) by serial number, and the one that keeps the images."""
    return [Disk(p, bus="virtio", serial=s) for s, p in paths.items()] + \
           [Disk(kept, bus="virtio", serial="KEEP1")]


def lines(shell, text):
    for line in text.splitlines():
        shell.run(line, JOB)


def begin(vm):
    shell = Shell(vm)
    shell.run(f"k={shell.disk('KEEP1')}")
    lines(shell, SETUP)
    return shell


def choose(shell, kind):
    """$a and $b become the container's disks, which are returned."""
    found = [shell.disk(s) for s in names(kind)]
    shell.run(f"a={found[0]}; b={found[-1]}")
    return found


def digest(shell, device, fs, options="ro"):
    shell.run(f"mount -t {fs} -o {options} {device} /m")
    found = shell.digest(shell.run(DIGEST, JOB))
    shell.run("umount /m")
    return found


def number(pattern, text):
    return int(re.search(pattern, text, re.M).group(1))


def used(shell, device, fs):
    """Bytes in use as the file system itself counts them, metadata included."""
    if fs == "ext4":
        said = shell.run(f"dumpe2fs -h {device} 2>/dev/null")
        blocks = number(r"^Block count: +(\d+)", said) - number(r"^Free blocks: +(\d+)", said)
        return blocks * number(r"^Block size: +(\d+)", said)
    # mounted so Linux keeps no blocks back; what it counts has no log
    shell.run(f"mount -o ro,norecovery {device} /m")
    total, free, block = map(int, shell.run("stat -f -c '%b %f %S' /m").split())
    shell.run("umount /m")
    said = shell.run("cat /tmp/xfs")
    return (total - free) * block + \
        number(r"^log .*blocks=(\d+)", said) * number(r"^log .*bsize=(\d+)", said)


def make(shell, kind):
    """{device: (digest, used bytes)} of a container that is filled, and closed again."""
    c, out = CONTAINERS[kind], {}
    lines(shell, c.make)
    for device, fs in c.volumes.items():
        shell.run(f"mount {device} /m; cd /m")
        lines(shell, FILL)
        shell.run("cd /; umount /m")
        out[device] = digest(shell, device, fs), used(shell, device, fs)
    lines(shell, c.close)
    return out


def capture(shell, kind, found):
    """Captures each disk of a container, and looks at the sizes."""
    c, parts = CONTAINERS[kind], 0
    if c.together:
        shell.run(f"rehost capture --no-systems {' '.join(choose(shell, kind))} /keep/m", JOB)
        shell.run("rehost verify --deep /keep/m && cd /keep/m", JOB)
        for serial in names(kind):
            shell.run(f"mv *-{serial}.rhi ../{serial}.rhi")
        shell.run("cd /")
    for disk, serial in zip(choose(shell, kind), names(kind)):
        if not c.together:
            shell.run(f"rehost capture --no-systems {c.unlock} {disk} /keep/{serial}.rhi", JOB)
        info = json.loads(shell.run(f"rehost info --json /keep/{serial}.rhi"))
        parts += info["used_bytes"]
        volumes = [v for r in info["map"] for v in r.get("volumes", ())]
        # of the file systems, or those parts of them that are on this disk
        whole = [v for v in volumes if not v["fs"] or v["note"] or v["fs"][:4] not in ("ext4", "xfs", "ntfs")]
        assert len(volumes) == len(c.volumes) and not whole, volumes
        most = MOST * sum(n for _, n in found.values()) + c.around * MIB
        assert (parts if c.together else info["used_bytes"]) <= most, (kind, info["used_bytes"], most, volumes)
        size = int(shell.run(f"stat -c %s /keep/{serial}.rhi"))
        assert not c.images or size <= c.images * most / MOST, (kind, size, most)


def restore(shell, kind, found):
    """Restores its disks, opens it, and looks at what it holds."""
    c = CONTAINERS[kind]
    for disk, serial in zip(choose(shell, kind), names(kind)):
        shell.run(f"rehost restore --yes --verify /keep/{serial}.rhi {disk}", JOB)
    lines(shell, c.open)
    for device, fs in c.volumes.items():
        shell.run(f"{CHECK[fs]} {device}", JOB)
        assert digest(shell, device, fs) == found[device][0], (kind, device)
        if fs != "ntfs3":       # it can be written to
            shell.run(f"mount {device} /m; head -c 2000000 /dev/urandom >/m/more; umount /m; {CHECK[fs]} {device}")
    lines(shell, c.close)


@pytest.mark.parametrize("kind", CONTAINERS)
def test_container(iso, work, kind):
    c, kept = CONTAINERS[kind], disks.keeper(work / "kept.raw", "ext4", 1 << 30)
    old = {s: noise(work / f"{s}.old", n) for s, n in zip(names(kind), c.sizes)}
    found = {}
    if kind == "bitlocker":
        found["/dev/mapper/win"] = bitlocker(old["BITLOCKER0"], work)
    with live.boot(f"{kind}-old", iso, attach(old, kept), memory=768) as vm:
        shell = begin(vm)
        choose(shell, kind)
        found = found or make(shell, kind)
        capture(shell, kind, found)
        shell.run("umount /keep")
        shell.power_off()
    for path in old.values():
        path.unlink()
    # other disks, one of them larger
    new = {s: noise(work / f"{s}.new", n + 8 * i) for i, (s, n) in enumerate(zip(names(kind), c.sizes))}
    with live.boot(f"{kind}-new", iso, attach(new, kept), memory=768) as vm:
        shell = begin(vm)
        restore(shell, kind, found)
        shell.power_off()
