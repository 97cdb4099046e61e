"""Every command of `rehost` while its files fail (tests/lib/faults.c): one call gives EIO,
the place is full from there on, a file or disk vanishes, or vanishes and returns, calls do
a part of their work, are interrupted, or slow. faulty.py says what must hold then; at all
times: no crash, no hang, no source is changed, an error names the file, and of a read or
write the offset.

REHOST_FAULTS=N runs, drawn by REHOST_SEED: every pair of a command's files and a kind comes
once before any comes again; `make fault-sweep`. REHOST_FAULT="command / file / kind / calls
/ at / for" is one of them again, as a failure tells it."""
import os
import random
import re
import shutil
import signal
import struct
import subprocess
from collections import namedtuple

import faulty
import pytest
from faulty import Wrong, need

B = os.path.abspath(os.environ.get("REHOST_B", "build"))
TOP = os.environ.get("REHOST_TOP", ".")
FAULTS = int(os.environ.get("REHOST_FAULTS", "10"))
SEED = int(os.environ.get("REHOST_SEED", "1"))
ONE = os.environ.get("REHOST_FAULT")
LIMIT = 120                     # seconds: longer is a hang
SANITIZED = os.path.basename(B) == "san"
CALLS = ("read", "write", "sync", "size", "open", "rename", "close")

# kind: which calls (None: one of CALLS), what happens, of how many; do they succeed?
Kind = namedtuple("Kind", "calls how length harmless")
KINDS = {
    "once": Kind(None, "eio", 1, False),
    "full": Kind("write,size,sync", "enospc", 0, False),
    "vanish": Kind("all", "eio", 0, False),
    "return": Kind("all", "eio", 20, False),
    "short": Kind("read,write", "short", 0, True),
    "eintr": Kind("read,write", "eintr", 30, True),
    "slow": Kind("all", "slow", 5, True),
}
ERRORS = {"eio": "Input/output error", "enospc": "No space left on device"}
Plan = namedtuple("Plan", "case role kind calls at length")

# found by sweeps, and mended
FOUND = (
    ("capture plain", "out", "once", "size", 1, 1),             # an empty .part was left
    ("capture resume-split", "out", "once", "read", 1, 1),      # further volumes weren't there
    ("place", "place", "once", "open", 2, 1),                   # no list was an empty list
    ("place", "place", "once", "read", 3, 1),
    ("verify b", "image", "once", "read", 18, 1),               # an unreadable base was a missing one
    ("capture log", "log", "eintr", "read,write", 1, 16),       # an interrupted write ended it
    ("salvage damaged", "image", "vanish", "all", 8, 0),        # of a vanished file nothing was good
    ("salvage damaged", "image", "vanish", "all", 52, 0),
    ("salvage damaged", "image", "vanish", "all", 77, 0),       # the writer said that bytes were missing
    ("restore only", "target", "vanish", "all", 8, 0),          # libparted refused an unreadable table
    ("restore into", "target", "vanish", "all", 3, 0),          # an unreadable GPT wasn't valid
    ("info a", "image", "once", "read", 14, 1),                 # and a table in the image none
    ("info a", "image", "once", "read", 17, 1),                 # or one that libparted refuses
    ("verify deep", "image", "vanish", "all", 51, 0),           # an unreadable image wasn't whole
)


class Run:
    """What became of one. fails: was anything hit that is no harmless fault?"""

    def __init__(self, plan, status, out, err, seen):
        self.status, self.out, self.err, self.seen = status, out, err, seen
        self.role, self.at = (plan.role, plan.at) if plan else (None, 0)
        self.calls = plan.calls if plan else None
        self.hit = bool(plan) and seen[0] >= plan.at
        self.fails = self.hit and not KINDS[plan.kind].harmless


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    s = Sweep(tmp_path_factory.mktemp("sweep"))
    before = s.world.hashes()
    yield s
    assert s.world.hashes() == before, "a source was changed"


