#!/usr/bin/python3
"""A second reader of .rhi images, written from docs/FORMAT.md alone.  Slow and
strict: whatever breaks a rule of that text is refused with Bad.

    rhi_reader.py info IMAGE                  JSON
    rhi_reader.py restore IMAGE DISK          every record, front to back
    rhi_reader.py read IMAGE OFFSET LENGTH    through the index, to stdout

An encrypted one needs $REHOST_PASSPHRASE.
"""
import hashlib
import hmac
import io
import json
import os
import struct
import sys

import xxhash
import zstandard

MAGIC = b"\x89RHIr\r\n\x1a"
HEADER, META, CHUNK, PAGE, COMMIT, BAD, SUMMARY, ROOT, END, VOLUME = range(1, 11)
NAMES = "record header meta chunk page commit bad summary root end volume".split()
NONE, ZSTD, ZEROS, REFERENCE, PATCH = range(5)
MUST = {0: "encrypted", 1: "base", 2: "split", 3: "dedup", 4: "reserved"}
PARTIAL = 1 << 5
MIB = 1 << 20
UNIT = 512
PAGE_CHUNKS = 1024


class Bad(Exception):
    """The image breaks the format's rules."""


class Unsupported(Exception):
    """The image has a feature that isn't implemented here."""


def need(condition, text):
    if not condition:
        raise Bad(text)


def sum32(data):
    return xxhash.xxh3_64_intdigest(data) & 0xFFFFFFFF


class Head:
    """A record header (2.1)."""

    def __init__(self, raw, offset):
        need(len(raw) == 96, f"offset {offset}: the file ends inside a record header")
        (magic, self.type, self.codec, self.sealed, self.body_len, self.plain_len, self.map_count,
         self.seq, self.aux, self.image_id, self.hash, self.body_sum,
         head_sum) = struct.unpack("<8sHBBIIIQQ16s32sII", raw)
        self.offset = offset
        need(magic == MAGIC, f"offset {offset}: no record magic")
        need(head_sum == sum32(raw[:0x5C]), f"offset {offset}: head_sum")
        need(HEADER <= self.type <= VOLUME, f"offset {offset}: type {self.type}")
        self.where = f"{NAMES[self.type]} at {offset}"
        need(self.sealed <= 1, f"{self.where}: sealed")
        self.context = raw[:0x18] + bytes(8) + raw[0x20:0x58] + bytes(8)
        need(self.codec <= PATCH, f"{self.where}: codec {self.codec}")
        need(self.body_len <= 40 * MIB and self.plain_len <= 32 * MIB, f"{self.where}: too long")
        need(self.type == CHUNK or self.codec <= ZSTD, f"{self.where}: codec of a chunk")
        need(self.type == CHUNK or self.map_count == 0, f"{self.where}: map_count")
        need(self.type in (CHUNK, PAGE, COMMIT, VOLUME) or self.aux == 0, f"{self.where}: aux")
        if self.type in (HEADER, COMMIT, ROOT, END):
            need(self.codec == NONE, f"{self.where}: is compressed")


