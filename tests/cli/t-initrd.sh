#!/bin/sh
# t-initrd.sh: initramfs files in every compression, early microcode in front,
# something appended: judged by cpio and by initramfs-tools' own unmkinitramfs.
. "$REHOST_TOP/tests/lib/lib.sh"
requires cpio gzip xz lzma bzip2 zstd lz4 unmkinitramfs lsinitramfs
tool=$REHOST_B/tests/tools/initrdtool

mkdir -p base/usr/lib/modules/6.1/kernel base/scripts base/conf early/kernel/x86/microcode \
	more/usr/lib/modules/6.1/kernel more/conf
ln -s usr/lib base/lib
ln -s 6.1 base/usr/lib/modules/latest
echo '#!/bin/sh' > base/init
chmod 755 base/init
echo : > base/scripts/functions
: > base/conf/initramfs.conf
echo '# none' > base/conf/modules
head -c 300000 /dev/urandom > base/usr/lib/modules/6.1/kernel/a.ko
head -c 3001 /dev/zero > base/usr/lib/modules/6.1/kernel/b.ko
ln base/usr/lib/modules/6.1/kernel/b.ko base/usr/lib/modules/6.1/kernel/c.ko
echo microcode > early/kernel/x86/microcode/AuthenticAMD.bin
echo nvme > more/conf/modules
head -c 70001 /dev/urandom > more/usr/lib/modules/6.1/kernel/nvme.ko
ln -s nvme.ko more/usr/lib/modules/6.1/kernel/link.ko

(cd early && find . | sort | cpio -o -H newc --quiet) > early.cpio
(cd base && find . | sort | cpio -o -H newc --quiet) > none
gzip -9nc none > gzip
xz --check=crc32 -c none > xz
lzma -c none > lzma
bzip2 -c none > bzip2
zstd -q -c none > zstd
lz4 -q -l -c none > lz4

# What all must become: base with more over it.
cp -a base want && cp -a more/. want/
hashes() { (cd "$1" && find . -type f ! -path './kernel/*' -print0 | sort -z | xargs -0 sha256sum; find . -type l -printf '%p %l\n' | sort); }
hashes want > want.sums

# ours FILE DIR: unpacks by our library
ours() {
	mkdir -p "$2"
	"$tool" files "$1" > tree
	while read -r mode size path arrow target; do
		case $mode in
		04*) mkdir -p "$2/$path" ;;
		10*) "$tool" cat "$1" "$path" > "$2/$path"; [ "$(stat -c %s "$2/$path")" = "$size" ] || fail "$path" ;;
		12*) [ "$arrow" = '->' ]; ln -s "$target" "$2/$path" ;;
		*) fail "$mode $path" ;;
		esac
	done < tree
}

for c in none gzip xz lzma bzip2 zstd lz4; do
	for front in alone early; do
		f=$c-$front
		[ $front = early ] && cat early.cpio "$c" > "$f" || cp "$c" "$f"
		before=$(stat -c %s "$f")
		"$tool" append "$f" more 6.1
		"$tool" list "$f" 6.1 > list
		grep -q '^generator initramfs-tools$' list || fail "$f: $(cat list)"
		grep -q "^segment .* $c [0-9]*$" list || fail "$f: no $c in $(cat list)"
		# the old part is as it was, what was appended begins at a multiple of 4
		head -c "$before" "$f" > old
		[ $front = early ] && cat early.cpio "$c" | cmp - old || cmp "$c" old
		at=$(awk '/^segment/ { at = $2 } END { print at }' list)
		[ $((at % 4)) = 0 ] && [ "$at" -ge "$before" ] || fail "$f: appended at $at"
		tail -c +$((at + 1)) "$f" | cpio -t --quiet > names
		printf '%s\n' conf conf/modules usr usr/lib usr/lib/modules usr/lib/modules/6.1 \
			usr/lib/modules/6.1/kernel usr/lib/modules/6.1/kernel/link.ko \
			usr/lib/modules/6.1/kernel/nvme.ko | diff - names || fail "$f: cpio lists else"
		[ $front = early ] || continue
		rm -rf got
		ours "$f" got
		hashes got | diff want.sums - || fail "$f: our tree is another"
	done
done

# unmkinitramfs takes plain archives apart and wants a compressed one behind them:
# so it judges what we appended where something else follows
cat none-early gzip > more-follows
rm -rf un
unmkinitramfs more-follows un
hashes more > more.sums
hashes un/early3 | diff more.sums - || fail "unmkinitramfs finds else in what we appended"
hashes base > base.sums
hashes un/main | diff base.sums - || fail "unmkinitramfs finds else behind it"

# a rewritten one is one gzip for unmkinitramfs and gzip(1)
"$tool" rewrite lz4 re
"$tool" list re | grep -q '^segment 0 [0-9]* gzip ' || fail "not rewritten"
[ $(($(stat -c %s re) % 4)) = 0 ] || fail "not padded"
gzip -dc re 2>gz.err | cmp - none || fail "gzip unpacks else: $(cat gz.err)"
rm -rf un
unmkinitramfs re un
hashes un | diff base.sums - || fail "unmkinitramfs unpacks else"
lsinitramfs re | sort > listed
(cd base && find . | sed 's|^\./||' | sort) | diff - listed || fail "lsinitramfs lists else"

# several files in one pass, in the order asked for
mkdir taken
"$tool" extract xz-early taken usr/lib/modules/6.1/kernel/nvme.ko init usr/lib/modules/6.1/kernel/c.ko \
	usr/lib/modules/latest/kernel/a.ko > names
[ "$(tr '\n' ' ' < names)" = "0-nvme.ko 1-init 2-c.ko 3-a.ko " ] || fail "$(cat names)"
cmp taken/0-nvme.ko more/usr/lib/modules/6.1/kernel/nvme.ko
cmp taken/1-init base/init
cmp taken/2-c.ko base/usr/lib/modules/6.1/kernel/b.ko
cmp taken/3-a.ko base/usr/lib/modules/6.1/kernel/a.ko

# 100 MB unpacked stay out of memory
head -c 100000000 /dev/zero > base/usr/lib/modules/6.1/kernel/big.ko
(cd base && find . | sort | cpio -o -H newc --quiet) | zstd -q -1 > big
if [ "$REHOST_B" = "${REHOST_B%/san}" ] && command -v /usr/bin/time >/dev/null; then
	/usr/bin/time -f %M -o rss "$tool" list big > list
	[ "$(cat rss)" -lt 30000 ] || fail "$(cat rss) KB of memory"
fi
"$tool" cat big usr/lib/modules/6.1/kernel/c.ko | cmp - base/usr/lib/modules/6.1/kernel/b.ko

# damaged and foreign: a message and a status, nothing appended
for what in "odc:the kernel unpacks newc only" "bin:neither an archive"; do
	kind=${what%%:*}
	(cd early && find . | cpio -o -H "$kind" --quiet 2>/dev/null) > foreign
	expect_status 1 "$tool" list foreign
	grep -q "${what#*:}" err || fail "$kind: $(cat err)"
done
{ cat gzip; echo garbage; } > garbage
cp garbage before
expect_status 4 "$tool" append garbage more 6.1
cmp garbage before
head -c 2000 xz > short
expect_status 1 "$tool" append short more 6.1
grep -q 'cut short' err || fail "$(cat err)"
