"""On a terminal: the question before a disk is overwritten, the password's
prompt, the progress bar, Ctrl-C."""
import io
import os
import subprocess

import pexpect
import pytest

SIZE = 8 << 20


@pytest.fixture
def disk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with open("disk.img", "wb") as f:
        f.write(os.urandom(1 << 19).hex().encode())  # slow to compress
        f.truncate(SIZE)
    subprocess.run(["rehost", "capture", "disk.img", "disk.rhi"], check=True,
                   stderr=subprocess.DEVNULL)
    with open("target.img", "wb") as f:
        f.write(b"old" * 1000)
        f.truncate(SIZE)
    return tmp_path


def spawn(*args, **more):
    return pexpect.spawn("rehost", list(args), timeout=30, encoding="utf-8", **more)


def ended(p):
    p.expect(pexpect.EOF)
    p.close()
    return p.exitstatus


def test_the_name_confirms(disk):
    p = spawn("restore", "disk.rhi", "target.img")
    p.expect("will be overwritten")
    p.expect("target.img")
    p.expect(r"Type the target's name \(target.img\)")
    p.sendline("target.img")
    p.expect("digest: [0-9a-f]{64}")
    assert ended(p) == 0
    assert (disk / "disk.img").read_bytes() == (disk / "target.img").read_bytes()


def test_several_disks_ask_once_for_all_names(disk):
    subprocess.run(["rehost", "capture", "--no-systems", "disk.img", "disk.rhi", "machine"],
                   check=True, stderr=subprocess.DEVNULL)
    (disk / "other.img").write_bytes(os.urandom(SIZE))
    before = [(disk / n).read_bytes() for n in ("target.img", "other.img")]
    for answer in ("target.img", "other.img target.img", "target.img other.img x", "", "yes"):
        p = spawn("restore", "machine", "target.img", "other.img")
        for text in ("disk.img.rhi goes to:", "target.img", "disk.rhi.rhi goes to:", "other.img"):
            p.expect(text)
        p.expect(r"Type the targets' names \(target.img other.img\)")
        p.sendline(answer)
        p.expect("nothing was written")
        assert ended(p) == 4
        assert [(disk / n).read_bytes() for n in ("target.img", "other.img")] == before
    p = spawn("restore", "machine", "target.img", "other.img")
    p.expect("Type the targets' names")
    p.sendline("target.img  other.img")
    p.expect("digest: [0-9a-f]{64}")
    p.expect("digest: [0-9a-f]{64}")
    assert ended(p) == 0
    assert (disk / "disk.img").read_bytes() == (disk / "target.img").read_bytes()
    rhi = (disk / "disk.rhi").read_bytes()
    assert (disk / "other.img").read_bytes()[:len(rhi)] == rhi


@pytest.mark.parametrize("answer", ["yes", "y", "", "target", "TARGET.IMG"])
def test_nothing_else_confirms(disk, answer):
    before = (disk / "target.img").read_bytes()
    p = spawn("restore", "disk.rhi", "target.img")
    p.expect("Type the target's name")
    p.sendline(answer)
    p.expect("nothing was written")
    assert ended(p) == 4
    assert (disk / "target.img").read_bytes() == before


def test_interrupt_and_end_of_input_do_not_confirm(disk):
    before = (disk / "target.img").read_bytes()
    for send in ("sendintr", "sendeof"):
        p = spawn("restore", "disk.rhi", "target.img")
        p.expect("Type the target's name.*: ")
        getattr(p, send)()
        assert ended(p) == 1
        assert (disk / "target.img").read_bytes() == before


def test_a_piped_image_is_confirmed_on_the_terminal(disk):
    p = pexpect.spawn("sh", ["-c", "rehost restore - target.img < disk.rhi"],
                      timeout=30, encoding="utf-8")
    p.expect("Type the target's name")
    p.sendline("target.img")
    assert ended(p) == 0
    assert (disk / "disk.img").read_bytes() == (disk / "target.img").read_bytes()


def test_a_password_is_asked_for_and_not_shown(disk):
    os.mkdir("fake")
    with open("fake/mount.cifs", "w") as f:
        f.write("#!/bin/sh\no=${4#*credentials=}\ncat ${o%%,*} > ../creds\n"
                "echo 'mount error(13): Permission denied' >&2\nexit 32\n".replace("../", str(disk) + "/"))
    os.chmod("fake/mount.cifs", 0o755)
    env = dict(os.environ, PATH=f"{disk}/fake:" + os.environ["PATH"], REHOST_RUN_DIR=f"{disk}/run")
    p = spawn("verify", "smb://nas/images/a.rhi", env=env)
    p.expect("User name at nas")
    p.sendline("anna")
    p.expect("Password of anna at nas: ")
    p.sendline("top-secret")
    p.expect("refused the user name or password")
    assert "top-secret" not in p.before + p.after
    assert ended(p) == 1
    assert "password=top-secret\n" in (disk / "creds").read_text()
    assert not any(files for _, _, files in os.walk(disk / "run"))


