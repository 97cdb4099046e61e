"""A second reading of INF files, made from Microsoft's INF reference (learn.microsoft.com,
windows-hardware/drivers/install) and docs/INF.md only.  It shares nothing with
drivers-inject/windows; tests/py/test_inf.py compares the two.

Inf(bytes): .sections (name in lower case -> list of Entry).  read(bytes, target,
includes): what tests/tools/infdump prints, without the sentences."""
import re
import struct
from dataclasses import dataclass

BLANK = " \t\v\f"
# pieces of a line: quoted text, a %strkey%, a comment, a separator, backslashes, the rest
PIECE = re.compile(r'"(?P<quoted>(?:[^"]|"")*)"?'
                   r'|(?P<strkey>%[^% \t\v\f",=]{0,254}%)'
                   r'|(?P<comment>;.*)'
                   r'|(?P<plain>[^"%;]+|%)', re.S)
STRKEY = re.compile(r'%[^% \t\v\f",=]{0,254}%|[^%]+|%', re.S)
GOES_ON = re.compile(r"[ \t\v\f]*\\[\\ \t\v\f]*\Z")


class InfError(Exception):
    pass


class NoSection(Exception):
    pass


SMALL = {c: c + 32 for c in range(ord("A"), ord("Z") + 1)}


def fold(text):
    """Case does not count for ASCII."""
    return text.translate(SMALL)


