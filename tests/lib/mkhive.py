#!/usr/bin/python3
"""Makes a small registry hive, for tests.

  mkhive.py OUT < JSON

JSON: {"KEY\\KEY": {"VALUE": "text" | number | null}}, "" is the root key and a
key's default value.  A number becomes a REG_DWORD, null an empty REG_BINARY.
The layout is that of M. Suhanov's "Windows registry file format
specification": one bin, subkeys in an "li" list in order of their names."""
import json
import struct
import sys

REG_SZ, REG_BINARY, REG_DWORD = 1, 3, 4
NONE = 0xffffffff


class Hive:
    def __init__(self):
        self.bin = bytearray(32)

    def cell(self, data):
        """Appends a used cell; its offset from the first bin."""
        at = len(self.bin)
        size = (4 + len(data) + 7) & ~7
        self.bin += struct.pack("<i", -size) + data + bytes(size - 4 - len(data))
        return at

    def value(self, name, value):
        if value is None:
            kind, data = REG_BINARY, b""
        elif isinstance(value, int):
            kind, data = REG_DWORD, struct.pack("<I", value)
        else:
            kind, data = REG_SZ, (value + "\0").encode("utf-16-le")
        if len(data) <= 4:
            length, where = len(data) | 1 << 31, int.from_bytes(data, "little")
        else:
            length, where = len(data), self.cell(data)
        return self.cell(struct.pack("<2sHIIIHH", b"vk", len(name), length, where, kind, 1, 0)
                         + name.encode("latin-1"))

    def key(self, name, tree, parent, is_root=False):
        """tree: {"values": {}, "keys": {}}"""
        values = [self.value(n, v) for n, v in tree["values"].items()]
        value_list = self.cell(struct.pack("<%dI" % len(values), *values)) if values else NONE
        at = self.cell(bytes(76) + name.encode("latin-1"))
        keys = [self.key(n, t, at) for n, t in sorted(tree["keys"].items(), key=lambda i: i[0].upper())]
        key_list = self.cell(struct.pack("<2sH%dI" % len(keys), b"li", len(keys), *keys)) if keys else NONE
        struct.pack_into("<2sHQIIIIIIIIII5IHH", self.bin, at + 4, b"nk", 0x2c if is_root else 0x20,
                         0, 0, parent, len(keys), 0, key_list, NONE, len(values), value_list,
                         NONE, NONE, 64, 0, 64, 256, 0, len(name), 0)
        return at

    def bytes(self, root):
        size = (len(self.bin) + 4095) & ~4095
        if len(self.bin) < size:
            free = size - len(self.bin)
            self.bin += struct.pack("<i", free) + bytes(free - 4)
        struct.pack_into("<4sII", self.bin, 0, b"hbin", 0, size)
        base = bytearray(4096)
        struct.pack_into("<4sIIQIIIIII", base, 0, b"regf", 1, 1, 0, 1, 5, 0, 1, root, size)
        struct.pack_into("<I", base, 44, 1)
        checksum = 0
        for word in struct.unpack_from("<127I", base):
            checksum ^= word
        struct.pack_into("<I", base, 508, checksum)
        return bytes(base + self.bin)


def make(keys):
    top = {"values": {}, "keys": {}}
    for path, values in keys.items():
        node = top
        for name in filter(None, path.split("\\")):
            node = node["keys"].setdefault(name, {"values": {}, "keys": {}})
        node["values"].update(values)
    hive = Hive()
    return hive.bytes(hive.key("ROOT", top, NONE, True))


if __name__ == "__main__":
    with open(sys.argv[1], "wb") as f:
        f.write(make(json.load(sys.stdin)))
