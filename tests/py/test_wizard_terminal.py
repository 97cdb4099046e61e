"""The wizard as a program on terminals: errors, crashes, cancelling, sizes,
terminal types, several consoles."""
import os
import pty
import re
import shutil
import signal
import subprocess
import tempfile
import time

import pytest
from wizard_screen import (CTRL_C, CTRL_L, CTRL_U, DOWN, ENTER, ESC, F1, PROGRAM, TAB, TOP, UP, Wizard,
                           environment)


def to_smb(w, verb="2"):
    w.title("Main menu")
    w.send(verb)
    if verb == "1":
        w.title("Capture: disks")
        w.send(" ", ENTER)
    w.wait(": place ")
    w.send("2")
    w.wait("SMB share", "Password")
    w.send("192.0.2.1", TAB, "images")


def to_summary(w):
    to_smb(w, "1")
    w.send(ENTER)
    w.title("Capture: place checked")
    w.send(ENTER)
    w.title("Capture: options")
    w.send(CTRL_U, "a", ENTER)
    w.title("Capture: summary")


def test_error_leads_back_without_losing_answers(tmp_path):
    with Wizard(tmp_path) as w:
        w.mode("place=fail")
        to_smb(w)
        w.send(ENTER)
        w.wait("Problem", "The place could not be reached.", "does not answer")
        w.send(ENTER)
        w.wait("[192.0.2.1 ", "[images ", gone="Problem")
        w.mode("")
        w.send(ENTER)
        w.title("Restore: image")
        w.send(ESC)
        w.wait("[192.0.2.1 ", "[images ")


@pytest.mark.parametrize("how, text", [
    ("crash", "ended without a reason"), ("garbage", "can't be read"),
])
def test_listing_crashes_or_babbles(tmp_path, how, text):
    with Wizard(tmp_path) as w:
        w.mode(f"disks={how}")
        w.title("Main menu")
        w.send("1")
        w.wait("Problem", "The disks could not be listed.", text)
        w.mode("disks=empty")
        w.send(ENTER, "1")
        w.wait("No disk was found.")
        w.mode("")
        w.send("r")
        w.wait("Samsung")


def test_no_address_by_dhcp(tmp_path):
    (tmp_path / "no-address").touch()
    with Wizard(tmp_path) as w:
        w.title("Main menu")
        w.send("5")
        w.wait("Rehost - Network ", "192.0.2.10/24")
        w.send(DOWN, ENTER)
        w.wait("How does eth1 get its address?", "(*) DHCP")
        w.send(ENTER)
        w.wait("Problem", "No address came by DHCP.", "eth1 has no link: is a cable in")
        w.send(ENTER)                      # and back to the answers
        w.wait("How does eth1 get its address?", gone="Problem")


def children(w, word):
    """Process ids of the wizard's children with this word on their command line."""
    out = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(w.proc.pid)],
                         capture_output=True, text=True, check=True).stdout
    return [line.split()[0] for line in out.splitlines() if word in line.split()]


def gone(pid):
    for _ in range(50):
        if not os.path.exists(f"/proc/{pid}"):
            return
        time.sleep(0.1)
    raise AssertionError(f"process {pid} is still there")


@pytest.mark.parametrize("how", ["hang", "deaf"])
def test_waiting_can_be_stopped(tmp_path, how):
    with Wizard(tmp_path) as w:
        w.mode(f"place={how}")
        to_smb(w)
        w.send(ENTER)
        w.wait("Please wait.", "Connecting to the place")
        w.send("x")            # nothing but Esc and Ctrl-C
        child, = children(w, "place")
        w.send(ESC)
        w.wait("[192.0.2.1 ", gone="Please wait.", seconds=3)
        if how == "hang":
            gone(child)
        w.mode("")
        w.send(ENTER)
        w.title("Restore: image")


@pytest.mark.parametrize("how, headline, text", [
    ("crash", "The capture failed.", "signal 11"),
    ("failjob", "The capture failed.", "No space left on device"),
    ("refuse", "The capture was refused.", "sda is mounted on /mnt."),
    ("silent", "The capture failed.", "without saying that the job is done"),
])
def test_job_fails_and_the_wizard_goes_on(tmp_path, how, headline, text):
    with Wizard(tmp_path) as w:
        w.mode(f"capture={how}")
        to_summary(w)
        w.send(ENTER)
        t = w.title("Capture: result")
        assert headline in t and text in t and "Digest" not in t
        w.send(ENTER)
        t = w.title("Capture: summary")
        assert "a.rhi" in t
        w.mode("")
        w.send(ENTER)
        assert "The capture is done." in w.title("Capture: result")


