#!/usr/bin/python3
"""lvmtool.py: physical volumes of LVM2 in files, judged by LVM's own report (lvs.json,
pvs.json, places: lvm.sh), and changed.

  lvmtool.py put DISK LV FILE       FILE's bytes to the logical volume
  lvmtool.py get DISK LV FILE       the volume's bytes to FILE
  lvmtool.py judge DISK MAP [LV=MAP...]
                 is MAP of DISK exactly: what is no extent, of each LV named what its
                 own MAP has (of the volume by itself), all of the other volumes?
  lvmtool.py text PV                the metadata of the group
  lvmtool.py edit PV OLD NEW...     changes it; checksums are made right
  lvmtool.py make PV SIZE TEXT      a physical volume with this text, without LVM
  lvmtool.py poke PV OFFSET HEX     bytes; checksums of label and header made right"""
import binascii
import json
import mmap
import os
import re
import struct
import sys

MAGIC = b" LVM2 x[5A%r0N*>"
SECTOR = 512


def crc(data):
    return binascii.crc32(data, 0xf597a6cf ^ 0xffffffff) ^ 0xffffffff


# ---- LVM's report

def load():
    places = dict(w.split("=") for w in open("places").read().split())
    pvs = {}
    for p in json.load(open("pvs.json"))["report"][0]["pv"]:
        pvs[p["pv_name"]] = dict(
            start=int(places[p["pv_name"]]), at=int(p["pe_start"]), n=int(p["pv_pe_count"]),
            extent=int(p["vg_extent_size"] or 0), size=int(p["dev_size"]))
    return pvs, json.load(open("lvs.json"))["report"][0]["lv"]


def runs(pvs, lv):
    """(offset in the volume, offset on the disk, length) of an LV, byte runs."""
    found = []
    for s in lv:
        areas = []
        for word in s["seg_pe_ranges"].split():
            m = re.match(r"(/dev/\w+):(\d+)-(\d+)$", word)
            if m:
                p = pvs[m[1]]
                areas.append((p["start"] + p["at"] + int(m[2]) * p["extent"],
                              (int(m[3]) + 1 - int(m[2])) * p["extent"]))
        at = int(s["seg_start"])
        if len(areas) < 2:
            found += [(at, a, n) for a, n in areas]
            continue
        chunk = int(s["stripe_size"])
        for row in range(0, areas[0][1], chunk):
            for a, _ in areas:
                found.append((at, a + row, chunk))
                at += chunk
    return found


def segments(lvs, name):
    found = [s for s in lvs if s["lv_name"].strip("[]") == name]
    if not found:
        sys.exit("LVM knows no volume " + name)
    return sorted(found, key=lambda s: int(s["seg_start"]))


def put(disk, name, path):
    pvs, lvs = load()
    data = open(path, "rb").read()
    with open(disk, "r+b") as f:
        for at, off, n in runs(pvs, segments(lvs, name)):
            f.seek(off)
            f.write(data[at:at + n])


def get(disk, name, path):
    pvs, lvs = load()
    with open(disk, "rb") as f, open(path, "wb") as out:
        for at, off, n in runs(pvs, segments(lvs, name)):
            f.seek(off)
            out.seek(at)
            out.write(f.read(n))


def extents(path):
    return [(int(f[1]), int(f[1]) + int(f[2])) for f in map(str.split, open(path)) if f[0] == "extent"]


