"""Makes compressed files as Windows has them, the kinds that no program of Debian
makes: cabinets with LZX, SZDD and KWAJ.  The compression is trivial (data as it is,
in the format's framing).  From MS-CAB, MS-PATCH's LZX, and the notes on SZDD and
KWAJ of libmspack's documentation."""
import struct

FRAME = 32768
NONE, LZX = 0, 0x0F03           # LZX with a window of 2^15


def lzx(data):
    """The frames of one stream with one uncompressed block."""
    size = len(data)
    # 1 bit: no call translation; 3 bits: type 3; 24 bits: size; padded to 32 bits,
    # in words of 16 bits, high bits first; then three offsets
    bits = (3 << 24 | size) << 4
    head = struct.pack("<HHIII", bits >> 16, bits & 0xFFFF, 1, 1, 1)
    frames = [data[i:i + FRAME] for i in range(0, size, FRAME)]
    out = [(head if not i else b"") + f for i, f in enumerate(frames)]
    return list(zip(out, map(len, frames)))


def plain(data):
    return [(data[i:i + FRAME], len(data[i:i + FRAME])) for i in range(0, len(data), FRAME)]


def checksum(data, seed=0):
    for i in range(0, len(data) & ~3, 4):
        seed ^= int.from_bytes(data[i:i + 4], "little")
    return seed ^ int.from_bytes(data[len(data) & ~3:], "big")


def cab(folders):
    """[(NONE or LZX, {name: bytes})] -> a cabinet."""
    heads, files, blocks, count = b"", b"", b"", 0
    n_files = sum(len(f) for _, f in folders)
    files_at = 36 + 8 * len(folders)
    data_at = files_at + sum(16 + len(n.encode()) + 1 for _, f in folders for n in f)
    for number, (method, content) in enumerate(folders):
        at = 0
        for name, data in content.items():
            files += struct.pack("<IIHHHH", len(data), at, number, 0x5A21, 0, 0x20) + name.encode() + b"\0"
            at += len(data)
        frames = (lzx if method == LZX else plain)(b"".join(content.values()))
        heads += struct.pack("<IHH", data_at + len(blocks), len(frames), method)
        for packed, size in frames:
            sizes = struct.pack("<HH", len(packed), size)
            blocks += struct.pack("<I", checksum(sizes, checksum(packed))) + sizes + packed
            count += 1
    return struct.pack("<4sIIIIIBBHHHHH", b"MSCF", 0, data_at + len(blocks), 0, files_at, 0, 3, 1,
                       len(folders), n_files, 0, 1, 0) + heads + files + blocks


def szdd(data, last="s"):
    """last: the name's last character, which Windows' own name has not."""
    out = b"SZDD\x88\xf0\x27\x33A" + last.encode() + struct.pack("<I", len(data))
    return out + b"".join(b"\xff" + data[i:i + 8] for i in range(0, len(data), 8))


def kwaj(data):
    """Method 1: every byte inverted."""
    return b"KWAJ\x88\xf0\x27\xd1" + struct.pack("<HHH", 1, 14, 0) + bytes(b ^ 0xFF for b in data)
