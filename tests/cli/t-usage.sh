#!/bin/sh
# Wrong command lines: status 2, a message, nothing done.
. "$REHOST_TOP/tests/lib/lib.sh"
truncate -s 1M disk.img
usage() {
	expect_status 2 "$@"
	[ -s err ] || fail "'$*' says nothing"
	[ ! -s out ] || fail "'$*' wrote to stdout"
}
usage rehost
usage rehost nonsense
usage rehost clone a b
grep -q "not available in this version" err || fail "$(cat err)"
for c in capture restore map verify info place; do
	usage rehost $c
	usage rehost $c --nonsense x y
	grep -q -e "--nonsense" err || fail "$(cat err)"
	usage rehost $c -x a b
	expect_status 0 rehost $c --help
	grep -q "rehost $c" out || fail "help of $c"
done
usage rehost restore --layout=grow a.rhi disk.img
grep -q "not available in this version" err || fail "--layout: $(cat err)"
usage rehost verify --deep -
usage rehost capture --level best disk.img a.rhi
grep -q "balanced" err || fail "the words there are aren't named: $(cat err)"
usage rehost capture --level
for n in 0 -1 17 x 1x ''; do usage rehost capture "--workers=$n" disk.img a.rhi; done
usage rehost capture --events-fd 77 disk.img a.rhi
usage rehost capture --events-fd 0 disk.img a.rhi < /dev/null
usage rehost map
usage rehost restore a.rhi
usage rehost capture disk.img http://host/a.rhi
usage rehost capture disk.img ftp://host/a.rhi
usage rehost capture disk.img smb://user:s3cret@host/share/a.rhi
grep -q "must not stand in a URL" err || fail "$(cat err)"
! grep -q s3cret err || fail "the password was told: $(cat err)"
[ "$(ls)" = "$(printf 'disk.img\nerr\nout')" ] || fail "something was made: $(ls)"
expect_status 0 rehost --version
expect_status 0 rehost --help
expect_status 0 rehost help
