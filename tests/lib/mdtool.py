#!/usr/bin/python3
"""mdtool.py: superblocks of Linux software RAID in files, written from md_p.h; mdadm
--examine judges them.

  mdtool.py make FILE SIZE VERSION [KEY=VALUE...]   a member without data
  mdtool.py bitmap FILE                             adds a bitmap and a list of bad blocks
  mdtool.py data FILE                               prints START SIZE of the data, in bytes
  mdtool.py judge FILE MAP INNER_MAP                is MAP exactly: superblock, bitmap, log
                  of bad blocks, the first MiB, the end, and what INNER_MAP has of the array?
  mdtool.py array put|get LAYOUT FILE MEMBER...     FILE is the array of all members, in order;
                  LAYOUT: linear, or RAID0's original or alternate (raid0.c: map_sector)
  mdtool.py array size LAYOUT - MEMBER...           its bytes
  mdtool.py array judge LAYOUT INNER_MAP MEMBER=MAP...   is each MAP exactly that?
Sizes and offsets in sectors, as the fields have them; 0.90: in KiB."""
import os
import re
import struct
import subprocess
import sys

V1 = dict(features=("I", 8), level=("i", 0x48), layout=("I", 0x4c), size=("Q", 0x50), chunk=("I", 0x58),
          disks=("I", 0x5c), bitmap=("i", 0x60), reshaped=("Q", 0x68), data=("Q", 0x80), room=("Q", 0x88),
          super=("Q", 0x90), recovered=("Q", 0x98), number=("I", 0xa0), bad_shift=("B", 0xb9),
          bad_len=("H", 0xba), bad=("i", 0xbc), synced=("Q", 0xd0), max_dev=("I", 0xdc),
          role0=("H", 0x100), role1=("H", 0x102), role2=("H", 0x104),
          events=("Q", 0xc8))
V0 = {k: ("i" if k == "level" else "I", 4 * w) for k, w in dict(
    minor=2, level=7, size=8, nr=9, disks=10, state=33, recovered=43, chunk=65, number=992, role=995,
    disk_state=996).items()}
BITS = 0xffffffffffffffff


class Member:
    def __init__(self, path):
        self.path, self.size = path, os.path.getsize(path)
        self.file = open(path, "r+b")

    def read(self, at, n):
        self.file.seek(at)
        return self.file.read(n)

    def write(self, at, data):
        self.file.seek(at)
        self.file.write(data)
        self.file.flush()

    def place(self, version):
        return {"0.90": (self.size & ~0xffff) - 0x10000, "1.0": (self.size - 8192) & ~4095,
                "1.1": 0, "1.2": 4096}[version]

    def find(self):
        for v in ("0.90", "1.0", "1.1", "1.2"):
            b = self.read(self.place(v), 8)
            if b[:4] == b"\xfc\x4e\x2b\xa9" and (v == "0.90") == (b[4:8] == bytes(4)):
                return v
        sys.exit(self.path + ": no superblock")


