#!/usr/bin/python3
"""make-corpus.py: writes tests/fuzz/*/corpus from disk images that mke2fs,
mkfs.xfs, mkfs.btrfs, mkntfs, mkfs.vfat, mkfs.exfat, mkswap, sfdisk make here.  Run it
when a seed is to be added; its results are in the repository.  Those of lvm are text.

  make-corpus.py NTFS_FILL MAP_DUMP    (build/tests/tools)"""
import gzip
import hashlib
import lzma
import os
import struct
import subprocess
import sys
import tempfile

FUZZ = os.path.dirname(os.path.abspath(__file__))
os.environ["PATH"] += ":/usr/sbin:/sbin"


def sparse(image):
    out = [struct.pack("<I", len(image) // 512)]
    n, i = len(image) // 512, 0
    while i < n:
        s = image[i * 512:i * 512 + 512]
        if s == bytes([s[0]]) * 512:
            j = i
            while j < n and j - i < 65535 and image[j * 512:j * 512 + 512] == s:
                j += 1
            if s[0]:
                out.append(struct.pack("<IBHB", i, 1, j - i, s[0]))
            i = j
            continue
        out.append(struct.pack("<IB", i, 0) + s)
        i += 1
    return b"".join(out)


def image(size, *commands):
    with tempfile.TemporaryDirectory() as t:
        path = os.path.join(t, "img")
        with open(path, "wb") as f:
            f.truncate(size)
        os.mkdir(os.path.join(t, "d"))
        for i in range(3):
            with open(os.path.join(t, "d", "pagefile.sys" if i == 1 else "file%d" % i), "wb") as f:
                f.write(b"x" * 3000 * (i + 1))
        for c in commands:
            subprocess.run(c.replace("IMG", path).replace("DIR", t + "/d"), shell=True, check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return open(path, "rb").read()


def save(target, name, data, folder="corpus"):
    path = os.path.join(FUZZ, target, folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    open(path, "wb").write(data)
    print("%-5s %-16s %7d bytes, %6d packed" % (target, name, len(data), len(gzip.compress(data))))


def squeezed(data, map_dump):
    """With zeros where the map has nothing: old blocks of trees."""
    with tempfile.NamedTemporaryFile() as f:
        f.write(data)
        f.flush()
        text = subprocess.run([map_dump, f.name], stdout=subprocess.PIPE, check=True).stdout.decode()
    out = bytearray(len(data))
    for line in text.splitlines():
        word, *a = line.split()
        if word == "extent":
            out[int(a[0]):int(a[0]) + int(a[1])] = data[int(a[0]):int(a[0]) + int(a[1])]
    return bytes(out)


def bitlocker(name):
    """What is read without a key: boot sector and metadata, as tests/lib/bitlktool.py has them."""
    sys.path.insert(0, os.path.join(FUZZ, "../lib"))
    import bitlktool as tool
    tool.stretched = lambda passphrase, salt: bytes(32)
    mib, meta = 1 << 20, tool.META
    tool.PLACES = (mib, mib + 2 * meta, mib + 4 * meta)
    tool.RELOCATED = mib + (meta if name == "between" else 6 * meta)
    tool.HEADER = 512 if name == "small" else 8192
    size = 2 * mib
    out = bytearray(size)
    data = tool.metadata("", 0x8004, bytes(32), size - (4096 if name == "small" else 0))
    for at in tool.PLACES[:1 if name == "small" else 3]:
        out[at:at + meta] = data
    out[:512] = tool.boot_sector()
    return bytes(out)


def grub_objects(prefix, commands):
    """What GRUB's images end with: a module, first commands, the prefix."""
    out = b""
    for kind, data in ((0, b"\x7fELF" + bytes(12)), (2, commands), (3, prefix)):
        data += bytes(-len(data) % 4)
        out += struct.pack("<II", kind, len(data) + 8) + data
    return out


def grub_core():
    """Not GRUB's: only the layout of its images."""
    objects = grub_objects(b"(,msdos1)/boot/grub\0", b"search.fs_uuid 1-2 root\n\0")
    noise = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(40))
    plain = noise + b"mimg" + struct.pack("<II", 12, 12 + len(objects)) + objects
    packed = lzma.compress(plain, lzma.FORMAT_RAW, filters=[
        {"id": lzma.FILTER_LZMA1, "lc": 3, "lp": 0, "pb": 2, "dict_size": 1 << 16}])
    first, second = bytearray(512), bytearray(64)
    struct.pack_into("<QHH", first, 0x1f4, 2, 3, 0x820)
    struct.pack_into("<II", second, 8, len(packed), len(plain))
    core = bytes(first + second) + packed
    save("grub-core", "core", core)
    padded = core + bytes(-len(core) % 512)
    save("grub-core", "core-padded", padded)
    repair = bytearray(padded + bytes(512))
    struct.pack_into("<I", repair, 512 + 16, len(repair) - len(core))
    save("grub-core", "core-repair", bytes(repair))
    boot = bytearray(512)
    boot[:3] = b"\xeb\x63\x90"
    boot[0x180:0x180 + 32] = b"GRUB \0Geom\0Hard Disk\0Read\0 Error"
    struct.pack_into("<Q", boot, 0x5c, 1)
    save("grub-core", "disk", bytes(boot) + padded)
    pe = bytearray(600)
    pe[:2], pe[0x80:0x84] = b"MZ", b"PE\0\0"
    objects = grub_objects(b"/EFI/debian\0", b"normal\n\0")
    save("grub-core", "efi-grub", bytes(pe) + b"mimg" + bytes(4) +
         struct.pack("<QQ", 24, 24 + len(objects)) + objects)
    struct.pack_into("<I", pe, 0x3c, 0x80)
    struct.pack_into("<H", pe, 0x86, 2)
    pe[0x98:0x9d], pe[0xc0:0xc6] = b".text", b".linux"
    save("grub-core", "uki", bytes(pe))


def crc32c(data):
    crc = 0xffffffff
    for b in data:
        crc ^= b
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def tiny_xfs(v5, block, groups, blocks):
    """Far smaller than mkfs.xfs makes one (and than xfs_db wants one), so that the
    fuzzer is quick: in each group every second block from 24 on is free, with trees
    of two levels.  The log's last record goes round the ring's end."""
    disk, uuid, none = bytearray(groups * blocks * block), bytes(range(16)), 0xffffffff
    free = [(at, 1) for at in range(24, blocks - 4, 2)]
    n_log, log_at = 4, 20
    header = 56 if v5 else 16
    most = (block - header) // 12

    def put(at, data, crc_at):
        if v5:
            data[crc_at:crc_at + 4] = struct.pack("<I", crc32c(bytes(data)))
        disk[at:at + len(data)] = data

    def node(group, at, magic, level, left, right, body, n):
        data = bytearray(block)
        struct.pack_into(">4sHHII", data, 0, magic, level, n, left, right)
        if v5:
            struct.pack_into(">QQ16sI", data, 16, (group * blocks + at) * block // 512, 0, uuid, group)
        data[header:header + len(body)] = body
        put((group * blocks + at) * block, data, 52)

    def tree(group, at, magic):
        """The root at `at`, three leaves behind it."""
        third = len(free) // 3
        parts = [free[:third], free[third:2 * third], free[2 * third:]]
        for i, p in enumerate(parts):
            node(group, at + 1 + i, magic, 0, at + i if i else none, at + 2 + i if i < 2 else none,
                 b"".join(struct.pack(">II", *x) for x in p), len(p))
        node(group, at, magic, 1, none, none,
             b"".join(struct.pack(">II", *p[0]) for p in parts).ljust(8 * most, b"\0") +
             struct.pack(">III", at + 1, at + 2, at + 3), 3)

    for g in range(groups):
        base = g * blocks * block
        sb = bytearray(512)
        struct.pack_into(">4sIQQQ16sQ", sb, 0, b"XFSB", block, groups * blocks, 0, 0, uuid, log_at)
        struct.pack_into(">IIIIIHHHH12s", sb, 0x50, 1, blocks, groups, 0, n_log,
                         0xb4a5 if v5 else 0xb4a4, 512, 256, block // 256, b"tiny")
        log2 = lambda x: (x - 1).bit_length()
        sb[0x78:0x80] = bytes((log2(block), 9, 8, log2(block) - 8, log2(blocks), 0, 0, 25))
        struct.pack_into(">Q", sb, 0x90, groups * (len(free) + 2 + 6))
        struct.pack_into(">II", sb, 0xc8, 0x18a if v5 else 0x8a, 0x18a if v5 else 0x8a)
        struct.pack_into(">IIII", sb, 0xd0, 0, 1 if v5 else 0, 3 if v5 else 0, 0)
        put(base, sb, 0xe0)
        agf = bytearray(512)
        struct.pack_into(">4sIII6I6I16s", agf, 0, b"XAGF", 1, g, blocks, 8, 12, 0, 2, 2, 0,
                         1, 2, 2, len(free), 1, 6, uuid)
        put(base + 512, agf, 0xd8)
        agi = bytearray(512)
        struct.pack_into(">4sIII3I", agi, 0, b"XAGI", 1, g, blocks, 0, 6, 1)
        struct.pack_into(">16s", agi, 0x128, uuid)
        struct.pack_into(">II", agi, 0x148, 7, 1)
        put(base + 1024, agi, 0x138)
        agfl = bytearray(512)
        if v5:
            struct.pack_into(">4sI16s", agfl, 0, b"XAFL", g, uuid)
        struct.pack_into(">II", agfl, 40 if v5 else 4, 16, 17)
        put(base + 1536, agfl, 0x20)
        tree(g, 8, b"AB3B" if v5 else b"ABTB")
        tree(g, 12, b"AB3C" if v5 else b"ABTC")
    log = bytearray(n_log * block)
    last = len(log) - 512
    for at in range(0, len(log), 512):
        struct.pack_into(">I", log, at, 3)
    struct.pack_into(">IIIIQQIII", log, last, 0xfeedbabe, 3, 2, 512, 3 << 32 | last // 512,
                     3 << 32, 0, none, 1)
    struct.pack_into(">I16sI", log, last + 0x12c, 1, uuid, 32768)
    struct.pack_into(">IIBB", log, 0, 4, 8, 0xaa, 0x20)  # round the ring's end
    disk[log_at * block:log_at * block + len(log)] = log
    return bytes(disk)


def xfs():
    """For test-xfs.c, only what the reader looks at: the groups' sectors, the trees of
    free space, the log's last record.  The last one is in pieces, for trees of two
    levels: it needs root and loop devices.  For the fuzzer, tiny ones."""
    os.environ.update(TEST_DIR=".", TEST_DEV=".", QA_CHECK_FS="1")  # small ones
    pieces = ("mkdir DIR/m && mount -o loop IMG DIR/m && cd DIR/m && "
              "{ for i in $(seq 700); do head -c 1024 /dev/urandom >$i; done; sync; "
              "rm -f *[13579]; cd ..; umount m; }")
    for name, size, opts, fill in (
            ("v4", 32, "-m crc=0 -b size=512 -d agcount=2 -l version=1", "true"),
            ("v4-finobt", 24, "-m crc=0 -d agcount=1", "true"),
            ("v5", 24, "-m rmapbt=1,reflink=1 -d agcount=1", "true"),
            ("v5-sectors", 32, "-m rmapbt=0,reflink=0 -s size=4096 -d agcount=2", "true"),
            ("levels", 32, "-m rmapbt=0,reflink=0 -b size=1024 -d agcount=1", pieces)):
        img = image(size << 20, "mkfs.xfs -q %s IMG" % opts, fill)
        block, group = (int.from_bytes(img[at:at + 4], "big") for at in (4, 0x54))
        head = 4 * int.from_bytes(img[0x66:0x68], "big")
        kept = bytearray(len(img))
        log = max((img[at + 4:at + 8], at) for at in range(0, len(img), 512)
                  if img[at:at + 4] == b"\xfe\xed\xba\xbe")[1]
        for at in range(0, len(img), 512):
            n = (head if at % (group * block) == 0 else
                 block if img[at:at + 4] in (b"ABTB", b"ABTC", b"AB3B", b"AB3C") else
                 1024 if at == log else 0)
            kept[at:at + n] = img[at:at + n]
        save("..", name, sparse(bytes(kept)), "unit/xfs-volumes")
    save("xfs", "tiny-v4", sparse(tiny_xfs(0, 512, 2, 128)))
    save("xfs", "tiny-v5", sparse(tiny_xfs(1, 1024, 3, 100)))
def exfat_files(img):
    """Into an empty volume: a directory, in it a file in one piece and a chain."""
    img = bytearray(img)
    fat, _, heap, _, root = struct.unpack_from("<5I", img, 80)
    size = 512 << img[109]
    at = lambda cluster: heap * 512 + (cluster - 2) * size

    def entries(attributes, flags, cluster, length):
        return struct.pack("<BBHH", 0x85, 2, 0, attributes).ljust(32, b"\0") + \
            struct.pack("<BB18xIQ", 0xc0, flags, cluster, length) + \
            struct.pack("<BB", 0xc1, 0).ljust(32, b"\0")
    end = next(i for i in range(at(root), at(root) + size, 32) if not img[i])
    img[end:end + 96] = entries(0x10, 3, root + 1, size)
    sub = entries(0x20, 3, root + 2, 2 * size) + entries(0x20, 1, root + 4, 3 * size)
    img[at(root + 1):at(root + 1) + len(sub)] = sub
    for cluster, following in ((4, root + 6), (6, root + 5), (5, 0xffffffff)):
        struct.pack_into("<I", img, fat * 512 + (root + cluster) * 4, following)
    for cluster in range(root + 1, root + 7):
        img[at(2) + (cluster - 2) // 8] |= 1 << (cluster - 2) % 8
    return bytes(img)


def f2fs(compact, payload, large):
    """Smaller than any that mkfs.f2fs makes: areas of one or two segments."""
    block, seg, main_n = 4096, 512, 3
    cp, sit, nat, ssa, main = (seg * i for i in (1, 3, 5, 6, 7))
    img = bytearray((main + main_n * seg) * block)
    sb = bytearray(3072)
    struct.pack_into("<IHH9IQ", sb, 0, 0xf2f52010, 1, 16, 9, 3, 12, 9, 1, 1, 0, 0, 0, 0)
    struct.pack_into("<Q", sb, 36, main + main_n * seg)
    struct.pack_into("<8I", sb, 44, main_n, main_n + 6, 2, 2, 1, 1, main_n, cp)
    struct.pack_into("<5I", sb, 76, cp, sit, nat, ssa, main)
    struct.pack_into("<I", sb, 1664, payload)
    img[1024:4096] = img[block + 1024:2 * block] = sb
    entries = [struct.pack("<H", (t << 10) | n) + bitmap.ljust(64, b"\0") + bytes(8)
               for t, n, bitmap in ((4, 3, b"\xe0"), (1, 12, b"\xff\xf0"), (2, 1, b"\0\1"))]
    for copy in (0, 1):
        for i, e in enumerate(entries[:2]):
            at = (sit + copy * seg) * block + 74 * i
            img[at:at + 74] = e
    bits = b"\x80".ljust(seg // 8, b"\0")
    for pack, version in ((0, 7), (1, 8)):
        total = 1 + payload + 2 + 6
        c = bytearray(block)
        struct.pack_into("<QQQ", c, 0, version, 1000, 16)
        struct.pack_into("<3I", c, 36, 0, 0, 0)
        struct.pack_into("<3H", c, 68, 3, 3, 3)
        struct.pack_into("<3I", c, 84, 1, 1, 2)
        struct.pack_into("<3I", c, 132, 1 | compact * 4 | large * 0x400, total, 1 + payload)
        struct.pack_into("<I", c, 144, 3)
        struct.pack_into("<3I", c, 156, seg // 8, 64, 192 if large else block - 4)
        at = (cp + pack * seg) * block
        if large:
            c[192 + 4 + 64:192 + 4 + 64 + len(bits)] = bits
        elif payload:
            img[at + block:at + block + len(bits)] = bits
        else:
            c[192:192 + len(bits)] = bits
        img[at:at + block] = img[at + (total - 1) * block:at + total * block] = c
        journal = struct.pack("<HI", 1, 2) + entries[2]
        j = at + ((1 + payload) * block + 507 if compact else (total - 5) * block + 3584)
        img[j:j + len(journal)] = journal
    return bytes(img)


def md():
    """Superblocks of all versions; small ones, as data begins after 256 KiB; a RAID0 on two
    disks, of which one has more room, and a file system's first blocks."""
    tool = os.path.join(FUZZ, "../lib/mdtool.py")
    small = " data=512 room=1400 size=1400"
    for name, args in (("v0", "0.90"), ("v10", "1.0"), ("v11", "1.1" + small), ("bitmap", "1.2" + small),
                       ("linear", "1.2 level=-1 disks=1" + small)):
        save("md", name, sparse(image(960 << 10, "%s make IMG %d %s" % (tool, 960 << 10, args),
                                      "%s bitmap IMG" % tool if name == "bitmap" else "true")))
    zero = " level=0 chunk=8 features=0x1000 layout=1 data=512"
    save("md", "raid0", sparse(image(
        256 << 10, "%s make IMG %d 1.1%s room=400" % (tool, 448 << 10, zero),
        "%s make IMG2 %d 1.1%s room=300 number=1" % (tool, 448 << 10, zero),
        "mke2fs -q -O ^has_journal IMG3 340",
        "%s array put original IMG3 IMG IMG2; cat IMG2 >>IMG; head -c 512 /dev/zero >>IMG" % tool)))


def main():
    grub_core()
    md()
    xfs()
    for name, how in (("plain", (0, 0, 0)), ("compact", (1, 0, 0)), ("payload", (0, 2, 0)),
                      ("large-nat", (1, 0, 1))):
        save("f2fs", name, sparse(f2fs(*how)))
    ntfs_fill, map_dump = sys.argv[1:3]
    for name, size, opts in (
            ("ext2", 256 << 10, "-t ext2 -b 1024 -N 16 -O ^resize_inode"),
            ("ext3", 4 << 20, "-t ext3 -b 1024 -N 16 -J size=1 -O ^resize_inode"),
            ("ext4", 512 << 10, "-t ext4 -b 1024 -N 16 -O ^has_journal,^metadata_csum,^resize_inode,uninit_bg -g 256"),
            ("csum", 512 << 10, "-t ext4 -b 1024 -N 16 -O ^has_journal,metadata_csum,^resize_inode -g 256"),
            ("bigalloc", 1 << 20, "-t ext4 -b 1024 -N 16 -O ^has_journal,^metadata_csum,bigalloc,^resize_inode -C 4096"),
            ("meta_bg", 1 << 20, "-t ext4 -b 1024 -N 64 -O ^has_journal,^metadata_csum,meta_bg,^resize_inode -g 256")):
        img = image(size, "mke2fs -q -F -d DIR %s IMG %dk" % (opts, size >> 10))
        save("ext", name, sparse(img))
        if name == "ext2":
            ext2 = img
    # a journal that waits: one revoke, one copy of block 3, by debugfs
    img = image(4 << 20, "mke2fs -q -F -t ext3 -b 1024 -N 16 -J size=1 -O ^resize_inode IMG",
                "head -c 1024 /dev/zero >DIR/z; printf 'jo\\njw -b 200 DIR/z\\njw -r 201\\njc\\n' | debugfs -w -f - IMG")
    save("ext", "journal", sparse(img))
    img = image(2 << 20, "mkntfs -qQF -c 512 -s 512 IMG", ntfs_fill + " IMG DIR")
    # of the table of upper case, which packs badly, only the first letters
    up = img.find(struct.pack("<4H", 0, 1, 2, 3))
    img = img[:up + 1024] + bytes(130048) + img[up + 131072:]
    save("ntfs", "small", sparse(img))
    save("map", "bare-ntfs", sparse(img))
    for name, size, opts in (("fat12", 256 << 10, "-F 12"), ("fat16", 4 << 20, "-F 16 -s 1"),
                             ("fat32", 4 << 20, "-F 32 -s 1")):
        copy = "MTOOLS_SKIP_CHECK=1 mcopy -s -i IMG DIR/* ::" if name != "fat32" else "true"
        img = image(size, "mkfs.vfat %s IMG" % opts, copy)
        save("fat", name, sparse(img))
        if name == "fat12":
            fat = img
        # long and short names, directories, a file in pieces; mtools wants of a
        # FAT32 more clusters than the seed has
        deep = () if name == "fat32" else (
            "mmd -i IMG ::/EFI ::/EFI/Microsoft ::/EFI/Microsoft/Boot '::/A Long Name Of Two Entries'",
            "mcopy -i IMG DIR/file2 ::/hole", "mcopy -i IMG DIR/file0 ::/EFI/Microsoft/Boot/BCD",
            "mdel -i IMG ::/hole",
            "mcopy -i IMG DIR/pagefile.sys DIR/file2 ::/EFI/Microsoft/Boot")
        save("fat-tree", name, sparse(image(size, "mkfs.vfat %s IMG" % opts, *deep)))
    for name, opts in (("small", "-c 512 -b 4K"), ("clusters", "-c 8K -b 1M -L LABEL")):
        img = image(4 << 20, "mkfs.exfat %s IMG" % opts)
        save("exfat", name, sparse(img))
        if name == "clusters":
            save("exfat", "files", sparse(exfat_files(img)))
    btrfs = lambda *a: squeezed(image(*a), map_dump)
    # Btrfs: mixed, as nothing else is so small; trees of two levels; one with a log
    many = "rm DIR/*; for i in $(seq 150); do head -c 4096 /dev/zero | tr '\\0' x >DIR/f$i; done"
    for name, opts in (("mixed", ""), ("xxhash", "--csum xxhash")):
        save("btrfs", name, sparse(btrfs(16 << 20, "mkfs.btrfs -M -n 4096 %s --rootdir DIR IMG" % opts)))
    vector = os.path.join(FUZZ, "../vectors/btrfs/mixed.tar.xz")
    save("btrfs", "groups", sparse(btrfs(16 << 20, "tar -xJSf %s -C $(dirname IMG) --transform s/^fs$/img/" % vector)))
    save("btrfs", "levels", sparse(btrfs(24 << 20, many, "mkfs.btrfs -M -n 4096 --rootdir DIR IMG")))
    save("btrfs", "dup", sparse(btrfs(
        24 << 20, "mkfs.btrfs -M -n 4096 IMG", "mkdir IMG.d; mount -o loop IMG IMG.d; cp DIR/* IMG.d",
        "btrfs balance start -f -mconvert=dup -dconvert=dup -sconvert=dup IMG.d; umount IMG.d")))
    save("btrfs", "log", sparse(btrfs(
        16 << 20, "mkfs.btrfs -M -n 4096 IMG", "mkdir IMG.d; mount -o loop,commit=300 IMG IMG.d",
        "cp DIR/file0 IMG.d; sync -f IMG.d; cp DIR/file2 IMG.d; sync IMG.d/file2",
        "cp IMG IMG.copy; umount IMG.d; mv IMG.copy IMG")))
    for name in ("usual", "between", "small"):
        save("bitlocker", name, sparse(bitlocker(name)))
    # partition tables
    mbr = image(4 << 20, r"printf 'size=256K,type=83\nsize=300K,type=c\ntype=f\nsize=100K\nsize=100K,type=82\n' | sfdisk -q --label dos --sector-size 512 IMG" .replace(" --sector-size 512", ""))
    gpt = image(4 << 20, r"printf 'label: gpt\nfirst-lba: 34\nsize=256K,name=a\nsize=300K\nsize=1M,type=U\n' | sfdisk -q IMG")
    save("part", "mbr", b"\0" + sparse(mbr))
    save("part", "gpt", b"\1" + sparse(gpt))
    save("part", "gpt-backup", b"\1" + sparse(gpt[:512] + bytes(512) + gpt[1024:]))
    save("part", "hybrid", b"\1" + sparse(image(4 << 20, r"printf 'label: gpt\nsize=256K\nsize=300K\n' | sfdisk -q IMG", "sgdisk -h 1:2 IMG")))
    # whole disks
    swap = image(256 << 10, "mkswap IMG")
    disk = bytearray(mbr)
    for i, fs in enumerate((ext2, fat, swap)):
        at = struct.unpack_from("<I", disk, 446 + 16 * (i if i < 2 else 0) + 8)[0] * 512
        if i < 2:
            disk[at:at + len(fs)] = fs
    save("map", "mbr-ext-fat", sparse(bytes(disk)))
    save("map", "swap", sparse(swap))
    save("map", "gpt", sparse(gpt))
    luks = bytearray(65536)
    luks[0:6] = b"LUKS\xba\xbe"
    save("map", "luks", sparse(bytes(luks)))


main()
