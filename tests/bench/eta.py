#!/usr/bin/python3
"""How true was the estimate?  tests/bench/eta.py COMMAND...: runs it with
--events-fd and prints, for 20 %, 50 % and 80 % of the copy, what was said to be left
and what it took then.  An estimate that isn't there was "not known"."""
import json
import os
import subprocess
import sys
import time


def main():
    r, w = os.pipe()
    command = sys.argv[1:]
    child = subprocess.Popen(command[:2] + ["--events-fd", str(w)] + command[2:], pass_fds=[w],
                             stderr=subprocess.DEVNULL)
    os.close(w)
    seen, steps = [], {}
    for line in os.fdopen(r):
        e = json.loads(line)
        if e["event"] == "step":
            steps[e["step"]] = time.monotonic()
        if e["event"] == "progress" and e["step"] == "copy":
            seen.append((time.monotonic(), e["bytes_done"], e["bytes_total"], e["eta"]))
    done = time.monotonic()
    if child.wait() not in (0, 3):
        sys.exit("it failed")
    # the step that follows ends the copy
    end = min([t for t in steps.values() if t > steps["copy"]] or [done])
    flush = min([t for s, t in steps.items() if s != "flush" and t > end] or [done]) - end
    print("copy %.1f s, flush %.1f s" % (end - steps["copy"], flush))
    for part in .2, .5, .8:
        at, n, total, eta = next(x for x in seen if x[1] >= part * x[2])
        left = end - at
        print("at %3.0f %%: %s, was %.1f s%s" % (100 * n / total, "not known" if eta is None else "%d s" % eta, left,
              "" if eta is None else " (%+.0f %%)" % (100 * (eta - left) / left if left > .5 else 0)))


if __name__ == "__main__":
    main()
