"""rehost-wizard --unattended: answer files, over a fake `rehost`."""
import http.server
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

import pytest
from wizard_screen import CTRL_C, ENTER, PROGRAM, Wizard, drivers_of, environment

CAPTURE = """\
# a capture
job = capture
disk = serial=S3Z9NB0K123456X
image = smb://192.0.2.1/images/dir/web1.rhi
username = bob
password = s3cret word
level = small
verify = yes
"""
DIGEST = "ab" * 32


def start(folder, answers, *args, **env):
    (folder / "answers").write_text(answers)
    e = environment(folder, REHOST_MEDIUM=str(folder), **env)
    return subprocess.Popen([str(PROGRAM), "--unattended", "--answers=answers", *args], env=e,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)


def run(folder, answers, *args, **env):
    p = start(folder, answers, *args, **env)
    out, _ = p.communicate(timeout=30)
    assert "s3cret" not in out and "s3cret" not in (folder / "wizard.log").read_text()
    assert all(line.startswith("REHOST-JOB: ") for line in out.splitlines()), out
    return p.returncode, out


def calls(folder, command):
    w = Wizard.__new__(Wizard)
    w.folder = folder
    return w.calls(command)


def test_capture(tmp_path):
    status, out = run(tmp_path, CAPTURE)
    assert status == 0, out
    assert out.splitlines()[-2:] == ["REHOST-JOB: done status=0", f"REHOST-JOB: {DIGEST}"]
    assert all(len(line) < 80 for line in out.splitlines()[-2:])  # not wrapped
    assert re.search(r"^REHOST-JOB: copy 50% 2.0 GB of 4.0 GB, 123 MB/s, time left 2 s$", out, re.M)
    call, = calls(tmp_path, "capture")
    assert call["argv"] == ["capture", "--events-fd=3", "--level", "small", "--verify", "/dev/sda",
                            "smb://192.0.2.1/images/dir/web1.rhi"]
    assert call["env"]["REHOST_PASSWORD"] == "s3cret word"


def test_restore_and_warnings(tmp_path):
    (tmp_path / "mode").write_text("restore=warn")
    (tmp_path / "cred").write_text("username=bob\npassword=s3cret word\n")
    status, out = run(tmp_path, "job=restore\nimage=smb://h/s/a.rhi\ncredentials=cred\n"
                      "target=wwn=eui.0026b7684e1f2a35\n")
    assert status == 3, out
    assert "warning: 512 bytes at offset 4096" in out
    assert out.splitlines()[-2:] == ["REHOST-JOB: done status=3", f"REHOST-JOB: {DIGEST}"]
    call, = calls(tmp_path, "restore")
    assert call["argv"] == ["restore", "--events-fd=3", "--yes", "--expect-serial=50026B7684E1F2A3",
                            "smb://h/s/a.rhi", "/dev/nvme0n1"]
    assert call["env"]["REHOST_USERNAME"] == "bob"


MACHINE = ("job = restore\nimage = smb://h/s/m/machine.json\ntarget = serial=S3Z9NB0K123456X\n"
           "target = wwn=eui.0026b7684e1f2a35\n")


def test_parts_and_machines(tmp_path):
    status, out = run(tmp_path, CAPTURE + "only = 1,3\ndisk = serial=50026B7684E1F2A3\nonly = 1\n")
    assert status == 0, out
    call, = calls(tmp_path, "capture")
    assert call["argv"][2:-1] == ["--level", "small", "--verify", "--only", "/dev/sda=1,3", "--only",
                                  "/dev/nvme0n1=1", "/dev/sda", "/dev/nvme0n1"]
    status, out = run(tmp_path, RESTORE + "only = 2\ninto = 3\n")
    assert status == 0, out
    status, out = run(tmp_path, MACHINE)
    assert status == 0, out
    assert "REHOST-JOB: disk 2 of 2: /dev/nvme0n1\n" in out and out.count(DIGEST) == 2
    parts, machine = calls(tmp_path, "restore")
    assert parts["argv"][3:] == ["--only", "2", "--into", "3", "--expect-serial=50026B7684E1F2A3",
                                 "smb://h/s/a.rhi", "/dev/nvme0n1"]
    assert machine["argv"][3:] == ["--expect-serial=S3Z9NB0K123456X", "--expect-serial=50026B7684E1F2A3",
                                   "smb://h/s/m/machine.json", "/dev/sda", "/dev/nvme0n1"]


