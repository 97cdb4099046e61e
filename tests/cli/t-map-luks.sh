#!/bin/sh
# LUKS: whole without a key; with one, what the file system in it uses.  cryptsetup
# encrypts files and decrypts copies that have only what the map says.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/lvm-text.sh"
requires cryptsetup mke2fs e2fsck
map=$REHOST_B/tests/tools/map-dump
judge=$REHOST_TOP/tests/lib/fsjudge.py
put=$REHOST_TOP/tests/lib/luksput.py
fast="--pbkdf pbkdf2 --pbkdf-force-iterations 1000"

printf 'a passphrase' >key; echo 'a passphrase' >line; echo wrong >wrong
mkdir tree; head -c 700000 /dev/urandom >tree/random
truncate -s 8M plain; mke2fs -q -t ext4 -b 4096 -d tree plain
"$map" plain >plain.map
used=$(awk '/^total/ { print $2 }' plain.map)
# opened FILE START WHAT: exactly the header and what the volume uses
opened() {
	"$map" -u line "$1" >map.out
	grep -q '^region 0 [0-9]* [0-9]* luks crypto_LUKS 0 disk$' map.out || fail "$3: $(cat map.out)"
	grep -q "^volume 0 8388608 $used ext ext4 0 decrypted volume$" map.out || fail "$3: $(cat map.out)"
	{
		echo "extent 0 $2"
		awk -v s="$2" '/^extent/ { print $1, $2 + s, $3 }' plain.map
	} | awk 'len && $2 == at + len { len += $3; next }
		{ if (len) print at, len; at = $2; len = $3 } END { print at, len }' >want
	awk '/^extent/ { print $2, $3 }' map.out | cmp - want || fail "$3: $(cat map.out want)"
	"$judge" apply "$1" map.out copy
	cryptsetup open --test-passphrase --key-file key copy || fail "$3: the copy doesn't open"
}
sound() { # FILE WHAT
	e2fsck -fn "$1" >fsck.out 2>&1 || fail "$2: $(cat fsck.out)"
	debugfs -R 'cat /random' "$1" 2>/dev/null | cmp - tree/random || fail "$2: random"
}
encrypted() { # FILE OPTIONS: by cryptsetup
	cp plain "$1"; truncate -s 40M "$1"
	f_=$1
	shift
	# shellcheck disable=SC2086
	cryptsetup reencrypt --encrypt --type luks2 -q --reduce-device-size 32M $fast --key-file key "$@" "$f_" >enc.out 2>&1 ||
		fail "cryptsetup: $(cat enc.out)"
}

encrypted l2 --label secret
truncate -s 24M l2
"$map" l2 >map.out
grep -q '^region 0 25165824 25165824 raw crypto_LUKS 0 disk$' map.out || fail "$(cat map.out)"
grep -q '^note Taken whole: it is encrypted; --unlock' map.out || fail "$(cat map.out)"
grep -q "^ident $(blkid -p -o value -s UUID l2) secret$" map.out || fail "$(cat map.out)"
opened l2 16777216 LUKS2
cp copy l2.copy
cryptsetup reencrypt --decrypt -q --force-offline-reencrypt --header hdr --key-file key copy >dec.out 2>&1 || fail "$(cat dec.out)"
truncate -s 8M copy
sound copy LUKS2
rm hdr
encrypted big --sector-size 4096
truncate -s 24M big
opened big 16777216 'sectors of 4096'
cryptsetup reencrypt --decrypt -q --force-offline-reencrypt --header hdr --key-file key copy >dec.out 2>&1 || fail "$(cat dec.out)"
truncate -s 8M copy
sound copy 'sectors of 4096'
while read -r opts; do
	rm -f l; truncate -s 40M l
	# shellcheck disable=SC2086
	cryptsetup luksFormat -q $opts --pbkdf-force-iterations 1000 --key-file key l || fail "luksFormat $opts"
	"$put" l key plain || fail "$opts"
	opened l $(($(stat -c %s l) - 8388608)) "$opts"
done <<END
--type luks1 --cipher aes-xts-plain64 --key-size 512 --align-payload 8192
--type luks1 --cipher aes-cbc-essiv:sha256 --key-size 256
--type luks2 --pbkdf pbkdf2 --cipher aes-cbc-plain64 --key-size 128 --sector-size 2048
END

