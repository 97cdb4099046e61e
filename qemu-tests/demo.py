#!/usr/bin/python3
"""make demo: Rehost's main job from one end to the other, nothing asked.

A real Debian (systemd, GRUB, ext4) on an AHCI disk is captured to a Samba
share through the wizard, restored in another machine to a larger empty disk
through the wizard, and that disk is booted until its login prompt.  On other
controllers (NVMe, virtio-blk) it does not boot: its initramfs has the old one's
drivers only.  Then the image is restored with "adapt" on NVMe, and the disk that
was there is adapted on virtio-blk, both through the wizard, and both boot.
Prints each step with its time, then a table; leaves in --out:

    wizard.txt     the wizard's screens, as text
    result.txt     the table
    NAME/          each machine's serial line and QEMU's command
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shlex
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from lab import LabError, boots, disks, guests, judge, live, proc, qemu     # noqa: E402
from lab.qemu import Disk, Machine                                  # noqa: E402
from lab.screen import Screen                                       # noqa: E402
from lab.servers import Samba                                       # noqa: E402
from lab.wizard import Wizard, shots_text, smb_place                # noqa: E402

SOURCE_SERIAL, TARGET_SERIAL = "OLDDISK1", "NEWDISK1"
TARGET_SIZE = 5 << 30
IMAGE = "old-server"
OTHERS = {"nvme": "NVMe", "virtio": "virtio-blk"}       # what its initramfs does not know


class Demo:
    def __init__(self, out, cache, iso, make):
        self.out, self.cache, self.iso, self.make = out, cache, iso, make
        self.begin = time.monotonic()
        self.times, self.shots = {}, []
        self.share = out / "share"

    def say(self, text):
        print(f"[{time.monotonic() - self.begin:6.0f} s] {text}", flush=True)

    def step(self, name, function, *args):
        self.say(name)
        begin = time.monotonic()
        result = function(*args)
        self.times[name] = time.monotonic() - begin
        return result

    # -- what is there before ---------------------------------------------------

    def build_iso(self):
        proc.run(shlex.split(self.make), timeout=3000)

    def prepare(self):
        """The ISO is built while the Debian is made from packages."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            iso = pool.submit(self.build_iso)
            guest = pool.submit(guests.debian, guests.DEBIAN_BIOS, self.cache, self.say)
            guest, _ = guest.result(), iso.result()
        return guest

    # -- the job ------------------------------------------------------------------

    def wizard(self, vm):
        return Wizard(Screen(vm), self.shots)

    def capture(self, source, samba):
        with live.boot("capture", self.iso, [Disk(source, serial=SOURCE_SERIAL)],
                       direct=False) as vm:
            wizard = self.wizard(vm)
            done = wizard.capture(SOURCE_SERIAL, smb_place(samba), IMAGE,
                                  during=lambda w: w.progress())
            self.check(done)
            wizard.to_menu()
            wizard.power_off()
            vm.wait_off(120)
        return done

    def restore(self, target, samba):
        with live.boot("restore", self.iso, [Disk(target, serial=TARGET_SERIAL)],
                       direct=False) as vm:
            wizard = self.wizard(vm)
            done = wizard.restore(smb_place(samba), IMAGE, TARGET_SERIAL,
                                  during=lambda w: w.progress())
            self.check(done)
            wizard.to_menu()
            wizard.power_off()
            vm.wait_off(120)
        return done

    @staticmethod
    def check(done):
        if not done.good:
            raise LabError(f"the wizard says: {done.words}\n{done.text}")

    def elsewhere(self, target):
        """The restored disk in machines with another controller: {bus: Outcome}."""
        found = {}
        for bus in OTHERS:
            found[bus] = boots.must(boots.boot(f"untouched-{bus}", target, bus, fast=False), False)
            self.say(f"  {OTHERS[bus]}: {found[bus]}, as it should: not adapted")
        return found

    def adapted_restore(self, target, samba):
        """The wizard's Restore with adapt, in a machine with an NVMe disk."""
        with live.boot("restore-adapt", self.iso, [Disk(target, bus="nvme", serial=TARGET_SERIAL)],
                       direct=False) as vm:
            wizard = self.wizard(vm)
            done = wizard.restore(smb_place(samba), IMAGE, TARGET_SERIAL, adapt=True)
            self.check(done)
            wizard.to_menu()
            wizard.power_off()
            vm.wait_off(120)
        return done

    def adapted_disk(self, target):
        """The wizard's Adapt on the disk that was restored without, on virtio-blk."""
        with live.boot("adapt", self.iso, [Disk(target, bus="virtio", serial=TARGET_SERIAL)],
                       direct=False) as vm:
            wizard = self.wizard(vm)
            done = wizard.adapt(TARGET_SERIAL)
            self.check(done)
            wizard.to_menu()
            wizard.power_off()
            vm.wait_off(120)
        return done

    def login(self, target, bus="ahci"):
        """Boots the restored disk; seconds until the login prompt, and the
        guest's own word on its files."""
        with Machine(f"restored-{bus}",
                     disks=[Disk(target, bus=bus, serial=TARGET_SERIAL)]) as vm:
            vm.expect("labguest login: ", 600)
            seconds = vm.seconds
            vm.send(f"{guests.LOGIN}\r")
            vm.expect("Password: ", 120)
            vm.send(f"{guests.PASSWORD}\r")
            vm.expect("# ", 120)
            vm.send("cd / && sha256sum -c --quiet srv/lab/manifest && echo FILES''-ARE-RIGHT; "
                    "systemctl is-system-running\r")
            vm.expect("FILES-ARE-RIGHT", 300)
            vm.send("poweroff\r")
            vm.wait_off(300)
        return seconds

    def run(self):
        guest = self.step("Build the ISO; make a Debian machine from packages", self.prepare)
        source, target = self.out / "source.raw", self.out / "target.raw"
        guest.disk(source)
        disks.create(target, TARGET_SIZE)
        before = judge.digest(source)
        with Samba(self.share) as samba:
            captured = self.step("Capture it to a Samba share through the wizard",
                                 self.capture, source, samba)
            if judge.digest(source) != before:
                raise LabError("the source disk was written to")
            restored = self.step("Restore it to a larger disk of another machine",
                                 self.restore, target, samba)
            nvme = self.out / "nvme.raw"
            disks.create(nvme, TARGET_SIZE)
            self.step("Restore it to an NVMe disk, adapted", self.adapted_restore, nvme, samba)
        offset, _ = guest.root_partition()
        self.step("Check the restored file system (e2fsck -fn)", judge.ext4_clean, target, offset)
        login = self.step("Boot the restored disk to its login prompt", self.login, target)
        failed = self.step("Boot it on controllers that it does not know", self.elsewhere, target)
        adapted = {"nvme": self.step("Boot the adapted NVMe disk to its login prompt",
                                     self.login, nvme, "nvme")}
        done = self.step("Adapt the other one on virtio-blk", self.adapted_disk, target)
        adapted["virtio"] = self.step("Boot it on virtio-blk to its login prompt",
                                      self.login, target, "virtio")
        return self.table(source, target, captured, restored, login, failed, adapted, done)

    def table(self, source, target, captured, restored, login, failed, adapted, done):
        image = self.share / f"{IMAGE}.rhi"
        used = re.search(r"(\S+ .?B) in ", captured.text).group(1)
        facts = [
            ("source disk", f"{disks.human(os.path.getsize(source))} on AHCI, {used} used"),
            ("target disk", disks.human(os.path.getsize(target))),
            ("image", f"{disks.human(image.stat().st_size)}  {captured.digest[:16]}..."),
            ("capture", f"{captured.seconds:.0f} s"),
            ("restore", f"{restored.seconds:.0f} s"),
            ("login prompt", f"reached {login:.0f} s after power-on; every file is right"),
        ]
        facts += [(f"on {OTHERS[bus]}", f"not adapted: does not boot ({outcome}); adapted: "
                                        f"login prompt after {adapted[bus]:.0f} s")
                  for bus, outcome in failed.items()]
        facts += [("adapt", f"{done.seconds:.0f} s on the disk that was there")]
        facts += [(f"step {i}", f"{t:5.0f} s  {name}") for i, (name, t) in
                  enumerate(self.times.items(), 1)]
        facts += [("whole demo", f"{time.monotonic() - self.begin:5.0f} s")]
        return "\n".join(f"  {name:<14} {value}" for name, value in facts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--make", required=True, help="the command that builds the ISO")
    args = parser.parse_args()
    proc.terminate_becomes_exception()
    shutil.rmtree(args.out, ignore_errors=True)
    args.out.mkdir(parents=True)
    qemu.LOGS = args.out
    demo = Demo(args.out, os.environ["LAB_CACHE"], pathlib.Path(os.environ["LAB_ISO"]), args.make)
    try:
        table = demo.run()
    except LabError as e:
        print(f"demo: failed: {e}", file=sys.stderr)
        return 1
    finally:
        (args.out / "wizard.txt").write_text(shots_text(demo.shots))
    (args.out / "result.txt").write_text(table + "\n")
    print(table)
    print(f"The wizard's screens: {args.out}/wizard.txt")
    return 0


if __name__ == "__main__":
    sys.exit(main())
