#!/usr/bin/python3
"""fsjudge.py: compares used maps with what foreign tools say.

  fsjudge.py ext|xfs|btrfs|ntfs|fat|exfat|f2fs [-s] IMAGE MAP
                                        is every used block in the map?  With -s
                                        (a sound file system) also: nothing else
  fsjudge.py ext,ext-inodes IMAGE MAP   and is every block there that an inode refers to?
  fsjudge.py xfs-cat IMAGE PATH...      XFS files' bytes, by where xfs_db says they are
  fsjudge.py apply IMAGE MAP OUT        a copy that has only what the map says;
                                        all else is filled with garbage
MAP is map-dump's output for the bare file system IMAGE."""
import os
import re
import struct
import subprocess
import sys


def run(*argv, data=None):
    return subprocess.run(argv, input=data, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout


def load(path):
    extents, regions = [], []
    for line in open(path):
        f = line.split()
        if f[0] == "extent":
            extents.append((int(f[1]), int(f[1]) + int(f[2])))
        if f[0] == "region":
            regions.append(f)
    return extents, regions


def is_whole(extents, size):
    return sum(e - s for s, e in extents) >= size


class Blocks:
    """One byte per block: 1 used."""

    def __init__(self, count, size):
        self.b, self.size, self.count = bytearray(count), size, count

    def fill(self, first, last, value=1):  # inclusive
        last = min(last, self.count - 1)
        if first <= last:
            self.b[first:last + 1] = bytes([value]) * (last + 1 - first)

    def from_extents(self, extents, base=0):
        for s, e in extents:
            s, e = max(s - base, 0), e - base
            if e > 0:
                self.fill(s // self.size, (e - 1) // self.size)
        return self


def compare(used, extents, what, sound, base=0, also=()):
    """also: blocks that we may have beyond the tool's."""
    mine = Blocks(used.count, used.size).from_extents(extents, base)
    lost = [i for i in range(used.count) if used.b[i] and not mine.b[i]]
    if lost:
        sys.exit("%s: %d used blocks are not in the map: %s" % (what, len(lost), lost[:20]))
    more = [i for i in range(used.count) if mine.b[i] and not used.b[i] and i not in also]
    if sound and more:
        sys.exit("%s: %d free blocks are in the map: %s" % (what, len(more), more[:20]))
    print("%s: %d blocks of %d used, %d more in the map" % (what, sum(used.b), used.count, len(more)))


def ext(image, extents, sound):
    out = run("dumpe2fs", image).decode("latin-1")
    number = lambda name: int(re.search(r"^%s:\s+(\d+)" % name, out, re.M).group(1))
    if not re.search(r"^\s+Free blocks:", out, re.M):
        if sound:
            sys.exit("dumpe2fs lists no free blocks")
        print("dumpe2fs gave up")  # for example at a damaged journal
        return
    used = Blocks(number("Block count"), number("Block size"))
    used.fill(0, used.count)
    # With bigalloc a range ends with the first block of its last cluster, in
    # e2fsprogs 1.47.2 with the last one; either way that whole cluster is free.
    cluster = re.search(r"^Cluster size:\s+(\d+)", out, re.M)
    last = int(cluster.group(1)) // used.size - 1 if cluster else 0
    for line in re.findall(r"^\s+Free blocks: (.*)$", out, re.M):
        for part in filter(None, line.split(", ")):
            a, _, b = part.strip().partition("-")
            used.fill(int(a), int(b or a) | last, 0)
    compare(used, extents, "dumpe2fs", sound)


def ext_inodes(image, extents, _):
    """Blocks that are not in the map must belong to no file, says debugfs."""
    out = run("dumpe2fs", "-h", image).decode("latin-1")
    number = lambda name: int(re.search(r"^%s:\s+(\d+)" % name, out, re.M).group(1))
    mine = Blocks(number("Block count"), number("Block size")).from_extents(extents)
    free = [str(i) for i in range(1, mine.count) if not mine.b[i]]
    # debugfs reads lines of 8 KiB
    script = "".join("icheck %s\n" % " ".join(free[i:i + 800]) for i in range(0, len(free), 800))
    found = run("debugfs", "-f", "-", image, data=script.encode()).decode("latin-1")
    lost = re.findall(r"^(\d+)\t(\d+)$", found, re.M)
    if lost:
        sys.exit("debugfs: blocks that are not in the map, and their inodes: %s" % lost[:20])
    print("debugfs: %d blocks outside the map belong to no file" % len(free))


def ntfs(image, extents, sound):
    info = run("ntfsinfo", "-fm", image).decode("latin-1")
    number = lambda name: int(re.search(r"%s: (\d+)" % name, info).group(1))
    size, count = number("Cluster Size"), number("Volume Size in Clusters")
    bitmap = run("ntfscat", "-f", "-i", "6", image)
    used = Blocks(count, size)
    for i in range(count):
        used.b[i] = bitmap[i // 8] >> (i % 8) & 1
    compare(used, extents, "ntfscat", sound)
    # independent of $Bitmap: what ntfscluster counts in all inodes
    info = run("ntfscluster", "-f", "-i", image).decode("latin-1")
    seen = sum(int(re.search(r"clusters of %s\s*: (\d+)" % k, info).group(1))
               for k in ("user data", "metadata"))
    have = sum(used.b)
    if sound and seen != have:
        sys.exit("ntfscluster counts %d clusters, $Bitmap has %d" % (seen, have))


def fat(image, extents, sound):
    out = run("fsck.fat", "-nv", image).decode("latin-1")
    number = lambda text: int(re.search(text, out).group(1))
    cluster = number(r"(\d+) bytes per cluster")
    data = number(r"Data area starts at byte (\d+)")
    used, count = map(int, re.search(r"(\d+)/(\d+) clusters", out).groups())
    mine = Blocks(count, cluster).from_extents(extents, data)
    have = sum(mine.b)
    if have < used or (sound and have != used):
        sys.exit("fsck.fat: %d clusters of %d used, the map has %d" % (used, count, have))
    if extents[0][1] < data:
        sys.exit("the FAT itself is not in the map")
    print("fsck.fat: %d clusters of %d used, %d in the map" % (used, count, have))


def xfs_db(image, *commands):
    argv = [a for c in commands for a in ("-c", c)]
    return run("xfs_db", "-r", *argv, image).decode("latin-1")


def xfs_numbers(image, names):
    out = xfs_db(image, "sb 0", "p " + " ".join(names))
    return [int(re.search(r"^%s = (\d+)$" % n, out, re.M).group(1)) for n in names]


def xfs(image, extents, sound):
    """freesp lists each group's AGFL first, block by block: the file system counts
    them as free, we keep them."""
    size, count, agblocks, ags, fdblocks = xfs_numbers(
        image, ("blocksize", "dblocks", "agblocks", "agcount", "fdblocks"))
    used, also = Blocks(count, size), set()
    used.fill(0, count)
    left = [int(n) for n in re.findall(r"^flcount = (\d+)$", xfs_db(
        image, *(c for i in range(ags) for c in ("agf %d" % i, "p flcount"))), re.M)]
    for ag, block, n in re.findall(r"^\s*(\d+)\s+(\d+)\s+(\d+)$", xfs_db(image, "freesp -d"), re.M):
        first = int(ag) * agblocks + int(block)
        used.fill(first, first + int(n) - 1, 0)
        if left[int(ag)]:
            left[int(ag)] -= 1
            also.add(first)
    if any(left):
        sys.exit("xfs_db: %s blocks of AGFLs are missing" % left)
    compare(used, extents, "xfs_db", sound, also=also)


def xfs_files(image, paths):
    """The bytes of each file, by where xfs_db says that they are."""
    size, agblocks = xfs_numbers(image, ("blocksize", "agblocks"))
    out = xfs_db(image, *(c for path in paths for c in ("path " + path, "p core.size", "bmap")))
    files = re.split(r"^core\.size = ", out, flags=re.M)[1:]
    if len(files) != len(paths):
        sys.exit("xfs_db finds %d of %d files" % (len(files), len(paths)))
    with open(image, "rb") as f:
        for said in files:
            data = bytearray(int(re.match(r"\d+", said).group(0)))
            for off, ag, block, n in re.findall(
                    r"data offset (\d+) startblock \d+ \((\d+)/(\d+)\) count (\d+)", said):
                f.seek((int(ag) * agblocks + int(block)) * size)
                at, end = int(off) * size, min((int(off) + int(n)) * size, len(data))
                data[at:end] = f.read(max(end - at, 0))
            yield data


def exfat(image, extents, sound):
    out = run("dump.exfat", image).decode("latin-1")
    number = lambda text: int(re.search(r"^%s.*:\s*(\d+)" % re.escape(text), out, re.M).group(1))
    sector, cluster = 1 << number("Sector Size Bits"), number("Cluster size")
    heap = number("Cluster Heap Offset") * sector
    fat = number("FAT Offset") * sector, number("FAT Length") * sector
    count, used = number("Total Clusters"), number("Total Clusters") - number("Free Clusters")
    mine = Blocks(count, cluster).from_extents(extents, heap)
    have = sum(mine.b)
    spare = -count % 8  # it counts the last byte's bits, too, that stand for nothing
    if have + spare < used or (sound and have != used):
        sys.exit("dump.exfat: %d clusters of %d used, the map has %d" % (used, count, have))
    for what, start, size in (("boot regions", 0, 24 * sector), ("FAT",) + fat):
        if not any(s <= start and start + size <= e for s, e in extents):
            sys.exit("the %s are not in the map" % what)
    all_ = sum(e - s for s, e in extents)
    if sound and all_ != used * cluster + 24 * sector + fat[1]:
        sys.exit("%d bytes in the map are more than clusters, boot regions and FAT" % all_)
    print("dump.exfat: %d clusters of %d used, %d in the map" % (used, count, have))


def f2fs(image, extents, sound):
    if os.path.exists("dump_sit"):
        os.unlink("dump_sit")
    run("dump.f2fs", "-s", "0~-1", image)  # writes ./dump_sit
    with open(image, "rb") as f:
        f.seek(1024)
        cp, sit, nat, ssa, main = struct.unpack_from("<5I", f.read(3072), 76)
    used, segments, seg = Blocks(0, 4096), [], -1
    for line in open("dump_sit"):
        m = re.match(r"segno:\s*(\d+)\s*vblocks:\s*(\d+)", line)
        if m:
            seg += 1
            if int(m.group(1)) != seg:
                sys.exit("dump.f2fs leaves out segment %d" % seg)
            used.b += bytes(512)
            segments.append(int(m.group(2)))
            at = seg * 512
        elif re.match(r"\s+[0-9a-f]{2}\s", line):
            for byte in line.split():
                for bit in range(8):
                    used.b[at] = int(byte, 16) >> (7 - bit) & 1
                    at += 1
    used.count = len(used.b)
    if not segments or sum(segments) != sum(used.b):
        sys.exit("dump.f2fs: segments have %d blocks, bitmaps %d" % (sum(segments), sum(used.b)))
    # one block more: where a mount looks for newer nodes
    mine = Blocks(used.count, 4096).from_extents(extents, main * 4096)
    more = [i for i in range(used.count) if mine.b[i] and not used.b[i]]
    compare(used, extents, "dump.f2fs", sound, main * 4096, more[:1])
    summaries = Blocks(main - ssa, 4096).from_extents(
        [(s, min(e, main * 4096)) for s, e in extents], ssa * 4096)
    for seg, n in enumerate(segments):
        if n and main > ssa and not summaries.b[seg]:
            sys.exit("the summary of segment %d is not in the map" % seg)
    for what, s, e in (("superblocks", 0, 2), ("checkpoints, SIT, NAT", cp, ssa)):
        if not any(a <= s * 4096 and e * 4096 <= b for a, b in extents):
            sys.exit("the %s are not in the map" % what)
    rest = sum(e - s for s, e in extents) // 4096 - sum(mine.b) - (ssa - cp) - 2
    if sound and rest > sum(map(bool, segments)) + 6:
        sys.exit("%d blocks in the map are neither data nor known metadata" % rest)


def btrfs(image, extents, sound):
    """Chunks, block groups and extents as `btrfs inspect-internal` prints them."""
    dump = lambda *a: run("btrfs", "inspect-internal", *a, image).decode("latin-1")
    head = dump("dump-super")
    number = lambda name: int(re.search(r"^%s\s+(\d+)" % name, head, re.M).group(1))
    unit, node, size = number("sectorsize"), number("nodesize"), number("dev_item.total_bytes")
    chunks = [(int(at), int(length), [int(o) for o in re.findall(r"stripe \d+ devid 1 offset (\d+)", rest)])
              for at, length, rest in re.findall(
                  r"CHUNK_ITEM (\d+)\).*?\n\s+length (\d+)(.*?)(?=item \d+ key|\Z)",
                  dump("dump-tree", "-t", "chunk"), re.S)]
    used = Blocks(size // unit, unit)
    kept = [(0, 1 << 20)] + [(m, m + 4096) for m in (64 << 20, 256 << 30) if m + 4096 <= size]
    also = set(i for s, e in kept for i in range(s // unit, (e + unit - 1) // unit))
    for i in also:
        used.b[i] = 1
    found = 0
    for at, kind, offset in re.findall(r"item \d+ key \((\d+) (EXTENT|METADATA)_ITEM (\d+)\)",
                                       dump("dump-tree", "-t", "extent")):
        at, length = int(at), node if kind == "METADATA" else int(offset)
        start, _, stripes = next(c for c in chunks if c[0] <= at < c[0] + c[1])
        found += length
        for s in stripes:
            first = s + at - start
            used.fill(first // unit, (first + length - 1) // unit)
    if found != number("bytes_used"):
        sys.exit("btrfs: extents have %d bytes, the superblock counts %d" % (found, number("bytes_used")))
    compare(used, [(s, e) for s, e in extents if s < size], "btrfs", sound, also=also)


def apply(image, extents, out):
    size = os.path.getsize(image)
    with open(image, "rb") as src, open(out, "wb") as dst:
        left = size
        while left:
            left -= dst.write(b"\xa5" * min(left, 1 << 20))
        for s, e in extents:
            src.seek(s)
            dst.seek(s)
            while s < e:
                s += dst.write(src.read(min(e - s, 1 << 20)))


def main():
    argv = [a for a in sys.argv[1:] if a != "-s"]
    sound = "-s" in sys.argv
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if argv[0] == "xfs-cat":
        for data in xfs_files(argv[1], argv[2:]):
            sys.stdout.buffer.write(data)
        return
    kind, image, extents = argv[0], argv[1], load(argv[2])[0]
    if kind == "apply":
        apply(image, extents, argv[3])
        return
    judges = {"ext": ext, "ext-inodes": ext_inodes, "xfs": xfs, "btrfs": btrfs, "ntfs": ntfs,
              "fat": fat, "exfat": exfat, "f2fs": f2fs}
    for k in kind.split(","):
        judges[k](image, extents, sound)


if __name__ == "__main__":
    main()
