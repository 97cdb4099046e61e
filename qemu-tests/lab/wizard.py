"""The way through the wizard, by what is written on its screen.

    wizard = Wizard(Screen(vm), shots=[])
    done = wizard.capture("SRC1", smb_place(samba), name="web1")
    done.digest

Nothing here counts rows or fields: rows are found by their text, fields by
their labels, pages by their titles (docs/WIZARD.md).  Each page that is
reached is kept in `shots` as (title, text), for whoever wants pictures.
"""

import dataclasses
import re
import time
import urllib.parse

from . import LabError, qemu

STARTUP = 300               # seconds from power-on to the main menu, emulated and busy
LOOKUP = 180                # a list of disks, a mount
REACTION = 60               # a key's effect on the screen
VERDICT = 600               # a dry run of rehost-adapt
JOB = 1200                  # a capture or a restore


class WizardProblem(LabError):
    """The wizard shows a problem where the test expected none."""


@dataclasses.dataclass
class Done:
    """How a job ended."""
    words: str              # "The capture is done."
    digest: str             # of the image, hex; "" when none
    text: str               # the result's whole screen
    seconds: float          # from its start to its result, as the test saw it
    verdict: str = ""       # adapt: the verdict page's text, all of it

    @property
    def good(self):
        return self.words.endswith(("is done.", "is good."))


@dataclasses.dataclass
class Place:
    """Where images are: which entry of the place page, and how its pages are
    filled in: [(title, {label: text})]."""
    entry: str
    forms: list


def smb_place(samba, directory="", password=None):
    """`samba` is a servers.Samba."""
    return Place("SMB share", [("SMB share", {
        "Server": qemu.HOST, "Share": samba.share_name, "Directory": directory,
        "User": samba.user, "Password": password or samba.password, "Port": str(samba.port)})])


def nfs_place(nfs, version="4", directory=""):
    """`nfs` is a servers.Nfs."""
    url = urllib.parse.urlsplit(nfs.url(version=version))
    options = ",".join(o for o in url.query.split("&") if not o.startswith("vers=4"))
    return Place("NFS export", [("NFS export", {
        "Server": qemu.HOST, "Export": url.path.rstrip("/"), "Directory": directory,
        "Port": str(nfs.port), "More options": options})])


def disk_place(partition, directory=""):
    """A partition of a local disk, as "sdb1"."""
    return Place("Local disk or USB", [("partition", partition),
                                       ("directory", {"Directory": directory})])


