"""Disks for measurements, made without mounting anything: file systems filled
with real files of this machine or with random bytes, and a sparse disk of 16 TB."""
import os
import re
import shutil
import subprocess
import zlib

# TEST_DIR ...: else mkfs.xfs makes nothing below 300 MB
ENV = {**os.environ, "E2FSPROGS_FAKE_TIME": "1700000000", "LC_ALL": "C",
       "TEST_DIR": ".", "TEST_DEV": ".", "QA_CHECK_FS": "1"}
UUID = "11111111-2222-3333-4444-555555555555"
LARGEST = 200 << 20   # a single file must not be a large part of the sample


def run(*cmd, **kw):
    p = subprocess.run([str(c) for c in cmd], env=ENV, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, check=False, **kw)
    if p.returncode:
        raise SystemExit("%s: status %d: %s" % (" ".join(map(str, cmd)), p.returncode,
                                                p.stdout.decode(errors="replace")[-2000:]))
    return p.stdout.decode(errors="replace")


def stage(top, out, size):
    """Copies regular files below top, chosen by a hash of their names so that
    the same packages always give the same sample, until they have `size` bytes."""
    found = []
    for d, dirs, names in os.walk(top):
        dirs.sort()
        for n in names:
            p = os.path.join(d, n)
            # mkfs.xfs' description of a tree knows no spaces
            if " " not in p and os.path.isfile(p) and not os.path.islink(p) and os.path.getsize(p) <= LARGEST:
                found.append((zlib.crc32(os.fsencode(p)), p))
    files = got = 0
    for _, p in sorted(found):
        if got >= size:
            break
        q = out + p
        os.makedirs(os.path.dirname(q), exist_ok=True)
        shutil.copyfile(p, q)
        os.utime(q, (1700000000, 1700000000))
        got += os.path.getsize(q)
        files += 1
    if got < size:
        raise SystemExit("%s has only %d bytes of files, %d are wanted" % (top, got, size))
    return files, got


def sparse(path, size):
    if os.path.exists(path):
        os.unlink(path)
    with open(path, "wb") as f:
        f.truncate(size)


def ext4(path, size, tree, *more):
    sparse(path, size)
    run("mke2fs", "-q", "-t", "ext4", "-b", 4096, "-U", UUID, *more,
        "-E", "hash_seed=%s,root_owner=0:0,nodiscard,lazy_itable_init=%d" % (UUID, size > 1 << 40),
        *(["-d", tree] if tree else []), path)


def ntfs(path, size, tree, fill, *more):
    sparse(path, size)
    run("mkntfs", "-F", "-q", "-Q", "-s", 512, "-p", 0, "-H", 255, "-S", 63, *more, path)
    if tree:
        run(fill, path, tree)


def xfs(path, size, tree):
    sparse(path, size)
    with open(path + ".proto", "w", encoding="utf-8") as f:
        f.write("boot\n0 0\nd--755 0 0\n%s$\n" % "".join(prototype(tree)))
    run("mkfs.xfs", "-q", "-m", "uuid=" + UUID, "-p", path + ".proto", path)
    os.unlink(path + ".proto")


def prototype(top):
    """mkfs.xfs' description of a tree, line by line."""
    for e in sorted(os.scandir(top), key=lambda e: e.name):
        if e.is_symlink():
            yield "%s l--777 0 0 %s\n" % (e.name, os.readlink(e.path))
        elif e.is_dir():
            yield "%s d--755 0 0\n" % e.name
            yield from prototype(e.path)
            yield "$\n"
        else:
            yield "%s ---644 0 0 %s\n" % (e.name, e.path)


def btrfs(path, size, tree):
    sparse(path, size)
    run("mkfs.btrfs", "-q", "-U", UUID, "--rootdir", tree, path)


def noise(top, size):
    """Files that can't be compressed."""
    os.makedirs(top)
    for i in range(0, size, 32 << 20):
        with open(os.path.join(top, "f%d" % i), "wb") as f:
            f.write(os.urandom(min(32 << 20, size - i)))