@pytest.mark.parametrize("answers, why", [
    (CAPTURE + "only = 1\nonly = 2\n", "line 10: only stands there already"),
    (MACHINE + "only = 1\n", "are for the image of one disk"),
    (MACHINE.replace("machine.json", "a.rhi"), "there are several targets"),
    (MACHINE + "target = path=/dev/sda\n", "/dev/sda is named twice"),
    ("job=restore\nimage=smb://h/s/a.rhi\ntarget=path=/dev/sda\nonly=1\nadapt=yes\n", "exclude 'adapt"),
    ("job=verify\nimage=smb://h/s/a.rhi\nonly=1\n", "'only' has no meaning for verify")])
def test_wrong_parts(tmp_path, answers, why):
    status, out = run(tmp_path, answers)
    assert status == 2 and why in out, out
    assert not calls(tmp_path, "restore") and not calls(tmp_path, "capture")


RESTORE = "job=restore\nimage=smb://h/s/a.rhi\ntarget=wwn=eui.0026b7684e1f2a35\n"


def test_restore_and_adapt(tmp_path):
    status, out = run(tmp_path, RESTORE + "adapt = yes\nhostname = web2\nnew_identity = yes\n"
                      "remove-tools = yes\nluks_passphrase = s3cret word\n")
    assert status == 0, out
    assert "REHOST-JOB: adapt: partition 1 of /dev/nvme0n1: 7 edits made\n" in out
    assert out.splitlines()[-2:] == ["REHOST-JOB: done status=0", f"REHOST-JOB: {DIGEST}"]
    call, = calls(tmp_path, "restore")
    words = [w for w in call["argv"] if not w.startswith("--expect-serial=")]
    assert words == ["restore", "--events-fd=3", "--yes", "--adapt", "--hostname", "web2",
                     "--new-identity", "--remove-tools", "smb://h/s/a.rhi", "/dev/nvme0n1"]
    assert call["env"]["REHOST_LUKS_PASSPHRASE"] == "s3cret word"
    disks, = calls(tmp_path, "disks")
    assert "REHOST_LUKS_PASSPHRASE" not in disks["env"]


@pytest.mark.parametrize("keys, status", [("", 4), ("adapt_anyway = yes\n", 0)])
def test_restore_what_will_not_boot(tmp_path, keys, status):
    (tmp_path / "mode").write_text("restore=wont")
    got, out = run(tmp_path, RESTORE + "adapt = yes\n" + keys)
    assert got == status, out
    assert "--adapt-anyway" in calls(tmp_path, "restore")[0]["argv"] or status
    if status:
        assert "REHOST-JOB: adapt:   because: no driver for the disk\n" in out
        assert out.splitlines()[-2] == "REHOST-JOB: failed status=4"
        assert "would not boot" in out.splitlines()[-1]


def test_adapt(tmp_path):
    (tmp_path / "mode").write_text("adapt=warn")
    status, out = run(tmp_path, "job = adapt\ntarget = serial=S3Z9NB0K123456X\nhostname = web2\n")
    assert status == 3, out
    assert "REHOST-JOB: step apply: writing /etc/fstab\n" in out
    assert "REHOST-JOB: adapt: partition 1 of /dev/sda: 7 edits made\n" in out
    assert out.count("warning: which NIC takes") == 1
    assert out.splitlines()[-1] == "REHOST-JOB: done status=3"      # there is no digest
    call, = calls(tmp_path, "adapt")
    assert call["argv"] == ["adapt", "--events-fd=3", "--yes", "--hostname", "web2", "/dev/sda"]


def test_drivers(tmp_path):
    status, out = run(tmp_path, RESTORE + "adapt = yes\ndrivers = /run/medium/w10\n"
                      "drivers = nfs://192.0.2.9/srv/virtio-win.iso\n")
    assert status == 0, out
    call, = calls(tmp_path, "restore")
    assert drivers_of(call) == ["/run/medium/w10", "nfs://192.0.2.9/srv/virtio-win.iso"]


