#!/usr/bin/python3
"""f2fsedit.py: changes F2FS images where no tool does, checksums made right.
Written from Linux' include/linux/f2fs_fs.h; shares no code with the reader.

  f2fsedit.py IMAGE COMMAND...
    super OFFSET NUMBER SIZE   a field of both superblocks, SIZE bytes long
    cp OFFSET NUMBER           a le32 of the newest checkpoint
    flags SET CLEAR            its flags
    sit-copy                   the SIT's other copy counts, this one is garbage
    journal N                  N segments in use are in the journal alone, in the
                               form of summaries that the checkpoint has
    entry SEGMENT VALID        a segment's count in the SIT
    pack                       the other checkpoint is the newest, the same but for
                               its version
    torn                       the newest checkpoint's last block is gone
    chain                      a node that was flushed after the checkpoint
    next                       prints where that would be (a block's number)
"""
import struct
import sys
import zlib

BLOCK = 4096
MAGIC = 0xf2f52010


def crc(data, seed=MAGIC):
    return ~zlib.crc32(data, ~seed & 0xffffffff) & 0xffffffff


class Image:
    def __init__(self, path):
        self.f = open(path, "r+b")
        sb = self.read(0)[1024:]
        (self.sit_n,) = struct.unpack_from("<I", sb, 56)
        self.cp_at, self.sit, self.nat, self.ssa, self.main = struct.unpack_from("<5I", sb, 76)
        (self.payload,) = struct.unpack_from("<I", sb, 1664)
        packs = [p for p in (self.cp_at, self.cp_at + 512) if self.is_pack(p)]
        self.pack = max(packs, key=lambda p: struct.unpack_from("<Q", self.read(p))[0])
        self.cp = bytearray(self.read(self.pack))

    def read(self, block):
        self.f.seek(block * BLOCK)
        return self.f.read(BLOCK)

    def write(self, block, data):
        self.f.seek(block * BLOCK)
        self.f.write(data)

    def is_pack(self, at):
        b = self.read(at)
        off, total = struct.unpack_from("<I", b, 164)[0], struct.unpack_from("<I", b, 136)[0]
        if not 192 <= off <= BLOCK - 4 or not 2 < total <= 512:
            return False
        last = self.read(at + total - 1)
        return self.crc_of(b) == b[off:off + 4] and last[:8] == b[:8] and \
            self.crc_of(last) == last[off:off + 4]

    @staticmethod
    def crc_of(b):
        off = struct.unpack_from("<I", b, 164)[0]
        value = crc(bytes(b[:off]))
        if off < BLOCK - 4:
            value = crc(bytes(b[off + 4:]), value)
        return struct.pack("<I", value)

    def number(self, off):
        return struct.unpack_from("<I", self.cp, off)[0]

    def store_cp(self, at=None):
        off = self.number(164)
        self.cp[off:off + 4] = self.crc_of(self.cp)
        at = at or self.pack
        self.write(at, self.cp)
        self.write(at + self.number(136) - 1, self.cp)

    def flag(self, bit):
        return bool(self.number(132) & bit)

    def sit_map(self):
        """Where the SIT's bitmap lies: block, offset."""
        if self.flag(0x400):
            at = 192 + 4 + self.number(160)
            return self.pack + at // BLOCK, at % BLOCK
        return (self.pack + 1, 0) if self.payload else (self.pack, 192)

    def sit_block(self, i):
        block, off = self.sit_map()
        bits = self.cp if block == self.pack else self.read(block)
        second = bits[off + i // 8] >> (7 - i % 8) & 1
        return self.sit + i + second * self.sit_n // 2 * 512

    def entry(self, seg):
        """Block and offset of a segment's entry."""
        return self.sit_block(seg // 55), seg % 55 * 74

    def journal_at(self):
        if self.flag(4):
            return self.pack + self.number(140), 507
        return self.pack + self.number(136) - (5 if self.flag(0x21) else 2), 3584

    def next_node(self):
        return self.main + struct.unpack_from("<I", self.cp, 40)[0] * 512 + \
            struct.unpack_from("<H", self.cp, 70)[0]


def super_(i, off, value, size):
    for at in (1024, BLOCK + 1024):
        i.f.seek(at)
        b = bytearray(i.f.read(3072))
        b[int(off, 0):int(off, 0) + int(size)] = int(value, 0).to_bytes(int(size), "little")
        if struct.unpack_from("<I", b, 2180)[0] & 0x800:
            b[3068:] = struct.pack("<I", crc(bytes(b[:3068])))
        i.f.seek(at)
        i.f.write(b)


def cp(i, off, value):
    struct.pack_into("<I", i.cp, int(off, 0), int(value, 0))
    i.store_cp()


def flags(i, set_, clear):
    cp(i, "132", str((i.number(132) | int(set_, 0)) & ~int(clear, 0)))


def sit_copy(i):
    block, off = i.sit_map()
    n = i.sit_n // 2 * 512
    bits = i.cp if block == i.pack else bytearray(i.read(block))
    for k in range(n):
        data = i.read(i.sit_block(k))
        if not bits[off + k // 8] >> (7 - k % 8) & 1:
            i.write(i.sit + n + k, data)
            i.write(i.sit + k, b"\xa5" * BLOCK)
    bits[off:off + n // 8] = b"\xff" * (n // 8)
    if block != i.pack:
        i.write(block, bits)
    i.store_cp()


def journal(i, count):
    at, off = i.journal_at()
    b = bytearray(i.read(at))
    entries, seg = [], 0
    while len(entries) < int(count):
        block, pos = i.entry(seg)
        s = bytearray(i.read(block))
        if struct.unpack_from("<H", s, pos)[0] & 0x3ff:
            entries.append(struct.pack("<I", seg) + bytes(s[pos:pos + 74]))
            s[pos:pos + 74] = bytes(74)
            i.write(block, s)
        seg += 1
    data = struct.pack("<H", len(entries)) + b"".join(entries)
    b[off:off + len(data)] = data
    i.write(at, b)


def entry(i, seg, valid):
    block, pos = i.entry(int(seg))
    s = bytearray(i.read(block))
    struct.pack_into("<H", s, pos, int(valid, 0))
    i.write(block, s)


def pack(i):
    other = i.cp_at + (512 if i.pack == i.cp_at else 0)
    for k in range(1, i.number(136) - 1):
        i.write(other + k, i.read(i.pack + k))
    struct.pack_into("<Q", i.cp, 0, struct.unpack_from("<Q", i.cp)[0] + 1)
    i.store_cp(other)


def torn(i):
    i.write(i.pack + i.number(136) - 1, bytes(BLOCK))


def chain(i):
    node = bytearray(BLOCK)
    struct.pack_into("<IIIQI", node, BLOCK - 24, 9, 9, 2, struct.unpack_from("<Q", i.cp)[0] |
                     struct.unpack_from("<I", i.cp, i.number(164))[0] << 32, 0)
    i.write(i.next_node(), node)


def next_(i):
    print(i.next_node())


COMMANDS = {"super": (super_, 3), "cp": (cp, 2), "flags": (flags, 2), "sit-copy": (sit_copy, 0),
            "journal": (journal, 1), "entry": (entry, 2), "pack": (pack, 0), "torn": (torn, 0),
            "chain": (chain, 0), "next": (next_, 0)}


def main():
    argv = sys.argv[2:]
    while argv:
        call, n = COMMANDS[argv[0]]
        image = Image(sys.argv[1])
        call(image, *argv[1:1 + n])
        image.f.close()
        argv = argv[1 + n:]


main()
