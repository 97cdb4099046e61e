#!/bin/sh
# rehost-adapt's options and exit statuses: what isn't there is refused.
. "$REHOST_TOP/tests/lib/lib.sh"

expect_status 0 rehost-adapt --help
grep -q 'usage: rehost-adapt' out
expect_status 0 rehost-adapt --version
for args in "" "--detect" "--detect a b" "--wallpaper . a" "--detect --drivers . a" "-x a" "--dry-run --undo a" "--root . a" \
	"--volumes v a" "--hardware h --profile kvm --root ." "--hostname a_b --root ." \
	"--nic eth0 --root ." "--nic eth0=5:4 --root ." "--events-fd x --root ."; do
	# shellcheck disable=SC2086
	expect_status 2 rehost-adapt $args
	[ -s err ] || fail "'$args' is refused without a word"
	[ ! -s out ] || fail "'$args' prints on the standard output"
done
expect_status 2 rehost-adapt --profile toaster --dry-run --root .
grep -q virtualbox err || fail "it does not say which profiles there are"
truncate -s 1M disk
expect_status 1 rehost-adapt --detect missing
grep -q missing err || fail "the message does not name the file"
expect_status 2 rehost-adapt --detect /dev/null
expect_status 2 rehost-adapt --detect .
expect_status 0 rehost-adapt --detect --json disk
json out 'd == {"systems": [], "notes": []}' > ok
grep -q True ok || fail "an empty disk has a system"
st=0
rehost-adapt --detect --json disk > /dev/full 2>err || st=$?
[ $st = 1 ] || fail "a full output is no failure"

# the manual page names every option
page=$REHOST_TOP/docs/man/rehost-adapt.1
rehost-adapt --help | grep -oE '^ *--[a-z-]+' | while read -r option; do
	grep -qF -- "$(echo "$option" | sed 's/-/\\-/g')" "$page" || fail "the manual page does not tell $option"
done
