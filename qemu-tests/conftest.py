"""What the tests under QEMU share (docs/TESTING.md)."""

import os
import pathlib
import random
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from lab import disks, guests, judge, proc, qemu, servers, windows         # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "smoke: part of `make check`")
    proc.terminate_becomes_exception()


@pytest.fixture(scope="session")
def iso():
    path = pathlib.Path(os.environ.get("LAB_ISO", "build/rehost.iso"))
    if not path.exists():
        pytest.fail(f"{path} is not there: run these by `make qemu-tests`")
    return path


@pytest.fixture(scope="session")
def cache():
    return pathlib.Path(os.environ.get("LAB_CACHE", "cache"))


@pytest.fixture
def work(request):
    """A directory for disk files; kept when the test fails."""
    path = (qemu.LOGS / "disks" / request.node.name).absolute()
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    failed = request.session.testsfailed
    yield path
    if request.session.testsfailed == failed:
        shutil.rmtree(path)


@pytest.fixture
def samba(work):
    with servers.Samba(work / "share") as server:
        yield server


@pytest.fixture
def nfs(work):
    with servers.Nfs(work / "export") as server:
        yield server


class Source:
    """A disk to be moved, and what is known of it."""

    def __init__(self, path, check):
        self.path = path
        self.check = check          # check(restored): raises when it isn't the same
        self.digest = judge.digest(path)

    def untouched(self):
        assert judge.digest(self.path) == self.digest, "the source disk was written to"


@pytest.fixture(scope="session")
def facts():
    """Facts of the masters' files, found out once."""
    return {}


@pytest.fixture
def debian(request, cache, work, facts):
    """debian(recipe): a Source with a bootable Debian."""
    def make(recipe=guests.DEBIAN_BIOS):
        guest = guests.debian(recipe, cache)
        if guest.master not in facts:
            offset, _ = guest.root_partition()
            facts[guest.master] = judge.ext4_files(guest.master, offset, work)
        disk = guest.disk(work / "source.raw")
        return Source(disk, lambda restored: judge.same_debian(
            disk, restored, facts[guest.master], work))
    return make


@pytest.fixture
def windows_disk(work):
    """A Source with two NTFS partitions."""
    disk = work / "source.raw"
    parts = windows.make(disk)
    return Source(disk, lambda restored: judge.same_windows(disk, restored, parts, work))


@pytest.fixture
def data_disk(work):
    """A Source without a system: an ext4 with 160 MB of files that hardly
    get smaller.  Fast to capture, and long enough to interfere."""
    disk, rng = work / "source.raw", random.Random(7)
    files = {f"data/file{i}": rng.randbytes(8 << 20) for i in range(20)}
    files.update({f"small/{i}": f"file {i}\n".encode() * i for i in range(200)})
    disks.data(disk, 600 << 20, files, "11111111-2222-3333-4444-555555555555")

    def check(restored):
        judge.same_table(disk, restored)
        offset = disks.partitions(disk)[0][0]
        judge.ext4_clean(restored, offset)
        before, after = (judge.ext4_files(d, offset, work) for d in (disk, restored))
        lines = judge.differences(before, after)
        assert not lines, "\n".join(lines)
    return Source(disk, check)
