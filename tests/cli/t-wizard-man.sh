#!/bin/sh
# The wizard's manual page and --help name the same options; what it refuses.
. "$REHOST_TOP/tests/lib/lib.sh"
rehost-wizard --help | sed -n 's/^  \(--[a-z]*\).*/\1/p' | sort > help
sed 's/\\-/-/g' "$REHOST_TOP/docs/man/rehost-wizard.1" |
	sed -n '/^\.SH OPTIONS/,/^\.SH EXIT/s/^\.BR\{0,1\} \(--[a-z]*\).*/\1/p' | sort > page
diff help page || fail "options in --help (<) and in the page (>)"
[ "$(wc -l < help)" -ge 5 ] || fail "no options in --help"
expect_status 0 rehost-wizard --version
expect_status 2 rehost-wizard --no-such-option
expect_status 2 rehost-wizard word
expect_status 2 rehost-wizard --answers=x
echo quiet > cmdline
REHOST_CMDLINE=cmdline expect_status 2 rehost-wizard --unattended
grep -q 'no answer file is named' err || fail "$(cat err)"
# every key of an answer file is described
sed -n 's/^	{ "\([a-z_]*\)", set_.*/\1/p' "$REHOST_TOP/tui/answers.c" | sort > keys
[ -s keys ] || fail "no keys found in the source"
while read -r key; do
	grep -q "^|.*\`$key\`" "$REHOST_TOP/docs/WIZARD.md" || fail "the key $key is not in WIZARD.md"
done < keys
