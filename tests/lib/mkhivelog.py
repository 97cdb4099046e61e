#!/usr/bin/python3
"""Makes a clean registry hive a dirty one, with logs that make NEW of it.

  mkhivelog.py HIVE NEW KIND

KIND: old    Windows up to 8: HIVE.LOG1 with a bitmap
      xp     the same in HIVE.LOG, as up to Windows XP; LOG1 is absent
      new    Windows 8.1 on: entries in HIVE.LOG1
      split  the same; the first half of them in LOG2, which comes first
      cut    as new, and one entry more, which is damaged
      locked as new; transactions are open
      stale  logs as if from before HIVE was written
      torn   as new; HIVE's base block is only half there"""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "py"))
import hivelog_oracle as oracle  # noqa: E402

SEQ, TIME = 41, 132000000000000000
path, new, kind = sys.argv[1:]
hive, wanted = (bytearray(open(name, "rb").read()) for name in (path, new))
bins = len(wanted) - 4096
pages = [at for at in range(4096, len(wanted), 512) if hive[at:at + 512] != wanted[at:at + 512]]


def base(data, kind, seq1, seq2):
    block = bytearray(data[:512])
    struct.pack_into("<IIQ", block, 4, seq1, seq2, TIME)
    struct.pack_into("<I", block, 28, kind)
    if kind:
        struct.pack_into("<I", block, 40, bins)
    block[164:168] = b"rmtm"
    struct.pack_into("<I", block, 508, oracle.checksum(block))
    return bytes(block)


def entry(seq, at):
    body = struct.pack("<II", at - 4096, 512) + wanted[at:at + 512]
    body += bytes(-(40 + len(body)) % 512)
    head = struct.pack("<4sIIIIIQ", b"HvLE", 40 + len(body), kind == "locked", seq, bins, 1, oracle.marvin(body))
    return head + struct.pack("<Q", oracle.marvin(head)) + body


def entries(first, some):
    return base(hive, 6, first, first) + b"".join(entry(first + i, at) for i, at in enumerate(some))


def bitmap():
    bits = sum(1 << (at - 4096) // 512 for at in pages).to_bytes(bins // 4096, "little")
    log = base(hive, 1, SEQ, SEQ) + b"DIRT" + bits
    return log + bytes(-len(log) % 512) + b"".join(wanted[at:at + 512] for at in pages)


def save(suffix, data):
    with open(path + suffix, "wb") as f:
        f.write(data)


if kind in ("old", "xp"):
    save(".LOG1" if kind == "old" else ".LOG", bitmap())
elif kind == "split":
    half = len(pages) // 2
    assert half
    save(".LOG2", entries(SEQ - 1, pages[:half]))
    save(".LOG1", entries(SEQ - 1 + half, pages[half:]))
else:
    log = entries(SEQ - 1 - 30 * (kind == "stale"), pages)
    if kind == "cut":
        log += entry(SEQ - 1 + len(pages), 4096)[:-1] + b"x"
    save(".LOG1", log)
    save(".LOG2", b"")
hive[:512] = base(hive, 0, SEQ, SEQ - 1)
if kind == "torn":
    hive[256:512] = bytes(256)
save("", hive)
