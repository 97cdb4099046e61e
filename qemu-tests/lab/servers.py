"""Samba and NFS servers of one's own, on 127.0.0.1, for guests at 10.0.2.2.

    with Samba(directory) as smb:      smb.url("a.rhi")   smb.stop()  smb.start()
    with Nfs(directory) as nfs:        nfs.url("a.rhi", version="3")
    with Http(directory) as http:      http.url("answers")

Each has its configuration, state and logs in LOGS/NAME, a free port, and
touches nothing of the host's own servers: no system user is made, no file
under /etc or /var is written.  Samba runs as whoever runs the tests.  The NFS
server (nfs-ganesha) must be root, since it opens files by their handles.
"""

import functools
import http.server
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import textwrap
import threading

from . import LabError, proc, qemu
from .proc import run


def free_port():
    """A TCP port that is free now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listening(port):
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex(("127.0.0.1", port)) == 0


def root_is_mount():
    """Not so in a plain chroot, whose mounts cannot be made private: then /run
    is left as it is (nothing runs there that a server could find)."""
    mounts = pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
    return any(line.split()[4] == "/" for line in mounts)


class Server:
    """What both servers share: a directory of its own, and a process."""
    kind = "server"

    def __init__(self, share, name=None):
        self.share = pathlib.Path(share).absolute()
        self.name = name or self.kind
        self.dir = (qemu.LOGS / self.name).absolute()
        self.port = free_port()
        self._child = None

    def __enter__(self):
        self.share.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.dir, ignore_errors=True)
        self.dir.mkdir(parents=True)
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def log(self):
        return self.dir / "log"

    def start(self):
        """Starts (again) on the same port and waits until it answers."""
        self._child = proc.start(self.command(), self.log, env=self.environment())

        def ready():
            if self._child.poll() is not None:
                raise LabError(f"{self.kind} ended with status {self._child.returncode}:\n"
                               + self.log.read_text(errors="replace")[-2000:])
            return self.answers()
        proc.wait_for(f"{self.kind} on port {self.port} (log: {self.log})", ready, 60)

    def answers(self):
        return listening(self.port)

    def stop(self):
        """Ends it at once, with its open connections, as if its power went."""
        if self._child:
            try:
                os.killpg(self._child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self._child.wait()
            self._child = None

    def freeze(self):
        """It answers nothing any more, but its connections stay open."""
        os.killpg(self._child.pid, signal.SIGSTOP)

    def thaw(self):
        os.killpg(self._child.pid, signal.SIGCONT)

    def environment(self):
        return dict(os.environ, LC_ALL="C")


class Samba(Server):
    """An SMB 3 share `images` with a user and a password."""
    kind = "samba"
    share_name = "images"
    user = "rehost"

    def prepare(self):
        self.password = secrets.token_hex(8)
        account = "root" if os.geteuid() == 0 else os.environ.get("USER") or \
            run(["id", "-un"]).strip()
        for name in ("private", "lock", "state", "cache", "pid", "ncalrpc"):
            (self.dir / name).mkdir()
        # The client's name is mapped to an account that exists, which has a
        # password in this server's own database only.
        (self.dir / "users").write_text(f"{account} = {self.user}\n")
        self.config.write_text(textwrap.dedent(f"""\
            [global]
            server role = standalone server
            workgroup = LAB
            netbios name = LABSMB
            disable netbios = yes
            smb ports = {self.port}
            interfaces = 127.0.0.1/8
            bind interfaces only = yes
            server min protocol = SMB3
            map to guest = never
            load printers = no
            disable spoolss = yes
            printcap name = /dev/null
            passdb backend = tdbsam:{self.dir}/private/passdb.tdb
            username map = {self.dir}/users
            private dir = {self.dir}/private
            lock directory = {self.dir}/lock
            state directory = {self.dir}/state
            cache directory = {self.dir}/cache
            pid directory = {self.dir}/pid
            ncalrpc dir = {self.dir}/ncalrpc
            log file = {self.dir}/smbd.log
            log level = 1
            usershare max shares = 0
            strict sync = yes
            [{self.share_name}]
            path = {self.share}
            read only = no
            valid users = {account}
            force user = {account}
            """))
        self._set_password(account)

    def _set_password(self, account):
        done = subprocess.run(
            ["smbpasswd", "-c", str(self.config), "-s", "-a", account], text=True, timeout=60,
            input=f"{self.password}\n{self.password}\n", stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=self.environment())
        if done.returncode:
            raise LabError(f"smbpasswd: {done.stdout}")

    @property
    def config(self):
        return self.dir / "smb.conf"

    def environment(self):
        return dict(super().environment(), TMPDIR=str(self.dir))

    def answers(self):
        """A negotiation (MS-SMB2 2.2.3, dialect 3.0) is answered: after a kill the port is
        open earlier, and the first clients are sent away."""
        header = struct.pack("<4sHHIHHIIQIIQ16s", b"\xfeSMB", 64, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, b"")
        request = struct.pack("<HHHHI16sQH", 36, 1, 1, 0, 0, b"", 0, 0x300)
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as s:
                s.sendall(struct.pack(">I", len(header + request)) + header + request)
                return s.recv(8)[4:] == b"\xfeSMB"
        except OSError:
            return False

    def command(self):
        return ["smbd", "-F", "--no-process-group", "-s", self.config]

    def url(self, name=""):
        return f"smb://{qemu.HOST}:{self.port}/{self.share_name}/{name}"

    def mount_command(self, directory, options=""):
        """The shell command by which a Linux guest mounts the share."""
        return (f"mount -i -t cifs //{qemu.HOST}/{self.share_name} {directory} -o ip={qemu.HOST},"
                f"port={self.port},vers=3.1.1,username={self.user},password={self.password},uid=0,"
                f"cache=none{options}")


class Nfs(Server):
    """An NFS export: /images for version 4, the directory's path for 3.

    Version 4.2 is switched off for nfs-ganesha 4 (Debian 12): its READ_PLUS
    gives current clients I/O errors when they read a file with holes.
    """
    kind = "nfs"
    export = "/images"

    @functools.cached_property
    def major(self):
        """nfs-ganesha's major version."""
        found = re.search(r"V(\d+)\.\d", run(["ganesha.nfsd", "-v"], ok=None))
        return int(found.group(1)) if found else 4

    @property
    def minor(self):
        """The newest minor version of NFS 4 that works with this server."""
        return 2 if self.major > 4 else 1

    def prepare(self):
        if os.geteuid():
            raise LabError("the NFS server must be root (it opens files by handle): run as root")
        self.mount_port, self.nlm_port, self.rquota_port = free_port(), free_port(), free_port()
        # machines that do not give CAP_SYS_RESOURCE are good enough
        modern = "allow_set_io_flusher_fail = true;" if self.major > 4 else ""
        for name in ("recovery", "recovery/v4recov", "recovery/v4old", "run", "mnt"):
            (self.dir / name).mkdir()
        self.config.write_text(textwrap.dedent(f"""\
            NFS_CORE_PARAM {{
                Bind_addr = 127.0.0.1; NFS_Port = {self.port}; MNT_Port = {self.mount_port};
                NLM_Port = {self.nlm_port}; Rquota_Port = {self.rquota_port};
                Protocols = 3, 4; Enable_NLM = false; Enable_RQUOTA = false;
                NSM_Use_Caller_Name = false; mount_path_pseudo = false; {modern}
            }}
            NFSV4 {{
                Grace_Period = 0; Lease_Lifetime = 20; Graceless = true; RecoveryBackend = fs;
                RecoveryRoot = {self.dir}/recovery; Minor_Versions = {', '.join(map(str, range(self.minor + 1)))};
            }}
            EXPORT_DEFAULTS {{
                Access_Type = RW; Squash = No_Root_Squash; SecType = sys; Transports = TCP;
            }}
            EXPORT {{
                Export_Id = 1; Path = {self.mounted}; Pseudo = {self.export}; Protocols = 3, 4;
                PrivilegedPort = false; FSAL {{ Name = VFS; }}
            }}
            """))

    @property
    def config(self):
        return self.dir / "ganesha.conf"

    @property
    def mounted(self):
        """Where the server sees the share: a mount of its own, in a mount
        namespace of its own, since it looks exports up among the mounts."""
        return self.dir / "mnt"

    def command(self):
        server = ["ganesha.nfsd", "-F", "-L", "/dev/stdout", "-f", self.config,
                  "-p", self.dir / "run/pid"]
        script = ('mount --bind "$1" "$2" && { [ "$3" = unchanged ] || mount -t tmpfs run /run; } && '
                  '{ [ -e /etc/mtab ] || ln -s ../proc/self/mounts /etc/mtab; } && '
                  '/usr/bin/python3 "$4" /run/rpcbind.sock && shift 4 && exec "$@"')
        how = "private" if root_is_mount() else "unchanged"
        return ["unshare", "--mount", "--propagation", how, "sh", "-c", script, "sh",
                self.share, self.mounted, how,
                pathlib.Path(__file__).with_name("portmap.py"), *server]

    def stop(self):
        super().stop()
        if not root_is_mount():
            # what a shared mount above this chroot may have got of ours
            run(["umount", "-q", self.mounted], ok=None)
            pathlib.Path("/run/rpcbind.sock").unlink(missing_ok=True)

    def url(self, name="", version="4"):
        if version == "3":
            return (f"nfs://{qemu.HOST}:{self.port}{self.mounted}/{name}"
                    f"?vers=3&proto=tcp&mountproto=tcp&mountport={self.mount_port}&nolock")
        return f"nfs://{qemu.HOST}:{self.port}{self.export}/{name}?vers=4.{self.minor}&proto=tcp"

    def mount_command(self, directory, version="4"):
        """The shell command by which a Linux guest mounts the export."""
        if version == "3":
            return (f"mount -i -t nfs {qemu.HOST}:{self.mounted} {directory} -o addr={qemu.HOST},"
                    f"vers=3,proto=tcp,port={self.port},mountaddr={qemu.HOST},mountvers=3,"
                    f"mountproto=tcp,mountport={self.mount_port},nolock")
        return (f"mount -i -t nfs4 {qemu.HOST}:{self.export} {directory} -o addr={qemu.HOST},"
                f"clientaddr=10.0.2.15,vers=4.{self.minor},proto=tcp,port={self.port}")


class Http:
    """Gives out the files of a directory; `asked` has the paths asked for."""

    def __init__(self, directory):
        self.asked = asked = []

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *args):
                super().__init__(*args, directory=directory)

            def log_request(self, *_):
                asked.append(self.path)

            def log_message(self, *_):
                """What is wrong the client says."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def url(self, name):
        return f"http://{qemu.HOST}:{self._server.server_port}/{name}"
