#!/bin/sh
# rehost-adapt's options and exit statuses: what isn't there is refused.
. "$REHOST_TOP/tests/lib/lib.sh"

expect_status 0 rehost-adapt --help
grep -q 'usage: rehost-adapt' out
expect_status 0 rehost-adapt --version
for args in "" "--dry-run" "--dry-run a b" "--dry-run --profile kvm a" "--dry-run --drivers . a" "--undo a" "-x a"; do
	# shellcheck disable=SC2086
	expect_status 2 rehost-adapt $args
	[ -s err ] || fail "'$args' is refused without a word"
	[ ! -s out ] || fail "'$args' prints on the standard output"
done
truncate -s 1M disk
expect_status 1 rehost-adapt disk
grep -q -- '--dry-run' err || fail "it does not say what to do"
expect_status 1 rehost-adapt --dry-run missing
grep -q missing err || fail "the message does not name the file"
expect_status 2 rehost-adapt --dry-run /dev/null
expect_status 2 rehost-adapt --dry-run .
expect_status 0 rehost-adapt --dry-run --json disk
json out 'd == {"systems": [], "edits": [], "verdict": None, "notes": []}' > ok
grep -q True ok || fail "an empty disk has a system"
st=0
rehost-adapt --dry-run --json disk > /dev/full 2>err || st=$?
[ $st = 1 ] || fail "a full output is no failure"

# the manual page names every option
page=$REHOST_TOP/docs/man/rehost-adapt.1
rehost-adapt --help | grep -oE '^ *--[a-z-]+' | while read -r option; do
	grep -qF -- "$(echo "$option" | sed 's/-/\\-/g')" "$page" || fail "the manual page does not tell $option"
done