# --- what can't be opened
whole() { # FILE MESSAGE [KEY]
	"$map" -u "${3-line}" "$1" >map.out
	grep -q "^note Taken whole: $2" map.out || fail "'$2' isn't said: $(cat map.out)"
	grep -q '^region 0 [0-9]* [0-9]* raw crypto_LUKS 1 disk$' map.out || fail "$2: $(cat map.out)"
	[ "$(grep -c '^extent' map.out)" = 1 ] || fail "$2: not whole"
}
whole l2 'none of the keys opens it' wrong
cp l2 bad; for at in 4100 20500; do printf x | dd of=bad bs=1 seek=$at conv=notrunc status=none; done
whole bad 'the header of the encrypted volume is damaged'
cp l2 bad; truncate -s 10M bad; whole bad 'the header of the encrypted volume is damaged'
encrypted begun --init-only
whole begun 'LUKS: it is being encrypted'
truncate -s 90M odd
# shellcheck disable=SC2086
{
	cryptsetup luksFormat -q --type luks2 $fast --key-file key --cipher aes-cbc-plain --key-size 256 odd
	whole odd "its cipher isn't known here"
	cryptsetup luksFormat -q --type luks2 $fast --key-file key --offset 131072 odd
	whole odd 'LUKS: its data begins at byte 67108864'
}
# nothing in it that is known
rm -f l; truncate -s 24M l
# shellcheck disable=SC2086
cryptsetup luksFormat -q --type luks2 $fast --key-file key l
"$map" -u line l >map.out
grep -q '^volume 0 8388608 8388608 raw - 0 decrypted volume$' map.out || fail "$(cat map.out)"

# --- LVM in LUKS in LVM
vg_text 14 <<END >text
lv root 8 V $(at 3)
END
"$REHOST_TOP/tests/lib/lvmtool.py" make inner $((15 << 20)) text
dd if=plain of=inner bs=1M seek=4 conv=notrunc status=none
rm -f l; truncate -s 31M l
# shellcheck disable=SC2086
cryptsetup luksFormat -q --type luks2 $fast --key-file key l
"$put" l key inner
vg_text 40 <<END >text
lv crypt 31 V $(at 5)
END
"$REHOST_TOP/tests/lib/lvmtool.py" make pv $((41 << 20)) text
dd if=l of=pv bs=1M seek=6 conv=notrunc status=none
expect_status 0 rehost map --unlock wrong --unlock key pv
cat >want <<END
$(printf '%-16s %16s %16s  luks       logical volume vg/crypt, crypto_LUKS, opened by a key' '' $((31 << 20)) $(((17 << 20) + used)))
$(printf '%-16s %16s %16s  lvm          decrypted volume, LVM2_member, volume group vg' '' $((15 << 20)) $(((1 << 20) + used)))
$(printf '%-16s %16s %16s  ext            logical volume vg/root, ext4' '' $((8 << 20)) "$used")
END
grep -v '^pv\|start\|disk' out | cmp - want || fail "$(cat out want)"
expect_status 0 rehost map --json --unlock key pv
[ "$(json out 'd["regions"][0]["volumes"][0]["volumes"][0]["volumes"][0]["fs"]')" = ext4 ] || fail "$(cat out)"

# --- an image of it: small, opens with the old key, and nothing of the key is told
expect_status 0 rehost capture --verify --no-systems --unlock line l2 l2.rhi
grep -q passphrase out err l2.rhi && fail "the passphrase is told"
expect_status 0 rehost info --json l2.rhi
[ "$(json out 'd["used_bytes"]')" = $((16777216 + used)) ] || fail "$(cat out)"
head -c 24M /dev/zero | tr '\0' '\245' >copy
expect_status 0 rehost restore --yes l2.rhi copy
cmp -n $((23 << 20)) copy l2.copy || fail restored # the last MiB is wiped
# interrupted: goes on with the key only
expect_status 0 rehost capture --no-systems --checkpoint 0 --unlock line l2 l.rhi
head -c $(($(stat -c %s l.rhi) * 97 / 100)) l.rhi >l.rhi.part
rm l.rhi
for key in "" "--unlock wrong"; do
	# shellcheck disable=SC2086
	expect_status 4 rehost capture --no-systems --resume $key l2 l.rhi
	grep -q "was begun with --unlock, which opened disk; go on with it the same way" err || fail "$(cat err)"
done
expect_status 0 rehost place --json .
[ "$(json out '[c["unlock"] for c in d["interrupted"]]')" = "[True]" ] || fail "$(cat out)"
expect_status 0 rehost capture --no-systems --resume --unlock line l2 l.rhi
grep -q "captured before" err || fail "$(cat err)"
expect_status 3 rehost capture --no-systems --overwrite --unlock wrong l2 l2.rhi
expect_status 1 rehost capture --no-systems --overwrite --unlock absent l2 l2.rhi
: >empty
expect_status 2 rehost map --unlock empty l2
exit 0
