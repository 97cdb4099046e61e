# shellcheck shell=sh
# lib.sh: for tests/cli/t-*.sh: . "$REHOST_TOP/tests/lib/lib.sh"
# The working directory is the test's own ($T); it is removed afterwards.
set -eu

# requires COMMAND...: else the test is skipped, saying why.
requires() {
	for cmd_; do
		command -v "$cmd_" >/dev/null 2>&1 || skip "$cmd_ is not installed"
	done
}
skip() {
	echo "skipped: $*"
	exit 77
}
fail() {
	echo "FAILED: $*" >&2
	exit 1
}
# status_of COMMAND...: prints its exit status; its output goes to ./out, ./err.
status_of() {
	st_=0
	"$@" >out 2>err || st_=$?
	echo $st_
}
# own_mounts: what the test mounts is seen by it alone.  Call it first: another
# process's mount namespace would hold copies of its mounts after umount.
own_mounts() {
	[ "${OWN_MOUNTS-}" ] || ! unshare -m true 2>/dev/null || OWN_MOUNTS=1 exec unshare -m sh "$0" "$@"
}
# expect_status N COMMAND...
expect_status() {
	want_=$1
	shift
	got_=$(status_of "$@")
	[ "$got_" = "$want_" ] || {
		cat out err >&2
		fail "'$*' gave exit status $got_, not $want_"
	}
}
# at_exit COMMAND: runs at every exit, last added first.
at_exit_=
at_exit() {
	at_exit_="$1; $at_exit_"
	# shellcheck disable=SC2064
	trap "$at_exit_" EXIT
}
# detach FILE...: gives back the loop devices that these have.  By name, since a device
# that was given back before may be another test's by now.
detach() {
	for file_; do
		losetup -n -O NAME -j "$file_" 2>/dev/null | xargs -r losetup -d 2>/dev/null || :
	done
}
# json FILE EXPRESSION: prints a Python expression over the document `d`.
json() {
	/usr/bin/python3 -c 'import json,sys
d = json.load(open(sys.argv[1]))
print(eval(sys.argv[2]))' "$1" "$2"
}
# fixture PATH: prints where it lies; the test is skipped where it is absent.
fixture() {
	[ -e "$REHOST_FIXTURES/$1" ] || skip "no $1 among the fixtures" >&2
	echo "$REHOST_FIXTURES/$1"
}
