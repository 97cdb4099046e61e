"""Two readers and two writers that share nothing but docs/FORMAT.md: what
either writes both must read alike, and what breaks a rule both must refuse."""
import ctypes
import hashlib
import os
import random
import struct
import subprocess

import pytest
import rhi_reader
import rhi_writer as w
from rhi_writer import (BAD, CHUNK, COMMIT, END, HEADER, META, NONE, PAGE, REFERENCE, ROOT,
                        SUMMARY, VOLUME, ZEROS)

B = os.environ.get("REHOST_B", "build")
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
IMGTOOL = os.path.join(B, "tests", "tools", "imgtool")
KIB = 1024


def imgtool(*args, **env):
    return subprocess.run([IMGTOOL, *map(str, args)], capture_output=True, timeout=120,
                          env={**os.environ, **env}, check=False)


def noise(n, seed):
    return random.Random(seed).randbytes(n)


def make_disk(size, seed):
    """Random, zero and compressible stretches."""
    r, out = random.Random(seed), bytearray()
    while len(out) < size:
        n = 512 * r.randint(1, 300)
        out += r.choice([bytes(n), r.randbytes(n), (b"%06d" % r.randrange(10**6)) * (n // 6)])
    return bytes(out[:size])


def make_ranges(size, kind, seed):
    r = random.Random(seed)
    if kind == "full":
        return [(0, size)] if size else []
    if kind == "none":
        return []
    if kind == "every-second":
        return [(o, min(512, size - o)) for o in range(0, size, 1024)]
    out, at = [], 512 * r.randrange(3)
    while at < size:
        n = 512 * (1 + r.randrange(1 << r.randrange(10)))
        out.append((at, min(n, size - at)))
        at += n + 512 * (1 + r.randrange(1 << r.randrange(11)))
    return out


def content(disk, ranges):
    """The disk as a restore to zeros gives it."""
    out = bytearray(len(disk))
    for o, n in ranges:
        out[o:o + n] = disk[o:o + n]
    return bytes(out)


def random_reads(size, seed, count=8):
    r = random.Random(seed)
    for _ in range(count):
        off = r.randrange(size)
        yield off, r.randint(1, min(size - off, 1 << r.randrange(1, 19)))


SHAPES = [
    # size, ranges, chunk size, hash, level, sector size
    (3 << 20, "random", 65536, 1, 0, 512),
    (3 << 20, "random", 1 << 20, 2, 1, 512),
    (9 << 20, "random", 4 << 20, 1, 2, 4096),
    (70 << 20, "random", 65536, 1, 0, 512),      # two pages
    (1 << 20, "every-second", 1 << 20, 2, 0, 512),
    ((1 << 20) + 77, "full", 65536, 1, 1, 512),
    (65536, "full", 65536, 1, 0, 512),
    (1, "full", 65536, 2, 0, 512),
    (2 << 20, "none", 1 << 20, 1, 0, 512),
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: "-".join(map(str, s)))
def test_reads_what_rehost_writes(tmp_path, shape):
    size, kind, chunk, alg, level, sector = shape
    disk, ranges = make_disk(size, repr(shape)), make_ranges(size, kind, repr(shape))
    image = tmp_path / "i.rhi"
    (tmp_path / "d").write_bytes(disk)
    (tmp_path / "r").write_text("".join(f"{o} {n}\n" for o, n in ranges))
    p = imgtool("capture", tmp_path / "d", tmp_path / "r", image, 2, chunk, alg, level, sector)
    assert p.returncode == 0, p.stderr
    want = content(disk, ranges)
    rhi_reader.restore(image, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == want
    said = rhi_reader.info(image)
    assert said["disk_size"] == size and said["used_bytes"] == sum(n for _, n in ranges)
    assert said["sector_size"] == sector and said["hash_alg"] == alg
    for off, n in random_reads(size, 1):
        assert rhi_reader.read(image, off, n) == want[off:off + n]


@pytest.mark.parametrize("options", [
    {}, {"zstd": True}, {"alg": 2}, {"commits": (0, 3, 4)}, {"commits": (1,), "zstd": True},
    {"bad": [(0, 512), (65536, 1024)]}, {"late": (0,)}, {"late": (1, 3, 4), "zstd": True},
    {"late": (2, 6), "commits": (0, 3)}, {"late": (0, 1, 2, 3, 4, 5, 6)}, {"may": 1 << 63}, {"summary": b"{}", "sector": 4096},
], ids=str)
def test_rehost_reads_what_another_writes(tmp_path, options):
    disk = make_disk(6 * 65536 + 300, 5)
    ranges = [(0, 2048), (65536, 65536), (3 * 65536 - 512, 65536), (5 * 65536, 512),
              (6 * 65536, 300)]
    if "bad" in options:
        disk = bytes(512) + disk[512:65536] + bytes(1024) + disk[65536 + 1024:]
    path, back = tmp_path / "i.rhi", tmp_path / "d"
    path.write_bytes(w.Image(disk, ranges, **options).bytes())
    back.write_bytes(bytes(len(disk)))
    want = content(disk, ranges)
    rhi_reader.restore(path, tmp_path / "p")
    assert (tmp_path / "p").read_bytes() == want
    p = imgtool("verify", path)
    assert p.returncode == 0 and p.stdout.startswith(b"ok"), p.stdout + p.stderr
    p = imgtool("restore", path, back, 2, 1, 0, options.get("sector", 512))
    assert p.returncode == 0 and back.read_bytes() == want, p.stderr
    for off, n in random_reads(len(disk), 2):
        assert imgtool("read", path, off, n).stdout == want[off:off + n]
        assert rhi_reader.read(path, off, n) == want[off:off + n]


# ---- one rule broken, all sums right ----

def put(fmt, at, value):
    """Edits a field of a plain body."""
    def edit(body):
        raw = struct.pack(fmt, value)
        return body[:at] + raw + body[at + len(raw):]
    return edit


# the sample's first page is replaced by a later one
LAST = {PAGE: -1}


def field(kind, **fields):
    return lambda im: im.find(kind, LAST.get(kind, 0)).fields.update(fields)


def body(kind, fmt, at, value):
    return lambda im: setattr(im.find(kind, LAST.get(kind, 0)), "edit", put(fmt, at, value))


def grow(kind, tail):
    return lambda im: setattr(im.find(kind, LAST.get(kind, 0)), "edit", lambda b: b + tail)


def drop(kind, which=0):
    return lambda im: im.records.remove(im.find(kind, which))


def swap(a, b):
    def f(im):
        i, j = im.records.index(im.find(*a)), im.records.index(im.find(*b))
        im.records[i], im.records[j] = im.records[j], im.records[i]
    return f


def prefix(which, *units):
    """A chunk with this map (and its page with it)."""
    def f(im):
        im.find(CHUNK, which).prefix = b"".join(struct.pack("<HH", *u) for u in units)
    return f


def again(kind):
    return lambda im: im.records.insert(im.records.index(im.find(kind, LAST.get(kind, 0))), w.Record(
        kind, im.find(kind, LAST.get(kind, 0)).body))


BROKEN = {
    "magic": field(CHUNK, magic=b"\x89RHIr\r\n\x1b"),
    "type 0": field(SUMMARY, type=0),
    "type 11": field(SUMMARY, type=11),
    "volume": lambda im: im.records.insert(2, w.Record(VOLUME, bytes(32))),
    "codec 4": field(CHUNK, codec=4),
    "zeros outside a chunk": field(META, codec=ZEROS),
    "reference": field(CHUNK, codec=REFERENCE),
    "sealed": field(CHUNK, sealed=1),
    "sealed 2": field(META, sealed=2),
    "plain_len": field(META, plain_len=33 << 20),
    "map_count outside a chunk": field(META, map_count=1),
    "aux of meta": field(META, aux=1),
    "image_id": field(CHUNK, image_id=b"another image id"),
    "seq": field(PAGE, seq=77),
    "hash of meta": field(META, hash=bytes(32)),
    "hash of a chunk": field(CHUNK, hash=bytes(32)),
    "hash of header": field(HEADER, hash=bytes(32)),
    "body_sum": field(CHUNK, body_sum=1),
    "head_sum": field(CHUNK, head_sum=1),
    "head_sum of end": field(END, head_sum=1),
    "header ident": body(HEADER, "<B", 7, 2),
    "header chunk_size 0": body(HEADER, "<I", 12, 0),
    "header chunk_size 65537": body(HEADER, "<I", 12, 65537),
    "header chunk_size 8 MiB": body(HEADER, "<I", 12, 8 << 20),
    "header sector_size": body(HEADER, "<I", 40, 520),
    "header hash_alg": body(HEADER, "<I", 44, 3),
    "header used_bytes": body(HEADER, "<Q", 48, 1 << 40),
    "header fewer used_bytes": body(HEADER, "<Q", 48, 512),
    "header used_end": body(HEADER, "<Q", 56, 6 * 65536 - 512),
    "header disk_size": body(HEADER, "<Q", 32, 100000),
    "header page_chunks": body(HEADER, "<I", 72, 512),
    "header zero": body(HEADER, "<I", 76, 1),
    "header salt": body(HEADER, "<B", 80, 1),
    "header kdf": body(HEADER, "<I", 96, 1),
    "header tail": body(HEADER, "<B", 127, 1),
    "header length": grow(HEADER, b"\0"),
    "chunk map not ascending": prefix(1, (4, 2), (0, 6)),
    "chunk map touching": prefix(1, (0, 2), (2, 6)),
    "chunk map empty range": prefix(1, (0, 8), (20, 0)),
    "chunk map too long": prefix(1, (124, 8)),
    "chunk without a map": prefix(1),
    "chunk map too short": prefix(1, (0, 7)),
    "chunk number": lambda im: setattr(im.find(CHUNK, 3), "aux", 99),
    "chunks descending": swap((CHUNK, 0), (CHUNK, 1)),
    "chunk left out": drop(CHUNK, 1),
    "chunk behind its page": swap((CHUNK, 3), (PAGE, 0)),
    "page left out": drop(PAGE, -1),
    "page entries 0": body(PAGE, "<I", 0, 0),
    "page too many entries": body(PAGE, "<I", 0, 1025),
    "page map_total": body(PAGE, "<I", 4, 3),
    "page chunk": body(PAGE, "<I", 8, 1023),
    "page offset": body(PAGE, "<Q", 16, 0),
    "page body_len": body(PAGE, "<I", 24, 5),
    "page plain_len": body(PAGE, "<I", 28, 512),
    "page codec": body(PAGE, "<B", 32, 1),
    "page flags": body(PAGE, "<B", 33, 2),
    "page zero": body(PAGE, "<B", 34, 1),
    "page hash": body(PAGE, "<B", 50, 0xEE),
    "page length": grow(PAGE, b"\0\0\0\0"),
    "page number": lambda im: setattr(im.find(PAGE), "aux", 1),
    "page again at the end": lambda im: im.records.insert(-4, w.Record(
        PAGE, lambda image, at: w.page_body(im.find(PAGE))(image, at)[:-4])),
    "root pages": body(ROOT, "<I", 0, 2),
    "root zero": body(ROOT, "<I", 4, 1),
    "root page": body(ROOT, "<Q", 8, 5),
    "root offset": body(ROOT, "<Q", 16, 224),
    "root body_len": body(ROOT, "<I", 24, 1),
    "root used_bytes": body(ROOT, "<Q", 32, 1),
    "root hash": body(ROOT, "<B", 40, 0xEE),
    "root length": grow(ROOT, b"\0"),
    "end ident": body(END, "<B", 7, 2),
    "end file_len": body(END, "<Q", 8, 1),
    "end meta_off": body(END, "<Q", 16, 0),
    "end bad_off": body(END, "<Q", 24, 0),
    "end summary_off": body(END, "<Q", 32, 0),
    "end root_off": body(END, "<Q", 40, 1 << 63),
    "end chunks": body(END, "<Q", 48, 3),
    "end zero": body(END, "<Q", 56, 1),
    "end digest": body(END, "<B", 64, 0xEE),
    "bad not in order": grow(BAD, struct.pack("<4Q", 65536, 512, 0, 512)),
    "bad empty range": grow(BAD, struct.pack("<2Q", 0, 0)),
    "bad behind the disk": grow(BAD, struct.pack("<2Q", 1 << 62, 512)),
    "bad length": grow(BAD, b"12345678"),
    "no header": drop(HEADER),
    "no meta": drop(META),
    "no bad": drop(BAD),
    "no summary": drop(SUMMARY),
    "no root": drop(ROOT),
    "no end": drop(END),
    "two headers": again(HEADER),
    "two metas": again(META),
    "two summaries": again(SUMMARY),
    "summary before bad": swap((BAD,), (SUMMARY,)),
    "end before root": swap((ROOT,), (END,)),
    "commit next_chunk": body(COMMIT, "<Q", 0, 0),
    "commit zero": body(COMMIT, "<I", 12, 1),
    "commit pages": body(COMMIT, "<Q", 16, 9),
    "commit hash": body(COMMIT, "<B", 40, 0xEE),
    "commit length": grow(COMMIT, b"\0"),
    "commit aux": field(COMMIT, aux=1),
}

def late_page(fmt, at, value):
    return lambda im: setattr(im.find(PAGE, -1), "edit", put(fmt, at, value))


# Of sample(late=(1, 3)): chunks 0, 5, a page, chunks 1, 3, the page again.
BROKEN_LATE = {
    "before the page of the others": swap((CHUNK, 2), (PAGE, 0)),
    "page not again": drop(PAGE, -1),
    "page without a late one": lambda im: im.find(PAGE, -1).chunks.pop(1),
    "page without one that was there": lambda im: im.find(PAGE, -1).chunks.pop(0),
    "page with another hash of a late one": late_page("<B", 8 + 64 + 32, 0xEE),
    "page with another hash of one that was there": late_page("<B", 8 + 32, 0xEE),
    "page with other flags of one that was there": late_page("<B", 8 + 25, 1),
    "one that was there comes again": lambda im: im.records.insert(
        im.records.index(im.find(CHUNK, 2)), im.find(CHUNK, 0)),
    "a late one comes twice": lambda im: im.records.insert(
        im.records.index(im.find(PAGE, -1)), im.find(CHUNK, 3)),
    "page of others again": lambda im: im.records.insert(-4, im.find(PAGE, -1)),
}

def ref(number, **changes):
    """Another reference in that chunk."""
    def change(im):
        def edit(file, plain_len, offset, digest):
            return (changes.get("file", file), changes.get("plain_len", plain_len),
                    changes.get("offset", offset) + changes.get("by", 0),
                    changes.get("digest", digest))
        next(r for r in im.records if r.kind == CHUNK and r.aux == number).ref_edit = edit
    return change


def retarget(number, target):
    def change(im):
        by = {r.aux: r for r in im.records if r.kind == CHUNK}
        by[number].target = by[target]
    return change


def meant_by(number, codec):
    def change(im):
        by = {r.aux: r for r in im.records if r.kind == CHUNK}
        by[number].fields["codec"] = codec
    return change


BROKEN_REFS = {
    "file that isn't listed": ref(2, file=1),
    "reference elsewhere": ref(2, by=96),
    "reference behind the end": ref(2, offset=1 << 62),
    "reference to other content": retarget(2, 3),
    "reference: length": ref(2, plain_len=512),
    "reference: hash": ref(2, digest=bytes(32)),
    "reference to the header": ref(2, offset=0),
    "reference to a reference": retarget(4, 2),
    "reference to itself": retarget(2, 2),
    "patch of another chunk": lambda im: ref(3, offset=im.find(CHUNK).offset)(im),
    "patch of a patch": retarget(5, 3),
    "patch: length": ref(3, plain_len=512),
    "patch without a frame": meant_by(2, w.PATCH),
    "reference with a frame": meant_by(3, REFERENCE),
}


def sample_refs(**options):
    same, other = noise(65536, 8), noise(65536, 9)
    near = same[:30000] + b"changed" + same[30007:]
    disk = other + same + same + near + near + near[:-5] + b"again" + bytes(512)
    ranges = [(0, 6 * 65536 + 512)]
    # 2 = 1; 3 is a patch of 1, 4 the same as that patch, 5 a patch of 1 again
    return w.Image(disk, ranges, **({"must": 1 << 3, "refs": {2: 1, 4: 3},
                                     "patches": {3: 1, 5: 1}} | options)), disk


@pytest.mark.parametrize("options", [{}, {"zstd": True}, {"alg": 2}, {"commits": (2, 4)}, {"late": (2, 3)}],
                         ids=str)
def test_references_inside_an_image(tmp_path, options):
    im, disk = sample_refs(**options)
    path, back = tmp_path / "i.rhi", tmp_path / "d"
    path.write_bytes(im.bytes())
    assert len(im.bytes()) < 3 * 65536 + 12000
    rhi_reader.restore(path, back)
    assert back.read_bytes() == disk
    assert imgtool("verify", path).stdout.startswith(b"ok")
    back.write_bytes(bytes(len(disk)))
    assert imgtool("restore", path, back, 2, "verify").returncode == 0
    assert back.read_bytes() == disk
    for off, n in random_reads(len(disk), 3):
        assert imgtool("read", path, off, n).stdout == disk[off:off + n]


@pytest.mark.parametrize("rule", BROKEN_REFS)
def test_both_refuse_references(tmp_path, rule):
    refused_by_both(tmp_path, sample_refs()[0], BROKEN_REFS[rule], 6 * 65536 + 512)


def test_references_need_their_bit(tmp_path):
    refused_by_both(tmp_path, sample_refs(must=0)[0], lambda im: None, 6 * 65536 + 512)


# What Rehost lets pass: it would have to keep the whole map to see it, or
# doesn't need it to give back the disk.
STRICT = {
    "bad outside the map": grow(BAD, struct.pack("<2Q", 4096, 512)),
    "flag without bad": body(PAGE, "<B", 33, 1),
    "bad without flag": grow(BAD, struct.pack("<2Q", 0, 512)),
    "meta not JSON": lambda im: setattr(im.find(META), "edit", lambda b: b"no"),
    "summary a list": lambda im: setattr(im.find(SUMMARY), "edit", lambda b: b"[]"),
}


def sample(**options):
    disk = noise(6 * 65536, 3)
    ranges = [(0, 1024), (65536, 4096), (3 * 65536, 65536), (5 * 65536 + 512, 65024)]
    return w.Image(disk, ranges, **({"commits": (1,)} | options))


@pytest.mark.parametrize("rule", BROKEN_LATE)
def test_both_refuse_late(tmp_path, rule):
    refused_by_both(tmp_path, sample(late=(1, 3), commits=()), BROKEN_LATE[rule])


@pytest.mark.parametrize("rule", BROKEN)
def test_both_refuse(tmp_path, rule):
    refused_by_both(tmp_path, sample(), BROKEN[rule])


def refused_by_both(tmp_path, im, break_it, size=6 * 65536):
    path, disk = tmp_path / "i.rhi", tmp_path / "d"
    break_it(im)
    path.write_bytes(im.bytes())
    with pytest.raises((rhi_reader.Bad, rhi_reader.Unsupported)):
        rhi_reader.restore(path, disk)
    p = imgtool("verify", path)
    assert p.returncode == 1 and not p.stdout.startswith(b"ok"), p.stdout
    disk.write_bytes(bytes(size))
    p = imgtool("restore", path, disk, 2, 0)
    assert p.returncode == 1, p.stderr


@pytest.mark.parametrize("rule", STRICT)
def test_the_strict_reader_refuses(tmp_path, rule):
    path = tmp_path / "i.rhi"
    im = sample()
    STRICT[rule](im)
    path.write_bytes(im.bytes())
    with pytest.raises(rhi_reader.Bad):
        rhi_reader.restore(path, tmp_path / "d")


def test_the_sample_is_good(tmp_path):
    path = tmp_path / "i.rhi"
    path.write_bytes(sample().bytes())
    rhi_reader.restore(path, tmp_path / "d")
    assert imgtool("verify", path).returncode == 0


def test_chosen_partitions(tmp_path):
    """PARTIAL: what lies between used ranges isn't written, however short it is."""
    path, disk = tmp_path / "i.rhi", tmp_path / "d"
    content, middle = noise(3 << 20, 5), 3 << 19
    ranges = [(0, 512), (middle, 512), (middle + 1024, 4096), (middle + 9000 // 512 * 512, 512)]
    meta = b'{"only":[1],"map":[{"what":"partition 2","used":0,"left_out":true}]}'
    path.write_bytes(w.Image(content, ranges, must=1 << 5, meta=meta).bytes())
    assert rhi_reader.info(path)["meta"]["only"] == [1]
    assert imgtool("verify", path).returncode == 0
    want = bytearray(b"\xA5" * len(content))
    disk.write_bytes(want)
    assert imgtool("restore", path, disk, 2, "verify").returncode == 0
    for off, n in ranges:
        want[off:off + n] = content[off:off + n]
    area = slice(middle - 65536, middle + 65536)
    assert disk.read_bytes()[area] == bytes(want[area])


@pytest.mark.parametrize("bit, word", [
    (4, "feature 4"),
    (6, "feature number 6"), (63, "feature number 63")])
def test_features_are_refused_by_name(tmp_path, bit, word):
    path, disk = tmp_path / "i.rhi", tmp_path / "d"
    path.write_bytes(sample(must=1 << bit).bytes())
    disk.write_bytes(b"\xA5" * 6 * 65536)
    for command in (("verify", path), ("restore", path, disk), ("read", path, 0, 1)):
        p = imgtool(*command)
        assert p.returncode == 1, command
        assert f"this version can't read the image: it" in p.stderr.decode()
        assert word in p.stderr.decode()
    assert disk.read_bytes() == b"\xA5" * 6 * 65536
    with pytest.raises(rhi_reader.Unsupported):
        rhi_reader.info(path)


# ---- the vector: what version 1 looks like, for good ----

VECTOR = os.path.join(TOP, "tests", "vectors", "tiny.rhi")
ZSTD_OF_VECTOR = 10504


def vector_disk():
    """6 chunks of 64 KiB, and 700 bytes; the used parts from SHA-256."""
    disk = bytearray(6 * 65536 + 700)
    for n, (off, length) in enumerate(VECTOR_RANGES):
        stream = b"".join(hashlib.sha256(b"%d %d" % (n, i)).digest()
                          for i in range(length // 32 + 1))
        disk[off:off + length] = stream[:length]
    disk[2 * 65536:2 * 65536 + 2048] = b"compressible! \r\n" * 128
    disk[4 * 65536:4 * 65536 + 1024] = bytes(1024)
    return bytes(disk)


VECTOR_RANGES = [(0, 512), (1024, 1024), (2 * 65536 - 512, 2560), (4 * 65536, 1024),
                 (6 * 65536, 700)]


def test_vector_reads(tmp_path):
    want = content(vector_disk(), VECTOR_RANGES)
    rhi_reader.restore(VECTOR, tmp_path / "p")
    assert (tmp_path / "p").read_bytes() == want
    assert rhi_reader.info(VECTOR)["digest"] == \
        "c5e616d2fc9ea04425535bd1c6be6fa1eec3b96d2c163a1b264a481b04c83bee"
    (tmp_path / "c").write_bytes(bytes(len(want)))
    p = imgtool("restore", VECTOR, tmp_path / "c", 1, 1)
    assert p.returncode == 0 and (tmp_path / "c").read_bytes() == want, p.stderr


@pytest.mark.parametrize("workers", [-1, 1, 4])
def test_vector_is_written_again(tmp_path, workers):
    zstd = ctypes.CDLL("libzstd.so.1").ZSTD_versionNumber()
    if zstd != ZSTD_OF_VECTOR:
        pytest.skip(f"libzstd {zstd} may compress differently than {ZSTD_OF_VECTOR}")
    (tmp_path / "d").write_bytes(vector_disk())
    (tmp_path / "r").write_text("".join(f"{o} {n}\n" for o, n in VECTOR_RANGES))
    p = imgtool("capture", tmp_path / "d", tmp_path / "r", tmp_path / "i", workers, 65536, 1, 1,
                IMGTOOL_FIXED="1")
    assert p.returncode == 0, p.stderr
    with open(VECTOR, "rb") as f:
        assert (tmp_path / "i").read_bytes() == f.read()
