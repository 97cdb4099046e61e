#!/usr/bin/python3
"""make-corpus.py: writes tests/fuzz/hivelog/corpus; its results are in the
repository.  Pages are as small as the formats allow, so that inputs are."""
import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "py"))
import hivelog_oracle as oracle  # noqa: E402
from test_hivelog import base_block  # noqa: E402


def bin_head(n):
    return struct.pack("<4sII20x", b"hbin", 4096 * n, 4096)


def entry(seq, bins, writes, flags=0):
    body = b"".join(struct.pack("<II", at, len(data)) for at, data in writes)
    body += b"".join(data for at, data in writes)
    body += bytes(-(40 + len(body)) % 512)
    head = struct.pack("<4sIIIIIQ", b"HvLE", 40 + len(body), flags, seq, bins, len(writes), oracle.marvin(body))
    return head + struct.pack("<Q", oracle.marvin(head)) + body


def hive(seq1, seq2, flags=0):
    return base_block(0, seq1, seq2, 4096, 60, flags) + bin_head(0).ljust(512, b"\0")


def new(seq, *entries):
    return base_block(6, seq, seq, 4096, 60, 0) + b"".join(entries)


def old(seq, time, clustering=1, pages=1):
    sector = 512 * clustering
    log = base_block(1, seq, seq, 4096 * pages, time, 0, clustering) + bytes(sector - 512)
    bits = b"\x03".ljust(pages, b"\x01")
    log += (b"DIRT" + bits).ljust(sector, b"\0")
    log += bin_head(0).ljust(512, b"1") + b"2" * 512
    return log + b"".join(bin_head(n).ljust(512, b"3") for n in range(1, pages))


def save(name, mode, primary, log1, log2=b""):
    assert len(primary) % 512 == len(log1) % 512 == 0
    with open(os.path.join(HERE, "corpus", name), "wb") as f:
        f.write(bytes([mode, len(primary) // 512, len(log1) // 512]) + primary + log1 + log2)


head = bin_head(0)
a, b = entry(4, 4096, [(0, head), (512, b"abc")]), entry(5, 8192, [(4096, bin_head(1)), (40, b"d" * 600)])
dirty = hive(5, 4)
save("clean", 0, hive(5, 5), new(5))
save("no-logs", 0, dirty, b"")
save("one", 2, dirty, new(4, a, b))
save("two", 2, dirty, new(4, a), new(5, b))
save("swapped", 2, dirty, new(5, b), new(4, a))
save("gap", 0, dirty, new(4, a), new(6, entry(6, 4096, [])))
save("torn-base", 0, b"\0" * 300 + dirty[300:], new(4, a), new(5, b))
save("locked", 3, dirty, new(4, entry(4, 4096, [(0, head)], 1)))
save("stale-behind", 2, dirty, new(4, a, entry(3, 4096, [])))
save("bitmap", 2, dirty, old(5, 60))
save("bitmap-grows", 2, dirty, old(5, 60, pages=2))
save("bitmap-4k", 2, dirty, old(5, 60, clustering=8))
save("bitmap-torn", 0, b"\0" * 300 + dirty[300:], old(5, 60), old(5, 61))
save("both-kinds", 2, dirty, old(5, 60), new(4, a))
