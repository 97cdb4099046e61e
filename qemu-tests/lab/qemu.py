"""One virtual machine: how it is built, run, watched and ended.

    with Machine("capture", disks=[Disk(path, serial="SRC1")], cdrom=iso) as vm:
        vm.expect("login: ", 300)
        vm.qmp.command("system_powerdown")
        vm.wait_off(60)

All it says on the serial line goes to LOGS/NAME/serial.log, QEMU's own
messages to qemu.log, its command line to command.  Every wait has a limit and
the whole machine has one (`timeout`), after which it is killed.
"""

import ctypes
import dataclasses
import fcntl
import os
import pathlib
import re
import shlex
import shutil
import socket
import tempfile
import threading
import time

import pexpect
import pexpect.fdpexpect

from . import LabError, firmware, patient, powercut, proc
from .qmp import Qmp

QEMU = "qemu-system-x86_64"
PANIC = "Kernel panic - not syncing"    # nothing comes after it
HOST = "10.0.2.2"           # the host's 127.0.0.1 as guests of user networking see it
LOGS = pathlib.Path(os.environ.get("LAB_LOGS", "build/qemu-tests"))

# bus -> (controller devices, device of the disk); ID is the drive's name
BUSES = {
    "ahci": ([], "ide-hd"),
    "ide": ([], "ide-hd"),
    "virtio": ([], "virtio-blk-pci"),
    "nvme": ([], "nvme"),
    "usb": (["qemu-xhci,id=xhci"], "usb-storage,bus=xhci.0,removable=on"),
    "virtio-scsi": (["virtio-scsi-pci,id=vscsi"], "scsi-hd,bus=vscsi.0"),
    "lsi": (["lsi53c895a,id=lsi"], "scsi-hd,bus=lsi.0"),
    "mptsas": (["mptsas1068,id=mptsas"], "scsi-hd,bus=mptsas.0"),
    "megasas": (["megasas,id=megasas"], "scsi-hd,bus=megasas.0"),
    "pvscsi": (["pvscsi,id=pvscsi"], "scsi-hd,bus=pvscsi.0"),
}


@dataclasses.dataclass
class Disk:
    """A disk file and how it is attached."""
    path: os.PathLike
    bus: str = "ahci"
    serial: str = ""
    wwn: int = 0                # 64 bits; ide-hd and scsi-hd only
    boot: int = None            # boot order; by default that of the list
    read_only: bool = False
    format: str = "raw"
    bad: tuple = ()             # sectors (512 bytes) that cannot be read
    throwaway: bool = False     # what is written goes to a temporary file
    cache: bool = False         # has a write cache, which power_cut() loses (powercut.py)
    rate: int = 0               # MB/s of writing at most, so that a job takes its time


def _file(disk):
    """-drive's words for the disk's file; reading a bad sector is an I/O error."""
    if disk.cache:
        return powercut.drive(disk.path)
    if not disk.bad:
        return f"format={disk.format},cache=unsafe,file={disk.path}"
    words = [f"format={disk.format},cache=unsafe,rerror=report", "file.driver=blkdebug",
             f"file.image.filename={disk.path}"]
    for i, sector in enumerate(disk.bad):
        rule = f"file.inject-error.{i}."
        words += [f"{rule}event=none", f"{rule}iotype=read", f"{rule}sector={sector}",
                  f"{rule}errno=5", f"{rule}once=off"]
    return ",".join(words)


def kvm_usable():
    """Whether /dev/kvm can run a machine as QEMU's `-cpu host` wants it.

    LAB_ACCEL=tcg or kvm overrides.  A /dev/kvm that is there but has neither
    VMX nor SVM behind it (nested in a machine that hides them) is not used.
    """
    forced = os.environ.get("LAB_ACCEL")
    if forced:
        return forced == "kvm"
    flags = pathlib.Path("/proc/cpuinfo").read_text()
    if not re.search(r"\b(vmx|svm)\b", flags):
        return False
    try:
        fd = os.open("/dev/kvm", os.O_RDWR)
    except OSError:
        return False
    try:
        return fcntl.ioctl(fd, 0xAE00, ctypes.c_int(0)) == 12
    except OSError:
        return False
    finally:
        os.close(fd)


