"""Loop devices, mounts and programs, for the matrix of file systems."""
import contextlib
import os
import subprocess
import time

# no program may wait for an answer; mkfs.xfs makes small ones only for xfstests
ENV = {**os.environ, "LC_ALL": "C.UTF-8", "MTOOLS_SKIP_CHECK": "1", "MTOOLSRC": "/dev/null",
       "TEST_DIR": ".", "TEST_DEV": ".", "QA_CHECK_FS": "1"}
# Written over and over where "random bytes" are wanted: of no block's size
NOISE = os.urandom((8 << 20) + 4099)


class Failed(Exception):
    """A program did not do what it should; the text says which, and how it ended."""


def status(*cmd, data=None, cwd=None):
    """Runs cmd; (exit status, all it said)."""
    p = subprocess.run([str(c) for c in cmd], env=ENV, input=data, cwd=cwd, check=False,
                       stdin=None if data else subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1200)
    return p.returncode, p.stdout.decode(errors="replace")


def run(*cmd, data=None, cwd=None):
    code, said = status(*cmd, data=data, cwd=cwd)
    if code:
        raise Failed("%s: status %d: %s" % (" ".join(map(str, cmd)), code, said[-1500:].strip()))
    return said


def sparse(path, size):
    with open(path, "wb") as f:
        f.truncate(size)


def noise(path, size):
    with open(path, "wb") as f:
        left = size
        while left:
            left -= f.write(NOISE[:left])


def wait_closed(path):
    """FUSE's programs end after umount does: waits until nobody has path open."""
    def users():
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                for fd in os.listdir("/proc/%s/fd" % pid):
                    with contextlib.suppress(OSError):
                        if os.readlink("/proc/%s/fd/%s" % (pid, fd)) == path and int(pid) != os.getpid():
                            return True
        return False
    end = time.monotonic() + 60
    while users():
        if time.monotonic() > end:
            raise Failed("%s is still in use a minute after umount" % path)
        time.sleep(0.05)


@contextlib.contextmanager
def loop(path, sector=512, offset=0, size=0):
    """A loop device over a file, or a part of it (bytes)."""
    dev = run("losetup", "-f", "--show", "-b", sector, "-o", offset,
              *(["--sizelimit", size] if size else []), path).strip()
    try:
        yield dev
    finally:
        run("losetup", "-d", dev)


@contextlib.contextmanager
def mounted(top, dev, *mount):
    """Mounts by the command `mount`; unmounted at the end, and closed by all."""
    os.makedirs(top, exist_ok=True)
    run(*mount)
    try:
        yield top
        run("sync", "-f", top)
    finally:
        code = 1
        for _ in range(50):     # a moment of EBUSY is normal with FUSE
            code, said = status("umount", top)
            if not code:
                break
            time.sleep(0.1)
        wait_closed(dev)
    if code:
        raise Failed("umount %s: %s" % (top, said))


def partition(dev, table, sector, size):
    """Writes a partition table (gpt, dos) with one partition of `size` bytes."""
    start = (1 << 20) // sector
    run("sfdisk", "-q", "--no-reread", "--no-tell-kernel", dev,
        data=b"label: %s\nstart=%d, size=%d\n" % (table.encode(), start, size // sector))
