"""A guest's volumes, opened in the live system: the EFI system partition, LVM, LUKS
with LVM in it, an array, Btrfs subvolumes; looked into without a byte changed,
from the disk and from its image, and nothing of it left behind."""

import json

import pytest

from lab import disks, live
from lab.disks import MIB
from lab.qemu import Disk

DISK = 160 * MIB

# Shell commands over $d (the disk) and $e (a second one): each makes a root at /m,
# which `tree` fills, and takes everything down again.  (In busybox's shell its own
# mke2fs and blkid come first.)
TREE = """mkdir -p /m
tree() { mkdir -p /m/etc /m/boot/efi /m/usr/lib /m/var /m/var/lib; echo ID=test >/m/etc/os-release; }
part() { case $1 in *[0-9]) echo $1p$2;; *) echo $1$2;; esac; }
modprobe -a dm_mod dm_crypt raid1 ext4 xfs btrfs vfat
export DM_DISABLE_UDEV=1"""

LVM = """printf 'label: gpt\\nsize=40M,type=U\\nsize=100M\\n' | sfdisk -q $d
mkfs.vfat $(part $d 1)
lvm pvcreate -q $(part $d 2); lvm vgcreate -q vg $(part $d 2)
lvm lvcreate -q -Zn -Wn -L 48M -n root vg; lvm lvcreate -q -Zn -Wn -L 20M -n var-x vg
mkfs.ext4 -q /dev/mapper/vg-root; mkfs.ext4 -q /dev/mapper/vg-var--x
mount /dev/mapper/vg-root /m; tree
printf '/dev/mapper/vg-root / ext4 defaults 0 1\\n/dev/vg/var-x /var ext4 defaults 0 2\\n' >/m/etc/fstab
umount /m; lvm vgchange -q -an vg"""

LUKS = """printf 'label: dos\\nsize=30M,type=83\\ntype=83\\n' | sfdisk -q $d
mkfs.ext4 -q -L bootfs $(part $d 1)
printf phrase >/tmp/key
cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file /tmp/key $(part $d 2)
cryptsetup open --key-file /tmp/key $(part $d 2) inner
lvm pvcreate -q /dev/mapper/inner; lvm vgcreate -q cvg /dev/mapper/inner; lvm lvcreate -q -Zn -Wn -L 60M -n root cvg
mkfs.ext4 -q /dev/mapper/cvg-root; mount /dev/mapper/cvg-root /m; tree
echo "sda2_crypt UUID=$(cryptsetup luksUUID $(part $d 2)) none luks" >/m/etc/crypttab
printf '/dev/mapper/cvg-root / ext4 defaults 0 1\\nLABEL=bootfs /boot ext4 defaults 0 2\\n' >/m/etc/fstab
umount /m; lvm vgchange -q -an cvg; cryptsetup close inner"""

MD = """mdadm -q --create /dev/md9 --run --assume-clean --homehost=old --name=root --metadata=1.2 -l1 -n2 $d $e
mkfs.ext4 -q /dev/md9; mount /dev/md9 /m; tree; echo '/dev/md/root / ext4 defaults 0 1' >/m/etc/fstab
umount /m; mdadm -q --stop /dev/md9"""

BTRFS = """printf 'label: gpt\\nsize=120M\\n' | sfdisk -q $d
mkfs.btrfs -q $(part $d 1); mount $(part $d 1) /m
btrfs -q subvolume create /m/@; btrfs -q subvolume create /m/@var; umount /m
mount -o subvol=@ $(part $d 1) /m; tree
u=$(/usr/sbin/blkid -o value -s UUID $(part $d 1))
printf "UUID=$u / btrfs subvol=@ 0 0\\nUUID=$u /var btrfs subvol=@var 0 0\\n" >/m/etc/fstab
umount /m; mount $(part $d 1) /m; btrfs -q subvolume snapshot /m/@ /m/@before; umount /m"""

