#!/usr/bin/python3
"""btrfsedit.py: damages a Btrfs so that its checksums (crc32c) still hold.

  btrfsedit.py super IMAGE OFFSET BYTES VALUE [COPY]   a number of BYTES bytes in the
                                   superblocks; COPY 0, 1: only in that one
  btrfsedit.py or IMAGE OFFSET BYTES VALUE             the same, its bits added
  btrfsedit.py item IMAGE TREE ID TYPE FIELD VALUE     of the first item of this id and
                                   type in a tree that is one leaf: FIELD is "id" or the
                                   offset of 8 bytes in the item; in every copy
  btrfsedit.py where IMAGE LOGICAL                     its places on the device"""
import os
import re
import struct
import subprocess
import sys

SUPERS = (64 << 10, 64 << 20)
TABLE = []
for n in range(256):
    for _ in range(8):
        n = n >> 1 ^ (0x82f63b78 if n & 1 else 0)
    TABLE.append(n)


def crc32c(data):
    c = 0xffffffff
    for b in data:
        c = TABLE[(c ^ b) & 255] ^ c >> 8
    return c ^ 0xffffffff


def sealed(block):
    return struct.pack("<I", crc32c(block[32:])) + block[4:]


def inspect(image, *what):
    return subprocess.run(["btrfs", "inspect-internal", *what, image], check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()


def where(image, logical):
    for at, length, rest in re.findall(
            r"CHUNK_ITEM (\d+)\).*?\n\s+length (\d+)(.*?)(?=item \d+ key|\Z)",
            inspect(image, "dump-tree", "-t", "chunk"), re.S):
        if int(at) <= logical < int(at) + int(length):
            return [int(o) + logical - int(at) for o in re.findall(r"offset (\d+)\n", rest)]
    sys.exit("no chunk has %d" % logical)


def edit_super(image, offset, size, value, keep, only):
    with open(image, "r+b") as f:
        for i, place in enumerate(SUPERS):
            if place + 4096 > os.path.getsize(image) or (only is not None and only != i):
                continue
            f.seek(place)
            s = bytearray(f.read(4096))
            if s[0x40:0x48] != b"_BHRfS_M":
                continue
            old = int.from_bytes(s[offset:offset + size], "little") if keep else 0
            s[offset:offset + size] = (old | value).to_bytes(size, "little")
            f.seek(place)
            f.write(sealed(bytes(s)))


def edit_item(image, tree, ident, kind, field, value):
    text = inspect(image, "dump-tree", "-t", tree)
    node = int(re.search(r"nodesize\s+(\d+)", inspect(image, "dump-super")).group(1))
    for place in where(image, int(re.search(r"^leaf (\d+)", text, re.M).group(1))):
        with open(image, "r+b") as f:
            f.seek(place)
            b = bytearray(f.read(node))
            for i in range(struct.unpack_from("<I", b, 0x60)[0]):
                at = 0x65 + i * 25
                if struct.unpack_from("<QB", b, at) == (ident, kind):
                    break
            else:
                sys.exit("no such item")
            if field != "id":
                at = 0x65 + struct.unpack_from("<I", b, at + 17)[0] + int(field)
            struct.pack_into("<Q", b, at, value)
            f.seek(place)
            f.write(sealed(bytes(b)))


def main():
    what, image, *a = sys.argv[1:]
    if what == "where":
        print(*where(image, int(a[0])))
    elif what == "item":
        edit_item(image, a[0], int(a[1]), int(a[2]), a[3], int(a[4], 0))
    else:
        edit_super(image, int(a[0], 0), int(a[1]), int(a[2], 0), what == "or",
                   int(a[3]) if len(a) > 3 else None)


main()
