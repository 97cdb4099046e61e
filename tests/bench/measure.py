"""One command measured: wall time, CPU of it and all its children, the largest
process, and what the rest of the machine did meanwhile."""
import json
import os
import subprocess
import threading
import time


def machine_cpu():
    with open("/proc/stat") as f:
        n = [int(x) for x in f.readline().split()[1:9]]
    busy = n[0] + n[1] + n[2] + n[5] + n[6]
    return busy / os.sysconf("SC_CLK_TCK")


def busy(seconds):
    """How many processors are busy now: watched for so long."""
    cpu = machine_cpu()
    time.sleep(seconds)
    return (machine_cpu() - cpu) / seconds


def page_cache(path, wanted):
    """A file is in memory, or isn't, when this returns."""
    with open(path, "rb") as f:
        if wanted:
            while f.read(1 << 20):
                pass
        else:
            os.fsync(f.fileno())
            os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class Run:
    """events: the command's --events-fd 9 is read; self.events has (seconds since the
    start, event)."""

    def __init__(self, shell, log, events=False):
        self.events = []
        cpu, start = machine_cpu(), time.monotonic()
        with open(log, "ab") as f:
            f.write(("$ %s\n" % shell).encode())
            f.flush()
            # time(1) between, or this interpreter's memory would count
            argv = ["time", "-q", "-o", log + ".time", "-f", "%U %S %M", "bash", "-o", "pipefail", "-c", shell]
            if events:
                self.status = self.listen(argv, f, start)
            else:
                self.status = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=f, stderr=f, check=False).returncode
        self.wall = time.monotonic() - start
        with open(log + ".time", encoding="ascii") as f:
            user, system, rss = f.read().split()[-3:]
        self.cpu = float(user) + float(system)
        self.rss = int(rss) * 1024          # of the largest process
        # of everybody else, as a share of one processor
        self.others = max(0.0, machine_cpu() - cpu - self.cpu) / self.wall

    def listen(self, argv, log, start):
        r, w = os.pipe()
        argv[-1] = "exec 9>&%d; %s" % (w, argv[-1])
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[w]) as p:
            os.close(w)

            def read():
                with os.fdopen(r, encoding="utf-8") as lines:
                    for line in lines:
                        self.events.append((time.monotonic() - start, json.loads(line)))
            t = threading.Thread(target=read)
            t.start()
            p.wait()
            t.join()
        return p.returncode

    def estimate(self, share=0.2):
        """What was told when `share` of the bytes were moved: (seconds said to be left,
        seconds that were left); the first is None if that was not known, both when there
        was no word between share and twice that."""
        end = next((t for t, e in self.events if e["event"] == "done"), None)
        for t, e in self.events:
            if e["event"] == "progress" and e["bytes_total"] and e["bytes_done"] >= share * e["bytes_total"]:
                if end is None or e["bytes_done"] > 2 * share * e["bytes_total"]:
                    break
                return e["eta"], end - t
        return None, None
