"""`rehost salvage`: images written by rhi_writer.py are damaged, what comes out is read by
rhi_reader.py and compared with the disk.  Every chunk that no damage touched must come
back, and every other one be told.  REHOST_FLIPS=N: so many flipped bits."""
import json
import os
import random
import subprocess
from collections import namedtuple

import pytest
import rhi_reader
import rhi_writer as w
from rhi_writer import BAD, CHUNK, COMMIT, END, HEADER, META, PAGE, ROOT, SUMMARY

REHOST = os.path.join(os.environ.get("REHOST_B", "build"), "rehost")
FLIPS = int(os.environ.get("REHOST_FLIPS", "24"))
C = 65536
CHUNKS = 1100                    # two pages of the index, most of it not used
Span = namedtuple("Span", "kind aux start end ranges")


def used_ranges(rng):
    """Ranges of many lengths, some across chunks' ends; around both ends of a page."""
    out, at = [], 0
    for chunk in [*range(14), *range(1018, 1030), CHUNKS - 1]:
        at = max(at, chunk * C + 512 * rng.randrange(20))
        n = 512 * rng.randint(1, 150)
        if at + n > CHUNKS * C:
            at, n = CHUNKS * C - 1024, 1024
        out.append((at, n))
        at += n + 512
    return out


def rehost(*args, **env):
    return subprocess.run([REHOST, *map(str, args)], capture_output=True, text=True, timeout=120,
                          env={**os.environ, **env}, check=False)


class Made:
    """An image, where its records stand, and the disk."""

    def __init__(self, seed=1, **how):
        rng = random.Random(seed)
        disk = bytearray(CHUNKS * C)
        self.ranges = used_ranges(rng)
        for o, n in self.ranges:
            disk[o:o + n] = rng.choice([rng.randbytes(n), bytes(n), (b"%07d " % o * n)[:n]])
        for o, n in how.get("bad", ()):
            disk[o:o + n] = bytes(n)
        self.disk = bytes(disk)
        how.setdefault("meta", json.dumps({"tool": "test", "disk": {"size": len(disk), "sector_size": 512}}).encode())
        self.write(**how)

    @classmethod
    def of(cls, disk, ranges, **how):
        self = cls.__new__(cls)
        self.disk, self.ranges = bytes(disk), ranges
        self.write(**how)
        return self

    def write(self, **how):
        im = w.Image(self.disk, self.ranges, chunk_size=C, **how)
        self.bytes = im.bytes()
        ends = [r.offset for r in im.records[1:]] + [len(self.bytes)]
        self.spans = [Span(r.kind, r.aux, r.offset, end, self.of_chunk(r.aux) if r.kind == CHUNK else [])
                      for r, end in zip(im.records, ends)]

    def of_chunk(self, number):
        a, b = number * C, (number + 1) * C
        return [(max(o, a), min(o + n, b)) for o, n in self.ranges if o < b and o + n > a]

    def flipped(self, at, bit):
        out = bytearray(self.bytes)
        out[at] ^= 1 << bit
        return bytes(out)


def covered(ranges, a, b):
    for o, n in ranges:
        if o <= a < o + n:
            a = o + n
    return a >= b


def pairs(a):
    return [(r["offset"], r["length"]) for r in a]


class Result:
    """What salvage said and made; read strictly by the second reader."""

    def __init__(self, dir_, damaged, **env):
        old, new = dir_ / "old.rhi", dir_ / "new.rhi"
        old.write_bytes(damaged)
        self.run = rehost("salvage", "--json", "--overwrite", old, new, **env)
        assert self.run.returncode in (0, 3), self.run.stderr
        assert old.read_bytes() == damaged
        self.said = json.loads(self.run.stdout)
        self.lost, self.unknown = pairs(self.said["lost_ranges"]), pairs(self.said["unknown_ranges"])
        self.parts = {}
        with rhi_reader.opened(str(new)) as f:
            rhi_reader.Walk(f, self.parts.__setitem__, str(new))
            f.seek(0)
            im = rhi_reader.Image(f, path=str(new))
            self.meta, self.summary, self.params = im.meta, im.summary, im.params
            self.bad = [tuple(b) for b in im.bad]
            self.map = [r for _, entries in im.pages() for e in entries for r in e.ranges]
            assert im.end.digest.hex() == self.said["digest"]

    def at(self, a, b):
        """The disk's bytes; zeros where nothing is."""
        out = bytearray(b - a)
        for o, data in self.parts.items():
            lo, hi = max(o, a), min(o + len(data), b)
            if lo < hi:
                out[lo - a:hi - a] = data[lo - o:hi - o]
        return bytes(out)

    def has(self, a, b):
        """Kept, and not as lost zeros."""
        return covered(self.map, a, b) and not any(o < b and o + n > a for o, n in self.lost)


