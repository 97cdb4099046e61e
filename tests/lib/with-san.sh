#!/bin/sh
# with-san.sh T-X.sh: runs a command test with the ASan + UBSan build's programs.
B=$REHOST_B/san
PATH=$B:$PATH
REHOST_B=$B exec sh "$REHOST_TOP/$1"