class Sweep:
    def __init__(self, at):
        self.at, self.faults, self.counts = at, at / "faults.so", {}
        subprocess.run([os.environ.get("CC", "gcc"), "-O1", "-shared", "-fPIC", "-o", self.faults,
                        os.path.join(TOP, "tests/lib/faults.c"), "-ldl"], check=True)
        (at / "world").mkdir()
        self.world = faulty.World(at / "world", self.faults)
        self.cases = faulty.cases(self.world)

    def run(self, case, plan, role, calls):
        """plan None: only counts."""
        d, count = self.at / "w", self.at / "count"
        shutil.rmtree(d, ignore_errors=True)
        d.mkdir()
        count.write_bytes(b"")
        case.prepare(d)
        stdio = case.stdio(d)
        env = {**os.environ, **case.env, "LD_PRELOAD": self.preload(), "FAULT_FILE": case.roles[role][0],
               "FAULT_CALLS": calls, "FAULT_COUNT": str(count)}
        if plan:
            env |= {"FAULT_HOW": KINDS[plan.kind].how, "FAULT_AT": str(plan.at),
                    "FAULT_FOR": str(plan.length), "FAULT_SLEEP_US": "20000"}
        p = subprocess.Popen(case.command(d), cwd=d, env=env, text=True, start_new_session=True,
                             **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                                "stderr": subprocess.PIPE, **stdio})
        try:
            out, err = p.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            raise Wrong("it hangs") from None
        finally:
            for f in stdio.values():
                f.close()
        run = Run(plan, p.returncode, out or "", err, struct.unpack("<8Q", count.read_bytes()))
        self.common(case, plan, role, run)
        if plan:
            case.judge(d, run)
        else:
            case.undisturbed(run)
        return run

    def preload(self):
        if not SANITIZED:
            return str(self.faults)
        asan = subprocess.run([os.environ.get("CC", "gcc"), "-print-file-name=libasan.so"], check=True,
                              capture_output=True, text=True).stdout.strip()
        return f"{asan} {self.faults}"

    def common(self, case, plan, role, run):
        need("Sanitizer" not in run.err and "runtime error" not in run.err, run.err)
        need(run.status in case.may, "status", run.status, run.err)
        if not run.fails:
            need(run.status in case.ok, "nothing failed, but status", run.status, run.err)
        if run.status in (1, 4):
            last = re.search(r"^rehost( \w+)?: ", run.err, re.M)
            need(last, "no error is told", run.err)
            need(any(n in run.err for n in case.roles[role][1]), "the file isn't named", run.err)
            need(not run.fails or ERRORS[KINDS[plan.kind].how] in run.err or
                 re.search("isn't as it was when|can't be read", run.err), "what failed isn't told", run.err)
            if plan.kind == "once" and plan.calls in ("read", "write"):
                need(re.search(r"offset \d+|directory can't be read|isn't as it was when", run.err),
                     "the offset isn't told", run.err)

    def count(self, case, role, calls):
        """How many such calls there are when nothing fails."""
        key = case.name, role
        if key not in self.counts:
            try:
                self.counts[key] = self.run(case, None, role, "all").seen
            except Wrong as wrong:
                raise Wrong(f"{case.name}, nothing failing", *wrong.args) from None
        return sum(n for name, n in zip(CALLS, self.counts[key][1:]) if calls == "all" or name in calls)

    def draw(self, rng, case, role, kind):
        """One of them; None: there are no such calls."""
        for calls in [KINDS[kind].calls] if KINDS[kind].calls else rng.sample(CALLS, len(CALLS)):
            n = self.count(case, role, calls)
            if n:
                length = KINDS[kind].length
                # the last calls are the interesting ones, and the first
                at = rng.choice([rng.randint(1, n), rng.randint(1, n), rng.randint(1, min(n, 8)), max(1, n - rng.randint(0, 8))])
                return Plan(case.name, role, kind, calls, at, length and rng.randint(1, length))
        return None


def plans(sweep):
    if ONE:
        case, role, kind, calls, at, length = ONE.split(" / ")
        found = [(case, role, kind, calls, int(at), int(length))]
    else:
        found = FOUND
    for p in found:
        sweep.count(sweep.cases[p[0]], p[1], p[3])
        yield Plan(*p)
    if ONE:
        return
    rng, made = random.Random(SEED), 0
    pairs = [(c, r, k) for c in sweep.cases.values() for r in c.roles for k in KINDS]
    while made < FAULTS:
        for case, role, kind in rng.sample(pairs, len(pairs)):
            plan = sweep.draw(rng, case, role, kind)
            if plan and made < FAULTS:
                made += 1
                yield plan


@pytest.mark.skipif(os.path.basename(B) == "san" and not ONE and "REHOST_FAULTS" not in os.environ,
                    reason="the sanitizers' build: by REHOST_FAULTS=N")
def test_faults(sweep):
    bad, n, ends = [], 0, {}
    for plan in plans(sweep):
        n += 1
        case = sweep.cases[plan.case]
        try:
            run = sweep.run(case, plan, plan.role, plan.calls)
            ends[run.status] = ends.get(run.status, 0) + 1
            if ONE:
                print(run.status, run.out, run.err)
        except (Wrong, AssertionError, subprocess.TimeoutExpired) as wrong:
            bad.append("%s\n    %s" % (" / ".join(map(str, plan)), str(wrong).replace("\n", "\n    ")))
            print(bad[-1], flush=True)
    print(n, "runs, by status:", ends)
    assert not bad, "%d of %d:\n%s" % (len(bad), n, "\n".join(bad))