class Wizard:
    def __init__(self, screen, shots=None):
        self.screen = screen
        self.shots = shots if shots is not None else []
        self.job = ""

    # -- pages ---------------------------------------------------------------

    def shot(self, title):
        shot = (title, self.screen.text())
        if self.shots[-1:] != [shot]:
            self.shots.append(shot)

    def page(self, title, timeout=LOOKUP, problem_ok=False):
        """Waits for a page by its title, whole and with nothing to wait for."""
        title = f"{self.job}: {title}" if self.job else title
        page = rf"(?s)\A Rehost - {re.escape(title)}  (?!.*Please wait\.)"
        problem = r"\+- Problem -"
        self.screen.wait(f"{page}|{problem}", timeout)
        self.screen.settle()
        if self.screen.has(problem) and not problem_ok:
            raise WizardProblem(f"on the way to '{title}' the wizard shows:\n"
                                + self.screen.text())
        self.shot(title)

    def current(self):
        """The highlighted row or field, without its mark; "" when none."""
        for line in self.screen.lines():
            if line.startswith("  > "):
                return line[4:].strip()
        return ""

    def row(self, text):
        """Where the row or field with `text` is, counted from the highlighted
        one (the nearest when there are several); None when not on this page."""
        lines = self.screen.lines()
        here = [i for i, line in enumerate(lines) if line.startswith("  > ")]
        there = [i - here[0] for i, line in enumerate(lines)
                 if here and re.match(r"  > |    (  )?\S", line) and text in line[4:]]
        return min(there, key=abs) if there else None

    def _step(self, key):
        """Presses a key that changes the highlighted row, and waits until it did."""
        before = self.current()
        self.screen.press(key)
        try:
            self.screen.wait_until(lambda: self.current() not in ("", before), REACTION)
        except LabError as e:
            raise LabError(f"'{key}' changes nothing in the row '{before}': {e}") from None

    def move_to(self, text):
        """Goes to the row that contains `text`, each step seen before the next."""
        try:
            self.screen.wait_until(lambda: self.row(text) is not None, REACTION)
        except LabError as e:
            raise LabError(f"no row with '{text}' on this page: {e}") from None
        while self.row(text):
            self._step("down" if self.row(text) > 0 else "up")
        if text not in self.current():
            raise self.screen.vm.failure(f"lost the row with '{text}':\n" + self.screen.text())

    def choose(self, text):
        """Goes to the row that contains `text` and presses Enter."""
        self.move_to(text)
        self.screen.press("enter")

    def fill(self, fields):
        """Fills in a form by its labels; a field that is a choice (or a check
        box) gets the choice's (or "yes", "no") text."""
        for label, text in fields.items():
            self._field(label)
            if re.search(r"\[[x ]\] (yes|no)|\(\*\) ", self.current()):
                self._switch(label, text)
            else:
                self.screen.press("ctrl-u")
                # seen empty first: a kept answer may be the same text
                self.screen.wait(rf"\n  > {re.escape(label)}\s+\[ *\]", REACTION)
                self.screen.type(text)
                shown = re.escape(text[-20:]) + r"|\*{%d}" % max(1, min(20, len(text)))
                self.screen.wait(rf"\n  > {re.escape(label)}\s[^\n]*(?:{shown}) *\]", REACTION)

    def _field(self, label):
        for _ in range(20):
            if re.match(re.escape(label) + r"\s", self.current() + " "):
                return
            self._step("tab")
        raise self.screen.vm.failure(f"no field '{label}' on this page:\n" + self.screen.text())

    def _switch(self, label, text):
        for _ in range(6):
            if f"(*) {text}" in self.current() or re.search(rf"\[[x ]\] {text}\b", self.current()):
                return
            self._step("space")
            # "[ ] yes" is a row that is half drawn
            self.screen.settle()
        raise self.screen.vm.failure(f"'{label}' cannot be '{text}':\n" + self.screen.text())

    def unless(self, asked, row, title):
        """Waits for the page `title`; where the page `asked` comes before it, which is
        there only if there is something to ask, `row` is chosen on that."""
        self.screen.wait(rf"(?s)\A Rehost - {self.job}: (?:{asked}|{title})  (?!.*Please wait\.)"
                         r"|\+- Problem -", LOOKUP)
        if self.screen.has(rf"\A Rehost - {self.job}: {asked}  "):
            self.page(asked)
            self.choose(row)
        self.page(title)

    # -- parts of the flows ----------------------------------------------------

    def start(self, entry, job):
        """From the main menu into one of its entries."""
        self.job = ""
        self.page("Main menu", STARTUP)
        self.choose(entry)
        self.job = job

    def place(self, place):
        """From the place page through the place's own pages."""
        self.page("place")
        self.choose(place.entry)
        for title, answer in place.forms:
            self.page(title)
            if isinstance(answer, str):
                self.choose(answer)
            else:
                self.fill(answer)
                self.shot(f"{self.job}: {title}, filled in")
                self.screen.press("enter")

    def result(self, started, timeout=JOB, during=None):
        """Waits for the job's result; `during` is called with this wizard once
        the job is shown as running."""
        self.page_or_result("running")
        if during and not self.at_result():
            during(self)
        self.page("result", timeout)
        text = self.screen.text()
        words = re.search(r"The (?:capture|restore|image|check|adapt|undo)\b[^\n]*\.", text)
        digest = re.search(r"Digest: ([0-9a-f]{64})", re.sub(r"\n\s*", "", text)) \
            or re.search(r"Digest: ([0-9a-f]{64})", text)
        return Done(words.group(0) if words else "", digest.group(1) if digest else "", text,
                    time.monotonic() - started)

    def at_result(self):
        return self.screen.has(rf"\A Rehost - {self.job}: result ")

    def page_or_result(self, title):
        self.screen.wait(rf"\A Rehost - {self.job}: (?:{title}|result) ", LOOKUP)
        self.screen.settle(0.2)

    def stop(self):
        """While a job runs: stops it, as the wizard asks whether to."""
        self.screen.press("escape")
        self.screen.wait(r"\+- Question -", 60)
        self.screen.settle()
        self.shot(f"{self.job}: question")
        self.screen.press("y")

    def back_to(self, title):
        """Esc, page by page, to an earlier page."""
        for _ in range(12):
            self.screen.settle()
            if self.screen.has(rf"\A Rehost - {re.escape(self.job)}: {re.escape(title)}  "):
                return
            self.screen.press("escape")
            self.screen.settle(1)
        raise self.screen.vm.failure(f"no way back to '{title}':\n" + self.screen.text())

    def again(self, timeout=JOB, during=None):
        """After a job that did not end well: back to the answers, and the same
        job once more."""
        self.screen.press("enter")
        self.page("summary" if self.job == "Capture" else "confirm")
        started = time.monotonic()
        self.screen.press("enter")
        return self.result(started, timeout, during)

    def progress(self, timeout=120):
        """Waits until a part is done, and keeps the picture."""
        self.screen.wait(r"\] +[1-9]\d*%|Rehost - \w+: result ", timeout)
        self.screen.settle(0.1, 2)
        self.shot(f"{self.job}: progress")

    # -- the flows ---------------------------------------------------------------

    def capture(self, disks, place, name, options=None, timeout=JOB, during=None):
        """Captures disks, each named by something in its row (a serial number).
        A place that may be too small is tried anyway."""
        self.start("Capture", "Capture")
        self.page("disks")
        for disk in [disks] if isinstance(disks, str) else disks:
            self.move_to(disk)
            self.screen.press("space")
            self.screen.wait(rf"> *\[x\] [^\n]*{re.escape(disk)}", 20)
        self.shot("Capture: disks, marked")
        self.screen.press("enter")
        return self.capture_to(place, name, options, timeout, during)

    def capture_to(self, place, name, options=None, timeout=JOB, during=None):
        """The rest of a capture, from its place page on."""
        self.place(place)
        self.page("place checked")
        self.choose("Try it anyway" if self.screen.has("may be too small") else "Continue")
        self.unless("interrupted", "Begin a new image", "options")
        self.fill(dict({"Image name": name}, **(options or {})))
        self.screen.press("enter")
        self.unless("older image", "None", "summary")
        started = time.monotonic()
        self.screen.press("enter")
        return self.result(started, timeout, during)

    def restore(self, place, image, disk, options=None, timeout=JOB, during=None, adapt=False,
                wishes=None, passphrase=None, anyway=False):
        """Restores the image whose row contains `image` to the disk whose row
        contains `disk`; the name to type is read off the screen. With `adapt` its
        system is adapted, as `wishes` say ({"New host name": "web2", "New identity":
        "yes"}): the verdict is in the result then. `anyway`: also a system that will
        not boot, or of which that can't be told."""
        self.start("Restore", "Restore")
        self.place(place)
        self.page("image")
        self.choose(image)
        self.page("image details")
        self.screen.press("enter")
        self.page("target disk")
        self.choose(disk)
        self.unless("interrupted", "Begin anew", "adapt")
        self.fill(dict({"Adapt the system": "yes" if adapt else "no"}, **(wishes or {})))
        self.screen.press("enter")
        verdict = self.verdict(passphrase, anyway) if adapt else ""
        done = self.confirmed(options, timeout, during)
        done.verdict = verdict
        return done

    def verdict(self, passphrase=None, anyway=False, timeout=VERDICT):
        """From the wishes over the verdict to the confirmation; returns the
        verdict page's text, all of it."""
        pages = "passphrase|verdict"
        self.screen.wait(rf"(?s)\A Rehost - {self.job}: (?:{pages})  (?!.*Please wait\.)|\+- Problem -",
                         timeout)
        if passphrase is not None:
            self.page("passphrase")
            self.fill({"Passphrase": passphrase})
            self.screen.press("enter")
        self.page("verdict", timeout)
        text = self._whole_page()
        self.screen.press("enter")
        if not re.search(r"^ +Will boot ", text, re.M):
            if not anyway:
                raise WizardProblem("the wizard says that it won't boot:\n" + text)
            self.screen.wait(r"\+- Question -", REACTION)
            self.screen.settle()
            self.screen.press("y")
        return text

    def _whole_page(self):
        """The page's text, and what scrolling brings; the marks below it go."""
        text, seen = [], ""
        for _ in range(200):
            self.screen.settle()
            self.shot(f"{self.job}: verdict")
            lines = [line for line in self.screen.lines()[2:-1] if not line.startswith("  (lines ")]
            more = re.search(r"\(lines \d+-(\d+) of (\d+)", self.screen.text())
            new = [line for line in lines if line.strip()]
            text += new if not text else new[self._overlap(text, new):]
            if not more or more[1] == more[2]:
                break
            seen = more[0]
            self.screen.press("pagedown")
            self.screen.wait_until(lambda: seen not in self.screen.text(), REACTION)
        return "\n".join(text)

    @staticmethod
    def _overlap(text, new):
        """How many of the page's lines, after its lead, were read already."""
        lead = 0
        while lead < min(len(text), len(new)) and text[lead] == new[lead]:
            lead += 1
        for n in range(len(new) - lead, 0, -1):
            if text[-n:] == new[lead:lead + n]:
                return lead + n
        return lead

    def confirmed(self, options=None, timeout=JOB, during=None):
        """Types the disk's name, and waits for the job."""
        self.page("confirm")
        name = re.search(r"type\s+its\s+name:\s+(\S+)", self.screen.text()).group(1)
        self.fill(dict({"Type the disk's name": name}, **(options or {})))
        self.shot(f"{self.job}: confirm, name typed")
        started = time.monotonic()
        self.screen.press("enter")
        return self.result(started, timeout, during)

    def adapt(self, disk, wishes=None, passphrase=None, anyway=False, timeout=JOB):
        """Adapts the system on the disk whose row contains `disk`."""
        self.start("Adapt", "Adapt")
        self.page("disk")
        self.choose(disk)
        self.page("options")
        self.fill(dict({"What to do": "adapt"}, **(wishes or {})))
        self.screen.press("enter")
        verdict = self.verdict(passphrase, anyway)
        done = self.confirmed(timeout=timeout)
        done.verdict = verdict
        return done

    def undo(self, disk, timeout=JOB):
        """Takes back what adapt did there."""
        self.start("Adapt", "Adapt")
        self.page("disk")
        self.choose(disk)
        self.page("options")
        self.fill({"What to do": "undo an adapt"})
        self.screen.press("enter")
        return self.confirmed(timeout=timeout)

    def verify(self, place, image, timeout=JOB):
        self.start("Verify", "Verify")
        self.place(place)
        self.page("image")
        self.choose(image)
        self.page("image details")
        started = time.monotonic()
        self.screen.press("enter")
        return self.result(started, timeout)

    def to_menu(self):
        """From a good result back to the main menu."""
        self.screen.press("enter")
        self.job = ""
        self.page("Main menu")

    def power_off(self):
        """From the main menu; the machine is off some seconds later."""
        self.start("Power off", "")
        self.page("Power off or reboot")
        self.choose("Power off")


def shots_text(shots):
    """Screenshots as one text, each in a frame."""
    out = []
    for title, text in shots:
        lines = text.rstrip("\n").split("\n")
        lines += [""] * (24 - len(lines))
        out += [title, "+" + "-" * 80 + "+"]
        out += [f"|{line:<80}|" for line in lines] + ["+" + "-" * 80 + "+", ""]
    return "\n".join(out)