def test_drivers_of_an_adapt(tmp_path):
    """It has no image, but the share that its drivers are on wants a password."""
    status, out = run(tmp_path, "job = adapt\ntarget = path=/dev/sda\ndrivers = smb://h/s/w10\n"
                      "username = bob\npassword = s3cret word\n")
    assert status == 0, out
    call, = calls(tmp_path, "adapt")
    assert drivers_of(call) == ["smb://h/s/w10"]
    assert (tmp_path / "net-calls").read_text() == "wait 60\n"
    assert call["env"]["REHOST_PASSWORD"] == "s3cret word"


def test_undo(tmp_path):
    status, out = run(tmp_path, "job = adapt\ntarget = path=/dev/sda\nundo = yes\n")
    assert status == 0 and "adapt's edits were taken back" in out, out
    assert calls(tmp_path, "adapt")[0]["argv"][-2:] == ["--undo", "/dev/sda"]


def test_several_disks(tmp_path):
    status, out = run(tmp_path, "job=capture\ndisk=path=/dev/nvme0n1\ndisk=path=/dev/sda\n"
                      "image=nfs://h/srv/two\n")
    assert status == 0, out
    assert out.splitlines()[-2:] == [f"REHOST-JOB: {DIGEST}"] * 2
    assert "REHOST-JOB: disk 2 of 2: /dev/sda\n" in out
    assert [c["argv"][-3:] for c in calls(tmp_path, "capture")] == [
        ["/dev/nvme0n1", "/dev/sda", "nfs://h/srv/two"]]


@pytest.mark.parametrize("target, text", [
    ("serial=NONE", "no disk has serial=NONE"),
    ("serial=SAME", "more than one disk has serial=SAME"),
    ("path=/dev/sdc", "this live system runs from it"),
])
def test_target_must_be_one(tmp_path, target, text):
    env = environment(tmp_path)
    (tmp_path / "answers").write_text(f"job=restore\nimage=/x/a.rhi\ntarget={target}\n")
    disks = tmp_path / "disks.json"
    disks.write_text(disks.read_text().replace("S3Z9NB0K123456X", "SAME").replace("4C530001", "SAME"))
    r = subprocess.run([PROGRAM, "--unattended", f"--answers={tmp_path}/answers"], env=env,
                       timeout=30, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                       check=False)
    assert r.returncode == 4, r.stdout
    assert "REHOST-JOB: failed status=4\n" in r.stdout and text in r.stdout
    assert calls(tmp_path, "disks") and not calls(tmp_path, "restore")


@pytest.mark.parametrize("text, why", [
    ("job = capture\nimge = x\n", "line 2: unknown key 'imge'"),
    ("job = capture\njob = verify\n", "line 2: 'job' stands in line 1 already"),
    ("job = restore\nimage = /a.rhi\n", "the key 'target' is missing"),
    ("job = verify\nimage = /a.rhi\n\ntarget = serial=X\n", "line 4: 'target' has no meaning for verify"),
    ("job = restore\nimage=/a\ntarget = sda\n", "line 3: target must be serial=..., wwn=... or path=..."),
    ("nonsense\n", "line 1: write 'key = value'"),
    ("job = verify\nimage = ftp://x/y\n", "line 2: image must be"),
    ("job = verify\nimage =\n", "line 2: image has no value"),
    ("job = adapt\ntarget = serial=X\nimage = /a.rhi\n", "line 3: 'image' has no meaning for adapt"),
    ("job = adapt\n", "the key 'target' is missing; adapt needs it"),
    (RESTORE + "hostname = a\n", "line 4: 'hostname' has a meaning with 'adapt = yes' only"),
    (RESTORE + "adapt = no\nadapt-anyway = yes\n", "line 5: 'adapt_anyway' has a meaning with"),
    (RESTORE + "adapt = yes\nhostname = a_b\n", "line 5: hostname must be letters, digits"),
    (RESTORE + "adapt = maybe\n", "line 4: adapt must be yes or no"),
    (RESTORE + "adapt = yes\nundo = yes\n", "line 5: 'undo' has no meaning for restore"),
    (RESTORE + "drivers = /mnt/w10\n", "'drivers' has a meaning with 'adapt = yes' only"),
    (RESTORE + "adapt = yes\ndrivers = w10\n", "drivers must be a path that begins with /"),
    (RESTORE + "adapt = yes\ndrivers = smb://bob:s3cret@h/s/w10\n", "without a password"),
    (RESTORE + "adapt = yes\n" + "".join(f"drivers = /{i}\n" for i in range(9)),
     "drivers is given too often"),
    ("job = verify\nimage = /a.rhi\ndrivers = /w10\n", "'drivers' has no meaning for verify"),
    ("job = adapt\ntarget = path=/dev/sda\nundo = yes\ndrivers = /w10\n",
     "'drivers' has no meaning with 'undo = yes'"),
    (RESTORE + "new-identity = yes\nnew_identity = yes\n", "line 5: 'new_identity' stands in line 4 already"),
])
def test_bad_files(tmp_path, text, why):
    status, out = run(tmp_path, text)
    assert status == 2 and why in out, out
    assert out.splitlines()[-2] == "REHOST-JOB: failed status=2"
    assert not calls(tmp_path, None)


