"""The lab's way through the wizard (qemu-tests/lab/wizard.py), on a terminal with
the fake programs: what needs no machine is tried without one."""
import json
import sys
import types

import pytest
from wizard_screen import HERE, TOP, Wizard as Program

sys.path.insert(0, str(TOP / "qemu-tests"))
from lab import LabError  # noqa: E402
from lab.screen import Screen  # noqa: E402
from lab.wizard import Place, Wizard, WizardProblem  # noqa: E402

SHARE = Place("SMB share", [("SMB share", {"Server": "srv", "Share": "images", "User": "bob",
                                           "Password": "pw"})])


class Machine(types.SimpleNamespace):
    """What a Screen needs of a machine."""

    def send(self, text):
        self.serial.send(text)

    def failure(self, text):
        return LabError(text)


@pytest.fixture
def lab(tmp_path):
    with Program(tmp_path) as program:
        yield Wizard(Screen(Machine(serial=program.proc))), program


def test_restore_as_it_is(lab):
    wizard, program = lab
    done = wizard.restore(SHARE, "web1-20261101", "50026B7684E1F2A3")
    assert done.words == "The restore is done." and done.digest == "ab" * 32 and not done.verdict
    assert "--adapt" not in program.calls("restore")[0]["argv"]
    wizard.to_menu()


def test_restore_and_adapt(lab):
    wizard, program = lab
    done = wizard.restore(SHARE, "web1-20261101", "50026B7684E1F2A3", adapt=True,
                          wishes={"New host name": "web2", "New identity": "yes"})
    assert done.good
    assert done.verdict.startswith("  Will boot after these edits.\n")
    # all of it, each line once
    assert done.verdict.count("Change /etc/fstab") == 1
    assert done.verdict.count("+127.0.0.1 localhost web2") == 1
    assert done.verdict.count("+ virtio_blk") == 1 and "whole and finds /boot" in done.verdict
    assert len(done.verdict.splitlines()) == 50
    argv = program.calls("restore")[0]["argv"]
    at = argv.index("--adapt")
    assert argv[at:at + 4] == ["--adapt", "--hostname", "web2", "--new-identity"]


def test_what_was_interrupted_is_left_alone(lab):
    wizard, program = lab
    place = json.loads((HERE / "fake/place-cut.json").read_text())
    place["images"] += json.loads((HERE / "fake/place-more.json").read_text())["images"]
    (program.folder / "place.json").write_text(json.dumps(place))
    done = wizard.capture("S3Z9NB0K123456X", SHARE, "anew")
    assert done.good
    argv = program.calls("capture")[0]["argv"]
    assert "--resume" not in argv and "--base" not in argv


def test_will_not_boot(lab):
    wizard, program = lab
    program.mode("adapt=wont")
    with pytest.raises(WizardProblem, match="Will NOT boot, because: nothing in kernel"):
        wizard.restore(SHARE, "web1-20261101", "50026B7684E1F2A3", adapt=True)
    assert not program.calls("restore")


def test_will_not_boot_and_is_restored(lab):
    wizard, program = lab
    program.mode("adapt=wont")
    done = wizard.restore(SHARE, "web1-20261101", "50026B7684E1F2A3", adapt=True, anyway=True)
    assert done.good and "it can't boot without" in " ".join(done.verdict.split())
    assert "--adapt-anyway" in program.calls("restore")[0]["argv"]


def test_adapt_and_undo(lab):
    wizard, program = lab
    program.mode("adapt=locked")
    done = wizard.adapt("S3Z9NB0K123456X", passphrase="open sesame")
    assert done.words == "The adapt is done." and "Change /etc/fstab" in done.verdict
    wizard.to_menu()
    program.mode("")
    assert wizard.undo("S3Z9NB0K123456X").words == "The undo is done."
