"""Drives rehost-wizard on a pseudo-terminal with a fake `rehost`, and reads the
screen as a person would see it."""
import json
import os
import pathlib
import shutil
import time

import pexpect
import pyte

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
PROGRAM = pathlib.Path(os.environ.get("REHOST_B", TOP / "build")) / "rehost-wizard"

UP, DOWN, LEFT, RIGHT, END = "\033[A", "\033[B", "\033[D", "\033[C", "\033[F"
ENTER, ESC, TAB, CTRL_C, CTRL_U, CTRL_L = "\r", "\033", "\t", "\003", "\025", "\014"
F1 = "\033OP"


def environment(folder, term="linux", **extra):
    """PATH with the fakes first, their answers in folder, logs there too."""
    folder = pathlib.Path(folder)
    for f in (HERE / "fake").glob("*.json"):
        shutil.copy(f, folder)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "REHOST_"))}
    env.update(PATH=f"{HERE / 'fake'}:{os.environ['PATH']}", FAKE_DIR=str(folder),
               TERM=term, LANG="C.UTF-8", REHOST_LOGDIR=str(folder), TZ="UTC", SHELL="/bin/sh")
    env.update(extra)
    return env


def drivers_of(call):
    """What a call of Wizard.calls() has as --drivers."""
    return [v for k, v in zip(call["argv"], call["argv"][1:]) if k == "--drivers"]


class Wizard:
    def __init__(self, folder, rows=24, cols=80, term="linux", args=(), **extra):
        self.folder = pathlib.Path(folder)
        self.attach([str(PROGRAM), *args], environment(folder, term, **extra), rows, cols)

    def attach(self, argv, env, rows, cols):
        """Runs argv on a terminal of this size."""
        self.screen = pyte.Screen(cols, rows)
        self.stream = pyte.ByteStream(self.screen)
        if env["TERM"] in ("vt100", "vt220"):
            # these switch character sets; our screens never use the graphic one
            self.stream.select_other_charset("@")
            self.stream.select_other_charset("G")
        self.raw = b""
        self.proc = pexpect.spawn(argv[0], argv[1:], dimensions=(rows, cols), env=env)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.proc.close(force=True)

    def mode(self, text):
        """How the fakes behave from now on: "COMMAND=BEHAVIOUR ..."."""
        (self.folder / "mode").write_text(text)

    def calls(self, command=None):
        try:
            lines = (self.folder / "calls").read_text().splitlines()
        except FileNotFoundError:
            return []
        calls = [json.loads(line) for line in lines]
        return [c for c in calls if command in (None, c["argv"][0])]

    def pump(self, seconds=0.05):
        try:
            data = self.proc.read_nonblocking(65536, seconds)
        except pexpect.TIMEOUT:
            return False
        self.raw += data
        self.stream.feed(data)
        return True

    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display)

    def wait(self, *wanted, gone=None, seconds=15):
        """Until every text is on the screen and `gone` isn't."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            while self.pump():
                pass
            t = self.text()
            if all(w in t for w in wanted) and (gone is None or gone not in t):
                return t
        raise AssertionError(f"waited for {wanted}, without {gone!r}:\n{self.text()}")

    def send(self, *keys):
        for k in keys:
            self.proc.send(k)
            if k == ESC:
                time.sleep(0.25)  # else it begins a longer key

    def title(self, text, **kw):
        return self.wait(f"Rehost - {text} ", gone="Please wait.", **kw)

    def line(self):
        """The highlighted row of the page."""
        rows = [r for r in self.screen.display if r.startswith("  > ")]
        assert len(rows) == 1, self.text()
        return rows[0].strip("> ").rstrip()

    def hint(self):
        return self.screen.display[-2].strip()

    def exit_status(self, seconds=15):
        self.proc.expect(pexpect.EOF, timeout=seconds)
        self.proc.close()
        return self.proc.exitstatus
