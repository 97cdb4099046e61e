#!/bin/sh
# restore --discard and --zero: what the image doesn't use is given back, or reads as
# zeros; what it uses is not touched, nor by a restore with neither of them.
. "$REHOST_TOP/tests/lib/lib.sh"
own_mounts
. "$REHOST_TOP/tests/lib/disks.sh"
requires cmp truncate sgdisk sfdisk mke2fs
truncate -s 18M disk.img
printf 'label: gpt\nsize=10M\nsize=5M\n' | sfdisk -q disk.img
fill_ext root.img 10
put root.img disk.img 1
rehost capture --no-systems disk.img disk.rhi 2>/dev/null
rehost map --json disk.img >map
size=$((20 << 20)) # larger: the backup table moves
head -c $size /dev/urandom >old.img

# unused FILE: how many of the unused bytes beside the ends are 0, old, another
unused() {
	/usr/bin/python3 - "$1" <<-'END'
		import json, sys
		new, old = open(sys.argv[1], "rb").read(), open("old.img", "rb").read()
		at, zero, kept, other = 1 << 20, 0, 0, 0
		for off, n in json.load(open("map"))["extents"] + [[len(new) - 16896, 0]]:
		    if off > at:
		        a, b = (int.from_bytes(x[at:off], "little") for x in (new, old))
		        length = off - at
		        zeros, same, both = (x.to_bytes(length, "little").count(0) for x in (a, a ^ b, a | b))
		        zero, kept, other = zero + zeros, kept + same - both, other + length - zeros - same + both
		    at = max(at, off + n)
		print(zero, kept, other)
	END
}
check() { # FILE: as it must be, whatever was done to the rest
	/usr/bin/python3 - "$1" <<-'END' || fail "used bytes differ"
		import json, sys
		a, b = open("disk.img", "rb").read(), open(sys.argv[1], "rb").read()
		for off, n in json.load(open("map"))["extents"]:
		    n = min(off + n, (18 << 20) - 16896) - max(off, 8192)
		    off = max(off, 8192)
		    assert n <= 0 or a[off:off + n] == b[off:off + n], off
	END
	sgdisk -v "$1" | grep -q 'No problems found' || fail "sgdisk has doubts"
}
allocated() { stat -c %b "$1"; }

for how in "" --delta; do
	cp old.img t.img
	before=$(allocated t.img)
	# shellcheck disable=SC2086
	expect_status 0 rehost restore --yes $how disk.rhi t.img
	check t.img
	unused t.img >n
	read -r zero kept other <n
	[ "$kept" -gt 5000000 ] && [ "$other" = 0 ] || fail "by default unused bytes were changed: $(cat n)"
	[ "$(allocated t.img)" -gt $((before / 3)) ] || fail "by default the file has holes"
	for what in --discard --zero; do
		cp old.img t.img
		# shellcheck disable=SC2086
		expect_status 0 rehost restore --yes --verify $how $what disk.rhi t.img
		check t.img
		[ "$(allocated t.img)" -lt $((before / 2)) ] || fail "$what: $(allocated t.img) of $before blocks are left"
		unused t.img >n
		read -r zero kept other <n
		[ $what = --discard ] || [ "$kept $other" = "0 0" ] || fail "--zero left bytes: $(cat n)"
		[ "$other" = 0 ] || fail "$what made up bytes: $(cat n)"
		# an unchanged disk: only what isn't used is written
		cp t.img again.img
		expect_status 0 rehost restore --yes --delta $what disk.rhi again.img
		grep -q ", 0 bytes written" err || fail "$(cat err)"
		cmp t.img again.img
	done
done

# --- block devices
[ "$(id -u)" = 0 ] || skip "all passed but that of a block device, which needs root"
cp old.img back.img
dev=$(losetup -f --show back.img 2>err) || skip "all passed but that of a block device: $(cat err)"
at_exit "losetup -d $dev"
for what in --discard --zero; do
	for how in "" --delta; do
		dd if=old.img of="$dev" bs=1M conv=fsync status=none
		# shellcheck disable=SC2086
		expect_status 0 rehost restore --yes --verify $how $what disk.rhi "$dev"
		sync
		cp "$dev" t.img
		check t.img
		unused t.img >n
		read -r zero kept other <n
		[ $what = --discard ] || [ "$kept $other" = "0 0" ] || fail "$dev $what left bytes: $(cat n)"
		[ "$zero" -gt 6000000 ] || fail "$dev $what: $(cat n)"
	done
done
