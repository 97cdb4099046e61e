"""A reader of registry hives (regf), for tests: a second opinion that shares
nothing with the project's C code.  Written from M. Suhanov's "Windows
registry file format specification".

    hive = regf.Hive(open("SYSTEM", "rb").read())
    key = hive.root.find("Select")
    key.value("Current").number()

The file is taken as it is: logs are not replayed.  A dirty hive is refused
unless dirty=True.  Whatever breaks the layout raises RegfError, a sentence
that names the offset; nothing that a file holds makes it loop."""
import struct

REG_NONE, REG_SZ, REG_EXPAND_SZ, REG_BINARY, REG_DWORD = range(5)
REG_DWORD_BE, REG_LINK, REG_MULTI_SZ = 5, 6, 7
REG_QWORD = 11

BASE = 4096
NONE = 0xFFFFFFFF
ROOT_FLAG, ASCII_NAME = 0x04, 0x20
SEGMENT = 16344              # bytes of a big value in one piece
MAX_DEPTH = 512              # Windows' own limit of a key's depth
MAX_DATA = 64 << 20          # no value of a real hive is near that


class RegfError(Exception):
    """The file is not a hive that can be read; the text says where and why."""


def need(condition, text):
    if not condition:
        raise RegfError(text)


def text_of(data):
    """UTF-16 up to the first NUL, as Windows' own reading functions see it."""
    text = data[:len(data) & ~1].decode("utf-16-le", "replace")
    return text.split("\0", 1)[0]


class Value:
    def __init__(self, name, kind, data):
        self.name, self.kind, self.data = name, kind, data

    def text(self):
        """A string, or None when the value is of another type."""
        return text_of(self.data) if self.kind in (REG_SZ, REG_EXPAND_SZ) else None

    def texts(self):
        """The strings of a REG_MULTI_SZ (a REG_SZ counts as one); empty ones are left out."""
        if self.kind in (REG_SZ, REG_EXPAND_SZ):
            return [t for t in [self.text()] if t]
        if self.kind != REG_MULTI_SZ:
            return []
        whole = self.data[:len(self.data) & ~1].decode("utf-16-le", "replace")
        return [t for t in whole.split("\0") if t]

    def number(self):
        """A REG_DWORD, or None."""
        if self.kind != REG_DWORD or len(self.data) != 4:
            return None
        return int.from_bytes(self.data, "little")


class Key:
    def __init__(self, hive, offset, depth):
        self.hive, self.offset, self.depth = hive, offset, depth
        need(depth <= MAX_DEPTH, f"key at {offset:#x}: lies more than {MAX_DEPTH} keys deep")
        raw = hive.cell(offset, b"nk", 76)
        (self.flags, self.time, self._count, self._list, self._value_count, self._value_list,
         name_len) = struct.unpack_from("<2xHQ8xI4xI4xII28xH", raw)
        need(76 + name_len <= len(raw), f"key at {offset:#x}: its name ends behind the cell")
        name = raw[76:76 + name_len]
        self.name = name.decode("latin-1" if self.flags & ASCII_NAME else "utf-16-le", "replace")
        self._keys = self._values = None

    def __repr__(self):
        return f"<key {self.name} at {self.offset:#x}>"

    def keys(self):
        """{upper-case name: Key}, in the file's order; the first of equal names wins."""
        if self._keys is None:
            self._keys = {}
            for child in self.subkeys():
                self._keys.setdefault(child.name.upper(), child)
        return self._keys

    def subkeys(self):
        """Every subkey, also those with equal names."""
        offsets = self.hive.subkey_offsets(self._list, self._count) if self._count else []
        need(len(offsets) == self._count,
             f"key at {self.offset:#x}: has {self._count} subkeys, its list {len(offsets)}")
        return [Key(self.hive, o, self.depth + 1) for o in offsets]

    def values(self):
        """{upper-case name: Value}; the unnamed one is ''."""
        if self._values is None:
            self._values = {}
            for value in self.all_values():
                self._values.setdefault(value.name.upper(), value)
        return self._values

    def all_values(self):
        if not self._value_count:
            return []
        return [self.hive.value(o) for o in self.hive.words(self._value_list, self._value_count)]

    def find(self, path):
        """The key below, names separated by backslashes; None if it is not there."""
        key = self
        for name in filter(None, path.split("\\")):
            key = key.keys().get(name.upper())
            if key is None:
                return None
        return key

    def value(self, name):
        return self.values().get(name.upper())

    def number(self, name):
        v = self.value(name)
        return v.number() if v else None

    def text(self, name):
        v = self.value(name)
        return v.text() if v else None

    def texts(self, name):
        v = self.value(name)
        return v.texts() if v else []