def check(made, dir_, damaged, intact, **more):
    """intact(span): no damage touched that record."""
    r = Result(dir_, damaged)
    chunks = [s for s in made.spans if s.kind == CHUNK]
    good = [s for s in chunks if intact(s)]
    for s in good:
        for a, b in s.ranges:
            assert r.has(a, b), (s, r.said)
            assert r.at(a, b) == made.disk[a:b], s
    for s in chunks:
        if s in good:
            continue
        for a, b in s.ranges:
            assert covered(r.lost, a, b) or covered(sorted(r.lost + r.unknown), a, b) or \
                r.said.get("missing"), (s, r.said)
            assert not covered(r.map, a, b) or not any(r.at(a, b)), s
    sum_good = sum(b - a for s in good for a, b in s.ranges)
    assert r.said["bytes"] == sum_good
    whole = len(good) == len(chunks) and not r.said["header_lost"]
    assert r.said["complete"] == whole
    assert r.run.returncode == (3 if "warning:" in r.run.stderr else 0)
    if not whole:
        assert r.run.returncode == 3
    for key, value in more.items():
        assert r.said[key] == value, (key, r.said)
    return r


@pytest.fixture(scope="module")
def made():
    return Made(zstd=True, commits=(5, 1020))


@pytest.fixture(scope="module")
def late():
    return Made(seed=2, late=(3, 7, 1019))


def edits(cuts):
    """intact() for records that none of [start, end) in the old file touches."""
    return lambda s: not any(a < s.end and b > s.start for a, b in cuts)


def test_whole(made, late, tmp_path):
    for m in made, late:
        r = check(m, tmp_path, m.bytes, lambda s: True, lost=0, missing=0)
        assert r.run.returncode == 0 and not r.bad
        assert r.meta["salvaged"]["image_id"] == b"python image 012".hex()


def test_flips(made, late, tmp_path):
    rng = random.Random(5)
    for i in range(FLIPS):
        m = (made, late)[i % 2]
        at = rng.randrange(len(m.bytes))
        hit = next(s for s in m.spans if s.start <= at < s.end)
        damaged = m.flipped(at, rng.randrange(8))
        # detected, and the loss is what was in that record
        bad = tmp_path / "flipped.rhi"
        bad.write_bytes(damaged)
        assert rehost("verify", bad).returncode == 1, at
        r = check(m, tmp_path, damaged, lambda s, hit=hit: s is not hit, missing=0)
        want = [(a, b - a) for a, b in hit.ranges]
        assert r.lost == want and r.bad == want and r.unknown == []


def test_each_kind_of_record_flipped(made, tmp_path):
    rng = random.Random(6)
    for kind in HEADER, META, CHUNK, PAGE, COMMIT, BAD, SUMMARY, ROOT, END:
        hit = next(s for s in made.spans if s.kind == kind)
        for lo, hi in (hit.start, hit.start + 96), (hit.start + 96, hit.end):
            if lo == hi:
                continue
            damaged = made.flipped(rng.randrange(lo, hi), rng.randrange(8))
            check(made, tmp_path, damaged, lambda s, hit=hit: s is not hit, missing=0,
                  description_lost=kind == META)


def test_cut_off(made, late, tmp_path):
    rng = random.Random(7)
    for m in made, late:
        first = next(s.end for s in m.spans if s.kind == CHUNK)
        places = [s.start for s in m.spans if s.start >= first]
        places = rng.sample(places, 5) + [rng.randrange(first, len(m.bytes)) for _ in range(5)]
        for at in places:
            check(m, tmp_path, m.bytes[:at], edits([(at, len(m.bytes))]))
        r = rehost("salvage", "--overwrite", *write(tmp_path, m.bytes[:first - 1]))
        assert r.returncode == 1 and "nothing" in r.stderr


def write(dir_, data):
    (dir_ / "old.rhi").write_bytes(data)
    return dir_ / "old.rhi", dir_ / "none.rhi"


