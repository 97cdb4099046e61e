"""Child processes that never outlive the test that started them."""

import ctypes
import os
import signal
import subprocess
import time

from . import LabError, patient

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def terminate_becomes_exception():
    """SIGTERM and SIGHUP unwind `with` blocks, as Ctrl-C does."""
    def handler(number, _frame):
        raise SystemExit(128 + number)
    signal.signal(signal.SIGTERM, handler)
    signal.signal(signal.SIGHUP, handler)


def start(argv, log, session=True, **kwargs):
    """Starts argv with its output in the file `log`; ends with this process."""
    with open(log, "ab") as out:
        return subprocess.Popen(
            [str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT, start_new_session=session,
            preexec_fn=_die_with_parent, **kwargs)


def stop(child, grace=10, group=False):
    """Ends a child that start() made, and with group=True what it started."""
    if child is None:
        return
    send = (lambda s: os.killpg(child.pid, s)) if group else child.send_signal
    try:
        if child.poll() is None:
            send(signal.SIGTERM)
            try:
                child.wait(grace)
            except subprocess.TimeoutExpired:
                pass
        if group or child.poll() is None:
            send(signal.SIGKILL)
    except ProcessLookupError:
        pass
    child.wait()


def run(argv, timeout=300, ok=(0,), **kwargs):
    """Runs argv to its end; returns its output; anything else is a LabError."""
    argv, timeout = [str(a) for a in argv], patient(timeout)
    kwargs.setdefault("stderr", subprocess.STDOUT)
    try:
        done = subprocess.run(argv, stdin=kwargs.pop("stdin", subprocess.DEVNULL),
                              stdout=subprocess.PIPE, timeout=timeout,
                              errors="replace", **kwargs)
    except FileNotFoundError as e:
        raise LabError(f"{argv[0]}: not installed ('make deps' installs it)") from e
    except subprocess.TimeoutExpired as e:
        raise LabError(f"{' '.join(argv)}: not done after {timeout} s") from e
    if ok is not None and done.returncode not in ok:
        raise LabError(f"{' '.join(argv)}: exit status {done.returncode}\n{done.stdout}")
    return done.stdout


def wait_for(what, condition, timeout, interval=0.05):
    """Polls a condition that has no event to wait for (a port, a file)."""
    timeout = patient(timeout)
    end = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise LabError(f"{what}: not so after {timeout} s")
        time.sleep(interval)
