#!/usr/bin/python3
"""Packs a disk image of at most 2 MB as unpack.h reads it: pack.py IMG OUT.

The corpora were made so (mk: a tree with etc/os-release, a link, /boot):
  truncate -s 256K fs; mke2fs -t ext4 -b 1024 -N 64 -O ^has_journal -d mk fs
  truncate -s 2M nt; mkntfs -F -c 4096 nt; ntfs-fill nt tree (with hives by mkhive.py)
ntfs-rw/corpus/clean: its $LogFile, 0xff, which is left out here, was replaced by two
restart pages (restart_page() of test-root-ntfs-refuse.c) and zeros: else it is unclean."""
import struct
import sys

image = open(sys.argv[1], "rb").read()
assert len(image) <= 2 << 20
upper = b"".join(struct.pack("<H", ord(chr(c).upper()) if c < 128 else c) for c in range(128))
out = b""
empty = (bytes(512), b"\xff" * 512)
sectors = [image[i:i + 512] for i in range(0, len(image), 512)]
at = 0
while at < len(sectors):
    if sectors[at].startswith(upper):  # $UpCase: 128 KB
        out += struct.pack("<HB", at, 255)
        at += 256
        continue
    n = 0
    while n < 200 and at + n < len(sectors) and sectors[at + n] not in empty \
            and not sectors[at + n].startswith(upper):
        n += 1
    if n:
        out += struct.pack("<HB", at, n) + b"".join(sectors[at:at + n])
    at += n or 1
open(sys.argv[2], "wb").write(out)
print(len(image), len(out))
