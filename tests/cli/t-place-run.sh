#!/bin/sh
# rehost place --run: the program gets the directory; its failure is ours.
. "$REHOST_TOP/tests/lib/lib.sh"
mkdir there
cat > keep <<'SH'
#!/bin/sh
echo "$#" > "$1/kept" && echo "kept in $1"
SH
printf '#!/bin/sh\necho no room >&2; exit 7\n' > broken
chmod +x keep broken
expect_status 0 rehost place --run ./keep there
[ "$(cat there/kept)" = 1 ] || fail "not run, or with other arguments"
grep -q '^kept in .*there$' out || fail "$(cat out)"
expect_status 1 rehost place --run ./broken there
grep -q './broken ended with status 7: no room' err || fail "$(cat err)"
expect_status 1 rehost place --run ./no-such-program there
rm there/kept
expect_status 0 rehost place there
[ -z "$(find there -type f)" ] || fail "left behind: $(find there)"
# the program isn't given the password
printf '#!/bin/sh\nenv\n' > show
chmod +x show
REHOST_PASSWORD=s3cret expect_status 0 rehost place --run ./show there
! grep s3cret out || fail "the password reached a child's environment"