def test_progress_and_ctrl_c_asks(tmp_path):
    with Wizard(tmp_path) as w:
        w.mode("capture=slow")
        to_summary(w)
        w.send(ENTER)
        w.wait("Rehost - Capture: running", "123 MB/s", "#", "Time left", "of 4.0 GB")
        w.send(CTRL_C)
        w.wait("Question", "Stop the capture?")
        w.send(ENTER)                      # "No, go on" is the default
        w.wait("Rehost - Capture: running", gone="Question")
        percent = w.text().split("%")[0].split()[-1]
        w.wait("Capture: running", gone=f" {percent}%")   # it does go on
        w.send(CTRL_C)
        w.wait("Question")
        w.send(DOWN, ENTER)
        t = w.title("Capture: result")
        assert "The capture was stopped." in t and "Digest" not in t


def test_deaf_job_is_killed(tmp_path):
    with Wizard(tmp_path) as w:
        w.mode("capture=deaf")
        to_summary(w)
        w.send(ENTER)
        w.wait("50%")
        w.send(ESC)
        w.wait("Question")
        w.send("y")
        w.wait("Stopping")
        w.title("Capture: result", seconds=40)
        assert "The capture was stopped." in w.text()


def test_resize(tmp_path):
    with Wizard(tmp_path) as w:
        w.title("Main menu")
        for rows, cols, text in ((23, 79, "too small"), (43, 132, "What do you want to do?"),
                                 (24, 80, "What do you want to do?")):
            w.screen.resize(rows, cols)
            w.proc.setwinsize(rows, cols)
            w.wait(text)
            last = w.screen.display[-1]
            assert text == "too small" or last.startswith(" Up/Down Move")
        w.send(DOWN)
        w.wait("  > 2  Restore")


@pytest.mark.parametrize("term", ["vt100", "vt102", "vt220", "linux"])
def test_terminals_in_black_and_white(tmp_path, term):
    """No colour is ever sent, and the screen is the same on all."""
    with Wizard(tmp_path, term=term) as w:
        w.title("Main menu")
        w.send("1")
        w.title("Capture: disks")
        w.send(DOWN)
        w.wait("> [ ] nvme0n1", "Fenêtres ☃", "Windows 10 Pro")
        w.send(" ")
        w.wait("> [x] nvme0n1")
        sent = {int(n or 0) for m in re.findall(rb"\033\[([0-9;]*)m", w.raw) for n in m.split(b";")}
        assert sent <= {0, 1, 4, 7, 10, 22, 24, 27}, sent


