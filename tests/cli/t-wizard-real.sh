#!/bin/sh
# The wizard's unattended jobs with the real rehost, over files as disks.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
export REHOST_LOGDIR="$PWD"
fill_ext disk.img 8
truncate -s 12M target.img
job_of() { printf '%s\n' "$@" > answers; rehost-wizard --unattended --answers="$PWD/answers" < /dev/null; }
expect_status 0 job_of job=capture "disk=path=$PWD/disk.img" "image=$PWD/a.rhi" verify=yes level=fast
grep -qx 'REHOST-JOB: done status=0' out || fail "$(cat out)"
digest=$(sed -n 's/^REHOST-JOB: \([0-9a-f]\{64\}\)$/\1/p' out)
rehost info --json a.rhi > told
[ "$digest" = "$(json told 'd["digest"]')" ] || fail "digest '$digest': $(cat out)"
grep -q '^REHOST-JOB: step copy' out || fail "$(cat out)"
expect_status 0 job_of job=verify "image=$PWD/a.rhi"
grep -qx "REHOST-JOB: $digest" out || fail "$(cat out)"
expect_status 0 job_of job=restore "image=$PWD/a.rhi" "target=path=$PWD/target.img" verify=yes
grep -q "^REHOST-JOB: done status=0" out || fail "$(cat out)"
same_used disk.img target.img
# two disks: a directory
cp disk.img other.img
expect_status 0 job_of job=capture "disk=path=$PWD/disk.img" "disk=path=$PWD/other.img" "image=$PWD/two"
[ -e two/machine.json ] || fail "$(find two)"
[ "$(find two -name '*.rhi' | wc -l)" = 2 ] || fail "$(find two)"
[ "$(grep -Ecx 'REHOST-JOB: [0-9a-f]{64}' out)" = 2 ] || fail "$(cat out)"
# refused and failed jobs say so with their status
expect_status 1 job_of job=verify "image=$PWD/none.rhi"
grep -q '^REHOST-JOB: error .*none.rhi' out || fail "$(cat out)"
truncate -s 1M small.img
expect_status 4 job_of job=restore "image=$PWD/a.rhi" "target=path=$PWD/small.img"
grep -qx 'REHOST-JOB: failed status=4' out || fail "$(cat out)"
expect_status 1 job_of job=capture "disk=path=$PWD/no-such" "image=$PWD/b.rhi"
[ ! -e b.rhi ] || fail "an image of nothing"
# what the children said is in the log
grep -q 'none.rhi' wizard.log || fail "$(cat wizard.log)"
# encrypted, in several files, and another that has only what differs from it
rm -r two a.rhi
echo 'open sesame' > secret
expect_status 0 job_of job=capture "disk=path=$PWD/disk.img" "image=$PWD/first.rhi" encrypt=yes \
	"passphrase_file=$PWD/secret" split=700M
expect_status 0 job_of job=capture "disk=path=$PWD/disk.img" "image=$PWD/second.rhi" encrypt=yes \
	"passphrase_file=$PWD/secret" base=first.rhi
[ "$(stat -c %s second.rhi)" -lt $(($(stat -c %s first.rhi) / 2)) ] || fail "$(ls -l)"
expect_status 1 job_of job=verify "image=$PWD/second.rhi"
grep -q 'its passphrase is needed' out || fail "$(cat out)"
expect_status 0 job_of job=restore "image=$PWD/second.rhi" "target=path=$PWD/target.img" "passphrase_file=$PWD/secret"
same_used disk.img target.img
! grep -q sesame out wizard.log || fail "the passphrase was told"