class Hive:
    def __init__(self, data, dirty=False):
        need(len(data) >= 2 * BASE and data[:4] == b"regf", "this is no hive: no regf at its start")
        (self.sequence1, self.sequence2, major, self.minor, kind, layout, root,
         size) = struct.unpack_from("<II8xIIIIII", data, 4)
        checksum, = struct.unpack_from("<I", data, 508)
        need(major == 1 and 2 <= self.minor <= 6, f"hive format {major}.{self.minor} is not known")
        need(kind == 0 and layout == 1, f"type {kind}, layout {layout}: not a primary hive file")
        self.dirty = self.sequence1 != self.sequence2 or checksum != base_checksum(data)
        need(dirty or not self.dirty,
             f"the hive is dirty (sequence {self.sequence1}/{self.sequence2}): replay its logs first")
        need(size % BASE == 0 and size >= BASE, f"size of the bins {size:#x} is no multiple of 4096")
        self.data = data
        # bins that the file ends before are not there; a cell in them is refused
        self.bins = memoryview(data)[BASE:BASE + size]
        self._check_bins()
        self.root = Key(self, root, 0)

    def _check_bins(self):
        at = 0
        while at < len(self.bins):
            need(at + 32 <= len(self.bins), f"bin at {at:#x}: the file ends in its header")
            magic, offset, size = struct.unpack_from("<4sII", self.bins, at)
            need(magic == b"hbin", f"bin at {at:#x}: does not begin with hbin")
            need(offset == at, f"bin at {at:#x}: says it lies at {offset:#x}")
            need(size >= BASE and size % BASE == 0, f"bin at {at:#x}: size {size:#x}")
            at += size

    def cell(self, offset, magic=b"", least=0):
        """The used cell at `offset` of the bins, without its size."""
        where = f"{magic.decode() or 'cell'} at {offset:#x}"
        need(offset % 8 == 0 and offset + 4 <= len(self.bins), f"{where}: outside of the hive")
        size, = struct.unpack_from("<i", self.bins, offset)
        need(size < 0, f"{where}: is a free cell")
        need(size % 8 == 0 and offset - size <= len(self.bins), f"{where}: ends behind the hive")
        raw = self.bins[offset + 4:offset - size]
        need(len(raw) >= max(least, len(magic)), f"{where}: the cell has {len(raw)} bytes only")
        need(bytes(raw[:len(magic)]) == magic,
             f"{where}: the cell begins with {bytes(raw[:2])!r}")
        return bytes(raw)

    def words(self, offset, count):
        raw = self.cell(offset)
        need(count * 4 <= len(raw), f"list at {offset:#x}: shorter than its {count} entries")
        return struct.unpack_from(f"<{count}I", raw)

    def subkey_offsets(self, offset, limit, deep=0):
        """Offsets of keys in the list(s) at `offset`; never more than limit + 1."""
        raw = self.cell(offset, least=4)
        magic, count = struct.unpack_from("<2sH", raw)
        step = {b"lf": 8, b"lh": 8, b"li": 4, b"ri": 4}.get(magic)
        need(step, f"subkey list at {offset:#x}: begins with {magic!r}")
        need(4 + count * step <= len(raw), f"subkey list at {offset:#x}: shorter than its {count} entries")
        entries = [struct.unpack_from("<I", raw, 4 + i * step)[0] for i in range(count)]
        if magic != b"ri":
            return entries[:limit + 1]
        need(not deep, f"subkey list at {offset:#x}: an index in an index")
        out = []
        for entry in entries:
            if len(out) > limit:
                break
            out += self.subkey_offsets(entry, limit - len(out), 1)
        return out

    def value(self, offset):
        raw = self.cell(offset, b"vk", 20)
        name_len, size, where, kind, flags = struct.unpack_from("<2xHIIIH", raw)
        need(20 + name_len <= len(raw), f"value at {offset:#x}: its name ends behind the cell")
        name = raw[20:20 + name_len].decode("latin-1" if flags & 1 else "utf-16-le", "replace")
        return Value(name, kind, self._data(offset, size, where))

    def _data(self, offset, size, where):
        if size & 0x80000000:
            size &= 0x7FFFFFFF
            need(size <= 4, f"value at {offset:#x}: {size} bytes kept in four")
            return struct.pack("<I", where)[:size]
        if not size:
            return b""
        need(size <= MAX_DATA, f"value at {offset:#x}: {size} bytes of data")
        if size > SEGMENT and self.minor >= 4:
            return self._big_data(offset, size, where)
        raw = self.cell(where)
        need(size <= len(raw), f"value at {offset:#x}: {size} bytes of data in a cell of {len(raw)}")
        return raw[:size]

    def _big_data(self, offset, size, where):
        count, segments = struct.unpack_from("<2xHI", self.cell(where, b"db", 8))
        need(count == -(-size // SEGMENT), f"value at {offset:#x}: {size} bytes in {count} segments")
        out = bytearray()
        for segment in self.words(segments, count):
            raw = self.cell(segment)
            part = min(SEGMENT, size - len(out))
            need(part <= len(raw), f"value at {offset:#x}: the segment at {segment:#x} is short")
            out += raw[:part]
        return bytes(out)

    def walk(self):
        """(path, Key) of every key, parents first.  A key met twice is an error."""
        seen, todo = set(), [("", self.root)]
        while todo:
            path, key = todo.pop()
            need(key.offset not in seen, f"key at {key.offset:#x}: is in the tree twice")
            seen.add(key.offset)
            yield path, key
            todo += [(f"{path}\\{child.name}", child) for child in reversed(key.subkeys())]


def base_checksum(data):
    """XOR of the base block's first 127 words; 0 and -1 are not used."""
    out = 0
    for word in struct.unpack_from("<127I", data):
        out ^= word
    return {0: 1, 0xFFFFFFFF: 0xFFFFFFFE}.get(out, out)