def test_the_bar_stays_on_one_line(disk):
    with open("big.img", "wb") as f:
        for _ in range(150):
            f.write(os.urandom(1 << 19).hex().encode())  # slow to compress
    p = spawn("capture", "--level", "small", "--no-systems", "big.img", "big.rhi", dimensions=(24, 80))
    p.expect(r"\rcopy +\d+% \[[#.]{20}\] [0-9.]+ [kMG]?B(ytes)? of 157 MB", timeout=60)
    text = p.after
    while p.isalive():
        try:
            text += p.read_nonblocking(4096, timeout=1)
        except (pexpect.TIMEOUT, pexpect.EOF):
            pass
    for line in text.split("\n"):
        for drawn in line.split("\r"):
            assert len(drawn.replace("\x1b[K", "")) < 80, drawn


def test_interrupt_ends_a_job(disk):
    with open("big.img", "wb") as f:
        for _ in range(100):
            f.write(os.urandom(1 << 19).hex().encode())  # slow to compress
    p = spawn("capture", "--level", "small", "--no-systems", "big.img", "big.rhi")
    p.expect("copying", timeout=60)
    p.sendintr()
    p.expect("stopped")
    assert ended(p) == 1
    assert not [n for n in os.listdir() if n.startswith("big.rhi")]


SECRET = "caf\u00e9 au lait"


def asked(p, question, answer):
    """The answer isn't shown."""
    p.expect_exact(question)
    assert p.waitnoecho()
    p.sendline(answer)
    assert p.readline().strip() == ""


def not_told(*processes):
    for p in processes:
        assert SECRET not in p.logfile_read.getvalue()


def logged(program, *args):
    p = pexpect.spawn(program, list(args), timeout=30, encoding="utf-8")
    p.logfile_read = io.StringIO()
    return p


def test_a_new_image_asks_for_its_passphrase_twice(disk, monkeypatch):
    monkeypatch.delenv("REHOST_PASSPHRASE", raising=False)
    capture = ("capture", "--encrypt", "--no-systems", "disk.img", "new.rhi")
    p = logged("rehost", *capture)
    asked(p, "Passphrase of new.rhi: ", "x" * 2000)
    p.expect("what was typed is too long: an answer has at most [0-9]+ bytes")
    assert ended(p) == 4
    for answers, said in (((SECRET, SECRET + "x"), "the two passphrases differ"), (("", ""), "empty passphrase")):
        p = logged("rehost", *capture)
        asked(p, "Passphrase of new.rhi: ", answers[0])
        asked(p, "The same again: ", answers[1])
        p.expect(said)
        assert ended(p) == 1
        assert not list(disk.glob("new.rhi*"))
        not_told(p)
    p = logged("rehost", *capture)
    asked(p, "Passphrase of new.rhi: ", SECRET)
    asked(p, "The same again: ", SECRET)
    p.expect("digest: [0-9a-f]{64}")
    assert ended(p) == 0
    not_told(p)


def test_an_encrypted_image_asks_for_its_passphrase_once(disk, monkeypatch):
    monkeypatch.setenv("REHOST_PASSPHRASE", SECRET)
    subprocess.run(["rehost", "capture", "--encrypt", "--no-systems", "disk.img", "new.rhi"], check=True,
                   stderr=subprocess.DEVNULL)
    monkeypatch.delenv("REHOST_PASSPHRASE")
    p = logged("rehost", "verify", "new.rhi")
    asked(p, "Passphrase of new.rhi: ", "wrong")
    p.expect("passphrase is wrong")
    assert ended(p) == 1
    p = logged("rehost", "verify", "new.rhi")
    asked(p, "Passphrase of new.rhi: ", SECRET)
    p.expect("digest: [0-9a-f]{64}")
    assert ended(p) == 0
    not_told(p)
    p = logged("rehost", "restore", "new.rhi", "target.img")
    asked(p, "Passphrase of new.rhi: ", SECRET)
    p.expect(r"Type the target's name \(target.img\)")
    p.sendline("target.img")
    p.expect("digest: [0-9a-f]{64}")
    assert ended(p) == 0
    not_told(p)
    # standard input is the image: the terminal is asked
    (disk / "target.img").unlink()
    p = logged("sh", "-c", "rehost restore --yes - target.img < new.rhi")
    asked(p, "Passphrase of standard input: ", SECRET)
    assert ended(p) == 0
    not_told(p)
    assert (disk / "disk.img").read_bytes() == (disk / "target.img").read_bytes()
