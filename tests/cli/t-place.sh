#!/bin/sh
# Places, with stand-ins for mount.cifs, mount.nfs, mount and umount first in PATH:
# what they are called with, where passwords go, what is said when they fail.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
fill_ext disk.img 8
export REHOST_RUN_DIR="$PWD/run" SERVER="$PWD/server" LOG="$PWD/log"
mkdir fake server
cat > fake/mount.cifs <<'SH'
#!/bin/sh
# the mount point becomes what the server has
echo "$(basename "$0") $*" >> "$LOG"
case $4 in
*credentials=*)
	c=${4#*credentials=}; c=${c%%,*}
	stat -c 'mode %a' "$c" >> "$LOG"
	cat "$c" >> "$LOG.cred" ;;
esac
[ -z "$FAIL" ] || { echo "$FAIL" >&2; exit 32; }
cp -a "$SERVER/." "$2/"
SH
cat > fake/mount.nfs <<'SH'
#!/bin/sh
echo "$(basename "$0") $*" >> "$LOG"
[ -z "$FAIL" ] || { echo "$FAIL" >&2; exit 32; }
case $1 in
*:/srv/images) cp -a "$SERVER/." "$2/" ;;
*) echo "mount.nfs: mounting $1 failed, reason given by server: No such file or directory" >&2; exit 32 ;;
esac
SH
cat > fake/umount <<'SH'
#!/bin/sh
echo "umount $*" >> "$LOG"
rm -rf "$SERVER"; mkdir "$SERVER"
cp -a "$1/." "$SERVER/"
find "$1" -mindepth 1 -delete
[ -z "$FAIL_UMOUNT" ] || { echo "$FAIL_UMOUNT" >&2; exit 32; }
SH
chmod +x fake/*
PATH=$PWD/fake:$PATH
printf 'username=anna\npassword=top,secret word\n' > cred
chmod 600 cred

expect_status 0 rehost capture --credentials cred disk.img 'smb://nas:4450/images/pc1/a.rhi?vers=3.1.1'
[ -e server/pc1/a.rhi ] || fail "the image isn't on the server: $(find server)"
grep -q '^mount.cifs //nas/images .* -o rw,port=4450,credentials=.*,vers=3.1.1$' log || fail "$(cat log)"
grep -q '^mode 600$' log || fail "the credentials file was open to others: $(cat log)"
grep -q '^password=top,secret word$' log.cred || fail "$(cat log.cred)"
! grep -q secret log out err || fail "the password was told"
[ -z "$(find run -type f)" ] || fail "left in run: $(find run)"
[ -z "$(find run -mindepth 1)" ] || fail "left in run: $(find run)"

expect_status 0 rehost info --credentials cred smb://nas/images/pc1/a.rhi
grep -q '^mount.cifs //nas/images .* -o ro,' log || fail "reading mounts read-write: $(cat log)"
REHOST_USERNAME=otto REHOST_PASSWORD=pw expect_status 0 rehost restore smb://nas/images/pc1/a.rhi t.img
grep -q '^username=otto$' log.cred || fail "$(cat log.cred)"
same_used disk.img t.img
# a base lies beside the new image, and may be named in any way
for base in a.rhi smb://nas/images/pc1/a.rhi 'smb://nas/images/pc1/%61.rhi?vers=3.0'; do
	expect_status 0 rehost capture --credentials cred --overwrite --base "$base" disk.img smb://nas/images/pc1/b.rhi
	grep -q "weren't stored again" err || fail "--base $base: $(cat err)"
done
for base in smb://nas/images/a.rhi smb://nas2/images/pc1/a.rhi nfs://nas/images/pc1/a.rhi; do
	expect_status 2 rehost capture --credentials cred --overwrite --base "$base" disk.img smb://nas/images/pc1/b.rhi
	grep -q "in the directory of the new image" err || fail "--base $base: $(cat err)"
done
expect_status 0 rehost verify --credentials cred smb://nas/images/pc1/b.rhi
rm server/pc1/b.rhi
expect_status 0 rehost place --json smb://nas/images/pc1
grep -q ',guest,' log || fail "no user and no guest: $(cat log)"
[ "$(json out '[x["name"] for x in d["images"]]')" = "['a.rhi']" ] || fail "$(cat out)"
: > log
expect_status 0 rehost place --json --read-only smb://nas/images/pc1
grep -q -- '-o ro,' log || fail "$(cat log)"
[ "$(json out '"writable" in d, len(d["images"])')" = "(False, 1)" ] || fail "$(cat out)"
expect_status 2 rehost place --read-only --run true smb://nas/images/pc1

# nfs: the longest directory first, then its parents
: > log
expect_status 0 rehost verify nfs://nas/srv/images/pc1/a.rhi
[ "$(grep -c '^mount.nfs' log)" = 2 ] || fail "$(cat log)"
grep -q '^mount.nfs nas:/srv/images/pc1 ' log || fail "$(cat log)"
: > log
expect_status 0 rehost capture disk.img nfs://nas/srv/images/new/b.rhi
[ -e server/new/b.rhi ] || fail "$(find server)"

# failures: what is said, and status 1
said() { # MESSAGE_OF_MOUNT WORDS URL
	FAIL=$1 expect_status 1 rehost verify "$3"
	grep -q "$2" err || fail "for '$1' it says: $(cat err)"
	[ -z "$(find run -mindepth 1)" ] || fail "left in run: $(find run)"
}
export FAIL
said "mount error(13): Permission denied" "user name or password" smb://nas/images/pc1/a.rhi
said "mount error(2): No such file or directory" "no such share" smb://nas/images/pc1/a.rhi
said "mount error(113): could not connect to 10.0.0.9Unable to find suitable address." "cable" smb://nas/images/pc1/a.rhi
said "mount error(111): could not connect" "nothing answers" smb://nas/images/pc1/a.rhi
said "mount error: could not resolve address for nas: Unknown error" "no address was found" smb://nas/images/pc1/a.rhi
said "mount error(95): Operation not supported" "version of SMB" smb://nas/images/pc1/a.rhi
said "mount.nfs: Connection refused" "nothing answers" nfs://nas/srv/images/pc1/a.rhi
said "mount.nfs: access denied by server while mounting nas:/x" "does not export" nfs://nas/srv/images/pc1/a.rhi
said "mount.nfs: Connection timed out" "did not answer in time" nfs://nas/srv/images/pc1/a.rhi
# one attempt, not two: a wrong password must not lock the account
: > log
FAIL="mount error(13): Permission denied" expect_status 1 rehost place smb://nas/images
[ "$(grep -c '^mount' log)" = 1 ] || fail "$(cat log)"
FAIL=
# the share could not be written out at the end: no false success
FAIL_UMOUNT="umount: target is busy" expect_status 1 rehost capture disk.img nfs://nas/srv/images/c.rhi
grep -q "could not be unmounted" err || fail "$(cat err)"
# programs that aren't there
rm fake/mount.cifs
PATH=$PWD/fake:$REHOST_B expect_status 1 rehost verify smb://nas/images/pc1/a.rhi
grep -q "mount.cifs.*not installed" err || fail "$(cat err)"
# an image's name is needed
expect_status 2 rehost capture disk.img smb://nas/a.rhi
