#!/bin/sh
# with-san.sh T-X.sh: runs a command test with the ASan + UBSan build's programs.  Leaks
# are looked for by the unit tests and `make check-asan`: it is half of a short process.
B=$REHOST_B/san
PATH=$B:$PATH
export ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0"
REHOST_B=$B exec sh "$REHOST_TOP/$1"
