"""Makes small PE files that stand for Windows' drivers and programs in tests:
right machine, native subsystem, an import table, a correct checksum.  They do
nothing: the entry point returns.  From Microsoft's "PE format"."""
import struct

X86, AMD64, ARM64 = 0x14C, 0x8664, 0xAA64
NATIVE, EFI_APPLICATION = 1, 10
RETURN = {X86: b"\x33\xc0\xc2\x08\x00", AMD64: b"\x33\xc0\xc3",
          ARM64: bytes.fromhex("00008052c0035fd6")}     # mov w0, #0; ret
ALIGN, PAGE = 0x200, 0x1000


def pad(data, to=ALIGN):
    return data + bytes(-len(data) % to)


def import_table(names, rva, wide):
    """One function by ordinal from each library; {bytes}, at `rva`."""
    thunk = 8 if wide else 4
    by_ordinal = (1 << 63 if wide else 1 << 31) | 1
    head = 20 * (len(names) + 1)
    tables, strings = head, head + 4 * thunk * len(names)
    out, thunks, text = bytearray(), bytearray(), bytearray()
    for name in names:
        lookup = rva + tables + len(thunks)
        out += struct.pack("<5I", lookup, 0, 0, rva + strings + len(text), lookup + 2 * thunk)
        thunks += (by_ordinal.to_bytes(thunk, "little") + bytes(thunk)) * 2
        text += name.encode() + b"\0"
    return bytes(out + bytes(20) + thunks + text)


def checksum(data, at):
    """As the loader computes it for drivers; the field itself (at) counts as zero."""
    total = 0
    words = data[:at] + bytes(4) + data[at + 4:]
    for word, in struct.iter_unpack("<H", pad(words, 2)):
        total += word
        total = (total & 0xFFFF) + (total >> 16)
    return total + len(data)


def version_node(key, value=b"", kind=0, inner=b"", count=None):
    """A node of VS_VERSIONINFO: lengths, key, value and nodes in it, all to 4 bytes."""
    out = pad(bytes(6) + (key + "\0").encode("utf-16-le"), 4) + value
    if inner:
        out = pad(out, 4) + inner
    return struct.pack("<HHH", len(out), len(value) if count is None else count, kind) + out[6:]


def version_resource(version, rva, original=None):
    """A resource section at `rva` with nothing but VS_VERSIONINFO: the numbers, and where
    `original` is given the texts OriginalFilename and InternalName."""
    w, x, y, z = version
    fixed = struct.pack("<IIIIIIIIIIIII", 0xFEEF04BD, 0x10000, w << 16 | x, y << 16 | z,
                        w << 16 | x, y << 16 | z, 0x3F, 0, 0x40004, 3, 7, 0, 0)
    inner = b""
    if original is not None:
        texts = (("FileVersion", f"{w}.{x}.{y}.{z}"), ("InternalName", original),
                 ("OriginalFilename", original))
        strings = b"".join(pad(version_node(k, (v + "\0").encode("utf-16-le"), 1, count=len(v) + 1), 4)
                           for k, v in texts)
        inner = pad(version_node("StringFileInfo", kind=1, inner=version_node(
            "040904B0", kind=1, inner=strings)), 4)
        inner += version_node("VarFileInfo", kind=1, inner=version_node(
            "Translation", struct.pack("<HH", 0x409, 0x4B0)))
    info = version_node("VS_VERSION_INFO", fixed, inner=inner)
    out = b""
    for level, number in enumerate((16, 1, 0x409)):        # type, name, language
        to = len(out) + 24
        out += struct.pack("<IIHHHHII", 0, 0, 0, 0, 0, 1, number, to | (1 << 31) * (level < 2))
    return out + struct.pack("<IIII", rva + len(out) + 16, len(info), 0, 0) + info


def make(machine, imports=("ntoskrnl.exe",), subsystem=NATIVE, note=b"", version=None,
         original=None):
    """The file's bytes.  note: kept behind the code, so that two files differ."""
    wide = machine != X86
    code = pad(RETURN[machine] + b"\0" + note)
    idata = pad(import_table(imports, PAGE * 2, wide)) if imports else b""
    rsrc = pad(version_resource(version, PAGE * 3, original)) if version else b""
    sections = [(b".text", PAGE, code, 0x68000020), (b"INIT", PAGE * 2, idata, 0xE2000020),
                (b".rsrc", PAGE * 3, rsrc, 0x40000040)]
    sections = [s for s in sections if s[2]]
    size_of_optional = 240 if wide else 224
    coff = struct.pack("<HHIIIHH", machine, len(sections), 0x5A000000, 0, 0, size_of_optional,
                       0x0022 if wide else 0x0102)
    base = 0x10000
    optional = struct.pack("<HBBIIIII", 0x20B if wide else 0x10B, 14, 0, len(code), len(idata), 0,
                           PAGE, PAGE)
    optional += struct.pack("<Q", base) if wide else struct.pack("<II", PAGE * 2, base)
    optional += struct.pack("<IIHHHHHHIIIIHH", PAGE, ALIGN, 6, 1, 6, 1, 6, 1, 0,
                            sections[-1][1] + PAGE, 2 * ALIGN, 0, subsystem, 0)
    optional += struct.pack("<4Q" if wide else "<4I", 0x40000, 0x1000, 0x100000, 0x1000)
    optional += struct.pack("<II", 0, 16)
    directories = [(0, 0)] * 16
    if imports:
        directories[1] = (PAGE * 2, 20 * (len(imports) + 1))
    if version:
        directories[2] = (PAGE * 3, len(rsrc))
    optional += b"".join(struct.pack("<II", *d) for d in directories)
    assert len(optional) == size_of_optional
    table, raw = b"", 2 * ALIGN
    for name, rva, data, flags in sections:
        table += struct.pack("<8sIIIIIIHHI", name, len(data), rva, len(data), raw, 0, 0, 0, 0, flags)
        raw += len(data)
    dos = struct.pack("<2s58xI", b"MZ", 0x80) + bytes(0x40)
    head = pad(dos + b"PE\0\0" + coff + optional + table, 2 * ALIGN)
    out = bytearray(head + b"".join(s[2] for s in sections))
    at = 0x80 + 4 + 20 + 64
    struct.pack_into("<I", out, at, checksum(bytes(out), at))
    return bytes(out)


def machine(data):
    """The machine of a PE file, or None when it is none."""
    if len(data) < 0x40 or data[:2] != b"MZ":
        return None
    at, = struct.unpack_from("<I", data, 0x3C)
    if at + 6 > len(data) or data[at:at + 4] != b"PE\0\0":
        return None
    return struct.unpack_from("<H", data, at + 4)[0]
