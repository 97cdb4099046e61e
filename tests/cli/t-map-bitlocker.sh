#!/bin/sh
# BitLocker: whole without a key; with one, what the NTFS in it uses.  The volumes are
# made here; cryptsetup must understand them, and gives the key that copies are judged by.
. "$REHOST_TOP/tests/lib/lib.sh"
requires cryptsetup mkntfs ntfscp ntfscat ntfsfix sfdisk
map=$REHOST_B/tests/tools/map-dump
judge=$REHOST_TOP/tests/lib/fsjudge.py
tool=$REHOST_TOP/tests/lib/bitlktool.py

printf 'a passphrase' >key; echo 'a passphrase' >line; echo wrong >wrong
head -c 700000 /dev/urandom >random
truncate -s 24M plain; mkntfs -qQF -c 4096 plain >/dev/null 2>&1
ntfscp -q plain random random.bin >/dev/null 2>&1
"$map" plain >plain.map
used=$(awk '/^total/ { print $2 }' plain.map)
for method in 0x8002 0x8005; do
	"$tool" make bl plain plain.map 'a passphrase' $method
	"$map" -u key bl >map.out
	grep -q '^region 0 [0-9]* [0-9]* bitlocker BitLocker 0 disk$' map.out || fail "$method: $(cat map.out)"
	grep -q "^volume 0 25165824 $used ntfs ntfs 0 decrypted volume$" map.out || fail "$method: $(cat map.out)"
	"$tool" judge bl map.out plain.map || fail "$method"
	rm -f vk
	cryptsetup bitlkDump --dump-volume-key --volume-key-file vk -q --key-file key bl >dump.out 2>&1 || fail "$(cat dump.out)"
	"$judge" apply bl map.out copy
	cryptsetup bitlkDump copy >dump.out 2>&1 || fail "$(cat dump.out)"
	"$tool" plain copy plain.map $method vk opened
	ntfsfix -n opened >fix.out 2>&1 || fail "$method: $(cat fix.out)"
	ntfscat opened random.bin | cmp - random || fail "$method: random.bin"
done

# in a partition; and an image of it
truncate -s 30M disk
printf 'start=2048, size=24M, type=7\n' | sfdisk -q --label dos disk
dd if=bl of=disk bs=1M seek=1 conv=notrunc status=none
"$map" -u line disk >map.out
grep -q "^volume 0 25165824 $used ntfs ntfs 0 decrypted volume$" map.out || fail "$(cat map.out)"
expect_status 0 rehost capture --no-systems --unlock key disk disk.rhi
grep -q passphrase out err disk.rhi && fail "the passphrase is told"
expect_status 0 rehost info --json disk.rhi
[ "$(json out 'd["map"][1]["volumes"][0]["fs"]')" = ntfs ] || fail "$(cat out)"
expect_status 0 rehost restore --yes disk.rhi restored
dd if=restored of=copy bs=1M skip=1 count=24 status=none
"$tool" plain copy plain.map $method vk opened
ntfscat opened random.bin | cmp - random || fail "restored: random.bin"

# --- whole
"$map" bl >map.out
grep -q '^region 0 25165824 25165824 raw BitLocker 0 disk$' map.out || fail "$(cat map.out)"
grep -q '^note Taken whole: it is encrypted; --unlock' map.out || fail "$(cat map.out)"
n=0
whole() { # MESSAGE [KEY]
	n=$((n + 1))
	"$map" -u "${2-key}" bad >map.out
	grep -q "^note Taken whole: .*$1" map.out || fail "'$1' isn't said: $(cat map.out)"
	grep -q '^region 0 [0-9]* [0-9]* raw BitLocker 1 disk$' map.out || fail "$1: $(cat map.out)"
	[ "$(grep -c '^extent' map.out)" = 1 ] || fail "$1: not whole"
	cp bl bad
}
spoil() { printf "$2" | dd of=bad bs=1 seek=$(($1)) conv=notrunc status=none; }
first='(17 << 20)'
cp bl bad; whole 'none of the keys opens it' wrong
spoil 0xb0 '\001'; whole 'lies outside of it'
spoil 0xb7 '\200'; whole 'lies outside of it'
spoil 0xb2 '\100'; whole 'lies outside of it'
spoil "$first" x; whole "metadata is damaged"
spoil "$first + 0x0a" '\003'; whole "metadata is damaged"
spoil "$first + 0x22" '\003'; whole "metadata is damaged"
spoil "$first + 0x3a" '\003'; whole "metadata is damaged"
spoil "$first + 0x70" '\001'; whole "metadata is damaged"
spoil "$first + 0x0c" '\002'; whole 'is being encrypted or decrypted'
spoil 11 '\000\020'; whole 'sectors of another size'
spoil "$first + 0x13" '\007'; whole "sizes don't agree"
spoil "$first + 0x12" '\000'; whole "sizes don't agree"
spoil "$first + 0x64" '\000\200'; whole "its cipher isn't known here"
spoil "$first + 0x64" '\007\200'; whole 'of a kind that isn'
truncate -s 20M bad; whole 'lies outside of it'
[ $n = 16 ] || fail "$n cases ran"
exit 0
