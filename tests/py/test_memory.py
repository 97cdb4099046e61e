"""Memory doesn't grow with the disk, nor without bound with the workers."""
import os
import subprocess
import sys

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "bench"))
import memory

B = os.path.abspath(os.environ.get("REHOST_B", "build"))


def can_hold(path):
    try:
        with open(path, "wb") as f:
            f.truncate(16 * 10**12)
        os.unlink(path)
    except OSError:
        return False
    return True


@pytest.mark.parametrize("workers", [2, 16])
def test_disk_of_16_tb(tmp_path, workers):
    if not can_hold(tmp_path / "try"):
        pytest.skip("this file system can't hold a sparse file of 16 TB")
    rows, size = memory.measure(B, str(tmp_path), workers, False)
    assert size < 100 << 20
    for name, rss, _, _ in rows:
        assert rss <= memory.LIMIT, "%s needs %d bytes" % (name, rss)


@pytest.mark.parametrize("workers", [2, 16])
def test_full_buffers(tmp_path, workers):
    """All slots in use, with data that isn't smaller when compressed."""
    disk, image, back = (str(tmp_path / n) for n in ("disk", "image.rhi", "back"))
    with open(disk, "wb") as f:
        for _ in range(100):
            f.write(os.urandom(1 << 20))
    for name, cmd in memory.commands(os.path.join(B, "rehost"), disk, image, back, workers):
        rss = memory.peak(*cmd)[0]
        assert rss <= memory.LIMIT, "%s needs %d bytes" % (name, rss)
    assert subprocess.run(["cmp", disk, back], check=False).returncode == 0
