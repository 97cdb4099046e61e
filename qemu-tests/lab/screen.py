"""A terminal on a machine's serial line: what a person would see, and keys.

    screen = Screen(vm)
    screen.wait("Choose a disk")
    screen.press("down", "enter")
    print(screen.text())
"""

import codecs
import re
import time

import pexpect
import pyte

from . import patient
from .qemu import PANIC

# what a vt220's (and a Linux console's) keys send
KEYS = {
    "enter": "\r", "tab": "\t", "backtab": "\x1b[Z", "escape": "\x1b", "space": " ",
    "backspace": "\x7f", "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D",
    "home": "\x1b[1~", "insert": "\x1b[2~", "delete": "\x1b[3~", "end": "\x1b[4~",
    "pageup": "\x1b[5~", "pagedown": "\x1b[6~",
    "f1": "\x1bOP", "f2": "\x1bOQ", "f3": "\x1bOR", "f4": "\x1bOS", "f5": "\x1b[15~",
    "f6": "\x1b[17~", "f7": "\x1b[18~", "f8": "\x1b[19~", "f9": "\x1b[20~", "f10": "\x1b[21~",
    "ctrl-c": "\x03", "ctrl-l": "\x0c", "ctrl-u": "\x15",
}


class Screen:
    """Follows the serial line of `vm`, which must be a qemu.Machine.

    Once a Screen reads the line nothing else should (`release` gives it back).
    """

    def __init__(self, vm, columns=80, lines=24):
        self.vm = vm
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.Stream(self._screen)
        # honour line drawing by character sets (ESC ( 0), which pyte leaves
        # out in UTF-8 mode; the bytes are decoded here instead
        self._stream.use_utf8 = False
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._said = b""

    def _feed(self, data):
        # programs that ask the terminal where its cursor is want an answer
        if b"\x1b[6n" in data:
            cursor = self._screen.cursor
            self.vm.send(f"\x1b[{cursor.y + 1};{cursor.x + 1}R")
        self._stream.feed(self._decode(data))

    def read(self, timeout):
        """Takes in what has come; waits up to `timeout` for the first byte.
        Returns whether anything came."""
        try:
            data = self.vm.serial.read_nonblocking(65536, timeout=timeout)
        except pexpect.TIMEOUT:
            return False
        except (pexpect.EOF, OSError):
            raise self.vm.failure("ended while its screen was watched:\n" + self.text()) from None
        self._feed(data)
        self._said = self._said[-len(PANIC):] + data
        if PANIC.encode() in self._said:
            raise self.vm.failure("its kernel stopped while its screen was watched")
        return True

    def lines(self):
        return [line.rstrip() for line in self._screen.display]

    def text(self):
        """The screen as text, trailing blanks cut."""
        return "\n".join(self.lines()).rstrip() + "\n"

    def reversed_text(self):
        """What is shown in reverse video: the selected entry, usually."""
        out = []
        for y in range(self._screen.lines):
            row = self._screen.buffer[y]
            cells = "".join(row[x].data if row[x].reverse else "\0"
                            for x in range(self._screen.columns))
            out += [part.strip() for part in re.split("\0+", cells) if part.strip()]
        return out

    def has(self, pattern):
        return re.search(pattern, self.text()) is not None

    def wait_until(self, condition, timeout, what="what is waited for is"):
        """Waits until condition() is true; returns what it returns."""
        timeout = patient(timeout)
        end = time.monotonic() + timeout
        while True:
            found = condition()
            if found:
                return found
            left = end - time.monotonic()
            if left <= 0:
                raise self.vm.failure(f"{what} not on the screen after {timeout} s:\n"
                                      + self.text())
            self.read(min(left, 1))

    def wait(self, pattern, timeout=60, gone=False):
        """Waits until the regular expression is (with `gone`, is not) on the
        screen; returns the match."""
        if gone:
            return self.wait_until(lambda: not self.has(pattern), timeout,
                                   f"a screen without {pattern!r} is")
        return self.wait_until(lambda: re.search(pattern, self.text()), timeout,
                               f"{pattern!r} is")

    def wait_any(self, patterns, timeout=60):
        """Waits for one of several; returns its index."""
        self.wait("|".join(f"(?:{p})" for p in patterns), timeout)
        return next(i for i, p in enumerate(patterns) if self.has(p))

    def settle(self, quiet=0.3, limit=10):
        """Waits until nothing has come for `quiet` seconds: a picture is whole."""
        end = time.monotonic() + limit
        while time.monotonic() < end and self.read(quiet):
            pass

    def press(self, *names):
        """Presses named keys (KEYS), or single characters."""
        for name in names:
            self.vm.send(KEYS.get(name, name))

    def type(self, text):
        self.vm.send(text)
