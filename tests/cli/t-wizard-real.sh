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
# what was interrupted is told by the place, with what it was begun with, and goes on
export REHOST_PASSPHRASE='open sesame'
head -c $(($(stat -c %s second.rhi) * 97 / 100)) second.rhi > c.rhi.part
head -c 100 second.rhi > nothing.rhi.part
expect_status 0 rehost place --json .
[ "$(json out '[(x["name"], x["encrypted"], x["base"], x["split"], x["dedup"]) for x in d["interrupted"]]')" = \
	"[('c.rhi', True, True, False, False)]" ] || fail "$(cat out)"
[ "$(json out '[x["disk_size"] for x in d["interrupted"]][0]')" = "$(stat -c %s disk.img)" ] || fail "$(cat out)"
expect_status 0 rehost place .
grep -q '^  c.rhi .* interrupted' out || fail "$(cat out)"
unset REHOST_PASSPHRASE
expect_status 0 job_of job=capture "disk=path=$PWD/disk.img" "image=$PWD/c.rhi" encrypt=yes \
	"passphrase_file=$PWD/secret" base=first.rhi resume=yes
[ ! -e c.rhi.part ] || fail "$(ls)"
# restore again: nothing differs
cp target.img before.img
expect_status 0 job_of job=restore "image=$PWD/c.rhi" "target=path=$PWD/target.img" "passphrase_file=$PWD/secret" delta=yes
cmp target.img before.img || fail "something was written"
expect_status 4 job_of job=restore "image=$PWD/c.rhi" "target=path=$PWD/target.img" "passphrase_file=$PWD/secret" resume=yes
