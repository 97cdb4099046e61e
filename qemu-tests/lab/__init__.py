"""The lab: machines, servers and guests for tests of the whole of Rehost.

    qemu.py      one virtual machine: disks, firmware, serial line, QMP
    powercut.py  disks whose write cache is lost when the power goes
    screen.py    a terminal on the serial line: wait for text, press keys
    servers.py   Samba and NFS servers of one's own, on 127.0.0.1
    guests.py    machines to be moved: Debian, Windows-like disks
    disks.py     partitions and file systems in plain files, without mounting
    judge.py     foreign tools that say whether a restored disk is right
    wizard.py    the way through the wizard's screens

Nothing here needs loop devices; only the NFS server needs to be root.
"""

import os


class LabError(Exception):
    """Something in the lab did not go as it must; the text says what."""


# a machine shared with others, or slower than the one that the limits were chosen
# on, is no fault of what is tested
PATIENCE = float(os.environ.get("LAB_PATIENCE", "3"))


def patient(seconds):
    """How long to wait for something that takes less than `seconds` on a quiet
    machine with 2 cores."""
    return seconds * PATIENCE
