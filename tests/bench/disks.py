"""Disks for measurements, made without mounting anything: file systems filled
with real files of this machine, and a sparse disk of 16 TB."""
import os
import re
import shutil
import subprocess
import zlib

ENV = {**os.environ, "E2FSPROGS_FAKE_TIME": "1700000000", "LC_ALL": "C"}
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
            if os.path.isfile(p) and not os.path.islink(p) and os.path.getsize(p) <= LARGEST:
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
    """A GPT disk of 16 TB: ext4 (10 TB), NTFS (5.5 TB), a raw partition.
    plain: file systems as a person would make them, with 1 GB of tables; else
    made so that their tables are small."""
    mib = 1 << 20
    parts = [("ext4", 10 * 10**12 // mib), ("ntfs", 55 * 10**11 // mib), ("raw", 64)]
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