class Machine:
    """A virtual machine; see the module's text for how it is used.

    disks       Disk objects, in boot order after the CD
    cdrom       ISO file; cdrom_bus "ahci", "usb" (a USB stick with the same
                bytes is a Disk with bus "usb")
    firmware    "bios", "uefi", "secboot"
    efivars     a file with the firmware's variables, copied (an earlier machine's
                `efivars_file`); by default empty ones
    memory      MB
    network     user-mode network, or False for none
    virtio      False: no virtio device that the disks don't ask for (no network then)
    kernel, initrd, append   boot these instead of a disk
    fast        tells the lab's guests to boot to the marker only; 2: so with
                their second kernel
    script      shell text that a guest's marker boot runs (guests/guest-init)
    second      a second serial line (the guest's ttyS1): `serial2`
    timeout     seconds after which the machine is killed, whatever it does
    cpu         emulated processor; qemu64 takes a third less time than max, whose
                AVX is slow, and is enough for Debian
    extra       more QEMU arguments
    """

    def __init__(self, name, disks=(), cdrom=None, cdrom_bus="ahci", firmware="bios",
                 memory=512, cpus=None, network=True, virtio=True, kernel=None, initrd=None, append="",
                 fast=False, script=None, second=False, timeout=900, graphics=False, cpu="max",
                 efivars=None, extra=()):
        self.name = name
        self.dir = LOGS / name
        self.timeout = patient(timeout)
        self._spec = dict(disks=list(disks), cdrom=cdrom, cdrom_bus=cdrom_bus,
                          firmware=firmware, memory=memory, cpus=cpus, network=network and virtio, virtio=virtio,
                          kernel=kernel, initrd=initrd, append=append, fast=fast,
                          script=script, second=second, graphics=graphics, cpu=cpu,
                          efivars=efivars, extra=list(extra))
        self.qmp = self.serial = self.serial2 = self._child = self._sockets = self._watchdog = None
        self._timed_out = False
        self.started = 0.0

    # -- the command line ------------------------------------------------

    def _disk_arguments(self):
        out, seen = [], set()
        ports = {"ahci": 0, "ide": 0}
        for i, disk in enumerate(self._spec["disks"]):
            controllers, device = BUSES[disk.bus]
            for controller in controllers:
                if controller not in seen:
                    seen.add(controller)
                    out += ["-device", controller]
            node = f"if=none,id=disk{i},discard=unmap,readonly={'on' if disk.read_only else 'off'}"
            node += ",snapshot=on" if disk.throwaway else ""
            node += f",throttling.bps-write={disk.rate * 10 ** 6}" if disk.rate else ""
            out += ["-drive", f"{node},{_file(disk)}"]
            if disk.bus in ports:
                device += f",bus=ide.{ports[disk.bus]}"
                ports[disk.bus] += 1
            device += f",drive=disk{i},id=dev{i}"
            device += f",serial={disk.serial or f'LAB{i:04d}'}"
            device += f",wwn={disk.wwn:#x}" if disk.wwn else ""
            device += f",bootindex={disk.boot if disk.boot is not None else i + 1}"
            out += ["-device", device]
        return out, seen, ports["ahci"]

    def _cdrom_arguments(self, controllers, port):
        spec = self._spec
        if not spec["cdrom"]:
            return []
        out = ["-drive", f"if=none,id=cd,media=cdrom,readonly=on,format=raw,file={spec['cdrom']}"]
        boot = "" if spec["kernel"] else ",bootindex=0"     # QEMU's own loader has that index then
        if spec["cdrom_bus"] == "usb":
            if "qemu-xhci,id=xhci" not in controllers:
                out += ["-device", "qemu-xhci,id=xhci"]
            return out + ["-device", f"usb-storage,bus=xhci.0,drive=cd,id=devcd{boot}"]
        return out + ["-device", f"ide-cd,bus=ide.{port},drive=cd,id=devcd{boot}"]

    def arguments(self):
        """QEMU's whole command line."""
        spec = self._spec
        ide = any(d.bus == "ide" for d in spec["disks"])
        machine = "pc" if ide else "q35"
        if spec["firmware"] == "secboot":
            machine += ",smm=on"
        kvm = kvm_usable()
        out = [QEMU, "-name", f"lab-{self.name}", "-machine", machine,
               "-accel", "kvm" if kvm else "tcg", "-cpu", "host" if kvm else spec["cpu"],
               "-smp", str(spec["cpus"] or min(2, os.cpu_count() or 1)),
               "-m", str(spec["memory"]), "-nodefaults", "-no-reboot", "-no-user-config",
               "-display", "none",
               "-chardev", f"socket,id=serial,path={self._sockets}/serial,server=on,wait=off",
               "-serial", "chardev:serial",
               "-qmp", f"unix:{self._sockets}/qmp,server=on,wait=off"]
        out += ["-device", "virtio-rng-pci"] if spec["virtio"] else []
        if spec["second"]:
            out += ["-chardev", f"socket,id=second,path={self._sockets}/second,server=on,wait=off",
                    "-serial", "chardev:second"]
        if spec["graphics"]:
            out += ["-vga", "std"]
        out += firmware.arguments(spec["firmware"], self.dir, spec["efivars"])
        arguments, controllers, port = self._disk_arguments()
        out += arguments + self._cdrom_arguments(controllers, port)
        if spec["network"]:
            out += ["-netdev", "user,id=net0", "-device", "virtio-net-pci,netdev=net0,id=nic0,romfile="]
        if spec["kernel"]:
            out += ["-kernel", spec["kernel"], "-initrd", spec["initrd"], "-append", spec["append"]]
        if spec["fast"]:
            number = "" if spec["fast"] is True else f"-{spec['fast']}"
            out += ["-smbios", f"type=1,version=lab-fast{number}"]
        if spec["script"] is not None:
            script = self.dir / "script"
            script.write_text(spec["script"])
            out += ["-fw_cfg", f"name=opt/lab/script,file={script}"]
        return [str(a) for a in out + spec["extra"]]

    # -- its life ----------------------------------------------------------

    def __enter__(self):
        shutil.rmtree(self.dir, ignore_errors=True)
        self.dir.mkdir(parents=True)
        self._sockets = tempfile.mkdtemp(prefix="lab-")     # short: socket paths have a limit
        try:
            self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_):
        self._end()

    def _start(self):
        for disk in self._cached():
            powercut.switched_on(disk.path)
        argv = self.arguments()
        (self.dir / "command").write_text(shlex.join(argv) + "\n")
        # a reboot by the guest ends QEMU too (-no-reboot), so "off" is seen either way
        self._child = proc.start(argv, self.dir / "qemu.log")
        self.started = time.monotonic()
        self._watchdog = threading.Timer(self.timeout, self._kill_late)
        self._watchdog.daemon = True
        self._watchdog.start()
        self.serial = self._line("serial")
        if self._spec["second"]:
            self.serial2 = self._line("second")
        self._connect("qmp").close()
        try:
            self.qmp = Qmp(f"{self._sockets}/qmp")
        except LabError as e:
            raise LabError(f"{e}\nQEMU said: {self._qemu_log()}") from None

    def _line(self, name):
        """A serial line as pexpect sees it, logged."""
        line = pexpect.fdpexpect.fdspawn(self._connect(name).detach(), timeout=60)
        line.logfile_read = open(self.dir / f"{name}.log", "wb", buffering=0)
        return line

    def _connect(self, name):
        """A socket to QEMU, as soon as QEMU listens."""
        def attempt():
            if self._child.poll() is not None:
                raise LabError(f"QEMU ended at once: {self._qemu_log()}")
            sock = socket.socket(socket.AF_UNIX)
            try:
                sock.connect(f"{self._sockets}/{name}")
                return sock
            except OSError:
                sock.close()
                return None
        return proc.wait_for(f"QEMU's {name} socket", attempt, 30)

    def _qemu_log(self):
        return (self.dir / "qemu.log").read_text(errors="replace").strip()

    def _kill_late(self):
        self._timed_out = True
        if self._child.poll() is None:
            self._child.kill()

    def _end(self):
        if self._watchdog:
            self._watchdog.cancel()
        if self._child:
            proc.stop(self._child, grace=5)
        for line in filter(None, (self.serial, self.serial2)):
            self._drain(line)
            line.logfile_read.close()
            os.close(line.child_fd)
        if self.qmp:
            self.qmp.close()
        if self._sockets:
            shutil.rmtree(self._sockets, ignore_errors=True)

    def _drain(self, line):
        """What was said last still goes to the log."""
        try:
            while line.read_nonblocking(65536, timeout=0):
                pass
        except (pexpect.EOF, pexpect.TIMEOUT, OSError, ValueError):
            pass

    @property
    def efivars_file(self):
        return self.dir / "efivars.fd"

    @property
    def pid(self):
        return self._child.pid

    @property
    def seconds(self):
        """Since the machine was switched on."""
        return time.monotonic() - self.started

    def failure(self, what):
        """A LabError that says where the machine's words are."""
        tail = (self.dir / "serial.log").read_bytes()[-1500:].decode(errors="replace")
        why = f"killed after its {self.timeout} s; " if self._timed_out else ""
        log = self._qemu_log()
        return LabError(f"machine {self.name}: {why}{what}\n"
                        + (f"QEMU said: {log}\n" if log else "")
                        + f"serial line so far ({self.dir}/serial.log) ends with:\n{tail}")

    # -- talking to it -----------------------------------------------------

    def expect(self, pattern, timeout=120):
        """Waits for a regular expression (or a list of them) on the serial
        line; returns pexpect's match object (or the index for a list).  A kernel's
        panic ends the wait, unless it is what a pattern waits for."""
        timeout = patient(timeout)
        patterns = pattern if isinstance(pattern, list) else [pattern]
        try:
            index = self.serial.expect(patterns + [PANIC], timeout=timeout)
        except pexpect.TIMEOUT:
            raise self.failure(f"{pattern!r} not seen for {timeout} s") from None
        except (pexpect.EOF, OSError):
            raise self.failure(f"ended before {pattern!r} was seen") from None
        if index == len(patterns):
            raise self.failure(f"its kernel stopped before {pattern!r} was seen")
        return index if isinstance(pattern, list) else self.serial.match

    def send(self, text):
        self.serial.send(text)

    def wait_off(self, timeout=120):
        """Waits until the guest has switched itself off."""
        timeout = patient(timeout)
        end = time.monotonic() + timeout
        while self._child.poll() is None:
            if time.monotonic() > end:
                raise self.failure(f"still on after {timeout} s")
            try:
                self.serial.read_nonblocking(65536, timeout=0.5)
            except pexpect.TIMEOUT:
                continue
            except (pexpect.EOF, OSError):
                self._child.wait(10)
        if self._child.returncode or self._timed_out:
            raise self.failure(f"QEMU ended with status {self._child.returncode}")

    def _cached(self):
        return [d for d in self._spec["disks"] if d.cache]

    def power_cut(self, how, seed=1):
        """The power goes: nothing is unmounted or flushed, and of what disks with a
        `cache` still had in it, is left what `how` (powercut.LOST) says. Returns how many
        writes each of them had not flushed."""
        powercut.kill(self.pid)
        self._child.wait(60)
        return [powercut.switched_off(d.path, how, seed) for d in self._cached()]

    def screendump(self, path):
        """A picture of the graphical screen (needs graphics=True); PNG where
        this QEMU can, else PPM; returns its path."""
        path = pathlib.Path(path)
        try:
            self.qmp.command("screendump", filename=str(path.absolute()), format="png")
        except LabError:
            path = path.with_suffix(".ppm")
            self.qmp.command("screendump", filename=str(path.absolute()))
        return path

    def key(self, *names):
        """Presses keys together on the machine's keyboard (QEMU's names)."""
        self.qmp.command("send-key", keys=[{"type": "qcode", "data": n} for n in names])

    def cable(self, plugged):
        """Pulls or plugs the network cable."""
        self.qmp.command("set_link", name="nic0", up=plugged)