def decode(data):
    if data[:2] == b"\xff\xfe":
        return data[2:].decode("utf-16-le", "replace")
    if data[:2] == b"\xfe\xff":
        return data[2:].decode("utf-16-be", "replace")
    if data[:3] == b"\xef\xbb\xbf":
        return data[3:].decode("utf-8", "replace")
    pairs = min(len(data) // 2, 256)
    ascii_pairs = sum(1 for i in range(pairs) if data[2 * i] and not data[2 * i + 1])
    if pairs and len(data) % 2 == 0 and ascii_pairs * 4 >= pairs * 3:
        return data.decode("utf-16-le", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(bytes([b]).decode("cp1252", "ignore") or chr(b) for b in data)


def pieces(line):
    """[(text, quoted)] and whether the entry goes on in the next line."""
    out = []
    for m in PIECE.finditer(line):
        if m["comment"] is not None:
            break
        if m["quoted"] is not None:
            out.append((m["quoted"].replace('""', '"'), True))
        else:
            out.append((m[0], False))
    tail = ""
    while out and not out[-1][1]:
        tail = out.pop()[0] + tail
    goes_on = "\\" in tail and GOES_ON.search(tail)
    if goes_on:
        tail = tail[:goes_on.start()]
    out += [(m[0], False) for m in STRKEY.finditer(tail)]
    return out, bool(goes_on)


def trim(field):
    """Blanks at both ends go, but not quoted ones."""
    while field and not field[0][1] and not field[0][0].lstrip(BLANK):
        field.pop(0)
    while field and not field[-1][1] and not field[-1][0].rstrip(BLANK):
        field.pop()
    if field and not field[0][1]:
        field[0] = (field[0][0].lstrip(BLANK), False)
    if field and not field[-1][1]:
        field[-1] = (field[-1][0].rstrip(BLANK), False)
    return "".join(text for text, _ in field)


def split(parts):
    """(key or None, values)"""
    fields, keyed = [[]], False
    for text, quoted in parts:
        if quoted or (text[0] == "%" and len(text) > 1):
            fields[-1].append((text, quoted))
            continue
        before, equals, behind = text.partition("=")
        if equals and not keyed and len(fields) == 1 and "," not in before:
            keyed, text = True, behind
            fields = [fields[0] + [(before, False)], []]
        first, *others = text.split(",")
        fields[-1].append((first, False))
        fields += [[(other, False)] for other in others]
    texts = [trim(field) for field in fields]
    return (texts[0], texts[1:]) if keyed else (None, texts)


@dataclass
class Entry:
    line: int
    key: str
    values: list
    inf: object

    def raw(self, i):
        return self.values[i] if i < len(self.values) else ""

    def text(self, i, dirs=True):
        return self.inf.expand(self.raw(i), dirs)


@dataclass
class Model:
    manufacturer: str
    description: str
    section: str
    install: str
    ids: list
    line: int


DIRS = {10: r"C:\Windows", 11: r"C:\Windows\System32", 12: r"C:\Windows\System32\drivers",
        17: r"C:\Windows\INF", 18: r"C:\Windows\Help", 20: r"C:\Windows\Fonts",
        21: r"C:\Windows\System32\viewers", 23: r"C:\Windows\System32\spool\drivers\color",
        24: "C:\\", 25: r"C:\Windows", 30: "C:\\", 50: r"C:\Windows\System",
        51: r"C:\Windows\System32\spool", 52: r"C:\Windows\System32\spool\drivers", 54: "C:\\",
        55: r"C:\Windows\System32\spool\prtprocs", 16420: r"C:\Windows",
        16421: r"C:\Windows\System32", 16422: r"C:\Program Files",
        16427: r"C:\Program Files\Common Files"}
DIRS32 = {16425: r"C:\Windows\System32", 16426: r"C:\Program Files",
          16428: r"C:\Program Files\Common Files"}
DIRS64 = {16425: r"C:\Windows\SysWOW64", 16426: r"C:\Program Files (x86)",
          16428: r"C:\Program Files (x86)\Common Files"}


class Inf:
    def __init__(self, data):
        self.sections, self.names, self.first, self.bits64 = {}, {}, {}, True
        self.read(decode(data).replace("\0", " ").split("\x1a")[0])
        self.strings = self.choose_strings()
        version = self.sections.get("version")
        if version is None:
            raise InfError("no [Version]")
        signature = self.find("version", "signature")
        if not signature or fold(signature.text(0)) not in ("$windows nt$", "$chicago$"):
            raise InfError("no Signature")

    def read(self, text):
        lines = iter(enumerate(re.split("\r\n|\n|\r", text), 1))
        section = None
        for number, line in lines:
            line = line.lstrip(BLANK)
            if line.startswith("["):
                if "]" not in line:
                    raise InfError(f"line {number}: no ]")
                name = line[1:line.index("]")].strip(BLANK)
                self.names.setdefault(fold(name), name)
                section = self.sections.setdefault(fold(name), [])
                continue
            parts, goes_on = pieces(line)
            if not line or line.startswith(";"):
                continue
            while goes_on:
                more, goes_on = pieces(next(lines, (0, ""))[1].lstrip(BLANK))
                parts += more
            key, values = split(parts)
            if section is not None:
                if key is None and len(values) == 1:
                    key = values[0]
                section.append(Entry(number, key, values, self))
                if key is not None:
                    self.first.setdefault((fold(name), fold(key)), section[-1])

    def choose_strings(self):
        """The English of the United States, neutral English, any English."""
        plain, best = {}, (9, None)
        for name in self.sections:
            m = re.fullmatch("strings\\.([0-9a-f]+)", name)
            if m and int(m[1], 16) & 0x3ff == 9:
                rank = {0x409: 0, 9: 1}.get(int(m[1], 16), 2)
                best = min(best, (rank, name), key=lambda b: b[0])
        for name in ("strings", best[1]):
            found = {}
            for entry in self.sections.get(name, []):
                if entry.key is not None:
                    found.setdefault(fold(entry.key), entry.raw(0))
            plain.update(found)
        return plain

    def find(self, section, key):
        return self.first.get((fold(section), fold(key)))

    def get(self, section, key, i=0):
        entry = self.find(section, key)
        return entry.text(i) if entry else ""

    def expand(self, raw, dirs=True):
        def one(m):
            key, slash = m[1], raw[m.end():m.end() + 1] == "\\"
            if not key:
                return "%"
            if fold(key) in self.strings:
                return self.strings[fold(key)]
            if dirs and re.fullmatch("[0-9]{1,7}", key):
                place = {**DIRS, **(DIRS64 if self.bits64 else DIRS32)}.get(int(key))
                if place:
                    return place[:-1] if slash and place.endswith("\\") else place
            return m[0]
        return re.sub("%([^%]*)%", one, raw)


def number(text):
    m = re.fullmatch("([-+]?)(?:0[xX]([0-9a-fA-F]+)|([0-9]+))", text)
    if not m:
        return None
    value = int(m[2], 16) if m[2] else int(m[3])
    if value >= 1 << 64:
        return None
    return (1 << 64) - value if m[1] == "-" and value else value


@dataclass
class Target:
    arch: str
    major: int
    minor: int
    build: int
    product: int = 1
    suite: int = 0


def decoration(text):
    """(arch, major, minor, product, suite, build), None where it says nothing."""
    head, *rest = text.split(".")
    m = re.fullmatch("nt(x86|amd64|ia64|arm64|arm)?", fold(head))
    if not m or len(rest) > 5:
        return None
    values = []
    for field in rest:
        value = number(field) if field else None
        if field and (value is None or value > 0xffffffff):
            return None
        values.append(value)
    return (m[1], *(values + [None] * 5)[:5])


def suits(d, t):
    arch, major, minor, product, suite, build = d
    if arch is None:
        if not (t.arch == "x86" or (t.arch == "ia64" and t.major == 5)):
            return False
    elif arch != t.arch:
        return False
    if major is not None and (major, minor or 0) > (t.major, t.minor):
        return False
    if build is not None:
        if (t.major, t.build) < (10, 14310) and t.major <= 10:
            return False
        if (major, minor or 0) == (t.major, t.minor) and build > t.build:
            return False
    return (product in (None, t.product)) and (suite is None or suite & t.suite == suite)


def how_specific(d):
    arch, major, minor, product, suite, build = d

    def or_less(v):
        return -1 if v is None else v
    return (or_less(major), or_less(minor), or_less(build), product is not None,
            -1 if suite is None else bin(suite).count("1"), arch is not None)


class Compiler:
    def __init__(self, data, target, includes=None):
        self.inf = data if isinstance(data, Inf) else Inf(data)
        self.t, self.available = target, includes or {}
        self.inf.bits64 = target.arch not in ("x86", "arm")

    # --- models
    def models(self):
        models, notes = [], []
        for entry in self.inf.sections.get("manufacturer", []):
            raw = entry.key if entry.key is not None else entry.raw(0)
            base, best = entry.text(0), None
            for i in range(1, len(entry.values)):
                text = entry.text(i)
                d = decoration(text) if text else None
                if text and d is None:
                    notes.append(("broken", "decoration", text, entry.line))
                if d and (self.t.major, self.t.minor) != (5, 0) and suits(d, self.t) and \
                        (best is None or how_specific(d) > how_specific(best[0])):
                    best = (d, text)
            if best is None and not suits((None,) * 6, self.t) or not base:
                continue
            name = base + "." + best[1] if best else base
            if fold(name) not in self.inf.sections:
                # decorations alone, none of which suits: not for this Windows
                if best or len(entry.values) == 1:
                    notes.append(("broken", "models section", name, entry.line))
                continue
            for line in self.inf.sections[fold(name)]:
                if line.key is None or not line.raw(0) or (len(line.values) == 1 and
                                                           line.key is line.values[0]):
                    notes.append(("broken", "model", line.key if line.key is not None
                                  else line.raw(0), line.line))
                    continue
                ids = [line.text(i) for i in range(1, max(2, len(line.values)))]
                models.append(Model(self.inf.expand(raw), self.inf.expand(line.key), name,
                                    line.text(0), ids[:1] + [i for i in ids[1:] if i], line.line))
        return models, notes

    def version(self):
        get = self.inf.get
        catalog = next((get("Version", k) for k in (f"CatalogFile.nt{self.t.arch}",
                        "CatalogFile.nt", "CatalogFile") if self.inf.find("Version", k)), "")
        return {"signature": get("Version", "Signature"), "class": get("Version", "Class"),
                "class_guid": get("Version", "ClassGUID"), "provider": get("Version", "Provider"),
                "catalog": catalog, "pnp_lockdown": number(get("Version", "PnpLockdown")) == 1,
                "driver_ver": driver_ver(self.inf.find("Version", "DriverVer"))}

    # --- one device
    def install(self, base):
        arch = self.t.arch
        for name in (f"{base}.nt{arch}", f"{base}.nt", base):
            if fold(name) in self.inf.sections:
                return Install(self, base, self.inf.names[fold(name)]).result
        raise NoSection(base)


def driver_ver(entry):
    date, version = (0, 0, 0), [0, 0, 0, 0]
    if entry:
        m = re.fullmatch("([0-9]+)([-/])([0-9]+)\\2([0-9]+)", entry.text(0))
        if m and 1 <= int(m[1]) <= 12 and 1 <= int(m[3]) <= 31 and 1601 <= int(m[4]) <= 9999:
            date = (int(m[4]), int(m[1]), int(m[3]))
        for i, part in enumerate(entry.text(1).split(".")[:4]):
            if not re.fullmatch("[0-9]+", part) or int(part) > 65535:
                break
            version[i] = int(part)
    return "%04d-%02d-%02d %d.%d.%d.%d" % (*date, *version)


def utf16(text):
    return (text + "\0").encode("utf-16-le", "surrogatepass")


NOT_DONE = {fold(n) for n in (
    "AddComponent AddEventProvider AddInterface AddPowerSetting AddProperty AddSoftware CopyINF"
    " DelFiles DelProperty DelService ExcludeID Ini2Reg KmdfService LogConfig ProfileItems"
    " Reboot RegisterDlls RenFiles UmdfService UnregisterDlls UpdateIniFields UpdateInis").split()}
DELVAL, APPEND, KEYONLY, KEYONLY_COMMON, DELREG = 4, 8, 0x10, 0x2000, 0x8000
TYPES = {0: 1, 0x10000: 7, 0x20000: 2, 1: 3, 0x10001: 4, 0x20001: 0}


class Install:
    def __init__(self, compiler, base, section):
        self.c, self.inf, self.t = compiler, compiler.inf, compiler.t
        self.infs = [self.inf]
        self.files, self.registry, self.services, self.filters = [], [], [], []
        self.notes = []
        self.included = {}
        score = self.inf.find(section, "FeatureScore")
        hexadecimal = score and re.fullmatch("(?:0[xX])?([0-9a-fA-F]+)", score.text(0))
        feature = int(hexadecimal[1], 16) if hexadecimal else 0xff
        if score and score.text(0) and not hexadecimal:
            self.note("broken", "number", score.text(0), score)
        ver = self.inf.find(section, "DriverVer") or self.inf.find("Version", "DriverVer")
        self.part(section, "main", "software")
        for suffix, kind, hkr in (("HW", "hw", "hardware"), ("CoInstallers", "main", "software"),
                                  ("Services", "services", ""), ("Filters", "filters", ""),
                                  ("Interfaces", "", ""), ("Wdf", "", ""), ("Components", "", ""),
                                  ("Software", "", ""), ("LogConfigOverride", "", ""),
                                  ("Events", "", "")):
            name = f"{section}.{suffix}"
            if fold(name) in self.inf.sections:
                self.part(name, kind, hkr)
            elif suffix == "Services" and any(
                    fold(f"{base}{d}.Services") in self.inf.sections
                    for d in (f".nt{self.t.arch}", ".nt", "")):
                self.note("broken", "services section", name, None)
        self.result = {"section": section, "driver_ver": driver_ver(ver),
                       "feature_score": feature if feature <= 0xff else 0xff,
                       "files": self.files, "registry": self.registry, "services": self.services,
                       "filters": self.filters, "notes": self.notes}

    def note(self, kind, what, name, entry):
        self.notes.append((kind, what, name, entry.line if entry else 0))

    def number(self, entry, i, otherwise=0):
        text = entry.text(i)
        if not text:
            return otherwise
        value = number(text)
        if value is None:
            self.note("broken", "number", text, entry)
        return value

    def named(self, entry, name):
        for inf in [entry.inf, *self.infs]:
            if fold(name) in inf.sections:
                return inf, inf.sections[fold(name)]
        self.note("broken", "section", name, entry)
        return None, []

    # --- sections and directives
    def part(self, name, kind, hkr):
        own = self.inf.sections[fold(name)]
        sections = [own]
        for entry in own:
            if entry.key is not None and fold(entry.key) == "include":
                for i in range(len(entry.values)):
                    self.include(entry, entry.text(i))
        for entry in own:
            if entry.key is not None and fold(entry.key) == "needs":
                for i in range(len(entry.values)):
                    wanted = entry.text(i)
                    found = [inf for inf in self.infs if fold(wanted) in inf.sections]
                    if found:
                        sections.append(found[0].sections[fold(wanted)])
                    elif wanted:
                        self.note("absent", "Needs", wanted, entry)
        everything = [e for s in sections for e in s if e.key is not None]
        for entry in everything:
            key = fold(entry.key)
            if key == "copyfiles" and kind == "main":
                self.copy_files(entry)
            elif key == "addservice" and kind == "services":
                self.add_service(entry)
            elif key == "addfilter" and kind == "filters":
                self.add_filter(entry)
            elif key in NOT_DONE:
                self.note("not-done", entry.key, entry.text(0), entry)
        if kind in ("main", "hw"):
            self.do_registry(everything, hkr, "")

    def include(self, entry, name):
        if not name or fold(name) in self.included:
            return
        data = {fold(k): v for k, v in self.c.available.items()}.get(fold(name))
        if data is None or len(self.included) == 16:
            self.note("absent", "Include", name, entry)
            return
        try:
            inf = Inf(data)
        except InfError:
            self.note("broken", "Include", name, entry)
            return
        inf.bits64 = self.inf.bits64
        self.included[fold(name)] = inf
        self.infs.append(inf)

    # --- files
    def copy_files(self, directive):
        for i in range(len(directive.values)):
            name = directive.text(i)
            if name.startswith("@"):
                place = self.destination(directive, directive.inf, "")
                self.copy(directive, name[1:], "", 0, place)
            elif name:
                inf, entries = self.named(directive, name)
                if entries:
                    place = self.destination(directive, inf, name)
                for entry in entries:
                    flags = self.number(entry, 3)
                    if flags is not None:
                        self.copy(entry, entry.text(0), entry.text(1), flags, place)

    def destination(self, directive, inf, section):
        entry = None
        for other in [inf, *self.infs] if section else []:
            entry = entry or other.find("DestinationDirs", section)
        for other in self.infs:
            entry = entry or other.find("DestinationDirs", "DefaultDestDir")
        if not entry:
            self.note("broken", "DestinationDirs", section, directive)
            return 11, ""
        dirid = number(entry.text(0))
        if dirid in (65535, (1 << 64) - 1):
            return -1, entry.text(1)
        if dirid is None or dirid > 0x7fffffff:
            self.note("broken", "dirid", entry.text(0), entry)
            dirid = -2
        return dirid, below(entry.text(1))

    def source(self, inf, section, key):
        for name in (f"{section}.{self.t.arch}", section):
            for other in [inf, *self.infs]:
                entry = other.find(name, key)
                if entry:
                    return entry
        return None

    def copy(self, entry, name, source, flags, place):
        if not name:
            return
        source = source or name
        where, cab = "", ""
        listed = self.source(entry.inf, "SourceDisksFiles", source)
        if not listed:
            elsewhere = entry.inf is not self.inf or entry.inf.find("Version", "LayoutFile")
            self.note("absent" if elsewhere else "broken", "SourceDisksFiles", source, entry)
        else:
            disk = self.source(listed.inf, "SourceDisksNames", listed.text(0))
            if not disk:
                self.note("broken", "SourceDisksNames", listed.text(0), listed)
            where = "\\".join(p for p in (below(disk.text(3) if disk else ""),
                                          below(listed.text(1))) if p)
            if disk and re.search(r".\.(cab|CAB)\Z", disk.text(1)):
                cab = disk.text(1)
        self.files.append({"source": source, "dir": where, "cab": cab, "dirid": place[0],
                           "subdir": place[1], "name": name, "flags": flags & 0xffffffff,
                           "line": entry.line})

    # --- the registry
    def do_registry(self, entries, hkr, owner):
        for key, line in (("delreg", self.del_line), ("addreg", self.add_line),
                          ("bitreg", self.bit_line)):
            for directive in entries:
                if directive.key is None or fold(directive.key) != key:
                    continue
                for i in range(len(directive.values)):
                    name = directive.text(i)
                    for entry in self.named(directive, name)[1] if name else []:
                        line(entry, hkr, owner)

    def begin(self, entry, hkr, owner):
        root = entry.text(0).upper()
        if root not in ("HKLM", "HKCU", "HKCR", "HKU", "HKR"):
            self.note("broken", "root", entry.text(0), entry)
            return None, None
        flags = self.number(entry, 3)
        if flags is None:
            return None, None
        return {"op": "", "root": hkr if root == "HKR" else root,
                "owner": owner if root == "HKR" else "", "key": entry.text(1),
                "value": entry.text(2), "type": 0, "data": "", "flags": 0, "byte": 0,
                "line": entry.line}, flags & 0xffffffffffffffff

    def add_line(self, entry, hkr, owner):
        reg, flags = self.begin(entry, hkr, owner)
        if reg is None or flags & DELREG:
            return
        reg["flags"] = flags & 0x5022
        only_key = len(entry.values) <= 4 and not entry.raw(2) and not entry.raw(3)
        if flags & DELVAL:
            reg["op"] = "delete-value" if reg["value"] and not flags & KEYONLY_COMMON \
                else "delete-key"
        elif flags & (KEYONLY | KEYONLY_COMMON) or only_key:
            reg["op"], reg["value"] = "key", ""
        else:
            data = self.data(entry, flags, reg)
            if data is None:
                return
            reg["data"] = data.hex()
            reg["op"] = "append" if flags & APPEND and reg["type"] == 7 else "set"
        self.registry.append(reg)

    def data(self, entry, flags, reg):
        reg["type"] = TYPES.get(flags & 0xffff0001, (flags & 0xffffffff) >> 16)
        fields = entry.values[4:]
        if not flags & 1:
            if reg["type"] != 7:
                return utf16(entry.text(4))
            strings = []
            for i in range(4, len(entry.values)):
                if not entry.text(i):
                    break
                strings.append(entry.text(i))
            return b"".join(map(utf16, strings)) + b"\0\0"
        if reg["type"] in (4, 11) and len(fields) == 1:
            value = self.number(entry, 4)
            if value is None:
                return None
            if reg["type"] == 11:
                return struct.pack("<Q", value)
            if 0xffffffff < value < (1 << 64) - (1 << 31):
                self.note("broken", "number", entry.text(4), entry)
                return None
            return struct.pack("<I", value & 0xffffffff)
        while fields and not fields[-1]:
            fields = fields[:-1]
        out = bytearray()
        for i in range(len(fields)):
            text = entry.text(4 + i)
            if not re.fullmatch("(0[xX])?[0-9a-fA-F]*", text) or int(text or "0", 16) > 255:
                self.note("broken", "byte", text, entry)
                return None
            out.append(int(text or "0", 16))
        return bytes(out)

    def del_line(self, entry, hkr, owner):
        reg, flags = self.begin(entry, hkr, owner)
        if reg is None:
            return
        reg["flags"] = flags & 0x5000
        if not reg["value"] or flags & KEYONLY_COMMON:
            reg["op"] = "delete-key"
        elif flags & 0x18002 == 0x18002:
            reg.update(op="remove-string", type=7, data=utf16(entry.text(4)).hex())
        else:
            reg["op"] = "delete-value"
        self.registry.append(reg)

    def bit_line(self, entry, hkr, owner):
        reg, flags = self.begin(entry, hkr, owner)
        if reg is None:
            return
        mask = self.number(entry, 4)
        byte = self.number(entry, 5) if mask is not None else None
        if byte is None:
            return
        if mask > 0xff or byte > 0xffff:
            self.note("broken", "number", entry.text(4 if mask > 0xff else 5), entry)
            return
        reg.update(op="set-bits" if flags & 1 else "clear-bits", type=3, byte=byte,
                   data="%02x" % mask, flags=flags & 0x5000)
        self.registry.append(reg)

    # --- services
    def add_service(self, entry):
        flags = self.number(entry, 1)
        if flags is None:
            return
        name = entry.text(0)
        service = {"name": name, "flags": flags & 0xffffffff, "display_name": "",
                   "description": "", "type": 0, "start": 0, "error_control": 0, "dirid": -1,
                   "binary": "", "image_path": "", "group": "", "start_name": "", "security": "",
                   "dependencies": [], "boot_flags": None, "event_log": "", "line": entry.line}
        if not name:
            self.services.append(service)
            return
        wanted = entry.text(2)
        inf, entries = self.named(entry, wanted)
        if inf is None or not self.fill(service, entry, inf, inf.names[fold(wanted)]):
            return
        self.do_registry(entries, "service", name)
        if entry.text(3):
            events, lines = self.named(entry, entry.text(3))
            if events is not None:
                service["event_log"] = f"{entry.text(4) or 'System'}\\{entry.text(5) or name}"
                self.do_registry(lines, "eventlog", service["event_log"])
        self.services.append(service)

    def needed(self, inf, section, key, directive):
        entry = inf.find(section, key)
        if not entry or not entry.text(0):
            self.note("broken", key, section, directive)
            return None
        value = self.number(entry, 0)
        if value is not None and value > 0xffffffff:
            self.note("broken", "number", entry.text(0), entry)
            value = None
        return value

    def fill(self, service, directive, inf, section):
        for key, name in (("ServiceType", "type"), ("StartType", "start"),
                          ("ErrorControl", "error_control")):
            service[name] = self.needed(inf, section, key, directive)
            if service[name] is None:
                return False
        binary = inf.find(section, "ServiceBinary")
        if not binary or not binary.raw(0):
            self.note("broken", "ServiceBinary", section, directive)
            return False
        self.binary(service, binary)
        for key, name in (("DisplayName", "display_name"), ("Description", "description"),
                          ("LoadOrderGroup", "group"), ("StartName", "start_name"),
                          ("Security", "security")):
            service[name] = inf.get(section, key)
        dependencies = inf.find(section, "Dependencies")
        if dependencies:
            texts = [dependencies.text(i) for i in range(len(dependencies.values))]
            service["dependencies"] = [t for t in texts if t]
        if inf.find(section, "BootFlags"):
            service["boot_flags"] = self.needed(inf, section, "BootFlags", directive)
        for key in ("AddTrigger", "DelayedAutoStart", "FailureActions", "RequiredPrivileges",
                    "ServiceSidType"):
            entry = inf.find(section, key)
            if entry:
                self.note("not-done", key, entry.text(0), entry)
        return True

    def binary(self, service, entry):
        m = re.match(r"%([0-9]{1,6})%\\*", entry.text(0, dirs=False))
        if not m:
            service["binary"] = service["image_path"] = entry.text(0)
            return
        dirid = int(m[1])
        service["binary"] = rest = entry.text(0, dirs=False)[m.end():]
        service["dirid"] = -1 if dirid == 65535 else dirid
        place = {**DIRS, **(DIRS64 if self.inf.bits64 else DIRS32)}.get(dirid)
        driver = service["type"] & 3
        if dirid == 13:
            service["image_path"] = "%13%\\" + rest
        elif not place:
            service["image_path"] = rest
        elif place.startswith("C:\\Windows\\"):
            service["image_path"] = ("" if driver else "%SystemRoot%\\") + place[11:] + "\\" + rest
        else:
            place = place.replace("C:\\Windows", "%SystemRoot%").replace("C:", "%SystemDrive%")
            service["image_path"] = place + "\\" + rest

    def add_filter(self, entry):
        inf, _ = self.named(entry, entry.text(2))
        if inf is not None:
            self.filters.append({"name": entry.text(0), "line": entry.line,
                                 "position": inf.get(entry.text(2), "FilterPosition"),
                                 "level": inf.get(entry.text(2), "FilterLevel")})


def below(path):
    r"""A path below another: no "\" or ".\" in front, no "\" behind."""
    return re.sub(r"\A(\\|\.(?=\\|\Z))+", "", path).rstrip("\\")


def visible(value):
    """What prints as JSON has no control characters."""
    if isinstance(value, str):
        return re.sub("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", "\ufffd", value)
    if isinstance(value, dict):
        return {k: visible(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [visible(v) for v in value]
    return value


def read(data, target, includes=None, section=None):
    c = Compiler(data, target, includes)
    models, notes = c.models()
    installs = {}
    for name in [section] if section else [m.install for m in models]:
        if name in installs:
            continue
        try:
            installs[name] = c.install(name)
        except NoSection:
            installs[name] = "error"
    return visible({"version": c.version(), "models": [vars(m) for m in models],
                    "model_notes": notes, "installs": installs})