def judge(disk, path, *inner):
    pvs, lvs = load()
    want = bytearray(os.path.getsize(disk) // SECTOR)
    mine = bytearray(len(want))

    def mark(where, s, e):
        where[s // SECTOR:e // SECTOR] = b"\1" * (e // SECTOR - s // SECTOR)
    inner = dict(w.split("=") for w in inner)
    for p in pvs.values():
        end = p["at"] + p["n"] * p["extent"]
        mark(want, p["start"], p["start"] + p["at"])
        mark(want, p["start"] + end, p["start"] + p["size"])
    for name in {s["lv_name"].strip("[]") for s in lvs}:
        used = extents(inner[name]) if name in inner else [(0, 1 << 60)]
        for at, off, n in runs(pvs, segments(lvs, name)):
            for s, e in used:
                s, e = max(s, at), min(e, at + n)
                if s < e:
                    mark(want, off + s - at, off + e - at)
    for s, e in extents(path):
        mark(mine, s, e)
    for p in pvs.values():  # not what lies around the volumes
        for i in range(p["start"] // SECTOR, (p["start"] + p["size"]) // SECTOR):
            if want[i] != mine[i]:
                sys.exit("sector %d is %sin the map" % (i, "not " if want[i] else ""))
    print("as LVM says: %d of %d sectors" % (sum(mine), len(mine)))


# ---- the bytes on disk

def label_at(data):
    return next(i for i in range(0, 4 * SECTOR, SECTOR) if data[i:i + 8] == b"LABELONE")


def areas(data):
    at = label_at(data)
    p = at + struct.unpack_from("<I", data, at + 20)[0] + 40
    lists = []
    for _ in range(2):
        lists.append([])
        while struct.unpack_from("<Q", data, p)[0]:
            lists[-1].append(struct.unpack_from("<QQ", data, p))
            p += 16
        p += 16
    return lists[1]


def seal(data):
    at = label_at(data)
    struct.pack_into("<I", data, at + 16, crc(bytes(data[at + 20:at + SECTOR])))
    for start, _ in areas(data):
        if start + SECTOR <= len(data):
            struct.pack_into("<I", data, start, crc(bytes(data[start + 4:start + SECTOR])))


def read_text(data, start, size):
    off, n = struct.unpack_from("<QQ", data, start + 40)
    ring = bytes(data[start + SECTOR:start + size])
    return (ring + ring)[off - SECTOR:off - SECTOR + n].rstrip(b"\0")


def write_text(data, start, size, text, at=SECTOR):
    """at: where in the area; it goes round its end."""
    text += b"\0"
    room = size - SECTOR
    for i in range(0, len(text)):
        data[start + SECTOR + (at - SECTOR + i) % room] = text[i]
    struct.pack_into("<QQII", data, start + 40, at, len(text), crc(text), 0)


def make(path, size, text):
    open(path, "wb").truncate(int(size))
    data, start, area = opened(path), 4096, (1 << 20) - 4096
    uuid = re.search(rb'pv0 \{\s*id = "([^"]*)"', text)[1].replace(b"-", b"")
    struct.pack_into("<8sQII8s", data, SECTOR, b"LABELONE", 1, 0, 32, b"LVM2 001")
    struct.pack_into("<32sQ4Q4Q2I2Q", data, SECTOR + 32, uuid, len(data), 1 << 20, 0, 0, 0,
                     start, area, 0, 0, 2, 1, 0, 0)
    struct.pack_into("<I16sIQQ", data, start, 0, MAGIC, 1, start, area)
    write_text(data, start, area, text, area - 300)
    seal(data)


def opened(path):
    with open(path, "r+b") as f:
        return mmap.mmap(f.fileno(), 0)


def main():
    what, path, *a = sys.argv[1:]
    if what in ("put", "get", "judge"):
        return globals()[what](path, *a)
    if what == "make":
        return make(path, a[0], open(a[1], "rb").read())
    data = opened(path)
    if what == "text":
        return sys.stdout.write(read_text(data, *areas(data)[0]).decode())
    if what == "poke":
        b = bytes.fromhex(a[1])
        data[int(a[0]):int(a[0]) + len(b)] = b
    for start, size in areas(data) if what == "edit" else ():
        text = read_text(data, start, size)
        for old, new in zip(a[::2], a[1::2]):
            if old.encode() not in text:
                sys.exit("%s: no \"%s\" in: %s" % (path, old, text.decode()))
            text = text.replace(old.encode(), new.encode(), 1)
        write_text(data, start, size, text)
    seal(data)


if __name__ == "__main__":
    main()
