"""A second implementation of the replay of registry transaction logs, written
from M. Suhanov's "Windows registry file format specification" and used to judge
the one in C.  It shares nothing with it, and says the same in another shape:
here every log is first read into a list of writes, and the hive is what comes
of doing them.

What the specification leaves open, and how it is settled in both:
  - a sequence number is older than another if the difference is negative as a
    signed 32-bit number;
  - logs with a bitmap are not used beside a valid log with entries;
  - they must not have an older sequence number than the hive's second;
  - the finished hive gets the number after the last (after the larger of the
    hive's first and the log's);
  - a hive that is locked for transactions is refused unless that is accepted."""
import struct
from collections import namedtuple

MASK = 0xffffffff
SEED = 0x82EF4D887A4E55C5
BINS = 4096

Log = namedtuple("Log", "base seq time bins entries")
Entry = namedtuple("Entry", "seq flags bins writes")      # writes: [(offset, bytes)]


class Refused(Exception):
    status = 4


class Damaged(Exception):
    status = 1


def marvin(data, seed=SEED):
    low, high = seed & MASK, seed >> 32
    padded = data + b"\x80"
    padded += bytes(-len(padded) % 4) + bytes(4)
    for word, in struct.iter_unpack("<I", padded):
        low = low + word & MASK
        high ^= low
        low = ((low << 20 | low >> 12) & MASK) + high & MASK
        high = (high << 9 | high >> 23) & MASK ^ low
        low = ((low << 27 | low >> 5) & MASK) + high & MASK
        high = (high << 19 | high >> 13) & MASK
    return high << 32 | low


def older(a, b):
    return (a - b & MASK) >= 1 << 31


def u32(data, at):
    return int.from_bytes(data[at:at + 4], "little")


def checksum(base):
    x = 0
    for i in range(0, 508, 4):
        x ^= u32(base, i)
    return {0: 1, MASK: MASK - 1}.get(x, x)


def is_valid(base):
    return len(base) >= 512 and base[:4] == b"regf" and checksum(base) == u32(base, 508)


def is_dirty(hive):
    return not is_valid(hive) or hive[4:8] != hive[8:12]


def is_locked(base):
    return base[164:168] == b"rmtm" and base[144] & 1


def entry_at(data, at):
    """The whole and sound entry there, or None."""
    head = data[at:at + 40]
    if len(head) < 40 or head[:4] != b"HvLE":
        return None
    size, flags, seq, bins, count, hash1, hash2 = struct.unpack("<5I2Q", head[4:])
    body = data[at + 40:at + size]
    if marvin(head[:32]) != hash2 or size % 512 or not 512 <= size == 40 + len(body):
        return None
    if marvin(body) != hash1 or bins % 4096 or bins == 0 or 8 * count > len(body):
        return None
    writes, rest = [], body[8 * count:]
    for i in range(count):
        offset, length = struct.unpack_from("<2I", body, 8 * i)
        if length > len(rest) or offset + length > bins:
            return None
        writes.append((offset, rest[:length]))
        rest = rest[length:]
    return Entry(seq, flags & 1, bins, writes), size


def entries_of(data, first):
    found, at, seq = [], 512, first
    while True:
        next_one = entry_at(data, at)
        if next_one is None or next_one[0].seq != seq:
            return found
        found.append(next_one[0])
        at += next_one[1]
        seq = seq + 1 & MASK