@pytest.mark.parametrize("how, status, text", [
    ("failjob", 1, "No space left"), ("refuse", 4, "mounted on /mnt"), ("crash", 1, "signal 11"),
    ("silent", 1, "without saying that the job is done"),
])
def test_failures(tmp_path, how, status, text):
    (tmp_path / "mode").write_text(f"capture={how}")
    got, out = run(tmp_path, CAPTURE)
    assert got == status and text in out.splitlines()[-1]
    assert out.splitlines()[-2] == f"REHOST-JOB: failed status={status}"
    assert out.splitlines()[-1].startswith("REHOST-JOB: error ")


def power(folder):
    for name in ("poweroff", "reboot"):
        (folder / name).write_text(f"#!/bin/sh\necho {name} >>{folder}/power\n")
        (folder / name).chmod(0o755)
    return f"{folder}:{pathlib.Path(__file__).parent / 'fake'}:{os.environ['PATH']}"


@pytest.mark.parametrize("mode, keys, wanted", [
    ("", "after = poweroff\n", "poweroff"), ("", "after = reboot\non_error = poweroff\n", "reboot"),
    ("capture=failjob", "after = poweroff\n", None),
    ("capture=failjob", "after = poweroff\non_error = reboot\n", "reboot"),
])
def test_after(tmp_path, mode, keys, wanted):
    (tmp_path / "mode").write_text(mode)
    run(tmp_path, CAPTURE + keys, PATH=power(tmp_path))
    done = tmp_path / "power"
    assert (done.read_text().split() if done.exists() else []) == ([wanted] if wanted else [])


def test_sigterm_stops_the_job(tmp_path):
    (tmp_path / "mode").write_text("capture=hang")
    p = start(tmp_path, CAPTURE)
    while "copy 50%" not in p.stdout.readline():
        pass
    p.send_signal(signal.SIGTERM)
    out, _ = p.communicate(timeout=20)
    assert p.returncode == 1 and "REHOST-JOB: error The job was stopped.\n" in out


def test_http_and_kernel_command_line(tmp_path):
    """rehost.answers=URL, once a boot; then the wizard."""
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "a").write_text(CAPTURE)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *a):
            super().__init__(*a, directory=str(tmp_path / "web"))

        def log_message(self, *a):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "cmdline").write_text(
        f"quiet rehost.answers=http://127.0.0.1:{server.server_port}/a splash\n")
    env = dict(REHOST_CMDLINE=str(tmp_path / "cmdline"), REHOST_RUNDIR=str(tmp_path / "run"))
    with Wizard(tmp_path, **env) as w:
        w.title("Main menu", seconds=20)
        assert f"done status=0\r\nREHOST-JOB: {DIGEST}\r\n".encode() in w.raw
        assert len(w.calls("capture")) == 1
    with Wizard(tmp_path, **env) as w:       # started anew: not done again
        w.title("Main menu")
        assert b"REHOST-JOB" not in w.raw and len(w.calls("capture")) == 1
    server.shutdown()


