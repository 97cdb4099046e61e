#!/bin/sh
# Used clusters of FAT12, FAT16 and FAT32: against fsck.fat, and by a copy that
# has nothing but the map's clusters; page files; damage.
# rehost-test: san only
. "$REHOST_TOP/tests/lib/lib.sh"
requires mkfs.vfat fsck.fat mcopy mdel mshowfat
map=$REHOST_B/tests/tools/map-dump
judge=$REHOST_TOP/tests/lib/fsjudge.py
export MTOOLS_SKIP_CHECK=1

mkdir -p tree/dir
for i in 1 2 3 4 5 6 7 8; do seq $((i * 1500)) >"tree/file$i"; echo $i >tree/dir/s$i; done
mk() { # SIZE OPTIONS
	rm -f vol
	truncate -s "$1" vol
	shift
	mkfs.vfat "$@" vol >mkfs.out || { cat mkfs.out; fail "mkfs.vfat $*"; }
	# mtools knows neither such sectors nor FAT32 with few clusters
	case "$*" in *"-S 4096"*|*"-F 32 -s 8"*) return ;; esac
	mcopy -s -i vol tree/* ::
	mdel -i vol ::file3 ::file5
}
judged() { # OPTIONS OF JUDGE
	"$map" vol >map.out
	grep -q "^region 0 [0-9]* [0-9]* fat vfat 0 disk" map.out || fail "$1: $(head -n 5 map.out)"
	"$judge" fat -s vol map.out || fail "$1"
	"$judge" apply vol map.out copy
	fsck.fat -n copy >fsck.out || { cat fsck.out; fail "$1: the copy is not sound"; }
	case "$1" in *"-S 4096"*|*"-F 32 -s 8"*) return ;; esac
	for f in file1 file2 file8 dir/s7; do
		mcopy -n -i copy "::$f" - | cmp - "tree/$f" || fail "$1: $f differs"
	done
}
n=0
while read -r size opts; do
	# shellcheck disable=SC2086
	mk "$size" $opts
	judged "$opts"
	n=$((n + 1))
done <<END
1440K -F 12
8M -F 12 -s 8
16M -F 12 -S 1024
20M -F 16
60M -F 16 -s 2 -f 1
20M -F 16 -S 4096 -s 1
40M -F 32 -s 1
80M -F 32 -R 64 -n LABEL
80M -F 32 -s 8 -f 1
80M -F 32 -S 4096
END
[ $n = 10 ] || fail "$n kinds"
mk 80M -F 32 -n LABEL -i 12345678
judged label
grep -q '^ident 1234-5678 LABEL$' map.out || fail "$(grep ident map.out)"

# a cluster that only the second FAT knows is used, too
mk 20M -F 16
off=$(fsck.fat -nv vol | sed -n 's/.*First FAT starts at byte \([0-9]*\).*/\1/p')
len=$(fsck.fat -nv vol | sed -n 's/ *\([0-9]*\) bytes per FAT .*/\1/p')
"$map" vol >before
printf '\377\377' | dd of=vol bs=1 seek=$((off + len + 9000)) conv=notrunc status=none
"$map" vol >after
[ $(($(awk '/^total/ { print $2 }' after) - $(awk '/^total/ { print $2 }' before))) = 2048 ] ||
	fail "the second FAT is not looked at"

# --- page files
for opts in '60M -F 16' '80M -F 32 -s 1'; do
	# shellcheck disable=SC2086
	mk $opts
	"$map" vol >map.out; base=$(awk '/^total/ { print $2 }' map.out)
	head -c 5000000 /dev/urandom >pagefile.sys
	head -c 3000000 /dev/urandom >win386.swp
	{ printf HIBR; head -c 1000000 /dev/urandom; } >hiberfil.sys
	mcopy -i vol pagefile.sys win386.swp hiberfil.sys ::
	"$map" vol >map.out
	grep -q '^note .*pagefile.sys was left out' map.out || fail "$(grep note map.out)"
	grep -q '^note .*win386.swp was left out' map.out || fail "$(grep note map.out)"
	grep -q 'hiberfil.sys holds a hibernated system .* was kept' map.out || fail "$(grep note map.out)"
	more=$(($(awk '/^total/ { print $2 }' map.out) - base))
	if [ $more -lt 1131072 ] || [ $more -ge 1160000 ]; then fail "$opts: $more"; fi
	"$judge" apply vol map.out copy
	mcopy -n -i copy ::hiberfil.sys - | cmp - hiberfil.sys
	mcopy -n -i copy ::pagefile.sys - | head -c 65536 >a; head -c 65536 pagefile.sys | cmp - a
	"$map" -k vol >map.out; grep -q 'left out' map.out && fail "-k"
	"$judge" fat -s vol map.out || fail "-k"
done
# a page file whose chain runs in a circle is kept
c=$(mshowfat -i vol ::pagefile.sys | sed -n 's/.*<\([0-9]*\)-.*/\1/p')
off=$(fsck.fat -nv vol | sed -n 's/.*First FAT starts at byte \([0-9]*\).*/\1/p')
printf "\\$(printf %o $((c & 255)))\\$(printf %o $((c >> 8)))" |
	dd of=vol bs=1 seek=$((off + (c + 2000) * 4)) conv=notrunc status=none
"$map" vol >map.out
grep -q 'pagefile.sys was left out' map.out && fail "a circle is followed"
grep -q 'win386.swp was left out' map.out || fail "$(grep note map.out)"

# --- doubt
whole() { # TEXT
	"$map" vol >map.out
	grep -q "^region 0 \([0-9]*\) \1 raw vfat 1 disk" map.out || fail "not whole: $(head map.out)"
	grep -q "^note Taken whole: .*$1" map.out || fail "no '$1' in: $(grep ^note map.out)"
}
mk 20M -F 16
truncate -s 10M vol; whole 'but there are only'
mk 20M -F 16
off=$(fsck.fat -nv vol | sed -n 's/.*First FAT starts at byte \([0-9]*\).*/\1/p')
printf '\001' | dd of=vol bs=1 seek="$off" conv=notrunc status=none; whole 'media byte'
mk 20M -F 16; printf '\001\000' | dd of=vol bs=1 seek=22 conv=notrunc status=none
"$map" vol >map.out; grep -q '^region 0 \([0-9]*\) \1 raw - 1' map.out || fail "$(head -n 3 map.out)"
grep -q 'entries for' map.out || fail "$(grep note map.out)"
