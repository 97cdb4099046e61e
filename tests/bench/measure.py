"""One command measured: wall time, CPU of it and all its children, the largest
process, and what the rest of the machine did meanwhile."""
import os
import subprocess
import time


def machine_cpu():
    with open("/proc/stat") as f:
        n = [int(x) for x in f.readline().split()[1:9]]
    busy = n[0] + n[1] + n[2] + n[5] + n[6]
    return busy / os.sysconf("SC_CLK_TCK")


class Run:
    def __init__(self, shell, log):
        cpu, start = machine_cpu(), time.monotonic()
        with open(log, "ab") as f:
            f.write(("$ %s\n" % shell).encode())
            f.flush()
            # time(1) between, or this interpreter's memory would count
            p = subprocess.run(["time", "-q", "-o", log + ".time", "-f", "%U %S %M",
                                "bash", "-o", "pipefail", "-c", shell],
                               stdin=subprocess.DEVNULL, stdout=f, stderr=f, check=False)
        self.status = p.returncode
        self.wall = time.monotonic() - start
        with open(log + ".time", encoding="ascii") as f:
            user, system, rss = f.read().split()[-3:]
        self.cpu = float(user) + float(system)
        self.rss = int(rss) * 1024          # of the largest process
        # of everybody else, as a share of one processor
        self.others = max(0.0, machine_cpu() - cpu - self.cpu) / self.wall