def test_failure_stays_in_the_wizard_with_the_answers(tmp_path):
    (tmp_path / "answers").write_text(CAPTURE + "after = poweroff\n")
    with Wizard(tmp_path, args=["--unattended", "--answers=" + str(tmp_path / "answers")],
                PATH=power(tmp_path)) as w:
        w.mode("capture=failjob")
        w.wait("Problem", "The unattended job failed.", "No space left")
        w.send(ENTER)
        w.title("Main menu")
        w.send("2")
        w.title("Restore: place")
        w.send("2")
        w.wait("[192.0.2.1 ", "[images ", "[bob ", "[***********")
    assert not (tmp_path / "power").exists()


def test_ctrl_c_asks(tmp_path):
    (tmp_path / "answers").write_text(CAPTURE)
    (tmp_path / "mode").write_text("capture=hang")
    with Wizard(tmp_path, args=["--unattended", "--answers=" + str(tmp_path / "answers")]) as w:
        w.wait("copy 50%")
        w.send(CTRL_C)
        w.wait("Ctrl-C again within 10 seconds stops the job")
        time.sleep(0.3)
        assert w.proc.isalive() and "stopped" not in w.text()
        w.send(CTRL_C)
        w.wait("The job was stopped.")


def test_encrypted_split_capture_with_a_base(tmp_path):
    (tmp_path / "secret").write_text("s3cret phrase\nnot this\n")
    status, out = run(tmp_path, CAPTURE + "encrypt = yes\npassphrase_file = secret\nsplit = 4095M\n"
                      "dedup = yes\nbase = monday.rhi\n")
    assert status == 0, out
    call, = calls(tmp_path, "capture")
    assert call["argv"][2:-2] == ["--level", "small", "--verify", "--encrypt", "--dedup", "--split", "4095M",
                                  "--base", "monday.rhi"]
    assert call["env"]["REHOST_PASSPHRASE"] == "s3cret phrase"
    assert all("REHOST_PASSPHRASE" not in c["env"] for c in calls(tmp_path, "disks"))
    status, out = run(tmp_path, RESTORE + "passphrase-file = secret\n")
    assert status == 0, out
    call, = calls(tmp_path, "restore")
    assert call["env"]["REHOST_PASSPHRASE"] == "s3cret phrase"


@pytest.mark.parametrize("job, keys, word", [
    (CAPTURE, "resume = yes\n", "--resume"), (RESTORE, "resume = yes\n", "--resume"),
    (RESTORE, "delta = yes\nresume = no\n", "--delta")])
def test_going_on(tmp_path, job, keys, word):
    status, out = run(tmp_path, job + keys)
    assert status == 0, out
    call, = [c for c in calls(tmp_path, None) if c["argv"][0] in ("capture", "restore")]
    assert [w for w in call["argv"] if w in ("--resume", "--delta")] == [word]


@pytest.mark.parametrize("answers, why", [
    (CAPTURE + "encrypt = yes\n", "go together"),
    (CAPTURE + "passphrase_file = secret\n", "go together"),
    (CAPTURE + "encrypt = yes\npassphrase_file = empty\n", "its first line must be the passphrase"),
    (CAPTURE + "encrypt = yes\npassphrase_file = http://bob:s3cret@192.0.2.1/x\n", "no password may stand in a URL"),
    (CAPTURE + "split = 5\n", "line 9: split must be"),
    (CAPTURE + "base = ../monday.rhi\n", "line 9: base must be"),
    (CAPTURE + "base = monday.rhi\ndisk = serial=50026B7684E1F2A3\n", "'base' is for one disk"),
    (CAPTURE + "delta = yes\n", "'delta' has no meaning for capture"),
    (RESTORE + "delta = yes\nresume = yes\n", "'delta' and 'resume': one of them"),
    (RESTORE + "delta = yes\nonly = 1\n", "exclude 'delta' and 'resume'"),
    (RESTORE + "encrypt = yes\n", "'encrypt' has no meaning for restore")])
def test_wrong_options_of_the_imager(tmp_path, answers, why):
    (tmp_path / "empty").write_text("\nx\n")
    status, out = run(tmp_path, answers)
    assert status == 2 and why in out, out
    assert not calls(tmp_path, "restore") and not calls(tmp_path, "capture")
