"""What other tools say of a disk: is it right, and is it the same?"""

import hashlib
import os
import pathlib
import shutil
import stat
import tempfile

from . import LabError, disks, windows
from .proc import run


def _file_facts(path):
    st = path.lstat()
    facts = (oct(st.st_mode), st.st_uid, st.st_gid)
    if stat.S_ISLNK(st.st_mode):
        return facts + (os.readlink(path),)     # debugfs does not keep a link's time
    facts += (int(st.st_mtime),)
    if stat.S_ISREG(st.st_mode):
        digest = hashlib.sha256()
        with open(path, "rb") as f:
            while block := f.read(1 << 20):
                digest.update(block)
        return facts + (st.st_size, digest.hexdigest())
    return facts


def tree_facts(directory):
    """{path: owner, times, link target, hash...} of everything below."""
    out = {}
    for parent, names, files in os.walk(directory):
        for name in names + files:
            path = pathlib.Path(parent, name)
            out[str(path.relative_to(directory))] = _file_facts(path)
    return out


def differences(before, after, limit=10):
    """What differs between two dictionaries, as lines; empty when nothing."""
    lines = [f"missing: {p}" for p in before if p not in after]
    lines += [f"new: {p}" for p in after if p not in before]
    lines += [f"differs: {p}: {before[p]} is now {after[p]}"
              for p in before if p in after and before[p] != after[p]]
    more = len(lines) - limit
    return lines[:limit] + ([f"and {more} more"] if more > 0 else [])


def ext4_clean(disk, offset):
    """e2fsck finds nothing to complain of (it writes nothing)."""
    run(["e2fsck", "-fn", f"{disk}?offset={offset}"], timeout=600)


def ext4_files(disk, offset, scratch):
    """Facts of every file of an ext file system, read by debugfs."""
    tree = pathlib.Path(tempfile.mkdtemp(prefix="ext4-", dir=scratch))
    try:
        out = run(["debugfs", "-R", f"rdump / {tree}", f"{disk}?offset={offset}"], timeout=600)
        bad = [line for line in out.splitlines()[1:] if "rdump" in line or "error" in line.lower()]
        if bad:
            raise LabError(f"debugfs on {disk}: {bad[:3]}")
        return tree_facts(tree)
    finally:
        shutil.rmtree(tree)


def ntfs_clean(partition):
    """ntfsfix finds nothing to do, and ntfsresize's accounting of every
    cluster agrees with the bitmap."""
    out = run(["ntfsfix", "-n", partition])
    if "was processed successfully" not in out or "ERROR" in out or "FAILED" in out:
        raise LabError(f"ntfsfix -n {partition}:\n{out}")
    run(["ntfsresize", "--info", "--force", "--no-progress-bar", partition])


def ntfs_files_by_7z(partition, scratch):
    """{path: hash} by 7-Zip's own NTFS reader, a second opinion.  It reports
    sparse files made by libntfs-3g as damaged, in the source too."""
    program = shutil.which("7zz") or shutil.which("7z") or "7zz"
    tree = pathlib.Path(tempfile.mkdtemp(prefix="7z-", dir=scratch))
    try:
        out = run([program, "x", "-y", "-bd", "-tntfs", f"-o{tree}", partition,
                   *[f"-x!{p[1:]}" for p in windows.PAGE_FILES]], ok=(0, 2), timeout=600)
        errors = [line for line in out.splitlines() if "ERROR" in line and "sparse" not in line]
        if "Type = NTFS" not in out or errors:
            raise LabError(f"7-Zip on {partition}: {errors[:5] or out[-500:]}")
        facts = tree_facts(tree)
        return {p: f[-2:] for p, f in facts.items() if "sparse" not in p and "[SYSTEM]" not in p}
    finally:
        shutil.rmtree(tree)


def same_ranges(a, b, ranges):
    """Raises when bytes of two files differ in any (offset, length)."""
    with open(a, "rb") as fa, open(b, "rb") as fb:
        for offset, length in ranges:
            if os.pread(fa.fileno(), length, offset) != os.pread(fb.fileno(), length, offset):
                raise LabError(f"{a} and {b} differ in the {length} bytes at {offset}")


def digest(path):
    """SHA-256 of a disk file: to see that a source was not written to."""
    out = hashlib.sha256()
    with open(path, "rb") as f:
        size = os.fstat(f.fileno()).st_size
        for offset, length in disks.data_ranges(f.fileno(), 0, size):
            pos, end = offset, offset + length
            while pos < end:
                block = os.pread(f.fileno(), min(1 << 20, end - pos), pos)
                if block.count(0) != len(block):        # a hole filled with zeros is the same
                    out.update(pos.to_bytes(8, "little") + block)
                pos += len(block)
    return out.hexdigest()


def same_table(source, restored):
    """Partitions are where they were; the table has no complaint."""
    before, after = disks.partitions(source), disks.partitions(restored)
    if before != after:
        raise LabError(f"partitions of {restored}: {after}, of the source: {before}")
    out = run(["sfdisk", "--verify", restored])
    if "No errors detected" not in out:
        raise LabError(f"sfdisk --verify {restored}:\n{out}")


def same_debian(source, restored, facts, scratch):
    """A restored Debian disk, not yet booted, has the same files and is clean."""
    same_table(source, restored)
    parts = disks.partitions(source)
    start = parts[-1][0]
    same_ranges(source, restored, [(0, 440)])
    if len(parts) > 1 and "C12A7328" in parts[0][2].upper():
        for disk in (source, restored):
            disks.extract(disk, parts[0][0], parts[0][1], pathlib.Path(scratch) / "esp")
            run(["fsck.vfat", "-n", pathlib.Path(scratch) / "esp"])
    ext4_clean(restored, start)
    lines = differences(facts, ext4_files(restored, start, scratch))
    if lines:
        raise LabError("files differ after the restore:\n" + "\n".join(lines))


def same_windows(source, restored, parts, scratch):
    """A restored Windows-like disk has the same boot code, gap and files."""
    same_table(source, restored)
    same_ranges(source, restored, [(0, 1 << 20)])
    for offset, size in parts:
        found = []
        # the first and the backup boot sector, and every file
        same_ranges(source, restored, [(offset, 8192), (offset + size - 512, 512)])
        for disk in (source, restored):
            part = disks.extract(disk, offset, size, pathlib.Path(scratch) / "ntfs")
            ntfs_clean(part)
            found.append((windows.hashes(part), ntfs_files_by_7z(part, scratch)))
        for before, after in zip(*found):
            lines = differences(before, after)
            if lines:
                raise LabError(f"files differ in the NTFS at {offset}:\n" + "\n".join(lines))