LAYOUTS = {
    # name: (commands, what is mounted where: {place: (type, name)}, environment)
    "lvm": (LVM, {"/": ("ext4", "vg/root"), "/var": ("ext4", "vg/var-x"),
                  "/boot/efi": ("vfat", None)}, {}),
    "luks": (LUKS, {"/": ("ext4", "cvg/root"), "/boot": ("ext4", None)},
             {"REHOST_LUKS_PASSPHRASE": "phrase"}),
    "md": (MD, {"/": ("ext4", "old:root")}, {}),
    "btrfs": (BTRFS, {"/": ("btrfs", None)}, {}),
}


LOOPS = "ls -d /sys/block/loop*/loop 2>/dev/null"    # in use; the live system has some


def nothing_left(shell, loops):
    assert "No devices found" in shell.run("dmsetup ls")
    assert "md" not in shell.run("cat /proc/mdstat 2>/dev/null | grep '^md' || :")
    assert "rehost/guest" not in shell.run("cat /proc/self/mountinfo")
    assert not shell.run("ls -d /run/rehost/guest-* /run/rehost/image-* 2>/dev/null || :").strip()
    assert shell.run(LOOPS, ok=None) == loops


def plan(shell, what, env):
    """The document of rehost-adapt; 3: a tree without a kernel won't boot."""
    text = shell.run(f"rehost-adapt --dry-run --json --profile kvm {what} 2>/tmp/err || "
                     "{ s=$?; cat /tmp/err >/dev/ttyS0; [ $s = 3 ]; }", env=env)
    return json.loads(text)


def mounted(system):
    return {v["mounted"]: (v["type"], v.get("name"))
            for v in system["volumes"]["volumes"] if v.get("mounted")}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout(iso, work, layout):
    commands, expected, env = LAYOUTS[layout]
    paths = [disks.create(work / f"{n}.raw", DISK) for n in ("one", "two")]
    with live.boot(f"assemble-{layout}", iso,
                   [Disk(p, serial=f"DISK{n}") for n, p in enumerate(paths)],
                   memory=768) as vm:
        shell = live.Shell(vm)
        loops = shell.run(LOOPS, ok=None)
        names = [shell.disk("DISK0"), shell.disk("DISK1")]
        shell.run(f"d={names[0]}; e={names[1]}")
        for line in (TREE + "\n" + commands).splitlines():
            shell.run(line, timeout=300)
        shell.run("sync")
        used = " ".join(names if layout == "md" else names[:1])
        before = shell.run(f"sha256sum {used}")

        if layout == "luks":
            shell.run(f"rehost-adapt --dry-run --json --profile kvm {used} </dev/null "
                      ">/tmp/doc 2>/tmp/err; grep -q 'stays locked' /tmp/doc /tmp/err")
            nothing_left(shell, loops)
        systems = plan(shell, used, env)["systems"]
        assert len(systems) == 1, systems
        assert mounted(systems[0]) == expected
        nothing_left(shell, loops)
        shell.run("echo 3 >/proc/sys/vm/drop_caches")
        assert shell.run(f"sha256sum {used}") == before, "looking changed the disk"

        # the edit of fstab or none: it must be written where it belongs
        shell.run(f"rehost-adapt --yes --profile kvm --hostname moved {used} >/tmp/said 2>&1 || [ $? = 3 ]",
                  env=env, timeout=300)
        nothing_left(shell, loops)
        again = plan(shell, used, env)["systems"]
        assert again[0]["hostname"] == "moved"

        if layout != "md":          # one image is one disk
            shell.run(f"rehost capture {names[0]} /tmp/a.rhi", timeout=300)
            systems = plan(shell, "/tmp/a.rhi", env)["systems"]
            assert mounted(systems[0]) == expected
            assert systems[0]["hostname"] == "moved"
            nothing_left(shell, loops)
        shell.power_off()