class Params:
    """HEADER's body (2.2)."""

    def __init__(self, body):
        need(len(body) == 128, "header: length")
        (ident, version, self.chunk_size, self.must, self.may, self.disk_size, self.sector_size,
         self.hash_alg, self.used_bytes, self.used_end, self.created, page_chunks, zero, salt,
         ops, mem, zeros) = struct.unpack("<8sIIQQQIIQQQII16sII24s", body)
        need(ident == b"REHOST\0\1", "header: ident")
        if version != 1:
            raise Unsupported(f"format version {version}")
        for bit in range(64):
            if self.must >> bit & 1 and bit not in (0, 1, 2, 3, 5):
                raise Unsupported(MUST.get(bit, f"feature {bit}"))
        c = self.chunk_size
        need(64 * 1024 <= c <= 4 * MIB and c & (c - 1) == 0, "header: chunk_size")
        need(self.sector_size in (512, 4096), "header: sector_size")
        need(self.hash_alg in (1, 2), "header: hash_alg")
        need(page_chunks == PAGE_CHUNKS, "header: page_chunks")
        need(zero == 0 and not any(zeros), "header: zero")
        self.encrypted, self.key = self.must & 1, None
        self.body, self.salt, self.ops, self.mem = body, salt, ops, mem
        if self.encrypted:
            need(1 <= ops <= 16 and 8 <= mem <= MIB, "header: kdf")
        else:
            need(not any(salt) and ops == mem == 0, "header: zero")
        need(self.used_bytes <= self.used_end <= self.disk_size, "header: used")

    def give_key(self, key):
        self.key = key
        self.hash_key = hashlib.blake2b(key=key, salt=struct.pack("<Q", 1),
                                        person=b"rhi-hash", digest_size=32).digest()

    def open_key(self, meta):
        """The data key, from META's body as stored (6.1)."""
        import nacl.bindings as na
        import nacl.exceptions
        outer = na.crypto_pwhash_alg(32, os.environb.get(b"REHOST_PASSPHRASE", b""), self.salt,
                                     self.ops, self.mem * 1024, na.crypto_pwhash_ALG_ARGON2ID13)
        try:
            self.give_key(na.crypto_aead_xchacha20poly1305_ietf_decrypt(
                meta[24:72], self.body, meta[:24], outer))
        except nacl.exceptions.CryptoError as e:
            raise Bad("passphrase: wrong") from e

    def unseal(self, head, body):
        import nacl.bindings as na
        import nacl.exceptions
        if head.type == META:
            if not self.key:
                self.open_key(body[:72])
            body = body[72:]
        need(len(body) >= 40, f"{head.where}: too short for a seal")
        try:
            return na.crypto_aead_xchacha20poly1305_ietf_decrypt(
                body[24:], head.context, body[:24], self.key)
        except nacl.exceptions.CryptoError as e:
            raise Bad(f"{head.where}: its seal is broken") from e

    def H(self, data, keyed=True):
        if self.key and keyed:
            if self.hash_alg == 1:
                return hmac.digest(self.hash_key, data, "sha256")
            return hashlib.blake2b(data, digest_size=32, key=self.hash_key).digest()
        if self.hash_alg == 1:
            return hashlib.sha256(data).digest()
        return hashlib.blake2b(data, digest_size=32).digest()

    def ranges(self, number, units):
        """A map's disk ranges; checks the rules of 3."""
        size, at, out = self.chunk_size, -1, []
        need(units, f"chunk {number}: no map")
        for start, count in units:
            need(count and start > at and start + count <= size // UNIT, f"chunk {number}: map")
            at = start + count
            begin = number * size + start * UNIT
            end = number * size + at * UNIT
            need(end - UNIT < self.disk_size, f"chunk {number}: map behind the disk's end")
            out.append((begin, min(end, self.disk_size) - begin))
        return out


def unzstd(data, plain_len, where, prefix=None):
    """One frame, with its content size, nothing behind it."""
    try:
        need(zstandard.frame_content_size(data) == plain_len, f"{where}: frame's content size")
        raw = prefix and zstandard.ZstdCompressionDict(
            prefix, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
        d = zstandard.ZstdDecompressor(dict_data=raw or None, max_window_size=1 << 27).decompressobj()
        plain = d.decompress(data)
    except zstandard.ZstdError as e:
        raise Bad(f"{where}: {e}") from e
    need(d.eof and not d.unused_data, f"{where}: not one frame")
    need(len(plain) == plain_len, f"{where}: plain_len")
    return plain


def unpack(head, body, params):
    """A record's plain body; of a CHUNK its data, and head.units."""
    where, data = head.where, body
    need(len(body) == head.body_len, f"{where}: cut off")
    need(sum32(body) == head.body_sum, f"{where}: body_sum")
    sealable = head.type not in (HEADER, VOLUME, END)
    need(head.sealed == (params.encrypted if sealable else 0), f"{where}: sealed")
    if head.sealed:
        body = data = params.unseal(head, body)
    if head.type == CHUNK:
        n = head.map_count
        need(n and 4 * n <= len(body), f"{where}: map_count")
        head.units = list(struct.iter_unpack("<HH", body[:4 * n]))
        head.ranges = params.ranges(head.aux, head.units)
        need(sum(length for _, length in head.ranges) == head.plain_len, f"{where}: plain_len")
        data = body[4 * n:]
    if head.codec in (REFERENCE, PATCH):
        need(params.must & 0b1010, f"{where}: a reference without BASE or DEDUP")
        plain = params.bases.resolve(head, data)
    elif head.codec == ZEROS:
        need(not data, f"{where}: zeros with data")
        plain = bytes(head.plain_len)
    elif head.codec == ZSTD:
        plain = unzstd(data, head.plain_len, where)
    else:
        need(len(data) == head.plain_len, f"{where}: lengths")
        plain = data
    need(params.H(plain, sealable) == head.hash, f"{where}: hash")
    return plain


class Files:
    """The image (0) and its bases (1...): where references lead (3, 4.3)."""

    def __init__(self, f, image_id, params, listed, top=None):
        self.f, self.image_id, self.params, self.top = f, image_id, params, top or self
        self.listed, self.members = listed, {image_id: self}
        params.bases = self

    def open_bases(self, path):
        for b in self.listed:
            found = [n for n in sorted(os.listdir(os.path.dirname(path) or "."))
                     if n.endswith(".rhi") and self.is_it(os.path.join(os.path.dirname(path), n), b)]
            need(found, f"base {b['name']}: not found")
            name = os.path.join(os.path.dirname(path), found[0])
            im = Image(opened(name), key=bytes.fromhex(b["key"]) if "key" in b else None)
            need(im.end.digest.hex() == b["digest"], f"base {b['name']}: digest")
            self.members[im.image_id] = Files(im.f, im.image_id, im.params,
                                              im.meta.get("bases", []), self)

    @staticmethod
    def is_it(path, b):
        with open(path, "rb") as f:
            return f.read(96)[0x28:0x38].hex() == b["image_id"]

    def target(self, data):
        """What 48 bytes lead to: whose record it is, its head, its body's data."""
        number, plain_len, offset, digest = struct.unpack("<IIQ32s", data)
        need(number <= len(self.listed), "reference: file")
        wanted = bytes.fromhex(self.listed[number - 1]["image_id"]) if number else self.image_id
        need(wanted in self.top.members, "reference: a base that isn't listed")
        it = self.top.members[wanted]
        need(offset + 96 <= it.f.seek(0, 2), "reference: behind the file's end")
        it.f.seek(offset)
        head = Head(it.f.read(96), offset)
        need(head.type == CHUNK and head.image_id == it.image_id and head.plain_len == plain_len,
             f"{head.where}: isn't the chunk that is referred to")
        need(it.params.chunk_size == self.top.params.chunk_size, "reference: chunk size")
        body = it.f.read(head.body_len)
        need(sum32(body) == head.body_sum, f"{head.where}: body_sum")
        if head.sealed:
            body = it.params.unseal(head, body)
        return it, head, body[4 * head.map_count:], digest

    def plain(self, head, data):
        need(head.codec in (NONE, ZSTD), f"{head.where}: has no content of its own")
        return data if head.codec == NONE else unzstd(data, head.plain_len, head.where)

    def resolve(self, head, data):
        at = self.f.tell()
        owner, target, digest = self, head, head.hash
        if head.codec == REFERENCE:
            need(len(data) == 48, f"{head.where}: length")
            owner, target, data, digest = self.target(data)
            need(target.codec != REFERENCE, f"{target.where}: a reference to a reference")
            need(digest == head.hash and target.plain_len == head.plain_len, f"{head.where}: hash")
        if target.codec == PATCH:
            need(len(data) > 48, f"{target.where}: length")
            it, full, inner, digest = owner.target(data[:48])
            prefix = it.plain(full, inner)
            need(owner is not self or self.params.H(prefix) == digest, f"{full.where}: hash")
            plain = unzstd(data[48:], head.plain_len, target.where, prefix)
        else:
            plain = owner.plain(target, data)
        self.f.seek(at)
        return plain


class Entry:
    """One chunk of a PAGE (4.1)."""

    def __init__(self, raw, page):
        (chunk, self.map_count, self.offset, self.body_len, self.plain_len, self.codec,
         self.flags, zero, self.hash) = struct.unpack("<IIQIIBB6s32s", raw)
        need(chunk < PAGE_CHUNKS and not any(zero) and self.flags <= 1, f"page {page}: entry")
        self.chunk = page * PAGE_CHUNKS + chunk

    def same(self, head):
        """Is it what the CHUNK record says?"""
        return (self.chunk, self.map_count, self.offset, self.body_len, self.plain_len, self.codec,
                self.hash) == (head.aux, head.map_count, head.offset, head.body_len,
                               head.plain_len, head.codec, head.hash)


def page_entries(body, page, params):
    need(len(body) >= 8, f"page {page}: length")
    n, maps = struct.unpack("<II", body[:8])
    need(1 <= n <= PAGE_CHUNKS and len(body) == 8 + 64 * n + 4 * maps, f"page {page}: counts")
    entries = [Entry(body[8 + 64 * i:72 + 64 * i], page) for i in range(n)]
    units = list(struct.iter_unpack("<HH", body[8 + 64 * n:]))
    need(sum(e.map_count for e in entries) == maps, f"page {page}: map_total")
    for a, b in zip(entries, entries[1:]):
        need(a.chunk < b.chunk, f"page {page}: order")
    for e in entries:
        e.units, units = units[:e.map_count], units[e.map_count:]
        e.ranges = params.ranges(e.chunk, e.units)
        need(sum(length for _, length in e.ranges) == e.plain_len, f"page {page}: plain_len")
    return entries


def root_entries(body, params):
    need(len(body) >= 8, "root: length")
    n, zero = struct.unpack("<II", body[:8])
    need(zero == 0 and len(body) == 8 + 64 * n, "root: counts")
    rows = [struct.unpack("<QQIIQ32s", body[8 + 64 * i:72 + 64 * i]) for i in range(n)]
    for a, b in zip(rows, rows[1:]):
        need(a[0] < b[0], "root: order")
    need(sum(r[4] for r in rows) == params.used_bytes, "root: used_bytes")
    return rows


class EndBody:
    """END's body (4.4)."""

    def __init__(self, body):
        need(len(body) == 96, "end: length")
        (ident, self.file_len, self.meta, self.bad, self.summary, self.root, self.chunks, zero,
         self.digest) = struct.unpack("<8sQQQQQQQ32s", body)
        need(ident == b"RHI-END\1" and zero == 0, "end: ident")


def root_digest(params, heads):
    return params.H(b"rehost-root-1\0\0\0" + b"".join(
        heads[k].hash for k in (HEADER, META, BAD, SUMMARY, ROOT)))


def json_object(body, what):
    need(len(body) <= 16 * MIB, f"{what}: longer than 16 MiB")
    try:
        d = json.loads(body)
    except ValueError as e:
        raise Bad(f"{what}: {e}") from e
    need(isinstance(d, dict), f"{what}: not an object")
    return d


def partial_meta(meta, params):
    """2.3, 2.4: which partitions are in it, and nothing of the others is."""
    only, regions = meta.get("only"), meta.get("map", [])
    need((only is not None) == bool(params.must & PARTIAL), "meta: only")
    out = [r for r in regions if r.get("left_out")]
    need(bool(out) == (only is not None), "meta: left_out")
    need(all(r["used"] == 0 for r in out), "meta: a region that was left out is used")
    need(not {f"partition {n}" for n in only or ()} & {r["what"] for r in out},
         "meta: a partition is in it and left out")


def bad_ranges(body, params):
    need(len(body) % 16 == 0, "bad: length")
    out, at = list(struct.iter_unpack("<QQ", body)), 0
    for off, length in out:
        need(off >= at and length and off + length <= params.disk_size, "bad: order")
        at = off + length
    return out


def first_record(f, params=None):
    head = Head(f.read(96), 0)
    need(head.type == HEADER and head.seq == 0, "the file doesn't begin with a header")
    body = f.read(head.body_len)
    need(sum32(body) == head.body_sum, "header: body_sum")
    params = Params(body)
    unpack(head, body, params)
    return head, params


class Image:
    """Random access (4): opens with the end, checks against the root digest."""

    def __init__(self, f, key=None, path=None):
        self.f = f
        head, self.params = first_record(f)
        if key:
            self.params.give_key(key)
        f.seek(0, 2)
        size = f.tell()
        need(size >= 224 + 192, "no end: not complete")
        f.seek(size - 192)
        end_head = Head(f.read(96), size - 192)
        need(end_head.type == END and end_head.image_id == head.image_id, "no end: not complete")
        self.image_id = head.image_id
        self.end = end = EndBody(unpack(end_head, f.read(96), self.params))
        need(end.file_len == size, "end: file_len")
        self.heads = {HEADER: head}
        self.meta = json_object(self.load(end.meta, META), "meta")
        self.files = Files(f, head.image_id, self.params, self.meta.get("bases", []))
        if path:
            self.files.open_bases(path)
        partial_meta(self.meta, self.params)
        bad = self.load(end.bad, BAD)
        self.summary = json_object(self.load(end.summary, SUMMARY), "summary")
        root = self.load(end.root, ROOT)
        need(root_digest(self.params, self.heads) == end.digest, "end: digest")
        self.bad = bad_ranges(bad, self.params)
        self.root = root_entries(root, self.params)

    def load(self, offset, kind, aux=0):
        self.f.seek(offset)
        head = Head(self.f.read(96), offset)
        need(head.type == kind and head.aux == aux and head.image_id == self.image_id,
             f"{head.where}: isn't the {NAMES[kind]} that should be there")
        self.heads[kind] = head
        return unpack(head, self.f.read(head.body_len), self.params)

    def pages(self):
        for page, offset, body_len, plain_len, used, digest in self.root:
            body = self.load(offset, PAGE, page)
            head = self.heads[PAGE]
            need((head.body_len, head.plain_len, head.hash) == (body_len, plain_len, digest),
                 f"{head.where}: isn't what root says")
            entries = page_entries(body, page, self.params)
            need(sum(e.plain_len for e in entries) == used, f"{head.where}: used_bytes")
            yield page, entries

    def content(self, entry):
        plain = self.load(entry.offset, CHUNK, entry.chunk)
        need(entry.same(self.heads[CHUNK]) and self.heads[CHUNK].units == entry.units,
             f"chunk {entry.chunk}: isn't what the index says")
        return plain

    def read(self, offset, length):
        need(offset + length <= self.params.disk_size, "read: behind the disk's end")
        out, size = bytearray(length), self.params.chunk_size
        first, last = offset // size, (offset + length - 1) // size
        for page, entries in self.pages():
            if not first // PAGE_CHUNKS <= page <= last // PAGE_CHUNKS:
                continue
            for e in entries:
                if first <= e.chunk <= last:
                    self.copy(e, offset, out)
        return bytes(out)

    def copy(self, e, offset, out):
        plain, at = self.content(e), 0
        for begin, length in e.ranges:
            lo, hi = max(begin, offset), min(begin + length, offset + len(out))
            if lo < hi:
                out[lo - offset:hi - offset] = plain[at + lo - begin:at + hi - begin]
            at += length


class Walk:
    """All records, front to back (1, 4.4, 5); `put` gets the disk's bytes."""

    def __init__(self, f, put, path=None):
        self.f, self.put, self.path = f, put, path
        head, self.params = first_record(f)
        self.heads, self.chunks, self.pages = {HEADER: head}, [], {}
        self.paged, self.seq, self.rank, self.used_end, self.epoch = 0, 0, 1, 0, 0
        self.late = None
        self.image_id = head.image_id
        while self.rank < 7:
            self.record()
        need(not f.read(1), "bytes behind end")

    def record(self):
        rank = {META: 2, CHUNK: 3, PAGE: 3, COMMIT: 3, BAD: 4, SUMMARY: 5, ROOT: 6, END: 7}
        raw = self.f.read(96)
        offset = self.f.tell() - len(raw)
        need(raw, "no end: not complete")
        head = Head(raw, offset)
        self.seq += 1
        need(head.image_id == self.image_id, f"{head.where}: image_id")
        need(head.seq == self.seq, f"{head.where}: seq")
        r = rank.get(head.type, 0)
        need(r == self.rank + 1 or r == self.rank == 3 or (r, self.rank) == (4, 2),
             f"{head.where}: out of order")
        self.rank = r
        body = unpack(head, self.f.read(head.body_len), self.params)
        if head.type not in (CHUNK, PAGE, COMMIT):
            self.heads[head.type] = head
        getattr(self, "on_" + NAMES[head.type])(head, body)

    def on_meta(self, _head, body):
        meta = json_object(body, "meta")
        files = Files(self.f, self.image_id, self.params, meta.get("bases", []))
        if self.path:
            files.open_bases(self.path)

    def on_summary(self, _head, body):
        json_object(body, "summary")

    def on_chunk(self, head, plain):
        if self.chunks:
            last = self.chunks[-1].aux
            if self.late is None and head.aux < last:
                need(self.paged == len(self.chunks), f"{head.where}: page missing before it")
                self.late = len(self.chunks)
            elif self.late is None:
                need(head.aux > last, f"{head.where}: chunks not ascending")
            need(all(c.aux != head.aux for c in self.chunks), f"{head.where}: comes again")
            need(self.paged == len(self.chunks) or head.aux // PAGE_CHUNKS == last // PAGE_CHUNKS,
                 f"{head.where}: page missing before it")
        at = 0
        for begin, length in head.ranges:
            self.put(begin, plain[at:at + length])
            at += length
            self.used_end = max(self.used_end, begin + length)
        self.chunks.append(head)

    def on_page(self, head, body):
        entries = page_entries(body, head.aux, self.params)
        seen = sorted((c for c in self.chunks if c.aux // PAGE_CHUNKS == head.aux),
                      key=lambda c: c.aux)
        need(len(seen) == len(entries), f"{head.where}: other chunks than there are")
        for e, c in zip(entries, seen):
            need(e.same(c) and e.units == c.units, f"{head.where}: chunk {e.chunk} differs")
        if self.late is None:
            need(not self.pages or max(self.pages) <= head.aux, f"{head.where}: out of order")
        else:
            need(self.paged < len(self.chunks) and self.chunks[-1].aux // PAGE_CHUNKS == head.aux,
                 f"{head.where}: no late chunk before it")
        head.entries, self.paged = entries, len(self.chunks)
        self.pages[head.aux] = head

    def on_commit(self, head, body):
        need(len(body) >= 64, "commit: length")
        next_chunk, epoch, zero, pages, zero2, digest = struct.unpack("<QIIQQ32s", body[:64])
        bad_ranges(body[64:], self.params)
        joined = b"".join(p.hash for _, p in sorted(self.pages.items()))
        need(zero == zero2 == 0 and epoch >= self.epoch, f"{head.where}: fields")
        need(head.aux == len(self.chunks) == self.paged, f"{head.where}: number of chunks")
        need(pages == len(self.pages) and digest == self.params.H(joined), f"{head.where}: pages")
        need(not self.chunks or next_chunk > self.chunks[-1].aux, f"{head.where}: next_chunk")
        self.epoch = epoch

    def on_bad(self, _head, body):
        need(self.paged == len(self.chunks), "bad: a page is missing before it")
        self.bad = bad_ranges(body, self.params)
        used = [r for c in self.chunks for r in c.ranges]
        for off, length in self.bad:
            inside = sum(max(0, min(off + length, b + n) - max(off, b)) for b, n in used)
            need(inside == length, "bad: not inside the used map")
        for p in self.pages.values():
            for e in p.entries:
                touched = any(off < b + n and b < off + length
                              for off, length in self.bad for b, n in e.ranges)
                need(e.flags == touched, f"chunk {e.chunk}: flags")

    def on_root(self, _head, body):
        rows = [(n, p.offset, p.body_len, p.plain_len, sum(e.plain_len for e in p.entries), p.hash)
                for n, p in sorted(self.pages.items())]
        need(root_entries(body, self.params) == rows, "root: isn't what the pages are")

    def on_end(self, head, body):
        end = EndBody(body)
        h = self.heads
        need(end.file_len == head.offset + 192, "end: file_len")
        need((end.meta, end.bad, end.summary, end.root) ==
             tuple(h[k].offset for k in (META, BAD, SUMMARY, ROOT)), "end: offsets")
        need(end.chunks == len(self.chunks), "end: chunks")
        need(self.used_end == self.params.used_end, "header: used_end")
        need(end.digest == root_digest(self.params, h), "end: digest")
        self.end = end


def opened(path):
    """The image's bytes; of a split one all volumes' without their records (7)."""
    f = open(path, "rb")
    try:
        head, params = first_record(f)
    except Exception:
        f.close()
        raise
    f.seek(0)
    if not params.must >> 2 & 1:
        return f
    with f:
        data, number = f.read(), 1
    while os.path.exists(name := f"{path}.{number:03}"):
        with open(name, "rb") as f:
            v = Head(f.read(96), 0)
            body = f.read(v.body_len)
            need(v.type == VOLUME and v.aux == number and v.seq == 0 and
                 v.image_id == head.image_id and len(body) == 32, f"{name}: not that volume")
            need(v.codec == NONE and v.hash == params.H(unpack(v, body, params), False),
                 f"{name}: hash")
            need(body == struct.pack("<Q24x", len(data)), f"{name}: logical offset")
            data += f.read()
        number += 1
    return io.BytesIO(data)


def info(path):
    with opened(path) as f:
        im = Image(f, path=path)
        return {"disk_size": im.params.disk_size, "used_bytes": im.params.used_bytes,
                "sector_size": im.params.sector_size, "chunk_size": im.params.chunk_size,
                "hash_alg": im.params.hash_alg, "created": im.params.created,
                "image_id": im.image_id.hex(), "digest": im.end.digest.hex(),
                "chunks": im.end.chunks, "bad": im.bad, "meta": im.meta, "summary": im.summary}


def restore(path, out):
    with opened(path) as f, open(out, "wb") as disk:
        def put(offset, data):
            disk.seek(offset)
            disk.write(data)
        disk.truncate(Walk(f, put, path).params.disk_size)


def read(path, offset, length):
    with opened(path) as f:
        return Image(f, path=path).read(offset, length)


def main(argv):
    try:
        if argv[:1] == ["info"] and len(argv) == 2:
            print(json.dumps(info(argv[1]), indent=1))
        elif argv[:1] == ["restore"] and len(argv) == 3:
            restore(argv[1], argv[2])
        elif argv[:1] == ["read"] and len(argv) == 4:
            sys.stdout.buffer.write(read(argv[1], int(argv[2]), int(argv[3])))
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except (Bad, Unsupported, OSError) as e:
        print(f"rhi_reader.py: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
