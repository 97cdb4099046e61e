"""Images for tests, written from docs/FORMAT.md alone, also such as Rehost's
own writer doesn't make: COMMIT records, pages that come again, uncompressed
indexes, features, and images that break one rule while all sums are right.

    im = Image(disk, [(0, 65536), (131072, 512)], chunk_size=65536)
    im.find(PAGE).edit = lambda body: body[:-1]    # the plain body, before sums
    im.find(CHUNK, 1).fields["aux"] = 7            # header fields
    data = im.bytes()
"""
import hashlib
import struct

import xxhash
import zstandard

MAGIC = b"\x89RHIr\r\n\x1a"
HEADER, META, CHUNK, PAGE, COMMIT, BAD, SUMMARY, ROOT, END, VOLUME = range(1, 11)
NONE, ZSTD, ZEROS, REFERENCE, PATCH = range(5)
HEAD = "<8sHBBIIIQQ16s32sI"
PAGE_CHUNKS = 1024


def digest(alg, data):
    return hashlib.sha256(data).digest() if alg == 1 else \
        hashlib.blake2b(data, digest_size=32).digest()


def sum32(data):
    return xxhash.xxh3_64_intdigest(data) & 0xFFFFFFFF


class Record:
    def __init__(self, kind, body=b"", aux=0, **fields):
        self.kind, self.body, self.aux = kind, body, aux
        self.codec, self.prefix, self.plain_len = NONE, b"", None
        self.fields, self.edit = dict(fields), None
        self.chunks, self.pages = [], []
        self.target, self.ref_edit = None, None

    def refer(self, image, plain):
        t = self.target
        ref = (0, len(t.body), getattr(t, "offset", 0), digest(image.alg, t.body))
        if self.ref_edit:
            ref = self.ref_edit(*ref)
        return struct.pack("<IIQ32s", *ref) + \
            (patch_frame(plain, t.body) if self.codec == PATCH else b"")

    def out(self, image, seq, offset):
        """The record's bytes; remembers what the index says of it."""
        plain = self.body(image, offset) if callable(self.body) else self.body
        if self.edit:
            plain = self.edit(plain)
        stored, codec = plain, self.codec
        if codec == ZSTD:
            stored = zstandard.ZstdCompressor(level=3).compress(plain)
            if len(stored) >= len(plain):
                stored, codec = plain, NONE
        elif codec == ZEROS:
            stored = b""
        elif codec in (REFERENCE, PATCH):
            stored = self.refer(image, plain)
        stored = self.prefix + stored
        f = {"magic": MAGIC, "type": self.kind, "codec": codec, "sealed": 0,
             "body_len": len(stored), "plain_len": len(plain),
             "map_count": len(self.prefix) // 4, "seq": seq, "aux": self.aux,
             "image_id": image.image_id, "hash": digest(image.alg, plain),
             "body_sum": sum32(stored)}
        f.update((k, v) for k, v in self.fields.items() if k != "head_sum")
        self.offset, self.said = offset, f
        head = struct.pack(HEAD, *f.values())
        head += struct.pack("<I", self.fields.get("head_sum", sum32(head)))
        return head + stored


