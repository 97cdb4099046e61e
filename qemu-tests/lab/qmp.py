"""QEMU's machine protocol: commands and events as JSON over a UNIX socket."""

import json
import socket
import time

from . import LabError


class Qmp:
    def __init__(self, path, timeout=30):
        self._sock = socket.socket(socket.AF_UNIX)
        self._sock.settimeout(timeout)
        self._sock.connect(str(path))
        self._buffer = b""
        self.events = []
        self._receive(timeout)                      # the greeting
        self.command("qmp_capabilities")

    def close(self):
        self._sock.close()

    def _receive(self, timeout):
        end = time.monotonic() + timeout
        while b"\n" not in self._buffer:
            self._sock.settimeout(max(0.01, end - time.monotonic()))
            try:
                data = self._sock.recv(65536)
            except socket.timeout as e:
                raise LabError(f"QMP: nothing said for {timeout} s") from e
            except OSError as e:
                raise LabError(f"QMP: {e}") from e
            if not data:
                raise LabError("QMP: the machine is gone")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return json.loads(line)

    def command(self, name, timeout=60, **arguments):
        """Runs a command; returns what it returns."""
        message = {"execute": name}
        if arguments:
            message["arguments"] = {k.replace("_", "-"): v for k, v in arguments.items()}
        self._sock.sendall(json.dumps(message).encode() + b"\n")
        while True:
            reply = self._receive(timeout)
            if "event" in reply:
                self.events.append(reply)
            elif "error" in reply:
                raise LabError(f"QMP {name}: {reply['error']['desc']}")
            elif "return" in reply:
                return reply["return"]

    def wait_event(self, name, timeout):
        """Waits for an event, one seen before included, and takes it out."""
        end = time.monotonic() + timeout
        while True:
            for event in self.events:
                if event["event"] == name:
                    self.events.remove(event)
                    return event
            left = end - time.monotonic()
            if left <= 0:
                raise LabError(f"QMP: no event {name} for {timeout} s")
            reply = self._receive(left)
            if "event" in reply:
                self.events.append(reply)

    def monitor(self, line, timeout=60):
        """A command of the human monitor."""
        return self.command("human-monitor-command", timeout, **{"command_line": line})
