#!/bin/sh
# rehost restore --adapt: the verdict before anything is written, refusals, what is
# handed on, the joined exit status.  rehost-adapt is a fake beside a copy of the
# program.
# rehost-test: san
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
requires mke2fs
mkdir bin
cp "$(command -v rehost)" bin/
cat > bin/rehost-adapt <<'END'
#!/bin/sh
echo "$*" >> "$CALLS"
echo "password:${REHOST_PASSWORD-none} luks:${REHOST_LUKS_PASSPHRASE-none}" >> "$CALLS"
prev=
for a; do
	[ "$prev" = --old-hardware ] && cp "$a" "$CALLS.old"
	prev=$a
done
case "$*" in
--dry-run*)
	[ -e "$TARGET" ] && [ -s "$TARGET" ] && echo "target is there" >> "$CALLS"
	printf '{"systems":[{"name":"Test Linux","root":"/dev/sda1","verdict":"%s","problems":["no driver"],
	"missing":[{"device":"1af4:1042 Virtio block"}],"edits":[{"path":"/etc/fstab"}],"warnings":["hm"]}],"notes":[]}' "$VERDICT"
	exit "${DRY_STATUS-0}" ;;
*) echo "made 3 edits"; exit "${APPLY_STATUS-0}" ;;
esac
END
chmod +x bin/rehost-adapt
export CALLS="$PWD/calls" TARGET="$PWD/t.img" VERDICT=boots-after-edits
export REHOST_PASSWORD=secret REHOST_LUKS_PASSPHRASE=phrase
fill_ext d.img 16
expect_status 0 rehost capture d.img a.rhi
restore() { # STATUS OPTIONS...: with the fake
	rm -f t.img calls calls.old
	want=$1
	shift
	expect_status "$want" bin/rehost restore --yes "$@" a.rhi t.img
}
# it boots after edits: verdict, restore, edits
restore 0 --adapt --profile kvm --hostname box --new-identity --remove-tools --nic eth0=52:54:00:00:00:01 --luks-key k
[ "$(sed -n 1p calls)" = "--dry-run --json --profile kvm --hostname box --new-identity --remove-tools --nic eth0=52:54:00:00:00:01 --luks-key k --old-hardware $(sed -n '1s/.*--old-hardware \([^ ]*\).*/\1/p' calls) -- a.rhi" ] ||
	fail "$(cat calls)"
[ "$(sed -n 2p calls)" = "password:none luks:phrase" ] || fail "$(cat calls)"
grep -q -- "^--yes --profile kvm .* -- t.img$" calls || fail "$(cat calls)"
! grep -q "target is there" calls || fail "the verdict came after the restore"
[ "$(json calls.old 'd["cpu"]["arch"]')" = "$(uname -m)" ] || fail "the old machine: $(cat calls.old)"
grep -q "Test Linux (/dev/sda1): will boot after these edits" err || fail "$(cat err)"
grep -q "edit: /etc/fstab" err || fail "$(cat err)"
grep -q "made 3 edits" err || fail "what adapt says is missing: $(cat err)"
[ ! -s out ] || fail "something on standard output: $(cat out)"
cmp -n $((16 << 20)) d.img t.img || fail "not restored"
# warnings of adapt
APPLY_STATUS=3 restore 3 --adapt --profile kvm
# adapt failed after the restore
APPLY_STATUS=1 restore 1 --adapt --profile kvm
grep -q "the image was restored, but rehost-adapt failed" err || fail "$(cat err)"
# it won't boot: nothing is written
VERDICT=will-not-boot DRY_STATUS=3 restore 4 --adapt --profile kvm
[ ! -e t.img ] || fail "it was written"
grep -q "will NOT boot" err && grep -q "no driver: 1af4:1042" err && grep -q "adapt-anyway" err || fail "$(cat err)"
VERDICT=unknown DRY_STATUS=3 restore 4 --adapt --profile kvm
DRY_STATUS=1 restore 4 --adapt --profile kvm
[ ! -e t.img ] || fail "it was written"
DRY_STATUS=2 restore 2 --adapt --profile kvm
# unless told to
VERDICT=will-not-boot DRY_STATUS=3 restore 3 --adapt --adapt-anyway --profile kvm
grep -q -- "^--yes" calls || fail "not adapted: $(cat calls)"
# through a pipe there is no verdict before
rm -f t.img calls
st=0
bin/rehost restore --yes --adapt --profile kvm - t.img < a.rhi 2>err || st=$?
[ $st = 0 ] || fail "$st: $(cat err)"
grep -q "through a pipe can't be looked into" err || fail "$(cat err)"
! grep -q dry-run calls || fail "$(cat calls)"
# a machine's directory: all its images, all its disks, once
fill_ext e.img 8
expect_status 0 rehost capture --no-systems d.img e.img machine
rm -f calls t.img
expect_status 0 bin/rehost restore --yes --adapt --profile kvm machine t.img u.img
[ "$(grep -c '^--' calls)" = 2 ] || fail "$(cat calls)"
grep -q -- '--dry-run --json .*-- machine/d.img.rhi machine/e.img.rhi$' calls || fail "$(cat calls)"
grep -q -- '^--yes .*-- t.img u.img$' calls || fail "$(cat calls)"
# usage
expect_status 2 bin/rehost restore --profile kvm a.rhi t.img
grep -q "belongs to --adapt" err || fail "$(cat err)"
expect_status 2 bin/rehost restore --adapt a.rhi t.img
grep -q -- "--profile or --hardware" err || fail "$(cat err)"
rm bin/rehost-adapt
rm -f t.img
PATH=$PWD/bin:/usr/sbin:/usr/bin:/sbin:/bin expect_status 1 rehost restore --yes --adapt --profile kvm a.rhi t.img
grep -q "rehost-adapt is not installed" err || fail "$(cat err)"
[ ! -e t.img ] || fail "it was written"