def test_front_is_missing(made, tmp_path):
    """No HEADER: FORMAT.md 8."""
    rng = random.Random(8)
    for at in [made.spans[1].start, made.spans[2].start] + [rng.randrange(224, len(made.bytes) // 2) for _ in range(8)]:
        r = check(made, tmp_path, made.bytes[at:], edits([(0, at)]), header_lost=True)
        assert "missing" not in r.said
    zeros = bytes(224) + made.bytes[224:]
    r = check(made, tmp_path, zeros, edits([(0, 224)]), header_lost=True, description_lost=False)
    assert (r.params.disk_size, r.params.chunk_size) == (CHUNKS * C, C)
    assert r.params.must == 0
    r = check(made, tmp_path, made.bytes[made.spans[2].start:], edits([(0, made.spans[2].start)]))
    assert r.said["description_lost"] and "--only" in r.run.stderr


def test_front_is_missing_other_hash(tmp_path):
    m = Made(seed=4, alg=2)
    check(m, tmp_path, bytes(224) + m.bytes[224:], edits([(0, 224)]), header_lost=True)


def test_bytes_missing_and_inserted(made, late, tmp_path):
    rng = random.Random(9)
    for i in range(10):
        m = (made, late)[i % 2]
        at = rng.randrange(300, len(m.bytes) - 300)
        n = rng.choice([1, 7, 96, 512, 4096, 100000])
        b = m.bytes[:at] + m.bytes[at + n:]
        check(m, tmp_path, b, edits([(at, at + n)]))
        b = m.bytes[:at] + rng.randbytes(n) + m.bytes[at:]
        # between two records nothing is hurt
        check(m, tmp_path, b, lambda s, at=at: not s.start < at < s.end)


def test_blocks_overwritten(made, late, tmp_path):
    """What a damaged file system does to a file: blocks of zeros, or of something else."""
    rng = random.Random(10)
    for i in range(12):
        m = (made, late)[i % 2]
        b = bytearray(m.bytes)
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(4096, len(b)) // 4096 * 4096
            n = min(4096 * rng.randint(1, 8), len(b) - at)
            b[at:at + n] = rng.choice([bytes(n), rng.randbytes(n), b[:n]])
        check(m, tmp_path, bytes(b), lambda s, m=m, b=b: m.bytes[s.start:s.end] == b[s.start:s.end])


def test_index_lost(made, late, tmp_path):
    """All PAGEs gone: a hurt chunk is zeros as a whole."""
    for m in made, late:
        b = bytearray(m.bytes)
        cuts = [(s.start, s.end) for s in m.spans if s.kind in (PAGE, ROOT)]
        for a, z in cuts:
            b[a:z] = bytes(z - a)
        check(m, tmp_path, bytes(b), edits(cuts), missing=0, lost=0)
        hit = [s for s in m.spans if s.kind == CHUNK][4]
        b[hit.end - 1] ^= 1
        r = check(m, tmp_path, bytes(b), edits(cuts + [(hit.start, hit.end)]), missing=0)
        assert r.lost == [(hit.aux * C, C)] and r.unknown == []
        b[hit.start] ^= 1
        r = check(m, tmp_path, bytes(b), edits(cuts + [(hit.start, hit.end)]))
        assert r.lost == [] and r.said["missing"] == sum(z - a for a, z in hit.ranges)


def test_unreadable_places_stay(tmp_path):
    """The old image's own: told again, by BAD or, without, the last COMMIT."""
    m = Made(seed=3)
    a, b = m.of_chunk(2)[0]
    c, d = m.of_chunk(1022)[0]
    bad = [(a, min(1024, b - a)), (c, min(512, d - c))]
    m = Made(seed=3, bad=bad, commits=(1023,))
    r = check(m, tmp_path, m.bytes, lambda s: True)
    assert r.bad == bad
    span = next(s for s in m.spans if s.kind == BAD)
    r = check(m, tmp_path, m.flipped(span.start + 100, 1), lambda s: True)
    assert r.bad == bad and "may not be complete" in r.run.stderr
    hit = next(s for s in m.spans if s.kind == CHUNK and s.aux == 2)
    r = check(m, tmp_path, m.flipped(hit.start + 50, 1), lambda s: s is not hit)
    assert r.bad == sorted([(o, e - o) for o, e in hit.ranges] + bad[1:])


def test_partial_image(tmp_path):
    """Nothing is written beside the chosen partitions that isn't known to be theirs."""
    m = Made(seed=5, must=1 << 5, meta=b'{"tool":"test","only":[1],"map":[{"what":"partition 2","used":0,"left_out":true}]}')
    hit = next(s for s in m.spans if s.kind == CHUNK and s.aux == 3)
    r = check(m, tmp_path, m.flipped(hit.end - 1, 1), lambda s: s is not hit)
    assert r.params.must == 1 << 5 and r.meta["only"] == [1] and r.lost
    cut = next(s for s in m.spans if s.kind == CHUNK and s.aux == 5).end - 1
    r = check(m, tmp_path, m.bytes[:cut], edits([(cut, len(m.bytes))]))
    assert r.lost == [] and r.unknown[0][0] == 5 * C
    damaged = m.flipped(m.spans[1].start + 100, 1)
    r = check(m, tmp_path, damaged, lambda s: True, description_lost=True)
    assert r.params.must == 1 << 5 and r.meta["only"] == []
    damaged = bytes(224) + m.bytes[224:]
    r = check(m, tmp_path, damaged, lambda s: s.kind == CHUNK, header_lost=True)
    assert r.params.must == 1 << 5 and r.meta["only"] == [1]


def test_an_image_inside(made, tmp_path):
    """Records of another image, stored as they are in a chunk, are content."""
    inner = w.Image(b"inner" * 103 + bytes(3069), [(0, 3584)], image_id=b"another image 01").bytes()
    disk = bytearray(40 * C)
    disk[:len(inner)] = inner
    disk[C * 2:C * 2 + len(inner)] = inner
    m = Made.of(disk, [(0, C), (C, C), (2 * C, C), (3 * C, 512)])
    check(m, tmp_path, bytes(224) + m.bytes[224:], edits([(0, 224)]), header_lost=True)
    hit = next(s for s in m.spans if s.kind == CHUNK)
    check(m, tmp_path, m.flipped(hit.end - 5, 0), lambda s: s is not hit)


def test_references(tmp_path):
    """What a chunk refers to is found wherever it is; with it, the chunk is lost."""
    rng = random.Random(11)
    a, b = rng.randbytes(C), rng.randbytes(C)
    disk = a + b + bytes(C) + a + rng.randbytes(C) + b[:-9] + b"a change." + a
    needs = {3: 0, 5: 1, 6: 0}
    m = Made.of(disk, [(0, len(disk))], zstd=True, must=1 << 3, refs={3: 0, 6: 0}, patches={5: 1})

    def but(*hit):
        return lambda s: s.kind != CHUNK or (s.aux not in hit and needs.get(s.aux) not in hit)

    check(m, tmp_path, m.bytes, but(), missing=0)
    check(m, tmp_path, m.bytes[:300] + b"too much" + m.bytes[300:], but(), missing=0)
    r = check(m, tmp_path, bytes(224) + b"moved" + m.bytes[224:], but(), header_lost=True)
    assert r.params.must == 0 and "base" not in r.run.stderr
    for s in m.spans:
        if s.kind == CHUNK:
            check(m, tmp_path, m.flipped(s.end - 1, 2), but(s.aux), missing=0)
            check(m, tmp_path, m.bytes[:s.start] + m.bytes[s.end:], but(s.aux), missing=0)


def test_no_image(tmp_path):
    r = rehost("salvage", *write(tmp_path, random.Random(1).randbytes(300000)))
    assert r.returncode == 1 and "no record" in r.stderr
    assert not (tmp_path / "none.rhi").exists()
    r = rehost("salvage", *write(tmp_path, b""))
    assert r.returncode == 1 and "no record" in r.stderr


# ---- what the program itself writes ----

def program_disk(path, size, kinds):
    """No file system, so all of it is stored: noise (0), text (1), zeros (2), and some of it twice."""
    rng = random.Random(12)
    disk = bytearray(size)
    for at in range(0, size, 1 << 20):
        kind = rng.randrange(kinds)
        if kind == 0:
            disk[at:at + (1 << 20)] = rng.randbytes(1 << 20)
        elif kind == 1:
            disk[at:at + (1 << 20)] = (b"%07d " % at * (1 << 17))[:1 << 20]
    disk[5 << 20:6 << 20] = disk[1 << 20:2 << 20] = rng.randbytes(1 << 20)
    path.write_bytes(disk)
    return disk


class Written:
    """An image of the program: its files, and whose record each byte is."""

    def __init__(self, dir_, *options, size, kinds):
        self.dir, self.env = dir_, {"REHOST_PASSPHRASE": "secret"}
        self.path = dir_ / "made.rhi"
        self.disk = program_disk(dir_ / "disk.img", size, kinds)
        if "--base" in options:
            self.rehost(0, "capture", "--no-systems", dir_ / "disk.img", dir_ / "base.rhi")
            for at in 700000, 3 << 20, 7000000:
                self.disk[at:at + 9000] = random.Random(at).randbytes(9000)
            (dir_ / "disk.img").write_bytes(self.disk)
        self.rehost(0, "capture", "--no-systems", *options, dir_ / "disk.img", self.path)
        self.files = sorted(dir_.glob("made.rhi*"))
        self.spans = []
        for f in self.files:
            data, at = f.read_bytes(), 0
            while at < len(data):
                end = at + 96 + int.from_bytes(data[at + 12:at + 16], "little")
                self.spans.append((f, at, end, int.from_bytes(data[at + 8:at + 10], "little"),
                                   int.from_bytes(data[at + 32:at + 40], "little")))
                at = end
        self.length = sum(f.stat().st_size for f in self.files)

    def rehost(self, status, *args):
        r = rehost(*args, **self.env)
        assert r.returncode in (status if isinstance(status, tuple) else (status,)), (args, r.stderr)
        return r

    def span(self, at):
        for s in self.spans:
            if at < s[2] - s[1]:
                return s, s[1] + at
            at -= s[2] - s[1]
        raise IndexError(at)


def same_but(disk, back, lost):
    back = bytearray(back)
    for o, n in lost:
        assert not any(back[o:o + n])
        back[o:o + n] = disk[o:o + n]
    return back == disk


@pytest.mark.parametrize("options", [("--base", "base.rhi"), ("--dedup",), ("--encrypt",), ("--split", "16M")],
                         ids=lambda o: o[0][2:])
def test_flips_of_the_program(options, tmp_path):
    """Each flip is found; what is lost is what was in that record, and all else is as it was."""
    split = "--split" in options
    m = Written(tmp_path, *(tmp_path / o if o.endswith(".rhi") else o for o in options),
                **({"size": 20 << 20, "kinds": 1} if split else {"size": 8 << 20, "kinds": 3}))
    assert len(m.files) == (2 if split else 1)
    rng = random.Random(str(options))
    # chunks are most of it: half of the flips are in other records
    others = [i for i, s in enumerate(m.spans) if s[3] != CHUNK]
    # to make a key from a passphrase takes its time
    for i in range(max(FLIPS // (24 if "--encrypt" in options else 12), 1)):
        at = rng.randrange(m.length)
        if i % 2:
            k = rng.choice(others)
            at = sum(s[2] - s[1] for s in m.spans[:k]) + rng.randrange(m.spans[k][2] - m.spans[k][1])
        (file, start, end, kind, number), off = m.span(at)
        where, bit = (file.name, off, kind, number), rng.randrange(8)
        good = file.read_bytes()
        file.write_bytes(good[:off] + bytes([good[off] ^ 1 << bit]) + good[off + 1:])
        m.rehost(1, "verify", m.path)
        # without the key or what it stands in nothing of an encrypted one can be read
        key_lost = "--encrypt" in options and kind == META and 96 <= off - start < 96 + 72
        r = m.rehost(1 if key_lost else (0, 3), "salvage", "--json", "--overwrite", m.path, tmp_path / "new.rhi")
        file.write_bytes(good)
        if key_lost:
            assert "the key may be damaged" in r.stderr, where
            continue
        said = json.loads(r.stdout)
        lost = pairs(said["lost_ranges"])
        m.rehost(3 if lost else 0, "restore", "--yes", tmp_path / "new.rhi", tmp_path / "back.img")
        assert same_but(m.disk, (tmp_path / "back.img").read_bytes(), lost), where
        (tmp_path / "back.img").unlink()
        if kind != CHUNK:
            # META lists the bases
            assert lost == [] or (kind == META and "--base" in options), where
        else:
            # equal chunks are stored once
            equal = {1, 5} if "--dedup" in options and number in (1, 5) else {number}
            assert (number << 20, 1 << 20) in lost and {o >> 20 for o, _ in lost} <= equal, (where, lost)
