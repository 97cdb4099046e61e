"""Would Windows' own search find every key of a hive?  It looks for a name by halving in
lists of keys that must be in order, and compares hints or hashes first.  The rules are
those of M. Suhanov's "Windows registry file format specification"; nothing is shared
with the project's C code or libhivex.

    hive = regf.Hive(data)
    for sentence in hive_order.problems(hive, hive.walk()): ..."""
import struct

import regf


def upper(name):
    """As Windows: one UTF-16 unit becomes one unit."""
    if name.isascii():
        return name.upper()
    return "".join(u if len(u := c.upper()) == 1 and ord(u) < 0x10000 else c for c in name)


def units(name):
    raw = upper(name).encode("utf-16-le", "surrogatepass")
    return struct.unpack(f"<{len(raw) // 2}H", raw)


def name_of(raw):
    flags, = struct.unpack_from("<H", raw, 2)
    length, = struct.unpack_from("<H", raw, 72)
    name = raw[76:76 + length]
    return name.decode("latin-1") if flags & regf.ASCII_NAME else name.decode("utf-16-le", "surrogatepass")


def lh_hash(name):
    out = 0
    for unit in units(name):
        out = (out * 37 + unit) & 0xFFFFFFFF
    return out.to_bytes(4, "little")


def lf_hint(name):
    raw = name.encode("utf-16-le", "surrogatepass")
    out = bytearray(4)
    for i, unit in enumerate(struct.unpack(f"<{len(raw) // 2}H", raw)[:4]):
        if unit > 0xFF:
            break
        out[i] = unit
    return bytes(out)


def leaves(hive, offset):
    """(kind, [(offset of the key, its four bytes)]) of each leaf, in order."""
    raw = hive.cell(offset)
    kind, count = struct.unpack_from("<2sH", raw)
    if kind == b"ri":
        for i in range(count):
            yield from leaves(hive, struct.unpack_from("<I", raw, 4 + 4 * i)[0])
        return
    step = 4 if kind == b"li" else 8
    yield kind, [(struct.unpack_from("<I", raw, 4 + step * i)[0], raw[8 + step * i:12 + step * i] if step == 8 else None)
                 for i in range(count)]


def of_key(hive, path, count, offset):
    if not count:
        if offset != regf.NONE:
            yield f"{path}: has no keys, but a list of them"
        return
    last = None
    for kind, entries in leaves(hive, offset):
        if not entries:
            yield f"{path}: an empty {kind.decode()}"
        if (kind == b"lh") != (hive.minor >= 5) and kind != b"li":
            yield f"{path}: {kind.decode()} in a hive of version 1.{hive.minor}"
        for where, extra in entries:
            name = name_of(hive.cell(where, b"nk", 76))
            if kind == b"lh" and extra != lh_hash(name):
                yield f"{path}: wrong hash of {name!r}"
            if kind == b"lf" and extra != lf_hint(name):
                yield f"{path}: wrong hint of {name!r}"
            if last is not None and units(last) >= units(name):
                yield f"{path}: {name!r} behind {last!r}"
            last = name


def problems(hive, keys):
    for path, key in keys:
        count, offset = struct.unpack_from("<I4xI", hive.cell(key.offset, b"nk"), 20)
        yield from of_key(hive, path, count, offset)


def users_of_descriptors(hive, keys):
    """{offset: (keys that have it, keys it counts)}; its ring is whole."""
    have = {}
    for _, key in keys:
        where, = struct.unpack_from("<I", hive.cell(key.offset, b"nk"), 44)
        have[where] = have.get(where, 0) + 1
    out = {}
    for where, n in have.items():
        before, after, count = struct.unpack_from("<III", hive.cell(where, b"sk", 20), 4)
        assert struct.unpack_from("<I", hive.cell(before, b"sk", 20), 8)[0] == where
        assert struct.unpack_from("<I", hive.cell(after, b"sk", 20), 4)[0] == where
        out[where] = (n, count)
    return out