def seal(b, version):
    at = 4 * 38 if version == "0.90" else 0xd8
    n = 4096 if version == "0.90" else 256 + 2 * struct.unpack_from("<I", b, 0xdc)[0]
    struct.pack_into("<I", b, at, 0)
    n = min(n, 4096)
    words = struct.unpack_from("<%dI" % (n // 4), b)
    total = sum(words) + (struct.unpack_from("<H", b, n - 2)[0] if n % 4 else 0)
    struct.pack_into("<I", b, at, (total + (total >> 32)) & 0xffffffff)


def put(m, version, b, words):
    for word in words:
        key, value = word.split("=")
        kind, at = (V0 if version == "0.90" else V1)[key]
        struct.pack_into("<" + kind, b, at, int(value, 0))
    seal(b, version)
    m.write(m.place(version), bytes(b))


def make(path, size, version, *words):
    with open(path, "wb") as f:
        f.truncate(int(size))
    m, b = Member(path), bytearray(4096)
    sb = m.place(version) // 512
    if version == "0.90":
        disk = [0, 8, 1, 0, 6]
        head = [0xa92b4efc, 0, 90, 0, 0, 0x11223344, 1700000000, 1, m.place(version) // 1024, 2, 2, 0,
                0, 0x55667788, 0x99aabbcc, 0xddeeff00]
        state = [1700000000, 1, 2, 2, 0, 0, 0, 0, 1]
        struct.pack_into("<%dI" % (len(head)), b, 0, *head)
        struct.pack_into("<%dI" % (len(state)), b, 128, *state)
        struct.pack_into("<5I", b, 512, *disk)
        struct.pack_into("<5I", b, 512 + 128, 1, 8, 2, 1, 6)
        struct.pack_into("<5I", b, 4 * 992, *disk)
        struct.pack_into("<I", b, 4 * 43, 0xffffffff)
    else:
        data = 0 if version == "1.0" else 2048
        room = sb if version == "1.0" else max(m.size // 512 - data, 0)
        room -= 8 if version == "1.0" else 0
        struct.pack_into("<4I", b, 0, 0xa92b4efc, 1, 0, 0)
        b[16:32], b[32:40] = bytes(range(16)), b"host:nam"
        struct.pack_into("<Q", b, 0x40, 1700000000)
        for key, value in dict(level=1, size=room & ~127, disks=2, data=data, room=room, super=sb,
                               synced=BITS, max_dev=128, role0=0, role1=1).items():
            struct.pack_into("<" + V1[key][0], b, V1[key][1], value)
        b[0x104:0x100 + 256] = b"\xfe\xff" * 126
        struct.pack_into("<QQ", b, 0xc0, 1700000000, 5)
    put(m, version, b, words)


def fields(m):
    v = m.find()
    return v, bytearray(m.read(m.place(v), 4096))


def bitmap(path):
    """An internal bitmap 8 sectors behind the superblock, and a list of bad blocks."""
    m = Member(path)
    v, b = fields(m)
    put(m, v, b, ["features=9", "bitmap=8", "bad=64", "bad_len=8"])
    at = m.place(v)
    size = struct.unpack_from("<Q", b, 0x50)[0]
    m.write(at + 4096, struct.pack("<4sI16sQQQ6I", b"bitm", 4, bytes(range(16)), 5, 5, size, 0, 65536, 5, 0, 8, 0) +
            b"\xff" * 100)
    m.write(at + 64 * 512, b"\xff" * 4096)


def examine(path):
    out = subprocess.run(["mdadm", "--examine", path], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT).stdout.decode()
    if not re.search(r"Checksum : .* (correct)", out):
        sys.exit("mdadm: %s" % out)
    return out


def data(path):
    m = Member(path)
    out = examine(path)
    found = re.search(r"Data Offset : (\d+) sectors", out)
    start = int(found[1]) * 512 if found else 0
    used = re.search(r"Used Dev Size : (\d+)( sectors)?", out)
    avail = re.search(r"Avail Dev Size : (\d+) sectors", out)
    chunk = re.search(r"Chunk Size : (\d+)K", out)
    size = int(avail[1]) * 512 if avail else m.place("0.90")
    if used and int(used[1]):
        size = int(used[1]) * (512 if used[2] else 1024)
    elif chunk:
        size -= size % (int(chunk[1]) * 1024)
    return m, out, start, size


def chunk_of(out):
    return int(re.search(r"Chunk Size : (\d+)K", out)[1]) * 1024


def raid0(sizes, chunk, original):
    """Chunk by chunk: (member, its offset, the array's offset, bytes)."""
    zones, begin = [], 0
    for top in sorted(set(sizes)):
        zones.append((begin, [i for i, s in enumerate(sizes) if s > begin], top))
        begin = top
    at = 0
    for begin, live, top in zones:
        first = at
        while at - first < (top - begin) * len(live):
            number = at // chunk if original else (at - first) // chunk
            row = (at - first) // chunk // len(live)
            yield live[number % len(live)], begin + row * chunk, at, chunk
            at += chunk


def linear(sizes):
    at = 0
    for i, s in enumerate(sizes):
        yield i, 0, at, s
        at += s


def pieces(layout, paths):
    """(Start, size) of each member's data; raid0()'s or linear()'s list."""
    found = [data(p) for p in paths]
    sizes = [size for _, _, _, size in found]
    return [start for _, _, start, _ in found], sizes, list(
        linear(sizes) if layout == "linear" else raid0(sizes, chunk_of(found[0][1]), layout == "original"))


def array(what, layout, file, *paths):
    if what == "judge":
        return judge_array(layout, file, [p.split("=") for p in paths])
    starts, sizes, all_ = pieces(layout, paths)
    if what == "size":
        return print(sum(sizes))
    members = [Member(p) for p in paths]
    with open(file, "rb" if what == "put" else "wb") as f:
        for i, off, at, n in all_:
            f.seek(at)
            if what == "put":
                members[i].write(starts[i] + off, f.read(n))
            else:
                f.write(members[i].read(starts[i] + off, n))


def judge_array(layout, inner, paths):
    starts, sizes, all_ = pieces(layout, [p for p, _ in paths])
    used = extents(inner)
    for i, (path, map_) in enumerate(paths):
        mine = [(off, at, n) for k, off, at, n in all_ if k == i]
        here = [(off + max(s, at) - at, off + min(e, at + n) - at)
                for s, e in used for off, at, n in mine if s < at + n and e > at]
        compare(path, map_, here)


def extents(path):
    return [(int(f[1]), int(f[1]) + int(f[2])) for f in map(str.split, open(path)) if f[0] == "extent"]


def judge(path, map_, inner):
    compare(path, map_, extents(inner))


def compare(path, map_, used):
    m, out, start, size = data(path)
    want, mine = bytearray(m.size // 512), bytearray(m.size // 512)

    def mark(where, s, e):
        where[s // 512:e // 512] = b"\1" * (e // 512 - s // 512)
    mark(want, 0, min(start, 1 << 20))
    found = re.search(r"Super Offset : (\d+) sectors", out)
    at = int(found[1]) * 512 if found else m.place("0.90")
    mark(want, at, at + 4096)
    if "Internal Bitmap" in out:
        mark(want, at + 4096, at + 8192)
    if "Bad Block Log" in out:
        mark(want, at + 64 * 512, at + 64 * 512 + 4096)
    mark(want, start + size, m.size)
    for s, e in used:
        mark(want, start + s, start + e)
    for s, e in extents(map_):
        mark(mine, s, e)
    for i in range(len(want)):
        if want[i] != mine[i]:
            sys.exit("%s: sector %d is %sin the map" % (path, i, "not " if want[i] else ""))
    print("as mdadm says: %d of %d sectors" % (sum(mine), len(mine)))


def main():
    what, path, *a = sys.argv[1:]
    if what == "data":
        print(*data(path)[2:])
    else:
        {"make": make, "bitmap": bitmap, "judge": judge, "array": array}[what](path, *a)


if __name__ == "__main__":
    main()
