"""What is compared, as shell commands.

{src} disk, {img} image, {half0} and {half1} the used bytes as two files (and .zst of
each), the first of {half} MiB, {dst} the disk to restore to, {pc} partclone's name of the
file system, {hash} what Rehost hashes chunks with here, {base} an older image.
An empty command: the program can't do that, or it is no part of that limit."""
import collections
import os
import subprocess

Contender = collections.namedtuple("Contender", "name capture restore verify")

LOOP_FSARCHIVER = ("l=$(losetup -f --show -r {src}) && fsarchiver savefs -o -x -Z1 -j2 {img}.fsa $l; s=$?; "
                   "losetup -d $l; sync {img}.fsa && mv {img}.fsa {img} && exit $s",
                   "l=$(losetup -f --show {dst}) && fsarchiver restfs -x -j2 {img} id=0,dest=$l; s=$?; "
                   "sync $l; losetup -d $l; sync {dst} && exit $s")
REHOST = "{rehost} capture --yes --overwrite --no-systems --workers 2 --level %s %s {src} {img}"
RESTORE = "{rehost} restore --yes --workers 2 %s {img} {dst}"
VERIFY = "{rehost} verify --workers 2 %s {img}"
UNZSTD = "zstd -q -dc {img} | "

# Clonezilla's defaults: conf/drbl-ocs.conf, PARTCLONE_*_OPT_INIT and extra_zstdmt_opt
CLONEZILLA = Contender("Clonezilla's: partclone -z 10485760, zstdmt -3",
                       "partclone.{pc} -z 10485760 -c -s {src} -o - -L /dev/null | zstd -q -3 -T0 -f -o {img} && sync {img}",
                       UNZSTD + "partclone.restore -z 10485760 -C -s - -O {dst} -L /dev/null && sync {dst}",
                       UNZSTD + "partclone.chkimg -z 10485760 -s - -L /dev/null")
PARTCLONE = Contender("partclone, zstd -1 -T2",
                      "partclone.{pc} -c -s {src} -o - -L /dev/null | zstd -q -1 -T2 -f -o {img} && sync {img}",
                      UNZSTD + "partclone.restore -C -s - -O {dst} -L /dev/null && sync {dst}",
                      UNZSTD + "partclone.chkimg -s - -L /dev/null")
NTFSCLONE = Contender("ntfsclone, zstd -1 -T2",
                      "ntfsclone -q --save-image -O - {src} | zstd -q -1 -T2 -f -o {img} && sync {img}",
                      UNZSTD + "ntfsclone -q --restore-image -O {dst} - && sync {dst}", "")
FSARCHIVER = Contender("fsarchiver -Z1 -j2", *LOOP_FSARCHIVER, "")
QEMU = Contender("qemu-img convert -c", "qemu-img convert -q -c -O qcow2 {src} {img} && sync {img}",
                 "qemu-img convert -q -n -O raw {img} {dst} && sync {dst}", "")
DD = Contender("dd, zstd -1 -T2", "dd if={src} bs=1M status=none | zstd -q -1 -T2 -f -o {img} && sync {img}",
               UNZSTD + "dd of={dst} bs=1M iflag=fullblock conv=sparse,notrunc,fsync status=none", UNZSTD + "cat >/dev/null")
BASE = REHOST % ("balanced", "--base {base}")
DELTA = RESTORE % "--delta"
READ = "cat {half0} {half1} >/dev/null"


def twice(command):
    """On both halves at once, as Rehost has two workers."""
    return "%s & p=$!; %s && wait $p" % (command % "{half0}", command % "{half1}")


# What no program can be faster than: one part of the work alone, of the used bytes, with
# as many threads as Rehost has workers.
COMPRESS = Contender("limit: compressing, zstd -1 -T2",
                     "zstd -q -1 -T2 -c {half0} {half1} >{img} && sync {img}", "", "")
DECOMPRESS = Contender("limit: decompressing, 2 x zstd -d", "", twice("zstd -q -dc %s.zst >/dev/null"), "")
WRITE = Contender("limit: writing, dd", "",
                  "dd if={half0} of={dst} bs=1M conv=notrunc status=none && "
                  "dd if={half1} of={dst} bs=1M seek={half} conv=notrunc,fsync status=none", "")
HASH = Contender("limit: hashing, 2 x openssl", "", "", twice("openssl dgst -{hash} %s"))
LIMITS = {"capture": [COMPRESS], "restore": [DECOMPRESS, WRITE], "verify": [HASH]}

CHECK = {"ext4": "e2fsck -fn {dst}", "ntfs": "ntfsfix -n {dst}", "xfs": "xfs_repair -n {dst}",
         "btrfs": "btrfs check --readonly {dst}"}
PARTCLONE_NAME = {"ext4": "extfs", "ntfs": "ntfs", "xfs": "xfs", "btrfs": "btrfs"}


def rehost(level):
    return Contender("rehost, " + level, REHOST % (level, ""), RESTORE % "", VERIFY % "")


def contenders(fs, levels, without_fsarchiver):
    c = [rehost(level) for level in levels] + [CLONEZILLA, PARTCLONE]
    c += [NTFSCLONE] if fs == "ntfs" else []
    c += [FSARCHIVER] if os.geteuid() == 0 and not without_fsarchiver else []
    return c + [QEMU, DD, *sum(LIMITS.values(), [])]


def has(build, command, option):
    """Does this rehost have that option?"""
    said = subprocess.run([os.path.join(build, "rehost"), command, "--help"], capture_output=True, check=False)
    return option.encode() in said.stdout.split()


def hash_name():
    """As imager/fmt chooses: SHA-256 only where the processor has instructions for it."""
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        words = f.read().split()
    return "sha256" if "sha_ni" in words or "sha2" in words else "blake2b512"