def change(disk, out, tree, share, used):
    """A copy of a disk in which the content of some files, `share` of the used bytes,
    is other random bytes; found by their blocks, so metadata stays as it is."""
    files = sorted(os.path.join(d, n) for d, _, names in os.walk(tree) for n in names)
    files = [f for f in files if os.path.getsize(f) >= 256 << 10]
    blocks, left = {}, int(share * used)
    for f in sorted(files, key=lambda f: zlib.crc32(os.fsencode(f))):
        if left <= 0:
            break
        with open(f, "rb") as g:
            for buf in iter(lambda: g.read(4096), b""):
                if left > 0 and len(buf) == 4096 and len(set(buf)) > 16:
                    blocks[buf] = True
                    left -= 4096
    sparse(out, os.path.getsize(disk))
    place(disk, out, 0)
    changed = 0
    with open(disk, "rb") as src, open(out, "r+b") as dst:
        at = 0
        while buf := src.read(4 << 20):
            for i in range(0, len(buf), 4096):
                if changed < share * used and buf[i:i + 4096] in blocks:
                    os.pwrite(dst.fileno(), os.urandom(4096), at + i)
                    changed += 4096
            at += len(buf)
    return changed


def joined(path, parts):
    """A GPT disk that has copies of these disks as its partitions."""
    mib = 1 << 20
    sizes = [-(-os.path.getsize(p) // mib) for p in parts]
    sparse(path, (sum(sizes) + 2) * mib)
    table, at = "label: gpt\nlabel-id: %s\n" % UUID, 1
    for n in sizes:
        table += "start=%d, size=%d, type=linux\n" % (at * 2048, n * 2048)
        at += n
    run("sfdisk", "-q", path, input=table.encode())
    at = 1
    for p, n in zip(parts, sizes):
        place(p, path, at * mib)
        at += n


def place(part, disk, off):
    """Copies the data (not the holes) of a file into another one."""
    src, dst = os.open(part, os.O_RDONLY), os.open(disk, os.O_WRONLY)
    size, at = os.fstat(src).st_size, 0
    while at < size:
        try:
            at = os.lseek(src, at, os.SEEK_DATA)
        except OSError:
            break
        end = os.lseek(src, at, os.SEEK_HOLE)
        while at < end:
            buf = os.pread(src, min(end - at, 1 << 20), at)
            os.pwrite(dst, buf, off + at)
            at += len(buf)
    os.close(src)
    os.close(dst)


def big(path, tree, plain, total=16 * 10**12):
    """A GPT disk of 16 TB: ext4 (6 TB), XFS (4 TB), NTFS (5.5 TB), a raw partition.
    plain: file systems as a person would make them, with 1 GB of tables; else
    made so that their tables are small."""
    mib = 1 << 20
    parts = [("ext4", 6 * 10**12 // mib), ("xfs", 4 * 10**12 // mib), ("ntfs", 55 * 10**11 // mib), ("raw", 64)]
    sparse(path, total)
    table, at = "label: gpt\nlabel-id: %s\n" % UUID, 1
    for i, (_, n) in enumerate(parts):
        table += "start=%d, size=%d, type=linux, uuid=%s%d\n" % (at * 2048, n * 2048, UUID[:-1], i)
        at += n
    run("sfdisk", "-q", path, input=table.encode())
    at = 1
    for kind, n in parts:
        part = path + "." + kind
        if kind == "ext4":
            ext4(part, n * mib, tree, "-T", "largefile4", "-J", "size=16",
                 *([] if plain else ["-O", "bigalloc", "-C", 65536]))
        elif kind == "xfs":
            sparse(part, n * mib)
            run("mkfs.xfs", "-q", "-f", "-l", "size=16m", "-d", "agcount=%d" % (4 if plain else 64), part)
        elif kind == "ntfs":
            ntfs(part, n * mib, None, None, "-c", 4096 if plain else 65536)
        else:
            sparse(part, n * mib)
            with open(part, "r+b") as f:
                f.write(bytes(range(256)) * 4096)
        place(part, path, at * mib)
        os.unlink(part)
        at += n


def version(*cmd):
    try:
        out = subprocess.run(cmd, capture_output=True, check=False)
    except OSError:
        return None
    m = re.search(r"v?(\d+\.\d+[\w.+-]*)", (out.stdout + out.stderr).decode(errors="replace"))
    return m[1] if m else "?"