def test_unknown_terminal(tmp_path):
    r = subprocess.run([PROGRAM], env=environment(tmp_path, term="no-such-terminal"), timeout=10,
                       capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert r.returncode == 2 and "TERM=vt100" in r.stderr


def test_help_and_odd_keys(tmp_path):
    with Wizard(tmp_path) as w:
        w.title("Main menu")
        w.send(F1)
        w.wait("Help", "Rehost moves an installed machine")
        w.send(ENTER)
        w.wait("What do you want to do?", gone="+- Help")
        w.send("?")
        w.wait("+- Help")
        w.send(ENTER)
        w.wait("Main menu", gone="+- Help")
        w.send("\033[24~", "\033OS", "\033[1;5B")     # F12, F4, Ctrl-Down: nothing
        w.send("2")
        w.title("Restore: place")
        w.send("2")
        w.wait("Password")
        w.send("a?b", "\033[15~")
        w.wait("[a?b ")
        w.send(CTRL_L)
        w.wait("[a?b ")


def test_shell_and_back(tmp_path):
    with Wizard(tmp_path) as w:
        w.title("Main menu")
        w.send("6")
        w.wait(gone="Main menu")
        w.send("echo in''side $TERM\n")
        w.wait("inside linux")
        w.send("exit\n")
        w.title("Main menu")
        w.send(UP)
        w.title("Main menu")


def test_network(tmp_path):
    with Wizard(tmp_path) as w:
        w.title("Main menu")
        w.send("5")
        t = w.wait("Rehost - Network ", "192.0.2.10/24")
        assert "52:54:00:12:34:56" in t and "DHCP" in t
        w.send(ENTER)
        w.wait("How does eth0 get its address?")
        w.send(" ", TAB, CTRL_U, "192.0.2.77", ENTER)
        w.wait("with its prefix")
        w.send("/24", TAB, TAB, CTRL_U, "192.0.2.2", ENTER)
        w.wait("The network interfaces of this machine:")
        w.send(ENTER)
        w.wait("(*) fixed address", "[192.0.2.77/24 ")
        w.send(ESC, DOWN, ENTER)
        w.wait("How does eth1 get its address?", "(*) DHCP")
        w.send(ENTER)
        w.wait("The network interfaces of this machine:")
        assert (tmp_path / "net-calls").read_text().splitlines() == [
            "status --json", "static eth0 192.0.2.77/24 192.0.2.1 192.0.2.2", "status --json",
            "dhcp eth1", "wait 30 eth1", "status --json"]


def test_save_logs(tmp_path):
    with Wizard(tmp_path) as w:
        to_smb(w, "7")
        w.send(ENTER)
        w.wait("Done", "The logs are saved in smb://192.0.2.1/images.")
        assert w.calls("place")[-1]["argv"] == ["place", "--run", "rehost-save-logs",
                                                "smb://192.0.2.1/images"]
        w.send(ENTER)
        w.title("Main menu")


def test_power_off(tmp_path):
    (tmp_path / "poweroff").write_text(f"#!/bin/sh\necho off >>{tmp_path}/power\n")
    (tmp_path / "poweroff").chmod(0o755)
    with Wizard(tmp_path, PATH=f"{tmp_path}:{os.environ['PATH']}") as w:
        w.title("Main menu")
        w.send("8")
        w.wait("> Stay here")
        w.send(ENTER)
        w.title("Main menu")
        assert not (tmp_path / "power").exists()
        w.send("8", DOWN, ENTER)
        w.wait("Power off or reboot")
        for _ in range(50):
            if (tmp_path / "power").exists():
                break
            time.sleep(0.1)
        assert (tmp_path / "power").read_text() == "off\n"


def test_leaving(tmp_path):
    with Wizard(tmp_path) as w:
        w.title("Main menu")
        w.send("3")
        w.title("Verify: place")
        w.send(CTRL_C)
        w.wait("Go to the main menu?")
        w.send("y")
        w.title("Main menu")
        w.send(CTRL_C)
        w.wait("Leave the wizard?")
        w.send("y")
        assert w.exit_status() == 0


def test_sigterm_stops_the_job_first(tmp_path):
    with Wizard(tmp_path) as w:
        w.mode("capture=hang")
        to_summary(w)
        w.send(ENTER)
        w.wait("50%")
        job, = children(w, "capture")
        w.proc.kill(signal.SIGTERM)
        assert w.exit_status() == 0
        assert not os.path.exists(f"/proc/{job}")


TMUX_CONF = TOP / "rootfs/overlay/etc/rehost/tmux.conf"


class Session:
    """The wizard in tmux with the live system's settings, and one console."""

    def __init__(self, folder):
        self.short = tempfile.TemporaryDirectory()  # a socket's path has at most 107 bytes
        self.socket = self.short.name + "/s"
        env = environment(folder, "vt220", PS1="type here: ")
        wizard = folder / "wizard"         # what tmux.conf starts
        wizard.write_text(f"#!/bin/sh\nexec '{PROGRAM}' --stay\n")
        wizard.chmod(0o755)
        conf = folder / "tmux.conf"
        conf.write_text(TMUX_CONF.read_text().replace("/usr/lib/rehost/wizard", str(wizard)))
        subprocess.run(["tmux", "-S", self.socket, "-f", str(conf), "start-server"], env=env,
                       check=True, timeout=20)
        self.a, self.b = (self.console(env, *size) for size in ((43, 132), (24, 80)))

    def console(self, env, rows, cols):
        w = Wizard.__new__(Wizard)
        w.attach(["tmux", "-S", self.socket, "attach", "-t", "rehost"], env, rows, cols)
        return w

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], check=False, timeout=20)
        for w in (self.a, self.b):
            w.proc.close(force=True)
        self.short.cleanup()

    def wait(self, *wanted):
        for w in (self.a, self.b):
            w.wait(*wanted)


def test_one_session_on_two_consoles(tmp_path):
    if not shutil.which("tmux"):
        pytest.skip("tmux isn't installed")
    with Session(tmp_path) as s:
        s.wait("What do you want to do?")
        s.b.send("1")
        s.wait("Capture: disks")
        s.a.send(" ")
        s.wait("[x] sda")
        s.a.send(ESC)
        s.wait("What do you want to do?")
        s.b.send("6")                      # the shell is on both
        s.wait("type here:")
        s.b.send("echo $((6 * 7))-here\n")
        s.wait("42-here")
        s.a.send("sleep 100; exit\n")
        s.a.wait("sleep 100")
        time.sleep(0.5)
        s.a.send(CTRL_C)                   # stops what runs there
        s.a.send("exit\n")
        s.wait("What do you want to do?")
        s.b.send(CTRL_C)
        s.wait("This wizard stays")


def test_shell_that_is_killed(tmp_path):
    """It leaves the terminal to a group that is gone."""
    with Wizard(tmp_path, PS1="type here: ") as w:
        w.title("Main menu")
        w.send("6")
        w.wait("type here:")
        w.send("kill -9 $$\n")
        w.title("Main menu")
        w.send(DOWN)
        w.wait("> 7  Save logs")


def test_terminal_that_vanishes_without_a_signal(tmp_path):
    """A hung-up terminal stays readable: the wizard must not spin on it."""
    ours, theirs = pty.openpty()
    wizard = subprocess.Popen([str(PROGRAM), "--stay"], stdin=theirs, stdout=theirs, stderr=theirs,
                              env=environment(tmp_path))
    try:
        os.close(theirs)
        os.read(ours, 1)
        os.close(ours)
        assert wizard.wait(10) == 0
    finally:
        wizard.kill()