def patch_frame(plain, prefix):
    raw = zstandard.ZstdCompressionDict(prefix, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    return zstandard.ZstdCompressor(level=3, dict_data=raw).compress(plain)


def page_body(rec):
    def make(_image, _offset):
        entries = maps = b""
        for c in rec.chunks:
            s = c.said
            entries += struct.pack("<IIQIIBB6x32s", c.aux % PAGE_CHUNKS, s["map_count"],
                                   c.offset, s["body_len"], s["plain_len"], s["codec"],
                                   c.flags, s["hash"])
            maps += c.prefix
        return struct.pack("<II", len(rec.chunks), len(maps) // 4) + entries + maps
    return make


class Image:
    def __init__(self, disk, ranges, chunk_size=65536, alg=1, zstd=False, sector=512,
                 bad=(), commits=(), late=(), refs=(), patches=(), must=0, may=0, meta=b'{"tool":"test"}',
                 summary=b'{"warnings":[]}', image_id=b"python image 012", created=1700000000):
        """commits: numbers of chunks behind which a PAGE (partial) and a
        COMMIT are written.  late: numbers of chunks that come after all others.
        refs, patches: { chunk: the one that it refers to, or is a patch of }."""
        self.alg, self.image_id, self.chunk_size = alg, image_id, chunk_size
        self.codec = ZSTD if zstd else NONE
        used = sum(n for _, n in ranges)
        end = max((o + n for o, n in ranges), default=0)
        header = struct.pack("<8sIIQQQIIQQQII16sII24x", b"REHOST\0\1", 1, chunk_size, must,
                             may, len(disk), sector, alg, used, end, created,
                             PAGE_CHUNKS, 0, b"", 0, 0)
        self.records = [Record(HEADER, header), self.compressed(Record(META, meta))]
        self.pages, self.epochs = {}, 0
        every = self.chunks(disk, ranges, bad)
        self.refer_to(every, dict(refs), REFERENCE)
        self.refer_to(every, dict(patches), PATCH)
        chunks = [c for c in every if c.aux not in late]
        for i, c in enumerate(chunks):
            self.records.append(c)
            last = i + 1 == len(chunks) or chunks[i + 1].aux // PAGE_CHUNKS != c.aux // PAGE_CHUNKS
            if last or c.aux in commits:
                self.add_page(chunks[:i + 1], c.aux // PAGE_CHUNKS)
            if c.aux in commits:
                self.add_commit(c.aux + 1, i + 1, bad)
        self.add_late(chunks, [c for c in every if c.aux in late])
        tail = b"".join(struct.pack("<QQ", o, n) for o, n in bad)
        self.records += [self.compressed(Record(BAD, tail)),
                         self.compressed(Record(SUMMARY, summary)),
                         Record(ROOT, self.root_body), Record(END, self.end_body)]
        # what was left out or moved later still has its say in the index
        self.all = list(self.records)
        self.bytes()    # then every record knows its place

    def compressed(self, rec):
        rec.codec = self.codec
        return rec

    def chunks(self, disk, ranges, bad):
        by_chunk = {}
        size = self.chunk_size
        for off, length in ranges:
            while length:
                n = min(length, size - off % size)
                by_chunk.setdefault(off // size, []).append((off, n))
                off, length = off + n, length - n
        out = []
        for number, parts in sorted(by_chunk.items()):
            c = Record(CHUNK, b"".join(disk[o:o + n] for o, n in parts), number)
            c.prefix = b"".join(struct.pack("<HH", o % size // 512, (n + 511) // 512)
                                for o, n in parts)
            c.codec = self.codec if any(c.body) else ZEROS
            c.flags = int(any(o < (number + 1) * size and o + n > number * size for o, n in bad))
            out.append(c)
        return out

    @staticmethod
    def refer_to(chunks, pairs, codec):
        by = {c.aux: c for c in chunks}
        for number, target in pairs.items():
            by[number].codec, by[number].target = codec, by[target]

    def add_late(self, there, late):
        for i, c in enumerate(late):
            self.records.append(c)
            page = c.aux // PAGE_CHUNKS
            if i + 1 == len(late) or late[i + 1].aux // PAGE_CHUNKS != page:
                self.add_page(sorted(there + late[:i + 1], key=lambda c: c.aux), page)

    def add_page(self, chunks, number):
        page = self.compressed(Record(PAGE, aux=number))
        page.chunks = [c for c in chunks if c.aux // PAGE_CHUNKS == number]
        page.body = page_body(page)
        self.pages[number] = page
        self.records.append(page)

    def add_commit(self, next_chunk, count, bad):
        pages = list(self.pages.values())
        so_far = b"".join(struct.pack("<QQ", o, min(n, next_chunk * self.chunk_size - o))
                          for o, n in bad if o < next_chunk * self.chunk_size)

        def body(_image, _offset):
            joined = b"".join(p.said["hash"] for p in pages)
            return struct.pack("<QIIQQ32s", next_chunk, self.epochs, 0, len(pages), 0,
                               digest(self.alg, joined)) + so_far
        self.records.append(Record(COMMIT, body, count))

    def root_body(self, _image, _offset):
        out = struct.pack("<II", len(self.pages), 0)
        for number, p in sorted(self.pages.items()):
            out += struct.pack("<QQIIQ32s", number, p.offset, p.said["body_len"],
                               p.said["plain_len"],
                               sum(c.said["plain_len"] for c in p.chunks), p.said["hash"])
        return out

    def end_body(self, _image, offset):
        by = {r.kind: r for r in self.all}
        joined = b"".join(by[k].said["hash"] for k in (HEADER, META, BAD, SUMMARY, ROOT))
        return struct.pack("<8sQQQQQQQ32s", b"RHI-END\1", offset + 192, by[META].offset,
                           by[BAD].offset, by[SUMMARY].offset, by[ROOT].offset,
                           sum(r.kind == CHUNK for r in self.records), 0,
                           digest(self.alg, b"rehost-root-1\0\0\0" + joined))

    def find(self, kind, which=0):
        return [r for r in self.records if r.kind == kind][which]

    def bytes(self):
        out = b""
        for seq, r in enumerate(self.records):
            out += r.out(self, seq, len(out))
        return out
