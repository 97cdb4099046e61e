#!/usr/bin/python3
"""How true was the estimate?  tests/bench/eta.py rehost COMMAND ARGUMENTS: runs it and
prints, when 20 %, 50 % and 80 % were moved, what was said to be left and what it took
then."""
import os
import shlex
import sys
import tempfile

from measure import Run


def main():
    command = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch:
        x = Run(shlex.join(command[:2] + ["--events-fd", "9"] + command[2:]), os.path.join(scratch, "log"), True)
    if x.status not in (0, 3):
        sys.exit("it failed")
    for share in .2, .5, .8:
        said, left = x.estimate(share)
        print("at %.0f %%: %s" % (100 * share, "no word, it is too short" if left is None else
              "not known, was %.1f s" % left if said is None else
              "%d s, was %.1f s (%+.0f %%)" % (said, left, 100 * (said - left) / max(left, 0.01))))


if __name__ == "__main__":
    main()