def bitmap_of(data):
    """The one write of a log with a bitmap, as a list of one entry."""
    sector, bins = 512 * u32(data, 44), u32(data, 40)
    if not 512 <= sector <= 4096 or bins % 4096 or not bins:
        return []
    bits = data[sector + 4:sector + 4 + bins // 4096]
    if data[sector:sector + 4] != b"DIRT" or len(bits) < bins // 4096:
        return []
    number = int.from_bytes(bits, "little")
    dirty = [i for i in range(bins // 512) if number >> i & 1]
    at = sector + 4 + len(bits)
    at += -at % sector
    if at + 512 * len(dirty) > len(data):
        return []
    writes = [(512 * page, data[at + 512 * k:at + 512 * k + 512]) for k, page in enumerate(dirty)]
    return [Entry(u32(data, 4), None, bins, writes)]


def read_log(data):
    """("old" or "new", Log), or None when it can't be used."""
    if not data or not is_valid(data) or data[4:8] != data[8:12]:
        return None
    kind = {1: "old", 2: "old", 6: "new"}.get(u32(data, 28))
    seq = u32(data, 4)
    entries = {"old": bitmap_of, "new": lambda d: entries_of(d, seq), None: lambda d: []}[kind](data)
    return kind and (kind, Log(data[:512], seq, int.from_bytes(data[12:20], "little"), u32(data, 40), entries))


def choose_new(hive, logs):
    """(entries in order, whose base block)"""
    if not is_valid(hive):
        logs = [log for log in logs if log.entries]
        if not logs:
            return [], None
        latest = logs[0]
        for log in logs[1:]:
            if older(latest.entries[-1].seq, log.entries[-1].seq):
                latest = log
        return latest.entries, latest.base
    fitting = [log for log in logs if not older(log.seq, u32(hive, 8))]
    if len(fitting) == 2 and older(fitting[1].seq, fitting[0].seq):
        fitting.reverse()
    if not fitting:
        return [], None
    chain = list(fitting[0].entries)
    for log in fitting[1:]:
        if log.seq == fitting[0].seq + len(chain) & MASK:
            chain += log.entries
    return chain, hive[:512]


def choose_old(hive, logs):
    if is_valid(hive):
        time = int.from_bytes(hive[12:20], "little")
        fitting = [log for log in logs
                   if log.time == time and log.entries and not older(log.seq, u32(hive, 8))]
        return (fitting[0].entries, hive[:512]) if fitting else ([], None)
    first_bin = hive[BINS:BINS + 32]
    time = int.from_bytes(first_bin[20:28], "little") if first_bin[:4] == b"hbin" else 0
    fitting = [log for log in logs if log.time >= time and log.entries]
    if not fitting:
        return [], None
    newest = max(fitting, key=lambda log: log.time)     # of equal ones the first
    return newest.entries, newest.base


def whole(bins):
    at = 0
    while at < len(bins):
        size = u32(bins, at + 8)
        if bins[at:at + 4] != b"hbin" or u32(bins, at + 4) != at or size == 0 or size % 4096 or at + size > len(bins):
            return False
        at += size
    return True


def recover(hive, logs, accept_locked=False):
    if len(hive) < BINS + 4096:
        raise Damaged("too short")
    if not is_dirty(hive):
        return hive
    usable = [log for log in map(read_log, logs) if log]
    kind = "new" if any(k == "new" for k, log in usable) else "old"
    fits = [log for k, log in usable if k == kind]
    chain, base = (choose_new if kind == "new" else choose_old)(hive, fits)
    if not chain:
        raise Refused("no log fits") if hive[:4] == b"regf" else Damaged("no hive")
    out = bytearray(hive)
    base = bytearray(base)
    seq = chain[-1].seq + 1 & MASK
    if kind == "old" and is_valid(hive) and older(seq, u32(hive, 4) + 1 & MASK):
        seq = u32(hive, 4) + 1 & MASK
    for entry in chain:
        short = BINS + entry.bins - len(out)
        out += bytes(max(short, 0))
        for offset, data in entry.writes:
            out[BINS + offset:BINS + offset + len(data)] = data
    if kind == "new":
        base[144] = base[144] & 0xfe | chain[-1].flags
    if is_locked(base) and not accept_locked:
        raise Refused("locked")
    struct.pack_into("<II", base, 4, seq, seq)
    struct.pack_into("<I", base, 28, 0)
    struct.pack_into("<I", base, 40, chain[-1].bins)
    struct.pack_into("<I", base, 508, checksum(base))
    out[:512] = base
    if not whole(bytes(out[BINS:BINS + chain[-1].bins])):
        raise Damaged("bins have holes")
    return bytes(out)
